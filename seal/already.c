/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * already.c - tell mail that is encrypted already.
 *
 * In:    a message.
 * Out:   whether nothing in its body can be read without a key.
 * Never: believes a Content-Type: what is called encrypted and can be read
 *        is sealed like everything else.
 */
#include <config.h>

#include "seal/already.h"

#include "keys/armor.h"
#include "keys/packet.h"
#include "seal/mime.h"
#include "seal/subject.h"

#include <gmime/gmime.h>
#include <string.h>

/*
 * Readable text that a message that was sealed by its sender may have around
 * the ciphertext, which goes out as it is: a line or two for programs that
 * know no MIME, fields that describe the two parts, "Version:" and "Comment:"
 * in the armor.  No program writes more, and nothing behind the last part:
 * lists and virus scanners that add a text put the message into a
 * multipart/mixed, which is sealed as all readable mail is.
 */
#define PREAMBLE_OCTETS 200
#define PART_HEADER_OCTETS 512
#define ARMOR_HEADER_OCTETS 256
#define LINE_OCTETS 1024

/* --- OpenPGP: session keys, then one protected packet to the end */

/* Version, length, key version and fingerprint: RFC 9580 section 5.1.2. */
#define PKESK_OCTETS 35
#define PKESK_3_OCTETS 9 /* version, key ID: RFC 4880 section 5.1 */

struct pgp {
	struct armor_reader *armor;
	struct packet_walker *walker;
	struct already *already;
	unsigned int session_keys;
	unsigned int sealed;
	unsigned int tag; /* of the packet that is read */
	unsigned char head[PKESK_OCTETS];
	size_t head_len;
	uint64_t octets; /* of protected data, and those with the high bit */
	uint64_t high;
};

static void add_pkesk(const struct pgp *pgp);

static int
on_packet(void *context, unsigned int tag, uint64_t offset)
{
	struct pgp *pgp = context;

	(void)offset;
	if (pgp->sealed > 0)
		return -1;
	pgp->tag = tag;
	pgp->head_len = 0;
	if (tag == PACKET_PKESK || tag == PACKET_SKESK)
		pgp->session_keys++;
	else if ((tag == PACKET_SEIPD || tag == PACKET_OCB) &&
		 pgp->session_keys > 0)
		pgp->sealed++;
	else if (tag != PACKET_MARKER)
		return -1;
	return 0;
}

static int
on_packet_body(
    void *context, const unsigned char *data, size_t len, uint64_t offset)
{
	struct pgp *pgp = context;
	size_t n = MIN(len, sizeof(pgp->head) - pgp->head_len), i;

	(void)offset;
	memcpy(pgp->head + pgp->head_len, data, n);
	pgp->head_len += n;
	if (pgp->sealed == 0)
		return 0;
	pgp->octets += len;
	for (i = 0; i < len; i++)
		pgp->high += data[i] >> 7;
	return 0;
}

static int
on_packet_end(void *context)
{
	struct pgp *pgp = context;

	if (pgp->tag == PACKET_PKESK)
		add_pkesk(pgp);
	else if (pgp->tag == PACKET_SKESK)
		already_add_reader(
		    pgp->already, g_strdup(""), g_strdup("a passphrase"));
	return 0;
}

/* Of versions 3 and 6; others name nobody that we would know. */
static void
add_pkesk(const struct pgp *pgp)
{
	GString *id = g_string_new(NULL);
	size_t i = 1, end = PKESK_3_OCTETS;
	bool hidden = true;

	if (pgp->head_len > 1 && pgp->head[0] == 6) {
		i = 3;
		end = MIN(2 + (size_t)pgp->head[1], sizeof(pgp->head));
	}
	if (pgp->head_len >= end && (pgp->head[0] == 3 || i == 3))
		for (; i < end; i++) {
			hidden = hidden && pgp->head[i] == 0;
			g_string_append_printf(id, "%02X", pgp->head[i]);
		}
	if (hidden)
		already_add_reader(
		    pgp->already, g_strdup(""), g_strdup("a hidden key"));
	else
		already_add_reader(
		    pgp->already, g_strdup(id->str), g_strdup(id->str));
	g_string_free(id, TRUE);
}

static int
on_octets(void *context, const unsigned char *data, size_t len)
{
	struct pgp *pgp = context;

	return packet_walker_feed(pgp->walker, data, len);
}

static int
on_begin(void *context, const char *type)
{
	(void)context;
	return strcmp(type, "PGP MESSAGE") == 0 ? 0 : -1;
}

static bool
pgp_is_sealed(struct pgp *pgp)
{
	return armor_reader_finish(pgp->armor) == 0 &&
	       armor_reader_blocks(pgp->armor) == 1 &&
	       armor_reader_header_octets(pgp->armor) <= ARMOR_HEADER_OCTETS &&
	       !armor_reader_has_stray_text(pgp->armor) &&
	       packet_walker_finish(pgp->walker) == 0 && pgp->sealed == 1 &&
	       already_looks_random(pgp->octets, pgp->high);
}

/* Did it begin well, with nothing else so far? */
static bool
pgp_begins(const struct pgp *pgp)
{
	return armor_reader_header_octets(pgp->armor) <= ARMOR_HEADER_OCTETS &&
	       !armor_reader_has_stray_text(pgp->armor) && pgp->sealed == 1 &&
	       already_looks_random(pgp->octets, pgp->high);
}

bool
already_looks_random(uint64_t octets, uint64_t high)
{
	return octets < 64 || high >= octets / 8;
}

/* --- multipart/encrypted, line by line */

enum where {
	IN_PREAMBLE,
	IN_VERSION_HEADER,
	IN_VERSION,
	IN_DATA_HEADER,
	IN_DATA,
	IN_EPILOGUE,
	IN_SOMETHING_ELSE, /* it is no RFC 3156 message */
};

struct walk {
	enum where where;
	char *delimiter; /* "--boundary", or NULL: the body is the armor */
	size_t around;   /* readable octets so far */
	size_t here;     /* those in this part or header */
	bool version;
	char line[LINE_OCTETS];
	size_t line_len;
	struct pgp pgp;
};

static bool may_be_readable(
    const struct walk *walk, const char *line, size_t bare);
static void walk_delimiter(struct walk *walk, bool last);
static void walk_data(struct walk *walk, const char *line, size_t len);

/* The length of a line without the blanks at its end. */
static size_t
bare_length(const char *line, size_t len)
{
	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n' ||
			      line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	return len;
}

/* 1: "--boundary".  2: "--boundary--".  0: another line. */
static int
delimiter_kind(const struct walk *walk, const char *line, size_t bare)
{
	size_t len = strlen(walk->delimiter);

	if (bare < len || memcmp(line, walk->delimiter, len) != 0)
		return 0;
	if (bare == len)
		return 1;
	return bare == len + 2 && memcmp(line + len, "--", 2) == 0 ? 2 : 0;
}

/* "Version: 1", once, is all that the first part may say. */
static void
walk_version(struct walk *walk, const char *line, size_t bare)
{
	if (walk->version || bare != 10 ||
	    g_ascii_strncasecmp(line, "Version: 1", 10) != 0)
		walk->where = IN_SOMETHING_ELSE;
	walk->version = true;
}

static void
walk_line(struct walk *walk, const char *line, size_t len)
{
	size_t bare = bare_length(line, len);
	int delimiter = delimiter_kind(walk, line, bare);

	if (delimiter != 0) {
		walk_delimiter(walk, delimiter == 2);
		return;
	}
	if (walk->where == IN_DATA) {
		walk_data(walk, line, len);
		return;
	}
	walk->around += bare;
	walk->here += bare;
	if (walk->where == IN_VERSION && bare > 0)
		walk_version(walk, line, bare);
	else if (!may_be_readable(walk, line, bare))
		walk->where = IN_SOMETHING_ELSE;
	else if (bare == 0 && (walk->where == IN_VERSION_HEADER ||
				  walk->where == IN_DATA_HEADER))
		walk->where++;
}

static bool
may_be_readable(const struct walk *walk, const char *line, size_t bare)
{
	switch (walk->where) {
	case IN_PREAMBLE:
		return walk->here <= PREAMBLE_OCTETS;
	case IN_VERSION_HEADER:
	case IN_DATA_HEADER:
		return bare == 0 ||
		       (walk->here <= PART_HEADER_OCTETS &&
			   (*line == ' ' || *line == '\t' ||
			       g_ascii_strncasecmp(line, "Content-", 8) == 0));
	case IN_VERSION:
	case IN_DATA:
	case IN_EPILOGUE:
	case IN_SOMETHING_ELSE:
		break;
	}
	return bare == 0;
}

static void
walk_delimiter(struct walk *walk, bool last)
{
	walk->here = 0;
	if (walk->where == IN_PREAMBLE && !last)
		walk->where = IN_VERSION_HEADER;
	else if (walk->where == IN_VERSION && !last && walk->version)
		walk->where = IN_DATA_HEADER;
	else if (walk->where == IN_DATA && last)
		walk->where = IN_EPILOGUE;
	else
		walk->where = IN_SOMETHING_ELSE;
}

static void
walk_data(struct walk *walk, const char *line, size_t len)
{
	if (armor_reader_feed(walk->pgp.armor, line, len) != 0 ||
	    armor_reader_has_stray_text(walk->pgp.armor))
		walk->where = IN_SOMETHING_ELSE;
}

/* Cuts octets into lines; one that is too long belongs to no sealed mail. */
static void
walk_octets(struct walk *walk, const char *data, size_t len)
{
	const char *newline;
	size_t n;

	while (len > 0 && walk->where != IN_SOMETHING_ELSE) {
		newline = memchr(data, '\n', len);
		n = newline == NULL ? len : (size_t)(newline - data) + 1;
		if (walk->line_len + n > LINE_OCTETS) {
			walk->where = IN_SOMETHING_ELSE;
			return;
		}
		memcpy(walk->line + walk->line_len, data, n);
		walk->line_len += n;
		if (newline != NULL) {
			walk_line(walk, walk->line, walk->line_len);
			walk->line_len = 0;
		}
		data += n;
		len -= n;
	}
}

static int
walk_body(struct walk *walk, const struct message *message, struct fault *fault)
{
	struct spool_reader *reader = spool_reader_make(message->body);
	const unsigned char *data;
	size_t len;
	int r = 1;

	while (walk->where != IN_SOMETHING_ELSE &&
	       (r = spool_reader_next(reader, &data, &len, fault)) == 1) {
		if (walk->delimiter == NULL)
			walk_data(walk, (const char *)data, len);
		else
			walk_octets(walk, (const char *)data, len);
	}
	if (walk->delimiter != NULL && walk->line_len > 0)
		walk_line(walk, walk->line, walk->line_len);
	spool_reader_free(&reader);
	return r == -1 ? -1 : 0;
}

static int
is_pgp(const struct message *message, const char *boundary,
    struct already *already, struct fault *fault)
{
	struct walk walk = {.where = IN_DATA, .pgp.already = already};
	const struct armor_events armor = {
	    on_begin, on_octets, NULL, &walk.pgp};
	const struct packet_events packets = {
	    on_packet, on_packet_body, on_packet_end, &walk.pgp};
	enum where end = boundary == NULL ? IN_DATA : IN_EPILOGUE;
	int ret;

	already->form = SEAL_OPENPGP;
	walk.pgp.armor = armor_reader_make(&armor);
	walk.pgp.walker = packet_walker_make(&packets);
	if (boundary != NULL) {
		walk.where = IN_PREAMBLE;
		walk.delimiter = g_strconcat("--", boundary, NULL);
	}
	ret = walk_body(&walk, message, fault);
	if (ret == 0) {
		ret = walk.where == end && pgp_is_sealed(&walk.pgp);
		already->damaged =
		    ret == 0 && (walk.where == end || walk.where == IN_DATA) &&
		    pgp_begins(&walk.pgp);
	}
	already->around =
	    walk.around + armor_reader_header_octets(walk.pgp.armor);
	armor_reader_free(&walk.pgp.armor);
	packet_walker_free(&walk.pgp.walker);
	g_free(walk.delimiter);
	return ret;
}

/* --- Which of them it may be */

static bool
is_type(GMimeContentType *type, const char *main, const char *sub)
{
	return g_mime_content_type_is_type(type, main, sub);
}

static bool
has_encoding(const struct message *message, const char *name)
{
	const struct field *field =
	    message_field(message, "Content-Transfer-Encoding", 0);
	char *value = field == NULL ? NULL : field_unfold(field->value);
	bool same = value != NULL && g_ascii_strcasecmp(value, name) == 0;

	g_free(value);
	return same;
}

/* 0: the body begins with something that is no armor.  1: perhaps it does
 * not.  -1. */
static int
may_be_armor(const struct message *message, struct fault *fault)
{
	static const char begin[] = "-----BEGIN ";
	struct spool_reader *reader = spool_reader_make(message->body);
	const unsigned char *data;
	size_t len, i = 0;
	int r = spool_reader_next(reader, &data, &len, fault);

	while (r == 1 && i < len && strchr(" \t\r\n", data[i]) != NULL)
		i++;
	if (r == 1 &&
	    memcmp(data + i, begin, MIN(len - i, sizeof(begin) - 1)) != 0)
		r = 0;
	else if (r == 0)
		r = 1;
	spool_reader_free(&reader);
	return r;
}

/* Nearly all mail neither calls itself encrypted nor begins with armor; that
 * much can be seen without a MIME library and an armor reader.  Likewise. */
static int
may_be_sealed(
    const struct message *message, const char *type, struct fault *fault)
{
	if (strcasestr(type, "encrypted") != NULL ||
	    strcasestr(type, "pkcs7") != NULL ||
	    strstr(type, MIME_BOUNDARY) != NULL)
		return 1;
	return may_be_armor(message, fault);
}

static int
sealed_as(const struct message *message, const char *value,
    struct already *already, struct fault *fault)
{
	GMimeContentType *type;
	const char *protocol, *boundary;
	int ret = 0;

	gmime_need();
	type = g_mime_content_type_parse(NULL, value);
	protocol = g_mime_content_type_get_parameter(type, "protocol");
	boundary = g_mime_content_type_get_parameter(type, "boundary");
	if (is_type(type, "multipart", "encrypted") && protocol != NULL &&
	    g_ascii_strcasecmp(protocol, "application/pgp-encrypted") == 0 &&
	    boundary != NULL)
		ret = is_pgp(message, boundary, already, fault);
	else if (is_type(type, "multipart", "mixed") && boundary != NULL &&
		 g_str_has_prefix(boundary, MIME_BOUNDARY))
		ret = message_is_envelope(message, boundary, already, fault);
	else if (is_type(type, "text", "plain") &&
		 !has_encoding(message, "base64") &&
		 !has_encoding(message, "quoted-printable"))
		ret = is_pgp(message, NULL, already, fault);
	else if ((is_type(type, "application", "pkcs7-mime") ||
		     is_type(type, "application", "x-pkcs7-mime")) &&
		 has_encoding(message, "base64"))
		ret = message_is_cms(message, already, fault);
	g_object_unref(type);
	return ret;
}

int
message_sealing(
    const struct message *message, struct already *already, struct fault *fault)
{
	const struct field *field = message_field(message, "Content-Type", 0);
	char *value;
	int r;

	if (message_field(message, "Content-Type", 1) != NULL)
		return 0;
	value = field == NULL ? NULL : field_unfold(field->value);
	r = may_be_sealed(message, value == NULL ? "" : value, fault);
	if (r == 1)
		r = value == NULL ? is_pgp(message, NULL, already, fault)
				  : sealed_as(message, value, already, fault);
	g_free(value);
	return r;
}

int
message_is_sealed(const struct message *message, struct fault *fault)
{
	struct already already = {0};
	int r = message_sealing(message, &already, fault);

	/* In a mailbox, the text in front of an envelope is what somebody got.
	 * In mail under way it may be what must not be readable: nothing tells
	 * a template's text from a letter.  It is sealed around. */
	if (r == 1 && already.form == SEAL_PASSPHRASE)
		r = 0;
	already_clear(&already);
	return r;
}

/* --- Who can open it */

static void
free_reader(void *data)
{
	struct already_reader *reader = data;

	g_free(reader->id);
	g_free(reader->name);
	g_free(reader);
}

/* More readers than any message has. */
#define READERS_MAX 10000

void
already_add_reader(struct already *already, char *id, char *name)
{
	struct already_reader *reader = g_new(struct already_reader, 1);

	*reader = (struct already_reader){id, name};
	if (already->readers == NULL)
		already->readers = g_ptr_array_new_with_free_func(free_reader);
	if (already->readers->len < READERS_MAX)
		g_ptr_array_add(already->readers, reader);
	else
		free_reader(reader);
}

void
already_clear(struct already *already)
{
	g_clear_pointer(&already->readers, g_ptr_array_unref);
}
