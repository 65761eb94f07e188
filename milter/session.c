/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * session.c - what is known of a connection and its message.
 *
 * In:    what the callbacks hear.
 * Out:   a plan, when all is heard.
 * Never: talks to the MTA.
 */
#include "milter/session.h"

#include "policy/address.h"

static void
recipient_free(void *data)
{
	struct recipient *recipient = data;

	treatment_free(&recipient->treatment);
	esmtp_rcpt_clear(&recipient->rcpt);
	g_free(recipient->given);
	g_free(recipient);
}

struct session *
session_make(void)
{
	struct session *session = g_new0(struct session, 1);

	session->recipients = g_ptr_array_new_with_free_func(recipient_free);
	return session;
}

void
session_set_client(struct session *session, const char *client, bool no_client)
{
	g_free(session->client);
	session->client = g_strdup(client);
	session->no_client = no_client;
}

void
session_free(struct session **sessionp)
{
	struct session *session = *sessionp;

	if (session == NULL)
		return;
	session_end(session);
	g_ptr_array_free(session->recipients, TRUE);
	g_free(session->client);
	g_free(session->client_name);
	g_free(session->helo);
	g_free(session->host);
	g_free(session);
	*sessionp = NULL;
}

/* Not everything an MTA calls a sender is an address we can read; it then
 * matches no rule's `from`, and is not the null sender. */
static char *
canonical_sender(const char *sender)
{
	char *canonical = address_canonical(sender);

	return canonical != NULL ? canonical : g_strdup("?");
}

/*
 * Mail that did not come by SMTP has no brackets around its addresses.  That
 * alone makes nobody local: a stranger may write MAIL FROM:a@b, and Postfix
 * hands it on like that.
 */
void
session_begin(
    struct session *session, struct runtime *runtime, const char *sender)
{
	session_end(session);
	session->runtime = runtime;
	session->queue_id = g_strdup("-");
	session->sender = g_strdup(sender);
	session->origin.sender = canonical_sender(sender);
	session->origin.client = g_strdup(session->client);
	session->brackets = sender[0] == '<';
	session->origin.local_client =
	    (session->no_client && !session->brackets) ||
	    config_is_local(runtime->config, session->client);
	session->message = message_make(&runtime->limits);
}

struct recipient *
session_add_recipient(
    struct session *session, const char *given, struct treatment *treatment)
{
	struct recipient *recipient = g_new0(struct recipient, 1);

	recipient->given = g_strdup(given);
	recipient->treatment = treatment;
	g_ptr_array_add(session->recipients, recipient);
	return recipient;
}

void
session_set_queue_id(struct session *session, const char *id)
{
	if (id == NULL)
		return;
	g_free(session->queue_id);
	session->queue_id = g_strdup(id);
}

void
session_end(struct session *session)
{
	g_ptr_array_set_size(session->recipients, 0);
	message_free(&session->message);
	g_clear_pointer(&session->queue_id, g_free);
	g_clear_pointer(&session->sender, g_free);
	esmtp_mail_clear(&session->mail);
	g_clear_pointer(&session->origin.sender, g_free);
	g_clear_pointer(&session->origin.client, g_free);
	session->origin = (struct origin){0};
	session->failed = (struct fault){0};
	session->too_large = session->loops = session->came_back = false;
	runtime_unref(&session->runtime);
}

unsigned int
session_time_left(const struct session *session)
{
	gint64 left = (session->deadline - g_get_monotonic_time()) / 1000;

	return left > 0 ? (unsigned int)left : 0;
}

const struct recipient *
session_recipient(
    const struct session *session, const struct treatment *treatment)
{
	const struct recipient *recipient;
	guint i;

	for (i = 0; i < session->recipients->len; i++) {
		recipient = g_ptr_array_index(session->recipients, i);
		if (recipient->treatment == treatment)
			return recipient;
	}
	g_assert_not_reached();
}

struct trace
session_trace(const struct session *session)
{
	return (struct trace){
	    .helo = session->helo,
	    .client_name = session->client_name,
	    .client = session->client,
	    .host = session->host,
	    .queue_id = session->queue_id,
	    .tls = session->origin.tls,
	    .authenticated = session->origin.authenticated,
	    .smtp = session->brackets || !session->no_client,
	};
}

const char *
session_class(const struct session *session)
{
	return session->origin.authenticated  ? "authenticated"
	       : session->origin.local_client ? "local"
					      : "remote";
}

/* The MTA waits for so long only, and takes what comes later for nothing. */
static int
in_time(const struct session *session, struct fault *fault)
{
	if (session_time_left(session) > 0)
		return 0;
	fault_set(fault, FAULT_TEMP,
	    "the end of message took longer than"
	    " message_seconds");
	return -1;
}

/* What the envelope decided stands; but who would be sealed or refused is
 * not, if the sender sealed it himself, who would get it clear may not, if he
 * set a passphrase, and not all has room in an envelope. */
static bool
stands(const struct treatment *treatment, const struct content *content)
{
	return !content->sealed_already && content->secret == NULL &&
	       (treatment->rung != RUNG_PASSPHRASE ||
		   plan_fits_envelope(content));
}

static int
decide_rest(
    struct session *session, const struct content *content, struct fault *fault)
{
	struct recipient *recipient;
	guint i;

	for (i = 0; i < session->recipients->len; i++) {
		recipient = g_ptr_array_index(session->recipients, i);
		if (recipient->treatment != NULL &&
		    stands(recipient->treatment, content))
			continue;
		if (in_time(session, fault) != 0)
			return -1;
		treatment_free(&recipient->treatment);
		fault_set(fault, FAULT_BUG, "the policy cannot decide");
		if (plan_recipient(session->runtime->config,
			session->runtime->keys, &session->origin,
			recipient->given, content, &recipient->treatment,
			fault) != 1)
			return -1;
	}
	return 0;
}

/* Once more when it is known that nobody is refused and keys are there: to
 * make these takes time. */
static int
make_plan(struct session *session, const GPtrArray *treatments,
    struct plan **planp, struct fault *fault)
{
	const struct config *config = session->runtime->config;
	int r;

	r = plan_make(
	    treatments, config->delivery, session->message, planp, fault);
	if (r != 0)
		return -1;
	r = copies_derive(treatments, config, session->deadline, fault);
	if (r == 0)
		return 0;
	plan_free(planp);
	return r == -1 ? -1
		       : plan_make(treatments, config->delivery,
			     session->message, planp, fault);
}

int
session_plan(struct session *session, struct plan **planp, struct fault *fault)
{
	const struct config *config = session->runtime->config;
	GPtrArray *treatments = g_ptr_array_new();
	struct content content = {.fields = NULL};
	struct recipient *recipient;
	int ret = -1;
	guint i;

	session->deadline =
	    g_get_monotonic_time() +
	    G_TIME_SPAN_SECOND * (gint64)config->message_seconds;
	if (content_read(session->message, config, &session->origin, &content,
		fault) != 0 ||
	    decide_rest(session, &content, fault) != 0)
		goto out;
	for (i = 0; i < session->recipients->len; i++) {
		recipient = g_ptr_array_index(session->recipients, i);
		g_ptr_array_add(treatments, recipient->treatment);
	}
	if (in_time(session, fault) == 0)
		ret = make_plan(session, treatments, planp, fault);
out:
	g_ptr_array_free(treatments, TRUE);
	content_clear(&content);
	return ret;
}
