/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mailbox_run.c - all of a mailbox, in several processes, under one's eyes.
 *
 * In:    an open mailbox, as its owner.
 * Out:   its messages converted; on standard error what was left, and how far
 *        it is.
 * Never: stops within a batch, whatever signal comes.
 */
#include "config.h"

#include "ctl/mailbox_run.h"

#include "ctl/mailbox_job.h"
#include "ctl/mailbox_secret.h"
#include "ctl/progress.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PASSES 3 /* mail moves and arrives meanwhile */
#define WAIT_MS 100

static volatile sig_atomic_t interrupted;

struct run {
	const struct run_order *order;
	struct work work;
	struct progress progress;
	struct run_result result;
	GPtrArray *names;
	uint64_t all_octets;
};

static int resume_all(struct run *run, struct fault *fault);
static int list_all(struct run *run, unsigned int pass, struct fault *fault);
static int run_jobs(struct run *run, struct fault *fault);
static void forget_all(struct run *run);

static void
on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

static void
catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
}

static void
tell_left(struct run *run, const char *path, const char *why)
{
	char *printable = maildir_printable(path);

	progress_clear(&run->progress);
	ctl_error(
	    "%s/%s: %s", maildir_path(run->order->maildir), printable, why);
	g_free(printable);
}

static int
passes(struct run *run, struct fault *fault)
{
	unsigned int pass;

	if (!run->order->dry_run && resume_all(run, fault) != 0)
		return -1;
	for (pass = 0; pass < PASSES && !interrupted; pass++) {
		if (list_all(run, pass, fault) != 0)
			return -1;
		if (run->work.batches->len == 0)
			break;
		if (run_jobs(run, fault) != 0)
			return -1;
		if (run->order->dry_run)
			break;
	}
	return 0;
}

static GBytes *
finish(struct run *run)
{
	size_t i;

	forget_all(run);
	for (i = 0; i < CONVERT_OUTCOMES; i++)
		run->result.counts[i] = run->work.shared->counts[i];
	run->result.octets = run->work.shared->done_octets;
	run->result.seconds = progress_seconds(&run->progress);
	run->result.stopped = interrupted;
	return g_bytes_new(&run->result, sizeof(run->result));
}

GBytes *
mailbox_run(void *context, struct fault *fault)
{
	struct run run = {.order = context};
	const struct run_order *order = context;
	const char *what = order->owner != NULL ? order->owner->address
						: maildir_path(order->maildir);
	struct secret secret = {.home = NULL};
	GBytes *octets = NULL;

	catch_signals();
	if (order->what != CONVERT_ENCRYPT && !order->dry_run &&
	    secret_open(order->ctl->config, order->key_file, &secret, fault) !=
		0)
		return NULL;
	run.work.keys = secret.keys;
	progress_start(&run.progress, what);
	run.work.order = run.order;
	run.work.folders = g_ptr_array_new_with_free_func(work_folder_free);
	run.work.batches = g_array_new(FALSE, FALSE, sizeof(struct work_batch));
	run.work.links = maildir_links_make();
	run.work.shared = mmap(NULL, sizeof(struct work_shared),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run.work.shared == MAP_FAILED) {
		fault_set(fault, FAULT_TEMP, "mmap: %s", g_strerror(errno));
	} else {
		if (passes(&run, fault) == 0)
			octets = finish(&run);
		(void)munmap(run.work.shared, sizeof(struct work_shared));
	}
	secret_close(&secret);
	progress_end(&run.progress);
	g_array_free(run.work.batches, TRUE);
	g_hash_table_destroy(run.work.links);
	g_ptr_array_free(run.work.folders, TRUE);
	return octets;
}

/* --- Folders */

/* Calls it for each folder that there is now. */
static int
for_each_folder(struct run *run, GPtrArray *strays,
    int (*call)(struct run *run, struct folder *folder, void *context,
	struct fault *fault),
    void *context, struct fault *fault)
{
	struct folder *folder;
	GPtrArray *names;
	guint i;
	int r = maildir_folders(run->order->maildir, &names, strays, fault);

	if (r != 0)
		return -1;
	for (i = 0; i < names->len && r == 0; i++) {
		r = folder_open(run->order->maildir,
		    g_ptr_array_index(names, i), &folder, fault);
		if (r == 1) {
			r = call(run, folder, context, fault);
			folder_close(&folder);
		}
	}
	g_ptr_array_free(names, TRUE);
	return r;
}

static int
resume_folder(
    struct run *run, struct folder *folder, void *context, struct fault *fault)
{
	unsigned int count = 0;
	int r;

	(void)context;
	r = replace_resume(folder, &count, fault);
	run->result.resumed += count;
	return r;
}

static int
resume_all(struct run *run, struct fault *fault)
{
	return for_each_folder(run, NULL, resume_folder, NULL, fault);
}

/* Once more at the end: a session that had the old one open may have written
 * it anew. */
static int
forget_folder(
    struct run *run, struct folder *folder, void *context, struct fault *fault)
{
	(void)run;
	(void)context;
	return replace_forget(folder, fault);
}

static void
forget_all(struct run *run)
{
	struct fault fault = {FAULT_NONE, ""};

	if (run->order->dry_run)
		return;
	if (for_each_folder(run, NULL, forget_folder, NULL, &fault) != 0)
		tell_left(run, "", fault.text);
	/* What a quota plugin counted is no more so; it counts anew. */
	(void)unlinkat(maildir_fd(run->order->maildir), "maildirsize", 0);
}

/* --- What is to be done */

/* Batches of the folder's messages; later passes look at what came since. */
static int
list_folder(
    struct run *run, struct folder *folder, void *context, struct fault *fault)
{
	struct work_folder *listed = NULL;
	GPtrArray *strays = context;
	struct work_batch batch;

	if (work_folder_list(folder, &run->work, strays, &listed, fault) != 0)
		return -1;
	batch.folder = run->work.folders->len;
	for (batch.first = 0; batch.first < listed->mails->len;
	     batch.first += CONVERT_BATCH) {
		batch.count =
		    MIN(CONVERT_BATCH, listed->mails->len - batch.first);
		g_array_append_val(run->work.batches, batch);
	}
	run->work.shared->all += listed->mails->len;
	run->all_octets += listed->octets;
	g_ptr_array_add(run->work.folders, listed);
	return 0;
}

static int
list_all(struct run *run, unsigned int pass, struct fault *fault)
{
	GPtrArray *strays = maildir_strays_make();
	const struct maildir_stray *stray;
	guint i;
	int r;

	work_remember(&run->work);
	run->work.shared->next = 0;
	r = for_each_folder(run, strays, list_folder, strays, fault);
	for (i = 0; r == 0 && pass == 0 && i < strays->len; i++) {
		stray = g_ptr_array_index(strays, i);
		tell_left(run, stray->path, stray->why);
		run->result.strays++;
	}
	g_ptr_array_free(strays, TRUE);
	return r;
}

/* --- The processes */

/* 1: one was read.  0: all jobs are gone. */
static int
read_report(struct run *run, int fd, struct fault *fault)
{
	struct work_report report;
	ssize_t n = read(fd, &report, sizeof(report));

	/* They are written at once, see PIPE_BUF in pipe(7). */
	if (n != (ssize_t)sizeof(report))
		return n == -1 && errno == EINTR;
	report.path[sizeof(report.path) - 1] = '\0';
	report.why[sizeof(report.why) - 1] = '\0';
	if (report.kind == FAULT_NONE) {
		tell_left(run, report.path, report.why);
		return 1;
	}
	/* The first of them counts, and ends it for all. */
	run->work.shared->stop = true;
	if (fault->kind == FAULT_NONE)
		fault_set(
		    fault, report.kind, "%s: %s", report.path, report.why);
	return 1;
}

static void
watch(struct run *run, int fd, struct fault *fault)
{
	struct work_shared *shared = run->work.shared;
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	int r = 1;

	while (r != 0) {
		if (interrupted)
			shared->stop = true;
		progress_draw(&run->progress, shared->told, shared->all,
		    shared->told_octets, run->all_octets);
		if (poll(&poll_fd, 1, WAIT_MS) == 1)
			r = read_report(run, fd, fault);
	}
}

static int
reap(const pid_t *pids, unsigned int count, struct fault *fault)
{
	int status, ret = 0;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < count; i++) {
		do
			pid = waitpid(pids[i], &status, 0);
		while (pid == -1 && errno == EINTR);
		if (pid != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		if (fault->kind == FAULT_NONE)
			fault_set(fault, FAULT_TEMP,
			    "a process that converted messages died (status"
			    " %d); run it again, it goes on where that one"
			    " stopped",
			    status);
		ret = -1;
	}
	return ret;
}

static int
run_jobs(struct run *run, struct fault *fault)
{
	unsigned int jobs = MIN(run->order->jobs, run->work.batches->len), i;
	pid_t *pids = g_new0(pid_t, jobs);
	int fds[2], ret = 0;

	if (pipe(fds) != 0) {
		fault_set(fault, FAULT_TEMP, "pipe: %s", g_strerror(errno));
		g_free(pids);
		return -1;
	}
	for (i = 0; i < jobs; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			close(fds[0]);
			work_job(&run->work, fds[1]);
		}
		if (pids[i] == -1) {
			fault_set(
			    fault, FAULT_TEMP, "fork: %s", g_strerror(errno));
			run->work.shared->stop = true;
			break;
		}
	}
	close(fds[1]);
	watch(run, fds[0], fault);
	close(fds[0]);
	if (reap(pids, i, fault) != 0 || fault->kind != FAULT_NONE)
		ret = -1;
	g_free(pids);
	return ret;
}
