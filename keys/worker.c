/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * worker.c - have a job done by a process of its own, within a deadline.
 *
 * In:    a job's name, its request, streams in both directions, a deadline.
 * Out:   the job's answer, or a fault; forked workers (the fork server).
 * Never: forks in a program that uses the fork server's other end, waits
 *        beyond the deadline, or dies of SIGPIPE.
 */
#include <config.h>

#include "keys/worker.h"

#include "keys/worker_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A call under way, at the caller's end. */
struct call {
	int fd;
	pid_t pid;  /* of a worker that we forked ourselves, else 0 */
	gint64 end; /* g_get_monotonic_time() */
	const struct worker_streams *streams;

	struct frame out; /* the frame that is being sent */
	size_t out_done;  /* octets of header and data */
	const unsigned char *out_data;
	bool out_ended; /* EOF is sent, or the worker takes no more */
	unsigned char chunk[FRAME_DATA_OCTETS];

	struct frame in;
	size_t in_have; /* octets of the header */
	size_t in_left; /* octets of its data that are to come */
	GByteArray *in_whole;
	bool in_ended;
};

static worker_job *jobs[WORKER_VERBS];
static int server_socket = -1; /* -1: this program forks for itself */

static int call_open(struct call *call, enum worker_verb verb,
    unsigned int deadline_ms, struct fault *fault);
static int order(int client, int theirs, const struct worker_order *order,
    gint64 end, struct fault *fault);
static int wait_until(int fd, short events, short *gotp, gint64 end);
static void call_close(struct call *call);
static int converse(struct call *call, struct fault *fault);
static int load_next(struct call *call, struct fault *fault);
static void send_some(struct call *call);
static int receive_some(struct call *call, struct fault *fault);
static int take(struct call *call, const unsigned char *data, size_t len,
    struct fault *fault);
static int take_header(struct call *call, const unsigned char *data, size_t len,
    size_t *usedp, struct fault *fault);
static int conclude(struct call *call, GBytes **answerp, struct fault *fault);

void
worker_register(enum worker_verb verb, worker_job *job)
{
	jobs[verb] = job;
}

int
worker_call(enum worker_verb verb, GBytes *request,
    const struct worker_streams *streams, unsigned int deadline_ms,
    GBytes **answerp, struct fault *fault)
{
	struct call *call = g_new0(struct call, 1);
	gsize len;
	int ret = -1;

	call->fd = -1;
	call->end = g_get_monotonic_time() + (gint64)deadline_ms * 1000;
	call->streams = streams;
	call->in_whole = g_byte_array_new();
	call->out_data = g_bytes_get_data(request, &len);
	call->out.type = FRAME_REQUEST;
	call->out.len = (uint32_t)len;
	if (len > FRAME_WHOLE_OCTETS) {
		fault_set(fault, FAULT_PERM, "%zu octets are too many", len);
		goto out;
	}
	if (call_open(call, verb, deadline_ms, fault) != 0 ||
	    converse(call, fault) != 0)
		goto out;
	ret = conclude(call, answerp, fault);
out:
	call_close(call);
	g_byte_array_unref(call->in_whole);
	g_free(call);
	return ret;
}

static int
call_open(struct call *call, enum worker_verb verb, unsigned int deadline_ms,
    struct fault *fault)
{
	const struct worker_order what = {(uint32_t)verb, deadline_ms};
	pid_t self = getpid();
	int ends[2];
	int ret = -1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
		fault_set(
		    fault, FAULT_TEMP, "socketpair: %s", g_strerror(errno));
		return -1;
	}
	call->fd = ends[0];
	if (server_socket != -1) {
		ret = order(server_socket, ends[1], &what, call->end, fault);
	} else {
		call->pid = fork();
		if (call->pid == 0)
			worker_become(ends[1], jobs[verb], deadline_ms, self);
		if (call->pid == -1)
			fault_set(
			    fault, FAULT_TEMP, "fork: %s", g_strerror(errno));
		else
			ret = 0;
	}
	(void)close(ends[1]);
	return ret;
}

/* Sends an order, with the worker's end of the socket, to the server. */
static int
order(int client, int theirs, const struct worker_order *order, gint64 end,
    struct fault *fault)
{
	struct worker_order copy = *order;
	struct iovec octets = {&copy, sizeof(copy)};

	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr message;
	struct cmsghdr *rights;
	short got;

	memset(&control, 0, sizeof(control));
	memset(&message, 0, sizeof(message));
	message.msg_iov = &octets;
	message.msg_iovlen = 1;
	message.msg_control = control.space;
	message.msg_controllen = sizeof(control.space);
	rights = CMSG_FIRSTHDR(&message);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &theirs, sizeof(int));
	while (sendmsg(client, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == -1) {
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN &&
		    wait_until(client, POLLOUT, &got, end) == 1)
			continue;
		fault_set(fault, FAULT_TEMP, "no worker process: %s",
		    g_strerror(errno));
		return -1;
	}
	return 0;
}

/* 1: *gotp says what is possible; 0: the time is over; -1: errno. */
static int
wait_until(int fd, short events, short *gotp, gint64 end)
{
	struct pollfd which = {fd, events, 0};
	gint64 left;
	int n;

	do {
		left = (end - g_get_monotonic_time() + 999) / 1000;
		if (left <= 0)
			return 0;
		n = poll(&which, 1, (int)MIN(left, G_MAXINT));
	} while (n == -1 && errno == EINTR);
	*gotp = which.revents;
	return n;
}

/* A worker whose caller's socket is closed ends itself and its group. */
static void
call_close(struct call *call)
{
	if (call->fd != -1)
		(void)close(call->fd);
	if (call->pid <= 0)
		return;
	if (kill(-call->pid, SIGKILL) != 0)
		(void)kill(call->pid, SIGKILL); /* no group of its own yet */
	while (waitpid(call->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
}

static int
converse(struct call *call, struct fault *fault)
{
	short got = 0;
	int n;

	while (!call->in_ended) {
		if (load_next(call, fault) != 0)
			return -1;
		n = wait_until(call->fd,
		    call->out_ended ? POLLIN : POLLIN | POLLOUT, &got,
		    call->end);
		if (n <= 0) {
			fault_set(fault, FAULT_TEMP,
			    n == 0 ? "no answer before the deadline"
				   : "poll failed");
			return -1;
		}
		if ((got & POLLOUT) != 0 && !call->out_ended)
			send_some(call);
		if ((got & (POLLIN | POLLHUP | POLLERR)) != 0 &&
		    receive_some(call, fault) != 0)
			return -1;
	}
	return 0;
}

/* When a frame is sent, makes the next one. */
static int
load_next(struct call *call, struct fault *fault)
{
	ssize_t n = 0;

	if (call->out_ended ||
	    call->out_done < sizeof(call->out) + call->out.len)
		return 0;
	if (call->out.type == FRAME_EOF) {
		call->out_ended = true;
		return 0;
	}
	if (call->streams != NULL && call->streams->read != NULL)
		n = call->streams->read(call->streams->context, call->chunk,
		    sizeof(call->chunk), fault);
	if (n < 0)
		return -1;
	call->out.type = n == 0 ? FRAME_EOF : FRAME_DATA;
	call->out.len = (uint32_t)n;
	call->out_data = call->chunk;
	call->out_done = 0;
	return 0;
}

static void
send_some(struct call *call)
{
	unsigned char header[sizeof(call->out)];
	struct iovec parts[2];
	struct msghdr message;
	size_t head = 0;
	ssize_t n;

	memcpy(header, &call->out, sizeof(header));
	if (call->out_done < sizeof(header))
		head = sizeof(header) - call->out_done;
	parts[0].iov_base = header + sizeof(header) - head;
	parts[0].iov_len = head;
	n = (ssize_t)(call->out_done + head - sizeof(header));
	/* sendmsg(2) reads only, but its type does not say so. */
	memcpy(&parts[1].iov_base, &(const void *){call->out_data + n},
	    sizeof(void *));
	parts[1].iov_len = call->out.len - (size_t)n;
	memset(&message, 0, sizeof(message));
	message.msg_iov = parts;
	message.msg_iovlen = 2;
	n = sendmsg(call->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n >= 0)
		call->out_done += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		call->out_ended = true; /* what it still says counts */
}

static int
receive_some(struct call *call, struct fault *fault)
{
	unsigned char buffer[FRAME_DATA_OCTETS];
	ssize_t n;

	n = recv(call->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		fault_set(fault, FAULT_TEMP,
		    "the worker process died before it answered");
		return -1;
	}
	return take(call, buffer, (size_t)n, fault);
}

static int
take(struct call *call, const unsigned char *data, size_t len,
    struct fault *fault)
{
	const struct worker_streams *streams = call->streams;
	size_t n;

	while (len > 0 && !call->in_ended) {
		n = 0;
		if (call->in_have < sizeof(call->in) &&
		    take_header(call, data, len, &n, fault) != 0)
			return -1;
		data += n;
		len -= n;
		n = MIN(len, call->in_left);
		if (call->in_have < sizeof(call->in))
			continue;
		if (call->in.type != FRAME_DATA)
			g_byte_array_append(call->in_whole, data, (guint)n);
		else if (n > 0 && streams != NULL && streams->write != NULL &&
			 streams->write(streams->context, data, n, fault) != 0)
			return -1;
		data += n;
		len -= n;
		call->in_left -= n;
		if (call->in_left > 0)
			continue;
		call->in_ended = call->in.type != FRAME_DATA;
		call->in_have = 0;
	}
	return 0;
}

static int
take_header(struct call *call, const unsigned char *data, size_t len,
    size_t *usedp, struct fault *fault)
{
	unsigned char *header = (unsigned char *)&call->in;
	size_t limit = FRAME_WHOLE_OCTETS;

	*usedp = MIN(len, sizeof(call->in) - call->in_have);
	memcpy(header + call->in_have, data, *usedp);
	call->in_have += *usedp;
	if (call->in_have < sizeof(call->in))
		return 0;
	if (call->in.type == FRAME_DATA)
		limit = FRAME_DATA_OCTETS;
	else if (call->in.type == FRAME_FAULT)
		limit = sizeof(struct frame_fault);
	else if (call->in.type != FRAME_ANSWER)
		limit = 0;
	if (limit == 0 || call->in.len > limit) {
		fault_set(fault, FAULT_BUG, "a worker sent nonsense");
		return -1;
	}
	call->in_left = call->in.len;
	return 0;
}

static int
conclude(struct call *call, GBytes **answerp, struct fault *fault)
{
	struct frame_fault carried;

	if (call->in.type == FRAME_ANSWER) {
		if (answerp != NULL)
			*answerp = g_bytes_new(
			    call->in_whole->data, call->in_whole->len);
		return 0;
	}
	memset(&carried, 0, sizeof(carried));
	if (call->in_whole->len == sizeof(carried))
		memcpy(&carried, call->in_whole->data, sizeof(carried));
	carried.text[sizeof(carried.text) - 1] = '\0';
	fault_set(fault,
	    carried.kind == FAULT_TEMP   ? FAULT_TEMP
	    : carried.kind == FAULT_PERM ? FAULT_PERM
					 : FAULT_BUG,
	    "%s", carried.text);
	return -1;
}

/* --- The fork server */

static int receive_order(int server, struct worker_order *order, int *fdp);

int
worker_server_open(int *serverp, int *clientp, struct fault *fault)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		fault_set(
		    fault, FAULT_TEMP, "socketpair: %s", g_strerror(errno));
		return -1;
	}
	*serverp = ends[0];
	*clientp = ends[1];
	return 0;
}

void
worker_server_use(int client)
{
	server_socket = client;
}

int
worker_serve_one(int server)
{
	struct worker_order what = {0, 0};
	pid_t self = getpid();
	int fd = -1, r;

	r = receive_order(server, &what, &fd);
	if (r <= 0)
		return r;
	if (what.verb < WORKER_VERBS && jobs[what.verb] != NULL && fork() == 0)
		worker_become(fd, jobs[what.verb], what.deadline_ms, self);
	(void)close(fd); /* if the fork failed, the caller sees the end */
	return 0;
}

/* 1: an order with its socket; 0: none; -1: all clients are gone. */
static int
receive_order(int server, struct worker_order *order, int *fdp)
{
	struct iovec octets = {order, sizeof(*order)};

	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr message;
	struct cmsghdr *rights;
	ssize_t n;

	memset(&control, 0, sizeof(control));
	memset(&message, 0, sizeof(message));
	message.msg_iov = &octets;
	message.msg_iovlen = 1;
	message.msg_control = control.space;
	message.msg_controllen = sizeof(control.space);
	n = recvmsg(server, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	rights = CMSG_FIRSTHDR(&message);
	if (rights == NULL || rights->cmsg_type != SCM_RIGHTS ||
	    rights->cmsg_len != CMSG_LEN(sizeof(int)))
		return n == 0 ? -1 : 0;
	memcpy(fdp, CMSG_DATA(rights), sizeof(int));
	if (n == (ssize_t)sizeof(*order))
		return 1;
	(void)close(*fdp);
	return 0;
}
