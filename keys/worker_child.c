/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * worker_child.c - the process in which one job runs, and its end.
 *
 * In:    a socket to the caller, a job, a deadline.
 * Out:   frames: what the job writes, then its answer or its fault.
 * Never: outlives the deadline or the caller, and neither does anything that
 *        the job started (it is one process group).
 */
#include <config.h>

#include "keys/worker_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* How often a worker looks whether it is still wanted. */
#define TICK_MICROSECONDS 100000

/* The caller gives up first, so that it can say why. */
#define GRACE_MS 500U

struct worker_io {
	int fd;
	size_t left; /* octets of the DATA frame that is being read */
	bool ended;
};

/* For the signal handler alone. */
static int guard_fd = -1;
static struct timespec guard_end;

static int settle(int *fdp, pid_t parent);
static int settle_signals(void);
static int settle_files(int caller);
static int guard(int fd, unsigned int deadline_ms);
static void on_signal(int number);
static void end_group(void) G_GNUC_NORETURN;
static void run(int fd, worker_job *job);
static int read_fully(int fd, void *buffer, size_t size);
static int write_fully(int fd, const void *data, size_t len);
static int send_frame(
    int fd, enum frame_type type, const void *data, size_t len);
static void close_others(int fd);

void
worker_become(int fd, worker_job *job, unsigned int deadline_ms, pid_t parent)
{
	/* Without a group of its own it must not kill its group. */
	if (setpgid(0, 0) != 0 || settle(&fd, parent) != 0)
		_exit(1);
	if (guard(fd, deadline_ms) == 0)
		run(fd, job);
	end_group();
}

/* Drops what came with the fork. */
static int
settle(int *fdp, pid_t parent)
{
	static const struct rlimit no_core = {0, 0};

	if (settle_signals() != 0 || setrlimit(RLIMIT_CORE, &no_core) != 0)
		return -1;
	/* A gpg that GPGME disowned becomes our child: see gpg_home_reap(). */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1L) != 0 ||
	    prctl(PR_SET_PDEATHSIG, (long)SIGTERM) != 0 || getppid() != parent)
		return -1;
	if (settle_files(*fdp) != 0)
		return -1;
	*fdp = 3;
	/* Nobody's GNUPGHOME or language. */
	if (clearenv() != 0 || setenv("PATH", "/usr/bin:/bin", 1) != 0 ||
	    setenv("LC_ALL", "C", 1) != 0)
		return -1;
	return 0;
}

/*
 * GPGME waits for its children and gpg expects default signals; whoever
 * started us may have changed both.
 */
static int
settle_signals(void)
{
	struct sigaction action;
	sigset_t none;
	int number;

	memset(&action, 0, sizeof(action));
	action.sa_handler = SIG_DFL;
	for (number = 1; number < NSIG; number++)
		(void)sigaction(number, &action, NULL); /* not for KILL, STOP */
	action.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &action, NULL);
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL);
}

/* 0 and 1 are nothing, 2 stays, 3 is the caller, and there are no more. */
static int
settle_files(int caller)
{
	int fd = fcntl(caller, F_DUPFD, 3);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd == -1 || null == -1 || dup2(null, 0) == -1 ||
	    dup2(null, 1) == -1 ||
	    (fcntl(2, F_GETFD) == -1 && dup2(null, 2) == -1) ||
	    (fd != 3 && dup2(fd, 3) == -1))
		return -1;
	close_others(3);
	return fcntl(3, F_SETFD, FD_CLOEXEC);
}

static void
close_others(int fd)
{
	long last = sysconf(_SC_OPEN_MAX);
	int other;

#ifdef CLOSE_RANGE_CLOEXEC
	if (close_range((unsigned int)fd + 1, ~0U, 0) == 0)
		return;
#endif
	if (last < 0 || last > 65536)
		last = 65536;
	for (other = fd + 1; other < last; other++)
		(void)close(other);
}

/* From here on, the group ends at the deadline or when the caller is gone. */
static int
guard(int fd, unsigned int deadline_ms)
{
	static const struct itimerval ticks = {
	    {0, TICK_MICROSECONDS}, {0, TICK_MICROSECONDS}};
	struct sigaction action;
	uint64_t ms;

	if (clock_gettime(CLOCK_MONOTONIC, &guard_end) != 0)
		return -1;
	ms = (uint64_t)guard_end.tv_nsec / 1000000U + deadline_ms + GRACE_MS;
	guard_end.tv_sec += (time_t)(ms / 1000);
	guard_end.tv_nsec = (long)(ms % 1000) * 1000000L;
	guard_fd = fd;
	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	action.sa_flags = SA_RESTART;
	if (sigaction(SIGALRM, &action, NULL) != 0 ||
	    sigaction(SIGTERM, &action, NULL) != 0)
		return -1;
	return setitimer(ITIMER_REAL, &ticks, NULL);
}

static void
on_signal(int number)
{
	struct pollfd caller = {guard_fd, 0, 0};
	int saved = errno;
	struct timespec now;

	if (number != SIGALRM || clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		end_group();
	if (now.tv_sec - guard_end.tv_sec > 0 ||
	    (now.tv_sec == guard_end.tv_sec &&
		now.tv_nsec >= guard_end.tv_nsec))
		end_group();
	if (poll(&caller, 1, 0) > 0 && (caller.revents & POLLHUP) != 0)
		end_group();
	errno = saved;
}

static void
end_group(void)
{
	(void)kill(-getpid(), SIGKILL);
	_exit(1);
}

static void
run(int fd, worker_job *job)
{
	struct worker_io io = {fd, 0, false};
	struct fault fault = {FAULT_BUG, "a job failed and gave no reason"};
	GByteArray *answer = g_byte_array_new();
	struct frame_fault carried;
	struct frame frame;
	unsigned char *octets;
	GBytes *request;

	if (read_fully(fd, &frame, sizeof(frame)) != 0 ||
	    frame.type != FRAME_REQUEST || frame.len > FRAME_WHOLE_OCTETS)
		end_group();
	octets = g_malloc((gsize)frame.len + 1);
	if (read_fully(fd, octets, frame.len) != 0)
		end_group();
	request = g_bytes_new_take(octets, frame.len);
	if (job(&io, request, answer, &fault) == 0) {
		(void)send_frame(fd, FRAME_ANSWER, answer->data, answer->len);
		return;
	}
	memset(&carried, 0, sizeof(carried));
	carried.kind = (uint32_t)fault.kind;
	g_strlcpy(carried.text, fault.text, sizeof(carried.text));
	(void)send_frame(fd, FRAME_FAULT, &carried, sizeof(carried));
}

ssize_t
worker_read(struct worker_io *io, void *buffer, size_t size)
{
	struct frame frame;
	ssize_t n;

	while (io->left == 0 && !io->ended) {
		if (read_fully(io->fd, &frame, sizeof(frame)) != 0)
			return -1;
		if (frame.type == FRAME_EOF)
			io->ended = true;
		else if (frame.type == FRAME_DATA &&
			 frame.len <= FRAME_DATA_OCTETS)
			io->left = frame.len;
		else
			return -1;
	}
	if (io->ended)
		return 0;
	do
		n = read(io->fd, buffer, MIN(size, io->left));
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		return -1;
	io->left -= (size_t)n;
	return n;
}

int
worker_write(struct worker_io *io, const void *data, size_t len)
{
	const unsigned char *octets = data;
	size_t n;

	for (; len > 0; octets += n, len -= n) {
		n = MIN(len, FRAME_DATA_OCTETS);
		if (send_frame(io->fd, FRAME_DATA, octets, n) != 0)
			return -1;
	}
	return 0;
}

static int
send_frame(int fd, enum frame_type type, const void *data, size_t len)
{
	struct frame frame = {(uint32_t)type, (uint32_t)len};

	if (len > FRAME_WHOLE_OCTETS ||
	    write_fully(fd, &frame, sizeof(frame)) != 0)
		return -1;
	return write_fully(fd, data, len);
}

static int
read_fully(int fd, void *buffer, size_t size)
{
	unsigned char *p = buffer;
	ssize_t n;

	while (size > 0) {
		n = read(fd, p, size);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

static int
write_fully(int fd, const void *data, size_t len)
{
	const unsigned char *p = data;
	ssize_t n;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}
