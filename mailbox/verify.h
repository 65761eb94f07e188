/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_VERIFY_H
#define MAILBOX_VERIFY_H

#include "policy/fault.h"
#include "seal/spool.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Whose key is it?  What verify knows of keys, gathered before it looks into
 * mailboxes.
 */
struct verify_key {
	char *fingerprint;
	char *addresses; /* canonical, ", " between them */
	bool recovery;   /* may open everybody's mail here, says the policy */
};

struct verify_keys {
	GHashTable *by_id; /* as in struct already_reader -> verify_key */
	GHashTable *owned; /* "ADDRESS FINGERPRINT": a set */
	GHashTable *now;   /* the same of the keys that mail is sealed to now */
};

struct verify_keys *verify_keys_make(void);
void verify_keys_free(struct verify_keys **keysp);

/* That key ID belongs to that key; one that is known gets the address. */
void verify_keys_add(struct verify_keys *keys, const char *id,
    const char *fingerprint, const char *address, bool recovery, bool now);

/* --- What was found */

/* Worst first. */
enum finding_kind {
	FINDING_READABLE,  /* a message in clear */
	FINDING_LEFTOVER,  /* text of messages somewhere else */
	FINDING_DAMAGED,   /* says that it is sealed; nobody can know */
	FINDING_FOREIGN,   /* sealed, but not (only) to its owner */
	FINDING_UNCERTAIN, /* could not be looked at */
	FINDING_OLD_KEY,   /* sealed to a key that its owner replaced */
};

#define FINDING_KINDS 6

const char *finding_name(enum finding_kind kind); /* "readable" */

/* Does it mean that a mailbox is not as it should be? */
bool finding_is_bad(enum finding_kind kind);

struct finding {
	enum finding_kind kind;
	char *path; /* below the mailbox, printable; "": the mailbox */
	char *what; /* one line, UTF-8, no content of messages */
};

/* How many messages a key can open. */
struct opener {
	char *id;          /* as the messages say */
	char *fingerprint; /* "": no key that is known here */
	char *addresses;
	uint64_t messages;
};

struct verified_folder {
	char *name; /* printable; "": INBOX */
	uint64_t sealed;
	uint64_t readable;
	uint64_t damaged;
	uint64_t uncertain;
	GPtrArray *openers; /* of struct opener *, the most messages first */
};

struct verified {
	char *path;          /* of the mailbox, printable */
	char *address;       /* canonical, of its owner; "": not known */
	GPtrArray *folders;  /* of struct verified_folder * */
	GPtrArray *findings; /* of struct finding *, worst first */
	uint64_t counts[FINDING_KINDS]; /* of all findings, listed or not */
	uint64_t octets;                /* of all messages */
	uint64_t at_rest;               /* of the sealed: by us, for storage */
	uint64_t transit;               /* by us, on its way */
	uint64_t by_author;             /* by somebody else, end to end */
	uint64_t subjects; /* sealed, with a Subject that all can read */
};

/* Findings of one kind that are listed; the rest is counted. */
#define FINDINGS_MAX 10000

struct verified *verified_make(const char *path, const char *address);
void verified_free(struct verified **verifiedp);
void verified_add(struct verified *verified, enum finding_kind kind,
    const char *path, const char *what);

/* Belongs to the mailbox. */
struct verified_folder *verified_folder_add(
    struct verified *verified, const char *name);

/* A message more that somebody can open; key NULL: it is not known here. */
void verified_opener_add(struct verified_folder *folder, const char *id,
    const struct verify_key *key);

/* Findings and openers into the order that the structs promise. */
void verified_sort(struct verified *verified);

/* Sums of all folders; the caller frees total->openers. */
void verified_total(
    const struct verified *verified, struct verified_folder *total);

/* To hand it on between processes; unpack: NULL, if it is damaged. */
GBytes *verified_pack(const struct verified *verified);
struct verified *verified_unpack(GBytes *octets);

/*
 * Looks at every message of the mailbox in that directory and into every
 * other file in it, as whoever runs this, and adds what it finds.  What cannot
 * be looked at is a finding.  0; or -1 with fault: it is no mailbox, or cannot
 * be opened.
 */
int verify_mailbox(struct verified *verified, const char *path,
    const struct verify_keys *keys, const struct spool_limits *limits,
    struct fault *fault);

#endif
