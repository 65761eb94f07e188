/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * policy_explain.c - `sealctl policy explain`: say why, for each recipient.
 *
 * In:    an envelope on the command line, and a message if there is one.
 * Out:   rule, rungs, form and keys, from the code that the daemon runs.
 * Never: seals, sends or changes anything.
 */
#include "ctl/envelope.h"
#include "ctl/explained.h"
#include "ctl/policy.h"
#include "milter/plan.h"
#include "seal/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int explain(struct ctl *ctl, const struct envelope *envelope,
    const char *file, struct fault *fault);
static int open_message(const char *file, int *fdp, struct fault *fault);
static int read_message(const struct config *config, int fd,
    struct message **messagep, struct fault *fault);
static void explain_each(const struct config *config, struct keys *keys,
    const struct envelope *envelope, const struct content *content,
    struct explained *explained);

int
ctl_policy_explain(struct ctl *ctl, int argc, char *const argv[])
{
	struct fault fault = {FAULT_NONE, ""};
	struct envelope envelope;
	int status = envelope_parse(&envelope, ctl, argc, argv);

	if (status == CTL_DONE && argc - envelope.first > 1) {
		ctl_error("policy explain: one message at a time");
		status = CTL_USAGE;
	}
	if (status == CTL_DONE)
		status = explain(ctl, &envelope, argv[envelope.first], &fault);
	if (status == CTL_USAGE)
		fprintf(stderr, "usage: sealctl policy explain " ENVELOPE_USAGE
				"\n           [--json] [MESSAGE-FILE]\n");
	envelope_clear(&envelope);
	return status;
}

/* file: of the message, NULL if only the envelope is known. */
static int
explain(struct ctl *ctl, const struct envelope *envelope, const char *file,
    struct fault *fault)
{
	struct explained *explained = explained_make();
	struct message *message = NULL;
	struct content content = {.fields = NULL};
	struct keys *keys = NULL;
	int fd = -1, status;

	/* The message may be one that only the caller can read. */
	if (open_message(file, &fd, fault) != 0 ||
	    ctl_become_runtime_user(ctl, fault) != 0 ||
	    ctl_open_keys(ctl, &keys, fault) != 0 ||
	    read_message(ctl->config, fd, &message, fault) != 0 ||
	    content_read(message, ctl->config, &envelope->origin, &content,
		fault) != 0) {
		status = ctl_fault(fault);
		goto out;
	}
	explain_each(ctl->config, keys, envelope,
	    file != NULL ? &content : NULL, explained);
	explained_add_whole(
	    explained, ctl->config->delivery, message, file != NULL);
	if (envelope->json)
		explained_print_json(explained);
	else
		explained_print(explained);
	status = explained_status(explained);
out:
	explained_free(&explained);
	message_free(&message);
	keys_close(&keys);
	content_clear(&content);
	if (fd > STDIN_FILENO)
		(void)close(fd);
	return status;
}

static int
open_message(const char *file, int *fdp, struct fault *fault)
{
	int fd;

	if (file == NULL)
		return 0;
	if (strcmp(file, "-") == 0)
		fd = STDIN_FILENO;
	else
		fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		fault_set(fault, FAULT_PERM, "cannot read \"%s\": %s", file,
		    g_strerror(errno));
		return -1;
	}
	*fdp = fd;
	return 0;
}

/* Without a file, one that is empty. */
static int
read_message(const struct config *config, int fd, struct message **messagep,
    struct fault *fault)
{
	const struct spool_limits limits = {
	    config->state, config->spool_memory_octets};
	struct message *message = message_make(&limits);

	if (fd != -1 &&
	    message_read(message, fd, config->message_octets, fault) != 0) {
		message_free(&message);
		return -1;
	}
	*messagep = message;
	return 0;
}

static void
explain_each(const struct config *config, struct keys *keys,
    const struct envelope *envelope, const struct content *content,
    struct explained *explained)
{
	struct treatment *treatment;
	struct fault fault;
	const char *recipient;
	guint i;
	int known;

	for (i = 0; i < envelope->recipients->len; i++) {
		recipient = g_ptr_array_index(envelope->recipients, i);
		treatment = NULL;
		fault_set(&fault, FAULT_NONE, "%s", "");
		known = plan_recipient(config, keys, &envelope->origin,
		    recipient, content, &treatment, &fault);
		if (known == 0)
			fault_set(&fault, FAULT_NONE, "%s",
			    "the content decides: name a message");
		explained_add(explained, recipient, treatment, &fault);
	}
}
