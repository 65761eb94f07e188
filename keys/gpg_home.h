/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_GPG_HOME_H
#define KEYS_GPG_HOME_H

#include "policy/fault.h"

#include <gpgme.h>

/*
 * GnuPG homes of our own, with our own gpg.conf: nothing on the network, no
 * agent, no trust database, no user interaction.  They hold no secret keys.
 */

/*
 * The home for encryption, STATE/gnupg: made if it is missing, its files
 * rewritten only if they differ.  Safe for many threads and processes.
 * Returns 0 and gives its path away, or -1 with fault.
 */
int gpg_home_make(const char *state, char **homep, struct fault *fault);

/*
 * The home STATE/keyring, in which gpg reads that keyring file and (NULL:
 * none) that trust database, both absolute paths, and writes to neither.
 * Else as gpg_home_make().
 */
int gpg_home_make_view(const char *state, const char *keyring,
    const char *trustdb, char **homep, struct fault *fault);

/* A throw-away home in the directory, and its end with all that is in it. */
int gpg_home_make_temporary(
    const char *directory, char **homep, struct fault *fault);
void gpg_home_remove(char **homep);

/*
 * A context for OpenPGP with that home and gpg program: offline, binary
 * output.  0 and gives *ctxp away (gpgme_release), or -1 with fault.  Call it
 * in a worker only (keys/worker.h).
 */
int gpg_home_context(
    const char *home, const char *gpg, gpgme_ctx_t *ctxp, struct fault *fault);

/*
 * GPGME does not look at gpg's exit status: a gpg that was killed, or that
 * gave up half-way, can pass for one that had nothing to say.  So a job calls
 * this after each operation: it waits for every gpg that this worker started
 * since the last call.  0 and *statusp is the worst exit status among them;
 * -1 with a TEMP fault if one died of a signal, or if none is known of.
 */
int gpg_home_reap(int *statusp, struct fault *fault);

/* For gpgme_data_cbs: what the caller of this worker sends and gets; the
 * handle is the worker's struct worker_io. */
ssize_t gpg_home_read(void *handle, void *buffer, size_t size);
ssize_t gpg_home_write(void *handle, const void *buffer, size_t size);

/* A fault of kind TEMP from a GPGME error: "what: reason". */
void gpg_home_fault(struct fault *fault, gpgme_error_t error, const char *what);

#endif
