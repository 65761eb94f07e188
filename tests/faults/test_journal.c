/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_journal.c - whatever call of the journal fails, and wherever its
 * process is killed: what it said to be done is done for the next start.
 */
#include "config.h"

#include "milter/journal_private.h"
#include "seal/crash_point.h"
#include "tests/faults/torture.h"
#include "tests/unit/mail.h"

#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

enum {
	POINT_NONE,
	POINT_open,
	POINT_flock,
	POINT_RAND_bytes,
	POINT_write,
	POINT_pread,
	POINT_ftruncate,
	POINT_fdatasync,
	POINT_fsync,
	POINT_rename,
	POINT_unlink,
	POINT_stat,
	POINT_fstat,
	POINTS_END,
};

static const char *const names[] = {"nothing", "open", "flock", "RAND_bytes",
    "write", "pread", "ftruncate", "fdatasync", "fsync", "rename", "unlink",
    "stat", "fstat"};

#define COPIES 18

/* What the process under torture was told, for who comes after it. */
static struct {
	bool done[COPIES + 1]; /* journal_done() was 0 for it */
	bool late[COPIES + 1]; /* it was not; the next one that is makes up */
	bool forgot, opened;
	bool unsynced; /* a file got its name before it was on the disk */
} * told;

static char *state, *path;
static bool killing; /* instead of failing */

static enum torture_way
torment(unsigned int point)
{
	enum torture_way way = torture_next(point, false);

	if (way != TORTURE_NONE && killing)
		(void)kill(getpid(), SIGKILL);
	return way;
}

#define WRAP(type, name, parameters, arguments, failure)                       \
	type __real_##name parameters;                                         \
	type __wrap_##name parameters;                                         \
	type __wrap_##name parameters                                          \
	{                                                                      \
		return torment(POINT_##name) == TORTURE_NONE                   \
			   ? __real_##name arguments                           \
			   : (failure);                                        \
	}

WRAP(int, flock, (int fd, int how), (fd, how), -1)
WRAP(int, RAND_bytes, (unsigned char *buf, int len), (buf, len), 0)
WRAP(int, ftruncate, (int fd, off_t len), (fd, len), -1)
WRAP(int, unlink, (const char *name), (name), -1)
WRAP(int, stat, (const char *name, struct stat *st), (name, st), -1)
WRAP(int, fstat, (int fd, struct stat *st), (fd, st), -1)
WRAP(ssize_t, pread, (int fd, void *buf, size_t len, off_t offset),
    (fd, buf, len, offset), -1)

static off_t on_disk; /* of the file that was synced last */
static ino_t on_disk_file;

/* What fails to be synced is lost. */
static int
synced(int fd, enum torture_way way, int r)
{
	struct stat st;

	if (way != TORTURE_NONE) {
		(void)!__real_ftruncate(fd, on_disk);
		errno = EIO;
		return -1;
	}
	if (r == 0 && __real_fstat(fd, &st) == 0) {
		on_disk = st.st_size;
		on_disk_file = st.st_ino;
	}
	return r;
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

int
__wrap_rename(const char *from, const char *to)
{
	struct stat st;

	if (torment(POINT_rename) != TORTURE_NONE)
		return -1;
	if (told != NULL &&
	    (__real_stat(from, &st) != 0 || st.st_ino != on_disk_file ||
		st.st_size != on_disk))
		told->unsynced = true;
	return __real_rename(from, to);
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

int
__wrap_fdatasync(int fd)
{
	enum torture_way way = torment(POINT_fdatasync);

	return synced(fd, way, __real_fdatasync(fd));
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);

/* Of directories as well. */
int
__wrap_fsync(int fd)
{
	struct stat st;

	if (torment(POINT_fsync) != TORTURE_NONE)
		return -1;
	if (__real_fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return synced(fd, TORTURE_NONE, __real_fsync(fd));
	return __real_fsync(fd);
}

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);

/* The disk is full: a part of it, or nothing. */
ssize_t
__wrap_write(int fd, const void *data, size_t len)
{
	switch (torment(POINT_write)) {
	case TORTURE_FAIL:
		return -1;
	case TORTURE_LIE:
		return __real_write(fd, data, len / 2);
	case TORTURE_NONE:
		break;
	}
	return __real_write(fd, data, len);
}

int __real_open(const char *name, int flags, ...);
int __wrap_open(const char *name, int flags, ...);

int
__wrap_open(const char *name, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	if ((flags & O_CREAT) != 0) {
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	return torment(POINT_open) == TORTURE_NONE
		   ? __real_open(name, flags, mode)
		   : -1;
}

/* --- The work */

static int64_t
now(void)
{
	return (int64_t)time(NULL);
}

static const struct journal_tuning tuning = {
    .keep_seconds = JOURNAL_KEEP_SECONDS,
    .compact_octets = 250, /* so that it is often rewritten */
    .compact_factor = 2,
    .wall = now,
    .steady = now,
};

static struct journal_id
number_id(unsigned int number)
{
	struct journal_id id = {{0}};

	memcpy(id.octets, &number, sizeof(number));
	return id;
}

static int
prepare(struct journal *journal, unsigned int copy)
{
	const char *const forms[] = {"openpgp"};
	struct journal_id message = number_id(1000 + copy),
			  id = number_id(copy);

	return journal_prepare(journal, &message, "4jX4Xg1s91z1bh9d", &id,
	    forms, 1, &torture->fault);
}

static int
done(struct journal *journal, unsigned int copy)
{
	struct journal_id id = number_id(copy);
	unsigned int i;
	int r;

	r = journal_done(journal, &id, "4jX4Xg2222z1bh9d", &torture->fault);
	told->late[copy] = r != 0;
	told->done[copy] = r == 0;
	for (i = 0; r == 0 && i <= COPIES; i++)
		told->done[i] |= told->late[i];
	if (r != 0)
		torture->result = -1;
	/* Not on the disk, maybe, but never forgotten by this process. */
	if (journal_is_done(journal, &id) != 1)
		told->forgot = true;
	return r;
}

/* Each call fails once: what is tried again has to succeed. */
static void
one_copy(struct journal *journal, unsigned int copy)
{
	struct journal_id message = number_id(1000 + copy);
	static bool failed;

	if (prepare(journal, copy) != 0) {
		torture->result = -1;
		if (failed || prepare(journal, copy) != 0)
			torture->recovered = false;
		failed = true;
	}
	if (done(journal, copy) != 0) {
		if (failed)
			torture->recovered = false;
		failed = true;
	}
	if (copy % 3 == 0)
		journal_abort(journal, &message);
	if (copy % 5 == 0)
		journal_doubt(journal, &message);
}

static void
run(void)
{
	struct journal *journal = NULL;
	unsigned int copy;

	torture->armed = true;
	torture->recovered = true;
	torture->result =
	    journal_open_tuned(state, &tuning, &journal, &torture->fault);
	told->opened = torture->result == 0;
	torture->gave = !told->opened && journal != NULL;
	for (copy = 0; told->opened && copy < COPIES; copy++)
		one_copy(journal, copy);
	journal_close(&journal);
	torture->armed = false;
}

/* --- The judgement */

/* The files of an earlier start, so that opening has something to read. */
static void
begin_anew(bool empty)
{
	struct journal *journal = NULL;
	static unsigned int number;

	memset(told, 0, sizeof(*told));
	memset(torture, 0, sizeof(*torture));
	g_free(state);
	g_free(path);
	state = g_strdup_printf("%s/state%u", mail_directory, number++);
	path = g_build_filename(state, "journal", NULL);
	if (empty)
		return;
	if (journal_open_tuned(state, &tuning, &journal, NULL) != 0 ||
	    prepare(journal, COPIES) != 0 || done(journal, COPIES) != 0)
		g_error("cannot make a journal");
	journal_close(&journal);
}

/* NULL, or what is wrong with what the next start finds. */
static const char *
judge_rest(void)
{
	struct journal *journal = NULL;
	struct journal_id id;
	const char *what = NULL;
	unsigned int copy;

	if (journal_open_tuned(state, &tuning, &journal, &torture->fault) != 0)
		return "the next start cannot open it";
	for (copy = 0; copy <= COPIES; copy++) {
		id = number_id(copy);
		if (told->done[copy] && journal_is_done(journal, &id) != 1)
			what = "what was done is forgotten";
	}
	if (journal_found(journal)->damaged != 0)
		what = "it is damaged in the middle";
	journal_close(&journal);
	return what;
}

/* NULL, or what is wrong. */
static const char *
judge(bool ended)
{
	if (told->unsynced)
		return "a file got its name before it was on the disk";
	if (killing)
		return ended ? "it was not killed" : judge_rest();
	if (!ended)
		return "the process died, or leaked";
	if (torture->gave)
		return "it failed and gave a journal away";
	if (torture->result != 0 && (torture->fault.kind != FAULT_TEMP ||
					torture->fault.text[0] == '\0'))
		return "no fault, or one that is not temporary";
	if (told->forgot)
		return "the process forgot what was done";
	if (told->opened && !torture->recovered)
		return "it did not recover";
	return judge_rest();
}

static void
torture_point(bool empty, unsigned int point, unsigned int calls,
    enum torture_way way, const char *how)
{
	unsigned int nth, bad = 0;
	const char *what;
	bool ended;

	for (nth = 1; nth <= calls; nth++) {
		begin_anew(empty);
		ended = torture_run(run, point, nth, way);
		what = judge(ended);
		if (what == NULL)
			continue;
		bad++;
		printf("# call %u: %s (%s)\n", nth, what, torture->fault.text);
	}
	ok(bad == 0, "%s: %s %s, %u calls",
	    empty ? "from nothing" : "from a journal", names[point], how,
	    calls);
}

static void
torture_all(bool empty)
{
	struct torture counted;
	unsigned int point;
	bool ended;

	killing = false;
	begin_anew(empty);
	ended = torture_run(run, POINT_NONE, 0, TORTURE_NONE);
	counted = *torture;
	ok(ended && torture->result == 0 && judge_rest() == NULL,
	    "without torture all is well");
	for (point = 1; point < POINTS_END; point++) {
		if (counted.calls[point] == 0)
			continue;
		killing = false;
		torture_point(
		    empty, point, counted.calls[point], TORTURE_FAIL, "fails");
		if (point == POINT_write)
			torture_point(empty, point, counted.calls[point],
			    TORTURE_LIE, "writes half of it");
		killing = true;
		torture_point(empty, point, counted.calls[point], TORTURE_FAIL,
		    "is where it is killed");
	}
	killing = false;
	ok(counted.calls[POINT_rename] > 2, "... with a new file in between");
	ok(counted.calls[POINT_fdatasync] > 2 * COPIES - 1,
	    "... and each record went to the disk");
}

/* --- The named point */

static void
test_crash_point(void)
{
	char *once = mail_path("once");
	unsigned int nth;
	const char *what;
	bool ended, killed;

	for (nth = 1; nth <= 3; nth++) {
		char *at = g_strdup_printf("rotate:%u", nth);

		begin_anew(true);
		g_setenv("SEALMILTER_CRASH_AT", at, TRUE);
		g_setenv("SEALMILTER_CRASH_ONCE", once, TRUE);
		(void)g_file_set_contents(once, "", 0, NULL);
		killed = !torture_run(run, POINT_NONE, 0, TORTURE_NONE);
		ok(killed && !g_file_test(once, G_FILE_TEST_EXISTS),
		    "it is killed at \"%s\"", at);
		what = judge_rest();
		ok(what == NULL, "and the next start has all that was done");
		if (what != NULL)
			printf("# %s\n", what);
		ended = torture_run(run, POINT_NONE, 0, TORTURE_NONE);
		ok(ended && torture->result == 0, "it is killed once only");
		g_free(at);
	}
	g_unsetenv("SEALMILTER_CRASH_AT");
	g_unsetenv("SEALMILTER_CRASH_ONCE");
	g_free(once);
}

/* --- A disk that is full: a file that may not grow any more */

static void
may_have(rlim_t octets)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
		g_error("getrlimit");
	limit.rlim_cur = octets;
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		g_error("setrlimit");
}

static void
test_full(void)
{
	const struct journal_tuning large = {
	    JOURNAL_KEEP_SECONDS, 1U << 20, 2, now, now};
	struct journal *journal;
	const char *what;
	unsigned int bad = 0;
	rlim_t room;
	struct stat st;

	(void)signal(SIGXFSZ, SIG_IGN);
	for (room = 0; room < 53; room++) {
		begin_anew(false);
		journal = NULL;
		if (journal_open_tuned(state, &large, &journal, NULL) != 0 ||
		    stat(path, &st) != 0)
			g_error("cannot open the journal");
		may_have((rlim_t)st.st_size + room);
		bad += done(journal, 1) != -1 || prepare(journal, 2) != -1;
		may_have(RLIM_INFINITY);
		/* What it was owed comes with what is next. */
		bad += done(journal, 3) != 0 || !told->done[1];
		journal_close(&journal);
		what = judge_rest();
		bad += what != NULL || told->forgot;
		if (what != NULL)
			printf("# with room for %u: %s\n", (unsigned int)room,
			    what);
	}
	ok(bad == 0,
	    "a disk that is full at any octet of a record loses nothing");
}

int
main(void)
{
	mail_begin();
	torture_begin();
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (told == MAP_FAILED)
		g_error("no shared memory");
	torture_all(true);
	torture_all(false);
	test_crash_point();
	test_full();
	g_free(state);
	g_free(path);
	mail_end();
	return tap_done();
}
