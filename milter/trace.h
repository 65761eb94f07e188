/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_TRACE_H
#define MILTER_TRACE_H

#include "seal/message.h"

#include <glib.h>
#include <stdbool.h>

/* How a message came to the MTA, as the MTA told; each may be NULL. */
struct trace {
	const char *helo;        /* what the client called itself */
	const char *client_name; /* what DNS calls it */
	const char *client;      /* its IP address */
	const char *host;        /* the MTA's own name */
	const char *queue_id;
	bool tls, authenticated;
	bool smtp; /* else it came by sendmail(1) */
};

/*
 * A Received field (RFC 5321 section 4.4), with name and CRLF.  The MTA's own
 * is not shown to milters and goes with the original; this one stands for
 * it.  `recipient`: for the clause "for", or NULL.
 */
char *trace_received(const struct trace *trace, const char *recipient);

/* The time now as in Date (RFC 5322 section 3.3), whatever the locale. */
void trace_append_date(GString *out);

/* Received fields that the message has. */
unsigned int trace_hops(const struct message *message);

#endif
