/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * gate.c - read a sealed copy again before it counts.
 *
 * In:    a finished copy, what it should be, samples of what is in it.
 * Out:   yes, or what is wrong.
 * Never: believes an engine.
 */
#include <config.h>

#include "seal/gate.h"

#include "keys/armor.h"
#include "keys/packet.h"
#include "seal/mime.h"
#include "seal/protect.h"

#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#define SAMPLES 8
#define SAMPLE_OCTETS 24
#define WINDOW_OCTETS 16384
#define PKESK_HEAD 9 /* version, key ID: RFC 4880 section 5.1 */

struct sample {
	uint64_t offset;
	size_t have;
	unsigned char octets[SAMPLE_OCTETS];
};

struct gate {
	uint64_t payload_octets;
	uint64_t seen;
	struct sample samples[SAMPLES];
};

/*
 * To find any of the samples in one pass that looks at every 16th place only:
 * of a sample that stands somewhere, eight octets start at such a place.  All
 * the pieces that these can be are hashed into a filter.
 */
#define STRIDE 16
#define FILTER_BITS 65536

struct piece {
	uint64_t octets;
	const struct sample *sample;
	size_t offset; /* of the octets in the sample */
};

/* The copy while it is read. */
struct reading {
	const struct gate *gate;
	const char *what; /* is wrong; NULL: nothing yet */
	/* The dress. */
	char *before, *after;
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
	/* The search for samples. */
	size_t window_len;
	size_t window_old; /* octets at its start that were searched */
	size_t pieces_count;
	unsigned char filter[FILTER_BITS / 8];
	/* From here on nothing is zeroed: it is written before it is read. */
	struct piece pieces[SAMPLES * STRIDE];
	unsigned char window[WINDOW_OCTETS];
};

static int check_header(const struct seal_order *order,
    const struct message *message, const struct sealed *sealed,
    const char *boundary, struct fault *fault);
static const char *read_copy(
    struct reading *reading, const struct spool *body, struct fault *fault);
static int take_text(
    struct reading *reading, const unsigned char *data, size_t len);
static int take_octets(void *context, const unsigned char *data, size_t len);
static int window_flush(struct reading *reading);
static void add_pieces(struct reading *reading, const struct sample *sample);
static bool window_has_sample(const struct reading *reading);
static int packet_starts(void *context, unsigned int tag, uint64_t offset);
static int packet_body(
    void *context, const unsigned char *data, size_t len, uint64_t offset);
static int packet_ends(void *context);
static const char *check_readers(
    const struct reading *reading, const struct seal_order *order);
static const char *check_length(const struct reading *reading);

struct gate *
gate_make(uint64_t payload_octets, struct fault *fault)
{
	struct gate *gate = g_new0(struct gate, 1);
	uint64_t random[SAMPLES];
	size_t i;

	if (getentropy(random, sizeof(random)) != 0) {
		fault_set(fault, FAULT_TEMP, "no random octets for the gate");
		g_free(gate);
		return NULL;
	}
	gate->payload_octets = payload_octets;
	for (i = 0; i < SAMPLES && payload_octets > SAMPLE_OCTETS; i++)
		gate->samples[i].offset =
		    random[i] % (payload_octets - SAMPLE_OCTETS);
	return gate;
}

void
gate_free(struct gate **gatep)
{
	if (*gatep != NULL)
		OPENSSL_cleanse(*gatep, sizeof(**gatep));
	g_clear_pointer(gatep, g_free);
}

void
gate_rewind(struct gate *gate)
{
	size_t i;

	gate->seen = 0;
	for (i = 0; i < SAMPLES; i++)
		gate->samples[i].have = 0;
}

void
gate_see(struct gate *gate, const unsigned char *data, size_t len)
{
	struct sample *sample;
	uint64_t wanted;
	size_t i, n;

	for (i = 0; i < SAMPLES; i++) {
		sample = &gate->samples[i];
		wanted = sample->offset + sample->have;
		if (sample->have == SAMPLE_OCTETS || wanted < gate->seen ||
		    wanted >= gate->seen + len)
			continue;
		n = MIN(SAMPLE_OCTETS - sample->have,
		    (size_t)(gate->seen + len - wanted));
		memcpy(sample->octets + sample->have,
		    data + (wanted - gate->seen), n);
		sample->have += n;
	}
	gate->seen += len;
}

int
gate_pass(struct gate *gate, const struct seal_order *order,
    const struct message *message, const struct sealed *sealed,
    const char *boundary, struct fault *fault)
{
	struct reading *reading;
	const char *what;
	int ret = -1;

	if (check_header(order, message, sealed, boundary, fault) != 0)
		return -1;
	reading = g_new(struct reading, 1);
	memset(reading, 0, offsetof(struct reading, pieces));
	reading->gate = gate;
	reading->before = mime_before(boundary);
	reading->after = mime_after(boundary);
	reading->key_ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	if (fault != NULL)
		fault->kind = FAULT_NONE;
	what = read_copy(reading, sealed->body, fault);
	if (what == NULL)
		what = check_readers(reading, order);
	if (what == NULL)
		what = check_length(reading);
	if (what == NULL)
		ret = 0;
	else if (fault == NULL || fault->kind == FAULT_NONE)
		fault_set(
		    fault, FAULT_BUG, "the gate stopped a copy: %s", what);
	g_array_free(reading->key_ids, TRUE);
	g_free(reading->before);
	g_free(reading->after);
	/* If it passed, there is nothing but ciphertext in the window. */
	OPENSSL_cleanse(reading,
	    ret == 0 ? offsetof(struct reading, window) : sizeof(*reading));
	g_free(reading);
	return ret;
}

/* --- The header */

/* Describing the body is our Content-Type's business alone, and a hidden
 * Subject is hidden.  1: this is our Content-Type; -1: it tells too much. */
static int
look_at_field(const struct seal_order *order, const char *type,
    const char *name, const char *value)
{
	const struct field field = {
	    (char *)(uintptr_t)name, (char *)(uintptr_t)value};

	if (field_is(&field, "Content-Type") && strcmp(value, type) == 0)
		return 1;
	if (g_ascii_strncasecmp(name, "Content-", 8) == 0)
		return -1;
	return order->hide_subject && field_is(&field, "Subject") &&
		       strcmp(value, HIDDEN_SUBJECT) != 0
		   ? -1
		   : 0;
}

static int
check_header(const struct seal_order *order, const struct message *message,
    const struct sealed *sealed, const char *boundary, struct fault *fault)
{
	char *type = mime_content_type(boundary);
	const struct field *field;
	unsigned int types = 0, bad = 0;
	size_t i;
	int r;

	for (i = 0; i < sealed->count + sealed->added->len; i++) {
		if (i >= sealed->count)
			field = &g_array_index(
			    sealed->added, struct field, i - sealed->count);
		else if (sealed->outside[i] == OUTSIDE_DROP)
			continue;
		else
			field = &message->header.list[i];
		r = look_at_field(order, type, field->name,
		    i < sealed->count && sealed->outside[i] == OUTSIDE_CHANGE
			? sealed->value[i]
			: field->value);
		types += r == 1;
		bad += r == -1;
	}
	g_free(type);
	if (types == 1 && bad == 0)
		return 0;
	fault_set(fault, FAULT_BUG,
	    "the gate stopped a copy: its header tells about the content");
	return -1;
}

/* --- The body */

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
	size_t len, i;
	int r;

	for (i = 0; i < SAMPLES; i++)
		add_pieces(reading, &reading->gate->samples[i]);
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
	    (window_flush(reading) != 0 ||
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

/* Decoded octets, a line at a time, gathered for the two searches. */
static int
take_octets(void *context, const unsigned char *data, size_t len)
{
	struct reading *reading = context;

	if (reading->window_len + len > WINDOW_OCTETS &&
	    window_flush(reading) != 0)
		return -1;
	memcpy(reading->window + reading->window_len, data, len);
	reading->window_len += len;
	return 0;
}

static int
window_flush(struct reading *reading)
{
	size_t keep;

	if (window_has_sample(reading))
		reading->what = "it contains clear text";
	else if (packet_walker_feed(reading->walker,
		     reading->window + reading->window_old,
		     reading->window_len - reading->window_old) != 0 &&
		 reading->what == NULL)
		reading->what = "its packets are not what they should be";
	keep = MIN(reading->window_len, SAMPLE_OCTETS - 1);
	memmove(reading->window, reading->window + reading->window_len - keep,
	    keep);
	reading->window_len = reading->window_old = keep;
	return reading->what == NULL ? 0 : -1;
}

static uint64_t
octets_at(const unsigned char *data)
{
	uint64_t octets;

	memcpy(&octets, data, sizeof(octets));
	return octets;
}

static unsigned int
filter_bit(uint64_t octets)
{
	return (unsigned int)(octets * 0x9e3779b97f4a7c15U >> 48);
}

static void
add_pieces(struct reading *reading, const struct sample *sample)
{
	struct piece *piece;
	unsigned int bit;
	size_t i;

	for (i = 0; sample->have == SAMPLE_OCTETS && i < STRIDE; i++) {
		piece = &reading->pieces[reading->pieces_count++];
		*piece =
		    (struct piece){octets_at(sample->octets + i), sample, i};
		bit = filter_bit(piece->octets);
		reading->filter[bit / 8] |= (unsigned char)(1U << bit % 8);
	}
}

/* A piece may be at p, i octets into the window: is all of its sample? */
static bool
is_sample(const struct reading *reading, const unsigned char *p, size_t i)
{
	const struct piece *piece = reading->pieces;
	size_t n;

	for (n = 0; n < reading->pieces_count; n++, piece++)
		if (piece->octets == octets_at(p) && i >= piece->offset &&
		    i - piece->offset + SAMPLE_OCTETS <= reading->window_len &&
		    memcmp(p - piece->offset, piece->sample->octets,
			SAMPLE_OCTETS) == 0)
			return true;
	return false;
}

static bool
window_has_sample(const struct reading *reading)
{
	const unsigned char *p = reading->window;
	unsigned int bit;
	size_t i;

	for (i = 0; i + sizeof(uint64_t) <= reading->window_len; i += STRIDE) {
		bit = filter_bit(octets_at(p + i));
		if ((reading->filter[bit / 8] >> bit % 8 & 1) != 0 &&
		    is_sample(reading, p + i, i))
			return true;
	}
	return false;
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
