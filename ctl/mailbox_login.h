/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_MAILBOX_LOGIN_H
#define CTL_MAILBOX_LOGIN_H

#include "ctl/ctl.h"
#include "mailbox/imap_wire.h"

/* The command line of `mailbox encrypt --imap`. */
struct login_options {
	char *url;   /* without the user */
	char *user;  /* as the server knows them */
	char *owner; /* canonical address: whose keys */
	const char *master;
	const char *password_file;
	const char *authorities;
	GPtrArray *folders; /* of char *, borrowed; UTF-8; empty: all */
	bool dry_run;
};

/* CTL_DONE, or another status after a message. */
int login_options_parse(struct login_options *options, const struct ctl *ctl,
    int argc, char *const argv[]);
void login_options_clear(struct login_options *options);

/* Asks for the password, and reads the authorities.  0 and fills in *login,
 * which borrows from the options; or -1 with fault. */
int login_prepare(const struct login_options *options, struct imap_login *login,
    struct fault *fault);
void login_clear(struct imap_login *login);

#endif
