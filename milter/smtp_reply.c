/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * smtp_reply.c - read replies of an SMTP server (RFC 5321 4.2).
 *
 * In:    octets, in pieces of any size.
 * Out:   a code and the text of the last line, made printable.
 * Never: takes more lines, or longer ones, than its limits; waits.
 */
#include "milter/smtp_private.h"

#include <string.h>

static int take_line(struct smtp_parser *parser, struct smtp_reply *reply);
static int parse_code(const char *line, size_t len);
static void find_queue_id(struct smtp_reply *reply);
static void take_id(const char *text, size_t len, struct smtp_reply *reply);

void
smtp_parser_begin(struct smtp_parser *parser, smtp_line *on_line, void *context)
{
	parser->on_line = on_line;
	parser->context = context;
	parser->code = 0;
	parser->lines = 0;
	parser->len = 0;
}

int
smtp_parser_feed(struct smtp_parser *parser, const unsigned char *data,
    size_t len, size_t *usedp, struct smtp_reply *reply)
{
	size_t i;
	int r;

	for (i = 0; i < len; i++) {
		if (data[i] != '\n') {
			if (parser->len + 1 >= sizeof(parser->line))
				return -1;
			parser->line[parser->len++] = (char)data[i];
			continue;
		}
		r = take_line(parser, reply);
		parser->len = 0;
		if (r != 0) {
			*usedp = i + 1;
			return r;
		}
	}
	*usedp = len;
	return 0;
}

/* As smtp_parser_feed(). */
static int
take_line(struct smtp_parser *parser, struct smtp_reply *reply)
{
	char *line = parser->line;
	size_t len = parser->len, i;
	int code;
	bool last;

	if (len > 0 && line[len - 1] == '\r')
		len--;
	code = parse_code(line, len);
	/* All lines of a reply have one code (RFC 5321 4.2.1). */
	if (code == 0 || (parser->lines > 0 && code != parser->code) ||
	    parser->lines >= SMTP_REPLY_LINES)
		return -1;
	parser->code = code;
	last = len == 3 || line[3] == ' ';
	for (i = 0; i < len; i++)
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	line[len] = '\0';
	line += MIN(len, 4);
	if (parser->on_line != NULL)
		parser->on_line(parser->context, parser->lines, line);
	parser->lines++;
	if (!last)
		return 0;
	reply->code = code;
	g_strlcpy(reply->text, line, sizeof(reply->text));
	find_queue_id(reply);
	return 1;
}

/* 200 to 599, or 0. */
static int
parse_code(const char *line, size_t len)
{
	if (len < 3 || line[0] < '2' || line[0] > '5' ||
	    !g_ascii_isdigit(line[1]) || !g_ascii_isdigit(line[2]) ||
	    (len > 3 && line[3] != ' ' && line[3] != '-'))
		return 0;
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
}

/*
 * "2.0.0 Ok: queued as 4jX4Xg1s91z1bh9d" (Postfix) or
 * "2.0.0 4BPGRZ2s012345 Message accepted for delivery" (Sendmail).
 */
static void
find_queue_id(struct smtp_reply *reply)
{
	static const char postfix[] = "queued as ";
	const char *text = reply->text, *p, *end;

	g_strlcpy(reply->queue_id, "-", sizeof(reply->queue_id));
	p = strstr(text, postfix);
	if (p != NULL) {
		p += strlen(postfix);
		take_id(p, strcspn(p, " "), reply);
		return;
	}
	end = strstr(text, " Message accepted");
	if (end == NULL)
		return;
	for (p = end; p > text && p[-1] != ' '; p--)
		continue;
	take_id(p, (size_t)(end - p), reply);
}

/* It goes into logs and the journal: nothing that could be more than an id. */
static void
take_id(const char *text, size_t len, struct smtp_reply *reply)
{
	size_t i;

	if (len == 0 || len >= sizeof(reply->queue_id))
		return;
	for (i = 0; i < len; i++)
		if (!g_ascii_isalnum(text[i]) && strchr("-_.", text[i]) == NULL)
			return;
	memcpy(reply->queue_id, text, len);
	reply->queue_id[len] = '\0';
}
