/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_maildir.c - folders and messages are found, whatever their owner put
 * beside them; nothing is opened through a link.
 */
#define _GNU_SOURCE
#include "config.h"

#include "mailbox/maildir.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char *top; /* a directory of our own, without links in its path */

static char *
in_top(const char *name)
{
	return g_build_filename(top, name, NULL);
}

static void
make_folder(const char *name)
{
	static const char *const parts[] = {"cur", "new", "tmp"};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(parts); i++) {
		char *path = g_build_filename(top, name, parts[i], NULL);

		if (g_mkdir_with_parents(path, 0700) != 0)
			abort();
		g_free(path);
	}
}

static void
make_file(const char *name)
{
	char *path = in_top(name);

	if (!g_file_set_contents(path, "Subject: x\n\ny\n", -1, NULL))
		abort();
	g_free(path);
}

static void
make_link(const char *target, const char *name)
{
	char *path = in_top(name);

	if (symlink(target, path) != 0)
		abort();
	g_free(path);
}

static bool
is_stray(GPtrArray *strays, const char *path, const char *why)
{
	struct maildir_stray *stray;
	guint i;

	for (i = 0; i < strays->len; i++) {
		stray = g_ptr_array_index(strays, i);
		if (strcmp(stray->path, path) == 0)
			return strstr(stray->why, why) != NULL;
	}
	return false;
}

static void
test_names(void)
{
	static const struct {
		const char *file, *key, *base, *flags;
		int64_t size, vsize;
		const char *renamed;
	} names[] = {
	    {"1.M2P3.host,S=10,W=12:2,FSa", "1.M2P3.host,S=10,W=12",
		"1.M2P3.host", "FSa", 10, 12, "new,S=5,W=6:2,FSa"},
	    {"1.M2.host", "1.M2.host", "1.M2.host", NULL, -1, -1,
		"new,S=5,W=6"},
	    {"1.host,W=7:2,", "1.host,W=7", "1.host", "", -1, 7,
		"new,S=5,W=6:2,"},
	    {"1.host,X=y,S=9:2,S", "1.host,X=y,S=9", "1.host", "S", 9, -1,
		"new,S=5,W=6,X=y:2,S"},
	    {"1.host,S=9x:1,S", "1.host,S=9x", "1.host", NULL, -1, -1,
		"new,S=5,W=6:1,S"},
	    {"a\nb:2,S", "a\nb", "a\nb", "S", -1, -1, "new,S=5,W=6:2,S"},
	    {":2,S", "", "", "S", -1, -1, "new,S=5,W=6:2,S"},
	};
	struct mail *mail;
	char *renamed;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		mail = mail_parse(names[i].file, false);
		is_str(mail->key, names[i].key, "the key ends at the colon");
		is_str(mail->base, names[i].base, "the base ends at a comma");
		is_str(mail->flags, names[i].flags, "flags follow :2,");
		is_int(mail->size, names[i].size, "S= is the size");
		is_int(mail->vsize, names[i].vsize, "W= is the size with CRLF");
		renamed = mail_rename(mail, "new", 5, 6);
		is_str(renamed, names[i].renamed,
		    "a new name keeps what the old one tells");
		g_free(renamed);
		mail_free(&mail);
	}
}

static void
test_folders(void)
{
	static const char *const wanted[] = {
	    "box", "box/.Archive.2024", "box/Work", "box/Work/Deep"};
	GPtrArray *names = NULL, *strays = maildir_strays_make();
	struct fault fault = {FAULT_NONE, ""};
	struct maildir *maildir = NULL;
	char *path = in_top("box");
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(wanted); i++)
		make_folder(wanted[i]);
	make_link("/etc", "box/.Link");
	make_file("box/dovecot-uidlist");
	is_int(maildir_open(path, &maildir, &fault), 0, "a Maildir opens");
	is_int(maildir_folders(maildir, &names, strays, &fault), 0,
	    "its folders are listed");
	is_int(names->len, 4, "as many as there are");
	for (i = 0; i < MIN(names->len, 4); i++)
		is_str(g_ptr_array_index(names, i),
		    i == 0 ? "" : wanted[i] + strlen("box/"),
		    "Maildir++ and directories in directories");
	ok(is_stray(strays, ".Link", "symbolic link"),
	    "a folder that is a link is reported");
	g_ptr_array_free(names, TRUE);
	g_ptr_array_free(strays, TRUE);
	maildir_close(&maildir);
	g_free(path);

	path = in_top("box/tmp");
	is_int(maildir_open(path, &maildir, &fault), 0, "tmp opens");
	is_int(maildir_folders(maildir, &names, NULL, &fault), -1,
	    "what is no Maildir is refused");
	has_str(fault.text, "no Maildir", "and the fault says so");
	maildir_close(&maildir);
	g_free(path);
}

static void
test_paths(void)
{
	struct fault fault = {FAULT_NONE, ""};
	struct maildir *maildir = NULL;
	char *path;

	make_link("box", "link");
	path = in_top("link");
	is_int(
	    maildir_open(path, &maildir, &fault), -1, "a link is no mailbox");
	has_str(fault.text, "\"link\" in it is a symbolic link",
	    "and the fault says which part");
	g_free(path);
	make_link(top, "box/up");
	path = in_top("box/up/box");
	is_int(maildir_open(path, &maildir, &fault), -1,
	    "nor is what lies behind one");
	g_free(path);
	path = in_top("nowhere");
	is_int(maildir_open(path, &maildir, &fault), -1,
	    "a missing directory is refused");
	is_int(fault.kind, FAULT_PERM, "for good");
	g_free(path);
}

static int
open_named(struct folder *folder, const char *file, char **whyp)
{
	struct fault fault = {FAULT_NONE, ""};
	struct mail *mail = mail_parse(file, false);
	struct stat st;
	int fd = -1, r;

	r = folder_open_mail(folder, mail, &fd, &st, whyp, &fault);
	if (r == 1)
		close(fd);
	mail_free(&mail);
	return r;
}

static void
test_messages(void)
{
	GPtrArray *mails = NULL, *strays = maildir_strays_make();
	struct fault fault = {FAULT_NONE, ""};
	struct maildir *maildir = NULL;
	struct folder *folder = NULL;
	char *path = in_top("box"), *one, *two, *why = NULL;

	make_file("box/new/1.host");
	make_file("box/cur/2.host:2,S");
	make_file("box/cur/3\nhost:2,");
	make_file("box/cur/4.host:2,");
	one = in_top("box/cur/4.host:2,");
	two = in_top("outside");
	if (link(one, two) != 0)
		abort();
	make_link("../../outside", "box/cur/5.host:2,");
	g_free(one);
	one = in_top("box/cur/6.host:2,");
	if (mkfifo(one, 0600) != 0)
		abort();
	is_int(maildir_open(path, &maildir, &fault), 0, "a Maildir opens");
	is_int(folder_open(maildir, "", &folder, &fault), 1,
	    "so does its own folder");
	is_int(folder_list(folder, &mails, strays, &fault), 0,
	    "its messages are listed");
	is_int(mails->len, 4, "those that are files");
	ok(is_stray(strays, "cur/5.host:2,", "symbolic link"),
	    "a link is reported");
	ok(is_stray(strays, "cur/6.host:2,", "FIFO"), "a FIFO is reported");
	is_int(open_named(folder, "2.host:2,S", &why), 1, "a file opens");
	is_int(open_named(folder, "3\nhost:2,", &why), 1,
	    "a file with a newline in its name opens");
	is_int(open_named(folder, "4.host:2,", &why), 0,
	    "a file with two names does not");
	has_str(why, "hard link", "which is said");
	g_clear_pointer(&why, g_free);
	is_int(open_named(folder, "5.host:2,", &why), 0, "a link does not");
	has_str(why, "symbolic link", "which is said");
	g_clear_pointer(&why, g_free);
	is_int(open_named(folder, "6.host:2,", &why), 0, "nor does a FIFO");
	has_str(why, "FIFO", "which is said");
	g_clear_pointer(&why, g_free);
	is_int(
	    open_named(folder, "7.host:2,", &why), 0, "what is gone is gone");
	ok(why == NULL, "without a word");
	folder_close(&folder);
	is_int(folder_open(maildir, "Nowhere", &folder, &fault), 0,
	    "a folder that is gone is gone");
	is_int(folder_open(maildir, ".Link", &folder, &fault), 0,
	    "and a link is none");
	g_ptr_array_free(mails, TRUE);
	g_ptr_array_free(strays, TRUE);
	maildir_close(&maildir);
	g_free(path);
	g_free(one);
	g_free(two);
}

static void
remove_tree(const char *path)
{
	GDir *dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK)
			? NULL
			: g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		char *below = g_build_filename(path, name, NULL);

		remove_tree(below);
		g_free(below);
	}
	if (dir != NULL)
		g_dir_close(dir);
	(void)g_remove(path);
}

int
main(void)
{
	char *made = g_dir_make_tmp("sealmilter-test-XXXXXX", NULL), *printable;

	top = realpath(made, NULL);
	test_names();
	test_folders();
	test_paths();
	test_messages();
	printable = maildir_printable("a\nb\033[1m\"c\"\xff");
	is_str(printable, "a\\nb\\033[1m\"c\"\\377",
	    "no name writes to the terminal");
	g_free(printable);
	remove_tree(top);
	free(top);
	g_free(made);
	return tap_done();
}
