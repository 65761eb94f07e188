/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_POLICY_H
#define CTL_POLICY_H

#include "ctl/ctl.h"

/* The families of `sealctl policy`; argv[0] is their name. */
ctl_command ctl_policy_explain; /* ctl/policy_explain.c */
ctl_command ctl_policy_test;    /* ctl/policy_test.c */

#endif
