/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * seal.c - sealctl seal: the same way on standard input, for LDA, sieve and
 * tests.
 *
 * In:    a message on standard input, an envelope in the arguments.
 * Out:   the copy on standard output, all of it or nothing.
 * Never: prints readable mail unless the policy says "clear".
 */
#include "ctl/ctl.h"

#include "ctl/envelope.h"
#include "milter/copies.h"
#include "milter/runtime.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int seal(struct ctl *ctl, struct envelope *envelope);
static int plan_all(const struct runtime *runtime,
    const struct envelope *envelope, const struct message *message,
    GPtrArray *treatments, struct plan **planp, struct fault *fault);
static int carry_out(const struct runtime *runtime,
    const struct envelope *envelope, const struct plan *plan,
    const struct message *message, struct fault *fault);

int
ctl_seal(struct ctl *ctl, int argc, char *const argv[])
{
	struct envelope envelope;
	int status = envelope_parse(&envelope, ctl, argc, argv);

	if (status == CTL_DONE && envelope.first < argc) {
		ctl_error("seal reads the message from standard input;"
			  " \"%s\" is too much",
		    argv[envelope.first]);
		status = CTL_USAGE;
	}
	if (status == CTL_USAGE)
		fprintf(stderr, "usage: sealctl seal " ENVELOPE_USAGE
				" < message > sealed\n"
				"       sealctl seal " ENVELOPE_USAGE_AT_REST
				" < message > sealed\n");
	else if (status == CTL_DONE)
		status = seal(ctl, &envelope);
	/* Delivery agents return mail to its sender for what is no 75. */
	if (status == CTL_USAGE && envelope.at_rest)
		status = CTL_TEMPORARY;
	envelope_clear(&envelope);
	return status;
}

static void
treatment_release(void *data)
{
	struct treatment *treatment = data;

	treatment_free(&treatment);
}

static int
seal(struct ctl *ctl, struct envelope *envelope)
{
	GPtrArray *treatments =
	    g_ptr_array_new_with_free_func(treatment_release);
	struct fault fault = {FAULT_NONE, ""};
	struct runtime *runtime = NULL;
	struct message *message = NULL;
	struct plan *plan = NULL;
	int status = CTL_DONE;

	if (ctl_become_runtime_user(ctl, &fault) != 0 ||
	    runtime_open(ctl->config, &runtime, &fault) != 0) {
		/* The message is not to blame: it waits for a better time. */
		fault.kind = FAULT_TEMP;
		goto out;
	}
	message = message_make(&runtime->limits);
	if (message_read(message, STDIN_FILENO, ctl->config->message_octets,
		&fault) != 0)
		goto out;
	if (message_size(message) <= strlen("\r\n")) {
		fault_set(&fault, FAULT_TEMP,
		    "there is no message on standard input");
		goto out;
	}
	if (plan_all(runtime, envelope, message, treatments, &plan, &fault) !=
	    0)
		goto out;
	(void)carry_out(runtime, envelope, plan, message, &fault);
out:
	if (fault.kind != FAULT_NONE)
		status = ctl_fault(&fault);
	plan_free(&plan);
	g_ptr_array_free(treatments, TRUE);
	message_free(&message);
	runtime_unref(&runtime);
	return status;
}

/* There is one standard output, whatever the daemon could do. */
static int
plan_treated(const GPtrArray *treatments, const struct config *config,
    const struct message *message, struct plan **planp, struct fault *fault)
{
	int r;

	r = plan_make(treatments, DELIVERY_EDIT, message, planp, fault);
	if (r != 0)
		return -1;
	r = copies_derive(treatments, config, G_MAXINT64, fault);
	if (r == 0)
		return 0;
	plan_free(planp);
	return r == -1 ? -1
		       : plan_make(
			     treatments, DELIVERY_EDIT, message, planp, fault);
}

static int
plan_all(const struct runtime *runtime, const struct envelope *envelope,
    const struct message *message, GPtrArray *treatments, struct plan **planp,
    struct fault *fault)
{
	struct content content;
	struct treatment *treatment;
	guint i;
	int r = 1;

	if (content_read(message, runtime->config, &envelope->origin, &content,
		fault) != 0)
		return -1;
	/* Nobody would be told of a passphrase that was made here. */
	content.automatic = true;
	for (i = 0; i < envelope->recipients->len && r == 1; i++) {
		r = plan_recipient(runtime->config, runtime->keys,
		    &envelope->origin,
		    g_ptr_array_index(envelope->recipients, i), &content,
		    &treatment, fault);
		if (r == 1)
			g_ptr_array_add(treatments, treatment);
	}
	content_clear(&content);
	return r == 1 ? plan_treated(
			    treatments, runtime->config, message, planp, fault)
		      : -1;
}

/*
 * What is encrypted already is at rest as it is.  The marks on it are those of
 * the daemon in front, which lets no others in; taken away, nobody could tell
 * any more what it has sealed.
 */
static int
pass(const struct envelope *envelope, const struct copy *copy,
    const struct message *message, struct fault *fault)
{
	const struct treatment *first = g_ptr_array_index(copy->treatments, 0);

	if (envelope->at_rest && first->sealed_already)
		return message_write_whole(message, STDOUT_FILENO, fault);
	return message_write(message, copy->subject, STDOUT_FILENO, fault);
}

static int
carry_out(const struct runtime *runtime, const struct envelope *envelope,
    const struct plan *plan, const struct message *message, struct fault *fault)
{
	const struct copy *copy = plan_first(plan);
	struct sealed *sealed = NULL;
	int r = -1;

	switch (plan->verdict) {
	case VERDICT_PASS:
		return pass(envelope, copy, message, fault);
	case VERDICT_HOLD:
		fault_set(fault, FAULT_PERM,
		    "the policy holds this message;"
		    " there is no hold queue here");
		return -1;
	case VERDICT_COPIES:
		fault_set(fault, FAULT_BUG, "copies were not asked for");
		return -1;
	case VERDICT_SEAL:
		if (copy_seal(
			copy, runtime, message, UINT_MAX, &sealed, fault) == 0)
			r = sealed_write(sealed, message, STDOUT_FILENO, fault);
		sealed_free(&sealed);
		break;
	}
	return r;
}
