/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_CHECK_SENDMAIL_H
#define CTL_CHECK_SENDMAIL_H

#include "ctl/check.h"

/* What check_sendmail.c and check_daemons.c share. */

/* An X line: Xname, S=socket, F=flags, T=C:5m;S:10s;R:10s;E:5m */
struct sendmail_filter {
	char *name;
	char *socket;
	char *flag;                 /* T, R, 4 or "" */
	unsigned int reply_seconds; /* R: to everything before the end */
	unsigned int end_seconds;   /* E: to the end of the message */
};

struct sendmail_view {
	struct check_report *report;
	const struct check_target *target;
	struct check_endpoint socket;
	GPtrArray *lines; /* logical lines of the file */
	GArray *filters;  /* of struct sendmail_filter */
};

/* The value of the last "O name=value" line, or NULL. */
const char *sendmail_option(const struct sendmail_view *view, const char *name);

/* Names of filters, separated by commas; those ahead of us see it clear. */
void sendmail_judge_list(struct sendmail_view *view,
    const struct sendmail_filter *ours, const char *list, const char *where);

/* Daemons with lists of their own, and that for copies; check_daemons.c. */
void sendmail_judge_daemons(
    struct sendmail_view *view, const struct sendmail_filter *ours);

#endif
