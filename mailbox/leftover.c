/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * leftover.c - does a file beside the messages hold text of them?
 *
 * In:    index caches, full-text indexes, backups, anything.
 * Out:   whether text was found that no sealed message shows anyway.
 * Never: goes by a name alone: names choose what to look for, octets decide.
 */
#include <config.h>

#include "mailbox/leftover.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#define WINDOW_OCTETS ((size_t)65536)
#define OVERLAP_OCTETS ((size_t)8192)
#define SHOWN_OCTETS ((size_t)65536) /* of a message in front of ciphertext */
#define WORDS_MAX 1000000U
#define WORD_OCTETS 24 /* what is longer is no word of a language */

/* A sentence in an index: so many words in a row, most of them new. */
#define SENTENCE_WORDS 6
#define SENTENCE_NEW 4
/* A full-text index has at least that many new words in a window, where octets
 * that are compressed have none or one by chance. */
#define SEARCH_NEW 12

struct lexicon {
	GHashTable *words;
	GHashTable *pieces; /* of words, PIECE letters each */
};

/* Some indexes have every piece of a word. One is known if it is made of
 * pieces that are; so long ones are needed to know a new word by. */
#define PIECE ((size_t)5)

/* --- Words */

static bool
is_letter(unsigned char c)
{
	return g_ascii_isalpha(c) || c >= 0x80;
}

static bool
is_word(unsigned char c)
{
	return is_letter(c) || g_ascii_isdigit(c);
}

struct lexicon *
lexicon_make(void)
{
	struct lexicon *lexicon = g_new0(struct lexicon, 1);

	lexicon->words =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	lexicon->pieces = g_hash_table_new(g_direct_hash, g_direct_equal);
	return lexicon;
}

void
lexicon_free(struct lexicon **lexiconp)
{
	struct lexicon *lexicon = g_steal_pointer(lexiconp);

	if (lexicon == NULL)
		return;
	g_hash_table_destroy(lexicon->words);
	g_hash_table_destroy(lexicon->pieces);
	g_free(lexicon);
}

static gpointer
piece_of(const char *word)
{
	gsize piece = 0;
	size_t i;

	for (i = 0; i < PIECE; i++)
		piece = piece << 8 | (guchar)g_ascii_tolower(word[i]);
	return GSIZE_TO_POINTER(piece);
}

static void
add_word(struct lexicon *lexicon, const char *word, size_t len)
{
	size_t i;

	if (g_hash_table_size(lexicon->words) >= WORDS_MAX)
		return;
	g_hash_table_add(lexicon->words, g_ascii_strdown(word, (gssize)len));
	for (i = 0; i + PIECE <= len; i++)
		g_hash_table_add(lexicon->pieces, piece_of(word + i));
}

/* Not shorter than a piece. */
static bool
is_made_of_pieces(const struct lexicon *lexicon, const char *word, size_t len)
{
	size_t i;

	for (i = 0; i + PIECE <= len; i++)
		if (!g_hash_table_contains(lexicon->pieces, piece_of(word + i)))
			return false;
	return true;
}

static bool
knows(const struct lexicon *lexicon, const char *word, size_t len)
{
	char *lower = g_ascii_strdown(word, (gssize)len);
	bool known = g_hash_table_contains(lexicon->words, lower);

	g_free(lower);
	return known;
}

/* Both as it stands and, as indexes cut them, its letters alone. */
void
lexicon_add(struct lexicon *lexicon, const char *text, size_t len)
{
	size_t i, start, letters;

	for (i = 0; i < len; i++) {
		if (!is_word((unsigned char)text[i]))
			continue;
		start = letters = i;
		for (; i < len && is_word((unsigned char)text[i]); i++) {
			if (is_letter((unsigned char)text[i]))
				continue;
			if (i > letters)
				add_word(lexicon, text + letters, i - letters);
			letters = i + 1;
		}
		if (letters > start && i > letters)
			add_word(lexicon, text + letters, i - letters);
		add_word(lexicon, text + start, i - start);
	}
}

static size_t
shown_octets(const char *text, size_t len)
{
	const char *begin = memmem(text, len, "-----BEGIN PGP", 14);
	const char *blank = memmem(text, len, "\n\n", 2);
	const char *crlf = memmem(text, len, "\r\n\r\n", 4);

	if (begin != NULL)
		return (size_t)(begin - text);
	if (crlf != NULL && (blank == NULL || crlf < blank))
		blank = crlf;
	return blank == NULL ? len : (size_t)(blank - text);
}

int
lexicon_add_file(struct lexicon *lexicon, int fd, struct fault *fault)
{
	char *text = g_malloc(SHOWN_OCTETS);
	ssize_t n;

	do
		n = pread(fd, text, SHOWN_OCTETS, 0);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		fault_set(fault, FAULT_TEMP, "%s", g_strerror(errno));
	else
		lexicon_add(lexicon, text, shown_octets(text, (size_t)n));
	g_free(text);
	return n == -1 ? -1 : 0;
}

/* Does the text have a word that nobody has seen? */
static bool
is_news(const struct lexicon *lexicon, const char *text, size_t len)
{
	size_t i, start;

	for (i = 0; i < len; i++) {
		if (!is_word((unsigned char)text[i]))
			continue;
		for (start = i; i < len && is_word((unsigned char)text[i]); i++)
			continue;
		if (!knows(lexicon, text + start, i - start))
			return true;
	}
	return false;
}

/* --- What to look for */

enum leftover_kind
leftover_kind_of(const char *path)
{
	static const char *const search[] = {"xapian", "flatcurve", "lucene",
	    "solr", "squat", "/fts", "elastic"};
	const char *name = strrchr(path, '/');
	size_t i;

	name = name == NULL ? path : name + 1;
	for (i = 0; i < G_N_ELEMENTS(search); i++)
		if (strcasestr(path, search[i]) != NULL)
			return LEFTOVER_SEARCH;
	return g_str_has_prefix(name, "dovecot.") ||
		       g_str_has_prefix(name, "dovecot-")
		   ? LEFTOVER_INDEX
		   : LEFTOVER_OTHER;
}

struct look {
	enum leftover_kind kind;
	const struct lexicon *lexicon;
	GHashTable *found; /* words, of a full-text index */
	const char *what;  /* NULL: nothing yet */
};

static const GRegex *
regex_once(gsize *once, const char *pattern)
{
	GRegex *made;

	if (g_once_init_enter(once)) {
		made = g_regex_new(pattern, G_REGEX_RAW | G_REGEX_OPTIMIZE,
		    (GRegexMatchFlags)0, NULL);
		g_once_init_leave(once, (gsize)made);
	}
	return (const GRegex *)*once; /* NOLINT(performance-no-int-to-ptr) */
}

/* Does a match have news in one of its groups? */
static bool
matches_news(
    const struct look *look, const GRegex *regex, const char *text, size_t len)
{
	GMatchInfo *match = NULL;
	bool news = false;
	gint i, from, to;

	(void)g_regex_match_full(
	    regex, text, (gssize)len, 0, (GRegexMatchFlags)0, &match, NULL);
	while (!news && g_match_info_matches(match)) {
		for (i = 1; !news && i < g_match_info_get_match_count(match);
		     i++)
			if (g_match_info_fetch_pos(match, i, &from, &to) &&
			    from >= 0)
				news = is_news(look->lexicon, text + from,
				    (size_t)(to - from));
		if (!news && !g_match_info_next(match, NULL))
			break;
	}
	g_match_info_free(match);
	return news;
}

/* A field, as caches of headers have it. */
static bool
has_subject(const struct look *look, const char *text, size_t len)
{
	static gsize once;

	return matches_news(look,
	    regex_once(&once, "(?i)(?<![a-z-])subject:[ \\t]*([^\\r\\n\\0]+)"),
	    text, len);
}

/* The same, where it does not stand alone: in a message. */
static bool
has_header(const struct look *look, const char *text, size_t len)
{
	static gsize once, twice;

	return matches_news(look,
		   regex_once(
		       &once, "(?im)^subject:[ \\t]*([^\\r\\n\\0]+)\\r?$"),
		   text, len) &&
	       g_regex_match_full(
		   regex_once(&twice,
		       "(?im)^(from|to|date|message-id|received):[ \\t]"),
		   text, (gssize)len, 0, (GRegexMatchFlags)0, NULL, NULL);
}

/* ENVELOPE (RFC 9051 section 7.5.2): the date, then the subject. */
static bool
has_envelope(const struct look *look, const char *text, size_t len)
{
	static gsize once;

	return matches_news(look,
	    regex_once(&once,
		"(?:NIL|\"[^\"\\0]{0,40}\\d\\d:\\d\\d[^\"\\0]{0,30}\") "
		"(?:\"((?:[^\"\\\\\\0]|\\\\.)*)\""
		"|\\{\\d+\\}\\r\\n([^\\0]{1,2000}?)) \\(\\("),
	    text, len);
}

static bool
is_between_words(unsigned char c)
{
	return c == ' ' || strchr(",.;:!?'\"()-", c) != NULL;
}

/* Previews are sentences; addresses and dates are none. */
static bool
has_sentence(const struct look *look, const char *text, size_t len)
{
	size_t i = 0, start, gap, words = 0, news = 0;

	while (i < len) {
		for (gap = 0; i < len && !is_letter((unsigned char)text[i]);
		     i++, gap++)
			if (text[i] == '\0' ||
			    !is_between_words((unsigned char)text[i]))
				gap = 4;
		if (gap > 3)
			words = news = 0;
		for (start = i; i < len && is_letter((unsigned char)text[i]);
		     i++)
			continue;
		if (i == start || i - start > WORD_OCTETS) {
			words = news = 0;
			continue;
		}
		words++;
		news += i - start > 1 &&
			!knows(look->lexicon, text + start, i - start);
		if (words >= SENTENCE_WORDS && news >= SENTENCE_NEW)
			return true;
	}
	return false;
}

/* Terms are in lower case, perhaps behind a prefix in upper case. */
static bool
has_words(const struct look *look, const char *text, size_t len)
{
	size_t i = 0, start;

	g_hash_table_remove_all(look->found);
	while (i < len) {
		if (!g_ascii_islower(text[i]) && (guchar)text[i] < 0x80) {
			i++;
			continue;
		}
		for (start = i; i < len && (g_ascii_islower(text[i]) ||
					       (guchar)text[i] >= 0x80);
		     i++)
			continue;
		if (i - start < PIECE || i - start > WORD_OCTETS ||
		    !g_utf8_validate_len(text + start, i - start, NULL) ||
		    is_made_of_pieces(look->lexicon, text + start, i - start))
			continue;
		g_hash_table_add(
		    look->found, g_strndup(text + start, i - start));
		if (g_hash_table_size(look->found) >= SEARCH_NEW)
			return true;
	}
	return false;
}

static void
look_at(struct look *look, const char *text, size_t len)
{
	if (look->kind == LEFTOVER_SEARCH && has_words(look, text, len))
		look->what = "words of messages, for a full-text search";
	else if (look->kind == LEFTOVER_INDEX && has_subject(look, text, len))
		look->what = "Subjects of messages";
	else if (look->kind == LEFTOVER_OTHER && has_header(look, text, len))
		look->what = "a message, or several";
	else if (has_envelope(look, text, len))
		look->what = "Subjects of messages, in their envelopes";
	else if (look->kind == LEFTOVER_INDEX && has_sentence(look, text, len))
		look->what = "sentences, such as previews of messages";
}

int
leftover_look(int fd, enum leftover_kind kind, const struct lexicon *lexicon,
    char **whatp, struct fault *fault)
{
	struct look look = {.kind = kind, .lexicon = lexicon};
	char *window = g_malloc(WINDOW_OCTETS);
	size_t old = 0, have;
	off_t offset = 0;
	ssize_t n;

	look.found =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (;;) {
		n = pread(fd, window + old, WINDOW_OCTETS - old, offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		offset += n;
		have = old + (size_t)n;
		look_at(&look, window, have);
		if (look.what != NULL)
			break;
		/* What a window cuts is whole in the next. */
		old = MIN(have, OVERLAP_OCTETS);
		memmove(window, window + have - old, old);
	}
	if (n == -1)
		fault_set(fault, FAULT_TEMP, "%s", g_strerror(errno));
	OPENSSL_cleanse(window, WINDOW_OCTETS);
	g_free(window);
	g_hash_table_destroy(look.found);
	if (n == -1)
		return -1;
	if (look.what == NULL)
		return 0;
	*whatp = g_strdup(look.what);
	return 1;
}
