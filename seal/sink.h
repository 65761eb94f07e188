/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_SINK_H
#define SEAL_SINK_H

#include "seal/seal.h"

/*
 * Takes the binary ciphertext from an engine and makes the body of the copy:
 * the dress, armor, and key IDs of hidden readers replaced by zero (RFC 4880
 * section 5.1, "speculative" key ID).
 */
struct sink;

struct sink *sink_make(const struct seal_order *order, const char *boundary);
void sink_free(struct sink **sinkp);

/* Once, before the first octet.  0, or -1 with fault. */
int sink_begin(struct sink *sink, struct fault *fault);

/* 0, or -1 with fault. */
int sink_write(
    struct sink *sink, const void *data, size_t len, struct fault *fault);

/* 0 and gives the body away, or -1 with fault. */
int sink_finish(struct sink *sink, struct spool **bodyp, struct fault *fault);

#endif
