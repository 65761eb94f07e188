/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_journal.c - what identifies a message and a copy, what a start finds
 * of what was written, however damaged, and for how long.
 *
 * `test_journal sample STATE` makes a journal for tests/ctl/journal.sh.
 */
#include "config.h"

#include "milter/journal_private.h"
#include "tests/unit/mail.h"

#include <sys/stat.h>
#include <time.h>

static int64_t wall = 1700000000, steady = 5000;

static int64_t
test_wall(void)
{
	return wall;
}

static int64_t
test_steady(void)
{
	return steady;
}

static struct journal_tuning tuning = {
    .keep_seconds = JOURNAL_KEEP_SECONDS,
    .compact_octets = 1U << 30,
    .compact_factor = 2,
    .wall = test_wall,
    .steady = test_steady,
};

static char *state, *path;

/* --- Helpers */

/* An empty state directory, which the next one replaces. */
static void
fresh_state(void)
{
	static unsigned int number;

	g_free(state);
	g_free(path);
	state = g_strdup_printf("%s/state%u", mail_directory, number++);
	path = g_build_filename(state, "journal", NULL);
}

/* NULL, after a diagnostic, if it cannot be opened. */
static struct journal *
open_journal(void)
{
	struct journal *journal = NULL;
	struct fault fault = {FAULT_NONE, ""};

	if (journal_open_tuned(state, &tuning, &journal, &fault) == 0)
		return journal;
	printf("# %s\n", fault.text);
	return NULL;
}

static struct journal *
reopen(struct journal *journal)
{
	journal_close(&journal);
	journal = open_journal();
	if (journal == NULL)
		g_error("the journal does not open");
	return journal;
}

static void
refuses(const char *part, const char *name)
{
	struct journal *journal = NULL;
	struct fault fault = {FAULT_NONE, ""};
	int r = journal_open_tuned(state, &tuning, &journal, &fault);

	ok(r == -1 && journal == NULL && fault.kind == FAULT_TEMP,
	    "%s: it is not opened", name);
	has_str(fault.text, part, "... which the fault says");
	journal_close(&journal);
}

static struct journal_id
number_id(unsigned int number)
{
	struct journal_id id = {{0}};
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	guint8 digest[32];
	gsize len = sizeof(digest);

	g_checksum_update(sum, (const guchar *)&number, sizeof(number));
	g_checksum_get_digest(sum, digest, &len);
	g_checksum_free(sum);
	memcpy(id.octets, digest, sizeof(id.octets));
	return id;
}

static int
prepare(struct journal *journal, unsigned int message, unsigned int copy)
{
	const char *const forms[] = {"openpgp"};
	struct journal_id id = number_id(message), one = number_id(copy);
	struct fault fault;

	return journal_prepare(
	    journal, &id, "4jX4Xg1s91z1bh9d", &one, forms, 1, &fault);
}

static int
done(struct journal *journal, unsigned int copy)
{
	struct journal_id id = number_id(copy);
	struct fault fault;

	return journal_done(journal, &id, "4jX4Xg2222z1bh9d", &fault);
}

static int
is_done(struct journal *journal, unsigned int copy)
{
	struct journal_id id = number_id(copy);

	return journal_is_done(journal, &id);
}

static GString *
contents(void)
{
	char *octets;
	gsize len;
	GString *text;

	if (!g_file_get_contents(path, &octets, &len, NULL))
		g_error("%s cannot be read", path);
	text = g_string_new_len(octets, (gssize)len);
	g_free(octets);
	return text;
}

/* In place: the inode stays. */
static void
set_contents(const char *octets, size_t len)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);

	if (fd == -1 || write(fd, octets, len) != (ssize_t)len)
		g_error("%s cannot be written", path);
	close(fd);
}

/* --- IDs */

#define MAIL                                                                   \
	"From: sam@example.net\r\nTo: alice@example.org\r\n"                   \
	"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n"                             \
	"Message-ID: <1@example.net>\r\nSubject: s\r\n\r\nbody\r\n"

static int
message_id(struct journal *journal, const char *class, const char *sender,
    const char *text, struct journal_id *idp)
{
	struct message *message = mail_parse(text);
	struct fault fault;
	int r = journal_message_id(
	    journal, class, sender, message, "4jX4Xg1s91z1bh9d", idp, &fault);

	message_free(&message);
	return r;
}

/* Does a message that differs so have the ID of MAIL? */
static bool
same_as_mail(struct journal *journal, const char *from, const char *to)
{
	char **parts = g_strsplit(MAIL, from, 2), *text;
	struct journal_id one, other;
	bool same;

	if (parts[0] == NULL || parts[1] == NULL)
		g_error("\"%s\" is not in it", from);
	text = g_strjoinv(to, parts);
	if (message_id(journal, "out", "<s@x>", MAIL, &one) != 1 ||
	    message_id(journal, "out", "<s@x>", text, &other) != 1)
		ok(false, "messages with a Message-ID have a lasting ID");
	same = memcmp(&one, &other, sizeof(one)) == 0;
	g_free(text);
	g_strfreev(parts);
	return same;
}

static void
test_message_ids(struct journal *journal)
{
	static const struct {
		const char *name, *from, *to;
		bool same;
	} cases[] = {
	    {"nothing", "From", "From", true},
	    {"Date", "Mon, 1 Jan 2024", "Tue, 2 Jan 2024", true},
	    {"no Date", "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n", "", true},
	    {"Received", "From:", "Received: by x; now\r\nFrom:", true},
	    {"Return-Path", "From:", "return-path: <a@b>\r\nFrom:", true},
	    {"Delivered-To", "From:", "Delivered-To: a@b\r\nFrom:", true},
	    {"X-Original-To", "From:", "X-Original-To: a@b\r\nFrom:", true},
	    {"a result",
		"From:", "Authentication-Results: x; none\r\nFrom:", true},
	    {"a seal", "From:", "ARC-Seal: i=1; t=17\r\nFrom:", true},
	    {"a signature", "From:", "DKIM-Signature: t=17\r\nFrom:", true},
	    {"a mark of ours", "From:", "Sealmilter-Sealed: x\r\nFrom:", true},
	    {"From", "sam@", "ann@", false},
	    {"Subject", "Subject: s", "Subject: t", false},
	    {"one more field", "From:", "X-Mine: 1\r\nFrom:", false},
	    {"one field less", "Subject: s\r\n", "", false},
	    {"a border of name and value", "Subject: s", "Subjects: ", false},
	    {"Message-ID", "<1@", "<2@", false},
	    {"the body", "body", "bodY", false},
	    {"header as body", "Subject: s\r\n\r\n", "\r\nSubject: s\r\n\r\n",
		false},
	};

	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++)
		ok(same_as_mail(journal, cases[i].from, cases[i].to) ==
			cases[i].same,
		    "another try with a change of %s is %s", cases[i].name,
		    cases[i].same ? "the same message" : "another message");
}

static void
test_envelope(struct journal *journal)
{
	struct journal_id one, other;

	(void)message_id(journal, "out", "<s@x>", MAIL, &one);
	(void)message_id(journal, "in", "<s@x>", MAIL, &other);
	ok(memcmp(&one, &other, sizeof(one)) != 0,
	    "another class is another message");
	(void)message_id(journal, "out", "<t@x>", MAIL, &other);
	ok(memcmp(&one, &other, sizeof(one)) != 0,
	    "another sender is another message");
	(void)message_id(journal, "outs", "", MAIL, &one);
	(void)message_id(journal, "out", "s", MAIL, &other);
	ok(memcmp(&one, &other, sizeof(one)) != 0,
	    "so is the same text cut elsewhere");
}

static void
never_twice(struct journal *journal, const char *text, const char *name)
{
	struct journal_id one = {{0}}, other = {{0}};

	ok(message_id(journal, "out", "<s@x>", text, &one) == 0 &&
		message_id(journal, "out", "<s@x>", text, &other) == 0 &&
		memcmp(&one, &other, sizeof(one)) != 0,
	    "%s: each is a message of its own", name);
}

static void
test_no_proof(struct journal *journal)
{
	struct message *message;
	struct journal_id id;
	struct fault fault;

	never_twice(journal, "Subject: cron\r\n\r\nx\r\n", "no Message-ID");
	never_twice(journal, "Message-ID:\r\n\r\nx\r\n", "an empty Message-ID");
	never_twice(journal,
	    "Message-ID: <1@x>\r\nMessage-ID: <2@x>\r\n\r\nx\r\n",
	    "two of them");
	never_twice(journal,
	    "Message-ID: <20240101.4jX4Xg1s91z1bh9d@mx>\r\n\r\nx\r\n",
	    "one with the MTA's queue ID in it");
	message = mail_parse(MAIL);
	ok(journal_message_id(
	       journal, "out", "<s@x>", message, "", &id, &fault) == 0,
	    "without a queue ID nobody knows whose the Message-ID is");
	message_free(&message);
}

static void
test_copy_ids(struct journal *journal)
{
	const char *const ab[] = {"AA", "BB", NULL}, *const ba[] = {
							 "BB", "AA", NULL};
	const char *const a[] = {"AA", NULL}, *const joined[] = {"AABB", NULL};
	const char *const none[] = {NULL};
	struct journal_id message = number_id(1), next = number_id(2), id[9];
	size_t i, j;
	bool differ = true;

	journal_copy_id(journal, &message, "a@x", "openpgp", ab, &id[0]);
	journal_copy_id(journal, &message, "a@x", "openpgp", ba, &id[1]);
	ok(memcmp(&id[0], &id[1], sizeof(id[0])) == 0,
	    "the order of a copy's keys does not matter");
	journal_copy_id(journal, &next, "a@x", "openpgp", ab, &id[1]);
	journal_copy_id(journal, &message, "b@x", "openpgp", ab, &id[2]);
	journal_copy_id(journal, &message, "a@x", "smime", ab, &id[3]);
	journal_copy_id(journal, &message, "a@x", "openpgp", a, &id[4]);
	journal_copy_id(journal, &message, "a@x", "openpgp", joined, &id[5]);
	journal_copy_id(journal, &message, "a@x", "openpgp", none, &id[6]);
	journal_copy_id(journal, &message, "a@xo", "penpgp", ab, &id[7]);
	id[8] = message;
	for (i = 0; i < G_N_ELEMENTS(id); i++)
		for (j = 0; j < i; j++)
			differ &= memcmp(&id[i], &id[j], sizeof(id[0])) != 0;
	ok(differ, "message, recipient, form and keys make another copy");
}

static void
test_ids(void)
{
	struct journal_id one, other;
	struct journal *journal;

	fresh_state();
	journal = open_journal();
	test_message_ids(journal);
	test_envelope(journal);
	test_no_proof(journal);
	test_copy_ids(journal);
	(void)message_id(journal, "out", "<s@x>", MAIL, &one);
	journal = reopen(journal);
	(void)message_id(journal, "out", "<s@x>", MAIL, &other);
	ok(memcmp(&one, &other, sizeof(one)) == 0,
	    "after a restart a message is the same");
	journal_close(&journal);
	fresh_state();
	journal = open_journal();
	(void)message_id(journal, "out", "<s@x>", MAIL, &other);
	ok(memcmp(&one, &other, sizeof(one)) != 0,
	    "with another key it is not");
	journal_close(&journal);
}

/* --- What is kept */

static void
test_life(void)
{
	struct journal *journal;
	struct journal_id id = number_id(10);

	fresh_state();
	journal = open_journal();
	ok(journal_found(journal)->made, "a new journal is made");
	is_int(is_done(journal, 11), 0, "nothing is done in it");
	is_int(prepare(journal, 10, 11), 0, "a copy is prepared");
	is_int(is_done(journal, 11), 0, "which is not done");
	is_int(done(journal, 11), 0, "it is done");
	is_int(is_done(journal, 11), 1, "and known to be");
	is_int(prepare(journal, 10, 12), 0, "another one is prepared");
	journal_abort(journal, &id);
	id = number_id(13);
	journal_doubt(journal, &id);
	journal = reopen(journal);
	ok(!journal_found(journal)->made, "the next start finds it");
	is_int((intmax_t)journal_found(journal)->records, 5,
	    "with all its records");
	ok(journal_found(journal)->dropped_octets == 0 &&
		journal_found(journal)->damaged == 0,
	    "none of them damaged");
	is_int(is_done(journal, 11), 1, "what was done is done");
	is_int(is_done(journal, 12), 0, "what was given up is not");
	is_int(is_done(journal, 13), 0, "nor what is in doubt");
	journal_close(&journal);
}

static void
test_claims(void)
{
	struct journal *journal;
	struct journal_id one = number_id(1), two = number_id(2);

	fresh_state();
	journal = open_journal();
	is_int(journal_claim(journal, &one), 1, "a message can be claimed");
	is_int(journal_claim(journal, &one), 0, "but once");
	is_int(journal_claim(journal, &two), 1, "another one can be");
	journal_release(journal, &one);
	is_int(journal_claim(journal, &one), 1, "and again when it is free");
	journal_close(&journal);
}

static void
test_files(void)
{
	struct journal *journal, *second = NULL;
	struct stat st;
	struct fault fault;
	char *key;
	GString *text;

	fresh_state();
	journal = open_journal();
	(void)done(journal, 1);
	refuses("journal.lock", "while another has it");
	ok(second == NULL && is_done(journal, 1) == 1, "which goes on");
	journal_close(&journal);
	key = g_build_filename(state, "journal.key", NULL);
	ok(stat(key, &st) == 0 && (st.st_mode & 07777) == 0400 &&
		st.st_size == 32,
	    "the key is a file of 32 octets that nobody else can read");
	ok(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600,
	    "nobody else can read the journal");
	(void)chmod(key, 0444);
	refuses("open to others", "a key that others can read");
	(void)chmod(key, 0600);
	if (truncate(key, 31) != 0)
		g_error("%s", key);
	refuses("damaged", "half a key");
	(void)unlink(key);
	refuses("is gone", "without its key");
	ok(stat(key, &st) != 0, "and no new key is made");
	if (!g_file_set_contents(
		key, "0123456789abcdef0123456789abcdef", 32, NULL))
		g_error("%s", key);
	(void)chmod(key, 0400);
	refuses("of another key", "with another key");
	set_contents("SealJrn\002 and what is in that version", 30);
	refuses("version", "a journal of a version to come");
	set_contents("something else", 14);
	refuses("no journal", "another file in its place");
	text = contents();
	is_str(text->str, "something else", "which stays as it is");
	g_string_free(text, TRUE);
	(void)unlink(path);
	ok(journal_open(state, &journal, &fault) == 0,
	    "a journal that is gone is begun anew");
	journal_close(&journal);
	g_free(key);
}

/* --- Damage */

#define COPIES 6

/* PREP and DONE of each of COPIES; ends[i] is behind the DONE of copy i. */
static GString *
make_journal(size_t *ends)
{
	struct journal *journal;
	unsigned int i;
	struct stat st;

	fresh_state();
	journal = open_journal();
	for (i = 0; i < COPIES; i++) {
		if (prepare(journal, 100 + i, i) != 0 ||
		    done(journal, i) != 0 || stat(path, &st) != 0)
			g_error("cannot make a journal");
		ends[i] = (size_t)st.st_size;
	}
	journal_close(&journal);
	return contents();
}

/* Known to be done, as bits. */
static unsigned int
known(struct journal *journal)
{
	unsigned int i, bits = 0;

	for (i = 0; i < COPIES; i++)
		bits |= (unsigned int)is_done(journal, i) << i;
	return bits;
}

static void
test_torn(void)
{
	size_t ends[COPIES], len, bad = 0;
	GString *whole = make_journal(ends);
	struct journal *journal;
	unsigned int i, want;

	for (len = 0; len <= whole->len; len++) {
		set_contents(whole->str, len);
		for (want = 0, i = 0; i < COPIES; i++)
			want |= (unsigned int)(ends[i] <= len) << i;
		journal = open_journal();
		if (journal == NULL || known(journal) != want ||
		    journal_found(journal)->damaged != 0 ||
		    done(journal, 99) != 0) {
			bad++;
			printf("# cut at %zu\n", len);
		}
		if (journal != NULL)
			journal = reopen(journal);
		bad += known(journal) != want || is_done(journal, 99) != 1 ||
		       journal_found(journal)->damaged != 0 ||
		       journal_found(journal)->dropped_octets != 0;
		journal_close(&journal);
	}
	ok(bad == 0,
	    "torn after any of its %zu octets, it has what is whole,"
	    " and goes on",
	    whole->len);
	g_string_free(whole, TRUE);
}

static void
test_flipped(void)
{
	size_t ends[COPIES], at, bad = 0;
	GString *whole = make_journal(ends);
	const unsigned int all = (1U << COPIES) - 1;
	struct journal *journal;
	unsigned int i, hit;

	for (at = JOURNAL_HEAD_OCTETS; at < whole->len; at++) {
		whole->str[at] = (char)(whole->str[at] ^ (1 << at % 8));
		set_contents(whole->str, whole->len);
		whole->str[at] = (char)(whole->str[at] ^ (1 << at % 8));
		for (i = 0; ends[i] <= at; i++)
			continue;
		/* A PREP or a DONE is hit; the others have to be there. */
		hit = 1U << i;
		journal = open_journal();
		if (journal == NULL || (known(journal) | hit) != all ||
		    journal_found(journal)->records != 2 * COPIES - 1 ||
		    journal_found(journal)->damaged +
			    (journal_found(journal)->dropped_octets > 0) !=
			1) {
			bad++;
			printf("# flipped at %zu\n", at);
		}
		journal_close(&journal);
	}
	ok(bad == 0, "a flipped bit in any of %zu octets costs its record only",
	    whole->len - JOURNAL_HEAD_OCTETS);
	for (at = bad = 0; at < JOURNAL_HEAD_OCTETS; at++) {
		whole->str[at] = (char)(whole->str[at] ^ (1 << at % 8));
		set_contents(whole->str, whole->len);
		whole->str[at] = (char)(whole->str[at] ^ (1 << at % 8));
		journal = open_journal();
		bad += journal != NULL;
		journal_close(&journal);
	}
	ok(bad == 0, "... and in the head it is not opened");
	g_string_free(whole, TRUE);
}

static void
test_duplicated(void)
{
	size_t ends[COPIES];
	GString *whole = make_journal(ends);
	struct journal *journal;

	g_string_append_len(whole, whole->str + JOURNAL_HEAD_OCTETS,
	    (gssize)(ends[COPIES - 1] - JOURNAL_HEAD_OCTETS));
	set_contents(whole->str, whole->len);
	journal = open_journal();
	ok(journal != NULL && known(journal) == (1U << COPIES) - 1,
	    "records that are there twice do no harm");
	is_int((intmax_t)journal_found(journal)->records, 4 * COPIES,
	    "... and each is read");
	journal_close(&journal);
	g_string_free(whole, TRUE);
}

/* --- Time */

#define DAY ((int64_t)24 * 3600)

static void
pass(int64_t seconds)
{
	wall += seconds;
	steady += seconds;
}

static void
test_time(void)
{
	const int64_t then = wall;
	struct journal *journal;

	fresh_state();
	journal = open_journal();
	(void)done(journal, 1);
	pass(6 * DAY);
	is_int(is_done(journal, 1), 1, "a copy is remembered for 6 days");
	journal = reopen(journal);
	is_int(is_done(journal, 1), 1, "... through a restart");
	pass(1);
	journal = reopen(journal);
	is_int(is_done(journal, 1), 0, "... and no longer");
	(void)done(journal, 2);
	wall -= 365 * DAY;
	is_int(is_done(journal, 2), 1,
	    "a clock that goes back a year does not make it forget");
	(void)done(journal, 3);
	journal = reopen(journal);
	is_int(is_done(journal, 2), 1, "... nor a restart after that");
	wall += 365 * DAY;
	is_int(is_done(journal, 3), 1,
	    "nor is what was done meanwhile forgotten when it is right again");
	wall += 3650 * DAY;
	is_int(is_done(journal, 3), 1,
	    "a running daemon does not believe in ten years at once");
	steady += 7 * DAY;
	is_int(is_done(journal, 3), 0, "but in days that pass");
	journal_close(&journal);
	wall = then;
}

/* --- Compaction */

struct count {
	size_t prep, done, abrt, doubt, copies;
};

static void
count_record(void *context, const struct journal_record *record)
{
	struct count *count = context;

	count->prep += record->verb == JOURNAL_PREP;
	count->done += record->verb == JOURNAL_DONE;
	count->abrt += record->verb == JOURNAL_ABRT;
	count->doubt += record->verb == JOURNAL_DOUBT;
	count->copies += record->count;
}

static struct count
count_file(void)
{
	struct count count = {0};
	struct fault fault;

	if (journal_read(path, count_record, &count, NULL, &fault) != 1)
		ok(false, "the journal can be read");
	return count;
}

/* Retries that never succeed, in a file that may have 4000 octets. */
static void
test_superseded(void)
{
	struct journal *journal;
	struct journal_id message = number_id(1);
	struct count count;
	struct stat st;
	bool small = true;
	int i;

	fresh_state();
	tuning.compact_octets = 4000;
	journal = open_journal();
	(void)prepare(journal, 1, 2);
	(void)done(journal, 2);
	for (i = 0; i < 500; i++) {
		(void)prepare(journal, 1, 3);
		journal_abort(journal, &message);
		small &= stat(path, &st) == 0 && st.st_size < 4200;
	}
	ok(small, "tries that other tries follow do not make it grow");
	journal = reopen(journal);
	is_int(is_done(journal, 2), 1, "what was done before is done");
	count = count_file();
	ok(count.done == 1 && count.prep >= 2 && count.prep <= 60,
	    "... and its form is known");
	journal_close(&journal);
	tuning.compact_octets = 1U << 30;
}

/* n done, then two weeks, then as many again. */
static void
test_old(void)
{
	struct journal *journal;
	const unsigned int n = 200;
	unsigned int i, missing = 0;
	struct count count;

	fresh_state();
	tuning.compact_octets = 4000;
	journal = open_journal();
	for (i = 0; i < n; i++) {
		(void)prepare(journal, 1000 + i, i);
		(void)done(journal, i);
	}
	count = count_file();
	ok(count.done == n && count.prep == n,
	    "nothing that is young is dropped");
	pass(14 * DAY);
	for (i = n; i < 3 * n; i++) {
		(void)prepare(journal, 1000 + i, i);
		(void)done(journal, i);
	}
	count = count_file();
	is_int((intmax_t)count.done, 2 * n, "what is old is");
	refuses("journal.lock", "after a new file is in place");
	journal = reopen(journal);
	for (i = n; i < 3 * n; i++)
		missing += is_done(journal, i) != 1;
	is_int(missing, 0, "all that is young is known after a restart");
	ok(journal->done.size < 8 * n, "and memory grows with what is kept");
	journal_close(&journal);
	tuning.compact_octets = 1U << 30;
}

static void
test_gone(void)
{
	struct journal *journal;
	char *aside;

	fresh_state();
	journal = open_journal();
	(void)done(journal, 1);
	(void)unlink(path);
	is_int(done(journal, 2), -1,
	    "a record in a file that was removed is none");
	is_int(done(journal, 3), 0, "the next one is in a new file");
	journal = reopen(journal);
	ok(is_done(journal, 1) && is_done(journal, 2) && is_done(journal, 3),
	    "... which has all that was known");
	aside = g_strconcat(path, ".aside", NULL);
	(void)rename(path, aside);
	set_contents("somebody else's", 15);
	is_int(done(journal, 4), -1, "nor one in a file that was replaced");
	is_int(done(journal, 5), -1, "and the other file is left alone");
	journal_close(&journal);
	(void)rename(aside, path);
	journal = open_journal();
	is_int(is_done(journal, 1), 1, "put back, it is used again");
	journal_close(&journal);
	g_free(aside);
}

/* --- Many */

#define THREADS 8
#define EACH 250

static gint syncs;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

int
__wrap_fdatasync(int fd)
{
	g_atomic_int_inc(&syncs);
	return __real_fdatasync(fd);
}

struct work {
	struct journal *journal;
	unsigned int first;
	int bad;
};

static gpointer
work(gpointer data)
{
	struct work *mine = data;
	unsigned int i;

	for (i = 0; i < EACH; i++) {
		mine->bad += prepare(mine->journal, 1, mine->first + i) != 0 ||
			     done(mine->journal, mine->first + i) != 0 ||
			     is_done(mine->journal, mine->first + i) != 1;
	}
	return NULL;
}

static void
test_threads(void)
{
	struct work works[THREADS];
	GThread *threads[THREADS];
	struct journal *journal;
	unsigned int i;
	int bad = 0;

	fresh_state();
	tuning.compact_octets = 20000;
	journal = open_journal();
	g_atomic_int_set(&syncs, 0);
	for (i = 0; i < THREADS; i++) {
		works[i] = (struct work){journal, 100000 * (i + 1), 0};
		threads[i] = g_thread_new("work", work, &works[i]);
	}
	for (i = 0; i < THREADS; i++) {
		g_thread_join(threads[i]);
		bad += works[i].bad;
	}
	is_int(bad, 0, "threads write all that they have to");
	printf("# %d records, %d times to the disk\n", 2 * THREADS * EACH,
	    g_atomic_int_get(&syncs));
	ok(g_atomic_int_get(&syncs) < 2 * THREADS * EACH,
	    "and go to the disk together");
	journal = reopen(journal);
	for (i = 0, bad = 0; i < THREADS * EACH; i++)
		bad +=
		    is_done(journal, 100000 * (i / EACH + 1) + i % EACH) != 1;
	is_int(bad, 0, "all of it is there after a restart");
	is_int((intmax_t)journal_found(journal)->damaged, 0, "undamaged");
	journal_close(&journal);
	tuning.compact_octets = 1U << 30;
}

static void
test_large(void)
{
	const size_t n = 1000;
	struct journal_id *copies = g_new(struct journal_id, n), message;
	const char **forms = g_new(const char *, n);
	struct journal *journal;
	struct fault fault;
	struct count count;
	size_t i;

	for (i = 0; i < n; i++) {
		copies[i] = number_id((unsigned int)i);
		forms[i] = "a form with a name that is much too long for it";
	}
	message = number_id(5000);
	fresh_state();
	journal = open_journal();
	is_int(journal_prepare(journal, &message,
		   "a queue ID\r\nwith what does not belong there, and longer "
		   "than any that a mail server would give to a message",
		   copies, forms, n, &fault),
	    0, "1000 copies are prepared at once");
	count = count_file();
	is_int((intmax_t)count.copies, (intmax_t)n, "... and all are read");
	journal_close(&journal);
	g_free(copies);
	g_free(forms);
}

/* --- A journal for other tests */

static int64_t
sample_wall(void)
{
	return (int64_t)time(NULL) - wall;
}

/* wall: how long ago. */
static int
make_sample(const char *directory)
{
	const struct journal_tuning now = {
	    JOURNAL_KEEP_SECONDS, 1U << 30, 2, sample_wall, test_steady};
	const char *const forms[] = {"openpgp", "clear", "smime"};
	struct journal_id copies[12], message;
	struct journal *journal = NULL;
	struct fault fault;
	unsigned int i, bad = 0;

	if (journal_open_tuned(directory, &now, &journal, &fault) != 0)
		g_error("%s", fault.text);
	for (i = 0; i < G_N_ELEMENTS(copies); i++)
		copies[i] = number_id(i);
	wall = 50 * 3600;
	message = number_id(100);
	bad += journal_prepare(
		   journal, &message, "AAAA", copies, forms, 3, &fault) != 0;
	bad += journal_done(journal, &copies[0], "A1", &fault) != 0;
	journal_abort(journal, &message);
	/* The client tries again, and gets the others. */
	wall = 49 * 3600;
	bad += journal_prepare(journal, &message, "AAAB", copies + 1, forms + 1,
		   2, &fault) != 0;
	bad += journal_done(journal, &copies[1], "A2", &fault) != 0;
	bad += journal_done(journal, &copies[2], "-", &fault) != 0;
	wall = 90 * 60;
	message = number_id(101);
	bad += journal_prepare(journal, &message, "BBBB", copies + 3, forms, 2,
		   &fault) != 0;
	bad += journal_done(journal, &copies[3], "B1", &fault) != 0;
	journal_doubt(journal, &copies[4]);
	message = number_id(102);
	bad += journal_prepare(journal, &message, "CCCC", copies + 5, forms, 1,
		   &fault) != 0;
	journal_abort(journal, &message);
	wall = 60;
	message = number_id(103);
	bad += journal_prepare(journal, &message, "DDDD", copies + 6, forms, 1,
		   &fault) != 0;
	journal_close(&journal);
	return bad == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "sample") == 0)
		return make_sample(argv[2]);
	mail_begin();
	test_ids();
	test_life();
	test_claims();
	test_files();
	test_torn();
	test_flipped();
	test_duplicated();
	test_time();
	test_superseded();
	test_old();
	test_gone();
	test_threads();
	test_large();
	g_free(state);
	g_free(path);
	mail_end();
	return tap_done();
}
