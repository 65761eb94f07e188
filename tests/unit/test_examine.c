/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_examine.c - what is said of stored messages is true: the key IDs are
 * those that gpg and openssl find, and what only looks sealed is readable.
 */
#include "config.h"

#include "keys/passphrases.h"
#include "keys/x509_id.h"
#include "mailbox/examine.h"
#include "seal/envelope_private.h"
#include "seal/lines.h"
#include "seal/protect.h"
#include "tests/unit/mail.h"

#define OCTETS_MAX ((uint64_t)1 << 26)

static struct key *alice, *bob, *alice_smime, *bob_smime;

/* --- Asking */

static struct examined
examines_octets(const void *data, size_t len)
{
	int fd = mail_memory_file(data, len);
	struct examined examined = {0};
	struct fault fault = {FAULT_NONE, ""};

	if (examine_file(fd, &mail_limits, OCTETS_MAX, &examined, &fault) != 0)
		g_error("%s", fault.text);
	close(fd);
	return examined;
}

static void
is_state(const char *text, enum examined_state want, const char *name)
{
	struct examined examined = examines_octets(text, strlen(text));

	is_int(examined.state, want, name);
	examined_clear(&examined);
}

static const char *
reader(const struct examined *examined, guint i)
{
	const struct already_reader *found;

	if (examined->already.readers == NULL ||
	    examined->already.readers->len <= i)
		return NULL;
	found = g_ptr_array_index(examined->already.readers, i);
	return found == NULL ? NULL : found->id;
}

/* --- What we seal ourselves */

static char *
seals_order(const struct seal_order *order)
{
	struct message *message =
	    mail_parse("From: a@example.org\nTo: alice@example.org\n"
		       "Subject: the plan\n\nhello alice\n");
	struct sealed *sealed = NULL;
	struct fault fault = {FAULT_NONE, ""};
	GString *text, *body;

	if (seal_message(order, message, &sealed, &fault) != 0)
		g_error("%s", fault.text);
	text = sealed_header(sealed, message);
	body = spool_text(sealed->body);
	if (body == NULL)
		g_error("the copy cannot be read");
	g_string_append(text, "\r\n");
	g_string_append_len(text, body->str, (gssize)body->len);
	g_string_free(body, TRUE);
	sealed_free(&sealed);
	message_free(&message);
	return g_string_free(text, FALSE);
}

static char *
seals(enum seal_form form, const struct seal_reader *readers, size_t count,
    bool at_rest, bool hide)
{
	const struct seal_engines engines = {
	    mail_directory, GPG_PATH, 60000, PGP_ALL};
	const struct seal_order order = {
	    .form = form,
	    .readers = readers,
	    .readers_count = count,
	    .hide_subject = hide,
	    .at_rest = at_rest,
	    .engines = &engines,
	    .limits = &mail_limits,
	};

	return seals_order(&order);
}

static char *
subkey_id(const struct key *key)
{
	return g_strdup_printf("%016" PRIX64, key->subkey_id);
}

/* Every key ID is one that gpg lists, and the other way round. */
static void
gpg_agrees(const char *text, const struct examined *examined)
{
	char *path = mail_path("listed");
	int found = 0, lines = 0;
	const char *armor = strstr(text, "-----BEGIN PGP"), *p;
	char *line;
	guint i;

	if (armor == NULL || !g_file_set_contents(path, armor, -1, NULL) ||
	    (!mail_run(GPG_PATH, "--homedir", mail_home, "--batch",
		 "--list-packets", path, NULL) &&
		mail_output == NULL))
		g_error("gpg lists nothing");
	for (p = mail_output; (p = strstr(p, ":pubkey enc packet")) != NULL;
	     p++)
		lines++;
	for (i = 0; i < examined->already.readers->len; i++) {
		line = g_strdup_printf("keyid %s", reader(examined, i));
		found += strstr(mail_output, line) != NULL;
		g_free(line);
	}
	ok(lines == found && lines == (int)i,
	    "gpg --list-packets finds the same %d keys", lines);
	g_free(path);
}

static void
openpgp_is_told(void)
{
	const struct seal_reader both[] = {{alice, false}, {bob, false}};
	const struct seal_reader hidden[] = {{alice, false}, {bob, true}};
	char *text = seals(SEAL_OPENPGP, both, 2, true, true), *id;
	struct examined examined = examines_octets(text, strlen(text));

	is_int(examined.state, EXAMINED_SEALED, "what we sealed is sealed");
	is_int(examined.already.form, SEAL_OPENPGP, "to OpenPGP keys");
	is_int(examined.by, EXAMINED_BY_US_REST, "by us, at rest");
	ok(!examined.subject_shown, "its subject is hidden");
	id = subkey_id(alice);
	is_str(reader(&examined, 0), id, "the first reader is alice's subkey");
	g_free(id);
	id = subkey_id(bob);
	is_str(reader(&examined, 1), id, "the second is bob's");
	g_free(id);
	is_int(g_strv_length(examined.claimed), 2, "two keys are claimed");
	is_str(examined.claimed[0], alice->fingerprint, "alice's first");
	gpg_agrees(text, &examined);
	examined_clear(&examined);
	g_free(text);

	text = seals(SEAL_OPENPGP, hidden, 2, false, false);
	examined = examines_octets(text, strlen(text));
	is_int(examined.by, EXAMINED_BY_US_TRANSIT, "by us, in transit");
	ok(examined.subject_shown, "its subject is shown");
	is_str(reader(&examined, 1), "", "a hidden reader has no name");
	is_int(g_strv_length(examined.claimed), 1, "nor is it claimed");
	examined_clear(&examined);
	g_free(text);
}

static void
smime_is_told(void)
{
	const struct seal_reader both[] = {
	    {alice_smime, false}, {bob_smime, false}};
	char *text = seals(SEAL_SMIME, both, 2, true, true), **ids;
	struct examined examined = examines_octets(text, strlen(text));
	const struct already_reader *first;
	char *path = mail_path("p7m");

	is_int(examined.state, EXAMINED_SEALED, "our S/MIME is sealed");
	is_int(examined.already.form, SEAL_SMIME, "to certificates");
	is_int(examined.by, EXAMINED_BY_US_REST, "by us, at rest");
	ids = x509_ids(alice_smime->blob);
	is_str(reader(&examined, 0), ids[0], "the first is alice's");
	g_strfreev(ids);
	ids = x509_ids(bob_smime->blob);
	is_str(reader(&examined, 1), ids[0], "the second is bob's");
	g_strfreev(ids);
	first = g_ptr_array_index(examined.already.readers, 0);
	has_str(first->name, "issuer CN=", "people see the issuer's name");
	if (!g_file_set_contents(path, text, -1, NULL) ||
	    !mail_run("openssl", "cms", "-cmsout", "-print", "-noout",
		"-inform", "SMIME", "-in", path, NULL))
		g_error("openssl does not print it");
	has_str(mail_output, "issuerAndSerialNumber", "openssl reads it");
	examined_clear(&examined);
	g_free(path);
	g_free(text);
}

/* --- What others seal, and what they only say */

#define HEAD "From: a@example.org\nSubject: hi\nMIME-Version: 1.0\n"
#define CLAIM "Sealmilter-Sealed: form=openpgp; key=AB; at=rest\n"
#define PGP_MIME                                                               \
	"Content-Type: multipart/encrypted;\n"                                 \
	" protocol=\"application/pgp-encrypted\"; boundary=b\n"
#define BEFORE                                                                 \
	"\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--b"  \
	"\nContent-Type: application/octet-stream\n\n"
#define AFTER "\n--b--\n"

static const struct {
	const char *name, *text;
	enum examined_state want;
} readable[] = {
    {"a letter is readable", HEAD "\nhello\n", EXAMINED_READABLE},
    {"our field makes nothing sealed", HEAD CLAIM "\nhello\n",
	EXAMINED_READABLE},
    {"nor does a type", HEAD PGP_MIME "\nhello\n", EXAMINED_READABLE},
    {"nor do both with the right parts",
	HEAD CLAIM PGP_MIME BEFORE "hello\n" AFTER, EXAMINED_READABLE},
    {"nor an empty block",
	HEAD CLAIM PGP_MIME BEFORE
	"-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----\n" AFTER,
	EXAMINED_READABLE},
    {"literal data in armor is readable", /* b"secret" */
	HEAD CLAIM PGP_MIME BEFORE
	"-----BEGIN PGP MESSAGE-----\n\nywxiAAAAAABzZWNyZXQ=\n"
	"-----END PGP MESSAGE-----\n" AFTER,
	EXAMINED_READABLE},
    {"nothing is readable", "", EXAMINED_READABLE},
    {"a header alone is readable", HEAD, EXAMINED_READABLE},
    {"CRLF makes no difference", "From: a\r\nSubject: hi\r\n\r\nhello\r\n",
	EXAMINED_READABLE},
    {"gzip is not looked into", "\x1f\x8b\x08 more", EXAMINED_UNKNOWN},
    {"nor is zstd", "\x28\xb5\x2f\xfd more", EXAMINED_UNKNOWN},
    {"nor mail_crypt",
	"CRYPT"
	"ED\x03\x07\x02",
	EXAMINED_UNKNOWN},
};

static void
claims_are_not_believed(void)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(readable); i++)
		is_state(readable[i].text, readable[i].want, readable[i].name);
}

/* Session key, and protected data whose octets are a letter. */
static void
text_as_ciphertext_is_seen(void)
{
	GByteArray *octets = g_byte_array_new();
	char *base64, *text;

	g_byte_array_append(octets,
	    (const guint8 *)"\xc1\x0c\x03"
			    "01234567"
			    "\x12"
			    "xx\xd2\x7f\x01",
	    17);
	while (octets->len < 15 + 2 + 126)
		g_byte_array_append(octets, (const guint8 *)"hello bob ", 1);
	g_byte_array_set_size(octets, 14 + 2 + 127);
	base64 = g_base64_encode(octets->data, octets->len);
	text = g_strdup_printf(HEAD PGP_MIME BEFORE
	    "-----BEGIN PGP MESSAGE-----\n\n%s\n-----END PGP MESSAGE-----%s",
	    base64, AFTER);
	is_state(text, EXAMINED_READABLE,
	    "a letter that packets say is ciphertext is readable");
	g_free(text);
	g_free(base64);
	g_byte_array_free(octets, TRUE);
}

static void
others_are_told(void)
{
	char *armor, *text, *id;
	struct examined examined;
	GString *sealed;

	mail_home_need();
	sealed = mail_gpg("--armor",
	    "-er"
	    "bob@example.org",
	    "hi\n", 3);
	armor = g_string_free(sealed, FALSE);
	text = g_strconcat(HEAD PGP_MIME BEFORE, armor, AFTER, NULL);
	examined = examines_octets(text, strlen(text));
	is_int(examined.state, EXAMINED_SEALED, "what gpg sealed is sealed");
	is_int(examined.by, EXAMINED_BY_AUTHOR, "by its author");
	ok(examined.subject_shown, "with the subject outside");
	ok(examined.already.around > 0, "and a little text around");
	id = subkey_id(bob);
	is_str(reader(&examined, 0), id, "to bob");
	gpg_agrees(text, &examined);
	examined_clear(&examined);
	g_free(text);
	g_free(id);

	text =
	    g_strconcat(HEAD CLAIM CLAIM PGP_MIME BEFORE, armor, AFTER, NULL);
	examined = examines_octets(text, strlen(text));
	is_int(examined.by, EXAMINED_BY_AUTHOR, "two marks are no mark");
	examined_clear(&examined);
	g_free(text);
	text = g_strconcat(HEAD "Sealmilter-Sealed: form=openpgp; key=A,B;"
				" at=rest\n" PGP_MIME BEFORE,
	    armor, AFTER, NULL);
	examined = examines_octets(text, strlen(text));
	is_int(examined.by, EXAMINED_BY_AUTHOR,
	    "a mark with more keys than the ciphertext is none");
	ok(examined.claimed == NULL, "its keys are forgotten");
	examined_clear(&examined);
	g_free(text);
	text = g_strconcat(HEAD "Sealmilter-Sealed: form=smime; key=A;"
				" at=rest\n" PGP_MIME BEFORE,
	    armor, AFTER, NULL);
	examined = examines_octets(text, strlen(text));
	is_int(examined.by, EXAMINED_BY_AUTHOR,
	    "a mark with another form is none");
	examined_clear(&examined);
	g_free(text);
	g_free(armor);
}

static void
passphrases_are_told(void)
{
	GString *sealed = mail_gpg("--passphrase=x", "-c", "hi\n", 3);
	char *base64 = g_base64_encode((guchar *)sealed->str, sealed->len);
	char *text = g_strdup_printf(HEAD "\n-----BEGIN PGP MESSAGE-----\n\n"
					  "%s\n-----END PGP MESSAGE-----\n",
	    base64);
	struct examined examined = examines_octets(text, strlen(text));
	const struct already_reader *first;

	is_int(examined.state, EXAMINED_SEALED, "a passphrase seals");
	is_str(reader(&examined, 0), "", "it is nobody's key");
	first = g_ptr_array_index(examined.already.readers, 0);
	is_str(first->name, "a passphrase", "but has a name");
	examined_clear(&examined);
	g_free(text);
	g_free(base64);
	g_string_free(sealed, TRUE);
}

/* --- Damage */

/* Cut anywhere, it is never sealed; cut in its ciphertext, it is damaged. */
static void
cut_short(
    enum seal_form form, const struct seal_reader *readers, const char *name)
{
	char *text = seals(form, readers, 1, true, true);
	size_t len = strlen(text), n;
	int sealed = 0, damaged = 0, odd = 0;
	struct examined examined;

	while (len > 0 && g_ascii_isspace(text[len - 1]))
		len--;
	for (n = 0; n < len; n++) {
		/* The padding of base64 may go. */
		if (form == SEAL_SMIME && text[n] == '=' && n + 2 >= len)
			continue;
		examined = examines_octets(text, n);
		sealed += examined.state == EXAMINED_SEALED;
		damaged += examined.state == EXAMINED_DAMAGED;
		odd +=
		    examined.state == EXAMINED_DAMAGED && examined.why == NULL;
		examined_clear(&examined);
	}
	is_int(sealed, 0, name);
	ok(damaged > 100 && odd == 0,
	    "most of these are damaged, with a"
	    " reason (%d)",
	    damaged);
	g_free(text);
}

/* --- Files */

static void
long_files_are_bounded(void)
{
	GString *text = g_string_new("From: a@example.org\n");
	struct examined examined = {0};
	struct fault fault;
	int fd;

	while (text->len < EXAMINE_HEADER_OCTETS + 20000)
		g_string_append(text, "X: long\n");
	examined = examines_octets(text->str, text->len);
	is_int(examined.state, EXAMINED_READABLE, "a header without end");
	has_str(examined.why, "does not end", "is called that");
	examined_clear(&examined);
	g_string_assign(text, "From: a\nX: 1");
	g_string_append_len(text, "\0", 1);
	g_string_append(text, "\n\nhello\n");
	examined = examines_octets(text->str, text->len);
	is_int(examined.state, EXAMINED_READABLE, "a NUL in the header");
	examined_clear(&examined);
	fd = mail_memory_file("From: a\n\nhello\n", 15);
	is_int(examine_file(fd, &mail_limits, 14, &examined, &fault), 0,
	    "a message that is too large");
	is_int(examined.state, EXAMINED_UNKNOWN, "is not looked at");
	examined_clear(&examined);
	close(fd);
	g_string_free(text, TRUE);
}

static void
cannot_tell_is_a_fault(void)
{
	struct examined examined = {0};
	struct fault fault = {FAULT_NONE, ""};
	int fd = open(mail_directory, O_RDONLY | O_CLOEXEC);

	is_int(examine_file(fd, &mail_limits, OCTETS_MAX, &examined, &fault),
	    -1, "what cannot be read is neither");
	is_int(fault.kind, FAULT_TEMP, "for now");
	close(fd);
	is_int(examine_file(-1, &mail_limits, OCTETS_MAX, &examined, &fault),
	    -1, "no file is neither");
}

/* --- Envelopes */

/* {"alg":"PBES2-HS512+A256KW","enc":"A256GCM","p2s":"AAAAAAAAAAAAAAAAAAAAAA",
 * "p2c":600000,"cty":"message/rfc822"} */
#define HEADER                                                                 \
	"eyJhbGciOiJQQkVTMi1IUzUxMitBMjU2S1ciLCJlbmMiOiJBMjU2R0NNIiwicDJzIjoi" \
	"QUFBQU"                                                               \
	"FBQUFBQUFBQUFBQUFBQUFBQSIsInAyYyI6NjAwMDAwLCJjdHkiOiJtZXNzYWdlL3JmYz" \
	"gyMiJ9"
#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define IV "AAAAAAAAAAAAAAAA"
#define TAG "AAAAAAAAAAAAAAAAAAAAAA"
#define LETTER "SGVsbG8gdGhlcmUsIHRoaXMgaXMgYSBsZXR0ZXIh"

/* Octets of a message's JWE in base64: from, and behind. */
static void
find_jwe(const char *text, size_t *fromp, size_t *endp)
{
	const struct envelope_page *page = envelope_page();
	const char *from =
	    g_strstr_len(text, -1, "; filename=\"message.html\"\r\n\r\n");
	const char *end = NULL;

	if (from != NULL) {
		from += strlen("; filename=\"message.html\"\r\n\r\n");
		end = memmem(from, strlen(from), page->after, page->after_len);
	}

	if (end == NULL)
		g_error("there is no page");
	*fromp = (size_t)(from - text) + page->before_len;
	*endp = (size_t)(end - text);
}

static bool
is_in_jwe(const char *text, size_t at)
{
	size_t from, end;

	find_jwe(text, &from, &end);
	return at >= from && at < end;
}

/* The same message with that in place of the JWE, filled up to lines. */
static char *
with_jwe(const char *text, const char *jwe)
{
	GString *filled = g_string_new(jwe);
	GString *out = g_string_new(NULL);
	size_t from, end, i;
	char *line;

	find_jwe(text, &from, &end);
	while (filled->len % LINES_OCTETS != 0)
		g_string_append_c(filled, ' ');
	g_string_append_len(out, text, (gssize)from);
	for (i = 0; i < filled->len; i += LINES_OCTETS) {
		line = g_base64_encode(
		    (const guchar *)filled->str + i, LINES_OCTETS);
		g_string_append_printf(out, "%s\r\n", line);
		g_free(line);
	}
	g_string_append(out, text + end);
	g_string_free(filled, TRUE);
	return g_string_free(out, FALSE);
}

static enum examined_state
examined_state_of(const char *text)
{
	struct examined examined = examines_octets(text, strlen(text));
	enum examined_state state = examined.state;

	examined_clear(&examined);
	return state;
}

#define COVER_ASCII "You have an encrypted message.\n\nOpen the page.\n"
#define COVER_WIDE "Sie haben eine verschl\u00fcsselte Nachricht. \nHin.\n"

static char *
without_cr(const char *text)
{
	GString *out = g_string_new(NULL);

	for (; *text != '\0'; text++)
		if (*text != '\r')
			g_string_append_c(out, *text);
	return g_string_free(out, FALSE);
}

static char *
seals_envelope(const char *cover)
{
	struct key *key = NULL;
	struct fault fault = {FAULT_NONE, ""};
	struct seal_reader reader = {NULL, false};
	struct seal_order order = {
	    .form = SEAL_PASSPHRASE,
	    .readers = &reader,
	    .readers_count = 1,
	    .hide_subject = true,
	    .cover = cover,
	    .limits = &mail_limits,
	};
	char *text;

	if (passphrase_derive("a wombat of brass that reads", &key, &fault) !=
	    0)
		g_error("%s", fault.text);
	reader.key = key;
	text = seals_order(&order);
	key_unref(&key);
	return text;
}

/* A new text with the first `old` replaced. */
static char *
altered(const char *text, const char *old, const char *new)
{
	const char *at = strstr(text, old);
	char *head, *result;

	if (at == NULL)
		g_error("there is no %s", old);
	head = g_strndup(text, (gsize)(at - text));
	result = g_strconcat(head, new, at + strlen(old), NULL);
	g_free(head);
	return result;
}

static void
envelopes_are_told(void)
{
	static const char *const covers[] = {COVER_ASCII, COVER_WIDE};
	struct fault fault = {FAULT_NONE, ""};
	struct message *message;
	struct examined examined;
	char *text, *lf;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(covers); i++) {
		text = seals_envelope(covers[i]);
		examined = examines_octets(text, strlen(text));
		is_int(examined.state, EXAMINED_SEALED,
		    "an envelope of ours is sealed");
		is_int(examined.already.form, SEAL_PASSPHRASE, "as that form");
		is_int(examined.by, EXAMINED_BY_US_TRANSIT, "in transit");
		ok(examined.already.around >= strlen(covers[i]),
		    "the text in front counts as readable");
		examined_clear(&examined);
		message = mail_parse(text);
		is_int(message_is_sealed(message, &fault), 0,
		    "in mail under way it is sealed around");
		message_free(&message);
		lf = without_cr(text);
		is_state(lf, EXAMINED_SEALED, "in a file with LF, too");
		g_free(lf);
		g_free(text);
	}
}

/* In every place where an octet could be another. */
static void
altered_envelopes_are_readable(void)
{
	static const struct {
		const char *name, *old, *new;
	} rows[] = {
	    {"a line more in front", "Content-Disposition: inline\r\n",
		"Content-Disposition: inline\r\nX-Note: hello\r\n"},
	    {"another transfer encoding of the text", ": 7bit", ": 8bit"},
	    {"a part more", "\r\n--=_", "\r\n--=_x\r\n\r\nhello\r\n--=_"},
	    {"another attachment", "filename=\"message.html\"",
		"filename=\"letter.html\""},
	    {"another character set", "text/html; charset=utf-8",
		"text/html; charset=us-ascii"},
	    {"a preamble", "\r\n\r\n--=_", "\r\n\r\nhello\r\n--=_"},
	    {"a comment in Content-Type", "multipart/mixed;",
		"multipart/mixed (hello);"},
	    {"a transfer encoding of all", "Content-Type: multipart/mixed",
		"Content-Transfer-Encoding: 8bit\r\nContent-Type: "
		"multipart/mixed"},
	};

	char *text = seals_envelope(COVER_ASCII), *other, *letter;
	const char *body = strstr(text, "\r\n\r\n") + 4;
	const char *page = strstr(body, "filename=");
	size_t i, step, sealed = 0;

	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		other = altered(text, rows[i].old, rows[i].new);
		is_state(other, EXAMINED_READABLE, rows[i].name);
		g_free(other);
	}
	other = g_strconcat(text, "hello\r\n", NULL);
	is_state(other, EXAMINED_READABLE, "text behind it");
	g_free(other);
	other = g_strndup(text, strlen(text) - 70);
	is_state(other, EXAMINED_READABLE, "one that is cut short");
	g_free(other);
	step = strlen(page) / 60;
	for (i = 0; page[i] != '\0'; i += step) {
		other = g_strdup(text);
		other[page - text + (gssize)i] ^= 1;
		sealed += examined_state_of(other) == EXAMINED_SEALED &&
			  !is_in_jwe(text, (size_t)(page - text) + i);
		g_free(other);
	}
	is_int((int)sealed, 0, "no octet of the page can be another");
	g_free(text);
	letter = g_strnfill(5000, 'x');
	for (i = 60; i < 5000; i += 60)
		letter[i] = '\n';
	text = seals_envelope(letter);
	is_state(text, EXAMINED_READABLE, "a long letter in front");
	g_free(text);
	g_free(letter);
}

/* The JWE between our page, as others would have it. */
static void
jwes_have_a_shape(void)
{
	static const struct {
		const char *name, *jwe;
		enum examined_state want;
	} rows[] = {
	    {"the parts of a JWE", HEADER "." KEY "." IV ".AAAA." TAG,
		EXAMINED_SEALED},
	    {"text in the place of a JWE", "Hello-there", EXAMINED_READABLE},
	    {"no content", HEADER "." KEY "." IV ".." TAG, EXAMINED_READABLE},
	    {"text as content",
		HEADER "." KEY "." IV "." LETTER LETTER LETTER "." TAG,
		EXAMINED_READABLE},
	    {"a short key", HEADER ".AAAA." IV ".AAAA." TAG, EXAMINED_READABLE},
	    {"a short tag", HEADER "." KEY "." IV ".AAAA.AAAA",
		EXAMINED_READABLE},
	    {"a long vector", HEADER "." KEY "." KEY ".AAAA." TAG,
		EXAMINED_READABLE},
	    {"a sixth part", HEADER "." KEY "." IV ".AAAA." TAG ".AAAA",
		EXAMINED_READABLE},
	    {"four parts", HEADER "." KEY "." IV ".AAAA", EXAMINED_READABLE},
	    {"another header", "e30." KEY "." IV ".AAAA." TAG,
		EXAMINED_READABLE},
	};

	char *text = seals_envelope(COVER_ASCII), *other;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(rows); i++) {
		other = with_jwe(text, rows[i].jwe);
		is_state(other, rows[i].want, rows[i].name);
		g_free(other);
	}
	g_free(text);
}

static void
samples_are_readable(void)
{
	const char *top = g_getenv("top_srcdir");
	char *folder = g_build_filename(top, "tests", "samples", NULL), *path;
	GDir *files = g_dir_open(folder, 0, NULL);
	struct examined examined;
	const char *name;
	char *text;
	gsize len;

	while ((name = g_dir_read_name(files)) != NULL) {
		path = g_build_filename(folder, name, NULL);
		if (!g_file_get_contents(path, &text, &len, NULL))
			g_error("%s is missing", path);
		examined = examines_octets(text, len);
		is_int(examined.state, EXAMINED_READABLE, name);
		examined_clear(&examined);
		g_free(text);
		g_free(path);
	}
	g_dir_close(files);
	g_free(folder);
}

int
main(void)
{
	mail_begin();
	keys_register_jobs();
	seal_register_jobs();
	mail_home_need();
	alice = mail_key("alice.asc", "alice@example.org");
	bob = mail_key("bob.asc", "bob@example.org");
	alice_smime = mail_key("../certs/alice.crt", "alice@example.org");
	bob_smime = mail_key("../certs/bob.crt", "bob@example.org");
	openpgp_is_told();
	smime_is_told();
	claims_are_not_believed();
	text_as_ciphertext_is_seen();
	others_are_told();
	passphrases_are_told();
	cut_short(SEAL_OPENPGP, &(struct seal_reader){alice, false},
	    "no part of an OpenPGP message is sealed");
	cut_short(SEAL_SMIME, &(struct seal_reader){alice_smime, false},
	    "no part of an S/MIME message is sealed");
	long_files_are_bounded();
	cannot_tell_is_a_fault();
	envelopes_are_told();
	altered_envelopes_are_readable();
	jwes_have_a_shape();
	samples_are_readable();
	key_unref(&alice);
	key_unref(&bob);
	key_unref(&alice_smime);
	key_unref(&bob_smime);
	mail_end();
	return tap_done();
}
