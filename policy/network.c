/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * network.c - tell whether an IP address is in a network.
 *
 * In:    networks and addresses as text.
 * Out:   a yes or no; what is no address is in no network.
 * Never: asks the DNS.
 */
#include "policy/network.h"

#include <arpa/inet.h>
#include <glib.h>
#include <string.h>

static int parse_address(const char *text, struct network *network);
static int parse_prefix(const char *text, unsigned int *prefixp);
static bool same_bits(
    const unsigned char *a, const unsigned char *b, unsigned int bits);

#define MAPPED_BITS 96 /* of ::ffff:0:0/96, RFC 4291 2.5.5.2 */

int
network_parse(const char *text, struct network *network)
{
	const char *slash = strchr(text, '/');
	struct network found;
	char *address;
	unsigned int prefix, bits;
	int ret = -1;

	address = slash != NULL ? g_strndup(text, (gsize)(slash - text))
				: g_strdup(text);
	if (parse_address(address, &found) != 0)
		goto out;
	if (slash != NULL) {
		if (parse_prefix(slash + 1, &prefix) != 0)
			goto out;
		bits = found.family == AF_INET ? 32 : 128;
		/* ::ffff:192.0.2.0/120 is written with the bits of IPv6. */
		if (found.family == AF_INET && strchr(address, ':') != NULL) {
			if (prefix < MAPPED_BITS)
				goto out;
			prefix -= MAPPED_BITS;
		}
		if (prefix > bits)
			goto out;
		found.prefix = prefix;
	}
	*network = found;
	ret = 0;
out:
	g_free(address);
	return ret;
}

bool
network_contains(const struct network *network, const char *address)
{
	struct network one;

	return address != NULL && parse_address(address, &one) == 0 &&
	       one.family == network->family &&
	       same_bits(one.address, network->address, network->prefix);
}

/* One address, as a network of its own. */
static int
parse_address(const char *text, struct network *network)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	unsigned char octets[16];

	memset(network, 0, sizeof(*network));
	/* Sendmail writes "IPv6:2001:db8::1". */
	if (g_ascii_strncasecmp(text, "IPv6:", 5) == 0)
		text += 5;
	if (inet_pton(AF_INET, text, network->address) == 1) {
		network->family = AF_INET;
		network->prefix = 32;
		return 0;
	}
	if (inet_pton(AF_INET6, text, octets) != 1)
		return -1;
	if (memcmp(octets, mapped, sizeof(mapped)) == 0) {
		network->family = AF_INET;
		network->prefix = 32;
		memcpy(network->address, octets + sizeof(mapped), 4);
		return 0;
	}
	network->family = AF_INET6;
	network->prefix = 128;
	memcpy(network->address, octets, sizeof(octets));
	return 0;
}

static int
parse_prefix(const char *text, unsigned int *prefixp)
{
	guint64 prefix;

	if (!g_ascii_string_to_unsigned(text, 10, 0, 128, &prefix, NULL))
		return -1;
	*prefixp = (unsigned int)prefix;
	return 0;
}

static bool
same_bits(const unsigned char *a, const unsigned char *b, unsigned int bits)
{
	unsigned int octets = bits / 8, rest = bits % 8;

	if (memcmp(a, b, octets) != 0)
		return false;
	return rest == 0 || (a[octets] ^ b[octets]) >> (8 - rest) == 0;
}
