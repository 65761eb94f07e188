/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_JOURNAL_PRIVATE_H
#define MILTER_JOURNAL_PRIVATE_H

#include "milter/journal.h"

#include <glib.h>

#define JOURNAL_KEY_OCTETS 32

/* --- milter/journal_table.c: numbers by ID, 24 octets each */

struct journal_slot {
	struct journal_id id;
	uint64_t value; /* 0: the slot is empty */
};

struct journal_table {
	struct journal_slot *slots;
	size_t size; /* a power of 2, or 0 */
	size_t used;
	uint64_t least; /* smaller values may be forgotten */
};

/* NULL if it is not there; else until the next journal_table_put(). */
struct journal_slot *journal_table_find(
    const struct journal_table *table, const struct journal_id *id);

/* Puts a value (not 0) in place of the old one, if there is one. */
void journal_table_put(
    struct journal_table *table, const struct journal_id *id, uint64_t value);
void journal_table_clear(struct journal_table *table);

/* --- milter/journal_record.c: the format */

#define JOURNAL_HEAD_OCTETS 16
#define JOURNAL_CHECK_OCTETS 8
#define JOURNAL_RECORD_MAX 4116 /* octets of the longest record */

/* The head of a file; check tells its key from others. */
void journal_encode_head(
    GByteArray *out, const unsigned char check[JOURNAL_CHECK_OCTETS]);

/* Appends a record; JOURNAL_OTHER cannot be encoded. */
void journal_encode(GByteArray *out, const struct journal_record *record);

/* Copies a word; what is no word's character becomes '?', the rest is cut. */
void journal_set_word(char *word, size_t size, const char *text);

/* Reads a file from its start. */
struct journal_scan {
	int fd;
	unsigned char *buffer;
	size_t size, start, end; /* of the buffer, of what is in it */
	uint64_t offset;         /* of buffer[start] in the file */
	bool at_end;
	unsigned char check[JOURNAL_CHECK_OCTETS];
	const unsigned char *raw; /* the last record as it stands there */
	size_t raw_octets;
	uint64_t raw_offset;
	uint64_t good_octets; /* up to the end of the last good record */
	uint64_t damaged, damaged_octets;
};

/*
 * 1: the head is good.  0: it is torn, and there is nothing behind.  -1: no
 * journal, one of a newer version, or it cannot be read.  The buffer takes
 * buffer_octets (0: as many as is good), at least one record.
 */
int journal_scan_begin(struct journal_scan *scan, int fd, size_t buffer_octets,
    struct fault *fault);

/* 1: *record is the next one.  0: the end.  -1: a read failed. */
int journal_scan_next(struct journal_scan *scan, struct journal_record *record,
    struct fault *fault);
void journal_scan_end(struct journal_scan *scan);

/* --- milter/journal.c, milter/journal_file.c */

/* A thread that waits for its record to be on the disk. */
struct journal_waiter;

struct journal {
	char *state, *path, *lock_path, *key_path;
	struct journal_tuning tuning;
	struct journal_found found;
	unsigned char key[JOURNAL_KEY_OCTETS];
	int lock; /* its file; closing it gives the lock up */

	GMutex claims_mutex;
	GHashTable *claims; /* a set of struct journal_id */

	/* What follows belongs to the mutex. */
	GMutex mutex;
	GCond changed; /* of syncing and of waiters */
	int fd;
	uint64_t size;       /* of the file, whole records only */
	uint64_t compact_at; /* the size at which to try */
	bool suspect;        /* the file may lack what it was given */
	bool syncing;
	struct journal_waiter *waiting;
	GByteArray *owed; /* records that belong into the file and are not */
	struct journal_table done; /* when, see journal_moment() */
};

/* When that happened that is now as old as that, as the table keeps it. */
uint64_t journal_moment(const struct journal *journal, int64_t age);

/* How long ago that moment was, seconds. */
int64_t journal_age(const struct journal *journal, uint64_t moment);

/* Takes the lock, reads or makes the key, reads or makes the file.  0, -1. */
int journal_file_open(struct journal *journal, struct fault *fault);

/* Is what we write to what the next start will read?  0, or -1. */
int journal_file_still_there(
    const struct journal *journal, struct fault *fault);

/*
 * Writes a new file with what is worth keeping of the old one and all that is
 * known to be done, and puts it in place.  The caller has the mutex, and
 * nobody syncs.  0, or -1 with fault: the old one is still in use, or
 * (journal->suspect) the new one may not be there after a power failure.
 */
int journal_file_rewrite(struct journal *journal, struct fault *fault);

/* --- milter/journal_id.c */

int journal_random(unsigned char *octets, size_t len, struct fault *fault);

/* What the head of a file says of the key. */
void journal_key_check(const unsigned char key[JOURNAL_KEY_OCTETS],
    unsigned char check[JOURNAL_CHECK_OCTETS]);

#endif
