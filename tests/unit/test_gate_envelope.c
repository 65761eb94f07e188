/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_gate_envelope.c - lies that could be told about an envelope, told to
 * the gate: an honest one is changed in one thing at a time.
 */
#include "config.h"

#include "keys/passphrases.h"
#include "seal/envelope_private.h"
#include "seal/form.h"
#include "seal/lines.h"
#include "tests/unit/mail.h"

#define BOUNDARY "=_sealed_test"
#define TEXT                                                                   \
	"From: a@example.org\r\nSubject: Rent\r\n\r\n"                         \
	"The rent of the house by the lake is 1,250 from May on.\r\n"

static struct key *key, *other_key;
static struct seal_reader reader;

static struct seal_order
make_order(void)
{
	reader = (struct seal_reader){key, false};
	return (struct seal_order){
	    .form = SEAL_PASSPHRASE,
	    .readers = &reader,
	    .readers_count = 1,
	    .hide_subject = true,
	    .cover = "Open the page.\n",
	    .limits = &mail_limits,
	};
}

/* A gate that saw this. */
static struct gate *
gate_of(const char *text)
{
	struct gate *gate = gate_make(strlen(text), NULL);

	(void)gate_want_digest(gate, NULL);
	gate_rewind(gate);
	gate_see(gate, (const unsigned char *)text, strlen(text));
	return gate;
}

/* The gate's verdict on a body, a new string. */
static void
says(const GString *text, const char *payload, const char *want,
    const char *name)
{
	const struct seal_order order = make_order();
	struct gate *gate = gate_of(payload);
	struct spool *body = spool_of(text);
	struct fault fault = {FAULT_NONE, ""};
	struct dress dress = {0};
	const char *what;

	envelope_dress(&order, BOUNDARY, &dress);
	what = gate_read_envelope(gate, &order, &dress, body, &fault);
	has_str(what == NULL ? "passes" : what, want, name);
	dress_clear(&dress);
	spool_free(&body);
	gate_free(&gate);
}

/* The body of an honest envelope. */
static GString *
honest(void)
{
	const struct seal_order order = make_order();
	struct message *message = mail_parse(TEXT);
	GString *header = message_header(message, NULL), *text;
	struct gate *gate = gate_make(strlen(TEXT), NULL);
	struct payload *payload;
	struct spool *body = NULL;
	struct fault fault;

	g_string_append(header, "\r\n");
	payload = payload_make(header, message, NULL);
	if (envelope_seal(&order, payload, gate, BOUNDARY, &body, &fault) != 0)
		g_error("%s", fault.text);
	text = spool_text(body);
	if (text == NULL)
		g_error("no body");
	spool_free(&body);
	payload_free(&payload);
	gate_free(&gate);
	message_free(&message);
	return text;
}

/* --- The JWE in it */

static char *
jwe_of(const GString *text)
{
	const struct envelope_page *page = envelope_page();
	const char *at = strstr(text->str, page->before), *end;
	char *lines;
	guchar *octets;
	gsize len;
	char *jwe;

	end = at == NULL ? NULL : strstr(at, page->after);
	if (end == NULL)
		g_error("there is no page");
	at += page->before_len;
	lines = g_strndup(at, (gsize)(end - at));
	octets = g_base64_decode(lines, &len);
	jwe = g_strchomp(g_strndup((char *)octets, len));
	g_free(octets);
	g_free(lines);
	return jwe;
}

/* A body with that in place of the JWE, filled up; and so many more lines. */
static GString *
with_jwe(const char *jwe, size_t more)
{
	const struct seal_order order = make_order();
	const struct envelope_page *page = envelope_page();
	struct dress dress = {0};
	struct spool *spool = spool_make(&mail_limits, false);
	struct lines *lines = lines_make(spool);
	GString *body, *text;
	struct fault fault;
	size_t i;

	(void)lines_write(lines, jwe, strlen(jwe), &fault);
	for (i = strlen(jwe); i % LINES_OCTETS != 0; i++)
		(void)lines_write(lines, " ", 1, &fault);
	for (i = 0; i < more * LINES_OCTETS; i++)
		(void)lines_write(lines, " ", 1, &fault);
	(void)lines_end(lines, &fault);
	body = spool_text(spool);
	if (body == NULL)
		g_error("no body");
	envelope_dress(&order, BOUNDARY, &dress);
	text = g_string_new(dress.before);
	g_string_append_len(text, page->before, (gssize)page->before_len);
	g_string_append_len(text, body->str, (gssize)body->len);
	g_string_append_len(text, page->after, (gssize)page->after_len);
	g_string_append(text, dress.after);
	dress_clear(&dress);
	g_string_free(body, TRUE);
	lines_free(&lines);
	spool_free(&spool);
	return text;
}

static void
jwe_says(const char *jwe, const char *want, const char *name)
{
	GString *text = with_jwe(jwe, 0);

	says(text, TEXT, want, name);
	g_string_free(text, TRUE);
}

static char *
url64(const char *text, size_t len)
{
	char *out = g_base64_encode((const guchar *)text, len);

	out[strcspn(out, "=")] = '\0';
	return g_strdelimit(g_strdelimit(out, "+", '-'), "/", '_');
}

/* One of the five parts replaced. */
static void
part_says(const char *jwe, guint part, const char *instead, const char *want,
    const char *name)
{
	char **parts = g_strsplit(jwe, ".", -1), *changed;

	g_free(parts[part]);
	parts[part] = g_strdup(instead);
	changed = g_strjoinv(".", parts);
	jwe_says(changed, want, name);
	g_free(changed);
	g_strfreev(parts);
}

static void
test_jwe(const char *jwe)
{
	char *text, *coded, **parts = g_strsplit(jwe, ".", -1);
	guint i;

	jwe_says(
	    jwe, "passes", "an envelope that is put together again passes");
	for (i = 0; i < 5; i++) {
		coded = g_strdup(parts[i]);
		coded[0] = coded[0] == 'A' ? 'B' : 'A';
		text = g_strdup_printf("not with part %u altered", i);
		part_says(jwe, i, coded, i == 0 ? "" : "does not open", text);
		coded[strlen(coded) - 1] = '\0';
		g_free(text);
		text = g_strdup_printf("nor with part %u cut", i);
		part_says(jwe, i, coded, i == 0 ? "" : "does not open", text);
		g_free(text);
		g_free(coded);
	}
	coded = url64(TEXT, strlen(TEXT));
	part_says(jwe, 3, coded, "contains clear text",
	    "nor with what was not encrypted");
	g_free(coded);
	text = g_strconcat(jwe, ".", NULL);
	jwe_says(text, "does not open", "nor with a sixth part");
	g_free(text);
	text = g_strconcat(jwe, " x", NULL);
	jwe_says(text, "does not open", "nor with something behind it");
	g_free(text);
	g_strfreev(parts);
}

/* A header that opens as well, but is not what was planned. */
static void
test_header(const char *jwe)
{
	char *salt =
	    g_base64_encode(passphrase_of(key)->salt, PASSPHRASE_SALT_OCTETS);
	char *json, *coded;

	salt[strcspn(salt, "=")] = '\0';
	json = g_strdup_printf(
	    "{\"enc\":\"A256GCM\",\"alg\":\"PBES2-HS512+A256KW\",\"p2s\":"
	    "\"%s\",\"p2c\":600000,\"cty\":\"message/rfc822\"}",
	    g_strdelimit(g_strdelimit(salt, "+", '-'), "/", '_'));
	coded = url64(json, strlen(json));
	part_says(jwe, 0, coded, "not for the passphrase that was planned",
	    "nor with a header in another order");
	g_free(coded);
	g_free(json);
	json = g_strdup_printf(
	    "{\"alg\":\"PBES2-HS512+A256KW\",\"enc\":\"A256GCM\",\"p2s\":"
	    "\"%s\",\"p2c\":10000,\"cty\":\"message/rfc822\"}",
	    salt);
	coded = url64(json, strlen(json));
	part_says(jwe, 0, coded, "not for the passphrase that was planned",
	    "nor with fewer iterations");
	g_free(coded);
	g_free(json);
	g_free(salt);
}

static void
test_around(const GString *text)
{
	GString *changed;
	const struct envelope_page *page = envelope_page();
	const size_t places[] = {0, 150,
	    (size_t)(strstr(text->str, page->before) - text->str) + 5000,
	    text->len - page->after_len + 700, text->len - 3};
	char name[80];
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(places); i++) {
		changed = g_string_new_len(text->str, (gssize)text->len);
		changed->str[places[i]] ^= 1;
		(void)g_snprintf(name, sizeof(name),
		    "nor one that is altered at %zu", places[i]);
		says(changed, TEXT, "does not belong there", name);
		g_string_free(changed, TRUE);
	}
	changed = g_string_new_len(text->str, (gssize)text->len - 1);
	says(changed, TEXT, "another length", "nor one that is cut");
	g_string_truncate(changed, 2000);
	says(changed, TEXT, "too short", "nor one that is cut short");
	g_string_assign(changed, text->str);
	g_string_append(changed, "Rent: 1,250\r\n");
	says(changed, TEXT, "another length", "nor one that goes on");
	g_string_free(changed, TRUE);
}

static void
test_lines(const GString *text, const char *jwe)
{
	const struct envelope_page *page = envelope_page();
	size_t at = (size_t)(strstr(text->str, page->before) - text->str) +
		    page->before_len;
	GString *changed = g_string_new_len(text->str, (gssize)text->len);

	changed->str[at + 10] = '=';
	says(changed, TEXT, "stands in its base64",
	    "nor one with something in its base64");
	changed->str[at + 10] = text->str[at + 10];
	changed->str[at + 64] = 'x';
	says(changed, TEXT, "do not end well", "nor one with a long line");
	g_string_free(changed, TRUE);
	changed = with_jwe(jwe, 1);
	says(changed, TEXT, "filled up too much", "nor one with more spaces");
	g_string_free(changed, TRUE);
}

static void
test_content(const GString *text)
{
	char *payload = g_strdup(TEXT);

	payload[strlen(payload) - 20] ^= 1;
	says(text, payload, "does not open to what was sealed",
	    "nor one of another message");
	payload[strlen(payload) - 1] = '\0';
	says(text, payload, "as much as was sealed", "or of a shorter one");
	g_free(payload);
}

int
main(void)
{
	struct key *mine;
	struct fault fault;
	GString *text, *other;
	char *jwe;

	mail_begin();
	if (passphrase_derive("one", &key, &fault) != 0 ||
	    passphrase_derive("one", &other_key, &fault) != 0)
		g_error("%s", fault.text);
	text = honest();
	jwe = jwe_of(text);
	says(text, TEXT, "passes", "an honest envelope passes");
	test_jwe(jwe);
	test_header(jwe);
	test_around(text);
	test_lines(text, jwe);
	test_content(text);
	mine = key;
	key = other_key;
	other = honest();
	key = mine;
	says(other, TEXT, "not for the passphrase that was planned",
	    "nor one for another passphrase");
	g_string_free(other, TRUE);
	g_string_free(text, TRUE);
	g_free(jwe);
	key_unref(&key);
	key_unref(&other_key);
	mail_end();
	return tap_done();
}
