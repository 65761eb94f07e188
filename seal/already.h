/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_ALREADY_H
#define SEAL_ALREADY_H

#include "seal/message.h"
#include "seal/seal.h"

#include <stdbool.h>

/*
 * Is the message encrypted end to end already?
 *  1: yes, all of its content: multipart/encrypted with OpenPGP in it (RFC
 *     3156), enveloped or auth-enveloped CMS (RFC 8551), or one armored
 *     block as the whole text.  It is what it says: packets and CMS are
 *     looked at, not only names.  Not a sealed envelope, as the text in front
 *     of one can be any letter.
 *  0: no.
 * -1: the spool cannot be read.
 */
int message_is_sealed(const struct message *message, struct fault *fault);

/* Somebody who can open it, as the packets or CMS say. */
struct already_reader {
	/* Upper-case hex.  OpenPGP: a key ID, or a fingerprint (RFC 9580
	 * 5.1.2); CMS: see x509_id.h; "": hidden, or a passphrase. */
	char *id;
	char *name; /* UTF-8, one line, for people */
};

/* What was seen of the ciphertext. */
struct already {
	enum seal_form form;
	GPtrArray *readers; /* of struct already_reader * */
	size_t around;      /* readable octets beside the ciphertext */
	/* It is not sealed as it should be, yet nothing in it is anything but
	 * ciphertext, which is cut short or damaged. */
	bool damaged;
};

/* As message_is_sealed(), but yes to a sealed envelope that this version wrote
 * (doc/sealed-envelope.5), which has a short text in front.  *already is filled in on 1, or if it is damaged;
 * already_clear() frees it in any case. */
int message_sealing(const struct message *message, struct already *already,
    struct fault *fault);
void already_clear(struct already *already);

/* For already_cms.c and its caller. */
void already_add_reader(struct already *already, char *id, char *name);

/* The same for a body that is said to be CMS in base64; already_cms.c. */
int message_is_cms(const struct message *message, struct already *already,
    struct fault *fault);

/* The same for a body of parts with our boundary; already_envelope.c. */
int message_is_envelope(const struct message *message, const char *boundary,
    struct already *already, struct fault *fault);

/*
 * Is that what ciphertext looks like?  Half of its octets have the high bit;
 * of text that somebody only calls encrypted, few do.  False only for 64
 * octets or more, of which less than an eighth do (of ciphertext: one in
 * 10^10).
 */
bool already_looks_random(uint64_t octets, uint64_t high);

#endif
