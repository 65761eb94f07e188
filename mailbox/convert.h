/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_CONVERT_H
#define MAILBOX_CONVERT_H

#include "mailbox/replace.h"
#include "seal/seal.h"
#include "seal/unseal.h"

/*
 * Stored messages are sealed one by one, and put in place in batches, so that
 * the folder is locked for moments and one wait for the disk does for many.
 */
enum convert_what {
	CONVERT_ENCRYPT, /* seal what is readable */
	CONVERT_DECRYPT, /* open what was sealed here */
	CONVERT_REKEY,   /* open it, and seal it to other keys */
};

struct convert_order {
	enum convert_what what;
	const struct seal_order *seal;  /* for whom; its form and limits */
	const struct unseal_keys *keys; /* to open with; or NULL */
	uint64_t message_octets;        /* larger messages are left */
	bool dry_run;                   /* says what it would do */
};

enum convert_outcome {
	CONVERT_DONE, /* it has a successor */
	CONVERT_KEPT, /* it is as it should be already, or not ours */
	CONVERT_LEFT, /* it should be another; `why` says why it is not */
	CONVERT_GONE, /* moved or expunged meanwhile */
	CONVERT_OUTCOMES,
};

/*
 * What is told of each message, and asked before the next.  `why` is for
 * CONVERT_LEFT; octets are those of the file.
 */
struct convert_observer {
	void (*told)(void *context, const struct folder *folder,
	    const struct mail *mail, enum convert_outcome outcome,
	    uint64_t octets, const char *why);
	bool (*stop)(void *context);
	void *context;
};

/* Messages of a batch, and what their files may come to. */
#define CONVERT_BATCH 100
#define CONVERT_BATCH_OCTETS ((uint64_t)64 << 20)

/*
 * Converts the messages among mails[first .. first + count - 1] (of
 * struct mail *) that are to be, and puts them in place.  0: each is told to the observer,
 * unless it stopped.  -1 with fault: a TEMP or BUG that will be that of the
 * next messages too (a full disk, an engine that fails); those that were not
 * put in place are as they were.
 */
int convert_mails(const struct convert_order *order,
    const struct folder *folder, const GPtrArray *mails, guint first,
    guint count, const struct convert_observer *observer, struct fault *fault);

#endif
