/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * unseal.c - open what was sealed.
 *
 * In:    a sealed message, and secret keys.
 * Out:   the payload, in a spool that no file on a disk tells anything of.
 * Never: gives away a part of it.
 */
#include "seal/unseal_private.h"

#include "keys/armor.h"

#include <string.h>

struct decoding {
	struct spool *cipher;
	struct fault *fault;
	gint state; /* of base64 */
	guint save;
};

static int
on_begin(void *context, const char *type)
{
	(void)context;
	return strcmp(type, "PGP MESSAGE") == 0 ? 0 : -1;
}

static int
on_data(void *context, const unsigned char *data, size_t len)
{
	struct decoding *decoding = context;

	return spool_append(decoding->cipher, data, len, decoding->fault);
}

static int
decode_base64(struct decoding *decoding, const unsigned char *data, size_t len)
{
	guchar *out = g_malloc(len / 4 * 3 + 3);
	gsize n = g_base64_decode_step(
	    (const gchar *)data, len, out, &decoding->state, &decoding->save);
	int r = spool_append(decoding->cipher, out, n, decoding->fault);

	g_free(out);
	return r;
}

/* The ciphertext of the body, binary. */
static int
decode(enum seal_form form, const struct spool *body, struct decoding *decoding,
    struct fault *fault)
{
	const struct armor_events events = {on_begin, on_data, NULL, decoding};
	struct armor_reader *armor = armor_reader_make(&events);
	struct spool_reader *reader = spool_reader_make(body);
	const unsigned char *data;
	size_t len;
	int r;

	fault->kind = FAULT_NONE;
	while ((r = spool_reader_next(reader, &data, &len, fault)) == 1) {
		r = form == SEAL_SMIME ? decode_base64(decoding, data, len)
				       : armor_reader_feed(armor, data, len);
		if (r != 0)
			break;
	}
	if (r == 0 && form != SEAL_SMIME &&
	    (armor_reader_finish(armor) != 0 ||
		armor_reader_blocks(armor) != 1))
		r = -1;
	if (r != 0 && fault->kind == FAULT_NONE)
		fault_set(fault, FAULT_PERM, "its ciphertext is damaged");
	armor_reader_free(&armor);
	spool_reader_free(&reader);
	return r;
}

static int
open_pgp(const struct unseal_keys *keys, const struct spool *cipher,
    const struct spool_limits *limits, struct spool **payloadp,
    struct fault *fault)
{
	int r = unseal_rnp(keys, cipher, *payloadp, fault);

	if (r != 0)
		return r == 1 ? 0 : -1;
	spool_free(payloadp);
	*payloadp = spool_make(limits, true);
	return unseal_gnupg(keys, cipher, *payloadp, fault);
}

int
unseal_message(const struct unseal_keys *keys, enum seal_form form,
    const struct message *message, const struct spool_limits *limits,
    struct spool **payloadp, struct fault *fault)
{
	struct spool *cipher = spool_make(limits, false);
	struct spool *payload = spool_make(limits, true);
	struct decoding decoding = {.cipher = cipher, .fault = fault};
	int r = -1;

	if (form != SEAL_OPENPGP && form != SEAL_SMIME)
		fault_set(fault, FAULT_PERM, "it is sealed to a passphrase");
	else if (decode(form, message->body, &decoding, fault) == 0)
		r = form == SEAL_SMIME
			? unseal_cms(keys, cipher, payload, fault)
			: open_pgp(keys, cipher, limits, &payload, fault);
	if (r == 0 && spool_size(payload) == 0) {
		fault_set(fault, FAULT_PERM, "there is nothing in it");
		r = -1;
	}
	if (r == 0)
		*payloadp = g_steal_pointer(&payload);
	spool_free(&payload);
	spool_free(&cipher);
	return r;
}

bool
unseal_is_pem(GBytes *file)
{
	static const char begin[] = "-----BEGIN ";
	gsize len;
	const char *data = g_bytes_get_data(file, &len);
	const char *found = g_strstr_len(data, (gssize)len, begin);

	return found != NULL &&
	       g_strstr_len(found, (gssize)(len - (gsize)(found - data)),
		   "-----BEGIN PGP") != found;
}
