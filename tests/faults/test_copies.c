/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_copies.c - whatever fails while copies are sent, everybody has theirs
 * or the client comes again; what it comes again for is what is missing; and
 * who must be sealed to never gets clear text.
 */
#include "config.h"

#include "milter/deliver.h"
#include "tests/faults/listener.h"
#include "tests/unit/planned.h"

#include <glib/gstdio.h>
#include <openssl/evp.h>

#define SENDER "sam@client.example"
#define SECRET "canary5e1fc0ffee5e1f"

enum {
	POINT_journal_message_id = LISTENER_POINTS,
	POINT_journal_claim,
	POINT_journal_prepare,
	POINT_journal_done,
	POINT_seal_message,
	POINT_mark_make,
	POINT_pread,
	POINT_write,
	POINT_fdatasync,
	POINT_EVP_DigestUpdate,
	POINTS_END,
};

static const char *const names[] = {LISTENER_NAMES, "journal_message_id",
    "journal_claim", "journal_prepare", "journal_done", "seal_message",
    "mark_make", "pread", "write", "fdatasync", "EVP_DigestUpdate"};

static inline int
fail(struct fault *fault)
{
	return listener_fault(fault, FAULT_TEMP);
}

TORTURE_WRAP(int, journal_message_id,
    (struct journal * journal, const char *class, const char *sender,
	const struct message *message, const char *queue_id,
	struct journal_id *idp, struct fault *fault),
    (journal, class, sender, message, queue_id, idp, fault), fail(fault), false,
    -1)

TORTURE_WRAP(int, journal_claim,
    (struct journal * journal, const struct journal_id *message),
    (journal, message), 0, false, 0)

TORTURE_WRAP(int, journal_prepare,
    (struct journal * journal, const struct journal_id *message,
	const char *queue_id, const struct journal_id *copies,
	const char *const *forms, size_t count, struct fault *fault),
    (journal, message, queue_id, copies, forms, count, fault), fail(fault),
    false, -1)

/* Its process knows of the copy all the same, as journal.h says. */
TORTURE_WRAP(int, journal_done,
    (struct journal * journal, const struct journal_id *copy,
	const char *copy_queue_id, struct fault *fault),
    (journal, copy, copy_queue_id, fault),
    (__real_journal_done(journal, copy, copy_queue_id, fault), fail(fault)),
    false, -1)

TORTURE_WRAP(int, seal_message,
    (const struct seal_order *order, const struct message *message,
	struct sealed **sealedp, struct fault *fault),
    (order, message, sealedp, fault), fail(fault), false, -1)

TORTURE_WRAP(char *, mark_make,
    (const struct mark_key *key, const unsigned char *id, size_t id_len,
	const struct spool *body, struct fault *fault),
    (key, id, id_len, body, fault), (fail(fault), NULL), false, NULL)

TORTURE_WRAP(ssize_t, pread, (int fd, void *buf, size_t len, off_t offset),
    (fd, buf, len, offset), -1, true, 0)

TORTURE_WRAP(ssize_t, write, (int fd, const void *buf, size_t len),
    (fd, buf, len), -1, false, -1)

TORTURE_WRAP(int, fdatasync, (int fd), (fd), -1, false, -1)

TORTURE_WRAP(int, EVP_DigestUpdate,
    (EVP_MD_CTX * context, const void *data, size_t len), (context, data, len),
    0, false, 0)

static const struct scenario {
	const char *name;
	unsigned int slots;
	const char *refuses; /* whose copy the listener never takes */
	const char *loses;   /* whose dot gets no answer at the first try */
	bool restarts;       /* the daemon, before the client comes again */
} scenarios[] = {
    {"all at once", 20, NULL, NULL, false},
    {"all at once, with a restart", 20, NULL, NULL, true},
    {"in waves", 1, NULL, NULL, false},
    {"in waves, with a restart", 1, NULL, NULL, true},
    {"one refused for good", 20, "bob@example.org", NULL, false},
    {"one refused for good, with a restart", 20, "bob@example.org", NULL, true},
    {"the first refused for good, in waves", 1, "alice@example.org", NULL,
	false},
    {"the first in doubt, in waves", 1, NULL, "alice@example.org", false},
};

static const struct scenario *scenario;

/* Bob is in Bcc; nobody has a key for dave, who may have it clear. */
static const struct {
	const char *address;
	bool must_be_sealed;
} recipients[] = {{"alice@example.org", true}, {"bob@example.org", true},
    {"dave@example.org", false}};

#define RECIPIENTS G_N_ELEMENTS(recipients)

/* What the process under torture finds, for its parent. */
static struct {
	char complaint[200];
} * outcome;

static void G_GNUC_PRINTF(1, 2) complain(const char *format, ...)
{
	va_list arguments;

	if (outcome->complaint[0] != '\0')
		return;
	va_start(arguments, format);
	(void)g_vsnprintf(
	    outcome->complaint, sizeof(outcome->complaint), format, arguments);
	va_end(arguments);
}

/* --- One try of the client */

static struct runtime *
open_runtime(void)
{
	char *options = g_strdup_printf("inject = \"smtp://127.0.0.1:25\";\n"
					"limits = { inject_slots = %u; };\n",
	    scenario->slots);
	struct runtime *runtime = plan_runtime_with(
	    "{ name = \"r\"; seal = [ \"openpgp\", \"clear\" ]; }", options);
	struct fault fault;

	/* Most of the message is to be on disk. */
	runtime->limits.memory_octets = 1;
	if (runtime_open_injector(runtime, NULL, &fault) != 0)
		g_error("%s", fault.text);
	g_free(options);
	return runtime;
}

static void
add_message(struct session *session)
{
	char *filler = g_strnfill(70000, 'a');
	char *body = g_strdup_printf(
	    SECRET "\r\n%s\r\n" SECRET " at the end\r\n", filler);
	struct fault fault;
	gsize i;

	for (i = 998; i < strlen(filler); i += 1000)
		memcpy(strchr(body, 'a') + i, "\r\n", 2);
	message_add_field(session->message, "From", " " SENDER);
	message_add_field(
	    session->message, "To", " alice@example.org, dave@example.org");
	message_add_field(session->message, "Message-ID", " <one@client>");
	message_add_field(session->message, "Subject", " " SECRET);
	if (message_add_body(session->message, body, strlen(body), &fault) != 0)
		g_error("%s", fault.text);
	g_free(body);
	g_free(filler);
}

static int
try(struct runtime *runtime, bool armed, struct fault *fault)
{
	struct session *session = session_make();
	struct plan *plan = NULL;
	size_t i;
	int r;

	session_set_client(session, "192.0.2.1", false);
	session_begin(session, runtime_ref(runtime), "<" SENDER ">");
	session_set_queue_id(session, armed ? "FIRST" : "SECOND");
	add_message(session);
	for (i = 0; i < RECIPIENTS; i++)
		session_add_recipient(session, recipients[i].address, NULL);
	if (session_plan(session, &plan, fault) != 0 ||
	    plan->verdict != VERDICT_COPIES)
		g_error("no plan");
	torture->armed = armed;
	r = deliver_copies(session, fault);
	torture->armed = false;
	if (listener_slots != 0 || listener_open != 0)
		complain("%u slots and %u connections are kept", listener_slots,
		    listener_open);
	plan_free(&plan);
	session_free(&session);
	return r;
}

/* --- What came of it */

static bool
is_report(const struct arrival *arrival)
{
	return listener_is(arrival->sender, "");
}

static bool
is_told(const struct arrival *arrival, const char *address)
{
	char *line =
	    g_strdup_printf("Final-Recipient: rfc822; %s\r\n", address);
	bool told = is_report(arrival) &&
		    listener_has_rcpt(arrival->rcpts, SENDER) &&
		    strstr(arrival->text->str, line) != NULL;

	g_free(line);
	return told;
}

/* Copies and reports for that recipient that somebody knows to be taken; or
 * all of them. */
static unsigned int
count_for(const char *address, bool with_doubtful)
{
	const struct arrival *arrival;
	unsigned int count = 0;
	guint i;

	for (i = 0; i < listener_arrivals->len; i++) {
		arrival = g_ptr_array_index(listener_arrivals, i);
		if (arrival->in_doubt && !with_doubtful)
			continue;
		count += is_report(arrival)
			     ? is_told(arrival, address)
			     : listener_has_rcpt(arrival->rcpts, address);
	}
	return count;
}

static void
check_text(const struct arrival *arrival, size_t i)
{
	const char *text = arrival->text->str;
	const char *end = recipients[i].must_be_sealed
			      ? "-----END PGP MESSAGE-----"
			      : SECRET " at the end\r\n";
	const char *found = g_strrstr(text, end);

	if (!listener_has_rcpt(arrival->rcpts, recipients[i].address))
		return;
	if (recipients[i].must_be_sealed && strstr(text, SECRET) != NULL)
		complain("clear text for %s", recipients[i].address);
	if (found == NULL || strlen(found) > strlen(end) + 60 ||
	    strstr(text, "\r\n\r\n") == NULL)
		complain("a piece of a copy for %s", recipients[i].address);
}

static void
check_texts(void)
{
	const struct arrival *arrival;
	guint i;
	size_t j;

	for (i = 0; i < listener_arrivals->len; i++) {
		arrival = g_ptr_array_index(listener_arrivals, i);
		if (!is_report(arrival)) {
			for (j = 0; j < RECIPIENTS; j++)
				check_text(arrival, j);
			continue;
		}
		if (strstr(arrival->text->str, SECRET) != NULL)
			complain("clear text in a report");
	}
}

/* Where all goes at once, these are called before the first dot only. */
static bool
is_early(unsigned int point)
{
	if (scenario->slots == 1 || scenario->refuses != NULL)
		return false;
	return (point > POINT_NONE && point < POINT_dot_unsent) ||
	       point == POINT_journal_message_id ||
	       point == POINT_journal_claim || point == POINT_journal_prepare ||
	       point == POINT_seal_message || point == POINT_mark_make;
}

static void
check_first(int result, const struct fault *fault)
{
	size_t i;

	if (is_early(torture->point) &&
	    (result == 0 || listener_arrivals->len > 0))
		complain("it went on before the first dot");
	for (i = 0; result == 0 && i < RECIPIENTS; i++)
		if (count_for(recipients[i].address, false) == 0)
			complain(
			    "250, and %s has nothing", recipients[i].address);
	if (result == 0)
		return;
	if (fault->kind != FAULT_TEMP && fault->kind != FAULT_PERM)
		complain("a fault of no kind");
	if (fault->kind == FAULT_PERM && listener_arrivals->len > 0)
		complain("refused for good, when some have theirs");
}

/* A copy may come twice whose dot got no answer, or whose answer could not
 * be written down before the process ended. */
static unsigned int
may_double(void)
{
	const bool unanswered = torture->point == POINT_dot_unanswered;
	const bool forgotten =
	    scenario->restarts && (torture->point == POINT_write ||
				      torture->point == POINT_fdatasync);

	return (scenario->loses != NULL ? 1U : 0U) +
	       (unanswered || forgotten ? 1U : 0U);
}

static void
check_both(int result, const struct fault *fault)
{
	unsigned int count, extra = 0;
	size_t i;

	if (result != 0)
		complain("the second try fails: %s", fault->text);
	for (i = 0; i < RECIPIENTS; i++) {
		count = count_for(recipients[i].address, true);
		if (count == 0)
			complain(
			    "%s has nothing at all", recipients[i].address);
		if (count > 1)
			extra += count - 1;
	}
	if (extra > may_double())
		complain("%u copies too many", extra);
	check_texts();
}

/* --- Torture */

/* The journal of the run before would know this message. */
static void
forget_journal(void)
{
	static const char *const files[] = {
	    "journal", "journal.key", "journal.lock"};
	char *path;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(files); i++) {
		path = g_build_filename(plan_state, files[i], NULL);
		(void)g_unlink(path);
		g_free(path);
	}
}

static void
run(void)
{
	struct fault fault = {FAULT_NONE, ""};
	struct runtime *runtime;

	forget_journal();
	listener_begin();
	listener_refuses = scenario->refuses;
	runtime = open_runtime();
	listener_loses = scenario->loses;
	torture->result = try(runtime, true, &fault);
	listener_loses = NULL;
	torture->fault = fault;
	check_first(torture->result, &fault);
	check_texts();
	if (scenario->restarts) {
		runtime_unref(&runtime);
		runtime = open_runtime();
	}
	/* Also if it heard 250: the answer may have been lost on the way.
	 * After 550 this is a message that is sent anew. */
	torture->recovered = try(runtime, false, &fault) == 0;
	check_both(torture->recovered ? 0 : -1, &fault);
	runtime_unref(&runtime);
	listener_end();
}

static const char *
judge(bool ended)
{
	if (!ended)
		return "the process died, or leaked";
	return outcome->complaint[0] == '\0' ? NULL : outcome->complaint;
}

static const char *
torture_one(unsigned int point, unsigned int nth, enum torture_way way)
{
	memset(outcome, 0, sizeof(*outcome));
	return judge(torture_run(run, point, nth, way));
}

static void
torture_point(unsigned int point, unsigned int calls, enum torture_way way)
{
	unsigned int nth, bad = 0;
	const char *what;

	for (nth = 1; nth <= calls; nth++) {
		what = torture_one(point, nth, way);
		if (what == NULL)
			continue;
		bad++;
		printf("# call %u: %s (%d, %s)\n", nth, what, torture->result,
		    torture->fault.text);
	}
	ok(bad == 0, "%s: %s %s, %u calls", scenario->name, names[point],
	    way == TORTURE_LIE ? "lies" : "fails", calls);
}

static void
torture_scenario(void)
{
	const char *what = torture_one(POINT_NONE, 0, TORTURE_NONE);
	struct torture counted = *torture;
	unsigned int point;

	if (what != NULL)
		printf("# %s (%s)\n", what, torture->fault.text);
	ok(what == NULL && (counted.result == 0) == (scenario->loses == NULL),
	    "%s: everybody has their copy", scenario->name);
	for (point = 1; point < POINTS_END; point++) {
		if (counted.calls[point] == 0) {
			ok(false, "%s: %s is called", scenario->name,
			    names[point]);
			continue;
		}
		torture_point(point, counted.calls[point], TORTURE_FAIL);
		if (counted.lies[point])
			torture_point(point, counted.calls[point], TORTURE_LIE);
	}
}

int
main(void)
{
	size_t i;

	plan_begin();
	seal_register_jobs();
	torture_begin();
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (outcome == MAP_FAILED)
		g_error("no shared memory");
	for (i = 0; i < G_N_ELEMENTS(scenarios); i++) {
		scenario = &scenarios[i];
		torture_scenario();
	}
	plan_end();
	return tap_done();
}
