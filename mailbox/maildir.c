/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * maildir.c - open a mailbox that its owner can change under our hands.
 *
 * In:    the path of a Maildir.
 * Out:   its folders and messages, and what is no message.
 * Never: follows a symbolic link, waits for a FIFO, or leaves the directory.
 */
#include <config.h>

#include "mailbox/maildir_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define DEPTH 16 /* of folders in folders */
#define OPEN_DIRECTORY                                                         \
	(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

struct maildir {
	char *path;
	int fd;
	uid_t uid;
	gid_t gid;
};

static int open_path(const char *path, int *fdp, struct fault *fault);
static int walk(int directory, const char *name, unsigned int depth,
    GPtrArray *names, GPtrArray *strays, struct fault *fault);
static int open_directory(int directory, const char *name, const char *below,
    int *fdp, GPtrArray *strays, struct fault *fault);
static int list(const struct folder *folder, bool in_new, GPtrArray *mails,
    GPtrArray *strays, struct fault *fault);

int
maildir_open(const char *path, struct maildir **maildirp, struct fault *fault)
{
	struct maildir *maildir;
	struct stat st;
	int fd = -1;

	if (open_path(path, &fd, fault) != 0)
		return -1;
	if (fstat(fd, &st) != 0) {
		fault_set(fault, FAULT_TEMP, "%s: %s", path, g_strerror(errno));
		close(fd);
		return -1;
	}
	maildir = g_new0(struct maildir, 1);
	maildir->path = g_strdup(path);
	maildir->fd = fd;
	maildir->uid = st.st_uid;
	maildir->gid = st.st_gid;
	*maildirp = maildir;
	return 0;
}

void
maildir_close(struct maildir **maildirp)
{
	struct maildir *maildir = *maildirp;

	if (maildir == NULL)
		return;
	close(maildir->fd);
	g_free(maildir->path);
	g_free(maildir);
	*maildirp = NULL;
}

const char *
maildir_path(const struct maildir *maildir)
{
	return maildir->path;
}

int
maildir_fd(const struct maildir *maildir)
{
	return maildir->fd;
}

void
maildir_owner(const struct maildir *maildir, uid_t *uidp, gid_t *gidp)
{
	*uidp = maildir->uid;
	*gidp = maildir->gid;
}

char *
maildir_printable(const char *name)
{
	return g_strescape(name, "\"");
}

static bool
is_link(int directory, const char *name)
{
	struct stat st;

	return fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISLNK(st.st_mode);
}

static void
fault_of_path(
    struct fault *fault, const char *path, const char *part, bool link)
{
	int error = errno;
	char *printable = maildir_printable(path);

	if (link)
		fault_set(fault, FAULT_PERM,
		    "%s: \"%s\" in it is a symbolic link, which its owner can"
		    " turn: give the path as realpath(1) prints it",
		    printable, part);
	else if (error == ENOENT || error == ENOTDIR || error == EACCES)
		fault_set(
		    fault, FAULT_PERM, "%s: %s", printable, g_strerror(error));
	else
		fault_set(
		    fault, FAULT_TEMP, "%s: %s", printable, g_strerror(error));
	g_free(printable);
}

/* Part by part, since O_NOFOLLOW is about the last one only. */
static int
open_path(const char *path, int *fdp, struct fault *fault)
{
	char **parts = g_strsplit(path, "/", -1);
	int fd = open(path[0] == '/' ? "/" : ".", O_PATH | O_CLOEXEC), next;
	bool link = false;
	size_t i;

	for (i = 0; fd != -1 && parts[i] != NULL; i++) {
		if (parts[i][0] == '\0')
			continue;
		next = openat(fd, parts[i],
		    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next == -1)
			link = is_link(fd, parts[i]);
		close(fd);
		fd = next;
		if (fd == -1)
			break;
	}
	*fdp = fd == -1 ? -1 : openat(fd, ".", OPEN_DIRECTORY);
	if (*fdp == -1) {
		if (link)
			errno = ELOOP;
		fault_of_path(
		    fault, path, parts[i] == NULL ? "" : parts[i], link);
	}
	if (fd != -1)
		close(fd);
	g_strfreev(parts);
	return *fdp == -1 ? -1 : 0;
}

/* --- What is left alone */

static void
stray_free(void *data)
{
	struct maildir_stray *stray = data;

	g_free(stray->path);
	g_free(stray->why);
	g_free(stray);
}

GPtrArray *
maildir_strays_make(void)
{
	return g_ptr_array_new_with_free_func(stray_free);
}

static void
add_stray(GPtrArray *strays, const char *folder, const char *directory,
    const char *name, const char *why)
{
	struct maildir_stray *stray;

	if (strays == NULL)
		return;
	stray = g_new0(struct maildir_stray, 1);
	stray->path = g_build_filename(folder, directory, name, NULL);
	stray->why = g_strdup(why);
	g_ptr_array_add(strays, stray);
}

/* --- Folders */

static int
compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
maildir_folders(const struct maildir *maildir, GPtrArray **namesp,
    GPtrArray *strays, struct fault *fault)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

	if (walk(maildir->fd, "", 0, names, strays, fault) != 0) {
		g_ptr_array_free(names, TRUE);
		return -1;
	}
	if (names->len == 0) {
		fault_set(fault, FAULT_PERM,
		    "%s is no Maildir: there is no directory \"cur\" in it,"
		    " nor in one below it",
		    maildir->path);
		g_ptr_array_free(names, TRUE);
		return -1;
	}
	g_ptr_array_sort(names, compare_names);
	*namesp = names;
	return 0;
}

/* 1: there is such a directory.  0: there is none.  -1. */
static int
has_directory(int directory, const char *name, struct fault *fault)
{
	struct stat st;

	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISDIR(st.st_mode);
	if (errno == ENOENT || errno == ENOTDIR)
		return 0;
	fault_set(fault, FAULT_TEMP, "looking for the directory %s: %s", name,
	    g_strerror(errno));
	return -1;
}

static bool
is_part_of_folder(const char *name)
{
	return strcmp(name, "cur") == 0 || strcmp(name, "new") == 0 ||
	       strcmp(name, "tmp") == 0;
}

/* Reads a directory of which the caller keeps the descriptor. */
static DIR *
read_directory(int directory)
{
	int fd = openat(directory, ".", OPEN_DIRECTORY);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);

	if (dir == NULL && fd != -1)
		close(fd);
	return dir;
}

/* The next but "." and ".."; NULL: the end (errno 0), or an error. */
static const struct dirent *
next_entry(DIR *dir)
{
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir);
	} while (entry != NULL && (strcmp(entry->d_name, ".") == 0 ||
				      strcmp(entry->d_name, "..") == 0));
	return entry;
}

/* Adds the folders in one directory of a directory. */
static int
walk_into(int directory, const char *below, const char *name,
    unsigned int depth, GPtrArray *names, GPtrArray *strays,
    struct fault *fault)
{
	char *path;
	int fd, r = open_directory(directory, name, below, &fd, strays, fault);

	if (r != 1)
		return r;
	if (depth == DEPTH) {
		add_stray(strays, below, "", name, "is nested too deep");
		close(fd);
		return 0;
	}
	path = below[0] == '\0' ? g_strdup(name)
				: g_build_filename(below, name, NULL);
	r = walk(fd, path, depth + 1, names, strays, fault);
	g_free(path);
	close(fd);
	return r;
}

/* Adds the folders in this directory, and itself if it is one. */
static int
walk(int directory, const char *below, unsigned int depth, GPtrArray *names,
    GPtrArray *strays, struct fault *fault)
{
	int r = has_directory(directory, "cur", fault), error;
	bool folder = r == 1;
	const struct dirent *entry;
	DIR *dir;

	if (r == -1)
		return -1;
	if (folder)
		g_ptr_array_add(names, g_strdup(below));
	dir = read_directory(directory);
	r = 0;
	while (dir != NULL && r == 0 && (entry = next_entry(dir)) != NULL)
		if (!folder || !is_part_of_folder(entry->d_name))
			r = walk_into(directory, below, entry->d_name, depth,
			    names, strays, fault);
	error = errno;
	if (dir != NULL)
		closedir(dir);
	if (r != 0 || (dir != NULL && error == 0))
		return r;
	fault_set(fault, FAULT_TEMP, "reading the directory \"%s\": %s", below,
	    g_strerror(error));
	return -1;
}

/* 1: it is one, and open.  0: it is something else.  -1. */
static int
open_directory(int directory, const char *name, const char *below, int *fdp,
    GPtrArray *strays, struct fault *fault)
{
	char *printable;
	struct stat st;

	*fdp = openat(directory, name, OPEN_DIRECTORY);
	if (*fdp != -1)
		return 1;
	if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP ||
	    errno == ENXIO) {
		/* A link to a directory is a folder for some servers. */
		if (is_link(directory, name) &&
		    fstatat(directory, name, &st, 0) == 0 &&
		    S_ISDIR(st.st_mode))
			add_stray(strays, below, "", name,
			    "is a symbolic link to a directory");
		return 0;
	}
	printable = maildir_printable(name);
	fault_set(fault, errno == EACCES ? FAULT_PERM : FAULT_TEMP,
	    "opening \"%s\": %s", printable, g_strerror(errno));
	g_free(printable);
	return -1;
}

/* Down to a folder; never through a link. */
static int
open_below(int directory, const char *name, int *fdp, struct fault *fault)
{
	char **parts = g_strsplit(name, "/", -1);
	int fd = openat(directory, ".", OPEN_DIRECTORY), next, r = 1;
	size_t i;

	for (i = 0; fd != -1 && parts[i] != NULL; i++) {
		if (parts[i][0] == '\0')
			continue;
		next = openat(fd, parts[i], OPEN_DIRECTORY);
		if (next == -1)
			r = errno == ENOENT || errno == ENOTDIR ? 0 : -1;
		if (r == -1)
			fault_set(fault, FAULT_TEMP, "opening a folder: %s",
			    g_strerror(errno));
		close(fd);
		fd = next;
	}
	g_strfreev(parts);
	*fdp = fd;
	return fd == -1 && r == 1 ? -1 : r;
}

int
folder_open(const struct maildir *maildir, const char *name,
    struct folder **folderp, struct fault *fault)
{
	static const char *const parts[] = {"cur", "new", "tmp"};
	struct folder *folder = g_new0(struct folder, 1);
	int *const fds[] = {&folder->cur, &folder->new, &folder->tmp};
	size_t i;
	int r;

	folder->name = g_strdup(name);
	folder->fd = folder->cur = folder->new = folder->tmp = -1;
	r = open_below(maildir->fd, name, &folder->fd, fault);
	for (i = 0; r == 1 && i < G_N_ELEMENTS(parts); i++) {
		*fds[i] = openat(folder->fd, parts[i], OPEN_DIRECTORY);
		if (*fds[i] != -1 || (errno == ENOENT && i > 0))
			continue;
		r = errno == ENOENT ? 0 : -1;
		if (r == -1)
			fault_set(fault, FAULT_PERM, "opening \"%s/%s\": %s",
			    name, parts[i], g_strerror(errno));
	}
	if (r == 1)
		*folderp = folder;
	else
		folder_close(&folder);
	return r;
}

void
folder_close(struct folder **folderp)
{
	struct folder *folder = *folderp;

	if (folder == NULL)
		return;
	if (folder->fd != -1)
		close(folder->fd);
	if (folder->cur != -1)
		close(folder->cur);
	if (folder->new != -1)
		close(folder->new);
	if (folder->tmp != -1)
		close(folder->tmp);
	g_free(folder->name);
	g_free(folder);
	*folderp = NULL;
}

/* --- Messages */

static void
release_mail(void *data)
{
	struct mail *mail = data;

	mail_free(&mail);
}

static int
compare_mails(gconstpointer a, gconstpointer b)
{
	const struct mail *const *one = a, *const *other = b;

	return strcmp((*one)->file, (*other)->file);
}

int
folder_list(const struct folder *folder, GPtrArray **mailsp, GPtrArray *strays,
    struct fault *fault)
{
	GPtrArray *mails = g_ptr_array_new_with_free_func(release_mail);

	/* new/ first: what a server moves to cur/ meanwhile is seen twice
	 * rather than not at all. */
	if ((folder->new != -1 &&
		list(folder, true, mails, strays, fault) != 0) ||
	    list(folder, false, mails, strays, fault) != 0) {
		g_ptr_array_free(mails, TRUE);
		return -1;
	}
	g_ptr_array_sort(mails, compare_mails);
	*mailsp = mails;
	return 0;
}

/* What a name stands for, as lstat(2) sees it; NULL: a file. */
const char *
maildir_no_file(mode_t mode)
{
	if (S_ISREG(mode))
		return NULL;
	if (S_ISLNK(mode))
		return "is a symbolic link";
	if (S_ISDIR(mode))
		return "is a directory";
	if (S_ISFIFO(mode))
		return "is a FIFO";
	return "is a device or a socket";
}

/* Most file systems tell it with the name.  0, or -1 with errno. */
static int
mode_of(int directory, const struct dirent *entry, mode_t *modep)
{
	struct stat st;

	if (entry->d_type == DT_UNKNOWN) {
		if (fstatat(directory, entry->d_name, &st,
			AT_SYMLINK_NOFOLLOW) != 0)
			return -1;
		*modep = st.st_mode;
	} else
		*modep = (mode_t)DTTOIF(entry->d_type);
	return 0;
}

static int
list(const struct folder *folder, bool in_new, GPtrArray *mails,
    GPtrArray *strays, struct fault *fault)
{
	const char *part = in_new ? "new" : "cur", *why;
	int fd = in_new ? folder->new : folder->cur;
	DIR *dir = read_directory(fd);
	const struct dirent *entry;
	mode_t mode;
	int error;

	while (dir != NULL && (entry = next_entry(dir)) != NULL) {
		/* Maildirs have none of those (and NFS leaves some). */
		if (entry->d_name[0] == '.')
			continue;
		if (mode_of(fd, entry, &mode) != 0) {
			if (errno == ENOENT)
				continue;
			break;
		}
		why = maildir_no_file(mode);
		if (why != NULL)
			add_stray(
			    strays, folder->name, part, entry->d_name, why);
		else
			g_ptr_array_add(
			    mails, mail_parse(entry->d_name, in_new));
	}
	error = errno;
	if (dir != NULL)
		closedir(dir);
	if (dir != NULL && error == 0)
		return 0;
	fault_set(fault, FAULT_TEMP, "reading the directory \"%s/%s\": %s",
	    folder->name, part, g_strerror(error));
	return -1;
}

int
folder_of(const struct folder *folder, const struct mail *mail)
{
	return mail->in_new ? folder->new : folder->cur;
}
