/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_DAEMON_H
#define MILTER_DAEMON_H

#include "milter/runtime.h"

#include <stdbool.h>

/* Signals from the supervisor to the filter process, which has them blocked. */
#define SIGNAL_RELOAD SIGUSR1
#define SIGNAL_DRAIN SIGUSR2

/*
 * The filter process: serves the MTA until it is drained, and returns its
 * exit status.  When it is ready it writes one octet to ready_fd.
 */
int daemon_run(struct config *config, int ready_fd);

/* A new reference to what new messages shall use. */
struct runtime *daemon_runtime(void);

/* False while the daemon stops, or too many messages are under way: answer
 * with 4xx.  Else the message counts as under way until daemon_message_ends. */
bool daemon_message_begins(void);
void daemon_message_ends(void);

#endif
