/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "keys/authorities.h"
#include "keys/keys.h"
#include "milter/config.h"

#include <stdbool.h>

/* Exit statuses that sealctl promises (sealctl.1). */
enum {
	CTL_DONE = 0,
	CTL_REFUSED = 1, /* refused or not found */
	CTL_USAGE = 2,
	CTL_TEMPORARY = 75, /* EX_TEMPFAIL */
};

/* What every command gets. */
struct ctl {
	const char *config_file; /* with -c, or the default; NULL: built in */
	struct config *config;
	bool json;
};

/* A command: argv[0] is its own name; returns an exit status. */
typedef int ctl_command(struct ctl *ctl, int argc, char *const argv[]);

ctl_command ctl_check;      /* ctl/check.c */
ctl_command ctl_policy;     /* ctl/policy.c */
ctl_command ctl_key;        /* ctl/key.c */
ctl_command ctl_seal;       /* ctl/seal.c */
ctl_command ctl_journal;    /* ctl/journal.c */
ctl_command ctl_passphrase; /* ctl/passphrase.c */
ctl_command ctl_open;       /* ctl/open.c */
ctl_command ctl_mailbox;    /* ctl/mailbox.c */

/* Prints "sealctl: ..." on standard error. */
void ctl_error(const char *format, ...) G_GNUC_PRINTF(1, 2);

/*
 * Says what is wrong with an option; option is what getopt_long() returned
 * ('?', or ':' if an argument is missing), its options begin with ":".
 */
void ctl_option_error(int option, char *const argv[]);

/* Prints a fault on standard error; returns the exit status for its kind. */
int ctl_fault(const struct fault *fault);

/*
 * When run by root: becomes the runtime user of the configuration, so that
 * what is made in the state directory belongs to the daemon.  Call it after
 * reading files that only the caller may read.  0, or -1 with fault.
 */
int ctl_become_runtime_user(const struct ctl *ctl, struct fault *fault);

/* Opens the key sources of the configuration as keys_open() does. */
int ctl_open_keys(
    const struct ctl *ctl, struct keys **keysp, struct fault *fault);

/* Reads the authorities of the configuration as authorities_open() does. */
int ctl_open_authorities(const struct ctl *ctl,
    struct authorities **authoritiesp, struct fault *fault);

/*
 * A new directory below the one for temporary files, for what GnuPG keeps
 * while this process works; gpg_home_remove() ends it.  NULL with fault.
 */
char *ctl_make_directory(struct fault *fault);

#endif
