/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_USABLE_H
#define KEYS_USABLE_H

#include "keys/inspected.h"

/*
 * May mail for a canonical address (NULL: any) be encrypted to this key at
 * that moment (seconds since 1970)?
 *  1: *subkeyp is the subkey to use; it belongs to the key.
 *  0: *whyp is a new string that says why not ("expired on 2024-03-01").
 * This is the only place that decides it; there is no failure.  Who vouches
 * for a certificate is another question: authorities_vouch().
 */
int usable_find(const struct inspected *key, const char *address, int64_t now,
    const struct subkey **subkeyp, char **whyp);

/*
 * Is it forbidden to use that subkey of it (a fingerprint) for a canonical
 * address, whoever else has the key?  What its holder revoked or the owner of
 * a keyring disabled is.  What expired is not: another copy may be newer.
 *  1: *whyp is a new string that says why ("revoked"); 0: no.
 */
int usable_forbidden(const struct inspected *key, const char *address,
    const char *subkey, char **whyp);

/* The first moment at which that subkey may not be used; 0: never. */
int64_t usable_until(const struct inspected *key, const struct subkey *subkey);

/* A day as people write it here, "2024-03-01"; a new string. */
char *usable_date(int64_t when);

#endif
