/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * journal_record.c - the journal's file, octet by octet.
 *
 * In:    records; a file of them, whole or damaged.
 * Out:   their octets; those records that can be read.
 * Never: takes octets for a record whose sum is wrong, or writes to a file.
 *
 * Numbers have their lowest octet first.  A file begins with
 *
 *    0  7  "SealJrn"
 *    7  1  version of the format, 1
 *    8  8  the key's check: HMAC-SHA256 of "check" under it, cut
 *
 * and goes on with records:
 *
 *    0  4  A5 6A 72 6E: where to go on reading after damage
 *    4  2  octets of the payload, at most 4096
 *    6  1  verb: 1 PREP, 2 DONE, 3 ABRT, 4 DOUBT
 *    7  1  0
 *    8  8  seconds since 1970, less than 2^40
 *   16  4  CRC-32 (ISO 3309) of octets 4 to 15 and the payload
 *   20     payload
 *
 * PREP   message 16, word (the MTA's queue ID), number of copies 2,
 *        and of each: copy 16, word (its form)
 * DONE   copy 16, word (queue ID of the copy, or "-")
 * ABRT   message 16
 * DOUBT  copy 16
 *
 * where a word is its length (1) and that many octets from "!" to "~".
 * Verbs that are not known are skipped.  What follows the last good record
 * is what a crash left of one that nobody relied on.
 */
#include <config.h>

#include "milter/journal_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MAGIC "SealJrn"
#define FORMAT_VERSION 1
#define HEAD 20
#define PAYLOAD_MAX (JOURNAL_RECORD_MAX - HEAD)
#define BUFFER_OCTETS ((size_t)256 << 10)
#define TIME_MAX (((int64_t)1 << 40) - 1)

static const unsigned char mark[4] = {0xa5, 0x6a, 0x72, 0x6e};

/* --- Numbers */

static void
put_number(unsigned char *to, uint64_t number, size_t octets)
{
	size_t i;

	for (i = 0; i < octets; i++)
		to[i] = (unsigned char)(number >> (8 * i));
}

static uint64_t
get_number(const unsigned char *from, size_t octets)
{
	uint64_t number = 0;
	size_t i;

	for (i = 0; i < octets; i++)
		number |= (uint64_t)from[i] << (8 * i);
	return number;
}

static uint32_t
crc(uint32_t sum, const unsigned char *octets, size_t len)
{
	static uint32_t table[256];
	static gsize made;
	uint32_t value;
	size_t i;
	int bit;

	if (g_once_init_enter(&made)) {
		for (i = 0; i < 256; i++) {
			value = (uint32_t)i;
			for (bit = 0; bit < 8; bit++)
				value = (value >> 1) ^
					((value & 1) != 0 ? 0xedb88320U : 0);
			table[i] = value;
		}
		g_once_init_leave(&made, 1);
	}
	sum = ~sum;
	for (i = 0; i < len; i++)
		sum = table[(sum ^ octets[i]) & 0xff] ^ (sum >> 8);
	return ~sum;
}

/* --- Encoding */

void
journal_encode_head(
    GByteArray *out, const unsigned char check[JOURNAL_CHECK_OCTETS])
{
	static const guint8 version = FORMAT_VERSION;

	g_byte_array_append(out, (const guint8 *)MAGIC, sizeof(MAGIC) - 1);
	g_byte_array_append(out, &version, 1);
	g_byte_array_append(out, check, JOURNAL_CHECK_OCTETS);
}

void
journal_set_word(char *word, size_t size, const char *text)
{
	size_t i;

	for (i = 0; i < size - 1 && text[i] != '\0'; i++) {
		word[i] = text[i];
		if (text[i] <= ' ' || text[i] > '~')
			word[i] = '?';
	}
	word[i] = '\0';
}

static void
append_word(GByteArray *out, const char *word)
{
	guint8 len = (guint8)strlen(word);

	g_byte_array_append(out, &len, 1);
	g_byte_array_append(out, (const guint8 *)word, len);
}

void
journal_encode(GByteArray *out, const struct journal_record *record)
{
	unsigned char head[HEAD] = {0}, number[2];
	guint start = out->len;
	size_t i;

	g_byte_array_append(out, head, HEAD);
	g_byte_array_append(out, record->id.octets, JOURNAL_ID_OCTETS);
	if (record->verb == JOURNAL_PREP || record->verb == JOURNAL_DONE)
		append_word(out, record->queue_id);
	if (record->verb == JOURNAL_PREP) {
		put_number(number, record->count, sizeof(number));
		g_byte_array_append(out, number, sizeof(number));
		for (i = 0; i < record->count; i++) {
			g_byte_array_append(out, record->copies[i].id.octets,
			    JOURNAL_ID_OCTETS);
			append_word(out, record->copies[i].form);
		}
	}
	memcpy(head, mark, sizeof(mark));
	put_number(head + 4, out->len - start - HEAD, 2);
	head[6] = (unsigned char)record->verb;
	put_number(head + 8, (uint64_t)CLAMP(record->time, 0, TIME_MAX), 8);
	put_number(head + 16,
	    crc(crc(0, head + 4, 12), out->data + start + HEAD,
		out->len - start - HEAD),
	    4);
	memcpy(out->data + start, head, HEAD);
}

/* --- Decoding */

struct payload {
	const unsigned char *at, *end;
};

static bool
take_id(struct payload *payload, struct journal_id *id)
{
	if (payload->end - payload->at < JOURNAL_ID_OCTETS)
		return false;
	memcpy(id->octets, payload->at, JOURNAL_ID_OCTETS);
	payload->at += JOURNAL_ID_OCTETS;
	return true;
}

static bool
take_word(struct payload *payload, char *word, size_t size)
{
	size_t i, len;

	if (payload->at == payload->end)
		return false;
	len = *payload->at++;
	if (len >= size || (size_t)(payload->end - payload->at) < len)
		return false;
	for (i = 0; i < len; i++) {
		if (payload->at[i] <= ' ' || payload->at[i] > '~')
			return false;
		word[i] = (char)payload->at[i];
	}
	word[len] = '\0';
	payload->at += len;
	return true;
}

static bool
take_copies(struct payload *payload, struct journal_record *record)
{
	size_t i;

	if (payload->end - payload->at < 2)
		return false;
	record->count = (size_t)get_number(payload->at, 2);
	payload->at += 2;
	if (record->count > JOURNAL_RECORD_COPIES)
		return false;
	for (i = 0; i < record->count; i++)
		if (!take_id(payload, &record->copies[i].id) ||
		    !take_word(payload, record->copies[i].form,
			sizeof(record->copies[i].form)))
			return false;
	return true;
}

static bool
take_payload(struct payload *payload, struct journal_record *record)
{
	switch (record->verb) {
	case JOURNAL_PREP:
		if (!take_id(payload, &record->id) ||
		    !take_word(
			payload, record->queue_id, sizeof(record->queue_id)) ||
		    !take_copies(payload, record))
			return false;
		break;
	case JOURNAL_DONE:
		if (!take_id(payload, &record->id) ||
		    !take_word(
			payload, record->queue_id, sizeof(record->queue_id)))
			return false;
		break;
	case JOURNAL_ABRT:
	case JOURNAL_DOUBT:
		if (!take_id(payload, &record->id))
			return false;
		break;
	case JOURNAL_OTHER:
		return true;
	}
	return payload->at == payload->end;
}

/* Octets of the record that begins there, or 0 if there is none. */
static size_t
decode(const unsigned char *octets, size_t len, struct journal_record *record)
{
	struct payload payload;
	size_t n;

	if (len < HEAD || memcmp(octets, mark, sizeof(mark)) != 0 ||
	    octets[7] != 0)
		return 0;
	n = (size_t)get_number(octets + 4, 2);
	if (n > PAYLOAD_MAX || n > len - HEAD ||
	    crc(crc(0, octets + 4, 12), octets + HEAD, n) !=
		get_number(octets + 16, 4))
		return 0;
	record->verb = octets[6] >= JOURNAL_PREP && octets[6] <= JOURNAL_DOUBT
			   ? (enum journal_verb)octets[6]
			   : JOURNAL_OTHER;
	record->time = (int64_t)get_number(octets + 8, 8);
	if (record->time < 0 || record->time > TIME_MAX)
		return 0;
	memset(&record->id, 0, sizeof(record->id));
	record->queue_id[0] = '\0';
	record->count = 0;
	payload = (struct payload){octets + HEAD, octets + HEAD + n};
	return take_payload(&payload, record) ? HEAD + n : 0;
}

/* --- Scanning */

/* Has the buffer hold a whole record, if the file does. */
static int
fill(struct journal_scan *scan, struct fault *fault)
{
	ssize_t n;

	if (scan->at_end || scan->end - scan->start >= JOURNAL_RECORD_MAX)
		return 0;
	memmove(
	    scan->buffer, scan->buffer + scan->start, scan->end - scan->start);
	scan->end -= scan->start;
	scan->start = 0;
	while (scan->end < scan->size) {
		n = pread(scan->fd, scan->buffer + scan->end,
		    scan->size - scan->end, (off_t)(scan->offset + scan->end));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			fault_set(fault, FAULT_TEMP, "reading the journal: %s",
			    g_strerror(errno));
			return -1;
		}
		if (n == 0) {
			scan->at_end = true;
			break;
		}
		scan->end += (size_t)n;
	}
	return 0;
}

static void
skip(struct journal_scan *scan, size_t octets)
{
	scan->start += octets;
	scan->offset += octets;
}

int
journal_scan_begin(struct journal_scan *scan, int fd, size_t buffer_octets,
    struct fault *fault)
{
	const unsigned char *head;
	size_t len;

	*scan = (struct journal_scan){.fd = fd};
	scan->size = MAX(JOURNAL_RECORD_MAX,
	    buffer_octets == 0 ? BUFFER_OCTETS : buffer_octets);
	scan->buffer = g_malloc(scan->size);
	if (fill(scan, fault) != 0)
		return -1;
	head = scan->buffer;
	len = scan->end;
	if (memcmp(head, MAGIC, MIN(len, sizeof(MAGIC) - 1)) != 0) {
		fault_set(fault, FAULT_TEMP, "it is no journal");
		return -1;
	}
	if (len >= sizeof(MAGIC) && head[sizeof(MAGIC) - 1] != FORMAT_VERSION) {
		fault_set(fault, FAULT_TEMP,
		    "it is of version %u, and this program knows %u",
		    head[sizeof(MAGIC) - 1], FORMAT_VERSION);
		return -1;
	}
	if (len < JOURNAL_HEAD_OCTETS)
		return 0;
	memcpy(scan->check, head + sizeof(MAGIC), sizeof(scan->check));
	skip(scan, JOURNAL_HEAD_OCTETS);
	scan->good_octets = scan->offset;
	return 1;
}

int
journal_scan_next(struct journal_scan *scan, struct journal_record *record,
    struct fault *fault)
{
	const unsigned char *at, *next;
	size_t n, left, skipped = 0;

	for (;;) {
		if (fill(scan, fault) != 0)
			return -1;
		at = scan->buffer + scan->start;
		left = scan->end - scan->start;
		if (left < HEAD)
			return 0;
		n = decode(at, left, record);
		if (n > 0)
			break;
		/* The next mark; of one that is cut 3 octets are here. */
		next = memmem(at + 1, left - 1, mark, sizeof(mark));
		n = next != NULL ? (size_t)(next - at)
				 : left - (sizeof(mark) - 1);
		skip(scan, n);
		skipped += n;
	}
	scan->damaged += skipped > 0;
	scan->damaged_octets += skipped;
	scan->raw = at;
	scan->raw_octets = n;
	scan->raw_offset = scan->offset;
	skip(scan, n);
	scan->good_octets = scan->offset;
	return 1;
}

void
journal_scan_end(struct journal_scan *scan)
{
	g_clear_pointer(&scan->buffer, g_free);
}

int
journal_read(const char *path,
    void (*each)(void *context, const struct journal_record *record),
    void *context, struct journal_found *found, struct fault *fault)
{
	struct journal_found seen = {.made = false};
	struct journal_record record;
	struct journal_scan scan;
	int fd, r;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd == -1) {
		fault_set(fault, FAULT_TEMP, "%s: %s", path, g_strerror(errno));
		return -1;
	}
	r = journal_scan_begin(&scan, fd, 0, fault);
	while (r == 1 && (r = journal_scan_next(&scan, &record, fault)) == 1) {
		seen.records++;
		each(context, &record);
	}
	seen.damaged = scan.damaged;
	seen.damaged_octets = scan.damaged_octets;
	seen.dropped_octets =
	    scan.offset + (scan.end - scan.start) - scan.good_octets;
	journal_scan_end(&scan);
	(void)close(fd);
	if (found != NULL)
		*found = seen;
	if (r == 0)
		return 1;
	fault_prefix(fault, "%s", path);
	return -1;
}
