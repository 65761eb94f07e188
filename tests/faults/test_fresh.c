/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_fresh.c - whatever fails while a passphrase is made for a recipient,
 * no copy is taken before the sender was told the words that open it, and
 * the next try of the client gives everybody theirs.
 */
#include "config.h"

#include "keys/passphrases.h"
#include "milter/deliver.h"
#include "milter/derivation.h"
#include "tests/faults/listener.h"
#include "tests/unit/planned.h"

#include <glib/gstdio.h>
#include <openssl/evp.h>

#define SENDER "dora@example.org"
#define NEW "nina@client.example"

enum {
	POINT_passphrase_find = LISTENER_POINTS,
	POINT_passphrase_generate,
	POINT_passphrase_keep,
	POINT_derivation_run,
	POINT_keys_find,
	POINT_journal_prepare,
	POINT_journal_done,
	POINT_seal_message,
	POINTS_END,
};

static const char *const names[] = {LISTENER_NAMES, "passphrase_find",
    "passphrase_generate", "passphrase_keep", "derivation_run", "keys_find",
    "journal_prepare", "journal_done", "seal_message"};

static inline int
fail(struct fault *fault)
{
	return listener_fault(fault, FAULT_TEMP);
}

TORTURE_WRAP(int, passphrase_find,
    (struct keys * keys, const char *sender, const char *recipient,
	struct key **keyp, struct fault *fault),
    (keys, sender, recipient, keyp, fault), fail(fault), false, -1)

TORTURE_WRAP(char *, passphrase_generate, (struct fault * fault), (fault),
    (fail(fault), NULL), false, NULL)

TORTURE_WRAP(int, passphrase_keep,
    (struct store * store, const char *sender, const char *recipient,
	const struct key *key, bool only_if_none, struct fault *fault),
    (store, sender, recipient, key, only_if_none, fault), fail(fault), true, 0)

TORTURE_WRAP(int, keys_find,
    (struct keys * keys, enum key_kind kind, const char *address,
	struct key **keyp, char **whyp, struct fault *fault),
    (keys, kind, address, keyp, whyp, fault), fail(fault), false, -1)

TORTURE_WRAP(int, journal_prepare,
    (struct journal * journal, const struct journal_id *message,
	const char *queue_id, const struct journal_id *copies,
	const char *const *forms, size_t count, struct fault *fault),
    (journal, message, queue_id, copies, forms, count, fault), fail(fault),
    false, -1)

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

/* So that a hundred derivations take no minute. */
int __real_PKCS5_PBKDF2_HMAC(const char *words, int words_len,
    const unsigned char *salt, int salt_len, int iterations,
    const EVP_MD *digest, int out_len, unsigned char *out);
int __wrap_PKCS5_PBKDF2_HMAC(const char *words, int words_len,
    const unsigned char *salt, int salt_len, int iterations,
    const EVP_MD *digest, int out_len, unsigned char *out);

int
__wrap_PKCS5_PBKDF2_HMAC(const char *words, int words_len,
    const unsigned char *salt, int salt_len, int iterations,
    const EVP_MD *digest, int out_len, unsigned char *out)
{
	(void)iterations;
	return __real_PKCS5_PBKDF2_HMAC(
	    words, words_len, salt, salt_len, 1, digest, out_len, out);
}

/* Which words a key was derived from. */
static GHashTable *derived; /* fingerprint to words */

int __real_derivation_run(unsigned int limit, const char *words,
    const char *hint, gint64 deadline_us, struct key **keyp,
    struct fault *fault);
int __wrap_derivation_run(unsigned int limit, const char *words,
    const char *hint, gint64 deadline_us, struct key **keyp,
    struct fault *fault);

int
__wrap_derivation_run(unsigned int limit, const char *words, const char *hint,
    gint64 deadline_us, struct key **keyp, struct fault *fault)
{
	int r;

	if (torture_next(POINT_derivation_run, false) == TORTURE_FAIL)
		return fail(fault);
	r = __real_derivation_run(limit, words, hint, deadline_us, keyp, fault);
	if (r == 0)
		g_hash_table_insert(
		    derived, g_strdup((*keyp)->fingerprint), g_strdup(words));
	return r;
}

static unsigned int slots;

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
					"limits = { inject_slots = %u; };\n"
					"passphrase = { generate = true; };\n",
	    slots);
	struct runtime *runtime = plan_runtime_with(
	    "{ name = \"d\"; to = \"" SENDER "\"; seal = \"clear\"; },"
	    "{ name = \"r\"; seal = [ \"openpgp\", \"passphrase\" ]; }",
	    options);
	struct fault fault;

	if (runtime_open_injector(runtime, NULL, &fault) != 0)
		g_error("%s", fault.text);
	g_free(options);
	return runtime;
}

static int
try(struct runtime *runtime, bool armed, struct fault *fault)
{
	struct session *session = session_make();
	struct plan *plan = NULL;
	int r;

	session_set_client(session, "127.0.0.1", false);
	session_begin(session, runtime_ref(runtime), "<" SENDER ">");
	message_add_field(session->message, "From", " " SENDER);
	message_add_field(session->message, "To", " alice@example.org, " NEW);
	message_add_field(session->message, "Message-ID", " <one@client>");
	if (message_add_body(session->message, "Dear\r\n", 6, fault) != 0)
		g_error("%s", fault->text);
	session_add_recipient(session, "<alice@example.org>", NULL);
	session_add_recipient(session, "<" NEW ">", NULL);
	torture->armed = armed;
	r = session_plan(session, &plan, fault);
	if (r == 0)
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

/* The text of a notice, or NULL. */
static char *
notice_of(const struct arrival *arrival)
{
	const char *body = strstr(arrival->text->str, "\r\n\r\n");
	guchar *text;
	gsize len;

	if (!listener_is(arrival->sender, "") || body == NULL ||
	    !listener_has_rcpt(arrival->rcpts, SENDER))
		return NULL;
	text = g_base64_decode(body, &len);
	text = g_realloc(text, len + 1);
	text[len] = '\0';
	return (char *)text;
}

/* The words that open this copy, or NULL. */
static const char *
words_of(const struct arrival *arrival)
{
	const char *mark = strstr(arrival->text->str, "form=passphrase; key=");
	const char *words;
	char *fingerprint;

	if (mark == NULL)
		return NULL;
	mark += strlen("form=passphrase; key=");
	fingerprint = g_strndup(mark, strspn(mark, "0123456789ABCDEF"));
	words = g_hash_table_lookup(derived, fingerprint);
	g_free(fingerprint);
	return words;
}

static bool
was_told(guint before, const char *words)
{
	bool told = false;
	char *text;
	guint i;

	for (i = 0; i < before && !told; i++) {
		text = notice_of(g_ptr_array_index(listener_arrivals, i));
		told = text != NULL && strstr(text, NEW) != NULL &&
		       strstr(text, words) != NULL;
		g_free(text);
	}
	return told;
}

/* Copies for that recipient, and reports to the sender that it was refused. */
static unsigned int
count_for(const char *address)
{
	char *line =
	    g_strdup_printf("Final-Recipient: rfc822; %s\r\n", address);
	const struct arrival *arrival;
	unsigned int count = 0;
	guint i;

	for (i = 0; i < listener_arrivals->len; i++) {
		arrival = g_ptr_array_index(listener_arrivals, i);
		count += listener_has_rcpt(arrival->rcpts, address) ||
			 strstr(arrival->text->str, line) != NULL;
	}
	g_free(line);
	return count;
}

static void
check_order(void)
{
	const struct arrival *arrival;
	const char *words;
	guint i;

	for (i = 0; i < listener_arrivals->len; i++) {
		arrival = g_ptr_array_index(listener_arrivals, i);
		if (!listener_has_rcpt(arrival->rcpts, NEW))
			continue;
		words = words_of(arrival);
		if (words == NULL)
			complain("a copy that no words open");
		else if (!was_told(i, words))
			complain("a copy before its words were told");
	}
}

static void
check_first(int result, const struct fault *fault)
{
	check_order();
	if (result == 0 &&
	    (count_for(NEW) == 0 || count_for("alice@example.org") == 0))
		complain("250, and somebody has nothing");
	if (result != 0 && fault->kind != FAULT_TEMP &&
	    fault->kind != FAULT_PERM)
		complain("a fault of no kind");
	if (result != 0 && fault->kind == FAULT_PERM &&
	    listener_arrivals->len > (count_for(SENDER)))
		complain("refused for good, when some have theirs");
}

static void
check_both(int result, const struct fault *fault)
{
	const unsigned int may =
	    torture->point == POINT_dot_unanswered ? 1U : 0U;
	unsigned int extra;

	check_order();
	if (result != 0)
		complain("the second try fails: %s", fault->text);
	if (count_for(NEW) == 0 || count_for("alice@example.org") == 0)
		complain("somebody has nothing at all");
	extra = count_for(NEW) + count_for("alice@example.org") - 2;
	if (extra > may)
		complain("%u copies too many", extra);
}

/* The run before left a journal that knows this message, and a passphrase. */
static void
forget(void)
{
	static const char *const files[] = {
	    "journal", "journal.key", "journal.lock"};
	struct store *store;
	struct fault fault;
	char *path;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(files); i++) {
		path = g_build_filename(plan_state, files[i], NULL);
		(void)g_unlink(path);
		g_free(path);
	}
	if (store_open(plan_state, &store, &fault) != 0 ||
	    passphrase_delete(store, NULL, NEW, &fault) == -1)
		g_error("%s", fault.text);
	store_close(&store);
}

static void
run(void)
{
	struct fault fault = {FAULT_NONE, ""};
	struct runtime *runtime;

	forget();
	derived =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	listener_begin();
	runtime = open_runtime();
	torture->result = try(runtime, true, &fault);
	torture->fault = fault;
	check_first(torture->result, &fault);
	torture->recovered = try(runtime, false, &fault) == 0;
	check_both(torture->recovered ? 0 : -1, &fault);
	runtime_unref(&runtime);
	listener_end();
	g_hash_table_destroy(derived);
}

static const char *
torture_one(unsigned int point, unsigned int nth, enum torture_way way)
{
	memset(outcome, 0, sizeof(*outcome));
	if (!torture_run(run, point, nth, way))
		return "the process died, or leaked";
	return outcome->complaint[0] == '\0' ? NULL : outcome->complaint;
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
	ok(bad == 0, "%u at a time: %s %s, %u calls", slots, names[point],
	    way == TORTURE_LIE ? "lies" : "fails", calls);
}

static void
torture_all(void)
{
	const char *what = torture_one(POINT_NONE, 0, TORTURE_NONE);
	struct torture counted = *torture;
	unsigned int point;

	if (what != NULL)
		printf("# %s (%s)\n", what, torture->fault.text);
	ok(what == NULL && counted.result == 0,
	    "%u at a time: the sender is told, and both have their copies",
	    slots);
	for (point = 1; point < POINTS_END; point++) {
		if (counted.calls[point] == 0) {
			ok(false, "%u at a time: %s is called", slots,
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
	plan_begin();
	seal_register_jobs();
	torture_begin();
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (outcome == MAP_FAILED)
		g_error("no shared memory");
	for (slots = 20; slots > 0; slots = slots == 20 ? 1 : 0)
		torture_all();
	plan_end();
	return tap_done();
}
