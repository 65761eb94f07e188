/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_DESCRIBE_H
#define KEYS_DESCRIBE_H

#include "policy/fault.h"

#include <glib.h>
#include <gpgme.h>

/*
 * Has gpg list and export the keys with those fingerprints (NULL-terminated,
 * at least one) from the context's home, and appends them to found (of struct inspected *, with
 * blobs).  0; or -1 with a TEMP fault if gpg did not do it to the end, which
 * includes that it left one of the fingerprints out.  In a worker only.
 */
int describe_keys(gpgme_ctx_t ctx, const char *fingerprints[], GPtrArray *found,
    struct fault *fault);

/*
 * A worker's answer: such a list with its blobs; parse appends to found, 0,
 * or -1 with a BUG fault.
 */
void describe_pack(GPtrArray *found, GByteArray *answer);
int describe_parse(GBytes *answer, GPtrArray *found, struct fault *fault);

#endif
