/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_KEYS_H
#define KEYS_KEYS_H

#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum key_kind {
	KEY_OPENPGP,
	KEY_SMIME,
	KEY_PASSPHRASE, /* see passphrases.h */
};

/* A key that may be used now.  Immutable and counted: safe to share. */
struct key {
	gatomicrefcount references;
	enum key_kind kind;
	char *address; /* canonical address it was found for */
	char *
	    fingerprint; /* of the primary key or certificate, upper-case hex */
	char *subkey;    /* of the subkey to encrypt to, or the same again */
	uint64_t
	    subkey_id;  /* its key ID, as in a PKESK packet (RFC 4880 5.1) */
	GBytes *blob;   /* the transferable public key, binary; or see x509.h */
	bool wants_gcm; /* S/MIME: its holder prefers AES-256-GCM to CBC */
	struct x509_st *certificate; /* S/MIME: as in struct inspected */
	int64_t created;             /* seconds since 1970 */
	int64_t expires; /* first moment it may not be used; 0: never */
	char *source;    /* "store", "gnupg" */
};

struct key *key_ref(struct key *key);
void key_unref(struct key **keyp);

struct store;
struct keys; /* the sources in their order; safe for many threads */

struct keys_config {
	const char *state;          /* directory of the store */
	const char *const *sources; /* NULL-terminated: "store", "gnupg" */
	const char *gnupg_home;     /* for the source "gnupg" */
	const char *gpg;            /* path of the gpg program */
	unsigned int deadline_ms;   /* for one run of gpg */
	/* For S/MIME; NULL-terminated lists of paths, or NULL. */
	const char *const *smime_trust; /* files or directories */
	const char *const *crl_files;
	bool crl_fetched; /* those in STATE/crl count too */
};

/* The names of the sources of this build, NULL-terminated. */
extern const char *const keys_source_names[];

/*
 * Opens every source.  0 and gives *keysp away, or -1.  A store that cannot
 * be read is a fault here, so that the daemon does not start.
 */
int keys_open(
    const struct keys_config *config, struct keys **keysp, struct fault *fault);
void keys_close(struct keys **keysp);

/*
 * The key to use for a canonical address.
 *  1: *keyp is a new reference to a key that is usable now.
 *  0: none.  *whyp is NULL if no source knows the address, else a new string
 *     that says which key there is and why it cannot be used.
 * -1: cannot tell; the fault says why.  Never to be taken for "none".
 */
int keys_find(struct keys *keys, enum key_kind kind, const char *address,
    struct key **keyp, char **whyp, struct fault *fault);

/* The key source "store", borrowed; NULL if it is not one of the sources. */
struct store *keys_store(const struct keys *keys);

/* Names the jobs of keys/ to the workers; both programs start with it. */
void keys_register_jobs(void);

#endif
