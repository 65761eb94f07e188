/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_DELIVER_H
#define MILTER_DELIVER_H

#include "milter/mta.h"
#include "milter/plan.h"
#include "milter/runtime.h"

/*
 * Carries out a plan: seals the copies first, without any effect, and then
 * delivers them.  time_left: milliseconds that gpg may take.  0, or -1 with fault; the message must then be answered
 * with 4xx or 5xx, so that the MTA throws away what was edited.
 */
int deliver(SMFICTX *ctx, const struct runtime *runtime,
    const struct plan *plan, const struct message *message,
    unsigned int time_left, struct fault *fault);

#endif
