/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * authorities_crl.c - where CRLs are, and whether they are what they should
 * be.
 *
 * In:    certificates for which somebody vouches; octets from the network.
 * Out:   places; files in STATE/crl.
 * Never: fetches, or keeps what the authority did not sign, what does not
 *        count now, or what is older than what it has.
 */
#include <config.h>

#include "keys/authorities_crl.h"

#include "keys/ssl.h"
#include "keys/x509.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define URL_OCTETS 2048

static void add_points(GPtrArray *points, X509 *certificate, X509 *issuer);
static char *url_of(const GENERAL_NAME *name);
static void add_point(GPtrArray *points, char *url, X509 *issuer);
static X509_CRL *parse(GBytes *octets);
static const char *trouble(
    X509_CRL *crl, const struct crl_point *point, int64_t now);
static char *path_of(const char *state, const struct crl_point *point);
static bool is_newer(X509_CRL *crl, const char *path);
static int write_crl(
    const char *state, const char *path, X509_CRL *crl, struct fault *fault);
static char *describe(X509_CRL *crl);

void
crl_point_free(struct crl_point *point)
{
	g_free(point->url);
	x509_unref(point->issuer);
	g_free(point);
}

/* --- Where */

void
crl_points_add(GPtrArray *points, struct authorities *authorities,
    const struct inspected *key, int64_t now)
{
	STACK_OF(X509) *chain = authorities_chain(authorities, key, now);
	int i, count = sk_X509_num(chain);

	/* The last one is believed, so nobody can revoke it. */
	for (i = 0; i + 1 < count; i++)
		add_points(points, sk_X509_value(chain, i),
		    sk_X509_value(chain, i + 1));
	sk_X509_pop_free(chain, X509_free);
}

static void
add_points(GPtrArray *points, X509 *certificate, X509 *issuer)
{
	CRL_DIST_POINTS *list = X509_get_ext_d2i(
	    certificate, NID_crl_distribution_points, NULL, NULL);
	const DIST_POINT *point;
	const GENERAL_NAMES *names;
	char *url;
	int i, j;

	for (i = 0; i < sk_DIST_POINT_num(list); i++) {
		point = sk_DIST_POINT_value(list, i);
		if (point->CRLissuer != NULL || point->distpoint == NULL ||
		    point->distpoint->type != 0)
			continue;
		names = point->distpoint->name.fullname;
		for (j = 0; j < sk_GENERAL_NAME_num(names); j++) {
			url = url_of(sk_GENERAL_NAME_value(names, j));
			if (url != NULL)
				add_point(points, url, issuer);
		}
	}
	CRL_DIST_POINTS_free(list);
}

/* A new string; NULL: it is no place of that kind. */
static char *
url_of(const GENERAL_NAME *name)
{
	const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
	const char *text;
	int i, len;

	if (name->type != GEN_URI)
		return NULL;
	text = (const char *)ASN1_STRING_get0_data(uri);
	len = ASN1_STRING_length(uri);
	for (i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return NULL;
	if (len > URL_OCTETS ||
	    (g_ascii_strncasecmp(text, "http://", 7) != 0 &&
		g_ascii_strncasecmp(text, "https://", 8) != 0))
		return NULL;
	return g_strndup(text, (gsize)len);
}

/* Takes the URL. */
static void
add_point(GPtrArray *points, char *url, X509 *issuer)
{
	struct crl_point *point;
	guint i;

	for (i = 0; i < points->len; i++) {
		point = g_ptr_array_index(points, i);
		if (strcmp(point->url, url) == 0 &&
		    X509_cmp(point->issuer, issuer) == 0) {
			g_free(url);
			return;
		}
	}
	point = g_new0(struct crl_point, 1);
	point->url = url;
	point->issuer = x509_ref(issuer);
	g_ptr_array_add(points, point);
}

/* --- What is there */

int
crl_keep(const char *state, const struct crl_point *point, GBytes *octets,
    int64_t now, char **whatp, struct fault *fault)
{
	char *path = path_of(state, point);
	X509_CRL *crl;
	const char *why;
	int ret = -1;

	ERR_clear_error();
	crl = parse(octets);
	why = crl == NULL ? "it is no CRL" : trouble(crl, point, now);
	if (ssl_error_is_ours()) {
		(void)ssl_fault(fault, "reading a CRL");
		goto out;
	}
	if (why != NULL) {
		fault_set(fault, FAULT_PERM, "%s", why);
		goto out;
	}
	if (!is_newer(crl, path))
		ret = 0;
	else if (write_crl(state, path, crl, fault) == 0)
		ret = 1;
	if (ret != -1)
		*whatp = describe(crl);
out:
	X509_CRL_free(crl);
	g_free(path);
	return ret;
}

/* DER, as RFC 5280 section 4.2.1.13 has it; or PEM, as some do. */
static X509_CRL *
parse(GBytes *octets)
{
	gsize len;
	const unsigned char *p = g_bytes_get_data(octets, &len);
	X509_CRL *crl;
	BIO *bio;

	crl = d2i_X509_CRL(NULL, &p, (long)len);
	if (crl != NULL)
		return crl;
	bio = BIO_new_mem_buf(g_bytes_get_data(octets, NULL), (int)len);
	if (bio != NULL)
		crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
	else
		ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
	BIO_free(bio);
	return crl;
}

/* Why it does not count (RFC 5280 section 6.3.3), or NULL. */
static const char *
trouble(X509_CRL *crl, const struct crl_point *point, int64_t now)
{
	time_t when = (time_t)now;
	EVP_PKEY *public = X509_get0_pubkey(point->issuer);

	if (X509_NAME_cmp(X509_CRL_get_issuer(crl),
		X509_get_subject_name(point->issuer)) != 0)
		return "it is of another authority";
	if ((X509_get_key_usage(point->issuer) & KU_CRL_SIGN) == 0)
		return "the authority may not sign CRLs (its key usage)";
	if (public == NULL || X509_CRL_verify(crl, public) != 1)
		return "the authority did not sign it";
	if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0)
		return "it is a delta CRL, which this version does not know";
	if (X509_cmp_time(X509_CRL_get0_lastUpdate(crl), &when) != -1)
		return "it does not count yet (or this machine's clock is "
		       "wrong)";
	if (X509_CRL_get0_nextUpdate(crl) == NULL)
		return "it does not say until when it counts";
	if (X509_cmp_time(X509_CRL_get0_nextUpdate(crl), &when) != 1)
		return "it is out of date";
	return NULL;
}

/* A name that no authority chooses. */
static char *
path_of(const char *state, const struct crl_point *point)
{
	char *hash =
	    g_compute_checksum_for_string(G_CHECKSUM_SHA256, point->url, -1);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	char *name, *path;

	(void)X509_digest(point->issuer, EVP_sha256(), digest, &len);
	name = g_strdup_printf("%.32s-%02x%02x%02x%02x" CRL_SUFFIX, hash,
	    digest[0], digest[1], digest[2], digest[3]);
	path = g_build_filename(state, CRL_FOLDER, name, NULL);
	g_free(name);
	g_free(hash);
	return path;
}

/* Nobody who gives us an old one takes a revocation back. */
static bool
is_newer(X509_CRL *crl, const char *path)
{
	GBytes *octets;
	X509_CRL *old;
	char *text;
	bool newer;
	gsize len;

	if (!g_file_get_contents(path, &text, &len, NULL))
		return true;
	octets = g_bytes_new_take(text, len);
	old = parse(octets);
	newer = old == NULL || ASN1_TIME_compare(X509_CRL_get0_lastUpdate(crl),
				   X509_CRL_get0_lastUpdate(old)) > 0;
	X509_CRL_free(old);
	g_bytes_unref(octets);
	return newer;
}

static int
write_crl(
    const char *state, const char *path, X509_CRL *crl, struct fault *fault)
{
	char *folder = g_build_filename(state, CRL_FOLDER, NULL);
	GError *error = NULL;
	unsigned char *der = NULL;
	int len = i2d_X509_CRL(crl, &der), ret = -1;

	if (len <= 0)
		(void)ssl_fault(fault, "writing a CRL");
	else if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		fault_set(
		    fault, FAULT_TEMP, "%s: %s", folder, g_strerror(errno));
	else if (!g_file_set_contents_full(path, (const char *)der, len,
		     G_FILE_SET_CONTENTS_CONSISTENT |
			 G_FILE_SET_CONTENTS_DURABLE,
		     0600, &error))
		fault_set(fault, FAULT_TEMP, "%s", error->message);
	else
		ret = 0;
	g_clear_error(&error);
	OPENSSL_free(der);
	g_free(folder);
	return ret;
}

static char *
describe(X509_CRL *crl)
{
	int revoked = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl));
	struct tm tm = {0};

	(void)ASN1_TIME_to_tm(X509_CRL_get0_nextUpdate(crl), &tm);
	return g_strdup_printf("%d revoked, good until %04d-%02d-%02d",
	    MAX(revoked, 0), tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}
