/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_IMAP_PRIVATE_H
#define MAILBOX_IMAP_PRIVATE_H

#include "mailbox/imap.h"

struct imap {
	struct imap_wire *wire;
	unsigned int tag;
	bool uidplus;
	/* What comes next belongs to what was not read, and may be what a
	 * stranger wrote: nothing more is said or believed. */
	bool broken;
	GString *line;
};

/* An untagged response, after "* ".  0, or -1 with fault. */
typedef int imap_heard(void *context, const char *text, struct fault *fault);

/* One command and its answers. */
struct exchange {
	imap_heard *heard;
	void *context;
	wire_sink *sink; /* for the literal of BODY[] */
	void *sink_context;
	char *done; /* what stands behind the final OK; a new string */
};

/* Says it and waits for the answer.  0: OK.  -1 with fault: PERM if the server
 * says NO or BAD; `what` is what was tried. */
int imap_run(struct imap *imap, struct exchange *exchange, const char *what,
    struct fault *fault, const char *format, ...) G_GNUC_PRINTF(5, 6);

/* Only says it.  0, or -1. */
int imap_say(struct imap *imap, struct fault *fault, const char *text);

/* Until the tagged answer.  1: OK.  2: the server waits for more.  -1. */
int imap_hear(struct imap *imap, struct exchange *exchange, const char *what,
    struct fault *fault);

/* The name as a quoted string, a new one. */
char *imap_quoted(const char *wire);

#endif
