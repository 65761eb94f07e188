/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_legacy.c - what is inserted into any message to show its Subject: it
 * lies within the body, in order, and is whole lines of mail.
 */
#include "config.h"

#include "seal/legacy.h"
#include "tests/fuzz/fuzz.h"

/* RFC 5322 section 2.1.1. */
#define LINE_OCTETS 998

static const struct spool_limits limits = {"/nowhere", 1U << 24};

/* Every line break is CRLF, and no line is too long for SMTP. */
static void
check_lines(const struct insertion *insertion)
{
	const char *text = insertion->text;
	size_t i, start = 0;

	for (i = 0; i < insertion->len; i++) {
		PROMISE(text[i] != '\0');
		if (text[i] == '\r')
			PROMISE(i + 1 < insertion->len && text[i + 1] == '\n');
		if (text[i] == '\n') {
			PROMISE(i > 0 && text[i - 1] == '\r');
			start = i + 1;
		}
		PROMISE(i + 1 - start <= LINE_OCTETS);
	}
}

static void
check(const struct message *message, const GArray *insertions)
{
	const struct insertion *insertion;
	uint64_t at = 0;
	guint i;

	for (i = 0; i < insertions->len; i++) {
		insertion = &g_array_index(insertions, struct insertion, i);
		PROMISE(insertion->at >= at);
		PROMISE(insertion->at <= spool_size(message->body));
		PROMISE(insertion->text != NULL && insertion->len > 0);
		check_lines(insertion);
		at = insertion->at;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct seal_order order = {
	    .hide_subject = true, .legacy_display = true};
	struct message *message = message_make(&limits);
	int fd = fuzz_file(data, size);
	GArray *insertions;
	bool at_root;

	if (message_read(message, fd, 1U << 20, NULL) == 0) {
		insertions = legacy_find(&order, message, &at_root);
		PROMISE(!at_root || insertions->len > 0);
		check(message, insertions);
		g_array_unref(insertions);
	}
	message_free(&message);
	close(fd);
	return 0;
}
