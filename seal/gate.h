/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_GATE_H
#define SEAL_GATE_H

#include "seal/seal.h"

/*
 * Nothing leaves that was not parsed again.  Libraries report success with
 * empty, truncated or foreign output; so the gate reads the finished copy,
 * accounts for every octet of it, counts the packets, compares the key IDs
 * with the plan, measures the ciphertext against the payload and looks for
 * samples of the payload in it.
 */
struct gate;

/* payload_octets: how many will be shown to gate_see().  NULL and TEMP if
 * there are no random octets. */
struct gate *gate_make(uint64_t payload_octets, struct fault *fault);
void gate_free(struct gate **gatep);

/* Asks for a digest of what will be seen, for forms that can be opened. */
int gate_want_digest(struct gate *gate, struct fault *fault);

/* Starts again: the payload will be shown from its start. */
void gate_rewind(struct gate *gate);

/* Shows the next octets of the payload, from which samples are taken. */
void gate_see(struct gate *gate, const unsigned char *data, size_t len);

/*
 * 0: the copy is what it should be.  -1: it is not, or cannot be read; the
 * fault (BUG, or TEMP for the spool) says what was found.
 */
int gate_pass(struct gate *gate, const struct seal_order *order,
    const struct message *message, const struct sealed *sealed,
    const char *boundary, struct fault *fault);

#endif
