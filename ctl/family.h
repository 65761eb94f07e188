/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_FAMILY_H
#define CTL_FAMILY_H

#include "ctl/ctl.h"

/* One of the commands that begin with the same word, `sealctl key list`. */
struct ctl_member {
	const char *name;
	ctl_command *run;      /* argv[0] is the name */
	const char *arguments; /* NULL: not in this version */
	const char *what;      /* for people, one line */
};

struct ctl_family {
	const char *name;
	const struct ctl_member *members;
	size_t count;
};

/* Is --help among the arguments?  argv[0] is the command's name. */
bool ctl_wants_help(int argc, char *const argv[]);

/*
 * Runs the command that argv[1] names, or says what there is.  With --help it
 * prints how that, or each, is used, and does not touch ctl.
 */
int ctl_family_run(const struct ctl_family *family, struct ctl *ctl, int argc,
    char *const argv[]);

/* How that member (NULL: each) is used, on standard error; CTL_USAGE. */
int ctl_family_usage(const struct ctl_family *family, const char *name);

#endif
