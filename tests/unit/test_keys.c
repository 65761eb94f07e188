/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_keys.c - several sources of keys: which one counts, and that what one
 * of them knows to be revoked is not taken from the next.
 */
#include "config.h"

#include "keys/keys.h"

#include "keys/gpg_home.h"
#include "keys/inspect.h"
#include "keys/key.h"
#include "keys/store.h"
#include "tests/tap.h"
#include "tests/unit/sample.h"

#include <sys/wait.h>
#include <unistd.h>

#define ALICE "8BEAB8277D9F525FD9A81DA2FA569D67E7AAFB37"
#define ALICE_SECOND "206346E28F3BB696F769B2CEBBC3C86F8AF4C351"
#define ADDRESS "alice@example.org"

static char *directory, *home;

/* Runs gpg (without a shell) in the home. */
static void
gpg(const char *command, const char *argument)
{
	char *argv[] = {g_strdup(GPG_PATH), g_strdup("--homedir"),
	    g_strdup(home), g_strdup("--batch"), g_strdup("--quiet"),
	    g_strdup("--yes"), g_strdup(command), g_strdup(argument), NULL};
	int status = -1;
	size_t i;

	if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL,
		NULL, NULL, NULL, &status, NULL) ||
	    status != 0)
		g_error("gpg %s %s fails", command, argument);
	for (i = 0; argv[i] != NULL; i++)
		g_free(argv[i]);
}

/* What gpg says of alice's key; not shared yet, so it may be changed. */
static struct inspected *
alice(void)
{
	const struct inspect_config config = {
	    directory, GPG_PATH, 30000, false, NULL, NULL};
	GBytes *file = sample_read("alice.asc", NULL);
	struct inspected *key = NULL;
	GPtrArray *found = NULL;
	struct fault fault;

	if (inspect_keys(&config, file, &found, &fault) != 0)
		g_error("%s", fault.text);
	key = inspected_ref(g_ptr_array_index(found, 0));
	g_ptr_array_unref(found);
	g_bytes_unref(file);
	return key;
}

/* Takes the key (NULL: none), for a store of its own; its state directory. */
static char *
state_with(const char *name, struct inspected *key, const char *address)
{
	const char *const addresses[] = {address, NULL};
	char *state = g_build_filename(directory, name, NULL);
	enum store_change change;
	struct store *store = NULL;
	struct fault fault;

	if (store_open(state, &store, &fault) != 0 ||
	    (key != NULL && store_put(store, key, addresses, TRUST_IMPORTED,
				&change, &fault) != 0))
		g_error("%s", fault.text);
	store_close(&store);
	if (key != NULL)
		inspected_unref(key);
	return state;
}

/* Takes the state.  "SOURCE FINGERPRINT", "0 why" or "-1". */
static void
finds(
    char *state, const char *const *sources, const char *want, const char *name)
{
	const struct keys_config config = {
	    state, sources, home, GPG_PATH, 30000, NULL, NULL, false};
	struct keys *keys = NULL;
	struct key *key = NULL;
	char *why = NULL, *got = NULL;
	struct fault fault;
	int r;

	if (keys_open(&config, &keys, &fault) != 0)
		g_error("%s", fault.text);
	r = keys_find(keys, KEY_OPENPGP, ADDRESS, &key, &why, &fault);
	if (r == 1)
		got = g_strdup_printf("%s %s", key->source, key->fingerprint);
	else if (r == 0)
		got = g_strdup_printf("0 %s", why == NULL ? "" : why);
	else
		got = g_strdup("-1");
	is_str(got, want, name);
	key_unref(&key);
	keys_close(&keys);
	g_free(why);
	g_free(got);
	g_free(state);
}

static struct subkey *
encryption_subkey(struct inspected *key)
{
	return g_ptr_array_index(key->subkeys, key->subkeys->len - 1);
}

static void
test_order(const char *const *sources)
{
	struct inspected *key;

	finds(state_with("both", alice(), ADDRESS), sources, "store " ALICE,
	    "the first source that has a key counts");
	finds(state_with("none", NULL, ADDRESS), sources, "gnupg " ALICE,
	    "if it has none, the next one does");
	key = alice();
	encryption_subkey(key)->expires = 1709251200;
	finds(state_with("expired", key, ADDRESS), sources, "gnupg " ALICE,
	    "also if it has an older copy, which expired");
}

static void
test_forbidden(const char *const *sources)
{
	struct inspected *key;
	struct user_id *user_id;

	key = alice();
	key->revoked = true;
	finds(state_with("revoked", key, ADDRESS), sources,
	    "0 " ALICE ": revoked (says the key source \"store\")",
	    "a key that is revoked in the store is not taken from GnuPG");
	key = alice();
	key->revoked = true;
	finds(state_with("other", key, "other@example.org"), sources,
	    "0 " ALICE ": revoked (says the key source \"store\")",
	    "not even if the store has it for another address");
	key = alice();
	encryption_subkey(key)->revoked = true;
	finds(state_with("subkey", key, ADDRESS), sources,
	    "0 " ALICE ": its encryption subkey is revoked (says the key "
	    "source \"store\")",
	    "nor is a key whose subkey is revoked there");
	key = alice();
	user_id = g_ptr_array_index(key->user_ids, 0);
	user_id->revoked = true;
	finds(state_with("user-id", key, ADDRESS), sources,
	    "0 " ALICE ": its user ID with the address is revoked (says the "
	    "key source \"store\")",
	    "nor is one whose user ID is");
}

/* What a home's owner holds for valid goes before what is only newer. */
static void
test_validity(const char *const *sources)
{
	char *file = g_build_filename(directory, "ownertrust", NULL);
	char *second = sample_path("alice-second.asc");

	gpg("--import", second);
	finds(state_with("newest", NULL, ADDRESS), sources,
	    "gnupg " ALICE_SECOND, "of two unknown keys, the newer one counts");
	(void)g_file_set_contents(file, ALICE ":6:\n", -1, NULL);
	gpg("--import-ownertrust", file);
	gpg("--check-trustdb", NULL);
	finds(state_with("valid", NULL, ADDRESS), sources, "gnupg " ALICE,
	    "but not before one that the trustdb holds for valid");
	gpg("--delete-keys", ALICE_SECOND);
	g_free(file);
	g_free(second);
}

static void
test_disabled(const char *const *sources)
{
	char *argv[] = {g_strdup(GPG_PATH), g_strdup("--homedir"),
	    g_strdup(home), g_strdup("--batch"), g_strdup("--quiet"),
	    g_strdup("--command-fd=0"), g_strdup("--edit-key"), g_strdup(ALICE),
	    NULL};
	GError *error = NULL;
	size_t i;
	int in;
	GPid pid;

	if (!g_spawn_async_with_pipes(NULL, argv, NULL,
		G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL |
		    G_SPAWN_STDOUT_TO_DEV_NULL,
		NULL, NULL, &pid, &in, NULL, NULL, &error))
		g_error("%s", error->message);
	if (write(in, "disable\nsave\n", 13) != 13)
		g_error("gpg does not listen");
	(void)close(in);
	(void)waitpid(pid, NULL, 0);
	finds(state_with("disabled", alice(), ADDRESS), sources,
	    "0 " ALICE ": disabled in its keyring (says the key source "
	    "\"gnupg\")",
	    "a key that is disabled in GnuPG is not taken from the store");
	for (i = 0; argv[i] != NULL; i++)
		g_free(argv[i]);
}

int
main(void)
{
	static const char *const store_first[] = {"store", "gnupg", NULL};
	static const char *const gnupg_first[] = {"gnupg", "store", NULL};
	char *path = sample_path("alice.asc");

	directory = g_dir_make_tmp("test-keys-XXXXXX", NULL);
	home = g_build_filename(directory, "home", NULL);
	(void)g_mkdir(home, 0700);
	keys_register_jobs();
	gpg("--import", path);
	test_order(store_first);
	test_forbidden(store_first);
	test_validity(store_first);
	test_disabled(gnupg_first);
	g_free(path);
	g_free(home);
	gpg_home_remove(&directory);
	return tap_done();
}
