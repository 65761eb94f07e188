/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_MAILBOX_JOB_H
#define CTL_MAILBOX_JOB_H

#include "ctl/mailbox_run.h"

/* What the processes of a run share: each takes the next batch. */
struct work_shared {
	unsigned int next; /* batch; atomic, as all that follows */
	bool stop;
	uint64_t all;  /* messages, listed */
	uint64_t told; /* messages, done or left */
	uint64_t told_octets;
	uint64_t done_octets;
	uint64_t counts[CONVERT_OUTCOMES];
};

/* What one of them tells: of a message that is left (FAULT_NONE), or why it
 * had to give up. */
struct work_report {
	enum fault_kind kind;
	char path[1024]; /* below the mailbox */
	char why[512];
};

struct work_folder {
	char *name;
	GPtrArray *mails; /* of struct mail * */
	uint64_t octets;
};

struct work_batch {
	guint folder;
	guint first;
	guint count;
};

struct work {
	const struct run_order *order;
	GPtrArray *folders; /* of struct work_folder * */
	GArray *batches;    /* of struct work_batch */
	GHashTable *links;  /* as in struct folder */
	GHashTable *known;  /* paths that an earlier pass looked at; or NULL */
	struct unseal_keys keys;
	struct work_shared *shared;
};

/* Lists what is to be looked at in a folder.  0 and gives *listedp away; or
 * -1 with fault. */
int work_folder_list(const struct folder *folder, const struct work *work,
    GPtrArray *strays, struct work_folder **listedp, struct fault *fault);
void work_folder_free(void *folder);

/* Starts a new list, without what is on the present one. */
void work_remember(struct work *work);

/* Takes batches until there are no more, tells of them on fd, and exits. */
void work_job(const struct work *work, int fd) G_GNUC_NORETURN;

#endif
