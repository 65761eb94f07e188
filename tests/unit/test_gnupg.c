/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_gnupg.c - the source "gnupg": exact addresses, a home that is only
 * read, and outages that are never taken for "no key".
 */
#include "config.h"

#include "keys/gnupg.h"

#include "keys/gpg_home.h"
#include "keys/keyring.h"
#include "keys/keys.h"
#include "keys/worker.h"
#include "tests/tap.h"
#include "tests/unit/sample.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALICE "8BEAB8277D9F525FD9A81DA2FA569D67E7AAFB37"
#define ALICE_SECOND "206346E28F3BB696F769B2CEBBC3C86F8AF4C351"

static char *directory;
static unsigned int deadline_ms = 30000;

/* Runs gpg (without a shell) in a home; true if it ended with status 0. */
static bool
gpg(const char *home, const char *first, ...)
{
	GPtrArray *argv = g_ptr_array_new();
	char *program = g_strdup(GPG_PATH), *argument, *output = NULL;
	char *batch = g_strdup("--batch"), *quiet = g_strdup("--quiet");
	char *option = g_strdup_printf("--homedir=%s", home);
	int status = -1;
	va_list rest;
	bool done;

	g_ptr_array_add(argv, program);
	g_ptr_array_add(argv, option);
	g_ptr_array_add(argv, batch);
	g_ptr_array_add(argv, quiet);
	g_ptr_array_add(argv, g_strdup(first));
	va_start(rest, first);
	while ((argument = va_arg(rest, char *)) != NULL)
		g_ptr_array_add(argv, g_strdup(argument));
	va_end(rest);
	g_ptr_array_add(argv, NULL);
	done = g_spawn_sync(NULL, (char **)argv->pdata, NULL,
		   G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output, NULL,
		   &status, NULL) &&
	       WIFEXITED(status) && WEXITSTATUS(status) == 0;
	g_free(output);
	g_strfreev((char **)g_ptr_array_free(argv, FALSE));
	return done;
}

static char *
make_home(const char *name)
{
	char *home = g_build_filename(directory, name, NULL);

	if (g_mkdir(home, 0700) != 0)
		g_error("%s: cannot make", home);
	return home;
}

static void
import(const char *home, const char *file)
{
	char *path = sample_path(file);

	if (!gpg(home, "--import", path, NULL))
		g_error("gpg does not import %s", path);
	g_free(path);
}

static struct gnupg *
open_home(const char *home, const char *program, struct fault *fault)
{
	const struct keys_config config = {
	    directory, NULL, home, program, deadline_ms, NULL, NULL, false};
	struct gnupg *gnupg = NULL;

	fault_set(fault, FAULT_NONE, "none");
	(void)gnupg_open(&config, &gnupg, fault);
	return gnupg;
}

/* "1 FINGERPRINT", "0", "0 why", "-1 kind": what a look-up comes to. */
static char *
look_up(struct gnupg *gnupg, const char *address)
{
	struct fault fault = {FAULT_NONE, ""};
	struct key *key = NULL;
	char *why = NULL, *text = NULL;

	switch (gnupg_find(gnupg, address, &key, &why, &fault)) {
	case 1:
		text = g_strdup_printf("1 %s", key->fingerprint);
		key_unref(&key);
		break;
	case 0:
		text =
		    why == NULL ? g_strdup("0") : g_strdup_printf("0 %s", why);
		break;
	default:
		text = g_strdup_printf("-1 %d", (int)fault.kind);
		printf("# %s\n", fault.text);
	}
	g_free(why);
	return text;
}

static void
finds(struct gnupg *gnupg, const char *address, const char *want,
    const char *name)
{
	char *got = look_up(gnupg, address);

	is_str(got, want, name);
	g_free(got);
}

static int
by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What is in a directory, with sizes and times, as one text. */
static char *
contents(const char *path)
{
	GString *all = g_string_new(NULL);
	GDir *dir = g_dir_open(path, 0, NULL);
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	const char *entry;
	struct stat st;
	char *file;
	guint i;

	while (dir != NULL && (entry = g_dir_read_name(dir)) != NULL) {
		file = g_build_filename(path, entry, NULL);
		if (lstat(file, &st) == 0)
			g_ptr_array_add(
			    lines, g_strdup_printf("%s %jd %jd.%09ld %o\n",
				       entry, (intmax_t)st.st_size,
				       (intmax_t)st.st_mtim.tv_sec,
				       st.st_mtim.tv_nsec, st.st_mode));
		g_free(file);
	}
	if (dir != NULL)
		g_dir_close(dir);
	g_ptr_array_sort(lines, by_text);
	for (i = 0; i < lines->len; i++)
		g_string_append(all, g_ptr_array_index(lines, i));
	g_ptr_array_unref(lines);
	return g_string_free(all, FALSE);
}

static void
test_answers(const char *home)
{
	struct fault fault;
	struct gnupg *gnupg = open_home(home, GPG_PATH, &fault);
	char *before = contents(home), *after;

	if (!ok(gnupg != NULL, "a home opens"))
		return;
	finds(gnupg, "alice@example.org", "1 " ALICE,
	    "the key of an address is found, and not the one that has the "
	    "address as a part");
	finds(gnupg, "lice@example.org", "0",
	    "the end of an address is not the address");
	finds(gnupg, "alice@example.or", "0", "nor is its beginning");
	finds(gnupg, "alice", "0", "nor is its local part");
	finds(gnupg, "carol@example.net",
	    "1 CADE446EC372EA4C80667793D9267FA93D7DF640",
	    "a second user ID counts");
	finds(gnupg, "dora.x@example.org",
	    "1 84C56210547FF13FBB15EDBAC78D9C8BD9B3561F",
	    "a quoted address in capitals is the same address");
	finds(gnupg, "nobody@example.org", "0", "no key is no key");
	finds(gnupg, "carol@gone.example",
	    "0 CADE446EC372EA4C80667793D9267FA93D7DF640: its user ID with "
	    "the address is revoked",
	    "a revoked user ID is said to be one");
	finds(gnupg, "expired@example.org",
	    "0 7E59AA4CF8A11E7D2A3050A33D4EA041B77F1100: expired on "
	    "2024-03-01",
	    "an expired key is said to be one");
	finds(gnupg, "sha1@example.org",
	    "0 E57ECC18461E657FFD59CDAB0055615A1BC454F4: no user ID with "
	    "a good signature (SHA-1 does not count)",
	    "a key that only SHA-1 vouches for is not used");
	after = contents(home);
	is_str(after, before, "and nothing was written to the home");
	g_free(before);
	g_free(after);
	gnupg_close(&gnupg);
}

static void
test_changes(void)
{
	char *home = make_home("changes");
	struct gnupg *gnupg;
	struct fault fault;

	import(home, "bob.asc");
	gnupg = open_home(home, GPG_PATH, &fault);
	if (!ok(gnupg != NULL, "another home opens"))
		return;
	finds(gnupg, "alice@example.org", "0", "a key is not there");
	import(home, "alice.asc");
	finds(gnupg, "alice@example.org", "1 " ALICE,
	    "when it is imported, it is found");
	import(home, "alice-second.asc");
	finds(gnupg, "alice@example.org", "1 " ALICE_SECOND,
	    "of two keys, the newer one is used");
	(void)gpg(home, "--yes", "--delete-keys", ALICE_SECOND, NULL);
	finds(gnupg, "alice@example.org", "1 " ALICE,
	    "when it is deleted, the older one");
	ok(gpg(home, "--edit-key", ALICE, "disable", "save", NULL),
	    "gpg disables a key");
	finds(gnupg, "alice@example.org",
	    "0 " ALICE ": disabled in its keyring", "then it is not used");
	import(home, "revoked.asc");
	finds(gnupg, "revoked@example.org",
	    "0 2CEFD726494F3E81BF285FEABC450ED2BFEFB98E: revoked",
	    "a revoked key is said to be one");
	gnupg_close(&gnupg);
	g_free(home);
}

static void
write_file(const char *home, const char *name, const char *octets, gssize len)
{
	char *path = g_build_filename(home, name, NULL);

	if (!g_file_set_contents(path, octets, len, NULL))
		g_error("%s: cannot write", path);
	g_free(path);
}

/* The keyring of `home` under another name and damaged in one place. */
static void
test_damage(const char *home)
{
	char *path = g_build_filename(home, "pubring.kbx", NULL), *octets;
	char *copy = make_home("damaged"), *noise = g_malloc(4000);
	struct gnupg *gnupg;
	struct fault fault;
	gsize len, i;

	if (!g_file_get_contents(path, &octets, &len, NULL))
		g_error("%s: cannot read", path);
	write_file(copy, "pubring.kbx", octets, (gssize)len);
	gnupg = open_home(copy, GPG_PATH, &fault);
	finds(gnupg, "nobody@example.org", "0", "a copy of it is as good");
	for (i = 0; i < 4000; i++)
		noise[i] = (char)(i * i % 251);
	write_file(copy, "pubring.kbx", noise, 4000);
	finds(gnupg, "nobody@example.org", "-1 1",
	    "a keyring of noise: cannot tell");
	finds(gnupg, "alice@example.org", "-1 1", "for nobody");
	noise[0] = '\377';
	write_file(copy, "pubring.kbx", noise, 4000);
	finds(gnupg, "nobody@example.org", "-1 1", "whatever the noise");
	write_file(copy, "pubring.kbx", octets, (gssize)len - 100);
	finds(gnupg, "nobody@example.org", "-1 1",
	    "a keyring that is cut off: cannot tell");
	octets[len / 2] ^= 0x20;
	write_file(copy, "pubring.kbx", octets, (gssize)len);
	finds(gnupg, "nobody@example.org", "-1 1",
	    "a keyring with one wrong bit: cannot tell");
	octets[len / 2] ^= 0x20;
	write_file(copy, "pubring.kbx", octets, (gssize)len);
	finds(gnupg, "nobody@example.org", "0", "and when it is mended: none");
	write_file(copy, "pubring.kbx", "", 0);
	finds(gnupg, "alice@example.org", "0", "an empty keyring has none");
	(void)g_unlink(path);
	g_free(path);
	path = g_build_filename(copy, "pubring.kbx", NULL);
	(void)g_unlink(path);
	finds(gnupg, "alice@example.org", "-1 1",
	    "a keyring that is gone: cannot tell");
	gpg_home_remove(&copy);
	finds(gnupg, "alice@example.org", "-1 1",
	    "a home that is gone: cannot tell");
	gnupg_close(&gnupg);
	write_file(home, "pubring.kbx", octets, (gssize)len);
	g_free(octets);
	g_free(noise);
	g_free(path);
}

/* GnuPG 1 and early 2.x: plain packets in pubring.gpg. */
static void
test_old_format(const char *home)
{
	char *old = make_home("old"), *path, *octets = NULL;
	struct gnupg *gnupg;
	struct fault fault;
	gsize len;

	path = g_build_filename(old, "pubring.gpg", NULL);
	ok(gpg(home, "--output", path, "--export", NULL),
	    "gpg makes a keyring of the old format");
	gnupg = open_home(old, GPG_PATH, &fault);
	finds(gnupg, "alice@example.org", "1 " ALICE, "a key is found in it");
	finds(gnupg, "nobody@example.org", "0", "or not");
	if (g_file_get_contents(path, &octets, &len, NULL))
		write_file(old, "pubring.gpg", octets, (gssize)len - 7);
	finds(gnupg, "nobody@example.org", "-1 1",
	    "an old keyring that is cut off: cannot tell");
	gnupg_close(&gnupg);
	g_free(octets);
	g_free(path);
	g_free(old);
}

static void
broken_gpg(
    const char *home, const char *word, const char *instead, const char *name)
{
	char *program = sample_gpg(directory, "gpg", word, instead);
	struct fault fault;
	struct gnupg *gnupg = open_home(home, program, &fault);

	finds(gnupg, "alice@example.org", "-1 1", name);
	finds(gnupg, "nobody@example.org", "0",
	    "while no gpg is needed to see that there is no key");
	gnupg_close(&gnupg);
	(void)g_unlink(program);
	g_free(program);
}

static void
test_broken_gpg(const char *home)
{
	struct gnupg *gnupg;
	struct fault fault;

	gnupg = open_home(home, "/nonexistent/gpg", &fault);
	finds(gnupg, "alice@example.org", "-1 1",
	    "a gpg that is missing: cannot tell");
	gnupg_close(&gnupg);
	broken_gpg(home, "", "exit 0",
	    "a gpg that does nothing with status 0: cannot tell");
	broken_gpg(home, "", "kill -9 $$", "a gpg that dies: cannot tell");
	broken_gpg(home, "", "exec sleep 600", "a gpg that hangs: cannot tell");
	broken_gpg(home, "list-keys", "exit 0",
	    "a list of nothing with status 0: cannot tell");
	broken_gpg(
	    home, "list-keys", "exit 2", "a list that fails: cannot tell");
	broken_gpg(
	    home, "list-keys", "kill -9 $$", "a list that dies: cannot tell");
	broken_gpg(home, "--export", "exit 0",
	    "an export of nothing with status 0: cannot tell");
}

static void
test_no_home(const char *home)
{
	char *nothing = g_build_filename(directory, "nothing", NULL);
	char *empty = make_home("empty"), *odd;
	struct fault fault;

	ok(open_home(nothing, GPG_PATH, &fault) == NULL &&
		fault.kind == FAULT_TEMP,
	    "a home that is not there does not open");
	ok(open_home(empty, GPG_PATH, &fault) == NULL &&
		fault.kind == FAULT_TEMP,
	    "nor does one without a keyring");
	has_str(fault.text, "pubring.kbx", "and the keyring is named");
	odd = g_build_filename(directory, "odd\nkeyring x", NULL);
	if (symlink(home, odd) == 0)
		ok(true, "a home may have a name with a line break,");
	g_free(odd);
	g_free(nothing);
	g_free(empty);
}

/* Each bit: something that a user other than root should see, and did not. */
static int
see_closed_doors(const char *home, const char *octets, gsize len)
{
	char *mine = g_build_filename(directory, "mine", NULL);
	char *keyring = g_build_filename(mine, "pubring.kbx", NULL);
	const char *const doors[] = {keyring, mine};
	struct gnupg *gnupg;
	struct fault fault;
	int wrong = 0;
	char *got;
	int i;

	gnupg = open_home(home, GPG_PATH, &fault);
	if (gnupg != NULL || fault.kind != FAULT_TEMP)
		wrong |= 1;
	if (g_mkdir(mine, 0700) != 0)
		return 64;
	write_file(mine, "pubring.kbx", octets, (gssize)len);
	gnupg = open_home(mine, GPG_PATH, &fault);
	got = gnupg == NULL ? NULL : look_up(gnupg, "nobody@example.org");
	if (g_strcmp0(got, "0") != 0)
		wrong |= 2;
	for (i = 0; i < 2 && wrong == 0; i++) {
		(void)g_chmod(doors[i], 0);
		got = look_up(gnupg, "nobody@example.org");
		if (strcmp(got, "-1 1") != 0)
			wrong |= 4 << i;
		(void)g_chmod(doors[i], i == 0 ? 0600 : 0700);
	}
	return wrong;
}

/* As another user, because nothing is closed to root. */
static void
test_unreadable(const char *home)
{
	char *keyring = g_build_filename(home, "pubring.kbx", NULL);
	int status = 0, wrong;
	char *octets;
	gsize len;
	pid_t pid;

	if (!g_file_get_contents(keyring, &octets, &len, NULL))
		g_error("%s: cannot read", keyring);
	(void)g_chmod(directory, 0777);
	(void)g_chmod(home, 0);
	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 &&
		    (setgid(65534) != 0 || setuid(65534) != 0))
			_exit(128);
		_exit(see_closed_doors(home, octets, len));
	}
	(void)waitpid(pid, &status, 0);
	(void)g_chmod(home, 0700);
	wrong = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
	is_int(wrong & ~15, 0, "another user tries the doors");
	ok((wrong & 1) == 0, "a home that is closed does not open");
	ok((wrong & 2) == 0, "a home that is open answers");
	ok((wrong & 4) == 0, "a keyring that gets closed: cannot tell");
	ok((wrong & 8) == 0, "a home that gets closed: cannot tell");
	g_free(octets);
	g_free(keyring);
}

struct crowd {
	struct gnupg *gnupg;
	int wrong;
};

static void *
look_up_many(void *data)
{
	struct crowd *crowd = data;
	char *got;
	int i;

	for (i = 0; i < 20; i++) {
		got = look_up(crowd->gnupg, "alice@example.org");
		if (strcmp(got, "1 " ALICE) != 0)
			g_atomic_int_inc(&crowd->wrong);
		g_free(got);
		got = look_up(crowd->gnupg, "nobody@example.org");
		if (strcmp(got, "0") != 0)
			g_atomic_int_inc(&crowd->wrong);
		g_free(got);
	}
	return NULL;
}

/* A program with threads must not fork; the daemon's parent does it. */
static pid_t
start_server(int *clientp)
{
	struct pollfd readable = {-1, POLLIN, 0};
	struct fault fault;
	pid_t server;

	if (worker_server_open(&readable.fd, clientp, &fault) != 0)
		g_error("%s", fault.text);
	server = fork();
	if (server != 0) {
		(void)close(readable.fd);
		worker_server_use(*clientp);
		return server;
	}
	(void)close(*clientp);
	(void)signal(SIGCHLD, SIG_IGN);
	while (poll(&readable, 1, -1) == 1 || errno == EINTR)
		if (worker_serve_one(readable.fd) != 0)
			break;
	_exit(0);
}

static void
test_threads(const char *home)
{
	struct crowd crowd = {NULL, 0};
	GThread *threads[6];
	struct fault fault;
	pid_t server;
	gint64 start;
	int client;
	size_t i;

	server = start_server(&client);
	crowd.gnupg = open_home(home, GPG_PATH, &fault);
	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("crowd", look_up_many, &crowd);
	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		(void)g_thread_join(threads[i]);
	is_int(crowd.wrong, 0, "6 threads with 40 look-ups each agree");
	start = g_get_monotonic_time();
	(void)look_up_many(&crowd);
	printf("# a look-up that is remembered takes %.1f us\n",
	    (double)(g_get_monotonic_time() - start) / 40.0);
	gnupg_close(&crowd.gnupg);
	worker_server_use(-1);
	(void)close(client);
	(void)waitpid(server, NULL, 0);
}

int
main(void)
{
	static const char *const files[] = {"mallory.asc", "alice.asc",
	    "bob.asc", "carol.asc", "quoted.asc", "expired.asc", "sha1.asc"};
	char *home;
	size_t i;

	directory = g_dir_make_tmp("test-gnupg-XXXXXX", NULL);
	gnupg_register();
	home = make_home("home");
	for (i = 0; i < G_N_ELEMENTS(files); i++)
		import(home, files[i]);
	test_answers(home);
	test_changes();
	test_no_home(home);
	test_old_format(home);
	deadline_ms = 2000;
	test_broken_gpg(home);
	deadline_ms = 30000;
	test_threads(home);
	test_damage(home);
	test_unreadable(home);
	g_free(home);
	gpg_home_remove(&directory);
	return tap_done();
}
