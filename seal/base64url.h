/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_BASE64URL_H
#define SEAL_BASE64URL_H

#include <stddef.h>

/*
 * base64url without padding (RFC 7515 section 2), in pieces of any size.
 * Reading takes the one text that stands for given octets, and no other.
 * A state begins as {0}.
 */
struct base64url {
	unsigned int bits;
	unsigned int have; /* how many of them */
};

/* Characters that come of so many octets. */
#define BASE64URL_CHARS(octets) (((octets)*4 + 2) / 3)

/* Writes characters, at most BASE64URL_CHARS(len) + 1; returns how many. */
size_t base64url_encode(
    struct base64url *state, const unsigned char *data, size_t len, char *out);

/* Writes the last character, or none; returns how many. */
size_t base64url_encode_end(struct base64url *state, char *out);

/* Writes octets, at most len; 0 and their number, or -1: no base64url. */
int base64url_decode(struct base64url *state, const char *text, size_t len,
    unsigned char *out, size_t *octetsp);

/* 0 if the text may end here, or -1. */
int base64url_decode_end(const struct base64url *state);

#endif
