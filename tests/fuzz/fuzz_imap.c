/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_imap.c - values of an IMAP server are read to the end of the line at
 * most and come back when they are quoted; names are UTF-8, and what is
 * printed is one line.
 */
#include "config.h"

#include "mailbox/imap_text.h"

#include "tests/fuzz/fuzz.h"

#include <string.h>

static void
quoted(const char *value)
{
	GString *again = g_string_new(NULL);
	const char *rest;
	char *back;

	imap_quote(again, value, strlen(value));
	rest = imap_value(again->str, &back);
	PROMISE(rest != NULL && *rest == '\0' && strcmp(back, value) == 0);
	g_free(back);
	g_string_free(again, TRUE);
}

static void
flags(const char *list)
{
	char *kept = imap_flags_without(list, "\\Recent");

	PROMISE(!imap_has_flag(kept, "\\recent"));
	PROMISE(imap_flags_contain(list, kept));
	PROMISE(imap_flags_contain(list, list));
	g_free(kept);
}

static void
name(const char *wire)
{
	char *text = imap_name_decode(wire);

	PROMISE(text == NULL || g_utf8_validate(text, -1, NULL));
	PROMISE(text == NULL || strchr(wire, '&') != NULL ||
		strcmp(text, wire) == 0);
	g_free(text);
}

static void
printable(const char *text)
{
	char *line = imap_printable(text);
	const char *p;

	PROMISE(strlen(line) <= 200);
	for (p = line; *p != '\0'; p++)
		PROMISE(*p >= ' ' && *p <= '~');
	g_free(line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = g_strndup((const char *)data, size), *value;
	const char *end = line + strlen(line), *p, *next;
	char *last = g_strdup("");

	for (p = line; (next = imap_value(p, &value)) != NULL; p = next) {
		PROMISE(next > p && next <= end);
		quoted(value);
		flags(value);
		name(value);
		printable(value);
		PROMISE(imap_same_moment(value, last) ==
			imap_same_moment(last, value));
		g_free(last);
		last = value;
	}
	PROMISE(value == NULL);
	name(line);
	printable(line);
	g_free(last);
	g_free(line);
	return 0;
}
