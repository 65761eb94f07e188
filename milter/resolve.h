/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_RESOLVE_H
#define MILTER_RESOLVE_H

#include "milter/config.h"

/*
 * Which mailbox does the MTA mean by a recipient of the envelope?  0 and two
 * new strings, both canonical: the address as given, and the mailbox's, which
 * policy and keys go by.  A bare local part belongs to the first of domains;
 * an extension of a mailbox stored here (recipient_delimiter) belongs to it.
 *
 * -1 and PERM for what the MTA may deliver elsewhere than it says: routes
 * (a%b@c, a!b@c), incomplete domains, and address literals that are not in
 * domains.  Policy would decide for an address that is not the recipient's.
 */
int recipient_resolve(const struct config *config, const char *recipient,
    char **givenp, char **addressp, struct fault *fault);

#endif
