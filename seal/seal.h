/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_SEAL_H
#define SEAL_SEAL_H

#include "keys/keys.h"
#include "policy/fault.h"
#include "policy/policy.h"
#include "seal/message.h"

#include <stdbool.h>

/* One who shall be able to read a copy. */
struct seal_reader {
	struct key *key; /* borrowed */
	bool hidden;     /* the copy must not tell that they are one */
};

/* Who may encrypt OpenPGP; pgp.c has their order. */
enum pgp_engines {
	PGP_OPENSSL = 1,
	PGP_RNP = 2, /* not in every build */
	PGP_GNUPG = 4,
	PGP_ALL = 7,
};

/* What the engines need to know of this installation. */
struct seal_engines {
	const char *state; /* directory; for GnuPG's private home */
	const char *gpg;   /* path of the gpg program */
	unsigned int gpg_deadline_ms;
	unsigned int pgp; /* a sum of enum pgp_engines */
};

/* The forms; a row each in form.c. */
enum seal_form {
	SEAL_OPENPGP,    /* PGP/MIME, RFC 3156 */
	SEAL_SMIME,      /* RFC 8551 */
	SEAL_PASSPHRASE, /* doc/sealed-envelope.5; one reader a copy */
};

/*
 * What an envelope may hold: browsers decrypt it as a whole, and what is sent
 * is 1.8 times as long.  As message_size().
 */
#define SEAL_PASSPHRASE_OCTETS_MAX ((uint64_t)32 << 20)

/* May the attachment of an envelope be called so?  Letters and digits of
 * ASCII, ".", "-" and "_", up to 64; neither the first nor the last a point. */
bool seal_page_name_may_be(const char *name);

struct seal_order {
	enum seal_form form; /* the keys are of its kind */
	const struct seal_reader *readers;
	size_t readers_count;
	const char *subject;  /* value in place of the Subject's, or NULL */
	const char *secret;   /* a field but for that one that has this text is
				left out; UTF-8, or NULL */
	const char *original; /* value of a field inside, or NULL: original.h */
	bool hide_subject;
	bool legacy_display; /* a hidden Subject is shown in the text too */
	bool at_rest;        /* it goes into a mailbox stored here */
	/* For S/MIME; what is not set can be opened by more programs. */
	bool smime_gcm;  /* AES-256-GCM instead of CBC (RFC 5084) */
	bool smime_oaep; /* RSAES-OAEP instead of PKCS #1 v1.5 (RFC 3560) */
	/* For envelopes. */
	const char *cover;     /* the readable text, UTF-8 */
	const char *page_name; /* of the attachment; NULL: message.html */
	const struct seal_engines *engines;
	const struct spool_limits *limits;
};

/* What to do with one field of the original outside. */
enum outside {
	OUTSIDE_KEEP,
	OUTSIDE_DROP,
	OUTSIDE_CHANGE,
};

/*
 * A copy that went through the gate.  The header is the original's with
 * changes[i] for its field i, and `added` after them.  There is no other way
 * to get one of these than seal_message().
 */
struct sealed {
	size_t count; /* fields of the original */
	enum outside *outside;
	char **value;  /* for OUTSIDE_CHANGE; as in struct field */
	GArray *added; /* of struct field */
	struct spool *body;
};

/* The jobs this folder runs in workers; once, at program start. */
void seal_register_jobs(void);

/*
 * Seals a message in a form with header protection (RFC 9788).  0 and gives
 * *sealedp away; or -1 with a fault: TEMP when an engine or the disk failed,
 * PERM when the form cannot hide a reader who has to be hidden, BUG when the
 * gate stopped what an engine made.
 */
int seal_message(const struct seal_order *order, const struct message *message,
    struct sealed **sealedp, struct fault *fault);
void sealed_free(struct sealed **sealedp);

/* The header of the sealed copy, without the blank line. */
GString *sealed_header(
    const struct sealed *sealed, const struct message *message);

/* Writes the sealed copy as a whole message.  0, or -1 with fault. */
int sealed_write(const struct sealed *sealed, const struct message *message,
    int fd, struct fault *fault);

#endif
