/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * keys.c - the sources of keys, asked in their order.
 *
 * In:    an address.
 * Out:   the key to use; or that there is none, and why; or that nobody can
 *        tell.
 * Never: asks the next source when one cannot tell: its key might be there;
 *        or takes a key of which an earlier source knows that it is revoked.
 */
#include <config.h>

#include "keys/keys.h"

#include "keys/authorities.h"
#include "keys/authorities_crl.h"
#include "keys/gnupg.h"
#include "keys/inspect.h"
#include "keys/store.h"

#include <string.h>

/* What is looked for. */
struct wanted {
	enum key_kind kind;
	const char *address;
	struct authorities *authorities;
};

/* A kind of source; the names are those of the option keys.sources. */
struct source_kind {
	const char *name;
	int (*open)(const struct keys_config *config, void **sourcep,
	    struct fault *fault);
	int (*find)(void *source, const struct wanted *wanted,
	    struct key **keyp, char **whyp, struct fault *fault);
	int (*forbids)(void *source, const struct key *key, char **whyp,
	    struct fault *fault);
	void (*close)(void *source);
};

struct source {
	const struct source_kind *kind;
	void *object;
};

struct keys {
	GArray *sources; /* of struct source */
	struct authorities *authorities;
};

static const struct source_kind *find_kind(const char *name);
static int open_source(struct keys *keys, const struct keys_config *config,
    const char *name, struct fault *fault);
static int find_in(struct keys *keys, guint which, const struct wanted *wanted,
    struct key **keyp, char **whyp, struct fault *fault);
static int may_be_taken(struct keys *keys, guint which, const struct key *key,
    char **whyp, struct fault *fault);

/* --- What each source is called here */

static int
open_store(
    const struct keys_config *config, void **sourcep, struct fault *fault)
{
	struct store *store;

	if (store_open(config->state, &store, fault) != 0)
		return -1;
	*sourcep = store;
	return 0;
}

static int
find_in_store(void *source, const struct wanted *wanted, struct key **keyp,
    char **whyp, struct fault *fault)
{
	return store_find(source, wanted->kind, wanted->address,
	    wanted->authorities, keyp, whyp, fault);
}

static int
store_has_ban(
    void *source, const struct key *key, char **whyp, struct fault *fault)
{
	return store_forbids(source, key, whyp, fault);
}

static void
close_store(void *source)
{
	struct store *store = source;

	store_close(&store);
}

static int
open_gnupg(
    const struct keys_config *config, void **sourcep, struct fault *fault)
{
	struct gnupg *gnupg;

	if (gnupg_open(config, &gnupg, fault) != 0)
		return -1;
	*sourcep = gnupg;
	return 0;
}

static int
find_in_gnupg(void *source, const struct wanted *wanted, struct key **keyp,
    char **whyp, struct fault *fault)
{
	if (wanted->kind != KEY_OPENPGP)
		return 0;
	return gnupg_find(source, wanted->address, keyp, whyp, fault);
}

static int
gnupg_has_ban(
    void *source, const struct key *key, char **whyp, struct fault *fault)
{
	if (key->kind != KEY_OPENPGP)
		return 0;
	return gnupg_forbids(source, key, whyp, fault);
}

static void
close_gnupg(void *source)
{
	struct gnupg *gnupg = source;

	gnupg_close(&gnupg);
}

static const struct source_kind source_kinds[] = {
    {"store", open_store, find_in_store, store_has_ban, close_store},
    {"gnupg", open_gnupg, find_in_gnupg, gnupg_has_ban, close_gnupg},
};

const char *const keys_source_names[] = {"store", "gnupg", NULL};

/* --- All of them */

void
keys_register_jobs(void)
{
	inspect_register();
	gnupg_register();
}

int
keys_open(
    const struct keys_config *config, struct keys **keysp, struct fault *fault)
{
	char *fetched = g_build_filename(config->state, CRL_FOLDER, NULL);
	const struct authorities_config believed = {config->smime_trust,
	    config->crl_files, config->crl_fetched ? fetched : NULL};
	struct keys *keys = g_new0(struct keys, 1);
	size_t i;
	int r;

	keys->sources = g_array_new(FALSE, FALSE, sizeof(struct source));
	r = authorities_open(&believed, &keys->authorities, fault);
	g_free(fetched);
	if (r != 0) {
		keys_close(&keys);
		return -1;
	}
	for (i = 0; config->sources[i] != NULL; i++) {
		if (open_source(keys, config, config->sources[i], fault) != 0) {
			keys_close(&keys);
			return -1;
		}
	}
	*keysp = keys;
	return 0;
}

static int
open_source(struct keys *keys, const struct keys_config *config,
    const char *name, struct fault *fault)
{
	struct source source = {find_kind(name), NULL};

	if (source.kind == NULL) {
		fault_set(
		    fault, FAULT_PERM, "there is no key source \"%s\"", name);
		return -1;
	}
	if (source.kind->open(config, &source.object, fault) != 0) {
		fault_prefix(fault, "key source \"%s\"", name);
		return -1;
	}
	g_array_append_val(keys->sources, source);
	return 0;
}

static const struct source_kind *
find_kind(const char *name)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(source_kinds); i++)
		if (strcmp(source_kinds[i].name, name) == 0)
			return &source_kinds[i];
	return NULL;
}

void
keys_close(struct keys **keysp)
{
	struct keys *keys = g_steal_pointer(keysp);
	struct source *source;
	guint i;

	if (keys == NULL)
		return;
	for (i = 0; i < keys->sources->len; i++) {
		source = &g_array_index(keys->sources, struct source, i);
		source->kind->close(source->object);
	}
	g_array_unref(keys->sources);
	authorities_close(&keys->authorities);
	g_free(keys);
}

struct store *
keys_store(const struct keys *keys)
{
	const struct source *source;
	guint i;

	for (i = 0; i < keys->sources->len; i++) {
		source = &g_array_index(keys->sources, struct source, i);
		if (source->kind->open == open_store)
			return source->object;
	}
	return NULL;
}

int
keys_find(struct keys *keys, enum key_kind kind, const char *address,
    struct key **keyp, char **whyp, struct fault *fault)
{
	const struct wanted wanted = {kind, address, keys->authorities};
	struct key *key = NULL;
	char *first = NULL, *why, *ban = NULL;
	int r = 0;
	guint i;

	for (i = 0; r == 0 && i < keys->sources->len; i++) {
		why = NULL;
		r = find_in(keys, i, &wanted, &key, &why, fault);
		if (first == NULL)
			first = g_steal_pointer(&why);
		g_free(why);
	}
	if (r == 1)
		r = may_be_taken(keys, i - 1, key, &ban, fault);
	if (r == 1)
		*keyp = g_steal_pointer(&key);
	else if (r == 0)
		*whyp = ban != NULL ? ban : g_steal_pointer(&first);
	key_unref(&key);
	g_free(first);
	return r;
}

static int
find_in(struct keys *keys, guint which, const struct wanted *wanted,
    struct key **keyp, char **whyp, struct fault *fault)
{
	const struct source *source =
	    &g_array_index(keys->sources, struct source, which);
	int r;

	r = source->kind->find(source->object, wanted, keyp, whyp, fault);
	if (r == -1)
		fault_prefix(fault, "key source \"%s\"", source->kind->name);
	return r;
}

/*
 * Who revoked a key may have told an earlier source only.  1: it may; 0: it
 * may not, and *whyp says why; -1: cannot tell.
 */
static int
may_be_taken(struct keys *keys, guint which, const struct key *key, char **whyp,
    struct fault *fault)
{
	const struct source *source;
	char *why = NULL;
	int r = 0;
	guint i;

	for (i = 0; r == 0 && i < which; i++) {
		source = &g_array_index(keys->sources, struct source, i);
		r = source->kind->forbids(source->object, key, &why, fault);
		if (r == -1)
			fault_prefix(
			    fault, "key source \"%s\"", source->kind->name);
	}
	if (r == 1)
		*whyp = g_strdup_printf("%s: %s (says the key source \"%s\")",
		    key->fingerprint, why, source->kind->name);
	g_free(why);
	return r == 0 ? 1 : r == 1 ? 0 : -1;
}
