/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * check_copies.c - can the daemon send copies, and remember that it did?
 *
 * In:    the configuration; run as the daemon's user.
 * Out:   findings about the injection listener and the journal.
 * Never: sends a message, or makes a journal.
 */
#include "ctl/check.h"
#include "milter/canary.h"
#include "milter/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define ASK_SECONDS 10

static void look_at_listener(
    struct check_report *report, const struct config *config);
static void is_silent(struct check_report *report, const struct config *config,
    const struct fault *fault);
static bool daemon_answers(const struct config *config);
static void look_at_journal(
    struct check_report *report, const struct config *config);
static bool may_use(struct check_report *report, const struct config *config,
    const char *path, int mode);
static void read_journal(struct check_report *report, const char *path);

void
check_copies(struct check_report *report, const struct config *config)
{
	check_section(report, "Copies");
	look_at_listener(report, config);
	look_at_journal(report, config);
}

/* A listener that has our milter shows that only while we are there. */
static void
look_at_listener(struct check_report *report, const struct config *config)
{
	const char *domain =
	    config->domains[0] != NULL ? config->domains[0] : "localhost";
	const bool runs = daemon_answers(config);
	struct smtp_target *target = NULL;
	const char *complaint;
	struct fault fault = {FAULT_NONE, ""};
	int found;

	if (smtp_target_parse(config->inject, &target, &complaint) != 0)
		return;
	found = canary_ask(target, domain,
	    g_get_monotonic_time() + ASK_SECONDS * G_TIME_SPAN_SECOND, &fault);
	smtp_target_free(&target);
	if (found == -1)
		is_silent(report, config, &fault);
	else if (found == 1)
		check_add(report, CHECK_PROBLEM,
		    "sealmilter itself is on the injection listener %s: "
		    "copies would come back for ever, so the daemon sends "
		    "none and does not start\n"
		    "Give that listener its own list of milters, empty or "
		    "with what signs. Postfix, master.cf: -o smtpd_milters= "
		    "below it. Sendmail: InputMailFilters= in its "
		    "DAEMON_OPTIONS.",
		    config->inject);
	else if (runs)
		check_add(report, CHECK_OK,
		    "the injection listener %s takes copies, and sealmilter "
		    "is not on it",
		    config->inject);
	else
		check_add(report, CHECK_OK,
		    "the injection listener %s takes copies; the daemon, when "
		    "it starts, finds out whether sealmilter is on it",
		    config->inject);
}

static void
is_silent(struct check_report *report, const struct config *config,
    const struct fault *fault)
{
	if (!check_sees_all(config))
		check_add(report, CHECK_UNKNOWN,
		    "the injection listener %s: %s\nRun this as root.",
		    config->inject, fault->text);
	else
		check_add(report, CHECK_PROBLEM,
		    "copies cannot be sent: %s\n"
		    "Mail that is to be sealed is deferred until a mail "
		    "server listens at %s (inject) and takes mail from here. "
		    "Postfix: contrib/postfix/master.cf.example has the "
		    "service; Sendmail: contrib/sendmail/sealmilter.mc.%s",
		    fault->text, config->inject,
		    g_str_has_prefix(config->inject, "unix:")
			? " The daemon's user has to reach the socket: for "
			  "Postfix's directory public it must be in the "
			  "group postdrop."
			: "");
}

static bool
daemon_answers(const struct config *config)
{
	struct check_endpoint endpoint;
	bool answers;

	if (check_endpoint_parse(config->socket, &endpoint) != 0)
		return false;
	answers = check_endpoint_connect(&endpoint, NULL) == 0;
	check_endpoint_clear(&endpoint);
	return answers;
}

/* Without its key it says nothing, and the daemon does not start. */
static void
look_at_journal(struct check_report *report, const struct config *config)
{
	char *path = g_build_filename(config->state, "journal", NULL);
	char *key = g_build_filename(config->state, "journal.key", NULL);
	bool journal = access(path, F_OK) == 0 || errno != ENOENT;

	if (!journal && (access(key, F_OK) == 0 || errno != ENOENT))
		check_add(report, CHECK_WARNING,
		    "there is the key of a journal, %s, but no journal: what "
		    "was sent before is forgotten, and clients that try again "
		    "get copies sent twice",
		    key);
	else if (!journal)
		check_add(report, CHECK_NOTE,
		    "there is no journal of copies yet; the daemon makes it "
		    "(%s)",
		    path);
	else if (access(key, F_OK) != 0 && errno == ENOENT)
		check_add(report, CHECK_PROBLEM,
		    "the journal of copies has lost its key, %s: the daemon "
		    "does not start\n"
		    "Bring the key back. If it is lost for good, remove %s: "
		    "clients that try again then get copies sent twice.",
		    key, path);
	else if (may_use(report, config, path, R_OK | W_OK) &&
		 may_use(report, config, key, R_OK))
		read_journal(report, path);
	g_free(path);
	g_free(key);
}

/* mode: as for access(2). */
static bool
may_use(struct check_report *report, const struct config *config,
    const char *path, int mode)
{
	const char *why;
	char *user;

	if (access(path, mode) == 0)
		return true;
	why = g_strerror(errno);
	user = check_user_name();
	if (check_sees_all(config))
		check_add(report, CHECK_PROBLEM,
		    "%s: user %s may not %s it (%s), so the daemon does not "
		    "start\n"
		    "As root: chown %s %s",
		    path, user, mode == R_OK ? "read" : "read and write", why,
		    user, path);
	else
		check_add(report, CHECK_UNKNOWN,
		    "the journal of copies: %s may not look at it\n"
		    "Run this as root.",
		    user);
	g_free(user);
	return false;
}

static void
ignore_record(void *context, const struct journal_record *record)
{
	(void)context;
	(void)record;
}

static void
read_journal(struct check_report *report, const char *path)
{
	struct journal_found found = {0};
	struct fault fault = {FAULT_NONE, ""};

	if (journal_read(path, ignore_record, NULL, &found, &fault) != 1)
		check_add(report, CHECK_PROBLEM,
		    "the journal of copies cannot be read: %s\n"
		    "The daemon does not start until it can. If the file is "
		    "broken, move it away, and its key with it: clients that "
		    "try again then get copies sent twice.",
		    fault.text);
	else if (found.damaged > 0)
		check_add(report, CHECK_WARNING,
		    "%s is damaged in %" PRIu64 " place%s: copies that those "
		    "told of are sent again if their clients try again\n"
		    "Look after the disk; nothing else is lost.",
		    path, found.damaged, found.damaged == 1 ? "" : "s");
	else
		check_add(report, CHECK_OK,
		    "the journal of copies can be read (%" PRIu64 " record%s)",
		    found.records, found.records == 1 ? "" : "s");
}
