/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * convert.c - convert mail that is stored, in batches.
 *
 * In:    messages of a folder, and what they shall be.
 * Out:   other files in their places.
 * Never: touches a message that is as it should be, or whose file is not
 *        there whole.
 */
#include <config.h>

#include "mailbox/convert_private.h"

#include "seal/crash_point.h"

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
static int convert_file(struct batch *batch, const struct mail *mail, int fd,
    const struct stat *st, const struct examined *examined,
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
convert_mails(const struct convert_order *order, const struct folder *folder,
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

/* Is that a message that has to be converted?  On false, *keptp says whether
 * it is as it should be, or else why not. */
static bool
is_wanted(const struct convert_order *order, const struct examined *examined,
    const char **whyp)
{
	const bool sealed = examined->state == EXAMINED_SEALED;

	*whyp = NULL;
	if (examined->state == EXAMINED_UNKNOWN) {
		*whyp = examined->why;
		return false;
	}
	if (order->what == CONVERT_ENCRYPT)
		return !sealed;
	/* What its author sealed is theirs. */
	if (!sealed || examined->by != EXAMINED_BY_US_REST)
		return false;
	return order->what == CONVERT_DECRYPT ||
	       !convert_has_readers(order->seal, examined);
}

static int
look_at(struct batch *batch, const struct mail *mail, int fd,
    const struct stat *st, struct fault *fault)
{
	const struct convert_order *order = batch->order;
	const uint64_t octets = (uint64_t)st->st_size;
	struct examined examined = {0};
	const char *why;
	int r = 0;

	if (octets > order->message_octets) {
		tell(batch, mail, CONVERT_LEFT, octets,
		    "is larger than message_size of the configuration");
		return 0;
	}
	if (examine_file(fd, order->seal->limits, order->message_octets,
		&examined, fault) != 0)
		return -1;
	if (!is_wanted(order, &examined, &why))
		tell(batch, mail, why == NULL ? CONVERT_KEPT : CONVERT_LEFT,
		    octets, why);
	else if (order->dry_run)
		tell(batch, mail, CONVERT_DONE, octets, NULL);
	else
		r = convert_file(batch, mail, fd, st, &examined, fault);
	examined_clear(&examined);
	return r;
}

static int
convert_file(struct batch *batch, const struct mail *mail, int fd,
    const struct stat *st, const struct examined *examined, struct fault *fault)
{
	const struct convert_order *order = batch->order;
	struct replacement *replacement = NULL;
	int ret = -1;

	if (lseek(fd, 0, SEEK_SET) != 0) {
		fault_set(fault, FAULT_TEMP, "reading the message: %s",
		    g_strerror(errno));
		return -1;
	}
	if (replacement_make(batch->folder, mail, st, &replacement, fault) != 0)
		return -1;
	if (order->what == CONVERT_ENCRYPT)
		ret = convert_seal(
		    order, fd, (uint64_t)st->st_size, replacement, fault);
	else
		ret = convert_open(order, fd, examined, replacement, fault);
	if (ret == 0) {
		crash_point("M0");
		batch->octets += replacement->size;
		g_ptr_array_add(batch->replacements, replacement);
		return 0;
	}
	replacement_free(&replacement, batch->folder);
	if (fault->kind != FAULT_PERM)
		return -1;
	/* What is wrong with one message is not wrong with the next. */
	tell(batch, mail, CONVERT_LEFT, (uint64_t)st->st_size, fault->text);
	fault->kind = FAULT_NONE;
	return 0;
}
