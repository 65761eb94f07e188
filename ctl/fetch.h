/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_FETCH_H
#define CTL_FETCH_H

#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct fetch_limits {
	unsigned int seconds; /* for all of it */
	size_t octets;
	bool private_addresses; /* such as 10.0.0.1 and ::1 */
};

/*
 * What is at a URL of http or https, by way of a few redirections, without a
 * proxy.  0 and gives *octetsp away, or -1 with a TEMP fault that does not
 * name the URL.
 */
int fetch_url(const struct fetch_limits *limits, const char *url,
    GBytes **octetsp, struct fault *fault);

#endif
