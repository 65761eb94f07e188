/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * pgp_pkesk.c - encrypt a session key to a public key, with OpenSSL.
 *
 * In:    the numbers of a public key, a session key.
 * Out:   one PKESK packet.
 * Never: leaves a shared secret or a session key in memory.
 */
#include <config.h>

#include "seal/pgp_pkesk.h"

#include "keys/packet.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <string.h>

#define CIPHER_AES256 9 /* RFC 4880 section 9.2 */
#define CIPHER_AES128 7
#define HASH_SHA256 8 /* section 9.4 */
#define HASH_SHA512 10

#define RSA_OCTETS_MAX (16384 / 8)
#define KEK_OCTETS_MAX 32
#define PLAIN_OCTETS 40 /* padded, RFC 6637 section 8 */
#define WRAPPED_OCTETS 48

static int append_rsa(struct pgp_tools *tools, const struct material *material,
    const unsigned char *session, GByteArray *body, const char **whyp);
static int append_ecdh(struct pgp_tools *tools, const struct material *material,
    const unsigned char *session, GByteArray *body, const char **whyp);
static int derive_kek(struct pgp_tools *tools, const struct material *material,
    const unsigned char *shared, size_t len, unsigned char *kek);
static int wrap(struct pgp_tools *tools, const EVP_CIPHER *cipher,
    const unsigned char *kek, const unsigned char *session,
    unsigned char *wrapped);

/* --- Tools */

struct pgp_tools *
pgp_tools_make(void)
{
	static const char *const wraps[] = {
	    "AES-128-WRAP", "AES-192-WRAP", "AES-256-WRAP"};
	static const char *const hashes[] = {"SHA256", "SHA384", "SHA512"};
	struct pgp_tools *tools = g_new0(struct pgp_tools, 1);
	bool all;
	size_t i;

	tools->cfb = EVP_CIPHER_fetch(NULL, "AES-256-CFB", NULL);
	tools->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	tools->cipher = EVP_CIPHER_CTX_new();
	tools->digest = EVP_MD_CTX_new();
	tools->ecdh = ecdh_tools_make();
	all = tools->cfb != NULL && tools->sha1 != NULL &&
	      tools->cipher != NULL && tools->digest != NULL &&
	      tools->ecdh != NULL;
	for (i = 0; i < G_N_ELEMENTS(wraps) && all; i++) {
		tools->wrap[i] = EVP_CIPHER_fetch(NULL, wraps[i], NULL);
		tools->sha2[i] = EVP_MD_fetch(NULL, hashes[i], NULL);
		all = tools->wrap[i] != NULL && tools->sha2[i] != NULL;
	}
	if (!all)
		pgp_tools_free(&tools);
	return tools;
}

void
pgp_tools_free(struct pgp_tools **toolsp)
{
	struct pgp_tools *tools = g_steal_pointer(toolsp);
	size_t i;

	if (tools == NULL)
		return;
	for (i = 0; i < G_N_ELEMENTS(tools->wrap); i++) {
		EVP_CIPHER_free(tools->wrap[i]);
		EVP_MD_free(tools->sha2[i]);
	}
	ecdh_tools_free(&tools->ecdh);
	EVP_CIPHER_CTX_free(tools->cipher);
	EVP_MD_CTX_free(tools->digest);
	EVP_CIPHER_free(tools->cfb);
	EVP_MD_free(tools->sha1);
	g_free(tools);
}

void
pgp_tools_wipe(struct pgp_tools *tools)
{
	EVP_CIPHER_CTX_reset(tools->cipher);
	EVP_MD_CTX_reset(tools->digest);
}

/* --- The packet */

static void
append_octet(GByteArray *out, size_t octet)
{
	const guint8 one = (guint8)octet;

	g_byte_array_append(out, &one, 1);
}

/* RFC 4880 section 3.2. */
static void
append_number(GByteArray *out, const unsigned char *data, size_t len)
{
	size_t bits;

	for (; len > 1 && data[0] == 0; data++)
		len--;
	bits = 8 * (len - 1) + g_bit_storage(data[0]);
	append_octet(out, bits >> 8);
	append_octet(out, bits & 0xff);
	g_byte_array_append(out, data, (guint)len);
}

/* RFC 4880 section 4.2.2. */
static void
append_head(GByteArray *out, size_t len)
{
	append_octet(out, 0xc0 | PACKET_PKESK);
	if (len < 192) {
		append_octet(out, len);
		return;
	}
	append_octet(out, ((len - 192) >> 8) + 192);
	append_octet(out, (len - 192) & 0xff);
}

int
pkesk_append(struct pgp_tools *tools, const struct material *material,
    const unsigned char *session, GByteArray *out, const char **whyp)
{
	GByteArray *body = g_byte_array_sized_new(512);
	int r = 0;

	append_octet(body, 3);
	g_byte_array_append(
	    body, material->fingerprint + MATERIAL_FINGERPRINT - 8, 8);
	append_octet(body, material->algorithm);
	*whyp = "it is of an algorithm that is not known here";
	if (material->algorithm == MATERIAL_ECDH)
		r = append_ecdh(tools, material, session, body, whyp);
	else if (material->algorithm == MATERIAL_RSA ||
		 material->algorithm == MATERIAL_RSA_ENCRYPT)
		r = append_rsa(tools, material, session, body, whyp);
	if (r == 1) {
		append_head(out, body->len);
		g_byte_array_append(out, body->data, body->len);
	}
	g_byte_array_unref(body);
	return r;
}

/* RFC 4880 section 5.1: the cipher, its key, and the sum of that. */
static size_t
write_session(const unsigned char *session, unsigned char *out)
{
	unsigned int sum = 0;
	size_t i;

	out[0] = CIPHER_AES256;
	memcpy(out + 1, session, PKESK_SESSION_OCTETS);
	for (i = 0; i < PKESK_SESSION_OCTETS; i++)
		sum += session[i];
	out[1 + PKESK_SESSION_OCTETS] = (unsigned char)(sum >> 8);
	out[2 + PKESK_SESSION_OCTETS] = (unsigned char)sum;
	return 3 + PKESK_SESSION_OCTETS;
}

/* --- RSA */

/* Parameters take numbers in the order of this machine. */
static bool
native_number(const struct octets *number, unsigned char *out)
{
	BIGNUM *value = BN_bin2bn(number->data, (int)number->len, NULL);
	bool done = value != NULL && BN_bn2nativepad(value, out,
					 (int)number->len) == (int)number->len;

	BN_free(value);
	return done;
}

static EVP_PKEY *
read_rsa(const struct material *material)
{
	unsigned char modulus[RSA_OCTETS_MAX], exponent[RSA_OCTETS_MAX];
	OSSL_PARAM params[3];
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key = NULL;

	if (material->modulus.len > sizeof(modulus) ||
	    material->exponent.len > sizeof(exponent) ||
	    !native_number(&material->modulus, modulus) ||
	    !native_number(&material->exponent, exponent))
		return NULL;
	params[0] = OSSL_PARAM_construct_BN(
	    OSSL_PKEY_PARAM_RSA_N, modulus, material->modulus.len);
	params[1] = OSSL_PARAM_construct_BN(
	    OSSL_PKEY_PARAM_RSA_E, exponent, material->exponent.len);
	params[2] = OSSL_PARAM_construct_end();
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* RFC 4880 section 13.1.1. */
static int
append_rsa(struct pgp_tools *tools, const struct material *material,
    const unsigned char *session, GByteArray *body, const char **whyp)
{
	unsigned char plain[3 + PKESK_SESSION_OCTETS], cipher[RSA_OCTETS_MAX];
	EVP_PKEY *key = read_rsa(material);
	size_t plain_len = write_session(session, plain), len = sizeof(cipher);
	EVP_PKEY_CTX *ctx = NULL;
	int ret = 0;

	(void)tools;
	*whyp = "OpenSSL does not take it";
	if (key != NULL &&
	    (ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL)) != NULL &&
	    EVP_PKEY_encrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_encrypt(ctx, cipher, &len, plain, plain_len) == 1 &&
	    len == material->modulus.len) {
		append_number(body, cipher, len);
		ret = 1;
	}
	OPENSSL_cleanse(plain, sizeof(plain));
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ret;
}

/* --- ECDH, RFC 6637 section 8 */

static int
append_ecdh(struct pgp_tools *tools, const struct material *material,
    const unsigned char *session, GByteArray *body, const char **whyp)
{
	const struct ecdh_curve *curve = ecdh_find_curve(&material->curve);
	struct ecdh_agreement agreement;
	unsigned char kek[KEK_OCTETS_MAX], wrapped[WRAPPED_OCTETS];
	int ret = 0;

	if (curve == NULL) {
		*whyp = "it is on a curve that is not known here";
		return 0;
	}
	if (material->point.len != curve->point_octets ||
	    material->point.data[0] != curve->prefix) {
		*whyp = "its point is broken";
		return 0;
	}
	if (material->kdf_hash < HASH_SHA256 ||
	    material->kdf_hash > HASH_SHA512 ||
	    material->kdf_cipher < CIPHER_AES128 ||
	    material->kdf_cipher > CIPHER_AES256) {
		*whyp = "it wants a hash or a cipher that is not known here";
		return 0;
	}
	*whyp = "OpenSSL does not take it";
	if (ecdh_agree(tools->ecdh, curve, &material->point, &agreement) == 0 &&
	    derive_kek(tools, material, agreement.shared, curve->field_octets,
		kek) == 0 &&
	    wrap(tools, tools->wrap[material->kdf_cipher - CIPHER_AES128], kek,
		session, wrapped) == 0) {
		append_number(body, agreement.point, curve->point_octets);
		append_octet(body, sizeof(wrapped));
		g_byte_array_append(body, wrapped, sizeof(wrapped));
		ret = 1;
	}
	OPENSSL_cleanse(&agreement, sizeof(agreement));
	OPENSSL_cleanse(kek, sizeof(kek));
	return ret;
}

/* RFC 6637 section 7; the hash is never shorter than the key. */
static int
derive_kek(struct pgp_tools *tools, const struct material *material,
    const unsigned char *shared, size_t len, unsigned char *kek)
{
	static const unsigned char counter[4] = {0, 0, 0, 1};
	const unsigned char curve_len = (unsigned char)material->curve.len;
	const unsigned char kdf[] = {
	    MATERIAL_ECDH, 3, 1, material->kdf_hash, material->kdf_cipher};
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = tools->digest;
	int ret = -1;

	if (EVP_DigestInit_ex2(ctx,
		tools->sha2[material->kdf_hash - HASH_SHA256], NULL) == 1 &&
	    EVP_DigestUpdate(ctx, counter, sizeof(counter)) == 1 &&
	    EVP_DigestUpdate(ctx, shared, len) == 1 &&
	    EVP_DigestUpdate(ctx, &curve_len, 1) == 1 &&
	    EVP_DigestUpdate(ctx, material->curve.data, material->curve.len) ==
		1 &&
	    EVP_DigestUpdate(ctx, kdf, sizeof(kdf)) == 1 &&
	    EVP_DigestUpdate(ctx, "Anonymous Sender    ", 20) == 1 &&
	    EVP_DigestUpdate(
		ctx, material->fingerprint, MATERIAL_FINGERPRINT) == 1 &&
	    EVP_DigestFinal_ex(ctx, digest, NULL) == 1) {
		memcpy(kek, digest, KEK_OCTETS_MAX);
		ret = 0;
	}
	OPENSSL_cleanse(digest, sizeof(digest));
	return ret;
}

/* RFC 3394, of the session key padded as in RFC 6637 section 8. */
static int
wrap(struct pgp_tools *tools, const EVP_CIPHER *cipher,
    const unsigned char *kek, const unsigned char *session,
    unsigned char *wrapped)
{
	unsigned char plain[PLAIN_OCTETS];
	size_t len = write_session(session, plain);
	int n = 0, ret = -1;

	memset(plain + len, (int)(sizeof(plain) - len), sizeof(plain) - len);
	EVP_CIPHER_CTX_set_flags(tools->cipher, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	if (EVP_EncryptInit_ex2(tools->cipher, cipher, kek, NULL, NULL) == 1 &&
	    EVP_EncryptUpdate(
		tools->cipher, wrapped, &n, plain, sizeof(plain)) == 1 &&
	    n == WRAPPED_OCTETS)
		ret = 0;
	OPENSSL_cleanse(plain, sizeof(plain));
	return ret;
}
