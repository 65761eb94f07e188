/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * envelope.c - the envelope that commands take as arguments.
 *
 * In:    arguments.
 * Out:   a sender, recipients, and what is known of the client.
 * Never: guesses an address.
 */
#include "ctl/envelope.h"

#include "policy/address.h"

#include <getopt.h>
#include <string.h>

enum {
	OPTION_FROM = 256,
	OPTION_TO,
	OPTION_CLIENT,
	OPTION_AUTHENTICATED,
	OPTION_TLS,
	OPTION_LOCAL,
	OPTION_JSON,
};

static const struct option options[] = {
    {"from", required_argument, NULL, OPTION_FROM},
    {"to", required_argument, NULL, OPTION_TO},
    {"client", required_argument, NULL, OPTION_CLIENT},
    {"authenticated", no_argument, NULL, OPTION_AUTHENTICATED},
    {"tls", no_argument, NULL, OPTION_TLS},
    {"local", no_argument, NULL, OPTION_LOCAL},
    {"json", no_argument, NULL, OPTION_JSON},
    {NULL, 0, NULL, 0},
};

static int
set_sender(struct envelope *envelope, const char *sender)
{
	g_free(envelope->origin.sender);
	envelope->origin.sender = address_canonical(sender);
	if (envelope->origin.sender != NULL)
		return CTL_DONE;
	ctl_error("--from: \"%s\" is no mail address", sender);
	return CTL_USAGE;
}

static int
add_recipient(struct envelope *envelope, const char *recipient)
{
	char *canonical = address_canonical(recipient);
	bool good = canonical != NULL && canonical[0] != '\0';

	g_free(canonical);
	if (!good) {
		ctl_error("--to: \"%s\" is no mail address", recipient);
		return CTL_USAGE;
	}
	g_ptr_array_add(envelope->recipients, g_strdup(recipient));
	return CTL_DONE;
}

static int
set_client(struct envelope *envelope, const char *client)
{
	struct network network;

	if (network_parse(client, &network) != 0 ||
	    strchr(client, '/') != NULL) {
		ctl_error("--client: \"%s\" is no IP address", client);
		return CTL_USAGE;
	}
	g_free(envelope->origin.client);
	envelope->origin.client = g_strdup(client);
	return CTL_DONE;
}

static int
take_option(struct envelope *envelope, int option, const char *argument)
{
	switch (option) {
	case OPTION_FROM:
		return set_sender(envelope, argument);
	case OPTION_TO:
		return add_recipient(envelope, argument);
	case OPTION_CLIENT:
		return set_client(envelope, argument);
	case OPTION_AUTHENTICATED:
		envelope->origin.authenticated = true;
		return CTL_DONE;
	case OPTION_TLS:
		envelope->origin.tls = true;
		return CTL_DONE;
	case OPTION_LOCAL:
		envelope->origin.local_client = true;
		return CTL_DONE;
	case OPTION_JSON:
		envelope->json = true;
		return CTL_DONE;
	default:
		return CTL_USAGE; /* ctl_option_error() said why */
	}
}

int
envelope_parse(struct envelope *envelope, const struct ctl *ctl, int argc,
    char *const argv[])
{
	int option, status = CTL_DONE;

	memset(envelope, 0, sizeof(*envelope));
	envelope->recipients = g_ptr_array_new_with_free_func(g_free);
	opterr = 0;
	optind = 0; /* a new scan, also for glibc's own state */
	while (status == CTL_DONE &&
	       (option = getopt_long(argc, argv, ":", options, NULL)) != -1)
		status = take_option(envelope, option, optarg);
	envelope->first = optind;
	if (status == CTL_DONE && (envelope->origin.sender == NULL ||
				      envelope->recipients->len == 0)) {
		ctl_error("%s needs --from and at least one --to", argv[0]);
		status = CTL_USAGE;
	}
	if (envelope->origin.client != NULL)
		envelope->origin.local_client |=
		    config_is_local(ctl->config, envelope->origin.client);
	return status;
}

void
envelope_clear(struct envelope *envelope)
{
	g_free(envelope->origin.sender);
	g_free(envelope->origin.client);
	g_ptr_array_free(envelope->recipients, TRUE);
}
