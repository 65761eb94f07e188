/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * gnupg.c - keys from a GnuPG home that somebody else looks after.
 *
 * In:    the home, an address.
 * Out:   the key to use, as gpg describes and exports it.
 * Never: writes to that home, runs gpg where the keyring has nothing to ask
 *        for, gives gpg an address, or takes its silence for "no key".
 */
#include <config.h>

#include "keys/gnupg.h"

#include "keys/describe.h"
#include "keys/gpg_home.h"
#include "keys/inspected.h"
#include "keys/key.h"
#include "keys/keyring.h"
#include "keys/usable.h"
#include "keys/worker.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Addresses whose keys are remembered; beyond it, all are forgotten. */
#define KNOWN_ADDRESSES 4096

#define REQUEST_TYPE "(ssas)" /* home, gpg, fingerprints */

struct gnupg {
	char *home; /* absolute */
	char *state;
	char *gpg;
	unsigned int deadline_ms;

	GMutex mutex; /* of all below */
	struct keyring_stamp stamp;
	struct keyring *keyring; /* as it stood at the stamp, or NULL */
	GHashTable *known;       /* address -> GPtrArray of inspected */
};

static char *find_home(const char *configured, struct fault *fault);
static int refresh(
    struct gnupg *gnupg, struct keyring_stamp *stamp, struct fault *fault);
static int candidates(struct gnupg *gnupg, const char *address,
    GPtrArray **foundp, struct fault *fault);
static void sort_out(
    const GPtrArray *entries, GPtrArray *found, GStrvBuilder *ask);
static void remember(struct gnupg *gnupg, const struct keyring_stamp *stamp,
    const char *address, GPtrArray *found);
static int ask_gpg(struct gnupg *gnupg, const char *path, char **fingerprints,
    GPtrArray *found, struct fault *fault);
static int better(gconstpointer a, gconstpointer b, gpointer address);
static bool is_trusted(const struct inspected *key, const char *address);
static worker_job find_job;

int
gnupg_open(const struct keys_config *config, struct gnupg **gnupgp,
    struct fault *fault)
{
	struct gnupg *gnupg = g_new0(struct gnupg, 1);
	struct keyring_stamp stamp;
	int r;

	g_mutex_init(&gnupg->mutex);
	gnupg->state = g_strdup(config->state);
	gnupg->gpg = g_strdup(config->gpg);
	gnupg->deadline_ms = config->deadline_ms;
	gnupg->known = g_hash_table_new_full(
	    g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	gnupg->home = find_home(config->gnupg_home, fault);
	if (gnupg->home == NULL) {
		gnupg_close(&gnupg);
		return -1;
	}
	g_mutex_lock(&gnupg->mutex);
	r = refresh(gnupg, &stamp, fault);
	g_mutex_unlock(&gnupg->mutex);
	if (r != 0) {
		gnupg_close(&gnupg);
		return -1;
	}
	*gnupgp = gnupg;
	return 0;
}

void
gnupg_close(struct gnupg **gnupgp)
{
	struct gnupg *gnupg = g_steal_pointer(gnupgp);

	if (gnupg == NULL)
		return;
	keyring_free(&gnupg->keyring);
	g_hash_table_unref(gnupg->known);
	g_mutex_clear(&gnupg->mutex);
	g_free(gnupg->home);
	g_free(gnupg->state);
	g_free(gnupg->gpg);
	g_free(gnupg);
}

/* Absolute and without links; NULL with fault. */
static char *
find_home(const char *configured, struct fault *fault)
{
	const struct passwd *user;
	char resolved[PATH_MAX], *path;

	if (configured != NULL) {
		path = g_strdup(configured);
	} else {
		user = getpwuid(geteuid());
		if (user == NULL) {
			fault_set(fault, FAULT_TEMP,
			    "the runtime user has no home: set gnupg_home");
			return NULL;
		}
		path = g_build_filename(user->pw_dir, ".gnupg", NULL);
	}
	if (realpath(path, resolved) == NULL) {
		fault_set(fault, FAULT_TEMP, "the GnuPG home %s: %s", path,
		    g_strerror(errno));
		g_free(path);
		return NULL;
	}
	g_free(path);
	return g_strdup(resolved);
}

int
gnupg_find(struct gnupg *gnupg, const char *address, struct key **keyp,
    char **whyp, struct fault *fault)
{
	GPtrArray *found = NULL;
	int ret;

	if (candidates(gnupg, address, &found, fault) != 0)
		return -1;
	ret = key_choose(found, address, "gnupg", NULL, keyp, whyp, fault);
	g_ptr_array_unref(found);
	return ret;
}

int
gnupg_forbids(struct gnupg *gnupg, const struct key *key, char **whyp,
    struct fault *fault)
{
	const struct inspected *candidate;
	GPtrArray *found = NULL;
	int r = 0;
	guint i;

	if (candidates(gnupg, key->address, &found, fault) != 0)
		return -1;
	for (i = 0; r == 0 && i < found->len; i++) {
		candidate = g_ptr_array_index(found, i);
		if (g_strcmp0(candidate->fingerprint, key->fingerprint) == 0)
			r = usable_forbidden(
			    candidate, key->address, key->subkey, whyp);
	}
	g_ptr_array_unref(found);
	return r;
}

/* What is known of the keys of an address, best first; perhaps nothing. */
static int
candidates(struct gnupg *gnupg, const char *address, GPtrArray **foundp,
    struct fault *fault)
{
	GStrvBuilder *builder = g_strv_builder_new();
	struct keyring_stamp stamp;
	char **fingerprints = NULL, *path = NULL;
	GPtrArray *found = NULL;
	int ret = -1;

	g_mutex_lock(&gnupg->mutex);
	if (refresh(gnupg, &stamp, fault) == 0) {
		found = g_hash_table_lookup(gnupg->known, address);
		if (found != NULL)
			(void)g_ptr_array_ref(found);
		ret = found != NULL ? 1 : 0;
	}
	if (ret == 0) {
		found = g_ptr_array_new_with_free_func(
		    (GDestroyNotify)inspected_unref);
		sort_out(keyring_find(gnupg->keyring, address), found, builder);
		path = g_strdup(keyring_path(gnupg->keyring));
	}
	g_mutex_unlock(&gnupg->mutex);
	if (ret != 0)
		goto out;
	fingerprints = g_strv_builder_end(builder);
	if (fingerprints[0] != NULL &&
	    ask_gpg(gnupg, path, fingerprints, found, fault) != 0) {
		ret = -1;
		goto out;
	}
	g_ptr_array_sort_with_data(found, better, (gpointer)(uintptr_t)address);
	if (found->len > 0)
		remember(gnupg, &stamp, address, found);
out:
	if (ret != -1)
		*foundp = g_steal_pointer(&found);
	if (found != NULL)
		g_ptr_array_unref(found);
	g_strv_builder_unref(builder);
	g_strfreev(fingerprints);
	g_free(path);
	return ret == -1 ? -1 : 0;
}

/* Reads the keyring again if it was written to.  With the mutex. */
static int
refresh(struct gnupg *gnupg, struct keyring_stamp *stamp, struct fault *fault)
{
	struct keyring *keyring = NULL;

	if (keyring_stamp(gnupg->home, stamp, fault) != 0)
		return -1;
	if (gnupg->keyring != NULL && keyring_same(&gnupg->stamp, stamp)) {
		if (access(keyring_path(gnupg->keyring), R_OK) == 0)
			return 0;
		fault_set(fault, FAULT_TEMP, "%s: %s",
		    keyring_path(gnupg->keyring), g_strerror(errno));
		return -1;
	}
	if (keyring_read(gnupg->home, &keyring, fault) != 0)
		return -1;
	keyring_free(&gnupg->keyring);
	g_hash_table_remove_all(gnupg->known);
	gnupg->keyring = keyring;
	gnupg->stamp = *stamp;
	return 0;
}

/* What gpg is to be asked for, and what no gpg need be asked for. */
static void
sort_out(const GPtrArray *entries, GPtrArray *found, GStrvBuilder *ask)
{
	const struct keyring_entry *entry;
	struct inspected *key;
	guint i;

	for (i = 0; entries != NULL && i < entries->len; i++) {
		entry = g_ptr_array_index(entries, i);
		if (entry->fingerprint != NULL) {
			g_strv_builder_add(ask, entry->fingerprint);
			continue;
		}
		key = inspected_make(NULL);
		key->refused = g_strdup_printf(
		    "OpenPGP keys of version %u are not supported",
		    entry->version);
		g_ptr_array_add(found, key);
	}
}

static int
ask_gpg(struct gnupg *gnupg, const char *path, char **fingerprints,
    GPtrArray *found, struct fault *fault)
{
	GBytes *request = NULL, *reply = NULL;
	char *trustdb, *view = NULL;
	GVariant *value = NULL;
	int ret = -1;

	trustdb = g_build_filename(gnupg->home, "trustdb.gpg", NULL);
	if (gpg_home_make_view(gnupg->state, path,
		access(trustdb, R_OK) == 0 ? trustdb : NULL, &view, fault) != 0)
		goto out;
	value = g_variant_ref_sink(
	    g_variant_new("(ss^as)", view, gnupg->gpg, fingerprints));
	request = g_variant_get_data_as_bytes(value);
	if (worker_call(WORKER_GNUPG_FIND, request, NULL, gnupg->deadline_ms,
		&reply, fault) == 0)
		ret = describe_parse(reply, found, fault);
	if (ret != 0)
		fault_prefix(fault, "%s", path);
out:
	g_bytes_unref(reply);
	g_bytes_unref(request);
	if (value != NULL)
		g_variant_unref(value);
	g_free(view);
	g_free(trustdb);
	return ret;
}

/*
 * Those first whose user ID with the address the owner of the keyring holds
 * for valid, or anybody could go first with a newer key; then the newest;
 * then by fingerprint, so that the order is always one.
 */
static int
better(gconstpointer a, gconstpointer b, gpointer address)
{
	const struct inspected *x = *(const struct inspected *const *)a;
	const struct inspected *y = *(const struct inspected *const *)b;
	const struct subkey *p, *q;

	if (x->subkeys->len == 0 || y->subkeys->len == 0)
		return (x->subkeys->len == 0) - (y->subkeys->len == 0);
	if (is_trusted(x, address) != is_trusted(y, address))
		return is_trusted(x, address) ? -1 : 1;
	p = g_ptr_array_index(x->subkeys, 0);
	q = g_ptr_array_index(y->subkeys, 0);
	if (p->created != q->created)
		return p->created > q->created ? -1 : 1;
	return strcmp(x->fingerprint, y->fingerprint);
}

static bool
is_trusted(const struct inspected *key, const char *address)
{
	const struct user_id *user_id;
	guint i;

	for (i = 0; i < key->user_ids->len; i++) {
		user_id = g_ptr_array_index(key->user_ids, i);
		if (user_id->trusted && !user_id->revoked &&
		    !user_id->invalid &&
		    g_strcmp0(user_id->address, address) == 0)
			return true;
	}
	return false;
}

/* Unless the keyring was written to meanwhile. */
static void
remember(struct gnupg *gnupg, const struct keyring_stamp *stamp,
    const char *address, GPtrArray *found)
{
	g_mutex_lock(&gnupg->mutex);
	if (keyring_same(&gnupg->stamp, stamp)) {
		if (g_hash_table_size(gnupg->known) >= KNOWN_ADDRESSES)
			g_hash_table_remove_all(gnupg->known);
		g_hash_table_replace(
		    gnupg->known, g_strdup(address), g_ptr_array_ref(found));
	}
	g_mutex_unlock(&gnupg->mutex);
}

/* --- The worker's end */

void
gnupg_register(void)
{
	worker_register(WORKER_GNUPG_FIND, find_job);
}

static int
find_job(struct worker_io *io, GBytes *request, GByteArray *answer,
    struct fault *fault)
{
	GPtrArray *found =
	    g_ptr_array_new_with_free_func((GDestroyNotify)inspected_unref);
	const char **fingerprints = NULL;
	const char *home, *gpg;
	gpgme_ctx_t ctx = NULL;
	GVariant *value;
	int ret = -1;

	(void)io;
	value = g_variant_ref_sink(g_variant_new_from_bytes(
	    G_VARIANT_TYPE(REQUEST_TYPE), request, FALSE));
	g_variant_get(value, "(&s&s^a&s)", &home, &gpg, &fingerprints);
	if (gpg_home_context(home, gpg, &ctx, fault) != 0 ||
	    describe_keys(ctx, fingerprints, found, fault) != 0)
		goto out;
	describe_pack(found, answer);
	ret = 0;
out:
	gpgme_release(ctx);
	g_free(fingerprints);
	g_variant_unref(value);
	g_ptr_array_unref(found);
	return ret;
}
