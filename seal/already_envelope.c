/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * already_envelope.c - tell a sealed envelope of ours (doc/sealed-envelope.5).
 *
 * In:    a message that is said to be multipart/mixed with our boundary.
 * Out:   whether its body is a short text and our page with a JWE in it.
 * Never: opens it, or takes one octet that this program would not have
 *        written: what another version wrote has another page, and counts as
 *        readable, since nobody can tell it from a page that tells something.
 */
#include "seal/already.h"

#include "seal/base64url.h"
#include "seal/envelope_private.h"
#include "seal/form.h"
#include "seal/jwe.h"
#include "seal/lines.h"

#include <string.h>

/* What is in front of the page: fields of the parts, and the text, which
 * anybody can read.  Ours have a thousand octets for each language. */
#define COVER_OCTETS 4096
#define HEAD_OCTETS (3 * COVER_OCTETS + 2048)

#define JWE_PARTS 5

/* The parts of a JWE (RFC 7516 section 7.1), as they come. */
struct shape {
	unsigned int part;
	struct base64url state;
	unsigned char octets[JWE_HEADER_CHARS_MAX]; /* of the header */
	uint64_t count; /* octets of the part at hand, and with the high bit */
	uint64_t high;
	bool wrong;
};

struct walk {
	struct dress dress;
	uint64_t jwe_at, jwe_end; /* octets of the body */
	uint64_t position;
	char line[LINES_CHARS];
	size_t column;
	size_t spaces; /* that fill up the last line */
	struct shape shape;
	bool wrong;
};

/* --- The JWE */

static bool
part_is_right(const struct shape *shape)
{
	static const uint64_t octets[JWE_PARTS] = {
	    0, JWE_WRAPPED_OCTETS, JWE_IV_OCTETS, 0, JWE_TAG_OCTETS};
	struct jwe_header header = {0};

	if (base64url_decode_end(&shape->state) != 0)
		return false;
	if (shape->part == 0)
		return jwe_header_parse((const char *)shape->octets,
			   (size_t)shape->count, &header) == 0;
	if (octets[shape->part] != 0)
		return shape->count == octets[shape->part];
	return shape->count > 0 &&
	       already_looks_random(shape->count, shape->high);
}

static void
shape_feed(struct shape *shape, const char *text, size_t len)
{
	unsigned char octets[LINES_OCTETS];
	size_t n, i;

	if (base64url_decode(&shape->state, text, len, octets, &n) != 0 ||
	    (shape->part == 0 && shape->count + n > sizeof(shape->octets))) {
		shape->wrong = true;
		return;
	}
	if (shape->part == 0)
		memcpy(shape->octets + shape->count, octets, n);
	shape->count += n;
	for (i = 0; i < n; i++)
		shape->high += octets[i] >> 7;
}

static void
shape_point(struct shape *shape)
{
	shape->wrong = !part_is_right(shape) || ++shape->part == JWE_PARTS;
	shape->state = (struct base64url){0};
	shape->count = shape->high = 0;
}

/* At most a line of it. */
static void
take_text(struct walk *walk, const char *text, size_t len)
{
	const char *point;
	size_t n = len;

	while (n > 0 && text[n - 1] == ' ')
		n--;
	walk->wrong = walk->spaces > 0;
	walk->spaces = len - n;
	while (!walk->wrong && n > 0) {
		point = memchr(text, '.', n);
		len = point == NULL ? n : (size_t)(point - text);
		shape_feed(&walk->shape, text, len);
		if (point != NULL && !walk->shape.wrong)
			shape_point(&walk->shape);
		walk->wrong = walk->shape.wrong;
		len += point != NULL;
		text += len;
		n -= len;
	}
}

/* 64 characters of base64, CRLF. */
static void
take_line(struct walk *walk)
{
	unsigned char octets[LINES_OCTETS + 2];
	gint state = 0;
	guint save = 0;
	size_t i, n;

	walk->column = 0;
	walk->wrong = memcmp(walk->line + LINES_CHARS - 2, "\r\n", 2) != 0;
	for (i = 0; i < LINES_CHARS - 2; i++)
		walk->wrong |= !g_ascii_isalnum(walk->line[i]) &&
			       walk->line[i] != '+' && walk->line[i] != '/';
	if (walk->wrong)
		return;
	n = g_base64_decode_step(
	    walk->line, LINES_CHARS - 2, octets, &state, &save);
	take_text(walk, (const char *)octets, n);
}

/* --- What is around it */

/* Where that octet of the body has to come from, and how many go on there. */
static const char *
fixed_at(const struct walk *walk, uint64_t at, size_t *lenp)
{
	const struct envelope_page *page = envelope_page();

	const struct {
		const char *text;
		size_t len;
	} stretches[] = {
	    {walk->dress.before, strlen(walk->dress.before)},
	    {page->before, page->before_len},
	    {page->after, page->after_len},
	    {walk->dress.after, strlen(walk->dress.after)},
	};

	size_t i = 0;

	if (at >= walk->jwe_end)
		at -= walk->jwe_end - walk->jwe_at;
	while (at >= stretches[i].len)
		at -= stretches[i++].len;
	*lenp = stretches[i].len - (size_t)at;
	return stretches[i].text + at;
}

static void
take_octets(struct walk *walk, const char *data, size_t len)
{
	const char *want;
	size_t n;

	for (; len > 0 && !walk->wrong; data += n, len -= n) {
		if (walk->position >= walk->jwe_at &&
		    walk->position < walk->jwe_end) {
			n = MIN(len, LINES_CHARS - walk->column);
			memcpy(walk->line + walk->column, data, n);
			walk->column += n;
			if (walk->column == LINES_CHARS)
				take_line(walk);
		} else {
			want = fixed_at(walk, walk->position, &n);
			n = MIN(n, len);
			walk->wrong = memcmp(data, want, n) != 0;
		}
		walk->position += n;
	}
}

/* The text of a part in quoted-printable; what is none of ours comes out as
 * something that is written in another way. */
static char *
unquote(const char *text, size_t len)
{
	GString *out = g_string_sized_new(len);
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] != '=' || i + 2 >= len) {
			g_string_append_c(out, text[i]);
			continue;
		}
		if (text[i + 1] != '\r')
			g_string_append_c(
			    out, (char)(g_ascii_xdigit_value(text[i + 1]) * 16 +
					g_ascii_xdigit_value(text[i + 2])));
		i += 2;
	}
	return g_string_free(out, FALSE);
}

/* The name of the attachment; a new string, or NULL. */
static char *
find_name(const char *head)
{
	const char *at = strstr(head, "; name=\"");
	char *name;

	if (at == NULL)
		return NULL;
	at += strlen("; name=\"");
	name = g_strndup(at, strcspn(at, "\""));
	if (!seal_page_name_may_be(name))
		g_clear_pointer(&name, g_free);
	return name;
}

/* The text in front is what makes the beginning of this body when it is
 * written once more.  Its octets, or 0: it is none of ours. */
static size_t
read_cover(const char *head, const char *boundary, struct dress *dress)
{
	char *delimiter = g_strdup_printf("\r\n--%s\r\n", boundary);
	struct seal_order order = {.form = SEAL_PASSPHRASE};
	const char *text = strstr(head, "\r\n\r\n"), *end = NULL;
	char *cover = NULL, *name = NULL;
	size_t octets = 0;

	if (text != NULL)
		end = strstr(text += 4, delimiter);
	if (end != NULL)
		name = find_name(end);
	if (name != NULL) {
		cover = g_strstr_len(head, text - head, "quoted-printable")
			    ? unquote(text, (size_t)(end - text))
			    : g_strndup(text, (gsize)(end - text));
		order.cover = cover;
		order.page_name = name;
		envelope_dress(&order, boundary, dress);
		if (strlen(cover) <= COVER_OCTETS &&
		    g_utf8_validate(cover, -1, NULL) &&
		    g_str_has_prefix(head, dress->before))
			octets = strlen(cover);
	}
	g_free(cover);
	g_free(name);
	g_free(delimiter);
	return octets;
}

/* The first octets of the body, up to a NUL; a new string, or NULL. */
static char *
read_head(const struct message *message, struct fault *fault)
{
	struct spool_reader *reader = spool_reader_make(message->body);
	char *head = g_malloc0(HEAD_OCTETS + 1);
	size_t have = 0;
	ssize_t n = 1;

	while (n > 0 && have < HEAD_OCTETS) {
		n = spool_reader_read(
		    reader, head + have, HEAD_OCTETS - have, fault);
		have += n > 0 ? (size_t)n : 0;
	}
	spool_reader_free(&reader);
	if (n == -1)
		g_clear_pointer(&head, g_free);
	return head;
}

/* Where the JWE has to be; false: nowhere. */
static bool
find_place(struct walk *walk, const struct message *message)
{
	const struct envelope_page *page = envelope_page();
	uint64_t size = spool_size(message->body), behind;

	walk->jwe_at = strlen(walk->dress.before) + page->before_len;
	behind = page->after_len + strlen(walk->dress.after);
	if (size <= walk->jwe_at + behind)
		return false;
	walk->jwe_end = size - behind;
	return (walk->jwe_end - walk->jwe_at) % LINES_CHARS == 0;
}

/* All that describes the body, once, and as we write it. */
static bool
fields_are_ours(const struct message *message, const struct dress *dress)
{
	const struct field *field = message_field(message, "Content-Type", 0);
	char *got = field_unfold(field->value);
	char *want = field_unfold(dress->fields[0].value);
	bool same = strcmp(got, want) == 0;

	g_free(got);
	g_free(want);
	return same &&
	       message_field(message, "Content-Transfer-Encoding", 0) == NULL;
}

static int
walk_body(struct walk *walk, const struct message *message, struct fault *fault)
{
	struct spool_reader *reader = spool_reader_make(message->body);
	const unsigned char *data;
	size_t len;
	int r = 1;

	while (!walk->wrong &&
	       (r = spool_reader_next(reader, &data, &len, fault)) == 1)
		take_octets(walk, (const char *)data, len);
	spool_reader_free(&reader);
	if (r == -1)
		return -1;
	return !walk->wrong && walk->shape.part == JWE_PARTS - 1 &&
	       part_is_right(&walk->shape);
}

int
message_is_envelope(const struct message *message, const char *boundary,
    struct already *already, struct fault *fault)
{
	struct walk *walk;
	char *head = read_head(message, fault);
	int r = 0;

	if (head == NULL)
		return -1;
	walk = g_new0(struct walk, 1);
	already->form = SEAL_PASSPHRASE;
	already->around = read_cover(head, boundary, &walk->dress);
	if (already->around > 0 && fields_are_ours(message, &walk->dress) &&
	    find_place(walk, message))
		r = walk_body(walk, message, fault);
	if (r == 1)
		already_add_reader(
		    already, g_strdup(""), g_strdup("a passphrase"));
	dress_clear(&walk->dress);
	g_free(walk);
	g_free(head);
	return r;
}
