/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * gate_pgp.c - read a PGP/MIME body again.
 *
 * In:    a finished body, what it should be, samples of what is in it.
 * Out:   nothing, or what is wrong.
 * Never: believes an engine.
 */
#include "seal/gate_private.h"

#include "keys/armor.h"
#include "keys/packet.h"

#include <openssl/crypto.h>
#include <string.h>

#define PKESK_HEAD 9 /* version, key ID: RFC 4880 section 5.1 */

/* The copy while it is read. */
struct reading {
	const struct gate *gate;
	const char *what; /* is wrong; NULL: nothing yet */
	/* The dress. */
	const char *before, *after;
	size_t before_len, after_len, armor_start;
	uint64_t position, size;
	struct armor_reader *armor;
	/* The packets. */
	struct packet_walker *walker;
	unsigned int tag;
	unsigned char head[PKESK_HEAD];
	size_t head_len;
	GArray *key_ids; /* of uint64_t, as found */
	unsigned int seipd_packets;
	uint64_t seipd_octets;
	struct search search; /* the last, as most of it is not zeroed */
};

static const char *read_copy(
    struct reading *reading, const struct spool *body, struct fault *fault);
static int take_text(
    struct reading *reading, const unsigned char *data, size_t len);
static int take_octets(void *context, const unsigned char *data, size_t len);
static int end_octets(struct reading *reading);
static int take_packets(void *context, const unsigned char *data, size_t len);
static int packet_starts(void *context, unsigned int tag, uint64_t offset);
static int packet_body(
    void *context, const unsigned char *data, size_t len, uint64_t offset);
static int packet_ends(void *context);
static const char *check_readers(
    const struct reading *reading, const struct seal_order *order);
static const char *check_length(const struct reading *reading);

const char *
gate_read_pgp(struct gate *gate, const struct seal_order *order,
    const struct dress *dress, const struct spool *body, struct fault *fault)
{
	struct reading *reading = g_new(struct reading, 1);
	const char *what;

	memset(reading, 0, offsetof(struct reading, search.pieces));
	reading->gate = gate;
	reading->before = dress->before;
	reading->after = dress->after;
	reading->key_ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	what = read_copy(reading, body, fault);
	if (what == NULL)
		what = check_readers(reading, order);
	if (what == NULL)
		what = check_length(reading);
	g_array_free(reading->key_ids, TRUE);
	/* If it passed, there is nothing but ciphertext in the window. */
	OPENSSL_cleanse(reading, what == NULL
				     ? offsetof(struct reading, search.window)
				     : sizeof(*reading));
	g_free(reading);
	return what;
}

/* NULL, or what is wrong; "" when the fault is filled in already. */
static const char *
read_copy(
    struct reading *reading, const struct spool *body, struct fault *fault)
{
	const struct armor_events armor = {NULL, take_octets, NULL, reading};
	const struct packet_events packets = {
	    packet_starts, packet_body, packet_ends, reading};
	struct spool_reader *reader = spool_reader_make(body);
	const unsigned char *data;
	size_t len;
	int r;

	search_begin(&reading->search, reading->gate, take_packets, reading);
	reading->before_len = strlen(reading->before);
	reading->after_len = strlen(reading->after);
	reading->armor_start =
	    (size_t)(strstr(reading->before, "-----BEGIN") - reading->before);
	reading->size = spool_size(body);
	reading->armor = armor_reader_make(&armor);
	reading->walker = packet_walker_make(&packets);
	if (reading->size < reading->before_len + reading->after_len)
		reading->what = "it is too short";
	r = 1;
	while (reading->what == NULL &&
	       (r = spool_reader_next(reader, &data, &len, fault)) == 1)
		take_text(reading, data, len);
	if (r == -1)
		reading->what = "";
	if (reading->what == NULL &&
	    (armor_reader_finish(reading->armor) != 0 ||
		armor_reader_blocks(reading->armor) != 1 ||
		armor_reader_has_stray_text(reading->armor)))
		reading->what = "its armor is broken";
	if (reading->what == NULL &&
	    (end_octets(reading) != 0 ||
		packet_walker_finish(reading->walker) != 0) &&
	    reading->what == NULL)
		reading->what = "its last packet is cut short";
	armor_reader_free(&reading->armor);
	packet_walker_free(&reading->walker);
	spool_reader_free(&reader);
	return reading->what;
}

/* Octets of the body that lie in [start, end) of it: where, and how many. */
static size_t
overlap(const struct reading *reading, size_t len, uint64_t start, uint64_t end,
    size_t *skipp)
{
	uint64_t from = MAX(reading->position, start);
	uint64_t to = MIN(reading->position + len, end);

	if (from >= to)
		return 0;
	*skipp = (size_t)(from - reading->position);
	return (size_t)(to - from);
}

/* The dress is compared; what is between, with the armor's own first and
 * last line, goes to the armor reader. */
static int
take_text(struct reading *reading, const unsigned char *data, size_t len)
{
	size_t end_line = strcspn(reading->after, "\n") + 1, skip = 0, n;
	uint64_t after = reading->size - reading->after_len;

	n = overlap(reading, len, 0, reading->before_len, &skip);
	if (n > 0 && memcmp(data + skip,
			 reading->before + reading->position + skip, n) != 0)
		reading->what = "something stands before the ciphertext";
	n = overlap(reading, len, after, reading->size, &skip);
	if (n > 0 &&
	    memcmp(data + skip,
		reading->after + (reading->position + skip - after), n) != 0)
		reading->what = "something stands behind the ciphertext";
	n = overlap(
	    reading, len, reading->armor_start, after + end_line, &skip);
	if (n > 0 && reading->what == NULL &&
	    armor_reader_feed(reading->armor, data + skip, n) != 0 &&
	    reading->what == NULL)
		reading->what = "its armor is broken";
	reading->position += len;
	return 0;
}

/* Decoded octets, a line at a time. */
static int
take_octets(void *context, const unsigned char *data, size_t len)
{
	struct reading *reading = context;

	if (search_feed(&reading->search, data, len) == 0)
		return 0;
	if (reading->search.found)
		reading->what = "it contains clear text";
	return -1;
}

static int
end_octets(struct reading *reading)
{
	if (search_end(&reading->search) == 0)
		return 0;
	if (reading->search.found)
		reading->what = "it contains clear text";
	return -1;
}

static int
take_packets(void *context, const unsigned char *data, size_t len)
{
	struct reading *reading = context;

	if (packet_walker_feed(reading->walker, data, len) == 0)
		return 0;
	if (reading->what == NULL)
		reading->what = "its packets are not what they should be";
	return -1;
}

/* --- The packets */

static int
packet_starts(void *context, unsigned int tag, uint64_t offset)
{
	struct reading *reading = context;

	(void)offset;
	if (reading->seipd_packets > 0 ||
	    (tag != PACKET_PKESK && tag != PACKET_SEIPD))
		return -1;
	reading->tag = tag;
	reading->head_len = 0;
	if (tag == PACKET_SEIPD)
		reading->seipd_packets++;
	return 0;
}

static int
packet_body(
    void *context, const unsigned char *data, size_t len, uint64_t offset)
{
	struct reading *reading = context;
	size_t n = MIN(len, sizeof(reading->head) - reading->head_len);

	(void)offset;
	memcpy(reading->head + reading->head_len, data, n);
	reading->head_len += n;
	if (reading->tag == PACKET_SEIPD)
		reading->seipd_octets += len;
	return 0;
}

static int
packet_ends(void *context)
{
	struct reading *reading = context;
	uint64_t key_id = 0;
	size_t i;

	/* PKESK version 3, SEIPD version 1: RFC 4880 5.1 and 5.13. */
	if (reading->head_len < sizeof(reading->head) ||
	    reading->head[0] != (reading->tag == PACKET_PKESK ? 3 : 1))
		return -1;
	if (reading->tag != PACKET_PKESK)
		return 0;
	for (i = 1; i < PKESK_HEAD; i++)
		key_id = key_id << 8 | reading->head[i];
	g_array_append_val(reading->key_ids, key_id);
	return 0;
}

/* Every reader once, and nobody else. */
static const char *
check_readers(const struct reading *reading, const struct seal_order *order)
{
	uint64_t want, *found;
	guint i, j;

	if (reading->key_ids->len != order->readers_count)
		return "it is not made for as many keys as planned";
	for (i = 0; i < order->readers_count; i++) {
		want = order->readers[i].hidden
			   ? 0
			   : order->readers[i].key->subkey_id;
		for (j = 0; j < reading->key_ids->len; j++)
			if (g_array_index(reading->key_ids, uint64_t, j) ==
			    want)
				break;
		if (j == reading->key_ids->len)
			return "it is made for a key that was not planned";
		/* Used up: 1 is no key ID of a plan. */
		found = &g_array_index(reading->key_ids, uint64_t, j);
		*found = 1;
	}
	return NULL;
}

/* Without compression the ciphertext is as long as the payload, and: version
 * 1, prefix 18, literal packet header >= 8, MDC 22.  GnuPG and RNP cut the
 * literal packet into chunks of 512 octets or more, each with a length. */
static const char *
check_length(const struct reading *reading)
{
	uint64_t payload = reading->gate->payload_octets;

	if (reading->gate->seen != payload)
		return "the engine did not read all of the payload";
	if (reading->seipd_packets != 1 || reading->seipd_octets < payload + 49)
		return "its ciphertext is shorter than what it should hold";
	if (reading->seipd_octets > payload + payload / 64 + 1024)
		return "its ciphertext is longer than what it should hold";
	return NULL;
}
