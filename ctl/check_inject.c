/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * check_inject.c - is a Postfix ready to take copies back?
 *
 * In:    its configuration, and where copies go.
 * Out:   findings about the service that takes them, each with what to do.
 * Never: connects to it; check_copies.c does.
 */
#include "ctl/check_inject.h"

#include <string.h>

struct view {
	struct check_report *report;
	const struct check_target *target;
	const struct postconf *postconf;
	const struct check_inject_side *side;
};

static bool is_inet(
    const struct postconf_service *service, const struct check_endpoint *where);
static bool is_unix(const struct postconf *postconf,
    const struct postconf_service *service, const struct check_endpoint *where);
static void judge_size(struct check_report *report,
    const struct postconf *postconf, const struct postconf_service *service);
static void judge_absence(struct view *view);
static void judge_shared(struct view *view);
static void judge_loop(struct view *view);
static void judge_processes(struct view *view);
static void judge_reach(struct view *view);
static bool is_open(const struct view *view);
static void judge_overrides(struct view *view);
static const char *mapping(
    const struct postconf *postconf, const struct postconf_service *service);
static void judge_restrictions(struct view *view);
static void judge_throttles(struct view *view);
static void judge_tls(struct view *view);
static void judge_signer(struct view *view);

/* --- Which service it is */

bool
check_inject_is(const struct check_target *target,
    const struct postconf *postconf, const struct postconf_service *service)
{
	struct check_endpoint where;
	bool is;

	if (target->inject == NULL ||
	    check_endpoint_parse_inject(target->inject, &where) != 0)
		return false;
	is = where.local ? is_unix(postconf, service, &where)
			 : is_inet(service, &where);
	check_endpoint_clear(&where);
	return is;
}

/* "10026", "127.0.0.1:10026" or "smtp": every address, where none is named. */
static bool
is_inet(
    const struct postconf_service *service, const struct check_endpoint *where)
{
	static const char *const names[][2] = {
	    {"smtp", "25"}, {"submission", "587"}, {"submissions", "465"}};
	const char *colon = strrchr(service->name, ':');
	const char *port = colon == NULL ? service->name : colon + 1;
	struct check_endpoint own;
	char *text;
	bool is;
	size_t i;

	if (strcmp(service->type, "inet") != 0)
		return false;
	for (i = 0; i < G_N_ELEMENTS(names); i++)
		if (strcmp(port, names[i][0]) == 0)
			port = names[i][1];
	if (colon == NULL)
		return strcmp(port, where->port) == 0;
	text = g_strdup_printf(
	    "inet:%.*s:%s", (int)(colon - service->name), service->name, port);
	is = check_endpoint_parse(text, &own) == 0 &&
	     check_endpoint_same(&own, where);
	check_endpoint_clear(&own);
	g_free(text);
	return is;
}

static bool
is_unix(const struct postconf *postconf, const struct postconf_service *service,
    const struct check_endpoint *where)
{
	char *path;
	bool is;

	if (strcmp(service->type, "unix") != 0)
		return false;
	path = g_build_filename(
	    postconf_setting(postconf, NULL, "queue_directory"),
	    service->exposed ? "public" : "private", service->name, NULL);
	is = strcmp(path, where->where) == 0;
	g_free(path);
	return is;
}

const char *
check_inject_signer(const GPtrArray *milters)
{
	const struct postconf_milter *milter;
	struct check_endpoint endpoint;
	enum check_level level;
	guint i;

	for (i = 0; i < milters->len; i++) {
		milter = g_ptr_array_index(milters, i);
		if (check_endpoint_parse(milter->endpoint, &endpoint) != 0)
			continue;
		level = check_signer("", &endpoint);
		check_endpoint_clear(&endpoint);
		if (level != CHECK_OK)
			return milter->endpoint;
	}
	return NULL;
}

/* --- What is right with it */

/*
 * The original is discarded, and with it all that was done to its recipients;
 * what passes in clear never comes to the listener.  So each side has to do
 * the mapping for itself, and none of it is done twice.
 */
void
check_inject_front(struct check_report *report, const struct postconf *postconf,
    const struct postconf_service *service)
{
	const char *value =
	    postconf_setting(postconf, service, "receive_override_options");
	const char *name = mapping(postconf, service);

	judge_size(report, postconf, service);
	if (!postconf_has_word(value, "no_address_mappings"))
		return;
	check_add(report, name != NULL ? CHECK_PROBLEM : CHECK_WARNING,
	    "%s: receive_override_options has no_address_mappings, but mail "
	    "that goes on in clear does not come to the injection listener: "
	    "%s not used for it\n"
	    "Take no_address_mappings out for this service: what is sent in "
	    "copies is not mapped twice, since its original is discarded.",
	    service->name, name != NULL ? name : "aliases would be");
}

/* cleanup(8) knows main.cf's limit only, whatever the listener's is. */
static void
judge_size(struct check_report *report, const struct postconf *postconf,
    const struct postconf_service *service)
{
	guint64 taken, all;

	taken = g_ascii_strtoull(
	    postconf_setting(postconf, service, "message_size_limit"), NULL,
	    10);
	all = g_ascii_strtoull(
	    postconf_setting(postconf, NULL, "message_size_limit"), NULL, 10);
	if (all == 0 || (taken != 0 && taken <= all / 7 * 5))
		return;
	check_add(report, CHECK_NOTE,
	    "%s: a sealed copy is up to 1.4 times as large as its message, and "
	    "message_size_limit is %" G_GUINT64_FORMAT ": messages of more "
	    "than %" G_GUINT64_FORMAT " octets are refused if they are to be "
	    "sealed\n"
	    "For larger ones, raise it in main.cf, and write -o "
	    "message_size_limit=%" G_GUINT64_FORMAT " below this service in "
	    "master.cf.",
	    service->name, all, all / 7 * 5, taken != 0 ? taken : all);
}

void
check_inject_postfix(struct check_report *report,
    const struct check_target *target, const struct postconf *postconf,
    const struct check_inject_side *side)
{
	struct view view = {report, target, postconf, side};
	size_t problems = check_count(report, CHECK_PROBLEM);

	if (side->service == NULL) {
		judge_absence(&view);
		return;
	}
	if (side->ours && is_open(&view)) {
		judge_shared(&view);
		return;
	}
	judge_loop(&view);
	judge_processes(&view);
	judge_reach(&view);
	judge_overrides(&view);
	judge_restrictions(&view);
	judge_throttles(&view);
	judge_tls(&view);
	judge_signer(&view);
	if (check_count(report, CHECK_PROBLEM) == problems)
		check_add(report, CHECK_OK,
		    "%s: takes the copies, does not ask sealmilter about "
		    "them, and has processes enough",
		    side->service->name);
}

/* All of it at once, as one command. */
static void
judge_absence(struct view *view)
{
	const char *inject = view->target->inject;
	struct check_endpoint where;
	char *name, *type;

	if (check_endpoint_parse_inject(inject, &where) != 0)
		return;
	if (where.local) {
		name = g_path_get_basename(where.where);
		type = g_strdup("unix");
	} else {
		name = g_strdup_printf(
		    strchr(where.where, ':') != NULL ? "[%s]:%s" : "%s:%s",
		    where.where, where.port);
		type = g_strdup("inet");
	}
	if (!check_endpoint_is_here(&where))
		check_add(view->report, CHECK_NOTE,
		    "inject = \"%s\" seems to be another host: what its mail "
		    "server has to be like is in sealmilter(8)",
		    inject);
	else
		check_add(view->report, CHECK_PROBLEM,
		    "inject = \"%s\", but no smtpd in master.cf listens there: "
		    "mail that is to be sealed is deferred\n"
		    "Take the service from contrib/postfix/master.cf.example, "
		    "or begin with: postconf -Me '%s/%s = %s %s n - n - %u "
		    "smtpd -o smtpd_milters= -o "
		    "smtpd_client_restrictions=permit_mynetworks,reject -o "
		    "receive_override_options=no_unknown_recipient_checks,"
		    "no_header_body_checks' && postfix reload",
		    inject, name, type, name, type,
		    view->target->slots + 2 * CHECK_SPARE_PROCESSES);
	g_free(name);
	g_free(type);
	check_endpoint_clear(&where);
}

static bool
asks_milters(const struct view *view)
{
	return !postconf_has_word(
	    postconf_setting(view->postconf, view->side->service,
		"receive_override_options"),
	    "no_milters");
}

/* Where mail comes in, sealmilter has to stay. */
static void
judge_shared(struct view *view)
{
	check_add(view->report, CHECK_PROBLEM,
	    "inject = \"%s\" is %s, where mail comes in and is shown to "
	    "sealmilter: copies would come back for ever, so the daemon does "
	    "not start\n"
	    "Copies need a service of their own: take it from "
	    "contrib/postfix/master.cf.example, and set inject = "
	    "\"smtp://127.0.0.1:10026\" in %s.",
	    view->target->inject, view->side->service->name,
	    view->target->config_file);
}

static void
judge_loop(struct view *view)
{
	const struct postconf_service *service = view->side->service;

	if (!view->side->ours || !asks_milters(view))
		return;
	check_add(view->report, CHECK_PROBLEM,
	    "%s: takes the copies and asks sealmilter about them: they would "
	    "come back for ever, so the daemon does not start\n"
	    "Write -o smtpd_milters= (or there only what signs) below it in "
	    "master.cf: postconf -P '%s/%s/smtpd_milters=' && postfix reload",
	    service->name, service->name, service->type);
}

static void
judge_processes(struct view *view)
{
	const struct postconf_service *service = view->side->service;
	const unsigned int slots = view->target->slots;
	const unsigned int wanted = slots + CHECK_SPARE_PROCESSES;

	if (service->processes == 0 || service->processes >= wanted)
		return;
	check_add(view->report,
	    service->processes > slots ? CHECK_WARNING : CHECK_PROBLEM,
	    "%s: has %u processes at most, and sealmilter uses up to %u "
	    "connections (limits.inject_slots)%s\n"
	    "Some should be left over for connections that end and for those "
	    "who look: postconf -F '%s/%s/process_limit=%u' && postfix reload "
	    "(the column \"maxproc\" of master.cf), or lower inject_slots in "
	    "%s.",
	    service->name, service->processes, slots,
	    service->processes > slots
		? ""
		: ": copies wait for each other until they are deferred",
	    service->name, service->type, wanted + CHECK_SPARE_PROCESSES,
	    view->target->config_file);
}

/* Who reaches it sends mail past sealmilter. */
static void
judge_reach(struct view *view)
{
	const struct postconf_service *service = view->side->service;

	if (!is_open(view))
		return;
	check_add(view->report, CHECK_PROBLEM,
	    "%s: other hosts reach it, and what they send there is not "
	    "sealed\n"
	    "Name it 127.0.0.1:PORT in master.cf, and write -o "
	    "smtpd_client_restrictions=permit_mynetworks,reject and -o "
	    "mynetworks=127.0.0.0/8 below it.",
	    service->name);
}

static bool
is_open(const struct view *view)
{
	const struct postconf_service *service = view->side->service;
	const char *colon = strrchr(service->name, ':'), *value;
	struct check_endpoint own = {0};
	char *text;
	bool here = strcmp(service->type, "unix") == 0;

	if (colon != NULL && !g_str_has_prefix(service->name, "0.0.0.0:") &&
	    !g_str_has_prefix(service->name, "[::]:")) {
		text = g_strdup_printf(
		    "inet:%.*s:1", (int)(colon - service->name), service->name);
		here = check_endpoint_parse(text, &own) == 0 &&
		       check_endpoint_is_here(&own);
		check_endpoint_clear(&own);
		g_free(text);
	} else if (colon == NULL && !here) {
		value =
		    postconf_setting(view->postconf, NULL, "inet_interfaces");
		here = postconf_has_word(value, "loopback-only") ||
		       postconf_has_word(value, "localhost") ||
		       strcmp(value, "127.0.0.1") == 0;
	}
	value = postconf_setting(
	    view->postconf, service, "smtpd_client_restrictions");
	return !here && !postconf_has_word(value, "reject");
}

static void
judge_overrides(struct view *view)
{
	const struct postconf_service *service = view->side->service;
	const char *value = postconf_setting(
	    view->postconf, service, "receive_override_options");
	const char *name = mapping(view->postconf, service), *checks;

	if (postconf_has_word(value, "no_address_mappings"))
		check_add(view->report,
		    name != NULL ? CHECK_PROBLEM : CHECK_WARNING,
		    "%s: receive_override_options has no_address_mappings, "
		    "but a copy's recipients were not mapped before, since "
		    "the original is discarded: %s not used for copies\n"
		    "Take no_address_mappings out below this service in "
		    "master.cf.",
		    service->name, name != NULL ? name : "aliases would be");
	checks = postconf_setting(view->postconf, service, "header_checks");
	if (checks[0] == '\0')
		checks =
		    postconf_setting(view->postconf, service, "body_checks");
	if (checks[0] != '\0' &&
	    !postconf_has_word(value, "no_header_body_checks"))
		check_add(view->report, CHECK_WARNING,
		    "%s: header_checks or body_checks (%s) look at each copy "
		    "again, and what they refuse now goes back to its sender "
		    "as a bounce\n"
		    "Add no_header_body_checks to -o receive_override_options "
		    "below this service in master.cf.",
		    service->name, checks);
}

/* Something that changes or adds recipients, with its verb; or NULL. */
static const char *
mapping(const struct postconf *postconf, const struct postconf_service *service)
{
	static const char *const names[][2] = {
	    {"virtual_alias_maps", "virtual_alias_maps are"},
	    {"canonical_maps", "canonical_maps are"},
	    {"recipient_canonical_maps", "recipient_canonical_maps are"},
	    {"sender_canonical_maps", "sender_canonical_maps are"},
	    {"masquerade_domains", "masquerade_domains are"},
	    {"always_bcc", "always_bcc is"},
	    {"sender_bcc_maps", "sender_bcc_maps are"},
	    {"recipient_bcc_maps", "recipient_bcc_maps are"},
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++)
		if (postconf_setting(postconf, service, names[i][0])[0] != '\0')
			return names[i][1];
	return NULL;
}

/* What strangers have to pass, copies would have to pass once more. */
static void
judge_restrictions(struct view *view)
{
	static const char *const lists[] = {"smtpd_helo_restrictions",
	    "smtpd_sender_restrictions", "smtpd_recipient_restrictions",
	    "smtpd_data_restrictions", "smtpd_end_of_data_restrictions"};
	static const char *const asks[] = {
	    "check_policy_service", "reject_rbl_client", "reject_unknown"};
	const struct postconf_service *service = view->side->service;
	const char *value;
	size_t i, j;

	for (i = 0; i < G_N_ELEMENTS(lists); i++) {
		value = postconf_setting(view->postconf, service, lists[i]);
		for (j = 0; j < G_N_ELEMENTS(asks); j++)
			if (strstr(value, asks[j]) != NULL)
				break;
		if (j == G_N_ELEMENTS(asks) ||
		    g_str_has_prefix(value, "permit_mynetworks"))
			continue;
		check_add(view->report, CHECK_WARNING,
		    "%s: %s = %s holds for copies as well: what it defers or "
		    "refuses, no recipient gets\n"
		    "Write -o %s=%s below this service in master.cf.",
		    service->name, lists[i], value, lists[i],
		    strcmp(lists[i], "smtpd_recipient_restrictions") == 0
			? "permit_mynetworks,reject"
			: "");
	}
}

/* anvil(8) leaves mynetworks alone, unless somebody said otherwise. */
static void
judge_throttles(struct view *view)
{
	static const char *const names[] = {
	    "smtpd_client_connection_count_limit",
	    "smtpd_client_connection_rate_limit",
	    "smtpd_client_message_rate_limit",
	    "smtpd_client_recipient_rate_limit"};
	const struct postconf_service *service = view->side->service;
	const char *value;
	guint64 limit;
	size_t i;

	value = postconf_setting(
	    view->postconf, service, "smtpd_client_event_limit_exceptions");
	if (strstr(value, "127.0.0.") != NULL || strstr(value, "$my") != NULL)
		return;
	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		value = postconf_setting(view->postconf, service, names[i]);
		limit = g_ascii_strtoull(value, NULL, 10);
		/* Of the rates, none is right. */
		if (limit == 0 ||
		    (i == 0 &&
			limit >= view->target->slots + CHECK_SPARE_PROCESSES))
			continue;
		check_add(view->report, CHECK_WARNING,
		    "%s: %s = %s holds for sealmilter, too, and defers "
		    "copies\n"
		    "Write -o %s=0 below this service in master.cf.",
		    service->name, names[i], value, names[i]);
	}
}

static void
judge_tls(struct view *view)
{
	const struct postconf_service *service = view->side->service;
	const char *level = postconf_setting(
	    view->postconf, service, "smtpd_tls_security_level");

	if (strcmp(level, "encrypt") == 0 ||
	    strcmp(
		postconf_setting(view->postconf, service, "smtpd_enforce_tls"),
		"yes") == 0)
		check_add(view->report, CHECK_PROBLEM,
		    "%s: demands TLS, which sealmilter does not speak: mail "
		    "that is to be sealed is refused\n"
		    "Write -o smtpd_tls_security_level=none below this "
		    "service in master.cf; copies do not leave this host.",
		    service->name);
}

/* DISCARD is the end of the original: no milter after us sees anything. */
static void
judge_signer(struct view *view)
{
	const struct check_inject_side *side = view->side;
	const char *name = side->service->name;
	const char *signer =
	    asks_milters(view) ? check_inject_signer(side->milters) : NULL;

	if (signer != NULL)
		check_add(view->report, CHECK_OK,
		    "%s: copies are shown to %s, which can sign what leaves",
		    name, signer);
	else if (side->signer != NULL)
		check_add(view->report, CHECK_WARNING,
		    "%s: copies are not shown to %s, which other mail is "
		    "shown to: if it signs (DKIM), copies leave without a "
		    "signature\n"
		    "Write -o smtpd_milters=%s below this service in "
		    "master.cf%s. Mail that goes on in clear is signed where "
		    "it comes in, after sealmilter.",
		    name, side->signer, side->signer,
		    asks_milters(view) ? ""
				       : ", and take no_milters out of its "
					 "receive_override_options");
}
