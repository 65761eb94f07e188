/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * pgp.c - the form "openpgp": PGP/MIME (RFC 3156).
 *
 * In:    keys that may be used, and the payload.
 * Out:   a body, and the fields that describe it.
 * Never: tells a good engine's output from a bad one's; the gate does.
 */
#include "seal/pgp.h"

#include "seal/form.h"
#include "seal/mime.h"
#include "seal/sink.h"

/* The cheapest first; the others are for the keys that it cannot use, and for
 * when it fails. */
static const struct {
	enum pgp_engines which;
	pgp_engine *encrypt;
} engines[] = {
    {PGP_OPENSSL, pgp_openssl_encrypt},
    {PGP_RNP, pgp_rnp_encrypt},
    {PGP_GNUPG, pgp_gnupg_encrypt},
};

/* The payload on its way in and the ciphertext on its way out. */
struct streams {
	struct payload *payload;
	struct sink *sink;
};

static int run_engine(pgp_engine *engine, const struct seal_order *order,
    struct payload *payload, const char *boundary, struct spool **bodyp,
    struct fault *fault);

void
pgp_dress(
    const struct seal_order *order, const char *boundary, struct dress *dress)
{
	(void)order;
	dress->fields[0] = (struct field){
	    g_strdup("Content-Type"), mime_content_type(boundary)};
	dress->fields_count = 1;
	dress->before = mime_before(boundary);
	dress->after = mime_after(boundary);
}

int
pgp_seal(const struct seal_order *order, struct payload *payload,
    struct gate *gate, const char *boundary, struct spool **bodyp,
    struct fault *fault)
{
	size_t i;

	fault_set(fault, FAULT_TEMP, "no OpenPGP engine is in use");
	for (i = 0; i < G_N_ELEMENTS(engines); i++) {
		if ((order->engines->pgp & engines[i].which) == 0)
			continue;
		payload_rewind(payload, gate);
		if (run_engine(engines[i].encrypt, order, payload, boundary,
			bodyp, fault) == 0)
			return 0;
	}
	return -1;
}

static ssize_t
on_read(void *context, void *buffer, size_t size, struct fault *fault)
{
	struct streams *streams = context;

	return payload_read(streams->payload, buffer, size, fault);
}

static int
on_write(void *context, const void *data, size_t len, struct fault *fault)
{
	struct streams *streams = context;

	return sink_write(streams->sink, data, len, fault);
}

static int
run_engine(pgp_engine *engine, const struct seal_order *order,
    struct payload *payload, const char *boundary, struct spool **bodyp,
    struct fault *fault)
{
	struct streams streams = {payload, sink_make(order, boundary)};
	const struct pgp_job job = {
	    order, payload_octets(payload), on_read, on_write, &streams};
	int ret = -1;

	fault->kind = FAULT_NONE;
	if (sink_begin(streams.sink, fault) == 0 && engine(&job, fault) == 1)
		ret = sink_finish(streams.sink, bodyp, fault);
	sink_free(&streams.sink);
	return ret;
}
