/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * subject.c - read the Subject, and take out of it what is meant for us.
 *
 * In:    a message.
 * Out:   text.
 * Never: changes the message.
 */
#include "seal/subject.h"

#include <gmime/gmime.h>
#include <string.h>

#define LINE_OCTETS 76 /* RFC 2047 section 2 */
#define PASSPHRASE_TAG "[passphrase:"

void
gmime_need(void)
{
	static gsize ready;

	if (g_once_init_enter(&ready)) {
		g_mime_init();
		g_once_init_leave(&ready, 1);
	}
}

/* The length of an encoded word in base64, or 0; *textp is where its text
 * starts, behind "=?charset?B?". */
static size_t
find_base64(const char *p, const char **textp)
{
	const char *end;

	if (strncmp(p, "=?", 2) != 0)
		return 0;
	end = p + 2 + strcspn(p + 2, "? \t");
	if (end[0] != '?' || g_ascii_tolower(end[1]) != 'b' || end[2] != '?')
		return 0;
	*textp = end + 3;
	end += 3 + strcspn(end + 3, "? \t");
	return strncmp(end, "?=", 2) == 0 ? (size_t)(end + 2 - p) : 0;
}

/*
 * Writes each encoded word in base64 as one in "Q": GMime 3.2 puts adjacent
 * ones together before it decodes them, and so loses all that stands behind
 * a word with padding.
 */
static char *
without_base64(const char *value)
{
	GString *out = g_string_sized_new(strlen(value));
	const char *text = NULL;
	char *base64;
	guchar *octets;
	gsize i, count;
	size_t len;

	for (; *value != '\0'; value += len) {
		if ((len = find_base64(value, &text)) == 0) {
			g_string_append_c(out, *value);
			len = 1;
			continue;
		}
		base64 = g_strndup(text, strcspn(text, "?"));
		octets = g_base64_decode(base64, &count);
		g_string_append_len(out, value, text - value - 2);
		g_string_append(out, "Q?");
		for (i = 0; i < count; i++)
			g_string_append_printf(out, "=%02X", octets[i]);
		g_string_append(out, "?=");
		g_free(octets);
		g_free(base64);
	}
	return g_string_free(out, FALSE);
}

/* ASCII without encoded words stays as it is: no need to ask GMime. */
static bool
is_plain(const char *text)
{
	return g_str_is_ascii(text) && strstr(text, "=?") == NULL;
}

char *
subject_decode(const struct message *message)
{
	const struct field *field = message_field(message, "Subject", 0);

	return field == NULL ? NULL : subject_decode_value(field->value);
}

char *
subject_decode_value(const char *value)
{
	char *unfolded, *plain, *decoded, *valid;

	unfolded = field_unfold(value);
	if (is_plain(unfolded))
		return unfolded;
	gmime_need();
	plain = without_base64(unfolded);
	decoded = g_mime_utils_header_decode_text(NULL, plain);
	valid = g_utf8_make_valid(decoded, -1);
	g_free(decoded);
	g_free(plain);
	g_free(unfolded);
	return valid;
}

/* Where the tag starts, and how long it is there; NULL if nowhere. */
static char *
find_tag(char *subject, const char *tag, size_t *lenp)
{
	char *folded_tag = g_utf8_casefold(tag, -1), *folded, *p;
	glong chars = g_utf8_strlen(tag, -1);
	char *found = NULL;

	for (p = subject; *p != '\0' && found == NULL;
	     p = g_utf8_next_char(p)) {
		if (g_utf8_strlen(p, -1) < chars)
			break;
		*lenp = (size_t)(g_utf8_offset_to_pointer(p, chars) - p);
		folded = g_utf8_casefold(p, (gssize)*lenp);
		if (strcmp(folded, folded_tag) == 0)
			found = p;
		g_free(folded);
	}
	g_free(folded_tag);
	return found;
}

/* A value with its leading blank, folded between words (RFC 5322 2.2.3). */
static char *
fold(const char *text)
{
	GString *out = g_string_new(" ");
	size_t column = strlen("Subject: ");
	const char *p;

	for (p = text; *p != '\0'; p++, column++) {
		if (*p == ' ' && p > text && p[-1] != ' ' && p[1] != ' ' &&
		    column + 1 + strcspn(p + 1, " ") > LINE_OCTETS) {
			g_string_append(out, "\r\n");
			column = 0;
		}
		g_string_append_c(out, *p);
	}
	return g_string_free(out, FALSE);
}

char *
subject_encode(const char *text)
{
	char *encoded, *value;

	gmime_need();
	encoded = g_mime_utils_header_encode_text(NULL, text, NULL);
	value = fold(encoded);
	g_free(encoded);
	return value;
}

/* True if the tag was there. */
static bool
remove_tag(char *subject, const char *tag)
{
	size_t len = 0;
	char *at = find_tag(subject, tag, &len), *rest;

	if (at == NULL)
		return false;
	rest = at + len;
	while (*rest == ' ')
		rest++;
	memmove(at, rest, strlen(rest) + 1);
	g_strstrip(subject);
	return true;
}

char *
subject_without(const struct message *message, const char *const *tags)
{
	char *subject = subject_decode(message), *value = NULL;
	bool found = false;

	if (subject == NULL)
		return NULL;
	for (; *tags != NULL; tags++)
		found |= remove_tag(subject, *tags);
	if (found)
		value = subject_encode(subject);
	g_free(subject);
	return value;
}

/* --- A passphrase in it */

static const char *
find_passphrase(const char *subject)
{
	for (; *subject != '\0'; subject++)
		if (g_ascii_strncasecmp(
			subject, PASSPHRASE_TAG, strlen(PASSPHRASE_TAG)) == 0)
			return subject;
	return NULL;
}

/* Nothing of it may stand in a fault. */
int
subject_passphrase(
    const char *subject, char **tagp, char **wordsp, struct fault *fault)
{
	const char *start, *end;

	start = subject == NULL ? NULL : find_passphrase(subject);
	if (start == NULL)
		return 0;
	end = strchr(start, ']');
	if (end == NULL) {
		fault_set(fault, FAULT_PERM,
		    "the Subject begins to set a passphrase, and has no \"]\""
		    " behind it");
		return -1;
	}
	if (find_passphrase(end) != NULL) {
		fault_set(
		    fault, FAULT_PERM, "the Subject sets two passphrases");
		return -1;
	}
	*tagp = g_strndup(start, (gsize)(end + 1 - start));
	start += strlen(PASSPHRASE_TAG);
	*wordsp = g_strstrip(g_strndup(start, (gsize)(end - start)));
	return 1;
}
