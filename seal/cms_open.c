/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * cms_open.c - open enveloped CMS (RFC 8551) by OpenSSL.
 *
 * In:    CMS in DER or BER; a private key and its certificate, PEM.
 * Out:   what is in it.
 * Never: tells why a decryption failed more than that it did.
 */
#include "seal/unseal_private.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#define CMS_OCTETS ((uint64_t)64 << 20) /* it stands in memory */

struct secret {
	EVP_PKEY *key;
	X509 *certificate;
};

static void
secret_clear(struct secret *secret)
{
	EVP_PKEY_free(secret->key);
	X509_free(secret->certificate);
}

/* Nobody is asked for a passphrase. */
static int
no_passphrase(char *buffer, int size, int writing, void *context)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)context;
	return 0;
}

static int
secret_read(GBytes *pem, struct secret *secret, struct fault *fault)
{
	gsize len;
	gconstpointer data = g_bytes_get_data(pem, &len);
	BIO *keys = BIO_new_mem_buf(data, (int)len);
	BIO *certificates = BIO_new_mem_buf(data, (int)len);

	if (keys != NULL && certificates != NULL) {
		secret->key =
		    PEM_read_bio_PrivateKey(keys, NULL, no_passphrase, NULL);
		secret->certificate =
		    PEM_read_bio_X509(certificates, NULL, NULL, NULL);
	}
	BIO_free(keys);
	BIO_free(certificates);
	ERR_clear_error();
	if (secret->key != NULL && secret->certificate != NULL)
		return 0;
	fault_set(fault, FAULT_PERM,
	    "the key file has no %s in PEM (a private key without a passphrase"
	    " and its certificate are needed)",
	    secret->key == NULL ? "private key" : "certificate");
	return -1;
}

static int
read_cipher(const struct spool *cipher, BIO *in, struct fault *fault)
{
	struct spool_reader *reader = spool_reader_make(cipher);
	const unsigned char *data;
	size_t len;
	int r;

	while ((r = spool_reader_next(reader, &data, &len, fault)) == 1)
		if (BIO_write(in, data, (int)len) != (int)len) {
			fault_set(fault, FAULT_TEMP, "out of memory");
			r = -1;
			break;
		}
	spool_reader_free(&reader);
	return r;
}

static int
open_cms(const struct secret *secret, BIO *in, struct spool *payload,
    struct fault *fault)
{
	CMS_ContentInfo *cms = d2i_CMS_bio(in, NULL);
	BIO *out = BIO_new(BIO_s_mem());
	char *data;
	long len;
	int ret = -1;

	if (cms == NULL || out == NULL ||
	    CMS_decrypt(cms, secret->key, secret->certificate, NULL, out, 0) !=
		1) {
		fault_set(fault, FAULT_PERM,
		    "OpenSSL does not open it with this key");
	} else {
		len = BIO_get_mem_data(out, &data);
		ret = spool_append(payload, data, (size_t)len, fault);
		OPENSSL_cleanse(data, (size_t)len);
	}
	ERR_clear_error();
	CMS_ContentInfo_free(cms);
	BIO_free(out);
	return ret;
}

int
unseal_cms(const struct unseal_keys *keys, const struct spool *cipher,
    struct spool *payload, struct fault *fault)
{
	struct secret secret = {NULL, NULL};
	BIO *in = NULL;
	int ret = -1;

	if (keys->pem == NULL)
		fault_set(fault, FAULT_PERM,
		    "it is S/MIME, and there is no file with its private key"
		    " (--key-file)");
	else if (spool_size(cipher) > CMS_OCTETS)
		fault_set(fault, FAULT_PERM, "it is too large to be opened");
	else if (secret_read(keys->pem, &secret, fault) == 0 &&
		 (in = BIO_new(BIO_s_mem())) != NULL &&
		 read_cipher(cipher, in, fault) == 0)
		ret = open_cms(&secret, in, payload, fault);
	BIO_free(in);
	secret_clear(&secret);
	return ret;
}
