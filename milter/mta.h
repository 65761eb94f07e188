/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_MTA_H
#define MILTER_MTA_H

#include "policy/fault.h"

#include <libmilter/mfapi.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * libmilter, behind names of our own: every call of smfi_* is here, and
 * every return value is looked at.
 */

/* What this server does, as far as the MTA must wait for it. */
struct mta_manners {
	bool sends_copies; /* MAIL may be a question that needs an answer */
	bool passes_clear; /* at the end of the header, without the body */
};

/*
 * For the negotiation: sets what we need of the MTA.  0, or -1 with a fault if
 * it cannot do that (Postfix before 2.6, Sendmail before 8.14).  MAIL gets an
 * answer only if *want_steps is without SMFIP_NR_MAIL, the end of the header
 * only if it is without SMFIP_NR_EOH.
 */
int mta_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    const struct mta_manners *manners, unsigned long *want_actions,
    unsigned long *want_steps, struct fault *fault);

/* A macro of the MTA ("i", "{auth_authen}"), or NULL. */
const char *mta_macro(SMFICTX *ctx, const char *name);

/* The answer's code, enhanced code and text (one line; cleaned here). */
void mta_reply(
    SMFICTX *ctx, const char *code, const char *xcode, const char *text);

/*
 * Changes to the message; only from the end of message on.  Values are as in
 * struct field: with leading blank, folds as CRLF.  0, or -1 with TEMP.
 */
int mta_change_field(SMFICTX *ctx, const char *name, size_t nth,
    const char *value, struct fault *fault);
int mta_delete_field(
    SMFICTX *ctx, const char *name, size_t nth, struct fault *fault);
int mta_add_field(
    SMFICTX *ctx, const char *name, const char *value, struct fault *fault);
int mta_append_body(
    SMFICTX *ctx, const unsigned char *data, size_t len, struct fault *fault);
int mta_hold(SMFICTX *ctx, const char *reason, struct fault *fault);

void mta_set_private(SMFICTX *ctx, void *data);
void *mta_private(SMFICTX *ctx);

/* Names the callbacks and makes the socket.  0, or -1 with fault. */
int mta_listen(
    const char *socket, struct smfiDesc *callbacks, struct fault *fault);

/*
 * After mta_listen(): a connection that comes and goes, so that libmilter
 * looks for work that it left lying.  Waits for nothing.
 */
void mta_nudge(void);

/* Serves until a signal ends it.  0, or -1. */
int mta_serve(void);

#endif
