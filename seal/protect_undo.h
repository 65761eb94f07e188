/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_PROTECT_UNDO_H
#define SEAL_PROTECT_UNDO_H

#include "seal/seal.h"

/*
 * Writes the message that was sealed, with CRLF line ends, given what came
 * out and the message it came out of: the header inside without what header
 * protection added, and in front of it what stands outside only, as the trace
 * of its way.  It is not octet by octet what it was (original.h is): a text
 * that shows the Subject stays in the body.  0, or -1 with fault: PERM if the
 * payload has no header.
 */
int protect_undo(const struct spool *payload, const struct message *outside,
    int (*write)(
	void *context, const void *data, size_t len, struct fault *fault),
    void *context, struct fault *fault);

#endif
