/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * plan.c - what becomes of a message for each of its recipients.
 *
 * In:    envelope, policy, keys, and the content once it is known.
 * Out:   treatments; copies.c makes a plan of them.
 * Never: has an effect.  `sealctl policy explain` runs the same code.
 */
#include "milter/plan.h"

#include "keys/passphrases.h"
#include "milter/resolve.h"

#include <string.h>

/* What is known while one ladder is climbed. */
struct climb {
	const struct config *config;
	struct keys *keys;
	const struct origin *origin;
	const struct content *content; /* or NULL */
	struct treatment *treatment;
};

static int climb(const struct climb *climb, struct fault *fault);
static int try_key(struct treatment *treatment, enum rung rung,
    struct keys *keys, char **whyp, struct fault *fault);
static int try_passphrase(
    const struct climb *climb, char **whyp, struct fault *fault);
static int may_make(
    const struct climb *climb, char **whyp, struct fault *fault);
static int find_recovery(struct treatment *treatment, enum key_kind kind,
    struct keys *keys, const char *const *addresses, struct fault *fault);
static void settle(struct treatment *treatment, const struct origin *origin);

static void
attempt_clear(void *data)
{
	g_free(((struct attempt *)data)->why);
}

static void
key_release(void *data)
{
	struct key *key = data;

	key_unref(&key);
}

/* The address as people write it: without the brackets of SMTP. */
static char *
without_brackets(const char *recipient)
{
	size_t len = strlen(recipient);

	if (len >= 2 && recipient[0] == '<' && recipient[len - 1] == '>')
		return g_strndup(recipient + 1, len - 2);
	return g_strdup(recipient);
}

static struct treatment *
treatment_make(const char *recipient)
{
	struct treatment *treatment = g_new0(struct treatment, 1);

	treatment->recipient = without_brackets(recipient);
	treatment->attempts = g_array_new(FALSE, FALSE, sizeof(struct attempt));
	g_array_set_clear_func(treatment->attempts, attempt_clear);
	treatment->recovery = g_ptr_array_new_with_free_func(key_release);
	treatment->rung = RUNG_REFUSE;
	return treatment;
}

void
treatment_free(struct treatment **treatmentp)
{
	struct treatment *treatment = *treatmentp;

	if (treatment == NULL)
		return;
	g_free(treatment->recipient);
	g_free(treatment->given);
	g_free(treatment->address);
	g_array_free(treatment->attempts, TRUE);
	g_ptr_array_free(treatment->recovery, TRUE);
	key_unref(&treatment->key);
	secret_unref(&treatment->secret);
	g_free(treatment->why);
	g_free(treatment);
	*treatmentp = NULL;
}

bool
treatment_takes_gcm(const struct treatment *treatment)
{
	const struct key *key = treatment->key;
	bool all = key != NULL && key->wants_gcm;
	guint i;

	if (treatment->decision.smime_cipher != SMIME_AUTO)
		return treatment->decision.smime_cipher == SMIME_GCM;
	for (i = 0; i < treatment->recovery->len; i++) {
		key = g_ptr_array_index(treatment->recovery, i);
		all = all && key->wants_gcm;
	}
	return all;
}

static struct policy_facts
make_facts(const struct config *config, const struct origin *origin,
    const struct treatment *treatment, const struct content *content)
{
	struct policy_facts facts = {
	    .sender = origin->sender,
	    .recipient = treatment->address,
	    .client = origin->client,
	    .authenticated = origin->authenticated,
	    .local_client = origin->local_client,
	    .tls = origin->tls,
	    .stored_here = config_stores(config, treatment->address),
	    .content_known = content != NULL,
	};

	if (content != NULL) {
		facts.fields = content->fields;
		facts.subject = content->subject;
		facts.size = content->size;
	}
	return facts;
}

int
plan_recipient(const struct config *config, struct keys *keys,
    const struct origin *origin, const char *recipient,
    const struct content *content, struct treatment **treatmentp,
    struct fault *fault)
{
	struct treatment *treatment = treatment_make(recipient);
	const struct climb it = {config, keys, origin, content, treatment};
	struct policy_facts facts;
	int r = -1;

	if (recipient_resolve(config, recipient, &treatment->given,
		&treatment->address, fault) != 0)
		goto out;
	facts = make_facts(config, origin, treatment, content);
	treatment->direction = policy_direction(&facts);
	r = policy_decide(config->policy, &facts, &treatment->decision);
	if (r != 1)
		goto out;
	if (content != NULL && content->secret != NULL)
		treatment->secret = secret_ref(content->secret);
	r = climb(&it, fault);
	if (r != 1)
		goto out;
	settle(treatment, origin);
	*treatmentp = treatment;
	treatment = NULL;
out:
	treatment_free(&treatment);
	return r;
}

static void
add_attempt(struct treatment *treatment, enum rung rung, char *why)
{
	struct attempt attempt = {rung, why};

	g_array_append_val(treatment->attempts, attempt);
}

/* What would be in clear where its sender set a passphrase. */
static int
try_readable(const struct climb *climb, enum rung rung, char **whyp)
{
	if (rung != RUNG_REFUSE && climb->treatment->secret != NULL) {
		*whyp = g_strdup("the Subject sets a passphrase");
		return 0;
	}
	climb->treatment->rung = rung;
	return 1;
}

/* 1: the rung holds.  0: it does not, *whyp says why.  -1: cannot tell. */
static int
try_rung(
    const struct climb *climb, enum rung rung, char **whyp, struct fault *fault)
{
	const bool sealed =
	    climb->content != NULL && climb->content->sealed_already;

	switch (rung) {
	case RUNG_OPENPGP:
	case RUNG_SMIME:
		if (!sealed)
			return try_key(
			    climb->treatment, rung, climb->keys, whyp, fault);
		break;
	case RUNG_PASSPHRASE:
		if (!sealed)
			return try_passphrase(climb, whyp, fault);
		break;
	case RUNG_CLEAR:
	case RUNG_HOLD:
	case RUNG_REFUSE:
		return try_readable(climb, rung, whyp);
	}
	climb->treatment->sealed_already = sealed;
	climb->treatment->rung = RUNG_CLEAR;
	return 1;
}

/* A passphrase in the Subject goes before one that is set, and keeps off
 * clear text. */
static bool
needs_content(const struct climb *climb, enum rung rung)
{
	return climb->content == NULL &&
	       (rung == RUNG_PASSPHRASE || rung == RUNG_CLEAR ||
		   rung == RUNG_HOLD) &&
	       content_may_give(climb->config, climb->origin);
}

/* NULL, or why nothing of the ladder is tried. */
static const char *
find_obstacle(const struct climb *climb)
{
	const struct treatment *treatment = climb->treatment;

	if (treatment->decision.require_tls && !climb->origin->tls &&
	    !climb->origin->local_client)
		return "the client did not use TLS";
	if (treatment->secret != NULL && climb->content->sealed_already)
		return "the Subject sets a passphrase for what is encrypted"
		       " already";
	return NULL;
}

/* 1: treatment->rung is the rung that holds, RUNG_REFUSE if none does.  0: the
 * content is needed.  -1: cannot tell. */
static int
climb(const struct climb *climb, struct fault *fault)
{
	struct treatment *treatment = climb->treatment;
	const struct decision *decision = &treatment->decision;
	const char *obstacle = find_obstacle(climb);
	int holds = 0;
	char *why;
	size_t i;

	treatment->why = g_strdup(obstacle);
	for (i = 0; obstacle == NULL && i < decision->rungs && holds == 0;
	     i++) {
		if (needs_content(climb, decision->ladder[i]))
			return 0;
		why = NULL;
		holds = try_rung(climb, decision->ladder[i], &why, fault);
		if (holds == 0 && why == NULL)
			return 0;
		if (holds >= 0)
			add_attempt(treatment, decision->ladder[i], why);
	}
	return holds < 0 ? -1 : 1;
}

static const char *
none_of(enum key_kind kind)
{
	return kind == KEY_SMIME ? "no certificate" : "no key";
}

/* 1: the key (and every key for recovery) can be used.  0: *whyp says why
 * not.  -1: cannot tell. */
static int
try_key(struct treatment *treatment, enum rung rung, struct keys *keys,
    char **whyp, struct fault *fault)
{
	const enum key_kind kind = rung == RUNG_SMIME ? KEY_SMIME : KEY_OPENPGP;
	const struct decision *decision = &treatment->decision;
	char *unusable = NULL;
	size_t i;
	int r;

	r = keys_find(
	    keys, kind, treatment->address, &treatment->key, &unusable, fault);
	if (r == 0)
		*whyp = unusable != NULL ? unusable : g_strdup(none_of(kind));
	if (r != 1)
		return r;
	for (i = 0; i < G_N_ELEMENTS(decision->recovery); i++)
		if (find_recovery(treatment, kind, keys, decision->recovery[i],
			fault) != 0)
			return -1;
	treatment->rung = rung;
	return 1;
}

/* A copy that the archive cannot open must not leave: later is better. */
static int
find_recovery(struct treatment *treatment, enum key_kind kind,
    struct keys *keys, const char *const *addresses, struct fault *fault)
{
	struct key *key = NULL;
	char *why = NULL;
	int r;

	for (; addresses != NULL && *addresses != NULL; addresses++) {
		r = keys_find(keys, kind, *addresses, &key, &why, fault);
		if (r == 0)
			fault_set(fault, FAULT_TEMP,
			    "no key for recovery by %s: %s", *addresses,
			    why != NULL ? why : none_of(kind));
		g_clear_pointer(&why, g_free);
		if (r != 1)
			return -1;
		g_ptr_array_add(treatment->recovery, key);
		key = NULL;
	}
	return 0;
}

/* --- Passphrases */

static bool
wants_recovery(const struct decision *decision)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(decision->recovery); i++)
		if (decision->recovery[i] != NULL)
			return true;
	return false;
}

bool
plan_fits_envelope(const struct content *content)
{
	return content->size <= SEAL_PASSPHRASE_OCTETS_MAX;
}

/* As try_rung(); and 0 without a reason: the content is needed. */
static int
try_passphrase(const struct climb *climb, char **whyp, struct fault *fault)
{
	struct treatment *treatment = climb->treatment;
	int r = 1;

	if (wants_recovery(&treatment->decision)) {
		*whyp = g_strdup("no recovery by others of what is sealed with"
				 " a passphrase");
		return 0;
	}
	if (climb->content != NULL && !plan_fits_envelope(climb->content)) {
		*whyp = g_strdup("too large for a passphrase envelope");
		return 0;
	}
	if (treatment->secret == NULL) {
		if (keys_store(climb->keys) == NULL) {
			*whyp = g_strdup("no passphrases without the key source"
					 " \"store\"");
			return 0;
		}
		r = passphrase_find(climb->keys, climb->origin->sender,
		    treatment->address, &treatment->key, fault);
		if (r == 0) {
			r = may_make(climb, whyp, fault);
			treatment->fresh = r == 1;
		}
	}
	if (r == 1)
		treatment->rung = RUNG_PASSPHRASE;
	return r;
}

/* NULL, or why this sender is not told passphrases. */
static const char *
find_stranger(const struct climb *climb)
{
	const struct origin *origin = climb->origin;

	if (!climb->config->passphrase.generate)
		return "no passphrase";
	if (!origin->authenticated && !origin->local_client)
		return "no passphrase, and none is made for mail of strangers";
	if (origin->sender[0] == '\0')
		return "no passphrase, and none is made for bounces";
	if (!config_stores(climb->config, origin->sender))
		return "no passphrase, and none is made for senders of other"
		       " domains";
	if (climb->content != NULL && climb->content->automatic)
		return "no passphrase, and none is made for mail of programs"
		       " and lists";
	return NULL;
}

/* 1: one may be made, and the sender be told.  0: no; or, without a reason,
 * the content is needed.  -1: cannot tell. */
static int
may_make(const struct climb *climb, char **whyp, struct fault *fault)
{
	const char *stranger = find_stranger(climb);
	struct treatment *notice = NULL;
	char *why = NULL;
	int r;

	if (stranger != NULL) {
		*whyp = g_strdup(stranger);
		return 0;
	}
	if (climb->content == NULL)
		return 0;
	r = plan_notice(climb->config, climb->keys, climb->origin->sender,
	    &notice, &why, fault);
	if (r == 1 && strcmp(notice->address, climb->treatment->address) == 0) {
		why =
		    g_strdup("it would be told to the mailbox that it is for");
		r = 0;
	}
	if (r == 0)
		*whyp =
		    g_strdup_printf("no passphrase, and none is made: %s", why);
	g_free(why);
	treatment_free(&notice);
	return r;
}

/* In clear only if there is no key: what it tells is worth one. */
static int
prefer_key(struct treatment *notice, struct keys *keys, struct fault *fault)
{
	static const struct {
		enum key_kind kind;
		enum rung rung;
	} forms[] = {{KEY_OPENPGP, RUNG_OPENPGP}, {KEY_SMIME, RUNG_SMIME}};

	char *unusable = NULL;
	size_t i;
	int r = 0;

	for (i = 0; i < G_N_ELEMENTS(forms) && r == 0; i++) {
		r = keys_find(keys, forms[i].kind, notice->address,
		    &notice->key, &unusable, fault);
		g_clear_pointer(&unusable, g_free);
		if (r == 1)
			notice->rung = forms[i].rung;
	}
	return r == -1 ? -1 : 0;
}

/* The content is known to be of a program, so no passphrase is made for it. */
int
plan_notice(const struct config *config, struct keys *keys, const char *sender,
    struct treatment **treatmentp, char **whyp, struct fault *fault)
{
	char *address = g_strdup(sender);
	const struct origin origin = {.sender = address,
	    .authenticated = true,
	    .local_client = true,
	    .tls = true};
	const struct fields none = {NULL, 0};
	const struct content content = {.fields = &none, .automatic = true};
	struct treatment *treatment = NULL;
	int r;

	r = plan_recipient(
	    config, keys, &origin, sender, &content, &treatment, fault);
	if (r == 1 && treatment->rung == RUNG_CLEAR &&
	    prefer_key(treatment, keys, fault) != 0)
		r = -1;
	if (r == 1 && !rung_seals(treatment->rung) &&
	    treatment->rung != RUNG_CLEAR) {
		*whyp = g_strdup_printf(
		    "the sender cannot be told: %s", treatment->why);
		r = 0;
	} else if (r == -1 && fault->kind == FAULT_PERM) {
		*whyp = g_strdup(fault->text);
		r = 0;
	}
	if (r == 1) {
		treatment->notice = true;
		*treatmentp = g_steal_pointer(&treatment);
	}
	treatment_free(&treatment);
	g_free(address);
	return r;
}

/* --- What people are told */

/* "no OpenPGP key; rule "x" allows nothing else" for those who are refused or
 * held. */
static void
explain(struct treatment *treatment)
{
	const struct decision *decision = &treatment->decision;
	GString *why = g_string_new(NULL);
	const struct attempt *attempt;
	guint i;

	for (i = 0; i < treatment->attempts->len; i++) {
		attempt =
		    &g_array_index(treatment->attempts, struct attempt, i);
		if (attempt->why != NULL)
			g_string_append_printf(why, "%s%s",
			    why->len > 0 ? ", " : "", attempt->why);
	}
	if (decision->rule == NULL)
		g_string_append(why, "no rule of the policy allows it");
	else
		g_string_append_printf(why, "%spolicy \"%s\" %s",
		    why->len > 0 ? "; " : "", decision->rule,
		    treatment->rung == RUNG_HOLD
			? "holds it"
			: "does not let it through unsealed");
	treatment->why = g_string_free(why, FALSE);
}

/*
 * A bounce that is refused bounces nowhere: its sender's MTA gives up and
 * tells its postmaster.  So the rule says what becomes of mail from the null
 * sender that the ladder would refuse.  It is for bounces: a user of ours who
 * sets no sender hears the refusal, and a tag that asks for protection gets
 * it.
 */
static bool
may_bounce_clear(const struct treatment *treatment, const struct origin *origin)
{
	const struct decision *decision = &treatment->decision;

	return origin->sender[0] == '\0' && !origin->authenticated &&
	       treatment->rung == RUNG_REFUSE && treatment->why == NULL &&
	       decision->rule != NULL && decision->raised_by == NULL &&
	       decision->bounces == BOUNCES_CLEAR;
}

static void
settle(struct treatment *treatment, const struct origin *origin)
{
	if (may_bounce_clear(treatment, origin)) {
		treatment->rung = RUNG_CLEAR;
		treatment->bounce = true;
	}
	if (treatment->why == NULL &&
	    (treatment->rung == RUNG_REFUSE || treatment->rung == RUNG_HOLD))
		explain(treatment);
}
