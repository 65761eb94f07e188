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

#include "keys/ssl.h"
#include "keys/x509_facts.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>
#include <string.h>

/* Authorities between a certificate and a root. */
#define CHAIN_MAX 8

static void free_certificate(void *certificate);
static bool read_pem(const void *data, size_t len, GPtrArray *all);
static void read_der(const unsigned char *data, size_t len, GPtrArray *all);
static bool read_pkcs7(const unsigned char *data, size_t len, GPtrArray *all);
static GPtrArray *people_in(GPtrArray *all, struct fault *fault);
static void refuse_authority(struct inspected *key);
static int is_authority(X509 *certificate);
static GPtrArray *inspect_all(
    GPtrArray *all, bool subject_address, struct fault *fault);
static struct inspected *inspect_one(X509 *certificate, GPtrArray *all,
    bool subject_address, struct fault *fault);
static GBytes *with_issuers(X509 *certificate, GPtrArray *all);
static X509 *issuer_of(X509 *certificate, GPtrArray *all);
static bool append_der(GByteArray *out, X509 *certificate);

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
	bool read = true;
	int ret = -1;
	gsize len;

	ERR_clear_error();
	data = g_bytes_get_data(file, &len);
	if (len > 0 && *(const unsigned char *)data == 0x30)
		read_der(data, len, all);
	else
		read = read_pem(data, len, all);
	if (ssl_error_is_ours() || !read) {
		(void)ssl_fault(fault, "reading certificates");
	} else if (all->len == 0) {
		fault_set(fault, FAULT_PERM,
		    "there is no X.509 certificate in it that can be read");
	} else {
		*foundp = inspect_all(all, subject_address, fault);
		ret = *foundp == NULL ? -1 : 0;
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
static bool
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
	return bio != NULL;
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
 * authority's too; but authorities have no mailbox.  1, 0, or -1. */
static int
is_authority(X509 *certificate)
{
	int r;

	if (X509_check_ca(certificate) == 0)
		return 0;
	r = x509_names_mailbox(certificate);
	return r == -1 ? -1 : r == 0;
}

/* Those of people, borrowed; NULL and TEMP if OpenSSL failed. */
static GPtrArray *
people_in(GPtrArray *all, struct fault *fault)
{
	GPtrArray *people = g_ptr_array_new();
	guint i;
	int r = 0;

	for (i = 0; r != -1 && i < all->len; i++) {
		r = is_authority(g_ptr_array_index(all, i));
		if (r == 0)
			g_ptr_array_add(people, g_ptr_array_index(all, i));
	}
	if (r == -1) {
		(void)ssl_fault(fault, "reading a certificate");
		g_clear_pointer(&people, g_ptr_array_unref);
	}
	return people;
}

/* NULL and TEMP if OpenSSL failed. */
static GPtrArray *
inspect_all(GPtrArray *all, bool subject_address, struct fault *fault)
{
	GPtrArray *people = people_in(all, fault), *which, *found;
	GHashTable *done;
	struct inspected *key;
	guint i;

	if (people == NULL)
		return NULL;
	which = people->len > 0 ? people : all;
	found = g_ptr_array_new_with_free_func((GDestroyNotify)inspected_unref);
	done = g_hash_table_new(g_str_hash, g_str_equal);
	for (i = 0; i < which->len; i++) {
		key = inspect_one(
		    g_ptr_array_index(which, i), all, subject_address, fault);
		if (key == NULL)
			break;
		if (people->len == 0)
			refuse_authority(key);
		if (g_hash_table_add(done, key->fingerprint))
			g_ptr_array_add(found, key);
		else
			inspected_unref(key);
	}
	g_hash_table_unref(done);
	if (i < which->len)
		g_clear_pointer(&found, g_ptr_array_unref);
	g_ptr_array_unref(people);
	return found;
}

static void
refuse_authority(struct inspected *key)
{
	g_free(key->refused);
	key->refused = g_strdup("the certificate of an authority: name its "
				"file in keys.smime_trust");
}

static struct inspected *
inspect_one(X509 *certificate, GPtrArray *all, bool subject_address,
    struct fault *fault)
{
	struct inspected *key = x509_facts(certificate, subject_address, fault);

	if (key == NULL)
		return NULL;
	key->blob = with_issuers(certificate, all);
	if (key->blob != NULL)
		x509_attach(key);
	if (key->certificate == NULL) {
		(void)ssl_fault(fault, "writing a certificate");
		inspected_unref(key);
		return NULL;
	}
	if (g_bytes_get_size(key->blob) > (CHAIN_MAX + 1) * X509_OCTETS) {
		g_free(key->refused);
		key->refused = g_strdup("too large");
	}
	return key;
}

/* Only what could be its issuers; whether they are is found out when it is
 * used.  NULL if OpenSSL failed. */
static GBytes *
with_issuers(X509 *certificate, GPtrArray *all)
{
	GByteArray *out = g_byte_array_new();
	int i;

	for (i = 0; certificate != NULL && i <= CHAIN_MAX; i++) {
		if (!append_der(out, certificate)) {
			g_byte_array_unref(out);
			return NULL;
		}
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

static bool
append_der(GByteArray *out, X509 *certificate)
{
	unsigned char *octets = NULL;
	int len = i2d_X509(certificate, &octets);

	if (len > 0)
		g_byte_array_append(out, octets, (guint)len);
	OPENSSL_free(octets);
	return len > 0;
}

void
x509_attach(struct inspected *key)
{
	gsize len;
	const unsigned char *p = g_bytes_get_data(key->blob, &len);

	key->certificate = d2i_X509(NULL, &p, (long)len);
	key->wants_gcm =
	    key->certificate != NULL && x509_facts_want_gcm(key->certificate);
	ERR_clear_error();
}

struct x509_st *
x509_ref(struct x509_st *certificate)
{
	return certificate != NULL && X509_up_ref(certificate) == 1
		   ? certificate
		   : NULL;
}

void
x509_unref(struct x509_st *certificate)
{
	X509_free(certificate);
}

char *
x509_pem(GBytes *blob)
{
	gsize len;
	const unsigned char *p = g_bytes_get_data(blob, &len);
	const unsigned char *end = p + len;
	BIO *bio = BIO_new(BIO_s_mem());
	X509 *certificate;
	bool good = bio != NULL;
	char *text, *pem = NULL;
	long n = 0;

	while (good && p < end) {
		certificate = d2i_X509(NULL, &p, end - p);
		good = certificate != NULL &&
		       PEM_write_bio_X509(bio, certificate) == 1;
		X509_free(certificate);
	}
	if (good)
		n = BIO_get_mem_data(bio, &text);
	if (n > 0)
		pem = g_strndup(text, (gsize)n);
	BIO_free(bio);
	ERR_clear_error();
	return pem;
}
