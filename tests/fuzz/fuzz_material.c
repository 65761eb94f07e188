/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_material.c - a public key packet of a stranger: what is found in it
 * lies in it, and OpenSSL encrypts to it or does not.
 */
#include "config.h"

#include "keys/keyblock.h"
#include "keys/material.h"
#include "seal/pgp_pkesk.h"
#include "tests/fuzz/fuzz.h"

#include <openssl/err.h>

/* That octets are borrowed from there, or are none. */
static bool
is_within(const struct octets *octets, GBytes *blob)
{
	gsize size;
	const unsigned char *data = g_bytes_get_data(blob, &size);

	return octets->data == NULL ||
	       (octets->data >= data && octets->len > 0 &&
		   octets->len <= (size_t)(data + size - octets->data));
}

/* The input is the body of the packet; head and name are made for it. */
static GBytes *
packet_around(const uint8_t *data, size_t size)
{
	GByteArray *packet = g_byte_array_new();
	const guint8 head[] = {0xb9, (guint8)(size >> 8), (guint8)size};

	g_byte_array_append(packet, head, sizeof(head));
	g_byte_array_append(packet, data, (guint)size);
	return g_byte_array_free_to_bytes(packet);
}

static void
encrypt_to(const struct material *material)
{
	static const unsigned char session[PKESK_SESSION_OCTETS] = {1};
	static struct pgp_tools *tools;
	GByteArray *out = g_byte_array_new();
	const char *why = NULL;

	if (tools == NULL)
		tools = pgp_tools_make();
	PROMISE(tools != NULL);
	if (pkesk_append(tools, material, session, out, &why) == 1)
		PROMISE(out->len > 50 && out->data[0] == 0xc1);
	else
		PROMISE(out->len == 0 && why != NULL);
	pgp_tools_wipe(tools);
	ERR_clear_error();
	g_byte_array_unref(out);
}

static void
look_into(GBytes *blob, const char *fingerprint)
{
	struct material material;
	const char *why = NULL;

	if (material_find(blob, fingerprint, &material, &why) == 0) {
		PROMISE(why != NULL);
		return;
	}
	PROMISE(is_within(&material.modulus, blob));
	PROMISE(is_within(&material.exponent, blob));
	PROMISE(is_within(&material.curve, blob));
	PROMISE(is_within(&material.point, blob));
	encrypt_to(&material);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	GBytes *blob;
	char *fingerprint;

	if (size == 0 || size > G_MAXUINT16)
		return 0;
	fingerprint = keyblock_fingerprint(data, size);
	blob = packet_around(data, size);
	look_into(blob, fingerprint);
	g_bytes_unref(blob);
	/* As packets, which hardly ever have that name. */
	blob = g_bytes_new(data, size);
	look_into(blob, fingerprint);
	g_bytes_unref(blob);
	g_free(fingerprint);
	return 0;
}
