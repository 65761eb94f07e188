/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * smtp.c - one conversation with an SMTP server, up to the dot and beyond.
 *
 * In:    a target, envelopes, messages in pieces.
 * Out:   messages that the server has taken, or the reason why it has not.
 * Never: takes for the answer to the dot what was said before it, sends
 *        anything after a message that it did not finish, or tries again.
 */
#include "milter/smtp.h"

#include "milter/smtp_private.h"
#include "seal/crash_point.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEXT_OCTETS 65536U

/* Commands that are sent before their answers are read (RFC 2920): few enough
 * that the answers fit into any socket while nobody reads them. */
#define PIPELINE_COMMANDS 50U

/* Of a command in a fault, so that the reply fits in as well. */
#define STAGE_OCTETS 150U

/* How long the rest of an answer that comes too early may take. */
#define EARLY_REPLY_US (2 * G_USEC_PER_SEC)

enum state {
	STATE_FRESH,   /* between messages */
	STATE_BEGUN,   /* in the envelope */
	STATE_TEXT,    /* after 354 */
	STATE_FLUSHED, /* but for the dot */
	STATE_SPENT,   /* good for nothing */
};

struct smtp {
	struct smtp_io io;
	char *name; /* of the target */
	enum state state;
	unsigned int offers; /* enum smtp_offer */
	unsigned int messages;
	bool stale, in_doubt;
	struct smtp_reply refusal; /* before the dot; code 0: none */
	struct smtp_text text;
	size_t out_len;
	unsigned char out[TEXT_OCTETS];
};

static int greet(struct smtp *smtp, gint64 deadline_us, struct fault *fault);
static int ask(struct smtp *smtp, const char *command, int want,
    smtp_line *on_line, void *context, gint64 deadline_us, struct fault *fault);
static int send_command(struct smtp *smtp, const char *octets, size_t len,
    gint64 deadline_us, struct fault *fault);
static GPtrArray *make_commands(const struct smtp *smtp,
    const struct smtp_envelope *envelope, struct fault *fault);
static int send_envelope(struct smtp *smtp, const GPtrArray *commands,
    gint64 deadline_us, struct fault *fault);
static int read_envelope_reply(struct smtp *smtp, const char *command,
    bool first, gint64 deadline_us, struct fault *fault);
static void refuse(struct smtp *smtp, const struct smtp_reply *reply,
    const char *command, struct fault *fault);
static void say_stage(const char *command, struct fault *fault);
static int push(struct smtp *smtp, gint64 deadline_us, struct fault *fault);
static int send_text(struct smtp *smtp, const void *octets, size_t len,
    size_t *donep, gint64 deadline_us, struct fault *fault);
static int hear_early(
    struct smtp *smtp, gint64 deadline_us, struct fault *fault);
static int read_final_reply(struct smtp *smtp, gint64 deadline_us,
    struct smtp_reply *reply, struct fault *fault);
static int fail(struct smtp *smtp, struct fault *fault);
static int fail_out_of_turn(
    struct smtp *smtp, const char *function, struct fault *fault);

int
smtp_connect(const struct smtp_target *target, gint64 deadline_us,
    struct smtp **smtpp, struct fault *fault)
{
	struct smtp *smtp = g_new0(struct smtp, 1);

	smtp->name = g_strdup(smtp_target_name(target));
	smtp->io.fd = smtp_target_connect(target, deadline_us, fault);
	if (smtp->io.fd == -1 || greet(smtp, deadline_us, fault) != 0) {
		(void)fail(smtp, fault);
		smtp_close(&smtp);
		return -1;
	}
	*smtpp = smtp;
	return 0;
}

/* A server that is not ready for mail may be so later, whatever it says. */
static int
greet(struct smtp *smtp, gint64 deadline_us, struct fault *fault)
{
	struct fault why = {FAULT_NONE, ""};
	char *ehlo, *host = g_strdup(g_get_host_name());
	int r;

	if (host[0] == '\0' ||
	    strspn(host, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-.") !=
		strlen(host)) {
		g_free(host);
		host = g_strdup("localhost");
	}
	ehlo = g_strconcat("EHLO ", host, NULL);
	r = ask(smtp, NULL, 220, NULL, NULL, deadline_us, &why);
	if (r == 0)
		r = ask(smtp, ehlo, 250, smtp_offer_line, &smtp->offers,
		    deadline_us, &why);
	if (r != 0)
		fault_set(fault, FAULT_TEMP, "%s", why.text);
	g_free(ehlo);
	g_free(host);
	return r;
}

/* Sends that (NULL: nothing, for the greeting) and wants that code. */
static int
ask(struct smtp *smtp, const char *command, int want, smtp_line *on_line,
    void *context, gint64 deadline_us, struct fault *fault)
{
	const char *stage = command == NULL ? "greeting" : command;
	struct smtp_reply reply;
	char *line;
	int r = 0;

	if (command != NULL) {
		line = g_strconcat(command, "\r\n", NULL);
		r = send_command(smtp, line, strlen(line), deadline_us, fault);
		g_free(line);
	}
	if (r == 0)
		r = smtp_io_reply(
		    &smtp->io, on_line, context, &reply, deadline_us, fault);
	if (r != 0)
		say_stage(stage, fault);
	else if (reply.code != want)
		refuse(smtp, &reply, stage, fault);
	return r == 0 && reply.code == want ? 0 : -1;
}

/* What was lost while it was sent shows when its answer is read; the server
 * may have said why. */
static int
send_command(struct smtp *smtp, const char *octets, size_t len,
    gint64 deadline_us, struct fault *fault)
{
	if (smtp_io_send(&smtp->io, octets, len, false, NULL, deadline_us,
		fault) == SMTP_SENT_FAILED &&
	    !smtp->io.lost)
		return -1;
	return 0;
}

int
smtp_begin(struct smtp *smtp, const struct smtp_envelope *envelope,
    gint64 deadline_us, struct fault *fault)
{
	GPtrArray *commands = NULL;
	int ret = -1;

	if (smtp->state != STATE_FRESH || envelope->rcpts_count == 0)
		return fail_out_of_turn(smtp, "smtp_begin", fault);
	smtp->state = STATE_BEGUN;
	smtp->in_doubt = false;
	smtp->refusal.code = 0;
	smtp->text = (struct smtp_text){false, false};
	smtp->out_len = 0;
	if (!smtp_io_is_quiet(&smtp->io)) {
		smtp->stale = true;
		fault_set(fault, FAULT_TEMP,
		    "the server closed the connection, or spoke unasked");
		goto out;
	}
	if ((commands = make_commands(smtp, envelope, fault)) == NULL ||
	    send_envelope(smtp, commands, deadline_us, fault) != 0)
		goto out;
	/* Not together with the others: then there would be a message to a
	 * part of the recipients, if only until we hang up. */
	if (ask(smtp, "DATA", 354, NULL, NULL, deadline_us, fault) != 0)
		goto out;
	smtp->state = STATE_TEXT;
	ret = 0;
out:
	if (commands != NULL)
		g_ptr_array_unref(commands);
	return ret == 0 ? 0 : fail(smtp, fault);
}

int
smtp_ask_sender(struct smtp *smtp, const char *sender, gint64 deadline_us,
    struct smtp_reply *reply, struct fault *fault)
{
	const struct smtp_envelope envelope = {.sender = sender};
	char *command = NULL, *line;
	int r = -1;

	if (smtp->state != STATE_FRESH)
		return fail_out_of_turn(smtp, "smtp_ask_sender", fault);
	smtp->state = STATE_BEGUN;
	if (smtp_command_mail(&envelope, smtp->offers, &command, fault) != 0)
		return fail(smtp, fault);
	line = g_strconcat(command, "\r\n", NULL);
	if (send_command(smtp, line, strlen(line), deadline_us, fault) == 0)
		r = smtp_io_reply(
		    &smtp->io, NULL, NULL, reply, deadline_us, fault);
	g_free(line);
	g_free(command);
	return r == 0 ? 0 : fail(smtp, fault);
}

/* All of them, before any is sent. */
static GPtrArray *
make_commands(const struct smtp *smtp, const struct smtp_envelope *envelope,
    struct fault *fault)
{
	GPtrArray *commands = g_ptr_array_new_with_free_func(g_free);
	char *command = NULL;
	size_t i;
	int r;

	r = smtp_command_mail(envelope, smtp->offers, &command, fault);
	g_ptr_array_add(commands, command);
	for (i = 0; i < envelope->rcpts_count && r == 0; i++) {
		r = smtp_command_rcpt(
		    &envelope->rcpts[i], smtp->offers, &command, fault);
		g_ptr_array_add(commands, command);
	}
	if (r != 0)
		g_clear_pointer(&commands, g_ptr_array_unref);
	return commands;
}

static int
send_envelope(struct smtp *smtp, const GPtrArray *commands, gint64 deadline_us,
    struct fault *fault)
{
	guint most = (smtp->offers & SMTP_PIPELINING) ? PIPELINE_COMMANDS : 1;
	guint at, i, end;
	GString *lines = g_string_new(NULL);
	int r = 0;

	for (at = 0; at < commands->len && r == 0; at = end) {
		end = MIN(at + most, commands->len);
		g_string_truncate(lines, 0);
		for (i = at; i < end; i++)
			g_string_append_printf(lines, "%s\r\n",
			    (const char *)g_ptr_array_index(commands, i));
		r = send_command(
		    smtp, lines->str, lines->len, deadline_us, fault);
		if (r != 0)
			say_stage(g_ptr_array_index(commands, at), fault);
		for (i = at; i < end && r == 0; i++)
			r = read_envelope_reply(smtp,
			    g_ptr_array_index(commands, i), i == 0, deadline_us,
			    fault);
	}
	g_string_free(lines, TRUE);
	return r;
}

static int
read_envelope_reply(struct smtp *smtp, const char *command, bool first,
    gint64 deadline_us, struct fault *fault)
{
	struct smtp_reply reply;

	if (smtp_io_reply(&smtp->io, NULL, NULL, &reply, deadline_us, fault) !=
	    0) {
		smtp->stale = first && smtp->io.lost;
		say_stage(command, fault);
		return -1;
	}
	smtp->stale = first && reply.code == 421;
	if (reply.code / 100 == 2)
		return 0;
	refuse(smtp, &reply, command, fault);
	return -1;
}

static void
refuse(struct smtp *smtp, const struct smtp_reply *reply, const char *command,
    struct fault *fault)
{
	smtp->refusal = *reply;
	fault_set(fault, reply->code / 100 == 5 ? FAULT_PERM : FAULT_TEMP,
	    "%d %s", reply->code, reply->text);
	say_stage(command, fault);
}

/* Parameters are left out: they would say nothing. */
static void
say_stage(const char *command, struct fault *fault)
{
	const char *end = strstr(command, "> ");
	size_t len =
	    end == NULL ? strlen(command) : (size_t)(end - command) + 1;

	fault_prefix(fault, "%.*s", (int)MIN(len, STAGE_OCTETS), command);
}

const struct smtp_reply *
smtp_refusal(const struct smtp *smtp)
{
	return &smtp->refusal;
}

bool
smtp_is_stale(const struct smtp *smtp)
{
	return smtp->stale;
}

int
smtp_write(struct smtp *smtp, const void *data, size_t len, gint64 deadline_us,
    struct fault *fault)
{
	const unsigned char *octets = data;
	size_t used;

	if (smtp->state != STATE_TEXT)
		return fail_out_of_turn(smtp, "smtp_write", fault);
	while (len > 0) {
		used = smtp_text_add(&smtp->text, octets, len, smtp->out,
		    sizeof(smtp->out), &smtp->out_len);
		octets += used;
		len -= used;
		if (len > 0 && push(smtp, deadline_us, fault) != 0)
			return -1;
	}
	return 0;
}

int
smtp_flush(struct smtp *smtp, gint64 deadline_us, struct fault *fault)
{
	if (smtp->state != STATE_TEXT)
		return fail_out_of_turn(smtp, "smtp_flush", fault);
	if (sizeof(smtp->out) - smtp->out_len < 3 &&
	    push(smtp, deadline_us, fault) != 0)
		return -1;
	smtp_text_end(&smtp->text, smtp->out, &smtp->out_len);
	if (push(smtp, deadline_us, fault) != 0)
		return -1;
	smtp->state = STATE_FLUSHED;
	return 0;
}

int
smtp_check(struct smtp *smtp, gint64 deadline_us, struct fault *fault)
{
	if (smtp->state != STATE_FLUSHED)
		return fail_out_of_turn(smtp, "smtp_check", fault);
	if (smtp_io_is_quiet(&smtp->io))
		return 0;
	return hear_early(smtp, deadline_us, fault);
}

static int
push(struct smtp *smtp, gint64 deadline_us, struct fault *fault)
{
	size_t len = smtp->out_len;

	smtp->out_len = 0;
	return send_text(smtp, smtp->out, len, NULL, deadline_us, fault);
}

/* -1: smtp->refusal has what the server said instead of waiting for the dot. */
static int
send_text(struct smtp *smtp, const void *octets, size_t len, size_t *donep,
    gint64 deadline_us, struct fault *fault)
{
	enum smtp_sent sent;

	sent = smtp_io_send(
	    &smtp->io, octets, len, true, donep, deadline_us, fault);
	if (sent == SMTP_SENT_ALL)
		return 0;
	if (sent == SMTP_SENT_HEARD || smtp->io.lost)
		return hear_early(smtp, deadline_us, fault);
	return fail(smtp, fault);
}

/* Why the server does not wait for the dot. */
static int
hear_early(struct smtp *smtp, gint64 deadline_us, struct fault *fault)
{
	const gint64 soon = g_get_monotonic_time() + EARLY_REPLY_US;
	struct smtp_reply reply;

	if (smtp_io_reply(&smtp->io, NULL, NULL, &reply, MIN(soon, deadline_us),
		fault) == 0)
		refuse(smtp, &reply, "before the end of the message", fault);
	return fail(smtp, fault);
}

int
smtp_commit(struct smtp *smtp, gint64 deadline_us, struct smtp_reply *reply,
    struct fault *fault)
{
	static const char dot[] = ".\r\n";
	size_t done = 0;
	int r = 0;

	if (smtp->state == STATE_TEXT)
		r = smtp_flush(smtp, deadline_us, fault);
	else if (smtp->state != STATE_FLUSHED)
		return fail_out_of_turn(smtp, "smtp_commit", fault);
	if (r == 0)
		r = send_text(
		    smtp, dot, strlen(dot), &done, deadline_us, fault);
	smtp->in_doubt = done > 0;
	if (r == 0) {
		crash_point("K4");
		return read_final_reply(smtp, deadline_us, reply, fault);
	}
	if (done > 0 || smtp->refusal.code < 400)
		return -1;
	*reply = smtp->refusal;
	return 0;
}

static int
read_final_reply(struct smtp *smtp, gint64 deadline_us,
    struct smtp_reply *reply, struct fault *fault)
{
	struct smtp_reply got;

	if (smtp_io_reply(&smtp->io, NULL, NULL, &got, deadline_us, fault) !=
	    0) {
		fault_prefix(fault, "dot");
		return fail(smtp, fault);
	}
	if (got.code / 100 == 3) {
		refuse(smtp, &got, "dot", fault);
		return fail(smtp, fault);
	}
	*reply = got;
	smtp->in_doubt = false;
	smtp->messages++;
	smtp->state = got.code == 421 ? STATE_SPENT : STATE_FRESH;
	return got.code / 100 == 2 ? 1 : 0;
}

bool
smtp_is_in_doubt(const struct smtp *smtp)
{
	return smtp->in_doubt;
}

static int
fail(struct smtp *smtp, struct fault *fault)
{
	smtp->state = STATE_SPENT;
	if (fault->kind != FAULT_PERM)
		fault_prefix(fault, "%s", smtp->name);
	return -1;
}

static int
fail_out_of_turn(struct smtp *smtp, const char *function, struct fault *fault)
{
	fault_set(fault, FAULT_BUG, "%s() is out of turn", function);
	return fail(smtp, fault);
}

bool
smtp_is_fresh(const struct smtp *smtp)
{
	return smtp->state == STATE_FRESH;
}

bool
smtp_is_quiet(const struct smtp *smtp)
{
	return smtp_is_fresh(smtp) && smtp_io_is_quiet(&smtp->io);
}

unsigned int
smtp_messages(const struct smtp *smtp)
{
	return smtp->messages;
}

void
smtp_close(struct smtp **smtpp)
{
	static const char quit[] = "QUIT\r\n";
	struct smtp *smtp = *smtpp;

	if (smtp == NULL)
		return;
	if (smtp->io.fd != -1) {
		if (smtp_is_quiet(smtp))
			(void)send(smtp->io.fd, quit, strlen(quit),
			    MSG_NOSIGNAL | MSG_DONTWAIT);
		(void)close(smtp->io.fd);
	}
	g_free(smtp->name);
	g_free(smtp);
	*smtpp = NULL;
}
