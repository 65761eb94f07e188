/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * pgp_without_rnp.c - the engine of a build that has no RNP.
 *
 * In:    whatever.
 * Out:   "not here", so that GnuPG does it.
 * Never: reads or writes.
 */
#include "seal/pgp.h"
#include "seal/unseal_private.h"

int
pgp_rnp_encrypt(const struct pgp_job *job, struct fault *fault)
{
	(void)job;
	fault_set(fault, FAULT_TEMP, "this build has no RNP");
	return 0;
}

int
unseal_rnp(const struct unseal_keys *keys, const struct spool *cipher,
    struct spool *payload, struct fault *fault)
{
	(void)keys;
	(void)cipher;
	(void)payload;
	(void)fault;
	return 0;
}
