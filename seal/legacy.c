/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * legacy.c - show a hidden Subject to programs that would not find it.
 *
 * In:    a message.
 * Out:   a few octets to insert into its body.
 * Never: takes an octet of the body away, or touches what is signed.
 */
#include <config.h>

#include "seal/legacy.h"

#include "seal/protect.h"
#include "seal/subject.h"

#include <gmime/gmime.h>
#include <openssl/crypto.h>
#include <string.h>

#define WINDOW_OCTETS ((size_t)64 * 1024)
#define DEPTH_MAX 8
#define SUBJECT_OCTETS 800
#define LINE_OCTETS 900 /* stays below 998 (RFC 5322 section 2.1.1) */

#define PARAMETER "hp-legacy-display=\"1\""

/* The header of a part, or of the message. */
struct part {
	const char *type;        /* value of Content-Type, or NULL */
	const char *encoding;    /* of Content-Transfer-Encoding */
	const char *disposition; /* of Content-Disposition */
	unsigned int types;      /* fields Content-Type */
	size_t type_end;         /* behind the value, in the window */
	size_t header_start;
	size_t start, end; /* of the body */
	bool is_root;
};

struct search {
	char *subject; /* UTF-8, without control characters */
	char *window;
	size_t len;
	GArray *insertions;
	bool at_root;
};

static char *hidden_subject(
    const struct seal_order *order, const struct message *message);
static void read_window(struct search *search, const struct message *message);
static void look_at(
    struct search *search, const struct part *part, unsigned int depth);
static void look_into(struct search *search, const struct part *part,
    GMimeContentType *type, unsigned int depth);
static bool read_part(struct search *search, size_t at, size_t end,
    struct part *part, GPtrArray *values);
static void add_to_text(
    struct search *search, const struct part *part, GMimeContentType *type);
static GString *element_of(
    const char *subject, bool html, const char *charset, bool seven_bit);
static size_t place_in_html(
    const struct search *search, const struct part *part, const char *encoding);
static GString *encode(GString *element, const char *encoding, bool html);
static void insert(struct search *search, size_t at, GString *text);
static int by_place(gconstpointer a, gconstpointer b);

static void
clear_insertion(void *data)
{
	g_free(((struct insertion *)data)->text);
}

GArray *
legacy_find(const struct seal_order *order, const struct message *message,
    bool *at_rootp)
{
	const struct field *type = message_field(message, "Content-Type", 0);
	const struct field *encoding =
	    message_field(message, "Content-Transfer-Encoding", 0);
	const struct field *disposition =
	    message_field(message, "Content-Disposition", 0);
	struct search search = {0};
	struct part root = {.is_root = true};

	search.insertions = g_array_new(FALSE, FALSE, sizeof(struct insertion));
	g_array_set_clear_func(search.insertions, clear_insertion);
	search.subject = hidden_subject(order, message);
	if (search.subject != NULL && !protect_wraps(message)) {
		gmime_need();
		read_window(&search, message);
		root.type = type == NULL ? NULL : type->value;
		root.encoding = encoding == NULL ? NULL : encoding->value;
		root.disposition =
		    disposition == NULL ? NULL : disposition->value;
		root.end = search.len;
		look_at(&search, &root, 0);
		OPENSSL_cleanse(search.window, search.len);
		g_array_sort(search.insertions, by_place);
	}
	*at_rootp = search.at_root;
	g_free(search.window);
	g_free(search.subject);
	return search.insertions;
}

/* For people, on one line; NULL if there is nothing to show. */
static char *
hidden_subject(const struct seal_order *order, const struct message *message)
{
	char *subject, *p;

	if (!order->legacy_display || !order->hide_subject)
		return NULL;
	subject = order->subject != NULL ? subject_decode_value(order->subject)
					 : subject_decode(message);
	if (subject == NULL)
		return NULL;
	for (p = subject; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	g_strstrip(subject);
	if (*subject == '\0' || strlen(subject) > SUBJECT_OCTETS)
		g_clear_pointer(&subject, g_free);
	return subject;
}

static void
read_window(struct search *search, const struct message *message)
{
	struct spool_reader *reader = spool_reader_make(message->body);
	size_t size = (size_t)MIN(spool_size(message->body), WINDOW_OCTETS);
	ssize_t n = 1;

	search->window = g_malloc(size + 1);
	while (search->len < size && n > 0) {
		n = spool_reader_read(reader, search->window + search->len,
		    size - search->len, NULL);
		if (n > 0)
			search->len += (size_t)n;
	}
	/* Whoever looks at the octet behind the last one finds no letter. */
	search->window[search->len] = '\0';
	spool_reader_free(&reader);
}

/* --- Parts */

static void
look_at(struct search *search, const struct part *part, unsigned int depth)
{
	GMimeContentType *type;
	const char *separator;
	char *unfolded;

	if (depth > DEPTH_MAX || part->types > 1 ||
	    (part->type != NULL && !protect_can_extend(part->type, &separator)))
		return;
	unfolded = field_unfold(part->type == NULL ? "text/plain" : part->type);
	type = g_mime_content_type_parse(NULL, unfolded);
	g_free(unfolded);
	if (type == NULL)
		return;
	if (g_mime_content_type_is_type(type, "multipart", "*"))
		look_into(search, part, type, depth);
	else if ((g_mime_content_type_is_type(type, "text", "plain") ||
		     g_mime_content_type_is_type(type, "text", "html")) &&
		 (part->disposition == NULL ||
		     strcasestr(part->disposition, "attachment") == NULL) &&
		 g_mime_content_type_get_parameter(type, "hp-legacy-display") ==
		     NULL)
		add_to_text(search, part, type);
	g_object_unref(type);
}

/* Where a line with that delimiter begins, from there on; end if nowhere. */
static size_t
find_delimiter(const struct search *search, size_t from, size_t end,
    const char *delimiter, size_t *behindp)
{
	size_t len = strlen(delimiter), at;
	const char *p;

	for (at = from; at + len <= end; at++) {
		p = memmem(search->window + at, end - at, delimiter, len);
		if (p == NULL)
			break;
		at = (size_t)(p - search->window);
		*behindp = at + len;
		if ((at == 0 || p[-1] == '\n') &&
		    (p[len] == '\r' || p[len] == ' ' || p[len] == '-'))
			return at;
	}
	*behindp = end;
	return end;
}

/* The parts that are read first (section 5.2.4): all alternatives, else the
 * first one only. */
static void
look_into(struct search *search, const struct part *part,
    GMimeContentType *type, unsigned int depth)
{
	const char *boundary =
	    g_mime_content_type_get_parameter(type, "boundary");
	bool all =
	    g_mime_content_type_is_type(type, "multipart", "alternative");
	GPtrArray *values = g_ptr_array_new_with_free_func(g_free);
	char *delimiter;
	struct part child;
	size_t at, behind, end;

	if (boundary == NULL || *boundary == '\0' ||
	    (!all && !g_mime_content_type_is_type(type, "multipart", "mixed") &&
		!g_mime_content_type_is_type(type, "multipart", "related"))) {
		g_ptr_array_unref(values);
		return;
	}
	delimiter = g_strconcat("--", boundary, NULL);
	at = find_delimiter(search, part->start, part->end, delimiter, &behind);
	while (at < part->end && search->window[behind] != '-') {
		end = find_delimiter(search, behind, part->end, delimiter, &at);
		if (!read_part(search, behind, end, &child, values))
			break;
		look_at(search, &child, depth + 1);
		if (!all)
			break;
		behind = at;
		at = end;
	}
	g_free(delimiter);
	g_ptr_array_unref(values);
}

/* The header of a part behind its delimiter; false if it does not end. */
static bool
read_part(struct search *search, size_t at, size_t end, struct part *part,
    GPtrArray *values)
{
	static const char *const names[] = {"Content-Type:",
	    "Content-Transfer-Encoding:", "Content-Disposition:"};
	const char *w = search->window, **place;
	size_t line, next, i;

	*part = (struct part){.end = end};
	const char **places[] = {
	    &part->type, &part->encoding, &part->disposition};
	while (at < end && w[at] != '\n')
		at++;
	part->header_start = line = at + 1;
	for (; line + 1 < end && w[line] != '\r'; line = next) {
		next = line;
		do {
			while (next < end && w[next] != '\n')
				next++;
			next++;
		} while (next < end && (w[next] == ' ' || w[next] == '\t'));
		if (next >= end)
			return false;
		for (i = 0; i < G_N_ELEMENTS(names); i++) {
			place = places[i];
			if (g_ascii_strncasecmp(
				w + line, names[i], strlen(names[i])) != 0)
				continue;
			*place = g_strndup(w + line + strlen(names[i]),
			    next - 2 - line - strlen(names[i]));
			g_ptr_array_add(values, (char *)(uintptr_t)*place);
			if (i == 0) {
				part->types++;
				part->type_end = next - 2;
			}
		}
	}
	part->start = line + 2;
	return part->start <= end && w[line] == '\r';
}

/* --- The element */

static void
add_to_text(
    struct search *search, const struct part *part, GMimeContentType *type)
{
	bool html = g_mime_content_type_is_type(type, "text", "html");
	const char *charset =
	    g_mime_content_type_get_parameter(type, "charset");
	char *encoding = g_strstrip(g_ascii_strdown(
	    part->encoding == NULL ? "7bit" : part->encoding, -1));
	const char *separator = ";";
	GString *element = NULL, *parameter;
	size_t at;

	if (g_strv_contains((const char *const[]){"7bit", "8bit", "binary",
				"quoted-printable", "base64", NULL},
		encoding))
		element = element_of(search->subject, html,
		    charset == NULL ? "us-ascii" : charset,
		    strcmp(encoding, "7bit") == 0);
	if (element != NULL) {
		at = html ? place_in_html(search, part, encoding) : part->start;
		insert(search, at, encode(element, encoding, html));
		if (part->is_root)
			search->at_root = true;
		else if (part->type == NULL)
			insert(search, part->header_start,
			    g_string_new(
				"Content-Type: text/plain; " PARAMETER "\r\n"));
		else if (protect_can_extend(part->type, &separator)) {
			parameter = g_string_new(separator);
			g_string_append(parameter, "\r\n\t" PARAMETER);
			insert(search, part->type_end, parameter);
		}
	}
	g_free(encoding);
}

/* Numbers instead of all that is not ASCII: any charset can have it. */
static GString *
html_element(const char *subject)
{
	GString *out = g_string_new("<div class=\"header-protection-legacy-"
				    "display\">\r\n<pre>Subject: ");
	gsize start = 0;
	const char *p;
	gunichar c;

	for (p = subject; *p != '\0'; p += g_utf8_skip[(guchar)*p]) {
		c = g_utf8_get_char(p);
		/* Folded, as a field is. */
		if (out->len - start > LINE_OCTETS) {
			g_string_append(out, "\r\n ");
			start = out->len;
		}
		if (c > '~' || strchr("<>&\"'", (int)c) != NULL)
			g_string_append_printf(out, "&#%u;", c);
		else
			g_string_append_c(out, (char)c);
	}
	return g_string_append(out, "</pre>\r\n</div>\r\n");
}

/* In that charset; what it does not have becomes "?".  NULL if the charset
 * is not known, or is no ASCII, or makes the line too long. */
static GString *
element_of(const char *subject, bool html, const char *charset, bool seven_bit)
{
	char *text, *fallback = NULL;
	GString *element = NULL;
	gsize len, i;

	text = g_convert("Subject: ", -1, charset, "UTF-8", NULL, &len, NULL);
	if (text == NULL || len != strlen("Subject: ") ||
	    memcmp(text, "Subject: ", len) != 0)
		goto out;
	if (html) {
		element = html_element(subject);
		goto out;
	}
	g_free(text);
	text = g_convert_with_fallback(
	    subject, -1, charset, "UTF-8", "?", NULL, &len, NULL);
	for (i = 0; text != NULL && seven_bit && i < len; i++)
		if (((unsigned char)text[i] & 0x80) != 0) {
			fallback = g_convert_with_fallback(subject, -1,
			    "us-ascii", "UTF-8", "?", NULL, &len, NULL);
			g_free(text);
			text = fallback;
		}
	if (text != NULL && len <= LINE_OCTETS) {
		element = g_string_new("Subject: ");
		g_string_append_len(element, text, (gssize)len);
		g_string_append(element, "\r\n\r\n");
	}
out:
	g_free(text);
	return element;
}

/* Behind <body ...> if that can be seen, else in front of everything. */
static size_t
place_in_html(
    const struct search *search, const struct part *part, const char *encoding)
{
	const char *p = search->window + part->start;
	const char *end = search->window + part->end;

	for (; strcmp(encoding, "base64") != 0 && p + 6 < end; p++) {
		if (g_ascii_strncasecmp(p, "<body", 5) != 0 ||
		    (p[5] != '>' && p[5] != ' ' && p[5] != '\r'))
			continue;
		p = memchr(p, '>', (size_t)(end - p));
		if (p != NULL)
			return (size_t)(p + 1 - search->window);
		break;
	}
	return part->start;
}

/* Without padding, so that what follows it in the body goes on: blanks make
 * it so long. */
static void
append_base64(GString *out, GString *element, gssize blanks_at)
{
	char *line;
	gsize i, n;

	while (element->len % 3 != 0)
		g_string_insert(element, blanks_at, " ");
	for (i = 0; i < element->len; i += n) {
		n = MIN(element->len - i, 57);
		line = g_base64_encode((const guchar *)element->str + i, n);
		g_string_append_printf(out, "%s\r\n", line);
		g_free(line);
	}
}

/* RFC 2045 section 6.7. */
static void
append_quoted(GString *out, const GString *element)
{
	gsize i, start = 0;
	unsigned char c;

	for (i = 0; i < element->len; i++) {
		c = (unsigned char)element->str[i];
		if (c == '\r' || c == '\n') {
			g_string_append_c(out, (char)c);
			start = out->len;
			continue;
		}
		if (out->len - start > 70) {
			g_string_append(out, "=\r\n");
			start = out->len;
		}
		if (c >= ' ' && c <= '~' && c != '=')
			g_string_append_c(out, (char)c);
		else
			g_string_append_printf(out, "=%02X", c);
	}
}

/* Takes the element. */
static GString *
encode(GString *element, const char *encoding, bool html)
{
	GString *out;

	if (html)
		g_string_prepend(element, "\r\n");
	if (strcmp(encoding, "base64") != 0 &&
	    strcmp(encoding, "quoted-printable") != 0)
		return element;
	out = g_string_new(NULL);
	if (strcmp(encoding, "base64") == 0)
		append_base64(
		    out, element, html ? 2 : (gssize)strlen("Subject:"));
	else
		append_quoted(out, element);
	g_string_free(element, TRUE);
	return out;
}

/* Takes the text. */
static void
insert(struct search *search, size_t at, GString *text)
{
	struct insertion insertion = {at, NULL, text->len};

	insertion.text = g_string_free(text, FALSE);
	g_array_append_val(search->insertions, insertion);
}

static int
by_place(gconstpointer a, gconstpointer b)
{
	const struct insertion *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}
