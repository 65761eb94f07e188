/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_X509_ID_H
#define KEYS_X509_ID_H

#include <glib.h>
#include <openssl/x509.h>

/*
 * The names by which CMS calls a certificate (RFC 5652 section 6.2.1), in
 * upper-case hex, as new strings: issuer and serial number are their DER one
 * after the other, the subject key identifier is its octets.
 */
char *x509_id_issuer(const X509_NAME *issuer, const ASN1_INTEGER *serial);
char *x509_id_key(const ASN1_OCTET_STRING *key);

/* "serial 0A, issuer CN=example CA": one line of UTF-8 for people. */
char *x509_id_text(const X509_NAME *issuer, const ASN1_INTEGER *serial);

/* Both names of the certificate in a blob (x509.h): a new NULL-terminated
 * list, empty if it is damaged. */
char **x509_ids(GBytes *blob);

#endif
