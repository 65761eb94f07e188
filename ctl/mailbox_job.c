/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mailbox_job.c - one of the processes that convert a mailbox.
 *
 * In:    batches of messages, taken in turn.
 * Out:   what became of each, in memory that is shared and on a pipe.
 * Never: prints, or is stopped in the middle of a batch.
 */
#include "config.h"

#include "ctl/mailbox_job.h"

#include "keys/gpg_home.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define HEAP_OCTETS (4 << 20) /* that a process keeps, at most, when idle */
#define SPOOL_MEMORY_OCTETS ((size_t)16 << 20)

/* --- Lists */

static char *
path_of(const char *folder, const struct mail *mail)
{
	return g_build_filename(
	    folder, mail->in_new ? "new" : "cur", mail->file, NULL);
}

/* Flags change, and mail goes from new/ to cur/; the key stays. */
static char *
identity(const char *folder, const struct mail *mail)
{
	return g_strconcat(folder, "/", mail->key, NULL);
}

static bool
is_known(const struct work *work, const char *folder, const struct mail *mail)
{
	char *name;
	bool known;

	if (work->known == NULL)
		return false;
	name = identity(folder, mail);
	known = replace_made(mail) || g_hash_table_contains(work->known, name);
	g_free(name);
	return known;
}

int
work_folder_list(const struct folder *folder, const struct work *work,
    GPtrArray *strays, struct work_folder **listedp, struct fault *fault)
{
	struct work_folder *listed;
	struct mail *mail;
	GPtrArray *mails;
	struct stat st;
	guint i;

	if (folder_list(folder, &mails, strays, fault) != 0)
		return -1;
	listed = g_new0(struct work_folder, 1);
	listed->name = g_strdup(folder->name);
	listed->mails = mails;
	for (i = 0; i < mails->len;) {
		mail = g_ptr_array_index(mails, i);
		if (is_known(work, folder->name, mail)) {
			g_ptr_array_remove_index_fast(mails, i);
			continue;
		}
		if (fstatat(folder_of(folder, mail), mail->file, &st,
			AT_SYMLINK_NOFOLLOW) == 0) {
			listed->octets += (uint64_t)st.st_size;
			maildir_links_count(work->links, &st);
		}
		i++;
	}
	*listedp = listed;
	return 0;
}

void
work_folder_free(void *data)
{
	struct work_folder *folder = data;

	g_ptr_array_free(folder->mails, TRUE);
	g_free(folder->name);
	g_free(folder);
}

void
work_remember(struct work *work)
{
	const struct work_folder *folder;
	guint i, j;

	if (work->known == NULL && work->folders->len > 0)
		work->known = g_hash_table_new_full(
		    g_str_hash, g_str_equal, g_free, NULL);
	for (i = 0; i < work->folders->len; i++) {
		folder = g_ptr_array_index(work->folders, i);
		for (j = 0; j < folder->mails->len; j++)
			g_hash_table_add(work->known,
			    identity(folder->name,
				g_ptr_array_index(folder->mails, j)));
	}
	g_hash_table_remove_all(work->links);
	g_ptr_array_set_size(work->folders, 0);
	g_array_set_size(work->batches, 0);
}

/* --- A process */

struct job {
	const struct work *work;
	int fd;
	char *state; /* a directory for GnuPG */
};

static void
report(const struct job *job, enum fault_kind kind, const char *path,
    const char *why)
{
	struct work_report report = {.kind = kind};
	ssize_t n;

	g_strlcpy(report.path, path, sizeof(report.path));
	g_strlcpy(report.why, why, sizeof(report.why));
	do
		n = write(job->fd, &report, sizeof(report));
	while (n == -1 && errno == EINTR);
}

static void
add(uint64_t *number, uint64_t amount)
{
	(void)__atomic_add_fetch(number, amount, __ATOMIC_RELAXED);
}

static void
told(void *context, const struct folder *folder, const struct mail *mail,
    enum convert_outcome outcome, uint64_t octets, const char *why)
{
	const struct job *job = context;
	struct work_shared *shared = job->work->shared;
	char *path;

	add(&shared->counts[outcome], 1);
	add(&shared->told, 1);
	add(&shared->told_octets, octets);
	if (outcome == CONVERT_DONE)
		add(&shared->done_octets, octets);
	if (outcome != CONVERT_LEFT)
		return;
	path = path_of(folder->name, mail);
	report(job, FAULT_NONE, path, why);
	g_free(path);
}

static bool
stop(void *context)
{
	const struct job *job = context;

	return __atomic_load_n(&job->work->shared->stop, __ATOMIC_RELAXED);
}

static int
do_batch(const struct job *job, const struct convert_order *order,
    const struct work_batch *batch, struct fault *fault)
{
	const struct work_folder *listed =
	    g_ptr_array_index(job->work->folders, batch->folder);
	const struct convert_observer observer = {
	    told, stop, (void *)(uintptr_t)job};
	struct folder *folder;
	int r = folder_open(
	    job->work->order->maildir, listed->name, &folder, fault);

	if (r != 1)
		return r;
	folder->links = job->work->links;
	r = convert_mails(order, folder, listed->mails, batch->first,
	    batch->count, &observer, fault);
	if (r != 0)
		report(job, fault->kind,
		    listed->name[0] == '\0' ? "INBOX" : listed->name,
		    fault->text);
	folder_close(&folder);
	return r;
}

static int
do_batches(const struct job *job, struct fault *fault)
{
	const struct run_order *run = job->work->order;
	const struct config *config = run->ctl->config;
	const struct seal_engines engines = {
	    .state = job->state,
	    .gpg = config->gpg,
	    .gpg_deadline_ms = config->gpg_seconds * 1000,
	    .pgp = config->engines,
	};
	const struct spool_limits limits = {maildir_path(run->maildir),
	    MAX(config->spool_memory_octets, SPOOL_MEMORY_OCTETS)};
	struct seal_order seal = {.at_rest = true};
	const struct convert_order order = {run->what, &seal, &job->work->keys,
	    config->message_octets, run->dry_run};
	unsigned int next;
	int r = 0;

	if (run->owner != NULL)
		seal = run->owner->order;
	seal.engines = &engines;
	seal.limits = &limits;
	while (r == 0 && !stop((void *)(uintptr_t)job)) {
		next = __atomic_fetch_add(
		    &job->work->shared->next, 1, __ATOMIC_RELAXED);
		if (next >= job->work->batches->len)
			break;
		r = do_batch(job, &order,
		    &g_array_index(job->work->batches, struct work_batch, next),
		    fault);
	}
	return r;
}

void
work_job(const struct work *work, int fd)
{
	struct job job = {.work = work, .fd = fd};
	struct fault fault = {FAULT_NONE, ""};
	char *home;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The one that watches decides when to stop. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	/* Message after message asks for the same memory again. */
	(void)mallopt(M_MMAP_THRESHOLD, HEAP_OCTETS);
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_OCTETS);
	job.state = ctl_make_directory(&fault);
	if (job.state == NULL)
		report(&job, fault.kind, "", fault.text);
	else
		(void)do_batches(&job, &fault);
	home = g_strdup(job.state);
	gpg_home_remove(&home);
	_exit(0);
}
