/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_examine.c - examine a stored message; what is called sealed has a
 * reader, and says the same to those who ask for less.
 */
#include "config.h"

#include "mailbox/examine.h"
#include "tests/fuzz/fuzz.h"

static const struct spool_limits limits = {"/nowhere", 1U << 24};

static void
check_reader(const struct already_reader *reader)
{
	PROMISE(strspn(reader->id, "0123456789ABCDEF") == strlen(reader->id));
	PROMISE(reader->name[0] != '\0' &&
		g_utf8_validate(reader->name, -1, NULL) &&
		strpbrk(reader->name, "\r\n\033") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct examined examined = {0};
	int fd = fuzz_file(data, size);
	struct message *message = message_make(&limits);
	GPtrArray *readers;
	guint i;

	PROMISE(examine_file(fd, &limits, 1U << 20, &examined, NULL) == 0);
	readers = examined.already.readers;
	PROMISE((examined.state == EXAMINED_SEALED) == (examined.why == NULL));
	PROMISE(examined.state != EXAMINED_SEALED ||
		(readers != NULL && readers->len > 0));
	PROMISE(examined.state == EXAMINED_SEALED ||
		examined.state == EXAMINED_DAMAGED || readers == NULL);
	for (i = 0; readers != NULL && i < readers->len; i++)
		check_reader(g_ptr_array_index(readers, i));
	if (examined.state == EXAMINED_SEALED) {
		PROMISE(lseek(fd, 0, SEEK_SET) == 0);
		PROMISE(message_read(message, fd, 1U << 20, NULL) == 0);
		PROMISE(message_is_sealed(message, NULL) == 1);
	}
	examined_clear(&examined);
	message_free(&message);
	close(fd);
	return 0;
}
