/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_ORIGINAL_H
#define SEAL_ORIGINAL_H

#include "seal/seal.h"

/*
 * What is sealed is a message with CRLF line ends, in parts inside and in
 * parts outside.  For one that is stored in a file, the octets of that file
 * shall come back: so a field inside (ORIGINAL_FIELD) tells its header, its
 * line ends, what was put into the body, and a digest to check all of it.
 */

/*
 * Reads a message from a file of that many octets.  0 and gives a message and
 * the value of the field (for order->original) away; or -1 with fault: PERM
 * if it is larger than `limit` or has a NUL in its header, TEMP.  Of the
 * order, what legacy_find() needs has to be filled in.
 */
int original_read(int fd, uint64_t octets, uint64_t limit,
    const struct seal_order *order, struct message **messagep, char **valuep,
    struct fault *fault);

/*
 * Writes the file that was sealed, given the payload that came out.
 *  1: `write` got all of it, and the digest is right.
 *  0: the payload does not tell what it was.
 * -1 with fault: PERM if what it tells is not what it holds; nothing of what
 *    was written counts.
 */
int original_restore(const struct spool *payload,
    int (*write)(
	void *context, const void *data, size_t len, struct fault *fault),
    void *context, struct fault *fault);

#endif
