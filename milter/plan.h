/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_PLAN_H
#define MILTER_PLAN_H

#include "keys/keys.h"
#include "milter/config.h"
#include "milter/runtime.h"
#include "policy/policy.h"
#include "seal/seal.h"

#include <stdbool.h>

/* What the envelope says about where a message comes from. */
struct origin {
	char *sender; /* canonical; "" is the null sender */
	char *client; /* IP address as text, or NULL */
	bool authenticated;
	bool local_client; /* in local_clients, or not over SMTP */
	bool tls;
};

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
	struct key *key;     /* for RUNG_OPENPGP and RUNG_SMIME */
	GPtrArray *recovery; /* of struct key *, may be empty */
	char *why;
	bool returned; /* its copy was refused, and the sender told so */
	bool bounce;   /* refused by the ladder, let through by `bounces` */
	bool
	    sealed_already; /* rung is CLEAR, as the sender sealed it himself */
};

/* The content as policy and plan see it; NULL where it is not known yet. */
struct content {
	const struct fields *fields;
	const char *subject; /* decoded, or NULL */
	uint64_t size;
	bool sealed_already; /* found to be encrypted end to end */
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

#endif
