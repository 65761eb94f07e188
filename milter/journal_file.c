/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * journal_file.c - the journal's files: lock, key, journal; and a new journal
 * in place of a long one.
 *
 * In:    the state directory.
 * Out:   a file to append to, and what is known to be done.
 * Never: a new key for a journal that is there, or a new journal in place of
 *        one that has not all of it on the disk.
 */
#include <config.h>

#include "milter/journal_private.h"

#include "keys/disk.h"
#include "seal/crash_point.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITE_OCTETS 65536U

/* In the done table while a file is rewritten: it is in the new one. */
#define SEEN ((uint64_t)1 << 63)

struct rewriting {
	struct journal *journal;
	int fd;
	GByteArray *out;
	uint64_t size;               /* of what was written */
	struct journal_table latest; /* the last PREP of each message: where */
};

static int take_lock(struct journal *journal, struct fault *fault);
static int open_key(struct journal *journal, struct fault *fault);
static int make_key(struct journal *journal, struct fault *fault);
static int read_key(struct journal *journal, int fd, struct fault *fault);
static int make_file(struct journal *journal, struct fault *fault);
static int read_file(struct journal *journal, struct fault *fault);
static int load(
    struct journal *journal, struct journal_scan *scan, struct fault *fault);
static int write_new(struct rewriting *rewriting, struct fault *fault);
static int find_latest(struct rewriting *rewriting, struct fault *fault);
static int copy_old(struct rewriting *rewriting, struct fault *fault);
static int keep_record(struct rewriting *rewriting,
    const struct journal_scan *scan, struct journal_record *record,
    struct fault *fault);
static int add_done(struct rewriting *rewriting, struct fault *fault);
static void forget_seen(struct journal *journal);

static int
file_fault(const char *path, struct fault *fault)
{
	fault_set(fault, FAULT_TEMP, "%s: %s", path, g_strerror(errno));
	return -1;
}

int
journal_file_open(struct journal *journal, struct fault *fault)
{
	int r;

	if (mkdir(journal->state, 0700) != 0 && errno != EEXIST)
		return file_fault(journal->state, fault);
	if (take_lock(journal, fault) != 0 || open_key(journal, fault) != 0)
		return -1;
	journal->fd =
	    open(journal->path, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	if (journal->fd != -1)
		r = read_file(journal, fault);
	else if (errno == ENOENT)
		r = make_file(journal, fault);
	else
		r = file_fault(journal->path, fault);
	return r;
}

/* On a file of its own, which stays when the journal gets a new one. */
static int
take_lock(struct journal *journal, struct fault *fault)
{
	journal->lock = open(journal->lock_path,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (journal->lock == -1)
		return file_fault(journal->lock_path, fault);
	if (flock(journal->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return file_fault(journal->lock_path, fault);
	fault_set(fault, FAULT_TEMP,
	    "%s is locked: another sealmilter has this journal",
	    journal->lock_path);
	return -1;
}

/* --- The key */

static int
open_key(struct journal *journal, struct fault *fault)
{
	struct stat st;
	int fd, r;

	fd = open(journal->key_path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd != -1) {
		r = read_key(journal, fd, fault);
		(void)close(fd);
		return r;
	}
	if (errno != ENOENT)
		return file_fault(journal->key_path, fault);
	if (lstat(journal->path, &st) != 0 && errno == ENOENT)
		return make_key(journal, fault);
	fault_set(fault, FAULT_TEMP,
	    "%s is gone: put it back from a backup, or remove %s as well to "
	    "begin anew (what clients send again then may arrive twice)",
	    journal->key_path, journal->path);
	return -1;
}

static int
read_key(struct journal *journal, int fd, struct fault *fault)
{
	unsigned char octets[JOURNAL_KEY_OCTETS + 1];
	struct stat st;
	ssize_t n;

	do
		n = pread(fd, octets, sizeof(octets), 0);
	while (n == -1 && errno == EINTR);
	if (n == -1 || fstat(fd, &st) != 0)
		return file_fault(journal->key_path, fault);
	if (n != JOURNAL_KEY_OCTETS || !S_ISREG(st.st_mode)) {
		fault_set(fault, FAULT_TEMP,
		    "%s is damaged: it has to have %d octets",
		    journal->key_path, JOURNAL_KEY_OCTETS);
		return -1;
	}
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		fault_set(fault, FAULT_TEMP,
		    "%s is open to others: chmod it to 0400",
		    journal->key_path);
		return -1;
	}
	memcpy(journal->key, octets, JOURNAL_KEY_OCTETS);
	return 0;
}

/* Under another name first, so that it is never there in part. */
static int
make_key(struct journal *journal, struct fault *fault)
{
	char *new = g_strconcat(journal->key_path, ".new", NULL);
	int fd = -1, ret = -1;

	if (journal_random(journal->key, JOURNAL_KEY_OCTETS, fault) != 0)
		goto out;
	if (unlink(new) != 0 && errno != ENOENT)
		goto fail;
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	if (fd == -1)
		goto fail;
	errno = ENOSPC;
	if (write(fd, journal->key, JOURNAL_KEY_OCTETS) != JOURNAL_KEY_OCTETS ||
	    fsync(fd) != 0 || rename(new, journal->key_path) != 0)
		goto fail;
	ret = disk_sync_directory(journal->state, fault);
	goto out;
fail:
	(void)file_fault(journal->key_path, fault);
out:
	if (fd != -1)
		(void)close(fd);
	g_free(new);
	return ret;
}

/* --- The file */

/* There is nothing in it but what is in memory, which is nothing as well. */
static int
make_file(struct journal *journal, struct fault *fault)
{
	journal->found.made = true;
	if (journal_file_rewrite(journal, fault) != 0)
		return -1;
	return 0;
}

static int
read_file(struct journal *journal, struct fault *fault)
{
	unsigned char check[JOURNAL_CHECK_OCTETS];
	struct journal_scan scan;
	struct stat st;
	int r;

	if (fstat(journal->fd, &st) != 0)
		return file_fault(journal->path, fault);
	r = journal_scan_begin(&scan, journal->fd, 0, fault);
	journal_key_check(journal->key, check);
	if (r == 1 && memcmp(check, scan.check, sizeof(check)) != 0) {
		fault_set(fault, FAULT_TEMP, "%s is of another key than %s",
		    journal->path, journal->key_path);
		r = -1;
	} else if (r == 1)
		r = load(journal, &scan, fault);
	else if (r == -1)
		fault_prefix(fault, "%s", journal->path);
	else {
		/* A head that is torn. */
		journal->found.dropped_octets = (uint64_t)st.st_size;
		r = journal_file_rewrite(journal, fault);
	}
	journal_scan_end(&scan);
	return r;
}

static int
load(struct journal *journal, struct journal_scan *scan, struct fault *fault)
{
	struct journal_record record;
	uint64_t old = 0;
	int64_t age;
	int r;

	while ((r = journal_scan_next(scan, &record, fault)) == 1) {
		journal->found.records++;
		age = journal->tuning.wall() - record.time;
		if (age > journal->tuning.keep_seconds)
			old += scan->raw_octets;
		else if (record.verb == JOURNAL_DONE)
			journal_table_put(&journal->done, &record.id,
			    journal_moment(journal, MAX(age, 0)));
	}
	if (r != 0) {
		fault_prefix(fault, "%s", journal->path);
		return -1;
	}
	journal->size = scan->good_octets;
	journal->found.damaged = scan->damaged;
	journal->found.damaged_octets = scan->damaged_octets;
	journal->found.dropped_octets =
	    scan->offset + (scan->end - scan->start) - scan->good_octets;
	/* What is relied on from here on is on the disk. */
	if (ftruncate(journal->fd, (off_t)journal->size) != 0 ||
	    fdatasync(journal->fd) != 0)
		return file_fault(journal->path, fault);
	journal->compact_at = MAX(journal->tuning.compact_octets,
	    journal->tuning.compact_factor * (journal->size - old));
	return 0;
}

int
journal_file_still_there(const struct journal *journal, struct fault *fault)
{
	struct stat opened, there;

	if (fstat(journal->fd, &opened) != 0 ||
	    stat(journal->path, &there) != 0)
		return file_fault(journal->path, fault);
	if (opened.st_dev == there.st_dev && opened.st_ino == there.st_ino)
		return 0;
	fault_set(fault, FAULT_TEMP,
	    "%s was replaced by another file: restart the daemon",
	    journal->path);
	return -1;
}

/* --- A new one */

/* May the name be given to another file?  It may be missing. */
static int
may_replace(const struct journal *journal, struct fault *fault)
{
	struct stat locked, there;

	if (fstat(journal->lock, &locked) != 0 ||
	    stat(journal->lock_path, &there) != 0)
		return file_fault(journal->lock_path, fault);
	if (locked.st_dev != there.st_dev || locked.st_ino != there.st_ino) {
		fault_set(fault, FAULT_TEMP,
		    "%s was replaced by another file: restart the daemon",
		    journal->lock_path);
		return -1;
	}
	if (stat(journal->key_path, &there) != 0)
		return file_fault(journal->key_path, fault);
	if (journal->fd == -1 ||
	    (lstat(journal->path, &there) != 0 && errno == ENOENT))
		return 0;
	return journal_file_still_there(journal, fault);
}

int
journal_file_rewrite(struct journal *journal, struct fault *fault)
{
	struct rewriting rewriting = {.journal = journal, .fd = -1};
	char *new = g_strconcat(journal->path, ".new", NULL);
	int ret = -1;

	rewriting.out = g_byte_array_new();
	if (may_replace(journal, fault) != 0)
		goto out;
	if (unlink(new) != 0 && errno != ENOENT) {
		(void)file_fault(new, fault);
		goto out;
	}
	rewriting.fd =
	    open(new, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (rewriting.fd == -1) {
		(void)file_fault(new, fault);
		goto out;
	}
	if (write_new(&rewriting, fault) != 0)
		goto out;
	if (journal->fd != -1)
		crash_point("rotate");
	if (rename(new, journal->path) != 0) {
		(void)file_fault(journal->path, fault);
		goto out;
	}
	/* From here on the new one is what the next start reads, or will. */
	if (journal->fd != -1)
		(void)close(journal->fd);
	journal->fd = rewriting.fd;
	rewriting.fd = -1;
	journal->size = rewriting.size;
	journal->compact_at = MAX(journal->tuning.compact_octets,
	    journal->tuning.compact_factor * journal->size);
	g_byte_array_set_size(journal->owed, 0);
	ret = disk_sync_directory(journal->state, fault);
	journal->suspect = ret != 0;
out:
	if (rewriting.fd != -1) {
		(void)close(rewriting.fd);
		(void)unlink(new);
	}
	forget_seen(journal);
	journal_table_clear(&rewriting.latest);
	g_byte_array_unref(rewriting.out);
	g_free(new);
	return ret;
}

/* However far it came. */
static void
forget_seen(struct journal *journal)
{
	size_t i;

	for (i = 0; i < journal->done.size; i++)
		journal->done.slots[i].value &= ~SEEN;
}

static int
flush(struct rewriting *rewriting, struct fault *fault)
{
	const GByteArray *out = rewriting->out;
	ssize_t n;
	guint at;

	for (at = 0; at < out->len; at += (guint)n) {
		do
			n = write(rewriting->fd, out->data + at, out->len - at);
		while (n == -1 && errno == EINTR);
		if (n <= 0) {
			fault_set(fault, FAULT_TEMP, "%s.new: %s",
			    rewriting->journal->path,
			    n == 0 ? "nothing was written" : g_strerror(errno));
			return -1;
		}
	}
	rewriting->size += out->len;
	g_byte_array_set_size(rewriting->out, 0);
	return 0;
}

static int
flush_if_full(struct rewriting *rewriting, struct fault *fault)
{
	return rewriting->out->len < WRITE_OCTETS ? 0 : flush(rewriting, fault);
}

static int
write_new(struct rewriting *rewriting, struct fault *fault)
{
	struct journal *journal = rewriting->journal;
	unsigned char check[JOURNAL_CHECK_OCTETS];

	journal_key_check(journal->key, check);
	journal_encode_head(rewriting->out, check);
	/*
	 * What a file has lost that failed to be synced is what it cannot be
	 * asked for; but all that is done is in memory as well.
	 */
	if (journal->fd != -1 &&
	    (find_latest(rewriting, fault) != 0 ||
		copy_old(rewriting, fault) != 0) &&
	    !journal->suspect)
		return -1;
	if (add_done(rewriting, fault) != 0 || flush(rewriting, fault) != 0)
		return -1;
	return disk_sync(rewriting->fd, journal->path, fault);
}

static int
find_latest(struct rewriting *rewriting, struct fault *fault)
{
	struct journal_record record;
	struct journal_scan scan;
	int r;

	r = journal_scan_begin(&scan, rewriting->journal->fd, 0, fault);
	while (r == 1 && (r = journal_scan_next(&scan, &record, fault)) == 1)
		if (record.verb == JOURNAL_PREP)
			journal_table_put(
			    &rewriting->latest, &record.id, scan.raw_offset);
	journal_scan_end(&scan);
	return r;
}

static int
copy_old(struct rewriting *rewriting, struct fault *fault)
{
	struct journal_record record;
	struct journal_scan scan;
	int r;

	r = journal_scan_begin(&scan, rewriting->journal->fd, 0, fault);
	while (r == 1 && (r = journal_scan_next(&scan, &record, fault)) == 1)
		if (keep_record(rewriting, &scan, &record, fault) != 0)
			r = -1;
	journal_scan_end(&scan);
	return r;
}

/* The slot of a copy that is done and remembered, or NULL. */
static struct journal_slot *
find_done(const struct journal *journal, const struct journal_id *copy)
{
	struct journal_slot *slot = journal_table_find(&journal->done, copy);

	if (slot == NULL || journal_age(journal, slot->value & ~SEEN) >
				journal->tuning.keep_seconds)
		return NULL;
	return slot;
}

/* Was there another try after that record of a message? */
static bool
is_superseded(
    struct rewriting *rewriting, const struct journal_id *id, uint64_t offset)
{
	const struct journal_slot *slot =
	    journal_table_find(&rewriting->latest, id);

	return slot != NULL && slot->value > offset;
}

/* Of a try that another followed, what was done is all there is to know. */
static void
keep_copies(const struct journal *journal, struct journal_record *record)
{
	size_t i, kept = 0;

	for (i = 0; i < record->count; i++)
		if (find_done(journal, &record->copies[i].id) != NULL)
			record->copies[kept++] = record->copies[i];
	record->count = kept;
}

static int
keep_record(struct rewriting *rewriting, const struct journal_scan *scan,
    struct journal_record *record, struct fault *fault)
{
	const struct journal *journal = rewriting->journal;
	struct journal_slot *slot;

	if (journal->tuning.wall() - record->time >
	    journal->tuning.keep_seconds)
		return 0;
	switch (record->verb) {
	case JOURNAL_PREP:
		if (!is_superseded(rewriting, &record->id, scan->raw_offset))
			break;
		keep_copies(journal, record);
		if (record->count > 0)
			journal_encode(rewriting->out, record);
		return flush_if_full(rewriting, fault);
	case JOURNAL_DONE:
		if ((slot = find_done(journal, &record->id)) == NULL)
			return 0;
		slot->value |= SEEN;
		break;
	case JOURNAL_ABRT:
		if (is_superseded(rewriting, &record->id, scan->raw_offset))
			return 0;
		break;
	case JOURNAL_DOUBT:
	case JOURNAL_OTHER:
		break;
	}
	g_byte_array_append(rewriting->out, scan->raw, (guint)scan->raw_octets);
	return flush_if_full(rewriting, fault);
}

/* Those that are done and not among what was copied. */
static int
add_done(struct rewriting *rewriting, struct fault *fault)
{
	const struct journal *journal = rewriting->journal;
	struct journal_record record = {.verb = JOURNAL_DONE, .queue_id = "-"};
	const struct journal_slot *slot;
	int64_t age;
	size_t i;

	for (i = 0; i < journal->done.size; i++) {
		slot = &journal->done.slots[i];
		if (slot->value == 0 || (slot->value & SEEN) != 0)
			continue;
		age = journal_age(journal, slot->value);
		if (age > journal->tuning.keep_seconds)
			continue;
		record.id = slot->id;
		record.time = journal->tuning.wall() - age;
		journal_encode(rewriting->out, &record);
		if (flush_if_full(rewriting, fault) != 0)
			return -1;
	}
	return 0;
}
