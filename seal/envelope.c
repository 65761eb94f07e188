/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * envelope.c - the form "passphrase": a page that opens in a browser
 * (doc/sealed-envelope.5).
 *
 * In:    the key derived from a passphrase, and the payload.
 * Out:   a body with a JWE in it.
 * Never: derives anything; holds more of a message than a piece.
 */
#include "seal/form.h"

#include "keys/passphrases.h"
#include "seal/base64url.h"
#include "seal/envelope_private.h"
#include "seal/jwe.h"
#include "seal/lines.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#define PIECE_OCTETS 12288

/* A JWE on its way out. */
struct out {
	struct lines *lines;
	struct fault *fault;
	size_t chars; /* of the JWE so far */
	struct base64url state;
	char text[BASE64URL_CHARS(PIECE_OCTETS) + 2];
};

/* Wiped by who made it. */
struct secrets {
	unsigned char cek[JWE_KEY_OCTETS];
	unsigned char iv[JWE_IV_OCTETS];
	unsigned char wrapped[JWE_WRAPPED_OCTETS + 8];
	unsigned char piece[PIECE_OCTETS];
};

static int can_do(const struct seal_order *order, struct payload *payload,
    struct fault *fault);
static int write_body(const struct seal_order *order, struct payload *payload,
    const struct dress *dress, struct spool *body, struct fault *fault);
static int write_jwe(const struct passphrase *passphrase,
    struct payload *payload, struct out *out);
static int make_keys(const struct passphrase *passphrase,
    struct secrets *secrets, struct fault *fault);
static int encrypt(EVP_CIPHER_CTX *cipher, struct secrets *secrets,
    const char *header, struct payload *payload, struct out *out);
static char *make_header(const struct passphrase *passphrase);
static int write_text(struct out *out, const char *text, size_t len);
static int write_octets_of(
    struct out *out, const unsigned char *data, size_t len, bool last);
static int library_failed(struct fault *fault, const char *what);

int
envelope_seal(const struct seal_order *order, struct payload *payload,
    struct gate *gate, const char *boundary, struct spool **bodyp,
    struct fault *fault)
{
	struct spool_limits limits = *order->limits;
	struct dress dress = {0};
	struct spool *body;
	int ret = -1;

	if (can_do(order, payload, fault) != 0 ||
	    gate_want_digest(gate, fault) != 0)
		return -1;
	/* As in sink.c: what stays in memory as clear text does so sealed;
	 * base64 in base64 makes it 1.8 times as long. */
	limits.memory_octets *= 2;
	limits.memory_octets +=
	    envelope_page()->before_len + envelope_page()->after_len;
	body = spool_make(&limits, false);
	envelope_dress(order, boundary, &dress);
	payload_rewind(payload, gate);
	ret = write_body(order, payload, &dress, body, fault);
	dress_clear(&dress);
	if (ret == 0)
		*bodyp = g_steal_pointer(&body);
	spool_free(&body);
	ERR_clear_error();
	return ret;
}

static int
can_do(const struct seal_order *order, struct payload *payload,
    struct fault *fault)
{
	const uint64_t octets = payload_octets(payload);

	if (order->readers_count != 1 ||
	    order->readers[0].key->kind != KEY_PASSPHRASE ||
	    order->cover == NULL || !g_utf8_validate(order->cover, -1, NULL) ||
	    (order->page_name != NULL &&
		!seal_page_name_may_be(order->page_name))) {
		fault_set(fault, FAULT_BUG,
		    "an envelope needs one passphrase, a text in front of it "
		    "and a name for its page");
		return -1;
	}
	if (octets <= SEAL_PASSPHRASE_OCTETS_MAX)
		return 0;
	fault_set(fault, FAULT_PERM,
	    "the message is too large for an envelope: %" G_GUINT64_FORMAT
	    " octets, and browsers open at most %" G_GUINT64_FORMAT,
	    octets, SEAL_PASSPHRASE_OCTETS_MAX);
	return -1;
}

static int
write_body(const struct seal_order *order, struct payload *payload,
    const struct dress *dress, struct spool *body, struct fault *fault)
{
	static const char spaces[] =
	    "                                                ";
	const struct envelope_page *page = envelope_page();
	struct out *out = g_new0(struct out, 1);
	int ret = -1;

	G_STATIC_ASSERT(sizeof(spaces) - 1 == LINES_OCTETS);
	out->lines = lines_make(body);
	out->fault = fault;
	if (spool_append(body, dress->before, strlen(dress->before), fault) ==
		0 &&
	    spool_append(body, page->before, page->before_len, fault) == 0 &&
	    write_jwe(passphrase_of(order->readers[0].key), payload, out) ==
		0 &&
	    lines_write(out->lines, spaces,
		(LINES_OCTETS - out->chars % LINES_OCTETS) % LINES_OCTETS,
		fault) == 0 &&
	    lines_end(out->lines, fault) == 0 &&
	    spool_append(body, page->after, page->after_len, fault) == 0 &&
	    spool_append(body, dress->after, strlen(dress->after), fault) == 0)
		ret = 0;
	lines_free(&out->lines);
	g_free(out);
	return ret;
}

/* The five parts of RFC 7516 7.1. */
static int
write_jwe(const struct passphrase *passphrase, struct payload *payload,
    struct out *out)
{
	struct secrets *secrets = g_new(struct secrets, 1);
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	char *header = make_header(passphrase);
	int ret = -1;

	if (cipher == NULL)
		(void)library_failed(out->fault, "a cipher");
	else if (make_keys(passphrase, secrets, out->fault) == 0 &&
		 write_text(out, header, strlen(header)) == 0 &&
		 write_text(out, ".", 1) == 0 &&
		 write_octets_of(
		     out, secrets->wrapped, JWE_WRAPPED_OCTETS, true) == 0 &&
		 write_text(out, ".", 1) == 0 &&
		 write_octets_of(out, secrets->iv, JWE_IV_OCTETS, true) == 0 &&
		 write_text(out, ".", 1) == 0)
		ret = encrypt(cipher, secrets, header, payload, out);
	EVP_CIPHER_CTX_free(cipher);
	OPENSSL_cleanse(secrets, sizeof(*secrets));
	g_free(secrets);
	g_free(header);
	return ret;
}

/* In this order, as the manual has it.  A new string, in base64url. */
static char *
make_header(const struct passphrase *passphrase)
{
	char salt[BASE64URL_CHARS(PASSPHRASE_SALT_OCTETS) + 2];
	struct base64url state = {0};
	char *json, *header;
	size_t n;

	n = base64url_encode(
	    &state, passphrase->salt, sizeof(passphrase->salt), salt);
	n += base64url_encode_end(&state, salt + n);
	salt[n] = '\0';
	json = g_strdup_printf("{\"alg\":\"PBES2-HS512+A256KW\","
			       "\"enc\":\"A256GCM\",\"p2s\":\"%s\","
			       "\"p2c\":%u,\"cty\":\"message/rfc822\"}",
	    salt, passphrase->iterations);
	header = g_malloc(BASE64URL_CHARS(strlen(json)) + 2);
	state = (struct base64url){0};
	n = base64url_encode(
	    &state, (const unsigned char *)json, strlen(json), header);
	n += base64url_encode_end(&state, header + n);
	header[n] = '\0';
	g_free(json);
	return header;
}

/* A key for this message alone, wrapped (RFC 3394). */
static int
make_keys(const struct passphrase *passphrase, struct secrets *secrets,
    struct fault *fault)
{
	EVP_CIPHER_CTX *wrap;
	int len = 0, ret = -1;

	if (getentropy(secrets->cek, sizeof(secrets->cek)) != 0 ||
	    getentropy(secrets->iv, sizeof(secrets->iv)) != 0) {
		fault_set(fault, FAULT_TEMP, "no random octets for a key");
		return -1;
	}
	wrap = EVP_CIPHER_CTX_new();
	if (wrap != NULL)
		EVP_CIPHER_CTX_set_flags(wrap, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	if (wrap != NULL &&
	    EVP_CipherInit_ex(wrap, EVP_aes_256_wrap(), NULL, passphrase->kek,
		NULL, 1) == 1 &&
	    EVP_CipherUpdate(wrap, secrets->wrapped, &len, secrets->cek,
		sizeof(secrets->cek)) == 1 &&
	    len == JWE_WRAPPED_OCTETS)
		ret = 0;
	else
		(void)library_failed(fault, "wrapping a key");
	EVP_CIPHER_CTX_free(wrap);
	return ret;
}

static int
encrypt(EVP_CIPHER_CTX *cipher, struct secrets *secrets, const char *header,
    struct payload *payload, struct out *out)
{
	unsigned char *piece = secrets->piece;
	unsigned char tag[JWE_TAG_OCTETS];
	ssize_t n;
	int len;

	if (EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, secrets->cek,
		secrets->iv, 1) != 1 ||
	    EVP_CipherUpdate(cipher, NULL, &len, (const unsigned char *)header,
		(int)strlen(header)) != 1)
		return library_failed(out->fault, "encrypting");
	while (
	    (n = payload_read(payload, piece, PIECE_OCTETS, out->fault)) > 0) {
		if (EVP_CipherUpdate(cipher, piece, &len, piece, (int)n) != 1 ||
		    len != (int)n)
			return library_failed(out->fault, "encrypting");
		if (write_octets_of(out, piece, (size_t)n, false) != 0)
			return -1;
	}
	if (n == -1)
		return -1;
	if (EVP_CipherFinal_ex(cipher, piece, &len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(
		cipher, EVP_CTRL_AEAD_GET_TAG, sizeof(tag), tag) != 1)
		return library_failed(out->fault, "encrypting");
	if (write_octets_of(out, piece, 0, true) != 0 ||
	    write_text(out, ".", 1) != 0)
		return -1;
	return write_octets_of(out, tag, sizeof(tag), true);
}

/* --- Out */

static int
write_text(struct out *out, const char *text, size_t len)
{
	out->chars += len;
	return lines_write(out->lines, text, len, out->fault);
}

/* Up to PIECE_OCTETS, in base64url; the last ones of a part end it. */
static int
write_octets_of(
    struct out *out, const unsigned char *data, size_t len, bool last)
{
	size_t n = base64url_encode(&out->state, data, len, out->text);

	if (last) {
		n += base64url_encode_end(&out->state, out->text + n);
		out->state = (struct base64url){0};
	}
	return write_text(out, out->text, n);
}

static int
library_failed(struct fault *fault, const char *what)
{
	char reason[160];
	unsigned long error = ERR_peek_last_error();

	ERR_error_string_n(error, reason, sizeof(reason));
	fault_set(fault, FAULT_TEMP, "OpenSSL: %s: %s", what,
	    error == 0 ? "no reason given" : reason);
	return -1;
}
