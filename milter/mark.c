/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mark.c - the field that shows that a copy is ours.
 *
 * In:    a sealed body, or a message that claims to have one.
 * Out:   a value, or how many of the marks are genuine.
 * Never: lets a mark change what becomes of a message.
 */
#include "milter/mark.h"

#include <openssl/crypto.h>
#include <string.h>
#include <time.h>

#define MARK_DAYS 7
#define CLAIM_OCTETS 128

/* The MAC over what the field says and over the body, as hex. */
static char *
make_mac(
    const struct mark_key *key, const char *claim, const unsigned char *digest)
{
	GHmac *hmac =
	    g_hmac_new(G_CHECKSUM_SHA256, key->octets, sizeof(key->octets));
	char *hex;

	g_hmac_update(hmac, (const guchar *)claim, (gssize)strlen(claim));
	g_hmac_update(hmac, digest, SPOOL_DIGEST_OCTETS);
	hex = g_strdup(g_hmac_get_string(hmac));
	g_hmac_unref(hmac);
	return hex;
}

char *
mark_make(const struct mark_key *key, const unsigned char *id, size_t id_len,
    const struct spool *body, struct fault *fault)
{
	GString *claim = g_string_new(NULL);
	unsigned char digest[SPOOL_DIGEST_OCTETS];
	char *mac = NULL, *value = NULL;
	size_t i;

	g_string_printf(
	    claim, "v=1; t=%" G_GINT64_FORMAT "; id=", (gint64)time(NULL));
	for (i = 0; i < id_len; i++)
		g_string_append_printf(claim, "%02x", id[i]);
	g_string_append_c(claim, ';');
	if (spool_digest(NULL, 0, body, digest, fault) == 0) {
		mac = make_mac(key, claim->str, digest);
		value = g_strdup_printf(" %s\r\n mac=%s", claim->str, mac);
	}
	g_free(mac);
	g_string_free(claim, TRUE);
	return value;
}

/* Genuine, and not from an age in which the key may have been known. */
static bool
is_valid(
    const struct mark_key *key, const char *field, const unsigned char *digest)
{
	static const char before[] = "v=1; t=", between[] = " mac=";
	char *value = field_unfold(field), *mac = NULL, *split;
	gint64 age;
	bool valid = false;

	split = strstr(value, between);
	if (split == NULL || split - value > CLAIM_OCTETS ||
	    !g_str_has_prefix(value, before))
		goto out;
	*split = '\0';
	age = (gint64)time(NULL) -
	      g_ascii_strtoll(value + strlen(before), NULL, 10);
	mac = make_mac(key, value, digest);
	split += strlen(between);
	valid = strlen(mac) == strlen(split) &&
		CRYPTO_memcmp(mac, split, strlen(mac)) == 0 &&
		age < (gint64)MARK_DAYS * 24 * 3600;
out:
	g_free(mac);
	g_free(value);
	return valid;
}

int
mark_count(const struct mark_key *key, const struct message *message,
    unsigned int *validp, unsigned int *forgedp, struct fault *fault)
{
	unsigned char digest[SPOOL_DIGEST_OCTETS];
	const struct field *field;
	size_t i;

	*validp = *forgedp = 0;
	if (message_field(message, MARK_FIELD, 0) == NULL)
		return 0;
	if (spool_digest(NULL, 0, message->body, digest, fault) != 0)
		return -1;
	for (i = 0; i < message->header.count; i++) {
		field = &message->header.list[i];
		if (!field_is(field, MARK_FIELD))
			continue;
		if (is_valid(key, field->value, digest))
			(*validp)++;
		else
			(*forgedp)++;
	}
	return 0;
}
