/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * check_daemons.c - Sendmail's daemons: their own filters, and copies.
 *
 * In:    the lines of a sendmail.cf, and where copies go.
 * Out:   findings, each with what to put into sendmail.mc.
 * Never: asks anybody.
 */
#include "ctl/check_sendmail.h"

#include <string.h>

/* Of a DaemonPortOptions line; NULL: it does not say. */
struct daemon {
	char *where; /* the line, to name it */
	char *port, *address;
	char *filters; /* its own list */
};

static void daemon_parse(const char *text, struct daemon *daemon);
static void daemon_clear(struct daemon *daemon);
static bool daemon_takes(
    const struct daemon *daemon, const struct check_endpoint *inject);
static void judge_injection(struct sendmail_view *view,
    const struct daemon *daemon, const struct sendmail_filter *ours);
static bool is_listed(const char *list, const char *name);
static bool is_loopback(const char *address);
static void judge_copies_signer(struct sendmail_view *view,
    const struct daemon *daemon, const char *filters);
static void judge_no_injection(
    struct sendmail_view *view, const struct check_endpoint *inject);
static void judge_limits(struct sendmail_view *view);

void
sendmail_judge_daemons(
    struct sendmail_view *view, const struct sendmail_filter *ours)
{
	struct check_endpoint inject = {0};
	bool found = false, copies;
	struct daemon daemon;
	const char *line;
	guint i;

	copies =
	    view->target->inject != NULL &&
	    check_endpoint_parse_inject(view->target->inject, &inject) == 0;
	for (i = 0; i < view->lines->len; i++) {
		line = g_ptr_array_index(view->lines, i);
		if (!g_str_has_prefix(line, "O DaemonPortOptions="))
			continue;
		daemon_parse(strchr(line, '=') + 1, &daemon);
		if (copies && daemon_takes(&daemon, &inject)) {
			found = true;
			judge_injection(view, &daemon, ours);
		} else if (daemon.filters != NULL)
			sendmail_judge_list(
			    view, ours, daemon.filters, daemon.where);
		daemon_clear(&daemon);
	}
	if (copies && !found)
		judge_no_injection(view, &inject);
	if (copies)
		judge_limits(view);
	check_endpoint_clear(&inject);
}

/* "Name=MSA, Port=587, Addr=127.0.0.1, InputMailFilters=a;b, M=E": the first
 * letter of a name is enough. */
static void
daemon_parse(const char *text, struct daemon *daemon)
{
	char **parts = g_strsplit(text, ",", -1);
	const char *value;
	char **target;
	size_t i;

	memset(daemon, 0, sizeof(*daemon));
	daemon->where = g_strdup_printf("DaemonPortOptions=%s", text);
	for (i = 0; parts[i] != NULL; i++) {
		value = strchr(g_strstrip(parts[i]), '=');
		target =
		    g_ascii_toupper(parts[i][0]) == 'P'   ? &daemon->port
		    : g_ascii_toupper(parts[i][0]) == 'A' ? &daemon->address
		    : g_ascii_toupper(parts[i][0]) == 'I' ? &daemon->filters
							  : NULL;
		if (value == NULL || target == NULL)
			continue;
		g_free(*target);
		*target = g_strstrip(g_strdup(value + 1));
	}
	g_strfreev(parts);
}

static void
daemon_clear(struct daemon *daemon)
{
	g_free(daemon->where);
	g_free(daemon->port);
	g_free(daemon->address);
	g_free(daemon->filters);
}

static bool
daemon_takes(const struct daemon *daemon, const struct check_endpoint *inject)
{
	struct check_endpoint own = {
	    .where = daemon->address == NULL ? (char *)(uintptr_t) ""
					     : daemon->address,
	    .port =
		daemon->port == NULL ? (char *)(uintptr_t) "25" : daemon->port,
	};

	if (inject->local)
		return g_strcmp0(daemon->address, inject->where) == 0;
	if (strcmp(own.port, "smtp") == 0)
		own.port = (char *)(uintptr_t) "25";
	return check_endpoint_same(&own, inject);
}

/* Where copies come in. */
static void
judge_injection(struct sendmail_view *view, const struct daemon *daemon,
    const struct sendmail_filter *ours)
{
	const char *filters = daemon->filters;
	size_t problems = check_count(view->report, CHECK_PROBLEM);
	bool here;

	if (filters == NULL) {
		filters = sendmail_option(view, "InputMailFilters");
		filters = filters == NULL ? "" : filters;
	}
	here = daemon->address != NULL &&
	       (daemon->address[0] == '/' || is_loopback(daemon->address));
	if (is_listed(filters, ours->name))
		check_add(view->report, CHECK_PROBLEM,
		    "%s: takes the copies and asks sealmilter about them: "
		    "they would come back for ever, so the daemon does not "
		    "start\n%s",
		    daemon->where,
		    here ? "Write InputMailFilters= (nothing, or only what "
			   "signs) into its DAEMON_OPTIONS in sendmail.mc."
			 : "Copies need a daemon of their own: take it from "
			   "contrib/sendmail/sealmilter.mc, and set inject = "
			   "\"smtp://127.0.0.1:10026\".");
	else if (!here)
		check_add(view->report, CHECK_PROBLEM,
		    "%s: other hosts reach it, and what they send there is "
		    "not sealed\n"
		    "Write Addr=127.0.0.1 into its DAEMON_OPTIONS.",
		    daemon->where);
	judge_copies_signer(view, daemon, filters);
	if (check_count(view->report, CHECK_PROBLEM) == problems)
		check_add(view->report, CHECK_OK,
		    "%s: takes the copies, and does not ask sealmilter about "
		    "them",
		    daemon->where);
}

/* Names in a list of filters. */
static bool
is_listed(const char *list, const char *name)
{
	char **names = g_strsplit_set(list, ",; \t", -1);
	bool found = g_strv_contains((const char *const *)names, name);

	g_strfreev(names);
	return found;
}

static bool
is_loopback(const char *address)
{
	struct check_endpoint endpoint = {
	    .where = (char *)(uintptr_t)address,
	    .port = (char *)(uintptr_t) "",
	};

	return address[0] != '\0' && strcmp(address, "0.0.0.0") != 0 &&
	       strcmp(address, "::") != 0 && check_endpoint_is_here(&endpoint);
}

/* The original is discarded, so no filter after us sees anything of it. */
static void
judge_copies_signer(struct sendmail_view *view, const struct daemon *daemon,
    const char *filters)
{
	const char *general = sendmail_option(view, "InputMailFilters");
	const struct sendmail_filter *filter;
	struct check_endpoint endpoint;
	guint i;

	for (i = 0; i < view->filters->len; i++) {
		filter =
		    &g_array_index(view->filters, struct sendmail_filter, i);
		if (check_endpoint_parse(filter->socket, &endpoint) != 0)
			continue;
		if (check_signer(filter->name, &endpoint) != CHECK_OK &&
		    general != NULL && is_listed(general, filter->name) &&
		    !is_listed(filters, filter->name))
			check_add(view->report, CHECK_WARNING,
			    "%s: copies are not shown to %s, which other "
			    "mail is shown to: if it signs (DKIM), copies "
			    "leave without a signature\n"
			    "Write InputMailFilters=%s into its "
			    "DAEMON_OPTIONS.",
			    daemon->where, filter->name, filter->name);
		check_endpoint_clear(&endpoint);
	}
}

static void
judge_no_injection(
    struct sendmail_view *view, const struct check_endpoint *inject)
{
	if (!check_endpoint_is_here(inject))
		check_add(view->report, CHECK_NOTE,
		    "inject = \"%s\" seems to be another host: what its mail "
		    "server has to be like is in sealmilter(8)",
		    view->target->inject);
	else if (inject->local)
		check_add(view->report, CHECK_PROBLEM,
		    "inject = \"%s\", but no DaemonPortOptions has that "
		    "socket: mail that is to be sealed is deferred\n"
		    "Set inject = \"smtp://127.0.0.1:10026\" in %s, and take "
		    "the daemon for it from contrib/sendmail/sealmilter.mc.",
		    view->target->inject, view->target->config_file);
	else
		check_add(view->report, CHECK_PROBLEM,
		    "inject = \"%s\", but no DaemonPortOptions has that "
		    "port: mail that is to be sealed is deferred\n"
		    "Put into sendmail.mc: DAEMON_OPTIONS(`Name=Seal, "
		    "Addr=%s, Port=%s, InputMailFilters=') and build "
		    "sendmail.cf again. (If that is the first DAEMON_OPTIONS "
		    "there, it replaces the one for port 25: then "
		    "DAEMON_OPTIONS(`Name=MTA') as well.)",
		    view->target->inject,
		    inject->where[0] == '\0' ||
			    strcmp(inject->where, "localhost") == 0
			? "127.0.0.1"
			: inject->where,
		    inject->port);
}

/* What holds for all daemons, and so for the one that takes copies. */
static void
judge_limits(struct sendmail_view *view)
{
	const unsigned int wanted = view->target->slots + CHECK_SPARE_PROCESSES;
	const char *safe = sendmail_option(view, "SuperSafe");
	const char *children = sendmail_option(view, "MaxDaemonChildren");
	guint64 limit =
	    children == NULL ? 0 : g_ascii_strtoull(children, NULL, 10);

	if (safe != NULL && strchr("fFnN0", safe[0]) != NULL)
		check_add(view->report, CHECK_PROBLEM,
		    "SuperSafe=%s: Sendmail says it has a message before it "
		    "is on the disk, and sealmilter forgets the original: a "
		    "crash loses mail\n"
		    "define(`confSAFE_QUEUE', `True') in sendmail.mc.",
		    safe);
	if (limit > 0 && limit < wanted)
		check_add(view->report,
		    limit > view->target->slots ? CHECK_WARNING : CHECK_PROBLEM,
		    "MaxDaemonChildren=%s holds for clients and copies "
		    "together, and copies alone use up to %u connections "
		    "(limits.inject_slots)\n"
		    "define(`confMAX_DAEMON_CHILDREN', `%u') or more in "
		    "sendmail.mc, or lower inject_slots in %s.",
		    children, view->target->slots, wanted + view->target->slots,
		    view->target->config_file);
}
