/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * trace.c - the Received field of a copy.
 *
 * In:    what the MTA told of the client.
 * Out:   a field.
 * Never: anything that could end the field or the comment it stands in.
 */
#include "milter/trace.h"

#include <string.h>
#include <time.h>

#define WORD_OCTETS 200

/* A word as it may stand in the field: others could be read as syntax. */
static void
append_word(GString *out, const char *word)
{
	static const char good[] = ".-_:[]@+=/";
	size_t i;

	for (i = 0; i < WORD_OCTETS && word[i] != '\0'; i++)
		g_string_append_c(out,
		    g_ascii_isalnum(word[i]) || strchr(good, word[i]) != NULL
			? word[i]
			: '?');
}

void
trace_append_date(GString *out)
{
	static const char *const days[] = {
	    "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	g_string_append_printf(out, "%s, %d %s %d %02d:%02d:%02d +0000",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static bool
has(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* RFC 3848. */
static const char *
protocol(const struct trace *trace)
{
	static const char *const names[] = {
	    "ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"};

	return names[(trace->tls ? 1 : 0) + (trace->authenticated ? 2 : 0)];
}

char *
trace_received(const struct trace *trace, const char *recipient)
{
	GString *out = g_string_new("Received:");

	if (trace->smtp && (has(trace->helo) || has(trace->client))) {
		g_string_append(out, " from ");
		append_word(out, has(trace->helo)     ? trace->helo
				 : has(trace->client) ? trace->client
						      : "unknown");
		g_string_append(out, " (");
		append_word(out,
		    has(trace->client_name) ? trace->client_name : "unknown");
		g_string_append(out, " [");
		append_word(
		    out, has(trace->client) ? trace->client : "unknown");
		g_string_append(out, "])\r\n\t");
	} else
		g_string_append_c(out, ' ');
	g_string_append(out, "by ");
	append_word(out, has(trace->host) ? trace->host : "localhost");
	g_string_append(out, " (sealmilter)");
	if (trace->smtp)
		g_string_append_printf(out, " with %s", protocol(trace));
	if (has(trace->queue_id) && strcmp(trace->queue_id, "-") != 0) {
		g_string_append(out, " id ");
		append_word(out, trace->queue_id);
	}
	if (recipient != NULL) {
		g_string_append(out, "\r\n\tfor <");
		append_word(out, recipient);
		g_string_append_c(out, '>');
	}
	g_string_append(out, ";\r\n\t");
	trace_append_date(out);
	g_string_append(out, "\r\n");
	return g_string_free(out, FALSE);
}

unsigned int
trace_hops(const struct message *message)
{
	unsigned int hops = 0;
	size_t i;

	for (i = 0; i < message->header.count; i++)
		hops += field_is(&message->header.list[i], "Received");
	return hops;
}
