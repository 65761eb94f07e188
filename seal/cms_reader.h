/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_CMS_READER_H
#define SEAL_CMS_READER_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads what cms.c makes, in pieces of any size and without OpenSSL: BER of
 * EnvelopedData (RFC 5652 section 6.1) or AuthEnvelopedData (RFC 5083) with
 * indefinite lengths around a content in chunks.  Other ways to write the
 * same are refused: this is for the gate, not for mail of strangers.
 */
struct cms_reader;

/* Somebody who can open it; what is pointed to belongs to the reader. */
struct cms_recipient {
	bool agreement;          /* KeyAgreeRecipientInfo, else KeyTrans */
	const unsigned char *id; /* IssuerAndSerialNumber, all of it */
	size_t id_len;
	const unsigned char *algorithm; /* AlgorithmIdentifier, all of it */
	size_t algorithm_len;
	size_t key_len; /* octets of the encrypted key */
};

struct cms_reader *cms_reader_make(void);
void cms_reader_free(struct cms_reader **readerp);

/* 0, or -1: it is not what it should be; cms_reader_why() says in what. */
int cms_reader_feed(
    struct cms_reader *reader, const unsigned char *data, size_t len);

/* 0 if it ended where it should. */
int cms_reader_finish(struct cms_reader *reader);
const char *cms_reader_why(const struct cms_reader *reader);

/* All below only after cms_reader_finish() returned 0. */
bool cms_reader_is_auth(const struct cms_reader *reader);
const struct cms_recipient *cms_reader_recipients(
    const struct cms_reader *reader, size_t *countp);
/* Octets of the content's AlgorithmIdentifier. */
const unsigned char *cms_reader_cipher(
    const struct cms_reader *reader, size_t *lenp);
uint64_t cms_reader_content_octets(const struct cms_reader *reader);

#endif
