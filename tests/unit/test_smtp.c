/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_smtp.c - the SMTP client against servers that do as they are told:
 * which octets they see, and what becomes of the message when they fail.
 */
#include "config.h"

#include "milter/smtp.h"

#include "tests/unit/smtp_server.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/resource.h>

#define PATIENT_MS 20000

static char *directory;

/* --- One message, and how far it got */

enum reached {
	AT_CONNECT, /* the step that failed */
	AT_BEGIN,
	AT_TEXT,
	AT_DOT, /* or all was done: result */
};

struct outcome {
	enum reached reached;
	int result;
	bool in_doubt, fresh;
	struct smtp_reply reply;
	struct fault fault;
	gint64 took_ms;
};

static const struct smtp_rcpt alice_and_bob[] = {
    {"<alice@example.org>", NULL, NULL}, {"bob@example.org", NULL, NULL}};
static const struct smtp_envelope plain = {
    .sender = "<sam@example.net>",
    .rcpts = alice_and_bob,
    .rcpts_count = 2,
};

static int
write_in_pieces(struct smtp *smtp, const char *text, size_t len, size_t piece,
    gint64 deadline, struct fault *fault)
{
	size_t n;

	for (; len > 0; text += n, len -= n) {
		n = MIN(len, piece);
		if (smtp_write(smtp, text, n, deadline, fault) != 0)
			return -1;
	}
	return smtp_flush(smtp, deadline, fault);
}

static void
converse(struct server *server, const struct smtp_envelope *envelope,
    const char *text, size_t len, size_t piece, int ms, struct outcome *outcome)
{
	struct smtp_target *target = server_target(server);
	gint64 start = g_get_monotonic_time(), deadline = server_deadline(ms);
	struct smtp *smtp = NULL;

	memset(outcome, 0, sizeof(*outcome));
	outcome->result = -1;
	outcome->reached = AT_CONNECT;
	if (smtp_connect(target, deadline, &smtp, &outcome->fault) != 0)
		goto out;
	outcome->reached = AT_BEGIN;
	if (smtp_begin(smtp, envelope, deadline, &outcome->fault) != 0)
		goto out;
	outcome->reached = AT_TEXT;
	if (write_in_pieces(
		smtp, text, len, piece, deadline, &outcome->fault) != 0)
		goto out;
	outcome->reached = AT_DOT;
	outcome->result =
	    smtp_commit(smtp, deadline, &outcome->reply, &outcome->fault);
	outcome->in_doubt = smtp_is_in_doubt(smtp);
	outcome->fresh = smtp_is_fresh(smtp);
out:
	outcome->took_ms = (g_get_monotonic_time() - start) / 1000;
	smtp_close(&smtp);
	g_atomic_int_set(&server->left, 1);
	smtp_target_free(&target);
}

/* --- Targets */

static void
test_targets(void)
{
	static const char *const good[] = {"smtp://127.0.0.1:10026",
	    "smtp://[::1]:25", "smtp://localhost:1",
	    "smtp://mx-1.example.org:65535", "unix:/run/inject.sock"};

	static const struct {
		const char *text, *part;
	} bad[] = {
	    {"", "is no SMTP server"},
	    {"127.0.0.1:25", "is no SMTP server"},
	    {"inet:25@127.0.0.1", "is no SMTP server"},
	    {"smtp://127.0.0.1", "needs a port"},
	    {"smtp://127.0.0.1:", "needs a port"},
	    {"smtp://127.0.0.1:0", "needs a port"},
	    {"smtp://127.0.0.1:65536", "needs a port"},
	    {"smtp://127.0.0.1:+25", "needs a port"},
	    {"smtp://127.0.0.1:25/", "needs a port"},
	    {"smtp://:25", "no host"},
	    {"smtp://user@host:25", "no host"},
	    {"smtp://::1:25", "brackets"},
	    {"smtp://[::1]", "needs a port"},
	    {"smtp://[::1]25", "needs a port"},
	    {"smtp://[::1:25", "\"]\""},
	    {"smtp://[localhost]:25", "no IPv6 address"},
	    {"unix:", "needs a path"},
	    {"unix:run/inject.sock", "needs a path"},
	};
	struct smtp_target *target = NULL;
	const char *complaint;
	char *deep;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(good); i++) {
		ok(smtp_target_parse(good[i], &target, &complaint) == 0 &&
			strcmp(smtp_target_name(target), good[i]) == 0,
		    "%s is a target", good[i]);
		smtp_target_free(&target);
	}
	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		complaint = NULL;
		ok(smtp_target_parse(bad[i].text, &target, &complaint) == -1 &&
			target == NULL,
		    "\"%s\" is none", bad[i].text);
		has_str(complaint, bad[i].part, "... and it says why");
	}
	deep = g_strnfill(200, '/');
	memcpy(deep, "unix:", 5);
	is_int(smtp_target_parse(deep, &target, &complaint), -1,
	    "a path that no socket can have is none");
	g_free(deep);
}

/* --- What the server sees */

static void
test_octets(const char *name, const struct script *script,
    const struct smtp_envelope *envelope, const char *text, const char *path,
    const char *want)
{
	struct server *server = server_start(script, path, false);
	char *all =
	    g_strdup_printf("EHLO %s\r\n%sDATA\r\n", g_get_host_name(), want);
	struct outcome outcome;

	converse(
	    server, envelope, text, strlen(text), 1000, PATIENT_MS, &outcome);
	ok(outcome.reached == AT_DOT && outcome.result == 1, "%s", name);
	if (outcome.result != 1)
		printf("# %s\n", outcome.fault.text);
	server_stop(server);
	if (g_str_has_prefix(server->seen->str, all))
		g_string_erase(server->seen, 0, (gssize)strlen(all));
	is_str(server->seen->str, "Subject: x\r\n\r\nhello\r\n.\r\nQUIT\r\n",
	    "... and the server sees what it should");
	server_free(&server);
	g_free(all);
}

static void
test_conversations(void)
{
	static const char text[] = "Subject: x\r\n\r\nhello\r\n";
	static const char both[] = "RCPT TO:<alice@example.org>\r\n"
				   "RCPT TO:<bob@example.org>\r\n";
	static const struct smtp_rcpt traced[] = {
	    {"alice@example.org", "NEVER", "rfc822;a+2Bb@example.org"},
	    {"bob@example.org", "SUCCESS,DELAY", NULL}};
	static const struct smtp_rcpt odd[] = {
	    {"<\"a b\"@example.org>", NULL, NULL},
	    {"\"q\\\"\\\\\"@example.org", NULL, NULL}};
	static const struct smtp_rcpt foreign[] = {
	    {"<j\303\266rg@example.org>", NULL, NULL}};
	const struct smtp_envelope full = {
	    .sender = "sam@example.net",
	    .rcpts = traced,
	    .rcpts_count = 2,
	    .ret = "HDRS",
	    .envid = "QQ==",
	    .size = 1234,
	};
	struct smtp_envelope envelope;
	struct script script = {.ehlo = NOTHING};
	char *path = g_build_filename(directory, "socket", NULL), *want;

	want = g_strconcat("MAIL FROM:<sam@example.net>\r\n", both, NULL);
	test_octets("a message goes over TCP", NULL, &plain, text, NULL, want);
	test_octets("a message goes over a unix socket", NULL, &plain, text,
	    path, want);
	test_octets("a last line without CRLF is ended", NULL, &plain,
	    "Subject: x\r\n\r\nhello", NULL, want);
	g_free(want);
	envelope = plain;
	want = g_strconcat("MAIL FROM:<>\r\n", both, NULL);
	envelope.sender = "";
	test_octets("nobody sends a bounce", NULL, &envelope, text, NULL, want);
	envelope.sender = "<>";
	test_octets("... with <> as well", NULL, &envelope, text, NULL, want);
	g_free(want);
	test_octets("parameters go to who offers them", NULL, &full, text, NULL,
	    "MAIL FROM:<sam@example.net> SIZE=1234 RET=HDRS ENVID=QQ==\r\n"
	    "RCPT TO:<alice@example.org> NOTIFY=NEVER "
	    "ORCPT=rfc822;a+2Bb@example.org\r\n"
	    "RCPT TO:<bob@example.org> NOTIFY=SUCCESS,DELAY\r\n");
	test_octets("... and to nobody else", &script, &full, text, NULL,
	    "MAIL FROM:<sam@example.net>\r\nRCPT TO:<alice@example.org>\r\n"
	    "RCPT TO:<bob@example.org>\r\n");
	script.ehlo = "250-DSN\r\n250-SIZED\r\n250-dsnx\r\n250 siZe\r\n";
	test_octets("an offer is a whole word after the first line", &script,
	    &full, text, NULL,
	    "MAIL FROM:<sam@example.net> SIZE=1234\r\n"
	    "RCPT TO:<alice@example.org>\r\nRCPT TO:<bob@example.org>\r\n");
	envelope.sender = "sam@example.net";
	envelope.rcpts = odd;
	test_octets("quoted local parts stay as they are", NULL, &envelope,
	    text, NULL,
	    "MAIL FROM:<sam@example.net>\r\n"
	    "RCPT TO:<\"a b\"@example.org>\r\n"
	    "RCPT TO:<\"q\\\"\\\\\"@example.org>\r\n");
	envelope.rcpts = foreign;
	envelope.rcpts_count = 1;
	test_octets("an address in UTF-8 needs no word to be SMTPUTF8", NULL,
	    &envelope, text, NULL,
	    "MAIL FROM:<sam@example.net> SMTPUTF8\r\n"
	    "RCPT TO:<j\303\266rg@example.org>\r\n");
	envelope.rcpts = alice_and_bob;
	envelope.eight_bit = envelope.utf8 = true;
	test_octets("8-bit text is announced", NULL, &envelope, text, NULL,
	    "MAIL FROM:<sam@example.net> BODY=8BITMIME SMTPUTF8\r\n"
	    "RCPT TO:<alice@example.org>\r\n");
	g_free(path);
}

static void
test_pipelining(void)
{
	struct smtp_rcpt *many = g_new0(struct smtp_rcpt, 1000);
	struct smtp_envelope envelope = plain;
	struct script script = {.batch = true};
	struct server *server = server_start(&script, NULL, false);
	struct outcome outcome;
	size_t i;

	converse(server, &plain, "x\r\n", 3, 3, PATIENT_MS, &outcome);
	server_stop(server);
	ok(outcome.result == 1, "replies to MAIL and RCPT are read together");
	is_int(server->eager, 2, "since the commands were sent together");
	server_free(&server);

	script = (struct script){.ehlo = NOTHING};
	server = server_start(&script, NULL, false);
	converse(server, &plain, "x\r\n", 3, 3, PATIENT_MS, &outcome);
	server_stop(server);
	ok(outcome.result == 1 && server->eager == 0,
	    "who does not offer PIPELINING gets one command at a time");
	server_free(&server);

	for (i = 0; i < 1000; i++)
		many[i].address = "a-rather-long-local-part@many.example.org";
	envelope.rcpts = many;
	envelope.rcpts_count = 1000;
	server = server_start(NULL, NULL, false);
	converse(server, &envelope, "x\r\n", 3, 3, PATIENT_MS, &outcome);
	ok(outcome.result == 1, "a message goes to 1000 recipients");
	server_free(&server);
	g_free(many);
}

/* --- The text */

static const struct {
	const char *name, *text, *want;
} texts[] = {
    {"an empty message", "", ".\r\n"},
    {"a message", "a\r\nb\r\n", "a\r\nb\r\n.\r\n"},
    {"a last line without an end", "a", "a\r\n.\r\n"},
    {"a dot that begins a line", ".\r\n..\r\n.a\r\na.\r\n",
	"..\r\n...\r\n..a\r\na.\r\n.\r\n"},
    {"a dot at the end", "a\r\n.", "a\r\n..\r\n.\r\n"},
    {"a LF alone", "a\nb\n\n.\nc", "a\r\nb\r\n\r\n..\r\nc\r\n.\r\n"},
    {"a CR alone", "a\rb\r\n\r.\r\nX\rY: z\r\n",
	"a b\r\n .\r\nX Y: z\r\n.\r\n"},
    {"a CR too many", "a\r\r\nb\r\n", "a \r\nb\r\n.\r\n"},
    {"LF and CR", "a\n\rb\r\n", "a\r\n b\r\n.\r\n"},
    {"a CR at the end", "a\r", "a\r\n.\r\n"},
    {"a CR as the message", "\r", "\r\n.\r\n"},
    {"smuggling by LF . LF", "a\n.\nMAIL FROM:<x>\r\n",
	"a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n"},
    {"smuggling by LF . CRLF", "a\n.\r\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"},
    {"smuggling by CR . CR", "a\r.\rMAIL", "a . MAIL\r\n.\r\n"},
    {"smuggling by CR . CRLF", "a\r.\r\nMAIL", "a .\r\nMAIL\r\n.\r\n"},
    {"smuggling by CRLF . LF", "a\r\n.\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"},
    {"smuggling by CRLF . CR", "a\r\n.\rMAIL", "a\r\n.. MAIL\r\n.\r\n"},
    {"smuggling by CRLF CR . CRLF", "a\r\n\r.\r\nMAIL",
	"a\r\n .\r\nMAIL\r\n.\r\n"},
};

static void
test_texts(void)
{
	struct outcome outcome;
	struct server *server;
	size_t i, piece;

	for (i = 0; i < G_N_ELEMENTS(texts); i++)
		for (piece = 1; piece <= 3; piece++) {
			server = server_start(NULL, NULL, false);
			converse(server, &plain, texts[i].text,
			    strlen(texts[i].text), piece, PATIENT_MS, &outcome);
			server_stop(server);
			if (piece == 1 ||
			    strcmp(server->text->str, texts[i].want) != 0)
				is_str(server->text->str, texts[i].want,
				    texts[i].name);
			server_free(&server);
		}
}

/* What is long, with every kind of line end, in pieces that cut them. */
static void
test_long_text(const char *line, const char *sent, size_t piece)
{
	struct server *server = server_start(NULL, NULL, false);
	GString *text = g_string_new(NULL), *want = g_string_new(NULL);
	struct outcome outcome;

	while (text->len < 3000000) {
		g_string_append(text, line);
		g_string_append(want, sent);
	}
	g_string_append(want, ".\r\n");
	converse(
	    server, &plain, text->str, text->len, piece, PATIENT_MS, &outcome);
	server_stop(server);
	ok(outcome.result == 1 && strcmp(server->text->str, want->str) == 0,
	    "3 MB of lines of %zu octets arrive in pieces of %zu", strlen(line),
	    piece);
	server_free(&server);
	g_string_free(text, TRUE);
	g_string_free(want, TRUE);
}

static void
test_long_texts(void)
{
	char *line = g_strnfill(5000, 'x');
	char *crlf = g_strconcat(line, "\r\n", NULL);

	test_long_text(".\r\n", "..\r\n", 65536);
	test_long_text("\n", "\r\n", 4093);
	test_long_text("ab\r\n.c\nd\re\r\r\n", "ab\r\n..c\r\nd e \r\n", 7);
	test_long_text(crlf, crlf, 100000);
	g_free(line);
	g_free(crlf);
}

/* --- What may not be in a command */

static void
test_refused_envelopes(void)
{
	static const struct smtp_rcpt rcpts[] = {
	    {"a@example.org\r\nRCPT TO:<b@example.org>", NULL, NULL},
	    {"a@example.org\n", NULL, NULL},
	    {"a@example.org\r", NULL, NULL},
	    {"a@example.org> NOTIFY=NEVER", NULL, NULL},
	    {"<a@example.org> NOTIFY=<x>", NULL, NULL},
	    {"<a@example.org", NULL, NULL},
	    {"\"a> \"@example.org", NULL, NULL},
	    {"a b@example.org", NULL, NULL},
	    {"a\t@example.org", NULL, NULL},
	    {"\"a@example.org", NULL, NULL},
	    {"\"a\\\"@example.org", NULL, NULL},
	    {"\"a\\\"@example.org\\", NULL, NULL},
	    {"a\377@example.org", NULL, NULL},
	    {"", NULL, NULL},
	    {"<>", NULL, NULL},
	    {"a@example.org", "NEVER\r\nDATA", NULL},
	    {"a@example.org", "NEVER ORCPT=x", NULL},
	    {"a@example.org", "", NULL},
	    {"a@example.org", NULL, "rfc822;a b"},
	    {"a@example.org", NULL, "rfc822;a>"},
	    {"a@example.org", NULL, "rfc822;a\177"},
	};
	struct smtp_rcpt two[2] = {{"fine@example.org", NULL, NULL}};
	struct smtp_envelope envelope = plain;
	struct server *server = server_start(NULL, NULL, false);
	struct outcome outcome;
	size_t i;

	envelope.rcpts = two;
	for (i = 0; i < G_N_ELEMENTS(rcpts); i++) {
		two[1] = rcpts[i];
		converse(server, &envelope, "x", 1, 1, PATIENT_MS, &outcome);
		ok(outcome.reached == AT_BEGIN &&
			outcome.fault.kind == FAULT_PERM,
		    "no recipient is %zu: %s", i, outcome.fault.text);
	}
	envelope = plain;
	envelope.sender = "a@example.org> SIZE=1";
	converse(server, &envelope, "x", 1, 1, PATIENT_MS, &outcome);
	ok(outcome.reached == AT_BEGIN && outcome.fault.kind == FAULT_PERM,
	    "no sender is %s", envelope.sender);
	envelope.sender = "a@example.org";
	envelope.envid = "a b";
	converse(server, &envelope, "x", 1, 1, PATIENT_MS, &outcome);
	ok(outcome.reached == AT_BEGIN && outcome.fault.kind == FAULT_PERM,
	    "no ENVID is \"a b\"");
	server_stop(server);
	ok(strstr(server->seen->str, "MAIL") == NULL,
	    "nothing of all that reaches the server");
	server_free(&server);
}

static void
test_missing_offers(void)
{
	struct script script = {.ehlo = NOTHING};
	struct smtp_envelope envelope = plain;
	struct server *server = server_start(&script, NULL, false);
	struct outcome outcome;

	envelope.eight_bit = true;
	converse(server, &envelope, "x", 1, 1, PATIENT_MS, &outcome);
	ok(outcome.reached == AT_BEGIN && outcome.fault.kind == FAULT_TEMP,
	    "8-bit text waits for a server that takes it");
	has_str(outcome.fault.text, "8BITMIME", "... and the fault says so");
	envelope.eight_bit = false;
	envelope.utf8 = true;
	converse(server, &envelope, "x", 1, 1, PATIENT_MS, &outcome);
	ok(outcome.reached == AT_BEGIN && outcome.fault.kind == FAULT_PERM,
	    "SMTPUTF8 fails where it is not offered");
	has_str(outcome.fault.text, "does not offer SMTPUTF8",
	    "... and the fault says so");
	server_free(&server);
}

/* --- Servers that fail */

/* Deadlines of those that must not wait are long, so that a wait shows. */
static const struct failure {
	const char *name;
	struct script script;
	int ms;
	enum reached reached;
	int result;
	enum fault_kind kind;
	const char *part; /* of the fault, or of the reply */
} failures[] = {
    {"421 at the greeting", {.greeting = "421 too busy\r\n"}, PATIENT_MS,
	AT_CONNECT, -1, FAULT_TEMP, "greeting: 421 too busy"},
    {"554 at the greeting", {.greeting = "554 no mail here\r\n"}, PATIENT_MS,
	AT_CONNECT, -1, FAULT_TEMP, "greeting: 554 no mail here"},
    {"a greeting of many lines",
	{.greeting = "220-a\r\n220-b\r\n220 c\r\n", .dot = QUEUED}, PATIENT_MS,
	AT_DOT, 1, FAULT_NONE, "queued as"},
    {"a server that hangs up at once", {.greeting = HANGUP}, PATIENT_MS,
	AT_CONNECT, -1, FAULT_TEMP, "greeting: the connection is lost"},
    {"a silent server", {.greeting = SILENCE}, 300, AT_CONNECT, -1, FAULT_TEMP,
	"greeting: no answer before the deadline"},
    {"a greeting that is none", {.greeting = "SSH-2.0-OpenSSH\r\n"}, PATIENT_MS,
	AT_CONNECT, -1, FAULT_TEMP, "no SMTP reply"},
    {"a server that knows HELO only", {.ehlo = "502 5.5.2 what is EHLO?\r\n"},
	PATIENT_MS, AT_CONNECT, -1, FAULT_TEMP, "502 5.5.2 what"},
    {"421 at EHLO", {.ehlo = "421 bye\r\n"}, PATIENT_MS, AT_CONNECT, -1,
	FAULT_TEMP, "421 bye"},
    {"silence at EHLO", {.ehlo = SILENCE}, 300, AT_CONNECT, -1, FAULT_TEMP,
	"deadline"},
    {"codes that differ", {.ehlo = "250-a\r\n550 b\r\n"}, PATIENT_MS,
	AT_CONNECT, -1, FAULT_TEMP, "no SMTP reply"},
    {"451 at MAIL", {.mail = "451 4.3.0 later\r\n"}, PATIENT_MS, AT_BEGIN, -1,
	FAULT_TEMP, "MAIL FROM:<sam@example.net>: 451 4.3.0 later"},
    {"552 at MAIL", {.mail = "552-too\r\n552 5.3.4 big\r\n"}, PATIENT_MS,
	AT_BEGIN, -1, FAULT_PERM, "MAIL FROM:<sam@example.net>: 552 5.3.4 big"},
    {"421 at MAIL", {.mail = "421 bye\r\n"}, PATIENT_MS, AT_BEGIN, -1,
	FAULT_TEMP, "421 bye"},
    {"354 at MAIL", {.mail = "354 go on\r\n"}, PATIENT_MS, AT_BEGIN, -1,
	FAULT_TEMP, "354"},
    {"an end at MAIL", {.mail = HANGUP}, PATIENT_MS, AT_BEGIN, -1, FAULT_TEMP,
	"connection is lost"},
    {"silence at MAIL", {.mail = SILENCE}, 300, AT_BEGIN, -1, FAULT_TEMP,
	"deadline"},
    {"450 at RCPT", {.rcpt = "450 4.2.1 greylisted\r\n"}, PATIENT_MS, AT_BEGIN,
	-1, FAULT_TEMP, "RCPT TO:<alice@example.org>: 450 4.2.1 greylisted"},
    {"550 at one RCPT", {.rcpt_bob = "550 5.1.1 who?\r\n"}, PATIENT_MS,
	AT_BEGIN, -1, FAULT_PERM, "RCPT TO:<bob@example.org>: 550 5.1.1 who?"},
    {"550 at one RCPT of a slow talk",
	{.ehlo = NOTHING, .rcpt_bob = "550 5.1.1 who?\r\n"}, PATIENT_MS,
	AT_BEGIN, -1, FAULT_PERM, "RCPT TO:<bob@example.org>: 550 5.1.1 who?"},
    {"421 at RCPT", {.rcpt = "421 bye\r\n"}, PATIENT_MS, AT_BEGIN, -1,
	FAULT_TEMP, "RCPT TO:<alice@example.org>: 421 bye"},
    {"a reset at RCPT", {.rcpt = RESET}, PATIENT_MS, AT_BEGIN, -1, FAULT_TEMP,
	"connection is lost"},
    {"451 at DATA", {.data = "451 no disk\r\n"}, PATIENT_MS, AT_BEGIN, -1,
	FAULT_TEMP, "DATA: 451 no disk"},
    {"554 at DATA", {.data = "554 no valid recipients\r\n"}, PATIENT_MS,
	AT_BEGIN, -1, FAULT_PERM, "DATA: 554 no valid recipients"},
    {"250 at DATA", {.data = "250 ok\r\n"}, PATIENT_MS, AT_BEGIN, -1,
	FAULT_TEMP, "DATA: 250"},
    {"silence at DATA", {.data = SILENCE}, 300, AT_BEGIN, -1, FAULT_TEMP,
	"deadline"},
    {"452 at the dot", {.dot = "452 4.3.1 no space\r\n"}, PATIENT_MS, AT_DOT, 0,
	FAULT_NONE, "4.3.1 no space"},
    {"554 at the dot", {.dot = "554-no\r\n554 5.7.1 never\r\n"}, PATIENT_MS,
	AT_DOT, 0, FAULT_NONE, "5.7.1 never"},
    {"421 at the dot", {.dot = "421 bye\r\n"}, PATIENT_MS, AT_DOT, 0,
	FAULT_NONE, "bye"},
    {"an answer that is late, but not too late", {.dot_ms = 300}, PATIENT_MS,
	AT_DOT, 1, FAULT_NONE, "queued as"},
    {"an answer that comes too late", {.dot_ms = PATIENT_MS}, 300, AT_DOT, -1,
	FAULT_TEMP, "dot: no answer before the deadline"},
    {"an answer that is lost", {.dot = HANGUP}, PATIENT_MS, AT_DOT, -1,
	FAULT_TEMP, "dot: the connection is lost"},
    {"a reset after the dot", {.dot = RESET}, PATIENT_MS, AT_DOT, -1,
	FAULT_TEMP, "dot: the connection is lost"},
    {"half an answer", {.dot = "250-2.0.0 Ok\r\n250", .hangs_up = true},
	PATIENT_MS, AT_DOT, -1, FAULT_TEMP, "dot: the connection is lost"},
    {"354 after the dot", {.dot = "354 more\r\n"}, PATIENT_MS, AT_DOT, -1,
	FAULT_TEMP, "dot: 354 more"},
    {"nonsense after the dot", {.dot = "fine, thanks\r\n"}, PATIENT_MS, AT_DOT,
	-1, FAULT_TEMP, "dot: the server's answer is no SMTP reply"},
    {"an answer from Sendmail",
	{.dot = "250 2.0.0 4BPGRZ2s012345 Message accepted for delivery\r\n"},
	PATIENT_MS, AT_DOT, 1, FAULT_NONE, "2.0.0 4BPGRZ2s012345"},
    {"an answer before the dot",
	{.data = "354 go on\r\n250 2.0.0 Ok: queued as LIE\r\n"}, PATIENT_MS,
	AT_TEXT, -1, FAULT_TEMP, "before the end of the message: 250"},
    {"one octet each 100 ms", {.trickle_ms = 100}, 500, AT_CONNECT, -1,
	FAULT_TEMP, "deadline"},
    {"one octet each ms", {.trickle_ms = 1}, PATIENT_MS, AT_DOT, 1, FAULT_NONE,
	"queued as"},
};

static void
test_failure(const struct failure *failure)
{
	struct server *server = server_start(&failure->script, NULL, false);
	struct outcome outcome;
	const char *said;
	bool quick;

	converse(server, &plain, "a\r\n", 3, 1, failure->ms, &outcome);
	server_stop(server);
	said = outcome.result >= 0 ? outcome.reply.text : outcome.fault.text;
	ok(outcome.reached == failure->reached &&
		outcome.result == failure->result,
	    "%s: %d at step %d", failure->name, failure->result,
	    failure->reached);
	if (outcome.result == -1)
		is_int(outcome.fault.kind, failure->kind,
		    "... of the kind that it is");
	has_str(said, failure->part, "... and it says why");
	ok(outcome.in_doubt ==
		(outcome.reached == AT_DOT && outcome.result == -1),
	    "... in doubt only after the dot");
	quick = outcome.took_ms < (failure->ms < PATIENT_MS ? failure->ms + 3000
							    : PATIENT_MS / 2);
	ok(quick, "... and it does not wait too long (%d ms)",
	    (int)outcome.took_ms);
	ok(outcome.reached == AT_DOT ||
		strstr(server->seen->str, "\r\n.\r\n") == NULL,
	    "... and without a dot where it fails before");
	ok(outcome.result == 1 || strstr(server->seen->str, "QUIT") == NULL ||
		outcome.reached == AT_DOT,
	    "... and nothing else is sent");
	server_free(&server);
}

static void
test_codes_of_replies(void)
{
	struct script script = {
	    .dot = "250 2.0.0 Ok:\033[1m\303\251 queued as AB1\r\n"};
	struct server *server = server_start(&script, NULL, false);
	struct outcome outcome;

	converse(server, &plain, "a\r\n", 3, 1, PATIENT_MS, &outcome);
	is_int(outcome.reply.code, 250, "the code of a reply is known");
	is_str(outcome.reply.text, "2.0.0 Ok:?[1m?? queued as AB1",
	    "its text is made printable");
	is_str(outcome.reply.queue_id, "AB1", "its queue id is found");
	server_free(&server);
}

/* --- Resets: at octets of the conversation, and of the message */

static void
test_resets(void)
{
	static const size_t octets[] = {0, 1, 100, 150000, 300000};
	char *text = g_strnfill(300000, 'x');
	struct script script;
	struct outcome outcome;
	struct server *server;
	size_t i;

	for (i = 1; i <= 90; i++) {
		memset(&script, 0, sizeof(script));
		script.reset_after = i;
		server = server_start(&script, NULL, false);
		converse(server, &plain, "abcdefghijkl", 12, 1, PATIENT_MS,
		    &outcome);
		if (outcome.result != -1 || outcome.in_doubt ||
		    outcome.fault.kind != FAULT_TEMP)
			ok(false, "a reset after %zu octets is survived", i);
		server_free(&server);
	}
	ok(true, "resets after 1 to 90 octets are failures without doubt");
	for (i = 0; i < G_N_ELEMENTS(octets); i++) {
		memset(&script, 0, sizeof(script));
		script.reset_text = octets[i] + 1;
		server = server_start(&script, NULL, false);
		converse(
		    server, &plain, text, 300000, 1000, PATIENT_MS, &outcome);
		server_stop(server);
		ok(outcome.reached >= AT_TEXT && outcome.result == -1 &&
			outcome.fault.kind == FAULT_TEMP,
		    "a reset after %zu octets of the message is a failure",
		    octets[i]);
		ok(server->messages == 0 && outcome.took_ms < PATIENT_MS / 2,
		    "... without a message, and without a wait");
		server_free(&server);
	}
	g_free(text);
}

/* --- Servers that stop reading */

static void
test_early_replies(void)
{
	size_t len = (size_t)40 * 1000 * 1000;
	char *text = g_strnfill(len, 'x');

	static const struct {
		const char *early;
		enum fault_kind kind;
		const char *part;
	} cases[] = {
	    {"552 5.3.4 too much\r\n", FAULT_PERM, "552 5.3.4 too much"},
	    {"421 4.3.2 going down\r\n", FAULT_TEMP, "421 4.3.2 going down"},
	    {"250 taken\r\n", FAULT_TEMP, "250 taken"},
	    {"nonsense\r\n", FAULT_TEMP, "no SMTP reply"},
	    {"55", FAULT_TEMP, "deadline"},
	};
	struct script script = {.early_after = 100};
	struct outcome outcome;
	struct server *server;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		script.early = cases[i].early;
		server = server_start(&script, NULL, false);
		converse(
		    server, &plain, text, len, 10000, PATIENT_MS, &outcome);
		server_stop(server);
		ok(outcome.reached == AT_TEXT &&
			outcome.fault.kind == cases[i].kind &&
			outcome.took_ms < PATIENT_MS / 2,
		    "an early answer %.3s is heard while the text is written",
		    cases[i].early);
		has_str(outcome.fault.text, cases[i].part,
		    "... and told to the caller");
		server_free(&server);
	}
	script = (struct script){.slow_reader = true};
	server = server_start(&script, NULL, false);
	converse(server, &plain, text, len, 10000, 500, &outcome);
	server_stop(server);
	ok(outcome.reached == AT_TEXT && outcome.took_ms >= 400 &&
		outcome.took_ms < 3500,
	    "a server that does not read is waited for until the deadline");
	has_str(
	    outcome.fault.text, "took nothing", "... and the fault says so");
	server_free(&server);
	g_free(text);
}

/* Between flush and dot, while another copy is streamed. */
static void
test_reply_before_the_dot(
    const char *early, int want, const char *part, bool checked)
{
	struct script script = {.early = early, .early_after = 3};
	struct script reset = {.reset_text = 4}; /* after three */
	struct server *server =
	    server_start(early != NULL ? &script : &reset, NULL, false);
	struct smtp_target *target = server_target(server);
	struct smtp_reply reply = {0};
	struct fault fault = {FAULT_NONE, ""};
	gint64 deadline = server_deadline(PATIENT_MS);
	struct smtp *smtp = NULL;
	int r = -2;

	if (smtp_connect(target, deadline, &smtp, &fault) == 0 &&
	    smtp_begin(smtp, &plain, deadline, &fault) == 0 &&
	    smtp_write(smtp, "a\r\n", 3, deadline, &fault) == 0 &&
	    smtp_flush(smtp, deadline, &fault) == 0) {
		while (!g_atomic_int_get(&server->said_early) &&
		       g_get_monotonic_time() < deadline)
			(void)poll(NULL, 0, 1);
		/* A reset comes a moment after that. */
		while (checked &&
		       (r = smtp_check(smtp, deadline, &fault)) == 0 &&
		       g_get_monotonic_time() < deadline)
			(void)poll(NULL, 0, 1);
		if (!checked)
			r = smtp_commit(smtp, deadline, &reply, &fault);
	}
	is_int(r, want, "what is said before the dot is no answer to it");
	has_str(r == 0 ? reply.text : fault.text, part, "... but is told");
	smtp_close(&smtp);
	g_atomic_int_set(&server->left, 1);
	smtp_target_free(&target);
	server_free(&server);
}

/* --- Replies without measure */

static void
test_endless_replies(void)
{
	GString *lines = g_string_new(NULL);
	struct script script = {0};
	struct server *server;
	struct outcome outcome;
	char *long_line = g_strnfill(3000, 'x');
	int i;

	for (i = 0; i < 10000; i++)
		g_string_append(lines, "250-and so on\r\n");
	script.ehlo = lines->str;
	server = server_start(&script, NULL, false);
	converse(server, &plain, "a\r\n", 3, 1, PATIENT_MS, &outcome);
	ok(outcome.reached == AT_CONNECT && outcome.took_ms < PATIENT_MS / 2,
	    "a reply without an end is none");
	server_free(&server);
	g_string_printf(lines, "250 %s\r\n", long_line);
	script.ehlo = lines->str;
	server = server_start(&script, NULL, false);
	converse(server, &plain, "a\r\n", 3, 1, PATIENT_MS, &outcome);
	ok(outcome.reached == AT_CONNECT, "a line of 3000 octets is none");
	server_free(&server);
	g_string_printf(lines, "250 %.2000s\r\n", long_line);
	script.ehlo = NULL;
	script.dot = lines->str;
	server = server_start(&script, NULL, false);
	converse(server, &plain, "a\r\n", 3, 1, PATIENT_MS, &outcome);
	ok(outcome.result == 1 && strlen(outcome.reply.text) == 399,
	    "a line of 2000 octets is one, and cut");
	server_free(&server);
	g_string_free(lines, TRUE);
	g_free(long_line);
}

/* --- Nobody there */

static void
test_nobody(void)
{
	struct server *server = server_start(NULL, NULL, false);
	struct outcome outcome;
	char *path = g_build_filename(directory, "nobody", NULL);

	server_stop(server); /* its port is closed now */
	converse(server, &plain, "", 0, 1, PATIENT_MS, &outcome);
	ok(outcome.reached == AT_CONNECT && outcome.fault.kind == FAULT_TEMP,
	    "a closed port is a temporary failure");
	has_str(
	    outcome.fault.text, server->target, "... that names the server");
	g_free(server->target);
	server->target = g_strconcat("unix:", path, NULL);
	converse(server, &plain, "", 0, 1, PATIENT_MS, &outcome);
	ok(outcome.reached == AT_CONNECT && outcome.fault.kind == FAULT_TEMP,
	    "a socket that is not there as well");
	server_free(&server);
	g_free(path);
}

/* --- One connection, many messages */

static int
one_message(struct smtp *smtp, struct fault *fault)
{
	gint64 deadline = server_deadline(PATIENT_MS);
	struct smtp_reply reply;

	if (smtp_begin(smtp, &plain, deadline, fault) != 0 ||
	    smtp_write(smtp, "a\r", 2, deadline, fault) != 0 ||
	    smtp_flush(smtp, deadline, fault) != 0 ||
	    smtp_check(smtp, deadline, fault) != 0)
		return -1;
	return smtp_commit(smtp, deadline, &reply, fault);
}

static void
test_reuse(void)
{
	struct server *server = server_start(NULL, NULL, false);
	struct smtp_target *target = server_target(server);
	struct fault fault = {FAULT_NONE, ""};
	struct smtp *smtp = NULL;
	int i, taken = 0;

	is_int(smtp_connect(target, server_deadline(PATIENT_MS), &smtp, &fault),
	    0, "a connection is made");
	ok(smtp_is_quiet(smtp), "and is quiet");
	for (i = 0; i < 20; i++)
		taken += one_message(smtp, &fault) == 1;
	is_int(taken, 20, "20 messages go over one connection");
	is_int(smtp_messages(smtp), 20, "... and are counted");
	ok(smtp_is_fresh(smtp), "... which is good for more");
	is_int(smtp_write(smtp, "x", 1, 0, &fault), -1,
	    "a message that is not begun cannot be written");
	is_int(fault.kind, FAULT_BUG, "... which is a bug");
	ok(!smtp_is_fresh(smtp), "... and the end of the connection");
	smtp_close(&smtp);
	server_stop(server);
	is_int(server->connections, 1, "it was one connection");
	server_free(&server);
	smtp_target_free(&target);
}

static void
test_stale(const char *name, const struct script *script)
{
	struct server *server = server_start(script, NULL, true);
	struct smtp_target *target = server_target(server);
	struct fault fault = {FAULT_NONE, ""};
	struct smtp *smtp = NULL;

	ok(smtp_connect(target, server_deadline(PATIENT_MS), &smtp, &fault) ==
		    0 &&
		one_message(smtp, &fault) == 1 &&
		one_message(smtp, &fault) == -1 && smtp_is_stale(smtp) &&
		fault.kind == FAULT_TEMP,
	    "%s makes the connection stale", name);
	smtp_close(&smtp);
	server_free(&server);
	smtp_target_free(&target);
}

int
main(void)
{
	size_t i;

	directory = g_dir_make_tmp("test-smtp-XXXXXX", NULL);
	test_targets();
	test_conversations();
	test_pipelining();
	test_texts();
	test_long_texts();
	test_refused_envelopes();
	test_missing_offers();
	for (i = 0; i < G_N_ELEMENTS(failures); i++)
		test_failure(&failures[i]);
	test_codes_of_replies();
	test_resets();
	test_early_replies();
	test_reply_before_the_dot("452 full\r\n", 0, "full", false);
	test_reply_before_the_dot("250 taken\r\n", -1, "before the end", false);
	test_reply_before_the_dot("452 full\r\n", -1, "full", true);
	test_reply_before_the_dot("250 taken\r\n", -1, "before the end", true);
	test_reply_before_the_dot(NULL, -1, "connection is lost", true);
	test_endless_replies();
	test_nobody();
	test_reuse();
	test_stale(
	    "an end after a message", &(struct script){.hangs_up = true});
	test_stale("421 at the next MAIL", &(struct script){.limit = 1});
	(void)g_rmdir(directory);
	g_free(directory);
	return tap_done();
}
