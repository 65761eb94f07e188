/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * imap_text.c - reads what an IMAP server says.
 *
 * In:    a line without literals.
 * Out:   values, flags, dates, names.
 * Never: reads beyond the end of the line, whatever the server says.
 */
#include "mailbox/imap_text.h"

#include <string.h>

static const char *read_quoted(const char *text, GString *value);
static const char *read_list(const char *text, GString *value);
static const char *read_atom(const char *text, GString *value);
static bool decode_run(GString *name, const char *run, size_t len);

void
imap_quote(GString *text, const char *octets, size_t len)
{
	size_t i;

	g_string_append_c(text, '"');
	for (i = 0; i < len; i++) {
		if (octets[i] == '"' || octets[i] == '\\')
			g_string_append_c(text, '\\');
		g_string_append_c(text, octets[i]);
	}
	g_string_append_c(text, '"');
}

const char *
imap_value(const char *text, char **valuep)
{
	GString *value = g_string_new(NULL);

	*valuep = NULL;
	while (*text == ' ')
		text++;
	if (*text == '"')
		text = read_quoted(text + 1, value);
	else if (*text == '(')
		text = read_list(text + 1, value);
	else
		text = read_atom(text, value);
	if (text == NULL)
		g_string_free(value, TRUE);
	else
		*valuep = g_string_free(value, FALSE);
	return text;
}

static const char *
read_quoted(const char *text, GString *value)
{
	for (; *text != '"'; text++) {
		if (*text == '\\')
			text++;
		if (*text == '\0')
			return NULL;
		g_string_append_c(value, *text);
	}
	return text + 1;
}

/* To the parenthesis that ends it; strings and lists in it stay as they
 * are. */
static const char *
read_list(const char *text, GString *value)
{
	const char *start = text;
	unsigned int depth = 1;

	for (;; text++) {
		if (*text == '"') {
			for (text++; *text != '\0' && *text != '"'; text++)
				if (*text == '\\' && text[1] != '\0')
					text++;
		} else if (*text == '(') {
			depth++;
		} else if (*text == ')' && --depth == 0) {
			break;
		}
		if (*text == '\0')
			return NULL;
	}
	g_string_append_len(value, start, text - start);
	return text + 1;
}

static const char *
read_atom(const char *text, GString *value)
{
	const char *start = text;
	bool in_brackets = false;

	for (; *text != '\0'; text++) {
		if (*text == '[')
			in_brackets = true;
		else if (*text == ']')
			in_brackets = false;
		else if (!in_brackets && strchr(" ()\"", *text) != NULL)
			break;
	}
	g_string_append_len(value, start, text - start);
	return text == start ? NULL : text;
}

/* --- Flags */

bool
imap_has_flag(const char *flags, const char *flag)
{
	char **list = g_strsplit(flags, " ", -1);
	bool has = false;
	size_t i;

	for (i = 0; list[i] != NULL; i++)
		has |= g_ascii_strcasecmp(list[i], flag) == 0;
	g_strfreev(list);
	return has;
}

char *
imap_flags_without(const char *flags, const char *flag)
{
	char **list = g_strsplit(flags, " ", -1);
	GString *kept = g_string_new(NULL);
	size_t i;

	for (i = 0; list[i] != NULL; i++)
		if (list[i][0] != '\0' &&
		    g_ascii_strcasecmp(list[i], flag) != 0)
			g_string_append_printf(
			    kept, "%s%s", kept->len > 0 ? " " : "", list[i]);
	g_strfreev(list);
	return g_string_free(kept, FALSE);
}

bool
imap_flags_contain(const char *flags, const char *others)
{
	char **list = g_strsplit(others, " ", -1);
	bool all = true;
	size_t i;

	for (i = 0; list[i] != NULL; i++)
		all &= list[i][0] == '\0' || imap_has_flag(flags, list[i]);
	g_strfreev(list);
	return all;
}

/* --- Dates */

/* The digits from there on, with blanks in front. */
static bool
read_number(const char *text, size_t from, size_t len, int *numberp)
{
	int number = 0;
	size_t i;

	for (i = from; i < from + len; i++) {
		if (text[i] == ' ' && number == 0)
			continue;
		if (!g_ascii_isdigit(text[i]))
			return false;
		number = number * 10 + (text[i] - '0');
	}
	*numberp = number;
	return true;
}

/* "17-Jul-1996 02:44:25 -0700" (RFC 3501 date-time) as seconds. */
static bool
read_moment(const char *text, int64_t *secondsp)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int day, year, hour, minute, second, zone;
	char name[4] = "";
	const char *month;
	GDateTime *when;

	if (strlen(text) != strlen("17-Jul-1996 02:44:25 -0700") ||
	    !read_number(text, 0, 2, &day) || !read_number(text, 7, 4, &year) ||
	    !read_number(text, 12, 2, &hour) ||
	    !read_number(text, 15, 2, &minute) ||
	    !read_number(text, 18, 2, &second) ||
	    !read_number(text, 22, 4, &zone) ||
	    (text[21] != '+' && text[21] != '-'))
		return false;
	memcpy(name, text + 3, 3);
	month = strstr(months, name);
	if (month == NULL || (month - months) % 3 != 0)
		return false;
	when = g_date_time_new_utc(year, (int)(month - months) / 3 + 1, day,
	    hour, minute, (double)second);
	if (when == NULL)
		return false;
	zone = (zone / 100 * 60 + zone % 100) * 60;
	*secondsp =
	    g_date_time_to_unix(when) - (text[21] == '+' ? zone : -zone);
	g_date_time_unref(when);
	return true;
}

bool
imap_same_moment(const char *a, const char *b)
{
	int64_t first, second;

	return strcmp(a, b) == 0 ||
	       (read_moment(a, &first) && read_moment(b, &second) &&
		   first == second);
}

/* --- Names */

char *
imap_name_decode(const char *wire)
{
	GString *name = g_string_new(NULL);
	const char *end;
	bool good = true;

	while (*wire != '\0' && good) {
		if (*wire != '&') {
			g_string_append_c(name, *wire++);
			continue;
		}
		end = strchr(++wire, '-');
		good = end != NULL;
		if (good && end == wire)
			g_string_append_c(name, '&');
		else if (good)
			good = decode_run(name, wire, (size_t)(end - wire));
		if (good)
			wire = end + 1;
	}
	if (!good || !g_utf8_validate(name->str, (gssize)name->len, NULL)) {
		g_string_free(name, TRUE);
		return NULL;
	}
	return g_string_free(name, FALSE);
}

/* Base64 with "," for "/" of UTF-16BE. */
static bool
decode_run(GString *name, const char *run, size_t len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789+,";
	GString *base64;
	guchar *octets;
	char *text;
	gsize size;

	/* What stands for no text at all, or for half a character, would be
	 * another way to write a name. */
	if (strspn(run, alphabet) != len || len * 6 / 8 % 2 != 0 ||
	    len * 6 / 8 == 0)
		return false;
	base64 = g_string_new_len(run, (gssize)len);
	g_string_replace(base64, ",", "/", 0);
	while (base64->len % 4 != 0)
		g_string_append_c(base64, '=');
	octets = g_base64_decode(base64->str, &size);
	text = g_convert((const char *)octets, (gssize)size, "UTF-8",
	    "UTF-16BE", NULL, &size, NULL);
	/* With its NULs, for which the whole is refused. */
	if (text != NULL)
		g_string_append_len(name, text, (gssize)size);
	g_free(octets);
	g_string_free(base64, TRUE);
	g_free(text);
	return text != NULL;
}

char *
imap_printable(const char *text)
{
	char *line = g_str_to_ascii(text, "C");
	size_t i;

	for (i = 0; line[i] != '\0'; i++)
		if (!g_ascii_isprint(line[i]))
			line[i] = '?';
	if (i > 200)
		line[200] = '\0';
	return line;
}
