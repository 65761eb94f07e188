/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_REPLACE_PRIVATE_H
#define MAILBOX_REPLACE_PRIVATE_H

#include "mailbox/replace.h"

/* A batch that is under way, on the disk until it is done. */
struct replace_journal;

/* Writes it durably.  0 and gives *journalp away, or -1 with fault. */
int replace_journal_make(const struct folder *folder,
    const GPtrArray *replacements, struct replace_journal **journalp,
    struct fault *fault);

/* It is done: removes it.  0, or -1 with fault; frees it. */
int replace_journal_done(
    struct replace_journal **journalp, struct fault *fault);

/* Leaves it for replace_resume(). */
void replace_journal_leave(struct replace_journal **journalp);

/*
 * Looks for the file of a message by its key, whatever its flags are now.
 * 1: *mailp is a new object; 0: it is not there; -1 with fault.
 */
int replace_search(const struct folder *folder, const char *key,
    struct mail **mailp, struct fault *fault);

/* Locks the folder against Dovecot, if it keeps a list of UIDs there, and
 * against others of us.  0, or -1 with fault. */
struct replace_lock;
int replace_lock(const struct folder *folder, struct replace_lock **lockp,
    struct fault *fault);
void replace_unlock(struct replace_lock **lockp);

/* disk_sync() for the new files of a batch (of struct replacement *). */
int replace_sync_files(const struct folder *folder,
    const GPtrArray *replacements, struct fault *fault);

#endif
