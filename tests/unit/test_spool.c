/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_spool.c - the octets come back, memory is bounded, and nothing can be
 * read in the file, nor changed unseen.
 */
#define _GNU_SOURCE
#include "config.h"

#include "seal/spool.h"
#include "tests/unit/mail.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#define MEGABYTE ((size_t)1 << 20)

/* The descriptor of the spool's file, found as a stranger would; -1. */
static int
find_file(const char *directory)
{
	char *real = realpath(directory, NULL), *link, *prefix;
	const char *name;
	GDir *fds = g_dir_open("/proc/self/fd", 0, NULL);
	int found = -1;

	prefix = g_strconcat(real, "/", NULL);
	while (fds != NULL && (name = g_dir_read_name(fds)) != NULL) {
		char *path = g_build_filename("/proc/self/fd", name, NULL);

		link = g_file_read_link(path, NULL);
		if (link != NULL && g_str_has_prefix(link, prefix))
			found = (int)g_ascii_strtoll(name, NULL, 10);
		g_free(link);
		g_free(path);
	}
	if (fds != NULL)
		g_dir_close(fds);
	g_free(prefix);
	free(real);
	return found;
}

static bool
is_empty(const char *directory)
{
	GDir *dir = g_dir_open(directory, 0, NULL);
	bool empty = dir != NULL && g_dir_read_name(dir) == NULL;

	if (dir != NULL)
		g_dir_close(dir);
	return empty;
}

static GByteArray *
read_file(int fd)
{
	GByteArray *all = g_byte_array_new();
	unsigned char piece[65536];
	off_t offset = 0;
	ssize_t n;

	while ((n = pread(fd, piece, sizeof(piece), offset)) > 0) {
		g_byte_array_append(all, piece, (guint)n);
		offset += n;
	}
	return all;
}

/* Text in which every line says where it is. */
static GString *
make_text(size_t octets)
{
	GString *text = g_string_sized_new(octets + 64);

	while (text->len < octets)
		g_string_append_printf(
		    text, "This is secret line %08zu.\r\n", text->len);
	g_string_truncate(text, octets);
	return text;
}

static struct spool *
fill(const struct spool_limits *limits, bool secret, const GString *text)
{
	struct spool *spool = spool_make(limits, secret);
	struct fault fault;
	size_t at, n;

	for (at = 0; at < text->len; at += n) {
		n = MIN(text->len - at, 10007);
		if (spool_append(spool, text->str + at, n, &fault) != 0) {
			printf("# %s\n", fault.text);
			break;
		}
	}
	return spool;
}

static bool
holds(const struct spool *spool, const GString *text)
{
	GString *got = spool_text(spool);
	bool same = got != NULL && g_string_equal(got, text) &&
		    spool_size(spool) == text->len;

	if (got != NULL)
		g_string_free(got, TRUE);
	return same;
}

/* --- What goes in comes out */

static void
sizes_come_back(void)
{
	/* About the blocks' ends: 8192, then 61440 each. */
	static const size_t sizes[] = {0, 1, 8191, 8192, 8193, 69631, 69632,
	    69633, 131071, 131072, 131073, MEGABYTE - 1, MEGABYTE,
	    3 * MEGABYTE + 1};
	static const size_t memories[] = {0, 8192, 100000, MEGABYTE};
	struct spool_limits limits = {mail_directory, 0};
	struct spool *spool;
	GString *text;
	size_t i, j;
	bool back;

	for (i = 0; i < G_N_ELEMENTS(sizes); i++) {
		text = make_text(sizes[i]);
		for (back = true, j = 0; j < 2 * G_N_ELEMENTS(memories); j++) {
			limits.memory_octets = memories[j / 2];
			spool = fill(&limits, j % 2 == 1, text);
			back = back && holds(spool, text) && holds(spool, text);
			spool_free(&spool);
		}
		ok(back,
		    "%zu octets come back, twice, whatever stays in"
		    " memory",
		    sizes[i]);
		g_string_free(text, TRUE);
	}
}

static void
own_buffers_are_filled(void)
{
	const struct spool_limits limits = {mail_directory, 100000};
	GString *text = make_text(300000), *got = g_string_new(NULL);
	struct spool *spool = fill(&limits, true, text);
	struct spool_reader *reader = spool_reader_make(spool);
	struct fault fault;
	char buffer[4093];
	ssize_t n;

	while ((n = spool_reader_read(reader, buffer,
		    1 + feed_random(sizeof(buffer)), &fault)) > 0)
		g_string_append_len(got, buffer, n);
	ok(n == 0 && g_string_equal(got, text),
	    "a reader with its own buffer gets the same");
	is_int(spool_reader_read(reader, buffer, 1, &fault), 0,
	    "and the end again");
	spool_reader_free(&reader);
	spool_free(&spool);
	g_string_free(got, TRUE);
	g_string_free(text, TRUE);
}

/* By GLib, which has a SHA-256 of its own. */
static bool
has_digest(const struct spool *spool, const char *before, const GString *text)
{
	GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA256);
	unsigned char digest[SPOOL_DIGEST_OCTETS], wanted[SPOOL_DIGEST_OCTETS];
	gsize len = sizeof(wanted);
	struct fault fault;
	bool same;

	g_checksum_update(checksum, (const guchar *)before, -1);
	g_checksum_update(
	    checksum, (const guchar *)text->str, (gssize)text->len);
	g_checksum_get_digest(checksum, wanted, &len);
	g_checksum_free(checksum);
	same =
	    spool_digest(before, strlen(before), spool, digest, &fault) == 0 &&
	    memcmp(digest, wanted, sizeof(wanted)) == 0;
	return same;
}

static void
digests_are_of_all_octets(void)
{
	static const size_t sizes[] = {0, 1, 8192, 300000};
	const struct spool_limits limits = {mail_directory, 100000};
	struct spool *spool;
	GString *text;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(sizes); i++) {
		text = make_text(sizes[i]);
		spool = fill(&limits, true, text);
		ok(has_digest(spool, "", text) &&
			has_digest(spool, "Subject: x\r\n\r\n", text),
		    "the digest is of all %zu octets, and of what comes before",
		    sizes[i]);
		spool_free(&spool);
		g_string_free(text, TRUE);
	}
}

/* --- Where the octets are */

static void
memory_is_bounded(void)
{
	const struct spool_limits limits = {mail_directory, MEGABYTE};
	GString *text = make_text(MEGABYTE - 70000);
	struct spool *spool = fill(&limits, true, text);
	struct stat status;
	GString *more = make_text(10 * MEGABYTE);
	struct fault fault;
	int fd;

	is_int(find_file(mail_directory), -1,
	    "what fits into memory makes no file");
	is_int(spool_append(spool, more->str, more->len, &fault), 0,
	    "ten megabytes are appended");
	fd = find_file(mail_directory);
	ok(fd != -1, "what does not fit goes to a file");
	ok(fd != -1 && fstat(fd, &status) == 0 &&
		(uint64_t)status.st_size + MEGABYTE >= spool_size(spool),
	    "at most one megabyte of it stays in memory");
	ok(is_empty(mail_directory), "the file has no name");
	spool_free(&spool);
	is_int(find_file(mail_directory), -1, "the file goes with the spool");
	g_string_free(text, TRUE);
	g_string_free(more, TRUE);
}

static void
file_tells_nothing(void)
{
	const struct spool_limits limits = {mail_directory, 100000};
	GString *text = make_text(MEGABYTE);
	struct spool *spool = fill(&limits, true, text);
	int fd = find_file(mail_directory);
	GByteArray *file = read_file(fd), *other_file;
	struct spool *other;

	ok(file->len > MEGABYTE - 200000, "most of a megabyte is in the file");
	ok(memmem(file->data, file->len, "secret", 6) == NULL &&
		memmem(file->data, file->len, "line 0", 6) == NULL &&
		memmem(file->data, file->len, text->str, 16) == NULL,
	    "no word of the text is in the file of a secret spool");
	spool_free(&spool);
	other = fill(&limits, true, text);
	other_file = read_file(find_file(mail_directory));
	ok(other_file->len == file->len &&
		memcmp(other_file->data, file->data, 4096) != 0,
	    "the same text makes another file: each spool has its own key");
	spool_free(&other);
	spool = fill(&limits, false, text);
	g_byte_array_free(other_file, TRUE);
	other_file = read_file(find_file(mail_directory));
	ok(memmem(other_file->data, other_file->len, "secret", 6) != NULL,
	    "the search finds the text in a spool that is not secret");
	spool_free(&spool);
	g_byte_array_free(other_file, TRUE);
	g_byte_array_free(file, TRUE);
	g_string_free(text, TRUE);
}

/* --- What happened to the file meanwhile */

enum harm {
	HARM_FIRST,
	HARM_TAG,
	HARM_SWAP,
	HARM_CUT,
	HARM_EMPTY,
};

static const char *const harms[] = {
    [HARM_FIRST] = "an octet that was changed",
    [HARM_TAG] = "a tag that was changed",
    [HARM_SWAP] = "records that changed places",
    [HARM_CUT] = "a file that lost its last octet",
    [HARM_EMPTY] = "an emptied file",
};

/* A record is a block of 61440 and a tag of 16. */
#define RECORD 61456

static bool
do_harm(int fd, enum harm harm)
{
	GByteArray *file = read_file(fd);
	bool done = file->len > 3 * RECORD;
	off_t size = (off_t)file->len;

	switch (harm) {
	case HARM_FIRST:
		file->data[RECORD] ^= 1;
		break;
	case HARM_TAG:
		file->data[2 * RECORD - 1] ^= 0x80;
		break;
	case HARM_SWAP:
		done = done &&
		       pwrite(fd, file->data + RECORD, RECORD, 2 * RECORD) ==
			   RECORD &&
		       pwrite(fd, file->data + 2 * RECORD, RECORD, RECORD) ==
			   RECORD;
		g_byte_array_free(file, TRUE);
		return done;
	case HARM_CUT:
		size--;
		break;
	case HARM_EMPTY:
		size = 0;
		break;
	}
	done = done &&
	       pwrite(fd, file->data, file->len, 0) == (ssize_t)file->len &&
	       ftruncate(fd, size) == 0;
	g_byte_array_free(file, TRUE);
	return done;
}

static void
harm_is_seen(void)
{
	const struct spool_limits limits = {mail_directory, 0};
	GString *text = make_text(MEGABYTE), *got;
	struct spool *spool;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(harms); i++) {
		spool = fill(&limits, true, text);
		if (!do_harm(find_file(mail_directory), (enum harm)i))
			ok(false, "%s: could not be made", harms[i]);
		got = spool_text(spool);
		ok(got == NULL, "%s is seen", harms[i]);
		if (got != NULL)
			g_string_free(got, TRUE);
		spool_free(&spool);
	}
	g_string_free(text, TRUE);
}

static void
harm_gives_nothing_out(void)
{
	const struct spool_limits limits = {mail_directory, 0};
	GString *text = make_text(MEGABYTE);
	struct spool *spool = fill(&limits, true, text);
	struct spool_reader *reader = spool_reader_make(spool);
	const unsigned char *data = NULL;
	unsigned char digest[SPOOL_DIGEST_OCTETS];
	struct fault fault = {FAULT_NONE, ""};
	size_t len = 0, octets = 0;
	int r;

	(void)do_harm(find_file(mail_directory), HARM_FIRST);
	while ((r = spool_reader_next(reader, &data, &len, &fault)) == 1)
		octets += len;
	is_int(r, -1, "reading ends with a failure, not with the end");
	ok(octets < RECORD, "nothing of the changed record is given out");
	ok(fault.kind == FAULT_TEMP && fault.text[0] != '\0',
	    "and the fault is temporary: %s", fault.text);
	fault = (struct fault){FAULT_NONE, ""};
	is_int(spool_digest(NULL, 0, spool, digest, &fault), -1,
	    "nor is there a digest of it");
	ok(fault.kind == FAULT_TEMP && strstr(fault.text, mail_directory),
	    "and the fault names the directory: %s", fault.text);
	spool_reader_free(&reader);
	spool_free(&spool);
	g_string_free(text, TRUE);
}

/* --- No room */

static void
refuses(const char *directory, const char *name)
{
	const struct spool_limits limits = {directory, 100000};
	struct spool *spool = spool_make(&limits, true);
	struct fault fault = {FAULT_NONE, ""};
	GString *text = make_text(70000);
	int r = 0, i;

	for (i = 0; i < 100 && r == 0; i++)
		r = spool_append(spool, text->str, text->len, &fault);
	is_int(r, -1, name);
	ok(fault.kind == FAULT_TEMP && strstr(fault.text, directory) != NULL,
	    "the fault is temporary and names the directory: %s", fault.text);
	is_int(spool_append(spool, text->str, text->len, &fault), -1,
	    "and the next one is refused as well");
	spool_free(&spool);
	g_string_free(text, TRUE);
}

/* A disk of one megabyte; without the right to mount one, a limit. */
static void
full_disk_is_temporary(void)
{
	char *disk = mail_path("disk");
	struct rlimit before, small;

	if (g_mkdir(disk, 0700) == 0 && unshare(CLONE_NEWNS) == 0 &&
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("none", disk, "tmpfs", 0, "size=1m") == 0) {
		refuses(disk, "a full disk refuses");
		(void)umount(disk);
	}
	(void)g_rmdir(disk);
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = MEGABYTE;
	fflush(stdout);
	(void)setrlimit(RLIMIT_FSIZE, &small);
	refuses(mail_directory, "a file that may not grow refuses");
	(void)setrlimit(RLIMIT_FSIZE, &before);
	g_free(disk);
}

static void
missing_directory_is_temporary(void)
{
	char *gone = mail_path("gone");

	refuses(gone, "a directory that is not there refuses");
	g_free(gone);
}

int
main(void)
{
	mail_begin();
	feed_begin();
	sizes_come_back();
	own_buffers_are_filled();
	digests_are_of_all_octets();
	memory_is_bounded();
	file_tells_nothing();
	harm_is_seen();
	harm_gives_nothing_out();
	full_disk_is_temporary();
	missing_directory_is_temporary();
	feed_end();
	mail_end();
	return tap_done();
}
