/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * policy_matchers.c - read the options that say whom a rule is for.
 *
 * In:    settings, and the lists that "file:" patterns name.
 * Out:   the matchers of a rule, or a fault that names file, line and option.
 * Never: decides whether something matches.
 */
#include "policy/address.h"
#include "policy/option.h"
#include "policy/policy_private.h"

#include <errno.h>
#include <string.h>

static option_parse parse_pattern;
static int parse_pattern_file(const config_setting_t *element, const char *name,
    GHashTable *patterns, struct fault *fault);
static int parse_pattern_lines(
    const char *path, char *text, GHashTable *patterns, struct fault *fault);
static void cut_comment(char *text);
static void line_fault(
    const char *path, unsigned int line, const char *text, struct fault *fault);
static char *beside(const config_setting_t *setting, const char *name);
static option_parse parse_one_direction;
static option_parse parse_one_client;
static option_parse parse_one_header;
static bool is_field_name(const char *text, size_t len);
static void header_matcher_free(void *data);

int
matcher_from(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct rule *rule = target;

	rule->from =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return option_each_string(setting, parse_pattern, rule->from, fault);
}

int
matcher_to(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct rule *rule = target;

	rule->to = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (option_each_string(setting, parse_pattern, rule->to, fault) != 0)
		return -1;
	if (!g_hash_table_contains(rule->to, ""))
		return 0;
	option_fault(fault, setting,
	    "\"<>\" is the null sender, to whom no mail goes; it can be in "
	    "from only");
	return -1;
}

static int
parse_pattern(
    const config_setting_t *element, void *target, struct fault *fault)
{
	GHashTable *patterns = target;
	const char *text;
	char *pattern, *advice;

	if (option_string(element, &text, fault) != 0)
		return -1;
	if (g_str_has_prefix(text, "file:"))
		return parse_pattern_file(
		    element, text + strlen("file:"), patterns, fault);
	if ((pattern = address_pattern(text)) != NULL) {
		g_hash_table_add(patterns, pattern);
		return 0;
	}
	if ((advice = address_pattern_advice(text)) != NULL)
		option_fault(fault, element, "%s", advice);
	else
		option_fault(fault, element,
		    "\"%s\" is neither an address nor \"@domain\", "
		    "\"@.domain\" or \"file:/path\"",
		    text);
	g_free(advice);
	return -1;
}

static int
parse_pattern_file(const config_setting_t *element, const char *name,
    GHashTable *patterns, struct fault *fault)
{
	char *path = beside(element, name), *place = option_place(element);
	char *text = NULL;
	int ret = -1;

	errno = 0;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		fault_set(fault, FAULT_PERM, "%s: cannot read \"%s\": %s",
		    place, path, g_strerror(errno));
	else if (parse_pattern_lines(path, text, patterns, fault) != 0)
		fault_prefix(fault, "%s", place);
	else
		ret = 0;
	g_free(path);
	g_free(place);
	g_free(text);
	return ret;
}

static int
parse_pattern_lines(
    const char *path, char *text, GHashTable *patterns, struct fault *fault)
{
	unsigned int line = 0;
	char *next, *pattern;

	for (; text != NULL; text = next) {
		line++;
		if ((next = strchr(text, '\n')) != NULL)
			*next++ = '\0';
		cut_comment(text);
		g_strstrip(text);
		if (*text == '\0')
			continue;
		if ((pattern = address_pattern(text)) == NULL) {
			line_fault(path, line, text, fault);
			return -1;
		}
		g_hash_table_add(patterns, pattern);
	}
	return 0;
}

/* "#" is a letter of addresses, too: only one after a blank begins one. */
static void
cut_comment(char *text)
{
	char *p;

	for (p = text; *p != '\0'; p++)
		if (*p == '#' && (p == text || g_ascii_isspace(p[-1]))) {
			*p = '\0';
			return;
		}
}

static void
line_fault(
    const char *path, unsigned int line, const char *text, struct fault *fault)
{
	char *advice = address_pattern_advice(text);

	if (advice != NULL)
		fault_set(fault, FAULT_PERM, "%s:%u: %s", path, line, advice);
	else
		fault_set(fault, FAULT_PERM,
		    "%s:%u: \"%s\" is neither an address nor \"@domain\" or "
		    "\"@.domain\"",
		    path, line, text);
	g_free(advice);
}

/* A path that is relative is so to the folder of the configuration. */
static char *
beside(const config_setting_t *setting, const char *name)
{
	const char *file = config_setting_source_file(setting);
	char *folder, *path;

	if (g_path_is_absolute(name) || file == NULL)
		return g_strdup(name);
	folder = g_path_get_dirname(file);
	path = g_build_filename(folder, name, NULL);
	g_free(folder);
	return path;
}

int
matcher_direction(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	return option_each_string(setting, parse_one_direction, target, fault);
}

static int
parse_one_direction(
    const config_setting_t *element, void *target, struct fault *fault)
{
	static const char *const words[] = {[DIRECTION_IN] = "in",
	    [DIRECTION_OUT] = "out",
	    [DIRECTION_LOCAL] = "local",
	    NULL};
	struct rule *rule = target;
	size_t which;

	if (option_word(element, words, &which, fault) != 0)
		return -1;
	rule->directions |= 1U << which;
	return 0;
}

int
matcher_authenticated(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct rule *rule = target;
	bool value;

	if (option_bool(setting, &value, fault) != 0)
		return -1;
	rule->authenticated = value ? WANTED_YES : WANTED_NO;
	return 0;
}

int
matcher_client(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct rule *rule = target;

	rule->clients = g_array_new(FALSE, FALSE, sizeof(struct network));
	return option_each_string(
	    setting, parse_one_client, rule->clients, fault);
}

static int
parse_one_client(
    const config_setting_t *element, void *target, struct fault *fault)
{
	struct network network;
	GArray *clients = target;
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
	g_array_append_val(clients, network);
	return 0;
}

int
matcher_tls(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct rule *rule = target;
	const char *text = config_setting_get_string(setting);

	if (text != NULL && g_str_equal(text, "require")) {
		rule->require_tls = true;
		return 0;
	}
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL) {
		option_fault(fault, setting,
		    "expects true or false (which clients the rule is for), "
		    "or \"require\" (refuse clients without TLS)");
		return -1;
	}
	rule->tls = config_setting_get_bool(setting) ? WANTED_YES : WANTED_NO;
	return 0;
}

int
matcher_header(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct rule *rule = target;

	rule->headers = g_ptr_array_new_with_free_func(header_matcher_free);
	return option_each_string(
	    setting, parse_one_header, rule->headers, fault);
}

static int
parse_one_header(
    const config_setting_t *element, void *target, struct fault *fault)
{
	struct header_matcher *matcher;
	GPtrArray *headers = target;
	const char *text, *colon, *value = NULL;
	size_t len;

	if (option_string(element, &text, fault) != 0)
		return -1;
	colon = strchr(text, ':');
	len = colon != NULL ? (size_t)(colon - text) : strlen(text);
	if (colon != NULL)
		value = colon + 1 + strspn(colon + 1, " \t");
	if (!is_field_name(text, len) || (value != NULL && *value == '\0')) {
		option_fault(fault, element,
		    "\"%s\" is neither \"Name\" (the field is there) nor "
		    "\"Name: value\"",
		    text);
		return -1;
	}
	matcher = g_new0(struct header_matcher, 1);
	matcher->name = g_strndup(text, len);
	matcher->value = value != NULL ? text_fold(value) : NULL;
	g_ptr_array_add(headers, matcher);
	return 0;
}

/* RFC 5322 3.6.8: ftext. */
static bool
is_field_name(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0;
}

int
matcher_subject(
    const config_setting_t *setting, void *target, struct fault *fault)
{
	struct rule *rule = target;
	const char *text;
	char *folded;

	if (option_string(setting, &text, fault) != 0)
		return -1;
	folded = text_fold(text);
	if (*folded == '\0') {
		option_fault(fault, setting, "must not be blank");
		g_free(folded);
		return -1;
	}
	rule->subject = g_strdup(text);
	rule->subject_folded = folded;
	return 0;
}

int
matcher_size(const config_setting_t *setting, void *target, struct fault *fault)
{
	struct rule *rule = target;
	const char *text = config_setting_get_string(setting);

	if (text == NULL || (text[0] != '>' && text[0] != '<') ||
	    octets_parse(text + 1 + strspn(text + 1, " "), &rule->size) != 0) {
		option_fault(fault, setting,
		    "expects text such as \">10M\" or \"<64k\"");
		return -1;
	}
	rule->has_size = true;
	rule->size_above = text[0] == '>';
	return 0;
}

static void
header_matcher_free(void *data)
{
	struct header_matcher *matcher = data;

	g_free(matcher->name);
	g_free(matcher->value);
	g_free(matcher);
}
