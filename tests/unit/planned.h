/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_PLANNED_H
#define TESTS_UNIT_PLANNED_H

/*
 * A store with keys of alice, bob, carol (at .org and .net) and one that has
 * expired; policies over it.  example.org is stored here.
 */

#include "keys/store.h"
#include "milter/copies.h"
#include "milter/runtime.h"
#include "policy/address.h"
#include "tests/unit/mail.h"

static char *plan_state;

/* Every address that a key names. */
static inline void
plan_put_key(struct store *store, const struct inspected *key)
{
	GPtrArray *addresses = g_ptr_array_new();
	enum store_change change;
	struct user_id *user_id;
	struct fault fault;
	guint i;

	for (i = 0; i < key->user_ids->len; i++) {
		user_id = g_ptr_array_index(key->user_ids, i);
		if (user_id->address != NULL && !user_id->revoked)
			g_ptr_array_add(addresses, user_id->address);
	}
	g_ptr_array_add(addresses, NULL);
	if (store_put(store, key, (const char *const *)addresses->pdata,
		key->kind == KEY_SMIME ? TRUST_CHECKED : TRUST_IMPORTED,
		&change, &fault) != 0)
		g_error("%s", fault.text);
	g_ptr_array_unref(addresses);
}

static inline void
plan_fill_store(void)
{
	const struct inspect_config config = {
	    mail_directory, GPG_PATH, 60000, false, NULL, NULL};
	GBytes *octets = sample_read(
	    "alice.asc", "bob.asc", "carol.asc", "expired.asc", NULL);
	struct store *store = NULL;
	GPtrArray *found = NULL;
	struct fault fault;
	guint i;

	if (inspect_keys(&config, octets, &found, &fault) != 0 ||
	    store_open(plan_state, &store, &fault) != 0)
		g_error("%s", fault.text);
	for (i = 0; i < found->len; i++)
		plan_put_key(store, g_ptr_array_index(found, i));
	g_ptr_array_unref(found);
	g_bytes_unref(octets);
	/* Alice has a certificate too. */
	octets = sample_read("../certs/alice.crt", NULL);
	if (inspect_keys(&config, octets, &found, &fault) != 0)
		g_error("%s", fault.text);
	plan_put_key(store, g_ptr_array_index(found, 0));
	g_ptr_array_unref(found);
	g_bytes_unref(octets);
	store_close(&store);
}

static inline void
plan_begin(void)
{
	mail_begin();
	inspect_register();
	plan_state = mail_path("state");
	if (g_mkdir(plan_state, 0700) != 0)
		g_error("%s: cannot make", plan_state);
	plan_fill_store();
}

static inline void
plan_end(void)
{
	g_clear_pointer(&plan_state, g_free);
	mail_end();
}

/* A runtime with that policy, the text between ( and ), and more options. */
static inline struct runtime *
plan_runtime_with(const char *policy, const char *options)
{
	char *path = mail_path("sealmilter.conf");
	char *text = g_strdup_printf("state = \"%s\";\n"
				     "domains = [ \"example.org\" ];\n"
				     "policy = ( %s );\n%s",
	    plan_state, policy, options);
	GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
	struct runtime *runtime = NULL;
	struct config *config = NULL;
	struct fault fault;

	if (!g_file_set_contents(path, text, -1, NULL) ||
	    config_load(path, &config, warnings, &fault) != 0 ||
	    runtime_open(config, &runtime, &fault) != 0)
		g_error("%s: %s", policy, fault.text);
	config_unref(&config);
	g_ptr_array_unref(warnings);
	g_free(text);
	g_free(path);
	return runtime;
}

__attribute__((unused)) static inline struct runtime *
plan_runtime(const char *policy)
{
	return plan_runtime_with(policy, "");
}

#endif
