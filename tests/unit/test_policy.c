/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_policy.c - which rule applies to whom, and that tags never lower.
 */
#include "policy/policy.h"
#include "tests/tap.h"

#include <glib.h>
#include <libconfig.h>

/* A site that uses everything. */
static const char site[] =
    "policy = ("
    " { name = \"nulls\"; from = [ \"<>\" ]; to = \"@.bounce.example\";"
    "   seal = [ \"openpgp\", \"clear\" ]; },"
    " { name = \"secure\"; subject = \"[Secure]\"; authenticated = true;"
    "   seal = [ \"openpgp\", \"smime\", \"passphrase\" ];"
    "   bounces = \"refuse\"; language = [ \"de\", \"en\" ];"
    "   tls = \"require\"; },"
    " { name = \"open\"; header = [ \"X-Open\", \"X-Mode: no  Seal\" ];"
    "   seal = [ \"clear\" ]; },"
    " { name = \"strict\"; header = \"X-Strict\"; hide_subject = false;"
    "   seal = [ \"openpgp\", \"hold\" ];"
    "   recovery = \"escrow@example.org\"; },"
    " { name = \"big\"; size = \">10k\"; to = \"@big.example\";"
    "   seal = [ \"hold\" ]; },"
    " { name = \"one\"; to = [ \"bob-pgp@example.com\" ];"
    "   seal = [ \"openpgp\" ]; },"
    " { name = \"partner\"; to = [ \"@.partner.example\" ];"
    "   seal = [ \"smime\", \"openpgp\" ]; recovery = [ \"A@x.org\" ];"
    "   language = \"fr\"; },"
    " { name = \"inbound\"; direction = \"in\";"
    "   seal = [ \"openpgp\", \"clear\" ]; },"
    " { name = \"colleagues\"; direction = [ \"local\" ];"
    "   seal = [ \"openpgp\", \"refuse\" ]; },"
    " { name = \"nets\"; client = [ \"192.0.2.0/24\", \"2001:db8::1\" ];"
    "   seal = \"hold\"; },"
    " { name = \"tls\"; tls = true; to = \"@tls.example\"; seal = \"clear\"; },"
    " { name = \"no tls\"; tls = false; to = \"@tls.example\";"
    "   seal = \"refuse\"; },"
    " { name = \"boss\"; from = [ \"boss@example.org\" ]; seal = \"openpgp\"; "
    "},"
    " { name = \"strangers\"; authenticated = false; to = \"@out.example\";"
    "   seal = \"refuse\"; },"
    " { name = \"rest\"; to = [ \"@out.example\", \"@big.example\" ];"
    "   hide_subject = false; seal = [ \"openpgp\", \"clear\" ]; }"
    ");";

static char subject_name[] = "Subject", subject_value[] = " x\r\n";
static char open_name[] = "x-OPEN", open_value[] = " whatever\r\n";
static char mode_name[] = "X-Mode", mode_value[] = "  No\r\n  sEAL \r\n";
static char strict_name[] = "X-Strict", strict_value[] = "";

static const struct field plain = {subject_name, subject_value};
static const struct field opening = {open_name, open_value};
static const struct field mode = {mode_name, mode_value};
static const struct field strict = {strict_name, strict_value};

enum {
	ENVELOPE,
	PLAIN,
	SECURE,
	OPEN,
	OPEN_VALUE,
	STRICT,
	BOTH,
	BIG
};

static const struct {
	const char *from, *to, *client;
	int content;
	bool authenticated, local, tls, stored;
	int known;
	const char *rule, *first_rung, *raised_by, *lowering;
	const char *name;
} table[] = {
    {"a@x", "bob-pgp@example.com", NULL, PLAIN, 0, 0, 0, 0, 1, "one", "openpgp",
	NULL, NULL, "an address"},
    {"a@x", "xbob-pgp@example.com", NULL, PLAIN, 0, 0, 0, 0, 1, NULL, "refuse",
	NULL, NULL, "an address that ends like one"},
    {"a@x", "bob-pgp@example.com.evil", NULL, PLAIN, 0, 0, 0, 0, 1, NULL,
	"refuse", NULL, NULL, "an address that begins like one"},
    {"a@x", "bob@partner.example", NULL, PLAIN, 0, 0, 0, 0, 1, "partner",
	"smime", NULL, NULL, "the root of a tree"},
    {"a@x", "bob@a.b.partner.example", NULL, PLAIN, 0, 0, 0, 0, 1, "partner",
	"smime", NULL, NULL, "below the root of a tree"},
    {"a@x", "bob@xpartner.example", NULL, PLAIN, 0, 0, 0, 0, 1, NULL, "refuse",
	NULL, NULL, "beside the root of a tree"},
    {"", "b@a.bounce.example", NULL, PLAIN, 0, 0, 0, 0, 1, "nulls", "openpgp",
	NULL, NULL, "the null sender"},
    {"a@x", "b@a.bounce.example", NULL, PLAIN, 0, 0, 0, 0, 1, NULL, "refuse",
	NULL, NULL, "not the null sender"},
    {"a@x", "me@here", NULL, PLAIN, 0, 0, 0, 1, 1, "inbound", "openpgp", NULL,
	NULL, "a stranger to a mailbox here"},
    {"a@x", "me@here", NULL, PLAIN, 1, 0, 0, 1, 1, "colleagues", "openpgp",
	NULL, NULL, "an authenticated sender to a mailbox here"},
    {"a@x", "me@here", NULL, PLAIN, 0, 1, 0, 1, 1, "colleagues", "openpgp",
	NULL, NULL, "a local client to a mailbox here"},
    {"a@x", "b@y", "192.0.2.77", PLAIN, 0, 0, 0, 0, 1, "nets", "hold", NULL,
	NULL, "a client in a network"},
    {"a@x", "b@y", "2001:db8::1", PLAIN, 0, 0, 0, 0, 1, "nets", "hold", NULL,
	NULL, "a client by its address"},
    {"a@x", "b@y", "192.0.3.77", PLAIN, 0, 0, 0, 0, 1, NULL, "refuse", NULL,
	NULL, "a client in no network"},
    {"a@x", "b@tls.example", NULL, PLAIN, 0, 0, 1, 0, 1, "tls", "clear", NULL,
	NULL, "a client with TLS"},
    {"a@x", "b@tls.example", NULL, PLAIN, 0, 0, 0, 0, 1, "no tls", "refuse",
	NULL, NULL, "a client without TLS"},
    {"boss@example.org", "b@y", NULL, PLAIN, 0, 0, 0, 0, 1, "boss", "openpgp",
	NULL, NULL, "a sender"},
    {"a@x", "b@out.example", NULL, PLAIN, 0, 0, 0, 0, 1, "strangers", "refuse",
	NULL, NULL, "a sender who did not authenticate"},
    {"a@x", "b@out.example", NULL, PLAIN, 1, 0, 0, 0, 1, "rest", "openpgp",
	NULL, NULL, "a sender who did"},
    /* size */
    {"a@x", "b@big.example", NULL, BIG, 0, 0, 0, 0, 1, "big", "hold", NULL,
	NULL, "a big message"},
    {"a@x", "b@big.example", NULL, PLAIN, 0, 0, 0, 0, 1, "rest", "openpgp",
	NULL, NULL, "a small message"},
    /* tags */
    {"a@x", "b@out.example", NULL, SECURE, 1, 0, 0, 0, 1, "secure", "openpgp",
	"secure", NULL, "a tag that raises"},
    {"a@x", "b@out.example", NULL, SECURE, 0, 1, 0, 0, 1, "strangers", "refuse",
	NULL, NULL, "a tag whose rule is for others"},
    {"a@x", "bob-pgp@example.com", NULL, SECURE, 1, 0, 0, 0, 1, "one",
	"openpgp", NULL, "secure", "a tag that would lower by one level"},
    {"a@x", "b@out.example", NULL, OPEN, 1, 0, 0, 0, 1, "open", "clear", "open",
	NULL, "a tag that is level with the rule"},
    {"a@x", "bob-pgp@example.com", NULL, OPEN, 1, 0, 0, 0, 1, "one", "openpgp",
	NULL, "open", "a header that would open"},
    {"a@x", "bob-pgp@example.com", NULL, OPEN_VALUE, 0, 1, 0, 0, 1, "one",
	"openpgp", NULL, "open", "a header's value that would open"},
    {"a@x", "b@nowhere", NULL, OPEN, 1, 0, 0, 0, 1, NULL, "refuse", NULL,
	"open", "a header that would open what nothing allows"},
    {"a@x", "bob-pgp@example.com", NULL, BOTH, 1, 0, 0, 0, 1, "strict",
	"openpgp", "strict", "open", "a tag after one that was ignored"},
    {"a@x", "bob-pgp@example.com", NULL, STRICT, 0, 0, 0, 0, 1, "one",
	"openpgp", NULL, NULL, "a stranger's header"},
    {"a@x", "bob-pgp@example.com", NULL, OPEN, 0, 0, 0, 0, 1, "one", "openpgp",
	NULL, NULL, "a stranger's header that would open"},
    /* not yet */
    {"a@x", "bob-pgp@example.com", NULL, ENVELOPE, 0, 0, 0, 0, 1, "one",
	"openpgp", NULL, NULL, "the envelope decides for a stranger"},
    {"a@x", "bob-pgp@example.com", NULL, ENVELOPE, 0, 1, 0, 0, 0, NULL, NULL,
	NULL, NULL, "the envelope does not decide where tags may be"},
    {"", "b@a.bounce.example", NULL, ENVELOPE, 1, 0, 0, 0, 1, "nulls",
	"openpgp", NULL, NULL, "the envelope decides before any tag"},
    {"a@x", "b@big.example", NULL, ENVELOPE, 0, 0, 0, 0, 0, NULL, NULL, NULL,
	NULL, "the envelope does not decide what the size does"},
    {"a@x", "b@nowhere", NULL, ENVELOPE, 0, 0, 0, 0, 1, NULL, "refuse", NULL,
	NULL, "the envelope decides that no rule fits"},
};

static struct policy *
parse(const char *text, GPtrArray *warnings, struct fault *fault)
{
	struct policy *policy = NULL;
	config_t config;

	config_init(&config);
	if (config_read_string(&config, text) != CONFIG_TRUE)
		fault_set(fault, FAULT_PERM, "line %d: %s",
		    config_error_line(&config), config_error_text(&config));
	else
		(void)policy_parse(
		    config_lookup(&config, "policy"), &policy, warnings, fault);
	config_destroy(&config);
	return policy;
}

/* Adds the content that `which` names. */
static void
add_content(int which, struct policy_facts *facts, struct fields *fields,
    struct field *room)
{
	facts->content_known = which != ENVELOPE;
	if (which == ENVELOPE)
		return;
	fields->list = room;
	fields->count = 0;
	room[fields->count++] = plain;
	if (which == OPEN || which == BOTH)
		room[fields->count++] = opening;
	if (which == OPEN_VALUE)
		room[fields->count++] = mode;
	if (which == STRICT || which == BOTH)
		room[fields->count++] = strict;
	facts->fields = fields;
	facts->subject = which == SECURE ? "Figures [SECURE] for May" : "x";
	facts->size = which == BIG ? 10 * 1024 + 1 : 10 * 1024;
}

static void
test_table(void)
{
	GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
	struct fault fault = {FAULT_NONE, ""};
	struct policy *policy = parse(site, warnings, &fault);
	struct policy_facts facts;
	struct decision decision;
	struct fields fields;
	struct field room[4];
	const char *rung;
	int known;
	size_t i;

	is_str(fault.text, "", "a policy that uses everything parses");
	for (i = 0; policy != NULL && i < G_N_ELEMENTS(table); i++) {
		memset(&facts, 0, sizeof(facts));
		memset(&decision, 0, sizeof(decision));
		facts.sender = table[i].from;
		facts.recipient = table[i].to;
		facts.client = table[i].client;
		facts.authenticated = table[i].authenticated;
		facts.local_client = table[i].local;
		facts.tls = table[i].tls;
		facts.stored_here = table[i].stored;
		add_content(table[i].content, &facts, &fields, room);
		known = policy_decide(policy, &facts, &decision);
		rung = known == 1 ? rung_name(decision.ladder[0]) : NULL;
		ok(known == table[i].known &&
			g_strcmp0(decision.rule, table[i].rule) == 0 &&
			g_strcmp0(rung, table[i].first_rung) == 0 &&
			g_strcmp0(decision.raised_by, table[i].raised_by) ==
			    0 &&
			g_strcmp0(decision.lowering, table[i].lowering) == 0,
		    "%s: %s", table[i].name,
		    table[i].rule != NULL ? table[i].rule : "no rule");
		if (known != table[i].known ||
		    g_strcmp0(decision.rule, table[i].rule) != 0 ||
		    g_strcmp0(decision.lowering, table[i].lowering) != 0)
			printf("# known %d, rule %s, lowering %s\n", known,
			    decision.rule ? decision.rule : "none",
			    decision.lowering ? decision.lowering : "none");
	}
	policy_free(&policy);
	g_ptr_array_unref(warnings);
}

static void
test_properties(void)
{
	GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
	struct fault fault = {FAULT_NONE, ""};
	struct policy *policy = parse(site, warnings, &fault);
	struct policy_facts facts = {.sender = "a@x",
	    .recipient = "b@out.example",
	    .authenticated = true};
	struct decision decision;
	struct fields fields;
	struct field room[4];

	add_content(SECURE, &facts, &fields, room);
	(void)policy_decide(policy, &facts, &decision);
	is_str(decision.subject_tag, "[Secure]", "the tag is to be removed");
	ok(decision.hide_subject,
	    "a tag hides the subject of a rule that shows it");
	ok(decision.require_tls, "a tag can require TLS");
	is_int(decision.bounces, BOUNCES_REFUSE, "a tag can refuse bounces");
	is_int((intmax_t)decision.rungs, 3, "the tag's ladder is the ladder");
	ok(decision.recovery[0] == NULL && decision.recovery[1] == NULL,
	    "neither has recovery");
	is_str(decision.languages[1], "en", "the tag's languages count");
	add_content(PLAIN, &facts, &fields, room);
	(void)policy_decide(policy, &facts, &decision);
	ok(!decision.hide_subject, "a rule can show the subject");
	is_int(
	    decision.bounces, BOUNCES_CLEAR, "bounces go in clear by default");
	ok(decision.subject_tag == NULL, "without a tag none is removed");
	facts.recipient = "b@partner.example";
	add_content(STRICT, &facts, &fields, room);
	(void)policy_decide(policy, &facts, &decision);
	is_str(
	    decision.rule, "strict", "a level tag replaces the rule's ladder");
	ok(decision.hide_subject,
	    "a tag does not show a subject that is hidden");
	is_str(decision.recovery[0][0], "escrow@example.org",
	    "the tag's recovery counts");
	is_str(decision.recovery[1][0], "a@x.org", "the rule's recovery stays");
	is_str(decision.languages[0], "fr",
	    "a tag without languages leaves the rule's");
	facts.recipient = "b@nowhere";
	(void)policy_decide(policy, &facts, &decision);
	is_str(decision.rule, NULL, "where no rule fits a tag opens nothing");
	is_int(decision.bounces, BOUNCES_REFUSE,
	    "where no rule fits nor do bounces");
	policy_free(&policy);
	g_ptr_array_unref(warnings);
}

static void
test_order(void)
{
	GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
	struct fault fault = {FAULT_NONE, ""};
	struct policy *policy =
	    parse("policy = ( { name = \"first\"; to = \"@out.example\";"
		  "             seal = \"openpgp\"; },"
		  "           { name = \"late\"; header = \"X-Strict\";"
		  "             seal = \"refuse\"; } );",
		warnings, &fault);
	struct policy_facts facts = {.sender = "a@x",
	    .recipient = "b@out.example",
	    .authenticated = true};
	struct decision decision;
	struct fields fields;
	struct field room[4];

	add_content(STRICT, &facts, &fields, room);
	(void)policy_decide(policy, &facts, &decision);
	is_str(
	    decision.rule, "first", "a tag after the rule that fits is late");
	facts.content_known = false;
	is_int(policy_decide(policy, &facts, &decision), 1,
	    "and nobody waits for it");
	policy_free(&policy);
	g_ptr_array_unref(warnings);
}

/* --- Tags raise only, tried on policies made at random. */

#define TAGS 4

static const char *const ladders[] = {"\"clear\"", "\"openpgp\"",
    "\"openpgp\", \"clear\"", "\"smime\", \"passphrase\"", "\"passphrase\"",
    "\"openpgp\", \"hold\"", "\"hold\"", "\"refuse\"",
    "\"openpgp\", \"smime\", \"refuse\"", "\"passphrase\", \"clear\""};

static char *
random_policy(GRand *rand)
{
	GString *text = g_string_new("policy = (");
	int rules = g_rand_int_range(rand, 1, 8), i;

	for (i = 0; i < rules; i++) {
		g_string_append_printf(
		    text, "%s { name = \"%d\"; ", i > 0 ? "," : "", i);
		if (g_rand_boolean(rand))
			g_string_append_printf(text,
			    g_rand_boolean(rand) ? "header = \"X-T%d\"; "
						 : "subject = \"[t%d]\"; ",
			    g_rand_int_range(rand, 0, TAGS));
		if (g_rand_boolean(rand))
			g_string_append(text, "to = \"@a.example\"; ");
		if (g_rand_int_range(rand, 0, 4) == 0)
			g_string_append(text, "size = \">100\"; ");
		g_string_append_printf(text,
		    "hide_subject = %s; bounces = \"%s\"; %s seal = [ %s ]; }",
		    g_rand_boolean(rand) ? "true" : "false",
		    g_rand_boolean(rand) ? "clear" : "refuse",
		    g_rand_boolean(rand) ? "tls = \"require\";" : "",
		    ladders[g_rand_int_range(rand, 0, G_N_ELEMENTS(ladders))]);
	}
	g_string_append(text, ");");
	return g_string_free(text, FALSE);
}

static unsigned int
level(const struct decision *decision)
{
	static const unsigned int levels[] = {2, 2, 1, 0, 3, 4};
	unsigned int lowest = 4;
	size_t i;

	for (i = 0; i < decision->rungs; i++)
		lowest = MIN(lowest, levels[decision->ladder[i]]);
	return lowest;
}

static void
decide_with(const struct policy *policy, unsigned int tags,
    struct policy_facts *facts, struct decision *decision)
{
	static char names[TAGS][8], value[] = "";
	struct field room[TAGS];
	struct fields fields = {room, 0};
	GString *subject = g_string_new("x");
	unsigned int i;

	for (i = 0; i < TAGS; i++) {
		if ((tags & (1U << i)) == 0)
			continue;
		g_snprintf(names[i], sizeof(names[i]), "x-t%u", i);
		room[fields.count++] = (struct field){names[i], value};
		g_string_append_printf(subject, " [T%u]", i);
	}
	facts->content_known = true;
	facts->fields = &fields;
	facts->subject = subject->str;
	memset(decision, 0, sizeof(*decision));
	(void)policy_decide(policy, facts, decision);
	g_string_free(subject, TRUE);
}

static bool
never_lowers(const struct policy *policy, struct policy_facts *facts)
{
	struct decision without, with;
	unsigned int tags;

	decide_with(policy, 0, facts, &without);
	for (tags = 1; tags < 1U << TAGS; tags++) {
		decide_with(policy, tags, facts, &with);
		if (level(&with) < level(&without) ||
		    with.hide_subject < without.hide_subject ||
		    with.require_tls < without.require_tls ||
		    with.bounces < without.bounces)
			return false;
		if (!facts->authenticated && !facts->local_client &&
		    memcmp(&with, &without, sizeof(with)) != 0)
			return false;
	}
	return true;
}

static void
test_tags_never_lower(void)
{
	GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
	guint32 seed = g_random_int();
	GRand *rand = g_rand_new_with_seed(seed);
	struct fault fault = {FAULT_NONE, ""};
	struct policy_facts facts = {.sender = "a@x"};
	struct policy *policy;
	bool holds = true;
	int i, who;
	char *text;

	printf("# seed %u\n", seed);
	for (i = 0; i < 2000 && holds; i++) {
		text = random_policy(rand);
		if ((policy = parse(text, warnings, &fault)) == NULL)
			printf("# %s\n", fault.text);
		for (who = 0; who < 16 && holds; who++) {
			facts.authenticated = who & 1;
			facts.local_client = (who & 2) != 0;
			facts.recipient = who & 4 ? "b@a.example" : "b@c";
			facts.size = who & 8 ? 1000 : 10;
			holds = policy != NULL && never_lowers(policy, &facts);
		}
		if (!holds)
			printf("# %s\n", text);
		policy_free(&policy);
		g_free(text);
	}
	ok(holds, "for all subsets of tags, level(tags) >= level(no tags)");
	g_rand_free(rand);
	g_ptr_array_unref(warnings);
}

static void
test_built_in(void)
{
	GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
	struct policy_facts facts = {.sender = "", .recipient = "b@x"};
	struct decision decision;
	struct policy *policy = NULL;

	is_int(policy_parse(NULL, &policy, warnings, NULL), 0,
	    "there is a built-in policy");
	is_int(
	    policy_decide(policy, &facts, &decision), 1, "it needs no content");
	is_str(decision.rule, "default", "its rule has a name");
	is_int((intmax_t)decision.rungs, 3, "it has three rungs");
	is_int(level(&decision), 1, "it never sends in clear");
	is_int(warnings->len, 0, "nobody is warned of it");
	policy_free(&policy);
	g_ptr_array_unref(warnings);
}

static void
test_long_lists(void)
{
	GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
	struct policy_facts facts = {.sender = ""};
	struct fault fault = {FAULT_NONE, ""};
	GString *list = g_string_new("# staff\r\n\r\n");
	struct decision decision;
	struct policy *policy;
	GTimer *timer;
	char *file, *text;
	int i, fd;

	fd = g_file_open_tmp("policy-XXXXXX", &file, NULL);
	for (i = 0; i < 100000; i++)
		g_string_append_printf(list, "Person%d@Example.org \n", i);
	g_string_append(list, "\t# of old\nleft#right@example.org\n"
			      "  @.Tree.example # a comment");
	ok(fd >= 0 && g_file_set_contents(file, list->str, -1, NULL),
	    "a list of 100,000 addresses is written");
	text = g_strdup_printf("policy = ( { name = \"staff\"; "
			       "to = [ \"x@y\", \"file:%s\" ]; "
			       "seal = \"openpgp\"; } );",
	    file);
	policy = parse(text, warnings, &fault);
	is_str(fault.text, "", "a list in a file parses");
	timer = g_timer_new();
	for (i = 0; policy != NULL && i < 20000; i++) {
		facts.recipient = "person99999@example.org";
		(void)policy_decide(policy, &facts, &decision);
	}
	ok(g_timer_elapsed(timer, NULL) < 5, "20,000 decisions take no time");
	printf("# %.1f us each\n", g_timer_elapsed(timer, NULL) * 50);
	is_str(decision.rule, "staff", "the last address of the list fits");
	facts.recipient = "b@a.tree.example";
	(void)policy_decide(policy, &facts, &decision);
	is_str(decision.rule, "staff", "a tree of the list fits");
	facts.recipient = "left#right@example.org";
	(void)policy_decide(policy, &facts, &decision);
	is_str(decision.rule, "staff", "a # within an address is no comment");
	facts.recipient = "person100000@example.org";
	(void)policy_decide(policy, &facts, &decision);
	is_str(decision.rule, NULL, "an address that is not on it does not");
	policy_free(&policy);
	ok(g_file_set_contents(file, "a@b\nwrong one\n", -1, NULL),
	    "a list breaks");
	is_str((const char *)parse(text, warnings, &fault), NULL,
	    "a broken list is refused");
	has_str(
	    fault.text, "rule \"staff\": to: ", "the fault names the option");
	has_str(fault.text, ":2: \"wrong one\" is neither",
	    "the fault names line and text of the list");
	ok(g_file_set_contents(file, "a@b\n\npartner.example # c\n", -1, NULL),
	    "a list breaks otherwise");
	is_str((const char *)parse(text, warnings, &fault), NULL,
	    "a list with a bare domain is refused");
	has_str(fault.text, ":3: \"partner.example\" has no @; did you mean",
	    "the fault suggests what may be meant");
	(void)remove(file);
	is_str((const char *)parse(text, warnings, &fault), NULL,
	    "a list that is not there is refused");
	has_str(
	    fault.text, "No such file", "the fault says that it is not there");
	g_free(file);
	g_free(text);
	g_timer_destroy(timer);
	g_string_free(list, TRUE);
	g_ptr_array_unref(warnings);
}

static void
test_names(void)
{
	enum rung rung;
	int i;

	for (i = 0; i < RUNGS; i++)
		ok(rung_parse(rung_name((enum rung)i), &rung) == 0 &&
			rung == (enum rung)i,
		    "the rung %s has its name", rung_name((enum rung)i));
	is_int(rung_parse("OpenPGP", &rung), -1, "other names are no rungs");
	is_str(direction_name(DIRECTION_IN), "in", "in has its name");
	is_str(direction_name(DIRECTION_OUT), "out", "out has its name");
	is_str(direction_name(DIRECTION_LOCAL), "local", "local has its name");
}

int
main(void)
{
	test_names();
	test_table();
	test_properties();
	test_order();
	test_built_in();
	test_long_lists();
	test_tags_never_lower();
	return tap_done();
}
