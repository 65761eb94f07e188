/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_MARK_H
#define MILTER_MARK_H

#include "policy/fault.h"
#include "seal/message.h"
#include "seal/spool.h"

/*
 * A mark says that a sealed copy was sent by us: "Sealmilter-Pass: v=1;
 * t=SECONDS; id=HEX; mac=HEX", mac = HMAC-SHA256(key, "v=1; t=...; id=...;"
 * SHA-256(body)).  It shows when copies come back to the milter; it exempts
 * from nothing.
 */
#define MARK_FIELD "Sealmilter-Pass"
#define MARK_KEY_OCTETS 32 /* JOURNAL_DERIVED_OCTETS */

struct mark_key {
	unsigned char octets[MARK_KEY_OCTETS];
};

/* The value for a copy with that body; a new string, or NULL with fault.
 * id: octets of any number that name the copy. */
char *mark_make(const struct mark_key *key, const unsigned char *id,
    size_t id_len, const struct spool *body, struct fault *fault);

/*
 * Counts the marks of a message: *validp are ours and belong to this very
 * body, *forgedp are not.  0, or -1 when the body cannot be read.
 */
int mark_count(const struct mark_key *key, const struct message *message,
    unsigned int *validp, unsigned int *forgedp, struct fault *fault);

#endif
