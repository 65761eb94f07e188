/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_resolve.c - whose mailbox a recipient of the envelope means.
 */
#include "milter/resolve.h"
#include "tests/tap.h"

static char first[] = "example.org", second[] = "xn--bcher-kva.example",
	    literal[] = "[192.0.2.1]";
static char *domains[] = {first, second, literal, NULL};

static const struct {
	const char *recipient, *delimiter;
	const char *given, *address; /* NULL: refused */
} table[] = {
    {"<alice@example.org>", "+", "alice@example.org", "alice@example.org"},
    {"Alice@EXAMPLE.org", "+", "alice@example.org", "alice@example.org"},
    {"<alice+list@example.org>", "+", "alice+list@example.org",
	"alice@example.org"},
    {"<alice+a+b@example.org>", "+", "alice+a+b@example.org",
	"alice@example.org"},
    {"<alice-list@example.org>", "+-", "alice-list@example.org",
	"alice@example.org"},
    {"<alice+list@example.org>", "", "alice+list@example.org",
	"alice+list@example.org"},
    {"<+alice@example.org>", "+", "+alice@example.org", "+alice@example.org"},
    {"<alice+@example.org>", "+", "alice+@example.org", "alice@example.org"},
    {"<alice+x@example.net>", "+", "alice+x@example.net",
	"alice+x@example.net"},
    {"<alice+x@b\xc3\xbc"
     "cher.example>",
	"+", "alice+x@xn--bcher-kva.example", "alice@xn--bcher-kva.example"},
    {"<alice>", "+", "alice@example.org", "alice@example.org"},
    {"root", "+", "root@example.org", "root@example.org"},
    {"<alice+x>", "+", "alice+x@example.org", "alice@example.org"},
    {"<alice@[192.0.2.1]>", "+", "alice@[192.0.2.1]", "alice@[192.0.2.1]"},
    {"<alice@[192.0.2.2]>", "+", NULL, NULL},
    {"<alice@localhost>", "+", NULL, NULL},
    {"<alice%example.org@example.net>", "+", NULL, NULL},
    {"<alice%example.net@example.org>", "+", NULL, NULL},
    {"<example.org!alice@example.net>", "+", NULL, NULL},
    {"<>", "+", NULL, NULL},
    {"<@example.org>", "+", NULL, NULL},
    {"<a b@example.org>", "+", NULL, NULL},
};

static void
recipients_are_resolved(void)
{
	struct config config = {.domains = domains};
	char *given, *address;
	struct fault fault;
	size_t i;
	int r;

	for (i = 0; i < G_N_ELEMENTS(table); i++) {
		config.recipient_delimiter =
		    (char *)(uintptr_t)table[i].delimiter;
		given = address = NULL;
		fault = (struct fault){FAULT_NONE, ""};
		r = recipient_resolve(
		    &config, table[i].recipient, &given, &address, &fault);
		is_int(
		    r, table[i].address == NULL ? -1 : 0, table[i].recipient);
		is_str(given, table[i].given, "the address as given");
		is_str(address, table[i].address, "the mailbox's");
		if (r != 0)
			ok(fault.kind == FAULT_PERM && fault.text[0] != '\0',
			    "for good: %s", fault.text);
		g_free(given);
		g_free(address);
	}
}

static void
without_domains_nothing_is_completed(void)
{
	char *none[] = {NULL}, *given = NULL, *address = NULL;
	struct config config = {
	    .domains = none, .recipient_delimiter = (char *)(uintptr_t) "+"};
	struct fault fault = {FAULT_NONE, ""};

	is_int(recipient_resolve(&config, "<alice>", &given, &address, &fault),
	    -1, "who has no domain is nobody");
	has_str(fault.text, "has no domain", "which is said");
}

int
main(void)
{
	recipients_are_resolved();
	without_domains_nothing_is_completed();
	return tap_done();
}
