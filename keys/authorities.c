/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * authorities.c - who vouches for a certificate, and was it revoked?
 *
 * In:    files of CA certificates and CRLs; a certificate.
 * Out:   yes, no and why, or that it cannot be told.
 * Never: fetches anything, or takes an outdated CRL for one that says
 *        nothing.
 */
#include <config.h>

#include "keys/authorities.h"

#include "keys/ssl.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

/* 112 bits: no SHA-1, no RSA below 2048, in the whole chain. */
#define SECURITY_LEVEL 2

struct authorities {
	X509_STORE *store;
	size_t count; /* of CA certificates */
};

static int add_path(
    struct authorities *authorities, const char *path, struct fault *fault);
static int add_directory(
    struct authorities *authorities, const char *path, struct fault *fault);
static int add_file(
    struct authorities *authorities, const char *path, struct fault *fault);
static int add_crls(
    struct authorities *authorities, const char *path, struct fault *fault);
static int add_crl(struct authorities *authorities, X509_CRL *crl,
    const char *path, struct fault *fault);
static int unreadable(const char *path, const char *what, struct fault *fault);
static BIO *open_file(const char *path, struct fault *fault);
static STACK_OF(X509) * read_chain(GBytes *blob);
static int verify(
    const struct authorities *authorities, STACK_OF(X509) * chain, int64_t now);
static int on_error(int ok, X509_STORE_CTX *ctx);
static bool is_for_mail(X509_STORE_CTX *ctx);
static bool is_doubt(int error);

int
authorities_open(const char *const *trust, const char *const *crls,
    struct authorities **authoritiesp, struct fault *fault)
{
	struct authorities *authorities = g_new0(struct authorities, 1);
	int r = 0;

	authorities->store = X509_STORE_new();
	if (authorities->store == NULL) {
		fault_set(fault, FAULT_TEMP, "OpenSSL has no memory");
		r = -1;
	}
	for (; r == 0 && trust != NULL && *trust != NULL; trust++)
		r = add_path(authorities, *trust, fault);
	for (; r == 0 && crls != NULL && *crls != NULL; crls++)
		r = add_crls(authorities, *crls, fault);
	ERR_clear_error();
	if (r != 0)
		authorities_close(&authorities);
	else
		*authoritiesp = authorities;
	return r;
}

void
authorities_close(struct authorities **authoritiesp)
{
	struct authorities *authorities = g_steal_pointer(authoritiesp);

	if (authorities == NULL)
		return;
	X509_STORE_free(authorities->store);
	g_free(authorities);
}

/* --- Files */

static int
add_path(struct authorities *authorities, const char *path, struct fault *fault)
{
	size_t before = authorities->count;
	int r;

	if (g_file_test(path, G_FILE_TEST_IS_DIR))
		r = add_directory(authorities, path, fault);
	else
		r = add_file(authorities, path, fault);
	if (r == 0 && authorities->count == before) {
		fault_set(fault, FAULT_PERM,
		    "%s: there is no CA certificate in it", path);
		r = -1;
	}
	return r;
}

/* Its files; not what lies in directories in it. */
static int
add_directory(
    struct authorities *authorities, const char *path, struct fault *fault)
{
	GError *error = NULL;
	GDir *directory = g_dir_open(path, 0, &error);
	const char *name;
	char *file;
	int r = 0;

	if (directory == NULL) {
		fault_set(fault, FAULT_PERM, "%s: %s", path, error->message);
		g_error_free(error);
		return -1;
	}
	while (r == 0 && (name = g_dir_read_name(directory)) != NULL) {
		file = g_build_filename(path, name, NULL);
		if (name[0] != '.' && g_file_test(file, G_FILE_TEST_IS_REGULAR))
			r = add_file(authorities, file, fault);
		g_free(file);
	}
	g_dir_close(directory);
	return r;
}

static int
add_one(struct authorities *authorities, X509 *certificate, const char *path,
    struct fault *fault)
{
	int r = X509_STORE_add_cert(authorities->store, certificate);

	X509_free(certificate);
	if (r != 1)
		return ssl_fault(fault, path);
	authorities->count++;
	return 0;
}

/* Is there nothing more in a file of PEM; or can the rest not be read? */
static bool
is_end_of_pem(void)
{
	unsigned long error = ERR_peek_last_error();

	return ERR_GET_LIB(error) == ERR_LIB_PEM &&
	       ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static int
add_file(struct authorities *authorities, const char *path, struct fault *fault)
{
	BIO *bio = open_file(path, fault);
	X509 *certificate;
	size_t before = authorities->count;
	int r = 0;

	if (bio == NULL)
		return -1;
	ERR_clear_error();
	while (r == 0 &&
	       (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		r = add_one(authorities, certificate, path, fault);
	if (r == 0 && !is_end_of_pem())
		r = unreadable(path, "certificate", fault);
	(void)BIO_reset(bio);
	if (r == 0 && authorities->count == before &&
	    (certificate = d2i_X509_bio(bio, NULL)) != NULL)
		r = add_one(authorities, certificate, path, fault);
	if (r == 0 && ssl_error_is_ours())
		r = ssl_fault(fault, path);
	BIO_free(bio);
	return r;
}

/* Every one: what a CRL that cannot be read has revoked must not be used. */
static int
add_crls(struct authorities *authorities, const char *path, struct fault *fault)
{
	BIO *bio = open_file(path, fault);
	unsigned int count = 0;
	X509_CRL *crl;
	int r = 0;

	if (bio == NULL)
		return -1;
	ERR_clear_error();
	while (r == 0 &&
	       (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
		r = add_crl(authorities, crl, path, fault);
		count++;
	}
	if (r == 0 && !is_end_of_pem())
		r = unreadable(path, "CRL", fault);
	(void)BIO_reset(bio);
	if (r == 0 && count == 0) {
		crl = d2i_X509_CRL_bio(bio, NULL);
		r = crl == NULL ? unreadable(path, "CRL", fault)
				: add_crl(authorities, crl, path, fault);
	}
	BIO_free(bio);
	return r;
}

static int
add_crl(struct authorities *authorities, X509_CRL *crl, const char *path,
    struct fault *fault)
{
	int r = X509_STORE_add_crl(authorities->store, crl);

	X509_CRL_free(crl);
	return r == 1 ? 0 : ssl_fault(fault, path);
}

static int
unreadable(const char *path, const char *what, struct fault *fault)
{
	if (ssl_error_is_ours())
		return ssl_fault(fault, path);
	fault_set(fault, FAULT_PERM,
	    "%s: there is no %s in it, or one that cannot be read", path, what);
	return -1;
}

static BIO *
open_file(const char *path, struct fault *fault)
{
	GError *error = NULL;
	BIO *bio = NULL;
	char *text;
	gsize len;

	if (!g_file_get_contents(path, &text, &len, &error)) {
		fault_set(fault, FAULT_PERM, "%s", error->message);
		g_error_free(error);
		return NULL;
	}
	/* One that can be read twice. */
	bio = BIO_new(BIO_s_mem());
	if (bio == NULL ||
	    (len > 0 && BIO_write(bio, text, (int)len) != (int)len)) {
		fault_set(fault, FAULT_TEMP, "OpenSSL has no memory");
		BIO_free(bio);
		bio = NULL;
	} else {
		BIO_set_flags(bio, BIO_FLAGS_NONCLEAR_RST);
	}
	g_free(text);
	return bio;
}

/* --- Vouching */

int
authorities_vouch(const struct authorities *authorities,
    const struct inspected *key, int64_t now, char **whyp, struct fault *fault)
{
	STACK_OF(X509) *chain = NULL;
	int error = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, ret = 0;

	if (authorities != NULL && authorities->count > 0) {
		chain = read_chain(key->blob);
		error = chain == NULL ? X509_V_ERR_OUT_OF_MEM
				      : verify(authorities, chain, now);
		sk_X509_pop_free(chain, X509_free);
		ERR_clear_error();
	}
	if (error == X509_V_OK)
		return 1;
	if (is_doubt(error)) {
		fault_set(fault, FAULT_TEMP, "%s: %s", key->fingerprint,
		    X509_verify_cert_error_string(error));
		return -1;
	}
	if (error == X509_V_ERR_CERT_REVOKED)
		*whyp = g_strdup("revoked, says its authority");
	else if (key->checked)
		ret = 1;
	else if (authorities == NULL || authorities->count == 0)
		*whyp = g_strdup("no authority is trusted (keys.smime_trust), "
				 "and it was not imported with --trust");
	else
		*whyp = g_strdup_printf("no authority in keys.smime_trust "
					"vouches for it (%s), and it was not "
					"imported with --trust",
		    X509_verify_cert_error_string(error));
	return ret;
}

/* The certificates in a blob, its own first; NULL if it is damaged. */
static STACK_OF(X509) * read_chain(GBytes *blob)
{
	gsize len;
	const unsigned char *p = g_bytes_get_data(blob, &len);
	const unsigned char *end = p + len;
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *certificate;

	while (chain != NULL && p < end) {
		certificate = d2i_X509(NULL, &p, end - p);
		if (certificate != NULL && sk_X509_push(chain, certificate) > 0)
			continue;
		X509_free(certificate);
		sk_X509_pop_free(chain, X509_free);
		chain = NULL;
	}
	return chain;
}

/* X509_V_OK, or what is wrong. */
static int
verify(
    const struct authorities *authorities, STACK_OF(X509) * chain, int64_t now)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int error = X509_V_ERR_OUT_OF_MEM, r;

	if (ctx == NULL || X509_STORE_CTX_init(ctx, authorities->store,
			       sk_X509_value(chain, 0), chain) != 1)
		goto out;
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)now);
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	if (X509_VERIFY_PARAM_set_flags(
		param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_CRL_CHECK |
			   X509_V_FLAG_CRL_CHECK_ALL) != 1)
		goto out;
	X509_STORE_CTX_set_verify_cb(ctx, on_error);
	ERR_clear_error();
	r = X509_verify_cert(ctx);
	error = X509_STORE_CTX_get_error(ctx);
	if (r < 0 || (r == 0 && error == X509_V_OK))
		error = X509_V_ERR_UNSPECIFIED;
	else if (r == 1 && error == X509_V_OK && !is_for_mail(ctx))
		error = X509_V_ERR_INVALID_PURPOSE;
	/* "A bad signature" may be one that could not be checked. */
	if (ssl_error_is_ours())
		error = X509_V_ERR_UNSPECIFIED;
out:
	X509_STORE_CTX_free(ctx);
	return error;
}

/* An authority of which there is no CRL here is not asked for one. */
static int
on_error(int ok, X509_STORE_CTX *ctx)
{
	if (ok != 1 &&
	    X509_STORE_CTX_get_error(ctx) == X509_V_ERR_UNABLE_TO_GET_CRL) {
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return 1;
	}
	return ok;
}

/* Authorities that are for servers only vouch for no mailbox; the one that
 * is trusted, the last, is for whatever it is trusted for. */
static bool
is_for_mail(X509_STORE_CTX *ctx)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	uint32_t purposes;
	int i;

	for (i = 1; i + 1 < sk_X509_num(chain); i++) {
		purposes = X509_get_extended_key_usage(sk_X509_value(chain, i));
		if (purposes != UINT32_MAX &&
		    (purposes & (XKU_SMIME | XKU_ANYEKU)) == 0)
			return false;
	}
	return true;
}

/* What says nothing about the certificate. */
static bool
is_doubt(int error)
{
	switch (error) {
	case X509_V_ERR_UNSPECIFIED:
	case X509_V_ERR_OUT_OF_MEM:
	case X509_V_ERR_INVALID_CALL:
	case X509_V_ERR_STORE_LOOKUP:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
	case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
	case X509_V_ERR_CRL_NOT_YET_VALID:
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
	case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
	case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
	case X509_V_ERR_DIFFERENT_CRL_SCOPE:
	case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
		return true;
	default:
		return false;
	}
}
