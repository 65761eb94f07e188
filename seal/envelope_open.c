/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * envelope_open.c - find a sealed envelope and open it.
 *
 * In:    a page, a message or a JWE, from anybody; the passphrase.
 * Out:   the message that was sealed.
 * Never: gives anything of it away that was not found to be right.
 */
#include <config.h>

#include "seal/envelope_open.h"

#include "keys/passphrases.h"
#include "seal/jwe.h"
#include "seal/subject.h"

#include <gmime/gmime.h>
#include <string.h>

#define MARK "<script type=\"application/jose\" id=\"envelope\">"
#define BLANKS " \t\r\n"

/* What was found so far. */
struct found {
	char *jwe; /* the first */
	unsigned int count;
};

struct opening {
	int (*words)(void *context, char **wordsp, struct fault *fault);
	void *context;
	struct spool *content;
};

static void look_into_page(struct found *found, const char *octets, size_t len);
static void look_into_message(
    struct found *found, const char *octets, size_t len);
static void look_into_part(struct found *found, GMimeObject *part);
static bool is_jwe(const char *octets, size_t len);

int
envelope_find(const char *octets, size_t len, char **jwep, struct fault *fault)
{
	struct found found = {NULL, 0};
	const char *end = octets + len;

	/* A byte order mark that an editor may have left. */
	if (len >= 3 && memcmp(octets, "\xef\xbb\xbf", 3) == 0)
		octets += 3;
	while (
	    octets < end && *octets != '\0' && strchr(BLANKS, *octets) != NULL)
		octets++;
	len = (size_t)(end - octets);
	if (is_jwe(octets, len)) {
		*jwep = g_strchomp(g_strndup(octets, len));
		return 0;
	}
	if (len > 0 && *octets == '<')
		look_into_page(&found, octets, len);
	else if (len > 0)
		look_into_message(&found, octets, len);
	if (found.count == 1) {
		*jwep = found.jwe;
		return 0;
	}
	g_free(found.jwe);
	if (found.count == 0)
		fault_set(fault, FAULT_PERM, "there is no sealed envelope");
	else
		fault_set(fault, FAULT_PERM,
		    "there are %u sealed envelopes: save the page of one, and "
		    "open that",
		    found.count);
	return -1;
}

static bool
is_jwe(const char *octets, size_t len)
{
	size_t i, points = 0;

	while (len > 0 && octets[len - 1] != '\0' &&
	       strchr(BLANKS, octets[len - 1]) != NULL)
		len--;
	for (i = 0; i < len; i++) {
		if (octets[i] == '.')
			points++;
		else if (!g_ascii_isalnum(octets[i]) && octets[i] != '-' &&
			 octets[i] != '_')
			return false;
	}
	return points >= 1;
}

static void
look_into_page(struct found *found, const char *octets, size_t len)
{
	const char *end, *at = octets, *close;

	if (len == 0) /* octets may be NULL then */
		return;
	end = octets + len;
	while (
	    (at = memmem(at, (size_t)(end - at), MARK, strlen(MARK))) != NULL) {
		at += strlen(MARK);
		close = memchr(at, '<', (size_t)(end - at));
		if (close == NULL)
			close = end;
		if (found->count++ == 0)
			found->jwe =
			    g_strstrip(g_strndup(at, (gsize)(close - at)));
		at = close;
	}
}

/* --- Messages */

static void
look_into_message(struct found *found, const char *octets, size_t len)
{
	GMimeStream *stream;
	GMimeParser *parser;
	GMimeMessage *message;
	GMimePartIter *parts;

	gmime_need();
	stream = g_mime_stream_mem_new_with_buffer(octets, len);
	parser = g_mime_parser_new_with_stream(stream);
	message = g_mime_parser_construct_message(parser, NULL);
	g_object_unref(parser);
	if (message != NULL) {
		parts = g_mime_part_iter_new(GMIME_OBJECT(message));
		if (g_mime_part_iter_is_valid(parts))
			do
				look_into_part(
				    found, g_mime_part_iter_get_current(parts));
			while (g_mime_part_iter_next(parts));
		g_mime_part_iter_free(parts);
		g_object_unref(message);
	}
	g_object_unref(stream);
}

/* Whatever it is called: mail systems rename what they find odd. */
static void
look_into_part(struct found *found, GMimeObject *part)
{
	GMimeDataWrapper *content;
	GMimeStream *stream;
	const GByteArray *octets;

	if (!GMIME_IS_PART(part))
		return;
	content = g_mime_part_get_content(GMIME_PART(part));
	if (content == NULL)
		return;
	stream = g_mime_stream_mem_new();
	if (g_mime_data_wrapper_write_to_stream(content, stream) != -1) {
		octets =
		    g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
		look_into_page(found, (const char *)octets->data, octets->len);
	}
	g_object_unref(stream);
}

/* --- Opening */

static int
on_key(void *context, const struct jwe_header *header, const char *text,
    unsigned char kek[JWE_KEY_OCTETS], struct fault *fault)
{
	const struct opening *opening = context;
	char *words = NULL;
	int ret;

	(void)text;
	if (opening->words(opening->context, &words, fault) != 0)
		return -1;
	ret = passphrase_kek(words, header->salt, header->salt_octets,
	    header->iterations, kek, fault);
	passphrase_wipe(&words);
	return ret;
}

static int
on_opened(
    void *context, const unsigned char *data, size_t len, struct fault *fault)
{
	const struct opening *opening = context;

	return spool_append(opening->content, data, len, fault);
}

int
envelope_open(const char *jwe,
    int (*words)(void *context, char **wordsp, struct fault *fault),
    void *context, struct spool *content, struct fault *fault)
{
	struct opening opening = {words, context, content};
	const struct jwe_events events = {on_key, NULL, on_opened, &opening};
	struct jwe_reader *reader = jwe_reader_make(&events);
	int ret;

	ret = jwe_reader_feed(reader, jwe, strlen(jwe), fault);
	if (ret == 0)
		ret = jwe_reader_finish(reader, fault);
	jwe_reader_free(&reader);
	return ret;
}
