/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_X509_FACTS_H
#define KEYS_X509_FACTS_H

#include "keys/inspected.h"
#include "policy/fault.h"

#include <openssl/x509.h>
#include <stdbool.h>

/*
 * What a certificate says of itself.  The first user ID is its subject and
 * issuer, then come the addresses it names.  refused is set if mail cannot be
 * encrypted to it at any time.  The blob is NULL.  NULL and TEMP if OpenSSL
 * failed.
 */
struct inspected *x509_facts(
    X509 *certificate, bool subject_address, struct fault *fault);

/* Do its S/MIME capabilities name AES-256-GCM before AES-256-CBC? */
bool x509_facts_want_gcm(X509 *certificate);

/* Does subjectAltName name a mailbox?  1: yes; 0: no; -1: OpenSSL failed. */
int x509_names_mailbox(X509 *certificate);

#endif
