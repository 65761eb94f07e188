/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_STORE_PRIVATE_H
#define KEYS_STORE_PRIVATE_H

#include "keys/store.h"

#include <sqlite3.h>
#include <sys/types.h>

enum store_statement {
	STATEMENT_FIND,     /* address, kind -> fingerprint, revision, trust */
	STATEMENT_FIND_TWO, /* the same, up to two of them, in any order */
	STATEMENT_LOAD,     /* fingerprint, revision -> facts, blob */
	STATEMENT_LIST_ALL, /* these three: a certificate, see store_edit.c */
	STATEMENT_LIST_FINGERPRINT,
	STATEMENT_LIST_ADDRESS,
	STATEMENT_ADDRESSES,
	STATEMENT_PUT,
	STATEMENT_PUT_ADDRESS,
	STATEMENT_SEEN,
	STATEMENT_DELETE,
	STATEMENT_PASSPHRASE, /* recipient, sender -> see store_passphrase.c */
	STATEMENT_PASSPHRASE_LIST, /* recipient or NULL -> without the key */
	STATEMENT_PASSPHRASE_ADD,  /* these two: a row */
	STATEMENT_PASSPHRASE_PUT,
	STATEMENT_PASSPHRASE_DELETE, /* recipient, sender */
	STATEMENTS,
};

/* store_schema.c: step i makes version i + 1 of the schema. */
#define STORE_SCHEMA_VERSION 3
extern const char *const store_schema_steps[STORE_SCHEMA_VERSION];
extern const char *const store_statement_texts[STATEMENTS];

/* One connection to the data base; one thread has it at a time. */
struct connection {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS]; /* prepared at first use */
};

struct store {
	char *path;
	char *marker; /* path of the file that says: there was a store */
	dev_t device; /* of the file that was opened */
	ino_t inode;

	GMutex mutex; /* of all below */
	GCond returned;
	GPtrArray *idle; /* of struct connection * */
	unsigned int connections;
	unsigned int waiting; /* for one to be returned */
	GHashTable *known;    /* fingerprint -> struct known *, see store.c */
	size_t known_octets;
	gint written; /* atomic */
};

/*
 * A connection to the file that was opened, after a look at whether that is
 * still the file at its path.  NULL with a TEMP fault.
 */
struct connection *store_take(struct store *store, struct fault *fault);

/* Runs a statement that changes something.  0, or -1 with fault. */
int store_step_done(struct store *store, struct connection *connection,
    sqlite3_stmt *statement, struct fault *fault);

/* Statements without results: 0, or -1 with a TEMP fault. */
int store_run(const struct store *store, struct connection *connection,
    const char *sql, struct fault *fault);

/* Back to the others; broken: it is closed instead. */
void store_give(
    struct store *store, struct connection **connectionp, bool broken);

/* A statement, prepared, reset and without bindings; NULL with fault. */
sqlite3_stmt *store_statement(struct store *store,
    struct connection *connection, enum store_statement which,
    struct fault *fault);

/* The data base's last error as a TEMP fault. */
void store_fault(const struct store *store, const struct connection *connection,
    struct fault *fault);

/* Frees a struct known of store.c. */
void store_forget(void *known);

/* A kind of key as the store writes it, and what it wrote; -1: no kind. */
const char *store_kind_name(enum key_kind kind);
int store_kind(const char *name);

/* A column's octets, a new object. */
GBytes *store_column_bytes(sqlite3_stmt *statement, int column);

#endif
