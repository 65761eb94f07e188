/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * report_csv.c - what was found in mailboxes, for a spreadsheet.
 *
 * In:    a report.
 * Out:   CSV (RFC 4180): a row for each folder, key and finding.
 * Never: gives a spreadsheet a formula, whatever a folder is called.
 */
#include "config.h"

#include "ctl/report.h"

#include "policy/address.h"

#include <inttypes.h>
#include <string.h>

static void
csv_text(GString *csv, const char *text)
{
	const char *p;

	g_string_append_c(csv, '"');
	/* Spreadsheets take these for the beginning of a formula. */
	if (text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL)
		g_string_append_c(csv, '\'');
	for (p = text; *p != '\0'; p++) {
		if (*p == '"')
			g_string_append_c(csv, '"');
		g_string_append_c(csv, *p);
	}
	g_string_append_c(csv, '"');
}

static void
csv_begin(GString *csv, const char *record, const struct verified *verified,
    const char *folder)
{
	g_string_append_printf(csv, "%s,", record);
	csv_text(csv, address_domain(verified->address));
	g_string_append_c(csv, ',');
	csv_text(csv, verified->address);
	g_string_append_c(csv, ',');
	csv_text(csv, verified->path);
	g_string_append_c(csv, ',');
	csv_text(csv, folder);
}

static void
csv_folder(GString *csv, const struct verified *verified,
    const struct verified_folder *folder)
{
	const struct opener *opener;
	guint i;

	csv_begin(csv, "folder", verified, folder->name);
	g_string_append_printf(csv,
	    ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
	    ",,,\r\n",
	    folder->sealed + folder->readable + folder->damaged +
		folder->uncertain,
	    folder->sealed, folder->readable, folder->damaged,
	    folder->uncertain);
	for (i = 0; i < folder->openers->len; i++) {
		opener = g_ptr_array_index(folder->openers, i);
		csv_begin(csv, "key", verified, folder->name);
		g_string_append_printf(
		    csv, ",,%" PRIu64 ",,,,,", opener->messages);
		csv_text(csv, opener->fingerprint[0] != '\0'
				  ? opener->fingerprint
				  : opener->id);
		g_string_append_c(csv, ',');
		csv_text(csv, opener->addresses);
		g_string_append(csv, "\r\n");
	}
}

static void
csv_finding(GString *csv, const struct verified *verified,
    const struct finding *finding)
{
	csv_begin(csv, "finding", verified, "");
	g_string_append_printf(csv, ",,,,,,%s,", finding_name(finding->kind));
	csv_text(csv, finding->path);
	g_string_append_c(csv, ',');
	csv_text(csv, finding->what);
	g_string_append(csv, "\r\n");
}

GString *
report_csv(const struct report *report)
{
	GString *csv = g_string_new(
	    "record,domain,address,mailbox,folder,messages,sealed,readable,"
	    "damaged,uncertain,finding,path,what\r\n");
	const struct verified *verified;
	guint i, j;

	for (i = 0; i < report->mailboxes->len; i++) {
		verified = g_ptr_array_index(report->mailboxes, i);
		for (j = 0; j < verified->folders->len; j++)
			csv_folder(csv, verified, verified->folders->pdata[j]);
		for (j = 0; j < verified->findings->len; j++)
			csv_finding(
			    csv, verified, verified->findings->pdata[j]);
	}
	return csv;
}
