/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * config_options.c - the options of the configuration, one reader each.
 *
 * In:    settings that libconfig has parsed.
 * Out:   their values, or a fault that names file, line and option.
 * Never: opens what the options name, or takes an option that it does not
 *        know.
 */
#include "keys/keys.h"
#include "milter/config_private.h"
#include "policy/address.h"
#include "policy/option.h"
#include "seal/seal.h"

#include <config.h>

#include <string.h>

static int fits_together(
    const config_setting_t *root, struct config *config, struct fault *fault);
static option_parse parse_socket_mode, parse_socket_group, parse_user;
static option_parse parse_pid_file, parse_state, parse_syslog_facility;
static option_parse parse_domains, parse_one_domain, parse_delimiter;
static option_parse parse_local_clients, parse_one_client;
static option_parse parse_keys, parse_sources, parse_one_source;
static option_parse parse_gnupg_home, parse_gpg;
static option_parse parse_smime_trust, parse_crl_files, parse_list_path;
static option_parse parse_engine, parse_limits;
static option_parse parse_sessions, parse_message, parse_spool_memory;
static option_parse parse_gpg_seconds, parse_message_seconds, parse_later;
static option_parse parse_slots, parse_waiting;
static int parse_path(
    const config_setting_t *setting, char **pathp, struct fault *fault);
static int parse_text(
    const config_setting_t *setting, char **textp, struct fault *fault);
static int parse_octets(const config_setting_t *setting, uint64_t max,
    uint64_t *octetsp, struct fault *fault);
static void add_network(struct config *config, const struct network *network);
static void add_text(char ***listp, char *text);

#ifdef HAVE_RNP
static const bool have_rnp = true;
#else
static const bool have_rnp = false;
#endif

/* What an MTA waits for an end of message before it gives up: Postfix 300 s. */
#define MESSAGE_SECONDS_MAX 290
#define SESSIONS_MAX 10000
#define OCTETS_MIN 1024
#define SLOTS_MAX 1000
#define SPOOL_MEMORY_MAX ((uint64_t)1 << 30)

static const struct option_reader options[] = {
    {"socket", config_parse_socket},
    {"socket_mode", parse_socket_mode},
    {"socket_group", parse_socket_group},
    {"user", parse_user},
    {"pid_file", parse_pid_file},
    {"state", parse_state},
    {"syslog_facility", parse_syslog_facility},
    {"domains", parse_domains},
    {"recipient_delimiter", parse_delimiter},
    {"local_clients", parse_local_clients},
    {"delivery", config_parse_delivery},
    {"inject", config_parse_inject},
    {"keys", parse_keys},
    {"passphrase", config_parse_passphrase},
    {"gpg", parse_gpg},
    {"openpgp_engine", parse_engine},
    {"limits", parse_limits},
    {"policy", parse_later},
};

static const struct option_reader keys_options[] = {
    {"sources", parse_sources},
    {"gnupg_home", parse_gnupg_home},
    {"smime_trust", parse_smime_trust},
    {"crl_files", parse_crl_files},
    {"crl_fetch", config_parse_crl_fetch},
    {"crl_fetch_private", config_parse_crl_private},
    {"crl_fetch_seconds", config_parse_crl_seconds},
};

static const struct option_reader limits_options[] = {
    {"sessions", parse_sessions},
    {"message", parse_message},
    {"spool_memory", parse_spool_memory},
    {"gpg_seconds", parse_gpg_seconds},
    {"message_seconds", parse_message_seconds},
    {"inject_slots", parse_slots},
    {"inject_waiting", parse_waiting},
    {"derivations", config_parse_derivations},
};

void
config_set_defaults(struct config *config)
{
	static const char *const local[] = {"127.0.0.0/8", "::1/128"};
	struct network network;
	size_t i;

	config->socket = g_strdup("unix:/run/sealmilter/milter.sock");
	config->socket_mode = 0660;
	config->user = g_strdup("sealmilter");
	config->state = g_strdup("/var/lib/sealmilter");
	config->syslog_facility = g_strdup("mail");
	config->domains = g_new0(char *, 1);
	config->recipient_delimiter = g_strdup("+");
	for (i = 0; i < G_N_ELEMENTS(local); i++)
		if (network_parse(local[i], &network) == 0)
			add_network(config, &network);
	config->delivery = DELIVERY_EDIT;
	config->slots = 20;
	config->waiting = 200;
	add_text(&config->sources, g_strdup("store"));
	config->gpg = g_strdup(GPG_PATH);
	config->crl_fetch_seconds = 30;
	config->engines = PGP_ALL;
	config->gpg_seconds = 30;
	config->message_seconds = 240;
	config->sessions = 400;
	config->message_octets = (uint64_t)200 << 20;
	config->spool_memory_octets = (size_t)1 << 20;
	config_passphrase_defaults(config);
}

int
config_parse_options(
    const config_setting_t *root, struct config *config, struct fault *fault)
{
	if (option_parse_group(
		root, options, G_N_ELEMENTS(options), config, fault) != 0)
		return -1;
	return fits_together(root, config, fault);
}

/* What no option can know alone. */
static int
fits_together(
    const config_setting_t *root, struct config *config, struct fault *fault)
{
	const config_setting_t *keys, *limits;

	keys = config_setting_get_member(root, "keys");
	if (g_strv_contains((const char *const *)config->sources, "gnupg") &&
	    config->gnupg_home == NULL) {
		option_fault(fault, keys,
		    "the source \"gnupg\" needs \"gnupg_home\", since the "
		    "daemon has no home directory");
		return -1;
	}
	limits = config_setting_get_member(root, "limits");
	if (config->gpg_seconds > config->message_seconds) {
		option_fault(fault, limits,
		    "gpg_seconds (%u) must not be more than message_seconds "
		    "(%u)",
		    config->gpg_seconds, config->message_seconds);
		return -1;
	}
	if (config_settle_delivery(root, config, fault) != 0)
		return -1;
	return config_settle_passphrase(root, config, fault);
}

static int
parse_socket_mode(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	const char *text = config_setting_get_string(setting);
	struct config *config = target;
	guint64 mode;

	if (text == NULL ||
	    !g_ascii_string_to_unsigned(text, 8, 0, 0777, &mode, NULL)) {
		option_fault(fault, setting,
		    "expects octal digits in quotes, such as \"0660\"");
		return -1;
	}
	config->socket_mode = (mode_t)mode;
	return 0;
}

static int
parse_socket_group(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return parse_text(setting, &config->socket_group, fault);
}

/* The empty name means to stay who one is. */
static int
parse_user(const config_setting_t *setting, void *target, struct fault *fault)
{
	const char *text = config_setting_get_string(setting);
	struct config *config = target;

	if (text != NULL && *text == '\0') {
		g_clear_pointer(&config->user, g_free);
		return 0;
	}
	return parse_text(setting, &config->user, fault);
}

static int
parse_pid_file(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return parse_path(setting, &config->pid_file, fault);
}

static int
parse_state(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return parse_path(setting, &config->state, fault);
}

/* Other characters are part of people's names. */
static int
parse_delimiter(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;
	const char *text;

	if (option_string(setting, &text, fault) != 0)
		return -1;
	if (strspn(text, "+-=#_") != strlen(text)) {
		option_fault(fault, setting,
		    "expects characters out of + - = # _, or \"\"");
		return -1;
	}
	g_free(config->recipient_delimiter);
	config->recipient_delimiter = g_strdup(text);
	return 0;
}

static int
parse_syslog_facility(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	static const char *const words[] = {"mail", "daemon", "user", "local0",
	    "local1", "local2", "local3", "local4", "local5", "local6",
	    "local7", NULL};
	struct config *config = target;
	size_t which;

	if (option_word(setting, words, &which, fault) != 0)
		return -1;
	g_free(config->syslog_facility);
	config->syslog_facility = g_strdup(words[which]);
	return 0;
}

static int
parse_domains(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	return option_each_string(setting, parse_one_domain, target, fault);
}

static int
parse_one_domain(
    const config_setting_t *element, void *target, struct fault *fault)
{
	struct config *config = target;
	const char *text;
	char *at, *pattern;

	if (option_string(element, &text, fault) != 0)
		return -1;
	at = g_strconcat("@", text, NULL);
	pattern = address_pattern(at);
	g_free(at);
	if (pattern == NULL || pattern[1] == '.') {
		option_fault(fault, element,
		    "\"%s\" is no domain such as \"example.org\"", text);
		g_free(pattern);
		return -1;
	}
	add_text(&config->domains, g_strdup(pattern + 1));
	g_free(pattern);
	return 0;
}

static int
parse_local_clients(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	g_free(config->local_clients);
	config->local_clients = NULL;
	config->local_clients_count = 0;
	/* Sites whose clients all authenticate may trust no address. */
	if (config_setting_type(setting) != CONFIG_TYPE_STRING &&
	    config_setting_is_aggregate(setting) &&
	    config_setting_length(setting) == 0)
		return 0;
	return option_each_string(setting, parse_one_client, config, fault);
}

static int
parse_one_client(
    const config_setting_t *element, void *target, struct fault *fault)
{
	struct config *config = target;
	struct network network;
	const char *text;

	if (option_string(element, &text, fault) != 0)
		return -1;
	if (network_parse(text, &network) != 0) {
		option_fault(fault, element,
		    "\"%s\" is neither an IP address nor a network such as "
		    "\"192.0.2.0/24\"",
		    text);
		return -1;
	}
	add_network(config, &network);
	return 0;
}

static int
parse_keys(const config_setting_t *setting, void *target, struct fault *fault)
{
	return option_parse_group(
	    setting, keys_options, G_N_ELEMENTS(keys_options), target, fault);
}

static int
parse_sources(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	g_clear_pointer(&config->sources, g_strfreev);
	return option_each_string(setting, parse_one_source, config, fault);
}

static int
parse_one_source(
    const config_setting_t *element, void *target, struct fault *fault)
{
	struct config *config = target;
	const char *name;
	size_t which;

	if (option_word(element, keys_source_names, &which, fault) != 0)
		return -1;
	name = keys_source_names[which];
	if (config->sources != NULL &&
	    g_strv_contains((const char *const *)config->sources, name)) {
		option_fault(fault, element, "\"%s\" is there twice", name);
		return -1;
	}
	add_text(&config->sources, g_strdup(name));
	return 0;
}

static int
parse_gnupg_home(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return parse_path(setting, &config->gnupg_home, fault);
}

static int
parse_smime_trust(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return option_each_string(
	    setting, parse_list_path, &config->smime_trust, fault);
}

static int
parse_crl_files(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return option_each_string(
	    setting, parse_list_path, &config->crl_files, fault);
}

static int
parse_list_path(
    const config_setting_t *element, void *target, struct fault *fault)
{
	char ***listp = target, *path = NULL;

	if (parse_path(element, &path, fault) != 0)
		return -1;
	add_text(listp, path);
	return 0;
}

static int
parse_gpg(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return parse_path(setting, &config->gpg, fault);
}

static int
parse_engine(const config_setting_t *setting, void *target, struct fault *fault)
{
	static const char *const words[] = {
	    "auto", "openssl", "rnp", "gnupg", NULL};

	static const enum pgp_engines engines[] = {
	    PGP_ALL, PGP_OPENSSL, PGP_RNP, PGP_GNUPG};
	struct config *config = target;
	size_t which;

	if (option_word(setting, words, &which, fault) != 0)
		return -1;
	if (engines[which] == PGP_RNP && !have_rnp) {
		option_fault(fault, setting,
		    "this build has no RNP; write \"auto\", \"openssl\" or"
		    " \"gnupg\"");
		return -1;
	}
	config->engines = engines[which];
	return 0;
}

static int
parse_limits(const config_setting_t *setting, void *target, struct fault *fault)
{
	return option_parse_group(setting, limits_options,
	    G_N_ELEMENTS(limits_options), target, fault);
}

static int
parse_sessions(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return option_number(
	    setting, 1, SESSIONS_MAX, &config->sessions, fault);
}

static int
parse_message(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return parse_octets(setting, INT64_MAX, &config->message_octets, fault);
}

static int
parse_spool_memory(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;
	uint64_t octets;

	if (parse_octets(setting, SPOOL_MEMORY_MAX, &octets, fault) != 0)
		return -1;
	config->spool_memory_octets = (size_t)octets;
	return 0;
}

static int
parse_gpg_seconds(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return option_number(
	    setting, 1, MESSAGE_SECONDS_MAX, &config->gpg_seconds, fault);
}

static int
parse_message_seconds(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return option_number(
	    setting, 1, MESSAGE_SECONDS_MAX, &config->message_seconds, fault);
}

static int
parse_slots(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return option_number(setting, 1, SLOTS_MAX, &config->slots, fault);
}

static int
parse_waiting(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return option_number(setting, 0, SESSIONS_MAX, &config->waiting, fault);
}

/* policy_parse() reads it when all else is known to be right. */
static int
parse_later(const config_setting_t *setting, void *target, struct fault *fault)
{
	(void)setting;
	(void)target;
	(void)fault;
	return 0;
}

/* The daemon's working directory is not the administrator's. */
static int
parse_path(const config_setting_t *setting, char **pathp, struct fault *fault)
{
	const char *text;

	if (option_string(setting, &text, fault) != 0)
		return -1;
	if (!g_path_is_absolute(text)) {
		option_fault(fault, setting,
		    "expects a path that begins with \"/\", not \"%s\"", text);
		return -1;
	}
	g_free(*pathp);
	*pathp = g_strdup(text);
	return 0;
}

static int
parse_text(const config_setting_t *setting, char **textp, struct fault *fault)
{
	const char *text;

	if (option_string(setting, &text, fault) != 0)
		return -1;
	g_free(*textp);
	*textp = g_strdup(text);
	return 0;
}

static int
parse_octets(const config_setting_t *setting, uint64_t max, uint64_t *octetsp,
    struct fault *fault)
{
	uint64_t octets;

	if (option_octets(setting, &octets, fault) != 0)
		return -1;
	if (octets < OCTETS_MIN || octets > max) {
		option_fault(fault, setting,
		    "must be from %d to %" G_GUINT64_FORMAT " octets",
		    OCTETS_MIN, max);
		return -1;
	}
	*octetsp = octets;
	return 0;
}

static void
add_network(struct config *config, const struct network *network)
{
	config->local_clients = g_renew(struct network, config->local_clients,
	    config->local_clients_count + 1);
	config->local_clients[config->local_clients_count++] = *network;
}

static void
add_text(char ***listp, char *text)
{
	size_t count = *listp != NULL ? g_strv_length(*listp) : 0;

	*listp = g_renew(char *, *listp, count + 2);
	(*listp)[count] = text;
	(*listp)[count + 1] = NULL;
}
