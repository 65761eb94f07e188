/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mailbox_verify.c - sealctl mailbox verify: is anything readable?
 *
 * In:    directories with mailboxes.
 * Out:   what was found, for people, programs and auditors; an exit status.
 * Never: looks into a mailbox as root, or takes "cannot tell" for "sealed".
 */
#include "config.h"

#include "ctl/mailbox.h"

#include "ctl/apart.h"
#include "ctl/mailboxes.h"
#include "ctl/report.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef GString *report_form(const struct report *report);

struct options {
	char *user; /* canonical, or NULL */
	report_form *form;
	const char *output; /* or NULL */
};

static int take_options(int argc, char *const argv[], struct options *options);
static int verify(struct ctl *ctl, const struct options *options, int count,
    char *const *directories);
static struct verified *verify_one(const struct ctl *ctl,
    const struct mailbox *mailbox, const struct verify_keys *keys);
static int hand_out(struct report *report, const struct options *options);
static int status_of(const struct report *report);

int
mailbox_verify(struct ctl *ctl, int argc, char *const argv[])
{
	struct options options = {.form = report_text};
	int status = take_options(argc, argv, &options);

	if (status == CTL_DONE && optind == argc) {
		ctl_error("mailbox verify: which directories?");
		status = CTL_USAGE;
	}
	if (status == CTL_USAGE)
		status = mailbox_usage("verify");
	else
		status = verify(ctl, &options, argc - optind, argv + optind);
	g_free(options.user);
	return status;
}

static int
take_form(const char *name, struct options *options)
{
	static const struct {
		const char *name;
		report_form *form;
	} forms[] = {
	    {"text", report_text},
	    {"html", report_html},
	    {"json", report_json},
	    {"csv", report_csv},
	};

	size_t i;

	for (i = 0; i < G_N_ELEMENTS(forms); i++)
		if (strcmp(name, forms[i].name) == 0) {
			options->form = forms[i].form;
			return CTL_DONE;
		}
	ctl_error(
	    "there is no report \"%s\": it is text, html, json or csv", name);
	return CTL_USAGE;
}

static int
take_options(int argc, char *const argv[], struct options *options)
{
	static const struct option long_options[] = {
	    {"user", required_argument, NULL, 'u'},
	    {"report", required_argument, NULL, 'r'},
	    {"output", required_argument, NULL, 'o'}, {NULL, 0, NULL, 0}};
	int option, status = CTL_DONE;

	optind = 0; /* start anew, in another vector */
	opterr = 0;
	while (status == CTL_DONE && (option = getopt_long(argc, argv, ":",
					  long_options, NULL)) != -1) {
		if (option == 'u') {
			status = mailboxes_take_user(optarg, &options->user);
		} else if (option == 'r') {
			status = take_form(optarg, options);
		} else if (option == 'o') {
			options->output = optarg;
		} else {
			ctl_option_error(option, argv);
			status = CTL_USAGE;
		}
	}
	return status;
}

static void
free_verified(void *data)
{
	struct verified *verified = data;

	verified_free(&verified);
}

static int
verify(struct ctl *ctl, const struct options *options, int count,
    char *const *directories)
{
	GPtrArray *mailboxes = NULL, *found;
	struct verify_keys *keys = NULL;
	struct fault fault = {FAULT_NONE, ""};
	struct report *report;
	int status;
	guint i;

	if (mailboxes_find(ctl->config, directories, (size_t)count,
		options->user, &mailboxes, &fault) != 0 ||
	    mailboxes_keys(ctl, mailboxes, &keys, &fault) != 0) {
		/* Nothing was looked at: that is no "readable". */
		(void)ctl_fault(&fault);
		g_clear_pointer(&mailboxes, g_ptr_array_unref);
		return CTL_TEMPORARY;
	}
	found = g_ptr_array_new_with_free_func(free_verified);
	for (i = 0; i < mailboxes->len; i++)
		g_ptr_array_add(
		    found, verify_one(ctl, mailboxes->pdata[i], keys));
	report = report_make(found, (int64_t)time(NULL));
	status = hand_out(report, options);
	if (status == CTL_DONE)
		status = status_of(report);
	report_free(&report);
	verify_keys_free(&keys);
	g_ptr_array_unref(mailboxes);
	return status;
}

/* --- One mailbox, in a process of its own */

struct looking {
	const struct ctl *ctl;
	const struct mailbox *mailbox;
	const struct verify_keys *keys;
	const char *printable;
};

static GBytes *
look(void *context, struct fault *fault)
{
	const struct looking *looking = context;
	/* Its owner may write neither into our spool nor anywhere else that
	 * is known; these files have no name, and are encrypted. */
	const struct spool_limits limits = {
	    g_get_tmp_dir(), looking->ctl->config->spool_memory_octets};
	struct verified *verified =
	    verified_make(looking->printable, looking->mailbox->address);
	GBytes *octets = NULL;

	if (verify_mailbox(verified, looking->mailbox->path, looking->keys,
		&limits, fault) == 0)
		octets = verified_pack(verified);
	verified_free(&verified);
	return octets;
}

static struct verified *
verify_one(const struct ctl *ctl, const struct mailbox *mailbox,
    const struct verify_keys *keys)
{
	const struct apart_user user = {
	    .uid = mailbox->uid, .gid = mailbox->gid};
	char *printable = g_strescape(mailbox->path, "\"");
	struct looking looking = {ctl, mailbox, keys, printable};
	struct verified *verified = NULL;
	struct fault fault = {FAULT_NONE, ""};
	struct apart apart;
	GBytes *octets = NULL;

	if (apart_start(&apart, &user, look, &looking, &fault) == 0)
		octets = apart_wait(&apart, &fault);
	if (octets != NULL) {
		verified = verified_unpack(octets);
		if (verified == NULL)
			fault_set(&fault, FAULT_BUG,
			    "what was found in it cannot be read");
		g_bytes_unref(octets);
	}
	if (verified == NULL) {
		verified = verified_make(printable, mailbox->address);
		verified_add(verified, FINDING_UNCERTAIN, "", fault.text);
	} else if (mailbox->address[0] == '\0') {
		verified_add(verified, FINDING_UNCERTAIN, "",
		    "whose mailbox is this? Its path does not tell, so its"
		    " keys cannot be judged: say it with --user");
	}
	g_free(printable);
	return verified;
}

/* --- What came of it */

static int
hand_out(struct report *report, const struct options *options)
{
	struct fault fault = {FAULT_NONE, ""};
	GError *error = NULL;
	GString *text;
	int status = CTL_DONE;

	if (options->output != NULL &&
	    report_history(report, options->output, &fault) != 0)
		status = ctl_fault(&fault);
	text = options->form(report);
	if (options->output == NULL) {
		(void)fwrite(text->str, 1, text->len, stdout);
	} else if (!g_file_set_contents_full(options->output, text->str,
		       (gssize)text->len, G_FILE_SET_CONTENTS_CONSISTENT, 0600,
		       &error)) {
		ctl_error("%s", error->message);
		status = CTL_TEMPORARY;
		g_error_free(error);
	}
	g_string_free(text, TRUE);
	return status == CTL_REFUSED ? CTL_TEMPORARY : status;
}

static int
status_of(const struct report *report)
{
	int status = CTL_DONE;
	guint i;

	for (i = 0; i < FINDING_KINDS; i++) {
		if (report->counts[i] == 0)
			continue;
		if (finding_is_bad((enum finding_kind)i))
			return CTL_REFUSED;
		if (i == FINDING_UNCERTAIN)
			status = CTL_TEMPORARY;
	}
	return status;
}
