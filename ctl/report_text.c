/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * report_text.c - what was found in mailboxes, for a terminal.
 *
 * In:    a report.
 * Out:   text.
 * Never: says what a message says.
 */
#include "config.h"

#include "ctl/report.h"

#include <inttypes.h>
#include <string.h>

/* Findings of one kind in one mailbox; the other reports have more. */
#define LISTED 20

static void
line_of_counts(GString *out, const struct verified_folder *counts)
{
	uint64_t messages = counts->sealed + counts->readable +
			    counts->damaged + counts->uncertain;
	char *number = report_number(messages);

	if (messages == 0)
		g_string_append(out, "no messages");
	else if (counts->sealed == messages)
		g_string_append_printf(out, "%s message%s, %s", number,
		    messages == 1 ? "" : "s",
		    messages == 1 ? "sealed" : "all sealed");
	else
		g_string_append_printf(
		    out, "%s message%s", number, messages == 1 ? "" : "s");
	g_free(number);
	if (counts->sealed == messages)
		return;
	g_string_append_printf(out, ": %" PRIu64 " sealed", counts->sealed);
	if (counts->readable > 0)
		g_string_append_printf(
		    out, ", %" PRIu64 " READABLE", counts->readable);
	if (counts->damaged > 0)
		g_string_append_printf(
		    out, ", %" PRIu64 " damaged", counts->damaged);
	if (counts->uncertain > 0)
		g_string_append_printf(
		    out, ", %" PRIu64 " uncertain", counts->uncertain);
}

static void
list_openers(GString *out, const struct verified_folder *total)
{
	const struct opener *opener;
	guint i;

	for (i = 0; i < total->openers->len; i++) {
		opener = g_ptr_array_index(total->openers, i);
		g_string_append_printf(out, "    %s %7" PRIu64 "  %s%s%s%s\n",
		    i == 0 ? "to" : "  ", opener->messages,
		    opener->fingerprint[0] != '\0' ? opener->fingerprint
						   : opener->id,
		    opener->addresses[0] == '\0' ? "" : "  (",
		    opener->addresses, opener->addresses[0] == '\0' ? "" : ")");
	}
}

static void
list_findings(GString *out, const struct verified *verified)
{
	const struct finding *finding;
	uint64_t listed[FINDING_KINDS] = {0};
	guint i;

	for (i = 0; i < verified->findings->len; i++) {
		finding = g_ptr_array_index(verified->findings, i);
		if (listed[finding->kind]++ >= LISTED)
			continue;
		g_string_append_printf(out, "    %-12s %s%s%s\n",
		    finding->kind == FINDING_READABLE
			? "READABLE"
			: finding_name(finding->kind),
		    finding->path, finding->path[0] == '\0' ? "" : ": ",
		    finding->what);
	}
	for (i = 0; i < FINDING_KINDS; i++)
		if (verified->counts[i] > LISTED)
			g_string_append_printf(out,
			    "    %-12s and %" PRIu64 " more; --report csv"
			    " lists them\n",
			    finding_name((enum finding_kind)i),
			    verified->counts[i] - LISTED);
}

static void
one_mailbox(GString *out, const struct verified *verified)
{
	const struct verified_folder *folder;
	struct verified_folder total;
	guint i;

	g_string_append_printf(out, "%s%s%s\n    ", verified->address,
	    verified->address[0] == '\0' ? "" : "  ", verified->path);
	verified_total(verified, &total);
	line_of_counts(out, &total);
	g_string_append_c(out, '\n');
	for (i = 0; i < verified->folders->len && verified->folders->len > 1;
	     i++) {
		folder = g_ptr_array_index(verified->folders, i);
		if (folder->sealed + folder->readable + folder->damaged +
			folder->uncertain ==
		    0)
			continue;
		g_string_append_printf(out, "      %-20s ",
		    folder->name[0] == '\0' ? "INBOX" : folder->name);
		line_of_counts(out, folder);
		g_string_append_c(out, '\n');
	}
	list_openers(out, &total);
	list_findings(out, verified);
	g_ptr_array_unref(total.openers);
	g_string_append_c(out, '\n');
}

GString *
report_text(const struct report *report)
{
	const struct coverage *total = &report->total;
	GString *out = g_string_new(NULL);
	char *verdict = report_verdict(report);
	char *percent = report_percent(total->sealed, total->messages);
	guint i;

	for (i = 0; i < report->mailboxes->len; i++)
		one_mailbox(out, g_ptr_array_index(report->mailboxes, i));
	g_string_append_printf(out,
	    "%s\n%" PRIu64 " mailbox%s, %" PRIu64 " message%s: %" PRIu64
	    " sealed (%s), %" PRIu64 " readable, %" PRIu64 " damaged, %" PRIu64
	    " uncertain.\n",
	    verdict, total->mailboxes, total->mailboxes == 1 ? "" : "es",
	    total->messages, total->messages == 1 ? "" : "s", total->sealed,
	    percent, total->readable, total->damaged, total->uncertain);
	for (i = 0; i < FINDING_KINDS; i++)
		if (report->counts[i] > 0)
			g_string_append_printf(out,
			    "\n%s (%" PRIu64 ")\n    %s\n",
			    finding_name((enum finding_kind)i),
			    report->counts[i],
			    report_advice((enum finding_kind)i));
	g_free(percent);
	g_free(verdict);
	return out;
}
