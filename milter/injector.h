/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_INJECTOR_H
#define MILTER_INJECTOR_H

#include "milter/config.h"
#include "milter/journal.h"
#include "milter/mark.h"
#include "milter/pool.h"

/*
 * All that sending copies needs beside the copies: connections to the
 * injection listener, the journal of what was sent, the key of the marks.
 * A runtime's own; safe for many threads.
 */
struct injector {
	struct ledger *ledger;
	struct pool *pool;
	char *target;
	char *domain; /* for the canary's sender */
	GMutex lock;  /* of those below */
	bool checked; /* no sealmilter is on the listener */
	bool asking;  /* somebody is finding out */
};

/* Journal and key outlive a change of the other options. */
struct ledger {
	gatomicrefcount references;
	char *state;
	struct journal *journal;
	struct mark_key mark_key;
};

/*
 * For a configuration that delivers by copies.  `old`, or NULL, is what
 * served until now: its journal goes on.  0 and gives *injectorp away, or -1
 * with fault.
 */
int injector_open(const struct config *config, const struct injector *old,
    struct injector **injectorp, struct fault *fault);
void injector_close(struct injector **injectorp);

/*
 * Copies may be sent to the listener.  1: yes.  0: no, sealmilter itself is on
 * it (PERM fault: a mistake of the configuration).  -1: cannot tell yet.
 */
int injector_check(
    struct injector *injector, gint64 deadline_us, struct fault *fault);

#endif
