/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_AUTHORITIES_CRL_H
#define KEYS_AUTHORITIES_CRL_H

#include "keys/authorities.h"

#include <glib.h>

/* Where fetched CRLs are kept, in the state directory, and the end of their
 * names; what is written is written under others. */
#define CRL_FOLDER "crl"
#define CRL_SUFFIX ".crl"

/* More octets than this are no CRL. */
#define CRL_OCTETS ((size_t)16 * 1024 * 1024)

/* A place where an authority says that its CRL is. */
struct crl_point {
	char *url; /* http or https, printable ASCII */
	struct x509_st *issuer;
};

void crl_point_free(struct crl_point *point);

/*
 * Adds the places that a certificate, and the authorities above it, name for
 * what may be revoked of them (RFC 5280 section 4.2.1.13), each place once.
 * None, if no authority that is believed vouches for it, or if the certificate
 * has another issuer of CRLs than its own.
 */
void crl_points_add(GPtrArray *points, struct authorities *authorities,
    const struct inspected *key, int64_t now);

/*
 * Keeps what was fetched from a place in STATE/crl, in the file of that
 * place, if it is a CRL of its authority that counts now.
 *  1: it is there now.  0: what is there is the same or newer.
 * -1: PERM: it is none, and what was there stays; TEMP: it cannot be written.
 * *whatp is a new string for people unless it is -1.
 */
int crl_keep(const char *state, const struct crl_point *point, GBytes *octets,
    int64_t now, char **whatp, struct fault *fault);

/*
 * The chain from a certificate to an authority that is believed, whatever
 * was revoked of it; NULL: there is none.  To be freed.  authorities.c.
 */
struct stack_st_X509 *authorities_chain(
    struct authorities *authorities, const struct inspected *key, int64_t now);

#endif
