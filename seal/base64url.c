/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * base64url.c - base64url without padding (RFC 7515 section 2).
 *
 * In:    octets, or text.
 * Out:   text, or octets.
 * Never: skips what does not belong there, or reads two texts alike.
 */
#include "seal/base64url.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t
base64url_encode(
    struct base64url *state, const unsigned char *data, size_t len, char *out)
{
	unsigned int bits = state->bits, have = state->have;
	char *start = out;
	size_t i;

	for (i = 0; i < len; i++) {
		bits = (bits << 8 | data[i]) & 0xffff;
		for (have += 8; have >= 6; have -= 6)
			*out++ = alphabet[bits >> (have - 6) & 63];
	}
	*state = (struct base64url){bits, have};
	return (size_t)(out - start);
}

size_t
base64url_encode_end(struct base64url *state, char *out)
{
	if (state->have == 0)
		return 0;
	*out = alphabet[state->bits << (6 - state->have) & 63];
	return 1;
}

static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

int
base64url_decode(struct base64url *state, const char *text, size_t len,
    unsigned char *out, size_t *octetsp)
{
	unsigned int bits = state->bits, have = state->have;
	unsigned char *start = out;
	size_t i;
	int value;

	for (i = 0; i < len; i++) {
		if ((value = value_of(text[i])) == -1)
			return -1;
		bits = (bits << 6 | (unsigned int)value) & 0xffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			*out++ = (unsigned char)(bits >> have);
		}
	}
	*state = (struct base64url){bits, have};
	*octetsp = (size_t)(out - start);
	return 0;
}

/* Six bits are a character too much; what is left of others has to be 0. */
int
base64url_decode_end(const struct base64url *state)
{
	return state->have < 6 && (state->bits & ((1U << state->have) - 1)) == 0
		   ? 0
		   : -1;
}
