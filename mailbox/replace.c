/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * replace.c - put sealed files in the place of readable ones, under the hands
 * of a server that renames and removes them.
 *
 * In:    files that are written, and the messages they are for.
 * Out:   the same messages with these files.
 * Never: removes an old file before the new one is on the disk and has its
 *        place, or brings back what somebody expunged.
 */
#include <config.h>

#include "mailbox/replace_private.h"

#include "keys/disk.h"
#include "mailbox/uidlist.h"
#include "seal/crash_point.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#define SEARCHES 3 /* readdir(2) may miss what is renamed meanwhile */

static int link_all(const struct folder *folder, const GPtrArray *replacements,
    struct fault *fault);
static void unlink_new(
    const struct folder *folder, const GPtrArray *replacements);
static int rename_uids(const struct folder *folder,
    const GPtrArray *replacements, struct fault *fault);
static int unlink_old(const struct folder *folder,
    const GPtrArray *replacements, struct fault *fault);
static int sync_directories(const struct folder *folder, struct fault *fault);

/* --- One new file */

/* Sorts where the old one did: its time, then what is nobody else's. */
static char *
new_base(const struct mail *mail, struct fault *fault)
{
	size_t digits = strspn(mail->base, "0123456789");
	uint64_t number;
	char *host, *base;

	if (getentropy(&number, sizeof(number)) != 0) {
		fault_set(fault, FAULT_TEMP, "getting random octets: %s",
		    g_strerror(errno));
		return NULL;
	}
	host = g_strdup(g_get_host_name());
	g_strdelimit(host, "/:,", '_');
	base = g_strdup_printf("%.*s.S%016" G_GINT64_MODIFIER "x.%s",
	    digits == 0 ? 1 : (int)MIN(digits, 20),
	    digits == 0 ? "0" : mail->base, number, host);
	g_free(host);
	return base;
}

bool
replace_made(const struct mail *mail)
{
	const char *p = mail->base + strspn(mail->base, "0123456789");

	return strncmp(p, ".S", 2) == 0 &&
	       strspn(p + 2, "0123456789abcdef") == 16 && p[18] == '.';
}

int
replacement_make(const struct folder *folder, const struct mail *mail,
    const struct stat *old, struct replacement **replacementp,
    struct fault *fault)
{
	char *base = new_base(mail, fault);
	struct replacement *replacement;
	int fd;

	if (base == NULL)
		return -1;
	replacement = g_new0(struct replacement, 1);
	replacement->mail = mail_parse(mail->file, mail->in_new);
	replacement->old = *old;
	replacement->base = base;
	fd = openat(folder->tmp, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd == -1 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		/* As NFS, which has none; Dovecot removes what is left of it
		 * after 36 hours. */
		fd = openat(folder->tmp, base,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		replacement->tmp = g_strdup(base);
	}
	replacement->fd = fd;
	if (fd != -1) {
		*replacementp = replacement;
		return 0;
	}
	fault_set(fault, FAULT_TEMP, "making a file in \"%s/tmp\": %s",
	    folder->name, g_strerror(errno));
	g_clear_pointer(&replacement->tmp, g_free);
	replacement_free(&replacement, folder);
	return -1;
}

void
replacement_free(struct replacement **replacementp, const struct folder *folder)
{
	struct replacement *replacement = *replacementp;

	if (replacement == NULL)
		return;
	if (replacement->tmp != NULL)
		(void)unlinkat(folder->tmp, replacement->tmp, 0);
	if (replacement->fd != -1)
		close(replacement->fd);
	mail_free(&replacement->mail);
	g_free(replacement->tmp);
	g_free(replacement->base);
	g_free(replacement->name);
	g_free(replacement);
	*replacementp = NULL;
}

/* Its time (INTERNALDATE), mode and group are those of the old one. */
static int
finish_file(const struct replacement *replacement, struct fault *fault)
{
	const struct timespec times[2] = {
	    {0, UTIME_OMIT}, replacement->old.st_mtim};
	const struct stat *old = &replacement->old;

	if ((old->st_gid == getegid() ||
		fchown(replacement->fd, (uid_t)-1, old->st_gid) == 0) &&
	    fchmod(replacement->fd, old->st_mode & 0777) == 0 &&
	    futimens(replacement->fd, times) == 0)
		return 0;
	fault_set(fault, FAULT_TEMP,
	    "giving a new file the group, mode and time of the old one: %s",
	    g_strerror(errno));
	return -1;
}

static int
finish_files(const GPtrArray *replacements, struct fault *fault)
{
	guint i;

	for (i = 0; i < replacements->len; i++)
		if (finish_file(g_ptr_array_index(replacements, i), fault) != 0)
			return -1;
	return 0;
}

/* --- The lock */

struct replace_lock {
	int ours; /* with flock(2) on it */
	struct uidlist_lock *dovecots;
};

int
replace_lock(const struct folder *folder, struct replace_lock **lockp,
    struct fault *fault)
{
	struct replace_lock lock = {-1, NULL};
	struct stat st;

	/* Ours first: a wait for it ends at once when it is free. */
	lock.ours =
	    openat(folder->cur, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock.ours == -1 || flock(lock.ours, LOCK_EX) != 0) {
		fault_set(fault, FAULT_TEMP, "locking \"%s/cur\": %s",
		    folder->name, g_strerror(errno));
		goto fail;
	}
	if (fstatat(folder->fd, "dovecot-uidlist", &st, AT_SYMLINK_NOFOLLOW) ==
		0 &&
	    uidlist_lock(folder->fd, &lock.dovecots, fault) != 0)
		goto fail;
	*lockp = g_new(struct replace_lock, 1);
	**lockp = lock;
	return 0;
fail:
	if (lock.ours != -1)
		close(lock.ours);
	return -1;
}

void
replace_unlock(struct replace_lock **lockp)
{
	struct replace_lock *lock = *lockp;

	if (lock == NULL)
		return;
	uidlist_unlock(&lock->dovecots);
	close(lock->ours);
	g_free(lock);
	*lockp = NULL;
}

/* --- A batch */

int
replace_batch(const struct folder *folder, const GPtrArray *replacements,
    struct fault *fault)
{
	struct replace_journal *journal = NULL;
	struct replace_lock *lock = NULL;
	int ret = -1;

	if (replacements->len == 0)
		return 0;
	if (finish_files(replacements, fault) != 0 ||
	    replace_sync_files(folder, replacements, fault) != 0)
		return -1;
	crash_point("M1");
	if (replace_journal_make(folder, replacements, &journal, fault) != 0)
		return -1;
	crash_point("M2");
	if (replace_lock(folder, &lock, fault) != 0)
		goto back;
	crash_point("M3");
	if (link_all(folder, replacements, fault) != 0 ||
	    sync_directories(folder, fault) != 0)
		goto back;
	crash_point("M5");
	if (rename_uids(folder, replacements, fault) != 0)
		goto back;
	/* From here on, what fails is for replace_resume(). */
	ret = disk_sync(folder->fd, "the list of UIDs", fault);
	crash_point("M6");
	if (ret == 0)
		ret = unlink_old(folder, replacements, fault);
	if (ret == 0)
		ret = sync_directories(folder, fault);
	crash_point("M8");
	if (ret == 0)
		ret = replace_forget(folder, fault);
	crash_point("M9");
	if (ret == 0)
		ret = replace_journal_done(&journal, fault);
	crash_point("M10");
	goto out;
back:
	unlink_new(folder, replacements);
	(void)replace_journal_done(&journal, NULL);
out:
	replace_journal_leave(&journal);
	replace_unlock(&lock);
	return ret;
}

static int
sync_directories(const struct folder *folder, struct fault *fault)
{
	if (disk_sync(folder->cur, "the directory cur", fault) != 0)
		return -1;
	return folder->new == -1
		   ? 0
		   : disk_sync(folder->new, "the directory new", fault);
}

/* True if the old file is there under the name that we know. */
static bool
is_there(const struct folder *folder, const struct replacement *replacement)
{
	struct stat st;

	return fstatat(folder_of(folder, replacement->mail),
		   replacement->mail->file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && st.st_dev == replacement->old.st_dev &&
	       st.st_ino == replacement->old.st_ino &&
	       st.st_size == replacement->old.st_size &&
	       st.st_mtim.tv_sec == replacement->old.st_mtim.tv_sec &&
	       st.st_mtim.tv_nsec == replacement->old.st_mtim.tv_nsec;
}

int
replace_search(const struct folder *folder, const char *key,
    struct mail **mailp, struct fault *fault)
{
	GPtrArray *mails;
	struct mail *mail;
	int i, r = 0;
	guint j;

	for (i = 0; i < SEARCHES && r == 0; i++) {
		if (folder_list(folder, &mails, NULL, fault) != 0)
			return -1;
		for (j = 0; j < mails->len && r == 0; j++) {
			mail = g_ptr_array_index(mails, j);
			if (strcmp(mail->key, key) != 0)
				continue;
			*mailp = mail_parse(mail->file, mail->in_new);
			r = 1;
		}
		g_ptr_array_free(mails, TRUE);
	}
	return r;
}

/* Where the old file is now.  1; 0: gone, or another by now; -1. */
static int
find_old(const struct folder *folder, struct replacement *replacement,
    struct fault *fault)
{
	struct mail *mail;
	int r;

	if (is_there(folder, replacement))
		return 1;
	r = replace_search(folder, replacement->mail->key, &mail, fault);
	if (r != 1)
		return r;
	mail_free(&replacement->mail);
	replacement->mail = mail;
	return is_there(folder, replacement);
}

static int
link_file(
    const struct folder *folder, struct replacement *replacement, int directory)
{
	char path[64];

	if (replacement->tmp != NULL)
		return linkat(folder->tmp, replacement->tmp, directory,
		    replacement->name, 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", replacement->fd);
	return linkat(
	    AT_FDCWD, path, directory, replacement->name, AT_SYMLINK_FOLLOW);
}

static int
link_one(const struct folder *folder, struct replacement *replacement,
    struct fault *fault)
{
	int r = find_old(folder, replacement, fault);

	if (r != 1) {
		replacement->overtaken = r == 0;
		return r;
	}
	replacement->in_new = replacement->mail->in_new;
	replacement->name = mail_rename(replacement->mail, replacement->base,
	    replacement->size, replacement->vsize);
	if (link_file(folder, replacement,
		folder_of(folder, replacement->mail)) != 0) {
		fault_set(fault, FAULT_TEMP, "naming a new message: %s",
		    g_strerror(errno));
		return -1;
	}
	replacement->linked = true;
	if (replacement->tmp != NULL)
		(void)unlinkat(folder->tmp, replacement->tmp, 0);
	return 0;
}

static int
link_all(const struct folder *folder, const GPtrArray *replacements,
    struct fault *fault)
{
	guint i;

	for (i = 0; i < replacements->len; i++) {
		if (link_one(
			folder, g_ptr_array_index(replacements, i), fault) != 0)
			return -1;
		crash_point("M4");
	}
	return 0;
}

static void
unlink_one_new(const struct folder *folder, struct replacement *replacement)
{
	struct mail *mail, *now;

	if (!replacement->linked)
		return;
	replacement->linked = false;
	if (unlinkat(replacement->in_new ? folder->new : folder->cur,
		replacement->name, 0) == 0 ||
	    errno != ENOENT)
		return;
	/* Its flags were changed meanwhile. */
	mail = mail_parse(replacement->name, replacement->in_new);
	if (replace_search(folder, mail->key, &now, NULL) == 1) {
		(void)unlinkat(folder_of(folder, now), now->file, 0);
		mail_free(&now);
	}
	mail_free(&mail);
}

static void
unlink_new(const struct folder *folder, const GPtrArray *replacements)
{
	guint i;

	for (i = 0; i < replacements->len; i++)
		unlink_one_new(folder, g_ptr_array_index(replacements, i));
}

static int
rename_uids(const struct folder *folder, const GPtrArray *replacements,
    struct fault *fault)
{
	const struct replacement *replacement;
	struct uidlist *list = NULL;
	int r = uidlist_read(folder->fd, &list, fault);
	unsigned int renamed = 0;
	char *key;
	guint i;

	if (r != 1)
		return r;
	for (i = 0; i < replacements->len; i++) {
		replacement = g_ptr_array_index(replacements, i);
		if (!replacement->linked)
			continue;
		key = g_strndup(
		    replacement->name, strcspn(replacement->name, ":"));
		/* One that Dovecot has not seen yet has no UID. */
		renamed += uidlist_rename(list, replacement->mail->key, key);
		g_free(key);
	}
	r = renamed == 0 ? 0 : uidlist_write(list, folder->fd, fault);
	uidlist_free(&list);
	return r;
}

/* The new file gets the flags that the old one had at its end. */
static void
take_over_flags(const struct folder *folder, struct replacement *replacement,
    const struct mail *last)
{
	char *name = mail_rename(
	    last, replacement->base, replacement->size, replacement->vsize);
	int from = replacement->in_new ? folder->new : folder->cur;

	/* Not there any more: its own flags are changed, which is later. */
	if (strcmp(name, replacement->name) != 0 ||
	    last->in_new != replacement->in_new)
		(void)renameat(
		    from, replacement->name, folder_of(folder, last), name);
	g_free(name);
}

static int
unlink_one_old(const struct folder *folder, struct replacement *replacement,
    struct fault *fault)
{
	struct mail *mail = replacement->mail, *now;
	int i, r = 1;

	for (i = 0; i < SEARCHES && r == 1; i++) {
		if (unlinkat(folder_of(folder, mail), mail->file, 0) == 0) {
			take_over_flags(folder, replacement, mail);
			return 0;
		}
		if (errno != ENOENT) {
			fault_set(fault, FAULT_TEMP,
			    "removing a readable message: %s",
			    g_strerror(errno));
			return -1;
		}
		r = replace_search(folder, mail->key, &now, fault);
		if (r == 1) {
			mail_free(&replacement->mail);
			replacement->mail = mail = now;
		}
	}
	if (r != 0)
		return -1;
	/* Expunged, and so must be the new one. */
	unlink_one_new(folder, replacement);
	replacement->overtaken = true;
	return 0;
}

static int
unlink_old(const struct folder *folder, const GPtrArray *replacements,
    struct fault *fault)
{
	struct replacement *replacement;
	int ret = 0;
	guint i;

	for (i = 0; i < replacements->len; i++) {
		replacement = g_ptr_array_index(replacements, i);
		if (replacement->linked &&
		    unlink_one_old(folder, replacement, fault) != 0)
			ret = -1;
		crash_point("M7");
	}
	return ret;
}

int
replace_forget(const struct folder *folder, struct fault *fault)
{
	if (unlinkat(folder->fd, "dovecot.index.cache", 0) == 0 ||
	    errno == ENOENT)
		return 0;
	fault_set(fault, FAULT_TEMP, "removing dovecot.index.cache: %s",
	    g_strerror(errno));
	return -1;
}
