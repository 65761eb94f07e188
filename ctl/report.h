/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_REPORT_H
#define CTL_REPORT_H

#include "mailbox/verify.h"

#include <glib.h>
#include <stdint.h>

/* One run of `sealctl mailbox verify`, in numbers. */
struct coverage {
	char *domain; /* "": mailboxes whose owner is not known */
	uint64_t mailboxes;
	uint64_t messages;
	uint64_t sealed;
	uint64_t readable;
	uint64_t damaged;
	uint64_t uncertain;
	uint64_t findings; /* of every kind, listed or not */
};

struct report {
	int64_t when;         /* seconds since 1970 */
	GPtrArray *mailboxes; /* of struct verified * */
	GPtrArray *domains;   /* of struct coverage *, by name */
	struct coverage total;
	uint64_t counts[FINDING_KINDS];
	GPtrArray *history; /* of struct past *, the oldest first */
};

/* An earlier run, and this one. */
struct past {
	int64_t when;
	uint64_t messages;
	uint64_t sealed;
};

/* Takes the list (of struct verified *; frees its own). */
struct report *report_make(GPtrArray *mailboxes, int64_t when);
void report_free(struct report **reportp);

/* "99.8 %"; never "100 %" if one is missing; "-": there is none.  New. */
char *report_percent(uint64_t part, uint64_t whole);

/* "12,345", a new string. */
char *report_number(uint64_t number);

/* What to do about findings of that kind: a sentence for people; constant. */
const char *report_advice(enum finding_kind kind);

/* One line that says how it is: a new string. */
char *report_verdict(const struct report *report);

/* The forms: new strings.  HTML is one page without scripts or anything that
 * is loaded from elsewhere. */
GString *report_text(const struct report *report);
GString *report_html(const struct report *report);
GString *report_json(const struct report *report);
GString *report_csv(const struct report *report);

/* --- Earlier reports: ctl/report_history.c */

#define HISTORY_MAX 1000

/* Reads FILE.history into the report, adds this run to both, and writes
 * FILE.history anew.  0, or -1 with fault. */
int report_history(
    struct report *report, const char *file, struct fault *fault);

#endif
