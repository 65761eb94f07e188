/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * stock.c - passphrases that are made before somebody needs one.
 *
 * In:    whether any will be needed.
 * Out:   words and their key, each once.
 * Never: competes with messages for a processor; leaves words in memory; or
 *        has anybody wait: an empty stock says so.
 */
#include <config.h>

#include "milter/stock.h"

#include "keys/passphrases.h"
#include "milter/log.h"

#include <pthread.h>
#include <sched.h>
#include <syslog.h>

#define STOCK 2

struct item {
	char *words;
	struct key *key;
};

static struct {
	GMutex lock;
	GCond changed;
	struct item items[STOCK];
	unsigned int count;
	bool wanted;
	bool running; /* the thread */
	bool failed;  /* the last try; the next is when one is asked for */
} state;

static void *stock_thread(void *unused);

static void
wipe_item(struct item *item)
{
	passphrase_wipe(&item->words);
	key_unref(&item->key);
}

void
stock_want(bool wanted)
{
	GThread *thread;

	g_mutex_lock(&state.lock);
	state.wanted = wanted;
	state.failed = false;
	while (!wanted && state.count > 0)
		wipe_item(&state.items[--state.count]);
	if (wanted && !state.running) {
		thread = g_thread_try_new("stock", stock_thread, NULL, NULL);
		state.running = thread != NULL;
		if (thread != NULL)
			g_thread_unref(thread);
		else
			log_line(LOG_WARNING,
			    "no thread for a stock of passphrases: each is"
			    " made when it is needed");
	}
	g_cond_broadcast(&state.changed);
	g_mutex_unlock(&state.lock);
}

bool
stock_take(char **wordsp, struct key **keyp)
{
	bool taken;

	g_mutex_lock(&state.lock);
	taken = state.count > 0;
	if (taken) {
		state.count--;
		*wordsp = g_steal_pointer(&state.items[state.count].words);
		*keyp = g_steal_pointer(&state.items[state.count].key);
	}
	state.failed = false;
	g_cond_broadcast(&state.changed);
	g_mutex_unlock(&state.lock);
	return taken;
}

static int
make_item(struct item *item, struct fault *fault)
{
	item->words = passphrase_generate(fault);
	if (item->words != NULL &&
	    passphrase_derive(item->words, &item->key, fault) == 0)
		return 0;
	wipe_item(item);
	return -1;
}

/* With the lock; true: one is to be made.  False: none ever. */
static bool
wait_for_need(void)
{
	while (state.wanted && (state.count == STOCK || state.failed))
		g_cond_wait(&state.changed, &state.lock);
	return state.wanted;
}

/* What was made while the configuration changed goes. */
static void
keep_item(struct item *item)
{
	if (!state.wanted || state.count == STOCK) {
		wipe_item(item);
		return;
	}
	log_line(LOG_INFO, "a passphrase is in stock, key=%s",
	    item->key->fingerprint);
	state.items[state.count++] = *item;
}

static void *
stock_thread(void *unused)
{
	const struct sched_param priority = {.sched_priority = 0};
	struct fault fault = {FAULT_NONE, ""};
	struct item item;
	int r;

	/* Only what nobody else wants of a processor; if that cannot be had,
	 * it takes one for a third of a second. */
	(void)pthread_setschedparam(pthread_self(), SCHED_IDLE, &priority);
	g_mutex_lock(&state.lock);
	while (wait_for_need()) {
		g_mutex_unlock(&state.lock);
		item = (struct item){NULL, NULL};
		r = make_item(&item, &fault);
		g_mutex_lock(&state.lock);
		state.failed = r != 0;
		if (r == 0)
			keep_item(&item);
		else
			log_fault(&fault, "no passphrase for the stock");
	}
	state.running = false;
	g_mutex_unlock(&state.lock);
	return unused;
}
