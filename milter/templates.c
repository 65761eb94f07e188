/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * templates.c - the texts that people read beside sealed mail.
 *
 * In:    files that an administrator may edit; addresses and dates.
 * Out:   text, or a fault that names file and line.
 * Never: takes a file whose placeholders it cannot fill, or lets what is
 *        filled in be taken for a placeholder or a line.
 */
#include "milter/templates.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define FILE_OCTETS_MAX (64U << 10)
#define LINE_OCTETS_MAX 500 /* so that it stays below 998 when filled in */
#define SUBJECT "Subject:"
#define BETWEEN_LANGUAGES "\n* * *\n\n"

/* The files of contrib/templates, so that a build needs none. */
static const char cover_en[] =
    "You have an encrypted message from @SENDER@.\n"
    "\n"
    "It is in the attached file @FILE@. A browser is all that you need to "
    "read it:\n"
    "\n"
    "  1. Save the attached file.\n"
    "  2. Open the saved file in a browser, such as Firefox, Chrome, Safari "
    "or\n"
    "     Edge.\n"
    "  3. Type the passphrase that @SENDER@ has told you.\n"
    "\n"
    "The message is opened on your own device; nothing is sent anywhere. The\n"
    "preview of a mail program, as on many telephones, cannot open it: save "
    "the\n"
    "file first, and then open it in a browser.\n"
    "\n"
    "Hint for the passphrase: @HINT@\n"
    "\n"
    "You have no passphrase, or do not know it any more? Ask @SENDER@ by "
    "telephone\n"
    "or in person, at a number that you had before. Nobody asks you for it by "
    "mail.\n";
static const char notice_en[] =
    "Subject: Passphrase for the recipient of your mail\n"
    "\n"
    "Your message of @DATE@ went out encrypted, to somebody who can only read "
    "it\n"
    "with a passphrase. It was made just now; this is the only message that "
    "has it:\n"
    "\n"
    "    @RECIPIENT@: @PASSPHRASE@\n"
    "\n"
    "Please hand it over by another way than mail: by telephone, or in "
    "person.\n"
    "Without it, your message cannot be read.\n"
    "\n"
    "The same passphrase opens later messages to the same address. The mail "
    "server\n"
    "does not keep it in readable form; if it gets lost, your administrator "
    "can set\n"
    "another one.\n";

enum word {
	WORD_SENDER,
	WORD_RECIPIENT,
	WORD_DATE,
	WORD_FILE,
	WORD_HINT,
	WORD_PASSPHRASE,
	WORDS,
};

static const char *const words[WORDS] = {
    "@SENDER@", "@RECIPIENT@", "@DATE@", "@FILE@", "@HINT@", "@PASSPHRASE@"};

/* A kind of text; the words are bits 1 << enum word. */
struct kind {
	const char *name;
	const char *english;
	unsigned int allowed;
	unsigned int needed;
	bool has_subject;
	const char *missing, *unknown; /* for faults */
};

#define BIT(word) (1U << (word))

static const struct kind cover = {"cover", cover_en,
    BIT(WORD_SENDER) | BIT(WORD_RECIPIENT) | BIT(WORD_DATE) | BIT(WORD_FILE) |
	BIT(WORD_HINT),
    BIT(WORD_SENDER) | BIT(WORD_FILE), false, "needs @SENDER@ and @FILE@",
    "has another word than @SENDER@, @RECIPIENT@, @DATE@, @FILE@ and @HINT@"
    " between @ and @"};
static const struct kind notice = {"notice", notice_en,
    BIT(WORD_RECIPIENT) | BIT(WORD_DATE) | BIT(WORD_PASSPHRASE),
    BIT(WORD_RECIPIENT) | BIT(WORD_PASSPHRASE), true,
    "needs @RECIPIENT@ and @PASSPHRASE@",
    "has another word than @RECIPIENT@, @PASSPHRASE@ and @DATE@ between @ and"
    " @"};

struct templates {
	char *directory;   /* or NULL */
	GHashTable *texts; /* "cover.en" to its lines (char **) */
};

static int add_kind(struct templates *templates, const struct kind *kind,
    const char *language, struct fault *fault);
static int read_text(const struct templates *templates, const struct kind *kind,
    const char *language, const char *path, char **textp, struct fault *fault);
static char **parse(const struct kind *kind, const char *text, const char *path,
    struct fault *fault);
static int check_line(const struct kind *kind, const char *line,
    unsigned int *usedp, const char **whatp);
static bool uses(const char *line, enum word word);
static void fill(
    GString *out, const char *line, const struct template_facts *facts);

static void
lines_free(void *data)
{
	g_strfreev(data);
}

struct templates *
templates_make(const char *directory)
{
	struct templates *templates = g_new0(struct templates, 1);

	templates->directory = g_strdup(directory);
	templates->texts =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, lines_free);
	return templates;
}

void
templates_free(struct templates **templatesp)
{
	struct templates *templates = g_steal_pointer(templatesp);

	if (templates == NULL)
		return;
	g_hash_table_destroy(templates->texts);
	g_free(templates->directory);
	g_free(templates);
}

/* --- Reading them */

int
templates_add(
    struct templates *templates, const char *language, struct fault *fault)
{
	return add_kind(templates, &cover, language, fault) != 0 ||
		       add_kind(templates, &notice, language, fault) != 0
		   ? -1
		   : 0;
}

static int
add_kind(struct templates *templates, const struct kind *kind,
    const char *language, struct fault *fault)
{
	char *name = g_strdup_printf("%s.%s", kind->name, language);
	char *path, *text = NULL, **lines = NULL;
	int ret = -1;

	path = g_strdup_printf("%s/%s.txt",
	    templates->directory != NULL ? templates->directory
					 : PKGDATADIR "/templates",
	    name);
	if (g_hash_table_contains(templates->texts, name)) {
		ret = 0;
		goto out;
	}
	if (read_text(templates, kind, language, path, &text, fault) != 0 ||
	    (lines = parse(kind, text, path, fault)) == NULL)
		goto out;
	g_hash_table_insert(templates->texts, g_steal_pointer(&name), lines);
	ret = 0;
out:
	g_free(text);
	g_free(path);
	g_free(name);
	return ret;
}

static int
read_text(const struct templates *templates, const struct kind *kind,
    const char *language, const char *path, char **textp, struct fault *fault)
{
	gsize len;
	int error;

	if (g_file_get_contents(path, textp, &len, NULL)) {
		if (len <= FILE_OCTETS_MAX && strlen(*textp) == len)
			return 0;
		fault_set(fault, FAULT_PERM, "%s: %s", path,
		    len > FILE_OCTETS_MAX ? "is too large for such a text"
					  : "is no text: it has a NUL");
		g_clear_pointer(textp, g_free);
		return -1;
	}
	error = errno;
	if (error == ENOENT && templates->directory == NULL &&
	    strcmp(language, "en") == 0) {
		*textp = g_strdup(kind->english);
		return 0;
	}
	fault_set(fault, FAULT_PERM, "%s: cannot be read: %s", path,
	    g_strerror(error));
	return -1;
}

/* The lines without comments, and without empty ones at both ends. */
static char **
parse(const struct kind *kind, const char *text, const char *path,
    struct fault *fault)
{
	GPtrArray *kept = g_ptr_array_new_with_free_func(g_free);
	char **lines = g_strsplit(text, "\n", -1), **ret = NULL;
	const char *what = NULL;
	unsigned int used = 0;
	size_t i;

	for (i = 0; lines[i] != NULL; i++) {
		g_strchomp(lines[i]);
		if (lines[i][0] == '#' || (kept->len == 0 && *lines[i] == '\0'))
			continue;
		if (kept->len == 0 && kind->has_subject &&
		    !g_str_has_prefix(lines[i], SUBJECT))
			what = "has to begin with a line \"" SUBJECT " ...\"";
		else if (check_line(kind, lines[i], &used, &what) == 0) {
			g_ptr_array_add(kept, g_strdup(lines[i]));
			continue;
		}
		fault_set(fault, FAULT_PERM, "%s:%zu: %s", path, i + 1, what);
		goto out;
	}
	if ((used & kind->needed) != kind->needed) {
		fault_set(fault, FAULT_PERM, "%s: %s", path, kind->missing);
		goto out;
	}
	while (*(const char *)kept->pdata[kept->len - 1] == '\0')
		g_ptr_array_set_size(kept, (gint)kept->len - 1);
	g_ptr_array_add(kept, NULL);
	ret = (char **)g_ptr_array_free(g_steal_pointer(&kept), FALSE);
out:
	if (kept != NULL)
		g_ptr_array_free(kept, TRUE);
	g_strfreev(lines);
	return ret;
}

/* The word that stands there, or WORDS; *lenp: of what looks like one. */
static enum word
word_at(const char *text, size_t *lenp)
{
	size_t which;

	*lenp = 1 + strspn(text + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	if (*lenp == 1 || text[*lenp] != '@') {
		*lenp = 0;
		return WORDS;
	}
	++*lenp;
	for (which = 0; which < WORDS; which++)
		if (strncmp(text, words[which], *lenp) == 0)
			break;
	return (enum word)which;
}

/* NULL, or what is wrong with how the words stand together. */
static const char *
check_words(const struct kind *kind, const char *line)
{
	const bool passphrase = uses(line, WORD_PASSPHRASE);
	const bool recipient = uses(line, WORD_RECIPIENT);

	if (passphrase && !recipient)
		return "needs @RECIPIENT@ beside @PASSPHRASE@, to say whose";
	if (!kind->has_subject)
		return NULL;
	if (recipient && !passphrase)
		return "has @RECIPIENT@ without @PASSPHRASE@";
	if (recipient && g_str_has_prefix(line, SUBJECT))
		return "must not have a passphrase in the Subject";
	return NULL;
}

static int
check_line(const struct kind *kind, const char *line, unsigned int *usedp,
    const char **whatp)
{
	const char *p = line;
	enum word word;
	size_t len;

	if (!g_utf8_validate(line, -1, NULL))
		*whatp = "is not in UTF-8";
	else if (strlen(line) > LINE_OCTETS_MAX)
		*whatp = "is too long a line";
	else
		*whatp = check_words(kind, line);
	for (; *whatp == NULL && (p = strchr(p, '@')) != NULL;
	     p += MAX(len, 1)) {
		word = word_at(p, &len);
		if (len == 0)
			continue;
		if (word == WORDS || (kind->allowed & BIT(word)) == 0)
			*whatp = kind->unknown;
		else
			*usedp |= BIT(word);
	}
	return *whatp == NULL ? 0 : -1;
}

static bool
uses(const char *line, enum word word)
{
	return strstr(line, words[word]) != NULL;
}

/* --- Filling them in */

static const char *
fact_of(const struct template_facts *facts, enum word word)
{
	switch (word) {
	case WORD_SENDER:
		return facts->sender;
	case WORD_RECIPIENT:
		return facts->recipient;
	case WORD_DATE:
		return facts->date;
	case WORD_FILE:
		return facts->file;
	case WORD_HINT:
		return facts->hint;
	case WORD_PASSPHRASE:
		return facts->passphrase;
	case WORDS:
		break;
	}
	return "";
}

/* Others wrote it; and of a passphrase, no copy is left lying. */
static void
append_clean(GString *out, const char *text)
{
	gunichar c;

	for (; *text != '\0'; text++) {
		c = g_utf8_get_char_validated(text, -1);
		if (c >= (gunichar)-2 || !g_unichar_isprint(c)) {
			g_string_append_c(out, '?');
			continue;
		}
		g_string_append_unichar(out, c);
		text += g_utf8_skip[(unsigned char)*text] - 1;
	}
}

static void
fill(GString *out, const char *line, const struct template_facts *facts)
{
	enum word word;
	size_t len;

	for (; *line != '\0'; line += MAX(len, 1)) {
		len = 0;
		word = *line == '@' ? word_at(line, &len) : WORDS;
		if (len > 0)
			append_clean(out, fact_of(facts, word));
		else
			g_string_append_c(out, *line);
	}
}

static const char *const *
lines_of(const struct templates *templates, const struct kind *kind,
    const char *language)
{
	char *name = g_strdup_printf("%s.%s", kind->name, language);
	const void *lines = g_hash_table_lookup(templates->texts, name);

	g_free(name);
	return lines;
}

/* What a line that is left out would leave: two empty ones. */
static void
append_line(GString *out, const char *line, const struct template_facts *facts)
{
	if (*line == '\0' && g_str_has_suffix(out->str, "\n\n"))
		return;
	fill(out, line, facts);
	g_string_append_c(out, '\n');
}

char *
templates_cover(const struct templates *templates, const char *const *languages,
    const struct template_facts *facts)
{
	GString *out = g_string_new(NULL);
	const char *const *lines;
	size_t i, j;

	for (i = 0; languages[i] != NULL; i++) {
		if (i > 0)
			g_string_append(out, BETWEEN_LANGUAGES);
		lines = lines_of(templates, &cover, languages[i]);
		for (j = 0; lines[j] != NULL; j++)
			if (facts->hint != NULL || !uses(lines[j], WORD_HINT))
				append_line(out, lines[j], facts);
	}
	return g_string_free(out, FALSE);
}

GString *
templates_notice(const struct templates *templates,
    const char *const *languages, const struct template_facts *facts,
    size_t count, char **subjectp)
{
	GString *out = g_string_sized_new(FILE_OCTETS_MAX); /* does not move */
	GString *subject = g_string_new(NULL);
	const char *const *lines;
	size_t i, j, k;

	for (i = 0; languages[i] != NULL; i++) {
		if (i > 0)
			g_string_append(out, BETWEEN_LANGUAGES);
		lines = lines_of(templates, &notice, languages[i]);
		if (i == 0)
			fill(subject, lines[0] + strlen(SUBJECT), facts);
		for (j = 1; lines[j] != NULL; j++)
			for (k = 0;
			     k < (uses(lines[j], WORD_PASSPHRASE) ? count : 1);
			     k++)
				if (out->len > 0 || *lines[j] != '\0')
					append_line(out, lines[j], &facts[k]);
	}
	*subjectp = g_strstrip(g_string_free(subject, FALSE));
	return out;
}
