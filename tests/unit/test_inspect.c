/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_inspect.c - what is in a key file, and that a broken gpg is never
 * taken for an answer.
 */
#include "config.h"

#include "keys/inspect.h"

#include "keys/gpg_home.h"
#include "keys/keyblock.h"
#include "keys/packet.h"
#include "keys/usable.h"
#include "tests/tap.h"
#include "tests/unit/sample.h"

#include <time.h>

static char *directory;

/* Takes the file. */
static GPtrArray *
inspect(GBytes *file, const char *gpg, struct fault *fault)
{
	const struct inspect_config config = {
	    directory, gpg, 20000, false, NULL, NULL};
	GPtrArray *found = NULL;
	int r;

	fault_set(fault, FAULT_NONE, "none");
	r = inspect_keys(&config, file, &found, fault);
	g_bytes_unref(file);
	if (r != 0 && found != NULL)
		printf("Bail out! a failure gave something away\n");
	return found;
}

/* The only key of a sample; NULL if there is another number of them. */
static struct inspected *
one(const char *file)
{
	struct inspected *key = NULL;
	GPtrArray *found;
	struct fault fault;

	found = inspect(sample_read(file, NULL), GPG_PATH, &fault);
	if (found == NULL)
		printf("# %s: %s\n", file, fault.text);
	if (found != NULL && found->len == 1)
		key = inspected_ref(g_ptr_array_index(found, 0));
	if (found != NULL)
		g_ptr_array_unref(found);
	return key;
}

/* What is said of the key in a sample for an address: "usable" or why not. */
static void
verdict(const char *file, const char *address, const char *want)
{
	struct inspected *key = one(file);
	const struct subkey *subkey;
	char *why = NULL, *name;

	if (key != NULL &&
	    usable_find(key, address, (int64_t)time(NULL), &subkey, &why) == 1)
		why = g_strdup("usable");
	name = g_strdup_printf(
	    "%s for %s", file, address == NULL ? "anybody" : address);
	is_str(why, want, name);
	g_free(name);
	g_free(why);
	inspected_unref(key);
}

static void
test_verdicts(void)
{
	verdict("alice.asc", "alice@example.org", "usable");
	verdict("alice.asc", "bob@example.org",
	    "no user ID with the address bob@example.org");
	verdict("bob.asc", "bob@example.org", "usable");
	verdict("carol.asc", "carol@example.org", "usable");
	verdict("carol.asc", "carol@example.net", "usable");
	verdict("carol.asc", "carol@gone.example",
	    "its user ID with the address is revoked");
	verdict("quoted.asc", "dora.x@example.org", "usable");
	verdict("mallory.asc", "alice@example.org",
	    "no user ID with the address alice@example.org");
	verdict("no-address.asc", NULL, "usable");
	verdict("expired.asc", NULL, "expired on 2024-03-01");
	verdict("expired-subkey.asc", NULL,
	    "its only encryption subkey expired on 2024-03-01");
	verdict("revoked.asc", NULL, "revoked");
	verdict("revoked-subkey.asc", NULL,
	    "its only encryption subkey is revoked");
	verdict("sign-only.asc", NULL, "no encryption subkey");
	verdict("weak.asc", NULL, "RSA with 1024 bits is too short");
	verdict("future.asc", NULL, "not valid before 2090-01-01");
	verdict("sha1.asc", "sha1@example.org",
	    "no user ID with a good signature (SHA-1 does not count)");
	verdict("alice.sec", NULL, "secret key: import its public key");
	verdict("bob.sec", NULL, "secret key: import its public key");
}

static void
test_facts(void)
{
	struct inspected *key = one("bob.asc");
	const struct subkey *subkey;
	const struct user_id *user_id;
	GPtrArray *blocks = NULL;
	const struct keyblock *block;
	gsize len;

	if (!ok(key != NULL && key->subkeys->len == 2, "bob has one subkey"))
		return;
	is_str(key->fingerprint, "85A4E4E0B0CC1C8D592BF872F463E3FFE0EA444A",
	    "his fingerprint is the one that gpg --show-keys gives");
	subkey = g_ptr_array_index(key->subkeys, 1);
	is_str(subkey->algorithm, "rsa3072", "the algorithm has a name");
	is_int(subkey->bits, 3072, "and a length");
	is_int(subkey->created, 1704110400, "the subkey is from 2024-01-01");
	is_int(
	    (intmax_t)strlen(subkey->fingerprint), 40, "it has a fingerprint");
	ok(subkey->id == g_ascii_strtoull(subkey->fingerprint + 24, NULL, 16),
	    "and a key ID that is the end of it");
	user_id = g_ptr_array_index(key->user_ids, 0);
	is_str(user_id->text, "Bob <bob@example.org>", "the user ID is whole");
	is_str(user_id->address, "bob@example.org", "and so is its address");
	if (ok(keyblock_split(g_bytes_get_data(key->blob, &len),
		   g_bytes_get_size(key->blob), &blocks, NULL) == 0,
		"the blob is made of packets")) {
		block = g_ptr_array_index(blocks, 0);
		ok(blocks->len == 1 && !block->secret &&
			strcmp(block->fingerprint, key->fingerprint) == 0,
		    "and is just that public key");
		g_ptr_array_unref(blocks);
	}
	inspected_unref(key);
}

static void
test_secret_name(void)
{
	struct inspected *public = one("bob.asc"), *secret = one("bob.sec");

	ok(public != NULL && secret != NULL &&
		strcmp(public->fingerprint, secret->fingerprint) == 0,
	    "a secret RSA key is refused by its fingerprint");
	inspected_unref(public);
	inspected_unref(secret);
	public = one("alice.asc");
	secret = one("alice.sec");
	ok(public != NULL && secret != NULL &&
		strcmp(public->fingerprint, secret->fingerprint) == 0,
	    "and so is a secret elliptic one");
	inspected_unref(public);
	inspected_unref(secret);
}

static GBytes *
binary(GBytes *file)
{
	GByteArray *octets = g_byte_array_new();
	gsize len;
	const void *data = g_bytes_get_data(file, &len);

	(void)packet_dearmor(data, len, NULL, octets, NULL);
	g_bytes_unref(file);
	return g_byte_array_free_to_bytes(octets);
}

static void
has_fingerprints(
    GPtrArray *found, const char *const *want, guint n, const char *name)
{
	const struct inspected *key;
	bool same = found != NULL && found->len == n;
	guint i;

	for (i = 0; same && i < n; i++) {
		key = g_ptr_array_index(found, i);
		same = g_strcmp0(key->fingerprint, want[i]) == 0;
	}
	ok(same, "%s", name);
}

static void
test_several(void)
{
	static const char *const three[] = {
	    "8BEAB8277D9F525FD9A81DA2FA569D67E7AAFB37",
	    "85A4E4E0B0CC1C8D592BF872F463E3FFE0EA444A",
	    "CADE446EC372EA4C80667793D9267FA93D7DF640"};
	GPtrArray *found;
	struct fault fault;

	found = inspect(sample_read("alice.asc", "bob.asc", "carol.asc", NULL),
	    GPG_PATH, &fault);
	has_fingerprints(found, three, 3,
	    "three armored keys in one file are found in their order");
	g_ptr_array_unref(found);
	found = inspect(
	    binary(sample_read("alice.asc", "bob.asc", "carol.asc", NULL)),
	    GPG_PATH, &fault);
	has_fingerprints(found, three, 3, "and so are three binary ones");
	g_ptr_array_unref(found);
	found = inspect(sample_read("alice.asc", "bob.sec", "alice.asc", NULL),
	    GPG_PATH, &fault);
	has_fingerprints(found, three, 2,
	    "a key that comes twice is found once, beside a secret one");
	g_ptr_array_unref(found);
}

/* 120 keys, so that gpg is asked more than once. */
static void
test_batches(void)
{
	GByteArray *octets = g_byte_array_new();
	GPtrArray *found;
	GBytes *bob, *file;
	struct fault fault;
	unsigned int i;
	guint8 *copy;
	gsize len;

	bob = binary(sample_read("sign-only.asc", NULL));
	len = g_bytes_get_size(bob);
	copy = g_memdup2(g_bytes_get_data(bob, NULL), len);
	for (i = 0; i < 120; i++) {
		copy[6] = (guint8)i; /* another time of creation */
		g_byte_array_append(octets, copy, (guint)len);
	}
	file = binary(sample_read("alice.asc", NULL));
	g_byte_array_append(octets, g_bytes_get_data(file, NULL),
	    (guint)g_bytes_get_size(file));
	g_bytes_unref(file);
	found = inspect(g_byte_array_free_to_bytes(octets), GPG_PATH, &fault);
	is_int(found == NULL ? -1 : (intmax_t)found->len, 121,
	    "121 keys in one file are all told about");
	if (found != NULL) {
		ok(((struct inspected *)g_ptr_array_index(found, 0))->refused !=
			    NULL &&
			((struct inspected *)g_ptr_array_index(found, 120))
				->refused == NULL,
		    "the forged ones are refused, the good one is not");
		g_ptr_array_unref(found);
	}
	g_free(copy);
	g_bytes_unref(bob);
}

static GBytes *
known_revoked(void *context, const char *fingerprint)
{
	(void)fingerprint;
	return g_bytes_ref(context);
}

/* The revoked key, and the same key before it was revoked. */
static void
test_merge(void)
{
	struct inspect_config config = {
	    directory, GPG_PATH, 20000, false, known_revoked, NULL};
	GBytes *revoked = binary(sample_read("revoked.asc", NULL)), *before;
	GByteArray *octets = g_byte_array_new();
	const guint8 *data;
	struct inspected *key;
	GPtrArray *found = NULL;
	struct fault fault;
	gsize len, primary, signature;

	/* Take the first signature, which is the revocation, out. */
	data = g_bytes_get_data(revoked, &len);
	primary = 2U + data[1];
	signature = 2U + data[primary + 1];
	g_byte_array_append(octets, data, (guint)primary);
	g_byte_array_append(octets, data + primary + signature,
	    (guint)(len - primary - signature));
	before = g_byte_array_free_to_bytes(octets);
	found = inspect(g_bytes_ref(before), GPG_PATH, &fault);
	key = found == NULL ? NULL : g_ptr_array_index(found, 0);
	ok(key != NULL && !key->revoked, "an old file knows no revocation");
	g_ptr_array_unref(found);
	config.context = revoked;
	found = NULL;
	is_int(inspect_keys(&config, before, &found, &fault), 0,
	    "an old file is read beside what is known");
	key = found == NULL ? NULL : g_ptr_array_index(found, 0);
	ok(key != NULL && key->revoked && found->len == 1,
	    "and takes no revocation back");
	if (found != NULL)
		g_ptr_array_unref(found);
	g_bytes_unref(revoked);
	g_bytes_unref(before);
}

static void
refuses(GBytes *file, enum fault_kind kind, const char *part, const char *name)
{
	struct fault fault;
	GPtrArray *found = inspect(file, GPG_PATH, &fault);

	ok(found == NULL && fault.kind == kind, "%s", name);
	has_str(fault.text, part, "and the reason is given");
	if (found != NULL)
		g_ptr_array_unref(found);
}

static void
test_nonsense(void)
{
	static const guint8 version_6[] = {
	    0xc6, 12, 6, 0x65, 0, 0, 0, 27, 0, 0, 0, 2, 1, 2};
	GBytes *file, *alice = binary(sample_read("alice.asc", NULL));
	const struct inspected *key;
	GPtrArray *found;
	struct fault fault;

	refuses(g_bytes_new_static("hello\n", 6), FAULT_PERM,
	    "neither an OpenPGP key", "text is refused");
	refuses(g_bytes_new_static("", 0), FAULT_PERM, "neither an OpenPGP key",
	    "nothing is refused");
	file = g_bytes_new_from_bytes(alice, 0, g_bytes_get_size(alice) - 3);
	refuses(
	    file, FAULT_PERM, "cut off", "a key that is cut off is refused");
	g_bytes_unref(alice);
	file = sample_read("alice.asc", NULL);
	alice = g_bytes_new_from_bytes(file, 0, 200);
	g_bytes_unref(file);
	refuses(alice, FAULT_PERM, "armor", "broken armor is refused");
	refuses(g_bytes_new_take(g_malloc0(INSPECT_FILE_OCTETS + 1),
		    INSPECT_FILE_OCTETS + 1),
	    FAULT_PERM, "64 MiB", "a huge file is refused");
	found = inspect(
	    g_bytes_new_static(version_6, sizeof(version_6)), GPG_PATH, &fault);
	key = found == NULL ? NULL : g_ptr_array_index(found, 0);
	is_str(key == NULL ? NULL : key->refused,
	    "OpenPGP keys of version 6 are not supported",
	    "a key of version 6 is refused by name");
	if (found != NULL)
		g_ptr_array_unref(found);
}

/* gpg does `instead` when it is asked for something with the word. */
static void
broken_gpg(const char *word, const char *instead, const char *name)
{
	const struct inspect_config config = {
	    directory, NULL, 1500, false, NULL, NULL};
	struct inspect_config with = config;
	GBytes *file = sample_read("alice.asc", "bob.asc", NULL);
	char *gpg = sample_gpg(directory, "gpg", word, instead);
	GPtrArray *found = NULL;
	struct fault fault = {FAULT_NONE, ""};

	with.gpg = gpg;
	ok(inspect_keys(&with, file, &found, &fault) == -1 &&
		fault.kind == FAULT_TEMP,
	    "%s: cannot tell", name);
	printf("# %s\n", fault.text);
	if (found != NULL)
		g_ptr_array_unref(found);
	(void)g_unlink(gpg);
	g_free(gpg);
	g_bytes_unref(file);
}

static void
test_broken_gpg(void)
{
	const char *every = "", *import = "--import", *list = "list-keys",
		   *export = "--export";
	struct fault fault;
	GPtrArray *found;

	found =
	    inspect(sample_read("alice.asc", NULL), "/nonexistent/gpg", &fault);
	ok(found == NULL && fault.kind == FAULT_TEMP,
	    "a gpg that is missing: cannot tell");
	has_str(fault.text, "/nonexistent/gpg", "and it is named");
	broken_gpg(every, "exit 0", "a gpg that does nothing with status 0");
	broken_gpg(every, "exit 2", "a gpg that fails");
	broken_gpg(every, "kill -9 $$", "a gpg that dies");
	broken_gpg(every, "exec sleep 600", "a gpg that hangs");
	broken_gpg(every, "echo nonsense; exit 0", "a gpg that talks nonsense");
	broken_gpg(import, "exit 0", "an import of nothing with status 0");
	broken_gpg(import, "kill -9 $$", "an import that dies");
	broken_gpg(import, "sleep 600", "an import that hangs");
	broken_gpg(list, "exit 0", "a list of nothing with status 0");
	broken_gpg(list, "kill -9 $$", "a list that dies");
	broken_gpg(list, GPG_PATH " \"$@\"; kill -9 $$",
	    "a list that dies at its end");
	broken_gpg(
	    list, GPG_PATH " \"$@\"; exit 2", "a list that fails at its end");
	broken_gpg(list, "sleep 600", "a list that hangs");
	broken_gpg(export, "exit 0", "an export of nothing with status 0");
	broken_gpg(export, "kill -9 $$", "an export that dies");
	broken_gpg(export, GPG_PATH " \"$@\" | head -c 500; exit 0",
	    "an export that is cut off");
	broken_gpg(export, "sleep 600", "an export that hangs");
}

static void
test_leaves_nothing(void)
{
	GDir *dir = g_dir_open(directory, 0, NULL);

	is_str(dir == NULL ? "?" : g_dir_read_name(dir), NULL,
	    "no throw-away home is left");
	if (dir != NULL)
		g_dir_close(dir);
}

int
main(void)
{
	directory = g_dir_make_tmp("test-inspect-XXXXXX", NULL);
	inspect_register();
	test_verdicts();
	test_facts();
	test_secret_name();
	test_several();
	test_batches();
	test_merge();
	test_nonsense();
	test_broken_gpg();
	test_leaves_nothing();
	gpg_home_remove(&directory);
	return tap_done();
}
