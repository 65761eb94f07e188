/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * policy_parse.c - read the list of rules of a configuration.
 *
 * In:    the setting "policy", and the lists that its "file:" patterns name.
 * Out:   a policy, warnings, or a fault that names file, line and option.
 * Never: guesses; what it does not know is a fault.
 */
#include "policy/address.h"
#include "policy/option.h"
#include "policy/policy_private.h"

#include <string.h>

static struct policy *built_in_policy(void);
static int parse_rules(const config_setting_t *list, struct policy *policy,
    GPtrArray *warnings, struct fault *fault);
static int name_is_new(const config_setting_t *setting,
    const struct policy *policy, const struct rule *rule, struct fault *fault);
static int parse_rule(
    const config_setting_t *setting, struct rule *rule, struct fault *fault);
static bool names_rung(const struct rule *rule, enum rung rung);
static void warn_of_dead_rule(const config_setting_t *setting,
    const struct policy *policy, GPtrArray *warnings);
static bool fits_everything(const struct rule *rule);
static option_parse parse_name;
static option_parse parse_seal;
static option_parse parse_rung;
static int may_follow(const struct rule *rule, enum rung rung,
    const config_setting_t *element, struct fault *fault);
static bool is_last(enum rung rung);
static option_parse parse_hide_subject;
static option_parse parse_recovery;
static option_parse parse_one_recovery;
static option_parse parse_language, parse_one_language;
static option_parse parse_bounces;
static option_parse parse_legacy_display;
static option_parse parse_smime_cipher;
static option_parse parse_smime_rsa;
static option_parse parse_not_here;

static const struct option_reader rule_options[] = {
    {"name", parse_name},
    {"from", matcher_from},
    {"to", matcher_to},
    {"direction", matcher_direction},
    {"authenticated", matcher_authenticated},
    {"client", matcher_client},
    {"tls", matcher_tls},
    {"header", matcher_header},
    {"subject", matcher_subject},
    {"size", matcher_size},
    {"seal", parse_seal},
    {"hide_subject", parse_hide_subject},
    {"recovery", parse_recovery},
    {"language", parse_language},
    {"bounces", parse_bounces},
    {"legacy_display", parse_legacy_display},
    {"smime_cipher", parse_smime_cipher},
    {"smime_rsa", parse_smime_rsa},
    {"sign", parse_not_here},
    {"notify", parse_not_here},
};

int
policy_parse(const config_setting_t *list, struct policy **policyp,
    GPtrArray *warnings, struct fault *fault)
{
	struct policy *policy = NULL;
	int ret = -1;

	if (list == NULL) {
		*policyp = built_in_policy();
		return 0;
	}
	if (config_setting_type(list) != CONFIG_TYPE_LIST) {
		option_fault(
		    fault, list, "expects rules in ( { ... }, { ... } )");
		return -1;
	}
	policy = g_new0(struct policy, 1);
	policy->rules =
	    g_ptr_array_new_with_free_func((GDestroyNotify)rule_free);
	if (parse_rules(list, policy, warnings, fault) != 0)
		goto out;
	if (policy->rules->len == 0) {
		option_fault(fault, list,
		    "has no rules, so that all mail would be refused; without "
		    "\"policy\" all mail is sealed");
		goto out;
	}
	*policyp = g_steal_pointer(&policy);
	ret = 0;
out:
	policy_free(&policy);
	return ret;
}

void
policy_free(struct policy **policyp)
{
	if (*policyp == NULL)
		return;
	g_ptr_array_unref((*policyp)->rules);
	g_free(*policyp);
	*policyp = NULL;
}

/* Whoever has said nothing has not allowed clear text. */
static struct policy *
built_in_policy(void)
{
	struct policy *policy = g_new0(struct policy, 1);
	struct rule *rule = rule_make();

	rule->name = g_strdup("default");
	rule->ladder[rule->rungs++] = RUNG_OPENPGP;
	rule->ladder[rule->rungs++] = RUNG_SMIME;
	rule->ladder[rule->rungs++] = RUNG_PASSPHRASE;
	policy->rules =
	    g_ptr_array_new_with_free_func((GDestroyNotify)rule_free);
	g_ptr_array_add(policy->rules, rule);
	return policy;
}

static int
parse_rules(const config_setting_t *list, struct policy *policy,
    GPtrArray *warnings, struct fault *fault)
{
	const config_setting_t *setting;
	struct rule *rule;
	unsigned int i;

	for (i = 0; (setting = config_setting_get_elem(list, i)) != NULL; i++) {
		rule = rule_make();
		if (parse_rule(setting, rule, fault) != 0 ||
		    name_is_new(setting, policy, rule, fault) != 0) {
			rule_free(rule);
			return -1;
		}
		warn_of_dead_rule(setting, policy, warnings);
		g_ptr_array_add(policy->rules, rule);
	}
	return 0;
}

/* Names are what logs and audits say, so each means one rule. */
static int
name_is_new(const config_setting_t *setting, const struct policy *policy,
    const struct rule *rule, struct fault *fault)
{
	const struct rule *other;
	guint i;

	for (i = 0; i < policy->rules->len; i++) {
		other = g_ptr_array_index(policy->rules, i);
		if (g_str_equal(other->name, rule->name)) {
			option_fault(fault, setting,
			    "rule %u has the same name; names must differ",
			    i + 1);
			return -1;
		}
	}
	return 0;
}

static int
parse_rule(
    const config_setting_t *setting, struct rule *rule, struct fault *fault)
{
	if (option_parse_group(setting, rule_options,
		G_N_ELEMENTS(rule_options), rule, fault) != 0)
		return -1;
	if (rule->name == NULL) {
		option_fault(fault, setting, "needs a \"name\"");
		return -1;
	}
	if (rule->rungs == 0) {
		option_fault(
		    fault, setting, "needs \"seal\", such as [ \"openpgp\" ]");
		return -1;
	}
	if (rule->recovery != NULL && names_rung(rule, RUNG_PASSPHRASE)) {
		option_fault(fault,
		    config_setting_get_member(setting, "recovery"),
		    "does not go with \"passphrase\" in \"seal\": only who "
		    "has the passphrase can open that form");
		return -1;
	}
	return 0;
}

static bool
names_rung(const struct rule *rule, enum rung rung)
{
	size_t i;

	for (i = 0; i < rule->rungs; i++)
		if (rule->ladder[i] == rung)
			return true;
	return false;
}

/* Rules behind one that fits everything are most likely a mistake. */
static void
warn_of_dead_rule(const config_setting_t *setting, const struct policy *policy,
    GPtrArray *warnings)
{
	const struct rule *rule;
	char *place;
	guint i;

	for (i = 0; i < policy->rules->len; i++) {
		rule = g_ptr_array_index(policy->rules, i);
		if (!fits_everything(rule))
			continue;
		place = option_place(setting);
		g_ptr_array_add(warnings,
		    g_strdup_printf("%s: is never reached: rule \"%s\" before "
				    "it fits everything",
			place, rule->name));
		g_free(place);
		return;
	}
}

static bool
fits_everything(const struct rule *rule)
{
	return rule->from == NULL && rule->to == NULL &&
	       rule->directions == 0 && rule->authenticated == WANTED_ANY &&
	       rule->tls == WANTED_ANY && rule->clients == NULL &&
	       rule->headers == NULL && rule->subject == NULL &&
	       !rule->has_size;
}

static int
parse_name(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct rule *rule = target;
	const char *text;

	if (option_string(setting, &text, fault) != 0)
		return -1;
	rule->name = g_strdup(text);
	return 0;
}

static int
parse_seal(const config_setting_t *setting, void *target, struct fault *fault)
{
	return option_each_string(setting, parse_rung, target, fault);
}

static int
parse_rung(const config_setting_t *element, void *target, struct fault *fault)
{
	const char *words[RUNGS + 1] = {NULL};
	struct rule *rule = target;
	size_t which;

	for (which = 0; which < RUNGS; which++)
		words[which] = rung_name((enum rung)which);
	if (option_word(element, words, &which, fault) != 0 ||
	    may_follow(rule, (enum rung)which, element, fault) != 0)
		return -1;
	rule->ladder[rule->rungs++] = (enum rung)which;
	return 0;
}

static int
may_follow(const struct rule *rule, enum rung rung,
    const config_setting_t *element, struct fault *fault)
{
	size_t i;

	for (i = 0; i < rule->rungs; i++) {
		if (rule->ladder[i] == rung) {
			option_fault(fault, element, "\"%s\" is there twice",
			    rung_name(rung));
			return -1;
		}
		if (is_last(rule->ladder[i])) {
			option_fault(fault, element,
			    "\"%s\" can only be the last: nothing after it "
			    "would ever be tried",
			    rung_name(rule->ladder[i]));
			return -1;
		}
	}
	return 0;
}

/* These always hold. */
static bool
is_last(enum rung rung)
{
	return rung == RUNG_CLEAR || rung == RUNG_HOLD || rung == RUNG_REFUSE;
}

static int
parse_hide_subject(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct rule *rule = target;

	return option_bool(setting, &rule->hide_subject, fault);
}

static int
parse_recovery(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct rule *rule = target;

	rule->recovery = g_ptr_array_new_with_free_func(g_free);
	if (option_each_string(
		setting, parse_one_recovery, rule->recovery, fault) != 0)
		return -1;
	g_ptr_array_add(rule->recovery, NULL);
	return 0;
}

static int
parse_one_recovery(
    const config_setting_t *element, void *target, struct fault *fault)
{
	GPtrArray *recovery = target;
	const char *text;
	char *address;

	if (option_string(element, &text, fault) != 0)
		return -1;
	address = address_pattern(text);
	if (address == NULL || *address == '@' || *address == '\0') {
		option_fault(fault, element, "\"%s\" is no address", text);
		g_free(address);
		return -1;
	}
	g_ptr_array_add(recovery, address);
	return 0;
}

static int
parse_language(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct rule *rule = target;

	rule->languages = g_ptr_array_new_with_free_func(g_free);
	return policy_parse_languages(setting, rule->languages, fault);
}

static int
parse_one_language(
    const config_setting_t *element, void *target, struct fault *fault)
{
	GPtrArray *languages = target;
	const char *text;

	if (option_string(element, &text, fault) != 0)
		return -1;
	if (!policy_is_language(text)) {
		option_fault(fault, element,
		    "\"%s\" is no language such as \"en\"", text);
		return -1;
	}
	g_ptr_array_add(languages, g_strdup(text));
	return 0;
}

int
policy_parse_languages(
    const config_setting_t *setting, GPtrArray *languages, struct fault *fault)
{
	if (option_each_string(setting, parse_one_language, languages, fault) !=
	    0)
		return -1;
	g_ptr_array_add(languages, NULL);
	return 0;
}

static int
parse_bounces(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	static const char *const words[] = {
	    [BOUNCES_CLEAR] = "clear", [BOUNCES_REFUSE] = "refuse", NULL};
	struct rule *rule = target;
	size_t which;

	if (option_word(setting, words, &which, fault) != 0)
		return -1;
	rule->bounces = (enum bounces)which;
	return 0;
}

static int
parse_legacy_display(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct rule *rule = target;

	return option_bool(setting, &rule->legacy_display, fault);
}

static int
parse_smime_cipher(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	static const char *const words[] = {[SMIME_AUTO] = "auto",
	    [SMIME_CBC] = "aes256-cbc",
	    [SMIME_GCM] = "aes256-gcm",
	    NULL};
	struct rule *rule = target;
	size_t which;

	if (option_word(setting, words, &which, fault) != 0)
		return -1;
	rule->smime_cipher = (enum smime_cipher)which;
	return 0;
}

static int
parse_smime_rsa(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	static const char *const words[] = {"pkcs1", "oaep", NULL};
	struct rule *rule = target;
	size_t which;

	if (option_word(setting, words, &which, fault) != 0)
		return -1;
	rule->smime_oaep = which == 1;
	return 0;
}

/* To ignore these would change what leaves. */
static int
parse_not_here(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	(void)target;
	option_fault(
	    fault, setting, "this version does not have it; remove it");
	return -1;
}

struct rule *
rule_make(void)
{
	struct rule *rule = g_new0(struct rule, 1);

	rule->hide_subject = true;
	rule->legacy_display = true;
	rule->bounces = BOUNCES_CLEAR;
	return rule;
}

void
rule_free(struct rule *rule)
{
	if (rule->from != NULL)
		g_hash_table_unref(rule->from);
	if (rule->to != NULL)
		g_hash_table_unref(rule->to);
	if (rule->clients != NULL)
		g_array_unref(rule->clients);
	if (rule->headers != NULL)
		g_ptr_array_unref(rule->headers);
	if (rule->recovery != NULL)
		g_ptr_array_unref(rule->recovery);
	if (rule->languages != NULL)
		g_ptr_array_unref(rule->languages);
	g_free(rule->subject);
	g_free(rule->subject_folded);
	g_free(rule->name);
	g_free(rule);
}
