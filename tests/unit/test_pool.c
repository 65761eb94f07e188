/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_pool.c - slots are given all at once and in turn, and connections are
 * used again while they are good.
 */
#include "config.h"

#include "milter/pool.h"

#include "tests/unit/smtp_server.h"

#define PATIENT_MS 30000

static const struct smtp_rcpt alice = {"alice@example.org", NULL, NULL};
static const struct smtp_envelope envelope = {
    .sender = "sam@example.net", .rcpts = &alice, .rcpts_count = 1};

/* --- Slots; nobody connects */

static struct pool *
make_pool(unsigned int slots, unsigned int waiting_max)
{
	struct smtp_target *target = NULL;
	const char *complaint;

	(void)smtp_target_parse("smtp://127.0.0.1:9", &target, &complaint);
	return pool_make(target, slots, waiting_max);
}

static int
take(struct pool *pool, unsigned int count, int ms, struct fault *fault)
{
	return pool_take(pool, count, server_deadline(ms), fault);
}

static void
test_all_or_none(void)
{
	struct pool *pool = make_pool(5, 10);
	struct fault fault = {FAULT_NONE, ""};

	is_int(pool_slots(pool), 5, "a pool has its slots");
	is_int(take(pool, 6, PATIENT_MS, &fault), -1,
	    "more than there are cannot be had");
	is_int(fault.kind, FAULT_BUG, "... and asking is a bug");
	is_int(take(pool, 3, PATIENT_MS, &fault), 0, "3 of 5 are given");
	is_int(take(pool, 3, 100, &fault), -1, "3 more are not");
	is_int(fault.kind, FAULT_TEMP, "... for now");
	has_str(fault.text, "deadline", "... when the time is over");
	is_int(take(pool, 2, 0, &fault), 0,
	    "... and nothing was taken for them: 2 are left");
	is_int(take(pool, 1, -1000, &fault), -1, "then there is none");
	pool_give(pool, 3);
	pool_give(pool, 2);
	is_int(take(pool, 5, 0, &fault), 0, "all are there again");
	pool_give(pool, 5);
	pool_free(&pool);
	ok(pool == NULL, "the pool is gone");
}

/* Threads that take, write down that they have, and give at a signal. */
struct taker {
	struct pool *pool;
	unsigned int count;
	int ms;
	GAsyncQueue *order; /* of takers that got theirs, or did not */
	GAsyncQueue *go;    /* anything: give it back */
	int result;
	struct fault fault;
	GThread *thread;
};

static void *
taker_main(void *data)
{
	struct taker *taker = data;

	taker->result =
	    take(taker->pool, taker->count, taker->ms, &taker->fault);
	g_async_queue_push(taker->order, taker);
	if (taker->result == 0) {
		(void)g_async_queue_pop(taker->go);
		pool_give(taker->pool, taker->count);
	}
	return NULL;
}

static void
taker_start(struct taker *taker, struct pool *pool, unsigned int count, int ms,
    GAsyncQueue *order)
{
	memset(taker, 0, sizeof(*taker));
	taker->pool = pool;
	taker->count = count;
	taker->ms = ms;
	taker->order = order;
	taker->go = g_async_queue_new();
	taker->thread = g_thread_new("taker", taker_main, taker);
}

static void
taker_end(struct taker *taker)
{
	g_async_queue_push(taker->go, taker);
	(void)g_thread_join(taker->thread);
	g_async_queue_unref(taker->go);
}

/* Until that many wait: then one more would be refused. */
static void
await_waiting(struct pool *pool, unsigned int count)
{
	while (pool_waiting(pool) != count)
		g_thread_yield();
}

static void
test_in_turn(void)
{
	struct pool *pool = make_pool(5, 10);
	GAsyncQueue *order = g_async_queue_new();
	struct taker many, few, fewer;
	struct fault fault;

	(void)take(pool, 3, 0, &fault);
	taker_start(&many, pool, 5, PATIENT_MS, order);
	await_waiting(pool, 1);
	taker_start(&few, pool, 1, PATIENT_MS, order);
	await_waiting(pool, 2);
	taker_start(&fewer, pool, 2, PATIENT_MS, order);
	await_waiting(pool, 3);
	ok(g_async_queue_try_pop(order) == NULL,
	    "who wants few does not overtake who wants many");
	pool_give(pool, 3);
	ok(g_async_queue_pop(order) == &many, "who came first is first");
	taker_end(&many);
	(void)g_async_queue_pop(order);
	(void)g_async_queue_pop(order);
	ok(few.result == 0 && fewer.result == 0, "then come the others");
	taker_end(&few);
	taker_end(&fewer);

	(void)take(pool, 3, 0, &fault);
	taker_start(&many, pool, 5, 300, order);
	await_waiting(pool, 1);
	taker_start(&few, pool, 1, PATIENT_MS, order);
	(void)g_async_queue_pop(order); /* both at once */
	(void)g_async_queue_pop(order);
	ok(many.result == -1 && many.fault.kind == FAULT_TEMP,
	    "who wants many waits no longer than the deadline");
	is_int(few.result, 0, "then who stood behind is served at once");
	taker_end(&many);
	taker_end(&few);
	pool_give(pool, 3);
	g_async_queue_unref(order);
	pool_free(&pool);
}

static void
test_overload(void)
{
	struct pool *pool = make_pool(2, 2);
	GAsyncQueue *order = g_async_queue_new();
	struct taker a, b;
	struct fault fault;
	gint64 start;

	(void)take(pool, 2, 0, &fault);
	taker_start(&a, pool, 1, PATIENT_MS, order);
	await_waiting(pool, 1);
	taker_start(&b, pool, 2, PATIENT_MS, order);
	await_waiting(pool, 2);
	start = g_get_monotonic_time();
	is_int(take(pool, 1, PATIENT_MS, &fault), -1,
	    "where two may wait, a third is refused");
	ok(g_get_monotonic_time() - start < G_USEC_PER_SEC,
	    "... within a second");
	is_int(fault.kind, FAULT_TEMP, "... for now");
	has_str(fault.text, "overload", "... and the fault says why");
	pool_give(pool, 2);
	taker_end(&a);
	taker_end(&b);
	ok(a.result == 0 && b.result == 0, "the two get what they waited for");
	g_async_queue_unref(order);
	pool_free(&pool);
}

/* --- Connections */

static struct pool *
pool_of(const struct server *server, unsigned int slots)
{
	return pool_make(server_target(server), slots, 100);
}

/* 1, 0, -1 as smtp_commit(). */
static int
finish(struct pool *pool, struct smtp **smtpp, struct fault *fault)
{
	gint64 deadline = server_deadline(PATIENT_MS);
	struct smtp_reply reply;
	int r = -1;

	if (smtp_write(*smtpp, "x\r\n", 3, deadline, fault) == 0)
		r = smtp_commit(*smtpp, deadline, &reply, fault);
	pool_done(pool, smtpp);
	return r;
}

static int
one_message(struct pool *pool, struct fault *fault)
{
	struct smtp *smtp = NULL;
	struct smtp_reply refusal;

	if (pool_begin(pool, &envelope, server_deadline(PATIENT_MS), &smtp,
		&refusal, fault) != 0)
		return -1;
	return finish(pool, &smtp, fault);
}

static int
many_messages(struct pool *pool, int count)
{
	struct fault fault = {FAULT_NONE, ""};
	int taken = 0;

	(void)pool_take(pool, 1, server_deadline(PATIENT_MS), &fault);
	while (count-- > 0) {
		if (one_message(pool, &fault) == 1)
			taken++;
		else
			printf("# %s\n", fault.text);
	}
	pool_give(pool, 1);
	return taken;
}

static void
test_reuse(const char *name, const struct script *script, int messages,
    unsigned int connections)
{
	struct server *server = server_start(script, NULL, true);
	struct pool *pool = pool_of(server, 3);

	is_int(many_messages(pool, messages), messages, name);
	pool_free(&pool);
	server_stop(server);
	is_int(server->connections, connections,
	    "... over as many connections as that takes");
	server_free(&server);
}

static void
test_refused(void)
{
	struct script script = {.rcpt = "550 5.1.1 who?\r\n"};
	struct server *server = server_start(&script, NULL, true);
	struct pool *pool = pool_of(server, 1);
	struct fault fault = {FAULT_NONE, ""};
	struct smtp *smtp = NULL;
	struct smtp_reply refusal;

	(void)pool_take(pool, 1, server_deadline(PATIENT_MS), &fault);
	is_int(pool_begin(pool, &envelope, server_deadline(PATIENT_MS), &smtp,
		   &refusal, &fault),
	    -1, "a refusal is a failure");
	ok(smtp == NULL && fault.kind == FAULT_PERM,
	    "... of its kind, without a connection");
	is_int(refusal.code, 550, "... with its code");
	is_str(refusal.text, "5.1.1 who?", "... and its words");
	pool_give(pool, 1);
	pool_free(&pool);
	server_stop(server);
	is_int(server->connections, 1, "... that is not tried twice");
	server_free(&server);
}

/* A message that is given up must leave its connection behind. */
static void
test_unfinished(void)
{
	struct server *server = server_start(NULL, NULL, true);
	struct pool *pool = pool_of(server, 1);
	struct fault fault = {FAULT_NONE, ""};
	struct smtp *smtp = NULL;
	struct smtp_reply refusal;

	(void)pool_take(pool, 1, server_deadline(PATIENT_MS), &fault);
	(void)pool_begin(pool, &envelope, server_deadline(PATIENT_MS), &smtp,
	    &refusal, &fault);
	(void)smtp_write(
	    smtp, "secret\r\n", 8, server_deadline(PATIENT_MS), &fault);
	(void)smtp_flush(smtp, server_deadline(PATIENT_MS), &fault);
	pool_done(pool, &smtp);
	ok(smtp == NULL, "a connection with an open message is closed");
	is_int(one_message(pool, &fault), 1, "the next message gets another");
	pool_give(pool, 1);
	pool_free(&pool);
	server_stop(server);
	is_int(server->connections, 2, "... connection");
	ok(g_str_has_prefix(
	       strstr(server->seen->str, "secret\r\n") + 8, "EHLO"),
	    "and after the open message nothing was sent, nor QUIT");
	is_int(server->messages, 1, "and it was not taken");
	server_free(&server);
}

static void
test_restart(void)
{
	char *directory = g_dir_make_tmp("test-pool-XXXXXX", NULL);
	char *path = g_build_filename(directory, "socket", NULL);
	struct script script = {.hangs_up = true};
	struct server *server = server_start(&script, path, true);
	struct pool *pool = pool_of(server, 2);

	is_int(many_messages(pool, 1), 1, "a message goes");
	server_free(&server); /* and with it the connection */
	server = server_start(NULL, path, true);
	is_int(many_messages(pool, 1), 1,
	    "another one goes after the server was started again");
	pool_free(&pool);
	server_free(&server);
	(void)rmdir(directory);
	g_free(path);
	g_free(directory);
}

/* --- 20 messages of 8 copies on 20 slots */

struct sender {
	struct pool *pool;
	int taken;
	GThread *thread;
};

static void *
send_copies(void *data)
{
	struct sender *sender = data;
	struct smtp *copies[8] = {NULL};
	struct smtp_reply refusal;
	struct fault fault = {FAULT_NONE, ""};
	size_t i;
	int round;

	for (round = 0; round < 3; round++) {
		if (pool_take(sender->pool, 8, server_deadline(PATIENT_MS),
			&fault) != 0)
			return NULL;
		for (i = 0; i < 8; i++)
			if (pool_begin(sender->pool, &envelope,
				server_deadline(PATIENT_MS), &copies[i],
				&refusal, &fault) != 0)
				copies[i] = NULL;
		for (i = 0; i < 8; i++)
			if (copies[i] != NULL)
				sender->taken += finish(sender->pool,
						     &copies[i], &fault) == 1;
		pool_give(sender->pool, 8);
	}
	return NULL;
}

static void
test_threads(void)
{
	struct server *server = server_start(NULL, NULL, true);
	struct pool *pool = pool_of(server, 20);
	struct sender senders[20];
	int i, taken = 0;

	for (i = 0; i < 20; i++) {
		senders[i] = (struct sender){.pool = pool};
		senders[i].thread =
		    g_thread_new("sender", send_copies, &senders[i]);
	}
	for (i = 0; i < 20; i++) {
		(void)g_thread_join(senders[i].thread);
		taken += senders[i].taken;
	}
	is_int(taken, 20 * 3 * 8, "20 threads send 3 times 8 copies each");
	pool_free(&pool);
	server_stop(server);
	is_int(server->messages, 20 * 3 * 8, "... which all arrive");
	ok(server->open_most <= 20,
	    "... over at most 20 connections at a time");
	ok(server->connections <= 20, "... that are used again (%u)",
	    server->connections);
	server_free(&server);
}

int
main(void)
{
	test_all_or_none();
	test_in_turn();
	test_overload();
	test_reuse("messages go one after the other", NULL, 5, 1);
	test_reuse("many messages go", NULL, 201, 3);
	test_reuse("messages go where each connection takes one",
	    &(struct script){.hangs_up = true}, 5, 5);
	test_reuse("messages go where each connection takes two",
	    &(struct script){.limit = 2}, 6, 3);
	test_refused();
	test_unfinished();
	test_restart();
	test_threads();
	return tap_done();
}
