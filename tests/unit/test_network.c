/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_network.c - what is in a network, and what is none.
 */
#include "policy/network.h"
#include "tests/tap.h"

#include <glib.h>

static const struct {
	const char *network, *address;
	bool want;
} contains[] = {
    {"192.0.2.0/24", "192.0.2.0", true},
    {"192.0.2.0/24", "192.0.2.255", true},
    {"192.0.2.0/24", "192.0.3.0", false},
    {"192.0.2.129/25", "192.0.2.128", true},
    {"192.0.2.129/25", "192.0.2.127", false},
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.2", false},
    {"192.0.2.1/31", "192.0.2.0", true},
    {"0.0.0.0/0", "203.0.113.7", true},
    {"0.0.0.0/0", "::1", false},
    {"::/0", "2001:db8::1", true},
    {"::/0", "192.0.2.1", false},
    {"2001:db8::/32", "2001:db8:ffff::1", true},
    {"2001:db8::/32", "2001:db9::1", false},
    {"2001:db8::/33", "2001:db8:8000::1", false},
    {"::1", "IPv6:::1", true},
    {"IPv6:2001:db8::1", "2001:DB8:0::1", true},
    {"192.0.2.0/24", "::ffff:192.0.2.7", true},
    {"::ffff:192.0.2.0/120", "192.0.2.7", true},
    {"::ffff:192.0.2.0/120", "192.0.3.7", false},
    {"192.0.2.0/24", "unknown", false},
    {"192.0.2.0/24", "", false},
    {"192.0.2.0/24", NULL, false},
    {"192.0.2.0/24", "192.0.2.7 ", false},
    {"192.0.2.0/24", "192.0.2.7/32", false},
};

static const char *const broken[] = {"", "/", "192.0.2", "192.0.2.0/33",
    "192.0.2.0/-1", "192.0.2.0/", "192.0.2.0/24x", "192.0.2.0/ 24",
    "192.0.2.0/+24", "2001:db8::/129", "::ffff:192.0.2.0/24", "example.org",
    " 192.0.2.1", "192.0.2.1 ", "192.0.2.0/24/24", "010.0.0.256"};

int
main(void)
{
	struct network network;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(contains); i++) {
		if (network_parse(contains[i].network, &network) != 0)
			ok(false, "%s is a network", contains[i].network);
		else
			ok(network_contains(&network, contains[i].address) ==
				contains[i].want,
			    "%s %s %s", contains[i].network,
			    contains[i].want ? "contains" : "does not contain",
			    contains[i].address != NULL ? contains[i].address
							: "what is unknown");
	}
	for (i = 0; i < G_N_ELEMENTS(broken); i++)
		ok(network_parse(broken[i], &network) == -1,
		    "\"%s\" is no network", broken[i]);
	return tap_done();
}
