/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_X509_H
#define KEYS_X509_H

#include "keys/inspected.h"
#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Certificates for S/MIME: X.509 (RFC 5280) as RFC 8550 uses it.  The blob of
 * one is the certificate in DER, and behind it those of the authorities that
 * came with it, each the issuer of the one before.
 */

/* More octets of one certificate than this are refused. */
#define X509_OCTETS ((size_t)64 * 1024)

/* Do these octets look like certificates: PEM (RFC 7468), or DER? */
bool x509_is(const void *data, size_t len);

/*
 * Every certificate of a person in a file: PEM, DER, or PKCS#7 in either.
 * Those of authorities are put behind the ones they issued, and are refused
 * where there is nothing else.  subject_address: the emailAddress in the
 * subject names an address too, not only the rfc822Name and SmtpUTF8Mailbox
 * in subjectAltName.  0 and gives *foundp away (of struct inspected *, with
 * blobs, at least one); or -1 with a fault: PERM if there is none in it,
 * TEMP if OpenSSL failed.
 */
int x509_inspect(GBytes *file, bool subject_address, GPtrArray **foundp,
    struct fault *fault);

/*
 * Gives a KEY_SMIME that has a blob what is read out of it: its certificate,
 * and whether its holder prefers AES-256-GCM to AES-256-CBC (RFC 4262, RFC
 * 8551 section 2.7.1).  Nothing, if the blob is damaged.
 */
void x509_attach(struct inspected *key);

/* References to a parsed certificate; NULL does nothing. */
struct x509_st *x509_ref(struct x509_st *certificate);
void x509_unref(struct x509_st *certificate);

/* The certificates in a blob as PEM, a new string; NULL if it is damaged, or
 * OpenSSL failed. */
char *x509_pem(GBytes *blob);

#endif
