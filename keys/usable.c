/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * usable.c - may a key be used now, and why not?
 *
 * In:    what is known of a key, an address, a moment.
 * Out:   the subkey to encrypt to, or the reason in words for people.
 * Never: looks anything up, fails, or knows where the key comes from.
 */
#include <config.h>

#include "keys/usable.h"

#include <string.h>

/* A key made by a clock that is a little ahead of ours is good. */
#define CLOCK_SKEW_SECONDS 300

/* The encryption subkeys of a key, as they were looked at. */
struct search {
	const struct subkey *best;  /* the newest that may be used */
	const struct subkey *other; /* the newest that may not */
	unsigned int seen;
	int64_t now;
};

static char *key_trouble(const struct inspected *key, int64_t now);
static char *address_trouble(const struct inspected *key, const char *address);
static char *subkeys_trouble(const struct search *search);
static const struct subkey *primary(const struct inspected *key);
static void consider(struct search *search, const struct subkey *subkey);
static bool address_revoked(const struct inspected *key, const char *address);
static bool subkey_revoked(
    const struct inspected *key, const char *fingerprint);
static char *trouble(const struct subkey *subkey, int64_t now);

int
usable_find(const struct inspected *key, const char *address, int64_t now,
    const struct subkey **subkeyp, char **whyp)
{
	struct search search = {NULL, NULL, 0, now};
	char *why;
	guint i;

	why = key_trouble(key, now);
	if (why == NULL)
		why = address_trouble(key, address);
	for (i = 1; why == NULL && i < key->subkeys->len; i++)
		consider(&search, g_ptr_array_index(key->subkeys, i));
	/* As gpg does it: the primary key only if there is nothing else. */
	if (why == NULL && search.best == NULL)
		consider(&search, primary(key));
	if (search.best != NULL) {
		*subkeyp = search.best;
		return 1;
	}
	*whyp = why != NULL ? why : subkeys_trouble(&search);
	return 0;
}

static char *
key_trouble(const struct inspected *key, int64_t now)
{
	char *why;

	if (key->refused != NULL)
		return g_strdup(key->refused);
	if (primary(key) == NULL)
		return g_strdup("no primary key");
	if (key->revoked)
		return g_strdup("revoked");
	if (key->disabled)
		return g_strdup("disabled in its keyring");
	if (key->invalid || primary(key)->invalid)
		return g_strdup("no user ID with a good signature (SHA-1 does "
				"not count)");
	why = trouble(primary(key), now);
	if (why != NULL && g_str_has_prefix(why, "is "))
		memmove(why, why + 3, strlen(why + 3) + 1);
	return why;
}

static char *
address_trouble(const struct inspected *key, const char *address)
{
	const struct user_id *user_id;
	const char *why = NULL;
	bool same;
	guint i;

	for (i = 0; i < key->user_ids->len; i++) {
		user_id = g_ptr_array_index(key->user_ids, i);
		same = address == NULL ||
		       (user_id->address != NULL &&
			   strcmp(user_id->address, address) == 0);
		if (same && !user_id->revoked && !user_id->invalid)
			return NULL;
		if (same)
			why = user_id->revoked
				  ? "its user ID with the address is revoked"
				  : "its user ID with the address is not valid";
	}
	if (why == NULL && address != NULL)
		return g_strdup_printf(key->kind == KEY_SMIME
					   ? "it does not name the address %s"
					   : "no user ID with the address %s",
		    address);
	return g_strdup(why != NULL ? why : "no user ID");
}

static const struct subkey *
primary(const struct inspected *key)
{
	return key->subkeys->len == 0 ? NULL
				      : g_ptr_array_index(key->subkeys, 0);
}

/* Of two subkeys of the same second, the later one; gpg does the same. */
static void
consider(struct search *search, const struct subkey *subkey)
{
	const struct subkey **placep;
	char *why;

	if (subkey == NULL || !subkey->can_encrypt)
		return;
	search->seen++;
	why = trouble(subkey, search->now);
	placep = why == NULL && !subkey->weak ? &search->best : &search->other;
	if (*placep == NULL || (*placep)->created <= subkey->created)
		*placep = subkey;
	g_free(why);
}

/* Why none of the encryption subkeys may be used. */
static char *
subkeys_trouble(const struct search *search)
{
	const struct subkey *subkey = search->other;
	char *why, *text;

	if (subkey == NULL)
		return g_strdup("no encryption subkey");
	why = trouble(subkey, search->now);
	if (why == NULL)
		return g_strdup_printf("%s with %u bits is too short",
		    g_str_has_prefix(subkey->algorithm, "rsa") ? "RSA"
							       : "ElGamal",
		    subkey->bits);
	if (search->seen == 1)
		text = g_strdup_printf("its only encryption subkey %s", why);
	else
		text = g_strdup_printf(
		    "none of its %u encryption subkeys may be used, the "
		    "newest %s",
		    search->seen, why);
	g_free(why);
	return text;
}

/* A predicate ("expired on 2024-03-01"), or NULL. */
static char *
trouble(const struct subkey *subkey, int64_t now)
{
	char *date, *text;

	if (subkey->revoked)
		return g_strdup("is revoked");
	if (subkey->invalid)
		return g_strdup("is not valid");
	if (subkey->expires != 0 && subkey->expires <= now) {
		date = usable_date(subkey->expires);
		text = g_strdup_printf("expired on %s", date);
	} else if (subkey->created > now + CLOCK_SKEW_SECONDS) {
		date = usable_date(subkey->created);
		text = g_strdup_printf("is not valid before %s", date);
	} else {
		return NULL;
	}
	g_free(date);
	return text;
}

int
usable_forbidden(const struct inspected *key, const char *address,
    const char *subkey, char **whyp)
{
	const char *why = NULL;

	if (key->refused != NULL)
		why = key->refused;
	else if (key->revoked)
		why = "revoked";
	else if (key->disabled)
		why = "disabled in its keyring";
	else if (address_revoked(key, address))
		why = "its user ID with the address is revoked";
	else if (subkey_revoked(key, subkey))
		why = "its encryption subkey is revoked";
	if (why == NULL)
		return 0;
	*whyp = g_strdup(why);
	return 1;
}

/* Are all its user IDs with the address revoked, and is there one? */
static bool
address_revoked(const struct inspected *key, const char *address)
{
	const struct user_id *user_id;
	bool revoked = false;
	guint i;

	for (i = 0; i < key->user_ids->len; i++) {
		user_id = g_ptr_array_index(key->user_ids, i);
		if (g_strcmp0(user_id->address, address) != 0)
			continue;
		if (!user_id->revoked && !user_id->invalid)
			return false;
		revoked |= user_id->revoked;
	}
	return revoked;
}

static bool
subkey_revoked(const struct inspected *key, const char *fingerprint)
{
	const struct subkey *subkey;
	guint i;

	for (i = 0; i < key->subkeys->len; i++) {
		subkey = g_ptr_array_index(key->subkeys, i);
		if (g_strcmp0(subkey->fingerprint, fingerprint) == 0)
			return subkey->revoked;
	}
	return false;
}

int64_t
usable_until(const struct inspected *key, const struct subkey *subkey)
{
	const struct subkey *first = primary(key);
	int64_t whole = first == NULL ? 0 : first->expires;

	if (whole == 0 || subkey->expires == 0)
		return MAX(whole, subkey->expires);
	return MIN(whole, subkey->expires);
}

char *
usable_date(int64_t when)
{
	GDateTime *time = g_date_time_new_from_unix_utc(when);
	char *text;

	if (time == NULL)
		return g_strdup("a day beyond all calendars");
	text = g_date_time_format(time, "%Y-%m-%d");
	g_date_time_unref(time);
	return text;
}
