/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * check_passphrases.c - can the rung "passphrase" hold, and for whom?
 *
 * In:    the configuration, the opened store; run as the daemon's user.
 * Out:   findings.
 * Never: makes, tells or changes a passphrase.
 */
#include "ctl/check.h"
#include "keys/passphrases.h"
#include "milter/runtime.h"

static void look_at_templates(
    struct check_report *report, const struct config *config);
static void look_at_generate(
    struct check_report *report, const struct config *config);
static void count_passphrases(struct check_report *report,
    const struct config *config, struct store *store);

void
check_passphrases(struct check_report *report, const struct runtime *runtime)
{
	const struct config *config = runtime->config;
	struct store *store = keys_store(runtime->keys);

	if (!policy_names(config->policy, RUNG_PASSPHRASE))
		return;
	check_section(report, "Passphrases");
	if (store == NULL) {
		check_add(report, CHECK_PROBLEM,
		    "rules name the rung \"passphrase\", and it never holds: "
		    "passphrases are in the key source \"store\"\n"
		    "Add \"store\" to keys.sources.");
		return;
	}
	count_passphrases(report, config, store);
	look_at_generate(report, config);
	look_at_templates(report, config);
}

static void
count_passphrases(struct check_report *report, const struct config *config,
    struct store *store)
{
	const bool others =
	    config->passphrase.generate || config->passphrase.subject;
	GPtrArray *list = NULL;
	struct fault fault;

	if (passphrase_list(store, NULL, &list, &fault) != 0) {
		check_add(report, CHECK_PROBLEM, "%s", fault.text);
		return;
	}
	if (list->len > 0 || others)
		check_add(
		    report, CHECK_OK, "%u passphrases are set", list->len);
	else
		check_add(report, CHECK_WARNING,
		    "rules name the rung \"passphrase\", and it holds for "
		    "nobody: none is set\n"
		    "sealctl passphrase set ADDRESS sets one; with passphrase "
		    "= { generate = true; } they are made.");
	g_ptr_array_unref(list);
}

static void
look_at_generate(struct check_report *report, const struct config *config)
{
	char *domains;

	if (!config->passphrase.generate)
		return;
	if (config->domains[0] == NULL) {
		check_add(report, CHECK_PROBLEM,
		    "passphrase.generate is on, and nothing is ever made: only "
		    "senders in domains are told, and there are none\n"
		    "Set domains to those whose mailboxes are here.");
		return;
	}
	domains = g_strjoinv(", ", config->domains);
	check_add(report, CHECK_OK,
	    "passphrases are made for who has none, and told to senders of %s "
	    "who are authenticated or local",
	    domains);
	g_free(domains);
}

/* They were read by who runs this; at a reload, the daemon's user reads. */
static void
look_at_templates(struct check_report *report, const struct config *config)
{
	char **each = config->passphrase.languages;
	struct templates *again = templates_make(config->passphrase.directory);
	char *languages = g_strjoinv(", ", each);
	struct fault fault;

	while (*each != NULL && templates_add(again, *each, &fault) == 0)
		each++;
	if (*each == NULL)
		check_add(report, CHECK_OK,
		    "the texts for people can be read: %s", languages);
	else
		check_add(report, CHECK_WARNING,
		    "the daemon's user may not read a text for people: %s; "
		    "SIGHUP (systemctl reload) then keeps the old "
		    "configuration\n"
		    "Let that user read it.",
		    fault.text);
	templates_free(&again);
	g_free(languages);
}
