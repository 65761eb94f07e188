/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_MAILBOXES_H
#define CTL_MAILBOXES_H

#include "ctl/ctl.h"
#include "mailbox/verify.h"

#include <sys/types.h>

/* A mailbox that was found below a directory of the command line. */
struct mailbox {
	char *path;    /* absolute or as given; the mailbox itself */
	char *address; /* canonical, of its owner; "": its path does not tell */
	uid_t uid;     /* whose directory it is */
	gid_t gid;
};

/* Whose mailbox it is, as --user says: CTL_DONE and *userp, canonical, instead
 * of what it was; or CTL_USAGE, and what is wrong was told. */
int mailboxes_take_user(const char *text, char **userp);

/*
 * The mailboxes in those directories, each of which is one or has some below
 * it, as mail_location of a server puts them.  user (canonical, or NULL) is
 * whose it is, if there is just one.  0 and gives *listp away (of struct
 * mailbox *; frees its own), or -1 with fault.
 */
int mailboxes_find(const struct config *config, char *const *directories,
    size_t count, const char *user, GPtrArray **listp, struct fault *fault);

/*
 * Whose mailbox that is, by its path: the part with an "@"; or USER@DOMAIN of
 * .../DOMAIN/.../USER[/Maildir], where DOMAIN is one of `domains`, or stands
 * right before USER and has a dot.  A new string, canonical; "": nobody knows.
 */
char *mailbox_address(const struct config *config, const char *path);

/*
 * What is known of keys: the store's, and those that mail to the owners of
 * these mailboxes and to whoever the policy names for recovery is sealed to
 * now.  Asked for in another process, as the user of the configuration.
 * 0 and gives *keysp away, or -1 with fault.
 */
int mailboxes_keys(const struct ctl *ctl, const GPtrArray *mailboxes,
    struct verify_keys **keysp, struct fault *fault);

#endif
