/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * replace_journal.c - finish what a batch of replacements began.
 *
 * In:    the names that a batch is about to change.
 * Out:   a file in the folder that tells them until the batch is done.
 * Never: touches a batch whose process lives, or text of a message.
 */
#include <config.h>

#include "mailbox/replace_private.h"

#include "keys/disk.h"
#include "mailbox/uidlist.h"
#include "seal/crash_point.h"
#include "seal/message.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#define PREFIX "sealmilter-journal."
#define FIRST_LINE "sealmilter-journal 1"
#define LAST_LINE "end"
#define JOURNAL_OCTETS ((off_t)16 << 20)

/* As long as it lives, its process has a lock on it. */
struct replace_journal {
	int directory;
	int fd;
	char *name;
};

static int resume_one(const struct folder *folder, const char *old_key,
    const char *new_key, const struct uidlist *list, struct fault *fault);

/* Lines "OLD-KEY <tab> NEW-KEY", as C writes strings. */
static GString *
journal_text(const GPtrArray *replacements)
{
	GString *text = g_string_new(FIRST_LINE "\n");
	const struct replacement *replacement;
	char *name, *old, *new;
	guint i;

	for (i = 0; i < replacements->len; i++) {
		replacement = g_ptr_array_index(replacements, i);
		name = mail_rename(replacement->mail, replacement->base,
		    replacement->size, replacement->vsize);
		name[strcspn(name, ":")] = '\0';
		old = g_strescape(replacement->mail->key, NULL);
		new = g_strescape(name, NULL);
		g_string_append_printf(text, "%s\t%s\n", old, new);
		g_free(name);
		g_free(old);
		g_free(new);
	}
	g_string_append(text, LAST_LINE "\n");
	return text;
}

static char *
journal_name(struct fault *fault)
{
	uint64_t number;

	if (getentropy(&number, sizeof(number)) == 0)
		return g_strdup_printf(
		    PREFIX "%016" G_GINT64_MODIFIER "x", number);
	fault_set(
	    fault, FAULT_TEMP, "getting random octets: %s", g_strerror(errno));
	return NULL;
}

int
replace_journal_make(const struct folder *folder, const GPtrArray *replacements,
    struct replace_journal **journalp, struct fault *fault)
{
	struct replace_journal *journal;
	GString *text;
	char *name = journal_name(fault);

	if (name == NULL)
		return -1;
	journal = g_new0(struct replace_journal, 1);
	journal->name = name;
	journal->directory = folder->fd;
	journal->fd = openat(folder->fd, name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (journal->fd == -1 || flock(journal->fd, LOCK_EX) != 0) {
		fault_set(fault, FAULT_TEMP, "making \"%s/%s\": %s",
		    folder->name, name, g_strerror(errno));
		(void)replace_journal_done(&journal, NULL);
		return -1;
	}
	text = journal_text(replacements);
	if (write_octets(journal->fd, text->str, text->len, fault) != 0 ||
	    disk_sync(journal->fd, name, fault) != 0 ||
	    disk_sync(folder->fd, "the folder", fault) != 0) {
		g_string_free(text, TRUE);
		(void)replace_journal_done(&journal, NULL);
		return -1;
	}
	g_string_free(text, TRUE);
	*journalp = journal;
	return 0;
}

void
replace_journal_leave(struct replace_journal **journalp)
{
	struct replace_journal *journal = *journalp;

	if (journal == NULL)
		return;
	if (journal->fd != -1)
		close(journal->fd);
	g_free(journal->name);
	g_free(journal);
	*journalp = NULL;
}

int
replace_journal_done(struct replace_journal **journalp, struct fault *fault)
{
	struct replace_journal *journal = *journalp;
	int r = 0;

	if (journal == NULL)
		return 0;
	if (journal->fd != -1)
		r = unlinkat(journal->directory, journal->name, 0);
	if (r != 0)
		fault_set(fault, FAULT_TEMP, "removing %s: %s", journal->name,
		    g_strerror(errno));
	replace_journal_leave(journalp);
	return r;
}

/* --- What a dead process left */

static int
remove_file(
    const struct folder *folder, const struct mail *mail, struct fault *fault)
{
	if (unlinkat(folder_of(folder, mail), mail->file, 0) == 0 ||
	    errno == ENOENT)
		return 0;
	fault_set(fault, FAULT_TEMP,
	    "removing one of two files of a message:"
	    " %s",
	    g_strerror(errno));
	return -1;
}

/*
 * If both files are there, the one whose UID is lower is the message: it has
 * the UID that clients know, the other one was seen as new by a server that
 * ran meanwhile.  Without UIDs it is the new one.
 */
static int
resume_one(const struct folder *folder, const char *old_key,
    const char *new_key, const struct uidlist *list, struct fault *fault)
{
	uint32_t old_uid = list == NULL ? 0 : uidlist_find(list, old_key);
	uint32_t new_uid = list == NULL ? 0 : uidlist_find(list, new_key);
	struct mail *old = NULL, *new = NULL;
	bool keep_old = old_uid != 0 && (new_uid == 0 || old_uid < new_uid);
	int r = replace_search(folder, old_key, &old, fault);

	if (r == 1)
		r = replace_search(folder, new_key, &new, fault);
	if (r == 1)
		r = remove_file(folder, keep_old ? new : old, fault);
	mail_free(&old);
	mail_free(&new);
	return r;
}

/* The pairs of a journal, NULL if it was not written to its end: then its
 * batch had not begun. */
static char **
read_pairs(int fd, off_t size)
{
	char *text = g_malloc((gsize)size + 1), **lines = NULL;
	ssize_t n = pread(fd, text, (size_t)size, 0);
	guint count;

	if (n == size) {
		text[size] = '\0';
		lines = g_strsplit(text, "\n", -1);
		count = g_strv_length(lines);
		if (count < 3 || strcmp(lines[0], FIRST_LINE) != 0 ||
		    strcmp(lines[count - 2], LAST_LINE) != 0)
			g_clear_pointer(&lines, g_strfreev);
	}
	g_free(text);
	return lines;
}

static int
resume_lines(const struct folder *folder, char **lines, unsigned int *countp,
    struct fault *fault)
{
	struct uidlist *list = NULL;
	char **pair, *old_key, *new_key;
	int r = uidlist_read(folder->fd, &list, fault);

	for (lines++; r >= 0 && strcmp(*lines, LAST_LINE) != 0; lines++) {
		pair = g_strsplit(*lines, "\t", 2);
		if (g_strv_length(pair) == 2) {
			old_key = g_strcompress(pair[0]);
			new_key = g_strcompress(pair[1]);
			r = resume_one(folder, old_key, new_key, list, fault);
			g_free(old_key);
			g_free(new_key);
			(*countp)++;
		}
		g_strfreev(pair);
		crash_point("R1");
	}
	uidlist_free(&list);
	return r < 0 ? -1 : 0;
}

static int
resume_file(const struct folder *folder, int fd, const struct stat *st,
    unsigned int *countp, struct fault *fault)
{
	struct replace_lock *lock = NULL;
	char **lines;
	int r;

	if (st->st_size > JOURNAL_OCTETS) {
		fault_set(fault, FAULT_PERM, "a journal is too large");
		return -1;
	}
	lines = read_pairs(fd, st->st_size);
	if (lines == NULL)
		return 0;
	r = replace_lock(folder, &lock, fault);
	if (r == 0)
		r = resume_lines(folder, lines, countp, fault);
	if (r == 0)
		r = replace_forget(folder, fault);
	if (r == 0)
		r = disk_sync(folder->cur, "the directory cur", fault);
	replace_unlock(&lock);
	g_strfreev(lines);
	return r;
}

static int
resume_named(const struct folder *folder, const char *name,
    unsigned int *countp, struct fault *fault)
{
	struct stat st, now;
	char *why = NULL;
	int fd, r;

	r = maildir_open_file(folder->fd, name, O_RDWR, &fd, &st, &why, fault);
	g_free(why);
	if (r != 1)
		return r; /* a link of that name is no journal of ours */
	/* Who holds the lock lives, and who got it first may be done. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	    fstatat(folder->fd, name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	    now.st_ino == st.st_ino && now.st_dev == st.st_dev) {
		r = resume_file(folder, fd, &st, countp, fault);
		crash_point("R2");
		if (r == 0 && unlinkat(folder->fd, name, 0) != 0) {
			fault_set(fault, FAULT_TEMP, "removing \"%s/%s\": %s",
			    folder->name, name, g_strerror(errno));
			r = -1;
		}
	} else
		r = 0;
	close(fd);
	return r;
}

int
replace_resume(
    const struct folder *folder, unsigned int *countp, struct fault *fault)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	guint i;
	int r = 0;

	if (dir == NULL) {
		fault_set(fault, FAULT_TEMP, "reading the folder \"%s\": %s",
		    folder->name, g_strerror(errno));
		if (fd != -1)
			close(fd);
		r = -1;
	}
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (g_str_has_prefix(entry->d_name, PREFIX))
			g_ptr_array_add(names, g_strdup(entry->d_name));
	if (dir != NULL)
		closedir(dir);
	for (i = 0; i < names->len && r == 0; i++)
		r = resume_named(
		    folder, g_ptr_array_index(names, i), countp, fault);
	g_ptr_array_free(names, TRUE);
	return r;
}
