/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * policy.c - `sealctl policy`: what would become of a message.
 *
 * In:    the command line.
 * Out:   what its subcommand makes of it.
 * Never: has an effect on mail, keys or configuration.
 */
#include "ctl/policy.h"

#include "ctl/family.h"

static const struct ctl_member members[] = {
    {"explain", ctl_policy_explain,
	"--from A --to B [--to C ...]\n"
	"           [--client IP] [--authenticated] [--tls] [--local]\n"
	"           [--json] [MESSAGE-FILE]",
	"for each recipient: the rule, the rungs and the key"},
    {"test", ctl_policy_test, "FILE",
	"does the policy do what a table of expectations says?"},
    {"tls-map", NULL, NULL, NULL},
};

static const struct ctl_family family = {
    "policy", members, G_N_ELEMENTS(members)};

int
ctl_policy(struct ctl *ctl, int argc, char *const argv[])
{
	return ctl_family_run(&family, ctl, argc, argv);
}
