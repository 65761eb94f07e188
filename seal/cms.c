/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * cms.c - the form "smime": enveloped CMS (RFC 8551) by OpenSSL.
 *
 * In:    certificates that may be used, and the payload.
 * Out:   a body in base64, and the fields that describe it.
 * Never: asks OpenSSL whether a certificate may be used: it would encrypt to
 *        any (keys/ did), or takes its word for what it wrote (the gate).
 */
#include "seal/form.h"

#include "seal/lines.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#define PIECE_OCTETS ((size_t)24 * 1024)

/* The ciphertext on its way out. */
struct out {
	struct spool *body;
	struct lines *lines; /* to body */
	struct fault *fault;
	bool failed;
};

static int encrypt(const struct seal_order *order, struct payload *payload,
    struct out *out, struct fault *fault);
static CMS_ContentInfo *make(
    const struct seal_order *order, struct fault *fault);
static int add_reader(CMS_ContentInfo *cms, const struct seal_order *order,
    const struct key *key, struct fault *fault);
static int set_options(CMS_RecipientInfo *info, const struct seal_order *order);
static int stream(
    struct payload *payload, BIO *in, struct out *out, struct fault *fault);
static BIO *out_bio(struct out *out);
static void cms_fault(struct fault *fault, const char *what);

/* RFC 8551 sections 3.2 and 3.3; names of 8.3 form. */
void
cms_dress(
    const struct seal_order *order, const char *boundary, struct dress *dress)
{
	(void)boundary;
	dress->fields[0] = (struct field){g_strdup("Content-Type"),
	    g_strdup_printf(" application/pkcs7-mime; smime-type=%s;\r\n"
			    "\tname=\"smime.p7m\"",
		order->smime_gcm ? "authEnveloped-data" : "enveloped-data")};
	dress->fields[1] = (struct field){
	    g_strdup("Content-Transfer-Encoding"), g_strdup(" base64")};
	dress->fields[2] = (struct field){g_strdup("Content-Disposition"),
	    g_strdup(" attachment; filename=\"smime.p7m\"")};
	dress->fields_count = 3;
}

int
cms_seal(const struct seal_order *order, struct payload *payload,
    struct gate *gate, const char *boundary, struct spool **bodyp,
    struct fault *fault)
{
	struct spool_limits limits = *order->limits;
	struct out out = {.fault = fault};
	int ret;

	(void)boundary;
	/* As in sink.c: what stays in memory as clear text does so sealed. */
	limits.memory_octets += limits.memory_octets / 2;
	out.body = spool_make(&limits, false);
	out.lines = lines_make(out.body);
	payload_rewind(payload, gate);
	ret = encrypt(order, payload, &out, fault);
	if (ret == 0)
		*bodyp = g_steal_pointer(&out.body);
	lines_free(&out.lines);
	spool_free(&out.body);
	ERR_clear_error();
	return ret;
}

static int
encrypt(const struct seal_order *order, struct payload *payload,
    struct out *out, struct fault *fault)
{
	CMS_ContentInfo *cms = make(order, fault);
	BIO *sink = NULL, *in = NULL, *next;
	int ret = -1;

	if (cms == NULL)
		return -1;
	/* Indefinite lengths: nothing of the content stands in memory. */
	if ((sink = out_bio(out)) == NULL ||
	    (in = BIO_new_CMS(sink, cms)) == NULL)
		cms_fault(fault, "cannot begin");
	else
		ret = stream(payload, in, out, fault);
	for (; in != NULL && in != sink; in = next) {
		next = BIO_pop(in);
		BIO_free(in);
	}
	BIO_free(sink);
	CMS_ContentInfo_free(cms);
	return ret;
}

static CMS_ContentInfo *
make(const struct seal_order *order, struct fault *fault)
{
	const EVP_CIPHER *cipher =
	    order->smime_gcm ? EVP_aes_256_gcm() : EVP_aes_256_cbc();
	CMS_ContentInfo *cms;
	size_t i;

	cms = CMS_encrypt(
	    NULL, NULL, cipher, CMS_BINARY | CMS_PARTIAL | CMS_STREAM);
	if (cms == NULL) {
		cms_fault(fault, "cannot begin");
		return NULL;
	}
	for (i = 0; i < order->readers_count; i++)
		if (add_reader(cms, order, order->readers[i].key, fault) != 0) {
			CMS_ContentInfo_free(cms);
			return NULL;
		}
	return cms;
}

static int
add_reader(CMS_ContentInfo *cms, const struct seal_order *order,
    const struct key *key, struct fault *fault)
{
	CMS_RecipientInfo *info = NULL;

	if (key->certificate != NULL)
		info = CMS_add1_recipient_cert(
		    cms, key->certificate, CMS_KEY_PARAM);
	if (info != NULL && set_options(info, order) == 0)
		return 0;
	cms_fault(fault, key->fingerprint);
	return -1;
}

/* OpenSSL derives keys with SHA-1 unless it is told (RFC 5753 7.1.4). */
static int
set_options(CMS_RecipientInfo *info, const struct seal_order *order)
{
	EVP_PKEY_CTX *ctx = CMS_RecipientInfo_get0_pkey_ctx(info);

	if (ctx == NULL)
		return -1;
	if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_AGREE)
		return EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, EVP_sha256()) == 1
			   ? 0
			   : -1;
	if (!order->smime_oaep)
		return 0;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
		       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1
		   ? 0
		   : -1;
}

static int
stream(struct payload *payload, BIO *in, struct out *out, struct fault *fault)
{
	unsigned char *buffer = g_malloc(PIECE_OCTETS);
	ssize_t n;
	int ret = -1;

	while ((n = payload_read(payload, buffer, PIECE_OCTETS, fault)) > 0)
		if (BIO_write(in, buffer, (int)n) != (int)n)
			break;
	if (n == 0 && BIO_flush(in) == 1 && !out->failed)
		ret = lines_end(out->lines, fault);
	else if (n >= 0 && !out->failed)
		cms_fault(fault, "encrypting");
	OPENSSL_cleanse(buffer, PIECE_OCTETS);
	g_free(buffer);
	return ret;
}

/* --- Out */

static int
on_write(BIO *bio, const char *data, int len)
{
	struct out *out = BIO_get_data(bio);

	if (out->failed || len < 0)
		return -1;
	if (lines_write(out->lines, data, (size_t)len, out->fault) == 0)
		return len;
	out->failed = true;
	return -1;
}

static long
on_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO *
out_bio(struct out *out)
{
	static gsize method;
	BIO_METHOD *made;
	BIO *bio;

	if (g_once_init_enter(&method)) {
		made = BIO_meth_new(
		    BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "spool");
		if (made != NULL) {
			(void)BIO_meth_set_write(made, on_write);
			(void)BIO_meth_set_ctrl(made, on_control);
		}
		g_once_init_leave(&method, made == NULL ? 1 : (gsize)made);
	}
	if (method == 1 || (bio = BIO_new((BIO_METHOD *)method)) == NULL)
		return NULL;
	BIO_set_data(bio, out);
	BIO_set_init(bio, 1);
	return bio;
}

static void
cms_fault(struct fault *fault, const char *what)
{
	char reason[160];
	unsigned long error = ERR_peek_last_error();

	ERR_error_string_n(error, reason, sizeof(reason));
	fault_set(fault, FAULT_TEMP, "OpenSSL's CMS: %s: %s", what,
	    error == 0 ? "no reason given" : reason);
}
