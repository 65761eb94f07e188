/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_REPLACE_H
#define MAILBOX_REPLACE_H

#include "mailbox/maildir.h"

/*
 * Puts other files in the place of messages.  A message keeps its folder,
 * flags, keywords, time and mode, and in a Dovecot's Maildir its UID and
 * GUID; its file gets another name, since Dovecot takes what has the old one
 * for unchanged.  The order is such that a crash at any moment loses nothing:
 * new file and journal on the disk, new name, list of UIDs, and only then the
 * old name goes.
 */
struct replacement {
	struct mail *mail;
	struct stat old; /* of its file, as it was read */
	int fd;          /* the new file, in folder->tmp */
	char *tmp;       /* its name there; NULL: it has none (O_TMPFILE) */
	char *base;      /* of the new name */
	uint64_t size;   /* ... and what else is in it, see struct mail */
	uint64_t vsize;
	bool linked; /* how far it is; replace_batch() looks after it */
	char *name;
	bool in_new;
	/* What became of it: the message was moved, changed or expunged
	 * meanwhile, and the new file is gone. */
	bool overtaken;
};

/* True if the name looks like one that was given here. */
bool replace_made(const struct mail *mail);

/*
 * Makes an empty file to write the successor of a message into.  0 and gives
 * *replacementp away, or -1 with fault.  What is not put in place is gone when
 * it is freed.
 */
int replacement_make(const struct folder *folder, const struct mail *mail,
    const struct stat *old, struct replacement **replacementp,
    struct fault *fault);
void replacement_free(
    struct replacement **replacementp, const struct folder *folder);

/*
 * Puts all of them (of struct replacement *) in place.  0: done, but for
 * those that are overtaken.  -1 with fault: nothing is changed; or an old
 * file could not be removed, and the journal is kept for replace_resume().
 */
int replace_batch(const struct folder *folder, const GPtrArray *replacements,
    struct fault *fault);

/*
 * Finishes what a batch that died left in a folder; or takes it back, where
 * the old file is the one that has the UID.  Adds the number of messages to
 * *countp.  0, or -1 with fault.
 */
int replace_resume(
    const struct folder *folder, unsigned int *countp, struct fault *fault);

/* Removes what Dovecot remembers of the text of messages in a folder.  0, or
 * -1 with fault. */
int replace_forget(const struct folder *folder, struct fault *fault);

#endif
