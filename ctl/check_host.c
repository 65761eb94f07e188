/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * check_host.c - what the daemon needs of this host.
 *
 * In:    the configuration, users, groups and directories of the system.
 * Out:   findings.
 * Never: makes what is missing.
 */
#include "ctl/check.h"
#include "seal/seal.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

static void look_at_user(
    struct check_report *report, const struct config *config);
static void look_at_gpg(
    struct check_report *report, const struct config *config);
static void look_at_group(
    struct check_report *report, const struct config *config);
static void look_at_pid_file(
    struct check_report *report, const struct config *config);
static void look_at_reach(
    struct check_report *report, const struct config *config);
static bool is_loopback(const char *host);

void
check_host(struct check_report *report, const struct config *config)
{
	look_at_user(report, config);
	look_at_gpg(report, config);
	look_at_group(report, config);
	look_at_pid_file(report, config);
	look_at_reach(report, config);
}

bool
check_sees_all(const struct config *config)
{
	const struct passwd *user;

	if (config->user == NULL || geteuid() == 0)
		return true;
	user = getpwnam(config->user);
	return user == NULL || user->pw_uid == geteuid();
}

char *
check_user_name(void)
{
	const struct passwd *user = getpwuid(geteuid());

	if (user != NULL)
		return g_strdup(user->pw_name);
	return g_strdup_printf("%u", (unsigned int)geteuid());
}

static void
look_at_user(struct check_report *report, const struct config *config)
{
	const struct passwd *user;

	if (config->user == NULL)
		return;
	user = getpwnam(config->user);
	if (user == NULL)
		check_add(report, CHECK_PROBLEM,
		    "user = \"%s\": there is no such user\n"
		    "As root: useradd --system --home-dir %s "
		    "--shell /usr/sbin/nologin %s",
		    config->user, config->state, config->user);
	else if (geteuid() != 0 && geteuid() != user->pw_uid)
		check_add(report, CHECK_NOTE,
		    "you are not root: I see what you may see, the daemon "
		    "what %s may see",
		    config->user);
}

static void
look_at_gpg(struct check_report *report, const struct config *config)
{
	if (access(config->gpg, X_OK) == 0)
		return;
	check_add(report,
	    (config->engines & PGP_GNUPG) == 0 ? CHECK_WARNING : CHECK_PROBLEM,
	    "gpg = \"%s\": %s\n"
	    "Install GnuPG, or set gpg to where it is.",
	    config->gpg, g_strerror(errno));
}

/* Without the group the daemon does not start. */
static void
look_at_group(struct check_report *report, const struct config *config)
{
	if (config->socket_group != NULL &&
	    getgrnam(config->socket_group) == NULL)
		check_add(report, CHECK_PROBLEM,
		    "socket_group = \"%s\": there is no such group\n"
		    "Name one that the mail server's processes are in.",
		    config->socket_group);
}

static void
look_at_pid_file(struct check_report *report, const struct config *config)
{
	char *directory;

	if (config->pid_file == NULL)
		return;
	directory = g_path_get_dirname(config->pid_file);
	if (access(directory, F_OK) != 0 && errno == ENOENT)
		check_add(report, CHECK_PROBLEM,
		    "pid_file = \"%s\": there is no directory %s\n"
		    "Make it, or take the option out: systemd needs none.",
		    config->pid_file, directory);
	g_free(directory);
}

/* Who reaches the socket can say who sent a message, and how. */
static void
look_at_reach(struct check_report *report, const struct config *config)
{
	struct check_endpoint endpoint;

	if (check_endpoint_parse(config->socket, &endpoint) != 0)
		return;
	if (!endpoint.local && !is_loopback(endpoint.where))
		check_add(report, CHECK_WARNING,
		    "socket = \"%s\" can be reached from other hosts: mail "
		    "crosses the network readable, and who connects passes for "
		    "the mail server\n"
		    "Use a unix socket or 127.0.0.1, or see that nobody else "
		    "reaches the port.",
		    config->socket);
	check_endpoint_clear(&endpoint);
}

static bool
is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	       g_str_has_prefix(host, "127.");
}
