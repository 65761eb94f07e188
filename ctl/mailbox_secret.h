/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_MAILBOX_SECRET_H
#define CTL_MAILBOX_SECRET_H

#include "ctl/ctl.h"
#include "seal/unseal.h"

/* Secret keys to open mail with, as the owner of a mailbox has them. */
struct secret {
	struct unseal_keys keys;
	char *home;
	bool temporary; /* the home goes with it */
};

/*
 * Those of a file (or NULL: those of this user's gpg-agent).  0 and fills in
 * *secret, which secret_close() ends; or -1 with fault.
 */
int secret_open(const struct config *config, GBytes *file,
    struct secret *secret, struct fault *fault);
void secret_close(struct secret *secret);

#endif
