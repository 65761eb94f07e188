/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_WORKER_PRIVATE_H
#define KEYS_WORKER_PRIVATE_H

#include "keys/worker.h"

#include <stdint.h>

/*
 * What runs on the socket between caller and worker, both on this machine
 * and of one build: frames of a header and len octets.
 *
 * The caller sends REQUEST, then DATA any number of times, then EOF.  The
 * worker sends DATA any number of times, then ANSWER or FAULT.
 */
enum frame_type {
	FRAME_REQUEST = 1,
	FRAME_DATA,
	FRAME_EOF,
	FRAME_ANSWER,
	FRAME_FAULT,
};

struct frame {
	uint32_t type; /* enum frame_type */
	uint32_t len;
};

/* A FAULT's octets. */
struct frame_fault {
	uint32_t kind; /* enum fault_kind */
	char text[512];
};

#define FRAME_DATA_OCTETS (64U * 1024U)
#define FRAME_WHOLE_OCTETS (256U * 1024U * 1024U) /* request, answer */

/* What a client of the fork server asks for; its socket comes with it. */
struct worker_order {
	uint32_t verb; /* enum worker_verb */
	uint32_t deadline_ms;
};

/*
 * Becomes the worker: runs the job on the socket and ends, with everything
 * that the job started.  parent is the process that forked.
 */
void worker_become(int fd, worker_job *job, unsigned int deadline_ms,
    pid_t parent) G_GNUC_NORETURN;

#endif
