/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_MAILBOX_TALLY_H
#define CTL_MAILBOX_TALLY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * What became of messages: counted, shown on a terminal while it goes on
 * (standard error), and told at the end (standard output).
 */
struct tally;

enum tally_kind {
	TALLY_DONE,     /* sealed now */
	TALLY_FINISHED, /* sealed by a run that was stopped, finished now */
	TALLY_SEALED,   /* sealed before */
	TALLY_GONE,     /* moved or expunged meanwhile */
	TALLY_KINDS,
};

struct tally *tally_make(bool dry_run);
void tally_free(struct tally **tallyp);

/* Now this folder with so many messages. */
void tally_folder(struct tally *tally, const char *name, uint64_t messages);

/* A folder is left out; it counts as a failure. */
void tally_skip(struct tally *tally, const char *name, const char *why);

void tally_count(struct tally *tally, enum tally_kind kind, uint64_t octets);

/* A message of the folder stays readable; why is printed at once. */
void tally_failure(struct tally *tally, uint32_t uid, const char *why);

bool tally_failed(const struct tally *tally);
void tally_print(struct tally *tally);

#endif
