/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_CONFIG_PRIVATE_H
#define MILTER_CONFIG_PRIVATE_H

#include "milter/config.h"

#include <libconfig.h>

/* What config.c and config_options.c share. */

/* Gives each option its built-in value. */
void config_set_defaults(struct config *config);

/* Reads all options but "policy".  0, or -1 with fault. */
int config_parse_options(
    const config_setting_t *root, struct config *config, struct fault *fault);

/* An option_parse for "socket"; config_socket.c. */
int config_parse_socket(
    const config_setting_t *setting, void *target, struct fault *fault);

/* The same for "delivery" and "inject"; config_inject.c. */
int config_parse_delivery(
    const config_setting_t *setting, void *target, struct fault *fault);
int config_parse_inject(
    const config_setting_t *setting, void *target, struct fault *fault);

/* The same for "keys.crl_fetch" and what is about it; config_crl.c. */
int config_parse_crl_fetch(
    const config_setting_t *setting, void *target, struct fault *fault);
int config_parse_crl_private(
    const config_setting_t *setting, void *target, struct fault *fault);
int config_parse_crl_seconds(
    const config_setting_t *setting, void *target, struct fault *fault);

/* When all options are read: copies where they can be sent, unless
 * "delivery" says otherwise.  0, or -1 with fault. */
int config_settle_delivery(
    const config_setting_t *root, struct config *config, struct fault *fault);

/* "passphrase" and its limit; config_passphrase.c. */
void config_passphrase_defaults(struct config *config);
void config_passphrase_clear(struct config *config);
int config_parse_passphrase(
    const config_setting_t *setting, void *target, struct fault *fault);
int config_parse_derivations(
    const config_setting_t *setting, void *target, struct fault *fault);

/* When delivery is known.  0, or -1 with fault. */
int config_settle_passphrase(
    const config_setting_t *root, struct config *config, struct fault *fault);

/* When the policy is known: reads what texts there have to be. */
int config_read_templates(struct config *config, struct fault *fault);

#endif
