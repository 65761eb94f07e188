/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * config_passphrase.c - the option "passphrase", and the texts it needs.
 *
 * In:    settings of libconfig's; the templates.
 * Out:   what is done for people who have a passphrase, or none yet.
 * Never: takes a text that it cannot fill in.
 */
#include "milter/config_private.h"
#include "policy/option.h"
#include "seal/seal.h"

#define DERIVATIONS_MAX 1000

static option_parse parse_generate, parse_given, parse_languages;
static option_parse parse_templates, parse_file_name;
static int add_languages(
    void *context, const char *rule, const char *const *languages);

static const struct option_reader passphrase_options[] = {
    {"generate", parse_generate},
    {"subject", parse_given},
    {"language", parse_languages},
    {"templates", parse_templates},
    {"file_name", parse_file_name},
};

void
config_passphrase_defaults(struct config *config)
{
	config->passphrase.languages = g_strsplit("en", ",", -1);
	config->passphrase.file_name = g_strdup("message.html");
	/* Each takes a processor for a third of a second. */
	config->derivations = 2;
}

void
config_passphrase_clear(struct config *config)
{
	g_strfreev(config->passphrase.languages);
	g_free(config->passphrase.file_name);
	g_free(config->passphrase.directory);
	templates_free(&config->passphrase.templates);
}

int
config_parse_passphrase(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	return option_parse_group(setting, passphrase_options,
	    G_N_ELEMENTS(passphrase_options), target, fault);
}

int
config_parse_derivations(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return option_number(
	    setting, 1, DERIVATIONS_MAX, &config->derivations, fault);
}

/* The sender is told by a message of its own, and that goes to `inject`. */
int
config_settle_passphrase(
    const config_setting_t *root, struct config *config, struct fault *fault)
{
	if (!config->passphrase.generate ||
	    config->delivery == DELIVERY_REINJECT)
		return 0;
	option_fault(fault,
	    config_setting_get_member(
		config_setting_get_member(root, "passphrase"), "generate"),
	    "needs delivery by copies (set \"inject\"): the sender is told a "
	    "passphrase that was made by a message, which goes there too");
	return -1;
}

static int
parse_generate(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return option_bool(setting, &config->passphrase.generate, fault);
}

static int
parse_given(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return option_bool(setting, &config->passphrase.subject, fault);
}

static int
parse_languages(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;
	GPtrArray *languages = g_ptr_array_new_with_free_func(g_free);

	if (policy_parse_languages(setting, languages, fault) != 0) {
		g_ptr_array_free(languages, TRUE);
		return -1;
	}
	g_strfreev(config->passphrase.languages);
	config->passphrase.languages =
	    (char **)g_ptr_array_free(languages, FALSE);
	return 0;
}

static int
parse_templates(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;
	const char *text;

	if (option_string(setting, &text, fault) != 0)
		return -1;
	if (!g_path_is_absolute(text)) {
		option_fault(fault, setting,
		    "expects a path that begins with \"/\", not \"%s\"", text);
		return -1;
	}
	g_free(config->passphrase.directory);
	config->passphrase.directory = g_strdup(text);
	return 0;
}

/* It stands in a header, and in file systems of all kinds. */
static int
parse_file_name(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;
	const char *text;

	if (option_string(setting, &text, fault) != 0)
		return -1;
	if (!seal_page_name_may_be(text)) {
		option_fault(fault, setting,
		    "expects a name such as \"message.html\", of at most 64 "
		    "letters, digits, \".\", \"-\" and \"_\"");
		return -1;
	}
	g_free(config->passphrase.file_name);
	config->passphrase.file_name = g_strdup(text);
	return 0;
}

/* --- The texts */

struct reading {
	struct config *config;
	struct fault *fault;
};

int
config_read_templates(struct config *config, struct fault *fault)
{
	struct reading reading = {config, fault};

	config->passphrase.templates =
	    templates_make(config->passphrase.directory);
	if (add_languages(&reading, NULL,
		(const char *const *)config->passphrase.languages) != 0)
		return -1;
	return policy_each_languages(config->policy, add_languages, &reading);
}

static int
add_languages(void *context, const char *rule, const char *const *languages)
{
	struct reading *reading = context;
	size_t i;

	for (i = 0; languages[i] != NULL; i++) {
		if (templates_add(reading->config->passphrase.templates,
			languages[i], reading->fault) == 0)
			continue;
		if (rule != NULL)
			fault_prefix(
			    reading->fault, "rule \"%s\": language", rule);
		else
			fault_prefix(reading->fault, "passphrase: language");
		if (reading->config->file != NULL)
			fault_prefix(
			    reading->fault, "%s", reading->config->file);
		return -1;
	}
	return 0;
}
