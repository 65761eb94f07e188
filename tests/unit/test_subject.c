/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_subject.c - the Subject as people read it, and without a tag.
 */
#include "config.h"

#include "seal/subject.h"
#include "tests/unit/mail.h"

static struct message *
with_subject(const char *value)
{
	struct message *message = message_make(&mail_limits);

	if (value != NULL)
		message_add_field(message, "Subject", value);
	return message;
}

/* What follows makes GMime read the first part, too. */
static bool
both_ways(const char *value)
{
	char *text = g_strconcat("x", value, "x", NULL);
	char *with_word = g_strconcat(text, " =?us-ascii?Q?y?=", NULL);
	char *want = g_strconcat(text, " y", NULL);
	struct message *plain = with_subject(text);
	struct message *decoded = with_subject(with_word);
	char *got = subject_decode(plain), *slow = subject_decode(decoded);
	bool same = strcmp(got, text) == 0 && strcmp(slow, want) == 0;

	if (!same)
		printf("# \"%s\": \"%s\", \"%s\"\n", text, got, slow);
	g_free(text);
	g_free(with_word);
	g_free(want);
	g_free(got);
	g_free(slow);
	message_free(&plain);
	message_free(&decoded);
	return same;
}

/* GMime leaves plain Subjects as they are, so it need not see them. */
static void
plain_subjects_stay(void)
{
	static const char letters[] = " \ta=?_\"\\(<,:;\x01\x7f";
	const size_t count = sizeof(letters) - 1;
	unsigned int different = 0;
	size_t i, n, rest;
	char value[5];

	for (i = 0; i < count * count * count * count; i++) {
		for (n = 0, rest = i; n < 4; n++, rest /= count)
			value[n] = letters[rest % count];
		value[4] = '\0';
		if (strstr(value, "=?") == NULL)
			different += !both_ways(value);
	}
	ok(different == 0, "a Subject without encoded words stays");
}

static const struct {
	const char *value, *want;
} decoded[] = {
    {NULL, NULL},
    {"", ""},
    {" plain", "plain"},
    {" two\r\n lines", "two lines"},
    {" =?utf-8?Q?caf=C3=A9?=", "caf\xc3\xa9"},
    {" =?iso-8859-1?Q?caf=E9?= au lait", "caf\xc3\xa9 au lait"},
    {" =?utf-8?B?W3NlY3VyZV0=?= hello", "[secure] hello"},
    {" =?utf-8?Q?[sec?=\r\n =?utf-8?Q?ure]?= hello", "[secure] hello"},
    {" =?utf-8?B?Y2Fmw6k=?= =?utf-8?B?W3NlY3VyZV0=?=", "caf\xc3\xa9[secure]"},
    {" =?utf-8?b?Y2Fmw6k=?=\r\n =?utf-8?b?IFtzZWN1cmVd?= tail",
	"caf\xc3\xa9 [secure] tail"},
    {" =?utf-8?B?Y2Fmww==?= =?utf-8?B?qQ==?=", "caf\xc3\xa9"},
    {" =?utf-8?B?broken text?= =?utf-8?B?", NULL},
    {" caf\xc3\xa9", "caf\xc3\xa9"},
    {" =?utf-8?Q?broken", "=?utf-8?Q?broken"},
    {" =?unknown?Q?x?=", NULL}, /* anything, but it is valid UTF-8 */
    {" \xff\xfe", NULL},
};

static void
subjects_are_decoded(void)
{
	struct message *message;
	char *got;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(decoded); i++) {
		message = with_subject(decoded[i].value);
		got = subject_decode(message);
		if (decoded[i].want == NULL && decoded[i].value != NULL)
			ok(got != NULL && g_utf8_validate(got, -1, NULL),
			    "a strange Subject is valid UTF-8");
		else
			is_str(got, decoded[i].want, "a Subject is decoded");
		g_free(got);
		message_free(&message);
	}
}

static const struct {
	const char *name, *value, *tag, *want;
} tags[] = {
    {"in front", " [secure] hello", "[secure]", " hello"},
    {"at the end", " hello [secure]", "[secure]", " hello"},
    {"in the middle", " Re: [secure] hello", "[secure]", " Re: hello"},
    {"without a blank", " [secure]hello", "[secure]", " hello"},
    {"with many blanks", " [secure]   hello", "[secure]", " hello"},
    {"alone", " [secure]", "[secure]", " "},
    {"in other case", " [SeCuRe] hello", "[secure]", " hello"},
    {"that the rule writes in other case", " [secure] hello", "[SECURE]",
	" hello"},
    {"in an encoded word", " =?utf-8?B?W3NlY3VyZV0=?= hello", "[secure]",
	" hello"},
    {"cut by two encoded words",
	" =?utf-8?Q?[sec?=\r\n =?utf-8?Q?ure]_hello?=", "[secure]", " hello"},
    {"behind an encoded word with padding",
	" =?utf-8?B?Y2Fmw6k=?= =?utf-8?B?W3NlY3VyZV0=?=", "[secure]",
	" =?iso-8859-1?b?Y2Fm6Q==?="},
    {"on the next line", " hello\r\n [secure] you", "[secure]", " hello you"},
    {"with letters that are not ASCII", " GEHEIM\xc3\x9f tja", "geheim\xc3\x9f",
	" tja"},
    {"that is not there", " hello", "[secure]", NULL},
    {"that is there in part", " [secure hello", "[secure]", NULL},
    {"of a Subject that is empty", "", "[secure]", NULL},
    {"of a Subject that is missing", NULL, "[secure]", NULL},
};

static void
tags_are_taken_out(void)
{
	struct message *message;
	char *got;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(tags); i++) {
		message = with_subject(tags[i].value);
		got = subject_without(
		    message, (const char *const[]){tags[i].tag, NULL});
		is_str(got, tags[i].want, tags[i].name);
		g_free(got);
		message_free(&message);
	}
}

/* What is left comes back as it was, in ASCII and in lines that fit. */
static void
rests_are_encoded_again(void)
{
	struct message *message =
	    with_subject(" =?utf-8?Q?[secure]_caf=C3=A9?=");
	char *got = subject_without(
		 message, (const char *const[]){"[secure]", NULL}),
	     *again;
	const char *p;
	bool ascii = true;

	for (p = got; *p != '\0'; p++)
		ascii = ascii && (unsigned char)*p < 0x80;
	ok(ascii, "the rest is in ASCII");
	message_free(&message);
	message = with_subject(got);
	again = subject_decode(message);
	is_str(again, "caf\xc3\xa9", "and decodes to what it was");
	g_free(again);
	g_free(got);
	message_free(&message);
}

static void
long_rests_fit_lines(void)
{
	GString *long_one = g_string_new(" [secure]");
	struct message *message;
	char *got, *again, *want;
	size_t line = 0, longest = 0, i;

	for (i = 0; i < 200; i++)
		g_string_append(long_one, " caf\xc3\xa9");
	message = with_subject(long_one->str);
	got = subject_without(message, (const char *const[]){"[secure]", NULL});
	want = g_strdup(long_one->str + strlen(" [secure] "));
	for (i = 0; got != NULL && got[i] != '\0'; i++) {
		line = got[i] == '\n' ? 0 : line + 1;
		longest = MAX(longest, line);
	}
	ok(got != NULL && longest <= 78, "a long rest has lines that fit: %zu",
	    longest);
	message_free(&message);
	message = with_subject(got);
	again = subject_decode(message);
	is_str(again, want, "and decodes to what it was");
	g_free(again);
	g_free(got);
	g_free(want);
	message_free(&message);
	g_string_free(long_one, TRUE);
}

/* Nothing is lost or doubled in lines of words and blanks. */
static void
folds_keep_words(void)
{
	/* A word that fits no line is encoded, which takes it apart. */
	static const char *const subjects[] = {"a  b   c",
	    "Re: one two three four five six seven eight nine ten"
	    " eleven twelve thirteen  fourteen   fifteen sixteen",
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "x"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxx yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
	    "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"};
	struct message *message;
	char *got, *again, *tagged;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(subjects); i++) {
		tagged = g_strconcat(" [secure] ", subjects[i], NULL);
		message = with_subject(tagged);
		got = subject_without(
		    message, (const char *const[]){"[secure]", NULL});
		message_free(&message);
		message = with_subject(got);
		again = subject_decode(message);
		is_str(again, subjects[i], "folds take and add nothing");
		ok(strstr(got, "\n \r") == NULL && strstr(got, "\n\r") == NULL,
		    "and no line is blank");
		g_free(again);
		g_free(got);
		g_free(tagged);
		message_free(&message);
	}
}

int
main(void)
{
	mail_begin();
	folds_keep_words();
	plain_subjects_stay();
	subjects_are_decoded();
	tags_are_taken_out();
	rests_are_encoded_again();
	long_rests_fit_lines();
	mail_end();
	return tap_done();
}
