/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * deliver_copies.c - carry out a plan by sending each copy on its own.
 *
 * In:    a session whose recipients are all decided.
 * Out:   copies, queued by the injection listener.
 * Never: sends the first dot before every copy is sealed, through the gate,
 *        and in the listener's hands but for its dot; or a copy that the
 *        journal says was sent.
 *
 * Whatever fails before the first dot has no effect.  After it, what was taken
 * is written down before the next dot, and the client's MTA, which hears 4xx,
 * comes again for the rest.  The one copy that can be doubled is that whose
 * dot was sent and whose answer nobody wrote down.
 */
#include "milter/deliver.h"

#include "milter/dsn.h"
#include "milter/fresh.h"
#include "milter/log.h"
#include "milter/parcel.h"
#include "seal/crash_point.h"

#include <string.h>
#include <syslog.h>

/* Copies wait for connections so long; the client waits for the rest. */
#define SLOTS_WAIT_US (30 * G_TIME_SPAN_SECOND)

/* What a listener may need at least to answer a dot. */
#define ANSWER_MS 1000

struct run {
	struct session *session;
	struct injector *injector;
	struct journal_id message_id;
	GPtrArray *left;     /* treatments whose copies were not sent before */
	GPtrArray *copies;   /* for those */
	GPtrArray *parcels;  /* of those; a notice goes before them */
	struct fresh *fresh; /* passphrases that were made, or NULL */
	const struct parcel *notice; /* that tells of them, or NULL */
	bool prepared;
	bool some_dots; /* some were sent: nothing is void any more */
	bool some_sent; /* some recipients have theirs, now or from before */
};

static int check_listener(struct run *run, struct fault *fault);
static void find_left(struct run *run);
static int make_parcels(struct run *run, struct fault *fault);
static int send_all(struct run *run, struct fault *fault);
static int send_wave(
    struct run *run, guint first, guint count, struct fault *fault);
static int prepare(struct run *run, struct fault *fault);
static int conclude(struct run *run, struct fault *fault);
static const struct parcel *first_in(
    const struct run *run, enum parcel_state state, guint *countp);
static int return_refused(struct run *run, struct fault *fault);

static struct parcel *
parcel_at(const struct run *run, guint i)
{
	return g_ptr_array_index(run->parcels, i);
}

static int
deliver_claimed(struct run *run, struct fault *fault)
{
	find_left(run);
	if (run->left->len == 0)
		return 0;
	if (fresh_make(run->session, run->left, &run->fresh, fault) != 0)
		return -1;
	run->copies = copies_group(run->left, run->session->message);
	if (make_parcels(run, fault) != 0)
		return -1;
	if (send_all(run, fault) != 0) {
		if (run->prepared && !run->some_dots && !run->some_sent)
			journal_abort(
			    run->injector->ledger->journal, &run->message_id);
		return -1;
	}
	return conclude(run, fault);
}

int
deliver_copies(struct session *session, struct fault *fault)
{
	struct run run = {
	    .session = session, .injector = session->runtime->injector};
	struct journal *journal;
	int r = -1;

	if (check_listener(&run, fault) != 0)
		return -1;
	journal = run.injector->ledger->journal;
	if (journal_message_id(journal, session_class(session),
		session->origin.sender, session->message, session->queue_id,
		&run.message_id, fault) == -1)
		return -1;
	if (journal_claim(journal, &run.message_id) != 1) {
		fault_set(fault, FAULT_TEMP,
		    "the same message is being delivered already, from an"
		    " earlier try");
		return -1;
	}
	run.left = g_ptr_array_new();
	run.parcels = g_ptr_array_new_with_free_func(parcel_free);
	r = deliver_claimed(&run, fault);
	journal_release(journal, &run.message_id);
	g_ptr_array_free(run.parcels, TRUE);
	if (run.copies != NULL)
		g_ptr_array_free(run.copies, TRUE);
	fresh_free(&run.fresh);
	g_ptr_array_free(run.left, TRUE);
	return r;
}

/* A listener that has our milter is the administrator's mistake: the mail
 * waits until it is mended. */
static int
check_listener(struct run *run, struct fault *fault)
{
	int r;

	if (run->injector == NULL) {
		fault_set(fault, FAULT_BUG, "no injection listener is open");
		return -1;
	}
	r = injector_check(run->injector, run->session->deadline, fault);
	if (r == 0)
		fault->kind = FAULT_TEMP;
	return r == 1 ? 0 : -1;
}

static void
find_left(struct run *run)
{
	struct journal *journal = run->injector->ledger->journal;
	const struct recipient *recipient;
	struct journal_id id;
	guint i;

	for (i = 0; i < run->session->recipients->len; i++) {
		recipient = g_ptr_array_index(run->session->recipients, i);
		treatment_copy_id(
		    journal, &run->message_id, recipient->treatment, &id);
		if (journal_is_done(journal, &id) == 1)
			run->some_sent = true;
		else
			g_ptr_array_add(run->left, recipient->treatment);
	}
	if (run->some_sent)
		log_line(LOG_NOTICE,
		    "%s: %u of %u recipients have their copies from an earlier"
		    " try",
		    run->session->queue_id,
		    run->session->recipients->len - run->left->len,
		    run->session->recipients->len);
}

static int
make_parcels(struct run *run, struct fault *fault)
{
	struct parcel *parcel;
	guint i;

	if (run->fresh != NULL) {
		if (fresh_notice(run->fresh, run->session, &run->message_id,
			&parcel, fault) != 0)
			return -1;
		g_ptr_array_add(run->parcels, parcel);
		run->notice = parcel;
	}
	for (i = 0; i < run->copies->len; i++) {
		if (parcel_make(g_ptr_array_index(run->copies, i), run->session,
			&run->message_id, &parcel, fault) != 0)
			return -1;
		g_ptr_array_add(run->parcels, parcel);
		crash_point("K0");
	}
	return 0;
}

/* More copies than slots go in waves. */
static int
send_all(struct run *run, struct fault *fault)
{
	const guint slots = pool_slots(run->injector->pool);
	guint i, count;

	for (i = 0; i < run->parcels->len; i += count) {
		count = MIN(slots, run->parcels->len - i);
		if (send_wave(run, i, count, fault) != 0)
			return -1;
	}
	return 0;
}

/* It was about this message, for its client; now it is for the log as well,
 * which is told where copies go. */
static void
name_listener(const struct run *run, struct fault *fault)
{
	if (fault->kind == FAULT_PERM)
		fault_prefix(fault, "%s", run->injector->target);
}

static void
defer(const struct run *run, struct fault *fault)
{
	name_listener(run, fault);
	fault->kind = FAULT_TEMP;
}

/*
 * A refusal for good that comes when others have theirs already concerns this
 * copy alone: 0, and the others go on.  One that comes when others were only
 * deferred, or are in doubt, is not for good.
 */
static int
give_up(struct run *run, struct parcel *parcel,
    const struct smtp_reply *refusal, struct fault *fault)
{
	guint failed;

	if (parcel == run->notice) {
		defer(run, fault);
		fault_prefix(fault, "telling the sender of a passphrase");
		return -1;
	}
	if (fault->kind == FAULT_PERM && !run->some_sent &&
	    first_in(run, PARCEL_FAILED, &failed) != NULL)
		defer(run, fault);
	if (fault->kind != FAULT_PERM || !run->some_sent)
		return -1;
	if (refusal->code == 0)
		name_listener(run, fault);
	parcel->state = PARCEL_REFUSED;
	parcel->code = refusal->code == 0 ? 550 : refusal->code;
	parcel->text =
	    g_strdup(refusal->code == 0 ? fault->text : refusal->text);
	parcel_close(parcel, run->injector->pool);
	return 0;
}

/* All but the dots.  One last look at all, since a small message is with the
 * kernel before the listener sees it: who hung up meanwhile must not be found
 * after the first dot. */
static int
open_wave(struct run *run, guint first, guint count, struct fault *fault)
{
	struct smtp_reply refusal;
	struct parcel *parcel;
	guint i;

	for (i = first; i < first + count; i++) {
		parcel = parcel_at(run, i);
		if (parcel_open(parcel, &refusal, fault) == 0)
			crash_point("K2");
		else if (give_up(run, parcel, &refusal, fault) != 0)
			return -1;
	}
	for (i = first; i < first + count; i++) {
		parcel = parcel_at(run, i);
		if (parcel->state == PARCEL_OPEN &&
		    parcel_check(parcel, &refusal, fault) != 0 &&
		    give_up(run, parcel, &refusal, fault) != 0)
			return -1;
	}
	crash_point("K3");
	return 0;
}

/* A dot without time for its answer would be one more copy in doubt. */
static bool
may_commit(const struct run *run, struct parcel *parcel)
{
	if (parcel->state != PARCEL_OPEN)
		return false;
	if (session_time_left(run->session) >= ANSWER_MS)
		return true;
	parcel->state = PARCEL_FAILED;
	parcel->text = g_strdup("the time for this message is over");
	return false;
}

/* Before any copy that needs it; a passphrase holds when its notice is taken,
 * and not before. */
static int
conclude_notice(struct run *run, struct fault *fault)
{
	if (run->notice->state != PARCEL_TAKEN) {
		fault_set(fault, FAULT_TEMP,
		    "telling the sender of a passphrase: %s",
		    run->notice->text);
		return -1;
	}
	crash_point("told");
	if (fresh_store(run->fresh, run->session, fault) != 0)
		return -1;
	crash_point("stored");
	return 0;
}

static int
commit_wave(struct run *run, guint first, guint count, struct fault *fault)
{
	struct parcel *parcel;
	guint i;

	for (i = first; i < first + count; i++) {
		parcel = parcel_at(run, i);
		if (may_commit(run, parcel)) {
			run->some_dots = true;
			parcel_commit(parcel);
		} else if (parcel != run->notice)
			continue;
		if (parcel == run->notice) {
			if (conclude_notice(run, fault) != 0)
				return -1;
			continue;
		}
		run->some_sent |= parcel->state == PARCEL_TAKEN;
		crash_point("K6");
	}
	return 0;
}

static int
send_wave(struct run *run, guint first, guint count, struct fault *fault)
{
	struct pool *pool = run->injector->pool;
	gint64 until = g_get_monotonic_time() + SLOTS_WAIT_US;
	guint i;
	int r = -1;

	if (pool_take(pool, count, MIN(until, run->session->deadline), fault) !=
	    0)
		return -1;
	if (prepare(run, fault) == 0 &&
	    open_wave(run, first, count, fault) == 0)
		r = commit_wave(run, first, count, fault);
	for (i = first; i < first + count; i++)
		parcel_close(parcel_at(run, i), pool);
	pool_give(pool, count);
	return r;
}

/* The journal knows of all copies before anybody else knows of one. */
static int
prepare(struct run *run, struct fault *fault)
{
	GArray *ids, *forms;
	const struct parcel *parcel;
	const char *form;
	guint i, j;
	int r;

	if (run->prepared)
		return 0;
	ids = g_array_new(FALSE, FALSE, sizeof(struct journal_id));
	forms = g_array_new(FALSE, FALSE, sizeof(char *));
	for (i = 0; i < run->parcels->len; i++) {
		parcel = parcel_at(run, i);
		form = rung_name(parcel->copy->form);
		g_array_append_vals(ids, parcel->ids->data, parcel->ids->len);
		for (j = 0; j < parcel->ids->len; j++)
			g_array_append_val(forms, form);
	}
	r = journal_prepare(run->injector->ledger->journal, &run->message_id,
	    run->session->queue_id,
	    (const struct journal_id *)(void *)ids->data,
	    (const char *const *)(void *)forms->data, ids->len, fault);
	run->prepared = r == 0;
	g_array_free(ids, TRUE);
	g_array_free(forms, TRUE);
	crash_point("K1");
	return r;
}

/* --- All dots are answered, or will not be */

static const struct parcel *
first_in(const struct run *run, enum parcel_state state, guint *countp)
{
	const struct parcel *first = NULL, *parcel;
	guint i;

	*countp = 0;
	for (i = 0; i < run->parcels->len; i++) {
		parcel = parcel_at(run, i);
		if (parcel->state != state)
			continue;
		if ((*countp)++ == 0)
			first = parcel;
	}
	return first;
}

static int
conclude(struct run *run, struct fault *fault)
{
	guint failed, refused;
	const struct parcel *first = first_in(run, PARCEL_FAILED, &failed);
	const struct parcel *bad = first_in(run, PARCEL_REFUSED, &refused);

	if (failed > 0) {
		fault_set(fault, FAULT_TEMP,
		    "%u of %u copies were not taken: %s", failed,
		    run->parcels->len, first->text);
		return -1;
	}
	if (refused > 0 && !run->some_sent) {
		fault_set(fault, FAULT_PERM, "%s", bad->text);
		return -1;
	}
	if (refused > 0 && return_refused(run, fault) != 0)
		return -1;
	crash_point("K7");
	return 0;
}

/* Who wants to hear of it, and the header of the first of these copies. */
static GArray *
list_failures(const struct run *run, const GString **headerp)
{
	GArray *failures =
	    g_array_new(FALSE, FALSE, sizeof(struct dsn_failure));
	const struct recipient *recipient;
	const struct parcel *parcel;
	struct treatment *treatment;
	struct dsn_failure failure;
	guint i, j;

	for (i = 0; i < run->parcels->len; i++) {
		parcel = parcel_at(run, i);
		for (j = 0; parcel->state == PARCEL_REFUSED &&
			    j < parcel->copy->treatments->len;
		     j++) {
			treatment =
			    g_ptr_array_index(parcel->copy->treatments, j);
			treatment->returned = true;
			recipient = session_recipient(run->session, treatment);
			if (!esmtp_wants_failure(&recipient->rcpt))
				continue;
			failure = (struct dsn_failure){treatment->recipient,
			    recipient->rcpt.orcpt, parcel->code, parcel->text};
			g_array_append_val(failures, failure);
			*headerp = parcel->header;
		}
	}
	return failures;
}

static int
send_report(struct run *run, const GString *report, struct fault *fault)
{
	const struct smtp_rcpt rcpt = {run->session->sender, "NEVER", NULL};
	const struct smtp_envelope envelope = {.sender = "",
	    .rcpts = &rcpt,
	    .rcpts_count = 1,
	    .size = report->len,
	    .utf8 = run->session->mail.utf8};
	const gint64 deadline = run->session->deadline;
	struct pool *pool = run->injector->pool;
	struct smtp *smtp = NULL;
	struct smtp_reply reply;
	int r = -1;

	if (pool_take(pool, 1, deadline, fault) != 0)
		return -1;
	if (pool_begin(pool, &envelope, deadline, &smtp, &reply, fault) == 0 &&
	    smtp_write(smtp, report->str, report->len, deadline, fault) == 0 &&
	    smtp_flush(smtp, deadline, fault) == 0) {
		r = smtp_commit(smtp, deadline, &reply, fault);
		if (r == 0)
			fault_set(
			    fault, FAULT_TEMP, "%d %s", reply.code, reply.text);
		r = r == 1 ? 0 : -1;
	}
	if (smtp != NULL)
		pool_done(pool, &smtp);
	pool_give(pool, 1);
	if (r != 0) {
		defer(run, fault);
		fault_prefix(fault, "reporting a refused copy to its sender");
	}
	return r;
}

/* The sender hears of these by a message, since his MTA hears 250; a retry
 * must not send that report again. */
static void
settle_refused(struct run *run, bool told)
{
	struct journal *journal = run->injector->ledger->journal;
	const struct parcel *parcel;
	struct fault fault;
	guint i, j;

	for (i = 0; i < run->parcels->len; i++) {
		parcel = parcel_at(run, i);
		if (parcel->state != PARCEL_REFUSED)
			continue;
		log_line(LOG_WARNING,
		    "%s: the injection listener refused a copy for good: %d"
		    " %s; %s",
		    run->session->queue_id, parcel->code, parcel->text,
		    told ? "the sender gets a report"
			 : "nobody wants a report");
		for (j = 0; j < parcel->ids->len; j++)
			if (journal_done(journal,
				&g_array_index(
				    parcel->ids, struct journal_id, j),
				"-", &fault) != 0)
				log_fault(&fault, "journal");
	}
}

static int
return_refused(struct run *run, struct fault *fault)
{
	const struct session *session = run->session;
	const GString *header = NULL;
	GArray *failures = list_failures(run, &header);
	struct dsn dsn = {
	    .host = session->host != NULL ? session->host : "localhost",
	    .envid = session->mail.envid,
	};
	char *sender = g_strdup(session->sender);
	GString *report;
	bool wanted;
	int r = 0;

	g_strdelimit(sender, "<>", ' ');
	dsn.sender = g_strstrip(sender);
	wanted = header != NULL && dsn.sender[0] != '\0';
	if (wanted) {
		dsn.header = header->str;
		report = dsn_make(&dsn,
		    (const struct dsn_failure *)(void *)failures->data,
		    failures->len);
		r = send_report(run, report, fault);
		g_string_free(report, TRUE);
	}
	if (r == 0)
		settle_refused(run, wanted);
	g_array_free(failures, TRUE);
	g_free(sender);
	return r;
}
