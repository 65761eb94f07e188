/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_ESMTP_H
#define MILTER_ESMTP_H

#include <stdbool.h>

/*
 * What a client says beside addresses: parameters of MAIL (RFC 3461 section
 * 4.3 and 4.4, RFC 6152, RFC 6531) and of RCPT (RFC 3461 section 4.1, 4.2).
 */
struct esmtp_mail {
	char *ret;   /* "FULL" or "HDRS", or NULL */
	char *envid; /* xtext as given, or NULL */
	bool eight_bit;
	bool utf8;
};

struct esmtp_rcpt {
	char *
	    notify; /* "NEVER", or a list of SUCCESS, FAILURE, DELAY; or NULL */
	char *orcpt; /* "rfc822;xtext" as given, or NULL */
};

/*
 * From libmilter's argument lists, whose first string is the address.  What
 * is not known, or malformed, is left out.
 */
void esmtp_mail_read(struct esmtp_mail *mail, char *const *argv);
void esmtp_mail_clear(struct esmtp_mail *mail);
void esmtp_rcpt_read(struct esmtp_rcpt *rcpt, char *const *argv);
void esmtp_rcpt_clear(struct esmtp_rcpt *rcpt);

/* True if the sender wants to hear of a failure (RFC 3461 section 4.1). */
bool esmtp_wants_failure(const struct esmtp_rcpt *rcpt);

#endif
