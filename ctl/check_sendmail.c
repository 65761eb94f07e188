/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * check_sendmail.c - what is missing or unsafe in a sendmail.cf.
 *
 * In:    the text of the file, and where sealmilter is.
 * Out:   findings, each with what to put into sendmail.mc.
 * Never: reads the .mc file, changes anything, or asks anybody.
 */
#include "ctl/check_sendmail.h"
#include "ctl/postconf.h"

#include <stdlib.h>
#include <string.h>

#define REPLY_SECONDS 10 /* Sendmail's defaults */
#define END_SECONDS 300
#define LOG_LEVEL 9
#define QUIET_LOG_LEVEL 8 /* above it, changed headers are logged */

static GPtrArray *logical_lines(const char *text);
static void find_filters(struct sendmail_view *view);
static void filter_parse(const char *line, struct sendmail_filter *filter);
static void filter_times(const char *text, struct sendmail_filter *filter);
static void filter_clear(struct sendmail_filter *filter);
static const struct sendmail_filter *find_us(const struct sendmail_view *view);
static void judge_absence(struct sendmail_view *view);
static void judge_filter(
    struct sendmail_view *view, const struct sendmail_filter *ours);
static void judge_order(
    struct sendmail_view *view, const struct sendmail_filter *ours);
static void judge_signer(
    struct sendmail_view *view, const char *name, const char *where);
static void judge_logging(struct sendmail_view *view);

bool
check_sendmail(struct check_report *report, const struct check_target *target,
    const char *text)
{
	struct sendmail_view view = {.report = report, .target = target};
	const struct sendmail_filter *ours;
	bool asked;
	guint i;

	if (check_endpoint_parse(target->socket, &view.socket) != 0) {
		check_add(report, CHECK_PROBLEM,
		    "socket = \"%s\" is none that Sendmail can use\n"
		    "Set it in %s to \"unix:/path\" or \"inet:port@host\".",
		    target->socket, target->config_file);
		return false;
	}
	view.lines = logical_lines(text);
	find_filters(&view);
	ours = find_us(&view);
	asked = ours != NULL;
	if (!asked) {
		judge_absence(&view);
	} else {
		judge_filter(&view, ours);
		judge_order(&view, ours);
		judge_logging(&view);
	}
	for (i = 0; i < view.filters->len; i++)
		filter_clear(
		    &g_array_index(view.filters, struct sendmail_filter, i));
	g_array_free(view.filters, TRUE);
	g_ptr_array_free(view.lines, TRUE);
	check_endpoint_clear(&view.socket);
	return asked;
}

/* A line that begins with a blank goes on with the one before. */
static GPtrArray *
logical_lines(const char *text)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	char **raw = g_strsplit(text, "\n", -1);
	char *joined;
	size_t i;

	for (i = 0; raw[i] != NULL; i++) {
		g_strchomp(raw[i]);
		if ((raw[i][0] == ' ' || raw[i][0] == '\t') && lines->len > 0) {
			joined = g_strconcat(
			    g_ptr_array_index(lines, lines->len - 1), raw[i],
			    NULL);
			g_free(g_ptr_array_index(lines, lines->len - 1));
			g_ptr_array_index(lines, lines->len - 1) = joined;
		} else if (raw[i][0] != '#' && raw[i][0] != '\0') {
			g_ptr_array_add(lines, g_strdup(raw[i]));
		}
	}
	g_strfreev(raw);
	return lines;
}

const char *
sendmail_option(const struct sendmail_view *view, const char *name)
{
	const char *found = NULL, *line;
	size_t len = strlen(name);
	guint i;

	for (i = 0; i < view->lines->len; i++) {
		line = g_ptr_array_index(view->lines, i);
		if (line[0] != 'O')
			continue;
		line += 1 + strspn(line + 1, " \t");
		if (g_ascii_strncasecmp(line, name, len) != 0)
			continue;
		line += len + strspn(line + len, " \t");
		if (line[0] == '=')
			found = line + 1 + strspn(line + 1, " \t");
	}
	return found;
}

static void
find_filters(struct sendmail_view *view)
{
	struct sendmail_filter filter;
	const char *line;
	guint i;

	view->filters = g_array_new(FALSE, FALSE, (guint)sizeof(filter));
	for (i = 0; i < view->lines->len; i++) {
		line = g_ptr_array_index(view->lines, i);
		if (line[0] != 'X')
			continue;
		filter_parse(line + 1, &filter);
		g_array_append_val(view->filters, filter);
	}
}

static void
filter_parse(const char *line, struct sendmail_filter *filter)
{
	char **parts = g_strsplit(line, ",", -1);
	const char *value;
	size_t i;

	memset(filter, 0, sizeof(*filter));
	filter->reply_seconds = REPLY_SECONDS;
	filter->end_seconds = END_SECONDS;
	filter->name = g_strdup(parts[0] == NULL ? "" : g_strstrip(parts[0]));
	for (i = 1; parts[0] != NULL && parts[i] != NULL; i++) {
		g_strstrip(parts[i]);
		value = strchr(parts[i], '=');
		if (value == NULL)
			continue;
		value += 1 + strspn(value + 1, " \t");
		if (parts[i][0] == 'S' && filter->socket == NULL)
			filter->socket = g_strdup(value);
		else if (parts[i][0] == 'F' && filter->flag == NULL)
			filter->flag = g_strdup(value);
		else if (parts[i][0] == 'T')
			filter_times(value, filter);
	}
	if (filter->socket == NULL)
		filter->socket = g_strdup("");
	if (filter->flag == NULL)
		filter->flag = g_strdup("");
	g_strfreev(parts);
}

/* "C:5m;S:10s;R:10s;E:5m" */
static void
filter_times(const char *text, struct sendmail_filter *filter)
{
	char **parts = g_strsplit(text, ";", -1);
	size_t i;

	for (i = 0; parts[i] != NULL; i++) {
		g_strstrip(parts[i]);
		if (g_str_has_prefix(parts[i], "R:"))
			filter->reply_seconds = postconf_seconds(parts[i] + 2);
		else if (g_str_has_prefix(parts[i], "E:"))
			filter->end_seconds = postconf_seconds(parts[i] + 2);
	}
	g_strfreev(parts);
}

static void
filter_clear(struct sendmail_filter *filter)
{
	g_free(filter->name);
	g_free(filter->socket);
	g_free(filter->flag);
}

static const struct sendmail_filter *
find_us(const struct sendmail_view *view)
{
	const struct sendmail_filter *filter, *found = NULL;
	struct check_endpoint endpoint;
	guint i;

	for (i = 0; i < view->filters->len && found == NULL; i++) {
		filter =
		    &g_array_index(view->filters, struct sendmail_filter, i);
		if (check_endpoint_parse(filter->socket, &endpoint) != 0)
			continue;
		if (check_endpoint_same(&endpoint, &view->socket))
			found = filter;
		check_endpoint_clear(&endpoint);
	}
	return found;
}

static void
judge_absence(struct sendmail_view *view)
{
	const struct check_endpoint *socket = &view->socket;
	char *ours;

	if (socket->local)
		ours = g_strdup_printf("local:%s", socket->where);
	else
		ours = g_strdup_printf("inet:%s@%s", socket->port,
		    socket->where[0] == '\0' ? "localhost" : socket->where);
	check_add(view->report, CHECK_PROBLEM,
	    "Sendmail does not ask sealmilter yet: no X line has the socket "
	    "%s, so mail passes as it is\n"
	    "Put into sendmail.mc, before any filter that signs: "
	    "INPUT_MAIL_FILTER(`sealmilter', `S=%s, F=T, "
	    "T=C:10s;S:60s;R:60s;E:5m') and build sendmail.cf again.",
	    ours, ours);
	g_free(ours);
}

static void
judge_filter(struct sendmail_view *view, const struct sendmail_filter *ours)
{
	if (strcmp(ours->flag, "T") == 0)
		check_add(view->report, CHECK_OK,
		    "%s: asks sealmilter, and defers mail while it cannot "
		    "(F=T)",
		    ours->name);
	else
		check_add(view->report, CHECK_PROBLEM,
		    "%s: has %s%s instead of F=T: %s whenever sealmilter is "
		    "down or dies\n"
		    "Write F=T in its INPUT_MAIL_FILTER: then the sender tries "
		    "again.",
		    ours->name,
		    ours->flag[0] == '\0' ? "no F=" : "F=", ours->flag,
		    ours->flag[0] == '\0'
			? "mail goes out readable, or half sealed,"
			: "mail is lost to the sender");
	if (ours->end_seconds < view->target->message_seconds)
		check_add(view->report, CHECK_WARNING,
		    "%s: T=E: is %u s, but a message may take sealmilter %u "
		    "s: Sendmail gives up before it, and the sender tries in "
		    "vain again\n"
		    "Write E:5m in T=, or lower limits.message_seconds.",
		    ours->name, ours->end_seconds,
		    view->target->message_seconds);
	if (ours->reply_seconds < view->target->look_up_seconds)
		check_add(view->report, CHECK_WARNING,
		    "%s: T=R: is %u s, but looking up a key with GnuPG may "
		    "take %u s\n"
		    "Write R:60s in T=.",
		    ours->name, ours->reply_seconds,
		    view->target->look_up_seconds);
}

static void
judge_order(struct sendmail_view *view, const struct sendmail_filter *ours)
{
	const char *list = sendmail_option(view, "InputMailFilters");

	sendmail_judge_list(
	    view, ours, list == NULL ? "" : list, "InputMailFilters");
	sendmail_judge_daemons(view, ours);
}

void
sendmail_judge_list(struct sendmail_view *view,
    const struct sendmail_filter *ours, const char *list, const char *where)
{
	char **names = g_strsplit_set(list, ",;", -1);
	bool found = false;
	size_t i;

	for (i = 0; names[i] != NULL && !found; i++) {
		g_strstrip(names[i]);
		found = strcmp(names[i], ours->name) == 0;
		if (!found)
			judge_signer(view, names[i], where);
	}
	if (!found)
		check_add(view->report, CHECK_PROBLEM,
		    "%s does not name %s: it is defined, but mail passes "
		    "without it\n"
		    "Use INPUT_MAIL_FILTER (not MAIL_FILTER), or name it in "
		    "confINPUT_MAIL_FILTERS.",
		    where, ours->name);
	g_strfreev(names);
}

static void
judge_signer(struct sendmail_view *view, const char *name, const char *where)
{
	const struct sendmail_filter *filter;
	struct check_endpoint endpoint;
	enum check_level level;
	guint i;

	for (i = 0; i < view->filters->len; i++) {
		filter =
		    &g_array_index(view->filters, struct sendmail_filter, i);
		if (strcmp(filter->name, name) != 0 ||
		    check_endpoint_parse(filter->socket, &endpoint) != 0)
			continue;
		level = check_signer(name, &endpoint);
		if (level != CHECK_OK)
			check_add(view->report, level,
			    "%s: %s comes before sealmilter: if it signs "
			    "(DKIM), its signature is broken as soon as the "
			    "message is sealed\n%s",
			    where, name,
			    level == CHECK_PROBLEM
				? "Put its INPUT_MAIL_FILTER after "
				  "sealmilter's: what leaves is what is "
				  "signed."
				: "For checking incoming mail this is the "
				  "right place; see that it does not sign "
				  "here.");
		check_endpoint_clear(&endpoint);
	}
}

/* At 9, the default, milter.c logs "change: header Subject: from OLD". */
static void
judge_logging(struct sendmail_view *view)
{
	const char *text = sendmail_option(view, "Milter.LogLevel");
	long level = LOG_LEVEL;

	if (text == NULL)
		text = sendmail_option(view, "LogLevel");
	if (text != NULL)
		level = strtol(text, NULL, 10);
	if (level > QUIET_LOG_LEVEL)
		check_add(view->report, CHECK_WARNING,
		    "at Milter.LogLevel %ld Sendmail writes the Subject that "
		    "sealmilter hides into its log\n"
		    "define(`confMILTER_LOG_LEVEL', `%d') in sendmail.mc.",
		    level, QUIET_LOG_LEVEL);
}
