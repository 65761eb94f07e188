/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * check_postfix.c - what is missing or unsafe in a Postfix's configuration.
 *
 * In:    the configuration as postconf.c read it, and where sealmilter is.
 * Out:   findings, each with what to do about it.
 * Never: changes anything, or asks anybody.
 */
#include "ctl/check.h"
#include "ctl/check_inject.h"
#include "ctl/postconf.h"

#include <stdlib.h>
#include <string.h>

enum place {
	PLACE_OUTSIDE,    /* port 25: mail from everywhere */
	PLACE_SUBMISSION, /* our own users */
	PLACE_LOOPBACK,   /* filters hand mail back here */
	PLACE_OTHER,
};

/* A service and where we stand in its list of milters. */
struct listener {
	const struct postconf_service *service;
	enum place place;
	GPtrArray *milters;
	guint ours;       /* index in milters, or milters->len */
	bool unreachable; /* the list names us by a path that is not seen */
	bool injection;   /* copies of ours go there */
};

struct view {
	struct check_report *report;
	const struct check_target *target;
	const struct postconf *postconf;
	struct check_endpoint socket;
	char *line;         /* how smtpd_milters should name us */
	GArray *listeners;  /* of struct listener */
	bool submission;    /* there is a submission service */
	guint served;       /* listeners that have us */
	const char *signer; /* of those listeners, or NULL */
};

static char *milter_line(const struct view *view);
static void find_listeners(struct view *view);
static enum place place_of(const struct postconf_service *service);
static guint find_us(const struct view *view, const GPtrArray *milters,
    bool chrooted, bool *unreachablep);
static char *seen_path(
    const struct view *view, const char *path, bool chrooted);
static void judge_absence(struct view *view);
static void judge_absent(struct view *view, const struct listener *listener);
static void judge_listener(struct view *view, const struct listener *listener);
static void judge_injection(struct view *view);
static void judge_unreachable(
    struct view *view, const struct listener *listener);
static void judge_action(struct view *view,
    const struct postconf_service *service,
    const struct postconf_milter *milter, const char *where);
static void judge_bypasses(struct view *view, const struct listener *listener);
static void judge_protocol(struct view *view, const struct listener *listener);
static void judge_timeout(struct view *view, const struct listener *listener);
static void judge_signers(struct view *view, const GPtrArray *milters,
    guint ours, enum check_level level, const char *where);
static enum check_level signer_level(const struct view *view, enum place place);
static void judge_local_mail(struct view *view);
static void judge_rest(struct view *view);

bool
check_postfix(struct check_report *report, const struct check_target *target,
    const struct postconf *postconf)
{
	struct view view = {
	    .report = report, .target = target, .postconf = postconf};
	const struct listener *listener;
	guint i;

	if (check_endpoint_parse(target->socket, &view.socket) != 0) {
		check_add(report, CHECK_PROBLEM,
		    "socket = \"%s\" is none that Postfix can use\n"
		    "Set it in %s to \"unix:/path\" or \"inet:port@host\".",
		    target->socket, target->config_file);
		return false;
	}
	view.line = milter_line(&view);
	find_listeners(&view);
	if (view.served == 0)
		judge_absence(&view);
	for (i = 0; i < view.listeners->len; i++) {
		listener = &g_array_index(view.listeners, struct listener, i);
		if (listener->injection)
			continue;
		if (listener->ours < listener->milters->len)
			judge_listener(&view, listener);
		else if (view.served > 0)
			judge_absent(&view, listener);
	}
	if (target->inject != NULL)
		judge_injection(&view);
	if (view.served > 0) {
		judge_local_mail(&view);
		judge_rest(&view);
	}
	check_mailboxes(report, target, postconf);
	for (i = 0; i < view.listeners->len; i++)
		g_ptr_array_free(
		    g_array_index(view.listeners, struct listener, i).milters,
		    TRUE);
	g_array_free(view.listeners, TRUE);
	check_endpoint_clear(&view.socket);
	g_free(view.line);
	return view.served > 0;
}

/*
 * A path below the queue directory is written relative to it: that is seen
 * by services in the chroot and by those outside.
 */
static char *
milter_line(const struct view *view)
{
	const struct check_endpoint *socket = &view->socket;
	const char *queue =
	    postconf_setting(view->postconf, NULL, "queue_directory");
	size_t len = strlen(queue);

	if (!socket->local && strchr(socket->where, ':') != NULL)
		return g_strdup_printf(
		    "inet:[%s]:%s", socket->where, socket->port);
	if (!socket->local)
		return g_strdup_printf("inet:%s:%s",
		    socket->where[0] == '\0' ? "localhost" : socket->where,
		    socket->port);
	if (len > 0 && strncmp(socket->where, queue, len) == 0 &&
	    socket->where[len] == '/')
		return g_strdup_printf("unix:%s", socket->where + len + 1);
	return g_strdup_printf("unix:%s", socket->where);
}

static void
find_listeners(struct view *view)
{
	const struct postconf_service *service;
	struct listener listener;
	guint i;

	view->listeners =
	    g_array_new(FALSE, FALSE, (guint)sizeof(struct listener));
	for (i = 0; i < view->postconf->services->len; i++) {
		service = g_ptr_array_index(view->postconf->services, i);
		if (strcmp(service->command, "smtpd") != 0)
			continue;
		memset(&listener, 0, sizeof(listener));
		listener.service = service;
		listener.place = place_of(service);
		listener.milters = postconf_milters(
		    postconf_setting(view->postconf, service, "smtpd_milters"));
		listener.ours = find_us(view, listener.milters,
		    service->chrooted, &listener.unreachable);
		listener.injection =
		    check_inject_is(view->target, view->postconf, service);
		/* One where mail comes in asks us, even if it should not. */
		if (listener.ours < listener.milters->len &&
		    (!listener.injection || listener.place == PLACE_OUTSIDE ||
			listener.place == PLACE_SUBMISSION))
			view->served++;
		if (listener.place == PLACE_SUBMISSION)
			view->submission = true;
		g_array_append_val(view->listeners, listener);
	}
}

static enum place
place_of(const struct postconf_service *service)
{
	static const char *const submission[] = {
	    "submission", "submissions", "smtps", "587", "465", NULL};
	const char *colon = strrchr(service->name, ':');
	const char *port = colon == NULL ? service->name : colon + 1;

	if (g_strv_contains(submission, port))
		return PLACE_SUBMISSION;
	if (colon != NULL &&
	    (g_str_has_prefix(service->name, "127.") ||
		g_str_has_prefix(service->name, "localhost:") ||
		g_str_has_prefix(service->name, "[::1]:") ||
		g_str_has_prefix(service->name, "::1:")))
		return PLACE_LOOPBACK;
	if (strcmp(port, "smtp") == 0 || strcmp(port, "25") == 0 ||
	    strcmp(service->type, "pass") == 0)
		return PLACE_OUTSIDE;
	return PLACE_OTHER;
}

/* The index of our entry, or milters->len. */
static guint
find_us(const struct view *view, const GPtrArray *milters, bool chrooted,
    bool *unreachablep)
{
	const struct postconf_milter *milter;
	struct check_endpoint endpoint;
	bool found = false;
	char *seen;
	guint i;

	for (i = 0; i < milters->len && !found; i++) {
		milter = g_ptr_array_index(milters, i);
		if (check_endpoint_parse(milter->endpoint, &endpoint) != 0)
			continue;
		*unreachablep = false;
		found = check_endpoint_same(&endpoint, &view->socket);
		if (endpoint.local) {
			seen = seen_path(view, endpoint.where, chrooted);
			/* Named by our path, which is elsewhere from there. */
			*unreachablep =
			    found && strcmp(seen, view->socket.where) != 0;
			found |= strcmp(seen, view->socket.where) == 0;
			g_free(seen);
		}
		check_endpoint_clear(&endpoint);
	}
	return found ? i - 1 : milters->len;
}

/* Services run in the queue directory; in the chroot it is their root. */
static char *
seen_path(const struct view *view, const char *path, bool chrooted)
{
	const char *queue =
	    postconf_setting(view->postconf, NULL, "queue_directory");

	if (path[0] == '/' && !chrooted)
		return g_strdup(path);
	return g_strconcat(queue, path[0] == '/' ? "" : "/", path, NULL);
}

/* Nobody has us yet: say at once all that it takes. */
static void
judge_absence(struct view *view)
{
	const struct listener *listener;
	guint i;

	for (i = 0; i < view->listeners->len; i++) {
		listener = &g_array_index(view->listeners, struct listener, i);
		if (listener->service->chrooted &&
		    g_str_has_prefix(view->line, "unix:/")) {
			judge_unreachable(view, listener);
			return;
		}
	}
	check_add(view->report, CHECK_PROBLEM,
	    "Postfix does not ask sealmilter yet: no SMTP service has %s in "
	    "its smtpd_milters, so mail passes as it is\n"
	    "Add it before anything that signs: "
	    "postconf -e 'smtpd_milters = { %s, default_action=tempfail }' "
	    "'non_smtpd_milters = { %s, default_action=tempfail }' "
	    "&& postfix reload",
	    view->line, view->line, view->line);
}

static void
judge_absent(struct view *view, const struct listener *listener)
{
	const char *name = listener->service->name;

	switch (listener->place) {
	case PLACE_SUBMISSION:
		check_add(view->report, CHECK_PROBLEM,
		    "%s: not asked: what your own users send here is not "
		    "sealed\n"
		    "Its smtpd_milters (see -o in master.cf) needs %s.",
		    name, view->line);
		break;
	case PLACE_OUTSIDE:
		check_add(view->report,
		    view->submission ? CHECK_WARNING : CHECK_PROBLEM,
		    "%s: not asked: mail that comes in here is stored and "
		    "relayed as it is\n"
		    "If it should be sealed, its smtpd_milters needs %s.",
		    name, view->line);
		break;
	case PLACE_LOOPBACK:
		check_add(view->report, CHECK_NOTE,
		    "%s: not asked: fine if only filters hand back mail here "
		    "that has passed sealmilter before",
		    name);
		break;
	case PLACE_OTHER:
		check_add(view->report, CHECK_WARNING,
		    "%s: not asked: mail that comes in here is not sealed\n"
		    "If it should be, its smtpd_milters needs %s.",
		    name, view->line);
		break;
	}
}

static void
judge_listener(struct view *view, const struct listener *listener)
{
	size_t problems = check_count(view->report, CHECK_PROBLEM);
	const char *name = listener->service->name;

	if (listener->unreachable)
		judge_unreachable(view, listener);
	judge_action(view, listener->service,
	    g_ptr_array_index(listener->milters, listener->ours), name);
	judge_bypasses(view, listener);
	if (view->target->inject != NULL)
		check_inject_front(
		    view->report, view->postconf, listener->service);
	judge_protocol(view, listener);
	judge_timeout(view, listener);
	judge_signers(view, listener->milters, listener->ours,
	    signer_level(view, listener->place), name);
	if (view->signer == NULL)
		view->signer = check_inject_signer(listener->milters);
	if (check_count(view->report, CHECK_PROBLEM) == problems)
		check_add(view->report, CHECK_OK,
		    "%s: asks sealmilter, and defers mail while it cannot",
		    name);
}

/* What becomes of the copies. */
static void
judge_injection(struct view *view)
{
	struct check_inject_side side = {.signer = view->signer};
	const struct listener *listener;
	guint i;

	for (i = 0; i < view->listeners->len; i++) {
		listener = &g_array_index(view->listeners, struct listener, i);
		if (!listener->injection)
			continue;
		side.service = listener->service;
		side.milters = listener->milters;
		side.ours = listener->ours < listener->milters->len;
	}
	check_inject_postfix(view->report, view->target, view->postconf, &side);
}

static void
judge_unreachable(struct view *view, const struct listener *listener)
{
	const char *queue =
	    postconf_setting(view->postconf, NULL, "queue_directory");

	if (g_str_has_prefix(view->line, "unix:/"))
		check_add(view->report, CHECK_PROBLEM,
		    "%s: runs in a chroot and sees nothing outside of %s, so "
		    "not %s\n"
		    "Set socket = \"unix:%s/sealmilter/milter.sock\" in %s "
		    "(that directory must belong to the daemon's user), and "
		    "smtpd_milters and non_smtpd_milters = "
		    "{ unix:sealmilter/milter.sock, default_action=tempfail } "
		    "in main.cf; or use an inet socket on 127.0.0.1.",
		    listener->service->name, queue, view->socket.where, queue,
		    view->target->config_file);
	else
		check_add(view->report, CHECK_PROBLEM,
		    "%s: runs in a chroot, where the socket has another path\n"
		    "Write %s in smtpd_milters: that is relative to %s.",
		    listener->service->name, view->line, queue);
}

/* Only tempfail keeps mail that could not be sealed from going anywhere. */
static void
judge_action(struct view *view, const struct postconf_service *service,
    const struct postconf_milter *milter, const char *where)
{
	const char *action = milter->default_action, *name, *harm;

	name = "default_action (in smtpd_milters)";
	if (action == NULL) {
		action = postconf_setting(
		    view->postconf, service, "milter_default_action");
		name = "milter_default_action";
	}
	if (action[0] == '\0' || strcmp(action, "tempfail") == 0)
		return;
	if (strcmp(action, "accept") == 0)
		harm = "mail goes out readable, or half sealed and broken,";
	else if (strcmp(action, "quarantine") == 0)
		harm = "readable mail piles up in the hold queue";
	else
		harm = "mail is refused for good";
	check_add(view->report, CHECK_PROBLEM,
	    "%s: %s is %s: %s whenever sealmilter is down or dies\n"
	    "Write { %s, default_action=tempfail }, or "
	    "milter_default_action = tempfail: then the sender tries again.",
	    where, name, action, harm, view->line);
}

/* What takes mail, or its content, past the milters of a service. */
static void
judge_bypasses(struct view *view, const struct listener *listener)
{
	const struct postconf_service *service = listener->service;
	const char *value;

	value = postconf_setting(
	    view->postconf, service, "receive_override_options");
	if (postconf_has_word(value, "no_milters"))
		check_add(view->report, CHECK_PROBLEM,
		    "%s: receive_override_options = %s switches all milters "
		    "off\n"
		    "Take no_milters out for this service.",
		    service->name, value);
	value = postconf_setting(view->postconf, service, "smtpd_proxy_filter");
	if (value[0] != '\0')
		check_add(view->report, CHECK_PROBLEM,
		    "%s: with smtpd_proxy_filter = %s milters see the envelope "
		    "only, never the content\n"
		    "Ask sealmilter on the service that takes the mail back "
		    "from that filter instead.",
		    service->name, value);
	value = postconf_setting(view->postconf, service, "smtpd_milter_maps");
	if (value[0] != '\0')
		check_add(view->report, CHECK_WARNING,
		    "%s: smtpd_milter_maps = %s can replace the milters, or "
		    "disable them, for some clients\n"
		    "See that %s stays in for clients whose mail is to be "
		    "sealed.",
		    service->name, value, view->line);
}

static void
judge_protocol(struct view *view, const struct listener *listener)
{
	const struct postconf_milter *milter =
	    g_ptr_array_index(listener->milters, listener->ours);
	const char *value = milter->protocol;

	if (value == NULL)
		value = postconf_setting(
		    view->postconf, listener->service, "milter_protocol");
	if (value[0] != '\0' && g_ascii_strtoull(value, NULL, 10) < 6)
		check_add(view->report, CHECK_PROBLEM,
		    "%s: milter_protocol = %s is too old for sealmilter\n"
		    "Take the setting out (Postfix's default is 6).",
		    listener->service->name, value);
}

static void
judge_timeout(struct view *view, const struct listener *listener)
{
	const struct postconf_milter *milter =
	    g_ptr_array_index(listener->milters, listener->ours);
	const char *value = milter->content_timeout;
	unsigned int seconds;

	if (value == NULL)
		value = postconf_setting(view->postconf, listener->service,
		    "milter_content_timeout");
	seconds = postconf_seconds(value);
	if (value[0] != '\0' && seconds < view->target->message_seconds)
		check_add(view->report, CHECK_WARNING,
		    "%s: milter_content_timeout = %s, but a message may take "
		    "sealmilter %u s: Postfix gives up before it, and the "
		    "sender tries in vain again\n"
		    "Raise milter_content_timeout (300s is the default), or "
		    "lower limits.message_seconds.",
		    listener->service->name, value,
		    view->target->message_seconds);
}

static void
judge_signers(struct view *view, const GPtrArray *milters, guint ours,
    enum check_level level, const char *where)
{
	const struct postconf_milter *milter;
	struct check_endpoint endpoint;
	enum check_level found;
	guint i;

	for (i = 0; i < ours; i++) {
		milter = g_ptr_array_index(milters, i);
		if (check_endpoint_parse(milter->endpoint, &endpoint) != 0)
			continue;
		found = check_signer("", &endpoint);
		check_endpoint_clear(&endpoint);
		if (found == CHECK_OK)
			continue;
		if (level == CHECK_WARNING)
			found = CHECK_WARNING;
		check_add(view->report, found,
		    "%s: %s comes before sealmilter: if it signs (DKIM), its "
		    "signature is broken as soon as the message is sealed\n%s",
		    where, milter->endpoint,
		    found == CHECK_PROBLEM
			? "Put it after sealmilter: what leaves is what is "
			  "signed."
			: "For checking incoming mail this is the right place; "
			  "see that it does not sign here.");
	}
}

/*
 * A checker of signatures belongs before us where mail comes in, a signer
 * after us; many programs are both.  Where users have a service of their
 * own, the first is meant on the others.
 */
static enum check_level
signer_level(const struct view *view, enum place place)
{
	return view->submission && place != PLACE_SUBMISSION ? CHECK_WARNING
							     : CHECK_PROBLEM;
}

/* sendmail(1), cron jobs, web forms: cleanup(8) asks for itself. */
static void
judge_local_mail(struct view *view)
{
	const struct postconf_service *cleanup =
	    postconf_service(view->postconf, "cleanup");
	size_t problems = check_count(view->report, CHECK_PROBLEM);
	bool unreachable = false;
	GPtrArray *milters;
	guint ours;

	milters = postconf_milters(
	    postconf_setting(view->postconf, cleanup, "non_smtpd_milters"));
	ours = find_us(
	    view, milters, cleanup != NULL && cleanup->chrooted, &unreachable);
	if (ours == milters->len) {
		check_add(view->report, CHECK_WARNING,
		    "non_smtpd_milters: not asked: mail that programs on this "
		    "host hand to sendmail(1) is not sealed\n"
		    "postconf -e 'non_smtpd_milters = { %s, "
		    "default_action=tempfail }' && postfix reload",
		    view->line);
		goto out;
	}
	if (unreachable)
		check_add(view->report, CHECK_PROBLEM,
		    "non_smtpd_milters: cleanup runs in a chroot and does not "
		    "see %s: programs' mail waits for ever\n"
		    "Put the socket below %s and name it relative to that.",
		    view->socket.where,
		    postconf_setting(view->postconf, NULL, "queue_directory"));
	judge_action(view, cleanup, g_ptr_array_index(milters, ours),
	    "non_smtpd_milters");
	judge_signers(view, milters, ours, CHECK_PROBLEM, "non_smtpd_milters");
	if (check_count(view->report, CHECK_PROBLEM) == problems)
		check_add(view->report, CHECK_OK,
		    "non_smtpd_milters: mail of local programs is asked for "
		    "as well");
out:
	g_ptr_array_free(milters, TRUE);
}

static void
judge_rest(struct view *view)
{
	const char *value;

	value = postconf_setting(view->postconf, NULL, "content_filter");
	if (value[0] != '\0')
		check_add(view->report, CHECK_NOTE,
		    "content_filter = %s gets the mail after it was sealed and "
		    "cannot look into it any more",
		    value);
	value = postconf_setting(
	    view->postconf, NULL, "internal_mail_filter_classes");
	if (!postconf_has_word(value, "bounce"))
		check_add(view->report, CHECK_NOTE,
		    "bounces that Postfix writes itself are not sealed; they "
		    "quote what Postfix holds, that is the sealed mail. "
		    "internal_mail_filter_classes = bounce, notify would send "
		    "them through sealmilter");
	value = postconf_setting(view->postconf, NULL, "enable_long_queue_ids");
	if (strcmp(value, "yes") == 0)
		return;
	if (view->target->inject != NULL)
		check_add(view->report, CHECK_WARNING,
		    "short queue IDs are used again after a while, but the "
		    "journal of copies names them for days\n"
		    "postconf -e 'enable_long_queue_ids = yes' && postfix "
		    "reload");
	else
		check_add(view->report, CHECK_NOTE,
		    "short queue IDs are used again after a while; "
		    "enable_long_queue_ids = yes makes them unique in the logs "
		    "of both");
}
