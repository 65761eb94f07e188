/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_PLAN_H
#define MILTER_PLAN_H

#include "keys/keys.h"
#include "milter/config.h"
#include "milter/content.h"
#include "milter/runtime.h"
#include "policy/policy.h"
#include "seal/seal.h"

#include <stdbool.h>

/* One rung of the ladder as it was tried. */
struct attempt {
	enum rung rung;
	char *why; /* why it does not hold, or NULL for the one that does */
};

/*
 * What becomes of one recipient.  rung is the one that holds; for
 * RUNG_REFUSE and RUNG_HOLD, `why` says for people why nothing else did.
 */
struct treatment {
	char *recipient; /* as the MTA gave it, without brackets */
	char *given;     /* the same, canonical */
	char *address;   /* canonical, of the mailbox that is meant */
	struct decision decision;
	enum direction direction;
	GArray *attempts; /* of struct attempt, in the ladder's order */
	enum rung rung;
	struct key *key; /* for those that seal; of a passphrase that is set in
			    the Subject or to be made, NULL until it is */
	bool fresh;      /* RUNG_PASSPHRASE: one has to be made */
	struct secret *secret; /* in the Subject, or NULL */
	GPtrArray *recovery;   /* of struct key *, may be empty */
	char *why;
	bool returned; /* its copy was refused, and the sender told so */
	bool bounce;   /* refused by the ladder, let through by `bounces` */
	bool notice;   /* of a message of ours that tells passphrases */
	bool
	    sealed_already; /* rung is CLEAR, as the sender sealed it himself */
};

/*
 * Climbs the ladder for one recipient.
 *  1: *treatmentp is a new object.
 *  0: the content is needed to decide (content was NULL).
 * -1: cannot tell; the fault says why: TEMP or BUG, or PERM if the address
 *     is none.
 */
int plan_recipient(const struct config *config, struct keys *keys,
    const struct origin *origin, const char *recipient,
    const struct content *content, struct treatment **treatmentp,
    struct fault *fault);
void treatment_free(struct treatment **treatmentp);

/* Is an S/MIME copy for this recipient alone encrypted by AES-256-GCM?  The
 * rule says it, or else the certificates of all who are to read it. */
bool treatment_takes_gcm(const struct treatment *treatment);

/* Does an envelope hold such a message (SEAL_PASSPHRASE_OCTETS_MAX)?  Whom
 * the envelope of SMTP gave that rung is asked about again if not. */
bool plan_fits_envelope(const struct content *content);

/*
 * What becomes of a message that tells this sender a passphrase: sealed to a
 * key of theirs if there is one, else as the policy has mail from them to
 * themselves.  1: *treatmentp is a new object; 0: they must not or cannot be
 * told, *whyp is a new string; -1: cannot tell.
 */
int plan_notice(const struct config *config, struct keys *keys,
    const char *sender, struct treatment **treatmentp, char **whyp,
    struct fault *fault);

#endif
