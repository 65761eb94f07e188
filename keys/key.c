/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * key.c - a key that may be used now.
 *
 * In:    candidates from a source, best first.
 * Out:   a counted, immutable key that shares the candidate's octets.
 * Never: looks anything up, or lets a source decide what is usable.
 */
#include <config.h>

#include "keys/key.h"

#include "keys/usable.h"
#include "keys/x509.h"

#include <time.h>

static struct key *make(const struct inspected *from,
    const struct subkey *subkey, const char *address, const char *source);

int
key_choose(GPtrArray *candidates, const char *address, const char *source,
    struct authorities *authorities, struct key **keyp, char **whyp,
    struct fault *fault)
{
	const struct inspected *candidate;
	const struct subkey *subkey = NULL;
	char *first = NULL, *why;
	int r = 0;
	guint i;

	for (i = 0; r == 0 && i < candidates->len; i++) {
		candidate = g_ptr_array_index(candidates, i);
		why = NULL;
		r = key_may_be_used(
		    candidate, address, authorities, &subkey, &why, fault);
		if (r == 1)
			*keyp = make(candidate, subkey, address, source);
		if (r == 0 && first == NULL)
			first = g_strdup_printf("%s: %s",
			    candidate->fingerprint == NULL
				? "a key"
				: candidate->fingerprint,
			    why);
		g_free(why);
	}
	if (r == 0)
		*whyp = g_steal_pointer(&first);
	g_free(first);
	return r;
}

int
key_may_be_used(const struct inspected *candidate, const char *address,
    struct authorities *authorities, const struct subkey **subkeyp, char **whyp,
    struct fault *fault)
{
	int64_t now = (int64_t)time(NULL);

	if (usable_find(candidate, address, now, subkeyp, whyp) == 0)
		return 0;
	if (candidate->kind != KEY_SMIME)
		return 1;
	return authorities_vouch(authorities, candidate, now, whyp, fault);
}

static struct key *
make(const struct inspected *from, const struct subkey *subkey,
    const char *address, const char *source)
{
	struct key *key = g_new0(struct key, 1);

	g_atomic_ref_count_init(&key->references);
	key->kind = from->kind;
	key->address = g_strdup(address);
	key->fingerprint = g_strdup(from->fingerprint);
	key->subkey = g_strdup(subkey->fingerprint);
	key->subkey_id = subkey->id;
	key->blob = g_bytes_ref(from->blob);
	key->wants_gcm = from->wants_gcm;
	key->certificate = x509_ref(from->certificate);
	key->created = subkey->created;
	key->expires = usable_until(from, subkey);
	key->source = g_strdup(source);
	return key;
}

struct key *
key_ref(struct key *key)
{
	g_atomic_ref_count_inc(&key->references);
	return key;
}

void
key_unref(struct key **keyp)
{
	struct key *key = g_steal_pointer(keyp);

	if (key == NULL || !g_atomic_ref_count_dec(&key->references))
		return;
	g_free(key->address);
	g_free(key->fingerprint);
	g_free(key->subkey);
	g_bytes_unref(key->blob);
	x509_unref(key->certificate);
	g_free(key->source);
	g_free(key);
}
