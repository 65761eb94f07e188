/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * payload.c - what is encrypted, as a stream.
 *
 * In:    the protected header, the message, a trailer.
 * Out:   their octets one after the other.
 * Never: changes one.
 */
#include "seal/payload.h"

#include <openssl/crypto.h>
#include <string.h>

struct payload {
	GString *header;
	const struct message *message;
	char *trailer;
	struct gate *gate;
	struct spool_reader *body;
	size_t header_used, trailer_used;
};

struct payload *
payload_make(GString *header, const struct message *message, char *trailer)
{
	struct payload *payload = g_new0(struct payload, 1);

	payload->header = header;
	payload->message = message;
	payload->trailer = trailer == NULL ? g_strdup("") : trailer;
	return payload;
}

void
payload_free(struct payload **payloadp)
{
	struct payload *payload = *payloadp;

	if (payload == NULL)
		return;
	OPENSSL_cleanse(payload->header->str, payload->header->len);
	g_string_free(payload->header, TRUE);
	spool_reader_free(&payload->body);
	g_free(payload->trailer);
	g_free(payload);
	*payloadp = NULL;
}

uint64_t
payload_octets(const struct payload *payload)
{
	return payload->header->len + spool_size(payload->message->body) +
	       strlen(payload->trailer);
}

void
payload_rewind(struct payload *payload, struct gate *gate)
{
	payload->gate = gate;
	payload->header_used = payload->trailer_used = 0;
	spool_reader_free(&payload->body);
	payload->body = spool_reader_make(payload->message->body);
	gate_rewind(gate);
}

/* What is left of one of the two strings. */
static size_t
read_string(
    const char *text, size_t len, size_t *usedp, void *buffer, size_t size)
{
	size_t n = MIN(len - *usedp, size);

	memcpy(buffer, text + *usedp, n);
	*usedp += n;
	return n;
}

ssize_t
payload_read(
    struct payload *payload, void *buffer, size_t size, struct fault *fault)
{
	ssize_t n;

	n = (ssize_t)read_string(payload->header->str, payload->header->len,
	    &payload->header_used, buffer, size);
	if (n == 0)
		n = spool_reader_read(payload->body, buffer, size, fault);
	if (n == 0)
		n = (ssize_t)read_string(payload->trailer,
		    strlen(payload->trailer), &payload->trailer_used, buffer,
		    size);
	if (n > 0)
		gate_see(payload->gate, buffer, (size_t)n);
	return n;
}
