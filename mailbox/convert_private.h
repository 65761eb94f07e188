/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_CONVERT_PRIVATE_H
#define MAILBOX_CONVERT_PRIVATE_H

#include "mailbox/convert.h"
#include "mailbox/examine.h"

/*
 * Each reads a message's file (of that many octets) and writes its successor,
 * with its sizes.  0; or -1 with fault: PERM is about this message alone.
 */
int convert_seal(const struct convert_order *order, int fd, uint64_t octets,
    struct replacement *replacement, struct fault *fault);
int convert_open(const struct convert_order *order, int fd,
    const struct examined *examined, struct replacement *replacement,
    struct fault *fault);

/* The same from octets that are a file no more. */
int convert_seal_message(const struct convert_order *order,
    const struct message *message, const char *original, bool crlf,
    struct replacement *replacement, struct fault *fault);

/* Does the message have the readers that the order wants, and no others? */
bool convert_has_readers(
    const struct seal_order *order, const struct examined *examined);

/* Writing a successor: all of it, then store_end(). */
struct storing {
	struct replacement *replacement;
	GString *buffer;
	bool keep_cr; /* else CR goes: a Maildir has LF */
	char last;    /* octet that was written */
};

void store_begin(
    struct storing *storing, struct replacement *replacement, bool keep_cr);
/* As write functions of seal/: 0, or -1 with fault. */
int store_octets(
    void *storing, const void *data, size_t len, struct fault *fault);
/* ret, or -1 with fault; frees what store_begin() made. */
int store_end(struct storing *storing, int ret, struct fault *fault);

#endif
