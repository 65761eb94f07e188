/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_mark.c - the mark of copies: genuine, forged, moved, old.
 */
#include "config.h"

#include "milter/mark.h"
#include "tests/unit/mail.h"

static const struct mark_key key = {"thirty-two octets of a secret.."};
static const unsigned char id[] = {1, 2, 0xfe, 0xff};

static char *
make(const struct mark_key *with, const char *body)
{
	GString *text = g_string_new(body);
	struct spool *spool = spool_of(text);
	struct fault fault;
	char *mark = mark_make(with, id, sizeof(id), spool, &fault);

	spool_free(&spool);
	g_string_free(text, TRUE);
	return mark;
}

static void
count(const char *mark, const char *body, unsigned int valid,
    unsigned int forged, const char *name)
{
	char *text = g_strdup_printf(
	    "From: a@b\r\nSealmilter-Pass:%s\r\n\r\n%s", mark, body);
	struct message *message = mail_parse(text);
	unsigned int found_valid = 9, found_forged = 9;
	struct fault fault;

	is_int(mark_count(&key, message, &found_valid, &found_forged, &fault),
	    0, name);
	is_int(found_valid, valid, "... so many are valid");
	is_int(found_forged, forged, "... so many are forged");
	message_free(&message);
	g_free(text);
}

int
main(void)
{
	const struct mark_key other = {"thirty-two octets of another s."};
	char *mark, *changed;

	mail_begin();
	mark = make(&key, "sealed\r\n");
	ok(mark != NULL && strstr(mark, "id=0102feff;") != NULL,
	    "a mark names its copy");
	count(mark, "sealed\r\n", 1, 0, "a genuine mark is found");
	count(mark, "sealeD\r\n", 0, 1, "it belongs to one body only");
	changed = g_strdup(mark);
	strstr(changed, "t=")[2] ^= 1;
	count(changed, "sealed\r\n", 0, 1, "its time cannot be changed");
	g_free(changed);
	changed = g_strdup_printf("%s0", mark);
	count(changed, "sealed\r\n", 0, 1, "nothing can be added");
	g_free(changed);
	changed = g_strdup_printf(
	    "%s\r\nSealmilter-Pass: v=1; t=1; id=00; mac=00", mark);
	count(changed, "sealed\r\n", 1, 1, "each one counts");
	g_free(changed);
	g_free(mark);
	mark = make(&other, "sealed\r\n");
	count(mark, "sealed\r\n", 0, 1, "a mark of others is none");
	g_free(mark);
	count("", "", 0, 1, "an empty one is none");
	count(" v=1; t= mac=", "", 0, 1, "nor is half of one");
	mail_end();
	return tap_done();
}
