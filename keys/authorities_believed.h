/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_AUTHORITIES_BELIEVED_H
#define KEYS_AUTHORITIES_BELIEVED_H

#include "keys/authorities.h"

#include <glib.h>
#include <stdint.h>

struct stack_st_X509; /* openssl/x509.h */

/*
 * The authorities and CRLs of a configuration as they were read at one time,
 * and for whom they were found to vouch.  Counted; safe for many threads.
 */
struct believed {
	gatomicrefcount references;
	struct x509_store_st *store;
	size_t count;    /* of CA certificates */
	GArray *moments; /* of int64_t: when a CRL begins or ends to count */

	GMutex mutex;        /* of what follows */
	GHashTable *vouched; /* fingerprint -> struct span * */
};

/* 0 and gives *believedp away, or -1 with a fault as authorities_open(). */
int believed_read(const struct authorities_config *config,
    struct believed **believedp, struct fault *fault);
struct believed *believed_ref(struct believed *believed);
void believed_unref(struct believed *believed);

/* Is it known already that they vouch for that certificate, at that time? */
bool believed_knows(
    struct believed *believed, const char *fingerprint, int64_t now);

/* They do, from now until the chain (with its root) or what is known of
 * revocations is another. */
void believed_learn(struct believed *believed, const char *fingerprint,
    const struct stack_st_X509 *chain, int64_t now);

#endif
