/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * authorities_believed.c - the certificates of authorities, and what they revoked.
 *
 * In:    files and directories of CA certificates and CRLs.
 * Out:   OpenSSL's store of them, and verdicts that still hold.
 * Never: passes over a file or a CRL that it cannot read.
 */
#include <config.h>

#include "keys/authorities_believed.h"

#include "keys/authorities_crl.h"
#include "keys/ssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <time.h>

/* Verdicts that are remembered; beyond it, all are forgotten. */
#define VOUCHED_MAX 8192

/* When a verdict holds. */
struct span {
	int64_t from, until; /* until: not any more */
};

typedef int add_function(
    struct believed *believed, const char *path, struct fault *fault);

static add_function add_path, add_file, add_crls;
static int add_directory(struct believed *believed, const char *path,
    const char *suffix, add_function *add, struct fault *fault);
static int add_crl(struct believed *believed, X509_CRL *crl, const char *path,
    struct fault *fault);
static void add_moment(struct believed *believed, const ASN1_TIME *time);
static int unreadable(const char *path, const char *what, struct fault *fault);
static BIO *open_file(const char *path, struct fault *fault);
static int64_t seconds_of(const ASN1_TIME *time, int64_t otherwise);

int
believed_read(const struct authorities_config *config,
    struct believed **believedp, struct fault *fault)
{
	struct believed *believed = g_new0(struct believed, 1);
	const char *const *path;
	int r = 0;

	g_atomic_ref_count_init(&believed->references);
	g_mutex_init(&believed->mutex);
	believed->moments = g_array_new(FALSE, FALSE, sizeof(int64_t));
	believed->vouched =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	believed->store = X509_STORE_new();
	if (believed->store == NULL)
		r = ssl_fault(fault, "making a store of authorities");
	for (path = config->trust; r == 0 && path != NULL && *path != NULL;
	     path++)
		r = add_path(believed, *path, fault);
	for (path = config->crls; r == 0 && path != NULL && *path != NULL;
	     path++)
		r = add_crls(believed, *path, fault);
	if (r == 0 && config->fetched != NULL &&
	    g_file_test(config->fetched, G_FILE_TEST_EXISTS))
		r = add_directory(
		    believed, config->fetched, CRL_SUFFIX, add_crls, fault);
	ERR_clear_error();
	if (r != 0)
		believed_unref(believed);
	else
		*believedp = believed;
	return r;
}

struct believed *
believed_ref(struct believed *believed)
{
	g_atomic_ref_count_inc(&believed->references);
	return believed;
}

void
believed_unref(struct believed *believed)
{
	if (believed == NULL || !g_atomic_ref_count_dec(&believed->references))
		return;
	X509_STORE_free(believed->store);
	g_array_unref(believed->moments);
	g_hash_table_unref(believed->vouched);
	g_mutex_clear(&believed->mutex);
	g_free(believed);
}

/* --- Files */

static int
add_path(struct believed *believed, const char *path, struct fault *fault)
{
	size_t before = believed->count;
	int r;

	if (g_file_test(path, G_FILE_TEST_IS_DIR))
		r = add_directory(believed, path, "", add_file, fault);
	else
		r = add_file(believed, path, fault);
	if (r == 0 && believed->count == before) {
		fault_set(fault, FAULT_PERM,
		    "%s: there is no CA certificate in it", path);
		r = -1;
	}
	return r;
}

/* Its files with that end of the name; not what lies in directories in it. */
static int
add_directory(struct believed *believed, const char *path, const char *suffix,
    add_function *add, struct fault *fault)
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
		if (name[0] != '.' && g_str_has_suffix(name, suffix) &&
		    g_file_test(file, G_FILE_TEST_IS_REGULAR))
			r = add(believed, file, fault);
		g_free(file);
	}
	g_dir_close(directory);
	return r;
}

static int
add_one(struct believed *believed, X509 *certificate, const char *path,
    struct fault *fault)
{
	int r = X509_STORE_add_cert(believed->store, certificate);

	X509_free(certificate);
	if (r != 1)
		return ssl_fault(fault, path);
	believed->count++;
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
add_file(struct believed *believed, const char *path, struct fault *fault)
{
	BIO *bio = open_file(path, fault);
	X509 *certificate;
	size_t before = believed->count;
	int r = 0;

	if (bio == NULL)
		return -1;
	ERR_clear_error();
	while (r == 0 &&
	       (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		r = add_one(believed, certificate, path, fault);
	if (r == 0 && !is_end_of_pem())
		r = unreadable(path, "certificate", fault);
	(void)BIO_reset(bio);
	if (r == 0 && believed->count == before &&
	    (certificate = d2i_X509_bio(bio, NULL)) != NULL)
		r = add_one(believed, certificate, path, fault);
	if (r == 0 && ssl_error_is_ours())
		r = ssl_fault(fault, path);
	BIO_free(bio);
	return r;
}

/* Every one: what a CRL that cannot be read has revoked must not be used. */
static int
add_crls(struct believed *believed, const char *path, struct fault *fault)
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
		r = add_crl(believed, crl, path, fault);
		count++;
	}
	if (r == 0 && !is_end_of_pem())
		r = unreadable(path, "CRL", fault);
	(void)BIO_reset(bio);
	if (r == 0 && count == 0) {
		crl = d2i_X509_CRL_bio(bio, NULL);
		r = crl == NULL ? unreadable(path, "CRL", fault)
				: add_crl(believed, crl, path, fault);
	}
	BIO_free(bio);
	return r;
}

static int
add_crl(struct believed *believed, X509_CRL *crl, const char *path,
    struct fault *fault)
{
	int r = X509_STORE_add_crl(believed->store, crl);

	add_moment(believed, X509_CRL_get0_lastUpdate(crl));
	add_moment(believed, X509_CRL_get0_nextUpdate(crl));
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

/* --- What holds */

static int64_t
seconds_of(const ASN1_TIME *time, int64_t otherwise)
{
	struct tm tm;

	return time != NULL && ASN1_TIME_to_tm(time, &tm) == 1
		   ? (int64_t)timegm(&tm)
		   : otherwise;
}

static void
add_moment(struct believed *believed, const ASN1_TIME *time)
{
	int64_t moment = seconds_of(time, 0);

	g_array_append_val(believed->moments, moment);
}

bool
believed_knows(struct believed *believed, const char *fingerprint, int64_t now)
{
	const struct span *span;
	bool known;

	g_mutex_lock(&believed->mutex);
	span = g_hash_table_lookup(believed->vouched, fingerprint);
	known = span != NULL && span->from <= now && now < span->until;
	g_mutex_unlock(&believed->mutex);
	return known;
}

void
believed_learn(struct believed *believed, const char *fingerprint,
    const struct stack_st_X509 *chain, int64_t now)
{
	struct span *span = g_new0(struct span, 1);
	int64_t moment;
	guint j;
	int i;

	span->from = now;
	span->until = INT64_MAX;
	for (i = 0; i < sk_X509_num(chain); i++)
		span->until = MIN(span->until,
		    seconds_of(X509_get0_notAfter(sk_X509_value(chain, i)), 0));
	for (j = 0; j < believed->moments->len; j++) {
		moment = g_array_index(believed->moments, int64_t, j);
		if (moment > now)
			span->until = MIN(span->until, moment);
	}
	g_mutex_lock(&believed->mutex);
	if (g_hash_table_size(believed->vouched) >= VOUCHED_MAX)
		g_hash_table_remove_all(believed->vouched);
	g_hash_table_replace(believed->vouched, g_strdup(fingerprint), span);
	g_mutex_unlock(&believed->mutex);
}
