/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_packet.c - packets are the same however they come in pieces, and
 * every octet of a body is one of the input, where the event says.
 */
#include "config.h"

#include "keys/packet.h"
#include "tests/fuzz/fuzz.h"

struct seen {
	const uint8_t *data;
	size_t size;
	uint64_t packets, ends, octets, sum;
};

static int
on_start(void *context, unsigned int tag, uint64_t offset)
{
	struct seen *seen = context;

	PROMISE(tag > 0 && tag < 64 && offset < seen->size);
	PROMISE(seen->packets++ == seen->ends);
	seen->sum = seen->sum * 31 + tag + offset;
	return 0;
}

static int
on_body(void *context, const unsigned char *data, size_t len, uint64_t offset)
{
	struct seen *seen = context;

	PROMISE(len > 0 && offset <= seen->size && len <= seen->size - offset);
	PROMISE(memcmp(data, seen->data + offset, len) == 0);
	seen->octets += len;
	return 0;
}

static int
on_end(void *context)
{
	struct seen *seen = context;

	PROMISE(++seen->ends == seen->packets);
	return 0;
}

static int
walk(const uint8_t *data, size_t size, size_t piece, struct seen *seen)
{
	const struct packet_events events = {on_start, on_body, on_end, seen};
	struct packet_walker *walker = packet_walker_make(&events);
	size_t n;
	int r = 0;

	*seen = (struct seen){.data = data, .size = size};
	for (; size > 0 && r == 0; data += n, size -= n) {
		n = MIN(size, piece);
		r = packet_walker_feed(walker, data, n);
	}
	if (r == 0)
		r = packet_walker_finish(walker);
	packet_walker_free(&walker);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	GByteArray *out = g_byte_array_new();
	struct seen whole, pieces;
	int r = walk(data, size, size, &whole);

	PROMISE(
	    walk(data, size, size > 0 ? 1 + data[0] % 7U : 1, &pieces) == r);
	PROMISE(whole.packets == pieces.packets && whole.sum == pieces.sum);
	PROMISE(whole.octets == pieces.octets && whole.octets <= size);
	PROMISE(r != 0 || whole.ends == whole.packets);
	(void)packet_dearmor(data, size, "PGP PUBLIC KEY BLOCK", out, NULL);
	g_byte_array_unref(out);
	return 0;
}
