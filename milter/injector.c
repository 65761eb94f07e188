/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * injector.c - where copies go, and what is remembered of them.
 *
 * In:    a configuration.
 * Out:   connections, journal and keys, ready for use.
 * Never: sends a message.
 */
#include "milter/injector.h"

#include "milter/canary.h"
#include "milter/log.h"

#include <syslog.h>

#define ASK_US (15 * G_TIME_SPAN_SECOND)

static struct ledger *ledger_open(const char *state, struct fault *fault);
static struct ledger *ledger_ref(struct ledger *ledger);
static void ledger_unref(struct ledger *ledger);

int
injector_open(const struct config *config, const struct injector *old,
    struct injector **injectorp, struct fault *fault)
{
	struct injector *injector = g_new0(struct injector, 1);
	struct smtp_target *target = NULL;
	const char *complaint;

	g_mutex_init(&injector->lock);
	injector->target = g_strdup(config->inject);
	injector->domain = g_strdup(
	    config->domains[0] != NULL ? config->domains[0] : "localhost");
	if (smtp_target_parse(config->inject, &target, &complaint) != 0) {
		fault_set(fault, FAULT_BUG, "inject %s", complaint);
		goto fail;
	}
	injector->pool = pool_make(target, config->slots, config->waiting);
	injector->ledger =
	    old != NULL && g_strcmp0(old->ledger->state, config->state) == 0
		? ledger_ref(old->ledger)
		: ledger_open(config->state, fault);
	if (injector->ledger == NULL)
		goto fail;
	*injectorp = injector;
	return 0;
fail:
	injector_close(&injector);
	return -1;
}

void
injector_close(struct injector **injectorp)
{
	struct injector *injector = g_steal_pointer(injectorp);

	if (injector == NULL)
		return;
	pool_free(&injector->pool);
	ledger_unref(injector->ledger);
	g_mutex_clear(&injector->lock);
	g_free(injector->target);
	g_free(injector->domain);
	g_free(injector);
}

static int
ask(const struct injector *injector, gint64 deadline_us, struct fault *fault)
{
	struct smtp_target *target = NULL;
	const char *complaint;
	int r;

	if (smtp_target_parse(injector->target, &target, &complaint) != 0) {
		fault_set(fault, FAULT_BUG, "inject %s", complaint);
		return -1;
	}
	r = canary_ask(target, injector->domain, deadline_us, fault);
	smtp_target_free(&target);
	return r;
}

/* One asks; the others do not wait for a server that may be silent. */
int
injector_check(
    struct injector *injector, gint64 deadline_us, struct fault *fault)
{
	const gint64 until = g_get_monotonic_time() + ASK_US;
	bool checked, busy;
	int r;

	g_mutex_lock(&injector->lock);
	checked = injector->checked;
	busy = injector->asking;
	injector->asking |= !checked;
	g_mutex_unlock(&injector->lock);
	if (checked)
		return 1;
	if (busy) {
		fault_set(fault, FAULT_TEMP,
		    "the injection listener %s is being checked",
		    injector->target);
		return -1;
	}
	r = ask(injector, MIN(until, deadline_us), fault);
	g_mutex_lock(&injector->lock);
	injector->asking = false;
	injector->checked = r == 0;
	g_mutex_unlock(&injector->lock);
	if (r == 1)
		fault_set(fault, FAULT_PERM,
		    "inject: sealmilter itself is on the listener %s; copies"
		    " would come back for ever: give that listener an empty"
		    " smtpd_milters",
		    injector->target);
	return r == -1 ? -1 : r == 0;
}

/* --- What is kept */

/* A torn tail is what a crash leaves; damage elsewhere is the disk's. */
static void
tell_found(const struct journal_found *found)
{
	if (found->dropped_octets > 0)
		log_line(LOG_NOTICE,
		    "journal: the last record was torn (%" G_GUINT64_FORMAT
		    " octets), which nobody had relied on",
		    found->dropped_octets);
	if (found->damaged > 0)
		log_line(LOG_WARNING,
		    "journal: %" G_GUINT64_FORMAT
		    " damaged places (%" G_GUINT64_FORMAT
		    " octets): what clients send again may"
		    " arrive twice",
		    found->damaged, found->damaged_octets);
}

static struct ledger *
ledger_open(const char *state, struct fault *fault)
{
	struct ledger *ledger = g_new0(struct ledger, 1);

	g_atomic_ref_count_init(&ledger->references);
	ledger->state = g_strdup(state);
	if (journal_open(state, &ledger->journal, fault) != 0) {
		ledger_unref(ledger);
		return NULL;
	}
	tell_found(journal_found(ledger->journal));
	journal_derive_key(ledger->journal, "mark", ledger->mark_key.octets);
	return ledger;
}

static struct ledger *
ledger_ref(struct ledger *ledger)
{
	g_atomic_ref_count_inc(&ledger->references);
	return ledger;
}

static void
ledger_unref(struct ledger *ledger)
{
	if (ledger == NULL || !g_atomic_ref_count_dec(&ledger->references))
		return;
	journal_close(&ledger->journal);
	g_free(ledger->state);
	g_free(ledger);
}
