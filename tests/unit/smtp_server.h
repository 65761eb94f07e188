/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_SMTP_SERVER_H
#define TESTS_UNIT_SMTP_SERVER_H

/*
 * An SMTP server in a thread that says what a script says, right or wrong,
 * and keeps every octet that it was sent.
 */

#include "milter/smtp.h"
#include "tests/tap.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define EVERYTHING                                                             \
	"250-server.example\r\n250-PIPELINING\r\n250-SIZE 100000000\r\n"       \
	"250-8BITMIME\r\n250-DSN\r\n250 SMTPUTF8\r\n"
#define NOTHING "250 server.example\r\n"
#define QUEUED "250 2.0.0 Ok: queued as 4jX4Xg1s91z1bh9d\r\n"

/* Instead of a reply. */
#define SILENCE "" /* until the client goes */
#define HANGUP "\001"
#define RESET "\002"

/* NULL: what a good server would say. */
struct script {
	const char *greeting, *ehlo, *mail, *rcpt, *data, *dot;
	const char *rcpt_bob; /* to RCPT for bob; NULL: as for the others */
	const char *early;    /* after early_after octets of the message */
	size_t early_after;
	size_t reset_after; /* octets of the whole conversation; 0: never */
	size_t reset_text;  /* octets of the message, and one; 0: never */
	int trickle_ms;     /* before every octet of a reply */
	int dot_ms;         /* before the answer to the dot */
	unsigned int limit; /* of messages, then 421 at MAIL; 0: none */
	bool hangs_up;      /* after each message */
	bool slow_reader;   /* does not read the message */
	bool batch;         /* answers MAIL and RCPT when DATA or a
			     * second RCPT is there */
};

struct server {
	struct script script;
	int listener, stop;
	char *target;
	char *path;
	GThread *thread;
	bool threaded; /* one thread for each connection */
	GMutex lock;
	GString *seen;            /* of all connections */
	GString *text;            /* the last message, with its dot */
	unsigned int connections; /* that were accepted */
	unsigned int open, open_most;
	unsigned int messages; /* that were taken */
	int said_early;
	int left;           /* set when the client has gone */
	unsigned int eager; /* commands that came before they should */
	GPtrArray *threads;
};

struct client {
	struct server *server;
	int fd;
	GString *in, *text, *held;
	bool in_text, over;
	size_t count;
	unsigned int messages;
};

static inline bool
server_is_waited_for(int fd, int ms)
{
	struct pollfd which = {fd, POLLRDHUP, 0};

	return poll(&which, 1, ms) == 0;
}

static inline void
server_reset(struct client *client)
{
	const struct linger now = {1, 0};

	(void)setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	client->over = true;
}

/* False: the client has gone. */
static inline bool
server_put(struct client *client, const char *octets, size_t len)
{
	int ms = client->server->script.trickle_ms;
	size_t i;

	if (ms == 0)
		return send(client->fd, octets, len, MSG_NOSIGNAL) ==
		       (ssize_t)len;
	for (i = 0; i < len; i++)
		if (!server_is_waited_for(client->fd, ms) ||
		    send(client->fd, octets + i, 1, MSG_NOSIGNAL) != 1)
			return false;
	return true;
}

static inline void
server_say(struct client *client, const char *reply)
{
	struct pollfd gone = {client->fd, POLLRDHUP, 0};

	if (strcmp(reply, HANGUP) == 0) {
		client->over = true;
	} else if (strcmp(reply, RESET) == 0) {
		server_reset(client);
	} else if (strcmp(reply, SILENCE) == 0) {
		(void)poll(&gone, 1, -1);
		client->over = true;
	} else if (client->server->script.batch) {
		g_string_append(client->held, reply);
	} else if (!server_put(client, reply, strlen(reply))) {
		client->over = true;
	}
}

static inline void
server_release(struct client *client)
{
	if (client->held->len > 0 &&
	    !server_put(client, client->held->str, client->held->len))
		client->over = true;
	g_string_truncate(client->held, 0);
}

static inline const char *
server_or(const char *scripted, const char *good)
{
	return scripted == NULL ? good : scripted;
}

static inline void
server_command(struct client *client, const char *line)
{
	const struct script *script = &client->server->script;

	if (g_str_has_prefix(line, "EHLO ")) {
		server_say(client, server_or(script->ehlo, EVERYTHING));
		server_release(client);
	} else if (g_str_has_prefix(line, "MAIL FROM:")) {
		if (script->limit > 0 && client->messages >= script->limit)
			server_say(client, "421 4.7.0 enough for today\r\n");
		else
			server_say(
			    client, server_or(script->mail, "250 ok\r\n"));
	} else if (g_str_has_prefix(line, "RCPT TO:")) {
		server_say(client,
		    strstr(line, "bob") != NULL && script->rcpt_bob != NULL
			? script->rcpt_bob
			: server_or(script->rcpt, "250 ok\r\n"));
		server_release(client);
	} else if (strcmp(line, "DATA") == 0) {
		client->in_text =
		    script->data == NULL || script->data[0] == '3';
		g_string_truncate(client->text, 0);
		server_say(client, server_or(script->data, "354 go on\r\n"));
		server_release(client);
	} else if (strcmp(line, "QUIT") == 0) {
		client->over = true;
	} else {
		server_say(client, "500 what?\r\n");
	}
}

static inline bool
server_ends(const GString *text, const char *end)
{
	size_t len = strlen(end);

	return text->len >= len &&
	       memcmp(text->str + text->len - len, end, len) == 0;
}

static inline bool
server_is_dot(const GString *text)
{
	return server_ends(text, "\r\n.\r\n") ||
	       (text->len == 3 && server_ends(text, ".\r\n"));
}

static inline void
server_dot(struct client *client)
{
	struct server *server = client->server;
	const char *reply = server_or(server->script.dot, QUEUED);

	client->in_text = false;
	client->messages++;
	g_mutex_lock(&server->lock);
	g_string_assign(server->text, client->text->str);
	server->messages += reply[0] == '2';
	g_mutex_unlock(&server->lock);
	if (server->script.dot_ms > 0)
		(void)server_is_waited_for(client->fd, server->script.dot_ms);
	server_say(client, reply);
	server_release(client);
	if (server->script.hangs_up)
		client->over = true;
}

/* Its end cannot be seen behind octets that nobody reads. */
static inline void
server_do_nothing(struct client *client)
{
	while (!g_atomic_int_get(&client->server->left))
		(void)poll(NULL, 0, 10);
	client->over = true;
}

static inline void
server_text(struct client *client, char c)
{
	const struct script *script = &client->server->script;

	g_string_append_c(client->text, c);
	if (script->reset_text > 0 &&
	    client->text->len + 1 == script->reset_text)
		server_reset(client);
	if (script->early != NULL && client->text->len == script->early_after) {
		server_say(client, script->early);
		g_atomic_int_set(&client->server->said_early, 1);
		/* The client shall hear it while it cannot write. */
		server_do_nothing(client);
	}
	if (!client->over && server_is_dot(client->text))
		server_dot(client);
}

static inline void
server_octet(struct client *client, char c, bool more)
{
	struct server *server = client->server;

	client->count++;
	g_mutex_lock(&server->lock);
	g_string_append_c(server->seen, c);
	g_mutex_unlock(&server->lock);
	if (server->script.reset_after == client->count) {
		server_reset(client);
	} else if (client->in_text) {
		server_text(client, c);
	} else {
		g_string_append_c(client->in, c);
		if (!server_ends(client->in, "\r\n"))
			return;
		g_string_truncate(client->in, client->in->len - 2);
		if (more)
			g_atomic_int_inc(&server->eager);
		server_command(client, client->in->str);
		g_string_truncate(client->in, 0);
	}
}

static inline void
server_converse(struct client *client)
{
	const struct script *script = &client->server->script;
	char octets[16384];
	ssize_t n, i;

	server_say(client, server_or(script->greeting, "220 hello\r\n"));
	server_release(client);
	while (!client->over) {
		if (client->in_text && script->reset_text == 1) {
			server_reset(client);
			break;
		}
		if (client->in_text && script->slow_reader) {
			server_do_nothing(client);
			break;
		}
		n = recv(client->fd, octets, sizeof(octets), 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		for (i = 0; i < n && !client->over; i++)
			server_octet(client, octets[i], i + 1 < n);
	}
}

static inline void *
server_serve(void *data)
{
	struct client *client = data;
	struct server *server = client->server;

	client->in = g_string_new(NULL);
	client->text = g_string_new(NULL);
	client->held = g_string_new(NULL);
	server_converse(client);
	g_mutex_lock(&server->lock);
	server->open--;
	g_mutex_unlock(&server->lock);
	(void)close(client->fd);
	g_string_free(client->in, TRUE);
	g_string_free(client->text, TRUE);
	g_string_free(client->held, TRUE);
	g_free(client);
	return NULL;
}

static inline void
server_take(struct server *server, int fd)
{
	struct client *client = g_new0(struct client, 1);
	const int on = 1;

	/* Its replies are written one by one. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	client->server = server;
	client->fd = fd;
	g_mutex_lock(&server->lock);
	server->connections++;
	server->open++;
	server->open_most = MAX(server->open_most, server->open);
	g_mutex_unlock(&server->lock);
	if (server->threaded)
		g_ptr_array_add(server->threads,
		    g_thread_new("client", server_serve, client));
	else
		(void)server_serve(client);
}

/* Whoever is in the queue is served before it stops. */
static inline void *
server_main(void *data)
{
	struct server *server = data;
	struct pollfd which[2] = {
	    {server->listener, POLLIN, 0}, {server->stop, POLLIN, 0}};
	guint i;
	int fd;

	for (;;) {
		(void)poll(which, 2, -1);
		if ((which[0].revents & POLLIN) != 0) {
			fd =
			    accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
			if (fd != -1)
				server_take(server, fd);
		} else if (which[1].revents != 0) {
			break;
		}
	}
	for (i = 0; i < server->threads->len; i++)
		(void)g_thread_join(g_ptr_array_index(server->threads, i));
	return NULL;
}

/* On a free port of the loopback address. */
static inline void
server_listen_inet(struct server *server)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server->listener, (struct sockaddr *)&address,
		sizeof(address)) != 0 ||
	    listen(server->listener, 100) != 0 ||
	    getsockname(server->listener, (struct sockaddr *)&address, &len) !=
		0)
		g_error("no port: %s", g_strerror(errno));
	server->target =
	    g_strdup_printf("smtp://127.0.0.1:%u", ntohs(address.sin_port));
}

static inline void
server_listen_unix(struct server *server)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	g_strlcpy(address.sun_path, server->path, sizeof(address.sun_path));
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server->listener, (struct sockaddr *)&address,
		sizeof(address)) != 0 ||
	    listen(server->listener, 100) != 0)
		g_error("no socket: %s", g_strerror(errno));
	server->target = g_strconcat("unix:", server->path, NULL);
}

/* path: of a unix socket, or NULL. */
static inline struct server *
server_start(const struct script *script, const char *path, bool threaded)
{
	struct server *server = g_new0(struct server, 1);

	if (script != NULL)
		server->script = *script;
	server->threaded = threaded;
	server->path = g_strdup(path);
	server->stop = eventfd(0, EFD_CLOEXEC);
	server->seen = g_string_new(NULL);
	server->text = g_string_new(NULL);
	server->threads = g_ptr_array_new();
	g_mutex_init(&server->lock);
	if (path == NULL)
		server_listen_inet(server);
	else
		server_listen_unix(server);
	server->thread = g_thread_new("server", server_main, server);
	return server;
}

/* After this, what was seen can be read; all clients must have gone. */
static inline void
server_stop(struct server *server)
{
	const uint64_t one = 1;

	if (server->thread == NULL)
		return;
	if (write(server->stop, &one, sizeof(one)) != sizeof(one))
		g_error("the server cannot be stopped");
	(void)g_thread_join(server->thread);
	server->thread = NULL;
	(void)close(server->listener);
}

static inline void
server_free(struct server **serverp)
{
	struct server *server = *serverp;

	server_stop(server);
	(void)close(server->stop);
	if (server->path != NULL)
		(void)unlink(server->path);
	g_string_free(server->seen, TRUE);
	g_string_free(server->text, TRUE);
	g_ptr_array_unref(server->threads);
	g_mutex_clear(&server->lock);
	g_free(server->target);
	g_free(server->path);
	g_free(server);
	*serverp = NULL;
}

static inline struct smtp_target *
server_target(const struct server *server)
{
	struct smtp_target *target = NULL;
	const char *complaint = NULL;

	if (smtp_target_parse(server->target, &target, &complaint) != 0)
		g_error("%s %s", server->target, complaint);
	return target;
}

static inline gint64
server_deadline(int ms)
{
	return g_get_monotonic_time() + (gint64)ms * 1000;
}

#endif
