/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * smtp_target.c - where copies are given back: a port or a unix socket.
 *
 * In:    "smtp://host:port" or "unix:/path".
 * Out:   a connected socket.
 * Never: blocks, but for the look-up of a name that is no IP address.
 */
#include "milter/smtp_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A unix socket whose queue is full says so at once; then again after: */
#define AGAIN_MS 10

struct smtp_target {
	char *name;
	char *path; /* of a unix socket, else NULL */
	char *host, *port;
};

static const char *parse_unix(const char *text, struct smtp_target *target);
static const char *parse_inet(const char *text, struct smtp_target *target);
static bool is_host(const char *host);
static int connect_unix(
    const struct smtp_target *target, gint64 deadline_us, struct fault *fault);
static int connect_inet(
    const struct smtp_target *target, gint64 deadline_us, struct fault *fault);
static int connect_one(const struct addrinfo *where, gint64 deadline_us);
static int connect_fd(
    int fd, const struct sockaddr *address, socklen_t len, gint64 deadline_us);
static int await_connection(int fd, gint64 deadline_us);

int
smtp_target_parse(
    const char *text, struct smtp_target **targetp, const char **complaintp)
{
	struct smtp_target *target = g_new0(struct smtp_target, 1);

	target->name = g_strdup(text);
	if (g_str_has_prefix(text, "unix:"))
		*complaintp = parse_unix(text + strlen("unix:"), target);
	else if (g_str_has_prefix(text, "smtp://"))
		*complaintp = parse_inet(text + strlen("smtp://"), target);
	else
		*complaintp = "is no SMTP server; such are "
			      "\"smtp://127.0.0.1:10026\" and "
			      "\"unix:/run/inject.sock\"";
	if (*complaintp != NULL) {
		smtp_target_free(&target);
		return -1;
	}
	*targetp = target;
	return 0;
}

static const char *
parse_unix(const char *text, struct smtp_target *target)
{
	struct sockaddr_un address;

	if (!g_path_is_absolute(text))
		return "needs a path that begins with \"/\"";
	if (strlen(text) >= sizeof(address.sun_path))
		return "is too long: a socket's path has at most 107 octets";
	target->path = g_strdup(text);
	return NULL;
}

static const char *
parse_inet(const char *text, struct smtp_target *target)
{
	const char *colon = strrchr(text, ':'), *end;
	struct in6_addr address;
	guint64 port;

	if (text[0] == '[') {
		end = strchr(text, ']');
		if (end == NULL)
			return "has no \"]\" after its IPv6 address";
		target->host = g_strndup(text + 1, (gsize)(end - text) - 1);
		if (inet_pton(AF_INET6, target->host, &address) != 1)
			return "has no IPv6 address between \"[\" and \"]\"";
		colon = end[1] == ':' ? end + 1 : NULL;
	} else if (colon != NULL) {
		target->host = g_strndup(text, (gsize)(colon - text));
		if (!is_host(target->host))
			return "has no host's name or address before its "
			       "port; an IPv6 address needs brackets";
	}
	if (colon == NULL ||
	    !g_ascii_string_to_unsigned(colon + 1, 10, 1, 65535, &port, NULL))
		return "needs a port from 1 to 65535 at its end, such as "
		       "\"smtp://127.0.0.1:10026\"";
	target->port = g_strdup(colon + 1);
	return NULL;
}

static bool
is_host(const char *host)
{
	const char *p;

	for (p = host; *p != '\0'; p++)
		if (!g_ascii_isalnum(*p) && strchr("-._", *p) == NULL)
			return false;
	return host[0] != '\0' && host[0] != '-' && host[0] != '.';
}

void
smtp_target_free(struct smtp_target **targetp)
{
	struct smtp_target *target = *targetp;

	if (target == NULL)
		return;
	g_free(target->name);
	g_free(target->path);
	g_free(target->host);
	g_free(target->port);
	g_free(target);
	*targetp = NULL;
}

const char *
smtp_target_name(const struct smtp_target *target)
{
	return target->name;
}

int
smtp_target_connect(
    const struct smtp_target *target, gint64 deadline_us, struct fault *fault)
{
	if (target->path != NULL)
		return connect_unix(target, deadline_us, fault);
	return connect_inet(target, deadline_us, fault);
}

static int
connect_unix(
    const struct smtp_target *target, gint64 deadline_us, struct fault *fault)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct addrinfo where = {
	    .ai_family = AF_UNIX,
	    .ai_addr = (struct sockaddr *)&address,
	    .ai_addrlen = sizeof(address),
	};
	int fd;

	memcpy(address.sun_path, target->path, strlen(target->path));
	fd = connect_one(&where, deadline_us);
	if (fd == -1)
		fault_set(fault, FAULT_TEMP, "connect: %s", g_strerror(errno));
	return fd;
}

static int
connect_inet(
    const struct smtp_target *target, gint64 deadline_us, struct fault *fault)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
			    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV},
			*list = NULL, *one;
	gint64 now, until;
	int fd = -1, r;

	r = getaddrinfo(target->host, target->port, &hints, &list);
	if (r == EAI_NONAME) {
		hints.ai_flags = AI_NUMERICSERV;
		r = getaddrinfo(target->host, target->port, &hints, &list);
	}
	if (r != 0) {
		fault_set(
		    fault, FAULT_TEMP, "%s: %s", target->host, gai_strerror(r));
		return -1;
	}
	for (one = list; one != NULL && fd == -1; one = one->ai_next) {
		/* One that is silent leaves time for the next one. */
		now = g_get_monotonic_time();
		until = one->ai_next == NULL ? deadline_us
					     : now + (deadline_us - now) / 2;
		fd = connect_one(one, until);
	}
	if (fd == -1)
		fault_set(fault, FAULT_TEMP, "connect: %s", g_strerror(errno));
	freeaddrinfo(list);
	return fd;
}

/* A socket, or -1 and errno. */
static int
connect_one(const struct addrinfo *where, gint64 deadline_us)
{
	static const int on = 1;
	int fd, saved;

	fd = socket(
	    where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	/* What we send is never worth waiting for more of it. */
	if ((where->ai_family == AF_UNIX ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ==
		    0) &&
	    connect_fd(fd, where->ai_addr, where->ai_addrlen, deadline_us) == 0)
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

static int
connect_fd(
    int fd, const struct sockaddr *address, socklen_t len, gint64 deadline_us)
{
	while (connect(fd, address, len) != 0) {
		if (errno == EINPROGRESS || errno == EINTR)
			return await_connection(fd, deadline_us);
		if (errno != EAGAIN || address->sa_family != AF_UNIX)
			return -1;
		if (g_get_monotonic_time() >= deadline_us) {
			errno = ETIMEDOUT;
			return -1;
		}
		(void)poll(NULL, 0, AGAIN_MS);
	}
	return 0;
}

static int
await_connection(int fd, gint64 deadline_us)
{
	socklen_t len = sizeof(int);
	int error = 0, n;
	short got;

	n = smtp_io_wait(fd, POLLOUT, &got, deadline_us);
	if (n == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0)
		errno = error;
	else if (n == 0)
		errno = error = ETIMEDOUT;
	else
		error = errno;
	return error == 0 ? 0 : -1;
}
