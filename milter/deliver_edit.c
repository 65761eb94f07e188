/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * deliver_edit.c - carry out a plan by editing the message in place.
 *
 * In:    a plan, the message.
 * Out:   header changes, then the body in one run (Postfix forbids mixing).
 * Never: starts to edit before the copy went through the gate.
 */
#include "milter/deliver.h"

#include <string.h>

static int deliver_clear(SMFICTX *ctx, const struct copy *copy,
    const struct session *session, struct fault *fault);
static int deliver_sealed(SMFICTX *ctx, const struct sealed *sealed,
    const struct message *message, struct fault *fault);
static int edit_body(
    SMFICTX *ctx, const struct spool *body, struct fault *fault);

int
deliver_edit(SMFICTX *ctx, const struct session *session,
    const struct plan *plan, struct fault *fault)
{
	const struct runtime *runtime = session->runtime;
	const struct copy *copy = plan_first(plan);
	struct sealed *sealed = NULL;
	int r = -1;

	switch (plan->verdict) {
	case VERDICT_PASS:
		r = deliver_clear(ctx, copy, session, fault);
		break;
	case VERDICT_HOLD:
		r = deliver_clear(ctx, copy, session, fault);
		if (r == 0)
			r = mta_hold(
			    ctx, "sealmilter: the policy holds it", fault);
		break;
	case VERDICT_SEAL:
		if (copy_seal(copy, runtime, session->message,
			session_time_left(session), &sealed, fault) == 0)
			r = deliver_sealed(
			    ctx, sealed, session->message, fault);
		sealed_free(&sealed);
		break;
	case VERDICT_COPIES:
		fault_set(fault, FAULT_BUG, "copies cannot be made by edits");
		break;
	}
	return r;
}

/* The number that the MTA gives to field i: from 1, among those of its name
 * as received. */
static size_t
nth_of(const struct message *message, size_t i)
{
	size_t j, nth = 1;

	for (j = 0; j < i; j++)
		if (field_is(
			&message->header.list[j], message->header.list[i].name))
			nth++;
	return nth;
}

/* Nobody else may say that a message was sealed here; a copy that came back
 * says it rightly. */
static int
deliver_clear(SMFICTX *ctx, const struct copy *copy,
    const struct session *session, struct fault *fault)
{
	const struct message *message = session->message;
	const struct field *subject = message_field(message, "Subject", 0);
	const struct field *field;
	size_t i;

	/* From the last to the first: deleting one renumbers those behind. */
	for (i = message->header.count; i-- > 0;) {
		field = &message->header.list[i];
		if (field_is_ours(field) && !session->came_back &&
		    mta_delete_field(
			ctx, field->name, nth_of(message, i), fault) != 0)
			return -1;
	}
	if (copy->subject == NULL || subject == NULL)
		return 0;
	return mta_change_field(ctx, "Subject", 1, copy->subject, fault);
}

static int
edit_field(SMFICTX *ctx, const struct sealed *sealed,
    const struct message *message, size_t i, struct fault *fault)
{
	const char *name = message->header.list[i].name;

	switch (sealed->outside[i]) {
	case OUTSIDE_KEEP:
		return 0;
	case OUTSIDE_DROP:
		return mta_delete_field(ctx, name, nth_of(message, i), fault);
	case OUTSIDE_CHANGE:
		return mta_change_field(
		    ctx, name, nth_of(message, i), sealed->value[i], fault);
	}
	return -1;
}

static int
deliver_sealed(SMFICTX *ctx, const struct sealed *sealed,
    const struct message *message, struct fault *fault)
{
	const struct field *field;
	size_t i;

	for (i = sealed->count; i-- > 0;)
		if (edit_field(ctx, sealed, message, i, fault) != 0)
			return -1;
	for (i = 0; i < sealed->added->len; i++) {
		field = &g_array_index(sealed->added, struct field, i);
		if (mta_add_field(ctx, field->name, field->value, fault) != 0)
			return -1;
	}
	return edit_body(ctx, sealed->body, fault);
}

static int
edit_body(SMFICTX *ctx, const struct spool *body, struct fault *fault)
{
	struct spool_reader *reader = spool_reader_make(body);
	const unsigned char *data;
	size_t len;
	int r;

	while ((r = spool_reader_next(reader, &data, &len, fault)) == 1)
		if (mta_append_body(ctx, data, len, fault) != 0) {
			r = -1;
			break;
		}
	spool_reader_free(&reader);
	return r;
}
