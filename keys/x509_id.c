/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * x509_id.c - how CMS names the certificates that can open it.
 *
 * In:    an issuer and serial number, a key identifier, or a certificate.
 * Out:   names that can be compared, and one that can be read.
 * Never: believes that a certificate is somebody's.
 */
#include <config.h>

#include "keys/x509_id.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* Longer names are of no use to anybody who reads them. */
#define TEXT_OCTETS 300

static void
append_hex(GString *out, const unsigned char *octets, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		g_string_append_printf(out, "%02X", octets[i]);
}

static void
append_der(GString *out, unsigned char *der, int len)
{
	if (len > 0)
		append_hex(out, der, (size_t)len);
	OPENSSL_free(der);
}

char *
x509_id_issuer(const X509_NAME *issuer, const ASN1_INTEGER *serial)
{
	unsigned char *name = NULL, *number = NULL;
	GString *out = g_string_new(NULL);
	int name_len = i2d_X509_NAME(issuer, &name);
	int number_len = i2d_ASN1_INTEGER(serial, &number);

	append_der(out, name, name_len);
	append_der(out, number, number_len);
	return g_string_free(out, FALSE);
}

char *
x509_id_key(const ASN1_OCTET_STRING *key)
{
	GString *out = g_string_new(NULL);

	append_hex(
	    out, ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key));
	return g_string_free(out, FALSE);
}

char *
x509_id_text(const X509_NAME *issuer, const ASN1_INTEGER *serial)
{
	BIO *bio = BIO_new(BIO_s_mem());
	GString *out = g_string_new("serial ");
	char *text, *clean;
	long n;
	gsize i;

	append_hex(out, ASN1_STRING_get0_data(serial),
	    (size_t)ASN1_STRING_length(serial));
	g_string_append(out, ", issuer ");
	if (bio != NULL &&
	    X509_NAME_print_ex(bio, issuer, 0,
		XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0 &&
	    (n = BIO_get_mem_data(bio, &text)) > 0)
		g_string_append_len(out, text, MIN(n, TEXT_OCTETS));
	BIO_free(bio);
	for (i = 0; i < out->len; i++)
		if (g_ascii_iscntrl(out->str[i]))
			out->str[i] = '?';
	clean = g_utf8_make_valid(out->str, (gssize)out->len);
	g_string_free(out, TRUE);
	return clean;
}

char **
x509_ids(GBytes *blob)
{
	gsize len;
	const unsigned char *p = g_bytes_get_data(blob, &len);
	X509 *certificate = d2i_X509(NULL, &p, (long)len);
	GPtrArray *ids = g_ptr_array_new();
	const ASN1_OCTET_STRING *key;

	if (certificate != NULL) {
		g_ptr_array_add(
		    ids, x509_id_issuer(X509_get_issuer_name(certificate),
			     X509_get0_serialNumber(certificate)));
		key = X509_get0_subject_key_id(certificate);
		if (key != NULL)
			g_ptr_array_add(ids, x509_id_key(key));
	}
	g_ptr_array_add(ids, NULL);
	X509_free(certificate);
	ERR_clear_error();
	return (char **)g_ptr_array_free(ids, FALSE);
}
