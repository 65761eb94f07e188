/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * config_crl.c - the options "keys.crl_fetch" and what is about it.
 *
 * In:    settings of libconfig's.
 * Out:   whether CRLs are fetched, and how.
 * Never: fetches.
 */
#include "milter/config_private.h"
#include "policy/option.h"

#define SECONDS_MAX 3600

int
config_parse_crl_fetch(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return option_bool(setting, &config->crl_fetch, fault);
}

int
config_parse_crl_private(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return option_bool(setting, &config->crl_fetch_private, fault);
}

int
config_parse_crl_seconds(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct config *config = target;

	return option_number(
	    setting, 1, SECONDS_MAX, &config->crl_fetch_seconds, fault);
}
