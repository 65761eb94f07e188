/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_LINES_H
#define SEAL_LINES_H

#include "seal/spool.h"

/*
 * Octets in pieces of any size become lines of base64 (RFC 2045 section 6.8)
 * in a spool: 64 characters and CRLF for 48 octets.
 */
#define LINES_OCTETS 48
#define LINES_CHARS 66

struct lines;

/* The spool is borrowed. */
struct lines *lines_make(struct spool *spool);
void lines_free(struct lines **linesp);

/* 0, or -1 with fault. */
int lines_write(
    struct lines *lines, const void *data, size_t len, struct fault *fault);

/* What makes no whole line yet.  0, or -1 with fault. */
int lines_end(struct lines *lines, struct fault *fault);

#endif
