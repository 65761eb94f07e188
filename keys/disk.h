/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_DISK_H
#define KEYS_DISK_H

#include "policy/fault.h"

/* Both wait until it would be there after a loss of power.  0, or -1 and TEMP,
 * with what or path in the fault. */

/* What was written to a file, or the names in a directory. */
int disk_sync(int fd, const char *what, struct fault *fault);

/* The names in a directory, which is opened for it. */
int disk_sync_directory(const char *path, struct fault *fault);

#endif
