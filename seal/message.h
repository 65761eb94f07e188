/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_MESSAGE_H
#define SEAL_MESSAGE_H

#include "policy/fault.h"
#include "policy/field.h"
#include "seal/spool.h"

#include <glib.h>

/*
 * A message as it came: header fields with their bytes, and the body in a
 * spool.  Line ends are CRLF from here on (RFC 3156 section 4); nothing else
 * is ever changed.
 */
struct message {
	struct fields header; /* in the order they came */
	GArray *list;         /* what header.list points into */
	struct spool *body;
	bool after_cr; /* the body so far ends in CR */
	uint64_t header_octets;
};

struct message *message_make(const struct spool_limits *limits);
void message_free(struct message **messagep);

/*
 * Adds a field; value begins with the blank after the colon, if there was
 * one, and has LF or CRLF in its folds.
 */
void message_add_field(
    struct message *message, const char *name, const char *value);

/* Adds octets to the body.  0, or -1 and TEMP. */
int message_add_body(
    struct message *message, const void *data, size_t len, struct fault *fault);

/* Octets of header, blank line and body. */
uint64_t message_size(const struct message *message);

/*
 * Reads a whole message (RFC 5322) from a file descriptor; an mbox "From "
 * line in front is dropped.  A header that is broken (a line without a
 * colon) ends there and the rest is body, as MTAs see it.  More than
 * `octets` is PERM.
 */
int message_read(
    struct message *message, int fd, uint64_t octets, struct fault *fault);

/* The same from a spool. */
int message_read_spool(struct message *message, const struct spool *spool,
    uint64_t octets, struct fault *fault);

/* The nth (from 0) field of a name, or NULL. */
const struct field *message_field(
    const struct message *message, const char *name, size_t nth);

/* True if the field has that name (ASCII, without regard to case). */
bool field_is(const struct field *field, const char *name);

/* True for the fields that only we may set: Sealmilter-*. */
bool field_is_ours(const struct field *field);

/* The header as message_write() writes it, without the blank line. */
GString *message_header(const struct message *message, const char *subject);

/*
 * Writes the message as it came, but without fields that are ours to set and,
 * if subject is not NULL, with that value of Subject.  0, or -1 with fault.
 */
int message_write(const struct message *message, const char *subject, int fd,
    struct fault *fault);

/* Writes the message as it came, every field of it.  0, or -1 with fault. */
int message_write_whole(
    const struct message *message, int fd, struct fault *fault);

/* Writes all octets to a file descriptor.  0, or -1 and TEMP. */
int write_octets(int fd, const void *data, size_t len, struct fault *fault);

/* Writes a spool from its start.  0, or -1 with fault. */
int write_spool(int fd, const struct spool *spool, struct fault *fault);

/* The value without folds and blanks around it; a new string. */
char *field_unfold(const char *value);

#endif
