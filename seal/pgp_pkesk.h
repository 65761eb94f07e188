/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_PGP_PKESK_H
#define SEAL_PGP_PKESK_H

#include "keys/material.h"
#include "seal/ecdh.h"

#include <glib.h>
#include <openssl/evp.h>

#define PKESK_SESSION_OCTETS 32 /* of a key for AES-256 */

/*
 * The algorithms and contexts of OpenSSL that a message needs, looked up
 * once: a look-up costs more than what it finds does to a small message.  A
 * thread has them alone while it works with them.
 */
struct pgp_tools {
	EVP_CIPHER *cfb;
	EVP_CIPHER *wrap[3]; /* AES-128, -192, -256 */
	EVP_MD *sha1;
	EVP_MD *sha2[3]; /* SHA-256, -384, -512 */
	EVP_CIPHER_CTX *cipher;
	EVP_MD_CTX *digest;
	struct ecdh_tools *ecdh;
};

/* NULL: OpenSSL has not all of them, or no memory. */
struct pgp_tools *pgp_tools_make(void);
void pgp_tools_free(struct pgp_tools **toolsp);

/* Forgets what the last message left in the contexts. */
void pgp_tools_wipe(struct pgp_tools *tools);

/*
 * Appends the packet in which a session key (of PKESK_SESSION_OCTETS) is encrypted to that key
 * (version 3, RFC 4880 section 5.1, RFC 6637), with its key ID.
 *  1: done.  0: this key cannot be used here, or OpenSSL failed; *whyp
 * (constant) says why, and nothing was appended.
 */
int pkesk_append(struct pgp_tools *tools, const struct material *material,
    const unsigned char *session, GByteArray *out, const char **whyp);

#endif
