/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_plan.c - when a key cannot be looked up, or a message not be read,
 * the answer is "later": never clear text, and never another rung.
 */
#include "config.h"

#include "milter/session.h"
#include "tests/faults/torture.h"
#include "tests/unit/planned.h"

#include <openssl/evp.h>

enum {
	POINT_NONE,
	POINT_keys_find,
	POINT_pread,
	POINT_EVP_CipherFinal_ex,
	POINTS_END,
};

static const char *const names[] = {
    "nothing", "keys_find", "pread", "EVP_CipherFinal_ex"};

TORTURE_WRAP(int, keys_find,
    (struct keys * keys, enum key_kind kind, const char *address,
	struct key **keyp, char **whyp, struct fault *fault),
    (keys, kind, address, keyp, whyp, fault),
    (fault_set(fault, FAULT_TEMP, "tortured"), -1), false, -1)

TORTURE_WRAP(ssize_t, pread, (int fd, void *buf, size_t len, off_t offset),
    (fd, buf, len, offset), -1, true, 0)

TORTURE_WRAP(int, EVP_CipherFinal_ex,
    (EVP_CIPHER_CTX * ctx, unsigned char *out, int *outl), (ctx, out, outl), 0,
    false, 0)

/* Every rung and every rule would let clear text through, if asked. */
static const struct scenario {
	const char *name, *policy, *sender, *recipients;
	enum verdict verdict;
} scenarios[] = {
    {"with keys", "seal = [ \"openpgp\", \"clear\" ];", "<sam@example.net>",
	"<alice@example.org> <bob@example.org>", VERDICT_SEAL},
    {"without keys", "seal = [ \"openpgp\", \"clear\" ];", "<sam@example.net>",
	"<dave@example.org> <erin@example.org>", VERDICT_PASS},
    {"with recovery",
	"seal = [ \"openpgp\", \"clear\" ]; recovery = [ "
	"\"carol@example.org\", \"bob@example.org\" ];",
	"<sam@example.net>", "<alice@example.org>", VERDICT_SEAL},
    {"of a bounce", "seal = \"openpgp\"; bounces = \"clear\";", "<>",
	"<dave@example.org> <alice@example.net>", VERDICT_PASS},
    {"to be held", "seal = [ \"openpgp\", \"hold\" ];", "<sam@example.net>",
	"<dave@example.org>", VERDICT_HOLD},
};

static const struct scenario *scenario;
static bool decides_early;

/* The recipients as a callback would add them: decided, or left for later. */
static int
add_recipients(struct session *session, struct fault *fault)
{
	char **each = g_strsplit(scenario->recipients, " ", -1);
	struct treatment *treatment;
	size_t i;
	int r = 0;

	for (i = 0; each[i] != NULL && r == 0; i++) {
		treatment = NULL;
		if (decides_early &&
		    plan_recipient(session->runtime->config,
			session->runtime->keys, &session->origin, each[i], NULL,
			&treatment, fault) != 1)
			r = -1;
		torture->gave |= r == -1 && treatment != NULL;
		session_add_recipient(session, each[i], treatment);
	}
	g_strfreev(each);
	return r;
}

/* Large enough that most of it is on disk. */
static void
add_body(struct session *session, struct fault *fault)
{
	char *body = g_strnfill(200000, 'a');
	const struct spool_limits limits = {mail_directory, 1};

	message_free(&session->message);
	session->message = message_make(&limits);
	message_add_field(session->message, "To", " alice@example.org");
	if (message_add_body(session->message, body, strlen(body), fault) != 0)
		g_error("%s", fault->text);
	g_free(body);
}

static void
run(void)
{
	struct session *session = session_make();
	struct fault fault = {FAULT_NONE, ""};
	struct plan *plan = NULL;
	char *rule = g_strdup_printf("{ name = \"r\"; %s }", scenario->policy);

	session_set_client(session, "192.0.2.1", false);
	session_begin(session, plan_runtime(rule), scenario->sender);
	add_body(session, &fault);
	torture->armed = true;
	torture->result = add_recipients(session, &fault);
	if (torture->result == 0)
		torture->result = session_plan(session, &plan, &fault);
	torture->armed = false;
	torture->gave |= torture->result != 0 && plan != NULL;
	torture->recovered = plan != NULL && plan->verdict == scenario->verdict;
	torture->fault = fault;
	plan_free(&plan);
	session_free(&session);
	g_free(rule);
}

/* NULL, or what is wrong. */
static const char *
judge(bool ended)
{
	if (!ended)
		return "the process died, or leaked";
	if (torture->result == 0)
		return "it went on";
	if (torture->gave)
		return "it failed and gave a plan away";
	if (torture->fault.kind != FAULT_TEMP || torture->fault.text[0] == '\0')
		return "the sender shall not try again";
	return NULL;
}

static void
torture_point(unsigned int point, unsigned int calls, enum torture_way way)
{
	unsigned int nth, bad = 0;
	const char *what;

	for (nth = 1; nth <= calls; nth++) {
		what = judge(torture_run(run, point, nth, way));
		if (what == NULL)
			continue;
		bad++;
		printf("# call %u: %s (%s)\n", nth, what, torture->fault.text);
	}
	ok(bad == 0, "mail %s, decided %s: %s %s, %u calls", scenario->name,
	    decides_early ? "at RCPT" : "at the end", names[point],
	    way == TORTURE_LIE ? "lies" : "fails", calls);
}

static void
torture_scenario(void)
{
	bool ended = torture_run(run, POINT_NONE, 0, TORTURE_NONE);
	struct torture counted = *torture;
	unsigned int point;

	ok(ended && counted.result == 0 && counted.recovered,
	    "mail %s, decided %s: has the verdict it should have",
	    scenario->name, decides_early ? "at RCPT" : "at the end");
	for (point = 1; point < POINTS_END; point++) {
		if (counted.calls[point] == 0)
			continue;
		torture_point(point, counted.calls[point], TORTURE_FAIL);
		if (counted.lies[point])
			torture_point(point, counted.calls[point], TORTURE_LIE);
	}
	ok(counted.calls[POINT_keys_find] > 0, "... keys are looked up for it");
}

int
main(void)
{
	size_t i;

	plan_begin();
	torture_begin();
	for (i = 0; i < 2 * G_N_ELEMENTS(scenarios); i++) {
		scenario = &scenarios[i / 2];
		decides_early = i % 2 == 0;
		torture_scenario();
	}
	plan_end();
	return tap_done();
}
