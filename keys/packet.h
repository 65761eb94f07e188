/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_PACKET_H
#define KEYS_PACKET_H

#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Packet tags, RFC 4880 section 4.3; 20 is LibrePGP's OCB packet. */
enum packet_tag {
	PACKET_PKESK = 1,
	PACKET_SKESK = 3,
	PACKET_SECRET_KEY = 5,
	PACKET_PUBLIC_KEY = 6,
	PACKET_SECRET_SUBKEY = 7,
	PACKET_SED = 9, /* without integrity protection */
	PACKET_MARKER = 10,
	PACKET_SEIPD = 18,
	PACKET_OCB = 20,
};

/*
 * Walks the packets of an OpenPGP object that arrives in pieces of any size,
 * without keeping more than the headers.
 */
struct packet_walker;

struct packet_events {
	/* A packet starts.  offset: of its first header octet.  0 goes on. */
	int (*start)(void *context, unsigned int tag, uint64_t offset);
	/* Octets of its body, in order; partial lengths are undone.  offset:
	 * of data[0] in the whole object. */
	int (*body)(void *context, const unsigned char *data, size_t len,
	    uint64_t offset);
	int (*end)(void *context);
	void *context;
};

struct packet_walker *packet_walker_make(const struct packet_events *events);
void packet_walker_free(struct packet_walker **walkerp);

/* 0, or -1: these octets are no packets, or an event returned non-zero. */
int packet_walker_feed(
    struct packet_walker *walker, const void *data, size_t len);

/* 0 if the object ended where its last packet ended, else -1. */
int packet_walker_finish(struct packet_walker *walker);

/*
 * Armor, RFC 4880 section 6.2: finds the blocks whose type is `type` ("PGP
 * PUBLIC KEY BLOCK"; NULL: any) and appends their octets to *out.  Binary input is
 * recognised by its first octet's high bit and copied.  Returns the number
 * of blocks (1 for binary, 0: none), or -1 with a PERM fault if a block is broken.
 */
int packet_dearmor(const void *data, size_t len, const char *type,
    GByteArray *out, struct fault *fault);

#endif
