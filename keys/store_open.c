/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * store_open.c - the store's file: making it, migrating it, watching it.
 *
 * In:    the state directory.
 * Out:   connections to a data base with our schema, for many threads.
 * Never: opens a schema that it does not know, takes another file for the
 *        one that was opened, or makes a store anew where there was one.
 */
#include <config.h>

#include "keys/store_private.h"

#include "keys/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A look-up takes microseconds; more connections only cost memory. */
#define CONNECTIONS 4

#define BUSY_MS 5000

/* "Seal": in the header of the file, for file(1) and for us. */
#define APPLICATION_ID 0x5365616c

static int make_file(
    struct store *store, const char *state, struct fault *fault);
static int was_made(
    const struct store *store, bool *madep, struct fault *fault);
static void gone_fault(
    const struct store *store, const char *what, struct fault *fault);
static int mark_made(struct store *store, const char *state,
    struct connection *connection, struct fault *fault);
static int put_marker(
    const char *marker, const char *state, struct fault *fault);
static int still_there(const struct store *store, struct fault *fault);
static bool is_sound(const struct connection *connection);
static struct connection *connect_file(
    struct store *store, struct fault *fault);
static int number(struct connection *connection, const char *sql, int *valuep);
static int migrate(
    struct store *store, struct connection *connection, struct fault *fault);
static int is_ours(struct store *store, struct connection *connection,
    int version, struct fault *fault);
static void disconnect(struct connection *connection);

int
store_open(const char *state, struct store **storep, struct fault *fault)
{
	struct store *store = g_new0(struct store, 1);
	struct connection *connection;
	sqlite3_stmt *statement;
	int r = -1;

	g_mutex_init(&store->mutex);
	g_cond_init(&store->returned);
	store->idle = g_ptr_array_new();
	store->known =
	    g_hash_table_new_full(g_str_hash, g_str_equal, NULL, store_forget);
	store->path = g_build_filename(state, "store.db", NULL);
	store->marker = g_build_filename(state, "store.made", NULL);
	if (make_file(store, state, fault) != 0)
		goto fail;
	connection = store_take(store, fault);
	if (connection == NULL)
		goto fail;
	if (migrate(store, connection, fault) == 0 &&
	    mark_made(store, state, connection, fault) == 0) {
		/* Does a look-up work? */
		statement =
		    store_statement(store, connection, STATEMENT_FIND, fault);
		if (statement != NULL)
			r = 0;
	}
	store_give(store, &connection, r != 0);
	if (r != 0)
		goto fail;
	*storep = store;
	return 0;
fail:
	store_close(&store);
	return -1;
}

void
store_close(struct store **storep)
{
	struct store *store = g_steal_pointer(storep);
	struct connection *connection;
	guint i;

	if (store == NULL)
		return;
	for (i = 0; i < store->idle->len; i++) {
		connection = g_ptr_array_index(store->idle, i);
		/* What was written goes to the disk now. */
		if (g_atomic_int_get(&store->written) != 0)
			(void)sqlite3_wal_checkpoint_v2(connection->db, NULL,
			    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
		disconnect(connection);
	}
	g_ptr_array_unref(store->idle);
	g_hash_table_unref(store->known);
	g_mutex_clear(&store->mutex);
	g_cond_clear(&store->returned);
	g_free(store->path);
	g_free(store->marker);
	g_free(store);
}

/*
 * SQLite makes files as the umask says; this one is for us alone.  A file
 * that is there must not be opened here: closing it again would drop the
 * locks that SQLite may hold on it in this process.
 */
static int
make_file(struct store *store, const char *state, struct fault *fault)
{
	struct stat st;
	bool made;
	int fd;

	if (mkdir(state, 0700) != 0 && errno != EEXIST) {
		fault_set(
		    fault, FAULT_TEMP, "%s: %s", state, g_strerror(errno));
		return -1;
	}
	/* The marker first: another process may be making both just now. */
	if (was_made(store, &made, fault) != 0)
		return -1;
	if (!made) {
		fd = open(
		    store->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd != -1)
			(void)close(fd);
		else if (errno != EEXIST)
			goto fail;
	}
	if (stat(store->path, &st) == 0) {
		store->device = st.st_dev;
		store->inode = st.st_ino;
		return 0;
	}
	if (made && errno == ENOENT) {
		gone_fault(store, "is gone", fault);
		return -1;
	}
fail:
	fault_set(fault, FAULT_TEMP, "%s: %s", store->path, g_strerror(errno));
	return -1;
}

/* Was a store completed here, some time? */
static int
was_made(const struct store *store, bool *madep, struct fault *fault)
{
	struct stat st;

	if (lstat(store->marker, &st) == 0) {
		*madep = true;
		return 0;
	}
	if (errno == ENOENT) {
		*madep = false;
		return 0;
	}
	fault_set(
	    fault, FAULT_TEMP, "%s: %s", store->marker, g_strerror(errno));
	return -1;
}

static void
gone_fault(const struct store *store, const char *what, struct fault *fault)
{
	fault_set(fault, FAULT_TEMP,
	    "%s %s: put it back from a backup, or remove %s to begin with an "
	    "empty store",
	    store->path, what, store->marker);
}

/*
 * From now on, a store that is not there is a fault: an empty one in its
 * place would say of everybody that there is no key.
 */
static int
mark_made(struct store *store, const char *state, struct connection *connection,
    struct fault *fault)
{
	bool made;

	if (was_made(store, &made, fault) != 0)
		return -1;
	if (made)
		return 0;
	/* The schema is on the disk before the marker is. */
	(void)sqlite3_wal_checkpoint_v2(
	    connection->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return put_marker(store->marker, state, fault);
}

static int
put_marker(const char *marker, const char *state, struct fault *fault)
{
	int fd, r;

	fd = open(marker, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1) {
		fault_set(
		    fault, FAULT_TEMP, "%s: %s", marker, g_strerror(errno));
		return -1;
	}
	r = disk_sync(fd, marker, fault);
	(void)close(fd);
	return r == 0 ? disk_sync_directory(state, fault) : -1;
}

struct connection *
store_take(struct store *store, struct fault *fault)
{
	struct connection *connection = NULL;

	g_mutex_lock(&store->mutex);
	if (still_there(store, fault) != 0)
		goto out;
	while (store->idle->len == 0 && store->connections >= CONNECTIONS) {
		store->waiting++;
		g_cond_wait(&store->returned, &store->mutex);
		store->waiting--;
	}
	if (store->idle->len == 0) {
		connection = connect_file(store, fault);
		if (connection != NULL)
			store->connections++;
		goto out;
	}
	connection = g_ptr_array_steal_index(store->idle, store->idle->len - 1);
	if (is_sound(connection))
		goto out;
	fault_set(fault, FAULT_TEMP, "%s is damaged", store->path);
	store->connections--;
	disconnect(connection);
	connection = NULL;
out:
	g_mutex_unlock(&store->mutex);
	return connection;
}

/*
 * An open data base goes on answering when its file was unlinked, replaced
 * or overwritten, from what it remembers of it; so look at the file itself.
 */
static int
still_there(const struct store *store, struct fault *fault)
{
	struct stat st;

	if (stat(store->path, &st) != 0 ||
	    faccessat(AT_FDCWD, store->path, R_OK, AT_EACCESS) != 0) {
		fault_set(fault, FAULT_TEMP, "%s: %s", store->path,
		    g_strerror(errno));
		return -1;
	}
	if (st.st_dev == store->device && st.st_ino == store->inode)
		return 0;
	fault_set(fault, FAULT_TEMP,
	    "%s was replaced by another file: restart the daemon", store->path);
	return -1;
}

static bool
is_sound(const struct connection *connection)
{
	static const char magic[16] = "SQLite format 3";
	char head[sizeof(magic)];
	sqlite3_file *file = NULL;

	return sqlite3_file_control(connection->db, "main",
		   SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK &&
	       file->pMethods != NULL &&
	       file->pMethods->xRead(file, head, sizeof(head), 0) ==
		   SQLITE_OK &&
	       memcmp(head, magic, sizeof(magic)) == 0;
}

void
store_give(struct store *store, struct connection **connectionp, bool broken)
{
	struct connection *connection = g_steal_pointer(connectionp);

	if (broken)
		disconnect(connection);
	g_mutex_lock(&store->mutex);
	if (broken)
		store->connections--;
	else
		g_ptr_array_add(store->idle, connection);
	if (store->waiting > 0)
		g_cond_signal(&store->returned);
	g_mutex_unlock(&store->mutex);
}

static struct connection *
connect_file(struct store *store, struct fault *fault)
{
	struct connection *connection = g_new0(struct connection, 1);
	int r;

	r = sqlite3_open_v2(store->path, &connection->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (r != SQLITE_OK)
		store_fault(store, connection, fault);
	else
		r = store_run(store, connection,
		    "PRAGMA journal_mode = WAL;"
		    "PRAGMA synchronous = NORMAL;"
		    "PRAGMA foreign_keys = ON;"
		    "PRAGMA trusted_schema = OFF;"
		    /* Nothing is left of a passphrase's key. */
		    "PRAGMA secure_delete = ON;"
		    "PRAGMA cell_size_check = ON;",
		    fault);
	if (r == SQLITE_OK)
		return connection;
	disconnect(connection);
	return NULL;
}

static void
disconnect(struct connection *connection)
{
	size_t i;

	for (i = 0; i < STATEMENTS; i++)
		(void)sqlite3_finalize(connection->statements[i]);
	(void)sqlite3_close(connection->db);
	g_free(connection);
}

int
store_run(const struct store *store, struct connection *connection,
    const char *sql, struct fault *fault)
{
	(void)sqlite3_busy_timeout(connection->db, BUSY_MS);
	if (sqlite3_exec(connection->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	store_fault(store, connection, fault);
	return -1;
}

/* Brings the schema up to date, whoever else does the same at this moment. */
static int
migrate(struct store *store, struct connection *connection, struct fault *fault)
{
	int version, ours = STORE_SCHEMA_VERSION, ret = -1;
	char *sql;

	if (store_run(store, connection, "BEGIN IMMEDIATE", fault) != 0)
		return -1;
	if (number(connection, "PRAGMA user_version", &version) != 0) {
		store_fault(store, connection, fault);
		goto out;
	}
	if (is_ours(store, connection, version, fault) != 0)
		goto out;
	for (; version < ours; version++)
		if (store_run(store, connection, store_schema_steps[version],
			fault) != 0)
			goto out;
	sql = g_strdup_printf("PRAGMA application_id = %d;"
			      "PRAGMA user_version = %d;"
			      "COMMIT;",
	    APPLICATION_ID, ours);
	ret = store_run(store, connection, sql, fault);
	g_free(sql);
out:
	if (ret != 0)
		(void)sqlite3_exec(
		    connection->db, "ROLLBACK", NULL, NULL, NULL);
	return ret;
}

static int
is_ours(struct store *store, struct connection *connection, int version,
    struct fault *fault)
{
	int application, tables, ours = STORE_SCHEMA_VERSION;
	bool made;

	if (number(connection, "PRAGMA application_id", &application) != 0 ||
	    number(connection, "SELECT count(*) FROM sqlite_schema", &tables) !=
		0) {
		store_fault(store, connection, fault);
		return -1;
	}
	if (was_made(store, &made, fault) != 0)
		return -1;
	if (tables == 0 && made) {
		gone_fault(store, "is empty", fault);
		return -1;
	}
	if (tables > 0 && application != APPLICATION_ID) {
		fault_set(fault, FAULT_PERM,
		    "%s is a data base of another program", store->path);
		return -1;
	}
	if (version > ours) {
		fault_set(fault, FAULT_PERM,
		    "%s was written by a newer sealmilter (its schema is "
		    "version %d, this program knows %d)",
		    store->path, version, ours);
		return -1;
	}
	return 0;
}

static int
number(struct connection *connection, const char *sql, int *valuep)
{
	sqlite3_stmt *statement = NULL;
	int ret = -1;

	if (sqlite3_prepare_v2(connection->db, sql, -1, &statement, NULL) ==
		SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW) {
		*valuep = sqlite3_column_int(statement, 0);
		ret = 0;
	}
	(void)sqlite3_finalize(statement);
	return ret;
}

sqlite3_stmt *
store_statement(struct store *store, struct connection *connection,
    enum store_statement which, struct fault *fault)
{
	sqlite3_stmt **statementp = &connection->statements[which];

	if (*statementp == NULL &&
	    sqlite3_prepare_v3(connection->db, store_statement_texts[which], -1,
		SQLITE_PREPARE_PERSISTENT, statementp, NULL) != SQLITE_OK) {
		store_fault(store, connection, fault);
		return NULL;
	}
	(void)sqlite3_reset(*statementp);
	(void)sqlite3_clear_bindings(*statementp);
	return *statementp;
}

void
store_fault(const struct store *store, const struct connection *connection,
    struct fault *fault)
{
	fault_set(fault, FAULT_TEMP, "%s: %s", store->path,
	    connection->db == NULL ? "no memory"
				   : sqlite3_errmsg(connection->db));
}

GBytes *
store_column_bytes(sqlite3_stmt *statement, int column)
{
	const void *octets = sqlite3_column_blob(statement, column);
	int len = sqlite3_column_bytes(statement, column);

	return g_bytes_new(octets, octets == NULL ? 0 : (gsize)len);
}
