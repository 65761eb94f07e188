/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SECRET_H
#define MILTER_SECRET_H

#include "keys/keys.h"

/*
 * A passphrase that a sender wrote into the Subject, for that message alone.
 * Counted, but of one message and so of one thread; its words are overwritten
 * when the last reference goes.
 */
struct secret {
	unsigned int references;
	char *tag;       /* as it stands in the decoded Subject */
	char *words;     /* what is in it */
	struct key *key; /* once it was derived, else NULL */
};

/* Takes both strings; one reference. */
struct secret *secret_make(char *tag, char *words);
struct secret *secret_ref(struct secret *secret);
void secret_unref(struct secret **secretp);

#endif
