/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_protect.c - the payload's header of any message: GMime finds in it
 * that it is protected.
 */
#include "config.h"

#include "seal/protect.h"
#include "seal/subject.h"
#include "tests/fuzz/fuzz.h"

#include <gmime/gmime.h>

static const struct spool_limits limits = {"/nowhere", 1U << 24};

static void
is_protected(const GString *header)
{
	GMimeStream *stream =
	    g_mime_stream_mem_new_with_buffer(header->str, header->len);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeObject *part = g_mime_parser_construct_part(parser, NULL);
	const char *hp;

	PROMISE(part != NULL);
	hp = g_mime_object_get_content_type_parameter(part, "hp");
	PROMISE(hp != NULL && strcmp(hp, "cipher") == 0);
	g_object_unref(part);
	g_object_unref(parser);
	g_object_unref(stream);
}

static void
drop_sealed(const struct message *message, struct sealed *sealed)
{
	size_t i;

	for (i = 0; i < message->header.count; i++)
		g_free(sealed->value[i]);
	g_free(sealed->value);
	g_free(sealed->outside);
}

static void
protect(const struct message *message)
{
	const struct seal_order order = {.hide_subject = true};
	struct sealed sealed = {.count = message->header.count};
	char *trailer = NULL;
	GString *header;

	sealed.outside = g_new0(enum outside, sealed.count + 1);
	sealed.value = g_new0(char *, sealed.count + 1);
	header = protect_header(
	    &order, message, "=_sealed_x", false, &sealed, &trailer);
	PROMISE(g_str_has_suffix(header->str, "\r\n\r\n"));
	is_protected(header);
	drop_sealed(message, &sealed);
	g_string_free(header, TRUE);
	g_free(trailer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message *message = message_make(&limits);
	int fd = fuzz_file(data, size);

	gmime_need();
	if (message_read(message, fd, 1U << 20, NULL) == 0)
		protect(message);
	message_free(&message);
	close(fd);
	return 0;
}
