/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_address.c - a canonical address is plain text with at most one "@",
 * and does not depend on case.
 */
#include "config.h"

#include "policy/address.h"
#include "tests/fuzz/fuzz.h"

static bool
is_domain(const char *domain)
{
	return domain[0] == '[' ||
	       strspn(domain, "abcdefghijklmnopqrstuvwxyz0123456789-_.") ==
		   strlen(domain);
}

static void
no_matter_the_case(const char *text, const char *canonical)
{
	char *upper = g_ascii_strup(text, -1);
	char *same = address_canonical(upper);

	PROMISE(same != NULL && strcmp(same, canonical) == 0);
	g_free(upper);
	g_free(same);
}

static void
look_up(const char *text)
{
	GHashTable *patterns =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	char *canonical = address_canonical(text);
	char *pattern = address_pattern(text);

	if (canonical != NULL) {
		PROMISE(g_utf8_validate(canonical, -1, NULL));
		PROMISE(strchr(canonical, '@') == strrchr(canonical, '@'));
		PROMISE(is_domain(address_domain(canonical)));
		no_matter_the_case(text, canonical);
	}
	if (pattern != NULL)
		g_hash_table_add(patterns, pattern);
	if (canonical != NULL)
		PROMISE(pattern == NULL || pattern[0] == '@' ||
			address_listed(patterns, canonical));
	g_hash_table_destroy(patterns);
	g_free(canonical);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = g_strndup((const char *)data, size);

	look_up(text);
	g_free(text);
	return 0;
}
