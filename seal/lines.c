/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * lines.c - lines of base64 in a spool.
 *
 * In:    octets in pieces of any size.
 * Out:   text in a spool.
 * Never: keeps more than a piece in memory.
 */
#include "seal/lines.h"

#include "keys/armor.h"

#include <glib.h>
#include <string.h>

#define PIECE_OCTETS ((size_t)LINES_OCTETS * 128)

G_STATIC_ASSERT(LINES_OCTETS == ARMOR_LINE_OCTETS);
G_STATIC_ASSERT(LINES_CHARS == ARMOR_LINE_CHARS);

struct lines {
	struct spool *spool;
	unsigned char piece[PIECE_OCTETS];
	size_t have;
	char text[(PIECE_OCTETS / LINES_OCTETS + 1) * LINES_CHARS];
};

struct lines *
lines_make(struct spool *spool)
{
	struct lines *lines = g_new(struct lines, 1);

	lines->spool = spool;
	lines->have = 0;
	return lines;
}

void
lines_free(struct lines **linesp)
{
	g_clear_pointer(linesp, g_free);
}

int
lines_write(
    struct lines *lines, const void *data, size_t len, struct fault *fault)
{
	const unsigned char *octets = data;
	size_t n;

	for (; len > 0; octets += n, len -= n) {
		n = MIN(len, PIECE_OCTETS - lines->have);
		memcpy(lines->piece + lines->have, octets, n);
		lines->have += n;
		if (lines->have == PIECE_OCTETS && lines_end(lines, fault) != 0)
			return -1;
	}
	return 0;
}

int
lines_end(struct lines *lines, struct fault *fault)
{
	size_t n = armor_encode(lines->piece, lines->have, lines->text);

	lines->have = 0;
	return spool_append(lines->spool, lines->text, n, fault);
}
