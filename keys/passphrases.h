/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_PASSPHRASES_H
#define KEYS_PASSPHRASES_H

#include "keys/keys.h"
#include "keys/store.h"
#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Passphrases of people who have no key.  What is kept of one is the key that
 * was derived from it (doc/sealed-envelope.5): it seals and opens messages,
 * and does not tell the passphrase.
 *
 * Addresses are canonical.  Words are what a person typed; who holds them
 * wipes them (passphrase_wipe()).
 */

#define PASSPHRASE_SALT_OCTETS 16
#define PASSPHRASE_KEK_OCTETS 32
#define PASSPHRASE_ITERATIONS 600000U
#define PASSPHRASE_OCTETS_MAX 1024 /* of words, normalised or not */
#define PASSPHRASE_HINT_MAX 200    /* octets */
#define PASSPHRASE_CHARACTERS_MIN 20

/* What the blob of a KEY_PASSPHRASE is; its memory is wiped when freed. */
struct passphrase {
	unsigned char salt[PASSPHRASE_SALT_OCTETS];
	uint32_t iterations;
	unsigned char kek[PASSPHRASE_KEK_OCTETS];
	char hint[PASSPHRASE_HINT_MAX + 1]; /* "" if there is none */
};

/* Of a key of that kind; lives as long as the key. */
const struct passphrase *passphrase_of(const struct key *key);

/*
 * The key for mail from a sender ("": the null sender) to a recipient: the
 * entry of the two goes before the recipient's own.  Its fingerprint is the
 * salt in upper-case hex, which is no secret.
 *  1: *keyp is a new reference.  0: none is set.
 * -1: cannot tell: TEMP; or PERM, the store is not a source of keys.
 */
int passphrase_find(struct keys *keys, const char *sender,
    const char *recipient, struct key **keyp, struct fault *fault);

/*
 * Derives a key and stores it; this takes a third of a second.  sender: for
 * mail from them only, or NULL; hint: for the recipient to read, or NULL.
 *  1: stored.  0: only_if_none, and there was one.
 * -1: PERM: the words or the hint cannot be (see passphrase_normal()); TEMP.
 */
int passphrase_put(struct store *store, const char *sender,
    const char *recipient, const char *words, const char *hint,
    bool only_if_none, struct fault *fault);

/* As passphrase_put(), of a key that was derived, with its hint. */
int passphrase_keep(struct store *store, const char *sender,
    const char *recipient, const struct key *key, bool only_if_none,
    struct fault *fault);

/* 1: removed; 0: there is none; -1: fault.  sender as in passphrase_put(). */
int passphrase_delete(struct store *store, const char *sender,
    const char *recipient, struct fault *fault);

/* An entry as administrators see it. */
struct passphrase_entry {
	char *recipient;
	char *sender; /* "" if it is for mail of everybody */
	char *hint;   /* or "" */
	char *fingerprint;
	unsigned int iterations;
	int64_t created; /* seconds since 1970 */
};

/* Those of a recipient, or all (NULL), sorted.  0 and gives *listp away (of
 * struct passphrase_entry *), or -1. */
int passphrase_list(struct store *store, const char *recipient,
    GPtrArray **listp, struct fault *fault);
void passphrase_entry_free(struct passphrase_entry *entry);

/* A key for one message, with a salt of its own, not stored.  0, or -1. */
int passphrase_derive(
    const char *words, struct key **keyp, struct fault *fault);

/* The same with a hint, or NULL. */
int passphrase_derive_hinted(const char *words, const char *hint,
    struct key **keyp, struct fault *fault);

/* The key of those words gets a hint: *keyp is another one, and the caller's
 * reference of the old one is gone.  0; or -1 with PERM, and it is as it was. */
int passphrase_give_hint(struct key **keyp, const char *words, const char *hint,
    struct fault *fault);

/*
 * The key-encryption key of words under a salt (RFC 7518 4.8.1.1), for those
 * who open.  0; -1: PERM, the words cannot be; TEMP, no memory.
 */
int passphrase_kek(const char *words, const unsigned char *salt,
    size_t salt_octets, uint32_t iterations,
    unsigned char kek[PASSPHRASE_KEK_OCTETS], struct fault *fault);

/*
 * Words as they are derived from: NFC, blanks at both ends removed, and each
 * run of blanks one space.  A new string; NULL with a PERM fault if they are
 * not UTF-8, too long, nothing but blanks, or contain control characters.
 */
char *passphrase_normal(const char *words, struct fault *fault);

/* Six words (77 bits) with a space between; NULL with a TEMP fault. */
char *passphrase_generate(struct fault *fault);

/*
 * May a person choose these words for that address (or NULL)?  0, or -1 with a
 * PERM fault that says why not: too short, or too easy to guess.
 */
int passphrase_acceptable(
    const char *words, const char *address, struct fault *fault);

/* Overwrites and frees words; NULL is fine. */
void passphrase_wipe(char **wordsp);

#endif
