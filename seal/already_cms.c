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

#include "keys/x509_id.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <string.h>

/* An object has to stand in memory to be parsed; what is larger counts as not
 * sealed, and is sealed around. */
#define CMS_OCTETS_MAX ((size_t)16 << 20)

static int decode_body(
    const struct message *message, GByteArray *out, struct fault *fault);
static bool is_base64(const unsigned char *data, size_t len);
static bool is_enveloped(
    const unsigned char *data, size_t len, struct already *already);
static bool begins_enveloped(const unsigned char *data, size_t len);
static void add_readers(CMS_ContentInfo *cms, struct already *already);

int
message_is_cms(
    const struct message *message, struct already *already, struct fault *fault)
{
	GByteArray *decoded;
	int r;

	already->form = SEAL_SMIME;
	if (spool_size(message->body) > CMS_OCTETS_MAX)
		return 0;
	decoded = g_byte_array_new();
	r = decode_body(message, decoded, fault);
	if (r == 1) {
		r = is_enveloped(decoded->data, decoded->len, already);
		already->damaged =
		    r == 0 && begins_enveloped(decoded->data, decoded->len);
	}
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

static bool
looks_random(const ASN1_OCTET_STRING *content)
{
	const unsigned char *octets = ASN1_STRING_get0_data(content);
	uint64_t len = (uint64_t)ASN1_STRING_length(content), i, high = 0;

	for (i = 0; i < len; i++)
		high += octets[i] >> 7;
	return already_looks_random(len, high);
}

/* EnvelopedData (RFC 5652 section 6) or AuthEnvelopedData (RFC 5083), with a
 * recipient and a content, and nothing behind it. */
static bool
is_enveloped(const unsigned char *data, size_t len, struct already *already)
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
			 ASN1_STRING_length(*content) > 0 &&
			 looks_random(*content);
	}
	if (sealed)
		add_readers(cms, already);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return sealed && already->readers != NULL;
}

static void
add_named(struct already *already, const X509_NAME *issuer,
    const ASN1_INTEGER *serial, const ASN1_OCTET_STRING *key)
{
	char *id;

	if (issuer != NULL && serial != NULL) {
		already_add_reader(already, x509_id_issuer(issuer, serial),
		    x509_id_text(issuer, serial));
	} else if (key != NULL) {
		id = x509_id_key(key);
		already_add_reader(
		    already, id, g_strconcat("key identifier ", id, NULL));
	}
}

/* KeyAgreeRecipientInfo can have several (RFC 5652 section 6.2.2). */
static void
add_agreeing(CMS_RecipientInfo *info, struct already *already)
{
	STACK_OF(CMS_RecipientEncryptedKey) *keys =
	    CMS_RecipientInfo_kari_get0_reks(info);
	ASN1_OCTET_STRING *key;
	ASN1_INTEGER *serial;
	X509_NAME *issuer;
	int i;

	for (i = 0; i < sk_CMS_RecipientEncryptedKey_num(keys); i++) {
		key = NULL;
		serial = NULL;
		issuer = NULL;
		if (CMS_RecipientEncryptedKey_get0_id(
			sk_CMS_RecipientEncryptedKey_value(keys, i), &key, NULL,
			NULL, &issuer, &serial) == 1)
			add_named(already, issuer, serial, key);
	}
}

static void
add_readers(CMS_ContentInfo *cms, struct already *already)
{
	STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(cms);
	CMS_RecipientInfo *info;
	ASN1_OCTET_STRING *key;
	ASN1_INTEGER *serial;
	X509_NAME *issuer;
	int i;

	for (i = 0; i < sk_CMS_RecipientInfo_num(infos); i++) {
		info = sk_CMS_RecipientInfo_value(infos, i);
		key = NULL;
		serial = NULL;
		issuer = NULL;
		switch (CMS_RecipientInfo_type(info)) {
		case CMS_RECIPINFO_TRANS:
			if (CMS_RecipientInfo_ktri_get0_signer_id(
				info, &key, &issuer, &serial) == 1)
				add_named(already, issuer, serial, key);
			break;
		case CMS_RECIPINFO_AGREE:
			add_agreeing(info, already);
			break;
		case CMS_RECIPINFO_PASS:
			already_add_reader(
			    already, g_strdup(""), g_strdup("a passphrase"));
			break;
		default:
			already_add_reader(already, g_strdup(""),
			    g_strdup("a key of another kind"));
			break;
		}
	}
}

/* ContentInfo of one of the two types, which then goes on in any way. */
static bool
begins_enveloped(const unsigned char *data, size_t len)
{
	static const unsigned char enveloped[] = {
	    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03};
	static const unsigned char auth[] = {0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86,
	    0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17};
	size_t head, i;
	uint64_t high = 0;

	if (len < 2 || data[0] != 0x30)
		return false;
	head = 2 + ((data[1] & 0x80) != 0 ? data[1] & 0x7fU : 0);
	for (i = 0; i < len; i++)
		high += data[i] >> 7;
	return already_looks_random(len, high) &&
	       ((len >= head + sizeof(enveloped) &&
		    memcmp(data + head, enveloped, sizeof(enveloped)) == 0) ||
		   (len >= head + sizeof(auth) &&
		       memcmp(data + head, auth, sizeof(auth)) == 0));
}
