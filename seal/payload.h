/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_PAYLOAD_H
#define SEAL_PAYLOAD_H

#include "seal/gate.h"
#include "seal/message.h"

/*
 * What is encrypted: the protected header, the body as it came, and perhaps
 * a trailer.  What is read of it, the gate sees.
 */
struct payload;

/* Takes header and trailer (or NULL); the message is borrowed. */
struct payload *payload_make(
    GString *header, const struct message *message, char *trailer);
void payload_free(struct payload **payloadp);

/* Takes what legacy_find() found, to go into the body; or NULL. */
void payload_insert(struct payload *payload, GArray *insertions);

uint64_t payload_octets(const struct payload *payload);

/* Starts again, in front of that gate. */
void payload_rewind(struct payload *payload, struct gate *gate);

/* As read(2); -1 with fault. */
ssize_t payload_read(
    struct payload *payload, void *buffer, size_t size, struct fault *fault);

#endif
