/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_smtp.c - when a system call fails under the SMTP client, it never says
 * that a message was taken that was not, nor that one was not that was.
 */
#include "config.h"

#include "milter/pool.h"

#include "tests/faults/torture.h"
#include "tests/unit/smtp_server.h"

#include <fcntl.h>
#include <netdb.h>

enum {
	POINT_NONE,
	POINT_socket,
	POINT_setsockopt,
	POINT_connect,
	POINT_getsockopt,
	POINT_getaddrinfo,
	POINT_poll,
	POINT_send,
	POINT_recv,
	POINTS_END,
};

static const char *const names[] = {"nothing", "socket", "setsockopt",
    "connect", "getsockopt", "getaddrinfo", "poll", "send", "recv"};

TORTURE_WRAP(int, socket, (int domain, int type, int protocol),
    (domain, type, protocol), -1, false, -1)

TORTURE_WRAP(int, setsockopt,
    (int fd, int level, int name, const void *value, socklen_t len),
    (fd, level, name, value, len), -1, false, -1)

/* "Connected", and is not. */
TORTURE_WRAP(int, connect,
    (int fd, const struct sockaddr *address, socklen_t len), (fd, address, len),
    -1, true, 0)

TORTURE_WRAP(int, getsockopt,
    (int fd, int level, int name, void *value, socklen_t *len),
    (fd, level, name, value, len), -1, false, -1)

TORTURE_WRAP(int, getaddrinfo,
    (const char *node, const char *service, const struct addrinfo *hints,
	struct addrinfo **list),
    (node, service, hints, list), EAI_AGAIN, false, 0)

TORTURE_WRAP(int, poll, (struct pollfd * which, nfds_t count, int ms),
    (which, count, ms), -1, true, 0)

/* One octet is sent, and no more. */
TORTURE_WRAP(ssize_t, send, (int fd, const void *data, size_t len, int flags),
    (fd, data, len, flags), -1, true, __real_send(fd, data, 1, flags))

/* The end, although there is more. */
TORTURE_WRAP(ssize_t, recv, (int fd, void *data, size_t size, int flags),
    (fd, data, size, flags), -1, true, 0)

#define TEXT_OCTETS 200000U

static const struct smtp_rcpt rcpts[] = {
    {"alice@example.org", "NEVER", NULL}, {"bob@example.org", NULL, NULL}};
static const struct smtp_envelope envelope = {
    .sender = "sam@example.net", .rcpts = rcpts, .rcpts_count = 2};

static char *text;
static unsigned int claimed, doubted, bad_kinds;

/* 1: taken. */
static int
send_one(struct pool *pool, struct fault *fault)
{
	const gint64 deadline = server_deadline(20000);
	struct smtp_reply reply;
	struct smtp *smtp = NULL;
	int r = -1;

	fault_set(fault, FAULT_NONE, "%s", "");
	if (pool_begin(pool, &envelope, deadline, &smtp, &reply, fault) == 0 &&
	    smtp_write(smtp, text, TEXT_OCTETS, deadline, fault) == 0 &&
	    smtp_flush(smtp, deadline, fault) == 0)
		r = smtp_commit(smtp, deadline, &reply, fault);
	claimed += r == 1;
	if (r == -1) {
		doubted += smtp != NULL && smtp_is_in_doubt(smtp);
		bad_kinds +=
		    fault->kind != FAULT_TEMP || fault->text[0] == '\0';
	}
	pool_done(pool, &smtp);
	return r;
}

static int
lowest_free_fd(void)
{
	int fd = dup(0);

	(void)close(fd);
	return fd;
}

static void
run(void)
{
	struct server *server = server_start(NULL, NULL, true);
	struct pool *pool = pool_make(server_target(server), 1, 1);
	struct fault fault = {FAULT_NONE, ""};
	int i;

	claimed = doubted = bad_kinds = 0;
	torture_victim = g_thread_self();
	(void)pool_take(pool, 1, 0, &fault);
	torture->armed = true;
	for (i = 0; i < 3; i++)
		if (send_one(pool, &fault) != 1) {
			torture->result = -1;
			torture->fault = fault;
		}
	torture->armed = false;
	torture->recovered = send_one(pool, &fault) == 1;
	pool_give(pool, 1);
	pool_free(&pool);
	server_stop(server);
	torture->gave = bad_kinds > 0 || server->messages < claimed ||
			server->messages > claimed + doubted;
	server_free(&server);
}

/* NULL, or what is wrong. */
static const char *
judge(bool ended)
{
	if (!ended)
		return "the process died, or leaked";
	if (torture->gave)
		return "what it says is not what the server has";
	if (!torture->recovered)
		return "the message after it did not go";
	return NULL;
}

static void
torture_point(unsigned int point, unsigned int calls, enum torture_way way)
{
	unsigned int nth, bad = 0, went = 0;
	const char *what;

	for (nth = 1; nth <= calls; nth++) {
		what = judge(torture_run(run, point, nth, way));
		went += torture->result == 0;
		if (what == NULL)
			continue;
		bad++;
		printf("# call %u: %s (%s)\n", nth, what, torture->fault.text);
	}
	ok(bad == 0, "%s %s, %u calls, %u times all went the same",
	    names[point], way == TORTURE_LIE ? "lies" : "fails", calls, went);
}

int
main(void)
{
	int before = lowest_free_fd();
	struct torture counted;
	unsigned int point;

	text = g_strnfill(TEXT_OCTETS, 'x');
	torture_begin();
	torture_run(run, POINT_NONE, 0, TORTURE_NONE);
	counted = *torture;
	ok(judge(true) == NULL && counted.result == 0, "three messages go");
	for (point = 1; point < POINTS_END; point++) {
		if (!ok(counted.calls[point] > 0, "%s is called", names[point]))
			continue;
		torture_point(point, counted.calls[point], TORTURE_FAIL);
		if (counted.lies[point])
			torture_point(point, counted.calls[point], TORTURE_LIE);
	}
	run();
	is_int(lowest_free_fd(), before, "no file is left open");
	g_free(text);
	return tap_done();
}
