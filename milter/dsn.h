/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_DSN_H
#define MILTER_DSN_H

#include <glib.h>

/* A recipient whose copy the injection listener refused for good. */
struct dsn_failure {
	const char *recipient; /* as the envelope had it, without brackets */
	const char *orcpt;     /* "rfc822;a@b" in xtext, or NULL */
	int code;              /* of the refusal: 5xx */
	const char *text;      /* the rest of it */
};

/* What a report needs to know; envid may be NULL. */
struct dsn {
	const char *host;   /* who reports: the MTA's name */
	const char *sender; /* of the message, without brackets */
	const char *envid;  /* xtext, as MAIL had it */
	const char *header; /* of a refused copy, CRLF lines */
};

/*
 * A whole message with CRLF lines: a delivery status notification (RFC 3464)
 * that says of those recipients that their copies failed.  Of the header, it
 * has the fields that tell nothing of the content.
 */
GString *dsn_make(
    const struct dsn *dsn, const struct dsn_failure *failures, size_t count);

#endif
