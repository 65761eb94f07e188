/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * parcel.c - one copy on its way to the injection listener.
 *
 * In:    a copy of the plan, the session with its message.
 * Out:   the same as SMTP, in two steps: all but the dot, and the dot.
 * Never: sends what did not go through the gate, or calls something sent
 *        before the journal has it.
 */
#include "milter/parcel.h"

#include "milter/log.h"
#include "milter/trace.h"
#include "seal/crash_point.h"

#include <syslog.h>

static int write_header(struct parcel *parcel, struct fault *fault);
static int send_text(struct parcel *parcel, struct fault *fault);

static struct treatment *
treatment_of(const struct parcel *parcel, guint i)
{
	return g_ptr_array_index(parcel->copy->treatments, i);
}

void
treatment_copy_id(struct journal *journal, const struct journal_id *message_id,
    const struct treatment *treatment, struct journal_id *idp)
{
	static char subject[] = "subject", notice[] = "notice";
	GPtrArray *keys = g_ptr_array_new();
	const struct key *key;
	guint i;

	/* Each try derives another key from the same words. */
	if (treatment->rung == RUNG_PASSPHRASE && treatment->secret != NULL)
		g_ptr_array_add(keys, subject);
	else if (treatment->key != NULL)
		g_ptr_array_add(keys, treatment->key->fingerprint);
	if (treatment->notice)
		g_ptr_array_add(keys, notice);
	for (i = 0; i < treatment->recovery->len; i++) {
		key = g_ptr_array_index(treatment->recovery, i);
		g_ptr_array_add(keys, key->fingerprint);
	}
	g_ptr_array_add(keys, NULL);
	journal_copy_id(journal, message_id, treatment->given,
	    rung_name(treatment->rung),
	    (const char *const *)(void *)keys->pdata, idp);
	g_ptr_array_free(keys, TRUE);
}

int
parcel_make(const struct copy *copy, const struct session *session,
    const struct journal_id *message_id, struct parcel **parcelp,
    struct fault *fault)
{
	struct journal *journal = session->runtime->injector->ledger->journal;
	struct parcel *parcel = g_new0(struct parcel, 1);
	struct journal_id id;
	guint i;

	parcel->session = session;
	parcel->copy = copy;
	parcel->message = session->message;
	parcel->ids = g_array_new(FALSE, FALSE, sizeof(struct journal_id));
	for (i = 0; i < copy->treatments->len; i++) {
		treatment_copy_id(
		    journal, message_id, treatment_of(parcel, i), &id);
		g_array_append_val(parcel->ids, id);
	}
	if ((rung_seals(copy->form) &&
		copy_seal(copy, session->runtime, session->message,
		    session_time_left(session), &parcel->sealed, fault) != 0) ||
	    write_header(parcel, fault) != 0) {
		parcel_free(parcel);
		return -1;
	}
	*parcelp = parcel;
	return 0;
}

void
parcel_free(void *data)
{
	struct parcel *parcel = data;

	smtp_close(&parcel->smtp);
	sealed_free(&parcel->sealed);
	g_array_free(parcel->ids, TRUE);
	if (parcel->header != NULL)
		g_string_free(parcel->header, TRUE);
	g_free(parcel->text);
	g_free(parcel);
}

/* "for" only where it tells nobody of somebody else (RFC 5321 section 7.6). */
static void
add_trace(struct parcel *parcel)
{
	const struct copy *copy = parcel->copy;
	const bool own = copy->treatments->len == 1 && !copy->unnamed;
	const struct trace trace = session_trace(parcel->session);
	char *received = trace_received(
	    &trace, own ? treatment_of(parcel, 0)->recipient : NULL);

	g_string_prepend(parcel->header, received);
	g_free(received);
}

static int
add_mark(struct parcel *parcel, struct fault *fault)
{
	const struct injector *injector = parcel->session->runtime->injector;
	const struct journal_id *id =
	    &g_array_index(parcel->ids, struct journal_id, 0);
	char *mark = mark_make(&injector->ledger->mark_key, id->octets,
	    sizeof(id->octets), parcel->sealed->body, fault);

	if (mark == NULL)
		return -1;
	g_string_append_printf(parcel->header, MARK_FIELD ":%s\r\n", mark);
	g_free(mark);
	return 0;
}

static int
write_header(struct parcel *parcel, struct fault *fault)
{
	if (parcel->sealed != NULL) {
		parcel->header = sealed_header(parcel->sealed, parcel->message);
		if (add_mark(parcel, fault) != 0)
			return -1;
	} else
		parcel->header =
		    message_header(parcel->message, parcel->copy->subject);
	add_trace(parcel);
	g_string_append(parcel->header, "\r\n");
	return 0;
}

static const struct spool *
body_of(const struct parcel *parcel)
{
	return parcel->sealed != NULL ? parcel->sealed->body
				      : parcel->message->body;
}

int
parcel_open(
    struct parcel *parcel, struct smtp_reply *refusal, struct fault *fault)
{
	const struct session *session = parcel->session;
	const GPtrArray *treatments = parcel->copy->treatments;
	struct smtp_rcpt *rcpts = g_new0(struct smtp_rcpt, treatments->len);
	const struct recipient *recipient;
	const struct smtp_envelope envelope = {
	    .sender = session->sender,
	    .rcpts = rcpts,
	    .rcpts_count = treatments->len,
	    .ret = session->mail.ret,
	    .envid = session->mail.envid,
	    .size = parcel->header->len + spool_size(body_of(parcel)),
	    .eight_bit = session->mail.eight_bit && parcel->sealed == NULL,
	    .utf8 = session->mail.utf8,
	};
	guint i;
	int r;

	for (i = 0; i < treatments->len; i++) {
		recipient = session_recipient(
		    session, g_ptr_array_index(treatments, i));
		rcpts[i] = (struct smtp_rcpt){recipient->given,
		    recipient->rcpt.notify, recipient->rcpt.orcpt};
	}
	r = pool_begin(session->runtime->injector->pool, &envelope,
	    session->deadline, &parcel->smtp, refusal, fault);
	if (r == 0 && (r = send_text(parcel, fault)) != 0)
		*refusal = *smtp_refusal(parcel->smtp);
	if (r == 0)
		parcel->state = PARCEL_OPEN;
	g_free(rcpts);
	return r;
}

static int
send_text(struct parcel *parcel, struct fault *fault)
{
	struct spool_reader *reader = spool_reader_make(body_of(parcel));
	const gint64 deadline = parcel->session->deadline;
	const unsigned char *data;
	size_t len;
	int r;

	r = smtp_write(parcel->smtp, parcel->header->str, parcel->header->len,
	    deadline, fault);
	while (
	    r == 0 && (r = spool_reader_next(reader, &data, &len, fault)) == 1)
		r = smtp_write(parcel->smtp, data, len, deadline, fault);
	spool_reader_free(&reader);
	return r == 0 ? smtp_flush(parcel->smtp, deadline, fault) : -1;
}

int
parcel_check(
    struct parcel *parcel, struct smtp_reply *refusal, struct fault *fault)
{
	int r = smtp_check(parcel->smtp, parcel->session->deadline, fault);

	if (r != 0)
		*refusal = *smtp_refusal(parcel->smtp);
	return r;
}

static void
taken(struct parcel *parcel, const struct smtp_reply *reply)
{
	const struct session *session = parcel->session;
	struct journal *journal = session->runtime->injector->ledger->journal;
	struct fault fault;
	guint i;

	parcel->state = PARCEL_TAKEN;
	crash_point("K5");
	for (i = 0; i < parcel->ids->len; i++)
		if (journal_done(journal,
			&g_array_index(parcel->ids, struct journal_id, i),
			reply->queue_id, &fault) != 0) {
			fault_prefix(&fault,
			    "%s: a copy was sent, and the"
			    " journal does not keep it",
			    session->queue_id);
			log_fault(&fault, "journal");
		}
	log_line(LOG_INFO, "%s: %s form=%s, recipients=%u, queued as %s",
	    session->queue_id,
	    treatment_of(parcel, 0)->notice ? "notice" : "copy",
	    rung_name(parcel->copy->form), parcel->ids->len, reply->queue_id);
}

static void
in_doubt(struct parcel *parcel)
{
	const struct session *session = parcel->session;
	struct journal *journal = session->runtime->injector->ledger->journal;
	guint i;

	for (i = 0; i < parcel->ids->len; i++)
		journal_doubt(
		    journal, &g_array_index(parcel->ids, struct journal_id, i));
	log_line(LOG_WARNING,
	    "%s: a copy is in doubt: the injection listener may have it, and"
	    " the next try sends it again",
	    session->queue_id);
}

void
parcel_commit(struct parcel *parcel)
{
	struct fault fault = {FAULT_NONE, ""};
	struct smtp_reply reply;
	int r;

	r = smtp_commit(
	    parcel->smtp, parcel->session->deadline, &reply, &fault);
	if (r == 1) {
		taken(parcel, &reply);
		return;
	}
	parcel->state =
	    r == 0 && reply.code / 100 == 5 ? PARCEL_REFUSED : PARCEL_FAILED;
	parcel->code = r == 0 ? reply.code : 0;
	parcel->text = g_strdup(r == 0 ? reply.text : fault.text);
	if (r == -1 && smtp_is_in_doubt(parcel->smtp))
		in_doubt(parcel);
}

void
parcel_close(struct parcel *parcel, struct pool *pool)
{
	if (parcel->smtp != NULL)
		pool_done(pool, &parcel->smtp);
}
