/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * canary.c - is our own milter on the listener that takes our copies?
 *
 * In:    an injection listener.
 * Out:   whether a sealmilter answers there.
 * Never: sends a message.
 */
#include "milter/canary.h"

#include <string.h>

#define CANARY "sealmilter-canary"

const char canary_answer[] =
    "sealmilter serves on this listener; copies must go to one without it";

bool
canary_is_sender(const char *sender)
{
	sender += sender[0] == '<';
	return g_ascii_strncasecmp(sender, CANARY "@", strlen(CANARY "@")) == 0;
}

int
canary_ask(const struct smtp_target *target, const char *domain,
    gint64 deadline_us, struct fault *fault)
{
	char *sender = g_strconcat(CANARY "@", domain, NULL);
	struct smtp_reply reply = {.code = 0};
	struct smtp *smtp = NULL;
	int r;

	r = smtp_connect(target, deadline_us, &smtp, fault);
	if (r == 0)
		r = smtp_ask_sender(smtp, sender, deadline_us, &reply, fault);
	if (r == 0 && strstr(reply.text, canary_answer) != NULL)
		r = 1;
	else if (r == 0 && reply.code / 100 != 2) {
		fault_set(fault, FAULT_TEMP,
		    "the injection listener %s"
		    " answers %d %s to MAIL",
		    smtp_target_name(target), reply.code, reply.text);
		r = -1;
	}
	smtp_close(&smtp);
	g_free(sender);
	return r;
}
