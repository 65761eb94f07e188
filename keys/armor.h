/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_ARMOR_H
#define KEYS_ARMOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * OpenPGP armor, RFC 4880 section 6.2, in both directions and in pieces of
 * any size: messages of 100 MB never stand in memory.
 */

/* --- Reading */

struct armor_reader;

struct armor_events {
	/* "-----BEGIN type-----" was read; type without dashes.  0 goes on. */
	int (*begin)(void *context, const char *type);
	/* Decoded octets. */
	int (*data)(void *context, const unsigned char *data, size_t len);
	/* The block ended well; its checksum, if it had one, was right. */
	int (*end)(void *context);
	void *context;
};

struct armor_reader *armor_reader_make(const struct armor_events *events);
void armor_reader_free(struct armor_reader **readerp);

/* 0, or -1: broken armor, or an event returned non-zero. */
int armor_reader_feed(
    struct armor_reader *reader, const void *data, size_t len);

/* 0 if no block is left open. */
int armor_reader_finish(struct armor_reader *reader);

/* Why the armor is broken: a constant string. */
const char *armor_reader_why(const struct armor_reader *reader);

/* Blocks read to their end, octets of text in their headers ("Comment: ..."),
 * and whether text stands outside of them. */
unsigned int armor_reader_blocks(const struct armor_reader *reader);
size_t armor_reader_header_octets(const struct armor_reader *reader);
bool armor_reader_has_stray_text(const struct armor_reader *reader);

/* --- Writing */

/* Columns of an armor line; 48 octets become 64 characters and CRLF. */
#define ARMOR_LINE_OCTETS 48
#define ARMOR_LINE_CHARS 66

#define ARMOR_CRC_INIT 0xb704ceU

/* The checksum of section 6.1, continued from crc. */
uint32_t armor_crc(uint32_t crc, const unsigned char *data, size_t len);

/*
 * Writes octets as lines of base64, each but perhaps the last one full, and
 * returns the characters written.  out needs armor_encoded_size(len).
 */
size_t armor_encode(const unsigned char *data, size_t len, char *out);
size_t armor_encoded_size(size_t len);

/* "=XXXX" for a checksum; out needs 6. */
void armor_encode_crc(uint32_t crc, char *out);

#endif
