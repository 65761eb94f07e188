/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_UNSEAL_PRIVATE_H
#define SEAL_UNSEAL_PRIVATE_H

#include "seal/unseal.h"

/* Each reads ciphertext (binary) and appends what is in it. 0, or -1. */
int unseal_gnupg(const struct unseal_keys *keys, const struct spool *cipher,
    struct spool *payload, struct fault *fault);
int unseal_cms(const struct unseal_keys *keys, const struct spool *cipher,
    struct spool *payload, struct fault *fault);

/* 1: opened.  0: GnuPG may know better; what was appended does not count.
 * -1 with fault. */
int unseal_rnp(const struct unseal_keys *keys, const struct spool *cipher,
    struct spool *payload, struct fault *fault);

#endif
