/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * gate_envelope.c - read the body of an envelope again.
 *
 * In:    a finished body, what it should be, samples of what is in it.
 * Out:   nothing, or what is wrong.
 * Never: takes anything between the parts of the body, or a JWE that does not
 *        open to what was sealed.
 */
#include "seal/gate_private.h"

#include "keys/passphrases.h"
#include "seal/envelope_private.h"
#include "seal/jwe.h"
#include "seal/lines.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define STRETCHES 4
#define BATCH_OCTETS ((size_t)LINES_OCTETS * 128)

/* Text that has to stand there, octet by octet. */
struct stretch {
	const char *text;
	size_t len;
};

struct reading {
	const char *what;   /* is wrong; NULL: nothing yet */
	struct fault fault; /* TEMP, if a library failed */
	const struct passphrase *planned;
	/* What has to stand before the JWE, two of it, and behind. */
	struct stretch stretches[STRETCHES];
	uint64_t jwe_at, jwe_end; /* octets of the body */
	uint64_t position;
	/* The line at hand, of the JWE, and what the lines before it were. */
	char line[LINES_CHARS];
	size_t column;
	char jwe_text[BATCH_OCTETS];
	size_t jwe_have;
	size_t spaces;
	struct jwe_reader *jwe;
	EVP_MD_CTX *digest;
	uint64_t opened;
	struct search search; /* the last, as most of it is not zeroed */
};

static const char *read_body(
    struct reading *reading, const struct spool *body, struct fault *fault);
static void plan(struct reading *reading, const struct dress *dress,
    const struct spool *body);
static void take_text(struct reading *reading, const char *text, size_t len);
static void take_fixed(struct reading *reading, const char *text, size_t len);
static void take_line(struct reading *reading);
static void take_jwe(struct reading *reading);
static int on_key(void *context, const struct jwe_header *header,
    const char *text, unsigned char kek[JWE_KEY_OCTETS], struct fault *fault);
static int on_sealed(
    void *context, const unsigned char *data, size_t len, struct fault *fault);
static int on_opened(
    void *context, const unsigned char *data, size_t len, struct fault *fault);
static int on_searched(void *context, const unsigned char *data, size_t len);
static const char *check_content(
    struct reading *reading, const struct gate *gate);
static const char *no_digest(struct reading *reading);
static bool page_is_ours(void);

const char *
gate_read_envelope(struct gate *gate, const struct seal_order *order,
    const struct dress *dress, const struct spool *body, struct fault *fault)
{
	const struct jwe_events events = {on_key, on_sealed, on_opened, NULL};
	struct jwe_events ours = events;
	struct reading *reading = g_new(struct reading, 1);
	const char *what;

	memset(reading, 0, offsetof(struct reading, search.pieces));
	ours.context = reading;
	reading->planned = passphrase_of(order->readers[0].key);
	reading->jwe = jwe_reader_make(&ours);
	reading->digest = EVP_MD_CTX_new();
	search_begin(&reading->search, gate, on_searched, reading);
	plan(reading, dress, body);
	if (!page_is_ours())
		reading->what = "its page is not the one that was built";
	else if (reading->digest == NULL ||
		 EVP_DigestInit_ex(reading->digest, EVP_sha256(), NULL) != 1)
		reading->what = no_digest(reading);
	what = read_body(reading, body, fault);
	if (what == NULL)
		what = check_content(reading, gate);
	if (reading->fault.kind == FAULT_TEMP) {
		what = "";
		if (fault != NULL)
			*fault = reading->fault;
	}
	jwe_reader_free(&reading->jwe);
	EVP_MD_CTX_free(reading->digest);
	OPENSSL_cleanse(reading, sizeof(*reading));
	g_free(reading);
	return what;
}

static const char *
no_digest(struct reading *reading)
{
	fault_set(&reading->fault, FAULT_TEMP, "no digest for the gate");
	return "its digest cannot be made";
}

/* Which octets have to be what. */
static void
plan(struct reading *reading, const struct dress *dress,
    const struct spool *body)
{
	const struct envelope_page *page = envelope_page();
	const struct stretch stretches[STRETCHES] = {
	    {dress->before, strlen(dress->before)},
	    {page->before, page->before_len},
	    {page->after, page->after_len},
	    {dress->after, strlen(dress->after)},
	};
	uint64_t size = spool_size(body), behind;

	memcpy(reading->stretches, stretches, sizeof(stretches));
	reading->jwe_at = stretches[0].len + stretches[1].len;
	behind = stretches[2].len + stretches[3].len;
	if (size < reading->jwe_at + behind)
		reading->what = "it is too short";
	else if ((size - reading->jwe_at - behind) % LINES_CHARS != 0)
		reading->what = "its lines have another length";
	else
		reading->jwe_end = size - behind;
}

static const char *
read_body(
    struct reading *reading, const struct spool *body, struct fault *fault)
{
	struct spool_reader *reader = spool_reader_make(body);
	const unsigned char *data;
	size_t len;
	int r = 1;

	while (reading->what == NULL &&
	       (r = spool_reader_next(reader, &data, &len, fault)) == 1)
		take_text(reading, (const char *)data, len);
	spool_reader_free(&reader);
	if (r == -1)
		return "";
	if (reading->what == NULL)
		take_jwe(reading);
	return reading->what;
}

static void
take_text(struct reading *reading, const char *text, size_t len)
{
	size_t n, room;

	for (; len > 0 && reading->what == NULL; text += n, len -= n) {
		if (reading->position >= reading->jwe_at &&
		    reading->position < reading->jwe_end) {
			room = LINES_CHARS - reading->column;
			n = MIN(len, room);
			memcpy(reading->line + reading->column, text, n);
			reading->column += n;
			if (reading->column == LINES_CHARS)
				take_line(reading);
		} else {
			n = reading->position < reading->jwe_at
				? (size_t)MIN(
				      len, reading->jwe_at - reading->position)
				: len;
			take_fixed(reading, text, n);
		}
		reading->position += n;
	}
}

static void
take_fixed(struct reading *reading, const char *text, size_t len)
{
	uint64_t at = reading->position;
	const struct stretch *stretch = reading->stretches;
	size_t n;

	if (at >= reading->jwe_end)
		at -= reading->jwe_end - reading->jwe_at;
	for (; at >= stretch->len; stretch++)
		at -= stretch->len;
	for (; len > 0; stretch++, at = 0, text += n, len -= n) {
		n = (size_t)MIN(len, stretch->len - at);
		if (memcmp(text, stretch->text + at, n) != 0) {
			reading->what = "around its content stands something "
					"that does not belong there";
			return;
		}
	}
}

/* 64 characters of base64, CRLF. */
static void
take_line(struct reading *reading)
{
	unsigned char octets[LINES_OCTETS + 2];
	gint state = 0;
	guint save = 0;
	size_t i, n;

	for (i = 0; i < LINES_CHARS - 2; i++)
		if (!g_ascii_isalnum(reading->line[i]) &&
		    reading->line[i] != '+' && reading->line[i] != '/')
			reading->what = "something stands in its base64";
	if (memcmp(reading->line + LINES_CHARS - 2, "\r\n", 2) != 0)
		reading->what = "its lines do not end well";
	if (reading->what != NULL)
		return;
	reading->column = 0;
	n = g_base64_decode_step(
	    reading->line, LINES_CHARS - 2, octets, &state, &save);
	memcpy(reading->jwe_text + reading->jwe_have, octets, n);
	reading->jwe_have += n;
	if (reading->jwe_have == BATCH_OCTETS)
		take_jwe(reading);
}

/* The JWE, or the spaces that fill up its last line. */
static void
take_jwe(struct reading *reading)
{
	size_t n = reading->jwe_have;

	while (n > 0 && reading->jwe_text[n - 1] == ' ')
		n--;
	if (reading->spaces + reading->jwe_have - n >= LINES_OCTETS ||
	    (reading->spaces > 0 && n > 0))
		reading->what = "it is filled up too much";
	else if (jwe_reader_feed(reading->jwe, reading->jwe_text, n,
		     &reading->fault) != 0 &&
		 reading->what == NULL)
		reading->what = "it does not open";
	reading->spaces += reading->jwe_have - n;
	reading->jwe_have = 0;
}

/* --- What the JWE is */

/* The header, octet by octet, is that of the passphrase that was planned;
 * written here by other means than envelope.c's. */
static int
on_key(void *context, const struct jwe_header *header, const char *text,
    unsigned char kek[JWE_KEY_OCTETS], struct fault *fault)
{
	struct reading *reading = context;
	const struct passphrase *planned = reading->planned;
	char *salt = g_base64_encode(planned->salt, sizeof(planned->salt));
	char *json, *want;
	bool same;

	salt[strcspn(salt, "=")] = '\0';
	(void)g_strdelimit(g_strdelimit(salt, "+", '-'), "/", '_');
	json = g_strconcat("{\"alg\":\"PBES2-HS512+A256KW\",\"enc\":\"A256GCM\""
			   ",\"p2s\":\"",
	    salt, "\",\"p2c\":", NULL);
	want = g_strdup_printf("%s%" G_GUINT32_FORMAT ",\"cty\":"
			       "\"message/rfc822\"}",
	    json, planned->iterations);
	g_free(json);
	json = want;
	want = g_base64_encode((const guchar *)json, strlen(json));
	want[strcspn(want, "=")] = '\0';
	(void)g_strdelimit(g_strdelimit(want, "+", '-'), "/", '_');
	same = strcmp(want, text) == 0 &&
	       header->iterations == planned->iterations;
	g_free(want);
	g_free(json);
	g_free(salt);
	if (same) {
		memcpy(kek, planned->kek, JWE_KEY_OCTETS);
		return 0;
	}
	reading->what = "it is not for the passphrase that was planned, or "
			"encrypted in another way";
	jwe_not_opened(fault);
	return -1;
}

static int
on_sealed(
    void *context, const unsigned char *data, size_t len, struct fault *fault)
{
	struct reading *reading = context;

	(void)fault;
	if (search_feed(&reading->search, data, len) == 0)
		return 0;
	reading->what = "it contains clear text";
	return -1;
}

static int
on_searched(void *context, const unsigned char *data, size_t len)
{
	(void)context;
	(void)data;
	(void)len;
	return 0;
}

static int
on_opened(
    void *context, const unsigned char *data, size_t len, struct fault *fault)
{
	struct reading *reading = context;

	(void)fault;
	reading->opened += len;
	if (EVP_DigestUpdate(reading->digest, data, len) == 1)
		return 0;
	reading->what = no_digest(reading);
	return -1;
}

static const char *
check_content(struct reading *reading, const struct gate *gate)
{
	unsigned char sent[EVP_MAX_MD_SIZE], got[EVP_MAX_MD_SIZE];
	unsigned int sent_len, got_len;

	if (search_end(&reading->search) != 0)
		return "it contains clear text";
	if (reading->column != 0 ||
	    jwe_reader_finish(reading->jwe, &reading->fault) != 0)
		return "it does not open";
	if (gate->seen != gate->payload_octets)
		return "the engine did not read all of the payload";
	if (reading->opened != gate->payload_octets)
		return "it does not open to as much as was sealed";
	if (gate->digest == NULL || gate->undigested ||
	    EVP_DigestFinal_ex(gate->digest, sent, &sent_len) != 1 ||
	    EVP_DigestFinal_ex(reading->digest, got, &got_len) != 1)
		return no_digest(reading);
	return sent_len == got_len && memcmp(sent, got, got_len) == 0
		   ? NULL
		   : "it does not open to what was sealed";
}

/* --- The page */

static bool
is_text_of(const char *text, size_t len, const unsigned char *page, size_t want,
    size_t spaces)
{
	char *copy = g_strndup(text, len);
	gsize n, i;
	guchar *octets = g_base64_decode(copy, &n);
	bool same =
	    n >= want && n <= want + spaces && memcmp(octets, page, want) == 0;

	for (i = want; same && i < n; i++)
		same = octets[i] == ' ';
	g_free(octets);
	g_free(copy);
	return same;
}

/* It is the same for all envelopes: looked at once. */
static bool
page_is_ours(void)
{
	const struct envelope_page *page = envelope_page();
	static gsize verdict;

	if (g_once_init_enter(&verdict))
		g_once_init_leave(&verdict,
		    is_text_of(page->before, page->before_len,
			envelope_page_before, envelope_page_before_octets,
			LINES_OCTETS - 1) &&
			    is_text_of(page->after, page->after_len,
				envelope_page_after, envelope_page_after_octets,
				0)
			? 1
			: 2);
	return verdict == 1;
}
