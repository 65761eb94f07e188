/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * policy_test.c - `sealctl policy test`: does the policy do what is expected?
 *
 * In:    a libconfig file with a list of messages and expectations.
 * Out:   a line for each that tells whether it is met (TAP), and a sum.
 * Never: seals, sends or changes anything.
 */
#include "ctl/policy.h"
#include "milter/plan.h"
#include "policy/address.h"
#include "policy/option.h"

#include <stdio.h>
#include <string.h>

/* One message and what is expected of it. */
struct trial {
	char *name;
	char *to;
	char *expect;
	char *rule; /* or NULL */
	char *subject;
	struct origin origin;
	GArray *fields; /* of struct field */
	uint64_t size;
};

static int read_trials(const char *file, const struct config *config,
    GPtrArray *trials, struct fault *fault);
static option_parse parse_tests;
static option_parse parse_trial;
static int is_complete(const config_setting_t *setting,
    const struct trial *trial, struct fault *fault);
static int run_trials(
    const struct ctl *ctl, const GPtrArray *trials, struct fault *fault);
static bool run_trial(const struct ctl *ctl, struct keys *keys,
    const struct trial *trial, guint number);
static void say_why(
    const struct treatment *treatment, const struct fault *fault);
static void add_field(struct trial *trial, const char *name, const char *value);
static void trial_free(void *data);
static void field_clear(void *data);
static int copy_text(
    const config_setting_t *setting, char **textp, struct fault *fault);
static option_parse parse_name, parse_from, parse_to, parse_authenticated;
static option_parse parse_client, parse_tls, parse_local, parse_subject;
static option_parse parse_headers, parse_header, parse_size, parse_expect;
static option_parse parse_rule;

#define SIZE_DEFAULT 4096

static const struct option_reader file_options[] = {
    {"tests", parse_tests},
};

static const struct option_reader trial_options[] = {
    {"name", parse_name},
    {"from", parse_from},
    {"to", parse_to},
    {"authenticated", parse_authenticated},
    {"client", parse_client},
    {"tls", parse_tls},
    {"local", parse_local},
    {"subject", parse_subject},
    {"headers", parse_headers},
    {"size", parse_size},
    {"expect", parse_expect},
    {"rule", parse_rule},
};

int
ctl_policy_test(struct ctl *ctl, int argc, char *const argv[])
{
	GPtrArray *trials = g_ptr_array_new_with_free_func(trial_free);
	struct fault fault = {FAULT_NONE, ""};
	int status = CTL_USAGE;

	if (argc != 2 || argv[1][0] == '-')
		ctl_error("policy test: needs one FILE");
	else if (read_trials(argv[1], ctl->config, trials, &fault) != 0)
		status = ctl_fault(&fault);
	else
		status = run_trials(ctl, trials, &fault);
	g_ptr_array_unref(trials);
	return status;
}

static int
read_trials(const char *file, const struct config *config, GPtrArray *trials,
    struct fault *fault)
{
	struct trial *trial;
	config_t parsed;
	int ret = -1;
	guint i;

	config_init(&parsed);
	if (option_read_file(file, &parsed, fault) != 0 ||
	    option_parse_group(config_root_setting(&parsed), file_options,
		G_N_ELEMENTS(file_options), trials, fault) != 0)
		goto out;
	if (trials->len == 0) {
		fault_set(fault, FAULT_PERM,
		    "%s: has no tests = ( { name = ...; }, ... );", file);
		goto out;
	}
	for (i = 0; i < trials->len; i++) {
		trial = g_ptr_array_index(trials, i);
		if (config_is_local(config, trial->origin.client))
			trial->origin.local_client = true;
	}
	ret = 0;
out:
	config_destroy(&parsed);
	return ret;
}

static int
parse_tests(const config_setting_t *setting, void *target, struct fault *fault)
{
	const config_setting_t *element;
	unsigned int i;

	if (config_setting_type(setting) != CONFIG_TYPE_LIST) {
		option_fault(
		    fault, setting, "expects tests in ( { ... }, { ... } )");
		return -1;
	}
	for (i = 0; (element = config_setting_get_elem(setting, i)) != NULL;
	     i++)
		if (parse_trial(element, target, fault) != 0)
			return -1;
	return 0;
}

static int
parse_trial(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct trial *trial = g_new0(struct trial, 1);
	GPtrArray *trials = target;

	g_ptr_array_add(trials, trial);
	trial->fields = g_array_new(FALSE, FALSE, sizeof(struct field));
	g_array_set_clear_func(trial->fields, field_clear);
	trial->size = SIZE_DEFAULT;
	if (option_parse_group(setting, trial_options,
		G_N_ELEMENTS(trial_options), trial, fault) != 0)
		return -1;
	return is_complete(setting, trial, fault);
}

static int
is_complete(const config_setting_t *setting, const struct trial *trial,
    struct fault *fault)
{
	const char *missing = NULL;

	if (trial->name == NULL)
		missing = "name";
	else if (trial->origin.sender == NULL)
		missing = "from";
	else if (trial->to == NULL)
		missing = "to";
	else if (trial->expect == NULL)
		missing = "expect";
	if (missing == NULL)
		return 0;
	option_fault(fault, setting, "needs \"%s\"", missing);
	return -1;
}

static int
run_trials(const struct ctl *ctl, const GPtrArray *trials, struct fault *fault)
{
	struct keys *keys = NULL;
	guint i, passed = 0;

	if (ctl_become_runtime_user(ctl, fault) != 0 ||
	    ctl_open_keys(ctl, &keys, fault) != 0)
		return ctl_fault(fault);
	printf("1..%u\n", trials->len);
	for (i = 0; i < trials->len; i++)
		if (run_trial(ctl, keys, g_ptr_array_index(trials, i), i + 1))
			passed++;
	printf("# %u passed, %u failed\n", passed, trials->len - passed);
	keys_close(&keys);
	return passed == trials->len ? CTL_DONE : CTL_REFUSED;
}

static bool
run_trial(const struct ctl *ctl, struct keys *keys, const struct trial *trial,
    guint number)
{
	const struct fields fields = {
	    (struct field *)(void *)trial->fields->data, trial->fields->len};
	struct treatment *treatment = NULL;
	struct content content = {.fields = NULL};
	struct fault fault = {FAULT_NONE, ""};
	const char *form = NULL, *rule = NULL;
	bool met;
	int known;

	known = content_make(&fields, g_strdup(trial->subject), ctl->config,
	    &trial->origin, &content, &fault);
	content.size = trial->size;
	if (known == 0)
		known = plan_recipient(ctl->config, keys, &trial->origin,
		    trial->to, &content, &treatment, &fault);
	if (known == 1 && treatment != NULL) {
		form = rung_name(treatment->rung);
		rule = treatment->decision.rule;
	} else if (fault.kind == FAULT_PERM)
		form = rung_name(RUNG_REFUSE); /* no address, no passphrase */
	met = g_strcmp0(form, trial->expect) == 0 &&
	      (trial->rule == NULL || g_strcmp0(rule, trial->rule) == 0);
	printf("%s %u - %s\n", met ? "ok" : "not ok", number, trial->name);
	if (!met) {
		printf("# expected %s", trial->expect);
		if (trial->rule != NULL)
			printf(" by rule \"%s\"", trial->rule);
		printf(", got %s", form != NULL ? form : "no answer");
		if (rule != NULL)
			printf(" by rule \"%s\"", rule);
		printf("\n");
		say_why(treatment, &fault);
	}
	treatment_free(&treatment);
	content_clear(&content);
	return met;
}

static void
say_why(const struct treatment *treatment, const struct fault *fault)
{
	const struct attempt *attempt;
	guint i;

	if (treatment == NULL) {
		printf("#   %s\n", fault->text);
		return;
	}
	if (treatment->decision.rule == NULL)
		printf("#   no rule fits\n");
	for (i = 0; i < treatment->attempts->len; i++) {
		attempt =
		    &g_array_index(treatment->attempts, struct attempt, i);
		if (attempt->why != NULL)
			printf("#   %s: %s\n", rung_name(attempt->rung),
			    attempt->why);
	}
	if (treatment->decision.lowering != NULL)
		printf("#   rule \"%s\" was ignored: it protects less\n",
		    treatment->decision.lowering);
}

static void
add_field(struct trial *trial, const char *name, const char *value)
{
	struct field field = {g_strdup(name), g_strdup(value)};

	g_array_append_val(trial->fields, field);
}

static void
trial_free(void *data)
{
	struct trial *trial = data;

	g_array_unref(trial->fields);
	g_free(trial->origin.sender);
	g_free(trial->origin.client);
	g_free(trial->name);
	g_free(trial->to);
	g_free(trial->expect);
	g_free(trial->rule);
	g_free(trial->subject);
	g_free(trial);
}

static void
field_clear(void *data)
{
	struct field *field = data;

	g_free(field->name);
	g_free(field->value);
}

static int
copy_text(const config_setting_t *setting, char **textp, struct fault *fault)
{
	const char *text;

	if (option_string(setting, &text, fault) != 0)
		return -1;
	*textp = g_strdup(text);
	return 0;
}

static int
parse_name(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct trial *trial = target;

	return copy_text(setting, &trial->name, fault);
}

static int
parse_from(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct trial *trial = target;
	const char *text;

	if (option_string(setting, &text, fault) != 0)
		return -1;
	trial->origin.sender = address_canonical(text);
	if (trial->origin.sender != NULL)
		return 0;
	option_fault(fault, setting, "\"%s\" is no address", text);
	return -1;
}

/* Whether it is an address is for the plan to say: that may be the test. */
static int
parse_to(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct trial *trial = target;

	return copy_text(setting, &trial->to, fault);
}

static int
parse_authenticated(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct trial *trial = target;

	return option_bool(setting, &trial->origin.authenticated, fault);
}

static int
parse_client(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct trial *trial = target;
	struct network network;
	const char *text;

	if (option_string(setting, &text, fault) != 0)
		return -1;
	if (strchr(text, '/') != NULL || network_parse(text, &network) != 0) {
		option_fault(fault, setting, "\"%s\" is no IP address", text);
		return -1;
	}
	trial->origin.client = g_strdup(text);
	return 0;
}

static int
parse_tls(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct trial *trial = target;

	return option_bool(setting, &trial->origin.tls, fault);
}

static int
parse_local(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct trial *trial = target;

	return option_bool(setting, &trial->origin.local_client, fault);
}

static int
parse_subject(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct trial *trial = target;

	if (copy_text(setting, &trial->subject, fault) != 0)
		return -1;
	add_field(trial, "Subject", trial->subject);
	return 0;
}

static int
parse_headers(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	return option_each_string(setting, parse_header, target, fault);
}

static int
parse_header(const config_setting_t *element, void *target, struct fault *fault)
{
	struct trial *trial = target;
	const char *text, *colon;
	char *name;

	if (option_string(element, &text, fault) != 0)
		return -1;
	if ((colon = strchr(text, ':')) == NULL || colon == text) {
		option_fault(
		    fault, element, "\"%s\" is no \"Name: value\"", text);
		return -1;
	}
	name = g_strndup(text, (gsize)(colon - text));
	add_field(trial, name, colon + 1);
	g_free(name);
	return 0;
}

static int
parse_size(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct trial *trial = target;

	return option_octets(setting, &trial->size, fault);
}

static int
parse_expect(const config_setting_t *setting, void *target, struct fault *fault)
{
	const char *words[RUNGS + 1] = {NULL};
	struct trial *trial = target;
	size_t which;

	for (which = 0; which < RUNGS; which++)
		words[which] = rung_name((enum rung)which);
	if (option_word(setting, words, &which, fault) != 0)
		return -1;
	trial->expect = g_strdup(words[which]);
	return 0;
}

static int
parse_rule(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct trial *trial = target;

	return copy_text(setting, &trial->rule, fault);
}
