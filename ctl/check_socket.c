/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * check_socket.c - the socket between mail server and milter.
 *
 * In:    sockets as Postfix, Sendmail and libmilter write them.
 * Out:   whether two of them are the same place, and whether anybody answers.
 * Never: sends anything over a socket.
 */
#include "ctl/check.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNECT_SECONDS 5

static int parse_inet(const char *text, struct check_endpoint *endpoint);
static char *host_of(const char *text, size_t len);
static bool is_port(const char *text);
static char *tidy_path(const char *path);
static bool is_this_host(const char *host);
static bool is_program(const char *name, const struct check_endpoint *endpoint,
    const char *word, const char *port);
static int connect_here(const struct check_endpoint *endpoint);
static int connect_unix(const char *path);
static int connect_inet(const char *host, const char *port);
static int connect_fd(int fd, const struct sockaddr *address, socklen_t len);
static int connect_as(const struct check_endpoint *endpoint, const char *user);
static int become(const struct passwd *user);

int
check_endpoint_parse(const char *text, struct check_endpoint *endpoint)
{
	const char *rest = text;

	memset(endpoint, 0, sizeof(*endpoint));
	if (g_str_has_prefix(text, "unix:") || g_str_has_prefix(text, "local:"))
		rest = strchr(text, ':') + 1;
	else if (g_str_has_prefix(text, "inet:") ||
		 g_str_has_prefix(text, "inet6:"))
		return parse_inet(strchr(text, ':') + 1, endpoint);
	else if (text[0] != '/')
		return -1;
	if (rest[0] == '\0')
		return -1;
	endpoint->local = true;
	endpoint->where = tidy_path(rest);
	return 0;
}

/* "port@host" (libmilter, Sendmail), "host:port" (Postfix) or "port". */
static int
parse_inet(const char *text, struct check_endpoint *endpoint)
{
	const char *at = strchr(text, '@'), *colon = strrchr(text, ':');
	char *port, *host;

	if (at != NULL) {
		port = g_strndup(text, (gsize)(at - text));
		host = host_of(at + 1, strlen(at + 1));
	} else if (colon != NULL) {
		port = g_strdup(colon + 1);
		host = host_of(text, (size_t)(colon - text));
	} else {
		port = g_strdup(text);
		host = g_strdup("");
	}
	if (!is_port(port)) {
		g_free(port);
		g_free(host);
		return -1;
	}
	endpoint->local = false;
	endpoint->where = host;
	endpoint->port = port;
	return 0;
}

int
check_endpoint_parse_inject(const char *text, struct check_endpoint *endpoint)
{
	static const char smtp[] = "smtp://";

	if (!g_str_has_prefix(text, smtp))
		return check_endpoint_parse(text, endpoint);
	memset(endpoint, 0, sizeof(*endpoint));
	return parse_inet(text + strlen(smtp), endpoint);
}

bool
check_endpoint_is_here(const struct check_endpoint *endpoint)
{
	return endpoint->local || is_this_host(endpoint->where) ||
	       g_str_has_prefix(endpoint->where, "127.");
}

static char *
host_of(const char *text, size_t len)
{
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']')
		return g_ascii_strdown(text + 1, (gssize)len - 2);
	return g_ascii_strdown(text, (gssize)len);
}

static bool
is_port(const char *text)
{
	return text[0] != '\0' && strlen(text) <= 5 &&
	       strspn(text, "0123456789") == strlen(text);
}

/* One spelling: no doubled slashes, and /var/run is /run. */
static char *
tidy_path(const char *path)
{
	GString *out = g_string_new(NULL);
	const char *p;

	for (p = path; *p != '\0'; p++)
		if (*p != '/' || out->len == 0 || out->str[out->len - 1] != '/')
			g_string_append_c(out, *p);
	if (g_str_has_prefix(out->str, "/var/run/"))
		g_string_erase(out, 0, 4);
	return g_string_free(out, FALSE);
}

void
check_endpoint_clear(struct check_endpoint *endpoint)
{
	g_free(endpoint->where);
	g_free(endpoint->port);
	memset(endpoint, 0, sizeof(*endpoint));
}

bool
check_endpoint_same(
    const struct check_endpoint *a, const struct check_endpoint *b)
{
	if (a->local != b->local || a->where == NULL || b->where == NULL)
		return false;
	if (a->local)
		return strcmp(a->where, b->where) == 0;
	return strcmp(a->port, b->port) == 0 &&
	       (strcmp(a->where, b->where) == 0 ||
		   (is_this_host(a->where) && is_this_host(b->where)));
}

static bool
is_this_host(const char *host)
{
	static const char *const names[] = {"", "localhost", "127.0.0.1", "::1",
	    "0.0.0.0", "::", "localhost.localdomain", NULL};

	return g_strv_contains(names, host);
}

/* Rspamd signs only where it is told to; OpenDKIM is there for that. */
enum check_level
check_signer(const char *name, const struct check_endpoint *endpoint)
{
	if (is_program(name, endpoint, "rspamd", "11332"))
		return CHECK_WARNING;
	return is_program(name, endpoint, "dkim", "8891") ? CHECK_PROBLEM
							  : CHECK_OK;
}

/* By the word in name or path, or the customary port. */
static bool
is_program(const char *name, const struct check_endpoint *endpoint,
    const char *word, const char *port)
{
	char *low = g_ascii_strdown(name, -1);
	char *where = g_ascii_strdown(endpoint->where, -1);
	bool is;

	is = strstr(low, word) != NULL || strstr(where, word) != NULL ||
	     g_strcmp0(endpoint->port, port) == 0;
	g_free(low);
	g_free(where);
	return is;
}

int
check_endpoint_connect(const struct check_endpoint *endpoint, const char *user)
{
	if (user != NULL && geteuid() == 0)
		return connect_as(endpoint, user);
	return connect_here(endpoint);
}

/* A process of its own becomes the user; the caller stays what it is. */
static int
connect_as(const struct check_endpoint *endpoint, const char *user)
{
	const struct passwd *entry = getpwnam(user);
	int status;
	pid_t child;

	if (entry == NULL)
		return connect_here(endpoint);
	child = fork();
	if (child == -1)
		return errno;
	if (child == 0)
		_exit(become(entry) != 0 ? EPERM : connect_here(endpoint));
	while (waitpid(child, &status, 0) == -1)
		if (errno != EINTR)
			return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

static int
become(const struct passwd *user)
{
	if (initgroups(user->pw_name, user->pw_gid) != 0 ||
	    setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
		return -1;
	return 0;
}

static int
connect_here(const struct check_endpoint *endpoint)
{
	if (endpoint->local)
		return connect_unix(endpoint->where);
	return connect_inet(
	    is_this_host(endpoint->where) ? "localhost" : endpoint->where,
	    endpoint->port);
}

static int
connect_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	return connect_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
	    (const struct sockaddr *)&address, sizeof(address));
}

static int
connect_inet(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list, *one;
	int error = EHOSTUNREACH;

	if (getaddrinfo(host, port, &hints, &list) != 0)
		return EHOSTUNREACH;
	for (one = list; one != NULL && error != 0; one = one->ai_next)
		error = connect_fd(
		    socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0),
		    one->ai_addr, one->ai_addrlen);
	freeaddrinfo(list);
	return error;
}

/* Closes fd.  0, or an errno value. */
static int
connect_fd(int fd, const struct sockaddr *address, socklen_t len)
{
	struct timeval patience = {.tv_sec = CONNECT_SECONDS};
	int error = 0;

	if (fd == -1)
		return errno;
	/* Holds for connect(2) as well. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
		sizeof(patience)) != 0 ||
	    connect(fd, address, len) != 0)
		error = errno;
	close(fd);
	return error;
}
