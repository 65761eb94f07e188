/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_KEYBLOCK_H
#define KEYS_KEYBLOCK_H

#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A transferable key (RFC 4880 sections 11.1 and 11.2) as it stands among
 * others.  No signature is looked at: what is said here is only good for
 * finding a key, and for refusing it.
 */
struct keyblock {
	size_t offset;
	size_t len;
	bool secret;          /* there is a secret key or subkey in it */
	unsigned int version; /* of the primary key packet */
	char *fingerprint;    /* upper-case hex; NULL unless version 4 */
	GPtrArray *addresses; /* canonical, of its user IDs */
};

/*
 * Takes octets apart.  0 and gives *blocksp away (of struct keyblock *,
 * empty if there are no keys), or -1 with a PERM fault if these are no
 * OpenPGP packets.
 */
int keyblock_split(
    const void *octets, size_t len, GPtrArray **blocksp, struct fault *fault);

/* The fingerprint (RFC 4880 section 12.2) of the body of a version 4 public
 * key packet, up to 65535 octets: upper-case hex, a new string. */
char *keyblock_fingerprint(const unsigned char *body, size_t len);

/*
 * The canonical address in a user ID, a new string: what stands in its angle
 * brackets, or all of it if there are none.  NULL if that is no address with
 * a domain, or if there are several.
 */
char *keyblock_address(const char *user_id);

#endif
