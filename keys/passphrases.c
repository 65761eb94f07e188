/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * passphrases.c - keys that are derived from passphrases.
 *
 * In:    words, and whose they are.
 * Out:   key-encryption keys: stored, found, or for one message.
 * Never: keeps or reports words, or leaves them in memory.
 */
#include <config.h>

#include "keys/passphrases.h"

#include "keys/store_passphrase.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What comes before the salt, with its zero octet (RFC 7518 4.8.1.1). */
#define ALGORITHM "PBES2-HS512+A256KW"

static int make(
    const char *words, struct passphrase *passphrase, struct fault *fault);
static int set_hint(struct passphrase *passphrase, const char *hint,
    const char *words, struct fault *fault);
static struct key *key_of(const struct passphrase *passphrase,
    const char *recipient, const char *source, int64_t created);
static void wipe_blob(void *blob);

const struct passphrase *
passphrase_of(const struct key *key)
{
	return g_bytes_get_data(key->blob, NULL);
}

int
passphrase_find(struct keys *keys, const char *sender, const char *recipient,
    struct key **keyp, struct fault *fault)
{
	struct store *store = keys_store(keys);
	struct passphrase passphrase;
	int64_t created;
	int r;

	if (store == NULL) {
		fault_set(fault, FAULT_PERM,
		    "passphrases are in the key source \"store\", which "
		    "keys.sources does not name: add it there");
		return -1;
	}
	r = store_find_passphrase(
	    store, sender, recipient, &passphrase, &created, fault);
	if (r == -1)
		fault_prefix(fault, "key source \"store\"");
	if (r == 1)
		*keyp = key_of(&passphrase, recipient, "store", created);
	OPENSSL_cleanse(&passphrase, sizeof(passphrase));
	return r;
}

int
passphrase_put(struct store *store, const char *sender, const char *recipient,
    const char *words, const char *hint, bool only_if_none, struct fault *fault)
{
	struct passphrase passphrase = {0};
	int ret = -1;

	if (sender == NULL)
		sender = "";
	if (only_if_none) {
		/* Before a third of a second is spent. */
		ret = store_has_passphrase(store, sender, recipient, fault);
		if (ret != 0)
			return ret == 1 ? 0 : -1;
	}
	ret = -1;
	if (make(words, &passphrase, fault) == 0 &&
	    set_hint(&passphrase, hint, words, fault) == 0)
		ret = store_put_passphrase(
		    store, sender, recipient, &passphrase, only_if_none, fault);
	OPENSSL_cleanse(&passphrase, sizeof(passphrase));
	return ret;
}

int
passphrase_delete(struct store *store, const char *sender,
    const char *recipient, struct fault *fault)
{
	return store_delete_passphrase(
	    store, sender == NULL ? "" : sender, recipient, fault);
}

int
passphrase_list(struct store *store, const char *recipient, GPtrArray **listp,
    struct fault *fault)
{
	return store_list_passphrases(store, recipient, listp, fault);
}

void
passphrase_entry_free(struct passphrase_entry *entry)
{
	if (entry == NULL)
		return;
	g_free(entry->recipient);
	g_free(entry->sender);
	g_free(entry->hint);
	g_free(entry->fingerprint);
	g_free(entry);
}

int
passphrase_keep(struct store *store, const char *sender, const char *recipient,
    const struct key *key, bool only_if_none, struct fault *fault)
{
	return store_put_passphrase(store, sender == NULL ? "" : sender,
	    recipient, passphrase_of(key), only_if_none, fault);
}

int
passphrase_derive(const char *words, struct key **keyp, struct fault *fault)
{
	return passphrase_derive_hinted(words, NULL, keyp, fault);
}

int
passphrase_derive_hinted(
    const char *words, const char *hint, struct key **keyp, struct fault *fault)
{
	struct passphrase passphrase = {0};
	int ret;

	ret = make(words, &passphrase, fault);
	if (ret == 0)
		ret = set_hint(&passphrase, hint, words, fault);
	if (ret == 0)
		*keyp = key_of(&passphrase, NULL, "words", (int64_t)time(NULL));
	OPENSSL_cleanse(&passphrase, sizeof(passphrase));
	return ret;
}

int
passphrase_give_hint(
    struct key **keyp, const char *words, const char *hint, struct fault *fault)
{
	struct key *old = *keyp;
	struct passphrase passphrase = *passphrase_of(old);
	int ret = set_hint(&passphrase, hint, words, fault);

	if (ret == 0) {
		*keyp = key_of(
		    &passphrase, old->address, old->source, old->created);
		key_unref(&old);
	}
	OPENSSL_cleanse(&passphrase, sizeof(passphrase));
	return ret;
}

/* A fresh salt, and the key. */
static int
make(const char *words, struct passphrase *passphrase, struct fault *fault)
{
	if (getentropy(passphrase->salt, sizeof(passphrase->salt)) != 0) {
		fault_set(fault, FAULT_TEMP, "no random octets for a salt");
		return -1;
	}
	passphrase->iterations = PASSPHRASE_ITERATIONS;
	return passphrase_kek(words, passphrase->salt, sizeof(passphrase->salt),
	    passphrase->iterations, passphrase->kek, fault);
}

int
passphrase_kek(const char *words, const unsigned char *salt, size_t salt_octets,
    uint32_t iterations, unsigned char kek[PASSPHRASE_KEK_OCTETS],
    struct fault *fault)
{
	GByteArray *input;
	char *normal = passphrase_normal(words, fault);
	int ret = -1;

	if (normal == NULL)
		return -1;
	input = g_byte_array_new();
	g_byte_array_append(
	    input, (const guint8 *)ALGORITHM, sizeof(ALGORITHM));
	g_byte_array_append(input, salt, (guint)salt_octets);
	if (PKCS5_PBKDF2_HMAC(normal, (int)strlen(normal), input->data,
		(int)input->len, (int)iterations, EVP_sha512(),
		PASSPHRASE_KEK_OCTETS, kek) == 1)
		ret = 0;
	else
		fault_set(fault, FAULT_TEMP, "PBKDF2 failed");
	g_byte_array_unref(input);
	passphrase_wipe(&normal);
	return ret;
}

/* A hint is sent in clear, with every message. */
static int
set_hint(struct passphrase *passphrase, const char *hint, const char *words,
    struct fault *fault)
{
	char *normal, *hint_normal;
	bool tells;

	if (hint == NULL || hint[0] == '\0')
		return 0;
	if (strlen(hint) > PASSPHRASE_HINT_MAX) {
		fault_set(fault, FAULT_PERM,
		    "the hint is longer than %d octets", PASSPHRASE_HINT_MAX);
		return -1;
	}
	hint_normal = passphrase_normal(hint, fault);
	if (hint_normal == NULL) {
		fault_prefix(fault, "the hint is no text");
		return -1;
	}
	normal = passphrase_normal(words, fault);
	tells = normal == NULL || strstr(hint_normal, normal) != NULL;
	if (!tells)
		(void)g_strlcpy(
		    passphrase->hint, hint_normal, sizeof(passphrase->hint));
	else if (normal != NULL)
		fault_set(fault, FAULT_PERM,
		    "the hint contains the passphrase, and would be sent in "
		    "clear");
	passphrase_wipe(&normal);
	passphrase_wipe(&hint_normal);
	return tells ? -1 : 0;
}

static struct key *
key_of(const struct passphrase *passphrase, const char *recipient,
    const char *source, int64_t created)
{
	struct key *key = g_new0(struct key, 1);
	void *blob = g_memdup2(passphrase, sizeof(*passphrase));

	g_atomic_ref_count_init(&key->references);
	key->kind = KEY_PASSPHRASE;
	key->address = g_strdup(recipient);
	key->fingerprint = passphrase_fingerprint(passphrase->salt);
	key->subkey = g_strdup(key->fingerprint);
	key->blob = g_bytes_new_with_free_func(
	    blob, sizeof(*passphrase), wipe_blob, blob);
	key->created = created;
	key->source = g_strdup(source);
	return key;
}

static void
wipe_blob(void *blob)
{
	OPENSSL_cleanse(blob, sizeof(struct passphrase));
	g_free(blob);
}

char *
passphrase_fingerprint(const unsigned char salt[PASSPHRASE_SALT_OCTETS])
{
	GString *hex = g_string_new(NULL);
	size_t i;

	for (i = 0; i < PASSPHRASE_SALT_OCTETS; i++)
		g_string_append_printf(hex, "%02X", salt[i]);
	return g_string_free(hex, FALSE);
}
