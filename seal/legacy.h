/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_LEGACY_H
#define SEAL_LEGACY_H

#include "seal/seal.h"

#include <glib.h>

/*
 * The legacy display element, RFC 9788 section 5.2: the hidden Subject as
 * text at the start of what people read, for programs that do not know
 * header protection.  It goes into text/plain and text/html, also in
 * multipart/alternative, mixed and related; what is signed, an attachment,
 * in a charset that is no ASCII, or behind the first 64 KiB stays as it is.
 */

/* Octets that go into the body, in front of the one at that offset. */
struct insertion {
	uint64_t at;
	char *text;
	size_t len;
};

/*
 * What to insert (of struct insertion, by offset): nothing where the order
 * does not ask for it, or the message is wrapped, for then it stays as it came
 * (protect_wraps()).
 * *at_rootp: the body is one such text, so that the parameter
 * hp-legacy-display belongs to the message's own Content-Type.
 */
GArray *legacy_find(const struct seal_order *order,
    const struct message *message, bool *at_rootp);

#endif
