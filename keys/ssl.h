/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_SSL_H
#define KEYS_SSL_H

#include "policy/fault.h"

#include <stdbool.h>

/*
 * Ends the program when OpenSSL gets no memory, as GLib does.  For its own
 * failures of that kind it has answers instead: "no issuer", "the key is too
 * weak".  Both programs call it first of all; 0, or -1 if it is too late.
 */
int ssl_begin(void);

/*
 * Takes what OpenSSL has to say of its last failures in this thread.  True
 * if one of them is not the fault of the octets that it was given: an
 * algorithm that could not be loaded, an internal error.
 */
bool ssl_error_is_ours(void);

/* "OpenSSL failed at WHAT", TEMP; returns -1. */
int ssl_fault(struct fault *fault, const char *what);

#endif
