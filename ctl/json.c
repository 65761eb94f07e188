/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * json.c - members of JSON objects (RFC 8259).
 *
 * In:    names and values.
 * Out:   their text.
 * Never: knows what they are about.
 */
#include "ctl/json.h"

#include <inttypes.h>

char *
json_string(const char *text)
{
	char *valid = g_utf8_make_valid(text, -1);
	GString *json = g_string_new("\"");
	const char *p;

	for (p = valid; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			g_string_append_printf(json, "\\%c", *p);
		else if ((unsigned char)*p < ' ' || *p == 0x7f)
			g_string_append_printf(
			    json, "\\u%04x", (unsigned int)*p);
		else
			g_string_append_c(json, *p);
	}
	g_string_append_c(json, '"');
	g_free(valid);
	return g_string_free(json, FALSE);
}

void
json_name(GString *json, const char *name)
{
	bool first = json->len == 0 || json->str[json->len - 1] == '{';

	g_string_append_printf(json, "%s\"%s\": ", first ? "" : ", ", name);
}

void
json_text(GString *json, const char *name, const char *text)
{
	char *value = text == NULL ? g_strdup("null") : json_string(text);

	json_name(json, name);
	g_string_append(json, value);
	g_free(value);
}

void
json_bool(GString *json, const char *name, bool value)
{
	json_name(json, name);
	g_string_append(json, value ? "true" : "false");
}

void
json_number(GString *json, const char *name, uint64_t value)
{
	json_name(json, name);
	g_string_append_printf(json, "%" PRIu64, value);
}

void
json_time(GString *json, const char *name, int64_t when)
{
	char *text = when == 0 ? NULL : time_text(when);

	json_text(json, name, text);
	g_free(text);
}

void
json_open(GString *json, char bracket)
{
	const char *last = json->str + (json->len > 0 ? json->len - 1 : 0);

	if (*last == '}' || *last == ']')
		g_string_append(json, ", ");
	g_string_append_c(json, bracket);
}

void
json_element(GString *json, const char *text)
{
	bool first = json->str[json->len - 1] == '[';
	char *value = json_string(text);

	g_string_append_printf(json, "%s%s", first ? "" : ", ", value);
	g_free(value);
}

void
json_strings(GString *json, const char *name, const char *const *strings)
{
	json_name(json, name);
	json_open(json, '[');
	for (; *strings != NULL; strings++)
		json_element(json, *strings);
	g_string_append_c(json, ']');
}

char *
time_text(int64_t when)
{
	GDateTime *date = g_date_time_new_from_unix_utc(when);
	char *text;

	if (date == NULL) /* a year of more than four digits */
		return g_strdup_printf("@%" PRId64, when);
	text = g_date_time_format(date, "%Y-%m-%dT%H:%M:%SZ");
	g_date_time_unref(date);
	return text;
}
