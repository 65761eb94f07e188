/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_EXPLAINED_H
#define CTL_EXPLAINED_H

#include "milter/copies.h"

/* What `sealctl policy explain` found out, to be printed. */
struct explained;

struct explained *explained_make(void);
void explained_free(struct explained **explainedp);

/*
 * Adds a recipient and takes the treatment; if that is NULL, the fault says
 * why there is none, with FAULT_NONE if only the content can decide.
 */
void explained_add(struct explained *explained, const char *recipient,
    struct treatment *treatment, const struct fault *fault);

/*
 * Adds what becomes of the message as a whole, if all are decided.  seen: the
 * message is one; else its header, which says who may share a copy, is not
 * known.
 */
void explained_add_whole(struct explained *explained, enum delivery delivery,
    const struct message *message, bool seen);

/* Both print on standard output. */
void explained_print(const struct explained *explained);
void explained_print_json(const struct explained *explained);

/* Exit status: that of the worst fault. */
int explained_status(const struct explained *explained);

#endif
