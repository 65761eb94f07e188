/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_SPOOL_H
#define SEAL_SPOOL_H

#include "policy/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Octets of any number in bounded memory: the first memory_octets stay in
 * memory, the rest goes to a file that has no name.  A secret spool's file
 * is encrypted under a key that lives in this process only (AES-256-GCM, one
 * record per block, the record's number as nonce).
 */
struct spool;

struct spool_limits {
	const char *directory; /* for files; must exist */
	size_t memory_octets;  /* of one spool */
};

/* What all spools of the process together may keep in memory. */
#define SPOOL_TOTAL_OCTETS ((size_t)96 << 20)

struct spool *spool_make(const struct spool_limits *limits, bool secret);
void spool_free(struct spool **spoolp);

/* 0, or -1 and TEMP: the disk is full, or the file cannot be made. */
int spool_append(
    struct spool *spool, const void *data, size_t len, struct fault *fault);

uint64_t spool_size(const struct spool *spool);

/* Reads from the start; the spool must not grow or die meanwhile. */
struct spool_reader;

struct spool_reader *spool_reader_make(const struct spool *spool);
void spool_reader_free(struct spool_reader **readerp);

/*
 * 1: the next octets are at *datap, until the next call.  0: the end.
 * -1: the file cannot be read, or somebody else wrote to it.
 */
int spool_reader_next(struct spool_reader *reader, const unsigned char **datap,
    size_t *lenp, struct fault *fault);

/* As read(2), for those who bring their own buffer. */
ssize_t spool_reader_read(struct spool_reader *reader, void *buffer,
    size_t size, struct fault *fault);

/* SHA-256 of what comes before (NULL, 0: nothing) and of all that is in the
 * spool.  0, or -1 and TEMP: the file cannot be read, or OpenSSL failed. */
#define SPOOL_DIGEST_OCTETS 32

int spool_digest(const void *before, size_t before_len,
    const struct spool *spool, unsigned char digest[SPOOL_DIGEST_OCTETS],
    struct fault *fault);

#endif
