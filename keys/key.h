/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_KEY_H
#define KEYS_KEY_H

#include "keys/authorities.h"
#include "keys/inspected.h"
#include "keys/keys.h"

#include <glib.h>

/*
 * May mail for a canonical address (NULL: any) be encrypted to this key now?
 * As usable_find(); and one of the authorities (or NULL) has to vouch for a
 * certificate.  1; 0 and *whyp; or -1: cannot tell, the fault says why.
 */
int key_may_be_used(const struct inspected *candidate, const char *address,
    struct authorities *authorities, const struct subkey **subkeyp, char **whyp,
    struct fault *fault);

/*
 * The first of the candidates (of struct inspected *, with blobs, best first)
 * that may be used now for that canonical address; certificates, if those
 * authorities (or NULL) vouch for them.
 *  1: *keyp is a new key; its source is that name.
 *  0: *whyp is NULL if there are no candidates, else a new string that names
 *     the first of them and says why it may not be used.
 * -1: cannot tell; the fault says why.
 */
int key_choose(GPtrArray *candidates, const char *address, const char *source,
    struct authorities *authorities, struct key **keyp, char **whyp,
    struct fault *fault);

#endif
