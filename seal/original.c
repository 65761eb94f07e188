/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * original.c - tell how a stored message was, to somebody who opens it.
 *
 * In:    the file of a message; later what was sealed of it.
 * Out:   the value of a field; later the same octets again.
 * Never: a file whose digest is not that of the one that was sealed.
 */
#include <config.h>

#include "seal/original_private.h"

#include "seal/legacy.h"
#include "seal/protect.h"

#include <errno.h>
#include <gio/gio.h>
#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#define TOLD_VERSION 1
#define TOLD_OCTETS ((gsize)64 << 20) /* of a field, unpacked */
#define LINE_OCTETS 72
#define BUFFER_OCTETS 65536

static struct told *
told_make(void)
{
	struct told *told = g_new0(struct told, 1);

	told->header = g_byte_array_new();
	told->runs = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	told->cuts = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	return told;
}

void
told_free(struct told **toldp)
{
	struct told *told = *toldp;

	if (told == NULL)
		return;
	if (told->header->len > 0)
		OPENSSL_cleanse(told->header->data, told->header->len);
	g_byte_array_free(told->header, TRUE);
	g_array_free(told->runs, TRUE);
	g_array_free(told->cuts, TRUE);
	g_free(told);
	*toldp = NULL;
}

/* --- Packing */

static void
put_number(GByteArray *out, uint64_t number)
{
	guint8 octet;

	do {
		octet = number & 0x7f;
		number >>= 7;
		octet |= number != 0 ? 0x80 : 0;
		g_byte_array_append(out, &octet, 1);
	} while (number != 0);
}

static void
put_numbers(GByteArray *out, const GArray *numbers)
{
	guint i;

	put_number(out, numbers->len);
	for (i = 0; i < numbers->len; i++)
		put_number(out, g_array_index(numbers, uint64_t, i));
}

/* All that a converter makes of some octets; NULL if it fails, or makes more
 * than `most`. */
static GByteArray *
convert(GConverter *converter, const guint8 *data, gsize len, gsize most)
{
	GByteArray *out = g_byte_array_new();
	GConverterResult result = G_CONVERTER_CONVERTED;
	guint8 piece[BUFFER_OCTETS];
	gsize used, made, most_made = 0;

	while (result != G_CONVERTER_FINISHED && out->len <= most) {
		result = g_converter_convert(converter, data, len, piece,
		    sizeof(piece), G_CONVERTER_INPUT_AT_END, &used, &made,
		    NULL);
		if (result == G_CONVERTER_ERROR)
			break;
		g_byte_array_append(out, piece, (guint)made);
		most_made = MAX(most_made, made);
		data += used;
		len -= used;
	}
	OPENSSL_cleanse(piece, most_made);
	g_object_unref(converter);
	if (result != G_CONVERTER_FINISHED || out->len > most)
		g_clear_pointer(&out, g_byte_array_unref);
	return out;
}

/* In lines, as the value of a field. */
static char *
fold_base64(const GByteArray *octets)
{
	char *text = g_base64_encode(octets->data, octets->len);
	size_t len = strlen(text), i;
	GString *out = g_string_sized_new(len + len / 16 + 16);

	for (i = 0; i < len; i += LINE_OCTETS) {
		g_string_append(out, i == 0 ? " " : "\r\n\t");
		g_string_append_len(
		    out, text + i, (gssize)MIN(LINE_OCTETS, len - i));
	}
	OPENSSL_cleanse(text, len);
	g_free(text);
	return g_string_free(out, FALSE);
}

static char *
told_pack(const struct told *told, struct fault *fault)
{
	const guint8 version = TOLD_VERSION;
	GByteArray *out = g_byte_array_new(), *packed;
	char *value = NULL;

	g_byte_array_append(out, &version, 1);
	put_number(out, told->header->len);
	g_byte_array_append(out, told->header->data, told->header->len);
	put_number(out, told->body);
	put_numbers(out, told->runs);
	put_numbers(out, told->cuts);
	g_byte_array_append(out, told->digest, DIGEST_OCTETS);
	packed = convert(
	    G_CONVERTER(g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_RAW, 6)),
	    out->data, out->len, TOLD_OCTETS);
	if (packed == NULL)
		fault_set(fault, FAULT_BUG, "packing a header failed");
	else
		value = fold_base64(packed);
	OPENSSL_cleanse(out->data, out->len);
	g_byte_array_free(out, TRUE);
	if (packed != NULL)
		g_byte_array_free(packed, TRUE);
	return value;
}

/* --- Unpacking */

struct cursor {
	const guint8 *data;
	gsize len;
	bool broken;
};

static const guint8 *
take(struct cursor *cursor, uint64_t len)
{
	const guint8 *data = cursor->data;

	if (len > cursor->len) {
		cursor->broken = true;
		return NULL;
	}
	cursor->data += len;
	cursor->len -= (gsize)len;
	return data;
}

static uint64_t
take_number(struct cursor *cursor)
{
	uint64_t number = 0;
	unsigned int shift = 0;
	const guint8 *octet;

	do {
		octet = take(cursor, 1);
		if (octet == NULL || shift > 56) {
			cursor->broken = true;
			return 0;
		}
		number |= (uint64_t)(*octet & 0x7f) << shift;
		shift += 7;
	} while ((*octet & 0x80) != 0);
	return number;
}

static void
take_numbers(struct cursor *cursor, GArray *numbers)
{
	uint64_t count = take_number(cursor), number;

	/* Each has an octet at least. */
	if (count > cursor->len)
		cursor->broken = true;
	for (; count > 0 && !cursor->broken; count--) {
		number = take_number(cursor);
		g_array_append_val(numbers, number);
	}
}

static struct told *
told_parse(const GByteArray *octets)
{
	struct cursor cursor = {octets->data, octets->len, false};
	struct told *told = told_make();
	const guint8 *part = take(&cursor, 1);
	uint64_t len;

	if (part == NULL || *part != TOLD_VERSION) {
		told_free(&told);
		return NULL;
	}
	len = take_number(&cursor);
	part = take(&cursor, len);
	if (part != NULL)
		g_byte_array_append(told->header, part, (guint)len);
	told->body = take_number(&cursor);
	take_numbers(&cursor, told->runs);
	take_numbers(&cursor, told->cuts);
	part = take(&cursor, DIGEST_OCTETS);
	if (part != NULL)
		memcpy(told->digest, part, DIGEST_OCTETS);
	if (cursor.broken || cursor.len != 0 || told->cuts->len % 2 != 0)
		told_free(&told);
	return told;
}

struct told *
told_unpack(const char *value)
{
	GByteArray *octets = NULL;
	struct told *told = NULL;
	guchar *packed;
	gsize len;

	/* It passes over blanks and line ends. */
	packed = g_base64_decode(value, &len);
	if (len > 0)
		octets = convert(G_CONVERTER(g_zlib_decompressor_new(
				     G_ZLIB_COMPRESSOR_FORMAT_RAW)),
		    packed, len, TOLD_OCTETS);
	if (octets != NULL) {
		told = told_parse(octets);
		OPENSSL_cleanse(octets->data, octets->len);
		g_byte_array_free(octets, TRUE);
	}
	g_free(packed);
	return told;
}

/* --- Looking at the file */

/* Octets of a file from its start, without moving its offset. */
struct scan {
	int fd;
	uint64_t offset;
	guint8 last; /* the octet before this piece */
	guint8 piece[BUFFER_OCTETS];
	size_t len;
	size_t most; /* of all pieces */
};

/* The piece is large: what was not used need not be written twice. */
static struct scan *
scan_make(int fd)
{
	struct scan *scan = g_new(struct scan, 1);

	scan->fd = fd;
	scan->offset = 0;
	scan->last = 0;
	scan->len = scan->most = 0;
	return scan;
}

static void
scan_free(struct scan *scan)
{
	OPENSSL_cleanse(scan->piece, scan->most);
	g_free(scan);
}

static int
scan_next(struct scan *scan, struct fault *fault)
{
	ssize_t n;

	if (scan->len > 0)
		scan->last = scan->piece[scan->len - 1];
	scan->offset += scan->len;
	do
		n = pread(scan->fd, scan->piece, sizeof(scan->piece),
		    (off_t)scan->offset);
	while (n == -1 && errno == EINTR);
	scan->len = n > 0 ? (size_t)n : 0;
	scan->most = MAX(scan->most, scan->len);
	if (n >= 0)
		return n > 0;
	fault_set(
	    fault, FAULT_TEMP, "reading the message: %s", g_strerror(errno));
	return -1;
}

static bool
is_bare(const struct scan *scan, size_t i)
{
	return (i > 0 ? scan->piece[i - 1] : scan->last) != '\r';
}

static int
count_bare(int fd, uint64_t *octetsp, uint64_t *barep, struct fault *fault)
{
	struct scan *scan = scan_make(fd);
	size_t i;
	int r;

	*octetsp = *barep = 0;
	while ((r = scan_next(scan, fault)) == 1) {
		*octetsp += scan->len;
		for (i = 0; i < scan->len; i++)
			*barep += scan->piece[i] == '\n' && is_bare(scan, i);
	}
	scan_free(scan);
	return r;
}

static void
add_line_end(struct told *told, bool bare, guint *runp)
{
	static const uint64_t none;

	/* Runs with an even number are of LF. */
	while (told->runs->len == 0 || (*runp % 2 == 0) != bare) {
		if (told->runs->len > 0)
			(*runp)++;
		g_array_append_val(told->runs, none);
	}
	g_array_index(told->runs, uint64_t, *runp)++;
}

/*
 * Header and body are told apart by what they come to with CRLF line ends:
 * `rest` octets from here on, of which the body has told->body.
 */
static int
look_at(int fd, uint64_t rest, struct told *told, struct fault *fault)
{
	struct scan *scan = scan_make(fd);
	GChecksum *digest = g_checksum_new(G_CHECKSUM_SHA256);
	gsize len = DIGEST_OCTETS;
	guint run = 0;
	size_t i;
	int r;

	while ((r = scan_next(scan, fault)) == 1) {
		g_checksum_update(digest, scan->piece, (gssize)scan->len);
		for (i = 0; i < scan->len && rest > told->body; i++) {
			rest -=
			    scan->piece[i] == '\n' && is_bare(scan, i) ? 2 : 1;
			g_byte_array_append(told->header, &scan->piece[i], 1);
		}
		for (; i < scan->len; i++)
			if (scan->piece[i] == '\n')
				add_line_end(told, is_bare(scan, i), &run);
	}
	g_checksum_get_digest(digest, told->digest, &len);
	g_checksum_free(digest);
	scan_free(scan);
	if (r == 0 && rest != told->body) {
		fault_set(
		    fault, FAULT_TEMP, "the message changed while it was read");
		return -1;
	}
	return r;
}

/* What sealing puts into the body. */
static void
tell_cuts(const struct seal_order *order, const struct message *message,
    struct told *told)
{
	const struct insertion *insertion;
	uint64_t last = 0, pair[2];
	GArray *insertions;
	bool at_root;
	guint i;

	insertions = legacy_find(order, message, &at_root);
	for (i = 0; i < insertions->len; i++) {
		insertion = &g_array_index(insertions, struct insertion, i);
		pair[0] = insertion->at - last;
		pair[1] = insertion->len;
		last = insertion->at;
		g_array_append_vals(told->cuts, pair, 2);
	}
	g_array_unref(insertions);
}

int
original_read(int fd, uint64_t octets, uint64_t limit,
    const struct seal_order *order, struct message **messagep, char **valuep,
    struct fault *fault)
{
	struct message *message = message_make(order->limits);
	struct told *told = told_make();
	uint64_t read_octets, bare;
	char *value = NULL;

	if (message_read(message, fd, limit, fault) != 0 ||
	    count_bare(fd, &read_octets, &bare, fault) != 0)
		goto out;
	if (read_octets != octets) {
		fault_set(
		    fault, FAULT_TEMP, "the message changed while it was read");
		goto out;
	}
	told->body = spool_size(message->body);
	if (look_at(fd, octets + bare, told, fault) != 0)
		goto out;
	tell_cuts(order, message, told);
	value = told_pack(told, fault);
out:
	told_free(&told);
	if (value == NULL) {
		message_free(&message);
		return -1;
	}
	*messagep = message;
	*valuep = value;
	return 0;
}
