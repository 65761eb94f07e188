/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * protect_undo.c - a message without header protection again.
 *
 * In:    a payload, and the message it was sealed in.
 * Out:   one header of both, and the body.
 * Never: drops a field that is in one of them only, but for our own.
 */
#include <config.h>

#include "seal/protect_undo.h"

#include "seal/protect.h"

#include <openssl/crypto.h>
#include <string.h>

#define HEADER_OCTETS ((gsize)128 << 20)

/* What protect.c appends to Content-Type. */
#define PARAMETERS "\r\n\thp=\"cipher\"; protected-headers=\"v1\""
#define DISPLAY "; hp-legacy-display=\"1\""

/* What stands in front of a whole message that was wrapped. */
#define WRAPPED "\r\nContent-Type: message/rfc822\r\n\r\n"

struct undoing {
	int (*write)(
	    void *context, const void *data, size_t len, struct fault *fault);
	void *context;
	uint64_t skip; /* octets of the payload */
	uint64_t body; /* and those that follow and count */
};

/* The payload's start, with its header and WRAPPED, if that follows.  0, or
 * -1 with fault. */
static int
read_start(const struct spool *payload, GString *start, size_t *headerp,
    struct fault *fault)
{
	struct spool_reader *reader = spool_reader_make(payload);
	const unsigned char *data;
	const char *blank = NULL;
	size_t len;
	int r = 1;

	/* A block more than the header: WRAPPED fits into it. */
	while (blank == NULL && start->len <= HEADER_OCTETS &&
	       (r = spool_reader_next(reader, &data, &len, fault)) == 1) {
		g_string_append_len(start, (const char *)data, (gssize)len);
		blank = strstr(start->str, "\r\n\r\n");
	}
	if (r == 1 && spool_reader_next(reader, &data, &len, fault) == 1)
		g_string_append_len(start, (const char *)data, (gssize)len);
	spool_reader_free(&reader);
	if (blank == NULL && r != -1)
		fault_set(fault, FAULT_PERM, "what is in it has no header");
	if (blank == NULL)
		return -1;
	blank = strstr(start->str, "\r\n\r\n");
	*headerp = (size_t)(blank - start->str) + 4;
	return 0;
}

static void
parse_header(struct message *inside, const char *start, size_t len)
{
	char *text = g_strndup(start, len - 2), *field, *end, *colon;

	for (field = text; *field != '\0'; field = end) {
		end = strstr(field, "\r\n");
		while (end != NULL && (end[2] == ' ' || end[2] == '\t'))
			end = strstr(end + 2, "\r\n");
		if (end == NULL)
			break;
		*end = '\0';
		end += 2;
		colon = strchr(field, ':');
		if (colon == NULL)
			continue;
		*colon = '\0';
		message_add_field(inside, field, colon + 1);
	}
	OPENSSL_cleanse(text, len - 2);
	g_free(text);
}

static void
append_field(GString *out, const char *name, const char *value)
{
	g_string_append_printf(out, "%s:%s\r\n", name, value);
}

/* Fields of the transport, and of whoever had it after it was sealed. */
static void
append_outside(
    GString *out, const struct message *outside, const struct message *inside)
{
	const struct field *field;
	size_t i;

	for (i = 0; i < outside->header.count; i++) {
		field = &outside->header.list[i];
		if (!field_is_ours(field) &&
		    g_ascii_strncasecmp(field->name, "Content-", 8) != 0 &&
		    !field_is(field, "MIME-Version") &&
		    !field_is(field, "Subject") &&
		    message_field(inside, field->name, 0) == NULL)
			append_field(out, field->name, field->value);
	}
}

static char *
without_parameters(const char *value)
{
	const char *found = strstr(value, PARAMETERS), *rest;
	GString *out;

	if (found == NULL)
		return g_strdup(value);
	out = g_string_new_len(value, found - value);
	if (out->len > 0 && out->str[out->len - 1] == ';')
		g_string_truncate(out, out->len - 1);
	rest = found + strlen(PARAMETERS);
	if (g_str_has_prefix(rest, DISPLAY))
		rest += strlen(DISPLAY);
	g_string_append(out, rest);
	return g_string_free(out, FALSE);
}

static void
append_inside(GString *out, const struct message *inside)
{
	const struct field *field;
	char *value;
	size_t i;

	for (i = 0; i < inside->header.count; i++) {
		field = &inside->header.list[i];
		if (field_is(field, "HP-Outer") || field_is_ours(field))
			continue;
		value = field_is(field, "Content-Type")
			    ? without_parameters(field->value)
			    : g_strdup(field->value);
		append_field(out, field->name, value);
		g_free(value);
	}
}

/* Octets from the header on to a whole message that was wrapped; 0: it was
 * not. */
static size_t
wrapped_at(const struct message *inside, const char *rest, size_t *trailerp)
{
	const struct field *type = message_field(inside, "Content-Type", 0);
	size_t line = strcspn(rest, "\r");

	if (type == NULL || strstr(type->value, "hp=\"cipher\"") == NULL ||
	    !g_str_has_prefix(rest, "--") ||
	    !g_str_has_prefix(rest + line, WRAPPED))
		return 0;
	*trailerp = line + 6; /* CRLF "--boundary--" CRLF */
	return line + strlen(WRAPPED);
}

static int
write_body(
    struct undoing *undoing, const struct spool *payload, struct fault *fault)
{
	struct spool_reader *reader = spool_reader_make(payload);
	const unsigned char *data;
	size_t len, n;
	int r;

	while ((r = spool_reader_next(reader, &data, &len, fault)) == 1) {
		n = (size_t)MIN(len, undoing->skip);
		undoing->skip -= n;
		data += n;
		len = (size_t)MIN(len - n, undoing->body);
		undoing->body -= len;
		if (undoing->write(undoing->context, data, len, fault) != 0) {
			r = -1;
			break;
		}
	}
	spool_reader_free(&reader);
	return r;
}

int
protect_undo(const struct spool *payload, const struct message *outside,
    int (*write)(
	void *context, const void *data, size_t len, struct fault *fault),
    void *context, struct fault *fault)
{
	const struct spool_limits none = {NULL, 0};
	struct undoing undoing = {.write = write, .context = context};
	GString *start = g_string_new(NULL), *out = g_string_new(NULL);
	struct message *inside = message_make(&none);
	size_t header, wrapped, trailer = 0;
	int ret = -1;

	if (read_start(payload, start, &header, fault) != 0)
		goto out;
	parse_header(inside, start->str, header);
	append_outside(out, outside, inside);
	wrapped = wrapped_at(inside, start->str + header, &trailer);
	if (wrapped == 0) {
		append_inside(out, inside);
		g_string_append(out, "\r\n");
	}
	undoing.skip = header + wrapped;
	undoing.body = spool_size(payload) - undoing.skip - trailer;
	ret = write(context, out->str, out->len, fault);
	if (ret == 0)
		ret = write_body(&undoing, payload, fault);
out:
	OPENSSL_cleanse(start->str, start->len);
	OPENSSL_cleanse(out->str, out->len);
	g_string_free(start, TRUE);
	g_string_free(out, TRUE);
	message_free(&inside);
	return ret;
}
