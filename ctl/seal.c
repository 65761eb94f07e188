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
#include "seal/already.h"
#include "seal/subject.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int seal(struct ctl *ctl, struct envelope *envelope);
static int plan_all(const struct runtime *runtime,
    const struct envelope *envelope, const struct message *message,
    GPtrArray *treatments, struct plan **planp, struct fault *fault);
static int carry_out(const struct runtime *runtime, const struct plan *plan,
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
				" < message > sealed\n");
	else
		status = seal(ctl, &envelope);
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
	(void)carry_out(runtime, plan, message, &fault);
out:
	if (fault.kind != FAULT_NONE)
		status = ctl_fault(&fault);
	plan_free(&plan);
	g_ptr_array_free(treatments, TRUE);
	message_free(&message);
	runtime_unref(&runtime);
	return status;
}

static int
plan_all(const struct runtime *runtime, const struct envelope *envelope,
    const struct message *message, GPtrArray *treatments, struct plan **planp,
    struct fault *fault)
{
	struct content content = {
	    .fields = &message->header, .size = message_size(message)};
	struct treatment *treatment;
	char *subject = subject_decode(message);
	int sealed = message_is_sealed(message, fault);
	guint i;
	int r = sealed == -1 ? -1 : 1;

	content.subject = subject;
	content.sealed_already = sealed == 1;
	for (i = 0; i < envelope->recipients->len && r == 1; i++) {
		r = plan_recipient(runtime->config, runtime->keys,
		    &envelope->origin,
		    g_ptr_array_index(envelope->recipients, i), &content,
		    &treatment, fault);
		if (r == 1)
			g_ptr_array_add(treatments, treatment);
	}
	g_free(subject);
	/* There is one standard output, whatever the daemon could do. */
	return r == 1
		   ? plan_make(treatments, DELIVERY_EDIT, message, planp, fault)
		   : -1;
}

static int
carry_out(const struct runtime *runtime, const struct plan *plan,
    const struct message *message, struct fault *fault)
{
	const struct copy *copy = plan_first(plan);
	const struct seal_order order = copy_order(copy, runtime);
	struct sealed *sealed = NULL;
	int r = -1;

	switch (plan->verdict) {
	case VERDICT_PASS:
		return message_write(
		    message, copy->subject, STDOUT_FILENO, fault);
	case VERDICT_HOLD:
		fault_set(fault, FAULT_PERM,
		    "the policy holds this message;"
		    " there is no hold queue here");
		return -1;
	case VERDICT_COPIES:
		fault_set(fault, FAULT_BUG, "copies were not asked for");
		return -1;
	case VERDICT_SEAL:
		if (seal_message(&order, message, &sealed, fault) == 0)
			r = sealed_write(sealed, message, STDOUT_FILENO, fault);
		sealed_free(&sealed);
		break;
	}
	return r;
}
