/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_armor.c - OpenPGP armor: what gpg writes is read, what is written gpg
 * reads, and broken armor is the same however it is cut into pieces.
 */
#include "config.h"

#include "keys/armor.h"
#include "tests/unit/mail.h"

/* What a reader made of some text. */
struct reading {
	int result;
	unsigned int blocks;
	bool stray;
	const char *why;
	GByteArray *data;
	GString *events;
};

static int
on_begin(void *context, const char *type)
{
	struct reading *reading = context;

	g_string_append_printf(reading->events, "(%s ", type);
	return strcmp(type, "STOP") == 0 ? -1 : 0;
}

static int
on_data(void *context, const unsigned char *data, size_t len)
{
	struct reading *reading = context;

	g_byte_array_append(reading->data, data, (guint)len);
	return 0;
}

static int
on_end(void *context)
{
	struct reading *reading = context;

	g_string_append(reading->events, ")");
	return 0;
}

static bool
same_octets(const GByteArray *octets, const void *data, size_t len)
{
	return octets->len == len &&
	       (len == 0 || memcmp(octets->data, data, len) == 0);
}

static struct reading
read_armor(const char *text, size_t len, enum feed feed)
{
	struct reading reading = {
	    0, 0, false, NULL, g_byte_array_new(), g_string_new(NULL)};
	const struct armor_events events = {
	    on_begin, on_data, on_end, &reading};
	struct armor_reader *reader = armor_reader_make(&events);
	size_t n;

	for (; len > 0 && reading.result == 0; text += n, len -= n) {
		n = feed_next(feed, len);
		reading.result = armor_reader_feed(reader, text, n);
	}
	if (reading.result == 0)
		reading.result = armor_reader_finish(reader);
	reading.blocks = armor_reader_blocks(reader);
	reading.stray = armor_reader_has_stray_text(reader);
	reading.why = armor_reader_why(reader);
	armor_reader_free(&reader);
	return reading;
}

static void
reading_free(struct reading *reading)
{
	g_byte_array_free(reading->data, TRUE);
	g_string_free(reading->events, TRUE);
}

static bool
same(const struct reading *a, const struct reading *b)
{
	return a->result == b->result && a->blocks == b->blocks &&
	       a->stray == b->stray && strcmp(a->why, b->why) == 0 &&
	       strcmp(a->events->str, b->events->str) == 0 &&
	       same_octets(a->data, b->data->data, b->data->len);
}

/* True if all ways of cutting give one reading. */
static bool
cuts_agree(const char *text, size_t len)
{
	struct reading whole = read_armor(text, len, FEED_WHOLE), cut;
	bool agree = true;
	int feed;

	for (feed = FEED_BYTES; feed < FEEDS; feed++) {
		cut = read_armor(text, len, (enum feed)feed);
		if (!same(&whole, &cut)) {
			printf("# whole: %d %u %d %s, %s: %d %u %d %s\n",
			    whole.result, whole.blocks, whole.stray, whole.why,
			    feed_names[feed], cut.result, cut.blocks, cut.stray,
			    cut.why);
			agree = false;
		}
		reading_free(&cut);
	}
	reading_free(&whole);
	return agree;
}

/* --- With gpg */

/* A block as sink.c writes it. */
static GString *
write_block(const GByteArray *octets, const char *type)
{
	GString *text = g_string_new(NULL);
	char *lines = g_malloc(armor_encoded_size(octets->len)), crc[6];
	size_t len = armor_encode(octets->data, octets->len, lines);

	armor_encode_crc(
	    armor_crc(ARMOR_CRC_INIT, octets->data, octets->len), crc);
	g_string_append_printf(text, "-----BEGIN %s-----\r\n\r\n", type);
	g_string_append_len(text, lines, (gssize)len);
	g_string_append_printf(text, "%s\r\n-----END %s-----\r\n", crc, type);
	g_free(lines);
	return text;
}

static const size_t lengths[] = {
    1, 2, 3, 47, 48, 49, 95, 96, 97, 1000, 4096, 70001};

static void
gpg_reads_ours(const GByteArray *octets)
{
	GString *text = write_block(octets, "PGP ARMORED FILE");
	GString *back = mail_gpg("--dearmor", NULL, text->str, text->len);

	ok(back != NULL && same_octets(octets, back->str, back->len),
	    "gpg reads %u octets that were armored here", octets->len);
	if (back != NULL)
		g_string_free(back, TRUE);
	g_string_free(text, TRUE);
}

static void
ours_reads_gpg(const GByteArray *octets)
{
	GString *text = mail_gpg("--enarmor", NULL, octets->data, octets->len);
	struct reading reading;
	int feed;

	for (feed = 0; text != NULL && feed < FEEDS; feed++) {
		reading = read_armor(text->str, text->len, (enum feed)feed);
		ok(reading.result == 0 && reading.blocks == 1 &&
			!reading.stray &&
			same_octets(reading.data, octets->data, octets->len),
		    "%u octets that gpg armored are read, %s", octets->len,
		    feed_names[feed]);
		reading_free(&reading);
	}
	if (text != NULL)
		g_string_free(text, TRUE);
	else
		ok(false, "gpg armors %u octets", octets->len);
}

/* The lines between the blank line and the END are gpg's, but for CR. */
static void
lines_are_those_of_gpg(const GByteArray *octets)
{
	GString *theirs =
	    mail_gpg("--enarmor", NULL, octets->data, octets->len);
	GString *ours = write_block(octets, "PGP ARMORED FILE");
	const char *a, *b = NULL;

	g_string_replace(ours, "\r", "", 0);
	a = strstr(ours->str, "\n\n");
	if (theirs != NULL)
		b = strstr(theirs->str, "\n\n");
	ok(a != NULL && b != NULL && strcmp(a, b) == 0,
	    "lines and checksum of %u octets are those of gpg", octets->len);
	g_string_free(ours, TRUE);
	if (theirs != NULL)
		g_string_free(theirs, TRUE);
}

/* --- Tables */

static const struct {
	const char *name;
	const char *text;
	int result;
	unsigned int blocks;
	bool stray;
	const char *data;
	const char *why; /* NULL: not looked at */
} table[] = {
    {"nothing", "", 0, 0, false, "", NULL},
    {"blank lines only", "\r\n \n\t\r\n", 0, 0, false, "", NULL},
    {"text only", "hello\n", 0, 0, true, "", NULL},
    {"text without a line end", "hello", 0, 0, true, "", NULL},
    {"a block", "-----BEGIN A-----\n\nYWJj\n=0tQ5\n-----END A-----\n", -1, 0,
	false, "abc", "its checksum is wrong"},
    {"a block with its checksum",
	"-----BEGIN A-----\n\nYWJj\n=uhx7\n-----END A-----\n", 0, 1, false,
	"abc", NULL},
    {"a block without a checksum",
	"-----BEGIN A-----\n\nYWJj\n-----END A-----\n", 0, 1, false, "abc",
	NULL},
    {"a block without a line end", "-----BEGIN A-----\n\nYWJj\n-----END A-----",
	0, 1, false, "abc", NULL},
    {"CRLF and blanks at the ends of lines",
	"-----BEGIN A-----  \r\n \r\nYWJj \t\r\n-----END A----- \r\n", 0, 1,
	false, "abc", NULL},
    {"armor headers",
	"-----BEGIN A-----\nVersion: 1\nComment: x\n\nYWJj\n-----END A-----\n",
	0, 1, false, "abc", NULL},
    {"no blank line after the headers",
	"-----BEGIN A-----\nYWJj\n-----END A-----\n", -1, 0, false, "",
	"no blank line after its headers"},
    {"a blank line between the lines",
	"-----BEGIN A-----\n\nYWJj\n\nYWJj\n-----END A-----\n", 0, 1, false,
	"abcabc", NULL},
    {"quanta over the ends of lines",
	"-----BEGIN A-----\n\nYW\nJjY\nWJj\n-----END A-----\n", 0, 1, false,
	"abcabc", NULL},
    {"one octet of padding", "-----BEGIN A-----\n\nYWI=\n-----END A-----\n", 0,
	1, false, "ab", NULL},
    {"two octets of padding", "-----BEGIN A-----\n\nYQ==\n-----END A-----\n", 0,
	1, false, "a", NULL},
    {"padding on the next line",
	"-----BEGIN A-----\n\nYQ=\n=\n-----END A-----\n", 0, 1, false, "a",
	NULL},
    {"padding that is too short", "-----BEGIN A-----\n\nYQ=\n-----END A-----\n",
	-1, 0, false, "a", "it is cut short"},
    {"padding too early", "-----BEGIN A-----\n\nY===\n-----END A-----\n", -1, 0,
	false, "", "a character is no base64"},
    {"octets after padding", "-----BEGIN A-----\n\nYQ==YWJj\n-----END A-----\n",
	-1, 0, false, "", "a character is no base64"},
    {"octets on a line after padding",
	"-----BEGIN A-----\n\nYQ==\nYWJj\n-----END A-----\n", -1, 0, false, "a",
	"a character is no base64"},
    {"a quantum that is not complete",
	"-----BEGIN A-----\n\nYWJjYW\n-----END A-----\n", -1, 0, false, "abc",
	"it is cut short"},
    {"a character that is no base64",
	"-----BEGIN A-----\n\nYW!j\n-----END A-----\n", -1, 0, false, "",
	"a character is no base64"},
    {"a blank inside of a line",
	"-----BEGIN A-----\n\nYW Jj\n-----END A-----\n", -1, 0, false, "",
	"a character is no base64"},
    {"another END", "-----BEGIN A-----\n\nYWJj\n-----END B-----\n", -1, 0,
	false, "abc", "no END line where one should be"},
    {"another BEGIN", "-----BEGIN A-----\n\nYWJj\n-----BEGIN A-----\n", -1, 0,
	false, "abc", "no END line where one should be"},
    {"no END", "-----BEGIN A-----\n\nYWJj\n", -1, 0, false, "abc",
	"it ends inside of a block"},
    {"an end in the headers", "-----BEGIN A-----\nVersion: 1", -1, 0, false, "",
	"it ends inside of a block"},
    {"text behind the checksum",
	"-----BEGIN A-----\n\nYWJj\n=uhx7\nYWJj\n-----END A-----\n", -1, 0,
	false, "abc", "no END line where one should be"},
    {"a checksum that is no base64",
	"-----BEGIN A-----\n\nYWJj\n=u!x7\n-----END A-----\n", -1, 0, false,
	"abc", "its checksum is no base64"},
    {"text before the block",
	"hello\n-----BEGIN A-----\n\nYWJj\n-----END A-----\n", 0, 1, true,
	"abc", NULL},
    {"text behind the block",
	"-----BEGIN A-----\n\nYWJj\n-----END A-----\nhello", 0, 1, true, "abc",
	NULL},
    {"blank lines around the block",
	"\n\n-----BEGIN A-----\n\nYWJj\n-----END A-----\n\n \n", 0, 1, false,
	"abc", NULL},
    {"two blocks",
	"-----BEGIN A-----\n\nYWJj\n-----END A-----\n"
	"-----BEGIN B-----\n\nYWJj\n-----END B-----\n",
	0, 2, false, "abcabc", NULL},
    {"an indented BEGIN", " -----BEGIN A-----\n\nYWJj\n", 0, 0, true, "", NULL},
    {"a BEGIN with text behind it", "-----BEGIN A----- hello\n", 0, 0, true, "",
	NULL},
    {"a BEGIN whose type is too long",
	"-----BEGIN "
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	"AAAA-----\n\n",
	-1, 0, false, "", "its first line is too long"},
    {"an event that says no",
	"-----BEGIN STOP-----\n\nYWJj\n-----END STOP-----\n", -1, 0, false, "",
	"the reader stopped"},
};

static void
table_holds(void)
{
	struct reading reading;
	size_t i, len;

	for (i = 0; i < G_N_ELEMENTS(table); i++) {
		len = strlen(table[i].text);
		reading = read_armor(table[i].text, len, FEED_WHOLE);
		if (!ok(reading.result == table[i].result &&
			    reading.blocks == table[i].blocks &&
			    reading.stray == table[i].stray &&
			    same_octets(reading.data, table[i].data,
				strlen(table[i].data)) &&
			    (table[i].why == NULL ||
				strcmp(table[i].why, reading.why) == 0),
			"%s: %s", table[i].name,
			table[i].result == 0 ? "read" : "broken"))
			printf("# %d, %u blocks, stray %d, %u octets, %s\n",
			    reading.result, reading.blocks, reading.stray,
			    reading.data->len, reading.why);
		ok(cuts_agree(table[i].text, len),
		    "%s: the same however it is cut", table[i].name);
		reading_free(&reading);
	}
}

/* Lines around the longest that is kept, in each place where one can be. */
static void
long_lines_agree(void)
{
	static const char *const before[] = {"",
	    "-----BEGIN A-----\nComment: ", "-----BEGIN A-----\n\n",
	    "-----BEGIN A-----\n\nYWJj\n=uhx7\n"};
	static const char fill[] = {'x', 'Y', ' '};
	bool agree = true;
	GString *text;
	size_t i, j, n;

	for (i = 0; i < G_N_ELEMENTS(before); i++)
		for (j = 0; j < sizeof(fill); j++)
			for (n = 1016; n <= 1032; n++) {
				text = g_string_new(before[i]);
				g_string_set_size(text, text->len + n);
				memset(text->str + text->len - n, fill[j], n);
				g_string_append(text,
				    "\r\n\r\nYWJj\r\n-----END A-----\r\n");
				agree =
				    cuts_agree(text->str, text->len) && agree;
				g_string_free(text, TRUE);
			}
	ok(agree, "lines about as long as the limit are the same however"
		  " they are cut");
}

static void
mutations_agree(void)
{
	GByteArray *octets = feed_octets(300);
	GString *good = write_block(octets, "PGP MESSAGE"), *text;
	static const char chars[] = "\r\n =-:AB/+\0z";
	bool agree = true;
	int i, j;

	for (i = 0; i < 2000 && agree; i++) {
		text = g_string_new_len(good->str, (gssize)good->len);
		for (j = 0; j < 3; j++)
			text->str[feed_random(text->len)] =
			    chars[feed_random(sizeof(chars) - 1)];
		agree = cuts_agree(text->str, text->len);
		g_string_free(text, TRUE);
	}
	ok(agree, "2000 damaged blocks are the same however they are cut");
	g_string_free(good, TRUE);
	g_byte_array_free(octets, TRUE);
}

int
main(void)
{
	GByteArray *octets;
	size_t i;

	mail_begin();
	feed_begin();
	for (i = 0; i < G_N_ELEMENTS(lengths); i++) {
		octets = feed_octets(lengths[i]);
		gpg_reads_ours(octets);
		ours_reads_gpg(octets);
		lines_are_those_of_gpg(octets);
		g_byte_array_free(octets, TRUE);
	}
	table_holds();
	long_lines_agree();
	mutations_agree();
	feed_end();
	mail_end();
	return tap_done();
}
