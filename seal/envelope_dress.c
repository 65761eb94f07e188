/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * envelope_dress.c - what is around the JWE of an envelope.
 *
 * In:    the readable text, the name of the attachment.
 * Out:   fields, MIME parts, the page.
 * Never: sees the message.
 */
#include "seal/form.h"

#include "keys/armor.h"
#include "seal/envelope_private.h"
#include "seal/lines.h"

#include <string.h>

#define LINE_CHARS 76 /* RFC 2045 section 6.7 */
#define NAME_CHARS 64

static bool is_plain(const char *text);
static void append_plain(GString *out, const char *text);
static void append_quoted(GString *out, const char *text);
static char *page_text(
    const unsigned char *page, size_t octets, bool at_end, size_t *lenp);

bool
seal_page_name_may_be(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= NAME_CHARS && name[0] != '.' &&
	       name[len - 1] != '.' &&
	       strspn(name, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "._-") ==
		   len;
}

/* multipart/mixed: a text to read, and the page to save and open. */
void
envelope_dress(
    const struct seal_order *order, const char *boundary, struct dress *dress)
{
	const char *name =
	    order->page_name == NULL ? ENVELOPE_PAGE_NAME : order->page_name;
	const char *cover = order->cover == NULL ? "" : order->cover;
	GString *before = g_string_sized_new(2048);
	bool plain = is_plain(cover);

	dress->fields[0] = (struct field){g_strdup("Content-Type"),
	    g_strdup_printf(
		" multipart/mixed;\r\n\tboundary=\"%s\"", boundary)};
	dress->fields_count = 1;
	g_string_append_printf(before,
	    "--%s\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: %s\r\n"
	    "Content-Disposition: inline\r\n"
	    "\r\n",
	    boundary, plain ? "7bit" : "quoted-printable");
	(plain ? append_plain : append_quoted)(before, cover);
	g_string_append_printf(before,
	    "\r\n"
	    "--%s\r\n"
	    "Content-Type: text/html; charset=utf-8; name=\"%s\"\r\n"
	    "Content-Transfer-Encoding: base64\r\n"
	    "Content-Disposition: attachment; filename=\"%s\"\r\n"
	    "\r\n",
	    boundary, name, name);
	dress->before = g_string_free(before, FALSE);
	dress->after = g_strdup_printf("\r\n--%s--\r\n", boundary);
}

/* --- The text */

/* Past the end of a line, however it is written; NULL: it goes on. */
static const char *
line_end(const char *p)
{
	if (p[0] == '\r' && p[1] == '\n')
		return p + 2;
	return p[0] == '\n' ? p + 1 : NULL;
}

static bool
is_plain(const char *text)
{
	const char *next;
	size_t column = 0;

	while (*text != '\0') {
		next = line_end(text);
		column = next == NULL ? column + 1 : 0;
		if (column > LINE_CHARS ||
		    (next == NULL && (*text < ' ' || *text == 0x7f) &&
			*text != '\t'))
			return false;
		text = next == NULL ? text + 1 : next;
	}
	return true;
}

static void
append_plain(GString *out, const char *text)
{
	const char *next;

	while (*text != '\0') {
		next = line_end(text);
		if (next == NULL)
			g_string_append_c(out, *text++);
		else
			g_string_append(out, "\r\n");
		text = next == NULL ? text : next;
	}
}

/* Quoted-printable, RFC 2045 section 6.7. */
static void
append_quoted(GString *out, const char *text)
{
	const char *next;
	char piece[4];
	size_t column = 0;
	bool last;

	for (; *text != '\0'; text++) {
		next = line_end(text);
		if (next != NULL) {
			g_string_append(out, "\r\n");
			column = 0;
			text = next - 1;
			continue;
		}
		last = text[1] == '\0' || line_end(text + 1) != NULL;
		if ((*text > ' ' && *text < 0x7f && *text != '=') ||
		    ((*text == ' ' || *text == '\t') && !last))
			(void)g_snprintf(piece, sizeof(piece), "%c", *text);
		else
			(void)g_snprintf(piece, sizeof(piece), "=%02X",
			    (unsigned char)*text);
		/* Room for the "=" of a soft end, too. */
		if (column + strlen(piece) >= LINE_CHARS) {
			g_string_append(out, "=\r\n");
			column = 0;
		}
		g_string_append(out, piece);
		column += strlen(piece);
	}
}

/* --- The page */

const struct envelope_page *
envelope_page(void)
{
	static struct envelope_page page;
	static gsize ready;

	if (g_once_init_enter(&ready)) {
		page.before = page_text(envelope_page_before,
		    envelope_page_before_octets, false, &page.before_len);
		page.after = page_text(envelope_page_after,
		    envelope_page_after_octets, true, &page.after_len);
		g_once_init_leave(&ready, 1);
	}
	return &page;
}

/* In base64; filled up with spaces to whole lines, but at the end. */
static char *
page_text(const unsigned char *page, size_t octets, bool at_end, size_t *lenp)
{
	size_t whole =
	    (octets + LINES_OCTETS - 1) / LINES_OCTETS * LINES_OCTETS;
	unsigned char *filled = g_malloc(whole);
	char *text = g_malloc(armor_encoded_size(whole));

	memset(filled, ' ', whole);
	memcpy(filled, page, octets);
	*lenp = armor_encode(filled, at_end ? octets : whole, text);
	g_free(filled);
	return text;
}
