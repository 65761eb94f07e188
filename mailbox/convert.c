/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * convert.c - seal mail that is stored.
 *
 * In:    messages of a folder, and for whom to seal them.
 * Out:   sealed files in their places.
 * Never: touches a message that is sealed, or that it could not bring back.
 */
#include <config.h>

#include "mailbox/convert.h"

#include "mailbox/examine.h"
#include "seal/crash_point.h"
#include "seal/original.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct batch {
	const struct convert_order *order;
	const struct folder *folder;
	const struct convert_observer *observer;
	GPtrArray *replacements; /* of struct replacement * */
	uint64_t octets;
};

static int look_at(struct batch *batch, const struct mail *mail, int fd,
    const struct stat *st, struct fault *fault);
static int seal_one(struct batch *batch, const struct mail *mail, int fd,
    const struct stat *st, struct fault *fault);
static int write_stored(struct replacement *replacement,
    const struct sealed *sealed, const struct message *message, bool crlf,
    struct fault *fault);

static void
tell(const struct batch *batch, const struct mail *mail,
    enum convert_outcome outcome, uint64_t octets, const char *why)
{
	batch->observer->told(batch->observer->context, batch->folder, mail,
	    outcome, octets, why);
}

/* --- A batch */

static void
drop_all(struct batch *batch)
{
	struct replacement *replacement;
	guint i;

	for (i = 0; i < batch->replacements->len; i++) {
		replacement = g_ptr_array_index(batch->replacements, i);
		replacement_free(&replacement, batch->folder);
	}
	g_ptr_array_set_size(batch->replacements, 0);
	batch->octets = 0;
}

static int
put_in_place(struct batch *batch, struct fault *fault)
{
	const struct replacement *replacement;
	guint i;
	int r = replace_batch(batch->folder, batch->replacements, fault);

	for (i = 0; r == 0 && i < batch->replacements->len; i++) {
		replacement = g_ptr_array_index(batch->replacements, i);
		tell(batch, replacement->mail,
		    replacement->overtaken ? CONVERT_GONE : CONVERT_DONE,
		    (uint64_t)replacement->old.st_size, NULL);
	}
	drop_all(batch);
	return r;
}

/* 0, also if the message is left as it is; -1: all would fail alike. */
static int
convert_one(struct batch *batch, const struct mail *mail, struct fault *fault)
{
	char *why = NULL;
	struct stat st;
	int fd, r;

	r = folder_open_mail(batch->folder, mail, &fd, &st, &why, fault);
	if (r == 1) {
		r = look_at(batch, mail, fd, &st, fault);
		close(fd);
	} else if (r == 0) {
		tell(batch, mail, why == NULL ? CONVERT_GONE : CONVERT_LEFT, 0,
		    why);
		g_free(why);
	}
	return r == -1 ? -1 : 0;
}

int
convert_seal(const struct convert_order *order, const struct folder *folder,
    const GPtrArray *mails, guint first, guint count,
    const struct convert_observer *observer, struct fault *fault)
{
	struct batch batch = {
	    .order = order, .folder = folder, .observer = observer};
	int r = 0;
	guint i;

	batch.replacements = g_ptr_array_new();
	for (i = first; i < first + count && r == 0; i++) {
		if (observer->stop(observer->context))
			break;
		r = convert_one(&batch, g_ptr_array_index(mails, i), fault);
		if (r == 0 && batch.octets > CONVERT_BATCH_OCTETS)
			r = put_in_place(&batch, fault);
	}
	/* What is sealed is put in place even if the next one failed. */
	if (put_in_place(&batch, r == 0 ? fault : NULL) != 0)
		r = -1;
	g_ptr_array_free(batch.replacements, TRUE);
	return r;
}

/* --- A message */

static int
look_at(struct batch *batch, const struct mail *mail, int fd,
    const struct stat *st, struct fault *fault)
{
	const struct convert_order *order = batch->order;
	const uint64_t octets = (uint64_t)st->st_size;
	struct examined examined = {0};
	int r = 0;

	if (octets > order->message_octets) {
		tell(batch, mail, CONVERT_LEFT, octets,
		    "is larger than message_size of the configuration");
		return 0;
	}
	if (examine_file(fd, order->seal->limits, order->message_octets,
		&examined, fault) != 0)
		return -1;
	switch (examined.state) {
	case EXAMINED_SEALED:
		tell(batch, mail, CONVERT_SEALED, octets, NULL);
		break;
	case EXAMINED_UNKNOWN:
		tell(batch, mail, CONVERT_LEFT, octets, examined.why);
		break;
	case EXAMINED_READABLE:
	case EXAMINED_DAMAGED:
		if (order->dry_run)
			tell(batch, mail, CONVERT_DONE, octets, NULL);
		else
			r = seal_one(batch, mail, fd, st, fault);
		break;
	}
	examined_clear(&examined);
	return r;
}

/* Does its first line end in CRLF?  Then so do those of the sealed one. */
static bool
has_crlf(int fd)
{
	char piece[1024], *newline;
	ssize_t n = pread(fd, piece, sizeof(piece), 0);

	newline = n > 0 ? memchr(piece, '\n', (size_t)n) : NULL;
	return newline != NULL && newline > piece && newline[-1] == '\r';
}

static int
seal_one(struct batch *batch, const struct mail *mail, int fd,
    const struct stat *st, struct fault *fault)
{
	const struct convert_order *order = batch->order;
	struct seal_order seal = *order->seal;
	struct replacement *replacement = NULL;
	struct message *message = NULL;
	struct sealed *sealed = NULL;
	char *original = NULL;
	int ret = -1;

	if (lseek(fd, 0, SEEK_SET) != 0) {
		fault_set(fault, FAULT_TEMP, "reading the message: %s",
		    g_strerror(errno));
		return -1;
	}
	if (original_read(fd, (uint64_t)st->st_size, order->message_octets,
		&seal, &message, &original, fault) != 0)
		goto out;
	seal.original = original;
	if (seal_message(&seal, message, &sealed, fault) != 0 ||
	    replacement_make(batch->folder, mail, st, &replacement, fault) !=
		0 ||
	    write_stored(replacement, sealed, message, has_crlf(fd), fault) !=
		0)
		goto out;
	crash_point("M0");
	g_ptr_array_add(batch->replacements, replacement);
	batch->octets += replacement->size;
	replacement = NULL;
	ret = 0;
out:
	/* What is wrong with one message is not wrong with the next. */
	if (ret != 0 && fault->kind == FAULT_PERM) {
		tell(batch, mail, CONVERT_LEFT, (uint64_t)st->st_size,
		    fault->text);
		ret = 0;
	}
	if (replacement != NULL)
		replacement_free(&replacement, batch->folder);
	sealed_free(&sealed);
	message_free(&message);
	g_free(original);
	return ret;
}

/* --- Its file */

struct storing {
	struct replacement *replacement;
	GString *buffer;
	bool crlf;
	char last; /* octet that was written */
};

#define BUFFER_OCTETS 65536

static int
store_flush(struct storing *storing, struct fault *fault)
{
	const GString *buffer = storing->buffer;
	int r = write_octets(
	    storing->replacement->fd, buffer->str, buffer->len, fault);
	gsize i;

	storing->replacement->size += buffer->len;
	storing->replacement->vsize += buffer->len;
	for (i = 0; i < buffer->len; i++) {
		storing->replacement->vsize +=
		    buffer->str[i] == '\n' && storing->last != '\r';
		storing->last = buffer->str[i];
	}
	g_string_truncate(storing->buffer, 0);
	return r;
}

/* Maildirs have LF (and some programs know nothing else), unless theirs has
 * not. All line ends of sealed mail are CRLF. */
static int
store(
    struct storing *storing, const char *data, size_t len, struct fault *fault)
{
	const char *end = data + len, *cr;

	while (!storing->crlf &&
	       (cr = memchr(data, '\r', (size_t)(end - data))) != NULL) {
		g_string_append_len(storing->buffer, data, cr - data);
		data = cr + 1;
	}
	g_string_append_len(storing->buffer, data, end - data);
	return storing->buffer->len < BUFFER_OCTETS
		   ? 0
		   : store_flush(storing, fault);
}

static int
write_stored(struct replacement *replacement, const struct sealed *sealed,
    const struct message *message, bool crlf, struct fault *fault)
{
	struct storing storing = {
	    replacement, g_string_sized_new(BUFFER_OCTETS), crlf, '\0'};
	struct spool_reader *reader = spool_reader_make(sealed->body);
	GString *header = sealed_header(sealed, message);
	const unsigned char *data;
	size_t len;
	int r;

	g_string_append(header, "\r\n");
	r = store(&storing, header->str, header->len, fault);
	while (
	    r == 0 && (r = spool_reader_next(reader, &data, &len, fault)) == 1)
		r = store(&storing, (const char *)data, len, fault);
	if (r == 0)
		r = store_flush(&storing, fault);
	g_string_free(header, TRUE);
	g_string_free(storing.buffer, TRUE);
	spool_reader_free(&reader);
	return r;
}
