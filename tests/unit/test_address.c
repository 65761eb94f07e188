/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_address.c - spellings of one address are one address.
 */
#include "policy/address.h"
#include "tests/tap.h"

#include <glib.h>

static const struct {
	const char *text, *want, *name;
} canonical[] = {
    {"bob@example.org", "bob@example.org", "a plain address stays"},
    {"<bob@example.org>", "bob@example.org", "brackets are removed"},
    {" bob@example.org ", "bob@example.org", "blanks around are removed"},
    {"bob-PGP@Example.ORG", "bob-pgp@example.org", "case does not count"},
    {"<\"bob-pgp\"@example.org>", "bob-pgp@example.org", "quotes are undone"},
    {"\"BOB\"-pgp@example.org", NULL, "half a quoted word is none"},
    {"\"bob\".pgp@example.org", "bob.pgp@example.org",
	"a quoted word between dots is undone"},
    {"bob.\"p g\"@example.org", "bob.p g@example.org",
	"a quoted word at the end is undone"},
    {"<@route:bob@example.org>", "bob@example.org", "a route is removed"},
    {"<@a,@b.example:bob@example.org>", "bob@example.org",
	"a route of two hops is removed"},
    {"<@route:>", NULL, "a route to nowhere is refused"},
    {"<@route>", NULL, "a route without an address is refused"},
    {"bob@example.org.", "bob@example.org", "the root's dot is removed"},
    {"bob@example.org..", NULL, "two dots at the end are refused"},
    {"bob@.example.org", NULL, "a dot before the domain is refused"},
    {"bob@example..org", NULL, "two dots in the domain are refused"},
    {"bob@.", NULL, "the root is no mail domain"},
    {"\"a b\"@example.org", "a b@example.org", "a quoted blank stays"},
    {"a b@example.org", NULL, "a bare blank is refused"},
    {"bob @example.org", NULL, "a blank before the at is refused"},
    {"bob@ example.org", NULL, "a blank after the at is refused"},
    {"bob(x)@example.org", NULL, "a comment is refused"},
    {"bob@example.org(x)", NULL, "a comment at the end is refused"},
    {"\"bob\\-pgp\"@example.org", "bob-pgp@example.org",
	"a backslash in quotes is undone"},
    {"bob\\-pgp@example.org", "bob-pgp@example.org",
	"a bare backslash is undone"},
    {"\"a\\\"b\"@example.org", "a\"b@example.org", "a quoted quote stays"},
    {"\"a\\\\b\"@example.org", "a\\b@example.org", "a quoted backslash stays"},
    {"\"bob@example.org", NULL, "an open quote is refused"},
    {"\"bob\\", NULL, "a backslash at the end in quotes is refused"},
    {"bob\\", NULL, "a backslash at the end is refused"},
    {"bo\"b@example.org", NULL, "a quote within a word is refused"},
    {"\"bob@there\"@example.org", NULL, "a quoted route is refused"},
    {"bob@there@example.org", NULL, "two ats are refused"},
    {"bob\\@there@example.org", NULL, "an escaped at is refused"},
    {"bob%there.example", NULL, "a percent route is refused"},
    {"there.example!bob", NULL, "a bang path is refused"},
    {"\"bob@example.org\"", NULL, "a quoted address is no local part"},
    {"root", "root", "a bare local part stays one"},
    {"ROOT", "root", "the case of a bare local part does not count"},
    {"", "", "nothing is the null sender"},
    {"<>", "", "empty brackets are the null sender"},
    {"< >", NULL, "a blank in brackets is refused"},
    {"<", NULL, "half a bracket is refused"},
    {"<bob@example.org", NULL, "an open bracket is refused"},
    {"bob@example.org>", NULL, "a lone closing bracket is refused"},
    {"<<bob@example.org>>", NULL, "brackets in brackets are refused"},
    {"bob@", NULL, "an empty domain is refused"},
    {"@example.org", NULL, "an empty local part is refused"},
    {"\"\"@example.org", NULL, "an empty quoted local part is refused"},
    {"bob@[192.0.2.1]", "bob@[192.0.2.1]", "an IPv4 literal stays"},
    {"bob@[IPv6:2001:DB8:0::1]", "bob@[ipv6:2001:db8::1]",
	"an IPv6 literal is shortened"},
    {"bob@[IPv6:192.0.2.1]", NULL, "an IPv4 address is no IPv6 literal"},
    {"bob@[192.0.2.256]", NULL, "a broken literal is refused"},
    {"bob@[192.0.2.1", NULL, "an open literal is refused"},
    {"bob@[x:y]", NULL, "an unknown literal is refused"},
    {"bob@b\xc3\xbc"
     "cher.example",
	"bob@xn--bcher-kva.example", "a domain becomes A-labels"},
    {"bob@B\xc3\x9c"
     "CHER.example",
	"bob@xn--bcher-kva.example",
	"an upper-case U-label becomes the same A-label"},
    {"bob@bu\xcc\x88"
     "cher.example",
	"bob@xn--bcher-kva.example",
	"a decomposed U-label becomes the same A-label"},
    {"bob@XN--BCHER-KVA.example", "bob@xn--bcher-kva.example",
	"an A-label is lower-cased"},
    {"bob@example\xe3\x80\x82org", "bob@example.org",
	"an ideographic full stop is a dot"},
    {"bob@exa\xe2\x82\xacmple\xcd\x8f\xe2\x98\xba.org\xe2\x81\xaa", NULL,
	"a domain that IDNA forbids is refused"},
    {"bob@xn--\xc3\xbc.example", NULL, "a broken A-label is refused"},
    {"bob@a_b.example", "bob@a_b.example", "an underscore is let through"},
    {"bob@exa/mple.org", NULL, "a slash in the domain is refused"},
    {"J\xc3\x96RG@example.org", "j\xc3\xb6rg@example.org",
	"case does not count beyond ASCII"},
    {"jo\xcc\x88rg@example.org", "j\xc3\xb6rg@example.org",
	"a decomposed local part is composed"},
    {"JO\xcc\x88RG@example.org", "j\xc3\xb6rg@example.org",
	"a decomposed upper-case local part is composed"},
    {"b\xf6"
     "b@example.org",
	NULL, "Latin-1 is refused"},
    {"b\xc0\xafob@example.org", NULL, "an overlong encoding is refused"},
    {"bob\r\n@example.org", NULL, "a line end is refused"},
    {"bob\t@example.org", NULL, "a tab is refused"},
    {"bob\x7f@example.org", NULL, "a delete is refused"},
    {"bob\xc2\x85@example.org", NULL, "a C1 control is refused"},
    {"prvs=12ab=bob@example.org", "prvs=12ab=bob@example.org",
	"a tagged sender stays"},
    {"bob+x@example.org", "bob+x@example.org", "an extension stays"},
    {"bob..x.@example.org", "bob..x.@example.org",
	"dots in the local part stay"},
};

static const struct {
	const char *text, *want, *name;
} patterns[] = {
    {"Bob@Example.org", "bob@example.org", "an address is a pattern"},
    {"@Example.ORG.", "@example.org", "a domain is a pattern"},
    {"@.Partner.example", "@.partner.example", "a tree is a pattern"},
    {"@B\xc3\xbc"
     "cher.example",
	"@xn--bcher-kva.example", "a pattern's domain becomes A-labels"},
    {"@[192.0.2.1]", "@[192.0.2.1]", "a literal is a pattern"},
    {"@.[192.0.2.1]", NULL, "nothing is below a literal"},
    {"<>", "", "the null sender is a pattern"},
    {"", NULL, "nothing is no pattern"},
    {"@", NULL, "an at is no pattern"},
    {"@.", NULL, "an at and a dot are no pattern"},
    {"@..x", NULL, "two dots are no pattern"},
    {"@*.example", NULL, "a star is no pattern"},
    {"*@example.org", NULL, "a star for a local part is no pattern"},
    {"b*b@example.org", NULL, "nor is one within a local part"},
    {"\"*\"@example.org", "*@example.org", "a quoted one is a letter"},
    {"root", NULL, "a bare local part is no pattern"},
    {"example.org", NULL, "nor is a bare domain"},
    {" ", NULL, "a blank is not the null sender"},
    {"b b@example.org", NULL, "a blank is in no address"},
    {"bob@", NULL, "nothing behind the at is no pattern"},
    {"bob@example.org carol@example.org", NULL, "two are no pattern"},
};

static const struct {
	const char *text, *want, *name;
} advice[] = {
    {"partner.example",
	"\"partner.example\" has no @; did you mean \"@partner.example\"?",
	"to a domain, an at is suggested"},
    {".partner.example",
	"\".partner.example\" has no @; did you mean \"@.partner.example\"?",
	"to a tree as well"},
    {"*.partner.example",
	"\"*.partner.example\" has no @; did you mean \"@.partner.example\"?",
	"and for one with a star"},
    {"root", "\"root\" has no @; write the whole address",
	"a bare local part wants its domain"},
    {"*@partner.example", "\"*@partner.example\": write \"@partner.example\"",
	"everybody of a domain is written without a star"},
    {"@*.partner.example",
	"\"@*.partner.example\": write \"@.partner.example\"",
	"everything below a domain is, too"},
    {"*@*.partner.example",
	"\"*@*.partner.example\": write \"@.partner.example\"",
	"and everybody there"},
    {"@", NULL, "there is none for a mere at"},
    {"b b.example", NULL, "nor for blanks"},
    {"b*b@example.org", NULL, "nor for other stars"},
};

static const struct {
	const char *address, *pattern;
	bool want;
	const char *name;
} matches[] = {
    {"bob@example.org", "bob@example.org", true, "the address itself fits"},
    {"xbob@example.org", "bob@example.org", false,
	"a longer local part does not"},
    {"bob@example.org.evil.example", "bob@example.org", false,
	"a longer domain does not"},
    {"bob@example.org", "@example.org", true, "its domain fits"},
    {"bob@sub.example.org", "@example.org", false, "a subdomain does not"},
    {"bob@xexample.org", "@example.org", false,
	"a domain that ends so does not"},
    {"bob@partner.example", "@.partner.example", true, "a tree has its root"},
    {"bob@a.partner.example", "@.partner.example", true, "and what is below"},
    {"bob@b.a.partner.example", "@.partner.example", true, "at any depth"},
    {"bob@xpartner.example", "@.partner.example", false,
	"a domain that ends so is not in the tree"},
    {"bob@example", "@.partner.example", false, "nor is what is above"},
    {"", "", true, "the null sender is itself"},
    {"", "@example.org", false, "the null sender has no domain"},
    {"root", "root", true, "a bare local part is itself"},
    {"root", "@example.org", false, "a bare local part has no domain"},
    {"root@example.org", "root", false, "a bare pattern is not any domain's"},
};

static void
test_canonical(void)
{
	char *once, *twice;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(canonical); i++) {
		once = address_canonical(canonical[i].text);
		is_str(once, canonical[i].want, canonical[i].name);
		g_free(once);
	}
	once = address_canonical("\"B\\-\xe1\xba\x9e\"@\xc3\x9c.example.");
	twice = address_canonical(once);
	ok(once != NULL, "a mixture of spellings is an address");
	is_str(twice, once, "the canonical form of a canonical form is itself");
	g_free(once);
	g_free(twice);
	is_str(address_canonical(NULL), NULL, "NULL is no address");
}

static void
test_domain(void)
{
	is_str(address_domain("bob@example.org"), "example.org",
	    "the domain follows the at");
	is_str(address_domain("root"), "", "a bare local part has no domain");
	is_str(address_domain(""), "", "the null sender has no domain");
}

static void
test_patterns(void)
{
	GHashTable *set;
	char *pattern;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(patterns); i++) {
		pattern = address_pattern(patterns[i].text);
		is_str(pattern, patterns[i].want, patterns[i].name);
		g_free(pattern);
	}
	for (i = 0; i < G_N_ELEMENTS(advice); i++) {
		pattern = address_pattern_advice(advice[i].text);
		is_str(pattern, advice[i].want, advice[i].name);
		g_free(pattern);
	}
	for (i = 0; i < G_N_ELEMENTS(matches); i++) {
		set = g_hash_table_new_full(
		    g_str_hash, g_str_equal, g_free, NULL);
		g_hash_table_add(set, g_strdup(matches[i].pattern));
		is_int(address_listed(set, matches[i].address), matches[i].want,
		    matches[i].name);
		g_hash_table_unref(set);
	}
}

/* Quotes make an address one that is not plain. */
static bool
both_ways(const char *local, const char *domain)
{
	char *text = g_strdup_printf("%s@%s", local, domain);
	char *path = g_strdup_printf("<%s@%s>", local, domain);
	char *quoted = g_strdup_printf("\"%s\"@%s", local, domain);
	char *plain = address_canonical(text);
	char *plain_path = address_canonical(path);
	char *slow = address_canonical(quoted);
	bool same =
	    g_strcmp0(plain, slow) == 0 && g_strcmp0(plain_path, slow) == 0;

	if (!same)
		printf("# %s: %s, %s, the long way %s\n", text,
		    plain ? plain : "none", plain_path ? plain_path : "none",
		    slow ? slow : "none");
	g_free(text);
	g_free(path);
	g_free(quoted);
	g_free(plain);
	g_free(plain_path);
	g_free(slow);
	return same;
}

/* All that can be written with these letters, up to that length. */
static unsigned int
count_different(const char *letters, size_t length)
{
	unsigned int different = 0;
	size_t places[16] = {0}, i;
	char domain[17];

	for (;;) {
		for (i = 0; places[i] != 0; i++)
			domain[i] = letters[places[i] - 1];
		domain[i] = '\0';
		different += !both_ways("a", domain);
		for (i = 0; places[i] == strlen(letters); i++)
			places[i] = 1;
		if (i == length)
			return different;
		places[i]++;
	}
}

static void
test_plain(void)
{
	static const char *const locals[] = {"a", "A.b", ".a", "a.", "a..b",
	    "a+B", "a_b", "a-b", "a=b", "-", "SRS0=x=y", "a%b", "a!b", "a/b",
	    "a&b", "a'b", "a*b", "K", "i.I", "0"};
	char domain[300], name[2] = "";
	unsigned int different = 0;
	size_t i, label;

	for (i = 0; i < G_N_ELEMENTS(locals); i++)
		different += !both_ways(locals[i], "Example.org");
	ok(different == 0, "plain local parts are what the long way makes");
	ok(count_different("xN-._1", 6) == 0,
	    "plain domains are what the long way makes of them");
	for (i = 1, different = 0; i < 256; i++) {
		name[0] = (char)i;
		different +=
		    i != '"' && i != '\\' && i != '@' && !both_ways("a", name);
	}
	ok(different == 0, "a domain of any octet is");
	for (label = 61, different = 0; label < 67; label++)
		for (i = 1; i < sizeof(domain); i++) {
			memset(domain, 'a', i);
			domain[i] = '\0';
			for (size_t dot = label; dot < i; dot += label + 1)
				domain[dot] = '.';
			different += !both_ways("a", domain);
		}
	ok(different == 0, "long labels and long domains are");
}

int
main(void)
{
	test_canonical();
	test_plain();
	test_domain();
	test_patterns();
	return tap_done();
}
