/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICY_ADDRESS_H
#define POLICY_ADDRESS_H

#include <glib.h>
#include <stdbool.h>

/*
 * The one canonical form of a mail address, for comparison only (never sent
 * anywhere): angle brackets and source route removed, quotes and backslashes
 * of the local part undone, local part without regard to case, domain in
 * lower-case A-labels without a trailing dot.  "" and "<>" give "" (the null
 * sender).  A bare local part ("root") stays one.  Returns a new string, or
 * NULL if the text is no address (not UTF-8, control characters, empty local
 * part or domain, broken quoting, a domain that IDNA2008 forbids) or one that
 * MTAs route in ways of their own ("a@b"@c, blanks, comments).
 */
char *address_canonical(const char *text);

/* The domain of a canonical address, "" if it has none; points into it. */
const char *address_domain(const char *canonical);

/*
 * A pattern in canonical form, a new string: "user@example.org" (the whole
 * address), "@example.org" (that domain), "@.example.org" (it and all below
 * it) or "<>" (the null sender); NULL if the text is none of these.  So are
 * texts that fit nothing, though they look as if: without "@", or with a "*"
 * that is not quoted.
 */
char *address_pattern(const char *text);

/*
 * What to write instead of a text that is no pattern, for people (a new
 * string that begins with the text in quotes), or NULL: nothing comes to mind.
 */
char *address_pattern_advice(const char *text);

/*
 * True if the canonical address fits one of the patterns, a set of what
 * address_pattern() gives.  100,000 of them cost no more than one.
 */
bool address_listed(GHashTable *patterns, const char *canonical);

#endif
