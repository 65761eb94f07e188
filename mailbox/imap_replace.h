/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_IMAP_REPLACE_H
#define MAILBOX_IMAP_REPLACE_H

#include "mailbox/imap.h"
#include "mailbox/imap_claim.h"

/*
 * Puts sealed messages in the place of others: store, look at what was
 * stored, and only then expunge the original.  Whoever is killed in between
 * leaves both, and imap_finish() goes on from there.
 */
struct imap_folder_open {
	struct imap *imap; /* the folder is selected */
	const struct imap_claim_key *key;
	struct imap_place place;
	const struct spool_limits *limits;
	uint64_t octets; /* larger messages cannot be looked at */
};

/*
 * header is that of the sealed message, without the blank line.  1: done.  0:
 * the original is gone meanwhile (expunged, or moved), and so is its copy.
 * -1 with fault: the original is there.
 */
int imap_replace(const struct imap_folder_open *folder,
    const struct imap_mail *original, const GString *header,
    const struct spool *body, struct fault *fault);

/*
 * `copy` claims to be what takes the place of `uid`.  1: it does, and now is
 * there alone.  0: it is not genuine or not whole, or the original is gone.
 * -1 with fault.
 */
int imap_finish(const struct imap_folder_open *folder, uint32_t uid,
    uint32_t copy, struct fault *fault);

/* Fetches a message.  1, *messagep and *mailp; 0: it is gone; -1 with fault:
 * PERM if it is too large or broken. */
int imap_read(const struct imap_folder_open *folder, uint32_t uid,
    struct message **messagep, struct imap_mail **mailp, struct fault *fault);

#endif
