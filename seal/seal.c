/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * seal.c - make a copy that only its readers can open.
 *
 * In:    a message, keys, and what to hide.
 * Out:   header changes and a body that passed the gate.
 * Never: looks up keys, decides, logs, or hands out what did not pass.
 */
#include "seal/seal.h"

#include "seal/gate.h"
#include "seal/mime.h"
#include "seal/payload.h"
#include "seal/pgp.h"
#include "seal/protect.h"
#include "seal/sink.h"

#include <string.h>

/* The payload on its way in and the ciphertext on its way out. */
struct streams {
	struct payload *payload;
	struct sink *sink;
};

static struct sealed *sealed_make(const struct message *message);
static int run_engines(const struct seal_order *order, struct payload *payload,
    struct gate *gate, const char *boundary, struct spool **bodyp,
    struct fault *fault);
static int run_engine(pgp_engine *engine, const struct seal_order *order,
    struct payload *payload, const char *boundary, struct spool **bodyp,
    struct fault *fault);
static void finish_header(struct sealed *sealed, const struct seal_order *order,
    const struct message *message, const char *boundary);

void
seal_register_jobs(void)
{
	pgp_gnupg_register();
}

int
seal_message(const struct seal_order *order, const struct message *message,
    struct sealed **sealedp, struct fault *fault)
{
	struct sealed *sealed = sealed_make(message);
	struct payload *payload = NULL;
	struct gate *gate = NULL;
	char *boundary = NULL, *trailer;
	GString *header;
	int ret = -1;

	if (order->readers_count == 0) {
		fault_set(fault, FAULT_BUG, "a copy for nobody");
		goto out;
	}
	if (mime_boundary(&boundary, fault) != 0)
		goto out;
	header = protect_header(order, message, boundary, sealed, &trailer);
	payload = payload_make(header, message, trailer);
	if ((gate = gate_make(payload_octets(payload), fault)) == NULL ||
	    run_engines(order, payload, gate, boundary, &sealed->body, fault) !=
		0)
		goto out;
	finish_header(sealed, order, message, boundary);
	if (gate_pass(gate, order, message, sealed, boundary, fault) != 0)
		goto out;
	*sealedp = sealed;
	sealed = NULL;
	ret = 0;
out:
	sealed_free(&sealed);
	payload_free(&payload);
	gate_free(&gate);
	g_free(boundary);
	return ret;
}

/* RNP first; GnuPG for the keys it cannot use, and when it fails. */
static int
run_engines(const struct seal_order *order, struct payload *payload,
    struct gate *gate, const char *boundary, struct spool **bodyp,
    struct fault *fault)
{
	pgp_engine *const engines[] = {
	    order->engines->use_rnp ? pgp_rnp_encrypt : NULL,
	    order->engines->use_gnupg ? pgp_gnupg_encrypt : NULL};
	size_t i;

	fault_set(fault, FAULT_TEMP, "no OpenPGP engine is in use");
	for (i = 0; i < G_N_ELEMENTS(engines); i++) {
		if (engines[i] == NULL)
			continue;
		payload_rewind(payload, gate);
		if (run_engine(engines[i], order, payload, boundary, bodyp,
			fault) == 0)
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
	const struct pgp_job job = {order, on_read, on_write, &streams};
	int ret = -1;

	fault->kind = FAULT_NONE;
	if (sink_begin(streams.sink, fault) == 0 && engine(&job, fault) == 1)
		ret = sink_finish(streams.sink, bodyp, fault);
	sink_free(&streams.sink);
	return ret;
}

/* --- The header outside */

static struct sealed *
sealed_make(const struct message *message)
{
	struct sealed *sealed = g_new0(struct sealed, 1);

	sealed->count = message->header.count;
	sealed->outside = g_new0(enum outside, sealed->count + 1);
	sealed->value = g_new0(char *, sealed->count + 1);
	sealed->added = g_array_new(FALSE, FALSE, sizeof(struct field));
	return sealed;
}

void
sealed_free(struct sealed **sealedp)
{
	struct sealed *sealed = *sealedp;
	struct field *field;
	guint i;

	if (sealed == NULL)
		return;
	for (i = 0; i < sealed->count; i++)
		g_free(sealed->value[i]);
	for (i = 0; i < sealed->added->len; i++) {
		field = &g_array_index(sealed->added, struct field, i);
		g_free(field->name);
		g_free(field->value);
	}
	g_array_free(sealed->added, TRUE);
	g_free(sealed->value);
	g_free(sealed->outside);
	spool_free(&sealed->body);
	g_free(sealed);
	*sealedp = NULL;
}

/* Puts a value in the place of the first field of that name, or adds it. */
static void
set_field(struct sealed *sealed, const struct message *message,
    const char *name, char *value)
{
	const struct field *first = message_field(message, name, 0);
	struct field field = {g_strdup(name), value};
	size_t i;

	if (first == NULL) {
		g_array_append_val(sealed->added, field);
		return;
	}
	i = (size_t)(first - message->header.list);
	sealed->outside[i] = OUTSIDE_CHANGE;
	sealed->value[i] = value;
	g_free(field.name);
}

/*
 * "form=openpgp; key=FINGERPRINT,...; at=rest": for clients and auditors.
 * Hidden readers are not named.
 */
static char *
describe(const struct seal_order *order)
{
	GString *out = g_string_new(" form=openpgp;");
	const char *before = " key=";
	size_t i;

	for (i = 0; i < order->readers_count; i++) {
		if (order->readers[i].hidden)
			continue;
		g_string_append_printf(
		    out, "%s%s", before, order->readers[i].key->fingerprint);
		before = ",\r\n\t";
	}
	if (before[0] == ',')
		g_string_append_c(out, ';');
	g_string_append_printf(
	    out, " at=%s", order->at_rest ? "rest" : "transit");
	return g_string_free(out, FALSE);
}

static void
finish_header(struct sealed *sealed, const struct seal_order *order,
    const struct message *message, const char *boundary)
{
	const struct field *version = message_field(message, "MIME-Version", 0);
	struct field own = {g_strdup(SEALED_FIELD), describe(order)};
	char *value = version == NULL ? NULL : field_unfold(version->value);

	/* Kept if it is as it should be: one edit less for the MTA. */
	if (value != NULL && strcmp(value, "1.0") == 0)
		sealed->outside[version - message->header.list] = OUTSIDE_KEEP;
	else
		set_field(sealed, message, "MIME-Version", g_strdup(" 1.0"));
	set_field(sealed, message, "Content-Type", mime_content_type(boundary));
	g_array_append_val(sealed->added, own);
	g_free(value);
}

static void
append_line(GString *out, const char *name, const char *value)
{
	g_string_append_printf(out, "%s:%s\r\n", name, value);
}

GString *
sealed_header(const struct sealed *sealed, const struct message *message)
{
	GString *header = g_string_new(NULL);
	struct field *field;
	size_t i;

	for (i = 0; i < sealed->count; i++) {
		field = &message->header.list[i];
		if (sealed->outside[i] != OUTSIDE_DROP)
			append_line(header, field->name,
			    sealed->outside[i] == OUTSIDE_CHANGE
				? sealed->value[i]
				: field->value);
	}
	for (i = 0; i < sealed->added->len; i++) {
		field = &g_array_index(sealed->added, struct field, i);
		append_line(header, field->name, field->value);
	}
	return header;
}

int
sealed_write(const struct sealed *sealed, const struct message *message, int fd,
    struct fault *fault)
{
	GString *header = sealed_header(sealed, message);
	int r;

	g_string_append(header, "\r\n");
	r = write_octets(fd, header->str, header->len, fault);
	g_string_free(header, TRUE);
	return r != 0 ? -1 : write_spool(fd, sealed->body, fault);
}
