/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * inspected.c - what is known of one OpenPGP key.
 *
 * In:    facts, one by one; or octets that were kept.
 * Out:   the object; octets to keep.
 * Never: decides whether a key may be used (keys/usable.c does).
 */
#include <config.h>

#include "keys/inspected.h"

#include "keys/keyblock.h"
#include "keys/x509.h"

#include <string.h>

/*
 * fingerprint, revoked, invalid, disabled,
 * user IDs:  text, address ("": none), revoked, invalid;
 * subkeys:   fingerprint, algorithm, id, bits, created, expires,
 *            can_encrypt, revoked, invalid, weak.
 * Kept in the store: a change needs a new version of its schema.
 */
#define PACKED_TYPE "(sbbba(ssbb)a(sstuxxbbbb))"

static void free_user_id(void *user_id);
static void free_subkey(void *subkey);
static GVariant *little_endian(GVariant *value);
static void parse_user_ids(struct inspected *key, GVariantIter *iter);
static void parse_subkeys(struct inspected *key, GVariantIter *iter);

struct inspected *
inspected_make(const char *fingerprint)
{
	struct inspected *key = g_new0(struct inspected, 1);

	g_atomic_ref_count_init(&key->references);
	key->fingerprint = g_strdup(fingerprint);
	key->user_ids = g_ptr_array_new_with_free_func(free_user_id);
	key->subkeys = g_ptr_array_new_with_free_func(free_subkey);
	return key;
}

struct inspected *
inspected_ref(struct inspected *key)
{
	g_atomic_ref_count_inc(&key->references);
	return key;
}

void
inspected_unref(struct inspected *key)
{
	if (key == NULL || !g_atomic_ref_count_dec(&key->references))
		return;
	g_free(key->fingerprint);
	g_free(key->refused);
	g_ptr_array_unref(key->user_ids);
	g_ptr_array_unref(key->subkeys);
	g_bytes_unref(key->blob);
	x509_unref(key->certificate);
	g_free(key);
}

static void
free_user_id(void *data)
{
	struct user_id *user_id = data;

	g_free(user_id->text);
	g_free(user_id->address);
	g_free(user_id);
}

static void
free_subkey(void *data)
{
	struct subkey *subkey = data;

	g_free(subkey->fingerprint);
	g_free(subkey->algorithm);
	g_free(subkey);
}

struct user_id *
inspected_add_user_id(struct inspected *key, const char *text)
{
	struct user_id *user_id = g_new0(struct user_id, 1);
	char *p;

	user_id->text = g_utf8_make_valid(text, -1);
	user_id->address = keyblock_address(text);
	for (p = user_id->text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	g_ptr_array_add(key->user_ids, user_id);
	return user_id;
}

struct subkey *
inspected_add_subkey(struct inspected *key)
{
	struct subkey *subkey = g_new0(struct subkey, 1);

	g_ptr_array_add(key->subkeys, subkey);
	return subkey;
}

GBytes *
inspected_pack(const struct inspected *key)
{
	const struct user_id *user_id;
	const struct subkey *subkey;
	GVariantBuilder builder;
	GVariant *value;
	GBytes *packed;
	guint i;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(PACKED_TYPE));
	g_variant_builder_add(&builder, "s", key->fingerprint);
	g_variant_builder_add(&builder, "b", key->revoked);
	g_variant_builder_add(&builder, "b", key->invalid);
	g_variant_builder_add(&builder, "b", key->disabled);
	g_variant_builder_open(&builder, G_VARIANT_TYPE("a(ssbb)"));
	for (i = 0; i < key->user_ids->len; i++) {
		user_id = g_ptr_array_index(key->user_ids, i);
		g_variant_builder_add(&builder, "(ssbb)", user_id->text,
		    user_id->address == NULL ? "" : user_id->address,
		    user_id->revoked, user_id->invalid);
	}
	g_variant_builder_close(&builder);
	g_variant_builder_open(&builder, G_VARIANT_TYPE("a(sstuxxbbbb)"));
	for (i = 0; i < key->subkeys->len; i++) {
		subkey = g_ptr_array_index(key->subkeys, i);
		g_variant_builder_add(&builder, "(sstuxxbbbb)",
		    subkey->fingerprint, subkey->algorithm, subkey->id,
		    subkey->bits, subkey->created, subkey->expires,
		    subkey->can_encrypt, subkey->revoked, subkey->invalid,
		    subkey->weak);
	}
	g_variant_builder_close(&builder);
	value = little_endian(g_variant_builder_end(&builder));
	packed = g_variant_get_data_as_bytes(value);
	g_variant_unref(value);
	return packed;
}

/* Takes a (floating) reference, returns a full one. */
static GVariant *
little_endian(GVariant *value)
{
	(void)g_variant_ref_sink(value);
#if G_BYTE_ORDER == G_BIG_ENDIAN
	GVariant *swapped = g_variant_byteswap(value);

	g_variant_unref(value);
	return swapped;
#else
	return value;
#endif
}

struct inspected *
inspected_parse(GBytes *packed)
{
	GVariantIter *user_ids = NULL, *subkeys = NULL;
	gboolean revoked, invalid, disabled;
	struct inspected *key = NULL;
	const char *fingerprint;
	GVariant *value;

	value = g_variant_new_from_bytes(
	    G_VARIANT_TYPE(PACKED_TYPE), packed, FALSE);
	value = little_endian(value);
	if (!g_variant_is_normal_form(value))
		goto out;
	g_variant_get(value, "(&sbbba(ssbb)a(sstuxxbbbb))", &fingerprint,
	    &revoked, &invalid, &disabled, &user_ids, &subkeys);
	key = inspected_make(fingerprint);
	key->revoked = revoked;
	key->invalid = invalid;
	key->disabled = disabled;
	parse_user_ids(key, user_ids);
	parse_subkeys(key, subkeys);
	g_variant_iter_free(user_ids);
	g_variant_iter_free(subkeys);
out:
	g_variant_unref(value);
	return key;
}

static void
parse_user_ids(struct inspected *key, GVariantIter *iter)
{
	const char *text, *address;
	gboolean revoked, invalid;
	struct user_id *user_id;

	while (g_variant_iter_next(
	    iter, "(&s&sbb)", &text, &address, &revoked, &invalid)) {
		user_id = g_new0(struct user_id, 1);
		user_id->text = g_strdup(text);
		user_id->address = *address == '\0' ? NULL : g_strdup(address);
		user_id->revoked = revoked;
		user_id->invalid = invalid;
		g_ptr_array_add(key->user_ids, user_id);
	}
}

static void
parse_subkeys(struct inspected *key, GVariantIter *iter)
{
	gboolean can_encrypt, revoked, invalid, weak;
	const char *fingerprint, *algorithm;
	struct subkey *subkey;
	gint64 created, expires;
	guint64 id;
	guint bits;

	while (g_variant_iter_next(iter, "(&s&stuxxbbbb)", &fingerprint,
	    &algorithm, &id, &bits, &created, &expires, &can_encrypt, &revoked,
	    &invalid, &weak)) {
		subkey = inspected_add_subkey(key);
		subkey->fingerprint = g_strdup(fingerprint);
		subkey->algorithm = g_strdup(algorithm);
		subkey->id = id;
		subkey->bits = bits;
		subkey->created = created;
		subkey->expires = expires;
		subkey->can_encrypt = can_encrypt;
		subkey->revoked = revoked;
		subkey->invalid = invalid;
		subkey->weak = weak;
	}
}
