/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_HISTORY_H
#define CTL_HISTORY_H

#include "milter/journal.h"

#include <glib.h>

/* What the journal tells of messages, in the order of their last records. */

enum history_state {
	HISTORY_DONE,
	HISTORY_DOUBT,    /* sent to the end, and no answer read */
	HISTORY_PREPARED, /* under way, or the daemon died meanwhile */
	HISTORY_ABORTED,  /* given up, the client was told to try again */
};

struct history_copy {
	struct journal_id id;
	char form[JOURNAL_FORM_OCTETS];
	char queue_id[JOURNAL_WORD_OCTETS]; /* "": not told */
	enum history_state state;
	int64_t prepared, done, doubt; /* seconds since 1970; 0: never */
};

struct history_message {
	struct journal_id id;
	GPtrArray *queue_ids; /* the MTA's, one for each try */
	GPtrArray *copies;    /* of struct history_copy */
	int64_t first, last;  /* when it was written of */
	uint64_t turn;        /* which record was the last of it */
};

struct history {
	GPtrArray *messages;
	GHashTable *by_id, *copies;
	uint64_t turns;
	struct journal_found found;
};

/* 1 and *historyp; 0: there is no journal; -1 with fault. */
int history_read(
    const char *path, struct history **historyp, struct fault *fault);
void history_free(struct history **historyp);

/* Of all copies: the one that an administrator would ask about first. */
enum history_state history_state(const struct history_message *message);
unsigned int history_done(const struct history_message *message);
const char *history_state_name(enum history_state state);

/* Is that queue ID one of its own, or of its copies? */
bool history_has_queue_id(
    const struct history_message *message, const char *queue_id);

#endif
