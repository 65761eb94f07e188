/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * journal_id.c - what tells a message, and a copy of it, from all others.
 *
 * In:    the journal's key; a message and its envelope.
 * Out:   keyed hashes, which tell nothing to who has not the key.
 * Never: takes two messages for one where their sender did not say so.
 */
#include <config.h>

#include "milter/journal_private.h"

#include <openssl/rand.h>
#include <string.h>

#define SHA256_OCTETS 32

/*
 * What may differ between two tries of one message, since the servers on its
 * way write it: traces, results, and signatures with the time in them.
 */
static const char *const fields_left_out[] = {
    "Authentication-Results",
    "Date", /* Postfix adds one at each try */
    "Delivered-To",
    "DKIM-Signature",
    "DomainKey-Signature",
    "Received",
    "Received-SPF",
    "Return-Path",
    "X-Original-To",
};

static const char *const prefixes_left_out[] = {
    "ARC-", "Sealmilter-", "X-Spam-", "X-Virus-"};

static bool is_left_out(const struct field *field);
static bool has_own_id(const struct message *message, const char *queue_id);

/* The length goes before the octets, so that no two lists are one string. */
static void
add_octets(GHmac *hmac, const void *octets, size_t len)
{
	unsigned char length[8];
	size_t i;

	for (i = 0; i < sizeof(length); i++)
		length[i] = (unsigned char)((uint64_t)len >> (8 * i));
	g_hmac_update(hmac, length, sizeof(length));
	g_hmac_update(hmac, octets, (gssize)len);
}

static void
add_text(GHmac *hmac, const char *text)
{
	add_octets(hmac, text, strlen(text));
}

/* what keeps the uses of the key apart. */
static GHmac *
hmac_begin(const unsigned char key[JOURNAL_KEY_OCTETS], const char *what)
{
	GHmac *hmac = g_hmac_new(G_CHECKSUM_SHA256, key, JOURNAL_KEY_OCTETS);

	add_text(hmac, what);
	return hmac;
}

static void
hmac_end(GHmac *hmac, void *octets, size_t len)
{
	guint8 digest[SHA256_OCTETS];
	gsize size = sizeof(digest);

	g_hmac_get_digest(hmac, digest, &size);
	memcpy(octets, digest, len);
	g_hmac_unref(hmac);
}

int
journal_random(unsigned char *octets, size_t len, struct fault *fault)
{
	if (RAND_bytes(octets, (int)len) == 1)
		return 0;
	fault_set(fault, FAULT_TEMP, "no random octets for the journal");
	return -1;
}

void
journal_key_check(const unsigned char key[JOURNAL_KEY_OCTETS],
    unsigned char check[JOURNAL_CHECK_OCTETS])
{
	hmac_end(hmac_begin(key, "check"), check, JOURNAL_CHECK_OCTETS);
}

int
journal_message_id(struct journal *journal, const char *class,
    const char *sender, const struct message *message, const char *queue_id,
    struct journal_id *idp, struct fault *fault)
{
	unsigned char digest[SPOOL_DIGEST_OCTETS];
	const struct field *field;
	struct journal_id id = {{0}};
	GHmac *hmac;
	size_t i;

	if (!has_own_id(message, queue_id)) {
		if (journal_random(id.octets, sizeof(id.octets), fault) != 0)
			return -1;
		*idp = id;
		return 0;
	}
	if (spool_digest(NULL, 0, message->body, digest, fault) != 0)
		return -1;
	hmac = hmac_begin(journal->key, "message");
	add_text(hmac, class);
	add_text(hmac, sender);
	for (i = 0; i < message->header.count; i++) {
		field = &message->header.list[i];
		if (is_left_out(field))
			continue;
		add_text(hmac, field->name); /* never empty */
		add_text(hmac, field->value);
	}
	add_text(hmac, "");
	add_octets(hmac, digest, sizeof(digest));
	hmac_end(hmac, idp->octets, sizeof(idp->octets));
	return 1;
}

static bool
is_left_out(const struct field *field)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(fields_left_out); i++)
		if (field_is(field, fields_left_out[i]))
			return true;
	for (i = 0; i < G_N_ELEMENTS(prefixes_left_out); i++)
		if (g_ascii_strncasecmp(field->name, prefixes_left_out[i],
			strlen(prefixes_left_out[i])) == 0)
			return true;
	return false;
}

/*
 * Did the client name the message?  An MTA that has to do it puts its queue
 * ID in, which is another one for an equal message and for the next try.
 */
static bool
has_own_id(const struct message *message, const char *queue_id)
{
	const struct field *field = message_field(message, "Message-ID", 0);
	char *value, *lower, *ours;
	bool own;

	if (field == NULL || queue_id == NULL || queue_id[0] == '\0' ||
	    message_field(message, "Message-ID", 1) != NULL)
		return false;
	value = field_unfold(field->value);
	lower = g_ascii_strdown(value, -1);
	ours = g_ascii_strdown(queue_id, -1);
	own = strlen(value) > 2 && strstr(lower, ours) == NULL;
	g_free(value);
	g_free(lower);
	g_free(ours);
	return own;
}

static int
compare_texts(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void
journal_copy_id(struct journal *journal, const struct journal_id *message,
    const char *recipient, const char *form, const char *const *keys,
    struct journal_id *idp)
{
	GHmac *hmac = hmac_begin(journal->key, "copy");
	GPtrArray *sorted = g_ptr_array_new();
	size_t i;

	for (i = 0; keys != NULL && keys[i] != NULL; i++)
		g_ptr_array_add(sorted, g_strdup(keys[i]));
	g_ptr_array_sort(sorted, compare_texts);
	add_octets(hmac, message->octets, sizeof(message->octets));
	add_text(hmac, recipient);
	add_text(hmac, form);
	for (i = 0; i < sorted->len; i++)
		add_text(hmac, g_ptr_array_index(sorted, i));
	hmac_end(hmac, idp->octets, sizeof(idp->octets));
	g_ptr_array_set_free_func(sorted, g_free);
	g_ptr_array_unref(sorted);
}

void
journal_derive_key(const struct journal *journal, const char *purpose,
    unsigned char key[JOURNAL_DERIVED_OCTETS])
{
	hmac_end(
	    hmac_begin(journal->key, purpose), key, JOURNAL_DERIVED_OCTETS);
}
