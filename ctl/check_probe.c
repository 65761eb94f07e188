/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * check_probe.c - seal a message that nobody gets, to see that it works.
 *
 * In:    the configuration, its key sources, addresses to seal to.
 * Out:   findings.
 * Never: sends anything, or writes the clear text of the probe to a file.
 */
#include "ctl/check.h"
#include "keys/packet.h"
#include "milter/runtime.h"

#include <string.h>

/* A key whose secret half was thrown away: nobody reads the probe. */
static const char probe_key[] =
    "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"
    "\n"
    "mDMEZZIAgBYJKwYBBAHaRw8BAQdAmSzZv5glbGDKKpq6J7u+U8Q+QGY3Sitja06Y\n"
    "V5gSwoy0K1NlYWxtaWx0ZXIgcHJvYmUgPHByb2JlQHNlYWxtaWx0ZXIuaW52YWxp\n"
    "ZD6IkAQTFggAOBYhBA6hIUrBalL70RqwoRp+Kww6+GvhBQJlkgCAAhsDBQsJCAcC\n"
    "BhUKCQgLAgQWAgMBAh4BAheAAAoJEBp+Kww6+GvhFnIBAI4C7FfoCHdFGlhVysLv\n"
    "hdvvsqGXJoUZkZFxlIW/BassAP40DVI7uVg00921QfYgZNQpJutroCITjnkoAC4D\n"
    "dGwfCbg4BGWSAIASCisGAQQBl1UBBQEBB0ARpyuLizkMUT2WlZo5XoKd0+fuoawS\n"
    "p2x+FAC8Ay73PgMBCAeIeAQYFggAIBYhBA6hIUrBalL70RqwoRp+Kww6+GvhBQJl\n"
    "kgCAAhsMAAoJEBp+Kww6+GvhCl4BANIXlMw3lkLR8latg4udCOhK5oQhJh9xI6y1\n"
    "JGenq7aaAPwLd4BZyIn97VW9A8haZs/NjqYNqNxu8TG8D0w15tkCCA==\n"
    "=N6qZ\n"
    "-----END PGP PUBLIC KEY BLOCK-----\n";

#define PROBE_ADDRESS "probe@sealmilter.invalid"
#define PROBE_FINGERPRINT "0EA1214AC16A52FBD11AB0A11A7E2B0C3AF86BE1"
#define PROBE_SUBKEY "A51B3BC4D0DDFB27306E1E00A2346B74F3418848"
#define PROBE_SUBKEY_ID UINT64_C(0xA2346B74F3418848)
#define PROBE_CREATED INT64_C(1704067200)

struct probe {
	struct check_report *report;
	const struct runtime *runtime;
	struct seal_engines engines;
	struct message *message;
};

static int probe_message(struct probe *probe, struct fault *fault);
static int probe_own_key(struct key *key, struct fault *fault);
static void seal_to_own_key(struct probe *probe);
static void seal_to_addresses(struct probe *probe, const GPtrArray *addresses);
static int seal_to_owner(struct probe *probe, const struct check_owner *owner);
static int seal_to(
    const struct probe *probe, struct key *key, struct fault *fault);
static void try_others(struct probe *probe);
static void try_other(struct probe *probe, const char *name);

void
check_probe(struct check_report *report, const struct runtime *runtime,
    const GPtrArray *addresses)
{
	struct probe probe = {
	    .report = report,
	    .runtime = runtime,
	    .engines = runtime->engines,
	};
	struct fault fault;

	if (probe_message(&probe, &fault) != 0) {
		check_add(
		    report, CHECK_PROBLEM, "no probe message: %s", fault.text);
		return;
	}
	if (addresses->len == 0)
		seal_to_own_key(&probe);
	else
		seal_to_addresses(&probe, addresses);
	try_others(&probe);
	message_free(&probe.message);
}

static int
probe_message(struct probe *probe, struct fault *fault)
{
	static const char body[] =
	    "This is how sealmilter tries whether it can seal.\r\n";

	probe->message = message_make(&probe->runtime->limits);
	message_add_field(probe->message, "From", " " PROBE_ADDRESS);
	message_add_field(probe->message, "To", " " PROBE_ADDRESS);
	message_add_field(probe->message, "Subject", " sealmilter's probe");
	message_add_field(
	    probe->message, "Date", " Mon, 01 Jan 2024 00:00:00 +0000");
	message_add_field(probe->message, "Message-ID", " <" PROBE_ADDRESS ">");
	message_add_field(probe->message, "MIME-Version", " 1.0");
	message_add_field(
	    probe->message, "Content-Type", " text/plain; charset=us-ascii");
	if (message_add_body(probe->message, body, strlen(body), fault) != 0) {
		message_free(&probe->message);
		return -1;
	}
	return 0;
}

static void
seal_to_own_key(struct probe *probe)
{
	struct fault fault;
	struct key key;

	if (probe_own_key(&key, &fault) != 0 ||
	    seal_to(probe, &key, &fault) != 0)
		check_add(probe->report, CHECK_PROBLEM,
		    "a probe message could not be sealed: %s", fault.text);
	else
		check_add(probe->report, CHECK_OK,
		    "a probe message was sealed to a key that is built in; "
		    "none of your own could be tried yet");
	g_bytes_unref(key.blob);
}

/* All of it but the blob is static. */
static int
probe_own_key(struct key *key, struct fault *fault)
{
	static char address[] = PROBE_ADDRESS, source[] = "built in";
	static char fingerprint[] = PROBE_FINGERPRINT, subkey[] = PROBE_SUBKEY;
	GByteArray *octets = g_byte_array_new();
	int blocks;

	blocks =
	    packet_dearmor(probe_key, strlen(probe_key), NULL, octets, fault);
	memset(key, 0, sizeof(*key));
	g_atomic_ref_count_init(&key->references);
	key->kind = KEY_OPENPGP;
	key->address = address;
	key->fingerprint = fingerprint;
	key->subkey = subkey;
	key->subkey_id = PROBE_SUBKEY_ID;
	key->created = PROBE_CREATED;
	key->source = source;
	key->blob = g_byte_array_free_to_bytes(octets);
	return blocks == 1 ? 0 : -1;
}

static void
seal_to_addresses(struct probe *probe, const GPtrArray *addresses)
{
	guint i, sealed = 0;

	for (i = 0; i < addresses->len; i++)
		if (seal_to_owner(probe, g_ptr_array_index(addresses, i)) == 0)
			sealed++;
	if (sealed == 1)
		check_add(probe->report, CHECK_OK,
		    "a probe message was sealed for %s",
		    ((const struct check_owner *)g_ptr_array_index(
			 addresses, 0))
			->address);
	else if (sealed > 0)
		check_add(probe->report, CHECK_OK,
		    "probe messages were sealed for %u addresses", sealed);
}

static int
seal_to_owner(struct probe *probe, const struct check_owner *owner)
{
	const char *address = owner->address;
	struct key *key = NULL;
	struct fault fault;
	char *why = NULL;
	int found, ret = -1;

	found = keys_find(
	    probe->runtime->keys, owner->kind, address, &key, &why, &fault);
	if (found == -1)
		check_add(probe->report, CHECK_PROBLEM,
		    "%s: mail is deferred, for the key cannot be looked up: %s",
		    address, fault.text);
	else if (found == 0)
		check_add(probe->report, CHECK_WARNING, "%s: %s", address,
		    why == NULL ? "the key has just gone" : why);
	else if (seal_to(probe, key, &fault) != 0)
		check_add(probe->report, CHECK_PROBLEM,
		    "%s: a probe message could not be sealed: %s", address,
		    fault.text);
	else
		ret = 0;
	key_unref(&key);
	g_free(why);
	return ret;
}

static int
seal_to(const struct probe *probe, struct key *key, struct fault *fault)
{
	struct seal_reader reader = {.key = key};
	struct seal_order order = {
	    .form = key->kind == KEY_SMIME ? SEAL_SMIME : SEAL_OPENPGP,
	    .readers = &reader,
	    .readers_count = 1,
	    .hide_subject = true,
	    .engines = &probe->engines,
	    .limits = &probe->runtime->limits,
	};
	struct sealed *sealed = NULL;
	int ret = seal_message(&order, probe->message, &sealed, fault);

	sealed_free(&sealed);
	return ret;
}

/* OpenSSL did it so far; some keys are left to others, so those must work
 * too. */
static void
try_others(struct probe *probe)
{
	static const struct {
		enum pgp_engines which;
		const char *name;
	} others[] = {
#ifdef HAVE_RNP
	    {PGP_RNP, "RNP"},
#endif
	    {PGP_GNUPG, "GnuPG"},
	};
	const unsigned int all = probe->engines.pgp;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(others); i++) {
		if ((all & PGP_OPENSSL) == 0 || (all & others[i].which) == 0)
			continue;
		probe->engines.pgp = others[i].which;
		try_other(probe, others[i].name);
	}
	probe->engines.pgp = all;
}

static void
try_other(struct probe *probe, const char *name)
{
	struct fault fault;
	struct key key;

	if (probe_own_key(&key, &fault) != 0 ||
	    seal_to(probe, &key, &fault) != 0)
		check_add(probe->report, CHECK_WARNING,
		    "%s, which seals what OpenSSL cannot, does not work: %s\n"
		    "Mail to keys that need it is deferred until it does.",
		    name, fault.text);
	else
		check_add(probe->report, CHECK_OK,
		    "%s, which seals what OpenSSL cannot, works as well", name);
	g_bytes_unref(key.blob);
}
