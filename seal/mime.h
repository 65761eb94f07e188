/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_MIME_H
#define SEAL_MIME_H

#include "policy/fault.h"

#include <glib.h>

/*
 * The dress of a sealed copy: multipart/encrypted, RFC 3156 section 4.  All
 * of it is constant but the boundary, so that the gate can compare it octet
 * by octet.
 */

#define MIME_BOUNDARY "=_sealed_" /* how ours begin */

/* A boundary that no message contains; 0, or -1 without random octets. */
int mime_boundary(char **boundaryp, struct fault *fault);

/* The value of Content-Type, with its leading blank and a CRLF fold. */
char *mime_content_type(const char *boundary);

/* The body up to the ciphertext's first armor character, and from behind
 * its checksum on. */
char *mime_before(const char *boundary);
char *mime_after(const char *boundary);

#endif
