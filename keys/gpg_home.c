/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * gpg_home.c - GnuPG homes of our own, and GPGME contexts that use them.
 *
 * In:    the state directory, a keyring to look at, the gpg program.
 * Out:   a home with our gpg.conf; a context; how gpg ended.
 * Never: touches a home that belongs to somebody else, lets gpg ask the
 *        network, an agent or a person.
 */
#include <config.h>

#include "keys/gpg_home.h"

#include "keys/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * trust-model always: whether a key is the right one for an address is
 * decided by us, before gpg sees it.  ignore-*: a key made by a clock some
 * seconds ahead of ours is good; keys/usable.c says how many.
 * no-random-seed-file: gpg processes that run side by side wait for each
 * other on it.  compress-algo: the length of compressed text tells about it.
 */
static const char common_conf[] = "batch\n"
				  "no-tty\n"
				  "no-greeting\n"
				  "no-autostart\n"
				  "disable-dirmngr\n"
				  "no-auto-key-locate\n"
				  "no-auto-key-retrieve\n"
				  "no-auto-key-import\n"
				  "trust-model always\n"
				  "no-auto-check-trustdb\n"
				  "no-comments\n"
				  "no-emit-version\n"
				  "no-default-recipient\n"
				  "no-encrypt-to\n"
				  "require-cross-certification\n"
				  "weak-digest SHA1\n"
				  "ignore-time-conflict\n"
				  "ignore-valid-from\n"
				  "no-random-seed-file\n"
				  "compress-algo none\n"
				  "import-options import-minimal\n"
				  "export-options export-minimal\n";

static int make_directory(const char *path, struct fault *fault);
static int put_file(
    const char *home, const char *name, const char *text, struct fault *fault);
static int fill(const char *home, const char *conf, struct fault *fault);
static bool fits_conf(const char *path);
static int remove_entry(
    const char *path, const struct stat *st, int type, struct FTW *where);

int
gpg_home_make(const char *state, char **homep, struct fault *fault)
{
	char *home = g_build_filename(state, "gnupg", NULL);

	if (make_directory(home, fault) != 0 ||
	    fill(home, common_conf, fault) != 0) {
		g_free(home);
		return -1;
	}
	*homep = home;
	return 0;
}

int
gpg_home_make_view(const char *state, const char *keyring, const char *trustdb,
    char **homep, struct fault *fault)
{
	char *home = g_build_filename(state, "keyring", NULL);
	GString *conf = g_string_new(common_conf);
	int ret = -1;

	if (!fits_conf(keyring) || (trustdb != NULL && !fits_conf(trustdb))) {
		fault_set(fault, FAULT_PERM,
		    "gpg cannot be told of a keyring with this name: %s",
		    keyring);
		goto out;
	}
	/* no-sig-cache: what its owner's gpg accepted, ours need not. */
	g_string_append_printf(conf,
	    "no-sig-cache\nno-default-keyring\nkeyring %s\nlock-never\n",
	    keyring);
	/*
	 * It says which keys are disabled and whose user IDs are valid; with
	 * trust-model always, gpg would not say the latter.
	 */
	if (trustdb != NULL)
		g_string_append_printf(
		    conf, "trustdb-name %s\ntrust-model pgp\n", trustdb);
	if (make_directory(home, fault) != 0 ||
	    put_file(home, "gpg.conf", conf->str, fault) != 0)
		goto out;
	*homep = g_steal_pointer(&home);
	ret = 0;
out:
	g_string_free(conf, TRUE);
	g_free(home);
	return ret;
}

int
gpg_home_make_temporary(
    const char *directory, char **homep, struct fault *fault)
{
	char *home = g_build_filename(directory, "gnupg-XXXXXX", NULL);

	if (g_mkdtemp_full(home, 0700) == NULL) {
		fault_set(fault, FAULT_TEMP, "%s: %s", home, g_strerror(errno));
		g_free(home);
		return -1;
	}
	if (fill(home, common_conf, fault) != 0) {
		gpg_home_remove(&home);
		return -1;
	}
	*homep = home;
	return 0;
}

void
gpg_home_remove(char **homep)
{
	if (*homep == NULL)
		return;
	(void)nftw(*homep, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	g_clear_pointer(homep, g_free);
}

static int
remove_entry(
    const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	(void)remove(path);
	return 0;
}

static int
make_directory(const char *path, struct fault *fault)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	fault_set(fault, FAULT_TEMP, "%s: %s", path, g_strerror(errno));
	return -1;
}

/*
 * The keyring is made here, empty, because gpg processes that find none
 * wait for each other to make it: seconds, when there are many.
 */
static int
fill(const char *home, const char *conf, struct fault *fault)
{
	char *keyring = g_build_filename(home, "pubring.kbx", NULL);
	int fd, ret = -1;

	fd = open(keyring, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1) {
		fault_set(
		    fault, FAULT_TEMP, "%s: %s", keyring, g_strerror(errno));
		goto out;
	}
	(void)close(fd);
	ret = put_file(home, "gpg.conf", conf, fault);
out:
	g_free(keyring);
	return ret;
}

static int
put_file(
    const char *home, const char *name, const char *text, struct fault *fault)
{
	char *path = g_build_filename(home, name, NULL), *there = NULL;
	GError *error = NULL;
	int ret = 0;

	if (g_file_get_contents(path, &there, NULL, NULL) &&
	    strcmp(there, text) == 0)
		goto out;
	if (!g_file_set_contents_full(
		path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error)) {
		fault_set(fault, FAULT_TEMP, "%s", error->message);
		g_error_free(error);
		ret = -1;
	}
out:
	g_free(there);
	g_free(path);
	return ret;
}

/* gpg.conf has no quoting: a value is the rest of its line, trimmed. */
static bool
fits_conf(const char *path)
{
	const char *p;

	for (p = path; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return path[0] == '/' && p[-1] != ' ';
}

int
gpg_home_context(
    const char *home, const char *gpg, gpgme_ctx_t *ctxp, struct fault *fault)
{
	gpgme_ctx_t ctx = NULL;
	gpgme_error_t error;

	if (access(gpg, X_OK) != 0) {
		fault_set(fault, FAULT_TEMP, "cannot run %s: %s", gpg,
		    g_strerror(errno));
		return -1;
	}
	(void)gpgme_check_version(NULL);
	error = gpgme_new(&ctx);
	if (error == 0)
		error = gpgme_set_protocol(ctx, GPGME_PROTOCOL_OPENPGP);
	if (error == 0)
		error = gpgme_ctx_set_engine_info(
		    ctx, GPGME_PROTOCOL_OPENPGP, gpg, home);
	if (error == 0)
		error = gpgme_set_keylist_mode(ctx, GPGME_KEYLIST_MODE_LOCAL);
	if (error != 0) {
		gpg_home_fault(fault, error, gpg);
		gpgme_release(ctx);
		return -1;
	}
	gpgme_set_offline(ctx, 1);
	gpgme_set_armor(ctx, 0);
	*ctxp = ctx;
	return 0;
}

/*
 * GPGME lets gpg's parent exit at once so that it need not wait; gpg then
 * becomes a child of ours, because a worker is a subreaper.
 */
int
gpg_home_reap(int *statusp, struct fault *fault)
{
	int status, worst = 0, seen = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, 0)) > 0 || errno == EINTR) {
		if (pid <= 0)
			continue;
		seen++;
		if (!WIFEXITED(status)) {
			fault_set(fault, FAULT_TEMP, "gpg died of signal %d",
			    WIFSIGNALED(status) ? WTERMSIG(status) : 0);
			return -1;
		}
		worst = MAX(worst, WEXITSTATUS(status));
	}
	if (seen == 0) {
		fault_set(fault, FAULT_TEMP, "it is not known how gpg ended");
		return -1;
	}
	*statusp = worst;
	return 0;
}

void
gpg_home_fault(struct fault *fault, gpgme_error_t error, const char *what)
{
	char reason[128];

	(void)gpgme_strerror_r(error, reason, sizeof(reason));
	fault_set(fault, FAULT_TEMP, "%s: %s", what, reason);
}

ssize_t
gpg_home_read(void *handle, void *buffer, size_t size)
{
	ssize_t n = worker_read(handle, buffer, size);

	if (n < 0)
		errno = EIO;
	return n;
}

ssize_t
gpg_home_write(void *handle, const void *buffer, size_t size)
{
	if (worker_write(handle, buffer, size) == 0)
		return (ssize_t)size;
	errno = EPIPE;
	return -1;
}
