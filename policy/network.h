/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICY_NETWORK_H
#define POLICY_NETWORK_H

#include <stdbool.h>

/* An IPv4 or IPv6 network; an IPv4-mapped IPv6 address counts as IPv4. */
struct network {
	int family; /* AF_INET or AF_INET6 */
	unsigned char address[16];
	unsigned int prefix; /* bits */
};

/* "192.0.2.0/24", "2001:db8::/32", or one address.  0, or -1 if neither. */
int network_parse(const char *text, struct network *network);

/* True if the address (as text) is in the network; false if it is none. */
bool network_contains(const struct network *network, const char *address);

#endif
