/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * journal.c - remember what became of injected copies.
 *
 * In:    IDs of messages and copies, from many threads.
 * Out:   records on the disk, and which copies are done.
 * Never: says that a record is on the disk when that is not certain.
 *
 * Threads that wait for the disk share one fdatasync: the first of them does
 * it for all that have written by then, while others write.  After one that
 * failed nobody can know what the file has (the kernel may have dropped it,
 * and says so once): it is suspect, and nothing more is written until a new
 * file is in its place.  journal_record.c has the format.
 */
#include <config.h>

#include "milter/journal_private.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* More than this owed to the file, and it is written anew. */
#define OWED_OCTETS 65536U

/* So that a moment is a positive number, long before the system started. */
#define MOMENT_BIAS ((int64_t)1 << 40)

struct journal_waiter {
	struct journal_waiter *next;
	bool settled;
	bool failed;
	struct fault fault;
};

static int append(struct journal *journal, const GByteArray *records,
    bool durable, const struct journal_id *done, struct fault *fault);
static int make_usable(struct journal *journal, struct fault *fault);
static int write_records(
    struct journal *journal, const GByteArray *records, struct fault *fault);
static int wait_for_disk(struct journal *journal, struct fault *fault);
static void sync_for_all(struct journal *journal);
static void note(
    struct journal *journal, enum journal_verb verb, const struct journal_id *);

static int64_t
clock_seconds(clockid_t clock)
{
	struct timespec now = {0, 0};

	(void)clock_gettime(clock, &now); /* cannot fail for these */
	return (int64_t)now.tv_sec;
}

static int64_t
wall_seconds(void)
{
	return clock_seconds(CLOCK_REALTIME);
}

static int64_t
steady_seconds(void)
{
	return clock_seconds(CLOCK_BOOTTIME);
}

guint
journal_id_hash(gconstpointer id)
{
	guint hash;

	memcpy(&hash, id, sizeof(hash));
	return hash;
}

gboolean
journal_id_equal(gconstpointer a, gconstpointer b)
{
	return memcmp(a, b, sizeof(struct journal_id)) == 0;
}

int
journal_open(const char *state, struct journal **journalp, struct fault *fault)
{
	static const struct journal_tuning tuning = {
	    .keep_seconds = JOURNAL_KEEP_SECONDS,
#ifdef SEALMILTER_CRASH_POINTS
	    .compact_octets = 1, /* all the time */
	    .compact_factor = 1,
#else
	    .compact_octets = (uint64_t)4 << 20,
	    .compact_factor = 2,
#endif
	    .wall = wall_seconds,
	    .steady = steady_seconds,
	};

	return journal_open_tuned(state, &tuning, journalp, fault);
}

int
journal_open_tuned(const char *state, const struct journal_tuning *tuning,
    struct journal **journalp, struct fault *fault)
{
	struct journal *journal = g_new0(struct journal, 1);

	journal->state = g_strdup(state);
	journal->path = g_build_filename(state, "journal", NULL);
	journal->lock_path = g_build_filename(state, "journal.lock", NULL);
	journal->key_path = g_build_filename(state, "journal.key", NULL);
	journal->tuning = *tuning;
	journal->lock = -1;
	journal->fd = -1;
	journal->owed = g_byte_array_new();
	journal->claims = g_hash_table_new_full(
	    journal_id_hash, journal_id_equal, g_free, NULL);
	g_mutex_init(&journal->claims_mutex);
	g_mutex_init(&journal->mutex);
	g_cond_init(&journal->changed);
	if (journal_file_open(journal, fault) != 0) {
		journal_close(&journal);
		return -1;
	}
	*journalp = journal;
	return 0;
}

void
journal_close(struct journal **journalp)
{
	struct journal *journal = g_steal_pointer(journalp);

	if (journal == NULL)
		return;
	if (journal->fd != -1)
		(void)close(journal->fd);
	if (journal->lock != -1)
		(void)close(journal->lock);
	OPENSSL_cleanse(journal->key, sizeof(journal->key));
	journal_table_clear(&journal->done);
	g_byte_array_unref(journal->owed);
	g_hash_table_unref(journal->claims);
	g_mutex_clear(&journal->claims_mutex);
	g_mutex_clear(&journal->mutex);
	g_cond_clear(&journal->changed);
	g_free(journal->state);
	g_free(journal->path);
	g_free(journal->lock_path);
	g_free(journal->key_path);
	g_free(journal);
}

const struct journal_found *
journal_found(const struct journal *journal)
{
	return &journal->found;
}

/* --- What is done */

uint64_t
journal_moment(const struct journal *journal, int64_t age)
{
	return (uint64_t)(journal->tuning.steady() - age + MOMENT_BIAS);
}

int64_t
journal_age(const struct journal *journal, uint64_t moment)
{
	return journal->tuning.steady() - ((int64_t)moment - MOMENT_BIAS);
}

int
journal_is_done(struct journal *journal, const struct journal_id *copy)
{
	const struct journal_slot *slot;
	int done;

	g_mutex_lock(&journal->mutex);
	slot = journal_table_find(&journal->done, copy);
	done = slot != NULL && journal_age(journal, slot->value) <=
				   journal->tuning.keep_seconds;
	g_mutex_unlock(&journal->mutex);
	return done;
}

int
journal_claim(struct journal *journal, const struct journal_id *message)
{
	struct journal_id *id;
	int claimed = 0;

	g_mutex_lock(&journal->claims_mutex);
	if (!g_hash_table_contains(journal->claims, message)) {
		id = g_new(struct journal_id, 1);
		*id = *message;
		claimed = g_hash_table_add(journal->claims, id);
	}
	g_mutex_unlock(&journal->claims_mutex);
	return claimed;
}

void
journal_release(struct journal *journal, const struct journal_id *message)
{
	g_mutex_lock(&journal->claims_mutex);
	(void)g_hash_table_remove(journal->claims, message);
	g_mutex_unlock(&journal->claims_mutex);
}

/* --- Records */

int
journal_prepare(struct journal *journal, const struct journal_id *message,
    const char *queue_id, const struct journal_id *copies,
    const char *const *forms, size_t count, struct fault *fault)
{
	struct journal_record record = {
	    .verb = JOURNAL_PREP, .time = journal->tuning.wall()};
	GByteArray *records = g_byte_array_new();
	size_t i, n, at = 0;
	int r;

	record.id = *message;
	journal_set_word(record.queue_id, sizeof(record.queue_id), queue_id);
	do {
		n = MIN(count - at, JOURNAL_RECORD_COPIES);
		for (i = 0; i < n; i++) {
			record.copies[i].id = copies[at + i];
			journal_set_word(record.copies[i].form,
			    sizeof(record.copies[i].form), forms[at + i]);
		}
		record.count = n;
		journal_encode(records, &record);
		at += n;
	} while (at < count);
	g_mutex_lock(&journal->mutex);
	r = append(journal, records, true, NULL, fault);
	g_mutex_unlock(&journal->mutex);
	g_byte_array_unref(records);
	return r;
}

int
journal_done(struct journal *journal, const struct journal_id *copy,
    const char *copy_queue_id, struct fault *fault)
{
	struct journal_record record = {
	    .verb = JOURNAL_DONE, .time = journal->tuning.wall()};
	GByteArray *records = g_byte_array_new();
	int r;

	record.id = *copy;
	journal_set_word(
	    record.queue_id, sizeof(record.queue_id), copy_queue_id);
	journal_encode(records, &record);
	g_mutex_lock(&journal->mutex);
	r = append(journal, records, true, copy, fault);
	g_mutex_unlock(&journal->mutex);
	g_byte_array_unref(records);
	return r;
}

void
journal_abort(struct journal *journal, const struct journal_id *message)
{
	note(journal, JOURNAL_ABRT, message);
}

void
journal_doubt(struct journal *journal, const struct journal_id *copy)
{
	note(journal, JOURNAL_DOUBT, copy);
}

/* For the administrator only: not waited for, and not missed. */
static void
note(struct journal *journal, enum journal_verb verb,
    const struct journal_id *id)
{
	struct journal_record record = {
	    .verb = verb, .time = journal->tuning.wall()};
	GByteArray *records = g_byte_array_new();

	record.id = *id;
	journal_encode(records, &record);
	g_mutex_lock(&journal->mutex);
	(void)append(journal, records, false, NULL, NULL);
	g_mutex_unlock(&journal->mutex);
	g_byte_array_unref(records);
}

/* --- Appending; the caller has the mutex */

static void
remember(struct journal *journal, const struct journal_id *copy)
{
	journal->done.least =
	    journal_moment(journal, journal->tuning.keep_seconds);
	journal_table_put(&journal->done, copy, journal_moment(journal, 0));
}

/* done: the copy that is, or NULL; it is, whatever becomes of its record. */
static int
append(struct journal *journal, const GByteArray *records, bool durable,
    const struct journal_id *done, struct fault *fault)
{
	int r;

	r = make_usable(journal, fault);
	if (done != NULL)
		remember(journal, done);
	if (r == 0)
		r = write_records(journal, records, fault);
	if (r == 0)
		return durable ? wait_for_disk(journal, fault) : 0;
	/* A new file will have it anyway. */
	if (done != NULL && !journal->suspect)
		g_byte_array_append(journal->owed, records->data, records->len);
	if (journal->owed->len > OWED_OCTETS)
		journal->suspect = true;
	return -1;
}

/* A file that may be written to; a new one if need be. */
static int
make_usable(struct journal *journal, struct fault *fault)
{
	struct fault why = {FAULT_NONE, ""};

	while (journal->suspect && journal->syncing)
		g_cond_wait(&journal->changed, &journal->mutex);
	if (journal->suspect)
		return journal_file_rewrite(journal, fault);
	if (journal->size < journal->compact_at || journal->syncing)
		return 0;
	/* If that fails the old one does. */
	if (journal_file_rewrite(journal, &why) != 0)
		journal->compact_at =
		    journal->tuning.compact_factor * journal->size;
	if (!journal->suspect)
		return 0;
	if (fault != NULL)
		*fault = why;
	return -1;
}

/* In one write: all of it, or none of it. */
static int
write_records(
    struct journal *journal, const GByteArray *records, struct fault *fault)
{
	GByteArray *all = journal->owed;
	guint owed = all->len;
	ssize_t n;
	int error;

	g_byte_array_append(all, records->data, records->len);
	do
		n = write(journal->fd, all->data, all->len);
	while (n == -1 && errno == EINTR);
	error = n == -1 ? errno : ENOSPC;
	if (n == (ssize_t)all->len) {
		journal->size += all->len;
		g_byte_array_set_size(all, 0);
		return 0;
	}
	g_byte_array_set_size(all, owed);
	/* A part of it must not stand before what comes next. */
	if (ftruncate(journal->fd, (off_t)journal->size) != 0)
		journal->suspect = true;
	fault_set(fault, FAULT_TEMP, "%s: writing: %s", journal->path,
	    g_strerror(error));
	return -1;
}

static int
wait_for_disk(struct journal *journal, struct fault *fault)
{
	struct journal_waiter *self = g_new0(struct journal_waiter, 1);
	int r;

	self->next = journal->waiting;
	journal->waiting = self;
	while (!self->settled) {
		if (journal->syncing)
			g_cond_wait(&journal->changed, &journal->mutex);
		else
			sync_for_all(journal);
	}
	r = self->failed ? -1 : 0;
	if (r != 0 && fault != NULL)
		*fault = self->fault;
	g_free(self);
	return r;
}

static void
settle(struct journal_waiter *waiter, const struct fault *failure)
{
	struct journal_waiter *next;

	for (; waiter != NULL; waiter = next) {
		next = waiter->next;
		waiter->failed = failure != NULL;
		if (failure != NULL)
			waiter->fault = *failure;
		waiter->settled = true;
	}
}

static void
sync_for_all(struct journal *journal)
{
	struct journal_waiter *batch = g_steal_pointer(&journal->waiting);
	struct fault fault = {FAULT_NONE, ""};
	int fd = journal->fd, r, error;

	journal->syncing = true;
	g_mutex_unlock(&journal->mutex);
	do
		r = fdatasync(fd);
	while (r == -1 && errno == EINTR);
	error = errno;
	g_mutex_lock(&journal->mutex);
	if (r != 0)
		fault_set(&fault, FAULT_TEMP, "%s: syncing: %s", journal->path,
		    g_strerror(error));
	else
		r = journal_file_still_there(journal, &fault);
	settle(batch, r == 0 ? NULL : &fault);
	if (r != 0) {
		/* What was written meanwhile may be lost as well. */
		journal->suspect = true;
		settle(g_steal_pointer(&journal->waiting), &fault);
	}
	journal->syncing = false;
	g_cond_broadcast(&journal->changed);
}
