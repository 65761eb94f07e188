/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * message.c - a message as it came, with CRLF line ends.
 *
 * In:    header fields and pieces of body from the MTA, or a file.
 * Out:   fields with their bytes, a body in a spool.
 * Never: parses MIME, drops or reorders anything.
 */
#include <config.h>

#include "seal/message.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

static char *crlf_folds(const char *value);
static int add_line(
    struct message *message, GString *field, const char *line, size_t len);
static void add_collected(struct message *message, GString *field);

struct message *
message_make(const struct spool_limits *limits)
{
	struct message *message = g_new0(struct message, 1);

	message->list = g_array_new(FALSE, FALSE, sizeof(struct field));
	message->body = spool_make(limits, true);
	return message;
}

void
message_free(struct message **messagep)
{
	struct message *message = *messagep;
	struct field *field;
	guint i;

	if (message == NULL)
		return;
	for (i = 0; i < message->list->len; i++) {
		field = &g_array_index(message->list, struct field, i);
		OPENSSL_cleanse(field->value, strlen(field->value));
		g_free(field->name);
		g_free(field->value);
	}
	g_array_free(message->list, TRUE);
	spool_free(&message->body);
	g_free(message);
	*messagep = NULL;
}

void
message_add_field(struct message *message, const char *name, const char *value)
{
	struct field field = {g_strdup(name), crlf_folds(value)};

	g_array_append_val(message->list, field);
	message->header.list = &g_array_index(message->list, struct field, 0);
	message->header.count = message->list->len;
	message->header_octets += strlen(name) + strlen(field.value) + 3;
}

/* LF that is not preceded by CR becomes CRLF. */
static char *
crlf_folds(const char *value)
{
	GString *out = g_string_sized_new(strlen(value) + 8);
	const char *p;

	for (p = value; *p != '\0'; p++) {
		if (*p == '\n' && (p == value || p[-1] != '\r'))
			g_string_append_c(out, '\r');
		g_string_append_c(out, *p);
	}
	return g_string_free(out, FALSE);
}

int
message_add_body(
    struct message *message, const void *data, size_t len, struct fault *fault)
{
	const char *start = data, *end = start + len, *p = start, *newline;

	while (
	    p < end && (newline = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		p = newline + 1;
		if (newline > (const char *)data ? newline[-1] == '\r'
						 : message->after_cr)
			continue;
		if (spool_append(message->body, start,
			(size_t)(newline - start), fault) != 0 ||
		    spool_append(message->body, "\r\n", 2, fault) != 0)
			return -1;
		start = p;
	}
	if (len > 0)
		message->after_cr = end[-1] == '\r';
	return spool_append(message->body, start, (size_t)(end - start), fault);
}

uint64_t
message_size(const struct message *message)
{
	return message->header_octets + 2 + spool_size(message->body);
}

const struct field *
message_field(const struct message *message, const char *name, size_t nth)
{
	size_t i;

	for (i = 0; i < message->header.count; i++)
		if (field_is(&message->header.list[i], name) && nth-- == 0)
			return &message->header.list[i];
	return NULL;
}

bool
field_is(const struct field *field, const char *name)
{
	/* Names are compared some 200 times for a message: nearly all differ
	 * in their first letter. */
	return g_ascii_tolower(field->name[0]) == g_ascii_tolower(name[0]) &&
	       g_ascii_strcasecmp(field->name, name) == 0;
}

char *
field_unfold(const char *value)
{
	GString *out = g_string_sized_new(strlen(value));

	for (; *value != '\0'; value++)
		if (*value != '\r' && *value != '\n')
			g_string_append_c(out, *value);
	return g_strstrip(g_string_free(out, FALSE));
}

bool
field_is_ours(const struct field *field)
{
	return g_ascii_strncasecmp(field->name, "Sealmilter-", 11) == 0;
}

/* --- Writing */

int
write_octets(int fd, const void *data, size_t len, struct fault *fault)
{
	const char *octets = data;
	ssize_t n;

	while (len > 0) {
		n = write(fd, octets, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			fault_set(fault, FAULT_TEMP, "writing the message: %s",
			    g_strerror(errno));
			return -1;
		}
		octets += n;
		len -= (size_t)n;
	}
	return 0;
}

int
write_spool(int fd, const struct spool *spool, struct fault *fault)
{
	struct spool_reader *reader = spool_reader_make(spool);
	const unsigned char *data;
	size_t len;
	int r;

	while ((r = spool_reader_next(reader, &data, &len, fault)) == 1)
		if (write_octets(fd, data, len, fault) != 0) {
			r = -1;
			break;
		}
	spool_reader_free(&reader);
	return r;
}

/* keep_ours: with the fields that only we may set. */
static GString *
header_text(const struct message *message, const char *subject, bool keep_ours)
{
	const struct field *field,
	    *first = message_field(message, "Subject", 0);
	GString *header = g_string_new(NULL);
	size_t i;

	for (i = 0; i < message->header.count; i++) {
		field = &message->header.list[i];
		if (keep_ours || !field_is_ours(field))
			g_string_append_printf(header, "%s:%s\r\n", field->name,
			    field == first && subject != NULL ? subject
							      : field->value);
	}
	return header;
}

GString *
message_header(const struct message *message, const char *subject)
{
	return header_text(message, subject, false);
}

/* The header is wiped, which may be all there is to read. */
static int
write_with_header(
    const struct message *message, GString *header, int fd, struct fault *fault)
{
	int r;

	g_string_append(header, "\r\n");
	r = write_octets(fd, header->str, header->len, fault);
	OPENSSL_cleanse(header->str, header->len);
	g_string_free(header, TRUE);
	return r != 0 ? -1 : write_spool(fd, message->body, fault);
}

int
message_write(const struct message *message, const char *subject, int fd,
    struct fault *fault)
{
	return write_with_header(
	    message, message_header(message, subject), fd, fault);
}

int
message_write_whole(const struct message *message, int fd, struct fault *fault)
{
	return write_with_header(
	    message, header_text(message, NULL, true), fd, fault);
}

/* --- Reading a file */

/* Octets that are read and not yet used. */
struct reading {
	int fd;
	struct spool_reader *spool; /* instead, if it is not NULL */
	GString *buffer;
	uint64_t octets; /* that may still come */
	bool at_end;
};

static ssize_t
reading_octets(
    struct reading *reading, char *piece, size_t size, struct fault *fault)
{
	ssize_t n;

	if (reading->spool != NULL)
		return spool_reader_read(reading->spool, piece, size, fault);
	do
		n = read(reading->fd, piece, size);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		fault_set(fault, FAULT_TEMP, "reading the message: %s",
		    g_strerror(errno));
	return n;
}

/* 1: more octets.  0: the end.  -1. */
static int
reading_more(struct reading *reading, struct fault *fault)
{
	char piece[16384];
	ssize_t n = reading_octets(reading, piece, sizeof(piece), fault);

	if (n == -1)
		return -1;
	if ((uint64_t)n > reading->octets) {
		fault_set(fault, FAULT_PERM, "the message is too large");
		return -1;
	}
	reading->octets -= (uint64_t)n;
	reading->at_end = n == 0;
	g_string_append_len(reading->buffer, piece, n);
	return n > 0;
}

/* The length of the next line with its end; 0 at the end of the file. */
static int
reading_line(struct reading *reading, size_t *lenp, struct fault *fault)
{
	const char *newline;
	size_t seen = 0;

	for (;;) {
		newline = memchr(reading->buffer->str + seen, '\n',
		    reading->buffer->len - seen);
		seen = reading->buffer->len;
		if (newline != NULL) {
			*lenp = (size_t)(newline - reading->buffer->str) + 1;
			return 0;
		}
		if (reading->at_end) {
			*lenp = reading->buffer->len;
			return 0;
		}
		if (reading_more(reading, fault) < 0)
			return -1;
	}
}

static int
read_header(
    struct message *message, struct reading *reading, struct fault *fault)
{
	GString *field = g_string_new(NULL);
	bool first = true;
	size_t len;
	int r = 0;

	while (r == 0) {
		if (reading_line(reading, &len, fault) != 0) {
			r = -1;
			break;
		}
		if (first && len > 5 &&
		    memcmp(reading->buffer->str, "From ", 5) == 0) {
			g_string_erase(reading->buffer, 0, (gssize)len);
			first = false;
			continue;
		}
		first = false;
		r = len == 0
			? 1
			: add_line(message, field, reading->buffer->str, len);
		/* A field is a string: the rest of it would be lost. */
		if (r == 0 && memchr(reading->buffer->str, '\0', len) != NULL) {
			fault_set(fault, FAULT_PERM,
			    "the header of the message has a NUL in it");
			r = -1;
			break;
		}
		if (r != 2)
			g_string_erase(reading->buffer, 0, (gssize)len);
	}
	add_collected(message, field);
	g_string_free(field, TRUE);
	return r == -1 ? -1 : 0;
}

static int
read_all(struct message *message, struct reading *reading, struct fault *fault)
{
	GString *buffer = reading->buffer = g_string_new(NULL);
	int r = read_header(message, reading, fault);

	while (r == 0) {
		r = message_add_body(message, buffer->str, buffer->len, fault);
		OPENSSL_cleanse(buffer->str, buffer->len);
		g_string_truncate(buffer, 0);
		if (r != 0 || reading->at_end)
			break;
		if (reading_more(reading, fault) < 0)
			r = -1;
	}
	g_string_free(buffer, TRUE);
	return r;
}

int
message_read(
    struct message *message, int fd, uint64_t octets, struct fault *fault)
{
	struct reading reading = {.fd = fd, .octets = octets};

	return read_all(message, &reading, fault);
}

int
message_read_spool(struct message *message, const struct spool *spool,
    uint64_t octets, struct fault *fault)
{
	struct reading reading = {
	    .fd = -1, .spool = spool_reader_make(spool), .octets = octets};
	int r = read_all(message, &reading, fault);

	spool_reader_free(&reading.spool);
	return r;
}

/* How many octets may be those of a field's name (RFC 5322 section 2.2). */
static size_t
name_octets(const char *line, size_t len)
{
	size_t n = 0;

	while (n < len && line[n] > ' ' && line[n] < 0x7f && line[n] != ':')
		n++;
	return n;
}

/* 0: part of the header.  1: the blank line.  2: already the body. */
static int
add_line(struct message *message, GString *field, const char *line, size_t len)
{
	const char *colon;
	size_t name;

	if (len <= 2 && (line[0] == '\n' || memcmp(line, "\r\n", len) == 0))
		return 1;
	if ((line[0] == ' ' || line[0] == '\t') && field->len > 0) {
		g_string_append_len(field, line, (gssize)len);
		return 0;
	}
	colon = memchr(line, ':', len);
	name = name_octets(line, len);
	if (colon == NULL || name == 0 ||
	    line + name + strspn(line + name, " \t") != colon)
		return 2;
	add_collected(message, field);
	/* Blanks before the colon (RFC 5322 4.5.1) go, as MTAs take them. */
	g_string_append_len(field, line, (gssize)name);
	g_string_append_len(field, colon, (gssize)len - (colon - line));
	return 0;
}

static void
add_collected(struct message *message, GString *field)
{
	char *colon;

	if (field->len == 0)
		return;
	while (field->len > 0 && (field->str[field->len - 1] == '\n' ||
				     field->str[field->len - 1] == '\r'))
		g_string_truncate(field, field->len - 1);
	colon = strchr(field->str, ':');
	*colon = '\0';
	message_add_field(message, field->str, colon + 1);
	g_string_truncate(field, 0);
}
