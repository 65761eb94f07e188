/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * material.c - the numbers in a public key packet.
 *
 * In:    a key in OpenPGP packets, from strangers; which subkey of it.
 * Out:   where its modulus, or its point, is.
 * Never: believes a length, or says whether a key may be used.
 */
#include <config.h>

#include "keys/material.h"

#include "keys/keyblock.h"
#include "keys/packet.h"

#include <string.h>

#define TAG_PUBLIC_SUBKEY 14 /* RFC 4880 section 4.3 */

struct search {
	const char *fingerprint;
	bool look; /* into this packet */
	bool taken;
	bool found;
	struct octets body;
};

/* What is left of a packet's body. */
struct cursor {
	const unsigned char *at;
	size_t left;
};

static int
packet_starts(void *context, unsigned int tag, uint64_t offset)
{
	struct search *search = context;

	(void)offset;
	search->look = tag == PACKET_PUBLIC_KEY || tag == TAG_PUBLIC_SUBKEY;
	search->taken = false;
	return 0;
}

static int
packet_body(
    void *context, const unsigned char *data, size_t len, uint64_t offset)
{
	struct search *search = context;
	char *fingerprint;

	(void)offset;
	/* A key packet comes in one piece (RFC 4880 section 4.2.2.4). */
	if (search->taken)
		search->look = search->found = false;
	search->taken = true;
	if (!search->look || len < 6 || len > G_MAXUINT16 || data[0] != 4)
		return 0;
	fingerprint = keyblock_fingerprint(data, len);
	if (g_ascii_strcasecmp(fingerprint, search->fingerprint) == 0) {
		search->body = (struct octets){data, len};
		search->found = true;
	}
	g_free(fingerprint);
	return 0;
}

/* Those that are wanted end the walk. */
static int
packet_ends(void *context)
{
	const struct search *search = context;

	return search->found ? -1 : 0;
}

static int
take(struct cursor *cursor, size_t len, struct octets *octets)
{
	if (cursor->left < len)
		return -1;
	*octets = (struct octets){cursor->at, len};
	cursor->at += len;
	cursor->left -= len;
	return 0;
}

/* RFC 4880 section 3.2: 16 bits of how many bits, and the octets. */
static int
take_number(struct cursor *cursor, struct octets *octets)
{
	struct octets head;
	size_t bits;

	if (take(cursor, 2, &head) != 0)
		return -1;
	bits = (size_t)head.data[0] << 8 | head.data[1];
	if (take(cursor, (bits + 7) / 8, octets) != 0 || bits == 0)
		return -1;
	while (octets->len > 1 && octets->data[0] == 0) {
		octets->data++;
		octets->len--;
	}
	return octets->data[0] == 0 ? -1 : 0;
}

static int
take_rsa(struct cursor *cursor, struct material *material)
{
	return take_number(cursor, &material->modulus) != 0 ||
		       take_number(cursor, &material->exponent) != 0
		   ? -1
		   : 0;
}

/* RFC 6637 section 9: curve, point, and four octets of how to derive. */
static int
take_ecdh(struct cursor *cursor, struct material *material)
{
	struct octets head, kdf;

	if (take(cursor, 1, &head) != 0 || head.data[0] == 0 ||
	    take(cursor, head.data[0], &material->curve) != 0 ||
	    take_number(cursor, &material->point) != 0 ||
	    take(cursor, 4, &kdf) != 0 || kdf.data[0] != 3 || kdf.data[1] != 1)
		return -1;
	material->kdf_hash = kdf.data[2];
	material->kdf_cipher = kdf.data[3];
	return 0;
}

static int
read_packet(const struct octets *body, struct material *material)
{
	struct cursor cursor = {body->data + 6, body->len - 6};
	int r;

	material->algorithm = body->data[5];
	switch (material->algorithm) {
	case MATERIAL_RSA:
	case MATERIAL_RSA_ENCRYPT:
		r = take_rsa(&cursor, material);
		break;
	case MATERIAL_ECDH:
		r = take_ecdh(&cursor, material);
		break;
	default:
		/* Nothing of it is known but its name. */
		return 0;
	}
	return r == 0 && cursor.left == 0 ? 0 : -1;
}

static int
read_fingerprint(const char *hex, unsigned char *octets)
{
	size_t i;

	if (strspn(hex, "0123456789ABCDEFabcdef") != 2 * MATERIAL_FINGERPRINT ||
	    strlen(hex) != 2 * MATERIAL_FINGERPRINT)
		return -1;
	for (i = 0; i < MATERIAL_FINGERPRINT; i++)
		octets[i] =
		    (unsigned char)(g_ascii_xdigit_value(hex[2 * i]) << 4 |
				    g_ascii_xdigit_value(hex[2 * i + 1]));
	return 0;
}

int
material_find(GBytes *blob, const char *fingerprint, struct material *material,
    const char **whyp)
{
	struct search search = {.fingerprint = fingerprint};
	const struct packet_events events = {
	    packet_starts, packet_body, packet_ends, &search};
	struct material found = {0};
	struct packet_walker *walker;
	gsize len;
	const void *data = g_bytes_get_data(blob, &len);

	*whyp = NULL;
	if (read_fingerprint(fingerprint, found.fingerprint) != 0) {
		*whyp = "it is not of version 4";
		return 0;
	}
	walker = packet_walker_make(&events);
	if (packet_walker_feed(walker, data, len) != 0 && !search.found)
		*whyp = "its packets are broken";
	else if (!search.found)
		*whyp = "the subkey is not in it";
	else if (read_packet(&search.body, &found) != 0)
		*whyp = "its numbers are broken";
	packet_walker_free(&walker);
	if (*whyp != NULL)
		return 0;
	*material = found;
	return 1;
}
