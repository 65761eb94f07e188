/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_EXAMINE_H
#define MAILBOX_EXAMINE_H

#include "seal/already.h"

#include <stdbool.h>

enum examined_state {
	/* Without a key, at least in part; also what is only called sealed. */
	EXAMINED_READABLE,
	EXAMINED_SEALED,
	/* Says that it is sealed, and what can be decoded of it is ciphertext;
	 * but it is cut short or broken.  It proves nothing: count it as not
	 * sealed. */
	EXAMINED_DAMAGED,
	/* Stored in a way that this program does not read (compressed or
	 * encrypted by Dovecot), or too large to be looked at. */
	EXAMINED_UNKNOWN,
};

/* Who sealed it.  This much is only said: by Sealmilter-Sealed, where it goes
 * with the ciphertext; whether it is sealed at all never rests on that. */
enum examined_by {
	EXAMINED_BY_AUTHOR, /* end to end, or by another program */
	EXAMINED_BY_US_TRANSIT,
	EXAMINED_BY_US_REST,
};

struct examined {
	enum examined_state state;
	const char *why; /* constant; NULL for a sealed message */
	/* Only of sealed and damaged messages: form, readers, around. */
	struct already already;
	enum examined_by by;
	char **claimed; /* fingerprints in Sealmilter-Sealed; NULL: none */
	/* Subject is in clear outside and says something. */
	bool subject_shown;
};

/*
 * Looks at a message that is in memory or its spool.  0 and fills in
 * *examined, which examined_clear() frees; or -1 with fault: the spool cannot
 * be read.
 */
int examine_message(const struct message *message, struct examined *examined,
    struct fault *fault);

/*
 * The same for a message file from its start; LF or CRLF.  Memory is bounded
 * by limits, the header by EXAMINE_HEADER_OCTETS; of larger ones than
 * `octets` the body is not looked at.  0, or -1 with fault: it cannot be read.
 */
int examine_file(int fd, const struct spool_limits *limits, uint64_t octets,
    struct examined *examined, struct fault *fault);

void examined_clear(struct examined *examined);

/* No header of sealed mail is longer. */
#define EXAMINE_HEADER_OCTETS ((size_t)1 << 20)

#endif
