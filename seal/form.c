/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * form.c - the forms of sealed mail.
 *
 * In:    an order.
 * Out:   what makes its form, dresses it and reads it again.
 * Never: does any of that.
 */
#include "seal/form.h"

static const struct form forms[] = {
    [SEAL_OPENPGP] = {"openpgp", true, false, pgp_dress, pgp_seal,
	gate_read_pgp},
    [SEAL_SMIME] = {"smime", false, false, cms_dress, cms_seal, gate_read_cms},
    [SEAL_PASSPHRASE] = {"passphrase", false, true, envelope_dress,
	envelope_seal, gate_read_envelope},
};

const struct form *
form_of(const struct seal_order *order)
{
	return &forms[order->form];
}

const char *
form_name(enum seal_form form)
{
	return forms[form].name;
}

void
dress_clear(struct dress *dress)
{
	size_t i;

	for (i = 0; i < dress->fields_count; i++) {
		g_free(dress->fields[i].name);
		g_free(dress->fields[i].value);
	}
	g_free(dress->before);
	g_free(dress->after);
}
