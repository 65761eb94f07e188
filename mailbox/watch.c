/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * watch.c - seal what clients put into mailboxes, soon after they did.
 *
 * In:    mailboxes, for whom to seal; what the kernel tells of them.
 * Out:   sealed messages in the places of readable ones.
 * Never: touches a file that something happened to just now, or takes a file
 *        for sealed because of its name.
 */
#include <config.h>

#include "mailbox/watch.h"

#include "mailbox/watch_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RETRY_MAX_MS 300000
#define LINK_TRIES 5 /* for a file to have no name elsewhere */
#define TRIES_MAX 16 /* doublings; behind them it is RETRY_MAX_MS anyway */

static int watch_loop(struct watch *watch, struct fault *fault);
static int scan_due(struct watch *watch, struct fault *fault);
static int scan(struct watch *watch, size_t mailbox, struct fault *fault);
static void seal_due(struct watch *watch);
static int64_t next_due(const struct watch *watch);

static void
free_file(void *data)
{
	struct watch_file *file = data;

	g_free(file->folder);
	g_free(file->name);
	g_free(file);
}

int
watch_run(const struct watch_mailbox *mailboxes, size_t count,
    const struct watch_times *times, const struct watch_observer *observer,
    int stop_fd, struct fault *fault)
{
	struct watch watch = {
	    .mailboxes = mailboxes,
	    .count = count,
	    .times = times,
	    .observer = observer,
	    .inotify = -1,
	    .timer = -1,
	    .stop_fd = stop_fd,
	};
	int ret = -1;
	size_t i;

	watch.maildirs = g_new0(struct maildir *, count + 1);
	watch.scans = g_new0(int64_t, count + 1);
	watch.tries = g_new0(unsigned int, count + 1);
	watch.files =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_file);
	if (watch_kernel_open(&watch, fault) != 0)
		goto out;
	for (i = 0; i < count; i++) {
		if (maildir_open(
			mailboxes[i].path, &watch.maildirs[i], fault) != 0)
			goto out;
		watch_scan_at(&watch, i, watch_now());
	}
	ret = watch_loop(&watch, fault);
out:
	for (i = 0; i < count; i++)
		maildir_close(&watch.maildirs[i]);
	watch_kernel_close(&watch);
	g_hash_table_destroy(watch.files);
	g_free(watch.maildirs);
	g_free(watch.scans);
	g_free(watch.tries);
	return ret;
}

static bool
is_stopped(const struct watch *watch)
{
	struct pollfd fd = {.fd = watch->stop_fd, .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

static int
watch_loop(struct watch *watch, struct fault *fault)
{
	struct pollfd fds[] = {
	    {.fd = watch->stop_fd, .events = POLLIN},
	    {.fd = watch->inotify, .events = POLLIN},
	    {.fd = watch->timer, .events = POLLIN},
	};
	bool ready = false;

	for (;;) {
		if (scan_due(watch, fault) != 0)
			return -1;
		seal_due(watch);
		if (!ready && !is_stopped(watch))
			watch->observer->ready(watch->observer->context);
		ready = true;
		watch_kernel_wake(watch, next_due(watch));
		if (poll(fds, G_N_ELEMENTS(fds), -1) == -1 && errno != EINTR) {
			fault_set(
			    fault, FAULT_TEMP, "poll: %s", g_strerror(errno));
			return -1;
		}
		if (is_stopped(watch))
			return 0;
		if (watch_kernel_read(watch, fault) != 0)
			return -1;
	}
}

/* --- What is to be done, and when */

static int64_t
later(const struct watch *watch, unsigned int tries)
{
	int64_t wait = watch->times->retry_ms;

	for (; tries > 1 && wait < RETRY_MAX_MS; tries--)
		wait *= 2;
	return watch_now() + MIN(wait, RETRY_MAX_MS);
}

/* What happened to a file last counts: each time it waits anew. */
static void
expect(struct watch *watch, size_t mailbox, const char *folder, bool in_new,
    const char *name, int64_t due, unsigned int tries)
{
	char *path = g_strdup_printf(
	    "%zu/%s/%s/%s", mailbox, folder, in_new ? "new" : "cur", name);
	struct watch_file *file = g_new0(struct watch_file, 1);

	file->mailbox = mailbox;
	file->folder = g_strdup(folder);
	file->name = g_strdup(name);
	file->in_new = in_new;
	file->due = due;
	file->tries = tries;
	g_hash_table_replace(watch->files, path, file);
}

void
watch_file_happened(struct watch *watch, const struct watch_place *place,
    const char *name, bool is_there)
{
	char *path;

	if (name[0] == '.')
		return;
	if (is_there) {
		expect(watch, place->mailbox, place->folder, place->in_new,
		    name, watch_now() + watch->times->quiet_ms, 0);
		return;
	}
	path = g_strdup_printf("%zu/%s/%s/%s", place->mailbox, place->folder,
	    place->in_new ? "new" : "cur", name);
	g_hash_table_remove(watch->files, path);
	g_free(path);
}

void
watch_scan_at(struct watch *watch, size_t mailbox, int64_t when)
{
	int64_t *scan = &watch->scans[mailbox];

	if (*scan == 0 || when < *scan)
		*scan = when;
}

static int64_t
next_due(const struct watch *watch)
{
	const struct watch_file *file;
	GHashTableIter files;
	int64_t due = 0;
	gpointer value;
	size_t i;

	for (i = 0; i < watch->count; i++)
		if (watch->scans[i] != 0 && (due == 0 || watch->scans[i] < due))
			due = watch->scans[i];
	g_hash_table_iter_init(&files, watch->files);
	while (g_hash_table_iter_next(&files, NULL, &value)) {
		file = value;
		if (due == 0 || file->due < due)
			due = file->due;
	}
	return due;
}

/* --- Sealing */

/* Some messages of one folder. */
struct sealing {
	struct watch *watch;
	size_t mailbox;
	unsigned int tries;
};

/* Has its file another name?  While a message is copied, that may be in a
 * tmp/ for a moment, where it does not count. */
static bool
has_names(const struct folder *folder, const struct mail *mail)
{
	struct stat st;

	return fstatat(folder_of(folder, mail), mail->file, &st,
		   AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_nlink > 1;
}

static void
told(void *context, const struct folder *folder, const struct mail *mail,
    enum convert_outcome outcome, uint64_t octets, const char *why)
{
	const struct sealing *sealing = context;
	const struct watch *watch = sealing->watch;
	char *name, *printable;

	(void)octets;
	if (outcome != CONVERT_DONE && outcome != CONVERT_LEFT)
		return;
	if (outcome == CONVERT_LEFT && sealing->tries < LINK_TRIES &&
	    has_names(folder, mail)) {
		expect(sealing->watch, sealing->mailbox, folder->name,
		    mail->in_new, mail->file, later(watch, sealing->tries + 1),
		    sealing->tries + 1);
		return;
	}
	name = maildir_printable(mail->file);
	printable = maildir_printable(folder->name);
	watch->observer->told(watch->mailboxes[sealing->mailbox].context,
	    printable, name, outcome, why);
	g_free(printable);
	g_free(name);
}

static bool
stop(void *context)
{
	const struct sealing *sealing = context;

	return is_stopped(sealing->watch);
}

static void
count_names(const struct folder *folder, GHashTable *links)
{
	const struct mail *mail;
	GPtrArray *mails;
	struct stat st;
	guint i;

	if (folder_list(folder, &mails, NULL, NULL) != 0)
		return;
	for (i = 0; i < mails->len; i++) {
		mail = g_ptr_array_index(mails, i);
		if (fstatat(folder_of(folder, mail), mail->file, &st,
			AT_SYMLINK_NOFOLLOW) == 0)
			maildir_links_count(links, &st);
	}
	g_ptr_array_unref(mails);
}

/* All names in the mailbox of files with several, if one of these is one;
 * what is not counted here is left readable, and told. */
static GHashTable *
find_names(const struct sealing *sealing, const struct folder *folder,
    const GPtrArray *mails)
{
	const struct maildir *maildir =
	    sealing->watch->maildirs[sealing->mailbox];
	GHashTable *links = NULL;
	struct folder *other;
	GPtrArray *names;
	guint i;

	for (i = 0; i < mails->len && links == NULL; i++)
		if (has_names(folder, g_ptr_array_index(mails, i)))
			links = maildir_links_make();
	if (links == NULL || maildir_folders(maildir, &names, NULL, NULL) != 0)
		return links;
	for (i = 0; i < names->len; i++)
		if (folder_open(maildir, g_ptr_array_index(names, i), &other,
			NULL) == 1) {
			count_names(other, links);
			folder_close(&other);
		}
	g_ptr_array_unref(names);
	return links;
}

/* What could not be tried is expected once more, later. */
static void
seal_mails(
    struct sealing *sealing, struct folder *folder, const GPtrArray *mails)
{
	const struct convert_observer observer = {told, stop, sealing};
	struct watch *watch = sealing->watch;
	const struct watch_mailbox *mailbox =
	    &watch->mailboxes[sealing->mailbox];
	struct fault fault = {FAULT_NONE, ""};
	const struct mail *mail;
	guint first, count, i;

	folder->links = find_names(sealing, folder, mails);
	for (first = 0; first < mails->len && !is_stopped(watch);
	     first += count) {
		count = MIN(CONVERT_BATCH, mails->len - first);
		if (convert_mails(mailbox->order, folder, mails, first, count,
			&observer, &fault) == 0)
			continue;
		watch->observer->trouble(mailbox->context, &fault);
		for (i = first; i < first + count; i++) {
			mail = g_ptr_array_index(mails, i);
			expect(watch, sealing->mailbox, folder->name,
			    mail->in_new, mail->file,
			    later(watch, sealing->tries + 1),
			    MIN(sealing->tries + 1, TRIES_MAX));
		}
	}
	g_clear_pointer(&folder->links, g_hash_table_destroy);
}

/* How long to leave a file alone; 0: it has been quiet, or is gone.  A rename,
 * a link and a new mode change the ctime; the mtime may be of years ago. */
static int64_t
unrest(const struct watch *watch, const struct folder *folder,
    const struct mail *mail)
{
	struct timespec now;
	struct stat st;
	int64_t age;

	if (fstatat(folder_of(folder, mail), mail->file, &st,
		AT_SYMLINK_NOFOLLOW) != 0 ||
	    clock_gettime(CLOCK_REALTIME, &now) != 0)
		return 0;
	age = (now.tv_sec - st.st_ctim.tv_sec) * 1000 +
	      (now.tv_nsec - st.st_ctim.tv_nsec) / 1000000;
	/* A clock that was set must keep nobody waiting for ever. */
	if (age < 0 || age >= watch->times->quiet_ms)
		return 0;
	return watch->times->quiet_ms - age;
}

static void
release_mail(void *data)
{
	struct mail *mail = data;

	mail_free(&mail);
}

static bool
is_same_folder(const struct watch_file *a, const struct watch_file *b)
{
	return a->mailbox == b->mailbox && strcmp(a->folder, b->folder) == 0;
}

/* Takes the files of one folder whose time has come; NULL: there are none. */
static GPtrArray *
take_due(struct watch *watch, struct watch_file **firstp)
{
	GPtrArray *mails = NULL;
	struct watch_file *file;
	GHashTableIter files;
	int64_t now = watch_now();
	gpointer key, value;

	*firstp = NULL;
	g_hash_table_iter_init(&files, watch->files);
	while (g_hash_table_iter_next(&files, &key, &value)) {
		file = value;
		if (file->due > now ||
		    (*firstp != NULL && !is_same_folder(*firstp, file)))
			continue;
		if (mails == NULL)
			mails = g_ptr_array_new_with_free_func(release_mail);
		g_ptr_array_add(mails, mail_parse(file->name, file->in_new));
		g_hash_table_iter_steal(&files);
		g_free(key);
		if (*firstp == NULL) {
			*firstp = file;
			continue;
		}
		(*firstp)->tries = MAX((*firstp)->tries, file->tries);
		free_file(file);
	}
	return mails;
}

/* Messages that are not quiet yet wait a little more. */
static void
leave_restless(struct watch *watch, const struct watch_file *of,
    const struct folder *folder, GPtrArray *mails)
{
	const struct mail *mail;
	int64_t wait;
	guint i;

	for (i = 0; i < mails->len;) {
		mail = g_ptr_array_index(mails, i);
		wait = unrest(watch, folder, mail);
		if (wait == 0) {
			i++;
			continue;
		}
		expect(watch, of->mailbox, of->folder, mail->in_new, mail->file,
		    watch_now() + wait, of->tries);
		g_ptr_array_remove_index(mails, i);
	}
}

static void
seal_due(struct watch *watch)
{
	struct watch_file *of;
	struct sealing sealing = {.watch = watch};
	struct fault fault = {FAULT_NONE, ""};
	struct folder *folder;
	GPtrArray *mails;
	int r;

	while (!is_stopped(watch) && (mails = take_due(watch, &of)) != NULL) {
		sealing.mailbox = of->mailbox;
		sealing.tries = of->tries;
		r = folder_open(
		    watch->maildirs[of->mailbox], of->folder, &folder, &fault);
		if (r == 1) {
			leave_restless(watch, of, folder, mails);
			seal_mails(&sealing, folder, mails);
			folder_close(&folder);
		} else {
			/* Renamed or gone: looking finds it, if it is there. */
			if (r == -1)
				watch->observer->trouble(
				    watch->mailboxes[of->mailbox].context,
				    &fault);
			watch_scan_at(watch, of->mailbox,
			    later(watch, ++watch->tries[of->mailbox]));
		}
		free_file(of);
		g_ptr_array_unref(mails);
	}
}

/* --- Looking through a mailbox */

static int
scan_due(struct watch *watch, struct fault *fault)
{
	int64_t now = watch_now();
	size_t i;

	for (i = 0; i < watch->count && !is_stopped(watch); i++) {
		if (watch->scans[i] == 0 || watch->scans[i] > now)
			continue;
		watch->scans[i] = 0;
		if (scan(watch, i, fault) != 0)
			return -1;
	}
	return 0;
}

/* Watches first, then looks: what comes between is seen twice. */
static int
scan_folder(struct watch *watch, size_t mailbox, struct folder *folder,
    struct fault *fault)
{
	struct watch_file of = {.mailbox = mailbox, .folder = folder->name};
	struct sealing sealing = {watch, mailbox, 0};
	unsigned int resumed = 0;
	GPtrArray *mails;

	if (watch_kernel_add(watch, mailbox, folder, fault) != 0)
		return -1;
	if (replace_resume(folder, &resumed, fault) != 0 ||
	    folder_list(folder, &mails, NULL, fault) != 0)
		return -1;
	leave_restless(watch, &of, folder, mails);
	seal_mails(&sealing, folder, mails);
	g_ptr_array_unref(mails);
	return 0;
}

static int
scan_folders(struct watch *watch, size_t mailbox, struct fault *fault)
{
	const struct maildir *maildir = watch->maildirs[mailbox];
	struct folder *folder;
	GPtrArray *names;
	int r, ret = 0;
	guint i;

	if (watch_kernel_add_top(watch, mailbox, maildir_fd(maildir), fault) !=
		0 ||
	    maildir_folders(maildir, &names, NULL, fault) != 0) {
		if (!watch->full)
			watch->observer->trouble(
			    watch->mailboxes[mailbox].context, fault);
		return -1;
	}
	for (i = 0; i < names->len && !is_stopped(watch); i++) {
		r = folder_open(
		    maildir, g_ptr_array_index(names, i), &folder, fault);
		if (r == 1) {
			r = scan_folder(watch, mailbox, folder, fault);
			folder_close(&folder);
		}
		/* The other folders shall not wait for this one. */
		if (r == -1 && !watch->full)
			watch->observer->trouble(
			    watch->mailboxes[mailbox].context, fault);
		if (r == -1)
			ret = -1;
		if (watch->full)
			break;
	}
	g_ptr_array_unref(names);
	return ret;
}

/* Trouble passes, and is tried again; but more watches there are none. */
static int
scan(struct watch *watch, size_t mailbox, struct fault *fault)
{
	unsigned int *tries = &watch->tries[mailbox];

	if (scan_folders(watch, mailbox, fault) == 0) {
		*tries = 0;
		return 0;
	}
	if (watch->full)
		return -1;
	*tries = MIN(*tries + 1, TRIES_MAX);
	watch_scan_at(watch, mailbox, later(watch, *tries));
	return 0;
}
