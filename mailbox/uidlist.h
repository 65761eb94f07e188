/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_UIDLIST_H
#define MAILBOX_UIDLIST_H

#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Dovecot's list of which message (by struct mail's key) has which UID, the
 * file dovecot-uidlist of a folder, in its versions 3 and 1.  Whoever changes
 * it, or the names in cur/ and new/ so that UIDs would change, has the lock.
 */
struct uidlist_lock;

/*
 * Takes the lock as Dovecot 2.3 does: dovecot-uidlist.lock with "PID:HOST" in
 * it; one whose process is gone, or that nobody touched for two minutes, is
 * stale.  Waits for that long and a little.  0 and gives *lockp away; or -1
 * with TEMP.
 */
int uidlist_lock(
    int directory, struct uidlist_lock **lockp, struct fault *fault);

/* NULL is fine. */
void uidlist_unlock(struct uidlist_lock **lockp);

struct uidlist;

/* 1 and gives *listp away; 0: there is none; -1 with fault. */
int uidlist_read(int directory, struct uidlist **listp, struct fault *fault);
void uidlist_free(struct uidlist **listp);

/* The UID of a message, 0 if it is not there. */
uint32_t uidlist_find(const struct uidlist *list, const char *key);

/*
 * Gives a message another name; it keeps its UID and its GUID (which is its
 * first name, unless told), and loses the sizes that are told of it here.
 * False: the list does not have it.
 */
bool uidlist_rename(struct uidlist *list, const char *key, const char *new_key);

/* Writes it in the place of the old one; with the lock only.  It is on the
 * disk once `directory` is synchronized.  0, or -1 with fault, and the old one
 * is as it was. */
int uidlist_write(
    const struct uidlist *list, int directory, struct fault *fault);

#endif
