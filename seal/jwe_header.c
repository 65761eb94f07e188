/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * jwe_header.c - the protected header of an envelope's JWE.
 *
 * In:    JSON (RFC 8259) that a stranger wrote.
 * Out:   salt and iterations.
 * Never: takes another algorithm, an extension that it does not know, or one
 *        of two members with one name.
 */
#include "seal/jwe.h"

#include "seal/base64url.h"

#include <glib.h>
#include <string.h>

#define MEMBER_CHARS 128
#define DEPTH_MAX 8

struct parse {
	const char *p, *end;
};

/* The members that mean something; a bit each of what was seen. */
enum {
	SEEN_ALG = 1,
	SEEN_ENC = 2,
	SEEN_P2S = 4,
	SEEN_P2C = 8,
	SEEN_CTY = 16,
	SEEN_ALL = 31,
};

static int take_member(
    struct parse *parse, struct jwe_header *header, unsigned int *seenp);
static int take_number(struct parse *parse, uint32_t *valuep);
static int take_text(struct parse *parse, char text[MEMBER_CHARS]);
static int take_salt(struct parse *parse, struct jwe_header *header);
static int skip_value(struct parse *parse, int depth);

static void
skip_blanks(struct parse *parse)
{
	while (parse->p < parse->end && strchr(" \t\r\n", *parse->p) != NULL &&
	       *parse->p != '\0')
		parse->p++;
}

/* Is this the next character?  Then it is taken. */
static int
take(struct parse *parse, char c)
{
	skip_blanks(parse);
	if (parse->p == parse->end || *parse->p != c)
		return -1;
	parse->p++;
	return 0;
}

int
jwe_header_parse(const char *json, size_t len, struct jwe_header *header)
{
	struct parse parse = {json, json + len};
	unsigned int seen = 0;

	if (!g_utf8_validate(json, (gssize)len, NULL) || take(&parse, '{') != 0)
		return -1;
	do
		if (take_member(&parse, header, &seen) != 0)
			return -1;
	while (take(&parse, ',') == 0);
	if (take(&parse, '}') != 0)
		return -1;
	skip_blanks(&parse);
	return parse.p == parse.end && seen == SEEN_ALL ? 0 : -1;
}

static int
take_member(struct parse *parse, struct jwe_header *header, unsigned int *seenp)
{
	static const struct {
		const char *name;
		unsigned int bit;
		const char *value; /* the only one */
	} members[] = {
	    {"alg", SEEN_ALG, "PBES2-HS512+A256KW"},
	    {"enc", SEEN_ENC, "A256GCM"},
	    {"cty", SEEN_CTY, "message/rfc822"},
	    {"p2s", SEEN_P2S, NULL},
	    {"p2c", SEEN_P2C, NULL},
	};

	char name[MEMBER_CHARS], value[MEMBER_CHARS];
	size_t i;

	if (take_text(parse, name) != 0 || take(parse, ':') != 0)
		return -1;
	/* RFC 7516 4.1.13 and 4.1.3: this format has neither. */
	if (strcmp(name, "crit") == 0 || strcmp(name, "zip") == 0)
		return -1;
	for (i = 0; i < G_N_ELEMENTS(members); i++)
		if (strcmp(name, members[i].name) == 0)
			break;
	if (i == G_N_ELEMENTS(members))
		return skip_value(parse, 0);
	if ((*seenp & members[i].bit) != 0)
		return -1;
	*seenp |= members[i].bit;
	if (members[i].bit == SEEN_P2C)
		return take_number(parse, &header->iterations);
	if (members[i].bit == SEEN_P2S)
		return take_salt(parse, header);
	return take_text(parse, value) == 0 &&
		       strcmp(value, members[i].value) == 0
		   ? 0
		   : -1;
}

static int
take_number(struct parse *parse, uint32_t *valuep)
{
	uint64_t value = 0;
	const char *start;

	skip_blanks(parse);
	start = parse->p;
	for (; parse->p < parse->end && g_ascii_isdigit(*parse->p) &&
	       parse->p - start < 8;
	     parse->p++)
		value = value * 10 + (uint64_t)(*parse->p - '0');
	if (parse->p == start || *start == '0' ||
	    (parse->p < parse->end && strchr(",} \t\r\n", *parse->p) == NULL) ||
	    value < JWE_ITERATIONS_MIN || value > JWE_ITERATIONS_MAX)
		return -1;
	*valuep = (uint32_t)value;
	return 0;
}

/* A string without escapes, which none that matters here needs. */
static int
take_text(struct parse *parse, char text[MEMBER_CHARS])
{
	size_t n = 0;

	if (take(parse, '"') != 0)
		return -1;
	for (; parse->p < parse->end && *parse->p != '"'; parse->p++) {
		if (n == MEMBER_CHARS - 1 || *parse->p == '\\' ||
		    (unsigned char)*parse->p < ' ')
			return -1;
		text[n++] = *parse->p;
	}
	text[n] = '\0';
	return take(parse, '"');
}

static int
take_salt(struct parse *parse, struct jwe_header *header)
{
	struct base64url state = {0};
	unsigned char octets[MEMBER_CHARS];
	char text[MEMBER_CHARS];
	size_t n;

	if (take_text(parse, text) != 0 ||
	    base64url_decode(&state, text, strlen(text), octets, &n) != 0 ||
	    base64url_decode_end(&state) != 0 || n < JWE_SALT_MIN ||
	    n > JWE_SALT_MAX)
		return -1;
	memcpy(header->salt, octets, n);
	header->salt_octets = n;
	return 0;
}

/* --- What others may add (RFC 7516 4.2, 4.3) */

static int
skip_string(struct parse *parse)
{
	if (take(parse, '"') != 0)
		return -1;
	for (; parse->p < parse->end && *parse->p != '"'; parse->p++) {
		if ((unsigned char)*parse->p < ' ')
			return -1;
		if (*parse->p == '\\' && ++parse->p == parse->end)
			return -1;
	}
	return take(parse, '"');
}

/* An object or an array, whose elements have names or not. */
static int
skip_elements(struct parse *parse, char close, int depth)
{
	if (take(parse, close) == 0)
		return 0;
	do
		if ((close == '}' &&
			(skip_string(parse) != 0 || take(parse, ':') != 0)) ||
		    skip_value(parse, depth + 1) != 0)
			return -1;
	while (take(parse, ',') == 0);
	return take(parse, close);
}

static int
skip_value(struct parse *parse, int depth)
{
	const char *start;

	if (depth == DEPTH_MAX)
		return -1;
	skip_blanks(parse);
	if (parse->p < parse->end && *parse->p == '"')
		return skip_string(parse);
	if (take(parse, '{') == 0)
		return skip_elements(parse, '}', depth);
	if (take(parse, '[') == 0)
		return skip_elements(parse, ']', depth);
	/* Numbers, true, false, null. */
	for (start = parse->p;
	     parse->p < parse->end &&
	     (g_ascii_isalnum(*parse->p) || strchr("+-.", *parse->p) != NULL) &&
	     *parse->p != '\0';
	     parse->p++)
		continue;
	return parse->p > start ? 0 : -1;
}
