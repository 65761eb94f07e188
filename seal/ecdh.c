/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * ecdh.c - agree upon a secret with somebody's public key, with OpenSSL.
 *
 * In:    a curve, a point on it.
 * Out:   the secret, and the public half of a key made for it.
 * Never: uses a key that it made twice.
 */
#include <config.h>

#include "seal/ecdh.h"

#include <glib.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>
#include <unistd.h>

#define X25519_OCTETS 32

/* RFC 6637 section 11, and X25519 as GnuPG has it since 2014. */
static const struct ecdh_curve curves[] = {
    {NULL,
	{(const unsigned char *)"\x2b\x06\x01\x04\x01\x97\x55\x01\x05\x01", 10},
	0x40, 33, 32},
    {"P-256", {(const unsigned char *)"\x2a\x86\x48\xce\x3d\x03\x01\x07", 8}, 4,
	65, 32},
    {"P-384", {(const unsigned char *)"\x2b\x81\x04\x00\x22", 5}, 4, 97, 48},
    {"P-521", {(const unsigned char *)"\x2b\x81\x04\x00\x23", 5}, 4, 133, 66},
};

struct ecdh_tools {
	EVP_PKEY_CTX *x25519; /* makes keys of what they are made of */
	EVP_PKEY_CTX *nist;   /* likewise */
	EVP_PKEY *base;       /* the point that public halves come from */
	EVP_PKEY *peer;       /* the point that is at work */
};

/* RFC 7748 section 4.1. */
static const unsigned char base_point[X25519_OCTETS] = {9};

static int agree_x25519(struct ecdh_tools *tools,
    const struct ecdh_curve *curve, const struct octets *point,
    struct ecdh_agreement *agreement);
static int set_peer(struct ecdh_tools *tools, const unsigned char *point);
static EVP_PKEY *make_x25519(struct ecdh_tools *tools);
static int agree_nist(struct ecdh_tools *tools, const struct ecdh_curve *curve,
    const struct octets *point, struct ecdh_agreement *agreement);
static EVP_PKEY *read_point(struct ecdh_tools *tools,
    const struct ecdh_curve *curve, const struct octets *point);
static EVP_PKEY *make_beside(EVP_PKEY *peer);
static int derive(
    EVP_PKEY_CTX *ctx, EVP_PKEY *peer, unsigned char *out, size_t octets);

const struct ecdh_curve *
ecdh_find_curve(const struct octets *oid)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(curves); i++)
		if (curves[i].oid.len == oid->len &&
		    memcmp(curves[i].oid.data, oid->data, oid->len) == 0)
			return &curves[i];
	return NULL;
}

struct ecdh_tools *
ecdh_tools_make(void)
{
	struct ecdh_tools *tools = g_new0(struct ecdh_tools, 1);

	tools->x25519 = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
	tools->nist = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	tools->base = EVP_PKEY_new_raw_public_key_ex(
	    NULL, "X25519", NULL, base_point, sizeof(base_point));
	tools->peer = EVP_PKEY_new_raw_public_key_ex(
	    NULL, "X25519", NULL, base_point, sizeof(base_point));
	if (tools->x25519 == NULL || tools->nist == NULL ||
	    tools->base == NULL || tools->peer == NULL ||
	    EVP_PKEY_fromdata_init(tools->x25519) != 1 ||
	    EVP_PKEY_fromdata_init(tools->nist) != 1)
		ecdh_tools_free(&tools);
	return tools;
}

void
ecdh_tools_free(struct ecdh_tools **toolsp)
{
	struct ecdh_tools *tools = g_steal_pointer(toolsp);

	if (tools == NULL)
		return;
	EVP_PKEY_CTX_free(tools->x25519);
	EVP_PKEY_CTX_free(tools->nist);
	EVP_PKEY_free(tools->base);
	EVP_PKEY_free(tools->peer);
	g_free(tools);
}

int
ecdh_agree(struct ecdh_tools *tools, const struct ecdh_curve *curve,
    const struct octets *point, struct ecdh_agreement *agreement)
{
	return curve->name == NULL
		   ? agree_x25519(tools, curve, point, agreement)
		   : agree_nist(tools, curve, point, agreement);
}

/* A point is looked at when it is read, and these curves have no small
 * subgroups (X25519 refuses what they make).  Room for one octet more shows
 * that something was written. */
static int
derive(EVP_PKEY_CTX *ctx, EVP_PKEY *peer, unsigned char *out, size_t octets)
{
	size_t len = octets + 1;

	return EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
		       EVP_PKEY_derive(ctx, out, &len) == 1 && len == octets
		   ? 0
		   : -1;
}

/* --- X25519 */

/*
 * RFC 7748 section 6.1: X25519(k, 9) is the public half, X25519(k, u) what is
 * shared.  Both are asked of OpenSSL as agreements: its own way to a public
 * half takes longer, and so does a key object for each point.
 */
static int
agree_x25519(struct ecdh_tools *tools, const struct ecdh_curve *curve,
    const struct octets *point, struct ecdh_agreement *agreement)
{
	EVP_PKEY *own = make_x25519(tools);
	EVP_PKEY_CTX *ctx = NULL;
	int ret = -1;

	agreement->point[0] = curve->prefix;
	/* Both agreements must have been with the point that was meant. */
	if (own != NULL && set_peer(tools, point->data + 1) == 0 &&
	    (ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL)) != NULL &&
	    EVP_PKEY_derive_init(ctx) == 1 &&
	    derive(ctx, tools->base, agreement->point + 1, X25519_OCTETS) ==
		0 &&
	    derive(ctx, tools->peer, agreement->shared, X25519_OCTETS) == 0 &&
	    CRYPTO_memcmp(
		agreement->shared, agreement->point + 1, X25519_OCTETS) != 0)
		ret = 0;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(own);
	return ret;
}

/* The key object had the point of the last message. */
static int
set_peer(struct ecdh_tools *tools, const unsigned char *point)
{
	unsigned char now[X25519_OCTETS];
	size_t len = sizeof(now);

	return EVP_PKEY_set1_encoded_public_key(
		   tools->peer, point, X25519_OCTETS) == 1 &&
		       EVP_PKEY_get_raw_public_key(tools->peer, now, &len) ==
			   1 &&
		       memcmp(now, point, sizeof(now)) == 0
		   ? 0
		   : -1;
}

/*
 * Random octets of the kernel: OpenSSL would make a generator for each thread,
 * which costs more than the rest.  The public half stands in for one that
 * nobody reads: without any, OpenSSL would compute it, its slower way.
 */
static EVP_PKEY *
make_x25519(struct ecdh_tools *tools)
{
	unsigned char random[X25519_OCTETS], stand_in[X25519_OCTETS];
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[3];

	memcpy(stand_in, base_point, sizeof(stand_in));
	params[0] = OSSL_PARAM_construct_octet_string(
	    OSSL_PKEY_PARAM_PRIV_KEY, random, sizeof(random));
	params[1] = OSSL_PARAM_construct_octet_string(
	    OSSL_PKEY_PARAM_PUB_KEY, stand_in, sizeof(stand_in));
	params[2] = OSSL_PARAM_construct_end();
	if (getentropy(random, sizeof(random)) != 0 ||
	    EVP_PKEY_fromdata(tools->x25519, &key, EVP_PKEY_KEYPAIR, params) !=
		1)
		key = NULL;
	OPENSSL_cleanse(random, sizeof(random));
	return key;
}

/* --- The curves of NIST */

static int
agree_nist(struct ecdh_tools *tools, const struct ecdh_curve *curve,
    const struct octets *point, struct ecdh_agreement *agreement)
{
	EVP_PKEY *peer = read_point(tools, curve, point), *own = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	size_t len = 0;
	int ret = -1;

	if (peer != NULL && (own = make_beside(peer)) != NULL &&
	    (ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL)) != NULL &&
	    EVP_PKEY_derive_init(ctx) == 1 &&
	    derive(ctx, peer, agreement->shared, curve->field_octets) == 0 &&
	    EVP_PKEY_get_octet_string_param(own,
		OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, agreement->point,
		sizeof(agreement->point), &len) == 1 &&
	    len == curve->point_octets && agreement->point[0] == curve->prefix)
		ret = 0;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(own);
	EVP_PKEY_free(peer);
	return ret;
}

static EVP_PKEY *
read_point(struct ecdh_tools *tools, const struct ecdh_curve *curve,
    const struct octets *point)
{
	unsigned char copy[ECDH_POINT_OCTETS_MAX];
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[3];
	char name[8];

	memcpy(copy, point->data, point->len);
	g_strlcpy(name, curve->name, sizeof(name));
	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
	params[1] = OSSL_PARAM_construct_octet_string(
	    OSSL_PKEY_PARAM_PUB_KEY, copy, point->len);
	params[2] = OSSL_PARAM_construct_end();
	if (EVP_PKEY_fromdata(tools->nist, &key, EVP_PKEY_PUBLIC_KEY, params) !=
	    1)
		key = NULL;
	return key;
}

/* On the curve of the peer. */
static EVP_PKEY *
make_beside(EVP_PKEY *peer)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, peer, NULL);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_generate(ctx, &key) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}
