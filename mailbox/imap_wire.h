/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_IMAP_WIRE_H
#define MAILBOX_IMAP_WIRE_H

#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Where and as whom to log in. */
struct imap_login {
	const char *url;    /* imaps://HOST[:PORT] or imap://, by STARTTLS */
	const char *user;   /* whose mailbox it is, as the server knows them */
	const char *master; /* who may read it with their password; or NULL */
	const char *password; /* of user, or of master */
	GBytes *authorities;  /* in PEM; NULL: those of the system */
	unsigned int seconds; /* to wait for the server at a time */
};

/*
 * A connection to an IMAP server, encrypted and logged in: libcurl finds the
 * host, verifies its certificate and does SASL; what is said afterwards is
 * ours, since libcurl knows neither flags nor dates of APPEND.
 */
struct imap_wire;

/* 0 and gives *wirep away; or -1 with fault: PERM when the server does not
 * accept the login or is not who it should be, TEMP when it is not there. */
int wire_open(const struct imap_login *login, struct imap_wire **wirep,
    struct fault *fault);
void wire_close(struct imap_wire **wirep);

/* Sends all of it.  0, or -1 with TEMP. */
int wire_send(
    struct imap_wire *wire, const void *data, size_t len, struct fault *fault);

/* Appends the next line to the text, without its CRLF; text->len stays below
 * WIRE_TEXT_OCTETS.  0, or -1 with fault. */
#define WIRE_TEXT_OCTETS ((size_t)1 << 20)
int wire_line(struct imap_wire *wire, GString *text, struct fault *fault);

/* Takes octets; 0, or -1 with fault. */
typedef int wire_sink(
    void *context, const void *data, size_t len, struct fault *fault);

/* Gives the next `len` octets to a sink.  0, or -1 with fault. */
int wire_octets(struct imap_wire *wire, uint64_t len, wire_sink *sink,
    void *context, struct fault *fault);

#endif
