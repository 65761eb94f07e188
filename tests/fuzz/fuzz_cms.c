/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_cms.c - the gate's reader of CMS says the same however the octets come
 * in pieces, and points at nothing that is not there.
 */
#include "config.h"

#include "seal/cms_reader.h"
#include "tests/fuzz/fuzz.h"

struct seen {
	int result;
	uint64_t content, sum;
	size_t count;
};

/* Every octet that is pointed to is read. */
static uint64_t
add_octets(uint64_t sum, const unsigned char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		sum = sum * 31 + data[i];
	return sum;
}

static void
look(const struct cms_reader *reader, struct seen *seen)
{
	const struct cms_recipient *recipients;
	const unsigned char *cipher;
	size_t i, len;

	recipients = cms_reader_recipients(reader, &seen->count);
	for (i = 0; i < seen->count; i++) {
		PROMISE(recipients[i].id_len >= 2);
		seen->sum = add_octets(
		    seen->sum, recipients[i].id, recipients[i].id_len);
		seen->sum = add_octets(seen->sum, recipients[i].algorithm,
		    recipients[i].algorithm_len);
		seen->sum += recipients[i].key_len;
	}
	cipher = cms_reader_cipher(reader, &len);
	seen->sum = add_octets(seen->sum, cipher, len);
	seen->content = cms_reader_content_octets(reader);
}

static struct seen
read_all(const uint8_t *data, size_t size, size_t piece)
{
	struct cms_reader *reader = cms_reader_make();
	struct seen seen = {0};
	size_t n;

	for (; size > 0 && seen.result == 0; data += n, size -= n) {
		n = MIN(size, piece);
		seen.result = cms_reader_feed(reader, data, n);
	}
	if (seen.result == 0)
		seen.result = cms_reader_finish(reader);
	PROMISE((seen.result == 0) == (cms_reader_why(reader) == NULL));
	if (seen.result == 0)
		look(reader, &seen);
	cms_reader_free(&reader);
	return seen;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct seen whole = read_all(data, size, size);
	const struct seen octets = read_all(data, size, 1);

	PROMISE(whole.result == octets.result);
	PROMISE(whole.sum == octets.sum && whole.count == octets.count);
	PROMISE(whole.content == octets.content && whole.content <= size);
	return 0;
}
