/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_INSPECTED_H
#define KEYS_INSPECTED_H

#include "keys/keys.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A user ID of a key. */
struct user_id {
	char *text;    /* UTF-8, without control characters */
	char *address; /* canonical, or NULL if it names none */
	bool revoked;
	bool invalid; /* no good self-signature */
	bool trusted; /* fully valid, says its keyring's owner; never packed */
};

/* The primary key or a subkey. */
struct subkey {
	char *fingerprint; /* upper-case hex */
	char *algorithm;   /* "rsa3072", "cv25519" */
	uint64_t id;
	unsigned int bits;
	int64_t created;
	int64_t expires; /* 0: never */
	bool can_encrypt;
	bool revoked;
	bool invalid;
	bool weak; /* RSA or ElGamal with less than 2048 bits */
};

/*
 * What GnuPG says of one OpenPGP key, or an X.509 certificate of itself;
 * nothing in it depends on the time of day, so it may be kept.  refused is set instead of everything but the
 * fingerprint where the key may not be used at all ("secret key").  Counted;
 * immutable as soon as it is shared.
 */
struct inspected {
	gatomicrefcount references;
	enum key_kind kind; /* not packed: the store has a column for it */
	char *fingerprint;  /* of the primary key, or NULL if it has none */
	char *refused;      /* why, or NULL */
	bool revoked;
	bool invalid;
	bool disabled;       /* in the keyring of its owner */
	bool checked;        /* an administrator vouches for it; not packed */
	bool wants_gcm;      /* S/MIME, see x509_attach(); not packed */
	GPtrArray *user_ids; /* of struct user_id * */
	GPtrArray *subkeys;  /* of struct subkey *, the primary key first */
	GBytes *
	    blob; /* the key alone and minimal, binary (KEY_SMIME: see x509.h); or NULL */
	/* KEY_SMIME: the first of the blob, parsed, only to be read; or NULL */
	struct x509_st *certificate;
};

struct inspected *inspected_make(const char *fingerprint);
struct inspected *inspected_ref(struct inspected *key);
void inspected_unref(struct inspected *key);

/* Adds an empty one, which belongs to the key. */
struct user_id *inspected_add_user_id(struct inspected *key, const char *text);
struct subkey *inspected_add_subkey(struct inspected *key);

/* All but refused and blob, for keeping: the same on every machine. */
GBytes *inspected_pack(const struct inspected *key);

/* A new object, or NULL if the octets are damaged. */
struct inspected *inspected_parse(GBytes *packed);

#endif
