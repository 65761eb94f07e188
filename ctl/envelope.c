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

#include "milter/resolve.h"
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
	OPTION_AT_REST,
};

static const struct option options[] = {
    {"from", required_argument, NULL, OPTION_FROM},
    {"to", required_argument, NULL, OPTION_TO},
    {"client", required_argument, NULL, OPTION_CLIENT},
    {"authenticated", no_argument, NULL, OPTION_AUTHENTICATED},
    {"tls", no_argument, NULL, OPTION_TLS},
    {"local", no_argument, NULL, OPTION_LOCAL},
    {"json", no_argument, NULL, OPTION_JSON},
    {"at-rest", no_argument, NULL, OPTION_AT_REST},
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
	case OPTION_AT_REST:
		envelope->at_rest = true;
		return CTL_DONE;
	default:
		return CTL_USAGE; /* ctl_option_error() said why */
	}
}

/* Delivery agents put it there, so that it stands in no list of processes;
 * from the null sender, some set nothing. */
static int
take_environment(struct envelope *envelope)
{
	const char *sender = g_getenv("SENDER");
	const char *recipient = g_getenv("RECIPIENT");
	int status = CTL_DONE;

	if (envelope->origin.sender == NULL)
		status = set_sender(envelope, sender == NULL ? "" : sender);
	if (status == CTL_DONE && envelope->recipients->len == 0 &&
	    recipient != NULL)
		status = add_recipient(envelope, recipient);
	return status;
}

/* The last step before a mailbox is no place for mail to elsewhere: nobody
 * would ask why it is not marked as at rest. */
static int
must_be_stored_here(
    const struct envelope *envelope, const struct config *config)
{
	char *given, *address;
	const char *recipient;
	struct fault fault;
	guint i;
	bool here;

	for (i = 0; i < envelope->recipients->len; i++) {
		recipient = g_ptr_array_index(envelope->recipients, i);
		if (recipient_resolve(
			config, recipient, &given, &address, &fault) != 0)
			return ctl_fault(&fault);
		here = config_stores(config, address);
		g_free(given);
		g_free(address);
		if (!here) {
			ctl_error("--at-rest: the domain of \"%s\" is not in"
				  " domains: no mailbox of it is stored here",
			    recipient);
			return CTL_USAGE;
		}
	}
	return CTL_DONE;
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
	if (status == CTL_DONE && envelope->at_rest)
		status = take_environment(envelope);
	if (status == CTL_DONE && (envelope->origin.sender == NULL ||
				      envelope->recipients->len == 0)) {
		ctl_error("%s needs --from and at least one --to", argv[0]);
		status = CTL_USAGE;
	}
	if (status == CTL_DONE && envelope->at_rest)
		status = must_be_stored_here(envelope, ctl->config);
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
