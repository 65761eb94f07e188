/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * store_schema.c - the store's tables, and what is asked of them.
 *
 * In:    nothing.
 * Out:   SQL.
 * Never: runs any of it.
 */
#include <config.h>

#include "keys/store_private.h"

/*
 * The schema, one step a version.  Steps are only ever added.
 *
 * facts is what inspected_pack() makes; the columns that repeat parts of it
 * are for sorting and for people with sqlite3(1).  facts and blob come last
 * because SQLite reads a row from its beginning.
 */
const char *const store_schema_steps[STORE_SCHEMA_VERSION] = {
    "CREATE TABLE certificate ("
    "  fingerprint TEXT NOT NULL PRIMARY KEY,"
    "  kind TEXT NOT NULL CHECK (kind IN ('openpgp')),"
    "  source TEXT NOT NULL,"
    "  trust INTEGER NOT NULL,"
    "  algorithm TEXT NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL,"
    "  first_seen INTEGER NOT NULL,"
    "  last_checked INTEGER NOT NULL,"
    "  revision INTEGER NOT NULL,"
    "  facts BLOB NOT NULL,"
    "  blob BLOB NOT NULL"
    ") STRICT;"
    "CREATE TABLE certificate_address ("
    "  address TEXT NOT NULL,"
    "  fingerprint TEXT NOT NULL"
    "    REFERENCES certificate (fingerprint) ON DELETE CASCADE,"
    "  PRIMARY KEY (address, fingerprint)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX certificate_address_fingerprint"
    "  ON certificate_address (fingerprint);",
    /*
     * Another kind.  SQLite cannot change a CHECK; and a table that others
     * refer to must not go before they do, or their rows go with it.
     */
    "CREATE TABLE certificate_2 ("
    "  fingerprint TEXT NOT NULL PRIMARY KEY,"
    "  kind TEXT NOT NULL CHECK (kind IN ('openpgp', 'smime')),"
    "  source TEXT NOT NULL,"
    "  trust INTEGER NOT NULL,"
    "  algorithm TEXT NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  expires INTEGER NOT NULL,"
    "  first_seen INTEGER NOT NULL,"
    "  last_checked INTEGER NOT NULL,"
    "  revision INTEGER NOT NULL,"
    "  facts BLOB NOT NULL,"
    "  blob BLOB NOT NULL"
    ") STRICT;"
    "INSERT INTO certificate_2 SELECT * FROM certificate;"
    "CREATE TABLE certificate_address_2 ("
    "  address TEXT NOT NULL,"
    "  fingerprint TEXT NOT NULL"
    "    REFERENCES certificate_2 (fingerprint) ON DELETE CASCADE,"
    "  PRIMARY KEY (address, fingerprint)"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO certificate_address_2 SELECT * FROM certificate_address;"
    "DROP TABLE certificate_address;"
    "DROP TABLE certificate;"
    "ALTER TABLE certificate_2 RENAME TO certificate;"
    "ALTER TABLE certificate_address_2 RENAME TO certificate_address;"
    "CREATE INDEX certificate_address_fingerprint"
    "  ON certificate_address (fingerprint);",
    /*
     * Keys that were derived from passphrases (doc/sealed-envelope.5).  The
     * sender is '' in the entry that is for mail of everybody.
     */
    "CREATE TABLE passphrase ("
    "  recipient TEXT NOT NULL,"
    "  sender TEXT NOT NULL,"
    "  salt BLOB NOT NULL CHECK (length(salt) = 16),"
    "  iterations INTEGER NOT NULL,"
    "  kek BLOB NOT NULL CHECK (length(kek) = 32),"
    "  hint TEXT NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  PRIMARY KEY (recipient, sender)"
    ") STRICT, WITHOUT ROWID;",
};

#define CERTIFICATE_COLUMNS                                                    \
	"c.fingerprint, c.trust, c.source, c.first_seen, c.last_checked, "     \
	"c.facts, CASE WHEN ?2 OR c.kind = 'smime' THEN c.blob END, c.kind "
#define FOUND_COLUMNS                                                          \
	"c.fingerprint, c.revision, c.trust FROM certificate_address AS a "    \
	"JOIN certificate AS c ON c.fingerprint = a.fingerprint "              \
	"WHERE a.address = ?1 AND c.kind = ?2 "
#define PASSPHRASE_COLUMNS "recipient, sender, salt, iterations, hint, created"
#define PASSPHRASE_VALUES                                                      \
	"(recipient, sender, salt, iterations, hint, created, kek) "           \
	"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
#define BEST_FIRST "ORDER BY c.trust DESC, c.created DESC, c.fingerprint"

const char *const store_statement_texts[STATEMENTS] = {
    [STATEMENT_FIND] = "SELECT " FOUND_COLUMNS BEST_FIRST,
    [STATEMENT_FIND_TWO] = "SELECT " FOUND_COLUMNS "LIMIT 2",
    [STATEMENT_LOAD] = "SELECT facts, blob FROM certificate "
		       "WHERE fingerprint = ?1 AND revision = ?2",
    [STATEMENT_LIST_ALL] =
	"SELECT " CERTIFICATE_COLUMNS "FROM certificate AS c " BEST_FIRST,
    [STATEMENT_LIST_FINGERPRINT] =
	"SELECT " CERTIFICATE_COLUMNS
	"FROM certificate AS c WHERE c.fingerprint = ?1",
    [STATEMENT_LIST_ADDRESS] =
	"SELECT " CERTIFICATE_COLUMNS "FROM certificate_address AS a "
	"JOIN certificate AS c ON c.fingerprint = a.fingerprint "
	"WHERE a.address = ?1 " BEST_FIRST,
    [STATEMENT_ADDRESSES] = "SELECT address FROM certificate_address "
			    "WHERE fingerprint = ?1 ORDER BY address",
    [STATEMENT_PUT] =
	"INSERT INTO certificate (fingerprint, kind, source, trust, "
	"algorithm, created, expires, first_seen, last_checked, revision, "
	"facts, blob) "
	"VALUES (?1, ?10, ?2, ?3, ?4, ?5, ?6, ?7, ?7, random(), ?8, ?9) "
	"ON CONFLICT (fingerprint) DO UPDATE SET trust = excluded.trust, "
	"expires = excluded.expires, last_checked = excluded.last_checked, "
	"revision = excluded.revision, facts = excluded.facts, "
	"blob = excluded.blob",
    [STATEMENT_PUT_ADDRESS] =
	"INSERT OR IGNORE INTO certificate_address (address, fingerprint) "
	"VALUES (?1, ?2)",
    [STATEMENT_SEEN] = "UPDATE certificate SET last_checked = ?2 "
		       "WHERE fingerprint = ?1",
    [STATEMENT_DELETE] = "DELETE FROM certificate WHERE fingerprint = ?1",
    /* '' sorts before any sender. */
    [STATEMENT_PASSPHRASE] =
	"SELECT " PASSPHRASE_COLUMNS ", kek FROM passphrase "
	"WHERE recipient = ?1 AND sender IN (?2, '') "
	"ORDER BY sender DESC LIMIT 1",
    [STATEMENT_PASSPHRASE_LIST] =
	"SELECT " PASSPHRASE_COLUMNS " FROM passphrase "
	"WHERE ?1 IS NULL OR recipient = ?1 ORDER BY recipient, sender",
    [STATEMENT_PASSPHRASE_ADD] = "INSERT INTO passphrase " PASSPHRASE_VALUES
				 "ON CONFLICT (recipient, sender) DO NOTHING",
    [STATEMENT_PASSPHRASE_PUT] =
	"INSERT OR REPLACE INTO passphrase " PASSPHRASE_VALUES,
    [STATEMENT_PASSPHRASE_DELETE] =
	"DELETE FROM passphrase WHERE recipient = ?1 AND sender = ?2",
};
