/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * maildir_file.c - open a file of a mailbox, if it is what it should be.
 *
 * In:    a directory, and a name in it.
 * Out:   a regular file of its owner that has no name elsewhere.
 * Never: follows a symbolic link, or waits for a FIFO.
 */
#include <config.h>

#include "mailbox/maildir_private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int open_file(int directory, const char *name, int flags,
    GHashTable *links, int *fdp, struct stat *st, char **whyp,
    struct fault *fault);

GHashTable *
maildir_links_make(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static char *
link_name(const struct stat *st)
{
	return g_strdup_printf(
	    "%ju:%ju", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
}

static gsize
links_of(GHashTable *links, const struct stat *st)
{
	char *name = link_name(st);
	gsize count = links == NULL
			  ? 0
			  : GPOINTER_TO_SIZE(g_hash_table_lookup(links, name));

	g_free(name);
	return count;
}

void
maildir_links_count(GHashTable *links, const struct stat *st)
{
	if (S_ISREG(st->st_mode) && st->st_nlink > 1)
		g_hash_table_insert(links, link_name(st),
		    GSIZE_TO_POINTER(links_of(links, st) + 1));
}

int
folder_open_mail(const struct folder *folder, const struct mail *mail, int *fdp,
    struct stat *st, char **whyp, struct fault *fault)
{
	return open_file(folder_of(folder, mail), mail->file, O_RDONLY,
	    folder->links, fdp, st, whyp, fault);
}

int
maildir_open_file(int directory, const char *name, int flags, int *fdp,
    struct stat *st, char **whyp, struct fault *fault)
{
	return open_file(directory, name, flags, NULL, fdp, st, whyp, fault);
}

/* NULL: a file that we may replace. */
static char *
why_not(const struct stat *st, GHashTable *links)
{
	const char *why = maildir_no_file(st->st_mode);

	if (why != NULL)
		return g_strdup(why);
	if (st->st_nlink > 1 && st->st_nlink > links_of(links, st))
		return g_strdup_printf(
		    "has %ju names (hard links)", (uintmax_t)st->st_nlink);
	if (st->st_uid != geteuid())
		return g_strdup_printf("belongs to somebody else (uid %ju)",
		    (uintmax_t)st->st_uid);
	return NULL;
}

static int
open_file(int directory, const char *name, int flags, GHashTable *links,
    int *fdp, struct stat *st, char **whyp, struct fault *fault)
{
	int fd = openat(directory, name,
	    flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	char *why = NULL, *printable;
	int r = 0;

	*whyp = NULL;
	if (fd == -1 && errno == ELOOP) {
		*whyp = g_strdup("is a symbolic link");
		return 0;
	}
	if (fd == -1 && errno == ENXIO) {
		*whyp = g_strdup("is a FIFO, a device or a socket");
		return 0;
	}
	if (fd == -1 && errno == EACCES) {
		*whyp = g_strdup("cannot be read: permission denied");
		return 0;
	}
	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd == -1 || fstat(fd, st) != 0) {
		printable = maildir_printable(name);
		fault_set(fault, FAULT_TEMP, "opening \"%s\": %s", printable,
		    g_strerror(errno));
		g_free(printable);
		r = -1;
	} else if ((why = why_not(st, links)) == NULL) {
		*fdp = fd;
		return 1;
	}
	*whyp = why;
	if (fd != -1)
		close(fd);
	return r;
}
