/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_ENVELOPE_H
#define CTL_ENVELOPE_H

#include "ctl/ctl.h"
#include "milter/plan.h"

#include <glib.h>

/*
 * The envelope that commands take as arguments, as if the message came over
 * SMTP: --from A, --to B (again for more), --client IP, --authenticated,
 * --tls, --local.  With --at-rest it is the last step before mailboxes that
 * are stored here, and the environment may have the envelope, where delivery
 * agents put it.
 */
struct envelope {
	struct origin origin;
	GPtrArray *recipients; /* of char *, as given */
	bool json;
	bool at_rest;
	int first; /* index of the first argument that is no option */
};

#define ENVELOPE_USAGE                                                         \
	"--from ADDRESS --to ADDRESS [--to ADDRESS ...]\n"                     \
	"           [--client IP] [--authenticated] [--tls] [--local]"
#define ENVELOPE_USAGE_AT_REST "--at-rest [--from ADDRESS] [--to ADDRESS ...]"

/* CTL_DONE, or CTL_USAGE after saying on standard error what is wrong. */
int envelope_parse(struct envelope *envelope, const struct ctl *ctl, int argc,
    char *const argv[]);
void envelope_clear(struct envelope *envelope);

#endif
