/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SUPERVISE_H
#define MILTER_SUPERVISE_H

#include "milter/config.h"

#include <stdbool.h>

/*
 * The process that stays: it has the listening socket and the pid file,
 * starts the filter process and, should that crash, another; forks workers
 * (keys/worker.h); and takes the signals: HUP reads the configuration again,
 * TERM and INT finish what is under way.  It never sees mail.
 *
 * Takes the reference.  ready_fd gets an octet when mail is served, or -1.
 * Returns the exit status.
 */
int supervise(struct config *config, int ready_fd);

#endif
