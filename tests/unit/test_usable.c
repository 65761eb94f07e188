/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_usable.c - may a key be used now, and why not?
 */
#include "config.h"

#include "keys/usable.h"

#include "tests/tap.h"

#include <glib.h>

#define DAY ((int64_t)24 * 60 * 60)
#define NOW ((int64_t)1750000000)   /* 2025-06-15 */
#define MARCH ((int64_t)1709251200) /* 2024-03-01 */

static struct subkey *
add(struct inspected *key, const char *fingerprint, int64_t created,
    int64_t expires, bool can_encrypt)
{
	struct subkey *subkey = inspected_add_subkey(key);

	subkey->fingerprint = g_strdup(fingerprint);
	subkey->algorithm = g_strdup("rsa3072");
	subkey->bits = 3072;
	subkey->created = created;
	subkey->expires = expires;
	subkey->can_encrypt = can_encrypt;
	return subkey;
}

/* A primary key and an encryption subkey, good for a@example.org. */
static struct inspected *
good(void)
{
	struct inspected *key = inspected_make("F0");

	(void)inspected_add_user_id(key, "A <A@Example.org>");
	(void)add(key, "F0", NOW - 100 * DAY, 0, false);
	(void)add(key, "F1", NOW - 100 * DAY, 0, true);
	return key;
}

static struct subkey *
subkey(struct inspected *key, guint i)
{
	return g_ptr_array_index(key->subkeys, i);
}

/* Takes the key. */
static void
refuses(struct inspected *key, const char *address, const char *want,
    const char *name)
{
	const struct subkey *found = NULL;
	char *why = NULL;

	ok(usable_find(key, address, NOW, &found, &why) == 0 && found == NULL,
	    "%s: not usable", name);
	is_str(why, want, name);
	g_free(why);
	inspected_unref(key);
}

static void
chooses(struct inspected *key, const char *want, const char *name)
{
	const struct subkey *found = NULL;
	char *why = NULL;

	if (usable_find(key, "a@example.org", NOW, &found, &why) == 1)
		is_str(found->fingerprint, want, name);
	else
		ok(false, "%s (%s)", name, why);
	g_free(why);
	inspected_unref(key);
}

static void
test_refusals(void)
{
	struct inspected *key;
	struct user_id *user_id;

	key = good();
	key->refused = g_strdup("secret key");
	refuses(key, NULL, "secret key", "a key that was refused before");
	key = good();
	key->revoked = true;
	refuses(key, NULL, "revoked", "a revoked key");
	key = good();
	key->disabled = true;
	refuses(key, NULL, "disabled in its keyring", "a disabled key");
	key = good();
	subkey(key, 0)->expires = MARCH;
	refuses(key, NULL, "expired on 2024-03-01", "an expired key");
	key = good();
	subkey(key, 0)->expires = NOW;
	refuses(key, NULL, "expired on 2025-06-15",
	    "a key that expires this very second");
	key = good();
	subkey(key, 0)->created = NOW + DAY;
	refuses(key, NULL, "not valid before 2025-06-16", "a key of tomorrow");
	refuses(inspected_make("F0"), NULL, "no primary key", "an empty key");
	refuses(good(), "b@example.org",
	    "no user ID with the address b@example.org",
	    "a key for somebody else");
	key = good();
	user_id = g_ptr_array_index(key->user_ids, 0);
	user_id->revoked = true;
	refuses(key, "a@example.org", "its user ID with the address is revoked",
	    "a revoked user ID");
	key = good();
	user_id = g_ptr_array_index(key->user_ids, 0);
	user_id->invalid = true;
	refuses(key, "a@example.org",
	    "its user ID with the address is not valid",
	    "a user ID without a signature");
}

static void
test_subkeys(void)
{
	struct inspected *key;

	key = good();
	subkey(key, 1)->can_encrypt = false;
	refuses(key, NULL, "no encryption subkey", "a key for signing only");
	key = good();
	subkey(key, 1)->expires = MARCH;
	refuses(key, NULL, "its only encryption subkey expired on 2024-03-01",
	    "an expired subkey");
	key = good();
	subkey(key, 1)->revoked = true;
	refuses(key, NULL, "its only encryption subkey is revoked",
	    "a revoked subkey");
	key = good();
	subkey(key, 1)->created = NOW + 2 * DAY;
	refuses(key, NULL,
	    "its only encryption subkey is not valid before 2025-06-17",
	    "a subkey of the day after tomorrow");
	key = good();
	subkey(key, 1)->weak = true;
	subkey(key, 1)->bits = 1024;
	refuses(key, NULL, "RSA with 1024 bits is too short",
	    "a subkey of RSA with 1024 bits");
	key = good();
	subkey(key, 1)->revoked = true;
	add(key, "F2", NOW - 9 * DAY, 0, true)->expires = MARCH;
	refuses(key, NULL,
	    "none of its 2 encryption subkeys may be used, the newest "
	    "expired on 2024-03-01",
	    "two unusable subkeys");
}

static void
test_choice(void)
{
	struct inspected *key;

	chooses(good(), "F1", "the encryption subkey is used");
	key = good();
	(void)add(key, "F2", NOW - 9 * DAY, 0, true);
	(void)add(key, "F3", NOW - 50 * DAY, 0, true);
	chooses(key, "F2", "of several, the newest");
	key = good();
	(void)add(key, "F2", NOW - 9 * DAY, NOW - DAY, true);
	chooses(key, "F1", "an older one, if the newest has expired");
	key = good();
	add(key, "F2", NOW - 9 * DAY, 0, true)->weak = true;
	chooses(key, "F1", "an older one, if the newest is too short");
	key = good();
	(void)add(key, "F2", NOW + DAY, 0, true);
	chooses(key, "F1", "an older one, if the newest is not yet valid");
	key = good();
	(void)add(key, "F2", NOW + 200, 0, true);
	chooses(key, "F2", "a clock that is 200 seconds off does not matter");
	key = good();
	subkey(key, 0)->can_encrypt = true;
	(void)subkey(key, 0);
	chooses(key, "F1", "a subkey goes before the primary key");
	key = good();
	subkey(key, 0)->can_encrypt = true;
	subkey(key, 1)->revoked = true;
	chooses(key, "F0", "a primary key that encrypts, if it is alone");
}

static void
test_until(void)
{
	struct inspected *key = good();

	is_int(usable_until(key, subkey(key, 1)), 0, "for ever");
	subkey(key, 1)->expires = NOW + DAY;
	is_int(usable_until(key, subkey(key, 1)), NOW + DAY,
	    "until the subkey expires");
	subkey(key, 0)->expires = NOW + 5;
	is_int(usable_until(key, subkey(key, 1)), NOW + 5,
	    "until the primary key expires, if that is before");
	subkey(key, 1)->expires = 0;
	is_int(usable_until(key, subkey(key, 1)), NOW + 5,
	    "until the primary key expires");
	inspected_unref(key);
}

static void
test_pack(void)
{
	struct inspected *key = good(), *again;
	GBytes *packed, *packed_again, *cut;
	unsigned int damaged = 0;
	const char *octets;
	gsize i, len;

	(void)inspected_add_user_id(key, "no address, \xff\n and not UTF-8");
	subkey(key, 1)->id = UINT64_C(0xfedcba9876543210);
	packed = inspected_pack(key);
	again = inspected_parse(packed);
	packed_again = again == NULL ? NULL : inspected_pack(again);
	ok(packed_again != NULL && g_bytes_equal(packed, packed_again),
	    "what is packed comes out the same");
	ok(again != NULL &&
		subkey(again, 1)->id == UINT64_C(0xfedcba9876543210),
	    "with all 64 bits of a key ID");
	octets = g_bytes_get_data(packed, &len);
	for (i = 0; i < len; i++) {
		cut = g_bytes_new(octets, i);
		inspected_unref(again);
		again = inspected_parse(cut);
		if (again == NULL || again->subkeys->len != 2)
			damaged++;
		g_bytes_unref(cut);
	}
	is_int(damaged, (intmax_t)len, "what is cut off is not believed");
	inspected_unref(again);
	inspected_unref(key);
	g_bytes_unref(packed);
	g_bytes_unref(packed_again);
}

int
main(void)
{
	test_refusals();
	test_subkeys();
	test_choice();
	test_until();
	test_pack();
	return tap_done();
}
