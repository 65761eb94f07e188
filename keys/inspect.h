/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_INSPECT_H
#define KEYS_INSPECT_H

#include "keys/inspected.h"
#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>

/* More octets of one key than this are refused. */
#define INSPECT_KEY_OCTETS ((size_t)256 * 1024)

/* More octets of a file than this are refused. */
#define INSPECT_FILE_OCTETS ((size_t)64 * 1024 * 1024)

struct inspect_config {
	const char *state; /* where throw-away homes are made */
	const char *gpg;
	unsigned int deadline_ms; /* for one run of gpg: some 50 keys */
	bool subject_address;     /* see x509_inspect() */
	/*
	 * The key of that fingerprint as it is known already, a new
	 * reference, or NULL.  What a file says is added to it, so that an
	 * old file takes no revocation back.  May be NULL.
	 */
	GBytes *(*known)(void *context, const char *fingerprint);
	void *context;
};

/*
 * Every OpenPGP key in a file, armored or binary, in its order; or every
 * certificate, in a file of these.  0 and gives *foundp
 * away (of struct inspected *, at least one); -1: PERM if there are no keys
 * in these octets, TEMP if gpg cannot tell.
 */
int inspect_keys(const struct inspect_config *config, GBytes *file,
    GPtrArray **foundp, struct fault *fault);

/* The worker's end. */
void inspect_register(void);

#endif
