/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_STORE_PASSPHRASE_H
#define KEYS_STORE_PASSPHRASE_H

#include "keys/passphrases.h"

/*
 * The rows of passphrases in the store, for passphrases.c alone: no other
 * code has to do with them.  The sender is "" in a recipient's own entry.
 */

/* As passphrase_find().  Who calls wipes the passphrase. */
int store_find_passphrase(struct store *store, const char *sender,
    const char *recipient, struct passphrase *passphrase, int64_t *createdp,
    struct fault *fault);

/* Is there an entry of these two?  1, 0, or -1 with fault. */
int store_has_passphrase(struct store *store, const char *sender,
    const char *recipient, struct fault *fault);

/* The others, as passphrase_put(), passphrase_delete(), passphrase_list(). */
int store_put_passphrase(struct store *store, const char *sender,
    const char *recipient, const struct passphrase *passphrase,
    bool only_if_none, struct fault *fault);
int store_delete_passphrase(struct store *store, const char *sender,
    const char *recipient, struct fault *fault);
int store_list_passphrases(struct store *store, const char *recipient,
    GPtrArray **listp, struct fault *fault);

/* A salt in upper-case hex, a new string. */
char *passphrase_fingerprint(const unsigned char salt[PASSPHRASE_SALT_OCTETS]);

#endif
