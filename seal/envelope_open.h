/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_ENVELOPE_OPEN_H
#define SEAL_ENVELOPE_OPEN_H

#include "seal/spool.h"

#include <stddef.h>

/*
 * Finds the JWE (doc/sealed-envelope.5) in a page, in a message with a page in
 * any of its parts, or alone.  0 and *jwep is a new string; -1: PERM, there is
 * none, or there are several.
 */
int envelope_find(
    const char *octets, size_t len, char **jwep, struct fault *fault);

/*
 * Opens one.  words() gives the passphrase away (a new string, which is wiped)
 * when it is needed, or returns -1 with a fault.  0: the content is the
 * message.  -1: PERM, for a wrong passphrase and a JWE that is not as it
 * should be the same, or TEMP; what is in the content is to be thrown away.
 */
int envelope_open(const char *jwe,
    int (*words)(void *context, char **wordsp, struct fault *fault),
    void *context, struct spool *content, struct fault *fault);

#endif
