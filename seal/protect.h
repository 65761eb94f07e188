/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_PROTECT_H
#define SEAL_PROTECT_H

#include "seal/seal.h"

/*
 * Header protection, RFC 9788 section 5.2.1 with hcp_baseline (3.2.1), and
 * protected-headers="v1" beside it for the clients of today.
 */

/* Our own header field; foreign ones are removed. */
#define SEALED_FIELD "Sealmilter-Sealed"
/* Inside only: how a stored message was, see original.h. */
#define ORIGINAL_FIELD "Sealmilter-Original"
#define HIDDEN_SUBJECT " [...]"

/*
 * Fills sealed->outside and sealed->value, and returns the header of the
 * payload up to and with its blank line.  display: the body is one text that a
 * legacy display element goes into (legacy_find()).  If the original's own
 * Content-Type cannot be trusted to be read alike by everybody, the payload is
 * a multipart (with that boundary) with the whole original in it, and
 * *trailerp is what follows the body (else NULL).
 */
GString *protect_header(const struct seal_order *order,
    const struct message *message, const char *boundary, bool display,
    struct sealed *sealed, char **trailerp);

/* True if that will be so. */
bool protect_wraps(const struct message *message);

/*
 * The same outside, for a form that has the whole original inside: returns
 * its header as it came, up to and with the blank line, without what must not
 * be there (Bcc, our own fields).
 */
GString *protect_whole(const struct seal_order *order,
    const struct message *message, struct sealed *sealed);

/*
 * True if parameters can be appended to this Content-Type value and every
 * reader will see them: RFC 2045 section 5.1, comments and quotes closed.
 * *separatorp is what has to stand before the first one, ";" or nothing.
 */
bool protect_can_extend(const char *content_type, const char **separatorp);

#endif
