/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_MAILBOX_RUN_H
#define CTL_MAILBOX_RUN_H

#include "ctl/ctl.h"
#include "ctl/mailbox_owner.h"
#include "mailbox/convert.h"

/* What is to be done with one mailbox. */
struct run_order {
	const struct ctl *ctl;
	const struct maildir *maildir;
	const struct owner *owner;
	enum convert_what what;
	GBytes *key_file; /* with secret keys, or NULL: those of the agent */
	unsigned int jobs;
	bool dry_run;
};

/* What became of it. */
struct run_result {
	uint64_t counts[CONVERT_OUTCOMES];
	uint64_t octets;  /* of messages that were converted */
	uint64_t strays;  /* what is no message, and was left alone */
	uint64_t resumed; /* of a run that died */
	double seconds;
	bool stopped; /* by a signal */
};

/*
 * Runs it, in as many processes as it says, and tells what it left on
 * standard error.  For apart_start(): context is a struct run_order, the
 * octets are a struct run_result.
 */
GBytes *mailbox_run(void *context, struct fault *fault);

#endif
