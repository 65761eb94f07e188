/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * daemon.c - the filter process.
 *
 * In:    a configuration, and signals of the supervisor.
 * Out:   mail served, until there is none under way and it has to stop.
 * Never: has privileges.
 */
#include <config.h>

#include "milter/daemon.h"

#include "milter/log.h"
#include "milter/mta.h"
#include "milter/stock.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

/* libmilter sends its answer after the last callback of a message, and has no
 * callback for having sent it. */
#define ANSWER_GRACE_MS 250

/* What nobody looked after waits so long at most. */
#define NUDGE_MS 200

static struct {
	GMutex lock;
	GCond changed;
	struct runtime *runtime;
	unsigned int under_way;
	bool draining;
	int ready_fd;
} state;

/* A filter process that was killed gives the journal free a moment later. */
#define OPEN_SECONDS 5
#define CANARY_SECONDS 20

static int open_runtime(struct config *config);
static void *ready_thread(void *unused);
static void *nudge_thread(void *unused);

static void reload(void);
static void drain(void);
static void *signal_thread(void *unused);
static void log_warnings(GPtrArray *warnings);

int
daemon_run(struct config *config, int ready_fd)
{
	pthread_t thread;

	/* Threads share few arenas, so that freed spools go back. */
	mallopt(M_ARENA_MAX, 4);
	mallopt(M_TRIM_THRESHOLD, 4 << 20);
	signal(SIGPIPE, SIG_IGN);
	if (open_runtime(config) != 0)
		return EX_UNAVAILABLE;
	/* Blocked since the supervisor forked us, and in every thread to
	 * come; one waits for them. */
	state.ready_fd = ready_fd;
	if (pthread_create(&thread, NULL, signal_thread, NULL) != 0 ||
	    pthread_create(&thread, NULL, ready_thread, NULL) != 0 ||
	    pthread_create(&thread, NULL, nudge_thread, NULL) != 0) {
		log_line(LOG_ERR, "not starting: no thread");
		return EX_OSERR;
	}
	stock_want(config->passphrase.generate);
	if (mta_serve() != 0) {
		log_line(LOG_ERR, "libmilter stopped serving");
		return EX_OSERR;
	}
	/* libmilter was told to stop by a signal of its own. */
	drain();
	return EX_OK;
}

static int
open_runtime(struct config *config)
{
	const gint64 until =
	    g_get_monotonic_time() + OPEN_SECONDS * G_TIME_SPAN_SECOND;
	struct fault fault = {FAULT_NONE, ""};

	if (runtime_open(config, &state.runtime, &fault) != 0) {
		log_fault(&fault, "not starting");
		return -1;
	}
	while (runtime_open_injector(state.runtime, NULL, &fault) != 0) {
		if (g_get_monotonic_time() > until) {
			log_fault(&fault, "not starting");
			return -1;
		}
		g_usleep(50 * 1000);
	}
	return 0;
}

/* 1: copies can be sent, or none are to be.  0: they would come back to us.
 * -1: cannot tell; each message will ask anew. */
static int
check_listener(struct runtime *runtime, struct fault *fault)
{
	const gint64 until =
	    g_get_monotonic_time() + CANARY_SECONDS * G_TIME_SPAN_SECOND;

	if (runtime->injector == NULL)
		return 1;
	return injector_check(runtime->injector, until, fault);
}

/*
 * While we serve: the injection listener may have our own milter, and its
 * server must not wait for us then.
 */
static void *
ready_thread(void *unused)
{
	struct runtime *runtime = daemon_runtime();
	struct fault fault = {FAULT_NONE, ""};
	int r = check_listener(runtime, &fault);

	(void)unused;
	if (r == 0) {
		log_fault(&fault, "not starting");
		_exit(EX_CONFIG);
	}
	if (r == -1)
		log_fault(&fault,
		    "copies are deferred until the injection listener answers");
	if (write(state.ready_fd, "", 1) != 1)
		_exit(EX_OSERR);
	close(state.ready_fd);
	log_detach();
	log_line(LOG_INFO, "serving on %s", runtime->config->socket);
	runtime_unref(&runtime);
	return NULL;
}

/*
 * While messages are under way.  libmilter leaves a connection to a thread
 * that is idle, and may count one as idle that was woken for another already:
 * then the connection waits until any thread is done, which can be for as
 * long as a silent server makes a message last.
 */
static void *
nudge_thread(void *unused)
{
	bool busy;

	(void)unused;
	for (;;) {
		g_usleep(NUDGE_MS * 1000);
		g_mutex_lock(&state.lock);
		busy = state.under_way > 0;
		g_mutex_unlock(&state.lock);
		if (busy)
			mta_nudge();
	}
	return NULL;
}

struct runtime *
daemon_runtime(void)
{
	struct runtime *runtime;

	g_mutex_lock(&state.lock);
	runtime = runtime_ref(state.runtime);
	g_mutex_unlock(&state.lock);
	return runtime;
}

bool
daemon_message_begins(void)
{
	bool taken;

	g_mutex_lock(&state.lock);
	taken = !state.draining &&
		state.under_way < state.runtime->config->sessions;
	if (taken)
		state.under_way++;
	g_mutex_unlock(&state.lock);
	if (!taken)
		log_line(LOG_WARNING, "too many messages at a time, or about"
				      " to stop: one was deferred");
	return taken;
}

void
daemon_message_ends(void)
{
	g_mutex_lock(&state.lock);
	/* Nobody waits before: that would be a call of the kernel for each
	 * message. */
	if (--state.under_way == 0 && state.draining)
		g_cond_broadcast(&state.changed);
	g_mutex_unlock(&state.lock);
}

static void *
signal_thread(void *unused)
{
	sigset_t set;
	int number;

	(void)unused;
	sigemptyset(&set);
	sigaddset(&set, SIGNAL_RELOAD);
	sigaddset(&set, SIGNAL_DRAIN);
	for (;;) {
		if (sigwait(&set, &number) != 0)
			continue;
		if (number == SIGNAL_RELOAD)
			reload();
		else {
			drain();
			_exit(EX_OK);
		}
	}
	return NULL;
}

static bool
needs_restart(const struct config *new, const struct config *old)
{
	return g_strcmp0(new->socket, old->socket) != 0 ||
	       g_strcmp0(new->socket_group, old->socket_group) != 0 ||
	       new->socket_mode != old->socket_mode ||
	       g_strcmp0(new->user, old->user) != 0 ||
	       g_strcmp0(new->pid_file, old->pid_file) != 0 ||
	       g_strcmp0(new->syslog_facility, old->syslog_facility) != 0;
}

/* Messages under way keep what they began with; a broken file changes
 * nothing. */
static void
reload(void)
{
	struct runtime *old, *new = NULL;
	struct config *config = NULL;
	struct fault fault = {FAULT_NONE, ""};
	GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
	const char *file = state.runtime->config->file;

	if (config_load(file, &config, warnings, &fault) != 0 ||
	    runtime_open(config, &new, &fault) != 0 ||
	    runtime_open_injector(new, state.runtime, &fault) != 0 ||
	    check_listener(new, &fault) == 0) {
		log_fault(&fault, "the old configuration stays");
		runtime_unref(&new);
	} else {
		g_mutex_lock(&state.lock);
		old = state.runtime;
		state.runtime = new;
		g_mutex_unlock(&state.lock);
		stock_want(config->passphrase.generate);
		log_warnings(warnings);
		if (needs_restart(config, old->config))
			log_line(LOG_WARNING,
			    "the socket's options, user,"
			    " pid_file and syslog_facility change with a"
			    " restart only");
		runtime_unref(&old);
		log_line(LOG_INFO, "the configuration was read again");
	}
	config_unref(&config);
	g_ptr_array_free(warnings, TRUE);
}

static void
log_warnings(GPtrArray *warnings)
{
	guint i;

	for (i = 0; i < warnings->len; i++)
		log_line(
		    LOG_WARNING, "%s", (char *)g_ptr_array_index(warnings, i));
}

/* New messages are deferred; those under way have their time. */
static void
drain(void)
{
	gint64 deadline;
	unsigned int left;

	g_mutex_lock(&state.lock);
	state.draining = true;
	deadline =
	    g_get_monotonic_time() +
	    G_TIME_SPAN_SECOND * (gint64)state.runtime->config->message_seconds;
	while (state.under_way > 0 &&
	       g_cond_wait_until(&state.changed, &state.lock, deadline))
		continue;
	left = state.under_way;
	g_mutex_unlock(&state.lock);
	stock_want(false);
	if (left > 0)
		log_line(LOG_WARNING,
		    "stopping with %u messages under way;"
		    " the MTA will defer them",
		    left);
	g_usleep(ANSWER_GRACE_MS * 1000);
}
