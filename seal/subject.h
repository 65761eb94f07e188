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

/*
 * The Subject's value without that tag (wherever it stands, without regard
 * to case) and the blanks it leaves; with its leading blank, in ASCII.  A
 * new string, or NULL if the tag is not there.
 */
char *subject_without_tag(const struct message *message, const char *tag);

#endif
