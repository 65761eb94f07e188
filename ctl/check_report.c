/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * check_report.c - collect what `sealctl check` finds and put it into words.
 *
 * In:    findings: a level, what is the case, what to do about it.
 * Out:   text for people, JSON for programs, an exit status.
 * Never: prints, or looks at anything itself.
 */
#include "ctl/check.h"
#include "ctl/json.h"

#include <stdarg.h>
#include <string.h>

struct finding {
	enum check_level level;
	char *section;
	char *text;
	char *advice; /* or NULL */
};

struct check_report {
	GPtrArray *findings; /* of struct finding */
	char *section;
};

#define TEXT_COLUMN 11 /* where the words begin */
#define LINE_COLUMNS 78

static void finding_free(void *finding);
static void add_wrapped(GString *out, const char *text);
static void add_totals(GString *out, const struct check_report *report);
static void add_total(
    GString *out, size_t count, const char *one, const char *many);
static void add_json_finding(GString *out, const struct finding *finding);

static const char *const level_words[CHECK_LEVELS] = {
    [CHECK_OK] = "ok",
    [CHECK_NOTE] = "note",
    [CHECK_WARNING] = "warning",
    [CHECK_PROBLEM] = "PROBLEM",
    [CHECK_UNKNOWN] = "unknown",
};

struct check_report *
check_report_make(void)
{
	struct check_report *report = g_new0(struct check_report, 1);

	report->findings = g_ptr_array_new_with_free_func(finding_free);
	report->section = g_strdup("");
	return report;
}

void
check_report_free(struct check_report **reportp)
{
	if (*reportp == NULL)
		return;
	g_ptr_array_free((*reportp)->findings, TRUE);
	g_free((*reportp)->section);
	g_free(*reportp);
	*reportp = NULL;
}

void
check_section(struct check_report *report, const char *title)
{
	g_free(report->section);
	report->section = g_strdup(title);
}

void
check_add(struct check_report *report, enum check_level level,
    const char *format, ...)
{
	struct finding *finding = g_new0(struct finding, 1);
	char *feed;
	va_list args;

	va_start(args, format);
	finding->text = g_strdup_vprintf(format, args);
	va_end(args);
	feed = strchr(finding->text, '\n');
	if (feed != NULL) {
		*feed = '\0';
		finding->advice = g_strdup(feed + 1);
	}
	finding->level = level;
	finding->section = g_strdup(report->section);
	g_ptr_array_add(report->findings, finding);
}

void
check_report_move(struct check_report *to, struct check_report *from)
{
	while (from->findings->len > 0)
		g_ptr_array_add(
		    to->findings, g_ptr_array_steal_index(from->findings, 0));
}

size_t
check_count(const struct check_report *report, enum check_level level)
{
	const struct finding *finding;
	size_t count = 0;
	guint i;

	for (i = 0; i < report->findings->len; i++) {
		finding = g_ptr_array_index(report->findings, i);
		if (finding->level == level)
			count++;
	}
	return count;
}

int
check_report_status(const struct check_report *report)
{
	if (check_count(report, CHECK_PROBLEM) > 0)
		return CTL_REFUSED;
	if (check_count(report, CHECK_UNKNOWN) > 0)
		return CTL_TEMPORARY;
	return CTL_DONE;
}

char *
check_report_text(const struct check_report *report)
{
	GString *out = g_string_new(NULL);
	const struct finding *finding;
	const char *section = "";
	guint i;

	for (i = 0; i < report->findings->len; i++) {
		finding = g_ptr_array_index(report->findings, i);
		if (strcmp(finding->section, section) != 0) {
			section = finding->section;
			g_string_append_printf(
			    out, "%s%s\n", out->len == 0 ? "" : "\n", section);
		}
		g_string_append_printf(out, "  %-*s", TEXT_COLUMN - 2,
		    level_words[finding->level]);
		add_wrapped(out, finding->text);
		if (finding->advice != NULL) {
			g_string_append_printf(out, "%*s", TEXT_COLUMN, "");
			add_wrapped(out, finding->advice);
		}
	}
	add_totals(out, report);
	return g_string_free(out, FALSE);
}

/* The cursor stands at TEXT_COLUMN.  Breaks lines at blanks only. */
static void
add_wrapped(GString *out, const char *text)
{
	size_t column = TEXT_COLUMN, width;
	const char *word, *end;

	for (word = text; *word != '\0'; word = *end == '\0' ? end : end + 1) {
		end = word + strcspn(word, " \n");
		width = (size_t)(end - word);
		if (column > TEXT_COLUMN &&
		    (column + 1 + width > LINE_COLUMNS || word[-1] == '\n')) {
			g_string_append_printf(out, "\n%*s", TEXT_COLUMN, "");
			column = TEXT_COLUMN;
		} else if (column > TEXT_COLUMN) {
			g_string_append_c(out, ' ');
			column++;
		}
		g_string_append_len(out, word, (gssize)width);
		column += width;
	}
	g_string_append_c(out, '\n');
}

static void
add_totals(GString *out, const struct check_report *report)
{
	size_t problems = check_count(report, CHECK_PROBLEM);
	size_t warnings = check_count(report, CHECK_WARNING);
	size_t unknowns = check_count(report, CHECK_UNKNOWN);

	g_string_append_c(out, '\n');
	if (problems + warnings + unknowns == 0) {
		g_string_append(out, "Everything is fine.\n");
		return;
	}
	add_total(out, problems, "problem", "problems");
	g_string_append(out, ", ");
	add_total(out, warnings, "warning", "warnings");
	if (unknowns > 0) {
		g_string_append(out, ", ");
		add_total(out, unknowns, "thing", "things");
		g_string_append(out, " that I could not find out");
	}
	g_string_append(out, ".\n");
	if (problems == 0 && unknowns == 0)
		g_string_append(out, "Nothing here keeps you from using it.\n");
}

static void
add_total(GString *out, size_t count, const char *one, const char *many)
{
	if (count == 0)
		g_string_append_printf(out, "no %s", many);
	else
		g_string_append_printf(
		    out, "%zu %s", count, count == 1 ? one : many);
}

char *
check_report_json(const struct check_report *report)
{
	GString *out = g_string_new(NULL);
	guint i;

	g_string_append_printf(out, "{\"status\": %d, \"findings\": [",
	    check_report_status(report));
	for (i = 0; i < report->findings->len; i++) {
		g_string_append(out, i == 0 ? "\n" : ",\n");
		add_json_finding(out, g_ptr_array_index(report->findings, i));
	}
	g_string_append(out, "\n]}\n");
	return g_string_free(out, FALSE);
}

static void
add_json_finding(GString *out, const struct finding *finding)
{
	char *level;

	level = g_ascii_strdown(level_words[finding->level], -1);
	g_string_append(out, " {");
	json_text(out, "section", finding->section);
	json_text(out, "level", level);
	json_text(out, "text", finding->text);
	if (finding->advice != NULL) {
		json_text(out, "advice", finding->advice);
	}
	g_string_append_c(out, '}');
	g_free(level);
}

static void
finding_free(void *data)
{
	struct finding *finding = data;

	g_free(finding->section);
	g_free(finding->text);
	g_free(finding->advice);
	g_free(finding);
}
