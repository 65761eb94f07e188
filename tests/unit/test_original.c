/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_original.c - the octets of a stored file come back, whatever its line
 * ends, its header and what was put into its body.
 */
#define _GNU_SOURCE
#include "config.h"

#include "seal/legacy.h"
#include "seal/original.h"
#include "seal/payload.h"
#include "seal/protect.h"
#include "tests/unit/mail.h"

#include <fcntl.h>
#include <unistd.h>

static struct spool_limits limits;

static int
collect(void *context, const void *data, size_t len, struct fault *fault)
{
	(void)fault;
	g_string_append_len(context, data, (gssize)len);
	return 0;
}

static int
file_of(const char *octets, size_t len)
{
	int fd = open(limits.directory, O_TMPFILE | O_RDWR, 0600);

	if (fd == -1 || write(fd, octets, len) != (ssize_t)len ||
	    lseek(fd, 0, SEEK_SET) != 0)
		abort();
	return fd;
}

/* What seal_message() would encrypt. */
static struct spool *
payload_of(const struct seal_order *order, const struct message *message)
{
	struct spool *spool = spool_make(&limits, true);
	struct sealed sealed = {0};
	struct fault fault = {FAULT_NONE, ""};
	struct payload *payload;
	struct gate *gate;
	unsigned char piece[1000];
	char *trailer;
	GArray *display;
	GString *header;
	ssize_t n;
	bool at_root;
	size_t i;

	sealed.count = message->header.count;
	sealed.outside = g_new0(enum outside, sealed.count + 1);
	sealed.value = g_new0(char *, sealed.count + 1);
	display = legacy_find(order, message, &at_root);
	header =
	    protect_header(order, message, "=_b", at_root, &sealed, &trailer);
	payload = payload_make(header, message, trailer);
	payload_insert(payload, display);
	gate = gate_make(payload_octets(payload), &fault);
	payload_rewind(payload, gate);
	while ((n = payload_read(payload, piece, sizeof(piece), &fault)) > 0)
		if (spool_append(spool, piece, (size_t)n, &fault) != 0)
			abort();
	payload_free(&payload);
	gate_free(&gate);
	for (i = 0; i < sealed.count; i++)
		g_free(sealed.value[i]);
	g_free(sealed.value);
	g_free(sealed.outside);
	return spool;
}

static bool
comes_back(const char *octets, size_t len, bool legacy)
{
	struct seal_order order = {.form = SEAL_SMIME,
	    .hide_subject = true,
	    .legacy_display = legacy,
	    .at_rest = true,
	    .limits = &limits};
	struct fault fault = {FAULT_NONE, ""};
	struct message *message = NULL;
	GString *back = g_string_new(NULL);
	struct spool *payload;
	char *value = NULL;
	bool same = false;
	int fd = file_of(octets, len), r = -1;

	if (original_read(fd, len, 1 << 30, &order, &message, &value, &fault) ==
	    0) {
		order.original = value;
		payload = payload_of(&order, message);
		r = original_restore(payload, collect, back, &fault);
		spool_free(&payload);
		same = r == 1 && back->len == len &&
		       memcmp(back->str, octets, len) == 0;
	}
	if (!same)
		printf("# %d %s\n", r, fault.text);
	message_free(&message);
	g_free(value);
	g_string_free(back, TRUE);
	close(fd);
	return same;
}

static void
test_shapes(void)
{
	static const struct {
		const char *what, *octets;
	} shapes[] = {
	    {"LF", "Subject: a long subject\nTo: x\n\nbody\nmore\n"},
	    {"CRLF", "Subject: a long subject\r\nTo: x\r\n\r\nbody\r\n"},
	    {"mixed", "Subject: x\r\nTo: x\n\nbody\r\nmore\n\r\n\n\r\rend\r\n"},
	    {"bare CR", "Subject: x\n\na\rb\r\r\nc\r"},
	    {"a CR at its end", "Subject: x\n\nbody\r"},
	    {"no last line end", "Subject: x\n\nbody"},
	    {"no body", "Subject: x\n\n"},
	    {"no blank line", "Subject: x\n"},
	    {"an unfinished header", "Subject: x"},
	    {"no header", "\nbody\n"},
	    {"nothing but a line", "nothing that is a header\n"},
	    {"a From line of mbox", "From me Mon\nSubject: x\n\nbody\n"},
	    {"blanks before the colon", "Subject : x\nTo\t: y\n\nbody\n"},
	    {"a Bcc and marks of ours",
		"Bcc: y\nSealmilter-Sealed: z\nSubject: x\n\nbody\n"},
	    {"two Content-Types", "Content-Type: text/plain\nContent-Type: "
				  "text/html\n\nb\r\nc\n"},
	    {"an HTML body",
		"Subject: a long subject\nContent-Type: text/html\n"
		"\n<html><body>x</body></html>\n"},
	    {"an empty file", ""},
	};

	size_t i, len;
	char *name;

	for (i = 0; i < G_N_ELEMENTS(shapes); i++) {
		len = strlen(shapes[i].octets);
		name = g_strdup_printf("%s comes back", shapes[i].what);
		ok(comes_back(shapes[i].octets, len, false), "%s", name);
		ok(comes_back(shapes[i].octets, len, true),
		    "%s with the Subject shown", name);
		g_free(name);
	}
	ok(comes_back("Subject: x\n\na\0b\n\0", 17, false),
	    "NUL in the body comes back");
}

static void
test_large(void)
{
	GString *text = g_string_new("Subject: a long subject\n\n");
	int i;

	for (i = 0; i < 60000; i++)
		g_string_append_printf(
		    text, "line %d%s\n", i, i % 7 < 3 ? "\r" : "");
	ok(comes_back(text->str, text->len, false),
	    "a large one with all sorts of line ends comes back");
	ok(comes_back(text->str, text->len, true),
	    "and with the Subject shown");
	g_string_free(text, TRUE);
}

static void
test_samples(void)
{
	char *where =
	    g_build_filename(g_getenv("top_srcdir"), "tests", "samples", NULL);
	GDir *dir = g_dir_open(where, 0, NULL);
	const char *name;
	char *path, *octets;
	gsize len;
	int count = 0, good = 0;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		if (!g_str_has_suffix(name, ".eml"))
			continue;
		path = g_build_filename(where, name, NULL);
		if (g_file_get_contents(path, &octets, &len, NULL)) {
			count++;
			if (comes_back(octets, len, false) &&
			    comes_back(octets, len, true))
				good++;
			else
				printf("# %s\n", name);
			g_free(octets);
		}
		g_free(path);
	}
	if (dir != NULL)
		g_dir_close(dir);
	ok(count > 20 && good == count, "every sample comes back");
	g_free(where);
}

static void
test_refusals(void)
{
	static const char *const payloads[] = {
	    "Subject: x\r\n\r\nbody\r\n",
	    "Subject: x\r\nSealmilter-Original: AAAA\r\n\r\nbody\r\n",
	    "Subject: x\r\nSealmilter-Original: !\r\n\r\n",
	    "Subject: x",
	    "",
	};
	struct fault fault = {FAULT_NONE, ""};
	struct spool *spool;
	GString *back = g_string_new(NULL);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(payloads); i++) {
		spool = spool_make(&limits, true);
		if (spool_append(
			spool, payloads[i], strlen(payloads[i]), &fault) != 0)
			abort();
		is_int(original_restore(spool, collect, back, &fault), 0,
		    "a payload that does not tell is not restored");
		spool_free(&spool);
	}
	g_string_free(back, TRUE);
}

static void
test_changed_payload(void)
{
	static const char text[] = "Subject: x\n\nbody\n";
	struct seal_order order = {.form = SEAL_SMIME, .limits = &limits};
	struct fault fault = {FAULT_NONE, ""};
	GString *back = g_string_new(NULL);
	struct message *message = NULL;
	struct spool *payload;
	char *value = NULL;
	int fd = file_of(text, strlen(text));

	if (original_read(fd, strlen(text), 1 << 20, &order, &message, &value,
		&fault) != 0)
		abort();
	order.original = value;
	if (spool_append(message->body, "more\r\n", 6, &fault) != 0)
		abort();
	payload = payload_of(&order, message);
	is_int(original_restore(payload, collect, back, &fault), -1,
	    "another body than the one that was sealed is refused");
	is_int(fault.kind, FAULT_PERM, "for good");
	spool_free(&payload);
	message_free(&message);
	g_free(value);
	g_string_free(back, TRUE);
	close(fd);
}

int
main(void)
{
	char *directory = g_dir_make_tmp("sealmilter-test-XXXXXX", NULL);

	limits = (struct spool_limits){directory, 4096};
	test_shapes();
	test_large();
	test_samples();
	test_refusals();
	test_changed_payload();
	(void)rmdir(directory);
	g_free(directory);
	return tap_done();
}
