/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_POOL_H
#define MILTER_POOL_H

#include "milter/smtp.h"

/*
 * So many connections to one SMTP server at a time, and no more.  A message
 * takes all the slots that it needs at once or none: were each to take what
 * there is, all could wait for each other.  Safe for threads.
 */
struct pool;

/* waiting_max: messages that may wait for slots.  Takes the target. */
struct pool *pool_make(
    struct smtp_target *target, unsigned int slots, unsigned int waiting_max);

/* After everything was given back. */
void pool_free(struct pool **poolp);

unsigned int pool_slots(const struct pool *pool);

/* How many wait for slots now. */
unsigned int pool_waiting(struct pool *pool);

/*
 * Waits for count (1 to pool_slots()) slots; first come, first served.  -1:
 * TEMP, at once if waiting_max others wait already ("overload"), or when the
 * deadline, as in smtp.h, has passed.
 */
int pool_take(struct pool *pool, unsigned int count, gint64 deadline_us,
    struct fault *fault);
void pool_give(struct pool *pool, unsigned int count);

/*
 * A connection for a slot that the caller holds, after smtp_begin(): one that
 * was used before if there is a good one, else, or if that turns out to be
 * stale, a new one.  Errors are those of smtp_connect() and smtp_begin(); then
 * *refusal is as smtp_refusal() says.
 */
int pool_begin(struct pool *pool, const struct smtp_envelope *envelope,
    gint64 deadline_us, struct smtp **smtpp, struct smtp_reply *refusal,
    struct fault *fault);

/* Keeps the connection for others if it is fresh, else closes it.  The slot
 * stays the caller's. */
void pool_done(struct pool *pool, struct smtp **smtpp);

#endif
