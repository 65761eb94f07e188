/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * smtp_text.c - a message as it stands between DATA and the dot (RFC 5321
 * 4.5.2).
 *
 * In:    octets, in pieces of any size.
 * Out:   lines that end in CRLF, dots doubled at their beginning.
 * Never: gives a CR or a LF that is not part of a CRLF, so that no server can
 *        take for a line, or for the end, what is none to another.
 *
 * A LF alone becomes CRLF: it ends a line for everybody who has read the
 * message before, and libmilter writes folded fields so.  A CR alone becomes
 * a blank, as Postfix has it: it ended no line before, and must not make a
 * field out of the rest of another one, or a blank line out of CR CR LF.
 */
#include "milter/smtp_private.h"

#include <string.h>

/* Longer lines are taken in parts, lest text without CR be searched for one
 * over and over. */
#define RUN_OCTETS ((size_t)1000)

static size_t run_of(const unsigned char *data, size_t len);

size_t
smtp_text_add(struct smtp_text *text, const unsigned char *data, size_t len,
    unsigned char *out, size_t size, size_t *out_lenp)
{
	size_t at = *out_lenp, used = 0, run;

	while (used < len && size - at >= 3) {
		if (data[used] == '\n') {
			out[at++] = '\r';
			out[at++] = '\n';
			text->in_line = text->cr = false;
			used++;
			continue;
		}
		if (text->cr) {
			out[at++] = ' ';
			text->in_line = true;
			text->cr = false;
		}
		if (data[used] == '\r') {
			text->cr = true;
			used++;
			continue;
		}
		if (!text->in_line && data[used] == '.')
			out[at++] = '.';
		run = run_of(data + used, MIN(len - used, size - at));
		memcpy(out + at, data + used, run);
		at += run;
		used += run;
		text->in_line = true;
	}
	*out_lenp = at;
	return used;
}

void
smtp_text_end(struct smtp_text *text, unsigned char *out, size_t *out_lenp)
{
	if (text->in_line || text->cr) {
		out[(*out_lenp)++] = '\r';
		out[(*out_lenp)++] = '\n';
	}
	text->in_line = text->cr = false;
}

/* Octets before the next CR or LF. */
static size_t
run_of(const unsigned char *data, size_t len)
{
	const unsigned char *end;

	len = MIN(len, RUN_OCTETS);
	if ((end = memchr(data, '\r', len)) != NULL)
		len = (size_t)(end - data);
	if ((end = memchr(data, '\n', len)) != NULL)
		len = (size_t)(end - data);
	return len;
}
