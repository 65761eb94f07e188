/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mailbox_convert.c - sealctl mailbox encrypt: seal mail that is stored.
 *
 * In:    Maildirs, and whose they are.
 * Out:   the same, sealed to their owners; a summary of each.
 * Never: opens a mailbox's files as root, or guesses whose it is.
 */
#include "config.h"

#include "ctl/mailbox.h"

#include "ctl/apart.h"
#include "ctl/mailbox_run.h"
#include "ctl/mailboxes.h"
#include "policy/address.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define JOBS 64

struct wish {
	char *user; /* canonical, or NULL: by its path */
	unsigned int jobs;
	bool dry_run;
};

static int parse(struct wish *wish, int argc, char *const argv[]);
static int convert(struct ctl *ctl, const struct wish *wish, const char *path);
static int print_result(const struct owner *owner, const char *path,
    const struct wish *wish, const struct run_result *result);

int
mailbox_encrypt(struct ctl *ctl, int argc, char *const argv[])
{
	struct wish wish = {NULL, 0, false};
	int status = parse(&wish, argc, argv), one, i;

	if (status == CTL_DONE && optind == argc) {
		ctl_error("mailbox %s needs a directory", argv[0]);
		status = CTL_USAGE;
	}
	if (status == CTL_USAGE)
		status = mailbox_usage(argv[0]);
	/* Another process has the terminal's signals, and ends in order. */
	(void)signal(SIGINT, SIG_IGN);
	for (i = optind; i < argc && status != CTL_USAGE; i++) {
		one = convert(ctl, &wish, argv[i]);
		status = MAX(status, one);
	}
	g_free(wish.user);
	return status;
}

static int
set_user(struct wish *wish, const char *text)
{
	g_free(wish->user);
	wish->user = address_canonical(text);
	if (wish->user != NULL && strchr(wish->user, '@') != NULL)
		return CTL_DONE;
	ctl_error("--user: \"%s\" is no mail address", text);
	return CTL_USAGE;
}

static int
set_jobs(struct wish *wish, const char *text)
{
	guint64 number;

	if (g_ascii_string_to_unsigned(text, 10, 1, JOBS, &number, NULL)) {
		wish->jobs = (unsigned int)number;
		return CTL_DONE;
	}
	ctl_error("--jobs: \"%s\" is no number from 1 to %d", text, JOBS);
	return CTL_USAGE;
}

static int
parse(struct wish *wish, int argc, char *const argv[])
{
	static const struct option options[] = {
	    {"user", required_argument, NULL, 'u'},
	    {"jobs", required_argument, NULL, 'j'},
	    {"dry-run", no_argument, NULL, 'n'},
	    {NULL, 0, NULL, 0},
	};
	int option, status = CTL_DONE;

	wish->jobs = MIN(g_get_num_processors(), JOBS);
	optind = 0;
	opterr = 0;
	while (status == CTL_DONE &&
	       (option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == 'u') {
			status = set_user(wish, optarg);
		} else if (option == 'j') {
			status = set_jobs(wish, optarg);
		} else if (option == 'n') {
			wish->dry_run = true;
		} else {
			ctl_option_error(option, argv);
			status = CTL_USAGE;
		}
	}
	return status;
}

/* Root becomes whose directory it is, before anything in it is opened. */
static int
run_as_owner(
    struct run_order *order, struct run_result *result, struct fault *fault)
{
	struct apart_user user = {.name = NULL};
	struct apart apart;
	GBytes *octets;
	gconstpointer data;
	gsize len;

	maildir_owner(order->maildir, &user.uid, &user.gid);
	if (apart_start(&apart, &user, mailbox_run, order, fault) != 0 ||
	    (octets = apart_wait(&apart, fault)) == NULL)
		return -1;
	data = g_bytes_get_data(octets, &len);
	if (len == sizeof(*result))
		memcpy(result, data, len);
	g_bytes_unref(octets);
	if (len == sizeof(*result))
		return 0;
	fault_set(fault, FAULT_BUG, "the process told something else");
	return -1;
}

/* As its path tells, if that is one of our own; else NULL: mail must not be
 * sealed to a stranger. */
static char *
whose(const struct config *config, const char *path)
{
	char *address = mailbox_address(config, path);

	if (address[0] == '\0' || !config_stores(config, address))
		g_clear_pointer(&address, g_free);
	return address;
}

static int
convert(struct ctl *ctl, const struct wish *wish, const char *path)
{
	char *address = wish->user != NULL ? g_strdup(wish->user)
					   : whose(ctl->config, path);
	struct run_order order = {
	    .ctl = ctl, .jobs = wish->jobs, .dry_run = wish->dry_run};
	struct fault fault = {FAULT_NONE, ""};
	struct run_result result = {.stopped = false};
	struct maildir *maildir = NULL;
	struct owner *owner = NULL;
	int status;

	if (address == NULL)
		fault_set(&fault, FAULT_PERM,
		    "%s: whose mailbox is it?  Say --user ADDRESS", path);
	if (address == NULL || maildir_open(path, &maildir, &fault) != 0 ||
	    owner_find(ctl, address, &owner, &fault) != 0) {
		status = ctl_fault(&fault);
		goto out;
	}
	order.maildir = maildir;
	order.owner = owner;
	if (run_as_owner(&order, &result, &fault) == 0) {
		status = print_result(owner, path, wish, &result);
	} else {
		fault_prefix(&fault, "%s", path);
		status = ctl_fault(&fault);
	}
out:
	owner_free(&owner);
	maildir_close(&maildir);
	g_free(address);
	return status;
}

static int
print_result(const struct owner *owner, const char *path,
    const struct wish *wish, const struct run_result *result)
{
	const uint64_t *counts = result->counts;
	double seconds = MAX(result->seconds, 0.001);

	printf("%s <%s>: %" PRIu64 " %s (%.1f MB; %.0f/s, %.1f MB/s), %" PRIu64
	       " sealed already, %" PRIu64 " left as they are",
	    path, owner->address, counts[CONVERT_DONE],
	    wish->dry_run ? "to be sealed" : "sealed",
	    (double)result->octets / 1e6,
	    (double)counts[CONVERT_DONE] / seconds,
	    (double)result->octets / 1e6 / seconds, counts[CONVERT_SEALED],
	    counts[CONVERT_LEFT] + result->strays);
	if (result->resumed > 0)
		printf("; finished %" PRIu64 " of a run that was stopped",
		    result->resumed);
	printf("\n");
	fflush(stdout);
	if (result->stopped) {
		ctl_error(
		    "%s: stopped; the same command goes on from here", path);
		return CTL_TEMPORARY;
	}
	return counts[CONVERT_LEFT] + result->strays > 0 ? CTL_REFUSED
							 : CTL_DONE;
}
