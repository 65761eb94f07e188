/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * derivation.c - keys from passphrases, a few at a time.
 *
 * In:    words.
 * Out:   a key; or that there are too many who want one.
 * Never: lets people with passphrases take all processors from the others.
 */
#include "milter/derivation.h"

#include "keys/passphrases.h"

#define WAIT_US (10 * G_TIME_SPAN_SECOND)

/* The processors are this process's, whatever its configurations. */
static struct {
	GMutex lock;
	GCond changed;
	unsigned int running;
} state;

static int
take_turn(unsigned int limit, gint64 deadline_us, struct fault *fault)
{
	const gint64 until = g_get_monotonic_time() + WAIT_US;
	bool turn = true;

	g_mutex_lock(&state.lock);
	while (turn && state.running >= limit)
		turn = g_cond_wait_until(
		    &state.changed, &state.lock, MIN(until, deadline_us));
	if (turn)
		state.running++;
	g_mutex_unlock(&state.lock);
	if (turn)
		return 0;
	fault_set(fault, FAULT_TEMP,
	    "too many passphrases are made into keys at a time"
	    " (limits.derivations)");
	return -1;
}

static void
end_turn(void)
{
	g_mutex_lock(&state.lock);
	state.running--;
	g_cond_broadcast(&state.changed);
	g_mutex_unlock(&state.lock);
}

int
derivation_run(unsigned int limit, const char *words, const char *hint,
    gint64 deadline_us, struct key **keyp, struct fault *fault)
{
	int r;

	if (take_turn(limit, deadline_us, fault) != 0)
		return -1;
	r = passphrase_derive_hinted(words, hint, keyp, fault);
	end_turn();
	return r;
}
