/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_ALREADY_H
#define SEAL_ALREADY_H

#include "seal/message.h"

/*
 * Is the message encrypted end to end already?
 *  1: yes, all of its content: multipart/encrypted with OpenPGP in it (RFC
 *     3156), enveloped or auth-enveloped CMS (RFC 8551), or one armored
 *     block as the whole text.  It is what it says: packets and CMS are
 *     looked at, not only names.
 *  0: no.
 * -1: the spool cannot be read.
 */
int message_is_sealed(const struct message *message, struct fault *fault);

/* The same for a body that is said to be CMS in base64; already_cms.c. */
int message_is_cms(const struct message *message, struct fault *fault);

#endif
