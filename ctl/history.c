/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * history.c - what the journal's records say of each message.
 *
 * In:    the records, in their order.
 * Out:   messages with their copies.
 * Never: writes to the journal, or needs its key.
 */
#include "config.h"

#include "ctl/history.h"

#include <string.h>

/* Where a copy is found by its ID. */
struct whose {
	struct history_message *message;
	struct history_copy *copy;
};

static void take_record(void *context, const struct journal_record *record);
static void take_prep(
    struct history *history, const struct journal_record *record);
static void take_copy(struct history *history, struct history_message *message,
    const struct journal_copy *copy, int64_t time);
static void take_end(
    struct history *history, const struct journal_record *record);
static void take_abort(
    struct history *history, const struct journal_record *record);

static void
message_done(gpointer data)
{
	struct history_message *message = data;

	g_ptr_array_unref(message->queue_ids);
	g_ptr_array_unref(message->copies);
	g_free(message);
}

static int
by_turn(gconstpointer a, gconstpointer b)
{
	const struct history_message *x =
	    *(const struct history_message *const *)a;
	const struct history_message *y =
	    *(const struct history_message *const *)b;

	return x->turn < y->turn ? -1 : x->turn > y->turn;
}

int
history_read(const char *path, struct history **historyp, struct fault *fault)
{
	struct history *history = g_new0(struct history, 1);
	int r;

	history->messages = g_ptr_array_new_with_free_func(message_done);
	history->by_id = g_hash_table_new(journal_id_hash, journal_id_equal);
	history->copies = g_hash_table_new_full(
	    journal_id_hash, journal_id_equal, NULL, g_free);
	r = journal_read(path, take_record, history, &history->found, fault);
	if (r != 1) {
		history_free(&history);
		return r;
	}
	g_ptr_array_sort(history->messages, by_turn);
	*historyp = history;
	return 1;
}

void
history_free(struct history **historyp)
{
	struct history *history = g_steal_pointer(historyp);

	if (history == NULL)
		return;
	g_hash_table_unref(history->copies);
	g_hash_table_unref(history->by_id);
	g_ptr_array_unref(history->messages);
	g_free(history);
}

static void
take_record(void *context, const struct journal_record *record)
{
	struct history *history = context;

	history->turns++;
	switch (record->verb) {
	case JOURNAL_PREP:
		take_prep(history, record);
		break;
	case JOURNAL_DONE:
	case JOURNAL_DOUBT:
		take_end(history, record);
		break;
	case JOURNAL_ABRT:
		take_abort(history, record);
		break;
	case JOURNAL_OTHER:
		break;
	}
}

static void
touch(struct history *history, struct history_message *message, int64_t time)
{
	message->last = time;
	message->turn = history->turns;
}

static void
take_prep(struct history *history, const struct journal_record *record)
{
	struct history_message *message =
	    g_hash_table_lookup(history->by_id, &record->id);
	size_t i;

	if (message == NULL) {
		message = g_new0(struct history_message, 1);
		message->id = record->id;
		message->queue_ids = g_ptr_array_new_with_free_func(g_free);
		message->copies = g_ptr_array_new_with_free_func(g_free);
		message->first = record->time;
		g_ptr_array_add(history->messages, message);
		g_hash_table_insert(history->by_id, &message->id, message);
	}
	if (!g_ptr_array_find_with_equal_func(
		message->queue_ids, record->queue_id, g_str_equal, NULL))
		g_ptr_array_add(message->queue_ids, g_strdup(record->queue_id));
	for (i = 0; i < record->count; i++)
		take_copy(history, message, &record->copies[i], record->time);
	touch(history, message, record->time);
}

static void
take_copy(struct history *history, struct history_message *message,
    const struct journal_copy *copy, int64_t time)
{
	struct whose *whose = g_hash_table_lookup(history->copies, &copy->id);

	if (whose == NULL) {
		whose = g_new0(struct whose, 1);
		whose->message = message;
		whose->copy = g_new0(struct history_copy, 1);
		whose->copy->id = copy->id;
		memcpy(whose->copy->form, copy->form, sizeof(copy->form));
		g_ptr_array_add(message->copies, whose->copy);
		g_hash_table_insert(history->copies, &whose->copy->id, whose);
	} else if (whose->copy->state == HISTORY_DONE)
		return;
	whose->copy->state = HISTORY_PREPARED;
	whose->copy->prepared = time;
}

/* One way or the other.  Of some copies no more is known than that. */
static void
take_end(struct history *history, const struct journal_record *record)
{
	struct whose *whose = g_hash_table_lookup(history->copies, &record->id);
	struct history_copy *copy;

	if (whose == NULL)
		return;
	copy = whose->copy;
	touch(history, whose->message, record->time);
	if (record->verb == JOURNAL_DOUBT) {
		copy->doubt = record->time;
		if (copy->state != HISTORY_DONE)
			copy->state = HISTORY_DOUBT;
		return;
	}
	copy->state = HISTORY_DONE;
	copy->done = record->time;
	if (strcmp(record->queue_id, "-") != 0)
		memcpy(
		    copy->queue_id, record->queue_id, sizeof(copy->queue_id));
}

static void
take_abort(struct history *history, const struct journal_record *record)
{
	struct history_message *message =
	    g_hash_table_lookup(history->by_id, &record->id);
	struct history_copy *copy;
	guint i;

	if (message == NULL)
		return;
	touch(history, message, record->time);
	for (i = 0; i < message->copies->len; i++) {
		copy = g_ptr_array_index(message->copies, i);
		if (copy->state == HISTORY_PREPARED)
			copy->state = HISTORY_ABORTED;
	}
}

enum history_state
history_state(const struct history_message *message)
{
	unsigned int count[HISTORY_ABORTED + 1] = {0};
	const struct history_copy *copy;
	guint i;

	for (i = 0; i < message->copies->len; i++) {
		copy = g_ptr_array_index(message->copies, i);
		count[copy->state]++;
	}
	if (count[HISTORY_DOUBT] > 0)
		return HISTORY_DOUBT;
	if (count[HISTORY_PREPARED] > 0)
		return HISTORY_PREPARED;
	return count[HISTORY_ABORTED] > 0 ? HISTORY_ABORTED : HISTORY_DONE;
}

unsigned int
history_done(const struct history_message *message)
{
	const struct history_copy *copy;
	unsigned int done = 0;
	guint i;

	for (i = 0; i < message->copies->len; i++) {
		copy = g_ptr_array_index(message->copies, i);
		done += copy->state == HISTORY_DONE;
	}
	return done;
}

const char *
history_state_name(enum history_state state)
{
	switch (state) {
	case HISTORY_DONE:
		return "done";
	case HISTORY_DOUBT:
		return "in doubt";
	case HISTORY_PREPARED:
		return "prepared";
	case HISTORY_ABORTED:
		break;
	}
	return "aborted";
}

bool
history_has_queue_id(
    const struct history_message *message, const char *queue_id)
{
	const struct history_copy *copy;
	guint i;

	for (i = 0; i < message->copies->len; i++) {
		copy = g_ptr_array_index(message->copies, i);
		if (copy->queue_id[0] != '\0' &&
		    strcmp(copy->queue_id, queue_id) == 0)
			return true;
	}
	return g_ptr_array_find_with_equal_func(
	    message->queue_ids, queue_id, g_str_equal, NULL);
}
