/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * already_cms.c - tell mail that is encrypted CMS already.
 *
 * In:    a message whose body is said to be CMS in base64.
 * Out:   whether all of it is one enveloped object with a recipient.
 * Never: opens it.
 */
#include "seal/already.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <string.h>

/* An object has to stand in memory to be parsed; what is larger counts as not
 * sealed, and is sealed around. */
#define CMS_OCTETS_MAX ((size_t)16 << 20)

static int decode_body(
    const struct message *message, GByteArray *out, struct fault *fault);
static bool is_base64(const unsigned char *data, size_t len);
static bool is_enveloped(const unsigned char *data, size_t len);

int
message_is_cms(const struct message *message, struct fault *fault)
{
	GByteArray *decoded;
	int r;

	if (spool_size(message->body) > CMS_OCTETS_MAX)
		return 0;
	decoded = g_byte_array_new();
	r = decode_body(message, decoded, fault);
	if (r == 1)
		r = is_enveloped(decoded->data, decoded->len);
	g_byte_array_free(decoded, TRUE);
	return r;
}

/* 1: all of the body was base64.  0: it was not.  -1. */
static int
decode_body(const struct message *message, GByteArray *out, struct fault *fault)
{
	struct spool_reader *reader = spool_reader_make(message->body);
	const unsigned char *data;
	unsigned char *octets;
	gint state = 0;
	guint save = 0;
	size_t len, n;
	int r;

	while ((r = spool_reader_next(reader, &data, &len, fault)) == 1 &&
	       is_base64(data, len)) {
		octets = g_malloc(len / 4 * 3 + 6);
		n = g_base64_decode_step(
		    (const char *)data, len, octets, &state, &save);
		g_byte_array_append(out, octets, (guint)n);
		g_free(octets);
	}
	spool_reader_free(&reader);
	return r == -1 ? -1 : r == 0;
}

static bool
is_base64(const unsigned char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!g_ascii_isalnum(data[i]) &&
		    (data[i] == '\0' || strchr("+/=\r\n", data[i]) == NULL))
			return false;
	return true;
}

/* EnvelopedData (RFC 5652 section 6) or AuthEnvelopedData (RFC 5083), with a
 * recipient and a content, and nothing behind it. */
static bool
is_enveloped(const unsigned char *data, size_t len)
{
	const unsigned char *p = data;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)len);
	STACK_OF(CMS_RecipientInfo) *readers = NULL;
	ASN1_OCTET_STRING **content = NULL;
	bool sealed = false;
	int type;

	if (cms != NULL && p == data + len) {
		type = OBJ_obj2nid(CMS_get0_type(cms));
		if (type == NID_pkcs7_enveloped ||
		    type == NID_id_smime_ct_authEnvelopedData) {
			readers = CMS_get0_RecipientInfos(cms);
			content = CMS_get0_content(cms);
		}
		sealed = sk_CMS_RecipientInfo_num(readers) > 0 &&
			 content != NULL && *content != NULL &&
			 ASN1_STRING_length(*content) > 0;
	}
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return sealed;
}
