/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_FRESH_H
#define MILTER_FRESH_H

#include "milter/parcel.h"

/*
 * Passphrases that are made for recipients of one message who have none, and
 * the notice that tells its sender.  They are nobody's before the notice is
 * with the injection listener: only then are they stored, and only then may
 * a copy leave that is sealed with one.
 */
struct fresh;

/*
 * Makes them for the treatments that want one, and gives these their keys; no
 * other message makes one for the same recipients until fresh_free(), and
 * what another has made meanwhile is used.  0 and gives *freshp away, NULL if
 * there is nothing to tell; or -1 with fault.
 */
int fresh_make(const struct session *session, const GPtrArray *treatments,
    struct fresh **freshp, struct fault *fault);
void fresh_free(struct fresh **freshp);

/*
 * The notice, which lives no longer than `fresh`; once.  0 and gives *parcelp
 * away, or -1 with fault.
 */
int fresh_notice(struct fresh *fresh, const struct session *session,
    const struct journal_id *message_id, struct parcel **parcelp,
    struct fault *fault);

/* The sender is told: from now on they hold.  0, or -1 with TEMP. */
int fresh_store(const struct fresh *fresh, const struct session *session,
    struct fault *fault);

#endif
