/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * store.c - the store of certificates: finding the key of an address.
 *
 * In:    an address.
 * Out:   the key to use.
 * Never: changes a certificate (keys/store_edit.c does), or answers from a
 *        file that is gone, replaced, unreadable or damaged.
 */
#include <config.h>

#include "keys/store.h"

#include "keys/key.h"
#include "keys/store_private.h"
#include "keys/usable.h"
#include "keys/x509.h"

#include <string.h>

/* What is remembered of certificates; beyond it, all is forgotten. */
#define KNOWN_CERTIFICATES 8192
#define KNOWN_OCTETS ((size_t)32 * 1024 * 1024)

/* Certificates of one address that are looked at. */
#define CANDIDATES 64

/*
 * A certificate that was read before.  A certificate's revision is a new
 * random number whenever anything about it changes.
 */
struct known {
	int64_t revision;
	struct inspected *key;
};

static int find(struct store *store, struct connection *connection,
    enum key_kind kind, const char *address, GPtrArray *found,
    struct fault *fault);
static int collect(struct store *store, struct connection *connection,
    enum store_statement which, enum key_kind kind, const char *address,
    GPtrArray *found, struct fault *fault);
static struct inspected *load(struct store *store,
    struct connection *connection, enum key_kind kind, sqlite3_stmt *row,
    struct fault *fault);
static struct inspected *read_one(struct store *store,
    struct connection *connection, const char *fingerprint, int64_t revision,
    struct fault *fault);
static struct inspected *recall(
    struct store *store, const char *fingerprint, int64_t revision);
static void remember(
    struct store *store, int64_t revision, struct inspected *key);

int
store_find(struct store *store, enum key_kind kind, const char *address,
    struct authorities *authorities, struct key **keyp, char **whyp,
    struct fault *fault)
{
	struct connection *connection;
	GPtrArray *found;
	int ret = -1;

	connection = store_take(store, fault);
	if (connection == NULL)
		return -1;
	found = g_ptr_array_new_with_free_func((GDestroyNotify)inspected_unref);
	ret = find(store, connection, kind, address, found, fault);
	store_give(store, &connection, ret != 0);
	if (ret == 0)
		ret = key_choose(
		    found, address, "store", authorities, keyp, whyp, fault);
	g_ptr_array_unref(found);
	return ret;
}

int
store_forbids(struct store *store, const struct key *key, char **whyp,
    struct fault *fault)
{
	const struct certificate *certificate;
	GPtrArray *list;
	int r = 0;

	if (store_list(store, key->fingerprint, false, &list, fault) != 0)
		return -1;
	if (list->len > 0) {
		certificate = g_ptr_array_index(list, 0);
		r = usable_forbidden(
		    certificate->key, key->address, key->subkey, whyp);
	}
	g_ptr_array_unref(list);
	return r;
}

/* Nearly all addresses have one certificate, and SQLite makes ready to sort
 * before it knows: so it is asked to sort only if there are several. */
static int
find(struct store *store, struct connection *connection, enum key_kind kind,
    const char *address, GPtrArray *found, struct fault *fault)
{
	if (collect(store, connection, STATEMENT_FIND_TWO, kind, address, found,
		fault) != 0)
		return -1;
	if (found->len <= 1)
		return 0;
	g_ptr_array_set_size(found, 0);
	return collect(
	    store, connection, STATEMENT_FIND, kind, address, found, fault);
}

/* One read transaction: it lasts while the first statement is not reset. */
static int
collect(struct store *store, struct connection *connection,
    enum store_statement which, enum key_kind kind, const char *address,
    GPtrArray *found, struct fault *fault)
{
	struct inspected *key;
	sqlite3_stmt *statement;
	int r;

	statement = store_statement(store, connection, which, fault);
	if (statement == NULL)
		return -1;
	(void)sqlite3_bind_text(statement, 1, address, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(
	    statement, 2, store_kind_name(kind), -1, SQLITE_STATIC);
	while ((r = sqlite3_step(statement)) == SQLITE_ROW &&
	       found->len < CANDIDATES) {
		key = load(store, connection, kind, statement, fault);
		if (key == NULL)
			break;
		g_ptr_array_add(found, key);
	}
	if (r != SQLITE_ROW && r != SQLITE_DONE)
		store_fault(store, connection, fault);
	(void)sqlite3_reset(statement);
	return r == SQLITE_DONE || found->len == CANDIDATES ? 0 : -1;
}

/* What a row of STATEMENT_FIND stands for: a new reference, or NULL with
 * fault. */
static struct inspected *
load(struct store *store, struct connection *connection, enum key_kind kind,
    sqlite3_stmt *row, struct fault *fault)
{
	const char *fingerprint = (const char *)sqlite3_column_text(row, 0);
	int64_t revision = sqlite3_column_int64(row, 1);
	struct inspected *key = NULL;

	if (fingerprint != NULL)
		key = recall(store, fingerprint, revision);
	if (key != NULL)
		return key;
	key = read_one(store, connection, fingerprint, revision, fault);
	if (key == NULL)
		return NULL;
	key->kind = kind;
	key->checked = sqlite3_column_int(row, 2) >= TRUST_CHECKED;
	if (kind == KEY_SMIME)
		x509_attach(key);
	remember(store, revision, key);
	return key;
}

static struct inspected *
read_one(struct store *store, struct connection *connection,
    const char *fingerprint, int64_t revision, struct fault *fault)
{
	struct inspected *key = NULL;
	sqlite3_stmt *statement;
	GBytes *facts;

	statement = store_statement(store, connection, STATEMENT_LOAD, fault);
	if (statement == NULL)
		return NULL;
	(void)sqlite3_bind_text(statement, 1, fingerprint, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(statement, 2, revision);
	if (sqlite3_step(statement) != SQLITE_ROW) {
		store_fault(store, connection, fault);
		goto out;
	}
	facts = store_column_bytes(statement, 0);
	key = inspected_parse(facts);
	g_bytes_unref(facts);
	if (key == NULL || g_strcmp0(key->fingerprint, fingerprint) != 0) {
		inspected_unref(key);
		key = NULL;
		fault_set(fault, FAULT_TEMP, "%s: certificate %s is damaged",
		    store->path, fingerprint == NULL ? "?" : fingerprint);
		goto out;
	}
	key->blob = store_column_bytes(statement, 1);
out:
	(void)sqlite3_reset(statement);
	return key;
}

static struct inspected *
recall(struct store *store, const char *fingerprint, int64_t revision)
{
	struct inspected *key = NULL;
	const struct known *known;

	g_mutex_lock(&store->mutex);
	known = g_hash_table_lookup(store->known, fingerprint);
	if (known != NULL && known->revision == revision)
		key = inspected_ref(known->key);
	g_mutex_unlock(&store->mutex);
	return key;
}

static void
remember(struct store *store, int64_t revision, struct inspected *key)
{
	struct known *known = g_new0(struct known, 1);
	size_t octets = g_bytes_get_size(key->blob);

	known->revision = revision;
	known->key = inspected_ref(key);
	g_mutex_lock(&store->mutex);
	if (g_hash_table_size(store->known) >= KNOWN_CERTIFICATES ||
	    store->known_octets + octets > KNOWN_OCTETS) {
		g_hash_table_remove_all(store->known);
		store->known_octets = 0;
	}
	store->known_octets += octets;
	g_hash_table_replace(store->known, key->fingerprint, known);
	g_mutex_unlock(&store->mutex);
}

void
store_forget(void *data)
{
	struct known *known = data;

	inspected_unref(known->key);
	g_free(known);
}
