/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_PRIVILEGE_H
#define MILTER_PRIVILEGE_H

#include "policy/fault.h"

/*
 * Becomes that user for good, with its groups, when run by root; user NULL
 * or not root: does nothing.  0, or -1 with fault.
 */
int privilege_drop(const char *user, struct fault *fault);

/*
 * No core files, no ptrace by others, no new privileges by exec.  Called
 * first thing by everything that sees mail.
 */
void privilege_harden(void);

#endif
