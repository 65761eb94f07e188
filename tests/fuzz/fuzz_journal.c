/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_journal.c - whatever the file has in it: what is read is in it, octet
 * by octet, in its order, and the same in whichever pieces it is read.
 */
#include "config.h"

#include "milter/journal_private.h"
#include "tests/fuzz/fuzz.h"

struct seen {
	int begun, ended;
	uint64_t records, octets, sum, damaged, damaged_octets, good;
};

static void
one_record(const uint8_t *data, size_t size, const struct journal_scan *scan,
    const struct journal_record *record)
{
	GByteArray *again;

	PROMISE(scan->raw_offset <= size &&
		scan->raw_octets <= size - scan->raw_offset);
	PROMISE(
	    memcmp(scan->raw, data + scan->raw_offset, scan->raw_octets) == 0);
	PROMISE(record->count <= JOURNAL_RECORD_COPIES);
	if (record->verb == JOURNAL_OTHER)
		return;
	again = g_byte_array_new();
	journal_encode(again, record);
	PROMISE(again->len == scan->raw_octets &&
		memcmp(again->data, scan->raw, again->len) == 0);
	g_byte_array_unref(again);
}

static struct seen
read_all(const uint8_t *data, size_t size, size_t buffer_octets)
{
	struct seen seen = {0};
	struct journal_record record;
	struct journal_scan scan;
	int fd = fuzz_file(data, size);

	seen.begun = journal_scan_begin(&scan, fd, buffer_octets, NULL);
	while (seen.begun == 1 &&
	       (seen.ended = journal_scan_next(&scan, &record, NULL)) == 1) {
		PROMISE(scan.raw_offset >= seen.good);
		one_record(data, size, &scan, &record);
		seen.records++;
		seen.octets += scan.raw_octets;
		seen.sum = seen.sum * 31 + scan.raw_offset;
		seen.good = scan.good_octets;
	}
	PROMISE(seen.ended == 0);
	seen.damaged = scan.damaged;
	seen.damaged_octets = scan.damaged_octets;
	PROMISE(seen.damaged <= seen.damaged_octets);
	PROMISE(seen.records == 0 ||
		JOURNAL_HEAD_OCTETS + seen.octets + seen.damaged_octets ==
		    seen.good);
	journal_scan_end(&scan);
	(void)close(fd);
	return seen;
}

static void
none(void *context, const struct journal_record *record)
{
	struct seen *seen = context;

	(void)record;
	seen->records++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole = read_all(data, size, 0);
	struct seen pieces = read_all(data, size, 1), named = {0};
	struct journal_found found;
	int fd = fuzz_file(data, size), r;
	char *path = g_strdup_printf("/proc/self/fd/%d", fd);

	PROMISE(whole.begun == pieces.begun && whole.sum == pieces.sum &&
		whole.records == pieces.records &&
		whole.damaged == pieces.damaged &&
		whole.damaged_octets == pieces.damaged_octets);
	r = journal_read(path, none, &named, &found, NULL);
	PROMISE((r == 1) == (whole.begun != -1));
	PROMISE(
	    named.records == whole.records && found.records == whole.records);
	PROMISE(r != 1 || found.dropped_octets <= size);
	g_free(path);
	(void)close(fd);
	return 0;
}
