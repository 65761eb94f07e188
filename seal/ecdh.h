/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_ECDH_H
#define SEAL_ECDH_H

#include "keys/material.h"

#include <stddef.h>

/* ECDH with a key that is made for this one agreement (RFC 6637 section 8). */

#define ECDH_POINT_OCTETS_MAX 133 /* of P-521 */
#define ECDH_FIELD_OCTETS_MAX 66

struct ecdh_curve {
	const char *name; /* in OpenSSL; NULL: X25519 */
	struct octets oid;
	unsigned char prefix; /* of a point */
	size_t point_octets;  /* with it */
	size_t field_octets;
};

/* NULL: it is not known here. */
const struct ecdh_curve *ecdh_find_curve(const struct octets *oid);

/* What is looked up in OpenSSL once, for one thread at a time.  NULL: OpenSSL
 * has not all of it, or no memory. */
struct ecdh_tools;
struct ecdh_tools *ecdh_tools_make(void);
void ecdh_tools_free(struct ecdh_tools **toolsp);

/* What both keys agree upon (field_octets of it; the caller wipes it), and the
 * public half of the one that was made (point_octets). */
struct ecdh_agreement {
	unsigned char shared[ECDH_FIELD_OCTETS_MAX + 1];
	unsigned char point[ECDH_POINT_OCTETS_MAX + 1];
};

/* With the key of this point, which has the curve's octets and prefix.  0, or
 * -1: OpenSSL failed, or no key has such a point. */
int ecdh_agree(struct ecdh_tools *tools, const struct ecdh_curve *curve,
    const struct octets *point, struct ecdh_agreement *agreement);

#endif
