/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_x509.c - files of certificates from strangers: what is found in them
 * can be kept, read again, and given away.
 */
#include "config.h"

#include "keys/x509.h"
#include "policy/address.h"
#include "tests/fuzz/fuzz.h"

static void
check_addresses(const struct inspected *key)
{
	const struct user_id *user_id;
	char *again;
	guint i;

	for (i = 0; i < key->user_ids->len; i++) {
		user_id = g_ptr_array_index(key->user_ids, i);
		PROMISE(g_utf8_validate(user_id->text, -1, NULL));
		if (user_id->address == NULL)
			continue;
		again = address_canonical(user_id->address);
		PROMISE(g_strcmp0(again, user_id->address) == 0);
		g_free(again);
	}
}

static void
check(const struct inspected *key)
{
	struct inspected *again;
	GBytes *packed;
	char *pem;

	PROMISE(key->kind == KEY_SMIME && key->blob != NULL);
	PROMISE(key->certificate != NULL);
	PROMISE(strlen(key->fingerprint) == 64);
	PROMISE(key->subkeys->len == 1 && key->user_ids->len > 0);
	check_addresses(key);
	packed = inspected_pack(key);
	again = inspected_parse(packed);
	PROMISE(again != NULL);
	inspected_unref(again);
	g_bytes_unref(packed);
	pem = x509_pem(key->blob);
	PROMISE(pem != NULL);
	g_free(pem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	GBytes *file = g_bytes_new(data, size);
	GPtrArray *found = NULL;
	struct fault fault;
	guint i;

	if (x509_inspect(file, true, &found, &fault) == 0) {
		PROMISE(found->len > 0);
		for (i = 0; i < found->len; i++)
			check(g_ptr_array_index(found, i));
		g_ptr_array_unref(found);
	} else {
		PROMISE(fault.text[0] != '\0');
	}
	g_bytes_unref(file);
	return 0;
}
