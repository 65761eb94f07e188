/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_imap_text.c - values, flags, dates and names as IMAP servers say them,
 * and as none should.
 */
#include "mailbox/imap_text.h"
#include "tests/tap.h"

static const struct {
	const char *text;
	const char *value; /* NULL: there is none */
	const char *rest;
} values[] = {
    {"UID 7 FLAGS ()", "UID", " 7 FLAGS ()"},
    {"   4294967295)", "4294967295", ")"},
    {"\"a b\" c", "a b", " c"},
    {"\"a\\\"b\\\\\"", "a\"b\\", ""},
    {"\"\"", "", ""},
    {"()", "", ""},
    {"(\\Seen $Label1) UID 1", "\\Seen $Label1", " UID 1"},
    {"(a (b \"c)d\") e)f", "a (b \"c)d\") e", "f"},
    {"(\"a\\\")\")x", "\"a\\\")\"", "x"},
    {"BODY[HEADER.FIELDS (\"TO\")] \"x\"", "BODY[HEADER.FIELDS (\"TO\")]",
	" \"x\""},
    {"NIL)", "NIL", ")"},
    /* Cut short, or nothing at all. */
    {"", NULL, NULL},
    {"   ", NULL, NULL},
    {")", NULL, NULL},
    {"\"", NULL, NULL},
    {"\"abc", NULL, NULL},
    {"\"abc\\", NULL, NULL},
    {"\"abc\\\"", NULL, NULL},
    {"(", NULL, NULL},
    {"(a (b)", NULL, NULL},
    {"(\"a", NULL, NULL},
    {"(\"a\\", NULL, NULL},
    {"(\"a\\\")", NULL, NULL},
    {"BODY[", "BODY[", ""},
    {"]]] x", "]]]", " x"},
};

static void
values_are_read_to_their_end_and_no_further(void)
{
	const char *rest;
	char *value;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(values); i++) {
		value = (char *)(uintptr_t) "unset";
		rest = imap_value(values[i].text, &value);
		is_str(value, values[i].value, values[i].text);
		is_str(rest, values[i].rest, "and what follows");
		g_free(value);
	}
}

static void
what_is_quoted_reads_back(void)
{
	static const char octets[] = "a\"b\\c\r\n\x01(\xff";
	GString *text = g_string_new("x ");
	char *value;

	imap_quote(text, octets, sizeof(octets) - 1);
	is_str(imap_value(text->str + 1, &value), "", "a quoted string ends");
	is_str(value, octets, "and has the octets that went in");
	g_free(value);
	g_string_free(text, TRUE);
}

static void
flags_are_whole_words_without_case(void)
{
	char *kept;

	ok(imap_has_flag("\\Seen \\DELETED", "\\Deleted"), "case is nothing");
	ok(!imap_has_flag("\\Deleted2 x\\Deleted", "\\Deleted"),
	    "a part of a word is no flag");
	ok(!imap_has_flag("", "\\Seen"), "none has none");
	kept = imap_flags_without(" \\Recent  \\Seen \\recent a", "\\Recent");
	is_str(kept, "\\Seen a", "all of one go, and blanks with them");
	g_free(kept);
	ok(imap_flags_contain("a \\Seen b", "B  \\seen"), "these are there");
	ok(!imap_flags_contain("a \\Seen b", "b c"), "one is not");
	ok(imap_flags_contain("", ""), "nothing is in nothing");
}

static const struct {
	const char *a, *b;
	bool same;
} moments[] = {
    {"17-Jul-1996 02:44:25 -0700", "17-Jul-1996 02:44:25 -0700", true},
    {"17-Jul-1996 02:44:25 -0700", "17-Jul-1996 09:44:25 +0000", true},
    {" 1-Jan-2026 00:30:00 +0130", "31-Dec-2025 23:00:00 +0000", true},
    {"01-Jan-2026 00:00:00 +0000", " 1-Jan-2026 00:00:00 -0000", true},
    {"17-Jul-1996 02:44:25 -0700", "17-Jul-1996 02:44:26 -0700", false},
    {"17-Jul-1996 02:44:25 -0700", "17-Jul-1996 02:44:25 +0700", false},
    /* No dates: the same only as text. */
    {"", "", true},
    {"31-Feb-2026 00:00:00 +0000", " 3-Mar-2026 00:00:00 +0000", false},
    {"17-anF-1996 02:44:25 +0000", "17-Jan-1996 02:44:25 +0000", false},
    {"17-Jul-1996 02:44:25 =0700", "17-Jul-1996 09:44:25 +0000", false},
    {"17-Jul-1996 24:00:00 +0000", "18-Jul-1996 00:00:00 +0000", false},
    {"17-Jul-0000 00:00:00 +0000", "17-Jul-0000 00:00:00 -0000", false},
    {"17-Jul-1996 02:44:25 -070", "17-Jul-1996 09:44:25 +0000", false},
    {"17-Jul-1996 02:44:25 -07000", "17-Jul-1996 09:44:25 +0000", false},
};

static void
moments_are_compared_in_any_zone(void)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(moments); i++) {
		is_int(imap_same_moment(moments[i].a, moments[i].b),
		    moments[i].same, moments[i].a);
		is_int(imap_same_moment(moments[i].b, moments[i].a),
		    moments[i].same, "and turned round");
	}
}

static const struct {
	const char *wire, *name;
} names[] = {
    {"INBOX", "INBOX"}, {"", ""}, {"a&-b", "a&b"}, {"&-&-", "&&"},
    /* RFC 3501 section 5.1.3 */
    {"~peter/mail/&U,BTFw-/&ZeVnLIqe-",
	"~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac"
	"\xe8\xaa\x9e"},
    {"Entw&APw-rfe", "Entw\xc3\xbcrfe"}, {"&2D3eAA-", "\xf0\x9f\x98\x80"},
    {"caf\xc3\xa9", "caf\xc3\xa9"}, /* ENABLE UTF8=ACCEPT */
    /* None. */
    {"&", NULL}, {"a&", NULL}, {"&U,BTFw", NULL},
    {"&2D0-", NULL},        /* half a pair */
    {"&3gA-", NULL},        /* the other half */
    {"&AAA-", NULL},        /* NUL */
    {"&A-", NULL},          /* no octet */
    {"&AGEA-", NULL},       /* one and a half characters */
    {"&U/BTFw-", NULL},     /* base64 of something else */
    {"&U,B TFw-", NULL},    /* a blank in it */
    {"&AGE=-", NULL},       /* padding */
    {"caf\xe9", NULL},      /* ISO 8859-1 */
    {"\xed\xa0\xbd", NULL}, /* half a pair in UTF-8 */
};

static void
names_are_utf8_or_none(void)
{
	char *name;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		name = imap_name_decode(names[i].wire);
		is_str(name, names[i].name, names[i].wire);
		g_free(name);
	}
}

static void
what_is_printed_is_one_short_line(void)
{
	char *octets = g_strnfill(5000, '\x1b');
	char *line = imap_printable("NO\r\n\033]0;x\a caf\xc3\xa9 \xff");

	ok(strpbrk(line, "\r\n\033\a") == NULL && strncmp(line, "NO??", 4) == 0,
	    "nothing moves the cursor");
	g_free(line);
	line = imap_printable(octets);
	is_int((intmax_t)strlen(line), 200, "and it is not long");
	g_free(line);
	g_free(octets);
}

int
main(void)
{
	values_are_read_to_their_end_and_no_further();
	what_is_quoted_reads_back();
	flags_are_whole_words_without_case();
	moments_are_compared_in_any_zone();
	names_are_utf8_or_none();
	what_is_printed_is_one_short_line();
	return tap_done();
}
