/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_passphrases.c - keys from passphrases: derived as the standard says,
 * found for whom they were set, and no words or old keys left in the store.
 */
#include "config.h"

#include "keys/passphrases.h"

#include "keys/gpg_home.h"
#include "keys/passphrase_words.h"
#include "tests/tap.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS "a river otter juggles pears"

static char *state;
static struct keys *keys;
static struct store *store;

static void
open_all(void)
{
	const char *const sources[] = {"store", NULL};
	const struct keys_config config = {.state = state, .sources = sources};
	struct fault fault;

	if (keys_open(&config, &keys, &fault) != 0)
		g_error("%s", fault.text);
	store = keys_store(keys);
}

static void
run_sql(const char *sql)
{
	char *path = g_build_filename(state, "store.db", NULL);
	sqlite3 *db = NULL;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		g_error("%s", sqlite3_errmsg(db));
	(void)sqlite3_close(db);
	g_free(path);
}

/* A new string: what is found, as "-1 FAULT", "0", or the hint. */
static char *
found(const char *sender, const char *recipient)
{
	struct fault fault = {FAULT_NONE, ""};
	struct key *key = NULL;
	char *text;
	int r = passphrase_find(keys, sender, recipient, &key, &fault);

	if (r == -1)
		text = g_strdup_printf("-1 %d %s", (int)fault.kind, fault.text);
	else
		text = g_strdup(r == 0 ? "0" : passphrase_of(key)->hint);
	key_unref(&key);
	return text;
}

static void
finds(const char *sender, const char *recipient, const char *want,
    const char *name)
{
	char *got = found(sender, recipient);

	is_str(got, want, name);
	g_free(got);
}

static int
put(const char *sender, const char *recipient, const char *hint, bool only)
{
	struct fault fault = {FAULT_NONE, ""};
	int r =
	    passphrase_put(store, sender, recipient, WORDS, hint, only, &fault);

	if (r == -1)
		printf("# %s\n", fault.text);
	return r;
}

/* --- Deriving */

static char *
hex_of(const unsigned char *octets, size_t len)
{
	GString *hex = g_string_new(NULL);
	size_t i;

	for (i = 0; i < len; i++)
		g_string_append_printf(hex, "%02x", octets[i]);
	return g_string_free(hex, FALSE);
}

/* By Python's hashlib, of "correct horse Gr\u00fc\u00dfe". */
#define WANT "d13a9765f43701f18dcf281d6245eef7f8bbe99020b23ef57a341c23af5f92a3"

static void
derives(const char *words, bool same, const char *name)
{
	unsigned char salt[16], kek[PASSPHRASE_KEK_OCTETS] = {0};
	struct fault fault = {FAULT_NONE, ""};
	unsigned char i;
	char *hex;

	for (i = 0; i < 16; i++)
		salt[i] = i;
	if (passphrase_kek(words, salt, sizeof(salt), 600000, kek, &fault) != 0)
		printf("# %s\n", fault.text);
	hex = hex_of(kek, sizeof(kek));
	ok((strcmp(hex, WANT) == 0) == same, "%s", name);
	g_free(hex);
}

static void
test_deriving(void)
{
	derives("correct horse Gr\xc3\xbc\xc3\x9f"
		"e",
	    true, "a key is derived as RFC 7518 4.8 says");
	derives("correct horse Gru\xcc\x88\xc3\x9f"
		"e",
	    true, "and the same from letters with combining marks");
	derives(" \tcorrect\xc2\xa0 horse\xe3\x80\x80Gr\xc3\xbc\xc3\x9f"
		"e\r\n",
	    true, "and the same with other blanks");
	derives("correct  Horse Gr\xc3\xbc\xc3\x9f"
		"e",
	    false, "and another one in another case");
}

static void
is_refused(const char *words, const char *part, const char *name)
{
	struct fault fault = {FAULT_NONE, ""};
	struct key *key = NULL;

	ok(passphrase_derive(words, &key, &fault) == -1 && key == NULL &&
		fault.kind == FAULT_PERM,
	    "%s", name);
	has_str(fault.text, part, "and the reason is given");
}

static void
test_words(void)
{
	char *many = g_strnfill(PASSPHRASE_OCTETS_MAX + 1, 'x');

	is_refused("gr\xfc\xdf"
		   "e",
	    "is not UTF-8", "words in another character set are refused");
	is_refused(" \t\n", "is empty", "and blanks alone");
	is_refused("a\x1b[1m", "control", "and control characters");
	is_refused(many, "too long", "and very many of them");
	g_free(many);
}

static void
test_one_message(void)
{
	struct key *one = NULL, *two = NULL;
	struct fault fault;

	(void)passphrase_derive(WORDS, &one, &fault);
	(void)passphrase_derive(WORDS, &two, &fault);
	ok(one != NULL && two != NULL &&
		memcmp(passphrase_of(one)->kek, passphrase_of(two)->kek,
		    PASSPHRASE_KEK_OCTETS) != 0,
	    "the same words give another key each time");
	is_int(passphrase_of(one)->iterations, 600000, "by 600,000 rounds");
	is_int((int)strlen(one->fingerprint), 32, "and are named by the salt");
	key_unref(&one);
	key_unref(&two);
}

/* --- The store */

/* Are these octets in one of the store's files? */
static bool
in_files(const void *octets, size_t len)
{
	const char *const names[] = {"store.db", "store.db-wal"};
	bool there = false;
	char *path, *text;
	gsize size;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		path = g_build_filename(state, names[i], NULL);
		if (g_file_get_contents(path, &text, &size, NULL)) {
			there |= memmem(text, size, octets, len) != NULL;
			g_free(text);
		}
		g_free(path);
	}
	return there;
}

static void
kek_of(const char *recipient, unsigned char kek[PASSPHRASE_KEK_OCTETS])
{
	struct fault fault;
	struct key *key = NULL;

	if (passphrase_find(keys, "", recipient, &key, &fault) != 1)
		g_error("no passphrase of %s", recipient);
	memcpy(kek, passphrase_of(key)->kek, PASSPHRASE_KEK_OCTETS);
	key_unref(&key);
}

static void
test_finding(void)
{
	char *file = g_build_filename(state, "store.db", NULL);
	struct fault fault;
	struct stat st;

	finds("a@example.org", "x@example.net", "0", "none is set at first");
	is_int(put(NULL, "x@example.net", "of all", false), 1, "one is set");
	ok(stat(file, &st) == 0 && (st.st_mode & 07777) == 0600,
	    "in a file for its owner alone");
	finds("a@example.org", "x@example.net", "of all", "and found");
	finds("", "x@example.net", "of all", "also for the null sender");
	finds("a@example.org", "y@example.net", "0", "but for nobody else");
	is_int(put("a@example.org", "x@example.net", "of a", false), 1,
	    "another one is set for mail from one sender");
	finds("a@example.org", "x@example.net", "of a", "and goes first there");
	finds("b@example.org", "x@example.net", "of all", "only there");
	finds("", "x@example.net", "of all", "not for the null sender");
	is_int(put("a@example.org", "z@example.net", "a to z", true), 1,
	    "one that is for one sender");
	finds("b@example.org", "z@example.net", "0", "is for nobody else");
	is_int(put(NULL, "x@example.net", "other", true), 0,
	    "one that is there stays if it shall");
	finds("b@example.org", "x@example.net", "of all", "as it was");
	is_int(put(NULL, "x@example.net", NULL, false), 1,
	    "or is changed, without a hint this time");
	finds("b@example.org", "x@example.net", "", "and found so");
	is_int(
	    passphrase_delete(store, "a@example.org", "x@example.net", &fault),
	    1, "one is deleted");
	finds("a@example.org", "x@example.net", "", "and the other is left");
	is_int(
	    passphrase_delete(store, "a@example.org", "x@example.net", &fault),
	    0, "it cannot be deleted twice");
	g_free(file);
}

static void
test_secrets(void)
{
	unsigned char kek[PASSPHRASE_KEK_OCTETS], next[PASSPHRASE_KEK_OCTETS];
	struct fault fault;
	int i;

	/* Something to share its page with, and to be written anew with. */
	for (i = 0; i < 3; i++)
		(void)put("s@example.org", i % 2 == 0 ? "s@e" : "t@e", "h", 0);
	(void)put(NULL, "secret@example.net", "otters", false);
	kek_of("secret@example.net", kek);
	ok(in_files(kek, sizeof(kek)), "the key is in the store's files");
	ok(!in_files(WORDS, strlen(WORDS)) && !in_files("juggles", 7),
	    "the words are not");
	(void)put(NULL, "secret@example.net", NULL, false);
	kek_of("secret@example.net", next);
	ok(in_files(next, sizeof(next)) && !in_files(kek, sizeof(kek)),
	    "a key that was replaced is gone from them");
	(void)passphrase_delete(store, NULL, "secret@example.net", &fault);
	ok(!in_files(next, sizeof(next)), "and so is one that was deleted");
	is_int(passphrase_put(store, NULL, "x@e", WORDS, "otters: " WORDS " !",
		   false, &fault),
	    -1, "a hint that tells the passphrase is refused");
	has_str(fault.text, "contains the passphrase", "for that");
}

static void
test_list(void)
{
	const struct passphrase_entry *entry;
	struct fault fault;
	GPtrArray *list;

	if (passphrase_list(store, "z@example.net", &list, &fault) != 0)
		g_error("%s", fault.text);
	is_int(list->len, 1, "a list has what is asked for");
	entry = g_ptr_array_index(list, 0);
	is_str(entry->sender, "a@example.org", "with the sender");
	is_str(entry->hint, "a to z", "and the hint");
	is_int(entry->iterations, 600000, "and the rounds");
	is_int((int)strlen(entry->fingerprint), 32, "and the name of the key");
	g_ptr_array_unref(list);
	if (passphrase_list(store, NULL, &list, &fault) != 0)
		g_error("%s", fault.text);
	ok(list->len >= 4, "or everything");
	g_ptr_array_unref(list);
}

static void
test_trouble(void)
{
	char *path = g_build_filename(state, "store.db", NULL);
	char *aside = g_build_filename(state, "aside", NULL), *got;

	run_sql("PRAGMA ignore_check_constraints = ON;"
		"UPDATE passphrase SET kek = x'00' "
		"WHERE recipient = 'z@example.net'");
	got = found("a@example.org", "z@example.net");
	ok(g_str_has_prefix(got, "-1 1 ") &&
		strstr(got, "passphrase of z@example.net is damaged") != NULL,
	    "a damaged entry: cannot tell");
	g_free(got);
	(void)g_rename(path, aside);
	got = found("a@example.org", "x@example.net");
	ok(g_str_has_prefix(got, "-1 1 "), "a store that is gone: cannot tell");
	g_free(got);
	(void)g_rename(aside, path);
	finds("a@example.org", "x@example.net", "", "until it is back");
	g_free(path);
	g_free(aside);
}

static void
test_migration(void)
{
	keys_close(&keys);
	run_sql("DROP TABLE passphrase; PRAGMA user_version = 2");
	open_all();
	finds("", "x@example.net", "0", "a store of version 2 gets the table");
	is_int(put(NULL, "x@example.net", "new", true), 1, "and is used");
	keys_close(&keys);
	open_all();
	finds("", "x@example.net", "new", "also after it was closed");
}

static void
test_no_store(void)
{
	const char *const sources[] = {NULL};
	const struct keys_config config = {.state = state, .sources = sources};
	struct fault fault;
	struct key *key = NULL;

	keys_close(&keys);
	if (keys_open(&config, &keys, &fault) != 0)
		g_error("%s", fault.text);
	ok(passphrase_find(keys, "", "x@example.net", &key, &fault) == -1 &&
		fault.kind == FAULT_PERM,
	    "without the store there are no passphrases to be found");
	has_str(fault.text, "add it there", "and what to do is said");
}

/* --- Which will do */

static void
acceptable(const char *words, const char *part)
{
	struct fault fault = {FAULT_NONE, ""};
	int r =
	    passphrase_acceptable(words, "erika.muster@example.org", &fault);

	if (part == NULL)
		ok(r == 0, "accepted: %s", words);
	else
		ok(r == -1 && fault.kind == FAULT_PERM &&
			strstr(fault.text, part) != NULL,
		    "refused (%s): %s", part, words);
	if (r != 0 && part == NULL)
		printf("# %s\n", fault.text);
}

static void
test_acceptable(void)
{
	acceptable("short", "too short");
	acceptable("nineteen characters", "too short");
	acceptable("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc"
		   "abcdefgh",
	    "too short");
	acceptable("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "too common");
	acceptable("abcdefghijklmnopqrstuvwxyz", "too common");
	acceptable("zyxwvutsrqponmlkjihgfedcba", "too common");
	acceptable("12345678901234567890", "too common");
	acceptable("passwordpasswordpassword", "too common");
	acceptable("Password Password 2026!!", "too common");
	acceptable("xk7Qp xk7Qp xk7Qp xk7Qp", "too common");
	acceptable("correct horse battery staple", "too common");
	acceptable("To be, or not to be: that is the question", "too common");
	acceptable("Twinkle, twinkle, little star, how I wonder what you are",
	    "too common");
	acceptable("qwertyuiop asdfghjkl zxcvbnm", "too common");
	acceptable("erika.muster@example.org", "too common");
	acceptable("erika muster example 1234", "too common");
	acceptable("..................................", "too common");
	acceptable(WORDS, NULL);
	acceptable("monkey dragon football shadow summer winter", NULL);
	acceptable("7f3c09a1be52d846c0e9", NULL);
	acceptable("Mein Nachbar z\xc3\xbc"
		   "chtet blaue Ziegen",
	    NULL);
}

/* --- Six words */

static void
test_list_of_words(void)
{
	const char *text = (const char *)passphrase_wordlist, *line, *end;
	const char *limit = text + passphrase_wordlist_octets;
	GHashTable *words =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	unsigned int number = 0, wrong = 0;
	char *dice;

	for (line = text; line < limit; line = end + 1, number++) {
		end = memchr(line, '\n', (size_t)(limit - line));
		dice = g_strdup_printf("%u%u%u%u%u\t", number / 1296 % 6 + 1,
		    number / 216 % 6 + 1, number / 36 % 6 + 1,
		    number / 6 % 6 + 1, number % 6 + 1);
		wrong += !g_str_has_prefix(line, dice);
		(void)g_hash_table_add(
		    words, g_strndup(line + 6, (gsize)(end - line - 6)));
		g_free(dice);
	}
	is_int(number, 7776, "the list has 7,776 lines");
	is_int(wrong, 0, "each with its throw of the dice");
	is_int(g_hash_table_size(words), 7776, "and no word twice");
	g_hash_table_unref(words);
}

static void
test_generate(void)
{
	GHashTable *seen =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	unsigned int i, wrong = 0, refused = 0;
	struct fault fault;
	char *words, **list;

	for (i = 0; i < 2000; i++) {
		words = passphrase_generate(&fault);
		list = g_strsplit(words, " ", -1);
		wrong += g_strv_length(list) != 6 || strlen(words) > 63;
		refused += passphrase_acceptable(words, NULL, &fault) != 0;
		for (unsigned int j = 0; list[j] != NULL; j++)
			(void)g_hash_table_add(seen, g_strdup(list[j]));
		g_strfreev(list);
		passphrase_wipe(&words);
	}
	is_int(wrong, 0, "2,000 passphrases have six words each");
	is_int(refused, 0, "all of them good enough for a person");
	/* 12,000 draws leave 7776 * exp(-12000 / 7776) = 1662 unseen. */
	i = g_hash_table_size(seen);
	ok(i > 5950 && i < 6280, "of the whole list (%u of 7,776 seen)", i);
	g_hash_table_unref(seen);
}

int
main(void)
{
	state = g_dir_make_tmp("test-passphrases-XXXXXX", NULL);
	open_all();
	test_deriving();
	test_words();
	test_one_message();
	test_finding();
	test_secrets();
	test_list();
	test_trouble();
	test_migration();
	test_no_store();
	test_acceptable();
	test_list_of_words();
	test_generate();
	keys_close(&keys);
	gpg_home_remove(&state);
	return tap_done();
}
