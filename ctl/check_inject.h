/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_CHECK_INJECT_H
#define CTL_CHECK_INJECT_H

#include "ctl/check.h"
#include "ctl/postconf.h"

/*
 * The part of check_postfix() that is about delivery by copies: the service
 * that takes them back.
 */
struct check_inject_side {
	const struct postconf_service *service; /* NULL: there is none */
	const GPtrArray *milters; /* its, of struct postconf_milter */
	bool ours;                /* sealmilter is one of them */
	const char *signer; /* a milter of the other services that may sign, or
			     * NULL */
};

/* True if copies go to that service. */
bool check_inject_is(const struct check_target *target,
    const struct postconf *postconf, const struct postconf_service *service);

/* The first of them that may sign (DKIM), or NULL. */
const char *check_inject_signer(const GPtrArray *milters);

/* Adds what there is to say about a service that asks sealmilter. */
void check_inject_front(struct check_report *report,
    const struct postconf *postconf, const struct postconf_service *service);

/* Adds what there is to say about the service that takes copies. */
void check_inject_postfix(struct check_report *report,
    const struct check_target *target, const struct postconf *postconf,
    const struct check_inject_side *side);

#endif
