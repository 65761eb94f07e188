/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_LOG_H
#define MILTER_LOG_H

#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>

/*
 * Syslog, or standard error in the foreground.  Lines name queue ids,
 * addresses, keys and reasons; never anything from inside a message.
 */
void log_open(const char *facility, bool to_stderr);

/*
 * A daemon's lines go to standard error as well until it serves, so that who
 * starts it sees why it does not.  This ends that.
 */
void log_detach(void);

/* priority: LOG_ERR and so on, of syslog(3). */
void log_line(int priority, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* "what: text of the fault", at a priority that fits its kind. */
void log_fault(const struct fault *fault, const char *what);

#endif
