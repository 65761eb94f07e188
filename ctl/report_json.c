/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * report_json.c - what was found in mailboxes, for programs (sealctl.1 says
 * what the names mean; they stay).
 *
 * In:    a report.
 * Out:   JSON, one object.
 * Never: says what a message says.
 */
#include "config.h"

#include "ctl/report.h"

#include "ctl/json.h"
#include "policy/address.h"

static void
json_counts(GString *json, uint64_t sealed, uint64_t readable, uint64_t damaged,
    uint64_t uncertain)
{
	json_number(json, "messages", sealed + readable + damaged + uncertain);
	json_number(json, "sealed", sealed);
	json_number(json, "readable", readable);
	json_number(json, "damaged", damaged);
	json_number(json, "uncertain", uncertain);
}

static void
comma(GString *json, guint i)
{
	g_string_append(json, i == 0 ? "\n  " : ",\n  ");
}

static void
json_openers(GString *json, const GPtrArray *openers)
{
	const struct opener *opener;
	guint i;

	json_name(json, "sealed_to");
	json_open(json, '[');
	for (i = 0; i < openers->len; i++) {
		opener = g_ptr_array_index(openers, i);
		json_open(json, '{');
		json_text(json, "id", opener->id);
		json_text(json, "fingerprint",
		    opener->fingerprint[0] == '\0' ? NULL
						   : opener->fingerprint);
		json_text(json, "addresses", opener->addresses);
		json_number(json, "messages", opener->messages);
		g_string_append_c(json, '}');
	}
	g_string_append_c(json, ']');
}

static void
json_folders(GString *json, const GPtrArray *folders)
{
	const struct verified_folder *folder;
	guint i;

	json_name(json, "folders");
	json_open(json, '[');
	for (i = 0; i < folders->len; i++) {
		folder = g_ptr_array_index(folders, i);
		json_open(json, '{');
		json_text(json, "folder", folder->name);
		json_counts(json, folder->sealed, folder->readable,
		    folder->damaged, folder->uncertain);
		json_openers(json, folder->openers);
		g_string_append_c(json, '}');
	}
	g_string_append_c(json, ']');
}

static void
json_findings(GString *json, const GPtrArray *findings)
{
	const struct finding *finding;
	guint i;

	json_name(json, "findings");
	json_open(json, '[');
	for (i = 0; i < findings->len; i++) {
		finding = g_ptr_array_index(findings, i);
		json_open(json, '{');
		json_text(json, "finding", finding_name(finding->kind));
		json_text(json, "path", finding->path);
		json_text(json, "what", finding->what);
		g_string_append_c(json, '}');
	}
	g_string_append_c(json, ']');
}

static void
json_kinds(GString *json, const uint64_t *counts)
{
	guint i;

	json_name(json, "counts");
	json_open(json, '{');
	for (i = 0; i < FINDING_KINDS; i++)
		json_number(
		    json, finding_name((enum finding_kind)i), counts[i]);
	g_string_append_c(json, '}');
}

static void
json_mailbox(GString *json, const struct verified *verified)
{
	struct verified_folder total;

	verified_total(verified, &total);
	g_string_append_c(json, '{');
	json_text(json, "address",
	    verified->address[0] == '\0' ? NULL : verified->address);
	json_text(json, "mailbox", verified->path);
	json_counts(
	    json, total.sealed, total.readable, total.damaged, total.uncertain);
	json_number(json, "octets", verified->octets);
	json_number(json, "sealed_at_rest", verified->at_rest);
	json_number(json, "sealed_in_transit", verified->transit);
	json_number(json, "sealed_by_author", verified->by_author);
	json_number(json, "subjects_shown", verified->subjects);
	json_openers(json, total.openers);
	json_kinds(json, verified->counts);
	json_folders(json, verified->folders);
	json_findings(json, verified->findings);
	g_string_append_c(json, '}');
	g_ptr_array_unref(total.openers);
}

static void
json_coverage(GString *json, const struct coverage *coverage)
{
	json_number(json, "mailboxes", coverage->mailboxes);
	json_counts(json, coverage->sealed, coverage->readable,
	    coverage->damaged, coverage->uncertain);
	json_number(json, "findings", coverage->findings);
}

GString *
report_json(const struct report *report)
{
	GString *json = g_string_new("{");
	char *verdict = report_verdict(report);
	const struct coverage *domain;
	const struct past *past;
	guint i;

	json_number(json, "version", 1);
	json_time(json, "time", report->when);
	json_text(json, "verdict", verdict);
	json_name(json, "total");
	json_open(json, '{');
	json_coverage(json, &report->total);
	g_string_append_c(json, '}');
	json_kinds(json, report->counts);
	json_name(json, "domains");
	json_open(json, '[');
	for (i = 0; i < report->domains->len; i++) {
		domain = g_ptr_array_index(report->domains, i);
		comma(json, i);
		g_string_append_c(json, '{');
		json_text(json, "domain",
		    domain->domain[0] == '\0' ? NULL : domain->domain);
		json_coverage(json, domain);
		g_string_append_c(json, '}');
	}
	g_string_append_c(json, ']');
	json_name(json, "history");
	json_open(json, '[');
	for (i = 0; i < report->history->len; i++) {
		past = g_ptr_array_index(report->history, i);
		comma(json, i);
		g_string_append_c(json, '{');
		json_time(json, "time", past->when);
		json_number(json, "messages", past->messages);
		json_number(json, "sealed", past->sealed);
		g_string_append_c(json, '}');
	}
	g_string_append_c(json, ']');
	json_name(json, "mailboxes");
	json_open(json, '[');
	for (i = 0; i < report->mailboxes->len; i++) {
		comma(json, i);
		json_mailbox(json, g_ptr_array_index(report->mailboxes, i));
	}
	g_string_append(json, "]}\n");
	g_free(verdict);
	return json;
}
