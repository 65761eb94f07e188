/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_KEY_H
#define KEYS_KEY_H

#include "keys/inspected.h"
#include "keys/keys.h"

#include <glib.h>

/*
 * The first of the candidates (of struct inspected *, with blobs, best first)
 * that may be used now for that canonical address.
 *  1: *keyp is a new key; its source is that name.
 *  0: *whyp is NULL if there are no candidates, else a new string that names
 *     the first of them and says why it may not be used.
 */
int key_choose(GPtrArray *candidates, const char *address, const char *source,
    struct key **keyp, char **whyp);

#endif
