/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_PGP_H
#define SEAL_PGP_H

#include "seal/seal.h"

/*
 * What the OpenPGP engines share.  An engine reads the payload, and
 * writes one binary OpenPGP message: for each reader, in their order, a
 * PKESK packet, then one SEIPD packet without compression inside.
 */
struct pgp_job {
	const struct seal_order *order;
	uint64_t octets; /* of the payload */
	ssize_t (*read)(
	    void *context, void *buffer, size_t size, struct fault *fault);
	int (*write)(
	    void *context, const void *data, size_t len, struct fault *fault);
	void *context;
};

/* 1: done.  0: this engine is not here or cannot use one of the keys; it
 * has read and written nothing; the fault says why.  -1: failed. */
typedef int pgp_engine(const struct pgp_job *job, struct fault *fault);

pgp_engine pgp_openssl_encrypt;
pgp_engine pgp_rnp_encrypt;
pgp_engine pgp_gnupg_encrypt;

/* The job that pgp_gpgme.c runs in a worker; for seal_register_jobs(). */
void pgp_gnupg_register(void);

#endif
