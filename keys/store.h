/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_STORE_H
#define KEYS_STORE_H

#include "keys/authorities.h"
#include "keys/inspected.h"
#include "keys/keys.h"
#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The certificates that an administrator imported: SQLite, STATE/store.db. */
struct store;

/* How an imported certificate came to be believed; higher goes first. */
enum trust {
	TRUST_IMPORTED = 1,
	TRUST_CHECKED = 2, /* import --trust */
};

/* A certificate as the store has it. */
struct certificate {
	char *fingerprint;
	enum trust trust;
	char *source; /* "import" */
	int64_t first_seen;
	int64_t last_checked;
	char **addresses;      /* canonical, sorted, NULL-terminated */
	struct inspected *key; /* in lists only certificates have a blob */
};

enum store_change {
	STORE_ADDED,
	STORE_UPDATED,
	STORE_UNCHANGED,
};

/*
 * Opens STATE/store.db, makes it if there never was one and migrates it if it
 * is old.  One that was there (STATE/store.made says so) and is gone or empty
 * is a TEMP fault.  0 and gives *storep away, or -1 with fault.
 */
int store_open(const char *state, struct store **storep, struct fault *fault);
void store_close(struct store **storep);

/*
 * The key of that kind for an address: as keys_find().  Safe for many
 * threads.  A store file that is gone, replaced, unreadable or damaged gives
 * -1.  authorities (or NULL) vouch for certificates.
 */
int store_find(struct store *store, enum key_kind kind, const char *address,
    struct authorities *authorities, struct key **keyp, char **whyp,
    struct fault *fault);

/*
 * Does the store know that key, which another source found, and say that it
 * must not be used?  1: *whyp is a new string that says why; 0: no; -1: fault.
 */
int store_forbids(struct store *store, const struct key *key, char **whyp,
    struct fault *fault);

/*
 * Adds a key for those canonical addresses, or brings it up to date (its
 * addresses are added to the ones it has; trust is only raised).  0, or -1.
 */
int store_put(struct store *store, const struct inspected *key,
    const char *const *addresses, enum trust trust, enum store_change *changep,
    struct fault *fault);

/*
 * The certificates of a canonical address or a fingerprint (upper-case hex),
 * or all of them (NULL), best first.  With blobs only if asked.  0 and gives
 * *listp away (of struct certificate *, perhaps empty), or -1.
 */
int store_list(struct store *store, const char *what, bool blobs,
    GPtrArray **listp, struct fault *fault);

/* Removes a certificate.  1: done; 0: there is none; -1: fault. */
int store_delete(
    struct store *store, const char *fingerprint, struct fault *fault);

void certificate_free(struct certificate *certificate);

#endif
