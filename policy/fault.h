/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICY_FAULT_H
#define POLICY_FAULT_H

#include <glib.h>

/*
 * Why something failed.  A fault is born knowing whether the sender should
 * try again: TEMP becomes a 4xx, PERM a 5xx, BUG a 4xx and an alarm.
 */
enum fault_kind {
	FAULT_NONE,
	FAULT_TEMP,
	FAULT_PERM,
	FAULT_BUG,
};

struct fault {
	enum fault_kind kind;
	char text[512]; /* one line, no content of messages */
};

/* Fills *fault; fault may be NULL.  Text that is too long is cut. */
void fault_set(struct fault *fault, enum fault_kind kind, const char *format,
    ...) G_GNUC_PRINTF(3, 4);

/* Puts "context: " before the text that is there. */
void fault_prefix(struct fault *fault, const char *format, ...)
    G_GNUC_PRINTF(2, 3);

#endif
