/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_GATE_PRIVATE_H
#define SEAL_GATE_PRIVATE_H

#include "seal/form.h"
#include "seal/gate.h"

/* What gate.c and the readers of the forms share. */

#define SAMPLES 8
#define SAMPLE_OCTETS 24
#define WINDOW_OCTETS 16384

struct sample {
	uint64_t offset;
	size_t have;
	unsigned char octets[SAMPLE_OCTETS];
};

struct gate {
	uint64_t payload_octets;
	uint64_t seen;
	struct sample samples[SAMPLES];
	struct evp_md_ctx_st *digest; /* of what was seen; NULL: nobody asked */
	bool undigested;              /* it failed */
};

/*
 * To find any of the samples in one pass that looks at every 16th place only:
 * of a sample that stands somewhere, eight octets start at such a place.  All
 * the pieces that these can be are hashed into a filter.
 */
#define STRIDE 16
#define FILTER_BITS 65536

struct piece {
	uint64_t octets;
	const struct sample *sample;
	size_t offset; /* of the octets in the sample */
};

/* Decoded octets of a copy, gathered for the search, then handed on. */
struct search {
	int (*next)(void *context, const unsigned char *data, size_t len);
	void *context;
	bool found; /* a sample */
	size_t window_len;
	size_t window_old; /* octets at its start that were searched */
	size_t pieces_count;
	unsigned char filter[FILTER_BITS / 8];
	/* These are written before they are read, and need no zeroing. */
	struct piece pieces[SAMPLES * STRIDE];
	unsigned char window[WINDOW_OCTETS];
};

void search_begin(struct search *search, const struct gate *gate,
    int (*next)(void *context, const unsigned char *data, size_t len),
    void *context);

/* 0, or -1: a sample was found, or next() returned non-zero. */
int search_feed(struct search *search, const unsigned char *data, size_t len);

/* The octets that are left.  0, or -1. */
int search_end(struct search *search);

#endif
