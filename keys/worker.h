/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_WORKER_H
#define KEYS_WORKER_H

#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * GPGME starts gpg and waits for it without limit, and what gpg parses was
 * written by strangers.  So each GPGME operation runs in a process (and
 * process group) of its own that kills itself, with gpg, at a deadline.
 *
 * A program with threads must not fork and go on, so the daemon's workers
 * are forked by its single-threaded parent (worker_serve); sealctl, which
 * has no threads, forks for itself.
 */

/* The other end as the job sees it. */
struct worker_io;

/* Input from the caller: > 0 octets read, 0 at the end, -1 if it is gone. */
ssize_t worker_read(struct worker_io *io, void *buffer, size_t size);

/* Output to the caller: 0, or -1 if it is gone. */
int worker_write(struct worker_io *io, const void *data, size_t len);

/*
 * A job runs in the worker: 0 and whatever answer it appended, or -1 and why.
 */
typedef int worker_job(struct worker_io *io, GBytes *request,
    GByteArray *answer, struct fault *fault);

enum worker_verb {
	WORKER_INSPECT,     /* keys/inspect.c: what is in this key file? */
	WORKER_GNUPG_FIND,  /* keys/gnupg.c: keys of an address in a home */
	WORKER_PGP_ENCRYPT, /* seal/pgp_gpgme.c */
	WORKER_PGP_DECRYPT, /* seal/unseal_gpgme.c, and secret keys for it */
	WORKER_PGP_SECRET,
	WORKER_VERBS,
};

/* Each module names its job before worker_serve() or worker_call(). */
void worker_register(enum worker_verb verb, worker_job *job);

/* What flows while the job runs; either function may be NULL. */
struct worker_streams {
	/* As read(2): > 0, 0 at the end, -1 with fault. */
	ssize_t (*read)(
	    void *context, void *buffer, size_t size, struct fault *fault);
	/* 0, or -1 with fault. */
	int (*write)(
	    void *context, const void *data, size_t len, struct fault *fault);
	void *context;
};

/*
 * Runs a job in a worker and streams both ways until it answers.  Returns 0
 * and gives *answerp away, or -1 with a fault: the job's own, or TEMP when
 * the worker died or the deadline passed.  answerp may be NULL.  Safe for
 * many threads.
 */
int worker_call(enum worker_verb verb, GBytes *request,
    const struct worker_streams *streams, unsigned int deadline_ms,
    GBytes **answerp, struct fault *fault);

/*
 * The fork server.  worker_server_open() gives a socket pair: the child that
 * has threads calls worker_server_use(client); the parent polls `server` and
 * calls worker_serve_one(server) when it is readable.  worker_serve_one
 * returns 0, or -1 when all clients are gone.  The parent must reap its
 * children; workers need no attention.
 */
int worker_server_open(int *serverp, int *clientp, struct fault *fault);
void worker_server_use(int client);
int worker_serve_one(int server);

#endif
