/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_smtp.c - replies say the same however they come in pieces; a message
 * has no line ends but CRLF and no dot of its own; commands are one line.
 */
#include "config.h"

#include "milter/smtp_private.h"

#include "tests/fuzz/fuzz.h"

/* --- Replies */

static void
on_line(void *context, unsigned int n, const char *text)
{
	unsigned int *offers = context;

	PROMISE(n < SMTP_REPLY_LINES && strlen(text) < SMTP_LINE_OCTETS);
	smtp_offer_line(offers, n, text);
}

static int
read_reply(const uint8_t *data, size_t size, size_t piece, size_t *usedp,
    unsigned int *offers, struct smtp_reply *reply)
{
	struct smtp_parser parser;
	size_t used, n;
	int r = 0;

	smtp_parser_begin(&parser, on_line, offers);
	*usedp = 0;
	while (r == 0 && *usedp < size) {
		n = MIN(piece, size - *usedp);
		r = smtp_parser_feed(&parser, data + *usedp, n, &used, reply);
		PROMISE(r == -1 || (used <= n && (r == 1 || used == n)));
		if (r >= 0)
			*usedp += used;
	}
	return r;
}

static void
replies(const uint8_t *data, size_t size)
{
	struct smtp_reply whole = {0}, pieces = {0};
	unsigned int offers = 0, again = 0;
	size_t used, used_again;
	const char *p;
	int r;

	while (size > 0) {
		r = read_reply(data, size, size, &used, &offers, &whole);
		PROMISE(read_reply(data, size, 1 + data[0] % 5U, &used_again,
			    &again, &pieces) == r);
		if (r != 1)
			break;
		PROMISE(used == used_again && offers == again);
		PROMISE(whole.code == pieces.code && whole.code >= 200 &&
			whole.code < 600);
		PROMISE(strcmp(whole.text, pieces.text) == 0 &&
			strcmp(whole.queue_id, pieces.queue_id) == 0);
		for (p = whole.text; *p != '\0'; p++)
			PROMISE(*p >= ' ' && *p <= '~');
		PROMISE(whole.queue_id[0] != '\0' &&
			strchr(whole.queue_id, ' ') == NULL);
		data += used;
		size -= used;
	}
}

/* --- Messages */

static size_t
encode(const uint8_t *data, size_t size, size_t piece, unsigned char *out,
    size_t out_size)
{
	struct smtp_text text = {false, false};
	size_t len = 0, n, used;

	for (; size > 0; data += used, size -= used) {
		n = MIN(piece, size);
		used = smtp_text_add(&text, data, n, out, out_size, &len);
		PROMISE(used > 0 && used <= n);
	}
	smtp_text_end(&text, out, &len);
	return len;
}

static void
messages(const uint8_t *data, size_t size)
{
	size_t room = 2 * size + 8, len, i;
	unsigned char *whole = g_malloc(room), *pieces = g_malloc(room);

	len = encode(data, size, MAX(size, 1), whole, room);
	PROMISE(encode(data, size, size > 0 ? 1 + data[0] % 5U : 1, pieces,
		    room) == len);
	PROMISE(memcmp(whole, pieces, len) == 0);
	PROMISE(len == 0 || (len >= 2 && whole[len - 1] == '\n'));
	for (i = 0; i < len; i++) {
		if (whole[i] == '\r')
			PROMISE(i + 1 < len && whole[i + 1] == '\n');
		if (whole[i] == '\n')
			PROMISE(i > 0 && whole[i - 1] == '\r');
		if (whole[i] == '.' && (i == 0 || whole[i - 1] == '\n'))
			PROMISE(i + 1 < len && whole[i + 1] != '\r');
	}
	g_free(whole);
	g_free(pieces);
}

/* --- Commands */

static void
commands(const uint8_t *data, size_t size)
{
	char *value = g_strndup((const char *)data, size), *command;
	const struct smtp_rcpt rcpt = {value, value, value};
	const struct smtp_rcpt other = {"a@b", NULL, value};
	const struct smtp_envelope envelope = {
	    .sender = value, .rcpts = &other, .rcpts_count = 1, .ret = "FULL"};
	struct fault fault;
	int way, r;

	for (way = 0; way < 3; way++) {
		if (way == 0)
			r = smtp_command_rcpt(&rcpt, ~0U, &command, &fault);
		else if (way == 1)
			r = smtp_command_rcpt(&other, ~0U, &command, &fault);
		else
			r = smtp_command_mail(&envelope, ~0U, &command, &fault);
		PROMISE(
		    r == 0 || (command == NULL && fault.kind == FAULT_PERM));
		if (r != 0)
			continue;
		PROMISE(strpbrk(command, "\r\n") == NULL);
		PROMISE(strchr(command, '>') == strrchr(command, '>'));
		g_free(command);
	}
	g_free(value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	replies(data, size);
	messages(data, size);
	commands(data, size);
	return 0;
}
