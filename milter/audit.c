/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * audit.c - one record for each recipient.
 *
 * In:    what was decided and answered.
 * Out:   log lines.
 * Never: Subject or content.
 */
#include "milter/audit.h"

#include "milter/log.h"

#include <string.h>
#include <syslog.h>

/*
 * An address as a log shows it: short enough that the rest of the line stands,
 * and without the characters that would let it pass for the rest of the line.
 */
#define SHOWN_OCTETS 200

struct shown {
	char text[SHOWN_OCTETS + 4];
};

static struct shown
show(const char *address)
{
	struct shown shown = {""};
	size_t i, len = strlen(address);

	if (len >= 2 && address[0] == '<' && address[len - 1] == '>') {
		address++;
		len -= 2;
	}
	for (i = 0; i < len && i < SHOWN_OCTETS; i++) {
		shown.text[i] = address[i];
		if (strchr("<>\",()", address[i]) != NULL ||
		    address[i] <= ' ' || address[i] > '~')
			shown.text[i] = '?';
	}
	memcpy(shown.text + i, len > SHOWN_OCTETS ? "..." : "",
	    len > SHOWN_OCTETS ? 4 : 1);
	return shown;
}

static const char *
status_of(const struct treatment *treatment)
{
	if (treatment->returned)
		return "refused by the injection listener";
	switch (treatment->rung) {
	case RUNG_OPENPGP:
	case RUNG_SMIME:
	case RUNG_PASSPHRASE:
		return "sealed";
	case RUNG_CLEAR:
		if (treatment->sealed_already)
			return "passed (encrypted by its sender)";
		return treatment->bounce ? "passed (bounce)" : "passed clear";
	case RUNG_HOLD:
		return "held";
	case RUNG_REFUSE:
		break;
	}
	return "refused";
}

void
audit_delivered(const char *queue_id, const struct origin *origin,
    const struct treatment *treatment)
{
	const struct shown to = show(treatment->recipient);
	const struct shown from = show(origin->sender);
	const struct key *key = treatment->key;
	const char *rule = treatment->decision.rule;

	log_line(LOG_INFO,
	    "%s: to=<%s>, from=<%s>, rule=\"%s\", direction=%s, form=%s,"
	    " key=%s, source=%s, status=%s%s%s%s",
	    queue_id, to.text, from.text, rule != NULL ? rule : "",
	    direction_name(treatment->direction), rung_name(treatment->rung),
	    key != NULL ? key->fingerprint : "none",
	    key != NULL ? key->source : "none", status_of(treatment),
	    treatment->why != NULL ? " (" : "",
	    treatment->why != NULL ? treatment->why : "",
	    treatment->why != NULL ? ")" : "");
	if (treatment->decision.lowering != NULL)
		log_line(LOG_NOTICE,
		    "%s: to=<%s>: rule \"%s\" matched a tag"
		    " but would lower protection, and was ignored",
		    queue_id, to.text, treatment->decision.lowering);
}

void
audit_refused(const char *queue_id, const struct origin *origin,
    const char *recipient, const struct fault *fault)
{
	static const struct {
		const char *status;
		int priority;
	} kinds[] = {
	    [FAULT_NONE] = {"refused", LOG_NOTICE},
	    [FAULT_TEMP] = {"deferred", LOG_ERR},
	    [FAULT_PERM] = {"refused", LOG_NOTICE},
	    [FAULT_BUG] = {"deferred", LOG_CRIT},
	};

	const struct shown to = show(recipient);
	const struct shown from =
	    show(origin->sender != NULL ? origin->sender : "?");

	log_line(kinds[fault->kind].priority,
	    "%s: to=<%s>, from=<%s>, status=%s (%s)", queue_id, to.text,
	    from.text, kinds[fault->kind].status, fault->text);
}
