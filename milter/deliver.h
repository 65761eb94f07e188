/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_DELIVER_H
#define MILTER_DELIVER_H

#include "milter/copies.h"
#include "milter/mta.h"
#include "milter/session.h"

/*
 * Each carries out a plan: seals first, without any effect, and then
 * delivers.  0; or -1 with fault: the message must then be answered with 4xx
 * or 5xx.
 */

/* By edits; the MTA throws them away after 4xx or 5xx. */
int deliver_edit(SMFICTX *ctx, const struct session *session,
    const struct plan *plan, struct fault *fault);

/*
 * By copies.  0: every recipient's copy is with the injection listener, or
 * the sender was told why not; the MTA must forget the original (DISCARD).
 * -1: what was sent is in the journal, so that the next try of the client
 * sends the rest.
 */
int deliver_copies(struct session *session, struct fault *fault);

#endif
