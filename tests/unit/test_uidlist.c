/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_uidlist.c - Dovecot's list of UIDs keeps all that is not renamed, and a
 * lock of a dead process is no obstacle.
 */
#define _GNU_SOURCE
#include "config.h"

#include "mailbox/uidlist.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *top;
static int directory;

static void
put(const char *name, const char *text)
{
	char *path = g_build_filename(top, name, NULL);

	if (!g_file_set_contents(path, text, -1, NULL))
		abort();
	g_free(path);
}

static char *
get(const char *name)
{
	char *path = g_build_filename(top, name, NULL), *text = NULL;

	(void)g_file_get_contents(path, &text, NULL, NULL);
	g_free(path);
	return text;
}

static void
renamed(const char *before, const char *after, const char *name)
{
	struct fault fault = {FAULT_NONE, ""};
	struct uidlist *list = NULL;
	char *now;

	put("dovecot-uidlist", before);
	if (uidlist_read(directory, &list, &fault) == 1) {
		(void)uidlist_rename(list, "b,S=1", "new,S=2,W=3");
		if (uidlist_write(list, directory, &fault) != 0)
			printf("# %s\n", fault.text);
		uidlist_free(&list);
	}
	now = get("dovecot-uidlist");
	is_str(now, after, name);
	g_free(now);
}

static void
test_renaming(void)
{
	struct fault fault = {FAULT_NONE, ""};
	struct uidlist *list = NULL;

	renamed("3 V1 N9 Gff\n1 :a\n5 :b,S=1\n7 G12 :c\n",
	    "3 V1 N9 Gff\n1 :a\n5 Gb,S=1 :new,S=2,W=3\n7 G12 :c\n",
	    "a message keeps its UID and GUID, and others their lines");
	renamed("3 V1 N9\n5 W7 Px S8 O3 Gold :b,S=1\n",
	    "3 V1 N9\n5 Px O3 Gold :new,S=2,W=3\n",
	    "sizes go, and what else is told stays");
	renamed(
	    "1 2 9\n5 b,S=1\n", "1 2 9\n5 new,S=2,W=3\n", "so does version 1");
	renamed("3 V1 N9\n5 :x\n", "3 V1 N9\n5 :x\n",
	    "one that is not there changes nothing");
	put("dovecot-uidlist", "4 V1\n5 :x\n");
	is_int(uidlist_read(directory, &list, &fault), -1,
	    "another version is refused");
	put("dovecot-uidlist", "3 V1\n5 x\n");
	is_int(uidlist_read(directory, &list, &fault), -1, "and a broken line");
	has_str(fault.text, "line 2", "which is named");
	(void)unlinkat(directory, "dovecot-uidlist", 0);
	is_int(uidlist_read(directory, &list, &fault), 0, "none is no failure");
}

static void
test_lock(void)
{
	struct fault fault = {FAULT_NONE, ""};
	struct uidlist_lock *lock = NULL;
	pid_t pid = fork();
	char *text, *now;

	if (pid == 0)
		_exit(0);
	(void)waitpid(pid, NULL, 0);
	text = g_strdup_printf("%d:%s", (int)pid, g_get_host_name());
	put("dovecot-uidlist.lock", text);
	g_free(text);
	is_int(uidlist_lock(directory, &lock, &fault), 0,
	    "a lock of a dead process is taken over");
	text = g_strdup_printf("%d:%s", (int)getpid(), g_get_host_name());
	now = get("dovecot-uidlist.lock");
	is_str(now, text, "and says who has it");
	g_free(now);
	uidlist_unlock(&lock);
	ok(faccessat(directory, "dovecot-uidlist.lock", F_OK, 0) != 0,
	    "unlocking removes it");
	is_int(uidlist_lock(directory, &lock, &fault), 0, "it is taken again");
	(void)unlinkat(directory, "dovecot-uidlist.lock", 0);
	put("dovecot-uidlist.lock", "1:elsewhere");
	uidlist_unlock(&lock);
	ok(faccessat(directory, "dovecot-uidlist.lock", F_OK, 0) == 0,
	    "but not one that became another's");
	(void)unlinkat(directory, "dovecot-uidlist.lock", 0);
	g_free(text);
}

int
main(void)
{
	top = g_dir_make_tmp("sealmilter-test-XXXXXX", NULL);
	directory = open(top, O_RDONLY | O_DIRECTORY);
	test_renaming();
	test_lock();
	(void)close(directory);
	(void)g_rmdir(top);
	g_free(top);
	return tap_done();
}
