/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * config.c - read the configuration file.
 *
 * In:    a libconfig file, or nothing: the built-in defaults.
 * Out:   one complete configuration, or a fault that names file, line and
 *        option.
 * Never: opens what the options name, but for lists of addresses and texts;
 *        or takes an option that it does not know.
 */
#include "milter/config.h"

#include "milter/config_private.h"
#include "policy/address.h"
#include "policy/option.h"

#include <libconfig.h>

static int read_file(const char *file, struct config *config,
    GPtrArray *warnings, struct fault *fault);
static void config_free(struct config *config);

int
config_load(const char *file, struct config **configp, GPtrArray *warnings,
    struct fault *fault)
{
	struct config *config = g_new0(struct config, 1);
	int ret = -1;

	g_atomic_ref_count_init(&config->references);
	config_set_defaults(config);
	if (file == NULL) {
		if (policy_parse(NULL, &config->policy, warnings, fault) != 0 ||
		    config_read_templates(config, fault) != 0)
			goto out;
	} else {
		config->file = g_canonicalize_filename(file, NULL);
		if (read_file(file, config, warnings, fault) != 0)
			goto out;
	}
	*configp = g_steal_pointer(&config);
	ret = 0;
out:
	config_unref(&config);
	return ret;
}

struct config *
config_ref(struct config *config)
{
	g_atomic_ref_count_inc(&config->references);
	return config;
}

void
config_unref(struct config **configp)
{
	struct config *config = g_steal_pointer(configp);

	if (config != NULL && g_atomic_ref_count_dec(&config->references))
		config_free(config);
}

bool
config_stores(const struct config *config, const char *address)
{
	return g_strv_contains(
	    (const char *const *)config->domains, address_domain(address));
}

bool
config_is_local(const struct config *config, const char *client)
{
	size_t i;

	for (i = 0; i < config->local_clients_count; i++)
		if (network_contains(&config->local_clients[i], client))
			return true;
	return false;
}

static int
read_file(const char *file, struct config *config, GPtrArray *warnings,
    struct fault *fault)
{
	const config_setting_t *root;
	config_t parsed;
	int ret = -1;

	config_init(&parsed);
	if (option_read_file(file, &parsed, fault) != 0)
		goto out;
	root = config_root_setting(&parsed);
	if (config_parse_options(root, config, fault) != 0 ||
	    policy_parse(config_setting_get_member(root, "policy"),
		&config->policy, warnings, fault) != 0 ||
	    config_read_templates(config, fault) != 0)
		goto out;
	ret = 0;
out:
	config_destroy(&parsed);
	return ret;
}

static void
config_free(struct config *config)
{
	g_free(config->file);
	g_free(config->socket);
	g_free(config->socket_group);
	g_free(config->user);
	g_free(config->pid_file);
	g_free(config->state);
	g_free(config->syslog_facility);
	g_free(config->recipient_delimiter);
	g_strfreev(config->domains);
	g_free(config->local_clients);
	g_strfreev(config->sources);
	g_free(config->inject);
	g_free(config->gnupg_home);
	g_strfreev(config->smime_trust);
	g_strfreev(config->crl_files);
	g_free(config->gpg);
	config_passphrase_clear(config);
	policy_free(&config->policy);
	g_free(config);
}
