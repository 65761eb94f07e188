/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * smtp_io.c - octets to and from an SMTP server, each by a deadline.
 *
 * In:    a socket that does not block.
 * Out:   octets sent, whole replies.
 * Never: waits beyond the deadline, dies of SIGPIPE, or believes that what it
 *        cannot read was said.
 */
#include "milter/smtp_private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

static enum smtp_sent send_some(struct smtp_io *io, const unsigned char *octets,
    size_t len, bool listen, size_t *donep, gint64 deadline_us,
    struct fault *fault);
static int fill(struct smtp_io *io, gint64 deadline_us, struct fault *fault);
static int lose(struct smtp_io *io, const char *what, struct fault *fault);

int
smtp_io_wait(int fd, short events, short *gotp, gint64 deadline_us)
{
	struct pollfd which = {fd, events, 0};
	gint64 left;
	int n;

	do {
		left = (deadline_us - g_get_monotonic_time() + 999) / 1000;
		if (left <= 0)
			return 0;
		n = poll(&which, 1, (int)MIN(left, G_MAXINT));
	} while (n == 0 || (n == -1 && errno == EINTR));
	*gotp = which.revents;
	return n;
}

bool
smtp_io_is_quiet(const struct smtp_io *io)
{
	struct pollfd which = {io->fd, POLLIN, 0};
	int n;

	if (io->lost || io->in_at < io->in_len)
		return false;
	do
		n = poll(&which, 1, 0);
	while (n == -1 && errno == EINTR);
	return n == 0;
}

enum smtp_sent
smtp_io_send(struct smtp_io *io, const void *data, size_t len, bool listen,
    size_t *donep, gint64 deadline_us, struct fault *fault)
{
	enum smtp_sent sent = SMTP_SENT_ALL;
	const unsigned char *octets = data;
	size_t done = 0;

	while (done < len && sent == SMTP_SENT_ALL)
		sent = send_some(io, octets + done, len - done, listen, &done,
		    deadline_us, fault);
	if (donep != NULL)
		*donep = done;
	return sent;
}

/* Adds to *donep what went out; SMTP_SENT_ALL if more may follow. */
static enum smtp_sent
send_some(struct smtp_io *io, const unsigned char *octets, size_t len,
    bool listen, size_t *donep, gint64 deadline_us, struct fault *fault)
{
	short events = listen ? POLLIN | POLLOUT : POLLOUT, got = 0;
	ssize_t n;
	int r;

	if (listen && io->in_at < io->in_len)
		return SMTP_SENT_HEARD;
	r = smtp_io_wait(io->fd, events, &got, deadline_us);
	if (r == 0) {
		fault_set(fault, FAULT_TEMP,
		    "the server took nothing until the deadline");
		return SMTP_SENT_FAILED;
	}
	if (r == 1 && listen && (got & ~POLLOUT) != 0)
		return SMTP_SENT_HEARD;
	n = r == 1 ? send(io->fd, octets, len, MSG_NOSIGNAL) : -1;
	if (n > 0)
		*donep += (size_t)n;
	if (n >= 0 || (r == 1 && (errno == EAGAIN || errno == EINTR)))
		return SMTP_SENT_ALL;
	(void)lose(io, g_strerror(errno), fault);
	return SMTP_SENT_FAILED;
}

int
smtp_io_reply(struct smtp_io *io, smtp_line *on_line, void *context,
    struct smtp_reply *reply, gint64 deadline_us, struct fault *fault)
{
	struct smtp_parser parser;
	size_t used;
	int r;

	smtp_parser_begin(&parser, on_line, context);
	for (;;) {
		r = smtp_parser_feed(&parser, io->in + io->in_at,
		    io->in_len - io->in_at, &used, reply);
		if (r == -1) {
			fault_set(fault, FAULT_TEMP,
			    "the server's answer is no SMTP reply");
			return -1;
		}
		io->in_at += used;
		if (r == 1)
			return 0;
		if (fill(io, deadline_us, fault) != 0)
			return -1;
	}
}

/* All of the old has been used. */
static int
fill(struct smtp_io *io, gint64 deadline_us, struct fault *fault)
{
	short got;
	ssize_t n;
	int r;

	io->in_at = io->in_len = 0;
	for (;;) {
		n = recv(io->fd, io->in, sizeof(io->in), 0);
		if (n > 0) {
			io->in_len = (size_t)n;
			return 0;
		}
		if (n == 0)
			return lose(io, "closed by the server", fault);
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return lose(io, g_strerror(errno), fault);
		if (io->lost) /* there was no last word */
			return lose(io, "nothing can be sent", fault);
		r = smtp_io_wait(io->fd, POLLIN, &got, deadline_us);
		if (r == 0) {
			fault_set(
			    fault, FAULT_TEMP, "no answer before the deadline");
			return -1;
		}
		if (r == -1)
			return lose(io, g_strerror(errno), fault);
	}
}

static int
lose(struct smtp_io *io, const char *what, struct fault *fault)
{
	io->lost = true;
	fault_set(fault, FAULT_TEMP, "the connection is lost: %s", what);
	return -1;
}
