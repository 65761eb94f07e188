/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_plan.c - what becomes of each recipient and of the message, over a
 * store with real keys.
 */
#include "config.h"

#include "keys/passphrases.h"
#include "tests/unit/planned.h"

/* Rules of these tests. */
#define RULE(name, options) "{ name = \"" name "\"; " options " }"
#define STRICT RULE("strict", "seal = [ \"openpgp\" ];")
#define LENIENT RULE("lenient", "seal = [ \"openpgp\", \"clear\" ];")
#define HOLDING RULE("holding", "seal = [ \"openpgp\", \"hold\" ];")
#define CLEAR RULE("plain", "seal = [ \"clear\" ];")
#define TO(name, to, seal) RULE(name, "to = \"" to "\"; seal = " seal ";")

static struct fault fault;

static struct origin
origin_of(const char *sender)
{
	struct origin origin = {.client = NULL};

	origin.sender = g_strdup(sender);
	return origin;
}

/* --- One recipient */

/* "clear", "openpgp alice", "0", or "-1 TEMP" and so on. */
static char *
tell(int r, const struct treatment *treatment)
{
	static const char *const kinds[] = {"NONE", "TEMP", "PERM", "BUG"};

	if (r == -1)
		return g_strdup_printf("-1 %s", kinds[fault.kind]);
	if (r == 0)
		return g_strdup("0");
	if (treatment->rung == RUNG_OPENPGP)
		return g_strdup_printf("%s %s+%u", rung_name(treatment->rung),
		    treatment->key->address, treatment->recovery->len);
	return g_strdup_printf("%s%s%s", rung_name(treatment->rung),
	    treatment->bounce ? " bounce" : "",
	    treatment->sealed_already ? " sealed already" : "");
}

/* What becomes of it, and the text for people in *whyp. */
static char *
treat(const char *policy, const struct origin *origin, const char *recipient,
    const struct content *content, char **whyp)
{
	struct runtime *runtime = plan_runtime(policy);
	struct treatment *treatment = NULL;
	char *told;
	int r;

	fault_set(&fault, FAULT_NONE, "nothing");
	r = plan_recipient(runtime->config, runtime->keys, origin, recipient,
	    content, &treatment, &fault);
	told = (r == 1) == (treatment != NULL)
		   ? tell(r, treatment)
		   : g_strdup("a failure gave something away");
	*whyp = g_strdup(r == -1             ? fault.text
			 : treatment != NULL ? treatment->why
					     : NULL);
	treatment_free(&treatment);
	runtime_unref(&runtime);
	return told;
}

static const struct {
	const char *name, *policy, *sender, *recipient;
	const char *want, *why; /* a part of the text, or NULL: there is none */
} recipients[] = {
    {"who has a key is sealed to", STRICT, "sam@example.net",
	"<alice@example.org>", "openpgp alice@example.org+0", NULL},
    {"however his address is written", STRICT, "sam@example.net",
	"<\"Alice\"@EXAMPLE.org.>", "openpgp alice@example.org+0", NULL},
    {"who has no key is refused", STRICT, "sam@example.net",
	"<dave@example.org>", "refuse",
	"no key; policy \"strict\" does not let it through unsealed"},
    {"who has no key gets clear text where a rule says so", LENIENT,
	"sam@example.net", "<dave@example.org>", "clear", NULL},
    {"who has no key is held where a rule says so", HOLDING, "sam@example.net",
	"<dave@example.org>", "hold", "no key; policy \"holding\" holds it"},
    {"a key that has expired is not used", STRICT, "sam@example.net",
	"<expired@example.org>", "refuse", "expired on 2024-03-01"},
    {"a key that has expired leads to the next rung", LENIENT,
	"sam@example.net", "<expired@example.org>", "clear", NULL},
    {"clear is clear, whoever has a key", CLEAR, "sam@example.net",
	"<alice@example.org>", "clear", NULL},
    {"refuse refuses, whoever has a key", RULE("no", "seal = \"refuse\";"),
	"sam@example.net", "<alice@example.org>", "refuse",
	"policy \"no\" does not let it through"},
    {"hold holds, whoever has a key", RULE("later", "seal = \"hold\";"),
	"sam@example.net", "<alice@example.org>", "hold",
	"policy \"later\" holds it"},
    {"who has no passphrase gets the next rung",
	RULE("r", "seal = [ \"passphrase\", \"clear\" ];"), "sam@example.net",
	"<alice@example.org>", "clear", NULL},
    {"who has none and nothing else is refused",
	RULE("r", "seal = [ \"passphrase\" ];"), "sam@example.net",
	"<alice@example.org>", "refuse", "no passphrase; policy \"r\""},
    {"a certificate seals by S/MIME",
	RULE("r", "seal = [ \"smime\", \"openpgp\" ];"), "sam@example.net",
	"<alice@example.org>", "smime", NULL},
    {"with a key and a certificate the ladder's order decides",
	RULE("r", "seal = [ \"openpgp\", \"smime\" ];"), "sam@example.net",
	"<alice@example.org>", "openpgp alice@example.org+0", NULL},
    {"who has no certificate gets the next rung",
	RULE("r", "seal = [ \"smime\", \"openpgp\" ];"), "sam@example.net",
	"<bob@example.org>", "openpgp bob@example.org+0", NULL},
    {"without certificate and key it says so",
	RULE("r", "seal = [ \"smime\", \"openpgp\" ];"), "sam@example.net",
	"<dave@example.org>", "refuse", "no certificate, no key; policy"},
    {"whom no rule fits is refused", TO("b", "bob@example.org", "\"clear\""),
	"sam@example.net", "<alice@example.org>", "refuse",
	"no rule of the policy allows it"},
    {"the first rule that fits decides",
	TO("a", "alice@example.org", "\"openpgp\"") ", " CLEAR,
	"sam@example.net", "<alice@example.org>", "openpgp alice@example.org+0",
	NULL},
    {"a bounce without a key passes", STRICT, "", "<dave@example.org>",
	"clear bounce", NULL},
    {"a bounce without a key is refused where the rule says so",
	RULE("r", "seal = \"openpgp\"; bounces = \"refuse\";"), "",
	"<dave@example.org>", "refuse", "no key"},
    {"mail that is no bounce does not pass as one",
	RULE("r", "seal = \"openpgp\"; bounces = \"clear\";"),
	"sam@example.net", "<dave@example.org>", "refuse", "no key"},
    {"a bounce that is to be held is held", HOLDING, "", "<dave@example.org>",
	"hold", "holds it"},
    {"a bounce with a key is sealed",
	RULE("r", "seal = \"openpgp\"; bounces = \"clear\";"), "",
	"<alice@example.org>", "openpgp alice@example.org+0", NULL},
    {"a bounce that no rule fits is refused",
	TO("b", "bob@example.org", "\"clear\""), "", "<dave@example.org>",
	"refuse", "no rule"},
    {"a client without TLS is refused where the rule requires it",
	RULE("r", "seal = \"openpgp\"; tls = \"require\";"), "sam@example.net",
	"<alice@example.org>", "refuse", "TLS"},
    {"not even a bounce passes without TLS",
	RULE(
	    "r", "seal = \"openpgp\"; tls = \"require\"; bounces = \"clear\";"),
	"", "<dave@example.org>", "refuse", "TLS"},
    {"a key for recovery is one more",
	RULE("r", "seal = \"openpgp\"; recovery = [ \"bob@example.org\" ];"),
	"sam@example.net", "<alice@example.org>", "openpgp alice@example.org+1",
	NULL},
    {"without the key for recovery it has to wait",
	RULE("r", "seal = \"openpgp\"; recovery = [ \"bob@example.org\", "
		  "\"archive@example.org\" ];"),
	"sam@example.net", "<alice@example.org>", "-1 TEMP",
	"no key for recovery by archive@example.org"},
    {"with a key for recovery that has expired it has to wait",
	RULE("r", "seal = [ \"openpgp\", \"clear\" ]; "
		  "recovery = [ \"expired@example.org\" ];"),
	"sam@example.net", "<alice@example.org>", "-1 TEMP", "expired on"},
    {"a key for recovery is nothing to who gets clear text",
	RULE("r", "seal = [ \"openpgp\", \"clear\" ]; "
		  "recovery = [ \"archive@example.org\" ];"),
	"sam@example.net", "<dave@example.org>", "clear", NULL},
    {"a routed address is refused", CLEAR, "sam@example.net",
	"<alice%example.net@example.org>", "-1 PERM", "hides another address"},
    {"so is one with an exclamation mark", CLEAR, "sam@example.net",
	"<example.net!alice@example.org>", "-1 PERM", "hides another"},
    {"so is one elsewhere", CLEAR, "sam@example.net",
	"<alice%example.org@example.net>", "-1 PERM", "hides another"},
    {"a domain that is incomplete is refused", CLEAR, "sam@example.net",
	"<alice@mail>", "-1 PERM", "incomplete"},
    {"a literal that is not ours is refused", CLEAR, "sam@example.net",
	"<alice@[192.0.2.1]>", "-1 PERM", "IP address"},
    {"who has no domain is one of ours", STRICT, "sam@example.net", "<alice>",
	"openpgp alice@example.org+0", NULL},
    {"what is no address is refused", CLEAR, "sam@example.net",
	"<alice@@example.org>", "-1 PERM", "is no mail address"},
    {"the null sender is no recipient", CLEAR, "sam@example.net", "<>",
	"-1 PERM", "is no mail address"},
    {"a rule about the content waits for it",
	RULE("r", "size = \">1M\"; seal = \"refuse\";") ", " CLEAR,
	"sam@example.net", "<alice@example.org>", "0", NULL},
};

static void
each_recipient_is_treated(void)
{
	struct origin origin;
	char *told, *why;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(recipients); i++) {
		origin = origin_of(recipients[i].sender);
		told = treat(recipients[i].policy, &origin,
		    recipients[i].recipient, NULL, &why);
		is_str(told, recipients[i].want, recipients[i].name);
		if (recipients[i].why == NULL)
			is_str(why, NULL, "... and there is nothing to tell");
		else
			has_str(why, recipients[i].why, "... and it says why");
		g_free(told);
		g_free(why);
		g_free(origin.sender);
	}
}

static void
tls_and_local_clients_satisfy(void)
{
	static const char policy[] =
	    RULE("r", "seal = \"openpgp\"; tls = \"require\";");
	struct origin origin = origin_of("sam@example.net");
	char *told, *why;

	origin.tls = true;
	told = treat(policy, &origin, "<alice@example.org>", NULL, &why);
	is_str(told, "openpgp alice@example.org+0", "a client with TLS passes");
	g_free(told);
	g_free(why);
	origin.tls = false;
	origin.local_client = true;
	told = treat(policy, &origin, "<alice@example.org>", NULL, &why);
	is_str(
	    told, "openpgp alice@example.org+0", "a local client needs no TLS");
	g_free(told);
	g_free(why);
	g_free(origin.sender);
}

static void
what_is_sealed_passes(void)
{
	static const struct {
		const char *policy, *recipient, *want;
	} table[] = {
	    {STRICT, "<alice@example.org>", "clear sealed already"},
	    {STRICT, "<dave@example.org>", "clear sealed already"},
	    {RULE("r", "seal = [ \"smime\" ];"), "<dave@example.org>",
		"clear sealed already"},
	    {RULE("r", "seal = [ \"refuse\" ];"), "<dave@example.org>",
		"refuse"},
	    {HOLDING, "<dave@example.org>", "clear sealed already"},
	    {RULE("r", "seal = [ \"hold\" ];"), "<dave@example.org>", "hold"},
	    {RULE("r", "seal = \"openpgp\"; tls = \"require\";"),
		"<alice@example.org>", "refuse"},
	};
	const struct content content = {.size = 100, .sealed_already = true};
	struct origin origin = origin_of("sam@example.net");
	char *told, *why;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(table); i++) {
		told = treat(table[i].policy, &origin, table[i].recipient,
		    &content, &why);
		ok(strcmp(told, table[i].want) == 0,
		    "what the sender sealed: %s to %s", table[i].want,
		    table[i].recipient);
		g_free(told);
		g_free(why);
	}
	g_free(origin.sender);
}

/* A store that cannot be read is no store without keys. */
static void
trouble_is_no_answer(void)
{
	struct origin origin = origin_of("sam@example.net");
	struct runtime *runtime = plan_runtime(LENIENT);
	char *path = g_build_filename(plan_state, "store.db", NULL);
	char *away = mail_path("away");
	struct treatment *treatment = NULL;

	if (g_rename(path, away) != 0)
		g_error("%s: cannot rename", path);
	is_int(plan_recipient(runtime->config, runtime->keys, &origin,
		   "<dave@example.org>", NULL, &treatment, &fault),
	    -1, "without the store, nobody can tell");
	ok(treatment == NULL && fault.kind == FAULT_TEMP,
	    "... and the sender may try again");
	if (g_rename(away, path) != 0)
		g_error("%s: cannot rename", path);
	runtime_unref(&runtime);
	g_free(path);
	g_free(away);
	g_free(origin.sender);
}

/* --- All of them */

static void
drop_treatment(void *data)
{
	struct treatment *treatment = data;

	treatment_free(&treatment);
}

/* Of that list, "a b c". */
static GPtrArray *
treat_all(const struct runtime *runtime, const char *list)
{
	struct origin origin = origin_of("sam@example.net");
	char **each = g_strsplit(list, " ", -1);
	GPtrArray *treatments = g_ptr_array_new_with_free_func(drop_treatment);
	char subject[] = "[secure] A wedding";
	const struct content content = {.subject = subject};
	struct treatment *treatment;
	size_t i;

	origin.local_client = true;
	for (i = 0; each[i] != NULL; i++) {
		treatment = NULL;
		if (plan_recipient(runtime->config, runtime->keys, &origin,
			each[i], &content, &treatment, &fault) != 1)
			g_error("%s: %s", each[i], fault.text);
		g_ptr_array_add(treatments, treatment);
	}
	g_strfreev(each);
	g_free(origin.sender);
	return treatments;
}

/* " carol bob? rest", with a ? behind those who are hidden. */
static void
tell_copy(GString *out, const struct copy *copy)
{
	const struct seal_reader *reader;
	guint i;

	for (i = 0; i < copy->readers->len; i++) {
		reader = &g_array_index(copy->readers, struct seal_reader, i);
		g_string_append_printf(out, " %s%s", reader->key->address,
		    reader->hidden ? "?" : "");
	}
	if (copy->at_rest)
		g_string_append(out, " rest");
	if (copy->subject != NULL)
		g_string_append_printf(out, " |%s|", copy->subject);
}

/* "seal ...", or "copies: FORM RECIPIENTS >READERS; ...". */
static char *
tell_plan(const struct plan *plan)
{
	static const char *const verdicts[] = {
	    "pass", "seal", "hold", "copies:"};
	GString *out = g_string_new(verdicts[plan->verdict]);
	const struct treatment *treatment;
	const struct copy *copy;
	guint i, j;

	if (plan->verdict != VERDICT_COPIES) {
		tell_copy(out, plan_first(plan));
		return g_string_free(out, FALSE);
	}
	for (i = 0; i < plan->copies->len; i++) {
		copy = g_ptr_array_index(plan->copies, i);
		g_string_append_printf(
		    out, "%s %s", i > 0 ? ";" : "", rung_name(copy->form));
		for (j = 0; j < copy->treatments->len; j++) {
			treatment = g_ptr_array_index(copy->treatments, j);
			g_string_append_printf(out, " %s", treatment->given);
		}
		g_string_append(out, " >");
		tell_copy(out, copy);
	}
	return g_string_free(out, FALSE);
}

static char *
make_plan(enum delivery delivery, const char *policy, const char *list)
{
	struct runtime *runtime = plan_runtime(policy);
	GPtrArray *treatments = treat_all(runtime, list);
	struct message *message =
	    mail_parse("From: sam@example.net\n"
		       "To: Alice <alice@example.org>, carol@example.net\n"
		       "Subject: [secure] A wedding\n\nbody\n");
	struct plan *plan = NULL;
	char *told;

	if (plan_make(treatments, delivery, message, &plan, &fault) == 0)
		told = tell_plan(plan);
	else
		told = g_strdup_printf("-1 %d%s", (int)fault.kind,
		    plan == NULL ? "" : " and a plan");
	plan_free(&plan);
	message_free(&message);
	g_ptr_array_unref(treatments);
	runtime_unref(&runtime);
	return told;
}

#define REFUSED "-1 2"

struct plan_row {
	const char *name, *policy, *list, *want;
	const char *text, *text2; /* parts of the fault */
};

static const struct plan_row plans[] = {
    {"one is sealed to", STRICT, "alice@example.org",
	"seal alice@example.org rest", NULL, NULL},
    {"one who is not named is not hidden: it is his copy", STRICT,
	"bob@example.org", "seal bob@example.org rest", NULL, NULL},
    {"of several, who is not named is hidden", STRICT,
	"alice@example.org bob@example.org",
	"seal alice@example.org bob@example.org? rest", NULL, NULL},
    {"two addresses of one key are one reader, named if one is", STRICT,
	"carol@example.org carol@example.net alice@example.org",
	"seal carol@example.org alice@example.org", NULL, NULL},
    {"one address twice is one reader", STRICT,
	"bob@example.org bob@example.org", "seal bob@example.org? rest", NULL,
	NULL},
    {"mail that goes elsewhere is not at rest", STRICT, "carol@example.net",
	"seal carol@example.net", NULL, NULL},
    {"who recovers is a reader, and not hidden",
	RULE("r", "seal = \"openpgp\"; recovery = [ \"bob@example.org\" ];"),
	"alice@example.org", "seal alice@example.org bob@example.org rest",
	NULL, NULL},
    {"who recovers and is a recipient is one reader",
	RULE("r", "seal = \"openpgp\"; recovery = [ \"bob@example.org\" ];"),
	"alice@example.org bob@example.org",
	"seal alice@example.org bob@example.org rest", NULL, NULL},
    {"clear for all passes", LENIENT, "dave@example.org erin@example.org",
	"pass rest", NULL, NULL},
    {"hold for all holds", HOLDING, "dave@example.org erin@example.org",
	"hold rest", NULL, NULL},
    {"a tag goes from the Subject",
	RULE("t", "subject = \"[secure]\"; seal = \"openpgp\";") ", " CLEAR,
	"alice@example.org", "seal alice@example.org rest | A wedding|", NULL,
	NULL},
    {"sealed and clear are refused, with both", LENIENT,
	"alice@example.org dave@example.org", REFUSED,
	"<alice@example.org>: openpgp", "<dave@example.org>: clear"},
    {"sealed and hold are refused, with both", HOLDING,
	"alice@example.org dave@example.org", REFUSED,
	"<alice@example.org>: openpgp", "<dave@example.org>: hold"},
    {"one without a key refuses all, and is told", STRICT,
	"alice@example.org dave@example.org", REFUSED,
	"<dave@example.org>: no key; policy \"strict\"", NULL},
    {"of two who are refused, both are told", STRICT,
	"dave@example.org expired@example.org", REFUSED,
	"<dave@example.org>: no key", "<expired@example.org>: "},
    {"of six who are refused, four are told and the rest counted", STRICT,
	"a@example.org b@example.org c@example.org d@example.org "
	"e@example.org f@example.org",
	REFUSED, "<d@example.org>: ", "; and 2 more"},
};

/* The message is to alice@example.org and carol@example.net. */
static const struct plan_row copies[] = {
    {"reinject: all clear passes", LENIENT, "dave@example.org erin@example.org",
	"pass rest", NULL, NULL},
    {"reinject: all held is held", HOLDING, "dave@example.org", "hold rest",
	NULL, NULL},
    {"reinject: one sealed is a copy", STRICT, "alice@example.org",
	"copies: openpgp alice@example.org > alice@example.org rest", NULL,
	NULL},
    {"reinject: sealed and clear are two copies", LENIENT,
	"alice@example.org dave@example.org erin@example.org",
	"copies: openpgp alice@example.org > alice@example.org rest;"
	" clear dave@example.org erin@example.org > rest",
	NULL, NULL},
    {"reinject: who is not named has a copy alone, nobody hidden", LENIENT,
	"bob@example.org alice@example.org",
	"copies: openpgp bob@example.org > bob@example.org rest;"
	" openpgp alice@example.org > alice@example.org rest",
	NULL, NULL},
    {"reinject: elsewhere and at rest are two copies", LENIENT,
	"alice@example.org carol@example.net",
	"copies: openpgp alice@example.org > alice@example.org rest;"
	" openpgp carol@example.net > carol@example.net",
	NULL, NULL},
    {"reinject: who recovers reads each copy",
	RULE("r", "seal = \"openpgp\"; recovery = [ \"carol@example.org\" ];"),
	"alice@example.org bob@example.org",
	"copies: openpgp alice@example.org > alice@example.org"
	" carol@example.org rest;"
	" openpgp bob@example.org > bob@example.org carol@example.org rest",
	NULL, NULL},
    {"reinject: those with other wishes do not share a copy",
	"{ name = \"a\"; to = \"@example.net\"; seal = \"openpgp\";"
	" hide_subject = false; }, " STRICT,
	"alice@example.org carol@example.net",
	"copies: openpgp alice@example.org > alice@example.org rest;"
	" openpgp carol@example.net > carol@example.net",
	NULL, NULL},
    {"reinject: sealed and hold are refused", HOLDING,
	"alice@example.org dave@example.org", REFUSED,
	"holds all of a message or nothing", "<dave@example.org>: hold"},
    {"reinject: one who is refused refuses all", STRICT,
	"alice@example.org dave@example.org", REFUSED,
	"<dave@example.org>: no key", NULL},
};

static void
try_plan(enum delivery delivery, const struct plan_row *row)
{
	char *told = make_plan(delivery, row->policy, row->list);

	is_str(told, row->want, row->name);
	if (row->text != NULL)
		has_str(fault.text, row->text, "... and the text names them");
	if (row->text2 != NULL)
		has_str(fault.text, row->text2, "... and the other");
	g_free(told);
}

static void
the_message_is_planned(void)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(plans); i++)
		try_plan(DELIVERY_EDIT, &plans[i]);
	for (i = 0; i < G_N_ELEMENTS(copies); i++)
		try_plan(DELIVERY_REINJECT, &copies[i]);
}

/* --- Passphrases */

#define WORDS "a wombat of brass that reads"
#define PASSPHRASE RULE("r", "seal = [ \"openpgp\", \"passphrase\" ];")
#define LENIENT_PASSPHRASE RULE("r", "seal = [ \"passphrase\", \"clear\" ];")
#define INJECT "inject = \"unix:/nowhere\";\n"
#define GENERATE INJECT "passphrase = { generate = true; };"
#define SUBJECT "passphrase = { subject = true; };"

static void
set_passphrases(void)
{
	struct store *store;

	if (store_open(plan_state, &store, &fault) != 0 ||
	    passphrase_put(store, NULL, "petra@example.net", WORDS, "hint",
		false, &fault) != 1 ||
	    passphrase_put(store, "sam@example.org", "pat@example.net", WORDS,
		NULL, false, &fault) != 1)
		g_error("%s", fault.text);
	store_close(&store);
}

enum known {
	ENVELOPE,
	PLAIN,
	AUTOMATIC,
	LARGE,
	GIVEN,
	GIVEN_SEALED,
	GIVEN_LARGE
};

enum client {
	STRANGER,
	LOCAL,
	LOGIN
};

static const struct passphrase_row {
	const char *name, *policy, *options, *sender, *recipient;
	enum client client;
	enum known known;
	const char *want, *why;
} passphrases[] = {
    {"who has one gets an envelope", PASSPHRASE, "", "sam@example.net",
	"petra@example.net", STRANGER, ENVELOPE, "passphrase set", NULL},
    {"one for two people is for mail from that sender", PASSPHRASE, "",
	"sam@example.org", "pat@example.net", STRANGER, ENVELOPE,
	"passphrase set", NULL},
    {"and for nobody else's", PASSPHRASE, "", "sam@example.net",
	"pat@example.net", STRANGER, ENVELOPE, "refuse",
	"no key, no passphrase; policy"},
    {"a key goes before it, as the ladder says", PASSPHRASE, "",
	"sam@example.net", "alice@example.org", STRANGER, ENVELOPE, "openpgp",
	NULL},
    {"a bounce gets an envelope as well", PASSPHRASE, "", "",
	"petra@example.net", STRANGER, ENVELOPE, "passphrase set", NULL},
    {"what its author sealed passes", PASSPHRASE, SUBJECT, "sam@example.org",
	"petra@example.net", STRANGER, GIVEN_SEALED, "clear", NULL},
    {"a tag rule's recovery and the rung do not go together",
	RULE("t", "subject = \"[s]\"; seal = \"passphrase\";") ", " RULE("r",
	    "seal = [ \"openpgp\", \"clear\" ]; recovery = "
	    "\"bob@example.org\";"),
	"", "sam@example.org", "petra@example.net", LOCAL, PLAIN, "refuse",
	"no recovery by others"},
    {"what no browser opens gets none", PASSPHRASE, "", "sam@example.net",
	"petra@example.net", STRANGER, LARGE, "refuse",
	"no key, too large for a passphrase envelope; policy"},
    {"the ladder goes on to what it allows", LENIENT_PASSPHRASE, "",
	"sam@example.net", "petra@example.net", STRANGER, LARGE, "clear", NULL},
    {"not if its sender set one", LENIENT_PASSPHRASE, SUBJECT,
	"sam@example.org", "petra@example.net", LOGIN, GIVEN_LARGE, "refuse",
	"too large for a passphrase envelope, the Subject sets a passphrase"},
    /* generate */
    {"none is made for what is too large", PASSPHRASE, GENERATE,
	"alice@example.org", "new@example.net", LOCAL, LARGE, "refuse",
	"too large for a passphrase envelope"},
    {"one is made for a user's mail", PASSPHRASE, GENERATE "\n",
	"alice@example.org", "new@example.net", LOCAL, PLAIN, "passphrase made",
	NULL},
    {"one who is authenticated is a user too", PASSPHRASE, GENERATE,
	"alice@example.org", "new@example.net", LOGIN, PLAIN, "passphrase made",
	NULL},
    {"the content is needed to know that a person wrote", PASSPHRASE, GENERATE,
	"alice@example.org", "new@example.net", LOCAL, ENVELOPE, "0", NULL},
    {"who has one needs no content", PASSPHRASE, GENERATE, "alice@example.org",
	"petra@example.net", LOCAL, ENVELOPE, "passphrase set", NULL},
    {"none is made for a stranger", PASSPHRASE, GENERATE, "alice@example.org",
	"new@example.net", STRANGER, ENVELOPE, "refuse", "mail of strangers"},
    {"none for bounces", PASSPHRASE, GENERATE, "", "new@example.net", LOCAL,
	ENVELOPE, "clear bounce", NULL},
    {"none for senders elsewhere", PASSPHRASE, GENERATE, "sam@example.net",
	"new@example.net", LOCAL, ENVELOPE, "refuse", "other domains"},
    {"none for programs and lists", PASSPHRASE, GENERATE, "alice@example.org",
	"new@example.net", LOCAL, AUTOMATIC, "refuse", "programs and lists"},
    {"none where the sender cannot be told", PASSPHRASE, GENERATE,
	"dave@example.org", "new@example.net", LOCAL, PLAIN, "refuse",
	"the sender cannot be told: no key"},
    {"but where they may be told in clear",
	RULE("c",
	    "to = \"dave@example.org\"; seal = \"clear\";") ", " PASSPHRASE,
	GENERATE, "dave@example.org", "new@example.net", LOCAL, PLAIN,
	"passphrase made", NULL},
    {"none for mail to oneself",
	RULE("p", "to = \"dave@example.org\"; from = \"dave@example.org\"; "
		  "seal = \"clear\"; size = \"<10\";") ", " PASSPHRASE,
	GENERATE, "dave@example.org", "dave@example.org", LOCAL, PLAIN,
	"refuse", "told to the mailbox that it is for"},
    /* subject */
    {"an authenticated sender sets one", PASSPHRASE, SUBJECT, "sam@example.org",
	"new@example.net", LOGIN, GIVEN, "passphrase given", NULL},
    {"it goes before one that is set", PASSPHRASE, SUBJECT, "sam@example.org",
	"petra@example.net", LOGIN, GIVEN, "passphrase given", NULL},
    {"so the content is needed", PASSPHRASE, SUBJECT, "sam@example.org",
	"petra@example.net", LOGIN, ENVELOPE, "0", NULL},
    {"it does not go before a key", PASSPHRASE, SUBJECT, "sam@example.org",
	"alice@example.org", LOGIN, GIVEN, "openpgp", NULL},
    {"a local client sets none", PASSPHRASE, SUBJECT, "sam@example.org",
	"new@example.net", LOCAL, GIVEN, "refuse", "no passphrase"},
    {"nor does anybody where it is not allowed", PASSPHRASE, "",
	"sam@example.org", "new@example.net", LOGIN, GIVEN, "refuse",
	"no passphrase"},
    {"what sets one is not sent clear", LENIENT, SUBJECT, "sam@example.org",
	"new@example.net", LOGIN, GIVEN, "refuse", "sets a passphrase"},
    {"nor does the envelope decide so", LENIENT, SUBJECT, "sam@example.org",
	"new@example.net", LOGIN, ENVELOPE, "0", NULL},
    {"nor is it held", HOLDING, SUBJECT, "sam@example.org", "new@example.net",
	LOGIN, GIVEN, "refuse", "sets a passphrase"},
    {"nor passed because it is sealed", PASSPHRASE, SUBJECT, "sam@example.org",
	"petra@example.net", LOGIN, GIVEN_SEALED, "refuse",
	"encrypted already"},
};

/* "passphrase set", "... made", "... given"; else as tell(). */
static char *
tell_passphrase(int r, const struct treatment *treatment)
{
	if (r != 1 || treatment->rung == RUNG_CLEAR)
		return r == 1 && !treatment->bounce ? g_strdup("clear")
						    : tell(r, treatment);
	if (treatment->rung != RUNG_PASSPHRASE)
		return g_strdup(rung_name(treatment->rung));
	return g_strdup_printf(
	    "passphrase %s", treatment->secret != NULL                ? "given"
			     : treatment->fresh                       ? "made"
			     : treatment->key->kind != KEY_PASSPHRASE ? "?"
								      : "set");
}

static void
try_passphrase_row(const struct passphrase_row *row)
{
	static const char *const texts[] = {
	    [PLAIN] = "Subject: [s] Hello\n\nbody\n",
	    [AUTOMATIC] = "Auto-Submitted: auto-replied\n\nbody\n",
	    [LARGE] = "Subject: Hello\n\nbody\n",
	    [GIVEN] = "Subject: [passphrase: " WORDS "]\n\nbody\n",
	    [GIVEN_LARGE] = "Subject: [passphrase: " WORDS "]\n\nbody\n",
	    [GIVEN_SEALED] = "Subject: [passphrase: " WORDS "]\n\nbody\n"};
	struct runtime *runtime = plan_runtime_with(row->policy, row->options);
	struct origin origin = origin_of(row->sender);
	struct treatment *treatment = NULL;
	struct content content = {.fields = NULL};
	struct message *message = NULL;
	char *told;
	int r = 0;

	origin.local_client = row->client == LOCAL;
	origin.authenticated = row->client == LOGIN;
	fault_set(&fault, FAULT_NONE, "nothing");
	if (row->known != ENVELOPE) {
		message = mail_parse(texts[row->known]);
		r = content_read(
		    message, runtime->config, &origin, &content, &fault);
		content.sealed_already = row->known == GIVEN_SEALED;
		if (row->known == LARGE || row->known == GIVEN_LARGE)
			content.size = SEAL_PASSPHRASE_OCTETS_MAX + 1;
	}
	if (r == 0)
		r = plan_recipient(runtime->config, runtime->keys, &origin,
		    row->recipient, message == NULL ? NULL : &content,
		    &treatment, &fault);
	told = tell_passphrase(r, treatment);
	is_str(told, row->want, row->name);
	if (row->why != NULL)
		has_str(treatment == NULL ? fault.text : treatment->why,
		    row->why, "... and it says why");
	ok(treatment == NULL || treatment->rung != RUNG_PASSPHRASE ||
		(treatment->key == NULL) ==
		    (treatment->fresh || treatment->secret != NULL),
	    "... and nothing is derived yet");
	g_free(told);
	treatment_free(&treatment);
	content_clear(&content);
	message_free(&message);
	runtime_unref(&runtime);
	g_free(origin.sender);
}

static const struct plan_row envelopes[] = {
    {"edit: one with a passphrase is sealed to", PASSPHRASE,
	"petra@example.net", "seal petra@example.net", NULL, NULL},
    {"edit: one of several is refused, with what would help", PASSPHRASE,
	"petra@example.net pete@example.net", REFUSED,
	"(<petra@example.net>) need a copy each", "(inject)"},
    {"edit: a key beside it is refused as ever", PASSPHRASE,
	"petra@example.net alice@example.org", REFUSED, "different forms",
	"(inject)"},
};

static void
envelopes_are_planned(void)
{
	struct store *store;
	char *told;
	size_t i;

	set_passphrases();
	for (i = 0; i < G_N_ELEMENTS(passphrases); i++)
		try_passphrase_row(&passphrases[i]);
	if (store_open(plan_state, &store, &fault) != 0 ||
	    passphrase_put(store, NULL, "pete@example.net", WORDS, NULL, false,
		&fault) != 1)
		g_error("%s", fault.text);
	store_close(&store);
	for (i = 0; i < G_N_ELEMENTS(envelopes); i++)
		try_plan(DELIVERY_EDIT, &envelopes[i]);
	told = make_plan(DELIVERY_REINJECT, PASSPHRASE,
	    "petra@example.net alice@example.org pete@example.net");
	is_str(told,
	    "copies: passphrase petra@example.net > petra@example.net;"
	    " openpgp alice@example.org > alice@example.org rest;"
	    " passphrase pete@example.net > pete@example.net",
	    "reinject: each with a passphrase has a copy alone");
	g_free(told);
}

static void
nobody_is_a_bug(void)
{
	GPtrArray *none = g_ptr_array_new();
	struct message *message = mail_parse("From: sam@example.net\n\n");
	struct plan *plan = NULL;

	is_int(plan_make(none, DELIVERY_EDIT, message, &plan, &fault), -1,
	    "there is no plan for nobody");
	ok(plan == NULL && fault.kind == FAULT_BUG, "... it is a bug");
	message_free(&message);
	g_ptr_array_unref(none);
}

static void
attempts_are_told(void)
{
	struct runtime *runtime = plan_runtime(LENIENT);
	GPtrArray *treatments = treat_all(runtime, "expired@example.org");
	const struct treatment *treatment = g_ptr_array_index(treatments, 0);
	const struct attempt *first, *last;

	is_int(
	    treatment->attempts->len, 2, "every rung that was tried is told");
	first = &g_array_index(treatment->attempts, struct attempt, 0);
	last = &g_array_index(treatment->attempts, struct attempt, 1);
	ok(first->rung == RUNG_OPENPGP && last->rung == RUNG_CLEAR,
	    "... in the ladder's order");
	has_str(first->why, "expired on", "... with the reason");
	is_str(last->why, NULL, "... but for the one that holds");
	g_ptr_array_unref(treatments);
	runtime_unref(&runtime);
}

int
main(void)
{
	plan_begin();
	each_recipient_is_treated();
	tls_and_local_clients_satisfy();
	what_is_sealed_passes();
	trouble_is_no_answer();
	the_message_is_planned();
	nobody_is_a_bug();
	attempts_are_told();
	envelopes_are_planned();
	plan_end();
	return tap_done();
}
