/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * packet.c - walk the packets of an OpenPGP object (RFC 4880 section 4).
 *
 * In:    octets in pieces of any size.
 * Out:   events: a packet starts, its body, it ends.
 * Never: keeps a body, decrypts, or trusts a length.
 */
#include "keys/packet.h"

#include "keys/armor.h"

#include <string.h>

/* What the next octet is. */
enum walker_state {
	AT_TAG,
	AT_LENGTH,
	AT_BODY,
};

struct packet_walker {
	const struct packet_events *events;
	enum walker_state state;
	unsigned int tag;
	bool old_format;
	bool partial;       /* another length follows this body chunk */
	bool indeterminate; /* the body goes on to the end of the object */
	bool broken;
	unsigned char length[5];
	size_t length_have;
	size_t length_need;
	uint64_t remaining; /* of the body or chunk */
	uint64_t start;     /* offset of the packet's first header octet */
	uint64_t offset;    /* of the next octet */
};

static int take_tag(struct packet_walker *walker, unsigned char octet);
static int take_length(struct packet_walker *walker, unsigned char octet);
static int body_begins(struct packet_walker *walker, uint64_t length);
static int take_body(struct packet_walker *walker, const unsigned char *data,
    size_t len, size_t *usedp);
static int body_ends(struct packet_walker *walker);

struct packet_walker *
packet_walker_make(const struct packet_events *events)
{
	struct packet_walker *walker = g_new0(struct packet_walker, 1);

	walker->events = events;
	walker->state = AT_TAG;
	return walker;
}

void
packet_walker_free(struct packet_walker **walkerp)
{
	g_clear_pointer(walkerp, g_free);
}

int
packet_walker_feed(struct packet_walker *walker, const void *data, size_t len)
{
	const unsigned char *octets = data;
	size_t used;
	int r = 0;

	while (len > 0 && r == 0 && !walker->broken) {
		used = 1;
		switch (walker->state) {
		case AT_TAG:
			r = take_tag(walker, *octets);
			break;
		case AT_LENGTH:
			r = take_length(walker, *octets);
			break;
		case AT_BODY:
			r = take_body(walker, octets, len, &used);
			break;
		}
		octets += used;
		len -= used;
	}
	if (r != 0)
		walker->broken = true;
	return walker->broken ? -1 : 0;
}

int
packet_walker_finish(struct packet_walker *walker)
{
	if (walker->broken)
		return -1;
	if (walker->indeterminate && walker->state == AT_BODY) {
		walker->indeterminate = false;
		return body_ends(walker);
	}
	return walker->state == AT_TAG ? 0 : -1;
}

static int
take_tag(struct packet_walker *walker, unsigned char octet)
{
	unsigned int type = octet & 3U;

	if ((octet & 0x80) == 0)
		return -1;
	walker->start = walker->offset++;
	walker->old_format = (octet & 0x40) == 0;
	walker->tag = walker->old_format ? (octet >> 2) & 0x0fU : octet & 0x3fU;
	walker->partial = false;
	walker->length_have = 0;
	walker->length_need = walker->old_format ? (size_t)1 << type : 1;
	walker->state = AT_LENGTH;
	if (walker->tag == 0 || walker->events->start(walker->events->context,
				    walker->tag, walker->start) != 0)
		return -1;
	if (walker->old_format && type == 3) {
		walker->indeterminate = true;
		walker->remaining = UINT64_MAX;
		walker->state = AT_BODY;
	}
	return 0;
}

/* Section 4.2.1 (old format) and 4.2.2 (new format). */
static int
take_length(struct packet_walker *walker, unsigned char octet)
{
	const unsigned char *length = walker->length;
	uint64_t value = 0;
	size_t i;

	walker->offset++;
	walker->length[walker->length_have++] = octet;
	if (!walker->old_format && walker->length_have == 1) {
		walker->partial = octet >= 224 && octet < 255;
		if (walker->partial)
			return body_begins(walker, 1ULL << (octet & 0x1f));
		walker->length_need = octet < 192 ? 1 : octet < 224 ? 2 : 5;
	}
	if (walker->length_have < walker->length_need)
		return 0;
	if (!walker->old_format && walker->length_need == 2)
		return body_begins(walker,
		    ((uint64_t)(length[0] - 192) << 8) + length[1] + 192);
	i = !walker->old_format && walker->length_need == 5 ? 1 : 0;
	for (; i < walker->length_need; i++)
		value = value << 8 | length[i];
	return body_begins(walker, value);
}

static int
body_begins(struct packet_walker *walker, uint64_t length)
{
	walker->remaining = length;
	walker->state = AT_BODY;
	return length == 0 ? body_ends(walker) : 0;
}

static int
take_body(struct packet_walker *walker, const unsigned char *data, size_t len,
    size_t *usedp)
{
	size_t n = len;

	if (n > walker->remaining)
		n = (size_t)walker->remaining;
	if (walker->events->body != NULL &&
	    walker->events->body(
		walker->events->context, data, n, walker->offset) != 0)
		return -1;
	*usedp = n;
	walker->offset += n;
	if (!walker->indeterminate)
		walker->remaining -= n;
	return walker->remaining == 0 ? body_ends(walker) : 0;
}

/* A body, or a chunk of it, is over. */
static int
body_ends(struct packet_walker *walker)
{
	walker->length_have = 0;
	if (walker->partial) {
		walker->length_need = 1;
		walker->state = AT_LENGTH;
		return 0;
	}
	walker->state = AT_TAG;
	return walker->events->end == NULL
		   ? 0
		   : walker->events->end(walker->events->context);
}

/* --- Armored key files */

struct dearmor {
	const char *type;
	GByteArray *out;
	int blocks;
	bool wanted;
};

static int
block_begins(void *context, const char *type)
{
	struct dearmor *dearmor = context;

	dearmor->wanted =
	    dearmor->type == NULL || strcmp(dearmor->type, type) == 0;
	if (dearmor->wanted)
		dearmor->blocks++;
	return 0;
}

static int
block_data(void *context, const unsigned char *data, size_t len)
{
	struct dearmor *dearmor = context;

	if (dearmor->wanted)
		g_byte_array_append(dearmor->out, data, (guint)len);
	return 0;
}

int
packet_dearmor(const void *data, size_t len, const char *type, GByteArray *out,
    struct fault *fault)
{
	struct dearmor dearmor = {type, out, 0, false};
	const struct armor_events events = {
	    block_begins, block_data, NULL, &dearmor};
	struct armor_reader *reader;
	int r;

	if (len > G_MAXUINT / 2) {
		fault_set(fault, FAULT_PERM, "%zu octets are too many", len);
		return -1;
	}
	if (len > 0 && (((const unsigned char *)data)[0] & 0x80) != 0) {
		g_byte_array_append(out, data, (guint)len);
		return 1;
	}
	reader = armor_reader_make(&events);
	r = armor_reader_feed(reader, data, len);
	if (r == 0)
		r = armor_reader_finish(reader);
	if (r != 0)
		fault_set(fault, FAULT_PERM, "broken OpenPGP armor: %s",
		    armor_reader_why(reader));
	armor_reader_free(&reader);
	return r != 0 ? -1 : dearmor.blocks;
}
