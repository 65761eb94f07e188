/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_APART_H
#define CTL_APART_H

#include "policy/fault.h"

#include <glib.h>
#include <sys/types.h>

/*
 * Work in a process of its own: as another user when run by root, and what a
 * hostile file does to it happens to nothing else.
 */

/* What to do there: returns octets, or NULL with fault. */
typedef GBytes *apart_work(void *context, struct fault *fault);

/* Who to become when run by root. */
struct apart_user {
	const char *name; /* with all groups; or NULL: */
	uid_t uid;
	gid_t gid;
};

/* The process: 0 is none. */
struct apart {
	pid_t pid;
	int fd;
};

/* Starts it.  0, or -1 with TEMP. */
int apart_start(struct apart *apart, const struct apart_user *user,
    apart_work *work, void *context, struct fault *fault);

/* Waits for what it returns: octets, or NULL with its fault, or with TEMP if
 * it died. */
GBytes *apart_wait(struct apart *apart, struct fault *fault);

#endif
