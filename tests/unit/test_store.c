/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_store.c - the store of certificates: what it finds, in which order,
 * how fast, and that trouble with its file is never "no key".
 */
#include "config.h"

#include "keys/store.h"

#include "keys/gpg_home.h"
#include "tests/tap.h"
#include "tests/unit/sample.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* TEST_STORE_KEYS is for runs under valgrind. */
#define MANY 100000U

static char *directory;
static unsigned int many = MANY;

/* --- Certificates */

/* A key with one address and one good encryption subkey. */
static struct inspected *
make_key(unsigned int number, const char *address, int64_t created)
{
	char *fingerprint = g_strdup_printf("%040X", number);
	char *blob = g_strdup_printf("the octets of key %u", number);
	struct inspected *key = inspected_make(fingerprint);
	struct subkey *subkey;
	int i;

	(void)inspected_add_user_id(key, address);
	for (i = 0; i < 2; i++) {
		subkey = inspected_add_subkey(key);
		subkey->fingerprint = g_strdup_printf("%039X%d", number, i);
		subkey->algorithm = g_strdup(i == 0 ? "ed25519" : "cv25519");
		subkey->id = (uint64_t)number * 16 + (uint64_t)i;
		subkey->bits = 255;
		subkey->created = created;
		subkey->can_encrypt = i == 1;
	}
	key->blob = g_bytes_new_take(blob, strlen(blob));
	g_free(fingerprint);
	return key;
}

static struct subkey *
encryption_subkey(struct inspected *key)
{
	return g_ptr_array_index(key->subkeys, 1);
}

/* Takes the key.  The change, or -1. */
static int
put(struct store *store, struct inspected *key, const char *address,
    enum trust trust)
{
	const char *const addresses[] = {address, NULL};
	struct fault fault = {FAULT_NONE, ""};
	enum store_change change;
	int r;

	r = store_put(store, key, addresses, trust, &change, &fault);
	if (r != 0)
		printf("# %s\n", fault.text);
	inspected_unref(key);
	return r == 0 ? (int)change : -1;
}

/* --- Looking */

static char *
look_up(struct store *store, const char *address)
{
	struct fault fault = {FAULT_NONE, ""};
	struct key *key = NULL;
	char *why = NULL, *text = NULL;

	switch (
	    store_find(store, KEY_OPENPGP, address, NULL, &key, &why, &fault)) {
	case 1:
		text = g_strdup_printf("1 %lX %.*s",
		    strtoul(key->fingerprint, NULL, 16),
		    (int)g_bytes_get_size(key->blob),
		    (const char *)g_bytes_get_data(key->blob, NULL));
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
finds(struct store *store, const char *address, const char *want,
    const char *name)
{
	char *got = look_up(store, address);

	is_str(got, want, name);
	g_free(got);
}

static struct store *
open_store(const char *state)
{
	struct store *store = NULL;
	struct fault fault;

	if (store_open(state, &store, &fault) != 0)
		printf("# %s\n", fault.text);
	return store;
}

static char *
make_state(const char *name)
{
	return g_build_filename(directory, name, NULL);
}

/* --- Tests */

static void
test_finding(void)
{
	char *state = make_state("finding");
	struct store *store = open_store(state);
	struct inspected *key;
	char *file = g_build_filename(state, "store.db", NULL);
	struct stat st;

	ok(store != NULL, "a store is made");
	ok(stat(file, &st) == 0 && (st.st_mode & 07777) == 0600,
	    "and is for its owner alone");
	finds(store, "a@example.org", "0", "an empty store has no key");
	is_int(put(store, make_key(1, "a@example.org", 1000), "a@example.org",
		   TRUST_IMPORTED),
	    STORE_ADDED, "a key is added");
	finds(store, "a@example.org", "1 1 the octets of key 1",
	    "and is found, with its octets");
	finds(store, "b@example.org", "0", "for nobody else");
	finds(store, "A@example.org", "0", "for exactly its address");
	finds(store, "%", "0", "and for no pattern");
	is_int(put(store, make_key(1, "a@example.org", 1000), "a@example.org",
		   TRUST_IMPORTED),
	    STORE_UNCHANGED, "added again, it is unchanged");
	key = make_key(1, "a@example.org", 1000);
	encryption_subkey(key)->expires = 1709251200;
	is_int(put(store, key, "a@example.org", TRUST_IMPORTED), STORE_UPDATED,
	    "with another expiry, it is updated");
	finds(store, "a@example.org",
	    "0 0000000000000000000000000000000000000001: its only encryption "
	    "subkey expired on 2024-03-01",
	    "and the new one counts at once");
	store_close(&store);
	store = open_store(state);
	finds(store, "a@example.org",
	    "0 0000000000000000000000000000000000000001: its only encryption "
	    "subkey expired on 2024-03-01",
	    "also when it is opened again");
	store_close(&store);
	g_free(file);
	g_free(state);
}

static void
test_order(void)
{
	char *state = make_state("order");
	struct store *store = open_store(state);
	struct fault fault;
	struct inspected *key;
	GPtrArray *list = NULL;

	(void)put(store, make_key(7, "a@example.org", 2000), "a@example.org",
	    TRUST_IMPORTED);
	(void)put(store, make_key(5, "a@example.org", 1000), "a@example.org",
	    TRUST_IMPORTED);
	finds(store, "a@example.org", "1 7 the octets of key 7",
	    "of two keys, the newer one is used");
	(void)put(store, make_key(6, "a@example.org", 2000), "a@example.org",
	    TRUST_IMPORTED);
	finds(store, "a@example.org", "1 6 the octets of key 6",
	    "of two of one age, the first by fingerprint");
	is_int(put(store, make_key(5, "a@example.org", 1000), "a@example.org",
		   TRUST_CHECKED),
	    STORE_UPDATED, "trust can be raised");
	finds(store, "a@example.org", "1 5 the octets of key 5",
	    "and a checked key goes before newer ones");
	is_int(put(store, make_key(5, "a@example.org", 1000), "a@example.org",
		   TRUST_IMPORTED),
	    STORE_UNCHANGED, "trust is not lowered by another import");
	key = make_key(5, "a@example.org", 1000);
	key->revoked = true;
	(void)put(store, key, "a@example.org", TRUST_CHECKED);
	finds(store, "a@example.org", "1 6 the octets of key 6",
	    "when the best one is revoked, the next is used");
	is_int(store_list(store, "a@example.org", false, &list, &fault), 0,
	    "an address's certificates are listed");
	is_int(list == NULL ? -1 : (intmax_t)list->len, 3, "all three");
	g_ptr_array_unref(list);
	is_int(store_delete(
		   store, "0000000000000000000000000000000000000006", &fault),
	    1, "a certificate is deleted");
	is_int(store_delete(
		   store, "0000000000000000000000000000000000000006", &fault),
	    0, "once");
	finds(store, "a@example.org", "1 7 the octets of key 7",
	    "and is not found any more");
	store_close(&store);
	g_free(state);
}

static void
test_other_process(void)
{
	char *state = make_state("other");
	struct store *store = open_store(state), *second;
	int status = 1;
	pid_t pid;

	finds(store, "a@example.org", "0", "a daemon has looked for a key");
	pid = fork();
	if (pid == 0) {
		second = open_store(state);
		_exit(second == NULL ||
		      put(second, make_key(9, "a@example.org", 1),
			  "a@example.org", TRUST_IMPORTED) != STORE_ADDED);
	}
	(void)waitpid(pid, &status, 0);
	is_int(status, 0, "while sealctl imports it");
	finds(store, "a@example.org", "1 9 the octets of key 9",
	    "and finds it without being told");
	second = open_store(state);
	ok(second != NULL, "the same store may be open twice (SIGHUP)");
	store_close(&store);
	finds(second, "a@example.org", "1 9 the octets of key 9",
	    "and one of the two may be closed");
	store_close(&second);
	g_free(state);
}

static void
write_over(const char *path, off_t at, size_t len)
{
	FILE *file = fopen(path, "r+e");
	size_t i;

	if (file == NULL || fseeko(file, at, SEEK_SET) != 0)
		g_error("%s: cannot write", path);
	for (i = 0; i < len; i++)
		(void)fputc((int)(i * 31 % 251), file);
	(void)fclose(file);
}

static void
cut(const char *path, off_t len)
{
	if (truncate(path, len) != 0)
		g_error("%s: cannot truncate", path);
}

/* A store with one key that nobody looked for yet. */
static struct store *
with_key(const char *name, char **pathp)
{
	char *state = make_state(name);
	struct store *store = open_store(state);

	(void)put(store, make_key(1, "a@example.org", 1), "a@example.org",
	    TRUST_IMPORTED);
	store_close(&store);
	store = open_store(state);
	*pathp = g_build_filename(state, "store.db", NULL);
	g_free(state);
	return store;
}

static void
neither(struct store **storep, char *path, const char *name)
{
	finds(*storep, "a@example.org", "-1 1", name);
	finds(*storep, "nobody@example.org", "-1 1", "and for nobody else");
	store_close(storep);
	g_free(path);
}

static void
test_trouble(void)
{
	struct store *store;
	char *path, *other;

	store = with_key("unlinked", &path);
	(void)g_unlink(path);
	neither(&store, path, "a store file that is gone: cannot tell");

	store = with_key("replaced", &path);
	other = g_strconcat(path, ".new", NULL);
	(void)g_file_set_contents(other, "", 0, NULL);
	(void)g_rename(other, path);
	neither(&store, path, "a store file that was replaced: cannot tell");
	g_free(other);

	store = with_key("moved", &path);
	other = g_path_get_dirname(path);
	g_free(path);
	path = g_strconcat(other, ".away", NULL);
	(void)g_rename(other, path);
	neither(&store, path, "a state directory that is gone: cannot tell");
	g_free(other);

	store = with_key("noise", &path);
	write_over(path, 0, 100000);
	neither(&store, path, "a store file of noise: cannot tell");

	store = with_key("empty", &path);
	cut(path, 0);
	neither(&store, path, "an empty store file: cannot tell");

	/* Pages that SQLite remembers hide from it what became of the file. */
	store = with_key("noise-later", &path);
	finds(store, "a@example.org", "1 1 the octets of key 1",
	    "a key was found before,");
	write_over(path, 0, 100000);
	neither(&store, path, "then the file is noise: cannot tell");

	store = with_key("cut", &path);
	cut(path, 4096);
	neither(&store, path, "a store file that is cut off: cannot tell");

	store = with_key("pages", &path);
	write_over(path, 4096, 100000);
	neither(&store, path, "a store with damaged pages: cannot tell");
}

static void
does_not_open(const char *state, const char *part, const char *name)
{
	struct store *store = NULL;
	struct fault fault = {FAULT_NONE, ""};

	ok(store_open(state, &store, &fault) == -1 && store == NULL, "%s",
	    name);
	has_str(fault.text, part, "and the reason is given");
	store_close(&store);
}

static void
run_sql(const char *state, const char *sql)
{
	char *path = g_build_filename(state, "store.db", NULL);
	sqlite3 *db = NULL;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		g_error("%s", sqlite3_errmsg(db));
	(void)sqlite3_close(db);
	g_free(path);
}

/* The schema of version 1, with what is in the store. */
static const char back_to_first[] =
    "CREATE TABLE a AS SELECT * FROM certificate;"
    "CREATE TABLE b AS SELECT * FROM certificate_address;"
    "DROP TABLE certificate_address; DROP TABLE certificate;"
    "CREATE TABLE certificate ("
    "  fingerprint TEXT NOT NULL PRIMARY KEY,"
    "  kind TEXT NOT NULL CHECK (kind IN ('openpgp')),"
    "  source TEXT NOT NULL, trust INTEGER NOT NULL,"
    "  algorithm TEXT NOT NULL, created INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL, first_seen INTEGER NOT NULL,"
    "  last_checked INTEGER NOT NULL, revision INTEGER NOT NULL,"
    "  facts BLOB NOT NULL, blob BLOB NOT NULL) STRICT;"
    "CREATE TABLE certificate_address ("
    "  address TEXT NOT NULL, fingerprint TEXT NOT NULL"
    "    REFERENCES certificate (fingerprint) ON DELETE CASCADE,"
    "  PRIMARY KEY (address, fingerprint)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX certificate_address_fingerprint"
    "  ON certificate_address (fingerprint);"
    "INSERT INTO certificate SELECT * FROM a;"
    "INSERT INTO certificate_address SELECT * FROM b;"
    "DROP TABLE a; DROP TABLE b; DROP TABLE passphrase;"
    "PRAGMA user_version = 1;";

static void
test_opening(void)
{
	struct fault fault;
	char *path, *state = make_state("newer");
	struct store *store = open_store(state);

	store_close(&store);
	run_sql(state, "PRAGMA user_version = 99");
	does_not_open(state, "newer", "a store of a newer version is refused");
	run_sql(state, "PRAGMA user_version = 1; PRAGMA application_id = 4711");
	does_not_open(
	    state, "another program", "and so is another program's data base");
	g_free(state);

	state = make_state("first");
	store = open_store(state);
	(void)put(store, make_key(1, "a@example.org", 1000), "a@example.org",
	    TRUST_IMPORTED);
	store_close(&store);
	run_sql(state, back_to_first);
	store = open_store(state);
	finds(store, "a@example.org", "1 1 the octets of key 1",
	    "a store of the first version is brought up to date");
	is_int(store_delete(
		   store, "0000000000000000000000000000000000000001", &fault),
	    1, "and what is deleted from it");
	finds(store, "a@example.org", "0", "takes its addresses with it");
	store_close(&store);
	g_free(state);

	state = make_state("older");
	(void)g_mkdir(state, 0700);
	run_sql(state, "PRAGMA user_version = 0");
	store = open_store(state);
	finds(store, "a@example.org", "0", "an empty data base is filled");
	store_close(&store);
	path = g_build_filename(state, "store.db", NULL);
	write_over(path, 0, 5000);
	does_not_open(state, "store.db", "a store of noise does not open");
	(void)g_unlink(path);
	(void)g_mkdir(path, 0700);
	does_not_open(state, "store.db", "nor does a directory");
	does_not_open("/proc/nothing/here", "nothing",
	    "nor one in a directory that is not there");
	g_free(path);
	g_free(state);
}

/* An empty store in the place of one that is gone would send in clear. */
static void
test_gone(void)
{
	char *state = make_state("gone"), *path, *marker;
	struct store *store = open_store(state);
	struct stat st;

	path = g_build_filename(state, "store.db", NULL);
	marker = g_build_filename(state, "store.made", NULL);
	ok(g_stat(marker, &st) == 0 && (st.st_mode & 07777) == 0600,
	    "a store that is made leaves a marker, for its owner alone");
	store_close(&store);
	(void)g_unlink(path);
	does_not_open(state,
	    "/store.db is gone: put it back from a backup, or remove ",
	    "a store that was there and is gone is not made anew");
	ok(g_stat(path, &st) != 0, "nor is its file");
	(void)g_file_set_contents(path, "", 0, NULL);
	does_not_open(state, "/store.db is empty: put it back from a backup",
	    "an empty file in its place is not filled");
	(void)g_unlink(path);
	(void)g_unlink(marker);
	store = open_store(state);
	finds(store, "a@example.org", "0",
	    "without the marker, an empty store is made");
	store_close(&store);
	(void)g_unlink(marker);
	store = open_store(state);
	ok(g_stat(marker, &st) == 0,
	    "a store without a marker gets one when it is opened");
	store_close(&store);
	g_free(path);
	g_free(marker);
	g_free(state);
}

/* Each bit: something that a user other than root should see, and did not. */
static int
see_closed_doors(void)
{
	struct store *store;
	struct fault fault;
	char *path, *got;
	int wrong = 0;

	store = with_key("mine", &path);
	got = look_up(store, "a@example.org");
	if (strncmp(got, "1 ", 2) != 0)
		wrong |= 1;
	(void)g_chmod(path, 0);
	got = look_up(store, "a@example.org");
	if (strcmp(got, "-1 1") != 0)
		wrong |= 2;
	store_close(&store);
	path = g_path_get_dirname(path);
	if (store_open(path, &store, &fault) != -1)
		wrong |= 4;
	return wrong;
}

static void
test_unreadable(void)
{
	int status = 0, wrong;
	pid_t pid;

	(void)g_chmod(directory, 0777);
	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 &&
		    (setgid(65534) != 0 || setuid(65534) != 0))
			_exit(64);
		_exit(see_closed_doors());
	}
	(void)waitpid(pid, &status, 0);
	wrong = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
	ok((wrong & ~6) == 0, "another user has a store");
	ok((wrong & 2) == 0, "which is closed to it: cannot tell");
	ok((wrong & 4) == 0, "and does not open again");
}

/* --- Many */

struct crowd {
	struct store *store;
	int wrong;
};

static void *
look_up_many(void *data)
{
	struct crowd *crowd = data;
	char address[64], want[64], *got;
	unsigned int i, number;

	for (i = 0; i < 2000; i++) {
		number = 1 + i * 7919 % many;
		(void)g_snprintf(
		    address, sizeof(address), "user%u@example.org", number);
		(void)g_snprintf(want, sizeof(want),
		    "1 %X the octets of key %u", number, number);
		got = look_up(crowd->store, address);
		if (strcmp(got, want) != 0)
			g_atomic_int_inc(&crowd->wrong);
		g_free(got);
		(void)g_snprintf(
		    address, sizeof(address), "nobody%u@example.org", i);
		got = look_up(crowd->store, address);
		if (strcmp(got, "0") != 0)
			g_atomic_int_inc(&crowd->wrong);
		g_free(got);
	}
	return NULL;
}

static double
microseconds(struct crowd *crowd)
{
	gint64 start = g_get_monotonic_time();

	(void)look_up_many(crowd);
	return (double)(g_get_monotonic_time() - start) / 4000.0;
}

static void
fill(struct store *store, unsigned int n)
{
	char address[64];
	unsigned int i;

	for (i = 1; i <= n; i++) {
		(void)g_snprintf(
		    address, sizeof(address), "user%u@example.org", i);
		if (put(store, make_key(i, address, 1000), address,
			TRUST_IMPORTED) != STORE_ADDED)
			g_error("a key is not added");
	}
}

static void
test_many(void)
{
	char *state = make_state("many");
	struct crowd crowd = {open_store(state), 0};
	GThread *threads[8];
	double cold, warm;
	gint64 start;
	size_t i;

	start = g_get_monotonic_time();
	fill(crowd.store, many);
	printf("# %u keys are added in %.1f s\n", many,
	    (double)(g_get_monotonic_time() - start) / 1e6);
	store_close(&crowd.store);
	crowd.store = open_store(state);
	cold = microseconds(&crowd);
	warm = microseconds(&crowd);
	printf("# of %u keys, a look-up takes %.1f us at first, then %.1f us\n",
	    many, cold, warm);
	/* Tens are normal; the limit is for slow machines and sanitizers. */
	ok(warm < 2000, "a look-up among %u keys is nothing noticeable", many);
	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("crowd", look_up_many, &crowd);
	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		(void)g_thread_join(threads[i]);
	is_int(crowd.wrong, 0, "8 threads with 4,000 look-ups each are right");
	store_close(&crowd.store);
	g_free(state);
}

int
main(void)
{
	if (g_getenv("TEST_STORE_KEYS") != NULL)
		many = (unsigned int)strtoul(
		    g_getenv("TEST_STORE_KEYS"), NULL, 10);
	directory = g_dir_make_tmp("test-store-XXXXXX", NULL);
	test_finding();
	test_order();
	test_other_process();
	test_trouble();
	test_opening();
	test_gone();
	test_unreadable();
	test_many();
	gpg_home_remove(&directory);
	return tap_done();
}
