/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * dsn.c - tell a sender that a copy failed, when the others are delivered.
 *
 * In:    who could not be reached and why; the header of the copy.
 * Out:   a message.
 * Never: more of the mail than who wrote it to whom and when: it may be sent
 *        over any wire, whatever form the copy had.
 */
#include "milter/dsn.h"

#include "milter/trace.h"

#include <stdbool.h>
#include <string.h>

/* Text of others, as a line of ours. */
static void
append_clean(GString *out, const char *text)
{
	for (; *text != '\0'; text++)
		g_string_append_c(out, g_ascii_isprint(*text) ? *text : '?');
}

/* As append_clean(), with the xtext of RFC 3461 section 4 undone, as RFC 3464
 * sections 2.2.1 and 2.3.1 want it. */
static void
append_xtext(GString *out, const char *text)
{
	char c[2] = "";

	for (; *text != '\0'; text++) {
		c[0] = *text;
		if (text[0] == '+' && g_ascii_isxdigit(text[1]) &&
		    g_ascii_isxdigit(text[2])) {
			c[0] = (char)(g_ascii_xdigit_value(text[1]) * 16 +
				      g_ascii_xdigit_value(text[2]));
			text += 2;
		}
		append_clean(out, c[0] != '\0' ? c : "?");
	}
}

/* "5.1.1" if the text begins with an enhanced code (RFC 3463). */
static char *
status_of(const struct dsn_failure *failure)
{
	size_t n = strspn(failure->text, "0123456789.");

	if (n >= 5 && n <= 11 && failure->text[0] == '5' &&
	    failure->text[1] == '.')
		return g_strndup(failure->text, n);
	return g_strdup("5.0.0");
}

static void
append_human(GString *out, const struct dsn_failure *failures, size_t count)
{
	size_t i;

	g_string_append(out,
	    "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
	    "Your message could not be delivered to these recipients:\r\n"
	    "\r\n");
	for (i = 0; i < count; i++) {
		g_string_append(out, "    <");
		append_clean(out, failures[i].recipient);
		g_string_append_printf(out, ">: %d ", failures[i].code);
		append_clean(out, failures[i].text);
		g_string_append(out, "\r\n");
	}
	g_string_append(out,
	    "\r\nAny other recipients of the same message have it.  This"
	    " report comes from\r\n"
	    "the mail server's encryption filter, and has only the header of"
	    " the message.\r\n");
}

/* RFC 3464 section 2.2 and 2.3. */
static void
append_status(GString *out, const struct dsn *dsn,
    const struct dsn_failure *failures, size_t count)
{
	char *status;
	size_t i;

	g_string_append(out, "Content-Type: message/delivery-status\r\n\r\n");
	if (dsn->envid != NULL) {
		g_string_append(out, "Original-Envelope-Id: ");
		append_xtext(out, dsn->envid);
		g_string_append(out, "\r\n");
	}
	g_string_append(out, "Reporting-MTA: dns; ");
	append_clean(out, dsn->host);
	g_string_append(out, "\r\n");
	for (i = 0; i < count; i++) {
		status = status_of(&failures[i]);
		g_string_append(out, "\r\n");
		if (failures[i].orcpt != NULL) {
			g_string_append(out, "Original-Recipient: ");
			append_xtext(out, failures[i].orcpt);
			g_string_append(out, "\r\n");
		}
		g_string_append(out, "Final-Recipient: rfc822; ");
		append_clean(out, failures[i].recipient);
		g_string_append_printf(out,
		    "\r\nAction: failed\r\nStatus: %s\r\n"
		    "Diagnostic-Code: smtp; %d ",
		    status, failures[i].code);
		append_clean(out, failures[i].text);
		g_string_append(out, "\r\n");
		g_free(status);
	}
}

/* True for the name of a field at the start of the line that may go back. */
static bool
may_return(const char *line)
{
	static const char *const names[] = {
	    "Received:", "Date:", "From:", "Sender:", "To:", "Cc:",
	    "Message-ID:", "In-Reply-To:", "References:", NULL};
	size_t i;

	for (i = 0; names[i] != NULL; i++)
		if (g_ascii_strncasecmp(line, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* A copy that was to go in clear has a Subject which others were to have
 * sealed; so what of a header tells nothing is listed, not what does. */
static void
append_returned(GString *out, const char *header)
{
	char **lines = g_strsplit(header, "\r\n", -1);
	bool keep = false;
	size_t i;

	for (i = 0; lines[i] != NULL && lines[i][0] != '\0'; i++) {
		if (lines[i][0] != ' ' && lines[i][0] != '\t')
			keep = may_return(lines[i]);
		if (!keep)
			continue;
		g_strdelimit(lines[i], "\t", ' ');
		append_clean(out, lines[i]);
		g_string_append(out, "\r\n");
	}
	g_strfreev(lines);
}

GString *
dsn_make(
    const struct dsn *dsn, const struct dsn_failure *failures, size_t count)
{
	char *boundary = g_uuid_string_random(), *id = g_uuid_string_random();
	GString *out = g_string_new("Date: ");

	trace_append_date(out);
	g_string_append(out, "\r\nFrom: Mail Delivery System <MAILER-DAEMON@");
	append_clean(out, dsn->host);
	g_string_append(out, ">\r\nTo: <");
	append_clean(out, dsn->sender);
	g_string_append_printf(out, ">\r\nMessage-ID: <%s@", id);
	append_clean(out, dsn->host);
	g_string_append_printf(out,
	    ">\r\nSubject: Undelivered Mail Returned to Sender\r\n"
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"%s\"\r\n\r\n--%s\r\n",
	    boundary, boundary);
	append_human(out, failures, count);
	g_string_append_printf(out, "\r\n--%s\r\n", boundary);
	append_status(out, dsn, failures, count);
	g_string_append_printf(out,
	    "\r\n--%s\r\nContent-Type: text/rfc822-headers\r\n\r\n", boundary);
	append_returned(out, dsn->header);
	g_string_append_printf(out, "\r\n--%s--\r\n", boundary);
	g_free(boundary);
	g_free(id);
	return out;
}
