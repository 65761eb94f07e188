/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_CONTENT_H
#define MILTER_CONTENT_H

#include "milter/config.h"
#include "milter/secret.h"
#include "seal/message.h"

#include <stdbool.h>

/* What the envelope says about where a message comes from. */
struct origin {
	char *sender; /* canonical; "" is the null sender */
	char *client; /* IP address as text, or NULL */
	bool authenticated;
	bool local_client; /* in local_clients, or not over SMTP */
	bool tls;
};

/* The content as policy and plan see it. */
struct content {
	const struct fields *fields; /* of the message */
	char *subject;               /* decoded, or NULL */
	uint64_t size;
	bool sealed_already;   /* found to be encrypted end to end */
	bool automatic;        /* a program or a list sent it (RFC 3834) */
	struct secret *secret; /* a passphrase in the Subject that counts */
};

/*
 * Looks at a message, which has to stay.  0, and content_clear() frees what
 * *content has; or -1 with fault: TEMP, or PERM when the Subject sets a
 * passphrase that cannot be one.
 */
int content_read(const struct message *message, const struct config *config,
    const struct origin *origin, struct content *content, struct fault *fault);
void content_clear(struct content *content);

/* The same from parts, for who has no message; takes the decoded Subject (or
 * NULL).  Size and whether it is encrypted are the caller's to set. */
int content_make(const struct fields *fields, char *subject,
    const struct config *config, const struct origin *origin,
    struct content *content, struct fault *fault);

/* True if a passphrase in the Subject of such a sender counts. */
bool content_may_give(const struct config *config, const struct origin *origin);

#endif
