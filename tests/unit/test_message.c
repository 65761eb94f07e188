/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_message.c - a message keeps its bytes; only its line ends become CRLF,
 * however it came in pieces.
 */
#include "config.h"

#include "seal/message.h"
#include "tests/unit/mail.h"

/* --- The body */

/* Line ends as they should become, by a program that sees all of it. */
static GString *
crlf(const GString *text)
{
	GString *out = g_string_new(NULL);
	gsize i;

	for (i = 0; i < text->len; i++) {
		if (text->str[i] == '\n' &&
		    (i == 0 || text->str[i - 1] != '\r'))
			g_string_append_c(out, '\r');
		g_string_append_c(out, text->str[i]);
	}
	return out;
}

static GString *
add_body(const GString *text, enum feed feed)
{
	struct message *message = message_make(&mail_limits);
	struct fault fault;
	GString *got;
	size_t at, n;

	for (at = 0; at < text->len; at += n) {
		n = feed_next(feed, text->len - at);
		if (message_add_body(message, text->str + at, n, &fault) != 0)
			g_error("%s", fault.text);
	}
	got = spool_text(message->body);
	message_free(&message);
	return got;
}

static bool
body_becomes(const GString *text, const GString *want)
{
	bool same = true;
	GString *got;
	int feed;

	for (feed = 0; feed < FEEDS; feed++) {
		got = add_body(text, (enum feed)feed);
		same = same && got != NULL && g_string_equal(got, want);
		g_string_free(got, TRUE);
	}
	return same;
}

static void
line_ends_become_crlf(void)
{
	static const struct {
		const char *name, *text, *want;
	} table[] = {
	    {"nothing", "", ""},
	    {"LF", "a\nb\n", "a\r\nb\r\n"},
	    {"CRLF", "a\r\nb\r\n", "a\r\nb\r\n"},
	    {"both", "a\nb\r\nc\n", "a\r\nb\r\nc\r\n"},
	    {"no line end at the end", "a\nb", "a\r\nb"},
	    {"an LF at the start", "\na", "\r\na"},
	    {"many LF", "\n\n\n", "\r\n\r\n\r\n"},
	    {"CR alone stays", "a\rb", "a\rb"},
	    {"CR at the end stays", "a\r", "a\r"},
	    {"two CR stay", "a\r\r\nb", "a\r\r\nb"},
	    {"LF CR", "a\n\rb", "a\r\n\rb"},
	    {"dots and blanks stay", ".\n..\n \n", ".\r\n..\r\n \r\n"},
	};

	GString *text, *want;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(table); i++) {
		text = g_string_new(table[i].text);
		want = g_string_new(table[i].want);
		ok(body_becomes(text, want), "in a body: %s", table[i].name);
		g_string_free(text, TRUE);
		g_string_free(want, TRUE);
	}
}

static void
noise_keeps_its_octets(void)
{
	static const char chars[] = {'\r', '\n', 'a', '\0', (char)0xe9};
	GString *text, *want;
	bool same = true;
	int i;

	for (i = 0; i < 500 && same; i++) {
		text = g_string_new(NULL);
		while (feed_random(200) != 0)
			g_string_append_c(
			    text, chars[feed_random(sizeof(chars))]);
		want = crlf(text);
		same = body_becomes(text, want);
		g_string_free(text, TRUE);
		g_string_free(want, TRUE);
	}
	ok(same, "500 bodies of line ends, NUL and 8-bit octets come back");
}

/* --- Reading a file */

/* "Name=value|" for each field, "#" and the body; what is not text as ?. */
static char *
show(const struct message *message)
{
	GString *out = g_string_new(NULL), *body = spool_text(message->body);
	size_t i;

	for (i = 0; i < message->header.count; i++)
		g_string_append_printf(out, "%s=%s|",
		    message->header.list[i].name,
		    message->header.list[i].value);
	g_string_append_c(out, '#');
	g_string_append_len(out, body->str, (gssize)body->len);
	g_string_free(body, TRUE);
	return g_string_free(out, FALSE);
}

static const struct {
	const char *name, *text, *want;
} files[] = {
    {"a message", "A: 1\nB: 2\n\nbody\n", "A= 1|B= 2|#body\r\n"},
    {"a message with CRLF", "A: 1\r\nB: 2\r\n\r\nbody\r\n",
	"A= 1|B= 2|#body\r\n"},
    {"folds", "A: 1\n 2\n\t3\nB: 4\n\n", "A= 1\r\n 2\r\n\t3|B= 4|#"},
    {"folds with CRLF", "A: 1\r\n 2\r\n\r\n", "A= 1\r\n 2|#"},
    {"a field without a blank after the colon", "A:1\n\nx", "A=1|#x"},
    {"a field with blanks around", "A:  1  \n\nx", "A=  1  |#x"},
    {"an empty field", "A:\nB: \n\nx", "A=|B= |#x"},
    {"no body", "A: 1\n\n", "A= 1|#"},
    {"no blank line", "A: 1\n", "A= 1|#"},
    {"no line end", "A: 1", "A= 1|#"},
    {"a fold at the end", "A: 1\n 2", "A= 1\r\n 2|#"},
    {"nothing", "", "#"},
    {"a blank line alone", "\n", "#"},
    {"two blank lines", "\n\n", "#\r\n"},
    {"a body alone", "\nbody", "#body"},
    {"a From line of an mbox", "From a@b Sat Nov 21\nA: 1\n\nx", "A= 1|#x"},
    {"a From line further down", "A: 1\nFrom a@b\n\nx",
	"A= 1|#From a@b\r\n\r\nx"},
    {"a line without a colon", "A: 1\nhello\nB: 2\n\nx",
	"A= 1|#hello\r\nB: 2\r\n\r\nx"},
    {"a line that starts with a colon", "A: 1\n: 2\n\nx", "A= 1|#: 2\r\n\r\nx"},
    {"a blank in a name", "A: 1\nB C: 2\n\nx", "A= 1|#B C: 2\r\n\r\nx"},
    {"a fold before any field", " A: 1\n\nx", "# A: 1\r\n\r\nx"},
    {"a line of blanks is a fold", "A: 1\n \nB: 2\n\nx", "A= 1\r\n |B= 2|#x"},
    {"CR inside of a line", "A: 1\r2\n\nx", "A= 1\r2|#x"},
    {"8-bit octets", "A: \xe9\n\n\xe9", "A= \xe9|#\xe9"},
};

static void
files_are_read(void)
{
	struct message *message;
	char *got;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(files); i++) {
		message = mail_parse(files[i].text);
		got = show(message);
		is_str(got, files[i].want, files[i].name);
		g_free(got);
		message_free(&message);
	}
}

/* A pipe that gives an octet at a time, as a slow LDA does. */
static void
slow_pipes_are_read(void)
{
	struct message *message = message_make(&mail_limits);
	const char *text = "A: 1\r\n 2\r\nB: 3\r\n\r\nbody\r\n";
	struct fault fault;
	int ends[2];
	pid_t child;
	char *got;
	size_t i;

	if (pipe(ends) != 0)
		g_error("no pipe");
	fflush(stdout);
	child = fork();
	if (child == 0) {
		for (i = 0; text[i] != '\0'; i++)
			if (write(ends[1], text + i, 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	is_int(message_read(message, ends[0], 1000, &fault), 0,
	    "a pipe is read to its end");
	got = show(message);
	is_str(got, "A= 1\r\n 2|B= 3|#body\r\n", "and gives the same");
	g_free(got);
	close(ends[0]);
	(void)waitpid(child, NULL, 0);
	message_free(&message);
}

static int
read_octets(const void *data, size_t len, uint64_t octets, struct fault *fault)
{
	struct message *message = message_make(&mail_limits);
	int fd = mail_memory_file(data, len);
	int r = message_read(message, fd, octets, fault);

	close(fd);
	message_free(&message);
	return r;
}

static void
limits_hold(void)
{
	static const char text[] = "A: 1\n\nbody\n";
	struct fault fault = {FAULT_NONE, ""};
	GString *endless = g_string_new("A: ");

	is_int(read_octets(text, strlen(text), strlen(text), &fault), 0,
	    "a message as large as allowed is read");
	is_int(read_octets(text, strlen(text), strlen(text) - 1, &fault), -1,
	    "one more octet is refused");
	is_int(fault.kind, FAULT_PERM, "for good");
	g_string_set_size(endless, 100000);
	memset(endless->str + 3, 'x', endless->len - 3);
	is_int(read_octets(endless->str, endless->len, 50000, &fault), -1,
	    "a line without an end is refused");
	is_int(read_octets("A: 1\nB: 2\0003\n\n", 14, 100, &fault), -1,
	    "NUL in the header, which would cut a field short, is refused");
	is_int(fault.kind, FAULT_PERM, "for good");
	is_int(read_octets("A: 1\n\nB\0C\n", 10, 100, &fault), 0,
	    "NUL in the body is read");
	is_int(read_octets("A: 1\nnot a field \0C\n", 20, 100, &fault), 0,
	    "NUL in a line that is no field is the body's");
	fault.kind = FAULT_NONE;
	is_int(read_octets(text, strlen(text), 0, &fault), -1,
	    "nothing is allowed");
	g_string_free(endless, TRUE);
}

static void
unreadable_files_are_temporary(void)
{
	struct message *message = message_make(&mail_limits);
	struct fault fault = {FAULT_NONE, ""};
	int fd = open(mail_directory, O_RDONLY | O_CLOEXEC);

	is_int(message_read(message, fd, 1000, &fault), -1,
	    "what cannot be read is a failure");
	is_int(fault.kind, FAULT_TEMP, "that may go away");
	close(fd);
	message_free(&message);
}

/* --- Fields */

static void
fields_are_found(void)
{
	struct message *message = mail_parse(
	    "Subject: one\nSUBJECT: two\nX-Subject: three\n"
	    "Sealmilter-Sealed: x\nsealmilter-other: y\nSealmilterx: z\n\n");
	const struct field *field = message_field(message, "subject", 1);

	ok(field != NULL && strcmp(field->value, " two") == 0,
	    "the second of a name is found, without regard to case");
	ok(message_field(message, "Subject", 2) == NULL,
	    "there is no third one");
	ok(message_field(message, "Subjec", 0) == NULL,
	    "half a name is another");
	ok(field_is_ours(&message->header.list[3]) &&
		field_is_ours(&message->header.list[4]) &&
		!field_is_ours(&message->header.list[5]),
	    "fields that are ours to set are known by their names");
	message_free(&message);
}

static void
values_are_unfolded(void)
{
	static const char *const table[][2] = {{" a", "a"},
	    {"a \r\n\tb ", "a \tb"}, {"", ""}, {"  ", ""},
	    {" a\r\n b\r\n c", "a b c"}};
	char *got;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(table); i++) {
		got = field_unfold(table[i][0]);
		is_str(got, table[i][1], "a value without its folds");
		g_free(got);
	}
}

/* --- Writing */

static GString *
write_to_string(const struct message *message, const char *subject)
{
	int fd = memfd_create("out", MFD_CLOEXEC);
	struct fault fault;
	GString *out = g_string_new(NULL);
	char piece[4096];
	ssize_t n;

	if (message_write(message, subject, fd, &fault) != 0 ||
	    lseek(fd, 0, SEEK_SET) != 0)
		g_error("%s", fault.text);
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		g_string_append_len(out, piece, n);
	close(fd);
	return out;
}

static void
messages_are_written(void)
{
	struct message *message =
	    mail_parse("Subject: [x] one\nSealmilter-Sealed: forged\nA: 1\n 2\n"
		       "Subject: two\n\nbody\n");
	GString *got = write_to_string(message, NULL);

	is_str(got->str,
	    "Subject: [x] one\r\nA: 1\r\n 2\r\nSubject: two\r\n"
	    "\r\nbody\r\n",
	    "a message is written as it came, but for"
	    " fields that are ours to set");
	g_string_free(got, TRUE);
	got = write_to_string(message, " one");
	is_str(got->str,
	    "Subject: one\r\nA: 1\r\n 2\r\nSubject: two\r\n"
	    "\r\nbody\r\n",
	    "the first Subject can be another");
	g_string_free(got, TRUE);
	message_free(&message);
}

/* The corpus of tests/samples: read, written, read again. */
static void
samples_come_back(void)
{
	const char *top = g_getenv("top_srcdir"), *name;
	char *path =
	    g_build_filename(top == NULL ? "." : top, "tests", "samples", NULL);
	GDir *dir = g_dir_open(path, 0, NULL);
	struct message *message;
	GString *text, *want, *got;
	char *file, *octets;
	bool same;
	gsize len;
	int seen = 0;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		if (!g_str_has_suffix(name, ".eml") ||
		    strcmp(name, "forged-marks.eml") == 0)
			continue;
		file = g_build_filename(path, name, NULL);
		if (!g_file_get_contents(file, &octets, &len, NULL))
			g_error("%s is missing", file);
		text = g_string_new_len(octets, (gssize)len);
		want = crlf(text);
		/* The blank line is the message's, even without a body. */
		if (strstr(want->str, "\r\n\r\n") == NULL)
			g_string_append(want, "\r\n");
		message = mail_parse_octets(octets, len);
		got = write_to_string(message, NULL);
		same = g_string_equal(got, want) &&
		       message_size(message) == got->len;
		if (!same)
			ok(false, "%s is not written as it came", name);
		seen++;
		message_free(&message);
		g_string_free(text, TRUE);
		g_string_free(want, TRUE);
		g_string_free(got, TRUE);
		g_free(octets);
		g_free(file);
	}
	ok(seen > 40, "%d samples were read and written", seen);
	if (dir != NULL)
		g_dir_close(dir);
	g_free(path);
}

static void
writing_fails_when_it_must(void)
{
	struct message *message = mail_parse("A: 1\n\nbody\n");
	struct fault fault = {FAULT_NONE, ""};
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	is_int(message_write(message, NULL, fd, &fault), -1,
	    "a full disk is a failure");
	is_int(fault.kind, FAULT_TEMP, "that may go away");
	close(fd);
	message_free(&message);
}

int
main(void)
{
	mail_begin();
	feed_begin();
	line_ends_become_crlf();
	noise_keeps_its_octets();
	files_are_read();
	slow_pipes_are_read();
	limits_hold();
	unreadable_files_are_temporary();
	fields_are_found();
	values_are_unfolded();
	messages_are_written();
	samples_come_back();
	writing_fails_when_it_must();
	feed_end();
	mail_end();
	return tap_done();
}
