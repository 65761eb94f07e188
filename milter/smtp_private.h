/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SMTP_PRIVATE_H
#define MILTER_SMTP_PRIVATE_H

#include "milter/smtp.h"

/* --- smtp_reply.c: what a server says */

#define SMTP_LINE_OCTETS 2048U /* RFC 5321 4.5.3.1.5 says 512 */
#define SMTP_REPLY_LINES 128U

/* One line of a reply, the n-th from 0, without its code. */
typedef void smtp_line(void *context, unsigned int n, const char *text);

struct smtp_parser {
	smtp_line *on_line; /* or NULL */
	void *context;
	int code; /* of the lines so far, or 0 */
	unsigned int lines;
	size_t len;
	char line[SMTP_LINE_OCTETS];
};

void smtp_parser_begin(
    struct smtp_parser *parser, smtp_line *on_line, void *context);

/*
 * Takes octets up to the end of one reply; *usedp says how many.  1: *reply
 * is filled; 0: more is needed; -1: this is no reply.
 */
int smtp_parser_feed(struct smtp_parser *parser, const unsigned char *data,
    size_t len, size_t *usedp, struct smtp_reply *reply);

/* --- smtp_command.c: what we say */

enum smtp_offer {
	SMTP_PIPELINING = 1U << 0,
	SMTP_SIZE = 1U << 1,
	SMTP_8BITMIME = 1U << 2,
	SMTP_DSN = 1U << 3,
	SMTP_SMTPUTF8 = 1U << 4,
};

/* An smtp_line of the answer to EHLO; context is an unsigned int of offers. */
void smtp_offer_line(void *context, unsigned int n, const char *text);

/* Commands without CRLF.  -1: nothing of that may be sent to anybody. */
int smtp_command_mail(const struct smtp_envelope *envelope, unsigned int offers,
    char **commandp, struct fault *fault);
int smtp_command_rcpt(const struct smtp_rcpt *rcpt, unsigned int offers,
    char **commandp, struct fault *fault);

/* --- smtp_text.c: the message */

struct smtp_text {
	bool in_line; /* something stands before, in this line */
	bool cr;      /* the last octet was a CR; nobody has it yet */
};

/*
 * Appends to the *out_lenp octets of out as much of data as fits into size.
 * The octets of data that it took.
 */
size_t smtp_text_add(struct smtp_text *text, const unsigned char *data,
    size_t len, unsigned char *out, size_t size, size_t *out_lenp);

/* Ends the last line; needs room for 3 octets. */
void smtp_text_end(
    struct smtp_text *text, unsigned char *out, size_t *out_lenp);

/* --- smtp_target.c */

/* A connected socket that does not block, or -1. */
int smtp_target_connect(
    const struct smtp_target *target, gint64 deadline_us, struct fault *fault);

/* --- smtp_io.c: octets over a socket */

struct smtp_io {
	int fd;
	bool lost; /* closed or broken, rather than late */
	size_t in_at, in_len;
	unsigned char in[4096];
};

/* 1: *gotp says what is possible; 0: the time is over; -1: errno. */
int smtp_io_wait(int fd, short events, short *gotp, gint64 deadline_us);

enum smtp_sent {
	SMTP_SENT_ALL,
	SMTP_SENT_HEARD, /* something can be read first */
	SMTP_SENT_FAILED,
};

/*
 * Sends, unless something can be read, if it shall listen.  *donep, which may
 * be NULL, is what went out in any case.
 */
enum smtp_sent smtp_io_send(struct smtp_io *io, const void *data, size_t len,
    bool listen, size_t *donep, gint64 deadline_us, struct fault *fault);

/* Waits for one whole reply. */
int smtp_io_reply(struct smtp_io *io, smtp_line *on_line, void *context,
    struct smtp_reply *reply, gint64 deadline_us, struct fault *fault);

/* Nothing was said that nobody has read, and the other end is there. */
bool smtp_io_is_quiet(const struct smtp_io *io);

#endif
