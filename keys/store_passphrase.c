/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * store_passphrase.c - the rows of passphrases in the store.
 *
 * In:    who sends to whom; keys that were derived.
 * Out:   the key to use; lists.
 * Never: sees a passphrase, or leaves a key in the file that was replaced or
 *        removed.
 */
#include <config.h>

#include "keys/store_passphrase.h"

#include "keys/store_private.h"

#include <string.h>
#include <time.h>

static int read_row(struct store *store, sqlite3_stmt *row,
    struct passphrase *passphrase, struct fault *fault);
static int copy_octets(
    sqlite3_stmt *row, int column, unsigned char *to, size_t octets);
static void bind_two(
    sqlite3_stmt *statement, const char *recipient, const char *sender);
static int change(struct store *store, struct connection *connection,
    sqlite3_stmt *statement, struct fault *fault);
static struct passphrase_entry *read_entry(
    struct store *store, sqlite3_stmt *row, struct fault *fault);

int
store_find_passphrase(struct store *store, const char *sender,
    const char *recipient, struct passphrase *passphrase, int64_t *createdp,
    struct fault *fault)
{
	struct connection *connection;
	sqlite3_stmt *s;
	int r, ret = -1;

	connection = store_take(store, fault);
	if (connection == NULL)
		return -1;
	s = store_statement(store, connection, STATEMENT_PASSPHRASE, fault);
	if (s != NULL) {
		bind_two(s, recipient, sender);
		r = sqlite3_step(s);
		if (r == SQLITE_DONE)
			ret = 0;
		else if (r != SQLITE_ROW)
			store_fault(store, connection, fault);
		else if (read_row(store, s, passphrase, fault) == 0 &&
			 copy_octets(s, 6, passphrase->kek,
			     sizeof(passphrase->kek)) == 0)
			ret = 1;
		else
			fault_set(fault, FAULT_TEMP,
			    "%s: the passphrase of %s is damaged: set it anew",
			    store->path, recipient);
		*createdp = ret == 1 ? sqlite3_column_int64(s, 5) : 0;
		(void)sqlite3_reset(s);
	}
	store_give(store, &connection, ret == -1);
	return ret;
}

/* Columns 2 to 4: salt, iterations, hint. */
static int
read_row(struct store *store, sqlite3_stmt *row, struct passphrase *passphrase,
    struct fault *fault)
{
	const char *hint = (const char *)sqlite3_column_text(row, 4);
	int64_t iterations = sqlite3_column_int64(row, 3);

	memset(passphrase, 0, sizeof(*passphrase));
	if (copy_octets(row, 2, passphrase->salt, sizeof(passphrase->salt)) ==
		0 &&
	    iterations >= 1 && iterations <= G_MAXINT32 && hint != NULL &&
	    strlen(hint) < sizeof(passphrase->hint)) {
		passphrase->iterations = (uint32_t)iterations;
		(void)g_strlcpy(
		    passphrase->hint, hint, sizeof(passphrase->hint));
		return 0;
	}
	fault_set(fault, FAULT_TEMP, "%s: a passphrase's entry is damaged",
	    store->path);
	return -1;
}

static int
copy_octets(sqlite3_stmt *row, int column, unsigned char *to, size_t octets)
{
	const void *from = sqlite3_column_blob(row, column);

	if (from == NULL || (size_t)sqlite3_column_bytes(row, column) != octets)
		return -1;
	memcpy(to, from, octets);
	return 0;
}

static void
bind_two(sqlite3_stmt *statement, const char *recipient, const char *sender)
{
	(void)sqlite3_bind_text(statement, 1, recipient, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(statement, 2, sender, -1, SQLITE_STATIC);
}

int
store_has_passphrase(struct store *store, const char *sender,
    const char *recipient, struct fault *fault)
{
	const struct passphrase_entry *entry;
	GPtrArray *list;
	int r = 0;
	guint i;

	if (store_list_passphrases(store, recipient, &list, fault) != 0)
		return -1;
	for (i = 0; r == 0 && i < list->len; i++) {
		entry = g_ptr_array_index(list, i);
		r = strcmp(entry->sender, sender) == 0;
	}
	g_ptr_array_unref(list);
	return r;
}

int
store_put_passphrase(struct store *store, const char *sender,
    const char *recipient, const struct passphrase *passphrase,
    bool only_if_none, struct fault *fault)
{
	struct connection *connection;
	sqlite3_stmt *s;
	int ret = -1;

	connection = store_take(store, fault);
	if (connection == NULL)
		return -1;
	s = store_statement(store, connection,
	    only_if_none ? STATEMENT_PASSPHRASE_ADD : STATEMENT_PASSPHRASE_PUT,
	    fault);
	if (s != NULL) {
		bind_two(s, recipient, sender);
		(void)sqlite3_bind_blob(s, 3, passphrase->salt,
		    sizeof(passphrase->salt), SQLITE_STATIC);
		(void)sqlite3_bind_int64(s, 4, passphrase->iterations);
		(void)sqlite3_bind_text(
		    s, 5, passphrase->hint, -1, SQLITE_STATIC);
		(void)sqlite3_bind_int64(s, 6, (sqlite3_int64)time(NULL));
		(void)sqlite3_bind_blob(s, 7, passphrase->kek,
		    sizeof(passphrase->kek), SQLITE_STATIC);
		ret = change(store, connection, s, fault);
	}
	store_give(store, &connection, ret == -1);
	return ret;
}

int
store_delete_passphrase(struct store *store, const char *sender,
    const char *recipient, struct fault *fault)
{
	struct connection *connection;
	sqlite3_stmt *s;
	int ret = -1;

	connection = store_take(store, fault);
	if (connection == NULL)
		return -1;
	s = store_statement(
	    store, connection, STATEMENT_PASSPHRASE_DELETE, fault);
	if (s != NULL) {
		bind_two(s, recipient, sender);
		ret = change(store, connection, s, fault);
	}
	store_give(store, &connection, ret == -1);
	return ret;
}

/*
 * 1: a row was changed; 0: none.  What was there before is zeroed in the file
 * (secure_delete); the log in front of it is emptied here, unless somebody is
 * reading it at this moment: then by who writes next.
 */
static int
change(struct store *store, struct connection *connection,
    sqlite3_stmt *statement, struct fault *fault)
{
	int changes;

	if (store_step_done(store, connection, statement, fault) != 0)
		return -1;
	changes = sqlite3_changes(connection->db);
	g_atomic_int_set(&store->written, 1);
	(void)sqlite3_clear_bindings(statement);
	if (changes > 0)
		(void)sqlite3_wal_checkpoint_v2(connection->db, NULL,
		    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	return changes > 0 ? 1 : 0;
}

int
store_list_passphrases(struct store *store, const char *recipient,
    GPtrArray **listp, struct fault *fault)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(
	    (GDestroyNotify)passphrase_entry_free);
	struct passphrase_entry *entry;
	struct connection *connection;
	sqlite3_stmt *s;
	int r = SQLITE_ERROR;

	connection = store_take(store, fault);
	if (connection == NULL)
		goto out;
	s = store_statement(
	    store, connection, STATEMENT_PASSPHRASE_LIST, fault);
	if (s != NULL) {
		(void)sqlite3_bind_text(s, 1, recipient, -1, SQLITE_STATIC);
		while ((r = sqlite3_step(s)) == SQLITE_ROW &&
		       (entry = read_entry(store, s, fault)) != NULL)
			g_ptr_array_add(list, entry);
		if (r != SQLITE_DONE && r != SQLITE_ROW)
			store_fault(store, connection, fault);
		(void)sqlite3_reset(s);
	}
	store_give(store, &connection, r != SQLITE_DONE);
out:
	if (r == SQLITE_DONE)
		*listp = list;
	else
		g_ptr_array_unref(list);
	return r == SQLITE_DONE ? 0 : -1;
}

static struct passphrase_entry *
read_entry(struct store *store, sqlite3_stmt *row, struct fault *fault)
{
	struct passphrase_entry *entry;
	struct passphrase passphrase;

	if (read_row(store, row, &passphrase, fault) != 0)
		return NULL;
	entry = g_new0(struct passphrase_entry, 1);
	entry->recipient = g_strdup((const char *)sqlite3_column_text(row, 0));
	entry->sender = g_strdup((const char *)sqlite3_column_text(row, 1));
	entry->hint = g_strdup(passphrase.hint);
	entry->fingerprint = passphrase_fingerprint(passphrase.salt);
	entry->iterations = passphrase.iterations;
	entry->created = sqlite3_column_int64(row, 5);
	return entry;
}
