/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * report.c - sum up what was found in mailboxes.
 *
 * In:    what was found in each.
 * Out:   sums by domain and of all, and words for them.
 * Never: prints.
 */
#include "config.h"

#include "ctl/report.h"

#include "policy/address.h"

#include <inttypes.h>
#include <string.h>

static void
free_coverage(void *data)
{
	struct coverage *coverage = data;

	g_free(coverage->domain);
	g_free(coverage);
}

static struct coverage *
coverage_of(GPtrArray *domains, const char *domain)
{
	struct coverage *coverage;
	guint i;

	for (i = 0; i < domains->len; i++) {
		coverage = g_ptr_array_index(domains, i);
		if (strcmp(coverage->domain, domain) == 0)
			return coverage;
	}
	coverage = g_new0(struct coverage, 1);
	coverage->domain = g_strdup(domain);
	g_ptr_array_add(domains, coverage);
	return coverage;
}

static void
cover(struct coverage *coverage, const struct verified *verified,
    const struct verified_folder *total)
{
	guint i;

	coverage->mailboxes++;
	coverage->sealed += total->sealed;
	coverage->readable += total->readable;
	coverage->damaged += total->damaged;
	coverage->uncertain += total->uncertain;
	coverage->messages +=
	    total->sealed + total->readable + total->damaged + total->uncertain;
	for (i = 0; i < FINDING_KINDS; i++)
		coverage->findings += verified->counts[i];
}

static gint
compare_domains(gconstpointer a, gconstpointer b)
{
	const struct coverage *const *one = a, *const *other = b;

	return strcmp((*one)->domain, (*other)->domain);
}

static gint
compare_mailboxes(gconstpointer a, gconstpointer b)
{
	const struct verified *const *one = a, *const *other = b;
	int order = strcmp(
	    address_domain((*one)->address), address_domain((*other)->address));

	if (order == 0)
		order = strcmp((*one)->address, (*other)->address);
	return order != 0 ? order : strcmp((*one)->path, (*other)->path);
}

struct report *
report_make(GPtrArray *mailboxes, int64_t when)
{
	struct report *report = g_new0(struct report, 1);
	const struct verified *verified;
	struct verified_folder total;
	guint i, j;

	report->when = when;
	report->mailboxes = mailboxes;
	report->domains = g_ptr_array_new_with_free_func(free_coverage);
	report->history = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_sort(mailboxes, compare_mailboxes);
	for (i = 0; i < mailboxes->len; i++) {
		verified = g_ptr_array_index(mailboxes, i);
		verified_total(verified, &total);
		cover(&report->total, verified, &total);
		cover(coverage_of(
			  report->domains, address_domain(verified->address)),
		    verified, &total);
		for (j = 0; j < FINDING_KINDS; j++)
			report->counts[j] += verified->counts[j];
		g_ptr_array_unref(total.openers);
	}
	g_ptr_array_sort(report->domains, compare_domains);
	return report;
}

void
report_free(struct report **reportp)
{
	struct report *report = g_steal_pointer(reportp);

	if (report == NULL)
		return;
	g_ptr_array_unref(report->mailboxes);
	g_ptr_array_unref(report->domains);
	g_ptr_array_unref(report->history);
	g_free(report);
}

/* --- Words */

char *
report_percent(uint64_t part, uint64_t whole)
{
	double tenths;

	if (whole == 0)
		return g_strdup("-");
	if (part == whole)
		return g_strdup("100 %");
	tenths = (double)part * 1000.0 / (double)whole;
	if (tenths > 999.0)
		tenths = 999.0;
	return g_strdup_printf("%" PRIu64 ".%" PRIu64 " %%",
	    (uint64_t)tenths / 10, (uint64_t)tenths % 10);
}

char *
report_number(uint64_t number)
{
	char *digits = g_strdup_printf("%" PRIu64, number);
	GString *out = g_string_new(NULL);
	size_t len = strlen(digits), i;

	for (i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			g_string_append_c(out, ',');
		g_string_append_c(out, digits[i]);
	}
	g_free(digits);
	return g_string_free(out, FALSE);
}

const char *
report_advice(enum finding_kind kind)
{
	switch (kind) {
	case FINDING_READABLE:
		return "Seal these: sealctl mailbox encrypt. If they come"
		       " again, look at how mail gets in there: programs that"
		       " append by IMAP need sealctl mailbox watch.";
	case FINDING_LEFTOVER:
		return "Remove these files; a mail server makes its indexes"
		       " anew. Of Dovecot, stop its processes for that user"
		       " first (doveadm kick). A full-text index should be"
		       " switched off for sealed mailboxes.";
	case FINDING_DAMAGED:
		return "Nobody can open these as they are, nor prove that they"
		       " are sealed. Look for a copy in a backup, or delete"
		       " them.";
	case FINDING_FOREIGN:
		return "Find out whose the key is (sealctl key list). A key"
		       " that was replaced belongs into the store under its"
		       " owner's address; of a mailbox that was handed on,"
		       " seal the messages anew: sealctl mailbox rekey.";
	case FINDING_UNCERTAIN:
		return "These say nothing, neither good nor bad. Remove what"
		       " is in the way, and verify again.";
	case FINDING_OLD_KEY:
		return "Nothing is readable. So that their owner does not need"
		       " the old key for ever, seal these anew: sealctl"
		       " mailbox rekey.";
	}
	return "";
}

char *
report_verdict(const struct report *report)
{
	uint64_t bad = 0, messages = report->total.messages;
	char *number;
	char *text;
	guint i;

	for (i = 0; i < FINDING_KINDS; i++)
		if (finding_is_bad((enum finding_kind)i))
			bad += report->counts[i];
	if (report->counts[FINDING_READABLE] > 0) {
		number = report_number(report->counts[FINDING_READABLE]);
		text = g_strdup_printf("%s message%s can be read by everybody"
				       " who can read the disk.",
		    number, report->counts[FINDING_READABLE] == 1 ? "" : "s");
		g_free(number);
		return text;
	}
	if (bad > 0)
		return g_strdup("No stored message is readable, but not all is"
				" as it should be.");
	if (report->counts[FINDING_UNCERTAIN] > 0)
		return g_strdup("Nothing readable was found, but not all could"
				" be looked at.");
	if (messages == 0)
		return g_strdup("There are no messages.");
	return g_strdup("Every message is sealed, and no readable text was"
			" found beside them.");
}
