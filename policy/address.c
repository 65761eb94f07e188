/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * address.c - bring mail addresses into one form, so that they compare.
 *
 * In:    an address as an MTA, a configuration or a key spells it.
 * Out:   its canonical form, or nothing if it is no address.
 * Never: sends the canonical form anywhere, or guesses what was meant.
 */
#include "policy/address.h"

#include <arpa/inet.h>
#include <glib.h>
#include <idn2.h>
#include <string.h>

#define LABEL_OCTETS 63   /* RFC 1035 section 2.3.4 */
#define DOMAIN_OCTETS 253 /* the same, as text */
#define PLAIN_SIGNS "+-.=_"

static char *plain_address(const char *text);
static char *whole_address(const char *text);
static char *meant_domain(const char *text);
static char *copy_printable(const char *text);
static char *bare_path(char *text);
static int split_local(const char *path, GString *local, const char **restp);
static int take_quoted(const char **pp, GString *local);
static int take_atom(const char **pp, GString *local);
static char *fold_local(const char *local);
static char *fold_domain(const char *domain);
static char *fold_name(const char *name);
static char *fold_literal(const char *literal);
static char *join(const char *local, const char *domain);

char *
address_canonical(const char *text)
{
	char *copy = NULL, *path, *canonical = plain_address(text);
	char *folded = NULL, *domain = NULL;
	const char *rest;
	GString *local;

	if (canonical != NULL)
		return canonical;
	local = g_string_new(NULL);
	if ((copy = copy_printable(text)) == NULL ||
	    (path = bare_path(copy)) == NULL)
		goto out;
	if (*path == '\0') {
		canonical = g_strdup("");
		goto out;
	}
	if (split_local(path, local, &rest) != 0)
		goto out;
	folded = fold_local(local->str);
	if (*rest == '@' && (domain = fold_domain(rest + 1)) == NULL)
		goto out;
	canonical = join(folded, domain);
out:
	g_free(copy);
	g_free(folded);
	g_free(domain);
	g_string_free(local, TRUE);
	return canonical;
}

const char *
address_domain(const char *canonical)
{
	const char *at = strrchr(canonical, '@');

	return at != NULL ? at + 1 : canonical + strlen(canonical);
}

char *
address_pattern(const char *text)
{
	const char *prefix = "";
	char *canonical, *pattern = NULL;

	if (text[0] != '@')
		return whole_address(text);
	if (text[1] == '.')
		prefix = ".";
	canonical = fold_domain(text + 1 + strlen(prefix));
	if (canonical != NULL && !(*prefix != '\0' && canonical[0] == '['))
		pattern = g_strconcat("@", prefix, canonical, NULL);
	g_free(canonical);
	return pattern;
}

/*
 * The length of a domain that is in its canonical form but for the case of
 * its letters, or 0: labels that IDNA leaves alone.  Those with hyphens at
 * their ends or in the third and fourth place ("xn--") it does not.
 */
static size_t
plain_domain(const char *domain)
{
	const char *label = domain;
	size_t len;

	for (;; label += len + 1) {
		for (len = 0; g_ascii_isalnum(label[len]) ||
			      label[len] == '-' || label[len] == '_';
		     len++)
			continue;
		if (len == 0 || len > LABEL_OCTETS || label[0] == '-' ||
		    label[len - 1] == '-' ||
		    (len >= 4 && label[2] == '-' && label[3] == '-'))
			return 0;
		if (label[len] != '.')
			break;
	}
	len += (size_t)(label - domain);
	return len <= DOMAIN_OCTETS ? len : 0;
}

/*
 * Nearly all addresses of nearly all mail: nothing to undo, nothing to look
 * up in tables of Unicode.  NULL if this is another one, or none; what is not
 * NULL is what the long way makes of it.
 */
static char *
plain_address(const char *text)
{
	bool path = text != NULL && text[0] == '<';
	const char *at, *end;
	size_t len;

	if (text == NULL)
		return NULL;
	text += path;
	for (at = text; g_ascii_isalnum(*at) ||
			(*at != '\0' && strchr(PLAIN_SIGNS, *at) != NULL);
	     at++)
		continue;
	if (at == text || *at != '@' || (len = plain_domain(at + 1)) == 0)
		return NULL;
	end = at + 1 + len;
	if (strcmp(end, path ? ">" : "") != 0)
		return NULL;
	return g_ascii_strdown(text, end - text);
}

/*
 * "*" is a letter like any other, and blanks are taken off the null sender as
 * well: who writes them has something else in mind.
 */
static char *
whole_address(const char *text)
{
	char *canonical = address_canonical(text);

	if (canonical == NULL)
		return NULL;
	if (*canonical == '\0' ? *text != '<'
			       : strchr(canonical, '@') == NULL ||
				     (strchr(text, '*') != NULL &&
					 strpbrk(text, "\"\\") == NULL))
		g_clear_pointer(&canonical, g_free);
	return canonical;
}

char *
address_pattern_advice(const char *text)
{
	char *domain, *advice = NULL;

	if (strpbrk(text, " \t") != NULL)
		return NULL;
	domain = meant_domain(text);
	if (strchr(text, '@') == NULL && domain != NULL)
		advice = g_strdup_printf(
		    "\"%s\" has no @; did you mean \"%s\"?", text, domain);
	else if (strchr(text, '@') == NULL)
		advice = g_strdup_printf(
		    "\"%s\" has no @; write the whole address", text);
	else if (domain != NULL)
		advice = g_strdup_printf("\"%s\": write \"%s\"", text, domain);
	g_free(domain);
	return advice;
}

/* The pattern in "example.org", "*@example.org", "@*.example.org"; or NULL. */
static char *
meant_domain(const char *text)
{
	const char *domain = text;
	char *meant, *pattern;

	if (g_str_has_prefix(domain, "*@"))
		domain += 2;
	else if (*domain == '@')
		domain++;
	if (g_str_has_prefix(domain, "*."))
		domain++;
	if (*domain == '\0' || strchr(domain + 1, '.') == NULL)
		return NULL;
	meant = g_strconcat("@", domain, NULL);
	if ((pattern = address_pattern(meant)) == NULL)
		g_clear_pointer(&meant, g_free);
	g_free(pattern);
	return meant;
}

bool
address_listed(GHashTable *patterns, const char *canonical)
{
	const char *domain = address_domain(canonical);
	char *tree, *dot;
	bool found;

	if (g_hash_table_contains(patterns, canonical))
		return true;
	if (*domain == '\0')
		return false;
	if (g_hash_table_contains(patterns, domain - 1))
		return true;
	/* "@.a.example.org", "@.example.org", "@.org", in the same octets. */
	tree = g_strconcat("@.", domain, NULL);
	found = false;
	for (dot = tree + 1; !found && dot != NULL;
	     dot = strchr(dot + 1, '.')) {
		dot[-1] = '@';
		found = g_hash_table_contains(patterns, dot - 1);
	}
	g_free(tree);
	return found;
}

/* A copy without blanks around it; NULL if it is not UTF-8 to be read. */
static char *
copy_printable(const char *text)
{
	char *copy, *p;

	if (text == NULL || !g_utf8_validate(text, -1, NULL))
		return NULL;
	copy = g_strdup(text);
	for (p = copy; *p != '\0'; p = g_utf8_next_char(p))
		if (g_unichar_iscntrl(g_utf8_get_char(p))) {
			g_free(copy);
			return NULL;
		}
	return g_strstrip(copy);
}

/* The path without "<", ">" and source route (RFC 5321 4.1.2, C). */
static char *
bare_path(char *text)
{
	size_t len = strlen(text);
	char *colon;

	if (text[0] == '<') {
		if (len < 2 || text[len - 1] != '>')
			return NULL;
		text[len - 1] = '\0';
		text++;
	}
	if (text[0] != '@')
		return text;
	if ((colon = strchr(text, ':')) == NULL || colon[1] == '\0')
		return NULL;
	return colon + 1;
}

/*
 * Takes the words of the local part, quoting undone, up to the "@" or the
 * end; *restp is there.  MTAs take an "@" in a local part, even a quoted one,
 * for a route: "bob@there"@here goes to bob@there, which no rule has seen.
 * So do "bob%there" and "there!bob" where they have no domain.
 */
static int
split_local(const char *path, GString *local, const char **restp)
{
	const char *p = path;
	int taken;

	for (;;) {
		if (*p == '"')
			taken = take_quoted(&p, local);
		else
			taken = take_atom(&p, local);
		if (taken != 0)
			return -1;
		if (*p != '.')
			break;
		g_string_append_c(local, *p++);
	}
	if (local->len == 0 || strchr(local->str, '@') != NULL)
		return -1;
	if (*p == '\0' && strpbrk(local->str, "%!") != NULL)
		return -1;
	*restp = p;
	return 0;
}

/* A quoted string, which has to be a whole word: "." or "@" follows. */
static int
take_quoted(const char **pp, GString *local)
{
	const char *p = *pp + 1;

	for (; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if (*p == '\0')
			return -1;
		g_string_append_c(local, *p);
	}
	p++;
	if (*p != '\0' && *p != '.' && *p != '@')
		return -1;
	*pp = p;
	return 0;
}

/*
 * What is not quoted, up to a dot, an "@" or the end.  Blanks and comments
 * are no part of an address, but MTAs differ in what they make of them.
 */
static int
take_atom(const char **pp, GString *local)
{
	const char *p;

	for (p = *pp; *p != '\0' && *p != '.' && *p != '@'; p++) {
		if (*p == '\\')
			p++;
		else if (strchr(" \"<>()[],;:", *p) != NULL)
			return -1;
		if (*p == '\0')
			return -1;
		g_string_append_c(local, *p);
	}
	*pp = p;
	return 0;
}

/* Canonical caseless matching, Unicode 3.13 D145, and composed again. */
static char *
fold_local(const char *local)
{
	char *decomposed, *folded, *composed;

	decomposed = g_utf8_normalize(local, -1, G_NORMALIZE_NFD);
	folded = g_utf8_casefold(decomposed, -1);
	composed = g_utf8_normalize(folded, -1, G_NORMALIZE_NFC);
	g_free(decomposed);
	g_free(folded);
	return composed;
}

static char *
fold_domain(const char *domain)
{
	if (domain[0] == '[')
		return fold_literal(domain);
	return fold_name(domain);
}

/* A host name in lower-case A-labels, without the dot of the root. */
static char *
fold_name(const char *name)
{
	char *ascii = NULL, *folded = NULL;
	size_t len;

	if (idn2_to_ascii_8z(
		name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return NULL;
	folded = g_ascii_strdown(ascii, -1);
	idn2_free(ascii);
	len = strlen(folded);
	if (len > 0 && folded[len - 1] == '.')
		folded[--len] = '\0';
	if (len == 0 || folded[0] == '.' || folded[len - 1] == '.' ||
	    strstr(folded, "..") != NULL ||
	    strspn(folded, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != len)
		g_clear_pointer(&folded, g_free);
	return folded;
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 4.1.3). */
static char *
fold_literal(const char *literal)
{
	unsigned char octets[sizeof(struct in6_addr)];
	char text[INET6_ADDRSTRLEN], *inside, *folded = NULL;
	const char *tag = "", *address;
	size_t len = strlen(literal);
	int family = AF_INET;

	if (len < 2 || literal[len - 1] != ']')
		return NULL;
	inside = g_strndup(literal + 1, len - 2);
	address = inside;
	if (g_ascii_strncasecmp(inside, "IPv6:", 5) == 0) {
		tag = "ipv6:";
		address += 5;
		family = AF_INET6;
	}
	if (inet_pton(family, address, octets) == 1 &&
	    inet_ntop(family, octets, text, sizeof(text)) != NULL)
		folded = g_strconcat("[", tag, text, "]", NULL);
	g_free(inside);
	return folded;
}

static char *
join(const char *local, const char *domain)
{
	if (domain == NULL)
		return g_strdup(local);
	return g_strconcat(local, "@", domain, NULL);
}
