/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_UNSEAL_H
#define SEAL_UNSEAL_H

#include "seal/seal.h"

/* What to open sealed mail with. */
struct unseal_keys {
	const char *home; /* of GnuPG, whose agent has secret keys; or NULL */
	const char *gpg;
	unsigned int deadline_ms; /* for one run of gpg */
	GBytes
	    *openpgp; /* the file whose keys the agent has, for RNP; or NULL */
	GBytes *pem;  /* a private key and its certificate, or NULL */
};

/*
 * Opens a message that is sealed in that form.  0 and gives away what was
 * sealed, header and body, in a secret spool; or -1 with fault: PERM if these
 * keys do not open it or it was changed on its way, TEMP.
 */
int unseal_message(const struct unseal_keys *keys, enum seal_form form,
    const struct message *message, const struct spool_limits *limits,
    struct spool **payloadp, struct fault *fault);

/*
 * Puts secret keys of a file (OpenPGP, with armor or without) into a GnuPG
 * home, where its agent has them.  0, or -1 with fault.
 */
int unseal_take_secret(
    const struct unseal_keys *keys, GBytes *file, struct fault *fault);

/* True if the octets are PEM; then they are for unseal_keys.pem. */
bool unseal_is_pem(GBytes *file);

/* Names the jobs that run in workers. */
void unseal_gnupg_register(void);

#endif
