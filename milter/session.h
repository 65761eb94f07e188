/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SESSION_H
#define MILTER_SESSION_H

#include "milter/copies.h"
#include "milter/esmtp.h"
#include "milter/runtime.h"
#include "milter/trace.h"
#include "seal/message.h"

/* One recipient of the message. */
struct recipient {
	char *given; /* as the MTA gave it */
	struct esmtp_rcpt rcpt;
	struct treatment *treatment; /* NULL: decided at the end */
};

/* A connection of the MTA, and the message it is about to send. */
struct session {
	char *client;      /* IP address as text, or NULL */
	char *client_name; /* as DNS has it, or NULL */
	char *helo;        /* or NULL */
	char *host;        /* the MTA's name, or NULL */
	bool no_client; /* the MTA made it up: mail that did not come by SMTP */
	bool silent_mail; /* it was negotiated that MAIL gets no answer */
	bool silent_eoh;  /* nor does the end of the header */
	/* Of the message; all NULL or empty between two. */
	struct runtime *runtime;
	char *queue_id; /* for the log; "-" until the MTA tells */
	struct origin origin;
	char *sender; /* as the MTA gave it */
	struct esmtp_mail mail;
	bool brackets;         /* else a refused recipient may stop the queue */
	GPtrArray *recipients; /* of struct recipient */
	struct message *message;
	struct fault
	    failed;      /* what went wrong and will be answered at the end */
	bool too_large;  /* that was it */
	bool loops;      /* or that it was here too often */
	bool came_back;  /* it is a copy of ours, by its mark */
	gint64 deadline; /* of the end of message, monotonic microseconds */
	bool counted;    /* in the daemon's messages under way */
};

struct session *session_make(void);
void session_free(struct session **sessionp);

/* Who connected: an IP address as text or NULL, and whether the MTA made it
 * up. */
void session_set_client(
    struct session *session, const char *client, bool no_client);

/* A new message; takes the reference to the runtime. */
void session_begin(
    struct session *session, struct runtime *runtime, const char *sender);
struct recipient *session_add_recipient(
    struct session *session, const char *given, struct treatment *treatment);
void session_set_queue_id(struct session *session, const char *id);

/* The message is over, one way or the other. */
void session_end(struct session *session);

/* Milliseconds until the end of message must be answered. */
unsigned int session_time_left(const struct session *session);

/* Whose treatment that is. */
const struct recipient *session_recipient(
    const struct session *session, const struct treatment *treatment);

/* Where the message came from, for its copies; borrows. */
struct trace session_trace(const struct session *session);

/* Which sort of client sent it: one's messages are not another's. */
const char *session_class(const struct session *session);

/*
 * What becomes of the message: decides for those who are not decided yet.
 * 0 and gives *planp away, which borrows from the session; or -1 with fault.
 */
int session_plan(
    struct session *session, struct plan **planp, struct fault *fault);

#endif
