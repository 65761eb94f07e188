/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mailbox_owner.c - for whom the mail of a mailbox is to be sealed.
 *
 * In:    an address, the policy, and the key sources.
 * Out:   an order for seal_message().
 * Never: opens the store as root, or takes "cannot tell" for "no key".
 */
#include "config.h"

#include "ctl/mailbox_owner.h"

#include "ctl/apart.h"
#include "keys/x509.h"
#include "milter/plan.h"
#include "policy/address.h"

#include <string.h>

/* kind, address, fingerprint, subkey, its ID, blob, created, expires, source */
#define KEY_TYPE "(issstayxxs)"
#define KEY_WITH_BLOB "(issst@ayxxs)"
/* form, hide_subject, legacy_display, smime_gcm, smime_oaep, keys */
#define OWNER_TYPE "(ibbbba" KEY_TYPE ")"

struct asking {
	const struct ctl *ctl;
	const char *address;
};

static GBytes *ask(void *context, struct fault *fault);

/* --- In the process that may read the store */

static void
tell_key(GVariantBuilder *out, const struct key *key)
{
	g_variant_builder_add(out, KEY_WITH_BLOB, (gint32)key->kind,
	    key->address, key->fingerprint, key->subkey, key->subkey_id,
	    g_variant_new_from_bytes(
		G_VARIANT_TYPE_BYTESTRING, key->blob, TRUE),
	    key->created, key->expires, key->source);
}

static GBytes *
tell(const struct treatment *treatment)
{
	const struct decision *decision = &treatment->decision;
	GVariantBuilder keys;
	GVariant *told;
	GBytes *octets;
	guint i;

	g_variant_builder_init(&keys, G_VARIANT_TYPE("a" KEY_TYPE));
	tell_key(&keys, treatment->key);
	for (i = 0; i < treatment->recovery->len; i++)
		tell_key(&keys, g_ptr_array_index(treatment->recovery, i));
	told = g_variant_ref_sink(
	    g_variant_new(OWNER_TYPE, (gint32)treatment->rung,
		decision->hide_subject, decision->legacy_display,
		treatment_takes_gcm(treatment), decision->smime_oaep, &keys));
	octets = g_variant_get_data_as_bytes(told);
	g_variant_unref(told);
	return octets;
}

static GBytes *
ask(void *context, struct fault *fault)
{
	const struct asking *asking = context;
	/* The null sender, and no content: rules that ask for more are not
	 * about a whole mailbox. */
	struct origin origin = {.sender = (char *)(uintptr_t) ""};
	const struct fields none = {NULL, 0};
	const struct content content = {.fields = &none};
	struct treatment *treatment = NULL;
	struct keys *keys = NULL;
	GBytes *octets = NULL;

	if (ctl_open_keys(asking->ctl, &keys, fault) == 0 &&
	    plan_recipient(asking->ctl->config, keys, &origin, asking->address,
		&content, &treatment, fault) == 1) {
		if (treatment->rung == RUNG_OPENPGP ||
		    treatment->rung == RUNG_SMIME)
			octets = tell(treatment);
		else
			fault_set(fault, FAULT_PERM,
			    "the policy seals nothing for <%s>: %s%s"
			    " (sealctl policy explain)",
			    asking->address, rung_name(treatment->rung),
			    treatment->why == NULL ? "" : treatment->why);
	}
	treatment_free(&treatment);
	keys_close(&keys);
	return octets;
}

/* --- And here */

static void
release_key(void *data)
{
	struct key *key = data;

	key_unref(&key);
}

/* Of a certificate, what is read out of its blob. */
static void
attach(struct key *key)
{
	struct inspected from = {.kind = KEY_SMIME, .blob = key->blob};

	if (key->kind != KEY_SMIME)
		return;
	x509_attach(&from);
	key->certificate = from.certificate;
	key->wants_gcm = from.wants_gcm;
}

static struct key *
read_key(GVariant *told)
{
	struct key *key = g_new0(struct key, 1);
	GVariant *blob;
	gint32 kind;

	g_atomic_ref_count_init(&key->references);
	g_variant_get(told, KEY_WITH_BLOB, &kind, &key->address,
	    &key->fingerprint, &key->subkey, &key->subkey_id, &blob,
	    &key->created, &key->expires, &key->source);
	key->kind = (enum key_kind)kind;
	key->blob = g_variant_get_data_as_bytes(blob);
	g_variant_unref(blob);
	attach(key);
	return key;
}

static bool
is_reader(const struct owner *owner, const struct key *key)
{
	guint i;

	for (i = 0; i < owner->readers->len; i++)
		if (strcmp(g_array_index(owner->readers, struct seal_reader, i)
			       .key->fingerprint,
			key->fingerprint) == 0)
			return true;
	return false;
}

static struct owner *
read_owner(const char *address, GBytes *octets)
{
	struct owner *owner = g_new0(struct owner, 1);
	GVariant *told = g_variant_ref_sink(g_variant_new_from_bytes(
	    G_VARIANT_TYPE(OWNER_TYPE), octets, FALSE));
	gboolean hide, legacy, gcm, oaep;
	struct seal_reader reader;
	GVariantIter *keys;
	GVariant *one;
	gint32 rung;

	owner->address = g_strdup(address);
	owner->keys = g_ptr_array_new_with_free_func(release_key);
	owner->readers = g_array_new(FALSE, FALSE, sizeof(struct seal_reader));
	g_variant_get(
	    told, OWNER_TYPE, &rung, &hide, &legacy, &gcm, &oaep, &keys);
	while ((one = g_variant_iter_next_value(keys)) != NULL) {
		reader = (struct seal_reader){read_key(one), false};
		g_ptr_array_add(owner->keys, reader.key);
		if (!is_reader(owner, reader.key))
			g_array_append_val(owner->readers, reader);
		g_variant_unref(one);
	}
	owner->order = (struct seal_order){
	    .form = rung == RUNG_SMIME ? SEAL_SMIME : SEAL_OPENPGP,
	    .readers = (const struct seal_reader *)(void *)owner->readers->data,
	    .readers_count = owner->readers->len,
	    .hide_subject = hide,
	    .legacy_display = rung == RUNG_SMIME && legacy,
	    .at_rest = true,
	    .smime_gcm = gcm,
	    .smime_oaep = oaep,
	};
	g_variant_iter_free(keys);
	g_variant_unref(told);
	return owner;
}

int
owner_find(const struct ctl *ctl, const char *address, struct owner **ownerp,
    struct fault *fault)
{
	const struct apart_user user = {.name = ctl->config->user};
	struct asking asking = {ctl, address};
	struct apart apart;
	GBytes *octets;

	if (apart_start(&apart, &user, ask, &asking, fault) != 0 ||
	    (octets = apart_wait(&apart, fault)) == NULL)
		return -1;
	*ownerp = read_owner(address, octets);
	g_bytes_unref(octets);
	return 0;
}

void
owner_free(struct owner **ownerp)
{
	struct owner *owner = *ownerp;

	if (owner == NULL)
		return;
	g_ptr_array_free(owner->keys, TRUE);
	g_array_free(owner->readers, TRUE);
	g_free(owner->address);
	g_free(owner);
	*ownerp = NULL;
}
