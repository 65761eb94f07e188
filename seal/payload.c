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

#include "seal/legacy.h"

#include <openssl/crypto.h>
#include <string.h>

struct payload {
	GString *header;
	const struct message *message;
	char *trailer;
	struct gate *gate;
	struct spool_reader *body;
	size_t header_used, trailer_used;
	GArray *insertions; /* or NULL */
	guint insertion;    /* the next one */
	size_t insertion_used;
	uint64_t body_used;
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
	if (payload->insertions != NULL)
		g_array_unref(payload->insertions);
	g_free(payload->trailer);
	g_free(payload);
	*payloadp = NULL;
}

void
payload_insert(struct payload *payload, GArray *insertions)
{
	payload->insertions = insertions;
}

uint64_t
payload_octets(const struct payload *payload)
{
	uint64_t octets = payload->header->len + strlen(payload->trailer) +
			  spool_size(payload->message->body);
	guint i;

	for (i = 0; payload->insertions != NULL && i < payload->insertions->len;
	     i++)
		octets +=
		    g_array_index(payload->insertions, struct insertion, i).len;
	return octets;
}

void
payload_rewind(struct payload *payload, struct gate *gate)
{
	payload->gate = gate;
	payload->header_used = payload->trailer_used = 0;
	payload->insertion = 0;
	payload->insertion_used = 0;
	payload->body_used = 0;
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

/* The body up to the next insertion, or what is left of that one. */
static ssize_t
read_body(
    struct payload *payload, void *buffer, size_t size, struct fault *fault)
{
	const struct insertion *next = NULL;
	ssize_t n;

	if (payload->insertions != NULL &&
	    payload->insertion < payload->insertions->len)
		next = &g_array_index(
		    payload->insertions, struct insertion, payload->insertion);
	if (next != NULL && next->at == payload->body_used) {
		n = (ssize_t)read_string(next->text, next->len,
		    &payload->insertion_used, buffer, size);
		if (payload->insertion_used == next->len) {
			payload->insertion++;
			payload->insertion_used = 0;
		}
		return n;
	}
	if (next != NULL)
		size = (size_t)MIN(size, next->at - payload->body_used);
	n = spool_reader_read(payload->body, buffer, size, fault);
	if (n > 0)
		payload->body_used += (uint64_t)n;
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
		n = read_body(payload, buffer, size, fault);
	if (n == 0)
		n = (ssize_t)read_string(payload->trailer,
		    strlen(payload->trailer), &payload->trailer_used, buffer,
		    size);
	if (n > 0)
		gate_see(payload->gate, buffer, (size_t)n);
	return n;
}
