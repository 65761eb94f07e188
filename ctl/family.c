/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * family.c - commands that begin with the same word.
 *
 * In:    a table of them, and the command line.
 * Out:   the one that is named, run; or how they are used.
 * Never: knows what they do.
 */
#include "ctl/family.h"

#include <config.h>

#include <stdio.h>
#include <string.h>

static void print_usage(
    const struct ctl_family *family, FILE *stream, const char *name);

bool
ctl_wants_help(int argc, char *const argv[])
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0)
			return true;
	return false;
}

int
ctl_family_run(const struct ctl_family *family, struct ctl *ctl, int argc,
    char *const argv[])
{
	const char *name = argc > 1 ? argv[1] : "";
	size_t i;

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		print_usage(family, stdout, NULL);
		return CTL_DONE;
	}
	for (i = 0; i < family->count; i++) {
		if (strcmp(family->members[i].name, name) != 0)
			continue;
		if (family->members[i].arguments != NULL &&
		    ctl_wants_help(argc - 1, argv + 1)) {
			print_usage(family, stdout, name);
			return CTL_DONE;
		}
		if (family->members[i].arguments != NULL)
			return family->members[i].run(ctl, argc - 1, argv + 1);
		ctl_error("\"%s %s\" is not in this version (%s)", family->name,
		    name, PACKAGE_VERSION);
		return CTL_USAGE;
	}
	if (*name != '\0')
		ctl_error("there is no command \"%s %s\"", family->name, name);
	return ctl_family_usage(family, NULL);
}

int
ctl_family_usage(const struct ctl_family *family, const char *name)
{
	print_usage(family, stderr, name);
	return CTL_USAGE;
}

static void
print_usage(const struct ctl_family *family, FILE *stream, const char *name)
{
	const struct ctl_member *member;
	size_t i;

	fputs("usage: sealctl [-c FILE] COMMAND ...\n", stream);
	for (i = 0; i < family->count; i++) {
		member = &family->members[i];
		if (member->arguments != NULL &&
		    (name == NULL || strcmp(name, member->name) == 0))
			fprintf(stream, "  %s %s%s%s\n        %s\n",
			    family->name, member->name,
			    *member->arguments != '\0' ? " " : "",
			    member->arguments, member->what);
	}
}
