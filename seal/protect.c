/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * protect.c - which header fields go inside, and what stays outside.
 *
 * In:    the original's header.
 * Out:   the header of the payload; for each field what happens outside.
 * Never: touches a byte of a field that goes inside, but to append the two
 *        parameters to Content-Type and to take a tag out of Subject.
 */
#include <config.h>

#include "seal/protect.h"

#include "seal/subject.h"

#include <string.h>

/* Where a field belongs. */
enum place {
	PLACE_BOTH,      /* protected inside, visible outside */
	PLACE_INSIDE,    /* hidden: inside only */
	PLACE_STRUCTURE, /* describes the body: inside only */
	PLACE_OUTSIDE,   /* the trace of the transport */
	PLACE_NOWHERE,   /* must not be there at all */
};

/*
 * Not in RFC 9788: Thread-Topic repeats the Subject (Outlook); the signatures
 * carry a digest of the clear body, which confirms a guess, and the body
 * they sign is not there any more.  A Bcc field would tell all readers.
 */
static const struct {
	const char *name;
	enum place place;
} places[] = {
    {"Subject", PLACE_BOTH},
    {"Comments", PLACE_INSIDE},
    {"Keywords", PLACE_INSIDE},
    {"Thread-Topic", PLACE_INSIDE},
    {"DKIM-Signature", PLACE_INSIDE},
    {"DomainKey-Signature", PLACE_INSIDE},
    {"X-Google-DKIM-Signature", PLACE_INSIDE},
    {"ARC-Seal", PLACE_INSIDE},
    {"ARC-Message-Signature", PLACE_INSIDE},
    {"ARC-Authentication-Results", PLACE_INSIDE},
    {"Received", PLACE_OUTSIDE},
    {"Return-Path", PLACE_OUTSIDE},
    {"Authentication-Results", PLACE_OUTSIDE},
    {"Received-SPF", PLACE_OUTSIDE},
    {"Delivered-To", PLACE_OUTSIDE},
    {"X-Original-To", PLACE_OUTSIDE},
    {"MIME-Version", PLACE_STRUCTURE},
    {"Bcc", PLACE_NOWHERE},
    {"Resent-Bcc", PLACE_NOWHERE},
    {"HP-Outer", PLACE_NOWHERE},
};

/* Whom a message is from and for stays visible whatever it looks like. */
static const char *const address_names[] = {
    "From", "Sender", "Reply-To", "To", "Cc", NULL};

/* Dates and identifiers: a Subject that repeats one tells nothing new. */
static const char *const plain_names[] = {"Date", "Message-ID", "In-Reply-To",
    "References", "User-Agent", "X-Mailer", "Organization", NULL};

#define SUBJECT_WORTH_HIDING 6 /* octets; shorter ones match by chance */
#define LINE_OCTETS 998        /* RFC 5322 section 2.1.1 */

static enum place place_of(const struct field *field, char **hidden);
static bool tells(const struct seal_order *order, const struct field *field);
static bool is_named(const struct field *field, const char *const *names);
static bool repeats_subject(const struct field *field, char **hidden);
static bool fits_outside(const struct field *field);
static void append_field(GString *out, const char *name, const char *value);
static void keep_outside(GString *header, GString *hp_outer,
    const struct seal_order *order, const struct field *field,
    enum outside *outside, char **valuep);
static const char *set_outside(const struct seal_order *order,
    const struct field *field, enum outside *outside, char **valuep);
static const char *inside_value(
    const struct seal_order *order, const struct field *field);
static void append_structure(
    GString *header, const struct message *message, bool display, bool *wrapp);
static char *append_wrapping(GString *header, const struct seal_order *order,
    const struct message *message, const char *boundary);
static const char *skip_comment(const char *p);
static const char *skip_quoted(const char *p);

/* Without regard to case and to how it is folded. */
static char *
fold(const char *value)
{
	GString *out = g_string_sized_new(strlen(value));

	for (; *value != '\0'; value++)
		if (!g_ascii_isspace(*value))
			g_string_append_c(out, g_ascii_tolower(*value));
		else if (out->len > 0 && out->str[out->len - 1] != ' ')
			g_string_append_c(out, ' ');
	return g_strchomp(g_string_free(out, FALSE));
}

/* The Subject as texts to look for elsewhere, with its tag and without;
 * NULL-terminated, perhaps empty. */
static char **
subjects_to_hide(const struct seal_order *order, const struct message *message)
{
	const struct field *field = message_field(message, "Subject", 0);
	char **hidden = g_new0(char *, 3);
	const char *const values[] = {
	    field == NULL ? NULL : field->value, order->subject};
	size_t i, n = 0;

	for (i = 0; order->hide_subject && i < G_N_ELEMENTS(values); i++) {
		if (values[i] == NULL)
			continue;
		hidden[n] = fold(values[i]);
		if (strlen(hidden[n]) >= SUBJECT_WORTH_HIDING)
			n++;
		else
			g_clear_pointer(&hidden[n], g_free);
	}
	return hidden;
}

GString *
protect_header(const struct seal_order *order, const struct message *message,
    const char *boundary, bool display, struct sealed *sealed, char **trailerp)
{
	/* They seldom get larger: what grows leaves copies behind. */
	const gsize room = (gsize)(2 * message->header_octets) + 512;
	GString *header = g_string_sized_new(room);
	GString *hp_outer = g_string_sized_new(room);
	char **hidden = subjects_to_hide(order, message);
	const struct field *field,
	    *first = message_field(message, "Subject", 0);
	bool wrap = false;
	enum place place;
	size_t i;

	for (i = 0; i < message->header.count; i++) {
		field = &message->header.list[i];
		place = place_of(field, hidden);
		if (field_is(field, "Subject") && field != first)
			place = PLACE_INSIDE;
		if (field != first && tells(order, field))
			place = PLACE_NOWHERE;
		sealed->outside[i] = OUTSIDE_DROP;
		if (place == PLACE_BOTH)
			keep_outside(header, hp_outer, order, field,
			    &sealed->outside[i], &sealed->value[i]);
		else if (place == PLACE_INSIDE)
			append_field(header, field->name, field->value);
		else if (place == PLACE_OUTSIDE)
			sealed->outside[i] = OUTSIDE_KEEP;
	}
	g_string_append_len(header, hp_outer->str, (gssize)hp_outer->len);
	if (order->original != NULL)
		append_field(header, ORIGINAL_FIELD, order->original);
	append_structure(header, message, display, &wrap);
	*trailerp =
	    wrap ? append_wrapping(header, order, message, boundary) : NULL;
	g_string_append(header, "\r\n");
	g_string_free(hp_outer, TRUE);
	g_strfreev(hidden);
	return header;
}

GString *
protect_whole(const struct seal_order *order, const struct message *message,
    struct sealed *sealed)
{
	GString *header = g_string_sized_new(message->header_octets + 512);
	char **hidden = subjects_to_hide(order, message);
	const struct field *field,
	    *first = message_field(message, "Subject", 0);
	bool further;
	enum place place;
	size_t i;

	for (i = 0; i < message->header.count; i++) {
		field = &message->header.list[i];
		further = field_is(field, "Subject") && field != first;
		place = further ? PLACE_INSIDE : place_of(field, hidden);
		if (field != first && tells(order, field))
			place = PLACE_NOWHERE;
		sealed->outside[i] = OUTSIDE_DROP;
		if (place == PLACE_NOWHERE)
			continue;
		append_field(header, field->name,
		    further ? field->value : inside_value(order, field));
		if (place == PLACE_BOTH)
			(void)set_outside(order, field, &sealed->outside[i],
			    &sealed->value[i]);
		else if (place == PLACE_OUTSIDE)
			sealed->outside[i] = OUTSIDE_KEEP;
	}
	g_string_append(header, "\r\n");
	g_strfreev(hidden);
	return header;
}

static enum place
place_of(const struct field *field, char **hidden)
{
	size_t i;

	if (g_ascii_strncasecmp(field->name, "Content-", 8) == 0)
		return PLACE_STRUCTURE;
	if (field_is_ours(field))
		return PLACE_NOWHERE;
	for (i = 0; i < G_N_ELEMENTS(places); i++)
		if (field_is(field, places[i].name))
			return places[i].place;
	if (is_named(field, address_names))
		return PLACE_BOTH;
	if (!fits_outside(field))
		return PLACE_INSIDE;
	return is_named(field, plain_names) || !repeats_subject(field, hidden)
		   ? PLACE_BOTH
		   : PLACE_INSIDE;
}

/* Thread-Topic repeats the Subject, and others may. */
static bool
tells(const struct seal_order *order, const struct field *field)
{
	char *decoded, *value, *secret;
	bool found;

	if (order->secret == NULL)
		return false;
	decoded = subject_decode_value(field->value);
	value = fold(decoded);
	secret = fold(order->secret);
	found = strstr(value, secret) != NULL;
	g_free(secret);
	g_free(value);
	g_free(decoded);
	return found;
}

static bool
is_named(const struct field *field, const char *const *names)
{
	for (; *names != NULL; names++)
		if (field_is(field, *names))
			return true;
	return false;
}

/* X-Original-Subject and the like, whatever they are called. */
static bool
repeats_subject(const struct field *field, char **hidden)
{
	bool found = false;
	char *value;

	if (hidden == NULL || hidden[0] == NULL)
		return false;
	value = fold(field->value);
	for (; *hidden != NULL && !found; hidden++)
		found = strstr(value, *hidden) != NULL;
	g_free(value);
	return found;
}

/*
 * Our copies are 7-bit with lines within the limit; a field that is neither
 * loses nothing by being inside only.  Addresses with 8 bits (RFC 6532) are
 * needed outside, and stay: address_names.
 */
static bool
fits_outside(const struct field *field)
{
	size_t line = strlen("HP-Outer: ") + strlen(field->name) + 1;
	const char *value = field->value;

	for (; *value != '\0'; value++) {
		line = *value == '\n' ? 0 : line + 1;
		if (((unsigned char)*value & 0x80) != 0 || line > LINE_OCTETS)
			return false;
	}
	return true;
}

static void
append_field(GString *out, const char *name, const char *value)
{
	g_string_append(out, name);
	g_string_append_c(out, ':');
	g_string_append(out, value);
	g_string_append(out, "\r\n");
}

/* A field that is protected inside and stands outside too, with HP-Outer
 * telling as what (section 2.2). */
static void
keep_outside(GString *header, GString *hp_outer, const struct seal_order *order,
    const struct field *field, enum outside *outside, char **valuep)
{
	const char *shown = set_outside(order, field, outside, valuep);

	append_field(header, field->name, inside_value(order, field));
	g_string_append(hp_outer, "HP-Outer: ");
	append_field(hp_outer, field->name, shown);
}

/* Its value outside. */
static const char *
set_outside(const struct seal_order *order, const struct field *field,
    enum outside *outside, char **valuep)
{
	const char *shown = inside_value(order, field);

	if (field_is(field, "Subject") && order->hide_subject)
		shown = HIDDEN_SUBJECT;
	*outside = shown == field->value ? OUTSIDE_KEEP : OUTSIDE_CHANGE;
	if (*outside == OUTSIDE_CHANGE)
		*valuep = g_strdup(shown);
	return shown;
}

/* As it came, but a Subject that the order changes. */
static const char *
inside_value(const struct seal_order *order, const struct field *field)
{
	return field_is(field, "Subject") && order->subject != NULL
		   ? order->subject
		   : field->value;
}

bool
protect_wraps(const struct message *message)
{
	const struct field *field = message_field(message, "Content-Type", 0);
	const char *separator;

	return message_field(message, "Content-Type", 1) != NULL ||
	       message_field(message, "Content-Transfer-Encoding", 1) != NULL ||
	       (field != NULL && !protect_can_extend(field->value, &separator));
}

/* MIME-Version and Content-*: the bytes as they came, and the parameters
 * that make this the root of the payload (section 2.1.1). */
static void
append_structure(
    GString *header, const struct message *message, bool display, bool *wrapp)
{
	const struct field *field;
	static const char params[] =
	    "\r\n\thp=\"cipher\"; protected-headers=\"v1\"";
	const char *more = display ? "; hp-legacy-display=\"1\"" : "";
	const char *separator = ";";
	size_t i;

	*wrapp = protect_wraps(message);
	if (*wrapp)
		return;
	for (i = 0; i < message->header.count; i++) {
		field = &message->header.list[i];
		if (place_of(field, NULL) != PLACE_STRUCTURE)
			continue;
		g_string_append_printf(
		    header, "%s:%s", field->name, field->value);
		if (field_is(field, "Content-Type") &&
		    protect_can_extend(field->value, &separator))
			g_string_append_printf(
			    header, "%s%s%s", separator, params, more);
		g_string_append(header, "\r\n");
	}
	if (message_field(message, "Content-Type", 0) == NULL)
		g_string_append_printf(
		    header, "Content-Type: text/plain;%s%s\r\n", params, more);
}

/* The whole original as a part of its own; returns what ends it. */
static char *
append_wrapping(GString *header, const struct seal_order *order,
    const struct message *message, const char *boundary)
{
	const struct field *first = message_field(message, "Subject", 0),
			   *field;
	size_t i;

	g_string_append_printf(header,
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/mixed; boundary=\"%s\";\r\n"
	    "\thp=\"cipher\"; protected-headers=\"v1\"\r\n"
	    "\r\n"
	    "--%s\r\n"
	    "Content-Type: message/rfc822\r\n"
	    "\r\n",
	    boundary, boundary);
	for (i = 0; i < message->header.count; i++) {
		field = &message->header.list[i];
		if (field == first && order->subject != NULL)
			append_field(header, field->name, order->subject);
		else if (place_of(field, NULL) != PLACE_NOWHERE &&
			 (field == first || !tells(order, field)))
			append_field(header, field->name, field->value);
	}
	return g_strdup_printf("\r\n--%s--\r\n", boundary);
}

/* --- Content-Type */

static bool
is_token(char c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

/* Past blanks, folds and comments; NULL if a comment is not closed. */
static const char *
skip_blanks(const char *p)
{
	while (p != NULL && (*p == ' ' || *p == '\t' || *p == '\r' ||
				*p == '\n' || *p == '('))
		p = *p == '(' ? skip_comment(p) : p + 1;
	return p;
}

/* Some readers, GMime among them, see a parameter's end in a comment. */
static const char *
skip_comment(const char *p)
{
	int depth = 0;

	for (; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p + 1;
		if (*p == ';' || *p == '"')
			return NULL;
	}
	return NULL;
}

static const char *
skip_quoted(const char *p)
{
	for (p++; *p != '\0' && *p != '"'; p++)
		if (*p == '\\' && p[1] != '\0')
			p++;
	return *p == '"' ? p + 1 : NULL;
}

static const char *
skip_token(const char *p)
{
	const char *start = p;

	while (p != NULL && is_token(*p))
		p++;
	return p == start ? NULL : p;
}

/* boundary=----=_Part_1 should have quotes; all readers take it without. */
static const char *
skip_value(const char *p)
{
	const char *start = p;

	while (is_token(*p) || (*p != '\0' && strchr("=/?:@", *p) != NULL))
		p++;
	return p == start ? NULL : p;
}

/* What stands behind a name: nothing, or "*", "*0", "*0*" (RFC 2231). */
static bool
is_section(const char *p, const char *end)
{
	if (p == end)
		return true;
	for (p++; p < end && g_ascii_isdigit(*p); p++)
		continue;
	if (p < end && *p == '*' && p[-1] != '*')
		p++;
	return p == end;
}

/* Past name=value; NULL if it is none, or a parameter that is ours to set,
 * also as RFC 2231 writes it (hp*0=...). */
static const char *
skip_parameter(const char *p)
{
	static const char *const ours[] = {"hp", "protected-headers"};
	const char *name = p;
	size_t i, len;

	if ((p = skip_token(p)) == NULL)
		return NULL;
	len = MIN(strcspn(name, "*"), (size_t)(p - name));
	for (i = 0; i < G_N_ELEMENTS(ours); i++)
		if (len == strlen(ours[i]) &&
		    g_ascii_strncasecmp(name, ours[i], strlen(ours[i])) == 0)
			return NULL;
	if (!is_section(name + len, p))
		return NULL;
	p = skip_blanks(p);
	if (p == NULL || *p != '=')
		return NULL;
	p = skip_blanks(p + 1);
	if (p == NULL)
		return NULL;
	return skip_blanks(*p == '"' ? skip_quoted(p) : skip_value(p));
}

bool
protect_can_extend(const char *content_type, const char **separatorp)
{
	const char *p = skip_blanks(content_type);

	*separatorp = ";";
	if (p == NULL || (p = skip_blanks(skip_token(p))) == NULL || *p != '/')
		return false;
	p = skip_blanks(p + 1);
	p = p == NULL ? NULL : skip_blanks(skip_token(p));
	while (p != NULL && *p == ';') {
		p = skip_blanks(p + 1);
		if (p != NULL && *p == '\0')
			*separatorp = "";
		else if (p != NULL)
			p = skip_parameter(p);
	}
	return p != NULL && *p == '\0';
}
