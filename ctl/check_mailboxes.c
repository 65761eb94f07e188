/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * check_mailboxes.c - do Postfix and sealmilter mean the same mailboxes?
 *
 * In:    the configurations of both.
 * Out:   findings.
 * Never: looks into Postfix's tables, or asks anybody.
 */
#include "ctl/check.h"
#include "ctl/postconf.h"

#include <string.h>

static void add_missing(
    GPtrArray *missing, const struct check_target *target, const char *list);
static bool is_name(const char *word);
static void judge_domains(struct check_report *report,
    const struct check_target *target, const struct postconf *postconf);
static void judge_delimiter(struct check_report *report,
    const struct check_target *target, const struct postconf *postconf);

void
check_mailboxes(struct check_report *report, const struct check_target *target,
    const struct postconf *postconf)
{
	judge_domains(report, target, postconf);
	judge_delimiter(report, target, postconf);
}

/* What Postfix stores here, we must not take for going elsewhere. */
static void
judge_domains(struct check_report *report, const struct check_target *target,
    const struct postconf *postconf)
{
	GPtrArray *missing = g_ptr_array_new_with_free_func(g_free);
	char *names;

	add_missing(
	    missing, target, postconf_setting(postconf, NULL, "mydestination"));
	add_missing(missing, target,
	    postconf_setting(postconf, NULL, "virtual_mailbox_domains"));
	if (missing->len > 0) {
		g_ptr_array_add(missing, NULL);
		names = g_strjoinv(", ", (char **)missing->pdata);
		check_add(report, CHECK_WARNING,
		    "Postfix takes mail for %s, which domains in %s does not "
		    "have: sealmilter treats mail to such addresses as going "
		    "elsewhere (direction \"out\")\n"
		    "Add them to domains.",
		    names, target->config_file);
		g_free(names);
	}
	g_ptr_array_free(missing, TRUE);
}

static void
add_missing(
    GPtrArray *missing, const struct check_target *target, const char *list)
{
	char **words = g_strsplit_set(list, ", \t\r\n", -1), *name;
	size_t i;

	for (i = 0; words[i] != NULL; i++) {
		name = g_ascii_strdown(words[i], -1);
		if (is_name(name) && !g_strv_contains(target->domains, name) &&
		    !g_ptr_array_find_with_equal_func(
			missing, name, g_str_equal, NULL))
			g_ptr_array_add(missing, g_steal_pointer(&name));
		g_free(name);
	}
	g_strfreev(words);
}

/* Not a table, a file of names, or what is excluded. */
static bool
is_name(const char *word)
{
	return word[0] != '\0' && strpbrk(word, ":/!{}$") == NULL;
}

/* Both are sets of characters; the first of them in an address counts. */
static void
judge_delimiter(struct check_report *report, const struct check_target *target,
    const struct postconf *postconf)
{
	const char *ours = target->recipient_delimiter;
	const char *theirs =
	    postconf_setting(postconf, NULL, "recipient_delimiter");

	if (strspn(ours, theirs) == strlen(ours) &&
	    strspn(theirs, ours) == strlen(theirs))
		return;
	check_add(report, CHECK_WARNING,
	    "recipient_delimiter is \"%s\" in Postfix and \"%s\" in %s: an "
	    "address with an extension gets the rules and the key of another "
	    "mailbox than the one where it is stored\n"
	    "Set recipient_delimiter = \"%s\" in %s.",
	    theirs, ours, target->config_file, theirs, target->config_file);
}
