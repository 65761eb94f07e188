/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * passphrase_words.c - words to make a passphrase of, and which are too easy.
 *
 * In:    random numbers; or what a person typed.
 * Out:   six words of the EFF's long list; or why what was typed will not do.
 * Never: lets one word come more often than another, or repeats what was
 *        typed in a fault.
 */
#include <config.h>

#include "keys/passphrase_words.h"

#include "keys/passphrases.h"

#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#define WORDS 6
#define LIST_WORDS 7776 /* six to the power of five, for dice */

/*
 * How hard something is to guess, in pieces.  A piece is a character; or a
 * stretch of what was there before or of a sequence like "4567"; or half of a
 * well-known word or phrase.  Five such words are too few, six are enough.
 */
#define PIECES_MIN 11
#define PIECES_COMMON 2
#define STRETCH_MIN 3

/* A text without blanks and punctuation, in lower case. */
struct letters {
	gunichar *list;
	size_t count;
};

static void append_word(GString *words, unsigned int number);
static struct letters letters_make(const char *text, size_t len);
static void letters_clear(void *letters);
static GArray *common_make(const char *address);
static void common_add(GArray *common, const char *text, size_t len);
static size_t count_pieces(const struct letters *text, const GArray *common);
static size_t common_at(
    const struct letters *text, size_t at, const GArray *common);
static size_t stretch_at(const struct letters *text, size_t at);

char *
passphrase_generate(struct fault *fault)
{
	GString *words;
	char *result;
	uint16_t number;
	int i;

	/* It must not move: what it leaves behind would not be wiped. */
	words = g_string_sized_new(256);
	for (i = 0; i < WORDS;) {
		if (getentropy(&number, sizeof(number)) != 0) {
			result = g_string_free(words, FALSE);
			passphrase_wipe(&result);
			fault_set(fault, FAULT_TEMP,
			    "no random octets for a passphrase");
			return NULL;
		}
		/* The rest would make the first words come more often. */
		if (number >= UINT16_MAX / LIST_WORDS * LIST_WORDS)
			continue;
		if (i++ > 0)
			g_string_append_c(words, ' ');
		append_word(words, number % LIST_WORDS);
	}
	OPENSSL_cleanse(&number, sizeof(number));
	return g_string_free(words, FALSE);
}

/* Lines "11111\tabacus". */
static void
append_word(GString *words, unsigned int number)
{
	const char *line = (const char *)passphrase_wordlist, *tab, *end;
	const char *limit = line + passphrase_wordlist_octets;

	for (; number > 0; number--)
		line =
		    (const char *)memchr(line, '\n', (size_t)(limit - line)) +
		    1;
	tab = memchr(line, '\t', (size_t)(limit - line));
	end = memchr(tab, '\n', (size_t)(limit - tab));
	g_string_append_len(words, tab + 1, end - tab - 1);
}

int
passphrase_acceptable(
    const char *words, const char *address, struct fault *fault)
{
	char *normal = passphrase_normal(words, fault);
	struct letters letters;
	GArray *common;
	size_t pieces;
	glong characters;

	if (normal == NULL)
		return -1;
	characters = g_utf8_strlen(normal, -1);
	common = common_make(address);
	letters = letters_make(normal, strlen(normal));
	pieces = count_pieces(&letters, common);
	letters_clear(&letters);
	g_array_unref(common);
	passphrase_wipe(&normal);
	if (characters < PASSPHRASE_CHARACTERS_MIN) {
		fault_set(fault, FAULT_PERM,
		    "the passphrase is too short: it has %ld characters, and "
		    "needs at least %d",
		    characters, PASSPHRASE_CHARACTERS_MIN);
		return -1;
	}
	if (pieces < PIECES_MIN) {
		fault_set(fault, FAULT_PERM,
		    "the passphrase is too common: there is too little in it "
		    "besides well-known words and phrases, sequences, "
		    "repetitions, and parts of the address");
		return -1;
	}
	return 0;
}

static struct letters
letters_make(const char *text, size_t len)
{
	struct letters letters = {g_new0(gunichar, len + 1), 0};
	const char *p;
	gunichar c;

	for (p = text; p < text + len; p += g_utf8_skip[(guchar)*p]) {
		c = g_utf8_get_char(p);
		if (g_unichar_isalnum(c))
			letters.list[letters.count++] = g_unichar_tolower(c);
	}
	return letters;
}

static void
letters_clear(void *data)
{
	struct letters *letters = data;

	OPENSSL_cleanse(letters->list, letters->count * sizeof(gunichar));
	g_free(letters->list);
}

/* The list of them: a line each; and the parts of the address. */
static GArray *
common_make(const char *address)
{
	GArray *common = g_array_new(FALSE, FALSE, sizeof(struct letters));
	const char *line = (const char *)passphrase_common, *end, *part;
	const char *limit = line + passphrase_common_octets;

	g_array_set_clear_func(common, letters_clear);
	for (; line < limit; line = end + 1) {
		end = memchr(line, '\n', (size_t)(limit - line));
		if (line[0] != '#')
			common_add(common, line, (size_t)(end - line));
	}
	for (part = address; part != NULL && part[0] != '\0'; part = end) {
		end = part + strcspn(part, "@.-_+");
		common_add(common, part, (size_t)(end - part));
		end += strspn(end, "@.-_+");
	}
	return common;
}

static void
common_add(GArray *common, const char *text, size_t len)
{
	struct letters letters = letters_make(text, len);

	if (letters.count >= STRETCH_MIN)
		g_array_append_val(common, letters);
	else
		letters_clear(&letters);
}

static size_t
count_pieces(const struct letters *text, const GArray *common)
{
	size_t at = 0, pieces = 0, known, stretch;

	while (at < text->count) {
		known = common_at(text, at, common);
		stretch = stretch_at(text, at);
		if (known > stretch)
			pieces += PIECES_COMMON;
		else
			pieces++;
		at += MAX(MAX(known, stretch), 1);
	}
	return pieces;
}

/* How many letters of something common are there; 0: none. */
static size_t
common_at(const struct letters *text, size_t at, const GArray *common)
{
	const struct letters *one;
	size_t longest = 0;
	guint i;

	for (i = 0; i < common->len; i++) {
		one = &g_array_index(common, struct letters, i);
		if (one->count > longest && one->count <= text->count - at &&
		    memcmp(one->list, text->list + at,
			one->count * sizeof(gunichar)) == 0)
			longest = one->count;
	}
	return longest;
}

/* How many letters repeat what was before, or go up or down; 0: too few. */
static size_t
stretch_at(const struct letters *text, size_t at)
{
	const gunichar *list = text->list;
	size_t from, n, longest = 0;

	for (from = 0; from < at; from++) {
		for (n = 0;
		     at + n < text->count && list[from + n] == list[at + n];)
			n++;
		longest = MAX(longest, n);
	}
	for (n = 1; at + n < text->count &&
		    list[at + n] - list[at + n - 1] == list[at + 1] - list[at];)
		n++;
	if (at + 1 < text->count && list[at + 1] - list[at] + 1 <= 2)
		longest = MAX(longest, n);
	return longest >= STRETCH_MIN ? longest : 0;
}

/* --- Words as they are typed */

/* As JavaScript's \s, without U+FEFF: sealed-envelope(5). */
static bool
is_blank(gunichar c)
{
	return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0xa0 ||
	       c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
	       c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Into the same octets: a blank is never shorter than a space. */
static int
squeeze(char *text)
{
	const char *from, *next;
	char *to = text;
	gunichar c;

	for (from = text; *from != '\0'; from = next) {
		next = from + g_utf8_skip[(guchar)*from];
		c = g_utf8_get_char(from);
		if (is_blank(c)) {
			if (to > text && to[-1] != ' ')
				*to++ = ' ';
		} else if (g_unichar_iscntrl(c)) {
			return -1;
		} else {
			memmove(to, from, (size_t)(next - from));
			to += next - from;
		}
	}
	if (to > text && to[-1] == ' ')
		to--;
	memset(to, 0, strlen(to));
	return 0;
}

/* GLib's normalising leaves copies behind; ASCII is in NFC already. */
static char *
compose(const char *words)
{
	const char *p;

	for (p = words; *p != '\0' && (unsigned char)*p < 0x80;)
		p++;
	return *p == '\0'
		   ? g_strdup(words)
		   : g_utf8_normalize(words, -1, G_NORMALIZE_DEFAULT_COMPOSE);
}

char *
passphrase_normal(const char *words, struct fault *fault)
{
	const char *why = NULL;
	char *normal = NULL;

	if (strlen(words) > PASSPHRASE_OCTETS_MAX)
		why = "is too long";
	else if (!g_utf8_validate(words, -1, NULL))
		why = "is not UTF-8";
	else {
		normal = compose(words);
		if (squeeze(normal) != 0)
			why = "contains control characters";
		else if (normal[0] == '\0')
			why = "is empty";
	}
	if (why == NULL)
		return normal;
	passphrase_wipe(&normal);
	fault_set(fault, FAULT_PERM, "the passphrase %s", why);
	return NULL;
}

void
passphrase_wipe(char **wordsp)
{
	if (*wordsp != NULL)
		OPENSSL_cleanse(*wordsp, strlen(*wordsp));
	g_clear_pointer(wordsp, g_free);
}
