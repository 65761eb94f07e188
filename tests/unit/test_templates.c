/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_templates.c - the texts beside sealed mail: those that are shipped,
 * and what is said of those that cannot be filled in.
 */
#include "milter/templates.h"
#include "tests/tap.h"

#include <glib/gstdio.h>

static char *folder;
static struct fault fault;

static void
write_file(const char *name, const char *text)
{
	char *path = g_build_filename(folder, name, NULL);

	if (!g_file_set_contents(path, text, -1, NULL))
		g_error("%s: cannot write", path);
	g_free(path);
}

static char *
shipped(void)
{
	const char *source = g_getenv("top_srcdir");

	return g_build_filename(
	    source != NULL ? source : ".", "contrib", "templates", NULL);
}

static const char *const english[] = {"en", NULL};
static const char *const both[] = {"de", "en", NULL};
static const struct template_facts facts[] = {
    {"sam@example.org", "dora@example.net", "2026-03-02", "message.html",
	"the name of the cat", "one two three four five six"},
    {"sam@example.org", "erin@example.net", "2026-03-02", "message.html", NULL,
	"a b c d e f"},
};

static void
add(struct templates *templates, const char *const *languages)
{
	for (; *languages != NULL; languages++)
		if (templates_add(templates, *languages, &fault) != 0)
			g_error("%s", fault.text);
}

/* The text that is built in is the one that people read and edit. */
static void
english_is_built_in(void)
{
	struct templates *built_in = templates_make(NULL), *files;
	char *directory = shipped(), *one, *other, *subject, *subject2;
	GString *notice, *notice2;

	files = templates_make(directory);
	add(built_in, english);
	add(files, english);
	one = templates_cover(built_in, english, facts);
	other = templates_cover(files, english, facts);
	is_str(one, other, "the cover that is built in is that of contrib");
	notice = templates_notice(built_in, english, facts, 2, &subject);
	notice2 = templates_notice(files, english, facts, 2, &subject2);
	is_str(notice->str, notice2->str, "and so is the notice");
	is_str(subject, subject2, "with its Subject");
	g_string_free(notice, TRUE);
	g_string_free(notice2, TRUE);
	g_free(subject);
	g_free(subject2);
	g_free(one);
	g_free(other);
	g_free(directory);
	templates_free(&built_in);
	templates_free(&files);
}

static void
covers_are_filled_in(void)
{
	char *directory = shipped(), *text;
	struct templates *templates = templates_make(directory);

	add(templates, both);
	text = templates_cover(templates, both, facts);
	has_str(text,
	    "haben eine verschl\303\274sselte Nachricht von "
	    "sam@example.org.",
	    "a cover in two languages has the first");
	has_str(text,
	    "\n* * *\n\nYou have an encrypted message from "
	    "sam@example.org.\n",
	    "and the other behind it");
	has_str(text, "file message.html.", "it says what to open");
	has_str(text, "Hint for the passphrase: the name of the cat\n",
	    "and the hint");
	ok(strchr(text, '#') == NULL, "comments are left out");
	ok(strstr(text, "://") == NULL && strstr(text, "www.") == NULL,
	    "it has no links");
	g_free(text);
	text = templates_cover(templates, both, &facts[1]);
	ok(strstr(text, "Hint") == NULL && strstr(text, "Hinweis") == NULL,
	    "without a hint nothing is said of one");
	ok(strstr(text, "\n\n\n") == NULL, "and no gap is left");
	g_free(text);
	g_free(directory);
	templates_free(&templates);
}

static void
notices_are_filled_in(void)
{
	char *directory = shipped(), *subject;
	struct templates *templates = templates_make(directory);
	GString *text;

	add(templates, both);
	text = templates_notice(templates, both, facts, 2, &subject);
	is_str(subject, "Passphrase f\303\274r den Empf\303\244nger Ihrer Mail",
	    "a notice has the first language's Subject");
	has_str(text->str,
	    "    dora@example.net: one two three four five six\n"
	    "    erin@example.net: a b c d e f\n",
	    "and each recipient's passphrase");
	ok(strstr(text->str, "Subject") == NULL,
	    "the Subject is no line of it");
	ok(text->str[0] != '\n', "nor is what parts it from the text");
	g_string_free(text, TRUE);
	g_free(subject);
	g_free(directory);
	templates_free(&templates);
}

/* What strangers wrote is no line of ours, and no word to be filled in. */
static void
facts_are_only_text(void)
{
	static const struct template_facts evil = {
	    "a\r\nb@HINT@\xff\x1b", "r", "d", "f", "@SENDER@", "p"};
	struct templates *templates = templates_make(folder);
	char *text;

	write_file("cover.xx.txt", "from @SENDER@ in @FILE@, @ x@y @HINT@\n");
	write_file("notice.xx.txt", "Subject: s\n@RECIPIENT@ @PASSPHRASE@\n");
	add(templates, (const char *const[]){"xx", NULL});
	text = templates_cover(
	    templates, (const char *const[]){"xx", NULL}, &evil);
	is_str(text, "from a??b@HINT@?? in f, @ x@y @SENDER@\n",
	    "what is filled in stays one line, and is not filled in again");
	g_free(text);
	templates_free(&templates);
}

static const struct {
	const char *name, *cover, *notice, *fault;
} broken[] = {
    {"a file that is not there", NULL, NULL,
	"/cover.xx.txt: cannot be read: No such file or directory"},
    {"a word that is not known", "# c\n@SENDER@ @FILE@\n@SENDR@\n", NULL,
	"/cover.xx.txt:3: has another word than @SENDER@, "},
    {"a passphrase in the cover", "@SENDER@ @FILE@ @PASSPHRASE@\n", NULL,
	"/cover.xx.txt:1: needs @RECIPIENT@ beside"},
    {"one with its recipient", "@SENDER@ @FILE@\n@RECIPIENT@ @PASSPHRASE@\n",
	NULL, "/cover.xx.txt:2: has another word than @SENDER@, "},
    {"a cover that does not say what to open", "@SENDER@\n", NULL,
	"/cover.xx.txt: needs @SENDER@ and @FILE@"},
    {"an empty cover", "", NULL, "/cover.xx.txt: needs @SENDER@"},
    {"what is not UTF-8", "@SENDER@ @FILE@\n\xfc\n", NULL,
	"/cover.xx.txt:2: is not in UTF-8"},
    {"a notice without a Subject", "@SENDER@ @FILE@\n", "# x\n\nDear sender\n",
	"/notice.xx.txt:3: has to begin with a line \"Subject: ...\""},
    {"a notice without a passphrase", "@SENDER@ @FILE@\n",
	"Subject: s\n\nDear sender\n",
	"/notice.xx.txt: needs @RECIPIENT@ and @PASSPHRASE@"},
    {"a passphrase in the Subject", "@SENDER@ @FILE@\n",
	"Subject: @RECIPIENT@ @PASSPHRASE@\n",
	"/notice.xx.txt:1: must not have a passphrase in the Subject"},
    {"a passphrase of nobody", "@SENDER@ @FILE@\n",
	"Subject: s\n\n@PASSPHRASE@\n", "/notice.xx.txt:3: needs @RECIPIENT@"},
};

static void
broken_ones_are_told(void)
{
	struct templates *templates;
	char *path;
	size_t i;

	path = g_build_filename(folder, "cover.xx.txt", NULL);
	(void)g_unlink(path);
	g_free(path);
	for (i = 0; i < G_N_ELEMENTS(broken); i++) {
		if (broken[i].cover != NULL)
			write_file("cover.xx.txt", broken[i].cover);
		if (broken[i].notice != NULL)
			write_file("notice.xx.txt", broken[i].notice);
		templates = templates_make(folder);
		fault_set(&fault, FAULT_NONE, "nothing");
		ok(templates_add(templates, "xx", &fault) == -1 &&
			fault.kind == FAULT_PERM &&
			g_str_has_prefix(fault.text, folder) &&
			g_str_has_prefix(
			    fault.text + strlen(folder), broken[i].fault),
		    "%s is told with file and line (%s)", broken[i].name,
		    fault.text);
		templates_free(&templates);
	}
}

static void
too_long_lines_are_told(void)
{
	struct templates *templates = templates_make(folder);
	char *line = g_strnfill(501, 'x');
	char *text = g_strdup_printf("@SENDER@ @FILE@\n%s\n", line);

	write_file("cover.xx.txt", text);
	is_int(templates_add(templates, "xx", &fault), -1,
	    "a line that is too long for mail is refused");
	has_str(fault.text, "/cover.xx.txt:2: is too long a line",
	    "... and told with its number");
	g_free(line);
	g_free(text);
	templates_free(&templates);
}

int
main(void)
{
	static const char *const names[] = {"cover.xx.txt", "notice.xx.txt"};
	char *path;
	size_t i;

	folder = g_dir_make_tmp("sealmilter.XXXXXX", NULL);
	if (folder == NULL)
		g_error("no directory for files");
	english_is_built_in();
	covers_are_filled_in();
	notices_are_filled_in();
	facts_are_only_text();
	broken_ones_are_told();
	too_long_lines_are_told();
	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		path = g_build_filename(folder, names[i], NULL);
		(void)g_unlink(path);
		g_free(path);
	}
	(void)g_rmdir(folder);
	g_free(folder);
	return tap_done();
}
