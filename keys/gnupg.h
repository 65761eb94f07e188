/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_GNUPG_H
#define KEYS_GNUPG_H

#include "keys/keys.h"
#include "policy/fault.h"

/* A GnuPG home that somebody else looks after; it is only read. */
struct gnupg;

/*
 * 0 and gives *gnupgp away, or -1 with fault if there is no keyring that can
 * be read.
 */
int gnupg_open(const struct keys_config *config, struct gnupg **gnupgp,
    struct fault *fault);
void gnupg_close(struct gnupg **gnupgp);

/*
 * The key for an address: as keys_find().  Safe for many threads.  A home or
 * keyring that is gone, unreadable or damaged, and a gpg that does not
 * answer, give -1.
 */
int gnupg_find(struct gnupg *gnupg, const char *address, struct key **keyp,
    char **whyp, struct fault *fault);

/*
 * Does the keyring have that key, which another source found, and say that it
 * must not be used?  1: *whyp is a new string that says why; 0: no; -1: fault.
 */
int gnupg_forbids(struct gnupg *gnupg, const struct key *key, char **whyp,
    struct fault *fault);

/* The worker's end. */
void gnupg_register(void);

#endif
