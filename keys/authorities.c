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

#include "keys/authorities_believed.h"
#include "keys/authorities_crl.h"
#include "keys/ssl.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* 112 bits: no SHA-1, no RSA below 2048, in the whole chain. */
#define SECURITY_LEVEL 2

/* A directory that was changed so lately may be changed again without being
 * seen: its time has the steps of the kernel's clock. */
#define SETTLED_SECONDS 2

struct authorities {
	char **trust, **crls;
	struct authorities_config config; /* of these */
	char *fetched;

	GMutex mutex; /* of what follows */
	struct believed *believed;
	struct timespec changed; /* the directory of what was fetched */
	ino_t inode;
	bool settled;
};

static void look_at(const struct authorities *authorities,
    struct timespec *changed, ino_t *inode);
static int believe_again(struct authorities *authorities, struct fault *fault);
static struct believed *believed_now(
    struct authorities *authorities, struct fault *fault);
static STACK_OF(X509) * read_chain(const struct inspected *key);
static X509_STORE_CTX *context_make(struct believed *believed,
    STACK_OF(X509) * chain, int64_t now, unsigned long flags);
static int verify(
    struct believed *believed, const struct inspected *key, int64_t now);
static int on_error(int ok, X509_STORE_CTX *ctx);
static bool is_for_mail(X509_STORE_CTX *ctx);
static bool is_doubt(int error);

int
authorities_open(const struct authorities_config *config,
    struct authorities **authoritiesp, struct fault *fault)
{
	struct authorities *authorities = g_new0(struct authorities, 1);

	g_mutex_init(&authorities->mutex);
	authorities->trust = g_strdupv((char **)(uintptr_t)config->trust);
	authorities->crls = g_strdupv((char **)(uintptr_t)config->crls);
	authorities->fetched = g_strdup(config->fetched);
	authorities->config =
	    (struct authorities_config){(const char *const *)authorities->trust,
		(const char *const *)authorities->crls, authorities->fetched};
	if (believe_again(authorities, fault) != 0) {
		authorities_close(&authorities);
		return -1;
	}
	*authoritiesp = authorities;
	return 0;
}

void
authorities_close(struct authorities **authoritiesp)
{
	struct authorities *authorities = g_steal_pointer(authoritiesp);

	if (authorities == NULL)
		return;
	believed_unref(authorities->believed);
	g_strfreev(authorities->trust);
	g_strfreev(authorities->crls);
	g_free(authorities->fetched);
	g_mutex_clear(&authorities->mutex);
	g_free(authorities);
}

/* --- What was fetched in the meantime */

/* Zeros, if it is not there. */
static void
look_at(const struct authorities *authorities, struct timespec *changed,
    ino_t *inode)
{
	struct stat st;

	memset(&st, 0, sizeof(st));
	if (authorities->fetched != NULL &&
	    stat(authorities->fetched, &st) != 0)
		memset(&st, 0, sizeof(st));
	*changed = st.st_mtim;
	*inode = st.st_ino;
}

/* Looks first and reads then: what comes between is seen the next time. */
static int
believe_again(struct authorities *authorities, struct fault *fault)
{
	struct believed *believed;
	struct timespec changed;
	ino_t inode;

	look_at(authorities, &changed, &inode);
	if (believed_read(&authorities->config, &believed, fault) != 0)
		return -1;
	believed_unref(authorities->believed);
	authorities->believed = believed;
	authorities->changed = changed;
	authorities->inode = inode;
	authorities->settled = time(NULL) > changed.tv_sec + SETTLED_SECONDS;
	return 0;
}

/* A new reference, or NULL. */
static struct believed *
believed_now(struct authorities *authorities, struct fault *fault)
{
	struct believed *believed = NULL;
	struct timespec changed;
	ino_t inode;
	int r = 0;

	g_mutex_lock(&authorities->mutex);
	look_at(authorities, &changed, &inode);
	if (inode != authorities->inode ||
	    changed.tv_sec != authorities->changed.tv_sec ||
	    changed.tv_nsec != authorities->changed.tv_nsec ||
	    (!authorities->settled &&
		time(NULL) > changed.tv_sec + SETTLED_SECONDS))
		r = believe_again(authorities, fault);
	if (r == 0)
		believed = believed_ref(authorities->believed);
	else if (fault != NULL)
		fault->kind = FAULT_TEMP;
	g_mutex_unlock(&authorities->mutex);
	return believed;
}

/* --- Vouching */

int
authorities_vouch(struct authorities *authorities, const struct inspected *key,
    int64_t now, char **whyp, struct fault *fault)
{
	int error = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, ret = 0;
	struct believed *believed = NULL;
	bool nobody = true;

	if (authorities != NULL) {
		believed = believed_now(authorities, fault);
		if (believed == NULL)
			return -1;
		nobody = believed->count == 0;
	}
	if (!nobody)
		error = verify(believed, key, now);
	believed_unref(believed);
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
	else if (nobody)
		*whyp = g_strdup("no authority is trusted (keys.smime_trust), "
				 "and it was not imported with --trust");
	else
		*whyp = g_strdup_printf("no authority in keys.smime_trust "
					"vouches for it (%s), and it was not "
					"imported with --trust",
		    X509_verify_cert_error_string(error));
	return ret;
}

/* Its certificate, and those behind it in the blob; NULL if one is damaged. */
static STACK_OF(X509) * read_chain(const struct inspected *key)
{
	gsize len;
	const unsigned char *p = g_bytes_get_data(key->blob, &len);
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

/* NULL, also if the chain is. */
static X509_STORE_CTX *
context_make(struct believed *believed, STACK_OF(X509) * chain, int64_t now,
    unsigned long flags)
{
	X509_STORE_CTX *ctx = chain == NULL ? NULL : X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;

	if (ctx == NULL)
		return NULL;
	if (X509_STORE_CTX_init(
		ctx, believed->store, sk_X509_value(chain, 0), chain) != 1 ||
	    (param = X509_STORE_CTX_get0_param(ctx)) == NULL ||
	    X509_VERIFY_PARAM_set_flags(
		param, X509_V_FLAG_PARTIAL_CHAIN | flags) != 1) {
		X509_STORE_CTX_free(ctx);
		return NULL;
	}
	X509_VERIFY_PARAM_set_time(param, (time_t)now);
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	X509_STORE_CTX_set_verify_cb(ctx, on_error);
	return ctx;
}

struct stack_st_X509 *
authorities_chain(
    struct authorities *authorities, const struct inspected *key, int64_t now)
{
	STACK_OF(X509) * given, *chain = NULL;
	struct believed *believed = believed_now(authorities, NULL);
	X509_STORE_CTX *ctx;

	if (believed == NULL)
		return NULL;
	given = read_chain(key);
	ctx = context_make(believed, given, now, 0);
	if (ctx != NULL && X509_verify_cert(ctx) == 1)
		chain = X509_STORE_CTX_get1_chain(ctx);
	X509_STORE_CTX_free(ctx);
	sk_X509_pop_free(given, X509_free);
	believed_unref(believed);
	ERR_clear_error();
	return chain;
}

/* X509_V_OK, or what is wrong. */
static int
verify(struct believed *believed, const struct inspected *key, int64_t now)
{
	X509_STORE_CTX *ctx = NULL;
	STACK_OF(X509) * chain;
	int error = X509_V_ERR_OUT_OF_MEM, r;

	if (believed_knows(believed, key->fingerprint, now))
		return X509_V_OK;
	chain = read_chain(key);
	ctx = context_make(believed, chain, now,
	    X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	if (ctx == NULL)
		goto out;
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
	if (error == X509_V_OK)
		believed_learn(believed, key->fingerprint,
		    X509_STORE_CTX_get0_chain(ctx), now);
out:
	X509_STORE_CTX_free(ctx);
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
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
