/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * gate.c - read a sealed copy again before it counts.
 *
 * In:    a finished copy, what it should be, samples of what is in it.
 * Out:   yes, or what is wrong.
 * Never: believes an engine.
 */
#include <config.h>

#include "seal/gate.h"

#include "seal/form.h"
#include "seal/gate_private.h"
#include "seal/protect.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

static int check_header(const struct seal_order *order,
    const struct message *message, const struct sealed *sealed,
    const struct dress *dress, struct fault *fault);
static int window_flush(struct search *search);
static void add_pieces(struct search *search, const struct sample *sample);
static bool window_has_sample(const struct search *search);

struct gate *
gate_make(uint64_t payload_octets, struct fault *fault)
{
	struct gate *gate = g_new0(struct gate, 1);
	uint64_t random[SAMPLES];
	size_t i;

	if (getentropy(random, sizeof(random)) != 0) {
		fault_set(fault, FAULT_TEMP, "no random octets for the gate");
		g_free(gate);
		return NULL;
	}
	gate->payload_octets = payload_octets;
	for (i = 0; i < SAMPLES && payload_octets > SAMPLE_OCTETS; i++)
		gate->samples[i].offset =
		    random[i] % (payload_octets - SAMPLE_OCTETS);
	return gate;
}

void
gate_free(struct gate **gatep)
{
	if (*gatep != NULL) {
		EVP_MD_CTX_free((*gatep)->digest);
		OPENSSL_cleanse(*gatep, sizeof(**gatep));
	}
	g_clear_pointer(gatep, g_free);
}

int
gate_want_digest(struct gate *gate, struct fault *fault)
{
	gate->digest = EVP_MD_CTX_new();
	if (gate->digest != NULL)
		return 0;
	fault_set(fault, FAULT_TEMP, "no digest for the gate");
	return -1;
}

void
gate_rewind(struct gate *gate)
{
	size_t i;

	gate->seen = 0;
	if (gate->digest != NULL)
		gate->undigested =
		    EVP_DigestInit_ex(gate->digest, EVP_sha256(), NULL) != 1;
	for (i = 0; i < SAMPLES; i++)
		gate->samples[i].have = 0;
}

void
gate_see(struct gate *gate, const unsigned char *data, size_t len)
{
	struct sample *sample;
	uint64_t wanted;
	size_t i, n;

	for (i = 0; i < SAMPLES; i++) {
		sample = &gate->samples[i];
		wanted = sample->offset + sample->have;
		if (sample->have == SAMPLE_OCTETS || wanted < gate->seen ||
		    wanted >= gate->seen + len)
			continue;
		n = MIN(SAMPLE_OCTETS - sample->have,
		    (size_t)(gate->seen + len - wanted));
		memcpy(sample->octets + sample->have,
		    data + (wanted - gate->seen), n);
		sample->have += n;
	}
	gate->seen += len;
	if (gate->digest != NULL && !gate->undigested)
		gate->undigested =
		    EVP_DigestUpdate(gate->digest, data, len) != 1;
}

int
gate_pass(struct gate *gate, const struct seal_order *order,
    const struct message *message, const struct sealed *sealed,
    const char *boundary, struct fault *fault)
{
	const struct form *form = form_of(order);
	struct dress dress = {0};
	const char *what;
	int ret = -1;

	form->dress(order, boundary, &dress);
	if (check_header(order, message, sealed, &dress, fault) != 0)
		goto out;
	if (fault != NULL)
		fault->kind = FAULT_NONE;
	what = form->read(gate, order, &dress, sealed->body, fault);
	if (what == NULL)
		ret = 0;
	else if (fault == NULL || fault->kind == FAULT_NONE)
		fault_set(
		    fault, FAULT_BUG, "the gate stopped a copy: %s", what);
out:
	dress_clear(&dress);
	return ret;
}

/* --- The header */

/* Describing the body is the business of our fields alone, and a hidden
 * Subject is hidden.  1: this is one of ours; -1: it tells too much. */
static int
look_at_field(const struct seal_order *order, const struct dress *dress,
    const char *name, const char *value)
{
	const struct field field = {
	    (char *)(uintptr_t)name, (char *)(uintptr_t)value};
	size_t i;

	for (i = 0; i < dress->fields_count; i++)
		if (field_is(&field, dress->fields[i].name) &&
		    strcmp(value, dress->fields[i].value) == 0)
			return 1;
	if (g_ascii_strncasecmp(name, "Content-", 8) == 0)
		return -1;
	return order->hide_subject && field_is(&field, "Subject") &&
		       strcmp(value, HIDDEN_SUBJECT) != 0
		   ? -1
		   : 0;
}

static int
check_header(const struct seal_order *order, const struct message *message,
    const struct sealed *sealed, const struct dress *dress, struct fault *fault)
{
	const struct field *field;
	size_t ours = 0, bad = 0;
	size_t i;
	int r;

	for (i = 0; i < sealed->count + sealed->added->len; i++) {
		if (i >= sealed->count)
			field = &g_array_index(
			    sealed->added, struct field, i - sealed->count);
		else if (sealed->outside[i] == OUTSIDE_DROP)
			continue;
		else
			field = &message->header.list[i];
		r = look_at_field(order, dress, field->name,
		    i < sealed->count && sealed->outside[i] == OUTSIDE_CHANGE
			? sealed->value[i]
			: field->value);
		ours += r == 1;
		bad += r == -1;
	}
	if (ours == dress->fields_count && bad == 0)
		return 0;
	fault_set(fault, FAULT_BUG,
	    "the gate stopped a copy: its header tells about the content");
	return -1;
}

/* --- The search */

void
search_begin(struct search *search, const struct gate *gate,
    int (*next)(void *context, const unsigned char *data, size_t len),
    void *context)
{
	size_t i;

	memset(search, 0, sizeof(*search));
	search->next = next;
	search->context = context;
	for (i = 0; i < SAMPLES; i++)
		add_pieces(search, &gate->samples[i]);
}

int
search_feed(struct search *search, const unsigned char *data, size_t len)
{
	size_t n;

	for (; len > 0; data += n, len -= n) {
		if (search->window_len == WINDOW_OCTETS &&
		    window_flush(search) != 0)
			return -1;
		n = MIN(len, WINDOW_OCTETS - search->window_len);
		memcpy(search->window + search->window_len, data, n);
		search->window_len += n;
	}
	return 0;
}

int
search_end(struct search *search)
{
	return window_flush(search);
}

static int
window_flush(struct search *search)
{
	size_t keep;

	if (window_has_sample(search)) {
		search->found = true;
		return -1;
	}
	if (search->next(search->context, search->window + search->window_old,
		search->window_len - search->window_old) != 0)
		return -1;
	keep = MIN(search->window_len, SAMPLE_OCTETS - 1);
	memmove(
	    search->window, search->window + search->window_len - keep, keep);
	search->window_len = search->window_old = keep;
	return 0;
}

static uint64_t
octets_at(const unsigned char *data)
{
	uint64_t octets;

	memcpy(&octets, data, sizeof(octets));
	return octets;
}

static unsigned int
filter_bit(uint64_t octets)
{
	return (unsigned int)(octets * 0x9e3779b97f4a7c15U >> 48);
}

static void
add_pieces(struct search *search, const struct sample *sample)
{
	struct piece *piece;
	unsigned int bit;
	size_t i;

	for (i = 0; sample->have == SAMPLE_OCTETS && i < STRIDE; i++) {
		piece = &search->pieces[search->pieces_count++];
		*piece =
		    (struct piece){octets_at(sample->octets + i), sample, i};
		bit = filter_bit(piece->octets);
		search->filter[bit / 8] |= (unsigned char)(1U << bit % 8);
	}
}

/* A piece may be at p, i octets into the window: is all of its sample? */
static bool
is_sample(const struct search *search, const unsigned char *p, size_t i)
{
	const struct piece *piece = search->pieces;
	size_t n;

	for (n = 0; n < search->pieces_count; n++, piece++)
		if (piece->octets == octets_at(p) && i >= piece->offset &&
		    i - piece->offset + SAMPLE_OCTETS <= search->window_len &&
		    memcmp(p - piece->offset, piece->sample->octets,
			SAMPLE_OCTETS) == 0)
			return true;
	return false;
}

static bool
window_has_sample(const struct search *search)
{
	const unsigned char *p = search->window;
	unsigned int bit;
	size_t i;

	for (i = 0; i + sizeof(uint64_t) <= search->window_len; i += STRIDE) {
		bit = filter_bit(octets_at(p + i));
		if ((search->filter[bit / 8] >> bit % 8 & 1) != 0 &&
		    is_sample(search, p + i, i))
			return true;
	}
	return false;
}
