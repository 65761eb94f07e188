/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_COPIES_H
#define MILTER_COPIES_H

#include "milter/plan.h"

/* One text that one or more recipients get. */
struct copy {
	enum rung form;
	GPtrArray *treatments; /* of whom it is for, borrowed; at least one */
	GArray *readers; /* of struct seal_reader; keys are the treatments' */
	bool hide_subject;
	bool at_rest; /* every mailbox it goes to is stored here */
	bool alone;   /* nobody may share it */
	bool unnamed; /* it is for somebody whom the header does not name */
	bool legacy_display; /* somebody's rule says so */
	bool smime_gcm;      /* every recipient takes it */
	bool smime_oaep;     /* every recipient's rule says so */
	char *subject;       /* new value of Subject, or NULL */
	const char *secret;  /* that must not be in any field, or NULL */
};

/* What becomes of the message as a whole. */
enum verdict {
	VERDICT_PASS,   /* everybody gets it as it is: copies[0] */
	VERDICT_SEAL,   /* everybody gets one sealed copy: copies[0] */
	VERDICT_HOLD,   /* everybody's is kept in the MTA's hold queue */
	VERDICT_COPIES, /* the MTA forgets it; each copy is sent on its own */
};

struct plan {
	enum verdict verdict;
	GPtrArray *copies; /* of struct copy, at least one */
};

/*
 * Puts the recipients together.  0 and gives *planp away, which borrows from
 * the treatments; or -1 with a PERM fault when the MTA must refuse all of
 * it: somebody's ladder ended, or recipients need what one delivery cannot
 * do.
 */
int plan_make(const GPtrArray *treatments, enum delivery delivery,
    const struct message *message, struct plan **planp, struct fault *fault);
void plan_free(struct plan **planp);

/* The copy that VERDICT_PASS and VERDICT_SEAL are about. */
const struct copy *plan_first(const struct plan *plan);

/*
 * The copies that such recipients need, each sent on its own: those with the
 * same form and the same wishes share one.  But a sealed copy is one's own
 *   - for who is not named in To or Cc, since it tells by its key IDs whose it
 *     is (clear text tells nothing),
 *   - in a mailbox that is stored here: nobody but its owner opens it,
 *   - with a passphrase.
 * The list frees its copies.
 */
GPtrArray *copies_group(
    const GPtrArray *treatments, const struct message *message);

/*
 * Derives keys from the passphrases that the Subject sets, where they are
 * needed.  1: it did, and copies have to be made of these treatments now; 0:
 * there was nothing to do; -1: TEMP.  deadline_us is monotonic.
 */
int copies_derive(const GPtrArray *treatments, const struct config *config,
    gint64 deadline_us, struct fault *fault);

/*
 * Seals a copy, within that time.  0 and gives *sealedp away, or -1 as
 * seal_message().
 */
int copy_seal(const struct copy *copy, const struct runtime *runtime,
    const struct message *message, unsigned int time_left_ms,
    struct sealed **sealedp, struct fault *fault);

#endif
