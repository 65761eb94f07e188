/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_IMAP_TEXT_H
#define MAILBOX_IMAP_TEXT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * What an IMAP server says (RFC 3501 section 9), as text with every literal
 * turned into a quoted string.
 */

/* Appends octets as a quoted string. */
void imap_quote(GString *text, const char *octets, size_t len);

/*
 * Reads the next value: an atom (brackets in it may have blanks), a quoted
 * string, or a list.  Returns where it ends, or NULL when there is none.
 * *valuep is a new string: of an atom or string what it stands for, of a list
 * what is between its parentheses.
 */
const char *imap_value(const char *text, char **valuep);

/* Whether a list of flags has that one, without regard to case. */
bool imap_has_flag(const char *flags, const char *flag);

/* The flags without one: a new string. */
char *imap_flags_without(const char *flags, const char *flag);

/* Whether all of `others` are among the flags. */
bool imap_flags_contain(const char *flags, const char *others);

/* Whether two values of INTERNALDATE are the same moment. */
bool imap_same_moment(const char *a, const char *b);

/* A folder's name in UTF-8, from modified UTF-7 (RFC 3501 5.1.3): a new
 * string; NULL: it is none. */
char *imap_name_decode(const char *wire);

/* What a server says, for people: one line, printable, not long.  A new
 * string. */
char *imap_printable(const char *text);

#endif
