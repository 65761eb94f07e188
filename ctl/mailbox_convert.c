/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mailbox_convert.c - sealctl mailbox encrypt, decrypt and rekey.
 *
 * In:    Maildirs, and whose they are.
 * Out:   the same, sealed to their owners, or opened; a summary of each.
 * Never: opens a mailbox's files as root, or guesses whose it is.
 */
#include "config.h"

#include "ctl/mailbox.h"

#include "ctl/apart.h"
#include "ctl/mailbox_run.h"
#include "ctl/mailboxes.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define JOBS 64

struct wish {
	enum convert_what what;
	GBytes *key_file;
	char *user; /* canonical, or NULL: by its path */
	unsigned int jobs;
	bool dry_run;
};

static int parse(struct wish *wish, int argc, char *const argv[]);
static int convert(struct ctl *ctl, const struct wish *wish, const char *path);
static int print_result(const char *address, const char *path,
    const struct wish *wish, const struct run_result *result);

/* What the commands do, for people; by enum convert_what. */
static const struct {
	const char *done;
	const char *to_do;
	const char *kept;
} words[] = {
    [CONVERT_ENCRYPT] = {"sealed", "to be sealed", "sealed already"},
    [CONVERT_DECRYPT] = {"opened", "to be opened", "not sealed here"},
    [CONVERT_REKEY] = {"sealed anew", "to be sealed anew",
	"not sealed here or for this key already"},
};

static int
convert_each(
    struct ctl *ctl, enum convert_what what, int argc, char *const argv[])
{
	struct wish wish = {.what = what};
	int status = parse(&wish, argc, argv), one, i;
	bool started;

	if (status == CTL_DONE && optind == argc) {
		ctl_error("mailbox %s needs a directory", argv[0]);
		status = CTL_USAGE;
	}
	if (status == CTL_USAGE)
		status = mailbox_usage(argv[0]);
	started = status == CTL_DONE;
	/* Another process has the terminal's signals, and ends in order. */
	(void)signal(SIGINT, SIG_IGN);
	for (i = optind; i < argc && started; i++) {
		one = convert(ctl, &wish, argv[i]);
		status = MAX(status, one);
	}
	g_clear_pointer(&wish.key_file, g_bytes_unref);
	g_free(wish.user);
	return status;
}

int
mailbox_encrypt(struct ctl *ctl, int argc, char *const argv[])
{
	return convert_each(ctl, CONVERT_ENCRYPT, argc, argv);
}

int
mailbox_decrypt(struct ctl *ctl, int argc, char *const argv[])
{
	return convert_each(ctl, CONVERT_DECRYPT, argc, argv);
}

int
mailbox_rekey(struct ctl *ctl, int argc, char *const argv[])
{
	return convert_each(ctl, CONVERT_REKEY, argc, argv);
}

/* As the caller, who may be root: the owner need not be able to. */
static int
set_key_file(struct wish *wish, const char *file)
{
	GError *error = NULL;
	char *text;
	gsize len;

	if (wish->what == CONVERT_ENCRYPT) {
		ctl_error("--key-file: nothing is opened with it here");
		return CTL_USAGE;
	}
	if (!g_file_get_contents(file, &text, &len, &error)) {
		ctl_error("--key-file: %s", error->message);
		g_error_free(error);
		return CTL_REFUSED;
	}
	g_clear_pointer(&wish->key_file, g_bytes_unref);
	wish->key_file = g_bytes_new_take(text, len);
	return CTL_DONE;
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
	    {"key-file", required_argument, NULL, 'k'},
	    {NULL, 0, NULL, 0},
	};
	int option, status = CTL_DONE;

	wish->jobs = MIN(g_get_num_processors(), JOBS);
	optind = 0;
	opterr = 0;
	while (status == CTL_DONE &&
	       (option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == 'u') {
			status = mailboxes_take_user(optarg, &wish->user);
		} else if (option == 'j') {
			status = set_jobs(wish, optarg);
		} else if (option == 'n') {
			wish->dry_run = true;
		} else if (option == 'k') {
			status = set_key_file(wish, optarg);
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
	struct run_order order = {.ctl = ctl,
	    .what = wish->what,
	    .key_file = wish->key_file,
	    .jobs = wish->jobs,
	    .dry_run = wish->dry_run};
	struct fault fault = {FAULT_NONE, ""};
	struct run_result result = {.stopped = false};
	struct maildir *maildir = NULL;
	struct owner *owner = NULL;
	int status;

	/* Who opens mail needs no key to seal to. */
	if (wish->what != CONVERT_DECRYPT && address == NULL)
		fault_set(&fault, FAULT_PERM,
		    "%s: whose mailbox is it?  Say --user ADDRESS", path);
	if (fault.kind != FAULT_NONE ||
	    maildir_open(path, &maildir, &fault) != 0 ||
	    (wish->what != CONVERT_DECRYPT &&
		owner_find(ctl, address, &owner, &fault) != 0)) {
		status = ctl_fault(&fault);
		goto out;
	}
	order.maildir = maildir;
	order.owner = owner;
	if (run_as_owner(&order, &result, &fault) == 0) {
		status = print_result(address, path, wish, &result);
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
print_result(const char *address, const char *path, const struct wish *wish,
    const struct run_result *result)
{
	const uint64_t *counts = result->counts;
	double seconds = MAX(result->seconds, 0.001);

	printf("%s", path);
	if (address != NULL)
		printf(" <%s>", address);
	printf(": %" PRIu64 " %s (%.1f MB; %.0f/s, %.1f MB/s), %" PRIu64
	       " %s, %" PRIu64 " left as they are",
	    counts[CONVERT_DONE],
	    wish->dry_run ? words[wish->what].to_do : words[wish->what].done,
	    (double)result->octets / 1e6,
	    (double)counts[CONVERT_DONE] / seconds,
	    (double)result->octets / 1e6 / seconds, counts[CONVERT_KEPT],
	    words[wish->what].kept, counts[CONVERT_LEFT] + result->strays);
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
