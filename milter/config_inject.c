/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * config_inject.c - the options "delivery" and "inject".
 *
 * In:    settings of libconfig's.
 * Out:   how mail is delivered, and where copies go.
 * Never: connects.
 */
#include "milter/config_private.h"
#include "milter/smtp.h"
#include "policy/option.h"

int
config_parse_delivery(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	static const char *const words[] = {
	    [DELIVERY_EDIT] = "edit", [DELIVERY_REINJECT] = "reinject", NULL};
	struct config *config = target;
	size_t which;

	if (option_word(setting, words, &which, fault) != 0)
		return -1;
	config->delivery = (enum delivery)which;
	return 0;
}

int
config_parse_inject(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct smtp_target *parsed = NULL;
	struct config *config = target;
	const char *text, *complaint;

	if (option_string(setting, &text, fault) != 0)
		return -1;
	if (smtp_target_parse(text, &parsed, &complaint) != 0) {
		option_fault(fault, setting, "\"%s\" %s", text, complaint);
		return -1;
	}
	smtp_target_free(&parsed);
	g_free(config->inject);
	config->inject = g_strdup(text);
	return 0;
}

int
config_settle_delivery(
    const config_setting_t *root, struct config *config, struct fault *fault)
{
	const config_setting_t *delivery =
	    config_setting_get_member(root, "delivery");

	if (delivery == NULL && config->inject != NULL)
		config->delivery = DELIVERY_REINJECT;
	if (config->delivery == DELIVERY_EDIT || config->inject != NULL)
		return 0;
	option_fault(fault, delivery,
	    "\"reinject\" needs \"inject\", the listener that takes the"
	    " copies, such as \"smtp://127.0.0.1:10026\"");
	return -1;
}
