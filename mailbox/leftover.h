/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_LEFTOVER_H
#define MAILBOX_LEFTOVER_H

#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>

/*
 * Text that anybody can see: words of the header and the dress of messages
 * that are sealed.  What a server keeps of these tells nothing new.
 */
struct lexicon;

struct lexicon *lexicon_make(void);
void lexicon_free(struct lexicon **lexiconp);

/* Adds the words of what stands in clear in a sealed message: the octets up
 * to its ciphertext. */
void lexicon_add(struct lexicon *lexicon, const char *text, size_t len);

/* Reads as much of a sealed message's file. 0, or -1 with fault. */
int lexicon_add_file(struct lexicon *lexicon, int fd, struct fault *fault);

enum leftover_kind {
	LEFTOVER_INDEX,  /* of a server: headers, envelopes, previews */
	LEFTOVER_SEARCH, /* full-text index: words */
	LEFTOVER_OTHER,
};

/* What a path below a mailbox looks like. */
enum leftover_kind leftover_kind_of(const char *path);

/*
 * Does a file that is no message hold text of one?
 *  1: *whatp is a new string that says what kind of text.
 *  0: none was found.
 * -1: it cannot be read.
 */
int leftover_look(int fd, enum leftover_kind kind,
    const struct lexicon *lexicon, char **whatp, struct fault *fault);

#endif
