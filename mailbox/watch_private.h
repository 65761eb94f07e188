/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_WATCH_PRIVATE_H
#define MAILBOX_WATCH_PRIVATE_H

#include "mailbox/maildir.h"
#include "mailbox/watch.h"

/* What watch.c and the watches of the kernel (watch_kernel.c) share. */

/* A directory that is watched. */
struct watch_place {
	size_t mailbox;
	char *folder;  /* name, as of maildir_folders() */
	bool messages; /* cur/ or new/ of it */
	bool in_new;
};

/* A file that something happened to. */
struct watch_file {
	size_t mailbox;
	char *folder;
	char *name;
	bool in_new;
	int64_t due; /* ms of CLOCK_MONOTONIC */
	unsigned int tries;
};

struct watch {
	const struct watch_mailbox *mailboxes;
	size_t count;
	const struct watch_times *times;
	const struct watch_observer *observer;
	struct maildir **maildirs;
	int inotify;
	int timer;
	int stop_fd;
	bool full;          /* the kernel watches no more */
	GHashTable *places; /* watch descriptor -> struct watch_place * */
	GHashTable *files;  /* path -> struct watch_file * */
	int64_t *scans;     /* of each mailbox: when to look through it; 0 */
	unsigned int *tries;
};

int64_t watch_now(void);

/* The kernel's queue and timer.  0, or -1 with fault. */
int watch_kernel_open(struct watch *watch, struct fault *fault);
void watch_kernel_close(struct watch *watch);

/* Watches the directories of a folder, all of them new to us or not. */
int watch_kernel_add(struct watch *watch, size_t mailbox,
    const struct folder *folder, struct fault *fault);
/* A directory that is no folder, but may get one in it. */
int watch_kernel_add_top(
    struct watch *watch, size_t mailbox, int directory, struct fault *fault);

/* Takes what the kernel has to tell.  0, or -1 with fault. */
int watch_kernel_read(struct watch *watch, struct fault *fault);

/* Wakes the timer at that time; 0: never. */
void watch_kernel_wake(struct watch *watch, int64_t when);

/* --- What it tells */

void watch_file_happened(struct watch *watch, const struct watch_place *place,
    const char *name, bool is_there);
void watch_scan_at(struct watch *watch, size_t mailbox, int64_t when);

#endif
