/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * supervise.c - the process that stays.
 *
 * In:    signals, requests for workers, the end of children.
 * Out:   a filter process that runs.
 * Never: sees mail, or has threads (so that it may fork).
 */
#include <config.h>

#include "milter/supervise.h"

#include "keys/worker.h"
#include "milter/daemon.h"
#include "milter/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* A filter that crashes again within this time waits before the next try. */
#define CRASH_PAUSE_SECONDS 1

struct supervisor {
	struct config *config;
	struct config *served; /* the last one that a filter served with */
	sigset_t filter_mask;  /* of signals, for the filter process */
	int signals;           /* signalfd */
	int worker_server;     /* our end */
	int worker_client;     /* the filter's */
	pid_t filter;          /* 0: none runs */
	time_t started;
	bool ready;         /* it served once */
	bool filter_served; /* the one that runs did */
	bool stopping;
	int ready_fd;     /* to tell who started us, or -1 */
	int filter_ready; /* the filter's end of its pipe, or -1 */
	int status;
};

static int start_filter(struct supervisor *supervisor);
static int run_filter(struct supervisor *supervisor, int ready_fd);
static void let_mail_servers_go_first(void);
static void take_signals(struct supervisor *supervisor);
static void reload(struct supervisor *supervisor);
static void stop(struct supervisor *supervisor);
static void reap(struct supervisor *supervisor);
static void filter_ended(struct supervisor *supervisor, int status);
static void take_ready(struct supervisor *supervisor);

/* The filter's own signals are blocked from its first moment on: one that
 * comes while it starts has to wait, not to kill it. */
static int
open_signals(struct supervisor *supervisor)
{
	sigset_t set, blocked;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	blocked = set;
	sigaddset(&blocked, SIGNAL_RELOAD);
	sigaddset(&blocked, SIGNAL_DRAIN);
	sigprocmask(SIG_BLOCK, &blocked, &supervisor->filter_mask);
	sigaddset(&supervisor->filter_mask, SIGNAL_RELOAD);
	sigaddset(&supervisor->filter_mask, SIGNAL_DRAIN);
	supervisor->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return supervisor->signals == -1 ? -1 : 0;
}

int
supervise(struct config *config, int ready_fd)
{
	struct supervisor supervisor = {
	    .config = config, .ready_fd = ready_fd, .filter_ready = -1};
	struct fault fault = {FAULT_NONE, ""};
	struct pollfd fds[3];

	if (worker_server_open(&supervisor.worker_server,
		&supervisor.worker_client, &fault) != 0) {
		log_fault(&fault, "not starting");
		return EX_OSERR;
	}
	if (open_signals(&supervisor) != 0 || start_filter(&supervisor) != 0) {
		log_line(LOG_ERR, "not starting: %s", g_strerror(errno));
		return EX_OSERR;
	}
	while (supervisor.filter != 0) {
		fds[0] = (struct pollfd){supervisor.signals, POLLIN, 0};
		fds[1] = (struct pollfd){supervisor.worker_server, POLLIN, 0};
		fds[2] = (struct pollfd){supervisor.filter_ready, POLLIN, 0};
		if (poll(fds, 3, -1) == -1 && errno != EINTR)
			break;
		if ((fds[2].revents & (POLLIN | POLLHUP)) != 0)
			take_ready(&supervisor);
		if ((fds[1].revents & (POLLIN | POLLHUP)) != 0)
			(void)worker_serve_one(supervisor.worker_server);
		if ((fds[0].revents & POLLIN) != 0)
			take_signals(&supervisor);
	}
	log_line(LOG_INFO, "stopped");
	config_unref(&supervisor.served);
	config_unref(&supervisor.config);
	return supervisor.status;
}

static int
start_filter(struct supervisor *supervisor)
{
	int pipe_fds[2];
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) != 0)
		return -1;
	if ((pid = fork()) == -1) {
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		return -1;
	}
	if (pid == 0) {
		close(pipe_fds[0]);
		_exit(run_filter(supervisor, pipe_fds[1]));
	}
	close(pipe_fds[1]);
	supervisor->filter_ready = pipe_fds[0];
	supervisor->filter = pid;
	supervisor->filter_served = false;
	supervisor->started = time(NULL);
	return 0;
}

/* In the child.  A process group of its own, so that ^C at a terminal reaches
 * the supervisor alone, which stops it in good order. */
static int
run_filter(struct supervisor *supervisor, int ready_fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	close(supervisor->signals);
	close(supervisor->worker_server);
	if (supervisor->ready_fd != -1)
		close(supervisor->ready_fd);
	sigprocmask(SIG_SETMASK, &supervisor->filter_mask, NULL);
	worker_server_use(supervisor->worker_client);
	let_mail_servers_go_first();
	return daemon_run(supervisor->config, ready_fd);
}

/*
 * Whoever wakes a thread of ours is a mail server that is about to write more,
 * or to serve somebody else: it need not be interrupted for that.  That spares
 * more switches than anything else in a message, and nothing waits longer.  A
 * policy that an administrator chose stays.
 */
static void
let_mail_servers_go_first(void)
{
	const struct sched_param none = {0};

	if (sched_getscheduler(0) == SCHED_OTHER)
		(void)sched_setscheduler(0, SCHED_BATCH, &none);
}

/* The filter serves, or is gone: then its end is heard of by SIGCHLD. */
static void
take_ready(struct supervisor *supervisor)
{
	char octet;

	if (read(supervisor->filter_ready, &octet, 1) == 1) {
		supervisor->ready = true;
		log_detach();
		supervisor->filter_served = true;
		config_unref(&supervisor->served);
		supervisor->served = config_ref(supervisor->config);
		if (supervisor->ready_fd != -1 &&
		    write(supervisor->ready_fd, "", 1) == 1)
			close(supervisor->ready_fd);
		supervisor->ready_fd = -1;
	}
	close(supervisor->filter_ready);
	supervisor->filter_ready = -1;
}

static void
take_signals(struct supervisor *supervisor)
{
	struct signalfd_siginfo info;

	while (read(supervisor->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload(supervisor);
		else if (info.ssi_signo == SIGCHLD)
			reap(supervisor);
		else
			stop(supervisor);
	}
}

/* Read here first: a filter that has to be started anew gets what is good. */
static void
reload(struct supervisor *supervisor)
{
	GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
	struct fault fault = {FAULT_NONE, ""};
	struct config *config = NULL;

	if (config_load(supervisor->config->file, &config, warnings, &fault) !=
	    0)
		log_fault(&fault, "the old configuration stays");
	else {
		config_unref(&supervisor->config);
		supervisor->config = config;
		kill(supervisor->filter, SIGNAL_RELOAD);
	}
	g_ptr_array_free(warnings, TRUE);
}

static void
stop(struct supervisor *supervisor)
{
	if (supervisor->stopping)
		return;
	supervisor->stopping = true;
	log_line(LOG_INFO, "finishing what is under way");
	kill(supervisor->filter, SIGNAL_DRAIN);
}

static void
reap(struct supervisor *supervisor)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == supervisor->filter)
			filter_ended(supervisor, status);
}

/* A configuration that was read since, and that no filter can serve with (a
 * key source that cannot be opened), must not keep the next one from it. */
static void
go_back(struct supervisor *supervisor)
{
	if (supervisor->filter_served ||
	    supervisor->served == supervisor->config)
		return;
	log_line(LOG_WARNING, "the configuration that served before is used"
			      " again");
	config_unref(&supervisor->config);
	supervisor->config = config_ref(supervisor->served);
}

/* One bad message must not stop the mail: a crash costs the messages that
 * were under way a 4xx, and no more. */
static void
filter_ended(struct supervisor *supervisor, int status)
{
	supervisor->filter = 0;
	if (supervisor->stopping || !supervisor->ready) {
		supervisor->status =
		    WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
		return;
	}
	if (WIFSIGNALED(status))
		log_line(LOG_CRIT,
		    "the filter process died of signal %d (%s);"
		    " starting another",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_line(LOG_CRIT,
		    "the filter process ended with status %d;"
		    " starting another",
		    WEXITSTATUS(status));
	go_back(supervisor);
	if (time(NULL) - supervisor->started < CRASH_PAUSE_SECONDS)
		sleep(CRASH_PAUSE_SECONDS);
	if (start_filter(supervisor) != 0) {
		log_line(LOG_CRIT, "no filter process: %s", g_strerror(errno));
		supervisor->status = EX_OSERR;
	}
}
