/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * resolve.c - which mailbox does a recipient of the envelope mean?
 *
 * In:    an address as the MTA got it, before it rewrites it.
 * Out:   the mailbox's address, or that nobody can be sure.
 * Never: guesses in favour of clear text.
 */
#include "milter/resolve.h"

#include "policy/address.h"

#include <string.h>

static const char *find_doubt(const struct config *config, const char *address);
static char *without_extension(
    const struct config *config, const char *address);

int
recipient_resolve(const struct config *config, const char *recipient,
    char **givenp, char **addressp, struct fault *fault)
{
	char *given = address_canonical(recipient), *whole;
	const char *doubt;

	if (given != NULL && given[0] != '\0' &&
	    address_domain(given)[0] == '\0' && config->domains[0] != NULL) {
		whole = g_strconcat(given, "@", config->domains[0], NULL);
		g_free(given);
		given = whole;
	}
	doubt = given == NULL || given[0] == '\0' ? "is no mail address"
						  : find_doubt(config, given);
	if (doubt != NULL) {
		recipient += recipient[0] == '<';
		fault_set(fault, FAULT_PERM, "%.*s %s",
		    (int)strcspn(recipient, ">"), recipient, doubt);
		g_free(given);
		return -1;
	}
	*addressp = without_extension(config, given);
	*givenp = given;
	return 0;
}

/* NULL, or why an MTA may deliver it elsewhere.  Postfix follows routes by
 * default (allow_percent_hack, swap_bangpath), completes domains, and takes
 * literals of its own addresses for itself. */
static const char *
find_doubt(const struct config *config, const char *address)
{
	const char *domain = address_domain(address);
	const char *sign = strpbrk(address, "%!");

	if (domain[0] == '\0')
		return "has no domain";
	if (sign != NULL && sign < domain)
		return "hides another address";
	if (config_stores(config, address))
		return NULL;
	if (domain[0] == '[')
		return "has an IP address for its domain";
	if (strchr(domain, '.') == NULL)
		return "has a domain that is incomplete";
	return NULL;
}

/* Up to the first of the delimiters, as Postfix and Sendmail take it. */
static char *
without_extension(const struct config *config, const char *address)
{
	const char *domain = address_domain(address);
	size_t local = (size_t)(domain - address) - 1, len;

	if (!config_stores(config, address))
		return g_strdup(address);
	len = 1 + strcspn(address + 1, config->recipient_delimiter);
	if (len >= local)
		return g_strdup(address);
	return g_strdup_printf("%.*s@%s", (int)len, address, domain);
}
