/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_TEMPLATES_H
#define MILTER_TEMPLATES_H

#include "policy/fault.h"

#include <glib.h>

/*
 * The texts that people read beside sealed mail, which an administrator can
 * edit: "cover", in front of a passphrase envelope, and "notice", to who has
 * to hand a passphrase over; each in a file KIND.LANGUAGE.txt.
 */
struct templates;

/* What is filled in; all UTF-8, without line ends. */
struct template_facts {
	const char *sender;
	const char *recipient;
	const char *date;
	const char *file;
	const char *hint; /* or NULL */
	const char *passphrase;
};

/*
 * An empty set that will read its files in that directory; NULL means where
 * "make install" puts them, and that English is built in.
 */
struct templates *templates_make(const char *directory);
void templates_free(struct templates **templatesp);

/*
 * Reads what there is not yet of that language (see policy_is_language()).
 * 0, or -1 with a PERM fault that names file and line.
 */
int templates_add(
    struct templates *templates, const char *language, struct fault *fault);

/*
 * The text in front of an envelope, with LF line ends, in each of the
 * languages (NULL-terminated; all were added); a new string.
 */
char *templates_cover(const struct templates *templates,
    const char *const *languages, const struct template_facts *facts);

/*
 * The text for a sender, about count recipients and their passphrases; of
 * the facts, each has these two of its own.  *subjectp is a new string.
 */
GString *templates_notice(const struct templates *templates,
    const char *const *languages, const struct template_facts *facts,
    size_t count, char **subjectp);

#endif
