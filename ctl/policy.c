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

#include <stdio.h>
#include <string.h>

static void print_usage(FILE *stream);

int
ctl_policy(struct ctl *ctl, int argc, char *const argv[])
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "explain") == 0)
		return ctl_policy_explain(ctl, argc - 1, argv + 1);
	if (strcmp(name, "test") == 0)
		return ctl_policy_test(ctl, argc - 1, argv + 1);
	if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0) {
		print_usage(stdout);
		return CTL_DONE;
	}
	if (strcmp(name, "tls-map") == 0)
		ctl_error("policy: this version does not have \"tls-map\" yet");
	else if (*name != '\0')
		ctl_error("policy: there is no \"%s\"", name);
	print_usage(stderr);
	return CTL_USAGE;
}

static void
print_usage(FILE *stream)
{
	fputs("usage: sealctl policy explain --from A --to B [--to C ...]\n"
	      "           [--client IP] [--authenticated] [--tls] [--local]\n"
	      "           [--json] [MESSAGE-FILE]\n"
	      "       sealctl policy test FILE\n",
	    stream);
}
