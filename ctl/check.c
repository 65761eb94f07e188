/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * check.c - `sealctl check`: is everything in place for sealed mail?
 *
 * In:    the configuration, and where the mail server's is.
 * Out:   a report, and an exit status that says whether to worry.
 * Never: changes anything but what opening the store makes.
 */
#include "ctl/check.h"
#include "ctl/postconf.h"
#include "milter/runtime.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POSTFIX_CF "/etc/postfix/main.cf"
#define SENDMAIL_CF "/etc/mail/sendmail.cf"

/* What was asked for. */
struct request {
	struct ctl *ctl;
	const char *postfix;  /* directory, or NULL */
	const char *sendmail; /* file, or NULL */
};

static int parse_arguments(
    struct request *request, int argc, char *const argv[]);
static void look_at_configuration(
    struct check_report *report, const struct ctl *ctl);
static void look_at_file(struct check_report *report, const char *file);
static void look_at_mail_server(
    struct check_report *report, const struct request *request);
static bool look_at_postfix(
    struct check_report *report, const struct request *request);
static void look_at_sendmail(struct check_report *report,
    const struct request *request, const char *file);
static struct check_target target_of(const struct ctl *ctl);
static void look_at_socket(struct check_report *report,
    const struct config *config, const char *user, bool asked);
static void daemon_is_silent(struct check_report *report,
    const struct config *config, const struct check_endpoint *endpoint,
    int error, bool asked);
static void look_at_reload(struct check_report *report, const char *file);
static bool has_directory(const char *path);
static void look_at_keys(struct check_report *report, const struct ctl *ctl);

int
ctl_check(struct ctl *ctl, int argc, char *const argv[])
{
	struct request request = {.ctl = ctl};
	struct check_report *report, *mail_server;
	char *text;
	int status;

	if (parse_arguments(&request, argc, argv) != 0)
		return CTL_USAGE;
	report = check_report_make();
	mail_server = check_report_make();
	look_at_configuration(report, ctl);
	/* Before privileges go; it is told last. */
	look_at_mail_server(mail_server, &request);
	look_at_keys(report, ctl);
	check_report_move(report, mail_server);
	text =
	    ctl->json ? check_report_json(report) : check_report_text(report);
	fputs(text, stdout);
	status = check_report_status(report);
	g_free(text);
	check_report_free(&mail_server);
	check_report_free(&report);
	return status;
}

static int
parse_arguments(struct request *request, int argc, char *const argv[])
{
	static const struct option options[] = {
	    {"postfix", required_argument, NULL, 'p'},
	    {"sendmail", required_argument, NULL, 's'},
	    {"json", no_argument, NULL, 'j'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	opterr = 0;
	optind = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == 'p')
			request->postfix = optarg;
		else if (option == 's')
			request->sendmail = optarg;
		else if (option == 'j')
			request->ctl->json = true;
		else {
			ctl_option_error(option, argv);
			return -1;
		}
	}
	if (optind < argc) {
		ctl_error("check: what is \"%s\"?", argv[optind]);
		return -1;
	}
	return 0;
}

static void
look_at_configuration(struct check_report *report, const struct ctl *ctl)
{
	const struct config *config = ctl->config;
	GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
	struct config *again = NULL;
	struct fault fault;
	guint i;

	check_section(report, "Configuration");
	/* It was read already; once more for the warnings. */
	if (config_load(ctl->config_file, &again, warnings, &fault) != 0)
		check_add(report, CHECK_PROBLEM, "%s", fault.text);
	else if (ctl->config_file == NULL)
		check_add(report, CHECK_WARNING,
		    "there is no configuration file: all mail is sealed, or "
		    "refused\n"
		    "contrib/sealmilter.conf is one to begin with.");
	else
		check_add(report, CHECK_OK, "%s is right", ctl->config_file);
	for (i = 0; i < warnings->len; i++)
		check_add(report, CHECK_WARNING, "%s",
		    (const char *)g_ptr_array_index(warnings, i));
	if (ctl->config_file != NULL)
		look_at_file(report, ctl->config_file);
	if (config->domains == NULL || config->domains[0] == NULL)
		check_add(report, CHECK_NOTE,
		    "domains is empty: no mailbox counts as stored here, all "
		    "mail as going out");
	check_host(report, config);
	config_unref(&again);
	g_ptr_array_unref(warnings);
}

/* Who may write it decides what is sealed. */
static void
look_at_file(struct check_report *report, const char *file)
{
	struct stat status;

	if (stat(file, &status) == 0 &&
	    (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		check_add(report, CHECK_PROBLEM,
		    "%s: others than its owner may write it, and so decide "
		    "what is sealed\n"
		    "chmod go-w %s",
		    file, file);
}

static void
look_at_mail_server(struct check_report *report, const struct request *request)
{
	bool found = false;

	if (request->postfix != NULL || request->sendmail == NULL)
		found = look_at_postfix(report, request);
	if (request->sendmail != NULL)
		look_at_sendmail(report, request, request->sendmail);
	else if (!found && request->postfix == NULL &&
		 access(SENDMAIL_CF, F_OK) == 0)
		look_at_sendmail(report, request, SENDMAIL_CF);
	else if (!found && request->postfix == NULL) {
		check_section(report, "Mail server");
		check_add(report, CHECK_WARNING,
		    "I found no configuration of Postfix or Sendmail here, "
		    "so nobody asks sealmilter\n"
		    "If it is elsewhere: sealctl check "
		    "--postfix DIRECTORY, or --sendmail FILE.cf");
	}
}

/* True if there is a Postfix to speak of. */
static bool
look_at_postfix(struct check_report *report, const struct request *request)
{
	const struct ctl *ctl = request->ctl;
	const struct check_target target = target_of(ctl);
	struct postconf *postconf = NULL;
	struct fault fault;
	bool serves;
	int asked;

	/* The package may be there without a configuration. */
	if (request->postfix == NULL && access(POSTFIX_CF, F_OK) != 0)
		return false;
	check_section(report, "Mail server: Postfix");
	asked = postconf_ask(request->postfix, &postconf, &fault);
	if (asked == 0 && request->postfix != NULL)
		check_add(report, CHECK_UNKNOWN,
		    "there is no postconf program to ask about %s",
		    request->postfix);
	else if (asked == -1)
		check_add(report, CHECK_UNKNOWN, "postconf cannot tell: %s",
		    fault.text);
	if (asked != 1)
		return asked == -1;
	serves = check_postfix(report, &target, postconf);
	look_at_socket(report, ctl->config,
	    postconf_setting(postconf, NULL, "mail_owner"), serves);
	postconf_free(&postconf);
	return true;
}

static void
look_at_sendmail(struct check_report *report, const struct request *request,
    const char *file)
{
	const struct check_target target = target_of(request->ctl);
	GError *error = NULL;
	char *text = NULL;
	bool asked;

	check_section(report, "Mail server: Sendmail");
	if (!g_file_get_contents(file, &text, NULL, &error)) {
		check_add(report, CHECK_UNKNOWN, "%s", error->message);
		g_clear_error(&error);
		return;
	}
	asked = check_sendmail(report, &target, text);
	look_at_socket(report, request->ctl->config, NULL, asked);
	g_free(text);
}

static struct check_target
target_of(const struct ctl *ctl)
{
	const struct config *config = ctl->config;
	struct check_target target = {
	    .config_file =
		ctl->config_file == NULL ? "sealmilter.conf" : ctl->config_file,
	    .socket = config->socket,
	    .message_seconds = config->message_seconds,
	    .domains = (const char *const *)config->domains,
	    .recipient_delimiter = config->recipient_delimiter,
	    .slots = config->slots,
	};

	if (config->delivery == DELIVERY_REINJECT)
		target.inject = config->inject;

	if (g_strv_contains((const char *const *)config->sources, "gnupg"))
		target.look_up_seconds = config->gpg_seconds;
	return target;
}

/* Is the daemon there, and may the mail server's user talk to it? */
static void
look_at_socket(struct check_report *report, const struct config *config,
    const char *user, bool asked)
{
	struct check_endpoint endpoint;
	int error;

	if (check_endpoint_parse(config->socket, &endpoint) != 0)
		return;
	/* Whether it is there at all, then whether that user may use it. */
	error = check_endpoint_connect(&endpoint, NULL);
	if (error == 0)
		error = check_endpoint_connect(&endpoint, user);
	if (error == 0)
		check_add(report, CHECK_OK, "the daemon answers at %s",
		    config->socket);
	else if (error != EACCES && error != EPERM)
		daemon_is_silent(report, config, &endpoint, error, asked);
	else if (geteuid() != 0)
		check_add(report, CHECK_UNKNOWN,
		    "whether the daemon answers at %s: you may not use that "
		    "socket\n"
		    "Run this as root.",
		    config->socket);
	else
		check_add(report, CHECK_PROBLEM,
		    "%s may not use %s, so mail is deferred\n"
		    "Set socket_group to a group that it is in (socket_mode "
		    "is 0660 by default), and let that group search the "
		    "directory.",
		    user != NULL ? user : "the mail server", config->socket);
	check_endpoint_clear(&endpoint);
}

static void
daemon_is_silent(struct check_report *report, const struct config *config,
    const struct check_endpoint *endpoint, int error, bool asked)
{
	enum check_level level = asked ? CHECK_PROBLEM : CHECK_WARNING;

	if (endpoint->local && error == ENOENT &&
	    !has_directory(endpoint->where))
		check_add(report, level,
		    "there is no directory for the socket %s yet\n"
		    "contrib/systemd/sealmilter.service makes "
		    "/run/sealmilter; elsewhere, as root: install -d -o %s "
		    "-m 0755 DIRECTORY",
		    endpoint->where,
		    config->user == NULL ? "USER" : config->user);
	else
		check_add(report, level,
		    "the daemon does not answer at %s (%s)%s\n"
		    "systemctl start sealmilter, or: sealmilter -c FILE",
		    config->socket, g_strerror(error),
		    asked ? ": all mail is deferred until it does"
			  : "; start it before the mail server asks it");
}

/* The daemon reads its file again as its user. */
static void
look_at_reload(struct check_report *report, const char *file)
{
	if (file != NULL && access(file, R_OK) != 0)
		check_add(report, CHECK_WARNING,
		    "the daemon's user may not read %s: %s; SIGHUP (systemctl "
		    "reload) then keeps the old configuration\n"
		    "Let that user read it, or its group.",
		    file, g_strerror(errno));
}

static bool
has_directory(const char *path)
{
	char *directory = g_path_get_dirname(path);
	bool has = access(directory, F_OK) == 0;

	g_free(directory);
	return has;
}

/* The last thing, for privileges do not come back. */
static void
look_at_keys(struct check_report *report, const struct ctl *ctl)
{
	GPtrArray *addresses = g_ptr_array_new_with_free_func(check_owner_free);
	struct runtime *runtime = NULL;
	struct fault fault;

	check_section(report, "Keys and store");
	if (ctl_become_runtime_user(ctl, &fault) != 0)
		check_add(report, CHECK_UNKNOWN, "keys were not looked at: %s",
		    fault.text);
	else {
		look_at_reload(report, ctl->config_file);
		runtime = check_keys(report, ctl, addresses);
		if (runtime != NULL)
			check_passphrases(report, runtime);
		if (ctl->config->delivery == DELIVERY_REINJECT)
			check_copies(report, ctl->config);
	}
	if (runtime != NULL) {
		check_section(report, "Probe");
		check_probe(report, runtime, addresses);
	}
	runtime_unref(&runtime);
	g_ptr_array_unref(addresses);
}
