/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_DERIVATION_H
#define MILTER_DERIVATION_H

#include "keys/keys.h"

/*
 * A key from words, as passphrase_derive_hinted(), of which at most `limit`
 * run at a time in this process: each has a processor for a third of a
 * second.  Waits for its turn until the deadline (monotonic microseconds), 10
 * seconds at most.  0; or -1 with TEMP.
 */
int derivation_run(unsigned int limit, const char *words, const char *hint,
    gint64 deadline_us, struct key **keyp, struct fault *fault);

#endif
