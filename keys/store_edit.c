/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * store_edit.c - the store of certificates: what an administrator does.
 *
 * In:    certificates to add, to look at, to remove.
 * Out:   what changed; lists.
 * Never: leaves half of a change behind, or lowers trust.
 */
#include <config.h>

#include "keys/store_private.h"
#include "keys/x509.h"

#include <string.h>
#include <time.h>

static int put(struct store *store, struct connection *connection,
    const struct inspected *key, const char *const *addresses, enum trust trust,
    enum store_change *changep, struct fault *fault);
static int write_certificate(struct store *store, struct connection *connection,
    const struct inspected *key, GBytes *facts, enum trust trust,
    struct fault *fault);
static int write_addresses(struct store *store, struct connection *connection,
    const char *fingerprint, const char *const *addresses, bool *addedp,
    struct fault *fault);
static int touch(struct store *store, struct connection *connection,
    const char *fingerprint, struct fault *fault);
static bool is_same(const struct certificate *there,
    const struct inspected *key, GBytes *facts, enum trust trust);
static int list(struct store *store, struct connection *connection,
    const char *what, bool blobs, GPtrArray *found, struct fault *fault);
static struct certificate *read_certificate(struct store *store,
    sqlite3_stmt *statement, bool blobs, struct fault *fault);
static int read_addresses(struct store *store, struct connection *connection,
    struct certificate *certificate, struct fault *fault);
static bool is_fingerprint(const char *text);
static void bind_bytes(sqlite3_stmt *statement, int place, GBytes *bytes);

int
store_put(struct store *store, const struct inspected *key,
    const char *const *addresses, enum trust trust, enum store_change *changep,
    struct fault *fault)
{
	struct connection *connection;
	int ret;

	connection = store_take(store, fault);
	if (connection == NULL)
		return -1;
	ret = store_run(store, connection, "BEGIN IMMEDIATE", fault);
	if (ret == 0)
		ret = put(
		    store, connection, key, addresses, trust, changep, fault);
	if (ret == 0)
		ret = store_run(store, connection, "COMMIT", fault);
	g_atomic_int_set(&store->written, 1);
	/* Closing the connection takes back what was not committed. */
	store_give(store, &connection, ret != 0);
	return ret;
}

static int
put(struct store *store, struct connection *connection,
    const struct inspected *key, const char *const *addresses, enum trust trust,
    enum store_change *changep, struct fault *fault)
{
	GPtrArray *there =
	    g_ptr_array_new_with_free_func((GDestroyNotify)certificate_free);
	GBytes *facts = inspected_pack(key);
	const struct certificate *old = NULL;
	enum store_change change = STORE_ADDED;
	bool added = false;
	int ret = -1;

	if (list(store, connection, key->fingerprint, true, there, fault) != 0)
		goto out;
	if (there->len > 0)
		old = g_ptr_array_index(there, 0);
	if (old != NULL && old->trust > trust)
		trust = old->trust;
	if (old == NULL || !is_same(old, key, facts, trust)) {
		change = old == NULL ? STORE_ADDED : STORE_UPDATED;
		ret = write_certificate(
		    store, connection, key, facts, trust, fault);
	} else {
		change = STORE_UNCHANGED;
		ret = touch(store, connection, key->fingerprint, fault);
	}
	if (ret == 0)
		ret = write_addresses(store, connection, key->fingerprint,
		    addresses, &added, fault);
	if (ret == 0)
		*changep =
		    change == STORE_UNCHANGED && added ? STORE_UPDATED : change;
out:
	g_bytes_unref(facts);
	g_ptr_array_unref(there);
	return ret;
}

static bool
is_same(const struct certificate *there, const struct inspected *key,
    GBytes *facts, enum trust trust)
{
	GBytes *old = inspected_pack(there->key);
	bool same = there->trust == trust && g_bytes_equal(old, facts) &&
		    g_bytes_equal(there->key->blob, key->blob);

	g_bytes_unref(old);
	return same;
}

static int
write_certificate(struct store *store, struct connection *connection,
    const struct inspected *key, GBytes *facts, enum trust trust,
    struct fault *fault)
{
	const struct subkey *primary = g_ptr_array_index(key->subkeys, 0);
	sqlite3_stmt *s;

	s = store_statement(store, connection, STATEMENT_PUT, fault);
	if (s == NULL)
		return -1;
	(void)sqlite3_bind_text(s, 1, key->fingerprint, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(s, 2, "import", -1, SQLITE_STATIC);
	(void)sqlite3_bind_int(s, 3, (int)trust);
	(void)sqlite3_bind_text(s, 4, primary->algorithm, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(s, 5, primary->created);
	(void)sqlite3_bind_int64(s, 6, primary->expires);
	(void)sqlite3_bind_int64(s, 7, (sqlite3_int64)time(NULL));
	bind_bytes(s, 8, facts);
	bind_bytes(s, 9, key->blob);
	(void)sqlite3_bind_text(
	    s, 10, store_kind_name(key->kind), -1, SQLITE_STATIC);
	return store_step_done(store, connection, s, fault);
}

static int
write_addresses(struct store *store, struct connection *connection,
    const char *fingerprint, const char *const *addresses, bool *addedp,
    struct fault *fault)
{
	sqlite3_stmt *s;
	size_t i;

	for (i = 0; addresses[i] != NULL; i++) {
		s = store_statement(
		    store, connection, STATEMENT_PUT_ADDRESS, fault);
		if (s == NULL)
			return -1;
		(void)sqlite3_bind_text(s, 1, addresses[i], -1, SQLITE_STATIC);
		(void)sqlite3_bind_text(s, 2, fingerprint, -1, SQLITE_STATIC);
		if (store_step_done(store, connection, s, fault) != 0)
			return -1;
		if (sqlite3_changes(connection->db) > 0)
			*addedp = true;
	}
	return 0;
}

static int
touch(struct store *store, struct connection *connection,
    const char *fingerprint, struct fault *fault)
{
	sqlite3_stmt *s;

	s = store_statement(store, connection, STATEMENT_SEEN, fault);
	if (s == NULL)
		return -1;
	(void)sqlite3_bind_text(s, 1, fingerprint, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(s, 2, (sqlite3_int64)time(NULL));
	return store_step_done(store, connection, s, fault);
}

int
store_list(struct store *store, const char *what, bool blobs, GPtrArray **listp,
    struct fault *fault)
{
	GPtrArray *found =
	    g_ptr_array_new_with_free_func((GDestroyNotify)certificate_free);
	struct connection *connection;
	int ret = -1;

	connection = store_take(store, fault);
	if (connection != NULL) {
		ret = list(store, connection, what, blobs, found, fault);
		store_give(store, &connection, ret != 0);
	}
	if (ret == 0)
		*listp = g_steal_pointer(&found);
	if (found != NULL)
		g_ptr_array_unref(found);
	return ret;
}

static int
list(struct store *store, struct connection *connection, const char *what,
    bool blobs, GPtrArray *found, struct fault *fault)
{
	enum store_statement which = what == NULL ? STATEMENT_LIST_ALL
				     : is_fingerprint(what)
					 ? STATEMENT_LIST_FINGERPRINT
					 : STATEMENT_LIST_ADDRESS;
	struct certificate *certificate;
	sqlite3_stmt *statement;
	int r, ret = -1;

	statement = store_statement(store, connection, which, fault);
	if (statement == NULL)
		return -1;
	if (what != NULL)
		(void)sqlite3_bind_text(statement, 1, what, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int(statement, 2, blobs);
	while ((r = sqlite3_step(statement)) == SQLITE_ROW) {
		certificate = read_certificate(store, statement, blobs, fault);
		if (certificate == NULL)
			goto out;
		g_ptr_array_add(found, certificate);
		if (read_addresses(store, connection, certificate, fault) != 0)
			goto out;
	}
	if (r == SQLITE_DONE)
		ret = 0;
	else
		store_fault(store, connection, fault);
out:
	(void)sqlite3_reset(statement);
	return ret;
}

static struct certificate *
read_certificate(struct store *store, sqlite3_stmt *statement, bool blobs,
    struct fault *fault)
{
	struct certificate *certificate;
	GBytes *facts = store_column_bytes(statement, 5);
	struct inspected *key = inspected_parse(facts);
	int kind = store_kind((const char *)sqlite3_column_text(statement, 7));

	g_bytes_unref(facts);
	if (key == NULL || key->subkeys->len == 0 || kind == -1) {
		inspected_unref(key);
		fault_set(fault, FAULT_TEMP, "%s: certificate %s is damaged",
		    store->path,
		    (const char *)sqlite3_column_text(statement, 0));
		return NULL;
	}
	if (blobs || kind == KEY_SMIME)
		key->blob = store_column_bytes(statement, 6);
	key->kind = (enum key_kind)kind;
	if (kind == KEY_SMIME)
		x509_attach(key);
	key->checked = sqlite3_column_int(statement, 1) >= TRUST_CHECKED;
	certificate = g_new0(struct certificate, 1);
	certificate->key = key;
	certificate->fingerprint = g_strdup(key->fingerprint);
	certificate->trust = key->checked ? TRUST_CHECKED : TRUST_IMPORTED;
	certificate->source =
	    g_strdup((const char *)sqlite3_column_text(statement, 2));
	certificate->first_seen = sqlite3_column_int64(statement, 3);
	certificate->last_checked = sqlite3_column_int64(statement, 4);
	return certificate;
}

static int
read_addresses(struct store *store, struct connection *connection,
    struct certificate *certificate, struct fault *fault)
{
	GStrvBuilder *addresses = g_strv_builder_new();
	sqlite3_stmt *s;
	int r = SQLITE_ERROR;

	s = store_statement(store, connection, STATEMENT_ADDRESSES, fault);
	if (s == NULL)
		goto out;
	(void)sqlite3_bind_text(
	    s, 1, certificate->fingerprint, -1, SQLITE_STATIC);
	while ((r = sqlite3_step(s)) == SQLITE_ROW)
		g_strv_builder_add(
		    addresses, (const char *)sqlite3_column_text(s, 0));
	if (r != SQLITE_DONE)
		store_fault(store, connection, fault);
	(void)sqlite3_reset(s);
out:
	certificate->addresses = g_strv_builder_end(addresses);
	g_strv_builder_unref(addresses);
	return r == SQLITE_DONE ? 0 : -1;
}

int
store_delete(struct store *store, const char *fingerprint, struct fault *fault)
{
	struct connection *connection;
	sqlite3_stmt *statement;
	int ret = -1;

	connection = store_take(store, fault);
	if (connection == NULL)
		return -1;
	statement = store_statement(store, connection, STATEMENT_DELETE, fault);
	if (statement != NULL) {
		(void)sqlite3_bind_text(
		    statement, 1, fingerprint, -1, SQLITE_STATIC);
		if (store_step_done(store, connection, statement, fault) == 0)
			ret = sqlite3_changes(connection->db) > 0 ? 1 : 0;
	}
	g_atomic_int_set(&store->written, 1);
	store_give(store, &connection, ret == -1);
	return ret;
}

void
certificate_free(struct certificate *certificate)
{
	if (certificate == NULL)
		return;
	g_free(certificate->fingerprint);
	g_free(certificate->source);
	g_strfreev(certificate->addresses);
	inspected_unref(certificate->key);
	g_free(certificate);
}

/* Hexadecimal digits, which no address is: those have a domain.  OpenPGP's
 * are SHA-1 (RFC 4880 12.2), those of certificates SHA-256. */
static bool
is_fingerprint(const char *text)
{
	size_t len = strlen(text);

	return (len == 40 || len == 64) &&
	       strspn(text, "0123456789ABCDEF") == len;
}

static const char *const kind_names[] = {[KEY_OPENPGP] = "openpgp",
    [KEY_SMIME] = "smime",
    [KEY_PASSPHRASE] = "passphrase"};

const char *
store_kind_name(enum key_kind kind)
{
	return kind_names[kind];
}

int
store_kind(const char *name)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(kind_names); i++)
		if (g_strcmp0(kind_names[i], name) == 0)
			return (int)i;
	return -1;
}

int
store_step_done(struct store *store, struct connection *connection,
    sqlite3_stmt *statement, struct fault *fault)
{
	int r = sqlite3_step(statement);

	if (r != SQLITE_DONE)
		store_fault(store, connection, fault);
	(void)sqlite3_reset(statement);
	return r == SQLITE_DONE ? 0 : -1;
}

static void
bind_bytes(sqlite3_stmt *statement, int place, GBytes *bytes)
{
	gsize len;
	const void *octets = g_bytes_get_data(bytes, &len);

	(void)sqlite3_bind_blob64(statement, place, octets, len, SQLITE_STATIC);
}
