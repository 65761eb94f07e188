/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * pool.c - slots for connections to an SMTP server, and their reuse.
 *
 * In:    a target, numbers of slots, envelopes.
 * Out:   connections with a message begun; those that are done, kept.
 * Never: gives a part of the slots asked for, lets anybody overtake, or waits
 *        for the server while others wait for the lock.
 */
#include "milter/pool.h"

#define IDLE_US (30 * G_USEC_PER_SEC)
#define MESSAGES_MAX 100U

/* Who waits; on the stack of the thread that does. */
struct turn {
	GList link; /* in pool->turns */
	unsigned int count;
	bool taken;
	GCond changed;
};

struct idle {
	struct smtp *smtp;
	gint64 since;
};

struct pool {
	struct smtp_target *target;
	unsigned int slots, waiting_max;
	GMutex lock; /* for what follows */
	unsigned int left;
	GQueue turns; /* the next one first */
	GArray *idle; /* the newest last; with those in use, at most slots */
};

static int await_turn(struct pool *pool, unsigned int count, gint64 deadline_us,
    struct fault *fault);
static void serve_turns(struct pool *pool);
static struct smtp *take_idle(struct pool *pool);
static void close_old(struct pool *pool);
static void close_all(GArray *idle);

struct pool *
pool_make(
    struct smtp_target *target, unsigned int slots, unsigned int waiting_max)
{
	struct pool *pool = g_new0(struct pool, 1);

	pool->target = target;
	pool->slots = pool->left = slots;
	pool->waiting_max = waiting_max;
	g_mutex_init(&pool->lock);
	g_queue_init(&pool->turns);
	pool->idle = g_array_new(FALSE, FALSE, sizeof(struct idle));
	return pool;
}

void
pool_free(struct pool **poolp)
{
	struct pool *pool = *poolp;

	if (pool == NULL)
		return;
	close_all(pool->idle);
	g_mutex_clear(&pool->lock);
	smtp_target_free(&pool->target);
	g_free(pool);
	*poolp = NULL;
}

unsigned int
pool_slots(const struct pool *pool)
{
	return pool->slots;
}

unsigned int
pool_waiting(struct pool *pool)
{
	unsigned int waiting;

	g_mutex_lock(&pool->lock);
	waiting = pool->turns.length;
	g_mutex_unlock(&pool->lock);
	return waiting;
}

int
pool_take(struct pool *pool, unsigned int count, gint64 deadline_us,
    struct fault *fault)
{
	int ret = -1;

	if (count == 0 || count > pool->slots) {
		fault_set(fault, FAULT_BUG, "there are %u slots, not %u",
		    pool->slots, count);
		return -1;
	}
	g_mutex_lock(&pool->lock);
	if (pool->turns.length == 0 && pool->left >= count) {
		pool->left -= count;
		ret = 0;
	} else if (pool->turns.length >= pool->waiting_max) {
		fault_set(fault, FAULT_TEMP,
		    "overload: %u messages wait for a connection already",
		    pool->turns.length);
	} else {
		ret = await_turn(pool, count, deadline_us, fault);
	}
	g_mutex_unlock(&pool->lock);
	return ret;
}

static int
await_turn(struct pool *pool, unsigned int count, gint64 deadline_us,
    struct fault *fault)
{
	struct turn turn = {.count = count};

	turn.link.data = &turn;
	g_cond_init(&turn.changed);
	g_queue_push_tail_link(&pool->turns, &turn.link);
	while (!turn.taken &&
	       g_cond_wait_until(&turn.changed, &pool->lock, deadline_us))
		continue;
	if (!turn.taken) {
		/* Whoever stood behind may need less. */
		g_queue_unlink(&pool->turns, &turn.link);
		serve_turns(pool);
		fault_set(fault, FAULT_TEMP,
		    "no %u of %u connections were free before the deadline",
		    count, pool->slots);
	}
	g_cond_clear(&turn.changed);
	return turn.taken ? 0 : -1;
}

void
pool_give(struct pool *pool, unsigned int count)
{
	g_mutex_lock(&pool->lock);
	pool->left += count;
	serve_turns(pool);
	g_mutex_unlock(&pool->lock);
}

/* In turn: one who wants many must not wait for ever. */
static void
serve_turns(struct pool *pool)
{
	struct turn *turn;

	while ((turn = g_queue_peek_head(&pool->turns)) != NULL &&
	       turn->count <= pool->left) {
		pool->left -= turn->count;
		turn->taken = true;
		g_queue_unlink(&pool->turns, &turn->link);
		g_cond_signal(&turn->changed);
	}
}

int
pool_begin(struct pool *pool, const struct smtp_envelope *envelope,
    gint64 deadline_us, struct smtp **smtpp, struct smtp_reply *refusal,
    struct fault *fault)
{
	struct smtp *smtp = take_idle(pool);
	bool again;

	refusal->code = 0;
	if (smtp != NULL) {
		if (smtp_begin(smtp, envelope, deadline_us, fault) == 0) {
			*smtpp = smtp;
			return 0;
		}
		again = smtp_is_stale(smtp);
		if (!again)
			*refusal = *smtp_refusal(smtp);
		smtp_close(&smtp);
		if (!again)
			return -1;
	}
	if (smtp_connect(pool->target, deadline_us, &smtp, fault) != 0)
		return -1;
	if (smtp_begin(smtp, envelope, deadline_us, fault) != 0) {
		*refusal = *smtp_refusal(smtp);
		smtp_close(&smtp);
		return -1;
	}
	*smtpp = smtp;
	return 0;
}

/* The one that was used last, so that the others may grow old; or NULL. */
static struct smtp *
take_idle(struct pool *pool)
{
	struct smtp *smtp = NULL;

	close_old(pool);
	g_mutex_lock(&pool->lock);
	while (smtp == NULL && pool->idle->len > 0) {
		smtp =
		    g_array_index(pool->idle, struct idle, pool->idle->len - 1)
			.smtp;
		g_array_set_size(pool->idle, pool->idle->len - 1);
		if (!smtp_is_quiet(smtp))
			smtp_close(&smtp);
	}
	g_mutex_unlock(&pool->lock);
	return smtp;
}

void
pool_done(struct pool *pool, struct smtp **smtpp)
{
	struct idle idle = {*smtpp, g_get_monotonic_time()};

	if (*smtpp == NULL)
		return;
	close_old(pool);
	if (!smtp_is_quiet(*smtpp) || smtp_messages(*smtpp) >= MESSAGES_MAX) {
		smtp_close(smtpp);
		return;
	}
	g_mutex_lock(&pool->lock);
	g_array_append_val(pool->idle, idle);
	g_mutex_unlock(&pool->lock);
	*smtpp = NULL;
}

/* Nobody comes by to do it when they are due: they go with the next message.
 * Until then the server's own patience counts. */
static void
close_old(struct pool *pool)
{
	gint64 oldest = g_get_monotonic_time() - IDLE_US;
	guint n = 0;

	g_mutex_lock(&pool->lock);
	while (n < pool->idle->len &&
	       g_array_index(pool->idle, struct idle, n).since < oldest)
		smtp_close(&g_array_index(pool->idle, struct idle, n++).smtp);
	if (n > 0)
		g_array_remove_range(pool->idle, 0, n);
	g_mutex_unlock(&pool->lock);
}

static void
close_all(GArray *idle)
{
	guint i;

	for (i = 0; i < idle->len; i++)
		smtp_close(&g_array_index(idle, struct idle, i).smtp);
	g_array_unref(idle);
}
