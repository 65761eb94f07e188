/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_WATCH_H
#define MAILBOX_WATCH_H

#include "mailbox/convert.h"

#include <glib.h>
#include <stdbool.h>

/*
 * Seals what comes into mailboxes by other ways than the milter: messages
 * that IMAP clients append or copy.  A file is touched only after nothing
 * happened to it for a while, since clients move and flag what they append.
 */

/* A mailbox to watch; all of it is borrowed. */
struct watch_mailbox {
	const char *path;
	const struct convert_order *order;
	void *context; /* for the observer */
};

struct watch_observer {
	/* What became of a message, as in struct convert_observer, but not of
	 * those that were sealed already; name: of its file, printable. */
	void (*told)(void *context, const char *folder, const char *name,
	    enum convert_outcome outcome, const char *why);
	/* Something did not work, and is tried again. */
	void (*trouble)(void *context, const struct fault *fault);
	/* All that was there when it began is sealed, or was told; now it
	 * waits. */
	void (*ready)(void *context);
	void *context; /* for ready() */
};

struct watch_times {
	unsigned int quiet_ms; /* nothing has happened to a file for so long */
	unsigned int retry_ms; /* after trouble; doubled each time */
};

/*
 * Watches until stop_fd can be read.  0; or -1 with fault: a mailbox that
 * cannot be opened, or the kernel gives no more watches, which names the
 * limit.  Directories that go away meanwhile are no failure.
 */
int watch_run(const struct watch_mailbox *mailboxes, size_t count,
    const struct watch_times *times, const struct watch_observer *observer,
    int stop_fd, struct fault *fault);

#endif
