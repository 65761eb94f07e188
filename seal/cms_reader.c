/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * cms_reader.c - take apart what the S/MIME engine made.
 *
 * In:    BER, in pieces.
 * Out:   who can open it, how it is encrypted, how long its content is.
 * Never: keeps the content, or trusts a length.
 */
#include "seal/cms_reader.h"

#include <string.h>

#define HEAD_OCTETS_MAX (1U << 20) /* some 1,500 recipients with RSA-4096 */

/* Tags, X.690 section 8.1.2. */
#define TAG_INTEGER 0x02
#define TAG_OCTETS 0x04
#define TAG_OID 0x06
#define TAG_SEQUENCE 0x30
#define TAG_SET 0x31
#define TAG_EXPLICIT_0 0xa0
#define TAG_EXPLICIT_1 0xa1

/* With their tags and lengths: RFC 5652 section 14, RFC 5083 section 2.1. */
static const unsigned char oid_enveloped[] = {
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03};
static const unsigned char oid_auth[] = {0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86,
    0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17};
static const unsigned char oid_data[] = {
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01};

/* What ends the three levels around EncryptedContentInfo, and it. */
#define END_OCTETS 2
#define ENDS 4
#define MAC_OCTETS 16

enum where {
	IN_HEAD,
	IN_CHUNK_HEAD,
	IN_CHUNK,
	IN_TAIL,
};

struct cms_reader {
	enum where where;
	const char *why;
	GByteArray *head;
	bool auth;
	GArray *recipients; /* of struct cms_recipient */
	const unsigned char *cipher;
	size_t cipher_len;
	unsigned char chunk_head[6];
	size_t chunk_head_len;
	size_t chunk_left;
	uint64_t content_octets;
	unsigned char tail[ENDS * END_OCTETS + MAC_OCTETS + 2];
	size_t tail_len;
};

/* A part of the head that is still to be read. */
struct span {
	const unsigned char *at;
	size_t left;
};

struct cms_reader *
cms_reader_make(void)
{
	struct cms_reader *reader = g_new0(struct cms_reader, 1);

	reader->head = g_byte_array_new();
	reader->recipients =
	    g_array_new(FALSE, FALSE, sizeof(struct cms_recipient));
	return reader;
}

void
cms_reader_free(struct cms_reader **readerp)
{
	struct cms_reader *reader = g_steal_pointer(readerp);

	if (reader == NULL)
		return;
	g_byte_array_unref(reader->head);
	g_array_unref(reader->recipients);
	g_free(reader);
}

/* --- The head: all of it in memory */

/* 1, 0 if it goes on behind what is there, -1 if it is something else. */
static int
skip_octets(struct span *span, const unsigned char *octets, size_t len)
{
	size_t n = MIN(len, span->left);

	if (memcmp(span->at, octets, n) != 0)
		return -1;
	if (n < len)
		return 0;
	span->at += len;
	span->left -= len;
	return 1;
}

/* A tag with indefinite length (X.690 section 8.1.3.6). */
static int
open_level(struct span *span, unsigned char tag)
{
	const unsigned char octets[] = {tag, 0x80};

	return skip_octets(span, octets, sizeof(octets));
}

/* An element of definite length: *content is what is in it, *whole all. */
static int
take(struct span *span, unsigned int tag, struct span *content,
    struct span *whole)
{
	size_t len, octets = 0, i;

	if (span->left < 2)
		return span->left == 1 && span->at[0] != tag ? -1 : 0;
	len = span->at[1];
	if (span->at[0] != tag)
		return -1;
	if (len >= 0x80) {
		octets = len & 0x7f;
		if (octets == 0 || octets > 3)
			return -1;
		if (span->left < 2 + octets)
			return 0;
		for (len = 0, i = 0; i < octets; i++)
			len = len << 8 | span->at[2 + i];
	}
	if (span->left - 2 - octets < len)
		return 0;
	if (content != NULL)
		*content = (struct span){span->at + 2 + octets, len};
	if (whole != NULL)
		*whole = (struct span){span->at, 2 + octets + len};
	span->at += 2 + octets + len;
	span->left -= 2 + octets + len;
	return 1;
}

/* KeyTransRecipientInfo, RFC 5652 section 6.2.1; inside all must be there. */
static int
read_transport(struct span in, struct cms_recipient *recipient)
{
	struct span id, algorithm, key;

	if (take(&in, TAG_INTEGER, NULL, NULL) != 1 ||
	    take(&in, TAG_SEQUENCE, NULL, &id) != 1 ||
	    take(&in, TAG_SEQUENCE, NULL, &algorithm) != 1 ||
	    take(&in, TAG_OCTETS, &key, NULL) != 1 || in.left != 0)
		return -1;
	*recipient = (struct cms_recipient){
	    false, id.at, id.left, algorithm.at, algorithm.left, key.left};
	return 0;
}

/* KeyAgreeRecipientInfo with one key in it, section 6.2.2. */
static int
read_agreement(struct span in, struct cms_recipient *recipient)
{
	struct span algorithm, keys, one, id, key;

	if (take(&in, TAG_INTEGER, NULL, NULL) != 1 ||
	    take(&in, TAG_EXPLICIT_0, NULL, NULL) != 1 ||
	    take(&in, TAG_SEQUENCE, NULL, &algorithm) != 1 ||
	    take(&in, TAG_SEQUENCE, &keys, NULL) != 1 || in.left != 0 ||
	    take(&keys, TAG_SEQUENCE, &one, NULL) != 1 || keys.left != 0 ||
	    take(&one, TAG_SEQUENCE, NULL, &id) != 1 ||
	    take(&one, TAG_OCTETS, &key, NULL) != 1 || one.left != 0)
		return -1;
	*recipient = (struct cms_recipient){
	    true, id.at, id.left, algorithm.at, algorithm.left, key.left};
	return 0;
}

static int
read_recipients(struct cms_reader *reader, struct span in)
{
	struct cms_recipient recipient;
	struct span one;

	while (in.left > 0) {
		if (take(&in, TAG_SEQUENCE, &one, NULL) == 1) {
			if (read_transport(one, &recipient) != 0)
				return -1;
		} else if (take(&in, TAG_EXPLICIT_1, &one, NULL) != 1 ||
			   read_agreement(one, &recipient) != 0) {
			return -1;
		}
		g_array_append_val(reader->recipients, recipient);
	}
	return 0;
}

/* 1: it is complete, and *restp is what comes behind it; 0; or -1. */
static int
read_head(struct cms_reader *reader, struct span *restp)
{
	struct span span = {reader->head->data, reader->head->len};
	struct span recipients, cipher;
	int r;

	g_array_set_size(reader->recipients, 0);
	if ((r = open_level(&span, TAG_SEQUENCE)) != 1)
		return r;
	reader->auth = false;
	r = skip_octets(&span, oid_enveloped, sizeof(oid_enveloped));
	if (r == -1) {
		reader->auth = true;
		r = skip_octets(&span, oid_auth, sizeof(oid_auth));
	}
	if (r != 1 || (r = open_level(&span, TAG_EXPLICIT_0)) != 1 ||
	    (r = open_level(&span, TAG_SEQUENCE)) != 1 ||
	    (r = take(&span, TAG_INTEGER, NULL, NULL)) != 1 ||
	    (r = take(&span, TAG_SET, &recipients, NULL)) != 1 ||
	    (r = open_level(&span, TAG_SEQUENCE)) != 1 ||
	    (r = skip_octets(&span, oid_data, sizeof(oid_data))) != 1 ||
	    (r = take(&span, TAG_SEQUENCE, NULL, &cipher)) != 1 ||
	    (r = open_level(&span, TAG_EXPLICIT_0)) != 1)
		return r;
	if (read_recipients(reader, recipients) != 0)
		return -1;
	reader->cipher = cipher.at;
	reader->cipher_len = cipher.left;
	*restp = span;
	return 1;
}

/* --- The content and what comes behind it */

static int
fail(struct cms_reader *reader, const char *why)
{
	if (reader->why == NULL)
		reader->why = why;
	return -1;
}

/* An OCTET STRING's tag and length, or the end of all of them. */
static int
take_chunk_head(struct cms_reader *reader, unsigned char octet)
{
	const unsigned char *head = reader->chunk_head;
	size_t have = ++reader->chunk_head_len, more, i;

	reader->chunk_head[have - 1] = octet;
	if (have == 1)
		return head[0] == TAG_OCTETS || head[0] == 0
			   ? 0
			   : fail(reader, "its content is not in chunks");
	more = (head[1] & 0x80) != 0 ? head[1] & 0x7f : 0;
	if (head[0] == 0 && head[1] != 0)
		return fail(reader, "its content does not end well");
	if ((head[1] & 0x80) != 0 && (more == 0 || more > 4))
		return fail(reader, "a chunk has no length");
	if (have < 2 + more)
		return 0;
	reader->chunk_left = more == 0 ? head[1] : 0;
	for (i = 0; i < more; i++)
		reader->chunk_left = reader->chunk_left << 8 | head[2 + i];
	reader->where = head[0] == 0              ? IN_TAIL
			: reader->chunk_left == 0 ? IN_CHUNK_HEAD
						  : IN_CHUNK;
	reader->content_octets += reader->chunk_left;
	reader->chunk_head_len = 0;
	return 0;
}

static int
take_content(struct cms_reader *reader, const unsigned char *data, size_t len)
{
	size_t n;

	for (; len > 0; data += n, len -= n) {
		n = 1;
		switch (reader->where) {
		case IN_HEAD:
			return fail(reader, "it is mixed up");
		case IN_CHUNK_HEAD:
			if (take_chunk_head(reader, *data) != 0)
				return -1;
			break;
		case IN_CHUNK:
			n = MIN(len, reader->chunk_left);
			reader->chunk_left -= n;
			if (reader->chunk_left == 0)
				reader->where = IN_CHUNK_HEAD;
			break;
		case IN_TAIL:
			if (reader->tail_len == sizeof(reader->tail))
				return fail(reader, "something is behind it");
			reader->tail[reader->tail_len++] = *data;
			break;
		}
	}
	return 0;
}

int
cms_reader_feed(
    struct cms_reader *reader, const unsigned char *data, size_t len)
{
	struct span rest = {NULL, 0};
	int r;

	if (len == 0)
		return 0;
	if (reader->where != IN_HEAD)
		return take_content(reader, data, len);
	g_byte_array_append(reader->head, data, (guint)len);
	r = read_head(reader, &rest);
	if (r == -1 || (r == 0 && reader->head->len > HEAD_OCTETS_MAX))
		return fail(reader, "its structure is not what it should be");
	if (r == 0)
		return 0;
	/* The head stays where it is: others point into it. */
	reader->where = IN_CHUNK_HEAD;
	return take_content(reader, rest.at, rest.left);
}

/* RFC 5083 section 2.1: the MAC stands behind the content. */
int
cms_reader_finish(struct cms_reader *reader)
{
	static const unsigned char ends[ENDS * END_OCTETS];
	const unsigned char *p = reader->tail;
	size_t mac = reader->auth ? 2 + MAC_OCTETS : 0;

	if (reader->why != NULL)
		return -1;
	if (reader->where != IN_TAIL ||
	    reader->tail_len != mac + sizeof(ends) ||
	    memcmp(p, ends, END_OCTETS) != 0 ||
	    (reader->auth && (p[END_OCTETS] != TAG_OCTETS ||
				 p[END_OCTETS + 1] != MAC_OCTETS)) ||
	    memcmp(p + END_OCTETS + mac, ends, sizeof(ends) - END_OCTETS) != 0)
		return fail(reader, "it does not end well");
	return 0;
}

const char *
cms_reader_why(const struct cms_reader *reader)
{
	return reader->why;
}

bool
cms_reader_is_auth(const struct cms_reader *reader)
{
	return reader->auth;
}

const struct cms_recipient *
cms_reader_recipients(const struct cms_reader *reader, size_t *countp)
{
	*countp = reader->recipients->len;
	return (const struct cms_recipient *)(void *)reader->recipients->data;
}

const unsigned char *
cms_reader_cipher(const struct cms_reader *reader, size_t *lenp)
{
	*lenp = reader->cipher_len;
	return reader->cipher;
}

uint64_t
cms_reader_content_octets(const struct cms_reader *reader)
{
	return reader->content_octets;
}
