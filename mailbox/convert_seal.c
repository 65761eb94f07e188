/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * convert_seal.c - the sealed file of a stored message.
 *
 * In:    the file of a message.
 * Out:   another file, which tells inside how the first was.
 * Never: writes what did not pass the gate.
 */
#include <config.h>

#include "mailbox/convert_private.h"

#include "seal/original.h"

#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_OCTETS 65536

/* Does its first line end in CRLF?  Then so do those of the sealed one. */
static bool
has_crlf(int fd)
{
	char piece[1024], *newline;
	ssize_t n = pread(fd, piece, sizeof(piece), 0);

	newline = n > 0 ? memchr(piece, '\n', (size_t)n) : NULL;
	return newline != NULL && newline > piece && newline[-1] == '\r';
}

int
convert_seal(const struct convert_order *order, int fd, uint64_t octets,
    struct replacement *replacement, struct fault *fault)
{
	struct message *message = NULL;
	char *original = NULL;
	int r;

	r = original_read(fd, octets, order->message_octets, order->seal,
	    &message, &original, fault);
	if (r == 0)
		r = convert_seal_message(
		    order, message, original, has_crlf(fd), replacement, fault);
	message_free(&message);
	if (original != NULL)
		OPENSSL_cleanse(original, strlen(original));
	g_free(original);
	return r;
}

int
convert_seal_message(const struct convert_order *order,
    const struct message *message, const char *original, bool crlf,
    struct replacement *replacement, struct fault *fault)
{
	struct seal_order seal = *order->seal;
	struct sealed *sealed = NULL;
	struct spool_reader *reader;
	struct storing storing;
	const unsigned char *data;
	GString *header;
	size_t len;
	int r;

	seal.original = original;
	if (seal_message(&seal, message, &sealed, fault) != 0)
		return -1;
	reader = spool_reader_make(sealed->body);
	header = sealed_header(sealed, message);
	g_string_append(header, "\r\n");
	store_begin(&storing, replacement, crlf);
	r = store_octets(&storing, header->str, header->len, fault);
	while (
	    r == 0 && (r = spool_reader_next(reader, &data, &len, fault)) == 1)
		r = store_octets(&storing, data, len, fault);
	r = store_end(&storing, r, fault);
	g_string_free(header, TRUE);
	spool_reader_free(&reader);
	sealed_free(&sealed);
	return r;
}

/* --- Its file */

void
store_begin(
    struct storing *storing, struct replacement *replacement, bool keep_cr)
{
	*storing = (struct storing){
	    replacement, g_string_sized_new(BUFFER_OCTETS), keep_cr, '\0'};
	replacement->size = replacement->vsize = 0;
}

static int
flush(struct storing *storing, struct fault *fault)
{
	const GString *buffer = storing->buffer;
	int r = write_octets(
	    storing->replacement->fd, buffer->str, buffer->len, fault);
	gsize i;

	storing->replacement->size += buffer->len;
	storing->replacement->vsize += buffer->len;
	for (i = 0; i < buffer->len; i++) {
		storing->replacement->vsize +=
		    buffer->str[i] == '\n' && storing->last != '\r';
		storing->last = buffer->str[i];
	}
	OPENSSL_cleanse(storing->buffer->str, storing->buffer->len);
	g_string_truncate(storing->buffer, 0);
	return r;
}

int
store_octets(void *context, const void *data, size_t len, struct fault *fault)
{
	struct storing *storing = context;
	const char *p = data, *end = p + len, *cr;

	while (!storing->keep_cr &&
	       (cr = memchr(p, '\r', (size_t)(end - p))) != NULL) {
		g_string_append_len(storing->buffer, p, cr - p);
		p = cr + 1;
	}
	g_string_append_len(storing->buffer, p, end - p);
	return storing->buffer->len < BUFFER_OCTETS ? 0 : flush(storing, fault);
}

int
store_end(struct storing *storing, int ret, struct fault *fault)
{
	if (ret == 0)
		ret = flush(storing, fault);
	OPENSSL_cleanse(storing->buffer->str, storing->buffer->len);
	g_string_free(storing->buffer, TRUE);
	return ret;
}
