/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_gate.c - every lie that an engine could tell, told to the gate.
 */
#include "config.h"

#include "keys/armor.h"
#include "keys/packet.h"
#include "seal/gate.h"
#include "seal/mime.h"
#include "seal/payload.h"
#include "seal/protect.h"
#include "tests/unit/mail.h"

#define BOUNDARY "=_sealed_test"

static const char mail[] = "Received: from a by b\n"
			   "From: Sam <sam@example.net>\n"
			   "To: alice@example.org\n"
			   "Subject: A wedding in May\n"
			   "MIME-Version: 1.0\n"
			   "Content-Type: text/plain; charset=us-ascii\n"
			   "Content-Transfer-Encoding: 7bit\n"
			   "Content-Disposition: inline\n"
			   "\n";

/* Fields of that mail. */
enum {
	SUBJECT = 3,
	TYPE = 5,
	ENCODING = 6,
	DISPOSITION = 7,
	FIELDS,
};

static struct key *alice, *bob;
static struct message *message;
static GString *payload_text;
static struct seal_order order;

/* --- A copy, true or not */

static struct sealed *
bare_header(void)
{
	struct sealed *sealed = g_new0(struct sealed, 1);

	sealed->count = message->header.count;
	sealed->outside = g_new0(enum outside, sealed->count + 1);
	sealed->value = g_new0(char *, sealed->count + 1);
	sealed->added = g_array_new(FALSE, FALSE, sizeof(struct field));
	return sealed;
}

/* What an honest seal_message() says about the header. */
static struct sealed *
make_header(void)
{
	struct sealed *sealed = bare_header();
	char *trailer = NULL;

	g_string_free(
	    protect_header(&order, message, BOUNDARY, false, sealed, &trailer),
	    TRUE);
	g_free(trailer);
	sealed->outside[TYPE] = OUTSIDE_CHANGE;
	sealed->value[TYPE] = mime_content_type(BOUNDARY);
	return sealed;
}

static void
add_field(struct sealed *sealed, const char *name, char *value)
{
	struct field field = {g_strdup(name), value};

	g_array_append_val(sealed->added, field);
}

/* The payload of the mail, as the engines read it; a gate may look on. */
static GString *
read_payload(struct gate *gate, size_t leave)
{
	struct sealed *sealed = bare_header();
	GString *all = g_string_new(NULL), *header;
	struct payload *payload;
	char *trailer = NULL, piece[1000];
	struct fault fault;
	ssize_t n;

	header =
	    protect_header(&order, message, BOUNDARY, false, sealed, &trailer);
	payload = payload_make(header, message, trailer);
	payload_rewind(payload, gate);
	while ((n = payload_read(payload, piece, sizeof(piece), &fault)) > 0) {
		g_string_append_len(all, piece, n);
		if (all->len + leave >= payload_octets(payload))
			break;
	}
	payload_free(&payload);
	sealed_free(&sealed);
	return all;
}

/* What a gate says that saw the payload, but for the last octets. */
static int
gate_says(const struct sealed *sealed, size_t leave, struct fault *fault)
{
	struct gate *gate = gate_make(payload_text->len, fault);
	int r;

	g_string_free(read_payload(gate, leave), TRUE);
	fault_set(fault, FAULT_NONE, "nothing");
	r = gate_pass(gate, &order, message, sealed, BOUNDARY, fault);
	gate_free(&gate);
	return r;
}

static void
says_of(
    const struct sealed *sealed, int want, const char *part, const char *name)
{
	struct fault fault;
	int got = gate_says(sealed, 0, &fault);

	if (!ok(got == want &&
		    (want == 0 || (fault.kind == FAULT_BUG &&
				      strstr(fault.text, part) != NULL)),
		"%s: %s", name, want == 0 ? "passes" : part))
		printf("# %d: %s\n", got, fault.text);
}

/* --- Bodies */

static GString *
armor(const GByteArray *octets)
{
	char *lines = g_malloc(armor_encoded_size(octets->len)), crc[6];
	GString *text = g_string_new(NULL);

	g_string_append_len(text, lines,
	    (gssize)armor_encode(octets->data, octets->len, lines));
	armor_encode_crc(
	    armor_crc(ARMOR_CRC_INIT, octets->data, octets->len), crc);
	g_string_append_printf(text, "%s\r\n", crc);
	g_free(lines);
	return text;
}

/* The dress around armor. */
static GString *
dress(const GString *lines)
{
	char *before = mime_before(BOUNDARY), *after = mime_after(BOUNDARY);
	GString *text = g_string_new(before);

	g_string_append_len(text, lines->str, (gssize)lines->len);
	g_string_append(text, after);
	g_free(before);
	g_free(after);
	return text;
}

static struct spool *
dressed(const GString *lines)
{
	GString *text = dress(lines);
	struct spool *spool = spool_of(text);

	g_string_free(text, TRUE);
	return spool;
}

static void
says_of_text(const GString *text, int want, const char *part, const char *name)
{
	struct sealed *sealed = make_header();

	sealed->body = spool_of(text);
	says_of(sealed, want, part, name);
	sealed_free(&sealed);
}

static void
says_of_octets(
    const GByteArray *octets, int want, const char *part, const char *name)
{
	GString *lines = armor(octets), *text = dress(lines);

	says_of_text(text, want, part, name);
	g_string_free(lines, TRUE);
	g_string_free(text, TRUE);
}

static GByteArray *
copy(const GByteArray *octets)
{
	GByteArray *all = g_byte_array_new();

	return g_byte_array_append(all, octets->data, octets->len);
}

/* --- Ciphertext by gpg */

static GByteArray *
gpg_seals(const GString *clear, const char *compress, const char *reader1,
    const char *reader2)
{
	char *in = mail_path("clear"), *out = mail_path("sealed"), *data;
	GByteArray *octets = g_byte_array_new();
	gsize len;

	mail_home_need();
	if (!g_file_set_contents(in, clear->str, (gssize)clear->len, NULL) ||
	    !mail_run(GPG_PATH, "--homedir", mail_home, "--batch", "--yes",
		"--quiet", "--trust-model", "always", compress, "--output", out,
		reader1, reader2, "--encrypt", in, NULL) ||
	    !g_file_get_contents(out, &data, &len, NULL))
		g_error("gpg does not encrypt");
	g_byte_array_append(octets, (const guint8 *)data, (guint)len);
	g_free(data);
	g_free(in);
	g_free(out);
	return octets;
}

#define ALICE "--recipient=alice@example.org"
#define BOB "--recipient=bob@example.org"

static void
true_copies_pass(void)
{
	GByteArray *octets = gpg_seals(payload_text, "-z0", ALICE, ALICE);
	struct seal_reader readers[] = {{alice, false}, {bob, false}};
	struct seal_order before = order;

	says_of_octets(octets, 0, "", "a copy for the reader");
	g_byte_array_free(octets, TRUE);
	order.readers = readers;
	order.readers_count = 2;
	octets = gpg_seals(payload_text, "-z0", ALICE, BOB);
	says_of_octets(octets, 0, "", "a copy for two readers");
	g_byte_array_free(octets, TRUE);
	octets = gpg_seals(payload_text, "-z0", BOB, ALICE);
	says_of_octets(octets, 0, "", "in another order");
	g_byte_array_free(octets, TRUE);
	readers[1].hidden = true;
	octets = gpg_seals(
	    payload_text, "-z0", ALICE, "--hidden-recipient=bob@example.org");
	says_of_octets(octets, 0, "", "one of whom is hidden");
	g_byte_array_free(octets, TRUE);
	order = before;
}

static void
foreign_readers_are_seen(void)
{
	const char *many = "not made for as many keys";
	const char *foreign = "a key that was not planned";
	struct seal_reader readers[] = {{alice, false}, {bob, false}};
	struct seal_order before = order;
	GByteArray *octets;

	octets = gpg_seals(payload_text, "-z0", BOB, BOB);
	says_of_octets(octets, -1, foreign, "a copy for somebody else");
	g_byte_array_free(octets, TRUE);
	octets = gpg_seals(payload_text, "-z0", ALICE, BOB);
	says_of_octets(octets, -1, many, "a copy for one reader more");
	g_byte_array_free(octets, TRUE);
	octets = gpg_seals(
	    payload_text, "-z0", ALICE, "--hidden-recipient=bob@example.org");
	says_of_octets(octets, -1, many, "a copy for a hidden reader more");
	g_byte_array_free(octets, TRUE);
	octets = gpg_seals(payload_text, "-z0",
	    "--hidden-recipient=alice@example.org",
	    "--hidden-recipient=alice@example.org");
	says_of_octets(octets, -1, foreign, "a copy that hides its reader");
	g_byte_array_free(octets, TRUE);
	order.readers = readers;
	order.readers_count = 2;
	octets = gpg_seals(payload_text, "-z0", ALICE, ALICE);
	says_of_octets(octets, -1, many, "a copy for one reader less");
	g_byte_array_free(octets, TRUE);
	readers[1].hidden = true;
	octets = gpg_seals(payload_text, "-z0", ALICE, BOB);
	says_of_octets(
	    octets, -1, foreign, "a copy that tells about a hidden reader");
	g_byte_array_free(octets, TRUE);
	order = before;
}

/* Two PKESK for the same reader count as one of them. */
static void
doubled_readers_are_seen(void)
{
	GByteArray *octets = gpg_seals(payload_text, "-z0", ALICE, ALICE);
	GByteArray *twice = g_byte_array_new();
	struct seal_reader readers[] = {{alice, false}, {bob, false}};
	struct seal_order before = order;
	guint pkesk = octets->data[1] + 2U;

	order.readers = readers;
	order.readers_count = 2;
	is_int(octets->data[0], 0x84, "gpg writes a PKESK first");
	g_byte_array_append(twice, octets->data, pkesk);
	g_byte_array_append(twice, octets->data, octets->len);
	says_of_octets(twice, -1, "a key that was not planned",
	    "a copy for one of two readers, twice");
	g_byte_array_free(twice, TRUE);
	g_byte_array_free(octets, TRUE);
	order = before;
}

/* --- Octets */

static void
other_lengths_are_seen(void)
{
	GByteArray *octets = gpg_seals(payload_text, "-z6", ALICE, ALICE);
	GString *other = g_string_new("nothing");

	says_of_octets(octets, -1, "shorter than what it should hold",
	    "a copy that is compressed");
	g_byte_array_free(octets, TRUE);
	octets = gpg_seals(other, "-z0", ALICE, ALICE);
	says_of_octets(octets, -1, "shorter than what it should hold",
	    "a copy of something short");
	g_byte_array_free(octets, TRUE);
	g_string_assign(other, "");
	octets = gpg_seals(other, "-z0", ALICE, ALICE);
	says_of_octets(octets, -1, "shorter than what it should hold",
	    "a copy of nothing");
	g_byte_array_free(octets, TRUE);
	g_string_append_len(
	    other, payload_text->str, (gssize)payload_text->len);
	g_string_append_len(
	    other, payload_text->str, (gssize)payload_text->len);
	octets = gpg_seals(other, "-z0", ALICE, ALICE);
	says_of_octets(octets, -1, "longer than what it should hold",
	    "a copy of twice as much");
	g_byte_array_free(octets, TRUE);
	g_string_free(other, TRUE);
}

/* Ciphertext that is one octet short of the shortest there can be; gpg's
 * own has the file's name in it. */
static void
one_octet_less_is_seen(void)
{
	GByteArray *octets = gpg_seals(payload_text, "-z0", ALICE, ALICE);
	GByteArray *made = g_byte_array_new();
	guint pkesk = octets->data[1] + 2U, i;
	GByteArray *noise = feed_octets(payload_text->len + 49);
	guint32 len;

	noise->data[0] = 1;
	for (i = 0; i < 2; i++) {
		g_byte_array_set_size(made, 0);
		g_byte_array_append(made, octets->data, pkesk);
		g_byte_array_append(made, (const guint8 *)"\xd2\xff", 2);
		len = GUINT32_TO_BE(noise->len - i);
		g_byte_array_append(made, (const guint8 *)&len, 4);
		g_byte_array_append(made, noise->data, noise->len - i);
		says_of_octets(made, i == 0 ? 0 : -1,
		    "shorter than what it should hold",
		    i == 0 ? "ciphertext of the shortest length"
			   : "ciphertext that is an octet shorter");
	}
	g_byte_array_free(noise, TRUE);
	g_byte_array_free(made, TRUE);
	g_byte_array_free(octets, TRUE);
}

static void
cut_copies_are_seen(void)
{
	GByteArray *octets = gpg_seals(payload_text, "-z0", ALICE, ALICE);
	GByteArray *cut;
	static const guint lost[] = {1, 2, 100, 1000};
	guint pkesk = octets->data[1] + 2U;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(lost); i++) {
		cut = copy(octets);
		g_byte_array_set_size(cut, octets->len - lost[i]);
		says_of_octets(cut, -1, "its last packet is cut short",
		    "a copy that lost its end");
		g_byte_array_free(cut, TRUE);
	}
	cut = copy(octets);
	g_byte_array_set_size(cut, pkesk);
	says_of_octets(cut, -1, "shorter than what it should hold",
	    "a session key without data");
	g_byte_array_remove_range(octets, 0, pkesk);
	says_of_octets(octets, -1, "not made for as many keys",
	    "data without a session key");
	g_byte_array_set_size(cut, 0);
	says_of_octets(
	    cut, -1, "not made for as many keys", "no octets at all");
	g_byte_array_free(cut, TRUE);
	g_byte_array_free(octets, TRUE);
}

static void
other_packets_are_seen(void)
{
	static const struct {
		const char *name, *octets;
		guint len;
	} packets[] = {
	    {"literal data", "\xcb\x0c\x62\x00\x00\x00\x00\x00secret", 14},
	    {"a marker", "\xca\x03PGP", 5},
	    {"a signature", "\xc2\x02\x04x", 4},
	    {"protected data", "\xd2\x01\x01", 3},
	    {"a session key", "\xc1\x0a\x03xxxxxxxxx", 12},
	    {"padding", "\xd5\x02xx", 4},
	    {"text", "secret", 6},
	    {"a NUL", "\0", 1},
	};

	GByteArray *octets = gpg_seals(payload_text, "-z0", ALICE, ALICE);
	const char *part;
	GByteArray *more;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(packets); i++) {
		more = copy(octets);
		g_byte_array_append(
		    more, (const guint8 *)packets[i].octets, packets[i].len);
		says_of_octets(more, -1, "", packets[i].name);
		ok(true, "that was behind it");
		g_byte_array_free(more, TRUE);
		/* One session key more counts; the rest is none of ours. */
		part = packets[i].octets[0] == '\xc1'
			   ? "as many keys"
			   : "not what they should be";
		more = g_byte_array_new();
		g_byte_array_append(
		    more, (const guint8 *)packets[i].octets, packets[i].len);
		g_byte_array_append(more, octets->data, octets->len);
		says_of_octets(more, -1, part, packets[i].name);
		ok(true, "that was before it");
		g_byte_array_free(more, TRUE);
	}
	g_byte_array_free(octets, TRUE);
}

/* The version octets of PKESK and SEIPD, and the tag of SEIPD. */
static void
other_versions_are_seen(void)
{
	GByteArray *octets = gpg_seals(payload_text, "-z0", ALICE, ALICE);
	guint pkesk = octets->data[1] + 2U, version = pkesk + 1;
	GByteArray *other;

	ok(octets->data[pkesk] == 0xd2 && octets->data[2] == 3,
	    "gpg writes PKESK version 3, then SEIPD");
	/* Chunks of a power of two, or a length of 1, 2 or 5 octets. */
	if (octets->data[version] >= 224 && octets->data[version] < 255)
		version += 1;
	else
		version += octets->data[version] < 192   ? 1
			   : octets->data[version] < 224 ? 2
							 : 5;
	is_int(octets->data[version], 1, "of version 1");
	other = copy(octets);
	other->data[2] = 6;
	says_of_octets(
	    other, -1, "not what they should be", "a PKESK of another version");
	g_byte_array_free(other, TRUE);
	other = copy(octets);
	other->data[version] = 2;
	says_of_octets(
	    other, -1, "not what they should be", "a SEIPD of another version");
	other->data[version] = 1;
	other->data[pkesk] = 0xc9;
	says_of_octets(other, -1, "not what they should be",
	    "data without integrity protection");
	other->data[pkesk] = 0xd4;
	says_of_octets(
	    other, -1, "not what they should be", "the packet of LibrePGP");
	g_byte_array_free(other, TRUE);
	g_byte_array_free(octets, TRUE);
}

/* --- Clear text */

static GByteArray *
head_of_true_copy(void)
{
	GByteArray *octets = gpg_seals(payload_text, "-z0", ALICE, ALICE);

	g_byte_array_set_size(octets, octets->data[1] + 2U);
	return octets;
}

static void
append_string(GByteArray *octets, const GString *text)
{
	g_byte_array_append(
	    octets, (const guint8 *)text->str, (guint)text->len);
}

/* The payload in the place of the ciphertext, with octets around it that
 * make packet and length right. */
static void
clear_text_is_seen(void)
{
	GByteArray *octets = head_of_true_copy();
	GByteArray *noise = feed_octets(100);
	guint32 len = GUINT32_TO_BE((guint32)payload_text->len + 100);
	GString *upper;

	noise->data[0] = 1;
	g_byte_array_append(octets, (const guint8 *)"\xd2\xff", 2);
	g_byte_array_append(octets, (const guint8 *)&len, 4);
	g_byte_array_append(octets, noise->data, 50);
	append_string(octets, payload_text);
	g_byte_array_append(octets, noise->data + 50, 50);
	says_of_octets(octets, -1, "it contains clear text",
	    "the payload where ciphertext should be");
	g_byte_array_set_size(octets, 0);
	append_string(octets, payload_text);
	says_of_octets(octets, -1, "", "the payload alone");
	upper = g_string_new_len(payload_text->str, (gssize)payload_text->len);
	says_of_text(upper, -1, "something stands", "the payload as body");
	g_string_append(upper, payload_text->str);
	g_string_append(upper, payload_text->str);
	says_of_text(upper, -1, "something stands", "thrice");
	g_string_free(upper, TRUE);
	g_byte_array_free(noise, TRUE);
	g_byte_array_free(octets, TRUE);
}

/* Half of it is enough: eight samples of it are looked for. */
static void
halves_of_clear_text_are_seen(void)
{
	const size_t half = payload_text->len / 2;
	guint32 len = GUINT32_TO_BE((guint32)payload_text->len + 100);
	struct sealed *sealed;
	struct fault fault;
	GByteArray *octets, *noise;
	GString *lines;
	int i, seen = 0;

	octets = head_of_true_copy();
	noise = feed_octets(half + 200);
	noise->data[0] = 1;
	g_byte_array_append(octets, (const guint8 *)"\xd2\xff", 2);
	g_byte_array_append(octets, (const guint8 *)&len, 4);
	g_byte_array_append(
	    octets, noise->data, (guint)(payload_text->len + 100 - half));
	g_byte_array_append(
	    octets, (const guint8 *)payload_text->str, (guint)half);
	lines = armor(octets);
	sealed = make_header();
	sealed->body = dressed(lines);
	for (i = 0; i < 200; i++)
		seen += gate_says(sealed, 0, &fault) == -1;
	/* 1 in 256 goes by: (1/2)^8. */
	ok(seen > 180, "half of the payload is seen in %d of 200 copies", seen);
	sealed_free(&sealed);
	g_string_free(lines, TRUE);
	g_byte_array_free(octets, TRUE);
	g_byte_array_free(noise, TRUE);
}

static void
unread_payload_is_seen(void)
{
	GByteArray *octets = gpg_seals(payload_text, "-z0", ALICE, ALICE);
	GString *lines = armor(octets);
	struct sealed *sealed = make_header();
	struct fault fault;

	sealed->body = dressed(lines);
	is_int(gate_says(sealed, 2000, &fault), -1,
	    "an engine that did not read to the end is stopped");
	has_str(fault.text, "did not read all", "and the fault says so");
	sealed_free(&sealed);
	g_string_free(lines, TRUE);
	g_byte_array_free(octets, TRUE);
}

/* --- The dress */

static void
stray_text_is_seen(void)
{
	static const struct {
		const char *name, *at, *insert;
		int behind; /* else before */
		const char *part;
	} lies[] = {
	    {"an armor header", "MESSAGE-----\r\n", "Comment: secret\r\n", 1,
		"before the ciphertext"},
	    {"an armor header behind the blank line", "MESSAGE-----\r\n\r\n",
		"Comment: secret\r\n", 1, "armor is broken"},
	    {"a line of text in the armor", "=", "\r\nsecret stuff!\r\n", 0,
		"before the ciphertext"},
	    {"text before the first part", "This is", "Secret! ", 0,
		"before the ciphertext"},
	    {"text behind the version", "Version: 1", " secret", 1,
		"before the ciphertext"},
	    {"a line before END", "-----END", "secret\r\n", 0,
		"armor is broken"},
	    {"a line behind END", "-----END PGP MESSAGE-----\r\n", "secret\r\n",
		1, "behind the ciphertext"},
	    {"a second block", "-----END PGP MESSAGE-----\r\n",
		"-----BEGIN PGP MESSAGE-----\r\n\r\nYWJj\r\n"
		"-----END PGP MESSAGE-----\r\n",
		1, "armor is broken"},
	    {"a part more", "\r\n--" BOUNDARY "--",
		"\r\n--" BOUNDARY "\r\n\r\nsecret\r\n", 0,
		"behind the ciphertext"},
	    {"text behind the last delimiter", BOUNDARY "--\r\n", "secret", 1,
		"behind the ciphertext"},
	    {"text behind the checksum", "\r\n-----END", " secret", 0,
		"armor is broken"},
	};

	GByteArray *octets = gpg_seals(payload_text, "-z0", ALICE, ALICE);
	GString *lines = armor(octets), *text;
	const char *at;
	size_t i, where;

	for (i = 0; i < G_N_ELEMENTS(lies); i++) {
		text = dress(lines);
		at = strstr(text->str, lies[i].at);
		where = (size_t)(at - text->str) +
			(lies[i].behind ? strlen(lies[i].at) : 0);
		g_string_insert(text, (gssize)where, lies[i].insert);
		says_of_text(text, -1, lies[i].part, lies[i].name);
		g_string_free(text, TRUE);
	}
	g_string_free(lines, TRUE);
	g_byte_array_free(octets, TRUE);
}

static void
damaged_dress_is_seen(void)
{
	GByteArray *octets = gpg_seals(payload_text, "-z0", ALICE, ALICE);
	GString *lines = armor(octets), *text = dress(lines), *other;
	size_t dress_len = text->len - lines->len, i, at;
	char *before = mime_before(BOUNDARY);
	int seen = 0;

	for (i = 0; i < dress_len; i++) {
		at = i < strlen(before) ? i : i + lines->len;
		other = g_string_new_len(text->str, (gssize)text->len);
		other->str[at] ^= 1;
		seen += 1;
		{
			struct sealed *sealed = make_header();
			struct fault fault;

			sealed->body = spool_of(other);
			if (gate_says(sealed, 0, &fault) == 0) {
				printf("# octet %zu\n", at);
				seen -= 1;
			}
			sealed_free(&sealed);
		}
		g_string_free(other, TRUE);
	}
	is_int(seen, (intmax_t)dress_len, "every octet of the dress counts");
	g_string_truncate(text, text->len - 1);
	says_of_text(text, -1, "behind the ciphertext", "a cut copy");
	g_string_truncate(text, 100);
	says_of_text(text, -1, "too short",
	    "a copy that is shorter than its"
	    " dress");
	g_string_truncate(text, 0);
	says_of_text(text, -1, "too short", "an empty copy");
	g_free(before);
	g_string_free(text, TRUE);
	g_string_free(lines, TRUE);
	g_byte_array_free(octets, TRUE);
}

/* --- The header */

static void
headers_that_tell_are_seen(void)
{
	const char *part = "its header tells about the content";
	GByteArray *octets = gpg_seals(payload_text, "-z0", ALICE, ALICE);
	GString *lines = armor(octets);
	static const char *const names[] = {"an honest header",
	    "the original's Content-Type",
	    "a Content-Type with another boundary", "a second Content-Type",
	    "another Content-Type that was added", "no Content-Type",
	    "the original's Content-Transfer-Encoding",
	    "the original's Content-Disposition",
	    "a Content-Description that was added", "the Subject",
	    "another Subject", "a Subject that was added"};
	struct sealed *sealed;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		sealed = make_header();
		sealed->body = dressed(lines);
		switch (i) {
		case 1:
			sealed->outside[TYPE] = OUTSIDE_KEEP;
			break;
		case 2:
			g_free(sealed->value[TYPE]);
			sealed->value[TYPE] = mime_content_type("x");
			break;
		case 3:
			add_field(sealed, "content-type",
			    mime_content_type(BOUNDARY));
			break;
		case 4:
			add_field(
			    sealed, "Content-Type", g_strdup(" text/plain"));
			break;
		case 5:
			sealed->outside[TYPE] = OUTSIDE_DROP;
			break;
		case 6:
			sealed->outside[ENCODING] = OUTSIDE_KEEP;
			break;
		case 7:
			sealed->outside[DISPOSITION] = OUTSIDE_KEEP;
			break;
		case 8:
			add_field(sealed, "Content-Description",
			    g_strdup(" wedding"));
			break;
		case 9:
			sealed->outside[SUBJECT] = OUTSIDE_KEEP;
			break;
		case 10:
			g_free(sealed->value[SUBJECT]);
			sealed->value[SUBJECT] = g_strdup(" wedding");
			break;
		case 11:
			add_field(sealed, "Subject", g_strdup(" wedding"));
			break;
		default:
			break;
		}
		says_of(sealed, i == 0 ? 0 : -1, part, names[i]);
		sealed_free(&sealed);
	}
	order.hide_subject = false;
	sealed = make_header();
	sealed->body = dressed(lines);
	says_of(sealed, -1, "", "a payload with another header");
	sealed_free(&sealed);
	order.hide_subject = true;
	g_string_free(lines, TRUE);
	g_byte_array_free(octets, TRUE);
}

/* --- A spool that cannot be read */

static void
lost_spools_are_temporary(void)
{
	const struct spool_limits tiny = {mail_directory, 0};
	GByteArray *octets = gpg_seals(payload_text, "-z0", ALICE, ALICE);
	GString *lines = armor(octets), *text = dress(lines);
	struct sealed *sealed = make_header();
	struct fault fault;
	char *path, *link;
	int fd;

	sealed->body = spool_make(&tiny, false);
	(void)spool_append(sealed->body, text->str, text->len, &fault);
	for (fd = 3; fd < 64; fd++) {
		path = g_strdup_printf("/proc/self/fd/%d", fd);
		link = g_file_read_link(path, NULL);
		if (link != NULL && strstr(link, mail_directory) != NULL &&
		    ftruncate(fd, 10) != 0)
			g_error("cannot damage the spool");
		g_free(link);
		g_free(path);
	}
	is_int(gate_says(sealed, 0, &fault), -1,
	    "a copy that cannot be read does not pass");
	is_int(fault.kind, FAULT_TEMP, "for now");
	sealed_free(&sealed);
	g_string_free(lines, TRUE);
	g_string_free(text, TRUE);
	g_byte_array_free(octets, TRUE);
}

static void
make_message(void)
{
	GString *text = g_string_new(mail);
	int i;

	for (i = 0; i < 200; i++)
		g_string_append_printf(text,
		    "Line %d of a letter that nobody else is to read.\n", i);
	message = mail_parse(text->str);
	g_string_free(text, TRUE);
}

int
main(void)
{
	struct seal_reader reader;
	struct gate *gate;
	struct fault fault;

	mail_begin();
	feed_begin();
	keys_register_jobs();
	alice = mail_key("alice.asc", "alice@example.org");
	bob = mail_key("bob.asc", "bob@example.org");
	make_message();
	reader = (struct seal_reader){alice, false};
	order = (struct seal_order){.readers = &reader,
	    .readers_count = 1,
	    .hide_subject = true,
	    .limits = &mail_limits};
	gate = gate_make(1, &fault);
	payload_text = read_payload(gate, 0);
	gate_free(&gate);
	true_copies_pass();
	foreign_readers_are_seen();
	doubled_readers_are_seen();
	other_lengths_are_seen();
	one_octet_less_is_seen();
	cut_copies_are_seen();
	other_packets_are_seen();
	other_versions_are_seen();
	clear_text_is_seen();
	halves_of_clear_text_are_seen();
	unread_payload_is_seen();
	stray_text_is_seen();
	damaged_dress_is_seen();
	headers_that_tell_are_seen();
	lost_spools_are_temporary();
	g_string_free(payload_text, TRUE);
	message_free(&message);
	key_unref(&alice);
	key_unref(&bob);
	feed_end();
	mail_end();
	return tap_done();
}
