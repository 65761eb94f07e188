/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * uidlist.c - Dovecot's list of UIDs, read and written under its lock.
 *
 * In:    the directory of a folder.
 * Out:   the same list with other names for some messages.
 * Never: changes a UID, or a line that it was not asked to change.
 */
#include <config.h>

#include "mailbox/uidlist.h"

#include "mailbox/maildir.h"
#include "seal/message.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIST_FILE "dovecot-uidlist"
#define LIST_TMP_FILE "dovecot-uidlist.tmp" /* Dovecot's; the lock is for it */
#define LOCK_FILE "dovecot-uidlist.lock"
#define LIST_OCTETS ((off_t)1 << 30)
#define STALE_SECONDS 120 /* MAILDIR_UIDLIST_LOCK_STALE_TIMEOUT */
#define PAUSE_US 10000

/* --- The lock */

struct uidlist_lock {
	int directory;
	struct stat st; /* of the file as we made it */
};

/* What the lock of somebody else looked like, and since when. */
struct sight {
	struct stat st;
	int64_t since; /* monotonic, microseconds; 0: not seen yet */
};

static int lock_create(int directory, struct uidlist_lock *lock);
static bool lock_is_stale(int directory, struct sight *sight);

int
uidlist_lock(int directory, struct uidlist_lock **lockp, struct fault *fault)
{
	const int64_t end =
	    g_get_monotonic_time() + (STALE_SECONDS + 2) * G_USEC_PER_SEC;
	struct uidlist_lock lock = {.directory = -1};
	struct sight sight = {.since = 0};
	int r;

	while ((r = lock_create(directory, &lock)) == 0 &&
	       g_get_monotonic_time() < end) {
		/* The pause is for another who finds it stale, too: they must
		 * not remove ours. */
		if (lock_is_stale(directory, &sight))
			(void)unlinkat(directory, LOCK_FILE, 0);
		g_usleep(PAUSE_US);
	}
	if (r == 1) {
		*lockp = g_new(struct uidlist_lock, 1);
		**lockp = lock;
		return 0;
	}
	if (r == 0)
		fault_set(fault, FAULT_TEMP,
		    "%s is held by another process for %d seconds; remove it"
		    " if nobody uses the mailbox",
		    LOCK_FILE, STALE_SECONDS);
	else
		fault_set(fault, FAULT_TEMP, "making %s: %s", LOCK_FILE,
		    g_strerror(errno));
	return -1;
}

/* 1: it is ours.  0: somebody else has it.  -1 with errno. */
static int
lock_create(int directory, struct uidlist_lock *lock)
{
	char text[300];
	int fd, len, error, ret = -1;

	fd = openat(directory, LOCK_FILE,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return errno == EEXIST ? 0 : -1;
	len = snprintf(text, sizeof(text), "%jd:%s", (intmax_t)getpid(),
	    g_get_host_name());
	if (len > 0 && (size_t)len < sizeof(text) &&
	    write(fd, text, (size_t)len) == len && fstat(fd, &lock->st) == 0 &&
	    (lock->directory = fcntl(directory, F_DUPFD_CLOEXEC, 3)) != -1)
		ret = 1;
	error = errno;
	if (ret != 1)
		(void)unlinkat(directory, LOCK_FILE, 0);
	close(fd);
	errno = error;
	return ret;
}

/* The process of this host that holds it; 0: not told, or of another. */
static pid_t
read_pid(int directory)
{
	char text[300], *colon, *why;
	struct stat st;
	guint64 pid;
	ssize_t n;
	int fd;

	if (maildir_open_file(
		directory, LOCK_FILE, O_RDONLY, &fd, &st, &why, NULL) != 1) {
		g_free(why);
		return 0;
	}
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	colon = strchr(text, ':');
	if (colon == NULL || strcmp(colon + 1, g_get_host_name()) != 0)
		return 0;
	*colon = '\0';
	return g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT, &pid, NULL)
		   ? (pid_t)pid
		   : 0;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool
lock_is_stale(int directory, struct sight *sight)
{
	int64_t now = g_get_monotonic_time(), seen;
	struct stat st, again;
	pid_t pid;

	if (fstatat(directory, LOCK_FILE, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	if (sight->since == 0 || !same_file(&st, &sight->st)) {
		sight->st = st;
		sight->since = now;
	}
	seen = now - sight->since;
	pid = read_pid(directory);
	if (pid == 0)
		return seen > STALE_SECONDS * G_USEC_PER_SEC;
	if (kill(pid, 0) == 0 || errno != ESRCH)
		return false;
	/* A process that died; but is it still its file? */
	return fstatat(directory, LOCK_FILE, &again, AT_SYMLINK_NOFOLLOW) ==
		   0 &&
	       same_file(&st, &again);
}

void
uidlist_unlock(struct uidlist_lock **lockp)
{
	struct uidlist_lock *lock = *lockp;
	struct stat st;

	if (lock == NULL)
		return;
	/* Not if somebody found ours stale and made their own, perhaps under
	 * the same inode number. */
	if (fstatat(lock->directory, LOCK_FILE, &st, AT_SYMLINK_NOFOLLOW) ==
		0 &&
	    same_file(&st, &lock->st))
		(void)unlinkat(lock->directory, LOCK_FILE, 0);
	close(lock->directory);
	g_free(lock);
	*lockp = NULL;
}

/* --- The list */

struct uidlist {
	int version;
	mode_t mode;
	gid_t gid;
	struct timespec mtime;
	char *header;
	GPtrArray *lines;  /* of char *, without newlines */
	GHashTable *index; /* key -> number of its line, and 1 */
};

static int parse(struct uidlist *list, char *text, struct fault *fault);
static int write_file(const struct uidlist *list, int fd, struct fault *fault);

static int
read_whole(int fd, off_t size, char **textp, struct fault *fault)
{
	char *text = g_malloc((gsize)size + 1);
	off_t got = 0;
	ssize_t n = 1;

	while (got < size && n > 0) {
		n = read(fd, text + got, (size_t)(size - got));
		if (n > 0)
			got += n;
		else if (n == -1 && errno == EINTR)
			n = 1;
	}
	if (n == -1) {
		fault_set(fault, FAULT_TEMP, "reading %s: %s", LIST_FILE,
		    g_strerror(errno));
		g_free(text);
		return -1;
	}
	text[got] = '\0';
	*textp = text;
	return 0;
}

int
uidlist_read(int directory, struct uidlist **listp, struct fault *fault)
{
	struct uidlist *list;
	char *text = NULL, *why;
	struct stat st;
	int fd, r;

	r = maildir_open_file(
	    directory, LIST_FILE, O_RDONLY, &fd, &st, &why, fault);
	if (r == 0 && why != NULL) {
		fault_set(fault, FAULT_PERM, "%s %s", LIST_FILE, why);
		g_free(why);
		return -1;
	}
	if (r != 1)
		return r;
	if (st.st_size > LIST_OCTETS) {
		fault_set(fault, FAULT_PERM, "%s is too large", LIST_FILE);
		r = -1;
	} else
		r = read_whole(fd, st.st_size, &text, fault);
	close(fd);
	if (r != 0)
		return -1;
	list = g_new0(struct uidlist, 1);
	list->mode = st.st_mode & 0777;
	list->gid = st.st_gid;
	list->mtime = st.st_mtim;
	list->lines = g_ptr_array_new_with_free_func(g_free);
	list->index =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	r = parse(list, text, fault);
	g_free(text);
	if (r != 0) {
		uidlist_free(&list);
		return -1;
	}
	*listp = list;
	return 1;
}

void
uidlist_free(struct uidlist **listp)
{
	struct uidlist *list = *listp;

	if (list == NULL)
		return;
	g_free(list->header);
	g_ptr_array_free(list->lines, TRUE);
	g_hash_table_destroy(list->index);
	g_free(list);
	*listp = NULL;
}

/* Where the message's name begins in a line; NULL: it is broken. */
static const char *
name_in(const struct uidlist *list, const char *line)
{
	const char *p = line + strspn(line, "0123456789");

	if (p == line || *p != ' ')
		return NULL;
	if (list->version == 1)
		return p + 1;
	/* Fields are letters with values that have no blank. */
	for (; *p == ' '; p += strcspn(p, " ")) {
		p++;
		if (*p == ':')
			return p + 1;
	}
	return NULL;
}

static char *
key_in(const struct uidlist *list, const char *line)
{
	const char *name = name_in(list, line);

	return name == NULL ? NULL : g_strndup(name, strcspn(name, ":"));
}

/* 0: none that is known. */
static int
version_in(const char *header)
{
	if (g_str_has_prefix(header, "3 "))
		return 3;
	return g_str_has_prefix(header, "1 ") ? 1 : 0;
}

static int
parse(struct uidlist *list, char *text, struct fault *fault)
{
	char *line, *end, *key;
	gsize number = 0;

	for (line = text; *line != '\0'; line = end) {
		end = line + strcspn(line, "\n");
		if (*end == '\n')
			*end++ = '\0';
		if (list->header == NULL) {
			list->header = g_strdup(line);
			list->version = version_in(line);
			continue;
		}
		key = list->version == 0 ? NULL : key_in(list, line);
		if (key == NULL)
			break;
		g_ptr_array_add(list->lines, g_strdup(line));
		g_hash_table_insert(
		    list->index, key, GSIZE_TO_POINTER(++number));
	}
	if (list->header != NULL && list->version != 0 && *line == '\0')
		return 0;
	fault_set(fault, FAULT_PERM,
	    "%s: line %zu is not as Dovecot 2 writes it; have Dovecot repair"
	    " it (doveadm force-resync)",
	    LIST_FILE, (size_t)number + (list->version == 0 ? 1 : 2));
	return -1;
}

uint32_t
uidlist_find(const struct uidlist *list, const char *key)
{
	gsize number = GPOINTER_TO_SIZE(g_hash_table_lookup(list->index, key));

	return number == 0
		   ? 0
		   : (uint32_t)g_ascii_strtoull(
			 g_ptr_array_index(list->lines, number - 1), NULL, 10);
}

/* The line for the same message under another name. */
static char *
renamed_line(const struct uidlist *list, const char *line, const char *key,
    const char *new_key)
{
	GString *out =
	    g_string_new_len(line, (gssize)strspn(line, "0123456789"));
	const char *p = line + out->len;
	bool guid = false;
	size_t len;

	if (list->version == 1) {
		g_string_append_printf(out, " %s", new_key);
		return g_string_free(out, FALSE);
	}
	for (p++; *p != ':' && *p != '\0'; p += len + (p[len] == ' ')) {
		len = strcspn(p, " ");
		/* Sizes of the file are in its name now. */
		if (*p == 'S' || *p == 'W')
			continue;
		guid |= *p == 'G';
		g_string_append_c(out, ' ');
		g_string_append_len(out, p, (gssize)len);
	}
	if (!guid && strchr(key, ' ') == NULL)
		g_string_append_printf(out, " G%s", key);
	g_string_append_printf(out, " :%s", new_key);
	return g_string_free(out, FALSE);
}

bool
uidlist_rename(struct uidlist *list, const char *key, const char *new_key)
{
	gsize number = GPOINTER_TO_SIZE(g_hash_table_lookup(list->index, key));
	gpointer *place;
	char *line;

	if (number == 0)
		return false;
	place = &g_ptr_array_index(list->lines, number - 1);
	line = renamed_line(list, *place, key, new_key);
	g_free(*place);
	*place = line;
	g_hash_table_remove(list->index, key);
	g_hash_table_insert(
	    list->index, g_strdup(new_key), GSIZE_TO_POINTER(number));
	return true;
}

int
uidlist_write(const struct uidlist *list, int directory, struct fault *fault)
{
	int fd, ret = -1;

	/* A dead Dovecot's, or a link that leads elsewhere. */
	if (unlinkat(directory, LIST_TMP_FILE, 0) != 0 && errno != ENOENT) {
		fault_set(fault, FAULT_TEMP, "removing %s: %s", LIST_TMP_FILE,
		    g_strerror(errno));
		return -1;
	}
	fd = openat(directory, LIST_TMP_FILE,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, list->mode);
	if (fd == -1) {
		fault_set(fault, FAULT_TEMP, "making %s: %s", LIST_TMP_FILE,
		    g_strerror(errno));
		return -1;
	}
	if (write_file(list, fd, fault) != 0)
		goto out;
	if (renameat(directory, LIST_TMP_FILE, directory, LIST_FILE) != 0) {
		fault_set(fault, FAULT_TEMP, "replacing %s: %s", LIST_FILE,
		    g_strerror(errno));
		goto out;
	}
	ret = 0;
out:
	if (ret != 0)
		(void)unlinkat(directory, LIST_TMP_FILE, 0);
	close(fd);
	return ret;
}

/* Dovecot takes it for unchanged unless it is younger than the old one. */
static int
set_time(const struct uidlist *list, int fd)
{
	struct timespec times[2] = {{0, UTIME_OMIT}, list->mtime};
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -1;
	if (st.st_mtim.tv_sec > list->mtime.tv_sec ||
	    (st.st_mtim.tv_sec == list->mtime.tv_sec &&
		st.st_mtim.tv_nsec > list->mtime.tv_nsec))
		return 0;
	times[1].tv_sec++;
	return futimens(fd, times);
}

static int
write_file(const struct uidlist *list, int fd, struct fault *fault)
{
	GString *text = g_string_new(list->header);
	guint i;
	int r;

	g_string_append_c(text, '\n');
	for (i = 0; i < list->lines->len; i++) {
		g_string_append(text, g_ptr_array_index(list->lines, i));
		g_string_append_c(text, '\n');
	}
	r = write_octets(fd, text->str, text->len, fault);
	g_string_free(text, TRUE);
	if (r != 0) {
		fault_prefix(fault, "%s", LIST_TMP_FILE);
		return -1;
	}
	if (fchmod(fd, list->mode) == 0 &&
	    (list->gid == getegid() || fchown(fd, (uid_t)-1, list->gid) == 0) &&
	    set_time(list, fd) == 0 && fsync(fd) == 0)
		return 0;
	fault_set(fault, FAULT_TEMP, "writing %s: %s", LIST_TMP_FILE,
	    g_strerror(errno));
	return -1;
}
