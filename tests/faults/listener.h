/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_FAULTS_LISTENER_H
#define TESTS_FAULTS_LISTENER_H

/*
 * An injection listener inside the program: what copies are sent with is
 * wrapped, and writes down what a server would have.  Each step can fail at
 * its n-th call, in each way that a server or a connection has for it.
 */

#include "milter/injector.h"
#include "tests/faults/torture.h"

/* In the order of their names below. */
enum {
	POINT_NONE,
	POINT_injector_check,
	POINT_pool_take,
	POINT_begin_temp,
	POINT_begin_perm,
	POINT_smtp_write,
	POINT_write_perm,
	POINT_smtp_flush,
	POINT_smtp_check,
	POINT_check_perm,
	POINT_dot_unsent,
	POINT_dot_unanswered,
	POINT_dot_unanswered_lost,
	POINT_dot_temp,
	POINT_dot_perm,
	LISTENER_POINTS,
};

#define LISTENER_NAMES                                                         \
	"nothing", "injector_check", "pool_take", "pool_begin (4xx)",          \
	    "pool_begin (5xx)", "smtp_write", "smtp_write (5xx)",              \
	    "smtp_flush", "smtp_check", "smtp_check (5xx)",                    \
	    "smtp_commit (no dot sent)", "smtp_commit (taken, no answer)",     \
	    "smtp_commit (not taken, no answer)", "smtp_commit (4xx)",         \
	    "smtp_commit (5xx)"

/* A connection with a message on its way. */
struct smtp {
	char *sender;
	GPtrArray *rcpts;
	GString *text;
	struct smtp_reply refusal;
	bool flushed, in_doubt;
};

/* A message that was taken. */
struct arrival {
	char *sender;
	GPtrArray *rcpts;
	GString *text;
	bool in_doubt; /* and nobody was told */
};

static GPtrArray *listener_arrivals; /* of struct arrival */
static unsigned int listener_slots;  /* taken now */
static unsigned int listener_open;   /* connections */
static const char *listener_refuses; /* whose copies get 5xx at the dot */
static const char *listener_loses;   /* whose are taken without an answer */

static inline void
arrival_free(void *data)
{
	struct arrival *arrival = data;

	g_free(arrival->sender);
	g_ptr_array_free(arrival->rcpts, TRUE);
	g_string_free(arrival->text, TRUE);
	g_free(arrival);
}

static inline void
listener_begin(void)
{
	listener_arrivals = g_ptr_array_new_with_free_func(arrival_free);
	listener_slots = listener_open = 0;
}

static inline void
listener_end(void)
{
	g_ptr_array_free(listener_arrivals, TRUE);
}

static inline bool
listener_fails(unsigned int point)
{
	return torture_next(point, false) == TORTURE_FAIL;
}

static inline int
listener_fault(struct fault *fault, enum fault_kind kind)
{
	fault_set(fault, kind, "tortured");
	return -1;
}

static inline int
listener_answer(struct smtp_reply *reply, int code)
{
	*reply = (struct smtp_reply){code, "tortured", "-"};
	return code / 100 == 2;
}

/* True for the null sender's, and with <> or without. */
static inline bool
listener_is(const char *given, const char *address)
{
	char *bare = g_strdup(given);
	bool same;

	g_strdelimit(bare, "<>", ' ');
	same = strcmp(g_strstrip(bare), address) == 0;
	g_free(bare);
	return same;
}

static inline bool
listener_has_rcpt(const GPtrArray *rcpts, const char *address)
{
	guint i;

	for (i = 0; i < rcpts->len; i++)
		if (listener_is(g_ptr_array_index(rcpts, i), address))
			return true;
	return false;
}

static inline void
listener_store(const struct smtp *smtp, bool in_doubt)
{
	struct arrival *arrival = g_new0(struct arrival, 1);
	guint i;

	arrival->sender = g_strdup(smtp->sender);
	arrival->rcpts = g_ptr_array_new_with_free_func(g_free);
	for (i = 0; i < smtp->rcpts->len; i++)
		g_ptr_array_add(arrival->rcpts,
		    g_strdup(g_ptr_array_index(smtp->rcpts, i)));
	arrival->text =
	    g_string_new_len(smtp->text->str, (gssize)smtp->text->len);
	arrival->in_doubt = in_doubt;
	g_ptr_array_add(listener_arrivals, arrival);
}

/* --- In the place of milter/pool.c and milter/smtp.c */

int __wrap_injector_check(
    struct injector *injector, gint64 deadline_us, struct fault *fault);

int
__wrap_injector_check(
    struct injector *injector, gint64 deadline_us, struct fault *fault)
{
	(void)injector;
	(void)deadline_us;
	return listener_fails(POINT_injector_check)
		   ? listener_fault(fault, FAULT_TEMP)
		   : 1;
}

int __wrap_pool_take(struct pool *pool, unsigned int count, gint64 deadline_us,
    struct fault *fault);

int
__wrap_pool_take(struct pool *pool, unsigned int count, gint64 deadline_us,
    struct fault *fault)
{
	(void)deadline_us;
	g_assert_cmpuint(listener_slots + count, <=, pool_slots(pool));
	if (listener_fails(POINT_pool_take))
		return listener_fault(fault, FAULT_TEMP);
	listener_slots += count;
	return 0;
}

void __wrap_pool_give(struct pool *pool, unsigned int count);

void
__wrap_pool_give(struct pool *pool, unsigned int count)
{
	(void)pool;
	g_assert_cmpuint(count, <=, listener_slots);
	listener_slots -= count;
}

void __wrap_smtp_close(struct smtp **smtpp);

void
__wrap_smtp_close(struct smtp **smtpp)
{
	struct smtp *smtp = g_steal_pointer(smtpp);

	if (smtp == NULL)
		return;
	g_assert_cmpuint(listener_open, >, 0);
	listener_open--;
	g_free(smtp->sender);
	g_ptr_array_free(smtp->rcpts, TRUE);
	g_string_free(smtp->text, TRUE);
	g_free(smtp);
}

void __wrap_pool_done(struct pool *pool, struct smtp **smtpp);

void
__wrap_pool_done(struct pool *pool, struct smtp **smtpp)
{
	(void)pool;
	__wrap_smtp_close(smtpp);
}

int __wrap_pool_begin(struct pool *pool, const struct smtp_envelope *envelope,
    gint64 deadline_us, struct smtp **smtpp, struct smtp_reply *refusal,
    struct fault *fault);

int
__wrap_pool_begin(struct pool *pool, const struct smtp_envelope *envelope,
    gint64 deadline_us, struct smtp **smtpp, struct smtp_reply *refusal,
    struct fault *fault)
{
	struct smtp *smtp;
	size_t i;

	(void)pool;
	(void)deadline_us;
	refusal->code = 0;
	if (listener_fails(POINT_begin_temp))
		return listener_fault(fault, FAULT_TEMP);
	if (listener_fails(POINT_begin_perm)) {
		(void)listener_answer(refusal, 550);
		return listener_fault(fault, FAULT_PERM);
	}
	g_assert_cmpuint(listener_open, <, listener_slots);
	listener_open++;
	smtp = g_new0(struct smtp, 1);
	smtp->sender = g_strdup(envelope->sender);
	smtp->rcpts = g_ptr_array_new_with_free_func(g_free);
	for (i = 0; i < envelope->rcpts_count; i++)
		g_ptr_array_add(
		    smtp->rcpts, g_strdup(envelope->rcpts[i].address));
	smtp->text = g_string_new(NULL);
	*smtpp = smtp;
	return 0;
}

int __wrap_smtp_write(struct smtp *smtp, const void *data, size_t len,
    gint64 deadline_us, struct fault *fault);

int
__wrap_smtp_write(struct smtp *smtp, const void *data, size_t len,
    gint64 deadline_us, struct fault *fault)
{
	(void)deadline_us;
	g_assert_false(smtp->flushed);
	if (listener_fails(POINT_smtp_write))
		return listener_fault(fault, FAULT_TEMP);
	if (listener_fails(POINT_write_perm)) {
		(void)listener_answer(&smtp->refusal, 554);
		return listener_fault(fault, FAULT_PERM);
	}
	g_string_append_len(smtp->text, data, (gssize)len);
	return 0;
}

int __wrap_smtp_flush(
    struct smtp *smtp, gint64 deadline_us, struct fault *fault);

int
__wrap_smtp_flush(struct smtp *smtp, gint64 deadline_us, struct fault *fault)
{
	(void)deadline_us;
	if (listener_fails(POINT_smtp_flush))
		return listener_fault(fault, FAULT_TEMP);
	smtp->flushed = true;
	return 0;
}

int __wrap_smtp_check(
    struct smtp *smtp, gint64 deadline_us, struct fault *fault);

int
__wrap_smtp_check(struct smtp *smtp, gint64 deadline_us, struct fault *fault)
{
	(void)deadline_us;
	if (listener_fails(POINT_smtp_check))
		return listener_fault(fault, FAULT_TEMP);
	if (listener_fails(POINT_check_perm)) {
		(void)listener_answer(&smtp->refusal, 554);
		return listener_fault(fault, FAULT_PERM);
	}
	return 0;
}

const struct smtp_reply *__wrap_smtp_refusal(const struct smtp *smtp);

const struct smtp_reply *
__wrap_smtp_refusal(const struct smtp *smtp)
{
	return &smtp->refusal;
}

bool __wrap_smtp_is_in_doubt(const struct smtp *smtp);

bool
__wrap_smtp_is_in_doubt(const struct smtp *smtp)
{
	return smtp->in_doubt;
}

int __wrap_smtp_commit(struct smtp *smtp, gint64 deadline_us,
    struct smtp_reply *reply, struct fault *fault);

int
__wrap_smtp_commit(struct smtp *smtp, gint64 deadline_us,
    struct smtp_reply *reply, struct fault *fault)
{
	(void)deadline_us;
	g_assert_true(smtp->flushed);
	if (listener_fails(POINT_dot_unsent))
		return listener_fault(fault, FAULT_TEMP);
	if (listener_fails(POINT_dot_temp))
		return listener_answer(reply, 452);
	if (listener_fails(POINT_dot_perm) ||
	    (listener_refuses != NULL &&
		listener_has_rcpt(smtp->rcpts, listener_refuses)))
		return listener_answer(reply, 554);
	smtp->in_doubt = listener_fails(POINT_dot_unanswered_lost);
	if (smtp->in_doubt)
		return listener_fault(fault, FAULT_TEMP);
	smtp->in_doubt = listener_fails(POINT_dot_unanswered) ||
			 (listener_loses != NULL &&
			     listener_has_rcpt(smtp->rcpts, listener_loses));
	listener_store(smtp, smtp->in_doubt);
	return smtp->in_doubt ? listener_fault(fault, FAULT_TEMP)
			      : listener_answer(reply, 250);
}

#endif
