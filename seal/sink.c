/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * sink.c - make the body of a copy from what an engine writes.
 *
 * In:    an OpenPGP message, binary, in pieces.
 * Out:   multipart/encrypted in a spool.
 * Never: judges; that is the gate's.
 */
#include "seal/sink.h"

#include "keys/armor.h"
#include "keys/packet.h"
#include "seal/mime.h"

#include <string.h>

#define HEAD_OCTETS_MAX (1U << 20) /* some 1,900 PKESK of RSA-4096 */
#define PIECE_OCTETS ((size_t)ARMOR_LINE_OCTETS * 512)

struct sink {
	const struct seal_order *order;
	char *boundary;
	struct spool *body;
	/* The PKESK packets are kept until they are complete. */
	GByteArray *head;
	bool head_done;
	struct packet_walker *walker;
	struct packet_events events;
	bool at_body;   /* the next octets are the first of a PKESK's body */
	GArray *bodies; /* of uint64_t: where PKESK bodies start in the head */
	char *text;
	uint32_t crc;
	/* Octets that make no piece yet; not zeroed. */
	size_t piece_len;
	unsigned char piece[PIECE_OCTETS];
};

static int packet_starts(void *context, unsigned int tag, uint64_t offset);
static int packet_body(
    void *context, const unsigned char *data, size_t len, uint64_t offset);
static int head_flush(struct sink *sink, struct fault *fault);
static int armor_octets(struct sink *sink, const unsigned char *data,
    size_t len, struct fault *fault);
static int piece_flush(struct sink *sink, struct fault *fault);

struct sink *
sink_make(const struct seal_order *order, const char *boundary)
{
	struct sink *sink = g_new(struct sink, 1);
	struct spool_limits limits = *order->limits;

	memset(sink, 0, offsetof(struct sink, piece));
	/* What stays in memory as clear text shall do so when it is sealed:
	 * armor makes it 1.37 times as long. */
	limits.memory_octets += limits.memory_octets / 2;
	sink->order = order;
	sink->boundary = g_strdup(boundary);
	sink->body = spool_make(&limits, false);
	sink->head = g_byte_array_new();
	sink->bodies = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	sink->events =
	    (struct packet_events){packet_starts, packet_body, NULL, sink};
	sink->walker = packet_walker_make(&sink->events);
	sink->text = g_malloc(armor_encoded_size(PIECE_OCTETS));
	sink->crc = ARMOR_CRC_INIT;
	return sink;
}

void
sink_free(struct sink **sinkp)
{
	struct sink *sink = *sinkp;

	if (sink == NULL)
		return;
	spool_free(&sink->body);
	g_byte_array_free(sink->head, TRUE);
	g_array_free(sink->bodies, TRUE);
	packet_walker_free(&sink->walker);
	g_free(sink->boundary);
	g_free(sink->text);
	g_free(sink);
	*sinkp = NULL;
}

int
sink_write(struct sink *sink, const void *data, size_t len, struct fault *fault)
{
	if (sink->head_done)
		return armor_octets(sink, data, len, fault);
	if (sink->head->len + len > HEAD_OCTETS_MAX) {
		fault_set(fault, FAULT_BUG, "too many PKESK packets");
		return -1;
	}
	g_byte_array_append(sink->head, data, (guint)len);
	if (packet_walker_feed(sink->walker, data, len) != 0 &&
	    !sink->head_done) {
		fault_set(
		    fault, FAULT_TEMP, "the engine wrote no OpenPGP packets");
		return -1;
	}
	return sink->head_done ? head_flush(sink, fault) : 0;
}

/* The first packet that is no PKESK ends the head, and the walk. */
static int
packet_starts(void *context, unsigned int tag, uint64_t offset)
{
	struct sink *sink = context;

	(void)offset;
	sink->head_done = tag != PACKET_PKESK;
	sink->at_body = true;
	return sink->head_done ? -1 : 0;
}

static int
packet_body(
    void *context, const unsigned char *data, size_t len, uint64_t offset)
{
	struct sink *sink = context;

	(void)data;
	(void)len;
	if (sink->at_body)
		g_array_append_val(sink->bodies, offset);
	sink->at_body = false;
	return 0;
}

static bool
is_hidden(const struct seal_order *order, uint64_t key_id)
{
	size_t i;

	for (i = 0; i < order->readers_count; i++)
		if (order->readers[i].hidden &&
		    order->readers[i].key->subkey_id == key_id)
			return true;
	return false;
}

/* All PKESK are there: a version octet and eight of key ID in each. */
static int
head_flush(struct sink *sink, struct fault *fault)
{
	GByteArray *head = sink->head;
	uint64_t key_id, body;
	guint i, j;

	for (i = 0; i < sink->bodies->len; i++) {
		body = g_array_index(sink->bodies, uint64_t, i);
		if (body + 9 > head->len)
			continue;
		for (key_id = 0, j = 1; j < 9; j++)
			key_id = key_id << 8 | head->data[body + j];
		if (is_hidden(sink->order, key_id))
			memset(head->data + body + 1, 0, 8);
	}
	return armor_octets(sink, head->data, head->len, fault);
}

static int
armor_octets(struct sink *sink, const unsigned char *data, size_t len,
    struct fault *fault)
{
	size_t n;

	while (len > 0) {
		n = MIN(len, PIECE_OCTETS - sink->piece_len);
		memcpy(sink->piece + sink->piece_len, data, n);
		sink->piece_len += n;
		data += n;
		len -= n;
		if (sink->piece_len == PIECE_OCTETS &&
		    piece_flush(sink, fault) != 0)
			return -1;
	}
	return 0;
}

/* Whole lines, but for the last piece. */
static int
piece_flush(struct sink *sink, struct fault *fault)
{
	size_t n = armor_encode(sink->piece, sink->piece_len, sink->text);

	sink->crc = armor_crc(sink->crc, sink->piece, sink->piece_len);
	sink->piece_len = 0;
	return spool_append(sink->body, sink->text, n, fault);
}

static int
append_text(struct sink *sink, char *text, struct fault *fault)
{
	int r = spool_append(sink->body, text, strlen(text), fault);

	g_free(text);
	return r;
}

int
sink_begin(struct sink *sink, struct fault *fault)
{
	return append_text(sink, mime_before(sink->boundary), fault);
}

int
sink_finish(struct sink *sink, struct spool **bodyp, struct fault *fault)
{
	char crc[6];

	if (!sink->head_done) {
		fault_set(fault, FAULT_TEMP, "the engine wrote nothing");
		return -1;
	}
	if (piece_flush(sink, fault) != 0)
		return -1;
	armor_encode_crc(sink->crc, crc);
	if (append_text(sink, g_strdup_printf("%s\r\n", crc), fault) != 0 ||
	    append_text(sink, mime_after(sink->boundary), fault) != 0)
		return -1;
	*bodyp = sink->body;
	sink->body = NULL;
	return 0;
}
