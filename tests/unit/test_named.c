/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_named.c - whom a header names; who is not named was in Bcc.
 */
#include "config.h"

#include "seal/named.h"
#include "tests/unit/mail.h"

static const struct {
	const char *name, *header;
	const char *want[4];
} table[] = {
    {"To", "To: a@example.org\n", {"a@example.org"}},
    {"a name beside it", "To: \"A. B.\" <a@example.org>\n", {"a@example.org"}},
    {"several", "To: a@example.org, B <b@example.org>,\n c@example.org\n",
	{"a@example.org", "b@example.org", "c@example.org"}},
    {"several fields",
	"To: a@example.org\nTO: b@example.org\n"
	"Cc: c@example.org\n",
	{"a@example.org", "b@example.org", "c@example.org"}},
    {"what was sent again",
	"Resent-To: a@example.org\n"
	"Resent-Cc: b@example.org\n",
	{"a@example.org", "b@example.org"}},
    {"canonical forms", "To: \"Bob\"@EXAMPLE.org, ANN@example.ORG\n",
	{"bob@example.org", "ann@example.org"}},
    {"a group", "To: friends: a@example.org, b@example.org;, c@example.org\n",
	{"a@example.org", "b@example.org", "c@example.org"}},
    {"an empty group", "To: undisclosed-recipients:;\n", {NULL}},
    {"comments", "To: a@example.org (A), (B) b@example.org\n",
	{"a@example.org", "b@example.org"}},
    {"a name that looks like an address",
	"To: \"b@example.org\" <a@example.org>\n", {"a@example.org"}},
    {"an encoded name", "To: =?utf-8?Q?b=40example.org?= <a@example.org>\n",
	{"a@example.org"}},
    {"nobody", "Subject: a@example.org\nFrom: b@example.org\n", {NULL}},
    {"Bcc names nobody", "Bcc: a@example.org\nResent-Bcc: b@example.org\n",
	{NULL}},
    {"Reply-To names nobody", "Reply-To: a@example.org\n", {NULL}},
    {"nonsense", "To: ,,;<>@\"\nCc: a@example.org\n", {"a@example.org"}},
};

int
main(void)
{
	struct message *message;
	GHashTable *named;
	size_t i, j;
	bool all;

	mail_begin();
	for (i = 0; i < G_N_ELEMENTS(table); i++) {
		message = mail_parse(table[i].header);
		named = message_named(message);
		for (all = true, j = 0; table[i].want[j] != NULL; j++)
			all = all &&
			      g_hash_table_contains(named, table[i].want[j]);
		ok(all && g_hash_table_size(named) == j, "%s", table[i].name);
		g_hash_table_destroy(named);
		message_free(&message);
	}
	mail_end();
	return tap_done();
}
