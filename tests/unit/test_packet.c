/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_packet.c - OpenPGP packets: found where gpg finds them, and the same
 * however they are cut into pieces; armored key files.
 */
#include "config.h"

#include "keys/packet.h"
#include "tests/unit/mail.h"

/* "[tag@offset octets of the body]" for each packet. */
struct walk {
	GString *events;
	GByteArray *body;
	uint64_t next;   /* offset the next octet of the body should have */
	bool contiguous; /* it always had */
	unsigned int stop_at;
};

static int
on_start(void *context, unsigned int tag, uint64_t offset)
{
	struct walk *walk = context;

	g_string_append_printf(
	    walk->events, "[%u@%" G_GUINT64_FORMAT " ", tag, offset);
	walk->next = 0;
	return tag == walk->stop_at ? -1 : 0;
}

static int
on_body(void *context, const unsigned char *data, size_t len, uint64_t offset)
{
	struct walk *walk = context;

	/* Between chunks stands one length of 1, 2 or 5 octets. */
	if (walk->next != 0 && offset != walk->next &&
	    offset != walk->next + 1 && offset != walk->next + 2 &&
	    offset != walk->next + 5)
		walk->contiguous = false;
	walk->next = offset + len;
	g_byte_array_append(walk->body, data, (guint)len);
	return 0;
}

static int
on_end(void *context)
{
	struct walk *walk = context;
	char *sum = g_compute_checksum_for_data(
	    G_CHECKSUM_SHA256, walk->body->data, walk->body->len);

	g_string_append_printf(walk->events, "%u %.8s]", walk->body->len, sum);
	g_byte_array_set_size(walk->body, 0);
	g_free(sum);
	return 0;
}

/* What was heard, with "!" behind it if it was broken; new. */
static char *
walk_octets(const void *data, size_t len, enum feed feed, unsigned int stop_at)
{
	struct walk walk = {
	    g_string_new(NULL), g_byte_array_new(), 0, true, stop_at};
	const struct packet_events events = {on_start, on_body, on_end, &walk};
	struct packet_walker *walker = packet_walker_make(&events);
	const unsigned char *octets = data;
	size_t n;
	int r = 0;

	for (; len > 0 && r == 0; octets += n, len -= n) {
		n = feed_next(feed, len);
		r = packet_walker_feed(walker, octets, n);
	}
	if (r == 0)
		r = packet_walker_finish(walker);
	else if (packet_walker_finish(walker) == 0)
		g_string_append(walk.events, "finished in spite of it");
	if (!walk.contiguous)
		g_string_append(walk.events, "wrong offsets");
	if (r != 0)
		g_string_append_c(walk.events, '!');
	packet_walker_free(&walker);
	g_byte_array_free(walk.body, TRUE);
	return g_string_free(walk.events, FALSE);
}

static bool
cuts_agree(const void *data, size_t len)
{
	char *whole = walk_octets(data, len, FEED_WHOLE, 0), *cut;
	bool agree = true;
	int feed;

	for (feed = FEED_BYTES; feed < FEEDS; feed++) {
		cut = walk_octets(data, len, (enum feed)feed, 0);
		if (strcmp(whole, cut) != 0) {
			printf("# whole %s, %s %s\n", whole, feed_names[feed],
			    cut);
			agree = false;
		}
		g_free(cut);
	}
	g_free(whole);
	return agree;
}

/* Hex; "xx*n" repeats an octet. */
static GByteArray *
unhex(const char *text)
{
	GByteArray *octets = g_byte_array_new();
	guint8 octet;
	char *end;
	guint64 times;

	while (*text != '\0') {
		octet = (guint8)(g_ascii_xdigit_value(text[0]) << 4 |
				 g_ascii_xdigit_value(text[1]));
		text += 2;
		times = 1;
		if (*text == '*') {
			times = g_ascii_strtoull(text + 1, &end, 10);
			text = end;
		}
		while (times-- > 0)
			g_byte_array_append(octets, &octet, 1);
		while (*text == ' ')
			text++;
	}
	return octets;
}

#define NONE "e3b0c442" /* SHA-256 of nothing */

static const struct {
	const char *name;
	const char *octets;
	const char *want;
} table[] = {
    {"nothing", "", ""},
    {"old format, one octet of length", "8403 616263", "[1@0 3 ba7816bf]"},
    {"old format, two octets of length", "850003 616263", "[1@0 3 ba7816bf]"},
    {"old format, four octets of length", "8600000003 616263",
	"[1@0 3 ba7816bf]"},
    {"old format, to the end", "87 616263", "[1@0 3 ba7816bf]"},
    {"old format, to the end, and nothing there", "87", "[1@0 0 " NONE "]"},
    {"new format, one octet of length", "c103 616263", "[1@0 3 ba7816bf]"},
    {"new format, the longest of one octet", "d2bf 00*191",
	"[18@0 191 50b5a0a1]"},
    {"new format, the shortest of two octets", "d2c000 00*192",
	"[18@0 192 5d89f056]"},
    {"new format, the longest of two octets", "d2dfff 00*8383",
	"[18@0 8383 1801f7c0]"},
    {"new format, five octets of length", "d2ff00000003 616263",
	"[18@0 3 ba7816bf]"},
    {"an empty body", "d200", "[18@0 0 " NONE "]"},
    {"an empty body in five octets", "d2ff00000000", "[18@0 0 " NONE "]"},
    {"chunks", "d2e1 6162 01 63", "[18@0 3 ba7816bf]"},
    {"chunks whose last one is empty", "d2e0 61 e1 6263 00",
	"[18@0 3 ba7816bf]"},
    {"chunks whose last one has a long length", "d2e1 6162 ff00000001 63",
	"[18@0 3 ba7816bf]"},
    {"packets one after the other", "c103 616263 c100 8403 616263",
	"[1@0 3 ba7816bf][1@5 0 " NONE "][1@7 3 ba7816bf]"},
    {"a packet behind chunks", "d2e1 6162 01 63 c103 616263",
	"[18@0 3 ba7816bf][1@6 3 ba7816bf]"},
    {"no packet", "61", "!"},
    {"a line end", "0a", "!"},
    {"tag 0 in the old format", "8003 616263", "!"},
    {"tag 0 in the new format", "c003 616263", "!"},
    {"a packet and then none", "c103 616263 0a", "[1@0 3 ba7816bf]!"},
    {"a tag alone", "c1", "[1@0 !"},
    {"half a length", "c1c0", "[1@0 !"},
    {"half a length in the old format", "8500", "[1@0 !"},
    {"a body that is cut short", "c103 6162", "[1@0 !"},
    {"chunks without an end", "d2e1 6162", "[18@0 !"},
    {"chunks that end within one", "d2e1 61", "[18@0 !"},
    {"the longest length", "c1ffffffffff 00", "[1@0 !"},
};

static void
table_holds(void)
{
	GByteArray *octets;
	char *got;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(table); i++) {
		octets = unhex(table[i].octets);
		got = walk_octets(octets->data, octets->len, FEED_WHOLE, 0);
		is_str(got, table[i].want, table[i].name);
		ok(cuts_agree(octets->data, octets->len),
		    "%s: the same however it is cut", table[i].name);
		g_free(got);
		g_byte_array_free(octets, TRUE);
	}
}

static void
events_stop_the_walk(void)
{
	GByteArray *octets = unhex("c103 616263 d203 616263 c103 616263");
	char *got = walk_octets(octets->data, octets->len, FEED_WHOLE, 18);

	is_str(got, "[1@0 3 ba7816bf][18@5 !", "an event can stop the walk");
	g_free(got);
	g_byte_array_free(octets, TRUE);
}

static void
noise_agrees(void)
{
	GByteArray *octets;
	bool agree = true;
	int i;

	for (i = 0; i < 5000 && agree; i++) {
		octets = feed_octets(1 + feed_random(64));
		octets->data[0] |= 0x80;
		agree = cuts_agree(octets->data, octets->len);
		g_byte_array_free(octets, TRUE);
	}
	ok(agree, "5000 pieces of noise are the same however they are cut");
}

/* --- Against gpg --list-packets: "# off=0 ctb=85 tag=1 hlen=3 plen=396" */

static char *
tags_by_gpg(const void *data, size_t len)
{
	GString *out = g_string_new(NULL);
	char *path = mail_path("packets");
	const char *p;

	mail_home_need();
	if (!g_file_set_contents(path, data, (gssize)len, NULL))
		g_error("%s: cannot write", path);
	(void)mail_run(GPG_PATH, "--homedir", mail_home, "--batch",
	    "--list-packets", path, NULL);
	for (p = strstr(mail_output, "# off="); p != NULL;
	     p = strstr(p + 1, "# off=")) {
		g_string_append_printf(out, "@%" G_GUINT64_FORMAT " ",
		    g_ascii_strtoull(p + 6, NULL, 10));
		p = strstr(p, "tag=");
		g_string_append_printf(out, "%" G_GUINT64_FORMAT ";",
		    g_ascii_strtoull(p + 4, NULL, 10));
	}
	g_free(path);
	return g_string_free(out, FALSE);
}

static int
note_start(void *context, unsigned int tag, uint64_t offset)
{
	g_string_append_printf(
	    context, "@%" G_GUINT64_FORMAT " %u;", offset, tag);
	return 0;
}

static void
gpg_agrees(const void *data, size_t len, bool encrypted, const char *name)
{
	GString *ours = g_string_new(NULL);
	const struct packet_events events = {note_start, NULL, NULL, ours};
	struct packet_walker *walker = packet_walker_make(&events);
	char *theirs = tags_by_gpg(data, len);

	if (packet_walker_feed(walker, data, len) != 0 ||
	    packet_walker_finish(walker) != 0)
		g_string_append(ours, "broken");
	/* gpg goes on inside of what it can decrypt. */
	if (encrypted && strlen(theirs) > ours->len)
		theirs[ours->len] = '\0';
	ok(ours->len > 0 && strcmp(ours->str, theirs) == 0, "%s", name);
	if (strcmp(ours->str, theirs) != 0)
		printf("# ours %s\n# gpg  %s\n", ours->str, theirs);
	g_free(theirs);
	packet_walker_free(&walker);
	g_string_free(ours, TRUE);
}

static void
keys_are_walked(void)
{
	static const char *const files[] = {"alice.asc", "bob.asc", "carol.asc",
	    "two-subkeys.asc", "bob.sec", "sha1.asc"};
	GByteArray *octets;
	struct fault fault;
	GBytes *text;
	gsize len;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(files); i++) {
		text = sample_read(files[i], NULL);
		octets = g_byte_array_new();
		if (!ok(packet_dearmor(g_bytes_get_data(text, &len),
			    g_bytes_get_size(text), NULL, octets, &fault) == 1,
			"%s is one block", files[i]))
			printf("# %s\n", fault.text);
		gpg_agrees(octets->data, octets->len, false,
		    "its packets are where gpg finds them");
		ok(cuts_agree(octets->data, octets->len),
		    "and the same however they are cut");
		g_byte_array_free(octets, TRUE);
		g_bytes_unref(text);
	}
}

static void
messages_are_walked(void)
{
	static const size_t sizes[] = {0, 1, 700, 70000};
	GByteArray *octets;
	GString *sealed;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(sizes); i++) {
		octets = feed_octets(sizes[i]);
		sealed = mail_gpg("--encrypt", "--recipient=bob@example.org",
		    octets->len > 0 ? octets->data : (const void *)"",
		    octets->len);
		if (ok(sealed != NULL, "gpg encrypts %zu octets", sizes[i])) {
			gpg_agrees(sealed->str, sealed->len, true,
			    "its packets are where gpg finds them");
			ok(cuts_agree(sealed->str, sealed->len),
			    "and the same however they are cut");
			g_string_free(sealed, TRUE);
		}
		g_byte_array_free(octets, TRUE);
	}
}

/* --- Armored files */

static void
dearmors(const char *text, size_t len, const char *type, int want,
    const char *data, const char *name)
{
	GByteArray *octets = g_byte_array_new();
	struct fault fault = {FAULT_NONE, ""};
	int got = packet_dearmor(text, len, type, octets, &fault);

	is_int(got, want, name);
	if (data != NULL)
		ok(octets->len == strlen(data) &&
			(octets->len == 0 ||
			    memcmp(octets->data, data, octets->len) == 0),
		    "%s: the octets", name);
	if (want == -1)
		ok(fault.kind == FAULT_PERM && fault.text[0] != '\0',
		    "%s: the fault says why", name);
	g_byte_array_free(octets, TRUE);
}

static void
files_are_dearmored(void)
{
	static const char a[] = "-----BEGIN A-----\n\nYWJj\n-----END A-----\n";
	static const char b[] = "-----BEGIN B-----\n\nZGVm\n-----END B-----\n";
	char *both = g_strconcat("hello\n", a, "between\n", b, "end\n", NULL);

	dearmors(a, strlen(a), "A", 1, "abc", "a block of the wanted type");
	dearmors(a, strlen(a), "B", 0, "", "a block of another type");
	dearmors(both, strlen(both), "B", 1, "def", "text and other blocks");
	dearmors(both, strlen(both), NULL, 2, "abcdef", "any type");
	dearmors("", 0, "A", 0, "", "an empty file");
	dearmors("hello", 5, "A", 0, "", "a file without armor");
	dearmors("\x99\x01\x0d", 3, "A", 1, "\x99\x01\x0d", "a binary file");
	dearmors(a, strlen(a) - 6, "A", -1, NULL, "a block that is cut short");
	dearmors("-----BEGIN A-----\n\nY!Jj\n-----END A-----\n", 40, "A", -1,
	    NULL, "a broken block");
	g_free(both);
}

int
main(void)
{
	mail_begin();
	feed_begin();
	table_holds();
	events_stop_the_walk();
	noise_agrees();
	keys_are_walked();
	messages_are_walked();
	files_are_dearmored();
	feed_end();
	mail_end();
	return tap_done();
}
