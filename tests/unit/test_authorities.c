/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_authorities.c - that an authority vouches is remembered, but never for
 * longer than it is so.
 */
#include "config.h"

#include "keys/authorities.h"
#include "keys/x509.h"

#include "tests/tap.h"
#include "tests/unit/sample.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define DAY ((int64_t)24 * 3600)
#define JANUARY_2024 1704067200
#define JUNE_2024 ((int64_t)1717200000)
#define YEAR_2099 ((int64_t)4070908800)

static struct inspected *
sample_certificate(const char *file)
{
	GBytes *octets = sample_read(file, NULL);
	GPtrArray *found = NULL;
	struct inspected *key;
	struct fault fault;

	if (x509_inspect(octets, false, &found, &fault) != 0)
		g_error("%s: %s", file, fault.text);
	key = inspected_ref(g_ptr_array_index(found, 0));
	g_ptr_array_unref(found);
	g_bytes_unref(octets);
	return key;
}

static struct authorities *
open_them(const char *crl, const char *fetched)
{
	char *authority = sample_path("../certs/ca.crt");
	char *list = crl == NULL ? NULL : sample_path(crl);
	const char *const trust[] = {authority, NULL};
	const char *const crls[] = {list, NULL};
	const struct authorities_config config = {trust, crls, fetched};
	struct authorities *authorities = NULL;
	struct fault fault;

	if (authorities_open(&config, &authorities, &fault) != 0)
		g_error("%s", fault.text);
	g_free(authority);
	g_free(list);
	return authorities;
}

/* Asks twice: the second answer may be a remembered one. */
static void
vouches(struct authorities *authorities, const struct inspected *key,
    int64_t when, int want, const char *reason, const char *name)
{
	struct fault fault = {FAULT_NONE, ""};
	char *why = NULL;
	int i, r = 0;

	for (i = 0; i < 2; i++) {
		g_clear_pointer(&why, g_free);
		r = authorities_vouch(authorities, key, when, &why, &fault);
		if (r != want)
			break;
	}
	ok(r == want && (want == 1 || strstr(want == 0 ? why : fault.text,
					  reason) != NULL),
	    "%s (%d %s%s)", name, r, why == NULL ? "" : why, fault.text);
	g_free(why);
}

static void
no_longer_than_its_time(const struct inspected *alice)
{
	struct authorities *authorities = open_them(NULL, NULL);

	vouches(authorities, alice, JUNE_2024, 1, NULL, "it vouches");
	vouches(authorities, alice, YEAR_2099 + DAY, 0, "expired",
	    "but not when the certificate has expired");
	vouches(authorities, alice, JANUARY_2024 - DAY, 0, "not yet valid",
	    "nor when the clock goes back to before it");
	vouches(authorities, alice, JUNE_2024 + DAY, 1, NULL,
	    "and in its time again");
	authorities_close(&authorities);
}

static void
no_longer_than_a_crl(const struct inspected *alice)
{
	struct authorities *authorities =
	    open_them("../certs/ca-old.crl", NULL);

	vouches(authorities, alice, JANUARY_2024 + 10 * DAY, 1, NULL,
	    "it vouches while its CRL is good");
	vouches(authorities, alice, JANUARY_2024 + 40 * DAY, -1,
	    "CRL has expired", "when that is out of date, nobody can tell");
	authorities_close(&authorities);
}

static void
what_is_fetched_counts(
    const struct inspected *revoked, const struct inspected *alice)
{
	char *folder = g_dir_make_tmp("sealmilter-XXXXXX", NULL);
	char *crls = g_build_filename(folder, "crl", NULL);
	char *to = g_build_filename(crls, "a.crl", NULL);
	char *from = sample_path("../certs/ca.crl"), *text = NULL;
	struct authorities *authorities = open_them(NULL, crls);
	gsize len;

	vouches(authorities, revoked, JUNE_2024, 1, NULL,
	    "where no CRL was fetched, none is asked for");
	if (!g_file_get_contents(from, &text, &len, NULL) ||
	    g_mkdir(crls, 0700) != 0 ||
	    !g_file_set_contents(to, text, (gssize)len, NULL))
		g_error("%s: cannot write", to);
	vouches(authorities, revoked, JUNE_2024, 0, "revoked",
	    "as soon as it is there, it counts");
	vouches(authorities, alice, JUNE_2024, 1, NULL,
	    "for those that it names only");
	if (!g_file_set_contents(to, text, (gssize)len / 2, NULL))
		g_error("%s: cannot write", to);
	vouches(authorities, alice, JUNE_2024, -1, to,
	    "of one that is broken nobody can tell, and its name is told");
	(void)unlink(to);
	(void)rmdir(crls);
	vouches(authorities, revoked, JUNE_2024, 1, NULL,
	    "and it is forgotten when it is taken away");
	(void)rmdir(folder);
	authorities_close(&authorities);
	g_free(text);
	g_free(from);
	g_free(to);
	g_free(crls);
	g_free(folder);
}

int
main(void)
{
	struct inspected *alice = sample_certificate("../certs/alice.crt");
	struct inspected *revoked = sample_certificate("../certs/revoked.crt");

	no_longer_than_its_time(alice);
	no_longer_than_a_crl(alice);
	what_is_fetched_counts(revoked, alice);
	inspected_unref(alice);
	inspected_unref(revoked);
	return tap_done();
}
