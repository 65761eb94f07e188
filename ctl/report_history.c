/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * report_history.c - remember earlier runs, beside the report's file.
 *
 * In:    FILE.history: a line "TIME MESSAGES SEALED" for each run.
 * Out:   the same with one line more, HISTORY_MAX lines at most.
 * Never: names anybody in it, or throws away what it cannot read.
 */
#include "config.h"

#include "ctl/report.h"

#include <inttypes.h>
#include <string.h>

static bool
take_number(const char *text, guint64 *number)
{
	return g_ascii_string_to_unsigned(
	    text, 10, 0, G_MAXINT64, number, NULL);
}

static void
add(struct report *report, int64_t when, uint64_t messages, uint64_t sealed)
{
	struct past *past = g_new0(struct past, 1);

	*past = (struct past){when, messages, sealed};
	g_ptr_array_add(report->history, past);
	if (report->history->len > HISTORY_MAX)
		g_ptr_array_remove_index(report->history, 0);
}

static int
take_line(struct report *report, const char *line)
{
	char **words = g_strsplit(line, " ", -1);
	guint64 when, messages, sealed;
	int ret = -1;

	if (g_strv_length(words) == 3 && take_number(words[0], &when) &&
	    take_number(words[1], &messages) &&
	    take_number(words[2], &sealed) && sealed <= messages) {
		add(report, (int64_t)when, messages, sealed);
		ret = 0;
	}
	g_strfreev(words);
	return ret;
}

static int
read_lines(struct report *report, const char *path, struct fault *fault)
{
	char *text = NULL, **lines;
	GError *error = NULL;
	size_t i;
	int r = 0;

	if (!g_file_get_contents(path, &text, NULL, &error)) {
		if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
			fault_set(fault, FAULT_TEMP, "%s", error->message);
			r = -1;
		}
		g_error_free(error);
		return r;
	}
	lines = g_strsplit(text, "\n", -1);
	for (i = 0; r == 0 && lines[i] != NULL; i++)
		if (lines[i][0] != '\0' && take_line(report, lines[i]) != 0) {
			fault_set(fault, FAULT_PERM,
			    "%s: line %zu is none of ours: move the file away,"
			    " or give another --output",
			    path, i + 1);
			r = -1;
		}
	g_strfreev(lines);
	g_free(text);
	return r;
}

int
report_history(struct report *report, const char *file, struct fault *fault)
{
	char *path = g_strconcat(file, ".history", NULL);
	GString *text = g_string_new(NULL);
	GError *error = NULL;
	const struct past *past;
	int r = read_lines(report, path, fault);
	guint i;

	if (r == 0) {
		add(report, report->when, report->total.messages,
		    report->total.sealed);
		for (i = 0; i < report->history->len; i++) {
			past = g_ptr_array_index(report->history, i);
			g_string_append_printf(text,
			    "%" PRId64 " %" PRIu64 " %" PRIu64 "\n", past->when,
			    past->messages, past->sealed);
		}
		if (!g_file_set_contents_full(path, text->str,
			(gssize)text->len, G_FILE_SET_CONTENTS_CONSISTENT, 0600,
			&error)) {
			fault_set(fault, FAULT_TEMP, "%s", error->message);
			g_error_free(error);
			r = -1;
		}
	}
	g_string_free(text, TRUE);
	g_free(path);
	return r;
}
