/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_MAILBOX_OWNER_H
#define CTL_MAILBOX_OWNER_H

#include "ctl/ctl.h"
#include "seal/seal.h"

/*
 * For whom the mail of a mailbox is sealed, and how: what the policy says of
 * mail from elsewhere to that address.
 */
struct owner {
	char *address;
	struct seal_order order; /* without engines and limits */
	GPtrArray *keys;         /* of struct key *, those of its readers */
	GArray *readers;
};

/*
 * Asks for it in a process of its own, as the user of the configuration, who
 * alone can read the store.  0 and gives *ownerp away; or -1 with fault: PERM
 * if the policy seals nothing for that address.
 */
int owner_find(const struct ctl *ctl, const char *address,
    struct owner **ownerp, struct fault *fault);
void owner_free(struct owner **ownerp);

#endif
