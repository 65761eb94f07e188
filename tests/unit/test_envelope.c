/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_envelope.c - what is sealed under a passphrase is opened by another
 * library, and says nothing outside.
 */
#include "config.h"

#include "keys/passphrases.h"
#include "seal/form.h"
#include "tests/unit/mail.h"

#include <time.h>

#define WORDS "seven quiet otters mend an old bridge"
#define COVER                                                                  \
	"Guten Tag,\n\nerika@example.org hat eine verschl\xc3\xbcsselte "      \
	"Nachricht gesandt, die sich in einem Browser \xc3\xb6"                \
	"ffnen "                                                               \
	"l\xc3\xa4sst. \n\n-- \nmail\n"

static struct key *key;

static struct seal_order
make_order(const struct seal_reader *reader)
{
	return (struct seal_order){
	    .form = SEAL_PASSPHRASE,
	    .readers = reader,
	    .readers_count = 1,
	    .hide_subject = true,
	    .cover = COVER,
	    .limits = &mail_limits,
	};
}

/* A new string: the sealed copy; or NULL and the fault. */
static GString *
seal_with(const struct seal_order *order, const struct message *message,
    struct fault *fault)
{
	struct sealed *sealed = NULL;
	GString *text, *body;

	if (seal_message(order, message, &sealed, fault) != 0)
		return NULL;
	text = sealed_header(sealed, message);
	body = spool_text(sealed->body);
	g_string_append(text, "\r\n");
	g_string_append_len(text, body->str, (gssize)body->len);
	g_string_free(body, TRUE);
	sealed_free(&sealed);
	return text;
}

static GString *
seal(const struct message *message)
{
	const struct seal_reader reader = {key, false};
	const struct seal_order order = make_order(&reader);
	struct fault fault = {FAULT_NONE, ""};
	GString *text = seal_with(&order, message, &fault);

	if (text == NULL)
		printf("# %s\n", fault.text);
	return text;
}

static bool
run_jwcrypto(const char *option, const char *in, const char *out)
{
	const char *top = g_getenv("top_srcdir");
	char *script = g_build_filename(top == NULL ? "." : top, "tests",
	    "envelope", "jwcrypto_open.py", NULL);
	char *command = g_strdup_printf(
	    "printf '%%s\\n' '%s' | /usr/bin/python3 -B '%s' %s '%s' > '%s'",
	    WORDS, script, option, in, out);
	bool done = mail_run("/bin/sh", "-c", command, NULL);

	g_free(command);
	g_free(script);
	return done;
}

/* What jwcrypto makes of it. */
static char *
opened(const GString *text, gsize *lenp)
{
	char *in = mail_path("in"), *out = mail_path("out");
	char *got = NULL;

	if (!g_file_set_contents(in, text->str, (gssize)text->len, NULL))
		g_error("%s: cannot write", in);
	if (run_jwcrypto("", in, out))
		(void)g_file_get_contents(out, &got, lenp, NULL);
	g_free(in);
	g_free(out);
	return got;
}

/* Is what comes out, what message_write() writes? */
static void
round_trip(const char *what, size_t len, const char *name)
{
	struct message *message = mail_parse_octets(what, len);
	GString *text = seal(message), *want = message_header(message, NULL);
	GString *body = spool_text(message->body);
	gsize got_len = 0;
	char *got = text == NULL ? NULL : opened(text, &got_len);

	g_string_append(want, "\r\n");
	g_string_append_len(want, body->str, (gssize)body->len);
	ok(got != NULL && got_len == want->len &&
		memcmp(got, want->str, got_len) == 0,
	    "%s", name);
	g_free(got);
	g_string_free(body, TRUE);
	g_string_free(want, TRUE);
	if (text != NULL)
		g_string_free(text, TRUE);
	message_free(&message);
}

static void
test_round_trips(void)
{
	static const char simple[] =
	    "From: a@example.org\nTo: b@example.net\nSubject: Rent\n\nHi.\n";
	GString *text = g_string_new("From: a@example.org\r\n\r\n");
	char name[80];
	int i;

	round_trip(simple, strlen(simple), "a message comes out as it went in");
	round_trip("Subject: x\n\n", 12, "also one without a body");
	round_trip("\n", 1, "or without a header");
	round_trip(
	    "From: a@b\r\n\r\n\0\xff\r\rx\n\n", 21, "or with odd octets");
	/* Every length that base64 and its lines can end with. */
	for (i = 0; i < 200; i++) {
		g_string_append_c(text, (char)('a' + i % 26));
		if (i % 17 != 0 && i < 190)
			continue;
		(void)g_snprintf(
		    name, sizeof(name), "or with %zu octets", text->len);
		round_trip(text->str, text->len, name);
	}
	g_string_free(text, TRUE);
	text = g_string_new("Subject: much\r\n\r\n");
	for (i = 0; text->len < (10U << 20); i++)
		g_string_append_printf(text, "%d bottles of beer %x\r\n", i,
		    (unsigned int)i * 2654435761U);
	round_trip(text->str, text->len, "or with 10 MB");
	g_string_free(text, TRUE);
}

static void
test_outside(void)
{
	static const char text[] = "Received: from here\r\n"
				   "From: Alice <a@example.org>\r\n"
				   "To: b@example.net\r\n"
				   "Bcc: c@example.net\r\n"
				   "Subject: The quarterly otters\r\n"
				   "X-About: the quarterly otters\r\n"
				   "Keywords: secretive\r\n"
				   "Message-ID: <1@example.org>\r\n"
				   "Sealmilter-Sealed: forged\r\n"
				   "Content-Language: tlh\r\n"
				   "Content-Type: text/plain; charset=x-odd\r\n"
				   "\r\nNobody but you may read this.\r\n";
	struct message *message = mail_parse(text);
	GString *sealed = seal(message);
	gsize len;
	char *got = opened(sealed, &len), *name;

	has_str(sealed->str, "\r\nSubject: [...]\r\n", "the Subject is hidden");
	has_str(sealed->str, "\r\nMessage-ID: <1@example.org>\r\n",
	    "other fields stay outside");
	has_str(
	    sealed->str, "Received: from here\r\n", "and so does the trace");
	ok(strstr(sealed->str, "otters") == NULL &&
		strstr(sealed->str, "secretive") == NULL &&
		strstr(sealed->str, "Bcc") == NULL &&
		strstr(sealed->str, "tlh") == NULL &&
		strstr(sealed->str, "x-odd") == NULL &&
		strstr(sealed->str, "forged") == NULL,
	    "nothing else of it is outside");
	name = g_strdup_printf("\r\nSealmilter-Sealed: form=passphrase; key=%s;"
			       " at=transit\r\n",
	    key->fingerprint);
	has_str(sealed->str, name, "it says which passphrase opens it");
	has_str(sealed->str, "\r\nContent-Type: multipart/mixed;",
	    "it has two parts");
	has_str(sealed->str,
	    "\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n"
	    "Content-Disposition: inline\r\n\r\nGuten Tag,\r\n\r\n"
	    "erika@example.org hat eine verschl=C3=BCsselte",
	    "a text in front");
	has_str(sealed->str,
	    "\r\nContent-Type: text/html; charset=utf-8; name=\"message.html\""
	    "\r\nContent-Transfer-Encoding: base64\r\n"
	    "Content-Disposition: attachment; filename=\"message.html\"\r\n",
	    "and the page");
	has_str(
	    got, "Subject: The quarterly otters\r\n", "the Subject is inside");
	has_str(got, "Content-Type: text/plain; charset=x-odd\r\n\r\nNobody",
	    "with what describes the body, unchanged");
	has_str(got, "Received: from here\r\n", "and with the trace");
	ok(strstr(got, "Bcc") == NULL && strstr(got, "forged") == NULL,
	    "but not who got it secretly, nor what is ours to say");
	g_free(name);
	g_free(got);
	g_string_free(sealed, TRUE);
	message_free(&message);
}

static void
test_subject(void)
{
	struct message *message =
	    mail_parse("From: a@b\r\nSubject: [secret] Rent\r\n\r\nx\r\n");
	const struct seal_reader reader = {key, true};
	struct seal_order order = make_order(&reader);
	struct fault fault;
	GString *sealed;
	char *got;
	gsize len;

	order.hide_subject = false;
	order.subject = " Rent";
	order.cover = "Plain text.\r\n";
	order.page_name = "nachricht-1.htm";
	sealed = seal_with(&order, message, &fault);
	got = opened(sealed, &len);
	has_str(sealed->str, "\r\nSubject: Rent\r\n",
	    "a Subject that is not hidden stays outside, without its tag");
	has_str(got, "\r\nSubject: Rent\r\n", "and is so inside");
	ok(strstr(sealed->str, "key=") == NULL,
	    "the passphrase of one in Bcc is not named");
	has_str(sealed->str,
	    "7bit\r\nContent-Disposition: inline\r\n\r\n"
	    "Plain text.\r\n\r\n--",
	    "a plain text goes as it is");
	has_str(sealed->str, "filename=\"nachricht-1.htm\"",
	    "the page is called as the order says");
	g_free(got);
	g_string_free(sealed, TRUE);
	message_free(&message);
}

static void
refuses(const struct seal_order *order, const struct message *message,
    enum fault_kind kind, const char *part, const char *name)
{
	struct fault fault = {FAULT_NONE, ""};
	GString *text = seal_with(order, message, &fault);

	ok(text == NULL && fault.kind == kind, "%s", name);
	has_str(fault.text, part, "and the reason is given");
	if (text != NULL)
		g_string_free(text, TRUE);
}

static void
test_refusals(void)
{
	const struct seal_reader readers[] = {{key, false}, {key, false}};
	struct seal_order order = make_order(readers);
	struct message *message = mail_parse("From: a@b\r\n\r\nx\r\n");
	char *much = g_malloc0((16U << 20));
	struct fault fault;
	int i;

	order.readers_count = 2;
	refuses(&order, message, FAULT_BUG, "one passphrase",
	    "two readers cannot share an envelope");
	order.readers_count = 1;
	order.cover = NULL;
	refuses(&order, message, FAULT_BUG, "a text", "a text is needed");
	order.cover = COVER;
	order.page_name = "a\"b.html";
	refuses(&order, message, FAULT_BUG, "name",
	    "a name that would break the field is refused");
	order.page_name = NULL;
	for (i = 0; i < 2; i++)
		(void)message_add_body(message, much, 16U << 20, &fault);
	refuses(&order, message, FAULT_PERM, "at most 33554432",
	    "a message that browsers do not open is refused");
	g_free(much);
	message_free(&message);
	ok(seal_page_name_may_be("message.html") &&
		!seal_page_name_may_be("") && !seal_page_name_may_be(".html") &&
		!seal_page_name_may_be("a.") && !seal_page_name_may_be("a/b") &&
		!seal_page_name_may_be("a b"),
	    "names of pages are looked at");
}

/* --- Mail of others */

static unsigned int corpus_count;

/* What has to be inside: all but the fields that must not be. */
static GString *
wanted(const struct message *message)
{
	static const char *const out[] = {"Bcc", "Resent-Bcc", "HP-Outer"};
	GString *want = g_string_new(NULL), *body = spool_text(message->body);
	const struct field *field;
	bool leave;
	size_t i, j;

	for (i = 0; i < message->header.count; i++) {
		field = &message->header.list[i];
		leave =
		    g_ascii_strncasecmp(field->name, "Sealmilter-", 11) == 0;
		for (j = 0; j < G_N_ELEMENTS(out); j++)
			leave |= field_is(field, out[j]);
		if (!leave)
			g_string_append_printf(
			    want, "%s:%s\r\n", field->name, field->value);
	}
	g_string_append(want, "\r\n");
	if (body == NULL)
		g_error("no body");
	g_string_append_len(want, body->str, (gssize)body->len);
	g_string_free(body, TRUE);
	return want;
}

static void
write_file(const char *folder, const char *suffix, const GString *text)
{
	char *path = g_strdup_printf("%s/%u.%s", folder, corpus_count, suffix);

	if (!g_file_set_contents(path, text->str, (gssize)text->len, NULL))
		g_error("%s: cannot write", path);
	g_free(path);
}

/* Seals what is in a file, if it is a message. */
static void
seal_file(const char *path, const char *folder)
{
	struct message *message = message_make(&mail_limits);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct fault fault;
	GString *text;

	if (fd != -1 && message_read(message, fd, 16U << 20, &fault) == 0) {
		text = seal(message);
		if (text == NULL)
			g_error("%s is not sealed", path);
		write_file(folder, "sealed", text);
		g_string_free(text, TRUE);
		text = wanted(message);
		write_file(folder, "want", text);
		g_string_free(text, TRUE);
		corpus_count++;
	}
	if (fd != -1)
		close(fd);
	message_free(&message);
}

static void
seal_folder(const char *path, const char *folder)
{
	GDir *files = g_dir_open(path, 0, NULL);
	const char *name;
	char *below;

	while (files != NULL && (name = g_dir_read_name(files)) != NULL) {
		below = g_build_filename(path, name, NULL);
		if (g_file_test(below, G_FILE_TEST_IS_DIR))
			seal_folder(below, folder);
		else if (!g_str_has_suffix(name, ".md") &&
			 !g_str_has_suffix(name, ".key"))
			seal_file(below, folder);
		g_free(below);
	}
	if (files != NULL)
		g_dir_close(files);
}

/* The same words by fewer rounds: jwcrypto derives for each message. */
static struct key *
quick_key(void)
{
	struct passphrase *quick =
	    g_memdup2(passphrase_of(key), sizeof(struct passphrase));
	struct key *made = g_new0(struct key, 1);
	struct fault fault;

	quick->iterations = 10000;
	if (passphrase_kek(WORDS, quick->salt, sizeof(quick->salt), 10000,
		quick->kek, &fault) != 0)
		g_error("%s", fault.text);
	g_atomic_ref_count_init(&made->references);
	made->kind = KEY_PASSPHRASE;
	made->fingerprint = g_strdup(key->fingerprint);
	made->blob = g_bytes_new_take(quick, sizeof(*quick));
	return made;
}

static void
test_corpus(const char *path, const char *name)
{
	char *folder = mail_path(name), *out = mail_path("out");

	if (g_mkdir(folder, 0700) != 0)
		g_error("%s: cannot make", folder);
	corpus_count = 0;
	seal_folder(path, folder);
	ok(corpus_count >= 20 && run_jwcrypto("--all", folder, out),
	    "%s: %u messages come out to the octet", name, corpus_count);
	g_free(folder);
	g_free(out);
}

static void
test_corpora(void)
{
	const char *top = g_getenv("top_srcdir");
	const char *others = g_getenv("SEALMILTER_CORPUS");
	struct key *slow = key;
	char *samples =
	    g_build_filename(top == NULL ? "." : top, "tests", "samples", NULL);

	key = quick_key();
	test_corpus(samples, "samples");
	if (others != NULL)
		test_corpus(others, "corpus");
	key_unref(&key);
	key = slow;
	g_free(samples);
}

static void
test_speed(void)
{
	const struct seal_reader reader = {key, false};
	const struct seal_order order = make_order(&reader);
	GString *text = g_string_new("From: a@b\r\nSubject: x\r\n\r\n");
	struct message *message;
	struct sealed *sealed = NULL;
	struct fault fault;
	clock_t start;
	double us;
	int i;

	while (text->len < 4096)
		g_string_append(text, "A line of a message of 4 KB.\r\n");
	message = mail_parse_octets(text->str, text->len);
	start = clock();
	for (i = 0; i < 500; i++) {
		if (seal_message(&order, message, &sealed, &fault) != 0)
			g_error("%s", fault.text);
		sealed_free(&sealed);
	}
	us = (double)(clock() - start) * 1e6 / CLOCKS_PER_SEC / 500;
	printf("# 4 KB are sealed in %.0f us of CPU\n", us);
	/* A third of a second, if the key were derived. */
	ok(us < 20000, "sealing derives nothing");
	message_free(&message);
	g_string_free(text, TRUE);
}

int
main(void)
{
	struct fault fault;

	mail_begin();
	if (passphrase_derive(WORDS, &key, &fault) != 0)
		g_error("%s", fault.text);
	test_round_trips();
	test_outside();
	test_subject();
	test_refusals();
	test_corpora();
	test_speed();
	key_unref(&key);
	mail_end();
	return tap_done();
}
