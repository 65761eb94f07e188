/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_PARCEL_H
#define MILTER_PARCEL_H

#include "milter/copies.h"
#include "milter/injector.h"
#include "milter/session.h"

enum parcel_state {
	PARCEL_MADE,    /* sealed and through the gate; nobody knows of it */
	PARCEL_OPEN,    /* all but the dot is with the listener */
	PARCEL_TAKEN,   /* 250 */
	PARCEL_REFUSED, /* 5xx: it will never be taken */
	PARCEL_FAILED,  /* 4xx, or in doubt: another time */
};

/* One copy on its way to the injection listener. */
struct parcel {
	const struct session *session; /* borrowed, as are these two */
	const struct copy *copy;
	const struct message *message;
	struct sealed *sealed; /* NULL: clear */
	GString *header;       /* as it is sent, with the blank line */
	GArray *ids; /* of struct journal_id, one for each recipient */
	enum parcel_state state;
	struct smtp *smtp; /* while it is open */
	int code;          /* of the refusal */
	char *text;        /* of the refusal, or of what was in the way */
};

/* What names this recipient's copy in the journal. */
void treatment_copy_id(struct journal *journal,
    const struct journal_id *message_id, const struct treatment *treatment,
    struct journal_id *idp);

/*
 * Seals the copy, unless its form is clear, and writes its header.  0 and
 * gives *parcelp away; or -1 with fault.  Nothing is sent.
 */
int parcel_make(const struct copy *copy, const struct session *session,
    const struct journal_id *message_id, struct parcel **parcelp,
    struct fault *fault);
void parcel_free(void *parcel);

/*
 * Everything but the dot, over a slot that the caller holds.  0; or -1 with
 * TEMP or PERM and no effect; *refusal is then what the listener said, or
 * its code is 0.
 */
int parcel_open(
    struct parcel *parcel, struct smtp_reply *refusal, struct fault *fault);

/* 0 while the listener waits for the dot; or -1 as parcel_open(). */
int parcel_check(
    struct parcel *parcel, struct smtp_reply *refusal, struct fault *fault);

/* The dot and its answer: state becomes TAKEN, REFUSED or FAILED. */
void parcel_commit(struct parcel *parcel);

/* The connection goes back to the pool, or ends without the dot. */
void parcel_close(struct parcel *parcel, struct pool *pool);

#endif
