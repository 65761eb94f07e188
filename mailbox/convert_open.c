/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * convert_open.c - the file that was sealed, or one sealed to other keys.
 *
 * In:    the file of a message that was sealed here, and secret keys.
 * Out:   another file: the octets of the original, or those sealed anew.
 * Never: writes anything readable that shall stay sealed.
 */
#include <config.h>

#include "mailbox/convert_private.h"

#include "seal/original.h"
#include "seal/protect_undo.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Sealed by the daemon on its way in: there was no file then, and its line
 * ends are those of the mailbox. */
static int
undo(const struct spool *payload, const struct message *outside,
    struct storing *storing, struct fault *fault)
{
	storing->keep_cr = false;
	return protect_undo(payload, outside, store_octets, storing, fault);
}

static int
restore(const struct spool *payload, const struct message *outside,
    struct replacement *replacement, struct fault *fault)
{
	struct storing storing;
	int r;

	store_begin(&storing, replacement, true);
	r = original_restore(payload, store_octets, &storing, fault);
	if (r == 0)
		r = undo(payload, outside, &storing, fault);
	return store_end(&storing, r == -1 ? -1 : 0, fault);
}

/* --- For other keys */

static int
write_clear(void *context, const void *data, size_t len, struct fault *fault)
{
	const int *fd = context;

	return write_octets(*fd, data, len, fault);
}

/* The file that was sealed stands in memory that no disk knows of. */
static int
seal_again(const struct convert_order *order, const struct spool *payload,
    const struct message *outside, struct replacement *replacement,
    struct fault *fault)
{
	int fd = memfd_create("message", MFD_CLOEXEC), r;
	off_t octets;

	if (fd == -1) {
		fault_set(
		    fault, FAULT_TEMP, "memfd_create: %s", g_strerror(errno));
		return -1;
	}
	r = original_restore(payload, write_clear, &fd, fault);
	if (r == 0 &&
	    protect_undo(payload, outside, write_clear, &fd, fault) == 0)
		r = 1;
	octets = lseek(fd, 0, SEEK_CUR);
	if (r == 1 && (octets < 0 || lseek(fd, 0, SEEK_SET) != 0)) {
		fault_set(
		    fault, FAULT_TEMP, "reading memory: %s", g_strerror(errno));
		r = -1;
	}
	if (r == 1)
		r = convert_seal(
		    order, fd, (uint64_t)octets, replacement, fault);
	else
		r = -1;
	close(fd);
	return r;
}

bool
convert_has_readers(
    const struct seal_order *order, const struct examined *examined)
{
	size_t i, count = 0;
	guint j;

	for (j = 0; examined->claimed != NULL && examined->claimed[j] != NULL;
	     j++)
		count++;
	for (i = 0; i < order->readers_count; i++)
		if (examined->claimed == NULL ||
		    !g_strv_contains((const gchar *const *)examined->claimed,
			order->readers[i].key->fingerprint))
			return false;
	return count == order->readers_count;
}

int
convert_open(const struct convert_order *order, int fd,
    const struct examined *examined, struct replacement *replacement,
    struct fault *fault)
{
	struct message *message = message_make(order->seal->limits);
	struct spool *payload = NULL;
	int r;

	r = message_read(message, fd, order->message_octets, fault);
	if (r == 0)
		r = unseal_message(order->keys, examined->already.form, message,
		    order->seal->limits, &payload, fault);
	if (r == 0)
		r = order->what == CONVERT_REKEY
			? seal_again(
			      order, payload, message, replacement, fault)
			: restore(payload, message, replacement, fault);
	spool_free(&payload);
	message_free(&message);
	return r;
}
