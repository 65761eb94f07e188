/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fetch.c - get a file from the web that a stranger named.
 *
 * In:    a URL; how long it may take, and how large it may be.
 * Out:   its octets.
 * Never: talks to an address of this site's own network unless it may, or
 *        speaks anything but http and https.
 */
#include "ctl/fetch.h"

#include "policy/network.h"

#include <config.h>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#define REDIRECTIONS 3L

struct transfer {
	const struct fetch_limits *limits;
	GByteArray *octets;
	bool too_large;
	char refused[INET6_ADDRSTRLEN]; /* an address, or "" */
};

static size_t on_octets(char *data, size_t size, size_t count, void *context);
static curl_socket_t on_address(
    void *context, curlsocktype purpose, struct curl_sockaddr *address);
static bool is_private(const char *address);

int
fetch_url(const struct fetch_limits *limits, const char *url, GBytes **octetsp,
    struct fault *fault)
{
	struct transfer transfer = {limits, g_byte_array_new(), false, ""};
	char reason[CURL_ERROR_SIZE] = "";
	CURL *curl = curl_easy_init();
	CURLcode r = CURLE_FAILED_INIT;

	if (curl != NULL) {
		(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
		(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
		(void)curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
		(void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
		(void)curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTIONS);
		(void)curl_easy_setopt(
		    curl, CURLOPT_TIMEOUT, (long)limits->seconds);
		(void)curl_easy_setopt(
		    curl, CURLOPT_USERAGENT, "sealmilter/" PACKAGE_VERSION);
		(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_octets);
		(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
		(void)curl_easy_setopt(
		    curl, CURLOPT_OPENSOCKETFUNCTION, on_address);
		(void)curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &transfer);
		/* What guards does so whatever its environment says. */
		if (curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
			"http,https") == CURLE_OK &&
		    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR,
			"http,https") == CURLE_OK)
			r = curl_easy_perform(curl);
	}
	curl_easy_cleanup(curl);
	if (r == CURLE_OK) {
		*octetsp = g_byte_array_free_to_bytes(transfer.octets);
		return 0;
	}
	g_byte_array_unref(transfer.octets);
	if (transfer.too_large)
		fault_set(fault, FAULT_TEMP, "it is larger than %zu octets",
		    limits->octets);
	else if (transfer.refused[0] != '\0')
		fault_set(fault, FAULT_TEMP,
		    "%s is an address of a private network "
		    "(keys.crl_fetch_private)",
		    transfer.refused);
	else
		fault_set(fault, FAULT_TEMP, "%s",
		    reason[0] != '\0' ? reason : curl_easy_strerror(r));
	return -1;
}

static size_t
on_octets(char *data, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t len = size * count;

	if (len > transfer->limits->octets - transfer->octets->len) {
		transfer->too_large = true;
		return 0;
	}
	g_byte_array_append(transfer->octets, (const guint8 *)data, (guint)len);
	return len;
}

/* The address itself, after all names and redirections. */
static curl_socket_t
on_address(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *transfer = context;
	const struct sockaddr *addr = &address->addr;
	char text[INET6_ADDRSTRLEN] = "?";
	const void *octets =
	    addr->sa_family == AF_INET6
		? (const void *)&(
		      (const struct sockaddr_in6 *)(const void *)addr)
		      ->sin6_addr
		: (const void *)&(
		      (const struct sockaddr_in *)(const void *)addr)
		      ->sin_addr;

	(void)purpose;
	if ((addr->sa_family != AF_INET && addr->sa_family != AF_INET6) ||
	    inet_ntop(addr->sa_family, octets, text, sizeof(text)) == NULL ||
	    (!transfer->limits->private_addresses && is_private(text))) {
		g_strlcpy(transfer->refused, text, sizeof(transfer->refused));
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
	    address->protocol);
}

/* RFC 6890, and what comes after it: nobody's web server is there. */
static bool
is_private(const char *address)
{
	static const char *const networks[] = {"0.0.0.0/8", "10.0.0.0/8",
	    "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	    "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3",
	    "::/128", "::1/128", "64:ff9b::/96", "64:ff9b:1::/48", "fc00::/7",
	    "fe80::/10", "fec0::/10", "ff00::/8"};
	struct network network;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(networks); i++)
		if (network_parse(networks[i], &network) != 0 ||
		    network_contains(&network, address))
			return true;
	return false;
}
