/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_KEYRING_H
#define KEYS_KEYRING_H

#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

/*
 * A GnuPG home as it stood at one moment.  When two are equal, nothing was
 * written to the home in between.
 */
struct keyring_stamp {
	struct {
		bool there;
		dev_t device;
		ino_t inode;
		off_t size;
		struct timespec modified;
	} files[3]; /* pubring.kbx, pubring.gpg, trustdb.gpg */
};

/* 0, or -1 with a TEMP fault: no home, no keyring in it, or no access. */
int keyring_stamp(
    const char *home, struct keyring_stamp *stamp, struct fault *fault);
bool keyring_same(const struct keyring_stamp *a, const struct keyring_stamp *b);

/* A key in the keyring. */
struct keyring_entry {
	char *fingerprint;    /* upper-case hex; NULL unless version 4 */
	unsigned int version; /* of OpenPGP key */
};

/*
 * The keys in the keyring that gpg would use, by what they call themselves:
 * read as GnuPG's documentation describes the file, so that a look-up needs
 * no gpg to say that there is nothing, and gpg's silence cannot be taken for
 * an answer.
 */
struct keyring;

/* 0 and gives *keyringp away; -1 with a TEMP fault: unreadable, damaged. */
int keyring_read(
    const char *home, struct keyring **keyringp, struct fault *fault);
void keyring_free(struct keyring **keyringp);

/* The file that was read. */
const char *keyring_path(const struct keyring *keyring);

/* Of struct keyring_entry *, belongs to the keyring; NULL if there are none. */
const GPtrArray *keyring_find(
    const struct keyring *keyring, const char *address);

#endif
