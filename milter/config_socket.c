/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * config_socket.c - the option "socket".
 *
 * In:    a setting of libconfig's.
 * Out:   where the MTA finds the daemon, as libmilter writes it.
 * Never: makes a socket.
 */
#include "milter/config_private.h"

#include "policy/option.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static const char *socket_complaint(const char *text);
static const char *unix_complaint(const char *path);
static const char *inet_complaint(const char *text);

int
config_parse_socket(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;
	const char *text, *complaint;

	if (option_string(setting, &text, fault) != 0)
		return -1;
	if ((complaint = socket_complaint(text)) != NULL) {
		option_fault(fault, setting, "\"%s\" %s", text, complaint);
		return -1;
	}
	g_free(config->socket);
	if (g_str_has_prefix(text, "local:"))
		config->socket =
		    g_strconcat("unix:", text + strlen("local:"), NULL);
	else
		config->socket = g_strdup(text);
	return 0;
}

static const char *
socket_complaint(const char *text)
{
	if (g_str_has_prefix(text, "unix:"))
		return unix_complaint(text + strlen("unix:"));
	if (g_str_has_prefix(text, "local:"))
		return unix_complaint(text + strlen("local:"));
	if (g_str_has_prefix(text, "inet:"))
		return inet_complaint(text + strlen("inet:"));
	if (g_str_has_prefix(text, "inet6:"))
		return inet_complaint(text + strlen("inet6:"));
	return "is no socket; such are \"unix:/run/sealmilter/milter.sock\" "
	       "and \"inet:8891@127.0.0.1\"";
}

static const char *
unix_complaint(const char *path)
{
	struct sockaddr_un address;

	if (!g_path_is_absolute(path))
		return "needs a path that begins with \"/\"";
	if (strlen(path) >= sizeof(address.sun_path))
		return "is too long: a socket's path has at most 107 octets";
	return NULL;
}

static const char *
inet_complaint(const char *text)
{
	const char *at = strchr(text, '@');
	guint64 port;
	char *digits;
	bool good;

	if (at == NULL || at[1] == '\0')
		return "needs a port and an address, such as "
		       "\"inet:8891@127.0.0.1\"";
	if (strpbrk(at + 1, "@ \t") != NULL)
		return "has no address after \"@\"";
	digits = g_strndup(text, (gsize)(at - text));
	good = g_ascii_string_to_unsigned(digits, 10, 1, 65535, &port, NULL);
	g_free(digits);
	return good ? NULL : "needs a port from 1 to 65535 before \"@\"";
}
