/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_X509_FACTS_H
#define KEYS_X509_FACTS_H

#include "keys/inspected.h"

#include <openssl/x509.h>
#include <stdbool.h>

/*
 * What a certificate says of itself; never NULL.  The first user ID is its
 * subject and issuer, then come the addresses it names.  refused is set if
 * mail cannot be encrypted to it at any time.  The blob is NULL.
 */
struct inspected *x509_facts(X509 *certificate, bool subject_address);

/* Do its S/MIME capabilities name AES-256-GCM before AES-256-CBC? */
bool x509_facts_want_gcm(X509 *certificate);

/* Does subjectAltName name a mailbox? */
bool x509_names_mailbox(X509 *certificate);

#endif
