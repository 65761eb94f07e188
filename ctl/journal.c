/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * journal.c - sealctl journal: where did the copies of a message go?
 *
 * In:    the daemon's journal, while it may be in use.
 * Out:   messages and copies: queue IDs, times, forms, states.
 * Never: changes it, or tells for whom a copy was, which it does not know.
 */
#include "config.h"

#include "ctl/family.h"
#include "ctl/history.h"
#include "ctl/json.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static ctl_command journal_list, journal_show;

static const struct ctl_member members[] = {
    {"list", journal_list, "[--since HOURS] [--json]",
	"messages whose copies were injected, the newest last"},
    {"show", journal_show, "[--json] QUEUE-ID",
	"the copies of a message; the ID may be that of a copy"},
};

static const struct ctl_family family = {
    "journal", members, G_N_ELEMENTS(members)};

static int parse_options(
    int argc, char *const argv[], bool *jsonp, int64_t *sincep);
static int open_history(const struct ctl *ctl, struct history **historyp);
static void print_line(const struct history_message *message);
static void print_page(const struct history_message *message);
static void print_json(const struct history_message *message, bool copies);
static void json_copy(GString *json, const struct history_copy *copy);

int
ctl_journal(struct ctl *ctl, int argc, char *const argv[])
{
	return ctl_family_run(&family, ctl, argc, argv);
}

/* Leaves optind at the first argument; 0, or -1 after a message. */
static int
parse_options(int argc, char *const argv[], bool *jsonp, int64_t *sincep)
{
	static const struct option options[] = {
	    {"json", no_argument, NULL, 'j'},
	    {"since", required_argument, NULL, 's'}, {NULL, 0, NULL, 0}};
	guint64 hours;
	int option;

	optind = 0; /* start anew, in another vector */
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == 'j') {
			*jsonp = true;
		} else if (option == 's' && sincep != NULL) {
			if (!g_ascii_string_to_unsigned(
				optarg, 10, 1, 100000, &hours, NULL)) {
				ctl_error(
				    "\"%s\" is no number of hours", optarg);
				return -1;
			}
			*sincep = (int64_t)time(NULL) - (int64_t)hours * 3600;
		} else {
			if (option == '?' || option == ':')
				ctl_option_error(option, argv);
			else
				ctl_error("\"journal %s\" has no such option",
				    argv[0]);
			return -1;
		}
	}
	return 0;
}

/* CTL_DONE, and NULL if there is no journal yet, which is said; or another
 * status after a message. */
static int
open_history(const struct ctl *ctl, struct history **historyp)
{
	struct fault fault = {FAULT_NONE, ""};
	struct history *history = NULL;
	int status = CTL_DONE;
	char *path;

	if (ctl_become_runtime_user(ctl, &fault) != 0)
		return ctl_fault(&fault);
	path = g_build_filename(ctl->config->state, "journal", NULL);
	switch (history_read(path, &history, &fault)) {
	case 1:
		if (history->found.damaged > 0)
			ctl_error("%s is damaged in %" PRIu64
				  " places (%" PRIu64
				  " octets); this is what can be read",
			    path, history->found.damaged,
			    history->found.damaged_octets);
		break;
	case 0:
		ctl_error("there is no %s: no copies were injected", path);
		break;
	default:
		status = ctl_fault(&fault);
	}
	g_free(path);
	*historyp = history;
	return status;
}

static int
journal_list(struct ctl *ctl, int argc, char *const argv[])
{
	const struct history_message *message;
	struct history *history = NULL;
	bool json = ctl->json, first = true;
	int64_t since = 0;
	int status;
	guint i;

	if (parse_options(argc, argv, &json, &since) != 0 || optind != argc)
		return ctl_family_usage(&family, argv[0]);
	status = open_history(ctl, &history);
	if (status != CTL_DONE)
		return status;
	printf("%s", json ? "[" : "");
	for (i = 0; history != NULL && i < history->messages->len; i++) {
		message = g_ptr_array_index(history->messages, i);
		if (message->last < since)
			continue;
		if (json) {
			printf(first ? "\n" : ",\n");
			print_json(message, false);
		} else
			print_line(message);
		first = false;
	}
	printf("%s", json ? "\n]\n" : "");
	history_free(&history);
	return CTL_DONE;
}

static int
journal_show(struct ctl *ctl, int argc, char *const argv[])
{
	const struct history_message *message;
	struct history *history = NULL;
	bool json = ctl->json;
	unsigned int found = 0;
	int status;
	guint i;

	if (parse_options(argc, argv, &json, NULL) != 0 || optind + 1 != argc)
		return ctl_family_usage(&family, argv[0]);
	status = open_history(ctl, &history);
	if (status != CTL_DONE)
		return status;
	printf("%s", json ? "[" : "");
	for (i = 0; history != NULL && i < history->messages->len; i++) {
		message = g_ptr_array_index(history->messages, i);
		if (!history_has_queue_id(message, argv[optind]))
			continue;
		if (found++ > 0)
			printf("%s", json ? "," : "\n");
		if (json) {
			printf("\n");
			print_json(message, true);
		} else
			print_page(message);
	}
	printf("%s", json ? "\n]\n" : "");
	history_free(&history);
	if (found > 0)
		return CTL_DONE;
	ctl_error(
	    "the journal has no message with the queue ID %s", argv[optind]);
	return CTL_REFUSED;
}

/* --- For people */

/* That of the last try. */
static const char *
last_queue_id(const struct history_message *message)
{
	return g_ptr_array_index(
	    message->queue_ids, message->queue_ids->len - 1);
}

static void
print_line(const struct history_message *message)
{
	char *when = time_text(message->last);

	printf("%s  %s  %u/%u  %s\n", when, last_queue_id(message),
	    history_done(message), message->copies->len,
	    history_state_name(history_state(message)));
	g_free(when);
}

static void
print_copy(const struct history_copy *copy)
{
	char *when = time_text(copy->state == HISTORY_DONE    ? copy->done
			       : copy->state == HISTORY_DOUBT ? copy->doubt
							      : copy->prepared);

	printf("copy       %-10s  %-8s  %s  %s\n", copy->form,
	    history_state_name(copy->state), when,
	    copy->queue_id[0] != '\0' ? copy->queue_id : "-");
	g_free(when);
}

static void
print_page(const struct history_message *message)
{
	char *first = time_text(message->first);
	char *last = time_text(message->last);
	guint i;

	printf("queue ID   ");
	for (i = 0; i < message->queue_ids->len; i++)
		printf("%s%s", i == 0 ? "" : ", ",
		    (const char *)g_ptr_array_index(message->queue_ids, i));
	printf("\nstate      %s, %u of %u copies are done\n",
	    history_state_name(history_state(message)), history_done(message),
	    message->copies->len);
	printf("first      %s\nlast       %s\n", first, last);
	for (i = 0; i < message->copies->len; i++)
		print_copy(g_ptr_array_index(message->copies, i));
	g_free(first);
	g_free(last);
}

/* --- For programs */

static void
json_copy(GString *json, const struct history_copy *copy)
{
	GString *id = g_string_new(NULL);
	size_t i;

	for (i = 0; i < JOURNAL_ID_OCTETS; i++)
		g_string_append_printf(id, "%02x", copy->id.octets[i]);
	json_open(json, '{');
	json_text(json, "id", id->str);
	json_text(json, "form", copy->form);
	json_text(json, "state", history_state_name(copy->state));
	json_time(json, "prepared", copy->prepared);
	json_time(json, "done", copy->done);
	json_time(json, "in_doubt", copy->doubt);
	json_text(json, "queue_id",
	    copy->queue_id[0] != '\0' ? copy->queue_id : NULL);
	g_string_append_c(json, '}');
	g_string_free(id, TRUE);
}

static void
print_json(const struct history_message *message, bool copies)
{
	GString *json = g_string_new("{");
	guint i;

	json_time(json, "first", message->first);
	json_time(json, "last", message->last);
	json_text(json, "queue_id", last_queue_id(message));
	json_name(json, "queue_ids");
	json_open(json, '[');
	for (i = 0; i < message->queue_ids->len; i++)
		json_element(json, g_ptr_array_index(message->queue_ids, i));
	g_string_append_c(json, ']');
	json_number(json, "total", message->copies->len);
	json_number(json, "done", history_done(message));
	json_text(json, "state", history_state_name(history_state(message)));
	if (copies) {
		json_name(json, "copies");
		json_open(json, '[');
		for (i = 0; i < message->copies->len; i++)
			json_copy(json, g_ptr_array_index(message->copies, i));
		g_string_append_c(json, ']');
	}
	g_string_append_c(json, '}');
	printf("%s", json->str);
	g_string_free(json, TRUE);
}
