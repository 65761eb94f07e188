/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * explained.c - print what becomes of a message, and why.
 *
 * In:    treatments and faults, one for each recipient.
 * Out:   text for people, or JSON for programs, on standard output.
 * Never: decides anything.
 */
#include "ctl/explained.h"

#include "ctl/ctl.h"
#include "ctl/json.h"

#include <stdio.h>

/* One recipient. */
struct line {
	char *recipient;
	struct treatment *treatment; /* NULL: see fault */
	struct fault fault;
};

struct explained {
	GPtrArray *lines; /* of struct line * */
	bool all_known;   /* one of the two below is there */
	struct plan *plan;
	char *refusal; /* the message as a whole is refused; or NULL */
	bool seen;     /* so the plan tells who shares a copy */
};

static void line_free(void *data);
static void print_line(const struct line *line);
static void print_rule(const struct treatment *treatment);
static void print_rungs(const struct treatment *treatment);
static void print_result(const struct treatment *treatment);
static void print_copies(const struct explained *explained);
static const char *verdict_text(enum verdict verdict);
static const char *verdict_name(enum verdict verdict);
static void json_copies(GString *json, const struct explained *explained);
static void json_line(GString *json, const struct line *line);
static void json_treatment(GString *json, const struct treatment *treatment);
static void json_rungs(GString *json, const struct treatment *treatment);
static void json_key(GString *json, const struct key *key);

struct explained *
explained_make(void)
{
	struct explained *explained = g_new0(struct explained, 1);

	explained->lines = g_ptr_array_new_with_free_func(line_free);
	return explained;
}

void
explained_free(struct explained **explainedp)
{
	if (*explainedp == NULL)
		return;
	plan_free(&(*explainedp)->plan);
	g_ptr_array_unref((*explainedp)->lines);
	g_free((*explainedp)->refusal);
	g_free(*explainedp);
	*explainedp = NULL;
}

static void
line_free(void *data)
{
	struct line *line = data;

	treatment_free(&line->treatment);
	g_free(line->recipient);
	g_free(line);
}

void
explained_add(struct explained *explained, const char *recipient,
    struct treatment *treatment, const struct fault *fault)
{
	struct line *line = g_new0(struct line, 1);

	line->recipient = g_strdup(recipient);
	line->treatment = treatment;
	line->fault = *fault;
	g_ptr_array_add(explained->lines, line);
}

void
explained_add_whole(struct explained *explained, enum delivery delivery,
    const struct message *message, bool seen)
{
	GPtrArray *treatments = g_ptr_array_new();
	struct fault fault;
	const struct line *line;
	guint i;

	for (i = 0; i < explained->lines->len; i++) {
		line = g_ptr_array_index(explained->lines, i);
		if (line->treatment == NULL)
			goto out;
		g_ptr_array_add(treatments, line->treatment);
	}
	explained->all_known = true;
	explained->seen = seen;
	if (plan_make(
		treatments, delivery, message, &explained->plan, &fault) != 0)
		explained->refusal = g_strdup(fault.text);
out:
	g_ptr_array_unref(treatments);
}

int
explained_status(const struct explained *explained)
{
	const struct line *line;
	int status = CTL_DONE;
	guint i;

	for (i = 0; i < explained->lines->len; i++) {
		line = g_ptr_array_index(explained->lines, i);
		if (line->fault.kind == FAULT_TEMP ||
		    line->fault.kind == FAULT_BUG)
			return CTL_TEMPORARY;
		if (line->fault.kind == FAULT_PERM)
			status = CTL_REFUSED;
	}
	return status;
}

void
explained_print(const struct explained *explained)
{
	guint i;

	for (i = 0; i < explained->lines->len; i++)
		print_line(g_ptr_array_index(explained->lines, i));
	if (!explained->all_known)
		return;
	if (explained->refusal != NULL)
		printf("The message is refused: %s\n", explained->refusal);
	else if (explained->plan->verdict == VERDICT_COPIES)
		print_copies(explained);
	else
		printf("The message %s.\n",
		    verdict_text(explained->plan->verdict));
}

/* Who shares a copy depends on To and Cc. */
static void
print_copies(const struct explained *explained)
{
	const GPtrArray *copies = explained->plan->copies;
	const struct treatment *treatment;
	const struct copy *copy;
	guint i, j;

	if (!explained->seen && explained->lines->len > 1) {
		printf("The message is sent in copies, one for each form at "
		       "least.  Who is in its To or Cc may\nshare a sealed "
		       "copy: name a message to see who does.\n");
		return;
	}
	printf("The message is sent in %u %s:\n", copies->len,
	    copies->len == 1 ? "copy" : "copies");
	for (i = 0; i < copies->len; i++) {
		copy = g_ptr_array_index(copies, i);
		printf("  %-11s", rung_name(copy->form));
		for (j = 0; j < copy->treatments->len; j++) {
			treatment = g_ptr_array_index(copy->treatments, j);
			printf("%s %s", j > 0 ? "," : "", treatment->recipient);
		}
		printf("%s\n", explained->seen && copy->alone && copy->unnamed
				   ? " (alone: in neither To nor Cc)"
				   : "");
	}
}

static void
print_line(const struct line *line)
{
	printf("%s\n", line->recipient);
	if (line->treatment != NULL) {
		print_rule(line->treatment);
		print_rungs(line->treatment);
		print_result(line->treatment);
	} else if (line->fault.kind == FAULT_NONE)
		printf("  result      not decided yet: %s\n", line->fault.text);
	else if (line->fault.kind == FAULT_PERM)
		printf("  result      refused: %s\n", line->fault.text);
	else
		printf(
		    "  result      cannot tell, the sender has to try again: "
		    "%s\n",
		    line->fault.text);
	printf("\n");
}

static void
print_rule(const struct treatment *treatment)
{
	const struct decision *decision = &treatment->decision;

	if (decision->rule == NULL)
		printf("  rule        none fits\n");
	else
		printf("  rule        \"%s\"%s\n", decision->rule,
		    decision->raised_by != NULL
			? ", which the message asked for"
			: "");
	if (decision->lowering != NULL)
		printf("  ignored     \"%s\": the message asked for it, but it "
		       "protects less\n",
		    decision->lowering);
	printf("  direction   %s\n", direction_name(treatment->direction));
}

/* Which one it is sealed with. */
static const char *
passphrase_kind(const struct treatment *treatment)
{
	if (treatment->rung != RUNG_PASSPHRASE)
		return NULL;
	if (treatment->secret != NULL)
		return "subject";
	return treatment->fresh ? "made" : "set";
}

static void
print_passphrase(const struct treatment *treatment)
{
	if (treatment->secret != NULL)
		printf("  key         from the words in the Subject\n");
	else if (treatment->fresh)
		printf("  key         from words that are made then, and told "
		       "to the sender\n");
	else
		printf("  key         %s (%s)\n", treatment->key->fingerprint,
		    treatment->key->source);
}

static void
print_rungs(const struct treatment *treatment)
{
	const struct attempt *attempt;
	const struct key *key;
	guint i;

	for (i = 0; i < treatment->attempts->len; i++) {
		attempt =
		    &g_array_index(treatment->attempts, struct attempt, i);
		printf("  %-11s %s%s\n", rung_name(attempt->rung),
		    attempt->why != NULL ? "no: " : "yes",
		    attempt->why != NULL ? attempt->why : "");
	}
	if (treatment->rung == RUNG_PASSPHRASE)
		print_passphrase(treatment);
	else if (treatment->key != NULL)
		printf("  key         %s, subkey %s (%s)\n",
		    treatment->key->fingerprint, treatment->key->subkey,
		    treatment->key->source);
	if (treatment->rung == RUNG_SMIME)
		printf("  cipher      AES-256-%s%s\n",
		    treatment_takes_gcm(treatment) ? "GCM" : "CBC",
		    treatment->decision.smime_cipher != SMIME_AUTO
			? ", as the rule says"
		    : treatment_takes_gcm(treatment)
			? ", as its certificate asks for"
			: "");
	for (i = 0; i < treatment->recovery->len; i++) {
		key = g_ptr_array_index(treatment->recovery, i);
		printf("  recovery    %s: %s, subkey %s (%s)\n", key->address,
		    key->fingerprint, key->subkey, key->source);
	}
}

static void
print_result(const struct treatment *treatment)
{
	const char *why = treatment->why != NULL ? treatment->why : "";

	printf("  result      ");
	switch (treatment->rung) {
	case RUNG_OPENPGP:
	case RUNG_SMIME:
	case RUNG_PASSPHRASE:
		printf("sealed with %s%s\n", rung_name(treatment->rung),
		    treatment->decision.hide_subject ? ", its subject hidden"
						     : "");
		break;
	case RUNG_CLEAR:
		if (treatment->sealed_already)
			printf("as it is: its sender has encrypted it\n");
		else if (treatment->bounce)
			printf("in clear, since it is a bounce and the rule's "
			       "\"bounces\" lets it through\n");
		else
			printf("in clear\n");
		break;
	case RUNG_HOLD:
		printf("held: %s\n", why);
		break;
	case RUNG_REFUSE:
		printf("refused: %s\n", why);
		break;
	}
}

static const char *
verdict_text(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_PASS:
		return "goes on as it is";
	case VERDICT_SEAL:
		return "is sealed";
	case VERDICT_HOLD:
		return "is kept in the mail server's hold queue";
	case VERDICT_COPIES:
		return "is sent in copies"; /* print_copies() has more */
	}
	return "?";
}

static const char *
verdict_name(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_PASS:
		return "pass";
	case VERDICT_SEAL:
		return "seal";
	case VERDICT_HOLD:
		return "hold";
	case VERDICT_COPIES:
		return "copies";
	}
	return "?";
}

void
explained_print_json(const struct explained *explained)
{
	GString *json = g_string_new("{\"recipients\": [");
	guint i;

	for (i = 0; i < explained->lines->len; i++)
		json_line(json, g_ptr_array_index(explained->lines, i));
	g_string_append(json, "]");
	json_text(json, "verdict",
	    !explained->all_known ? NULL
	    : explained->refusal != NULL
		? "refuse"
		: verdict_name(explained->plan->verdict));
	json_copies(json, explained);
	json_text(json, "why", explained->refusal);
	g_string_append(json, "}");
	printf("%s\n", json->str);
	g_string_free(json, TRUE);
}

/* null where there are none, and where the header would have to be known. */
static void
json_copies(GString *json, const struct explained *explained)
{
	const struct treatment *treatment;
	const struct copy *copy;
	guint i, j;

	json_name(json, "copies");
	if (explained->plan == NULL ||
	    explained->plan->verdict != VERDICT_COPIES ||
	    (!explained->seen && explained->lines->len > 1)) {
		g_string_append(json, "null");
		return;
	}
	json_open(json, '[');
	for (i = 0; i < explained->plan->copies->len; i++) {
		copy = g_ptr_array_index(explained->plan->copies, i);
		json_open(json, '{');
		json_text(json, "form", rung_name(copy->form));
		json_name(json, "recipients");
		json_open(json, '[');
		for (j = 0; j < copy->treatments->len; j++) {
			treatment = g_ptr_array_index(copy->treatments, j);
			json_element(json, treatment->recipient);
		}
		g_string_append(json, "]}");
	}
	g_string_append(json, "]");
}

static void
json_line(GString *json, const struct line *line)
{
	json_open(json, '{');
	json_text(json, "recipient", line->recipient);
	if (line->treatment != NULL) {
		json_treatment(json, line->treatment);
	} else {
		json_text(json, "form", NULL);
		json_bool(
		    json, "needs_content", line->fault.kind == FAULT_NONE);
		json_bool(json, "temporary",
		    line->fault.kind == FAULT_TEMP ||
			line->fault.kind == FAULT_BUG);
		json_text(json, "why", line->fault.text);
	}
	g_string_append(json, "}");
}

static void
json_treatment(GString *json, const struct treatment *treatment)
{
	const struct decision *decision = &treatment->decision;
	guint i;

	json_text(json, "address", treatment->address);
	json_text(json, "rule", decision->rule);
	json_text(json, "raised_by", decision->raised_by);
	json_text(json, "ignored", decision->lowering);
	json_text(json, "direction", direction_name(treatment->direction));
	json_rungs(json, treatment);
	json_text(json, "form", rung_name(treatment->rung));
	json_text(json, "why", treatment->why);
	json_bool(json, "hide_subject", decision->hide_subject);
	json_bool(json, "sealed_already", treatment->sealed_already);
	json_bool(json, "bounce", treatment->bounce);
	json_text(json, "cipher",
	    treatment->rung != RUNG_SMIME    ? NULL
	    : treatment_takes_gcm(treatment) ? "aes256-gcm"
					     : "aes256-cbc");
	json_text(json, "passphrase", passphrase_kind(treatment));
	json_name(json, "key");
	json_key(json, treatment->key);
	json_name(json, "recovery");
	json_open(json, '[');
	for (i = 0; i < treatment->recovery->len; i++)
		json_key(json, g_ptr_array_index(treatment->recovery, i));
	g_string_append(json, "]");
}

static void
json_rungs(GString *json, const struct treatment *treatment)
{
	const struct attempt *attempt;
	guint i;

	json_name(json, "rungs");
	json_open(json, '[');
	for (i = 0; i < treatment->attempts->len; i++) {
		attempt =
		    &g_array_index(treatment->attempts, struct attempt, i);
		json_open(json, '{');
		json_text(json, "form", rung_name(attempt->rung));
		json_bool(json, "holds", attempt->why == NULL);
		json_text(json, "why", attempt->why);
		g_string_append(json, "}");
	}
	g_string_append(json, "]");
}

static void
json_key(GString *json, const struct key *key)
{
	if (key == NULL) {
		g_string_append(json, "null");
		return;
	}
	json_open(json, '{');
	json_text(json, "address", key->address);
	json_text(json, "fingerprint", key->fingerprint);
	json_text(json, "subkey", key->subkey);
	json_text(json, "source", key->source);
	g_string_append(json, "}");
}
