/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_STOCK_H
#define MILTER_STOCK_H

#include "keys/keys.h"

#include <stdbool.h>

/*
 * A few passphrases that nobody has yet, with their keys, so that a message
 * that needs one does not wait for its derivation.  A thread of the lowest
 * priority makes them, and ends when they are not wanted.
 */

/* Whether the configuration that now holds makes passphrases.  If not, those
 * in stock are wiped. */
void stock_want(bool wanted);

/* True: gives away words, which the caller wipes, and their key, without a
 * hint.  False: there are none in stock now. */
bool stock_take(char **wordsp, struct key **keyp);

#endif
