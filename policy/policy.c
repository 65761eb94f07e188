/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * policy.c - decide which protection one recipient of a message gets.
 *
 * In:    a parsed policy, and what is known about message and recipient.
 * Out:   the ladder and the properties of the rule that applies.
 * Never: looks for keys, fails, or lets a message's own words lower its
 *        protection.
 */
#include "policy/policy.h"

#include "policy/address.h"
#include "policy/policy_private.h"

#include <string.h>

static bool envelope_fits(
    const struct rule *rule, const struct policy_facts *facts);
static bool client_fits(const struct rule *rule, const char *client);
static bool content_fits(
    const struct rule *rule, const struct policy_facts *facts);
static bool size_fits(const struct rule *rule, uint64_t size);
static bool has_header(const struct rule *rule, const struct fields *fields);
static bool field_fits(
    const struct field *field, const struct header_matcher *matcher);
static bool has_tag(const struct rule *rule, const char *subject);
static bool is_tag_rule(const struct rule *rule);
static bool may_use_tags(const struct policy_facts *facts);
static const struct rule *find_base(
    const struct policy *policy, const struct policy_facts *facts);
static bool needs_content(
    const struct policy *policy, const struct policy_facts *facts);
static const struct rule *find_tag_rule(const struct policy *policy,
    const struct policy_facts *facts, const struct rule *base,
    const char **loweringp);
static unsigned int protection(const struct rule *rule);
static void apply_rule(struct decision *decision, const struct rule *rule);
static void raise_over(struct decision *decision, const struct rule *base);
static const char *const *list_of(const GPtrArray *list);

static const char *const rung_names[RUNGS] = {
    [RUNG_OPENPGP] = "openpgp",
    [RUNG_SMIME] = "smime",
    [RUNG_PASSPHRASE] = "passphrase",
    [RUNG_CLEAR] = "clear",
    [RUNG_HOLD] = "hold",
    [RUNG_REFUSE] = "refuse",
};

#define LANGUAGE_OCTETS 35 /* RFC 5646 section 4.4.1 */

/* How much a rung protects; equal ones may stand for each other. */
static const unsigned int rung_levels[RUNGS] = {
    [RUNG_CLEAR] = 0,
    [RUNG_PASSPHRASE] = 1,
    [RUNG_OPENPGP] = 2,
    [RUNG_SMIME] = 2,
    [RUNG_HOLD] = 3,
    [RUNG_REFUSE] = 4,
};

int
policy_decide(const struct policy *policy, const struct policy_facts *facts,
    struct decision *decision)
{
	const struct rule *base, *tagged;
	struct decision made = {
	    .ladder = {RUNG_REFUSE},
	    .rungs = 1,
	    .hide_subject = true,
	    .bounces = BOUNCES_REFUSE,
	};

	if (!facts->content_known && needs_content(policy, facts))
		return 0;
	base = find_base(policy, facts);
	tagged = find_tag_rule(policy, facts, base, &made.lowering);
	if (tagged != NULL) {
		apply_rule(&made, tagged);
		made.raised_by = tagged->name;
		made.subject_tag = tagged->subject;
		raise_over(&made, base);
	} else if (base != NULL)
		apply_rule(&made, base);
	*decision = made;
	return 1;
}

/* The first rule that fits among those that are no tags. */
static const struct rule *
find_base(const struct policy *policy, const struct policy_facts *facts)
{
	const struct rule *rule;
	guint i;

	for (i = 0; i < policy->rules->len; i++) {
		rule = g_ptr_array_index(policy->rules, i);
		if (!is_tag_rule(rule) && envelope_fits(rule, facts) &&
		    content_fits(rule, facts))
			return rule;
	}
	return NULL;
}

/* True if a rule up to the base could fit once the content is known. */
static bool
needs_content(const struct policy *policy, const struct policy_facts *facts)
{
	const struct rule *rule;
	guint i;

	for (i = 0; i < policy->rules->len; i++) {
		rule = g_ptr_array_index(policy->rules, i);
		if (!envelope_fits(rule, facts))
			continue;
		if (is_tag_rule(rule)) {
			if (may_use_tags(facts))
				return true;
		} else
			return rule->has_size;
	}
	return false;
}

/*
 * The first tag rule before the base that fits and does not lower what the
 * base demands.  Who may name a tag is not thereby allowed to open anything.
 */
static const struct rule *
find_tag_rule(const struct policy *policy, const struct policy_facts *facts,
    const struct rule *base, const char **loweringp)
{
	const struct rule *rule;
	guint i;

	if (!facts->content_known || !may_use_tags(facts))
		return NULL;
	for (i = 0; i < policy->rules->len; i++) {
		rule = g_ptr_array_index(policy->rules, i);
		if (rule == base)
			break;
		if (!is_tag_rule(rule) || !envelope_fits(rule, facts) ||
		    !content_fits(rule, facts))
			continue;
		if (protection(rule) >= protection(base))
			return rule;
		if (*loweringp == NULL)
			*loweringp = rule->name;
	}
	return NULL;
}

/* That of the weakest rung that is written down; no rule refuses. */
static unsigned int
protection(const struct rule *rule)
{
	unsigned int level = rung_levels[RUNG_REFUSE];
	size_t i;

	if (rule == NULL)
		return level;
	for (i = 0; i < rule->rungs; i++)
		level = MIN(level, rung_levels[rule->ladder[i]]);
	return level;
}

static void
apply_rule(struct decision *decision, const struct rule *rule)
{
	decision->rule = rule->name;
	memcpy(decision->ladder, rule->ladder, sizeof(decision->ladder));
	decision->rungs = rule->rungs;
	decision->hide_subject = rule->hide_subject;
	decision->legacy_display = rule->legacy_display;
	decision->smime_cipher = rule->smime_cipher;
	decision->smime_oaep = rule->smime_oaep;
	decision->require_tls = rule->require_tls;
	decision->bounces = rule->bounces;
	decision->recovery[0] = list_of(rule->recovery);
	decision->languages = list_of(rule->languages);
}

/* A tag adds to what the base demands, it takes nothing away. */
static void
raise_over(struct decision *decision, const struct rule *base)
{
	if (base == NULL) {
		decision->hide_subject = true;
		decision->bounces = BOUNCES_REFUSE;
		return;
	}
	decision->hide_subject |= base->hide_subject;
	decision->require_tls |= base->require_tls;
	if (base->bounces == BOUNCES_REFUSE)
		decision->bounces = BOUNCES_REFUSE;
	decision->recovery[1] = list_of(base->recovery);
	if (decision->languages == NULL)
		decision->languages = list_of(base->languages);
}

static const char *const *
list_of(const GPtrArray *list)
{
	return list == NULL ? NULL : (const char *const *)list->pdata;
}

bool
policy_names(const struct policy *policy, enum rung rung)
{
	const struct rule *rule;
	size_t j;
	guint i;

	for (i = 0; i < policy->rules->len; i++) {
		rule = g_ptr_array_index(policy->rules, i);
		for (j = 0; j < rule->rungs; j++)
			if (rule->ladder[j] == rung)
				return true;
	}
	return false;
}

int
policy_each_languages(const struct policy *policy,
    int (*each)(void *context, const char *rule, const char *const *languages),
    void *context)
{
	const struct rule *rule;
	guint i;
	int r = 0;

	for (i = 0; i < policy->rules->len && r == 0; i++) {
		rule = g_ptr_array_index(policy->rules, i);
		if (rule->languages != NULL)
			r = each(context, rule->name, list_of(rule->languages));
	}
	return r;
}

bool
policy_is_language(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz");

	return len >= 2 && len <= 8 && strlen(text) <= LANGUAGE_OCTETS &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") ==
		   strlen(text);
}

char **
policy_recovery(const struct policy *policy)
{
	GPtrArray *all = g_ptr_array_new();
	const char *const *addresses;
	const struct rule *rule;
	guint i;

	for (i = 0; i < policy->rules->len; i++) {
		rule = g_ptr_array_index(policy->rules, i);
		addresses = list_of(rule->recovery);
		for (; addresses != NULL && *addresses != NULL; addresses++)
			if (!g_ptr_array_find_with_equal_func(
				all, *addresses, g_str_equal, NULL))
				g_ptr_array_add(all, g_strdup(*addresses));
	}
	g_ptr_array_add(all, NULL);
	return (char **)g_ptr_array_free(all, FALSE);
}

static bool
is_tag_rule(const struct rule *rule)
{
	return rule->headers != NULL || rule->subject != NULL;
}

/* Strangers write subjects and headers as well. */
static bool
may_use_tags(const struct policy_facts *facts)
{
	return facts->authenticated || facts->local_client;
}

static bool
envelope_fits(const struct rule *rule, const struct policy_facts *facts)
{
	if (rule->from != NULL && !address_listed(rule->from, facts->sender))
		return false;
	if (rule->to != NULL && !address_listed(rule->to, facts->recipient))
		return false;
	if (rule->directions != 0 &&
	    (rule->directions & (1U << policy_direction(facts))) == 0)
		return false;
	if (rule->authenticated != WANTED_ANY &&
	    (rule->authenticated == WANTED_YES) != facts->authenticated)
		return false;
	if (rule->tls != WANTED_ANY && (rule->tls == WANTED_YES) != facts->tls)
		return false;
	return rule->clients == NULL || client_fits(rule, facts->client);
}

static bool
client_fits(const struct rule *rule, const char *client)
{
	guint i;

	for (i = 0; i < rule->clients->len; i++)
		if (network_contains(
			&g_array_index(rule->clients, struct network, i),
			client))
			return true;
	return false;
}

static bool
content_fits(const struct rule *rule, const struct policy_facts *facts)
{
	if (rule->has_size && !size_fits(rule, facts->size))
		return false;
	if (rule->headers != NULL && !has_header(rule, facts->fields))
		return false;
	return rule->subject == NULL || has_tag(rule, facts->subject);
}

static bool
size_fits(const struct rule *rule, uint64_t size)
{
	return rule->size_above ? size > rule->size : size < rule->size;
}

static bool
has_header(const struct rule *rule, const struct fields *fields)
{
	size_t i;
	guint m;

	if (fields == NULL)
		return false;
	for (i = 0; i < fields->count; i++)
		for (m = 0; m < rule->headers->len; m++)
			if (field_fits(&fields->list[i],
				g_ptr_array_index(rule->headers, m)))
				return true;
	return false;
}

static bool
field_fits(const struct field *field, const struct header_matcher *matcher)
{
	char *value;
	bool fits;

	if (g_ascii_strcasecmp(field->name, matcher->name) != 0)
		return false;
	if (matcher->value == NULL)
		return true;
	value = text_fold(field->value);
	fits = strcmp(value, matcher->value) == 0;
	g_free(value);
	return fits;
}

static bool
has_tag(const struct rule *rule, const char *subject)
{
	char *folded;
	bool found;

	if (subject == NULL)
		return false;
	folded = text_fold(subject);
	found = strstr(folded, rule->subject_folded) != NULL;
	g_free(folded);
	return found;
}

char *
text_fold(const char *text)
{
	char *valid = g_utf8_make_valid(text, -1), *normal, *folded;
	char *in, *out;

	/* Unfolding takes the line ends and leaves the blanks, RFC 5322 2.2.3. */
	for (in = out = valid; *in != '\0'; in++)
		if (*in != '\r' && *in != '\n')
			*out++ = *in;
	*out = '\0';
	normal = g_utf8_normalize(g_strstrip(valid), -1, G_NORMALIZE_ALL);
	folded = g_utf8_casefold(normal, -1);
	g_free(valid);
	g_free(normal);
	return folded;
}

enum direction
policy_direction(const struct policy_facts *facts)
{
	if (!facts->stored_here)
		return DIRECTION_OUT;
	if (facts->authenticated || facts->local_client)
		return DIRECTION_LOCAL;
	return DIRECTION_IN;
}

const char *
direction_name(enum direction direction)
{
	switch (direction) {
	case DIRECTION_IN:
		return "in";
	case DIRECTION_OUT:
		return "out";
	case DIRECTION_LOCAL:
		return "local";
	}
	return "?";
}

const char *
rung_name(enum rung rung)
{
	return rung_names[rung];
}

int
rung_parse(const char *name, enum rung *rungp)
{
	unsigned int i;

	for (i = 0; i < RUNGS; i++)
		if (strcmp(name, rung_names[i]) == 0) {
			*rungp = (enum rung)i;
			return 0;
		}
	return -1;
}

bool
rung_seals(enum rung rung)
{
	return rung == RUNG_OPENPGP || rung == RUNG_SMIME ||
	       rung == RUNG_PASSPHRASE;
}
