/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_CANARY_H
#define MILTER_CANARY_H

#include "milter/smtp.h"
#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>

/*
 * A mail server that gives copies to the milter which made them runs in
 * circles.  So before the first copy, and when the daemon starts, the
 * injection listener is shown a sender that every sealmilter answers with
 * words of its own.
 */

/* True for that sender; the milter answers with canary_answer, a 4xx. */
bool canary_is_sender(const char *sender);
extern const char canary_answer[];

/*
 * 1: sealmilter is on that listener.  0: it is not.  -1: cannot tell, the
 * fault says why.  Nothing is sent.
 */
int canary_ask(const struct smtp_target *target, const char *domain,
    gint64 deadline_us, struct fault *fault);

#endif
