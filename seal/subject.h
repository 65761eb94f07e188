/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_SUBJECT_H
#define SEAL_SUBJECT_H

#include "seal/message.h"

/* Starts GMime, once, whichever thread comes first. */
void gmime_need(void);

/* The Subject for people: unfolded, encoded words (RFC 2047) decoded, UTF-8.
 * A new string, or NULL if the message has none. */
char *subject_decode(const struct message *message);

/* The same of a value. */
char *subject_decode_value(const char *value);

/* The value of a field for such text: with its leading blank, in ASCII. */
char *subject_encode(const char *text);

/*
 * The Subject's value without those tags (NULL-terminated; wherever they
 * stand, without regard to case) and the blanks they leave, as
 * subject_encode().  A new string, or NULL if none of them is there.
 */
char *subject_without(const struct message *message, const char *const *tags);

/*
 * Looks for "[passphrase: words]" in a Subject that was decoded.  1: *tagp is
 * that text and *wordsp the words, new strings; 0: it is not there; -1 with
 * a PERM fault: it has no end, or is there twice.
 */
int subject_passphrase(
    const char *subject, char **tagp, char **wordsp, struct fault *fault);

#endif
