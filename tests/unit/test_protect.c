/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_protect.c - which fields stay outside, which go inside only, and when
 * a Content-Type can take two parameters more (RFC 9788, RFC 2045).
 */
#include "config.h"

#include "seal/protect.h"
#include "tests/unit/mail.h"

#define PARAMS "\r\n\thp=\"cipher\"; protected-headers=\"v1\"\r\n"
#define PLAIN "Content-Type: text/plain;" PARAMS

/* What protect_header() made of a message. */
struct parts {
	GString *outside; /* lines as they will stand outside, LF */
	GString *inside;
	char *trailer;
};

static struct parts
protect(const struct message *message, bool hide, const char *subject)
{
	const struct seal_order order = {
	    .subject = subject, .hide_subject = hide};
	size_t i, count = message->header.count;
	struct sealed sealed = {.count = count,
	    .outside = g_new0(enum outside, count + 1),
	    .value = g_new0(char *, count + 1)};
	struct parts parts = {g_string_new(NULL), NULL, NULL};
	const struct field *field;

	parts.inside = protect_header(
	    &order, message, "BOUNDARY", false, &sealed, &parts.trailer);
	for (i = 0; i < count; i++) {
		field = &message->header.list[i];
		if (sealed.outside[i] != OUTSIDE_DROP)
			g_string_append_printf(parts.outside, "%s:%s\n",
			    field->name,
			    sealed.outside[i] == OUTSIDE_CHANGE
				? sealed.value[i]
				: field->value);
		g_free(sealed.value[i]);
	}
	g_free(sealed.value);
	g_free(sealed.outside);
	return parts;
}

static void
parts_free(struct parts *parts)
{
	g_string_free(parts->outside, TRUE);
	g_string_free(parts->inside, TRUE);
	g_free(parts->trailer);
}

/* --- Single fields, among a From and a Subject */

enum want {
	BOTH,
	INSIDE,
	OUTSIDE,
	NOWHERE,
	STRUCTURE, /* inside, without HP-Outer */
};

#define LONG100                                                                \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG999                                                                \
	LONG100 LONG100 LONG100 LONG100 LONG100 LONG100 LONG100 LONG100        \
	    LONG100                                                            \
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *name, *value;
	enum want want;
} fields[] = {
    {"To", " bob@example.org", BOTH},
    {"to", " bob@example.org", BOTH},
    {"Cc", " bob@example.org,\r\n carol@example.org", BOTH},
    {"Date", " Sat, 21 Nov 2026 00:00:00 +0000", BOTH},
    {"Message-ID", " <1@example.org>", BOTH},
    {"References", " <1@example.org>\r\n <2@example.org>", BOTH},
    {"X-Anything", " at all", BOTH},
    {"List-Id", "", BOTH},
    {"Resent-From", " bob@example.org", BOTH},
    {"Bcc", " carol@example.org", NOWHERE},
    {"BCC", " carol@example.org", NOWHERE},
    {"Resent-Bcc", " carol@example.org", NOWHERE},
    {"HP-Outer", " Subject: forged", NOWHERE},
    {"Sealmilter-Sealed", " form=openpgp", NOWHERE},
    {"sealmilter-whatever", " forged", NOWHERE},
    {"Comments", " about the wedding", INSIDE},
    {"Keywords", " wedding", INSIDE},
    {"Thread-Topic", " other words", INSIDE},
    {"DKIM-Signature", " v=1; bh=abc", INSIDE},
    {"ARC-Seal", " i=1", INSIDE},
    {"ARC-Message-Signature", " i=1; bh=abc", INSIDE},
    {"ARC-Authentication-Results", " i=1", INSIDE},
    {"Received", " from a by b;\r\n\tSat, 21 Nov 2026", OUTSIDE},
    {"Return-Path", " <a@example.org>", OUTSIDE},
    {"Authentication-Results", " mx; dkim=pass", OUTSIDE},
    {"Delivered-To", " bob@example.org", OUTSIDE},
    {"X-Original-Subject", " A wedding in May", INSIDE},
    {"X-Original-Subject", " Fwd: A wedding in May (2)", INSIDE},
    {"X-Spam-Report", " subject was\r\n\tA wedding in May", INSIDE},
    {"X-Folded-Otherwise", " A wedding\r\n\tin May", INSIDE},
    {"X-Other-Case", " RE: A WEDDING IN MAY", INSIDE},
    {"X-Part-Of-It", " wedding", BOTH},
    {"In-Reply-To", " <A wedding in May@example.org>", BOTH},
    {"X-Eight-Bits", " caf\xc3\xa9", INSIDE},
    {"X-Latin", " caf\xe9", INSIDE},
    {"X-Long", " " LONG999, INSIDE},
    {"X-Long-Enough", " " LONG100, BOTH},
    {"X-Long-But-Folded", " " LONG100 "\r\n " LONG999, INSIDE},
    {"MIME-Version", " 1.0", STRUCTURE},
    {"Content-Transfer-Encoding", " 7bit", STRUCTURE},
    {"Content-Language", " en", STRUCTURE},
    {"content-disposition", " attachment; filename=wedding", STRUCTURE},
    {"Content-Anything", " x", STRUCTURE},
};

static bool
has_line(const GString *text, const char *prefix, const char *name,
    const char *value, const char *end)
{
	char *line = g_strconcat("\n", prefix, name, ":", value, end, NULL);
	char *all = g_strconcat("\n", text->str, NULL);
	bool found = strstr(all, line) != NULL;

	g_free(line);
	g_free(all);
	return found;
}

static void
fields_have_their_places(void)
{
	static const char *const where[] = {[BOTH] = "inside and outside",
	    [INSIDE] = "inside only",
	    [OUTSIDE] = "outside only",
	    [NOWHERE] = "nowhere",
	    [STRUCTURE] = "inside, as it describes the body"};
	struct message *message;
	struct parts parts;
	const char *name, *value;
	char *shown;
	bool in, out, outer;
	enum want want;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(fields); i++) {
		name = fields[i].name;
		value = fields[i].value;
		want = fields[i].want;
		message = mail_parse("From: Alice <alice@example.org>\n"
				     "Subject: A wedding in May\n\n");
		message_add_field(message, name, value);
		parts = protect(message, true, NULL);
		in = has_line(parts.inside, "", name, value, "\r\n");
		outer =
		    has_line(parts.inside, "HP-Outer: ", name, value, "\r\n");
		out = has_line(parts.outside, "", name, value, "\n");
		shown = g_strescape(value, NULL);
		ok(in == (want == BOTH || want == INSIDE ||
			     want == STRUCTURE) &&
			out == (want == BOTH || want == OUTSIDE) &&
			outer == (want == BOTH),
		    "%s:%.40s is %s", name, shown, where[want]);
		g_free(shown);
		parts_free(&parts);
		message_free(&message);
	}
}

static void
eight_bit_addresses_stay(void)
{
	static const char *const names[] = {
	    "From", "To", "Cc", "Reply-To", "Sender"};
	struct message *message;
	struct parts parts;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		message = message_make(&mail_limits);
		message_add_field(
		    message, names[i], " Ren\xc3\xa9 <rene@example.org>");
		parts = protect(message, true, NULL);
		ok(has_line(parts.outside, "", names[i],
		       " Ren\xc3\xa9 <rene@example.org>", "\n"),
		    "an 8-bit %s stays outside, where it is needed", names[i]);
		parts_free(&parts);
		message_free(&message);
	}
}

/* --- Whole headers */

static const struct {
	const char *name;
	bool hide;
	const char *subject;
	const char *header;
	const char *outside, *inside;
} headers[] = {
    /* RFC 9788 appendix D.1, but for the legacy display, which the clients
     * of today would show twice. */
    {"the example of RFC 9788", true, NULL,
	"Date: Wed, 11 Jan 2023 16:08:43 -0500\n"
	"From: Bob <bob@example.net>\n"
	"To: Alice <alice@example.net>\n"
	"Subject: Handling the Jones contract\n"
	"Message-ID: <20230111T210843Z.1234@lhp.example>\n"
	"Content-Type: text/plain; charset=\"us-ascii\"\n"
	"MIME-Version: 1.0\n",
	"Date: Wed, 11 Jan 2023 16:08:43 -0500\n"
	"From: Bob <bob@example.net>\n"
	"To: Alice <alice@example.net>\n"
	"Subject: [...]\n"
	"Message-ID: <20230111T210843Z.1234@lhp.example>\n",
	"Date: Wed, 11 Jan 2023 16:08:43 -0500\r\n"
	"From: Bob <bob@example.net>\r\n"
	"To: Alice <alice@example.net>\r\n"
	"Subject: Handling the Jones contract\r\n"
	"Message-ID: <20230111T210843Z.1234@lhp.example>\r\n"
	"HP-Outer: Date: Wed, 11 Jan 2023 16:08:43 -0500\r\n"
	"HP-Outer: From: Bob <bob@example.net>\r\n"
	"HP-Outer: To: Alice <alice@example.net>\r\n"
	"HP-Outer: Subject: [...]\r\n"
	"HP-Outer: Message-ID: <20230111T210843Z.1234@lhp.example>\r\n"
	"Content-Type: text/plain; charset=\"us-ascii\";" PARAMS
	"MIME-Version: 1.0\r\n\r\n"},
    {"a Subject that is not hidden", false, NULL, "Subject: one two\n",
	"Subject: one two\n",
	"Subject: one two\r\nHP-Outer: Subject: one two\r\n" PLAIN "\r\n"},
    {"a Subject whose tag is taken out", false, " two", "Subject: [one] two\n",
	"Subject: two\n",
	"Subject: two\r\nHP-Outer: Subject: two\r\n" PLAIN "\r\n"},
    {"a Subject whose tag is taken out, hidden", true, " two",
	"Subject: [one] two\n", "Subject: [...]\n",
	"Subject: two\r\nHP-Outer: Subject: [...]\r\n" PLAIN "\r\n"},
    {"two Subjects", true, NULL, "Subject: one\nSubject: two\n",
	"Subject: [...]\n",
	"Subject: one\r\nSubject: two\r\nHP-Outer: Subject: [...]\r\n" PLAIN
	"\r\n"},
    {"two Subjects that are not hidden", false, NULL,
	"Subject: one\nSubject: two\n", "Subject: one\n",
	"Subject: one\r\nSubject: two\r\nHP-Outer: Subject: one\r\n" PLAIN
	"\r\n"},
    {"an empty Subject", true, NULL, "Subject:\n", "Subject: [...]\n",
	"Subject:\r\nHP-Outer: Subject: [...]\r\n" PLAIN "\r\n"},
    {"a folded Subject", true, NULL, "Subject: one\n two\n", "Subject: [...]\n",
	"Subject: one\r\n two\r\nHP-Outer: Subject: [...]\r\n" PLAIN "\r\n"},
    {"no Subject", true, NULL, "From: a@b.example\n", "From: a@b.example\n",
	"From: a@b.example\r\nHP-Outer: From: a@b.example\r\n" PLAIN "\r\n"},
    {"a short Subject, which others repeat by chance", true, NULL,
	"Subject: Hi\nX-A: Hildegard\nX-B: Hi\n",
	"Subject: [...]\nX-A: Hildegard\nX-B: Hi\n",
	"Subject: Hi\r\nX-A: Hildegard\r\nX-B: Hi\r\n"
	"HP-Outer: Subject: [...]\r\nHP-Outer: X-A: Hildegard\r\n"
	"HP-Outer: X-B: Hi\r\n" PLAIN "\r\n"},
    {"a Subject that may be seen elsewhere too", false, NULL,
	"Subject: one two three\nX-A: one two three\n",
	"Subject: one two three\nX-A: one two three\n",
	"Subject: one two three\r\nX-A: one two three\r\n"
	"HP-Outer: Subject: one two three\r\n"
	"HP-Outer: X-A: one two three\r\n" PLAIN "\r\n"},
    {"a Subject that is repeated without its tag", true, " two three",
	"Subject: [one] two three\nX-A: two three\n", "Subject: [...]\n",
	"Subject: two three\r\nX-A: two three\r\n"
	"HP-Outer: Subject: [...]\r\n" PLAIN "\r\n"},
    {"the mark of another instance", true, NULL,
	"Sealmilter-Sealed: form=openpgp\nHP-Outer: From: x\n", "",
	PLAIN "\r\n"},
    {"a Content-Type that is folded", true, NULL,
	"Content-Type: multipart/mixed;\n\tboundary=\"a b\"\n", "",
	"Content-Type: multipart/mixed;\r\n\tboundary=\"a b\";" PARAMS "\r\n"},
    {"a Content-Type that ends in a semicolon", true, NULL,
	"Content-Type: text/plain;\n", "", PLAIN "\r\n"},
    {"an encoding without a type", true, NULL,
	"Content-Transfer-Encoding: base64\n", "",
	"Content-Transfer-Encoding: base64\r\n" PLAIN "\r\n"},
};

static void
headers_are_as_they_should(void)
{
	struct message *message;
	struct parts parts;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(headers); i++) {
		message = mail_parse(headers[i].header);
		parts = protect(message, headers[i].hide, headers[i].subject);
		is_str(parts.outside->str, headers[i].outside, headers[i].name);
		is_str(parts.inside->str, headers[i].inside,
		    "and what goes inside");
		ok(parts.trailer == NULL, "and the body ends it");
		parts_free(&parts);
		message_free(&message);
	}
}

/* --- Originals that go inside as a whole */

static const char *const wrapped[] = {
    "Content-Type: text/plain\nContent-Type: text/html\n",
    "Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n",
    "Content-Type: text/plain; charset=\"utf-8\n",
    "Content-Type: text/plain; hp=\"clear\"\n",
    "Content-Type: nonsense\n",
};

static void
others_are_wrapped(void)
{
	struct message *message;
	struct parts parts;
	char *text, *name;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(wrapped); i++) {
		text = g_strconcat("Subject: secret words\nBcc: x@y.example\n"
				   "Received: by z\nSealmilter-Sealed: x\n",
		    wrapped[i], "\n", NULL);
		message = mail_parse(text);
		parts = protect(message, true, NULL);
		name = g_strescape(wrapped[i], NULL);
		is_str(parts.outside->str, "Subject: [...]\nReceived: by z\n",
		    name);
		ok(g_str_has_prefix(parts.inside->str,
		       "Subject: secret words\r\n"
		       "HP-Outer: Subject: [...]\r\n"
		       "MIME-Version: 1.0\r\n"
		       "Content-Type: multipart/mixed;"
		       " boundary=\"BOUNDARY\";" PARAMS "\r\n"
		       "--BOUNDARY\r\n"
		       "Content-Type: message/rfc822\r\n\r\n"
		       "Subject: secret words\r\n"
		       "Received: by z\r\n"),
		    "the original is a part of a multipart");
		ok(strstr(parts.inside->str, "Bcc") == NULL &&
			strstr(parts.inside->str, "Sealmilter") == NULL,
		    "without what must not be there");
		is_str(parts.trailer, "\r\n--BOUNDARY--\r\n",
		    "that is closed behind it");
		parts_free(&parts);
		message_free(&message);
		g_free(text);
		g_free(name);
	}
}

/* --- Content-Type */

static const struct {
	const char *value;
	bool can;
	const char *separator;
} types[] = {
    {" text/plain", true, ";"},
    {"text/plain", true, ";"},
    {" text/plain; charset=utf-8", true, ";"},
    {" text/plain; charset=\"utf-8\"", true, ";"},
    {" text/plain;charset=utf-8;format=flowed", true, ";"},
    {" text/plain; charset=utf-8;", true, ""},
    {" text/plain; charset=utf-8 ; ", true, ""},
    {" text/plain;", true, ""},
    {" text/plain; (a comment)", true, ""},
    {" text/plain (a comment)", true, ";"},
    {" text (a) / (b) plain (c); (d) charset (e) = (f) utf-8 (g)", true, ";"},
    {" text/plain; charset=utf-8 (a (nested) comment)", true, ";"},
    {" text/plain; charset=utf-8 (one \\) still)", true, ";"},
    {" multipart/mixed;\r\n\tboundary=\"=_a;b\\\"c\"", true, ";"},
    {" multipart/mixed; boundary=----=_Part_1", true, ";"},
    {" multipart/mixed; boundary=a/b:c?d@e", true, ";"},
    {" application/x; name*0=a; name*1=b", true, ";"},
    {" application/x; name*=utf-8''a%20b", true, ";"},
    {" text/plain; xhp=1; hpx=2", true, ";"},
    {" text/plain; x=\"hp=1\"", true, ";"},
    {"", false, NULL},
    {" ", false, NULL},
    {" text", false, NULL},
    {" text/", false, NULL},
    {" /plain", false, NULL},
    {" text plain", false, NULL},
    {" text/plain charset=utf-8", false, NULL},
    {" text/plain, charset=utf-8", false, NULL},
    {" text/plain; charset", false, NULL},
    {" text/plain; charset=", false, NULL},
    {" text/plain; charset=;", false, NULL},
    {" text/plain; =utf-8", false, NULL},
    {" text/plain;; charset=utf-8", false, NULL},
    {" text/plain; charset=utf-8 format=flowed", false, NULL},
    {" text/plain; charset=\"utf-8", false, NULL},
    {" text/plain; charset=\"utf-8\\\"", false, NULL},
    {" text/plain; charset=\"utf-8\" x", false, NULL},
    {" text/plain (a comment", false, NULL},
    {" text/plain (a (nested) comment", false, NULL},
    {" text/plain (a comment\\)", false, NULL},
    {" text/plain; hp=clear", false, NULL},
    {" text/plain; HP=\"cipher\"", false, NULL},
    {" text/plain; hp (x) = cipher", false, NULL},
    {" text/plain; hp*=utf-8''clear", false, NULL},
    {" text/plain; hp*0=cl; hp*1=ear", false, NULL},
    {" text/plain; protected-headers=\"v1\"", false, NULL},
    {" text/plain; Protected-Headers*0=v1", false, NULL},
    {" text/plain; charset=\xc3\xa9", false, NULL},
    {" t\xc3\xa9xt/plain", false, NULL},
    {" text/plain; charset=utf-8\x01", false, NULL},
};

static void
types_can_be_extended(void)
{
	const char *separator;
	char *name;
	bool can;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(types); i++) {
		separator = "?";
		name = g_strescape(types[i].value, NULL);
		can = protect_can_extend(types[i].value, &separator);
		ok(can == types[i].can &&
			(!can || strcmp(separator, types[i].separator) == 0),
		    "\"%s\" can%s", name,
		    !types[i].can                  ? "not"
		    : types[i].separator[0] == ';' ? ", behind a semicolon"
						   : "");
		g_free(name);
	}
}

int
main(void)
{
	mail_begin();
	fields_have_their_places();
	eight_bit_addresses_stay();
	headers_are_as_they_should();
	others_are_wrapped();
	types_can_be_extended();
	mail_end();
	return tap_done();
}
