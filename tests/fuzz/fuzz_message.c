/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_message.c - read a message, ask everything that is asked of one, and
 * write it; what is written reads as the same message.
 */
#include "config.h"

#include "seal/already.h"
#include "seal/message.h"
#include "seal/named.h"
#include "seal/subject.h"
#include "tests/fuzz/fuzz.h"

static const struct spool_limits limits = {"/nowhere", 1U << 24};

static struct message *
read_back(int fd)
{
	struct message *message = message_make(&limits);

	PROMISE(lseek(fd, 0, SEEK_SET) == 0);
	if (message_read(message, fd, 1U << 20, NULL) != 0)
		message_free(&message);
	return message;
}

static void
ask(const struct message *message)
{
	char *subject = subject_decode(message);
	char *without =
	    subject_without(message, (const char *const[]){"[secure]", NULL});

	PROMISE(message_is_sealed(message, NULL) >= 0);
	PROMISE(subject == NULL || g_utf8_validate(subject, -1, NULL));
	PROMISE(without == NULL || g_str_is_ascii(without));
	g_hash_table_destroy(message_named(message));
	g_free(subject);
	g_free(without);
}

static bool
is_same(const struct message *a, const struct message *b)
{
	size_t i, j = 0;

	for (i = 0; i < a->header.count; i++) {
		if (field_is_ours(&a->header.list[i]))
			continue;
		if (j >= b->header.count ||
		    strcmp(a->header.list[i].name, b->header.list[j].name) !=
			0 ||
		    strcmp(a->header.list[i].value, b->header.list[j].value) !=
			0)
			return false;
		j++;
	}
	return j == b->header.count &&
	       spool_size(a->body) == spool_size(b->body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = fuzz_file(data, size), copy = fuzz_file(NULL, 0);
	struct message *message = read_back(fd), *again;

	if (message != NULL) {
		ask(message);
		PROMISE(message_write(message, NULL, copy, NULL) == 0);
		again = read_back(copy);
		PROMISE(again != NULL && is_same(message, again));
		message_free(&again);
	}
	message_free(&message);
	close(fd);
	close(copy);
	return 0;
}
