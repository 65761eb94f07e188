/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_armor.c - armor says the same however it comes in pieces, and octets
 * come back from the armor they were put into.
 */
#include "config.h"

#include "keys/armor.h"
#include "tests/fuzz/fuzz.h"

static int
on_data(void *context, const unsigned char *data, size_t len)
{
	g_byte_array_append(context, data, (guint)len);
	return 0;
}

/* 0 or -1, and what was in the blocks. */
static int
read_in_pieces(const uint8_t *data, size_t size, size_t piece, GByteArray *out,
    unsigned int *blocksp)
{
	const struct armor_events events = {NULL, on_data, NULL, out};
	struct armor_reader *reader = armor_reader_make(&events);
	size_t n;
	int r = 0;

	for (; size > 0 && r == 0; data += n, size -= n) {
		n = MIN(size, piece);
		r = armor_reader_feed(reader, data, n);
	}
	if (r == 0)
		r = armor_reader_finish(reader);
	*blocksp = armor_reader_blocks(reader);
	armor_reader_free(&reader);
	return r;
}

static void
pieces_do_not_matter(const uint8_t *data, size_t size)
{
	GByteArray *whole = g_byte_array_new(), *pieces = g_byte_array_new();
	unsigned int blocks, other;
	size_t piece = size > 0 ? 1 + data[0] % 7U : 1;
	int r = read_in_pieces(data, size, size, whole, &blocks);

	PROMISE(read_in_pieces(data, size, piece, pieces, &other) == r);
	PROMISE(r != 0 || blocks == other);
	PROMISE(r != 0 || whole->len == pieces->len);
	PROMISE(r != 0 || whole->len == 0 ||
		memcmp(whole->data, pieces->data, whole->len) == 0);
	g_byte_array_unref(whole);
	g_byte_array_unref(pieces);
}

static void
octets_come_back(const uint8_t *data, size_t size)
{
	GString *text = g_string_new("-----BEGIN PGP MESSAGE-----\n\n");
	GByteArray *out = g_byte_array_new();
	char *lines = g_malloc(armor_encoded_size(size)), crc[6];
	unsigned int blocks = 0;

	g_string_append_len(
	    text, lines, (gssize)armor_encode(data, size, lines));
	armor_encode_crc(armor_crc(ARMOR_CRC_INIT, data, size), crc);
	g_string_append_printf(text, "%s\n-----END PGP MESSAGE-----\n", crc);
	PROMISE(read_in_pieces((const uint8_t *)text->str, text->len, 1000, out,
		    &blocks) == 0);
	PROMISE(blocks == 1 && out->len == size);
	PROMISE(size == 0 || memcmp(out->data, data, size) == 0);
	g_free(lines);
	g_byte_array_unref(out);
	g_string_free(text, TRUE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pieces_do_not_matter(data, size);
	octets_come_back(data, size);
	return 0;
}
