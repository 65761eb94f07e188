/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * callbacks.c - what libmilter calls.
 *
 * In:    the MTA's side of the conversation.
 * Out:   answers.
 * Never: decides: plan.c does, and deliver.c carries it out.
 */
#include "milter/callbacks.h"

#include "milter/audit.h"
#include "milter/canary.h"
#include "milter/daemon.h"
#include "milter/deliver.h"
#include "milter/log.h"
#include "milter/mta.h"
#include "milter/session.h"
#include "seal/crash_point.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <syslog.h>

#define HEADER_FIELDS_MAX 5000
#define HEADER_OCTETS_MAX (512U << 10)
#define HOPS_MAX 50 /* Postfix's hopcount_limit */
#define MARKS_MAX 3

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions,
    unsigned long steps, unsigned long unused1, unsigned long unused2,
    unsigned long *want_actions, unsigned long *want_steps,
    unsigned long *want1, unsigned long *want2);
static sfsistat on_connect(SMFICTX *ctx, char *hostname, _SOCK_ADDR *address);
static sfsistat on_helo(SMFICTX *ctx, char *name);
static sfsistat on_mail(SMFICTX *ctx, char **argv);
static sfsistat on_rcpt(SMFICTX *ctx, char **argv);
static sfsistat on_header(SMFICTX *ctx, char *name, char *value);
static sfsistat on_eoh(SMFICTX *ctx);
static sfsistat on_body(SMFICTX *ctx, unsigned char *data, size_t len);
static sfsistat on_eom(SMFICTX *ctx);
static sfsistat on_abort(SMFICTX *ctx);
static sfsistat on_close(SMFICTX *ctx);

struct smfiDesc callbacks = {
    .xxfi_name = (char *)(uintptr_t) "sealmilter",
    .xxfi_version = SMFI_VERSION,
    .xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY |
		  SMFIF_QUARANTINE | SMFIF_SETSYMLIST,
    .xxfi_connect = on_connect,
    .xxfi_helo = on_helo,
    .xxfi_envfrom = on_mail,
    .xxfi_envrcpt = on_rcpt,
    .xxfi_header = on_header,
    .xxfi_eoh = on_eoh,
    .xxfi_body = on_body,
    .xxfi_eom = on_eom,
    .xxfi_abort = on_abort,
    .xxfi_close = on_close,
    .xxfi_negotiate = on_negotiate,
};

/* --- Answers */

static sfsistat
refuse(SMFICTX *ctx, const struct fault *fault)
{
	if (fault->kind == FAULT_PERM) {
		mta_reply(ctx, "550", "5.7.1", fault->text);
		return SMFIS_REJECT;
	}
	/* The reason is the administrator's business: the log has it. */
	mta_reply(ctx, "451", "4.3.0",
	    "The mail cannot be secured now, please try again later");
	return SMFIS_TEMPFAIL;
}

/* RFC 1870 section 6.3. */
static sfsistat
refuse_size(SMFICTX *ctx, const struct fault *fault)
{
	mta_reply(ctx, "552", "5.3.4", fault->text);
	return SMFIS_REJECT;
}

/* RFC 3463: 5.4.6, routing loop detected. */
static sfsistat
refuse_loop(SMFICTX *ctx, const struct fault *fault)
{
	mta_reply(ctx, "554", "5.4.6", fault->text);
	return SMFIS_REJECT;
}

static sfsistat
busy(SMFICTX *ctx)
{
	mta_reply(ctx, "451", "4.3.2", "Busy, please try again later");
	return SMFIS_TEMPFAIL;
}

/* The message is over. */
static void
finish(struct session *session)
{
	if (session->counted)
		daemon_message_ends();
	session->counted = false;
	session_end(session);
}

static void
audit_all(const struct session *session, const struct fault *fault)
{
	const struct recipient *recipient;
	guint i;

	for (i = 0; i < session->recipients->len; i++) {
		recipient = g_ptr_array_index(session->recipients, i);
		if (fault == NULL)
			audit_delivered(session->queue_id, &session->origin,
			    recipient->treatment);
		else
			audit_refused(session->queue_id, &session->origin,
			    recipient->given, fault);
	}
}

/* --- The connection */

/* What is known of it; made when it is first heard of. */
static struct session *
session_of(SMFICTX *ctx)
{
	struct session *session = mta_private(ctx);

	if (session == NULL) {
		session = session_make();
		mta_set_private(ctx, session);
	}
	return session;
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long unused1, unsigned long unused2, unsigned long *want_actions,
    unsigned long *want_steps, unsigned long *want1, unsigned long *want2)
{
	struct fault fault = {FAULT_NONE, ""};
	struct runtime *runtime = daemon_runtime();
	const struct mta_manners manners = {
	    .sends_copies = runtime->injector != NULL,
	    .passes_clear = policy_names(runtime->config->policy, RUNG_CLEAR),
	};
	struct session *session;

	(void)unused1;
	(void)unused2;
	*want1 = *want2 = 0;
	runtime_unref(&runtime);
	if (mta_negotiate(ctx, actions, steps, &manners, want_actions,
		want_steps, &fault) != 0) {
		log_fault(&fault, "an MTA was turned away");
		return SMFIS_REJECT;
	}
	session = session_of(ctx);
	session->silent_mail = (*want_steps & SMFIP_NR_MAIL) != 0;
	session->silent_eoh = (*want_steps & SMFIP_NR_EOH) != 0;
	return SMFIS_CONTINUE;
}

/*
 * The address is missing when the client was gone before the MTA knew it, and
 * no IP address when mail came by other means.  For sendmail(1), Postfix makes
 * up a client: 127.0.0.1 with port 0.
 */
static sfsistat
on_connect(SMFICTX *ctx, char *hostname, _SOCK_ADDR *address)
{
	const struct sockaddr_in *in = (const void *)address;
	char text[INET6_ADDRSTRLEN];
	const char *client = NULL;
	struct session *session;
	bool no_client = false;

	if (address != NULL && address->sa_family == AF_INET) {
		client = inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		no_client = in->sin_port == 0 &&
			    in->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
	} else if (address != NULL && address->sa_family == AF_INET6)
		client = inet_ntop(AF_INET6,
		    &((struct sockaddr_in6 *)(void *)address)->sin6_addr, text,
		    sizeof(text));
	session = session_of(ctx);
	session_set_client(session, client, no_client);
	/* Where DNS has no name, MTAs put the address in brackets there. */
	if (hostname != NULL && hostname[0] != '[')
		session->client_name = g_strdup(hostname);
	session->host = g_strdup(mta_macro(ctx, "j"));
	return SMFIS_NOREPLY;
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
	struct session *session = mta_private(ctx);

	if (session != NULL) {
		g_free(session->helo);
		session->helo = g_strdup(name);
	}
	return SMFIS_NOREPLY;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	struct session *session = mta_private(ctx);

	if (session == NULL)
		return SMFIS_CONTINUE;
	crash_point("K8");
	finish(session);
	session_free(&session);
	mta_set_private(ctx, NULL);
	return SMFIS_CONTINUE;
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	struct session *session = mta_private(ctx);

	if (session != NULL)
		finish(session);
	return SMFIS_CONTINUE;
}

/* --- The envelope */

/* One that is empty says no more than one that is missing. */
static bool
has_macro(SMFICTX *ctx, const char *name)
{
	const char *value = mta_macro(ctx, name);

	return value != NULL && value[0] != '\0';
}

/* Nothing is refused here but the canary: MAIL may have no answer, and RCPT
 * then says for what there is no room. */
static sfsistat
on_mail(SMFICTX *ctx, char **argv)
{
	struct session *session = session_of(ctx);

	finish(session);
	if (!session->silent_mail && canary_is_sender(argv[0])) {
		mta_reply(ctx, "451", "4.3.5", canary_answer);
		return SMFIS_TEMPFAIL;
	}
	session->counted = daemon_message_begins();
	if (session->counted) {
		session_begin(session, daemon_runtime(), argv[0]);
		esmtp_mail_read(&session->mail, argv);
		session_set_queue_id(session, mta_macro(ctx, "i"));
		session->origin.authenticated = has_macro(ctx, "{auth_authen}");
		session->origin.tls = has_macro(ctx, "{tls_version}");
	}
	return session->silent_mail ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

/*
 * Who can be refused by the envelope alone is refused here, so that the
 * others get their mail.  Postfix cannot do that for mail that did not come
 * by SMTP (no brackets): it would try again for ever; there the end of header
 * or message decides.
 */
static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	struct session *session = mta_private(ctx);
	struct treatment *treatment = NULL;
	struct fault fault = {FAULT_NONE, ""};
	struct recipient *recipient;
	int r;

	if (session == NULL || session->runtime == NULL)
		return argv[0][0] == '<' ? busy(ctx) : SMFIS_CONTINUE;
	session_set_queue_id(session, mta_macro(ctx, "i"));
	r = plan_recipient(session->runtime->config, session->runtime->keys,
	    &session->origin, argv[0], NULL, &treatment, &fault);
	if (r == 1 && treatment->rung == RUNG_REFUSE)
		fault_set(&fault, FAULT_PERM, "<%s>: %s", treatment->recipient,
		    treatment->why);
	if (fault.kind == FAULT_NONE || !session->brackets) {
		recipient = session_add_recipient(session, argv[0], treatment);
		esmtp_rcpt_read(&recipient->rcpt, argv);
		return SMFIS_CONTINUE;
	}
	audit_refused(session->queue_id, &session->origin, argv[0], &fault);
	treatment_free(&treatment);
	return refuse(ctx, &fault);
}

/* --- The message: header fields and body get no answer (mta_negotiate()) */

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	struct session *session = mta_private(ctx);

	if (session == NULL || session->message == NULL)
		return SMFIS_NOREPLY;
	if (session->message->header.count >= HEADER_FIELDS_MAX ||
	    session->message->header_octets > HEADER_OCTETS_MAX) {
		session->too_large = true;
		fault_set(&session->failed, FAULT_PERM,
		    "the header of the message is too large");
		return SMFIS_NOREPLY;
	}
	message_add_field(session->message, name, value);
	return SMFIS_NOREPLY;
}

/* True if the envelope settled that everybody gets the message as it is. */
static bool
all_clear(const struct session *session)
{
	const struct recipient *recipient;
	guint i;

	for (i = 0; i < session->recipients->len; i++) {
		recipient = g_ptr_array_index(session->recipients, i);
		if (recipient->treatment == NULL ||
		    recipient->treatment->rung != RUNG_CLEAR ||
		    recipient->treatment->decision.subject_tag != NULL)
			return false;
	}
	return session->recipients->len > 0;
}

/* Marks that are ours to make must go, and that can only be done at the end. */
static bool
has_our_fields(const struct message *message)
{
	size_t i;

	for (i = 0; i < message->header.count; i++)
		if (field_is_ours(&message->header.list[i]))
			return true;
	return false;
}

/* The body of a message that is not touched need not be sent to us. */
static sfsistat
on_eoh(SMFICTX *ctx)
{
	struct session *session = mta_private(ctx);

	if (session != NULL && session->silent_eoh)
		return SMFIS_NOREPLY;
	if (session == NULL || session->message == NULL)
		return busy(ctx);
	if (session->failed.kind != FAULT_NONE || !all_clear(session) ||
	    has_our_fields(session->message))
		return SMFIS_CONTINUE;
	session_set_queue_id(session, mta_macro(ctx, "i"));
	audit_all(session, NULL);
	finish(session);
	return SMFIS_ACCEPT;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *data, size_t len)
{
	struct session *session = mta_private(ctx);

	if (session == NULL || session->message == NULL)
		return SMFIS_NOREPLY;
	if (session->failed.kind != FAULT_NONE)
		return SMFIS_NOREPLY;
	if (message_size(session->message) + len >
	    session->runtime->config->message_octets) {
		session->too_large = true;
		fault_set(&session->failed, FAULT_PERM,
		    "the message is larger than this server seals");
	} else
		(void)message_add_body(
		    session->message, data, len, &session->failed);
	return SMFIS_NOREPLY;
}

/*
 * Marks show that copies of ours come back, which no set-up that sealctl check
 * is content with lets them do.  Nothing depends on them but the end of it.
 */
static int
look_at_marks(struct session *session, struct fault *fault)
{
	const struct injector *injector = session->runtime->injector;
	unsigned int valid = 0, forged = 0;

	if (injector != NULL &&
	    mark_count(&injector->ledger->mark_key, session->message, &valid,
		&forged, fault) != 0)
		return -1;
	if (forged > 0)
		log_line(LOG_NOTICE, "%s: %u forged marks are removed",
		    session->queue_id, forged);
	if (valid > 0)
		log_line(LOG_WARNING,
		    "%s: a copy of ours came back to the milter: the"
		    " injection listener, or a host behind it, sends it here",
		    session->queue_id);
	session->came_back = valid > 0 && forged == 0;
	session->loops =
	    valid > MARKS_MAX ||
	    (injector != NULL && trace_hops(session->message) > HOPS_MAX);
	if (!session->loops)
		return 0;
	fault_set(
	    fault, FAULT_PERM, "Too many hops: this mail goes in circles");
	return -1;
}

static sfsistat
refuse_whole(
    SMFICTX *ctx, const struct session *session, const struct fault *fault)
{
	if (session->too_large)
		return refuse_size(ctx, fault);
	return session->loops ? refuse_loop(ctx, fault) : refuse(ctx, fault);
}

static int
carry_out(SMFICTX *ctx, struct session *session, sfsistat *answerp,
    struct fault *fault)
{
	struct plan *plan = NULL;
	int r;

	if (look_at_marks(session, fault) != 0 ||
	    session_plan(session, &plan, fault) != 0)
		return -1;
	if (plan->verdict == VERDICT_COPIES) {
		r = deliver_copies(session, fault);
		*answerp = SMFIS_DISCARD;
	} else {
		r = deliver_edit(ctx, session, plan, fault);
		*answerp = SMFIS_ACCEPT;
	}
	plan_free(&plan);
	return r;
}

/* The way of a message; edits are void unless the answer is ACCEPT. */
static sfsistat
on_eom(SMFICTX *ctx)
{
	struct session *session = mta_private(ctx);
	struct fault fault;
	sfsistat answer = SMFIS_TEMPFAIL;

	if (session == NULL || session->message == NULL)
		return busy(ctx);
	session_set_queue_id(session, mta_macro(ctx, "i"));
	fault = session->failed;
	if (fault.kind != FAULT_NONE ||
	    carry_out(ctx, session, &answer, &fault) != 0) {
		audit_all(session, &fault);
		answer = refuse_whole(ctx, session, &fault);
	} else
		audit_all(session, NULL);
	finish(session);
	return answer;
}
