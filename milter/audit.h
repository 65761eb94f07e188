/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_AUDIT_H
#define MILTER_AUDIT_H

#include "milter/plan.h"

/*
 * One log line for each recipient: who, by which rule, in which form, with
 * which key, and what was answered.
 */
void audit_delivered(const char *queue_id, const struct origin *origin,
    const struct treatment *treatment);

/* The message (or this recipient of it) was not taken. */
void audit_refused(const char *queue_id, const struct origin *origin,
    const char *recipient, const struct fault *fault);

#endif
