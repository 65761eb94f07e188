/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * armor.c - OpenPGP armor (RFC 4880 section 6), read and written in pieces.
 *
 * In:    text with armored blocks; or octets.
 * Out:   the octets of the blocks; or lines of base64 with CRLF.
 * Never: keeps more than a line.
 *
 * The base64 is our own because it and the checksum are half of what a
 * sealed megabyte costs: the tables here do two characters (or sixteen
 * octets of checksum) per step.
 */
#include "keys/armor.h"

#include <glib.h>
#include <string.h>

#define LINE_MAX_OCTETS 1024
#define INVALID 0xff
#define PADDING 0xfe

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static struct {
	char pair[4096][2];       /* 12 bits to two characters */
	unsigned char value[256]; /* character to 6 bits */
	uint32_t place[4][256];   /* the same, where it belongs in a quantum */
	uint32_t crc[16][256];    /* slicing by 16, CRC in the upper 24 bits */
} tables;

static void
tables_fill(void)
{
	uint32_t crc;
	unsigned int i, j;

	memset(tables.value, INVALID, sizeof(tables.value));
	memset(tables.place, INVALID, sizeof(tables.place));
	for (i = 0; i < 64; i++) {
		tables.value[(unsigned char)alphabet[i]] = (unsigned char)i;
		for (j = 0; j < 4; j++)
			tables.place[j][(unsigned char)alphabet[i]] =
			    i << (18 - 6 * j);
	}
	tables.value['='] = PADDING;
	for (i = 0; i < 4096; i++) {
		tables.pair[i][0] = alphabet[i >> 6];
		tables.pair[i][1] = alphabet[i & 63];
	}
	for (i = 0; i < 256; i++) {
		for (crc = i << 24, j = 0; j < 8; j++)
			crc = (crc << 1) ^
			      ((crc & 0x80000000U) != 0 ? 0x864cfbU << 8 : 0);
		tables.crc[0][i] = crc;
	}
	for (i = 0; i < 256; i++)
		for (j = 1; j < 16; j++)
			tables.crc[j][i] =
			    (tables.crc[j - 1][i] << 8) ^
			    tables.crc[0][tables.crc[j - 1][i] >> 24];
}

static void
tables_need(void)
{
	static gsize filled;

	if (g_once_init_enter(&filled)) {
		tables_fill();
		g_once_init_leave(&filled, 1);
	}
}

/* --- Writing */

/* Of four octets, the first of which has so many behind it in the step. */
static inline uint32_t
crc_of(const unsigned char *data, size_t behind)
{
	return tables.crc[behind][data[0]] ^ tables.crc[behind - 1][data[1]] ^
	       tables.crc[behind - 2][data[2]] ^
	       tables.crc[behind - 3][data[3]];
}

uint32_t
armor_crc(uint32_t crc24, const unsigned char *data, size_t len)
{
	uint32_t crc = crc24 << 8, next;

	tables_need();
	for (; len >= 16; data += 16, len -= 16) {
		crc ^= (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 |
		       (uint32_t)data[2] << 8 | data[3];
		/* What does not depend on the step before comes first. */
		next = crc_of(data + 4, 11) ^ crc_of(data + 8, 7) ^
		       crc_of(data + 12, 3);
		crc = next ^ tables.crc[15][crc >> 24] ^
		      tables.crc[14][crc >> 16 & 0xff] ^
		      tables.crc[13][crc >> 8 & 0xff] ^
		      tables.crc[12][crc & 0xff];
	}
	for (; len > 0; data++, len--)
		crc = (crc << 8) ^ tables.crc[0][crc >> 24 ^ *data];
	return crc >> 8;
}

size_t
armor_encoded_size(size_t len)
{
	return (len / ARMOR_LINE_OCTETS + 1) * ARMOR_LINE_CHARS;
}

/* Encodes up to one line without its end; returns the characters. */
static size_t
encode_line(const unsigned char *data, size_t len, char *out)
{
	char *start = out;
	uint32_t bits;

	for (; len >= 3; data += 3, len -= 3, out += 4) {
		bits =
		    (uint32_t)data[0] << 16 | (uint32_t)data[1] << 8 | data[2];
		memcpy(out, tables.pair[bits >> 12], 2);
		memcpy(out + 2, tables.pair[bits & 0xfff], 2);
	}
	if (len == 0)
		return (size_t)(out - start);
	bits =
	    (uint32_t)data[0] << 16 | (len == 2 ? (uint32_t)data[1] << 8 : 0);
	memcpy(out, tables.pair[bits >> 12], 2);
	memcpy(out + 2, tables.pair[bits & 0xfff], 2);
	out[3] = '=';
	if (len == 1)
		out[2] = '=';
	return (size_t)(out + 4 - start);
}

size_t
armor_encode(const unsigned char *data, size_t len, char *out)
{
	char *start = out;
	size_t n;

	tables_need();
	for (; len > 0; data += n, len -= n) {
		n = len < ARMOR_LINE_OCTETS ? len : ARMOR_LINE_OCTETS;
		out += encode_line(data, n, out);
		*out++ = '\r';
		*out++ = '\n';
	}
	return (size_t)(out - start);
}

void
armor_encode_crc(uint32_t crc, char *out)
{
	const unsigned char octets[3] = {(unsigned char)(crc >> 16),
	    (unsigned char)(crc >> 8), (unsigned char)crc};

	tables_need();
	out[0] = '=';
	encode_line(octets, 3, out + 1);
	out[5] = '\0';
}

/* --- Reading */

enum reader_state {
	OUTSIDE,
	IN_HEADERS,
	IN_DATA,
	AFTER_CRC,
};

struct armor_reader {
	const struct armor_events *events;
	enum reader_state state;
	char type[64];
	char line[LINE_MAX_OCTETS]; /* a line that is not complete yet */
	size_t line_len;
	bool line_skipped; /* the rest of an overlong line outside */
	unsigned char octets[LINE_MAX_OCTETS]; /* of the line, decoded */
	uint32_t bits; /* of a quantum that is not complete yet */
	unsigned int bits_chars;
	bool padded;
	uint32_t crc;
	unsigned int blocks;
	size_t header_octets;
	bool stray_text;
	const char *why;
};

static int take_piece(
    struct armor_reader *reader, const char *data, size_t len, bool complete);
static int take_line(struct armor_reader *reader, const char *line, size_t len);
static int take_outside(
    struct armor_reader *reader, const char *line, size_t len);
static int take_data(struct armor_reader *reader, const char *line, size_t len);
static int take_crc(struct armor_reader *reader, const char *line, size_t len);
static int take_end(struct armor_reader *reader, const char *line, size_t len);
static size_t decode_quanta(const char *text, size_t len, unsigned char *out);
static int decode_char(struct armor_reader *reader, unsigned char c,
    unsigned char *out, size_t *outlen);

static int
broken(struct armor_reader *reader, const char *why)
{
	if (reader->why == NULL)
		reader->why = why;
	return -1;
}

struct armor_reader *
armor_reader_make(const struct armor_events *events)
{
	struct armor_reader *reader = g_new0(struct armor_reader, 1);

	tables_need();
	reader->events = events;
	reader->state = OUTSIDE;
	return reader;
}

void
armor_reader_free(struct armor_reader **readerp)
{
	g_clear_pointer(readerp, g_free);
}

const char *
armor_reader_why(const struct armor_reader *reader)
{
	return reader->why != NULL ? reader->why : "nothing is wrong";
}

unsigned int
armor_reader_blocks(const struct armor_reader *reader)
{
	return reader->blocks;
}

size_t
armor_reader_header_octets(const struct armor_reader *reader)
{
	return reader->header_octets;
}

bool
armor_reader_has_stray_text(const struct armor_reader *reader)
{
	return reader->stray_text;
}

int
armor_reader_feed(struct armor_reader *reader, const void *data, size_t len)
{
	const char *text = data, *newline;
	size_t n;

	while (len > 0 && reader->why == NULL) {
		newline = memchr(text, '\n', len);
		n = newline == NULL ? len : (size_t)(newline - text) + 1;
		if (take_piece(reader, text, n, newline != NULL) != 0)
			return broken(reader, "the reader stopped");
		text += n;
		len -= n;
	}
	return reader->why == NULL ? 0 : -1;
}

int
armor_reader_finish(struct armor_reader *reader)
{
	if (reader->why != NULL)
		return -1;
	if (reader->line_len > 0 &&
	    take_line(reader, reader->line, reader->line_len) != 0)
		return broken(reader, "the reader stopped");
	reader->line_len = 0;
	if (reader->state != OUTSIDE)
		return broken(reader, "it ends inside of a block");
	return 0;
}

/* A line, or the part of one that this piece holds. */
static int
take_piece(
    struct armor_reader *reader, const char *data, size_t len, bool complete)
{
	if (reader->line_len == 0 && complete && !reader->line_skipped &&
	    len <= sizeof(reader->line))
		return take_line(reader, data, len);
	if (reader->line_len + len > sizeof(reader->line)) {
		if (reader->state != OUTSIDE)
			return broken(reader, "a line is too long");
		reader->stray_text = true;
		reader->line_skipped = true;
		reader->line_len = 0;
	} else if (!reader->line_skipped) {
		memcpy(reader->line + reader->line_len, data, len);
		reader->line_len += len;
	}
	if (!complete)
		return 0;
	len = reader->line_len;
	reader->line_len = 0;
	if (reader->line_skipped) {
		reader->line_skipped = false;
		return 0;
	}
	return take_line(reader, reader->line, len);
}

static int
take_line(struct armor_reader *reader, const char *line, size_t len)
{
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r' ||
			      line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	switch (reader->state) {
	case OUTSIDE:
		return take_outside(reader, line, len);
	case IN_HEADERS:
		/* "Version: x"; a blank line ends them. */
		reader->header_octets += len;
		if (len == 0)
			reader->state = IN_DATA;
		else if (memchr(line, ':', len) == NULL)
			return broken(
			    reader, "no blank line after its headers");
		return 0;
	case IN_DATA:
		return take_data(reader, line, len);
	case AFTER_CRC:
		return take_end(reader, line, len);
	}
	return -1;
}

static int
take_outside(struct armor_reader *reader, const char *line, size_t len)
{
	static const char begin[] = "-----BEGIN ";
	const size_t prefix = sizeof(begin) - 1;

	if (len == 0)
		return 0;
	if (len < prefix + 5 || memcmp(line, begin, prefix) != 0 ||
	    memcmp(line + len - 5, "-----", 5) != 0) {
		reader->stray_text = true;
		return 0;
	}
	len -= prefix + 5;
	if (len >= sizeof(reader->type))
		return broken(reader, "its first line is too long");
	memcpy(reader->type, line + prefix, len);
	reader->type[len] = '\0';
	reader->state = IN_HEADERS;
	reader->bits_chars = 0;
	reader->padded = false;
	reader->crc = ARMOR_CRC_INIT;
	return reader->events->begin == NULL
		   ? 0
		   : reader->events->begin(
			 reader->events->context, reader->type);
}

static int
take_data(struct armor_reader *reader, const char *line, size_t len)
{
	unsigned char *out = reader->octets;
	size_t used = 0, outlen = 0;

	if (len == 0)
		return 0;
	if (line[0] == '-')
		return take_end(reader, line, len);
	if (line[0] == '=' && len == 5)
		return take_crc(reader, line, len);
	if (len > LINE_MAX_OCTETS)
		return broken(reader, "a line is too long");
	if (reader->bits_chars == 0 && !reader->padded) {
		used = decode_quanta(line, len, out);
		outlen = used / 4 * 3;
	}
	for (; used < len; used++)
		if (decode_char(
			reader, (unsigned char)line[used], out, &outlen) != 0)
			return broken(reader, "a character is no base64");
	reader->crc = armor_crc(reader->crc, out, outlen);
	return outlen == 0
		   ? 0
		   : reader->events->data(reader->events->context, out, outlen);
}

/* As many whole quanta without padding as there are; returns characters. */
static size_t
decode_quanta(const char *text, size_t len, unsigned char *out)
{
	const unsigned char *in = (const unsigned char *)text;
	uint32_t quantum;
	size_t used;

	for (used = 0; len - used >= 4; used += 4, in += 4, out += 3) {
		quantum = tables.place[0][in[0]] | tables.place[1][in[1]] |
			  tables.place[2][in[2]] | tables.place[3][in[3]];
		if (quantum >> 24 != 0)
			break;
		out[0] = (unsigned char)(quantum >> 16);
		out[1] = (unsigned char)(quantum >> 8);
		out[2] = (unsigned char)quantum;
	}
	return used;
}

static int
decode_char(struct armor_reader *reader, unsigned char c, unsigned char *out,
    size_t *outlen)
{
	unsigned char value = tables.value[c];

	if (value == INVALID || (value != PADDING && reader->padded))
		return -1;
	if (value == PADDING) {
		if (!reader->padded) {
			if (reader->bits_chars < 2)
				return -1;
			if (reader->bits_chars == 3)
				out[(*outlen)++] =
				    (unsigned char)(reader->bits >> 10);
			out[(*outlen)++] =
			    reader->bits_chars == 3
				? (unsigned char)(reader->bits >> 2)
				: (unsigned char)(reader->bits >> 4);
		}
		reader->padded = true;
		reader->bits_chars = (reader->bits_chars + 1) % 4;
		return 0;
	}
	reader->bits = reader->bits << 6 | value;
	if (++reader->bits_chars < 4)
		return 0;
	out[(*outlen)++] = (unsigned char)(reader->bits >> 16);
	out[(*outlen)++] = (unsigned char)(reader->bits >> 8);
	out[(*outlen)++] = (unsigned char)reader->bits;
	reader->bits_chars = 0;
	return 0;
}

static int
take_crc(struct armor_reader *reader, const char *line, size_t len)
{
	unsigned char octets[3];

	if (decode_quanta(line + 1, len - 1, octets) != 4)
		return broken(reader, "its checksum is no base64");
	if (((uint32_t)octets[0] << 16 | (uint32_t)octets[1] << 8 |
		octets[2]) != reader->crc)
		return broken(reader, "its checksum is wrong");
	reader->state = AFTER_CRC;
	return 0;
}

static int
take_end(struct armor_reader *reader, const char *line, size_t len)
{
	static const char end[] = "-----END ";
	const size_t prefix = sizeof(end) - 1;
	size_t type = strlen(reader->type);

	if (len == 0)
		return 0;
	if (len != prefix + type + 5 || memcmp(line, end, prefix) != 0 ||
	    memcmp(line + prefix, reader->type, type) != 0)
		return broken(reader, "no END line where one should be");
	if (reader->bits_chars != 0)
		return broken(reader, "it is cut short");
	reader->state = OUTSIDE;
	reader->blocks++;
	return reader->events->end == NULL
		   ? 0
		   : reader->events->end(reader->events->context);
}
