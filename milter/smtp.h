/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SMTP_H
#define MILTER_SMTP_H

#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * An SMTP client (RFC 5321) that gives messages back to the MTA and can stop
 * before the dot that ends one: until then the server has queued nothing, and
 * throws away what it has when the connection closes.
 *
 * A connection is used by one thread at a time.  deadline_us is a time of
 * g_get_monotonic_time(); nothing here waits longer, but for the look-up of a
 * host's name (an IP address needs none).  A fault names the server first,
 * but for a PERM one: that is about the message, and its client may read it,
 * who need not know where copies go.  No TLS: the server is on this host
 * or on a network that is trusted as if it were.
 */
struct smtp_target;
struct smtp;

/*
 * "smtp://HOST:PORT", HOST being a name, an IPv4 address or an IPv6 address
 * in brackets; or "unix:/PATH".  0: *targetp is the caller's.  -1: *complaintp
 * is a phrase that goes on where the text ends ("needs a port ..."), static.
 */
int smtp_target_parse(
    const char *text, struct smtp_target **targetp, const char **complaintp);
void smtp_target_free(struct smtp_target **targetp);

/* As it was written. */
const char *smtp_target_name(const struct smtp_target *target);

struct smtp_rcpt {
	const char *address; /* with or without <> */
	const char *notify;  /* "NEVER" and so on (RFC 3461 4.1), or NULL */
	const char *orcpt;   /* "rfc822;a@b" in xtext (4.2), or NULL */
};

struct smtp_envelope {
	const char *sender; /* "" or "<>" for none */
	const struct smtp_rcpt *rcpts;
	size_t rcpts_count;
	const char *ret, *envid; /* RFC 3461 4.3 and 4.4, or NULL */
	uint64_t size;           /* octets (RFC 1870), 0 if not known */
	bool eight_bit;          /* BODY=8BITMIME (RFC 6152) */
	bool utf8; /* SMTPUTF8 (RFC 6531); 8-bit addresses imply it */
};

struct smtp_reply {
	int code;       /* 200 to 599 */
	char text[400]; /* the last line without its code; ASCII, no controls */
	char queue_id[64]; /* as Postfix and Sendmail tell it, else "-" */
};

/*
 * Connects, waits for the greeting, and says EHLO; HELO would not do.  0:
 * *smtpp is the caller's.  -1: always TEMP, for what a server says there is
 * about itself and not about a message.
 */
int smtp_connect(const struct smtp_target *target, gint64 deadline_us,
    struct smtp **smtpp, struct fault *fault);

/*
 * MAIL, RCPT for all, and DATA.  What the server does not offer of DSN and
 * SIZE is left out.  -1: TEMP after a 4xx, if the connection fails, and where
 * 8BITMIME is needed and not offered; PERM after a 5xx, where SMTPUTF8 is
 * needed and not offered, and if the envelope holds what must not be in a
 * command; the fault names stage, recipient and reply.  One recipient refused
 * is all refused.  After -1 the connection is good for smtp_close() only.
 */
int smtp_begin(struct smtp *smtp, const struct smtp_envelope *envelope,
    gint64 deadline_us, struct fault *fault);

/*
 * Asks what the server says to a sender, and no more: 0 and *reply, whatever
 * its code; or -1 with fault.  Good for smtp_close() only, then.
 */
int smtp_ask_sender(struct smtp *smtp, const char *sender, gint64 deadline_us,
    struct smtp_reply *reply, struct fault *fault);

/*
 * After one of these failed: what the server said that was not wanted, before
 * the dot; code 0 if it was not for a reply.  Lives as long as the connection.
 */
const struct smtp_reply *smtp_refusal(const struct smtp *smtp);

/* After smtp_begin() failed: the connection ended, or the server ended it by
 * a 421, before MAIL had another answer.  It was too old, which says nothing
 * about the message. */
bool smtp_is_stale(const struct smtp *smtp);

/*
 * The message, in pieces of any size.  Nothing but CRLF ends a line for the
 * server: a LF alone becomes CRLF, a CR alone a blank (smtp_text.c says why).
 * -1: also if the server answers already; then as smtp_begin().
 */
int smtp_write(struct smtp *smtp, const void *data, size_t len,
    gint64 deadline_us, struct fault *fault);

/* Ends the message: everything but the dot is on its way.  Nothing can be
 * written after it. */
int smtp_flush(struct smtp *smtp, gint64 deadline_us, struct fault *fault);

/*
 * After the flush: 0 if the server waits for the dot, as far as can be seen
 * without waiting; -1 as smtp_write().
 */
int smtp_check(struct smtp *smtp, gint64 deadline_us, struct fault *fault);

/*
 * The dot and its answer.  1: the server has taken the message (2xx).  0: it
 * refused it (4xx, 5xx), now or already before the dot.  *reply is filled
 * with both.  -1: no answer; the fault says how, and smtp_is_in_doubt()
 * whether the server may have the message all the same.
 */
int smtp_commit(struct smtp *smtp, gint64 deadline_us, struct smtp_reply *reply,
    struct fault *fault);

/* After smtp_commit() failed: some of the dot had gone out. */
bool smtp_is_in_doubt(const struct smtp *smtp);

/* Between two messages: another one may follow. */
bool smtp_is_fresh(const struct smtp *smtp);

/* Fresh, and the server has neither closed it nor said anything since. */
bool smtp_is_quiet(const struct smtp *smtp);

/* That were committed, taken or refused. */
unsigned int smtp_messages(const struct smtp *smtp);

/* Says QUIT if that needs no waiting and no message is open; else nothing. */
void smtp_close(struct smtp **smtpp);

#endif
