/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * jwe.c - open the JWE of a sealed envelope, as it comes.
 *
 * In:    its text; the key-encryption key, when it is asked for.
 * Out:   the content.
 * Never: says whether the key was wrong, or what is wrong with the JWE.
 */
#include "seal/jwe.h"

#include "seal/base64url.h"

#include <glib.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

/* The five parts between four points (RFC 7516 7.1). */
enum part {
	PART_HEADER,
	PART_KEY,
	PART_IV,
	PART_CONTENT,
	PART_TAG,
};

#define PIECE_CHARS 8192

struct jwe_reader {
	struct jwe_events events;
	enum part part;
	GString *header; /* as it stands there */
	/* The part at hand, decoded. */
	struct base64url state;
	unsigned char octets[JWE_HEADER_CHARS_MAX];
	size_t have;
	unsigned char cek[JWE_KEY_OCTETS];
	EVP_CIPHER_CTX *cipher;
	unsigned char sealed[PIECE_CHARS], opened[PIECE_CHARS];
};

static int take_chars(struct jwe_reader *reader, const char *text, size_t len,
    struct fault *fault);
static int take_content(struct jwe_reader *reader, const char *text, size_t len,
    struct fault *fault);
static int end_part(struct jwe_reader *reader, struct fault *fault);
static int take_header(struct jwe_reader *reader, struct fault *fault);
static int unwrap(const unsigned char *kek, const unsigned char *wrapped,
    unsigned char *cek, struct fault *fault);
static int begin_content(struct jwe_reader *reader, struct fault *fault);
static int library_failed(struct fault *fault);
static int not_opened(struct fault *fault);

struct jwe_reader *
jwe_reader_make(const struct jwe_events *events)
{
	struct jwe_reader *reader = g_new0(struct jwe_reader, 1);

	reader->events = *events;
	reader->header = g_string_new(NULL);
	return reader;
}

void
jwe_reader_free(struct jwe_reader **readerp)
{
	struct jwe_reader *reader = g_steal_pointer(readerp);

	if (reader == NULL)
		return;
	EVP_CIPHER_CTX_free(reader->cipher);
	g_string_free(reader->header, TRUE);
	OPENSSL_cleanse(reader, sizeof(*reader));
	g_free(reader);
	ERR_clear_error();
}

int
jwe_reader_feed(struct jwe_reader *reader, const char *text, size_t len,
    struct fault *fault)
{
	const char *point;
	size_t n;

	while (len > 0) {
		point = memchr(text, '.', len);
		n = point == NULL ? len : (size_t)(point - text);
		if (take_chars(reader, text, n, fault) != 0)
			return -1;
		if (point == NULL)
			return 0;
		if (reader->part == PART_TAG)
			return not_opened(fault);
		if (end_part(reader, fault) != 0)
			return -1;
		reader->part++;
		reader->state = (struct base64url){0};
		reader->have = 0;
		text += n + 1;
		len -= n + 1;
	}
	return 0;
}

static int
take_chars(struct jwe_reader *reader, const char *text, size_t len,
    struct fault *fault)
{
	size_t n;

	if (reader->part == PART_CONTENT)
		return take_content(reader, text, len, fault);
	if (len > sizeof(reader->octets) - reader->have ||
	    base64url_decode(&reader->state, text, len,
		reader->octets + reader->have, &n) != 0)
		return not_opened(fault);
	reader->have += n;
	if (reader->part == PART_HEADER)
		g_string_append_len(reader->header, text, (gssize)len);
	return 0;
}

static int
take_content(struct jwe_reader *reader, const char *text, size_t len,
    struct fault *fault)
{
	const struct jwe_events *events = &reader->events;
	size_t n, octets;
	int out;

	for (; len > 0; text += n, len -= n) {
		n = MIN(len, PIECE_CHARS);
		if (base64url_decode(
			&reader->state, text, n, reader->sealed, &octets) != 0)
			return not_opened(fault);
		if (octets == 0)
			continue;
		if (events->sealed != NULL &&
		    events->sealed(
			events->context, reader->sealed, octets, fault) != 0)
			return -1;
		if (EVP_CipherUpdate(reader->cipher, reader->opened, &out,
			reader->sealed, (int)octets) != 1)
			return library_failed(fault);
		if (events->opened(events->context, reader->opened, (size_t)out,
			fault) != 0)
			return -1;
	}
	return 0;
}

static int
end_part(struct jwe_reader *reader, struct fault *fault)
{
	if (base64url_decode_end(&reader->state) != 0)
		return not_opened(fault);
	switch (reader->part) {
	case PART_HEADER:
		return take_header(reader, fault);
	case PART_KEY:
		/* cek is the key-encryption key until here. */
		return reader->have == JWE_WRAPPED_OCTETS
			   ? unwrap(reader->cek, reader->octets, reader->cek,
				 fault)
			   : not_opened(fault);
	case PART_IV:
		return begin_content(reader, fault);
	case PART_CONTENT:
		return 0;
	case PART_TAG:
		break;
	}
	return reader->have == JWE_TAG_OCTETS ? 0 : not_opened(fault);
}

static int
take_header(struct jwe_reader *reader, struct fault *fault)
{
	const struct jwe_events *events = &reader->events;
	struct jwe_header header = {0};

	if (jwe_header_parse(
		(const char *)reader->octets, reader->have, &header) != 0)
		return not_opened(fault);
	return events->key(
	    events->context, &header, reader->header->str, reader->cek, fault);
}

/* AES Key Wrap, RFC 3394: a wrong key is noticed here. */
static int
unwrap(const unsigned char *kek, const unsigned char *wrapped,
    unsigned char *cek, struct fault *fault)
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	unsigned char out[JWE_WRAPPED_OCTETS + 8];
	int len = 0, ret;

	if (cipher != NULL)
		EVP_CIPHER_CTX_set_flags(
		    cipher, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	if (cipher == NULL || EVP_CipherInit_ex(cipher, EVP_aes_256_wrap(),
				  NULL, kek, NULL, 0) != 1)
		ret = library_failed(fault);
	else if (EVP_CipherUpdate(
		     cipher, out, &len, wrapped, JWE_WRAPPED_OCTETS) != 1 ||
		 len != JWE_KEY_OCTETS)
		ret = not_opened(fault);
	else
		ret = 0;
	if (ret == 0)
		memcpy(cek, out, JWE_KEY_OCTETS);
	OPENSSL_cleanse(out, sizeof(out));
	EVP_CIPHER_CTX_free(cipher);
	return ret;
}

static int
begin_content(struct jwe_reader *reader, struct fault *fault)
{
	const GString *header = reader->header;
	int n;

	if (reader->have != JWE_IV_OCTETS)
		return not_opened(fault);
	reader->cipher = EVP_CIPHER_CTX_new();
	if (reader->cipher == NULL ||
	    EVP_CipherInit_ex(reader->cipher, EVP_aes_256_gcm(), NULL,
		reader->cek, reader->octets, 0) != 1 ||
	    EVP_CipherUpdate(reader->cipher, NULL, &n,
		(const unsigned char *)header->str, (int)header->len) != 1)
		return library_failed(fault);
	return 0;
}

int
jwe_reader_finish(struct jwe_reader *reader, struct fault *fault)
{
	int n;

	if (reader->part != PART_TAG || end_part(reader, fault) != 0)
		return not_opened(fault);
	if (EVP_CIPHER_CTX_ctrl(reader->cipher, EVP_CTRL_AEAD_SET_TAG,
		JWE_TAG_OCTETS, reader->octets) != 1)
		return library_failed(fault);
	return EVP_CipherFinal_ex(reader->cipher, reader->opened, &n) == 1
		   ? 0
		   : not_opened(fault);
}

static int
library_failed(struct fault *fault)
{
	char reason[160];

	ERR_error_string_n(ERR_peek_last_error(), reason, sizeof(reason));
	fault_set(fault, FAULT_TEMP, "OpenSSL cannot decrypt: %s", reason);
	return -1;
}

static int
not_opened(struct fault *fault)
{
	jwe_not_opened(fault);
	return -1;
}

void
jwe_not_opened(struct fault *fault)
{
	fault_set(fault, FAULT_PERM,
	    "the envelope does not open: the passphrase is wrong, or the "
	    "envelope is damaged");
}
