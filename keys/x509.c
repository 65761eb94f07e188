/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * x509.c - which certificates are in a file, and can mail be encrypted to
 * them at all?
 *
 * In:    the octets of a file, from strangers.
 * Out:   for each certificate of a person the facts, or why it is refused.
 * Never: looks at the time of day, or asks who vouches for a certificate
 *        (keys/authorities.c does).
 */
#include <config.h>

#include "keys/x509.h"

#include "keys/x509_facts.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>
#include <string.h>

/* Authorities between a certificate and a root. */
#define CHAIN_MAX 8

static void free_certificate(void *certificate);
static void read_pem(const void *data, size_t len, GPtrArray *all);
static void read_der(const unsigned char *data, size_t len, GPtrArray *all);
static bool read_pkcs7(const unsigned char *data, size_t len, GPtrArray *all);
static bool is_authority(X509 *certificate);
static GPtrArray *inspect_all(GPtrArray *all, bool subject_address);
static struct inspected *inspect_one(
    X509 *certificate, GPtrArray *all, bool subject_address);
static GBytes *with_issuers(X509 *certificate, GPtrArray *all);
static X509 *issuer_of(X509 *certificate, GPtrArray *all);
static void append_der(GByteArray *out, X509 *certificate);

bool
x509_is(const void *data, size_t len)
{
	/* RFC 7468, and the labels that OpenSSL has of its own. */
	static const char *const labels[] = {"-----BEGIN CERTIFICATE-----",
	    "-----BEGIN X509 CERTIFICATE-----",
	    "-----BEGIN TRUSTED CERTIFICATE-----", "-----BEGIN PKCS7-----",
	    "-----BEGIN CMS-----"};
	const unsigned char *octets = data;
	size_t i;

	/* A SEQUENCE with a length of two octets or more, or none. */
	if (len > 4 && octets[0] == 0x30 && (octets[1] & 0x80) != 0)
		return true;
	for (i = 0; i < G_N_ELEMENTS(labels); i++)
		if (g_strstr_len(data, (gssize)len, labels[i]) != NULL)
			return true;
	return false;
}

int
x509_inspect(
    GBytes *file, bool subject_address, GPtrArray **foundp, struct fault *fault)
{
	GPtrArray *all = g_ptr_array_new_with_free_func(free_certificate);
	const void *data;
	int ret = -1;
	gsize len;

	data = g_bytes_get_data(file, &len);
	if (len > 0 && *(const unsigned char *)data == 0x30)
		read_der(data, len, all);
	else
		read_pem(data, len, all);
	ERR_clear_error();
	if (all->len == 0) {
		fault_set(fault, FAULT_PERM,
		    "there is no X.509 certificate in it that can be read");
	} else {
		*foundp = inspect_all(all, subject_address);
		ret = 0;
	}
	g_ptr_array_unref(all);
	return ret;
}

static void
free_certificate(void *certificate)
{
	X509_free(certificate);
}

/* --- Reading */

/* What is broken is passed over: a good one may stand behind it. */
static void
read_pem(const void *data, size_t len, GPtrArray *all)
{
	BIO *bio = BIO_new_mem_buf(data, (int)len);
	char *name, *header;
	unsigned char *octets;
	long size;

	while (bio != NULL &&
	       PEM_read_bio(bio, &name, &header, &octets, &size) == 1) {
		if (strcmp(name, PEM_STRING_PKCS7) == 0 ||
		    strcmp(name, PEM_STRING_CMS) == 0)
			(void)read_pkcs7(octets, (size_t)size, all);
		else if (strstr(name, PEM_STRING_X509) != NULL &&
			 strstr(name, "REQUEST") == NULL)
			read_der(octets, (size_t)size, all);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(octets);
	}
	BIO_free(bio);
}

/* Certificates one after the other, or one PKCS#7. */
static void
read_der(const unsigned char *data, size_t len, GPtrArray *all)
{
	const unsigned char *p = data, *end = data + len;
	X509 *certificate;

	if (read_pkcs7(data, len, all))
		return;
	while (p < end && *p == 0x30 &&
	       (certificate = d2i_X509(NULL, &p, end - p)) != NULL)
		g_ptr_array_add(all, certificate);
}

/* "certs-only" (RFC 8551 section 3.8), or what was signed with some. */
static bool
read_pkcs7(const unsigned char *data, size_t len, GPtrArray *all)
{
	const unsigned char *p = data;
	PKCS7 *pkcs7 = d2i_PKCS7(NULL, &p, (long)len);
	STACK_OF(X509) *stack = NULL;
	X509 *certificate;
	int i;

	if (pkcs7 == NULL)
		return false;
	if (PKCS7_type_is_signed(pkcs7) && pkcs7->d.sign != NULL)
		stack = pkcs7->d.sign->cert;
	for (i = 0; i < sk_X509_num(stack); i++) {
		certificate = sk_X509_value(stack, i);
		if (X509_up_ref(certificate) == 1)
			g_ptr_array_add(all, certificate);
	}
	PKCS7_free(pkcs7);
	return true;
}

/* --- What is in it */

/* What people make for themselves with openssl(1) is marked as an
 * authority's too; but authorities have no mailbox. */
static bool
is_authority(X509 *certificate)
{
	return X509_check_ca(certificate) != 0 &&
	       !x509_names_mailbox(certificate);
}

static GPtrArray *
inspect_all(GPtrArray *all, bool subject_address)
{
	GPtrArray *found =
	    g_ptr_array_new_with_free_func((GDestroyNotify)inspected_unref);
	GHashTable *done = g_hash_table_new(g_str_hash, g_str_equal);
	struct inspected *key;
	X509 *certificate;
	guint i, people = 0;

	for (i = 0; i < all->len; i++)
		people += !is_authority(g_ptr_array_index(all, i));
	for (i = 0; i < all->len; i++) {
		certificate = g_ptr_array_index(all, i);
		if (people > 0 && is_authority(certificate))
			continue;
		key = inspect_one(certificate, all, subject_address);
		if (people == 0) {
			g_free(key->refused);
			key->refused =
			    g_strdup("the certificate of an authority: name "
				     "its file in keys.smime_trust");
		}
		if (g_hash_table_add(done, key->fingerprint))
			g_ptr_array_add(found, key);
		else
			inspected_unref(key);
	}
	g_hash_table_unref(done);
	return found;
}

static struct inspected *
inspect_one(X509 *certificate, GPtrArray *all, bool subject_address)
{
	struct inspected *key = x509_facts(certificate, subject_address);

	key->blob = with_issuers(certificate, all);
	key->wants_gcm = x509_facts_want_gcm(certificate);
	if (g_bytes_get_size(key->blob) > (CHAIN_MAX + 1) * X509_OCTETS) {
		g_free(key->refused);
		key->refused = g_strdup("too large");
	}
	return key;
}

/* Only what could be its issuers; whether they are is found out when it is
 * used. */
static GBytes *
with_issuers(X509 *certificate, GPtrArray *all)
{
	GByteArray *out = g_byte_array_new();
	int i;

	for (i = 0; certificate != NULL && i <= CHAIN_MAX; i++) {
		append_der(out, certificate);
		certificate = issuer_of(certificate, all);
	}
	return g_byte_array_free_to_bytes(out);
}

/* NULL: it is not there, or it is a root, which is of no use here. */
static X509 *
issuer_of(X509 *certificate, GPtrArray *all)
{
	X509 *issuer;
	guint i;

	for (i = 0; i < all->len; i++) {
		issuer = g_ptr_array_index(all, i);
		if (X509_check_issued(issuer, certificate) == X509_V_OK &&
		    X509_check_issued(issuer, issuer) != X509_V_OK)
			return issuer;
	}
	return NULL;
}

static void
append_der(GByteArray *out, X509 *certificate)
{
	unsigned char *octets = NULL;
	int len = i2d_X509(certificate, &octets);

	if (len > 0)
		g_byte_array_append(out, octets, (guint)len);
	OPENSSL_free(octets);
}

bool
x509_wants_gcm(GBytes *blob)
{
	gsize len;
	const unsigned char *p = g_bytes_get_data(blob, &len);
	X509 *certificate = d2i_X509(NULL, &p, (long)len);
	bool wanted = certificate != NULL && x509_facts_want_gcm(certificate);

	X509_free(certificate);
	ERR_clear_error();
	return wanted;
}

char *
x509_pem(GBytes *blob)
{
	gsize len;
	const unsigned char *p = g_bytes_get_data(blob, &len);
	const unsigned char *end = p + len;
	GString *out = g_string_new(NULL);
	X509 *certificate = NULL;
	BIO *bio;
	char *text;
	long n;

	while (p < end && (certificate = d2i_X509(NULL, &p, end - p)) != NULL) {
		bio = BIO_new(BIO_s_mem());
		if (bio != NULL && PEM_write_bio_X509(bio, certificate) == 1 &&
		    (n = BIO_get_mem_data(bio, &text)) > 0)
			g_string_append_len(out, text, n);
		BIO_free(bio);
		X509_free(certificate);
	}
	ERR_clear_error();
	return g_string_free(out, p < end || out->len == 0);
}
