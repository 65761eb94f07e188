/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_AUTHORITIES_H
#define KEYS_AUTHORITIES_H

#include "keys/inspected.h"
#include "policy/fault.h"

/*
 * The certification authorities that an administrator believes, and the
 * lists of what they revoked.  Safe for many threads.
 */
struct authorities;

struct authorities_config {
	/* NULL-terminated lists, or NULL: files with CA certificates or
	 * directories of such files; files with CRLs.  PEM or DER. */
	const char *const *trust;
	const char *const *crls;
	/* A directory of CRL files that are fetched from time to time, or
	 * NULL.  It is read again when it has changed. */
	const char *fetched;
};

/*
 * Reads them.  0 and gives *authoritiesp away, or -1 with a fault that names
 * the file: PERM, or TEMP if OpenSSL failed.
 */
int authorities_open(const struct authorities_config *config,
    struct authorities **authoritiesp, struct fault *fault);
void authorities_close(struct authorities **authoritiesp);

/*
 * Does one of them vouch, at that moment, for a certificate with its blob
 * (RFC 5280 section 6)?  One that was checked by an administrator needs no
 * authority, but stays revoked if one that is believed revoked it.
 * authorities may be NULL: there are none.
 *  1: yes.  0: no; *whyp is a new string that says why.
 * -1: cannot tell: a CRL of its authority is out of date or broken.
 * That they vouch is remembered, for as long as nothing of it changes.
 */
int authorities_vouch(struct authorities *authorities,
    const struct inspected *key, int64_t now, char **whyp, struct fault *fault);

#endif
