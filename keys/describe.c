/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * describe.c - what does gpg say of the keys in a home?
 *
 * In:    a GPGME context, fingerprints.
 * Out:   for each key the facts and the minimal key itself.
 * Never: takes a gpg that died, or said less than it was asked, for one that
 *        has no more to say.
 */
#include <config.h>

#include "keys/describe.h"

#include "keys/gpg_home.h"
#include "keys/inspected.h"
#include "keys/keyblock.h"

#include <string.h>

#define ANSWER_TYPE "a(ayayab)" /* facts, blob, trusted user IDs */

static int list(gpgme_ctx_t ctx, const char *fingerprints[], GPtrArray *found,
    struct fault *fault);
static int has_all(
    const char *fingerprints[], GPtrArray *found, struct fault *fault);
static struct inspected *find(GPtrArray *found, const char *fingerprint);
static struct inspected *describe(gpgme_key_t from);
static void describe_subkey(struct subkey *subkey, gpgme_subkey_t from);
static int export(gpgme_ctx_t ctx, const char *fingerprints[], GPtrArray *found,
    struct fault *fault);
static int give_blobs(
    GPtrArray *found, const char *octets, size_t len, struct fault *fault);
static GVariant *octets(GBytes *bytes);
static GVariant *trusted(const struct inspected *key);
static int give_trusted(struct inspected *key, GVariant *trusted);

int
describe_keys(gpgme_ctx_t ctx, const char *fingerprints[], GPtrArray *found,
    struct fault *fault)
{
	if (list(ctx, fingerprints, found, fault) != 0 ||
	    has_all(fingerprints, found, fault) != 0)
		return -1;
	return export(ctx, fingerprints, found, fault);
}

static int
list(gpgme_ctx_t ctx, const char *fingerprints[], GPtrArray *found,
    struct fault *fault)
{
	gpgme_key_t key = NULL;
	gpgme_error_t error;
	int status;

	error = gpgme_op_keylist_ext_start(ctx, fingerprints, 0, 0);
	while (error == 0) {
		error = gpgme_op_keylist_next(ctx, &key);
		if (error != 0)
			break;
		if (key->subkeys != NULL && key->subkeys->fpr != NULL)
			g_ptr_array_add(found, describe(key));
		gpgme_key_unref(key);
	}
	if (gpgme_err_code(error) != GPG_ERR_EOF) {
		gpg_home_fault(fault, error, "listing keys");
		return -1;
	}
	if (gpg_home_reap(&status, fault) != 0)
		return -1;
	if (status != 0 || gpgme_op_keylist_result(ctx)->truncated) {
		fault_set(fault, FAULT_TEMP,
		    "listing keys: gpg ended with status %d", status);
		return -1;
	}
	return 0;
}

static int
has_all(const char *fingerprints[], GPtrArray *found, struct fault *fault)
{
	size_t i;

	for (i = 0; fingerprints[i] != NULL; i++) {
		if (find(found, fingerprints[i]) != NULL)
			continue;
		fault_set(fault, FAULT_TEMP,
		    "gpg says nothing of %s, which is in the keyring",
		    fingerprints[i]);
		return -1;
	}
	return 0;
}

static struct inspected *
find(GPtrArray *found, const char *fingerprint)
{
	struct inspected *key;
	guint i;

	for (i = 0; i < found->len; i++) {
		key = g_ptr_array_index(found, i);
		if (strcmp(key->fingerprint, fingerprint) == 0)
			return key;
	}
	return NULL;
}

static struct inspected *
describe(gpgme_key_t from)
{
	struct inspected *key = inspected_make(from->subkeys->fpr);
	struct user_id *user_id;
	gpgme_user_id_t uid;
	gpgme_subkey_t sub;

	key->revoked = from->revoked;
	key->invalid = from->invalid;
	key->disabled = from->disabled;
	for (uid = from->uids; uid != NULL; uid = uid->next) {
		user_id = inspected_add_user_id(
		    key, uid->uid == NULL ? "" : uid->uid);
		user_id->revoked = uid->revoked;
		user_id->invalid = uid->invalid;
		user_id->trusted = uid->validity == GPGME_VALIDITY_FULL ||
				   uid->validity == GPGME_VALIDITY_ULTIMATE;
	}
	for (sub = from->subkeys; sub != NULL; sub = sub->next)
		describe_subkey(inspected_add_subkey(key), sub);
	return key;
}

static void
describe_subkey(struct subkey *subkey, gpgme_subkey_t from)
{
	char *algorithm = gpgme_pubkey_algo_string(from);

	subkey->fingerprint = g_strdup(from->fpr == NULL ? "" : from->fpr);
	subkey->algorithm = g_strdup(algorithm == NULL ? "?" : algorithm);
	subkey->id =
	    from->keyid == NULL ? 0 : g_ascii_strtoull(from->keyid, NULL, 16);
	subkey->bits = from->length;
	subkey->created = from->timestamp;
	subkey->expires = from->expires;
	subkey->can_encrypt = from->can_encrypt;
	subkey->revoked = from->revoked;
	subkey->invalid =
	    from->invalid || from->timestamp <= 0 || subkey->id == 0;
	subkey->weak =
	    from->length < 2048 && (from->pubkey_algo == GPGME_PK_RSA ||
				       from->pubkey_algo == GPGME_PK_RSA_E ||
				       from->pubkey_algo == GPGME_PK_ELG_E ||
				       from->pubkey_algo == GPGME_PK_ELG);
	gpgme_free(algorithm);
}

static int export(gpgme_ctx_t ctx, const char *fingerprints[], GPtrArray *found,
    struct fault *fault)
{
	gpgme_data_t data = NULL;
	gpgme_error_t error;
	char *octets = NULL;
	int status, ret = -1;
	size_t len;

	error = gpgme_data_new(&data);
	if (error == 0)
		error = gpgme_op_export_ext(
		    ctx, fingerprints, GPGME_EXPORT_MODE_MINIMAL, data);
	if (error != 0) {
		gpg_home_fault(fault, error, "exporting keys");
		goto out;
	}
	if (gpg_home_reap(&status, fault) != 0)
		goto out;
	if (status != 0) {
		fault_set(fault, FAULT_TEMP,
		    "exporting keys: gpg ended with status %d", status);
		goto out;
	}
	octets = gpgme_data_release_and_get_mem(data, &len);
	data = NULL;
	ret = give_blobs(found, octets, octets == NULL ? 0 : len, fault);
out:
	gpgme_data_release(data);
	gpgme_free(octets);
	return ret;
}

/* Every key that was listed must be there, once. */
static int
give_blobs(
    GPtrArray *found, const char *octets, size_t len, struct fault *fault)
{
	GPtrArray *blocks = NULL;
	struct keyblock *block;
	struct inspected *key;
	guint i;

	if (keyblock_split(octets, len, &blocks, fault) != 0) {
		fault_prefix(fault, "what gpg exported");
		fault->kind = FAULT_TEMP;
		return -1;
	}
	for (i = 0; i < blocks->len; i++) {
		block = g_ptr_array_index(blocks, i);
		if (block->fingerprint == NULL || block->secret)
			continue;
		key = find(found, block->fingerprint);
		if (key != NULL && key->blob == NULL)
			key->blob =
			    g_bytes_new(octets + block->offset, block->len);
	}
	g_ptr_array_unref(blocks);
	for (i = 0; i < found->len; i++) {
		key = g_ptr_array_index(found, i);
		if (key->blob != NULL)
			continue;
		fault_set(fault, FAULT_TEMP, "gpg did not export %s",
		    key->fingerprint);
		return -1;
	}
	return 0;
}

void
describe_pack(GPtrArray *found, GByteArray *answer)
{
	const struct inspected *key;
	GVariantBuilder builder;
	GBytes *facts;
	GVariant *value;
	guint i;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(ANSWER_TYPE));
	for (i = 0; i < found->len; i++) {
		key = g_ptr_array_index(found, i);
		facts = inspected_pack(key);
		g_variant_builder_add(&builder, "(@ay@ay@ab)", octets(facts),
		    octets(key->blob), trusted(key));
		g_bytes_unref(facts);
	}
	value = g_variant_ref_sink(g_variant_builder_end(&builder));
	g_byte_array_append(answer, g_variant_get_data(value),
	    (guint)g_variant_get_size(value));
	g_variant_unref(value);
}

static GVariant *
octets(GBytes *bytes)
{
	return g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

static GVariant *
trusted(const struct inspected *key)
{
	const struct user_id *user_id;
	GVariantBuilder builder;
	guint i;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("ab"));
	for (i = 0; i < key->user_ids->len; i++) {
		user_id = g_ptr_array_index(key->user_ids, i);
		g_variant_builder_add(&builder, "b", user_id->trusted);
	}
	return g_variant_builder_end(&builder);
}

static int
give_trusted(struct inspected *key, GVariant *trusted)
{
	struct user_id *user_id;
	gsize i, n = g_variant_n_children(trusted);
	gboolean value;

	if (n != key->user_ids->len)
		return -1;
	for (i = 0; i < n; i++) {
		g_variant_get_child(trusted, i, "b", &value);
		user_id = g_ptr_array_index(key->user_ids, (guint)i);
		user_id->trusted = value;
	}
	return 0;
}

int
describe_parse(GBytes *answer, GPtrArray *found, struct fault *fault)
{
	GVariant *value, *facts, *blob, *valid;
	struct inspected *key;
	GVariantIter iter;
	GBytes *packed;
	int ret = 0;

	value = g_variant_ref_sink(g_variant_new_from_bytes(
	    G_VARIANT_TYPE(ANSWER_TYPE), answer, FALSE));
	if (!g_variant_is_normal_form(value))
		ret = -1;
	g_variant_iter_init(&iter, value);
	while (ret == 0 && g_variant_iter_next(
			       &iter, "(@ay@ay@ab)", &facts, &blob, &valid)) {
		packed = g_variant_get_data_as_bytes(facts);
		key = inspected_parse(packed);
		if (key == NULL || give_trusted(key, valid) != 0)
			ret = -1;
		else
			key->blob = g_bytes_new(
			    g_variant_get_data(blob), g_variant_get_size(blob));
		if (key != NULL)
			g_ptr_array_add(found, key);
		g_bytes_unref(packed);
		g_variant_unref(facts);
		g_variant_unref(blob);
		g_variant_unref(valid);
	}
	if (ret != 0)
		fault_set(fault, FAULT_BUG, "a worker's answer is damaged");
	g_variant_unref(value);
	return ret;
}
