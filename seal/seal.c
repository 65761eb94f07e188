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

#include "seal/form.h"
#include "seal/gate.h"
#include "seal/legacy.h"
#include "seal/mime.h"
#include "seal/payload.h"
#include "seal/pgp.h"
#include "seal/protect.h"
#include "seal/unseal.h"

#include <string.h>

static struct sealed *sealed_make(const struct message *message);
static int can_do(const struct seal_order *order, struct fault *fault);
static void finish_header(struct sealed *sealed, const struct seal_order *order,
    const struct message *message, const char *boundary);

void
seal_register_jobs(void)
{
	pgp_gnupg_register();
	unseal_gnupg_register();
}

int
seal_message(const struct seal_order *order, const struct message *message,
    struct sealed **sealedp, struct fault *fault)
{
	struct sealed *sealed = sealed_make(message);
	struct payload *payload = NULL;
	struct gate *gate = NULL;
	char *boundary = NULL, *trailer = NULL;
	GArray *display = NULL;
	GString *header;
	bool whole, at_root = false;
	int ret = -1;

	if (can_do(order, fault) != 0 || mime_boundary(&boundary, fault) != 0)
		goto out;
	whole = form_of(order)->whole;
	if (!whole)
		display = legacy_find(order, message, &at_root);
	header = whole ? protect_whole(order, message, sealed)
		       : protect_header(order, message, boundary, at_root,
			     sealed, &trailer);
	payload = payload_make(header, message, trailer);
	payload_insert(payload, display);
	if ((gate = gate_make(payload_octets(payload), fault)) == NULL ||
	    form_of(order)->seal(
		order, payload, gate, boundary, &sealed->body, fault) != 0)
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

/* A recipient in Bcc that the form cannot hide must not be shown either. */
static int
can_do(const struct seal_order *order, struct fault *fault)
{
	const struct form *form = form_of(order);
	size_t i;

	if (order->readers_count == 0) {
		fault_set(fault, FAULT_BUG, "a copy for nobody");
		return -1;
	}
	for (i = 0; i < order->readers_count && !form->can_hide; i++) {
		if (!order->readers[i].hidden || order->readers_count == 1)
			continue;
		fault_set(fault, FAULT_PERM,
		    "a copy in the form \"%s\" tells who can open it, and one"
		    " of its recipients is not in To or Cc: send to them"
		    " separately",
		    form->name);
		return -1;
	}
	return 0;
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
	GString *out = g_string_new(NULL);
	const char *before = " key=";
	size_t i;

	g_string_printf(out, " form=%s;", form_of(order)->name);
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
	struct dress dress = {0};
	size_t i;

	/* Kept if it is as it should be: one edit less for the MTA. */
	if (value != NULL && strcmp(value, "1.0") == 0)
		sealed->outside[version - message->header.list] = OUTSIDE_KEEP;
	else
		set_field(sealed, message, "MIME-Version", g_strdup(" 1.0"));
	form_of(order)->dress(order, boundary, &dress);
	for (i = 0; i < dress.fields_count; i++)
		set_field(sealed, message, dress.fields[i].name,
		    g_steal_pointer(&dress.fields[i].value));
	dress_clear(&dress);
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
