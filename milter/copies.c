/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * copies.c - what becomes of a message as a whole: who shares a copy.
 *
 * In:    what becomes of each recipient.
 * Out:   a plan that can be carried out.
 * Never: has an effect.  `sealctl policy explain` runs the same code.
 */
#include "milter/copies.h"

#include "seal/named.h"
#include "seal/subject.h"

#include <string.h>

static int refuse_refused(const GPtrArray *treatments, struct fault *fault);
static int refuse_different(
    const GPtrArray *treatments, enum delivery delivery, struct fault *fault);
static int refuse_shared(
    const GPtrArray *treatments, enum delivery delivery, struct fault *fault);
static struct copy *copy_make(enum rung form);
static void copy_free(void *data);
static void copy_add(struct copy *copy, struct treatment *treatment,
    const struct message *message, bool hidden);

static struct treatment *
treatment_at(const GPtrArray *treatments, guint i)
{
	return g_ptr_array_index(treatments, i);
}

static bool
same_rung(const GPtrArray *treatments)
{
	guint i;

	for (i = 1; i < treatments->len; i++)
		if (treatment_at(treatments, i)->rung !=
		    treatment_at(treatments, 0)->rung)
			return false;
	return true;
}

/* One text for all.  Readers who are not named are hidden in it: their key
 * IDs would tell the others of them. */
static GPtrArray *
copy_for_all(const GPtrArray *treatments, const struct message *message)
{
	GPtrArray *copies = g_ptr_array_new_with_free_func(copy_free);
	struct copy *copy = copy_make(treatment_at(treatments, 0)->rung);
	/* A copy for one needs no hiding: who has it knows whose it is. */
	GHashTable *named = treatments->len > 1 ? message_named(message) : NULL;
	struct treatment *treatment;
	guint i;

	for (i = 0; i < treatments->len; i++) {
		treatment = treatment_at(treatments, i);
		copy_add(copy, treatment, message,
		    named != NULL &&
			!g_hash_table_contains(named, treatment->given));
	}
	if (named != NULL)
		g_hash_table_destroy(named);
	g_ptr_array_add(copies, copy);
	return copies;
}

int
plan_make(const GPtrArray *treatments, enum delivery delivery,
    const struct message *message, struct plan **planp, struct fault *fault)
{
	struct plan *plan;

	if (treatments->len == 0) {
		fault_set(fault, FAULT_BUG, "a message without recipients");
		return -1;
	}
	if (refuse_refused(treatments, fault) != 0 ||
	    refuse_different(treatments, delivery, fault) != 0 ||
	    refuse_shared(treatments, delivery, fault) != 0)
		return -1;
	plan = g_new0(struct plan, 1);
	plan->verdict = VERDICT_HOLD;
	if (!same_rung(treatments))
		plan->verdict = VERDICT_COPIES;
	else if (treatment_at(treatments, 0)->rung == RUNG_CLEAR)
		plan->verdict = VERDICT_PASS;
	else if (rung_seals(treatment_at(treatments, 0)->rung))
		plan->verdict = delivery == DELIVERY_REINJECT ? VERDICT_COPIES
							      : VERDICT_SEAL;
	plan->copies = plan->verdict == VERDICT_COPIES
			   ? copies_group(treatments, message)
			   : copy_for_all(treatments, message);
	*planp = plan;
	return 0;
}

void
plan_free(struct plan **planp)
{
	struct plan *plan = *planp;

	if (plan == NULL)
		return;
	g_ptr_array_free(plan->copies, TRUE);
	g_free(plan);
	*planp = NULL;
}

const struct copy *
plan_first(const struct plan *plan)
{
	return g_ptr_array_index(plan->copies, 0);
}

static int
refuse_refused(const GPtrArray *treatments, struct fault *fault)
{
	GString *text = g_string_new(NULL);
	const struct treatment *treatment;
	guint i, refused = 0;

	for (i = 0; i < treatments->len; i++) {
		treatment = treatment_at(treatments, i);
		if (treatment->rung != RUNG_REFUSE)
			continue;
		if (refused++ < 4)
			g_string_append_printf(text, "%s<%s>: %s",
			    refused > 1 ? "; " : "", treatment->recipient,
			    treatment->why);
	}
	if (refused > 4)
		g_string_append_printf(text, "; and %u more", refused - 4);
	if (refused > 0)
		fault_set(fault, FAULT_PERM, "%s", text->str);
	g_string_free(text, TRUE);
	return refused > 0 ? -1 : 0;
}

/* One transaction has one body: an edit cannot serve two forms.  And the
 * MTA holds a whole message or none of it. */
static int
refuse_different(
    const GPtrArray *treatments, enum delivery delivery, struct fault *fault)
{
	const struct treatment *first = treatment_at(treatments, 0), *other;
	guint i;

	for (i = 1; i < treatments->len; i++) {
		other = treatment_at(treatments, i);
		if (other->rung == first->rung ||
		    (delivery == DELIVERY_REINJECT &&
			other->rung != RUNG_HOLD && first->rung != RUNG_HOLD))
			continue;
		fault_set(fault, FAULT_PERM,
		    "recipients need different forms"
		    " (<%s>: %s, <%s>: %s), and this server %s",
		    first->recipient, rung_name(first->rung), other->recipient,
		    rung_name(other->rung),
		    delivery == DELIVERY_REINJECT
			? "holds all of a message or nothing: send to them"
			  " separately"
			: "edits messages in place: send to them separately, or"
			  " have its administrator configure delivery by copies"
			  " (inject)");
		return -1;
	}
	return 0;
}

/* An envelope has one reader. */
static int
refuse_shared(
    const GPtrArray *treatments, enum delivery delivery, struct fault *fault)
{
	if (delivery == DELIVERY_REINJECT || treatments->len == 1 ||
	    treatment_at(treatments, 0)->rung != RUNG_PASSPHRASE)
		return 0;
	fault_set(fault, FAULT_PERM,
	    "recipients who open it with a passphrase (<%s>) need a copy each,"
	    " and this server edits messages in place: send to them"
	    " separately, or have its administrator configure delivery by"
	    " copies (inject)",
	    treatment_at(treatments, 0)->recipient);
	return -1;
}

/* --- Copies */

static struct copy *
copy_make(enum rung form)
{
	struct copy *copy = g_new0(struct copy, 1);

	copy->form = form;
	copy->treatments = g_ptr_array_new();
	copy->readers = g_array_new(FALSE, FALSE, sizeof(struct seal_reader));
	copy->at_rest = copy->smime_gcm = copy->smime_oaep = true;
	return copy;
}

static void
copy_free(void *data)
{
	struct copy *copy = data;

	g_ptr_array_free(copy->treatments, TRUE);
	g_array_free(copy->readers, TRUE);
	g_free(copy->subject);
	g_free(copy);
}

static void
add_reader(struct copy *copy, struct key *key, bool hidden)
{
	struct seal_reader reader = {key, hidden}, *there;
	guint i;

	for (i = 0; i < copy->readers->len; i++) {
		there = &g_array_index(copy->readers, struct seal_reader, i);
		if (strcmp(there->key->fingerprint, key->fingerprint) == 0) {
			there->hidden = there->hidden && hidden;
			return;
		}
	}
	g_array_append_val(copy->readers, reader);
}

/* Without what was meant for us. */
static char *
find_subject(const struct treatment *treatment, const struct message *message)
{
	const char *tags[] = {NULL, NULL, NULL};
	size_t count = 0;

	if (treatment->decision.subject_tag != NULL)
		tags[count++] = treatment->decision.subject_tag;
	if (treatment->secret != NULL)
		tags[count++] = treatment->secret->tag;
	return count > 0 ? subject_without(message, tags) : NULL;
}

static void
copy_add(struct copy *copy, struct treatment *treatment,
    const struct message *message, bool hidden)
{
	guint i;

	g_ptr_array_add(copy->treatments, treatment);
	copy->hide_subject |= treatment->decision.hide_subject;
	copy->at_rest &= treatment->direction != DIRECTION_OUT;
	copy->legacy_display |= treatment->decision.legacy_display;
	copy->smime_gcm &= treatment_takes_gcm(treatment);
	copy->smime_oaep &= treatment->decision.smime_oaep;
	if (copy->subject == NULL)
		copy->subject = find_subject(treatment, message);
	if (treatment->secret != NULL)
		copy->secret = treatment->secret->words;
	if (!rung_seals(copy->form) || treatment->key == NULL)
		return;
	add_reader(copy, treatment->key, hidden);
	for (i = 0; i < treatment->recovery->len; i++)
		add_reader(
		    copy, g_ptr_array_index(treatment->recovery, i), false);
}

static bool
same_recovery(const GPtrArray *a, const GPtrArray *b)
{
	const struct key *of_a, *of_b;
	guint i;

	if (a->len != b->len)
		return false;
	for (i = 0; i < a->len; i++) {
		of_a = g_ptr_array_index(a, i);
		of_b = g_ptr_array_index(b, i);
		if (strcmp(of_a->fingerprint, of_b->fingerprint) != 0)
			return false;
	}
	return true;
}

/* True if the recipient can have the copy that the other one has. */
static bool
can_share(const struct treatment *a, const struct treatment *b)
{
	return a->rung == b->rung &&
	       a->decision.hide_subject == b->decision.hide_subject &&
	       a->decision.legacy_display == b->decision.legacy_display &&
	       treatment_takes_gcm(a) == treatment_takes_gcm(b) &&
	       a->decision.smime_oaep == b->decision.smime_oaep &&
	       g_strcmp0(a->decision.subject_tag, b->decision.subject_tag) ==
		   0 &&
	       same_recovery(a->recovery, b->recovery);
}

/* The copy of those before that this one can share, or NULL. */
static struct copy *
find_copy(const GPtrArray *copies, const struct treatment *treatment)
{
	struct copy *copy;
	guint i;

	for (i = 0; i < copies->len; i++) {
		copy = g_ptr_array_index(copies, i);
		if (!copy->alone &&
		    can_share(treatment_at(copy->treatments, 0), treatment))
			return copy;
	}
	return NULL;
}

/* See copies_group(). */
static bool
needs_own(const struct treatment *treatment, bool unnamed)
{
	return rung_seals(treatment->rung) &&
	       (unnamed || treatment->direction != DIRECTION_OUT ||
		   treatment->rung == RUNG_PASSPHRASE);
}

GPtrArray *
copies_group(const GPtrArray *treatments, const struct message *message)
{
	GPtrArray *copies = g_ptr_array_new_with_free_func(copy_free);
	GHashTable *named = message_named(message);
	struct treatment *treatment;
	struct copy *copy;
	bool unnamed, alone;
	guint i;

	for (i = 0; i < treatments->len; i++) {
		treatment = treatment_at(treatments, i);
		unnamed = !g_hash_table_contains(named, treatment->given);
		alone = needs_own(treatment, unnamed);
		copy = alone ? NULL : find_copy(copies, treatment);
		if (copy == NULL) {
			copy = copy_make(treatment->rung);
			g_ptr_array_add(copies, copy);
		}
		copy->alone |= alone;
		copy->unnamed |= unnamed;
		copy_add(copy, treatment, message, false);
	}
	g_hash_table_destroy(named);
	return copies;
}
