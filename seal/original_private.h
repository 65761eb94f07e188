/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_ORIGINAL_PRIVATE_H
#define SEAL_ORIGINAL_PRIVATE_H

#include "seal/original.h"

#include <glib.h>

#define DIGEST_OCTETS 32

/*
 * What the field tells, packed and in base64: VERSION, the header (with the
 * blank line), the octets of the body as sealed, its line ends as numbers of
 * lines that end in LF, CRLF, LF and so on, the pieces that were put into it
 * (octets before each, and its octets), and the digest.
 */
struct told {
	GByteArray *header;
	uint64_t body;
	GArray *runs; /* of uint64_t */
	GArray *cuts; /* of uint64_t, in pairs */
	guint8 digest[DIGEST_OCTETS];
};

void told_free(struct told **toldp);

/* What the value of a field tells; NULL if it is none that we wrote. */
struct told *told_unpack(const char *value);

#endif
