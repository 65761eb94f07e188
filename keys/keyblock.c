/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * keyblock.c - which keys are in these octets, and what do they call
 * themselves?
 *
 * In:    binary OpenPGP packets, from strangers.
 * Out:   for each key where it is, its fingerprint, its addresses.
 * Never: believes a signature, or a length without checking it.
 */
#include <config.h>

#include "keys/keyblock.h"

#include "keys/packet.h"
#include "policy/address.h"

#include <string.h>

/* Packets that we look into are kept whole, up to this size. */
#define BODY_OCTETS (64U * 1024U)

/* RFC 4880 section 4.3; those that packet.h has no use for. */
enum {
	TAG_SIGNATURE = 2,
	TAG_TRUST = 12,
	TAG_USER_ID = 13,
	TAG_PUBLIC_SUBKEY = 14,
	TAG_USER_ATTRIBUTE = 17,
	TAG_PRIVATE_FIRST = 60,
};

struct splitter {
	GPtrArray *blocks;
	struct keyblock *open; /* the key that the next packets belong to */
	unsigned int tag;
	GByteArray *body; /* of a packet that we look into */
	bool keep;
};

static int packet_starts(void *context, unsigned int tag, uint64_t offset);
static int packet_body(
    void *context, const unsigned char *data, size_t len, uint64_t offset);
static int packet_ends(void *context);
static bool belongs(unsigned int tag);
static void close_block(struct splitter *splitter, uint64_t offset);
static void free_block(void *block);
static void take_key(
    struct keyblock *block, const GByteArray *body, bool secret);
static size_t public_len(const unsigned char *body, size_t len);
static void take_user_id(struct keyblock *block, const GByteArray *body);

int
keyblock_split(
    const void *octets, size_t len, GPtrArray **blocksp, struct fault *fault)
{
	struct splitter splitter = {NULL, NULL, 0, NULL, false};
	const struct packet_events events = {
	    packet_starts, packet_body, packet_ends, &splitter};
	struct packet_walker *walker = packet_walker_make(&events);
	int ret = -1;

	splitter.blocks = g_ptr_array_new_with_free_func(free_block);
	splitter.body = g_byte_array_new();
	if (packet_walker_feed(walker, octets, len) != 0 ||
	    packet_walker_finish(walker) != 0) {
		fault_set(fault, FAULT_PERM,
		    "these are no OpenPGP packets, or they are cut off");
		goto out;
	}
	close_block(&splitter, len);
	*blocksp = g_steal_pointer(&splitter.blocks);
	ret = 0;
out:
	packet_walker_free(&walker);
	g_byte_array_unref(splitter.body);
	if (splitter.blocks != NULL)
		g_ptr_array_unref(splitter.blocks);
	return ret;
}

static int
packet_starts(void *context, unsigned int tag, uint64_t offset)
{
	struct splitter *splitter = context;

	splitter->tag = tag;
	splitter->keep = false;
	g_byte_array_set_size(splitter->body, 0);
	if (tag == PACKET_PUBLIC_KEY || tag == PACKET_SECRET_KEY) {
		close_block(splitter, offset);
		splitter->open = g_new0(struct keyblock, 1);
		splitter->open->offset = (size_t)offset;
		splitter->open->addresses =
		    g_ptr_array_new_with_free_func(g_free);
		g_ptr_array_add(splitter->blocks, splitter->open);
		splitter->keep = true;
	} else if (!belongs(tag)) {
		close_block(splitter, offset);
	}
	if (splitter->open == NULL)
		return 0;
	if (tag == PACKET_SECRET_KEY || tag == PACKET_SECRET_SUBKEY)
		splitter->open->secret = true;
	splitter->keep = splitter->keep || tag == TAG_USER_ID;
	return 0;
}

/* Of a transferable key; other packets stand between keys. */
static bool
belongs(unsigned int tag)
{
	switch (tag) {
	case TAG_SIGNATURE:
	case PACKET_SECRET_SUBKEY:
	case PACKET_MARKER:
	case TAG_TRUST:
	case TAG_USER_ID:
	case TAG_PUBLIC_SUBKEY:
	case TAG_USER_ATTRIBUTE:
		return true;
	default:
		return tag >= TAG_PRIVATE_FIRST;
	}
}

static int
packet_body(
    void *context, const unsigned char *data, size_t len, uint64_t offset)
{
	struct splitter *splitter = context;

	(void)offset;
	if (splitter->body->len + len > BODY_OCTETS)
		splitter->keep = false;
	if (splitter->keep)
		g_byte_array_append(splitter->body, data, (guint)len);
	return 0;
}

static int
packet_ends(void *context)
{
	struct splitter *splitter = context;

	if (!splitter->keep || splitter->open == NULL)
		return 0;
	if (splitter->tag == TAG_USER_ID)
		take_user_id(splitter->open, splitter->body);
	else
		take_key(splitter->open, splitter->body,
		    splitter->tag == PACKET_SECRET_KEY);
	return 0;
}

static void
close_block(struct splitter *splitter, uint64_t offset)
{
	if (splitter->open != NULL)
		splitter->open->len = (size_t)offset - splitter->open->offset;
	splitter->open = NULL;
}

static void
free_block(void *data)
{
	struct keyblock *block = data;

	g_free(block->fingerprint);
	g_ptr_array_unref(block->addresses);
	g_free(block);
}

static void
take_key(struct keyblock *block, const GByteArray *body, bool secret)
{
	size_t len = body->len;

	if (len < 6)
		return;
	block->version = body->data[0];
	if (block->version != 4)
		return;
	if (secret)
		len = public_len(body->data, len);
	if (len > 0 && len <= G_MAXUINT16)
		block->fingerprint = keyblock_fingerprint(body->data, len);
}

char *
keyblock_fingerprint(const unsigned char *body, size_t len)
{
	const unsigned char head[] = {
	    0x99, (unsigned char)(len >> 8), (unsigned char)(len & 0xff)};
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA1);
	char *hex;

	g_checksum_update(sum, head, sizeof(head));
	g_checksum_update(sum, body, (gssize)len);
	hex = g_ascii_strup(g_checksum_get_string(sum), -1);
	g_checksum_free(sum);
	return hex;
}

/*
 * The octets of a version 4 secret key packet that are the public key, so
 * that a refused one can be named.  0 if they do not fit.
 */
static size_t
public_len(const unsigned char *body, size_t len)
{
	/* Numbers, curve names and KDF parameters by algorithm (9.1): */
	static const struct {
		unsigned char algorithm;
		const char *parts; /* m: MPI, o: one octet of length first */
	} layouts[] = {
	    {1, "mm"},
	    {2, "mm"},
	    {3, "mm"},
	    {16, "mmm"},
	    {17, "mmmm"},
	    {20, "mmm"},
	    {18, "omo"},
	    {19, "om"},
	    {22, "om"},
	};

	const char *part = "";
	size_t at = 6, i;

	for (i = 0; i < G_N_ELEMENTS(layouts); i++)
		if (layouts[i].algorithm == body[5])
			part = layouts[i].parts;
	if (*part == '\0')
		return 0;
	for (; *part != '\0' && at + 2 <= len; part++) {
		if (*part == 'o')
			at += 1U + body[at];
		else
			at += 2U +
			      (((size_t)body[at] << 8 | body[at + 1]) + 7) / 8;
	}
	return *part == '\0' && at <= len ? at : 0;
}

static void
take_user_id(struct keyblock *block, const GByteArray *body)
{
	char *text = g_strndup((const char *)body->data, body->len);
	char *address = keyblock_address(text);

	if (address != NULL)
		g_ptr_array_add(block->addresses, address);
	g_free(text);
}

char *
keyblock_address(const char *user_id)
{
	const char *open = strchr(user_id, '<'), *close;
	char *text, *address;

	if (open == NULL) {
		text = g_strdup(user_id);
	} else {
		/* Two of them, and it depends on the reader whose key it is. */
		close = strchr(open, '>');
		if (close == NULL || strchr(open + 1, '<') != NULL)
			return NULL;
		text = g_strndup(open + 1, (gsize)(close - open - 1));
	}
	address = address_canonical(text);
	g_free(text);
	if (address != NULL && *address_domain(address) == '\0')
		g_clear_pointer(&address, g_free);
	return address;
}
