/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_JWE_H
#define SEAL_JWE_H

#include "policy/fault.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The JWE of a sealed envelope, doc/sealed-envelope.5: RFC 7516 compact
 * serialization, PBES2-HS512+A256KW (RFC 7518 4.8) and A256GCM (5.3).
 */

#define JWE_KEY_OCTETS 32
#define JWE_WRAPPED_OCTETS 40 /* RFC 3394 */
#define JWE_IV_OCTETS 12
#define JWE_TAG_OCTETS 16
#define JWE_SALT_MIN 8
#define JWE_SALT_MAX 64
#define JWE_ITERATIONS_MIN 10000
#define JWE_ITERATIONS_MAX 5000000
#define JWE_HEADER_CHARS_MAX 2048

/* What the protected header says. */
struct jwe_header {
	unsigned char salt[JWE_SALT_MAX]; /* p2s */
	size_t salt_octets;
	uint32_t iterations; /* p2c */
};

/* Reads a header (JSON); 0, or -1: it is none of an envelope. */
int jwe_header_parse(const char *json, size_t len, struct jwe_header *header);

/* Who reads one; each returns 0, or -1 with a fault. */
struct jwe_events {
	/* Fills in the key-encryption key; text is the header as it stands
	 * there, in base64url. */
	int (*key)(void *context, const struct jwe_header *header,
	    const char *text, unsigned char kek[JWE_KEY_OCTETS],
	    struct fault *fault);
	/* Octets of the ciphertext; or NULL. */
	int (*sealed)(void *context, const unsigned char *data, size_t len,
	    struct fault *fault);
	/* Octets of the content.  Nobody may trust or show them before
	 * jwe_reader_finish() has returned 0. */
	int (*opened)(void *context, const unsigned char *data, size_t len,
	    struct fault *fault);
	void *context;
};

/* Opens a JWE that comes in pieces of any size. */
struct jwe_reader;

struct jwe_reader *jwe_reader_make(const struct jwe_events *events);
void jwe_reader_free(struct jwe_reader **readerp);

/*
 * 0; or -1: the fault is that of an event; or PERM, and for a wrong key and
 * whatever is wrong with the JWE the same; or TEMP: OpenSSL failed.
 */
int jwe_reader_feed(struct jwe_reader *reader, const char *text, size_t len,
    struct fault *fault);
int jwe_reader_finish(struct jwe_reader *reader, struct fault *fault);

/* The fault for all that cannot be opened. */
void jwe_not_opened(struct fault *fault);

#endif
