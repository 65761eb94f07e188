/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_MATERIAL_H
#define KEYS_MATERIAL_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define MATERIAL_FINGERPRINT 20 /* octets, of version 4 */

/* Octets of somebody else, in the order in which they were written. */
struct octets {
	const unsigned char *data;
	size_t len;
};

/*
 * What one public key packet says of a key that can be encrypted to: RFC 4880
 * section 5.5.2 for RSA, RFC 6637 section 9 for ECDH.  All of it lies in the
 * octets that it was found in.
 */
struct material {
	unsigned char fingerprint[MATERIAL_FINGERPRINT];
	unsigned char algorithm; /* RFC 4880 section 9.1 */
	/* RSA: without zeros in front. */
	struct octets modulus, exponent;
	/* ECDH. */
	struct octets curve; /* its OID, DER without tag and length */
	struct octets point; /* as the packet has it, prefix and all */
	unsigned char kdf_hash, kdf_cipher;
};

#define MATERIAL_RSA 1
#define MATERIAL_RSA_ENCRYPT 2
#define MATERIAL_ECDH 18

/*
 * Finds the packet with that fingerprint (hex) among those of a key.
 *  1: *material is filled in; the octets are borrowed.
 *  0: *whyp (constant) says why not; there is no other failure.
 * It says nothing of whether the key may be used: that is usable.c's.
 */
int material_find(GBytes *blob, const char *fingerprint,
    struct material *material, const char **whyp);

#endif
