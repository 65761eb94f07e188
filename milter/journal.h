/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_JOURNAL_H
#define MILTER_JOURNAL_H

#include "policy/fault.h"
#include "seal/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What became of the copies that were injected, in a file that outlives the
 * process: so that a client that tries again gets those copies delivered that
 * are missing, and no other.  It holds keyed hashes, times, queue IDs and
 * names of forms; nobody's address, and nothing of a message.
 */
#define JOURNAL_ID_OCTETS 16

struct journal_id {
	unsigned char octets[JOURNAL_ID_OCTETS];
};

/* For hash tables of GLib's. */
guint journal_id_hash(gconstpointer id);
gboolean journal_id_equal(gconstpointer a, gconstpointer b);

/* Safe for many threads. */
struct journal;

/* How long a copy is remembered: senders' queues give up after 5 days. */
#define JOURNAL_KEEP_SECONDS ((int64_t)6 * 24 * 3600)

/* What opening it came upon: for the log. */
struct journal_found {
	bool made;               /* there was none before */
	uint64_t records;        /* that could be read */
	uint64_t damaged;        /* places in the middle that could not */
	uint64_t damaged_octets; /* how much those were */
	uint64_t dropped_octets; /* a torn tail, cut off */
};

/* For tests; journal_open() has what a daemon needs. */
struct journal_tuning {
	int64_t keep_seconds;
	uint64_t compact_octets;     /* smaller files are never rewritten */
	unsigned int compact_factor; /* nor those that grew less since */
	int64_t (*wall)(void);       /* seconds since 1970 */
	int64_t (*steady)(void);     /* seconds; never goes back, nor jumps */
};

/*
 * Opens STATE/journal and its key, STATE/journal.key, and makes what was
 * never there.  0, or -1 with fault: it cannot be read or written; another
 * process has it (STATE/journal.lock, named in the fault), and so has this
 * one if it opens it twice; or it is there without its key, or with another.
 */
int journal_open(
    const char *state, struct journal **journalp, struct fault *fault);
int journal_open_tuned(const char *state, const struct journal_tuning *tuning,
    struct journal **journalp, struct fault *fault);
void journal_close(struct journal **journalp);

/* It belongs to the journal and does not change. */
const struct journal_found *journal_found(const struct journal *journal);

/* A key for another purpose, which tells nothing of the journal's own. */
#define JOURNAL_DERIVED_OCTETS 32
void journal_derive_key(const struct journal *journal, const char *purpose,
    unsigned char key[JOURNAL_DERIVED_OCTETS]);

/*
 * What identifies a message when its client tries again: a keyed hash of
 * class (how far its client is trusted), envelope sender, header without
 * what changes from try to try, and body.  queue_id is the MTA's.
 *  1: *idp is that.
 *  0: a later message that is equal need not be the same, because the client
 *     gave it no Message-ID of its own; *idp is a fresh random one.
 * -1: the body cannot be read, or there is no randomness; TEMP.
 */
int journal_message_id(struct journal *journal, const char *class,
    const char *sender, const struct message *message, const char *queue_id,
    struct journal_id *idp, struct fault *fault);

/*
 * A copy of it: for whom (canonical), in which form, to which keys
 * (fingerprints, in any order, NULL-terminated, maybe none).
 */
void journal_copy_id(struct journal *journal, const struct journal_id *message,
    const char *recipient, const char *form, const char *const *keys,
    struct journal_id *idp);

/* 1: that copy has had its 250 within the time the journal keeps; 0: no. */
int journal_is_done(struct journal *journal, const struct journal_id *copy);

/*
 * Claims a message, in memory, for as long as it is under way: a client that
 * tries again meanwhile is to get a 4xx.  1: claimed; 0: it is already.
 */
int journal_claim(struct journal *journal, const struct journal_id *message);
void journal_release(struct journal *journal, const struct journal_id *message);

/*
 * PREP: these copies are about to be sent; forms[i] is a word ("openpgp",
 * "clear").  On the disk when it returns 0; -1 with TEMP, and nothing may be
 * sent then.  The fault may be of a record of another thread: they share
 * what it takes to put them on the disk.
 */
int journal_prepare(struct journal *journal, const struct journal_id *message,
    const char *queue_id, const struct journal_id *copies,
    const char *const *forms, size_t count, struct fault *fault);

/*
 * DONE: that copy had its 250; copy_queue_id is what the reply named, or "-".
 * On the disk when it returns 0.  -1 with TEMP: this process knows it all the
 * same and writes it down with its next record, but a crash would forget.
 */
int journal_done(struct journal *journal, const struct journal_id *copy,
    const char *copy_queue_id, struct fault *fault);

/* ABRT: what is not done of that message is given up, nothing was sent. */
void journal_abort(struct journal *journal, const struct journal_id *message);

/* DOUBT: the copy was sent to its end, and no answer was read. */
void journal_doubt(struct journal *journal, const struct journal_id *copy);

/* --- Reading it, for those who only look */

enum journal_verb {
	JOURNAL_OTHER, /* of a version to come */
	JOURNAL_PREP,
	JOURNAL_DONE,
	JOURNAL_ABRT,
	JOURNAL_DOUBT,
};

#define JOURNAL_WORD_OCTETS 64 /* of a queue ID, with its NUL */
#define JOURNAL_FORM_OCTETS 32
#define JOURNAL_RECORD_COPIES 80 /* more of them are more than one record */

struct journal_copy {
	struct journal_id id;
	char form[JOURNAL_FORM_OCTETS];
};

struct journal_record {
	enum journal_verb verb;
	int64_t time;         /* seconds since 1970 */
	struct journal_id id; /* PREP, ABRT: message; else copy */
	char queue_id
	    [JOURNAL_WORD_OCTETS]; /* PREP: the MTA's; DONE: the copy's */
	size_t count;              /* PREP */
	struct journal_copy copies[JOURNAL_RECORD_COPIES];
};

/*
 * Calls each for all records of a journal, the oldest first, while it may be
 * in use.  1: found (may be NULL) says what could not be read.  0: there is
 * no such file.  -1: it cannot be read, or is no journal.
 */
int journal_read(const char *path,
    void (*each)(void *context, const struct journal_record *record),
    void *context, struct journal_found *found, struct fault *fault);

#endif
