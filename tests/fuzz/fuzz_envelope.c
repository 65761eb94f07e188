/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_envelope.c - what is not an envelope is refused, however it is wrapped
 * and however its text comes in pieces; what opens was sealed so.
 */
#include "config.h"

#include "keys/passphrases.h"
#include "seal/envelope_open.h"
#include "seal/jwe.h"
#include "tests/fuzz/fuzz.h"

/* Of the first example in sealed-envelope(5), so that a seed opens. */
static const unsigned char known[JWE_KEY_OCTETS] = {0x74, 0xdd, 0xbf, 0x97,
    0x93, 0xf9, 0xe5, 0xe6, 0x00, 0x47, 0x84, 0xed, 0x26, 0x10, 0xb5, 0xad,
    0x3c, 0x21, 0x46, 0x96, 0xfb, 0xeb, 0x15, 0x11, 0x6a, 0xdd, 0x76, 0x62,
    0xfd, 0x96, 0xc4, 0x0d};

struct seen {
	int result;
	unsigned int keys;
	uint64_t sealed, opened, sum;
};

static int
on_key(void *context, const struct jwe_header *header, const char *text,
    unsigned char kek[JWE_KEY_OCTETS], struct fault *fault)
{
	struct seen *seen = context;

	(void)fault;
	seen->keys++;
	PROMISE(header->salt_octets >= JWE_SALT_MIN &&
		header->salt_octets <= JWE_SALT_MAX);
	PROMISE(header->iterations >= JWE_ITERATIONS_MIN &&
		header->iterations <= JWE_ITERATIONS_MAX);
	PROMISE(strchr(text, '.') == NULL);
	memcpy(kek, known, sizeof(known));
	return 0;
}

static int
on_sealed(
    void *context, const unsigned char *data, size_t len, struct fault *fault)
{
	struct seen *seen = context;

	(void)data;
	(void)fault;
	PROMISE(len > 0);
	seen->sealed += len;
	return 0;
}

static int
on_opened(
    void *context, const unsigned char *data, size_t len, struct fault *fault)
{
	struct seen *seen = context;
	size_t i;

	(void)fault;
	seen->opened += len;
	for (i = 0; i < len; i++)
		seen->sum = seen->sum * 31 + data[i];
	return 0;
}

static struct seen
read_all(const char *text, size_t size, size_t piece)
{
	struct seen seen = {0};
	const struct jwe_events events = {on_key, on_sealed, on_opened, &seen};
	struct jwe_reader *reader = jwe_reader_make(&events);
	struct fault fault = {FAULT_NONE, ""}, one = {FAULT_NONE, ""};
	size_t n;

	for (; size > 0 && seen.result == 0; text += n, size -= n) {
		n = MIN(size, piece);
		seen.result = jwe_reader_feed(reader, text, n, &fault);
	}
	if (seen.result == 0)
		seen.result = jwe_reader_finish(reader, &fault);
	jwe_not_opened(&one);
	PROMISE(seen.result == 0 || (fault.kind == FAULT_PERM &&
					strcmp(fault.text, one.text) == 0));
	PROMISE(seen.keys <= 1 && seen.opened == seen.sealed);
	jwe_reader_free(&reader);
	return seen;
}

static void
read_alike(const char *text, size_t size)
{
	const struct seen whole = read_all(text, size, size);
	const struct seen octets = read_all(text, size, 1);

	PROMISE(whole.result == octets.result && whole.keys == octets.keys);
	PROMISE(whole.result != 0 || whole.sum == octets.sum);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = g_strndup((const char *)data, size), *words;
	struct fault fault = {FAULT_NONE, ""};
	char *jwe = NULL;

	read_alike((const char *)data, size);
	if (envelope_find((const char *)data, size, &jwe, &fault) == 0)
		read_alike(jwe, strlen(jwe));
	else
		PROMISE(jwe == NULL && fault.kind == FAULT_PERM);
	g_free(jwe);
	/* What was typed: one form, however often it is put into it. */
	words = passphrase_normal(text, NULL);
	if (words != NULL) {
		char *again = passphrase_normal(words, NULL);

		PROMISE(again != NULL && strcmp(words, again) == 0);
		PROMISE(words[0] != '\0' && words[0] != ' ' &&
			words[strlen(words) - 1] != ' ');
		(void)passphrase_acceptable(words, "x@example.org", NULL);
		passphrase_wipe(&again);
	}
	passphrase_wipe(&words);
	g_free(text);
	return 0;
}
