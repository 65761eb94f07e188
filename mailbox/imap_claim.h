/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_IMAP_CLAIM_H
#define MAILBOX_IMAP_CLAIM_H

#include "seal/message.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A sealed message that is to take the place of another says so in a field, so
 * that whoever died between storing the one and expunging the other knows it
 * again.  It names the other by its UID, tells nothing of its content, and has
 * a MAC over both that nobody else can make: a message that only says so must
 * not make another go.
 */
#define IMAP_CLAIM_FIELD "Sealmilter-Replaces"

struct imap_claim_key {
	unsigned char octets[32];
};

/* Which message of which folder of whom. */
struct imap_place {
	const char *account; /* where and as whom it was logged in */
	const char *folder;  /* its name on the wire */
	uint32_t validity;
};

/* Reads the key in the state directory, or makes one.  0, or -1 with fault. */
int imap_claim_key(
    const char *state, struct imap_claim_key *key, struct fault *fault);

/* The value of the field for a sealed body in place of that UID.  0 and a new
 * string, or -1 with fault. */
int imap_claim_make(const struct imap_claim_key *key,
    const struct imap_place *place, uint32_t uid, const struct spool *body,
    char **valuep, struct fault *fault);

/* Which UID of the folder a value names; 0: none, so far as can be seen. */
uint32_t imap_claim_uid(const char *value, const struct imap_place *place);

/* 1: the message is what was made in place of that UID, whole.  0: it is not.
 * -1 with fault. */
int imap_claim_check(const struct imap_claim_key *key,
    const struct imap_place *place, uint32_t uid, const struct message *message,
    struct fault *fault);

#endif
