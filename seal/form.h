/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_FORM_H
#define SEAL_FORM_H

#include "seal/gate.h"
#include "seal/payload.h"
#include "seal/seal.h"

/* What is constant of a copy: its fields that describe the body, and the text
 * around the ciphertext. */
struct dress {
	struct field fields[3]; /* Content-*; values with their leading blank */
	size_t fields_count;
	char *before; /* or NULL */
	char *after;
};

/*
 * A form of sealed mail.  seal_message() knows nothing else of it; a further
 * one is a row in form.c.
 */
struct form {
	const char *name; /* as policies and Sealmilter-Sealed have it */
	bool can_hide;    /* who can open a copy */
	bool whole;       /* the original as it came is inside (no RFC 9788) */

	/* Fills in what dress_clear() frees. */
	void (*dress)(const struct seal_order *order, const char *boundary,
	    struct dress *dress);

	/* Reads the payload, and gives the finished body away.  0; or -1. */
	int (*seal)(const struct seal_order *order, struct payload *payload,
	    struct gate *gate, const char *boundary, struct spool **bodyp,
	    struct fault *fault);

	/* Reads the body again, for the gate: NULL, or what is wrong with it;
	 * "" if the fault is filled in already. */
	const char *(*read)(struct gate *gate, const struct seal_order *order,
	    const struct dress *dress, const struct spool *body,
	    struct fault *fault);
};

const struct form *form_of(const struct seal_order *order);
const char *form_name(enum seal_form form);
void dress_clear(struct dress *dress);

/* --- What form.c puts together. */

void pgp_dress(
    const struct seal_order *order, const char *boundary, struct dress *dress);
int pgp_seal(const struct seal_order *order, struct payload *payload,
    struct gate *gate, const char *boundary, struct spool **bodyp,
    struct fault *fault);
const char *gate_read_pgp(struct gate *gate, const struct seal_order *order,
    const struct dress *dress, const struct spool *body, struct fault *fault);

void cms_dress(
    const struct seal_order *order, const char *boundary, struct dress *dress);
int cms_seal(const struct seal_order *order, struct payload *payload,
    struct gate *gate, const char *boundary, struct spool **bodyp,
    struct fault *fault);
const char *gate_read_cms(struct gate *gate, const struct seal_order *order,
    const struct dress *dress, const struct spool *body, struct fault *fault);

void envelope_dress(
    const struct seal_order *order, const char *boundary, struct dress *dress);
int envelope_seal(const struct seal_order *order, struct payload *payload,
    struct gate *gate, const char *boundary, struct spool **bodyp,
    struct fault *fault);
const char *gate_read_envelope(struct gate *gate,
    const struct seal_order *order, const struct dress *dress,
    const struct spool *body, struct fault *fault);

#endif
