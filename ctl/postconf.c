/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * postconf.c - read a Postfix's configuration as Postfix does.
 *
 * In:    what postconf(1) prints.
 * Out:   settings, services with what they override, lists of milters.
 * Never: judges, or reads main.cf and master.cf itself.
 */
#include "ctl/postconf.h"

#include <stdlib.h>
#include <string.h>

#define POSTCONF_FILE "postconf"
#define BLANKS " \t\r\n"
#define COMMA_BLANKS ", \t\r\n"

static char *find_program(void);
static int run(const char *program, const char *dir, const char *mode,
    char **outputp, struct fault *fault);
static void add_settings(struct postconf *postconf, const char *text);
static void add_services(struct postconf *postconf, const char *text);
static bool is_chrooted(const struct postconf *postconf, const char *field);
static unsigned int process_limit(
    const struct postconf *postconf, const char *field);
static void service_free(void *data);
static char *next_token(
    const char **cursor, const char *separators, bool *bracedp);
static size_t token_length(const char *text, const char *separators);
static struct postconf_milter *milter_parse(const char *text);
static void milter_set(struct postconf_milter *milter, const char *text);
static void milter_free(void *data);

int
postconf_ask(const char *dir, struct postconf **postconfp, struct fault *fault)
{
	char *program = find_program();
	char *settings = NULL, *services = NULL, *overrides = NULL;
	int ret = -1;

	if (program == NULL)
		return 0;
	if (run(program, dir, "-x", &settings, fault) != 0 ||
	    run(program, dir, "-M", &services, fault) != 0 ||
	    run(program, dir, "-xP", &overrides, fault) != 0)
		goto out;
	*postconfp = postconf_parse(settings, services, overrides);
	ret = 1;
out:
	g_free(program);
	g_free(settings);
	g_free(services);
	g_free(overrides);
	return ret;
}

/* Users' paths often lack the directories of administrators. */
static char *
find_program(void)
{
	static const char *const places[] = {
	    "/usr/sbin/" POSTCONF_FILE, "/usr/local/sbin/" POSTCONF_FILE, NULL};
	char *found = g_find_program_in_path(POSTCONF_FILE);
	size_t i;

	for (i = 0; found == NULL && places[i] != NULL; i++)
		found = g_find_program_in_path(places[i]);
	return found;
}

/* No shell: the arguments go to the program as they are. */
static int
run(const char *program, const char *dir, const char *mode, char **outputp,
    struct fault *fault)
{
	GStrvBuilder *words = g_strv_builder_new();
	char *output = NULL, *complaint = NULL, **argv;
	GError *error = NULL;
	int status, ret = -1;

	g_strv_builder_add_many(
	    words, program, mode, dir == NULL ? NULL : "-c", dir, NULL);
	argv = g_strv_builder_end(words);
	if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL,
		&output, &complaint, &status, &error)) {
		fault_set(fault, FAULT_TEMP, "%s", error->message);
		goto out;
	}
	if (!g_spawn_check_wait_status(status, NULL)) {
		fault_set(fault, FAULT_TEMP, "%s %s: %s", program, mode,
		    g_strstrip(complaint));
		goto out;
	}
	*outputp = output;
	output = NULL;
	ret = 0;
out:
	g_clear_error(&error);
	g_strv_builder_unref(words);
	g_strfreev(argv);
	g_free(output);
	g_free(complaint);
	return ret;
}

struct postconf *
postconf_parse(
    const char *settings, const char *services, const char *overrides)
{
	struct postconf *postconf = g_new0(struct postconf, 1);

	postconf->settings =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	postconf->services = g_ptr_array_new_with_free_func(service_free);
	add_settings(postconf, settings);
	add_settings(postconf, overrides);
	add_services(postconf, services);
	return postconf;
}

void
postconf_free(struct postconf **postconfp)
{
	if (*postconfp == NULL)
		return;
	g_hash_table_destroy((*postconfp)->settings);
	g_ptr_array_free((*postconfp)->services, TRUE);
	g_free(*postconfp);
	*postconfp = NULL;
}

/* Lines "name = value"; names of overrides hold "service/type/". */
static void
add_settings(struct postconf *postconf, const char *text)
{
	char **lines = g_strsplit(text, "\n", -1);
	char *equals;
	size_t i;

	for (i = 0; lines[i] != NULL; i++) {
		equals = strchr(lines[i], '=');
		if (equals == NULL)
			continue;
		*equals = '\0';
		g_hash_table_replace(postconf->settings,
		    g_strdup(g_strstrip(lines[i])),
		    g_strdup(g_strstrip(equals + 1)));
	}
	g_strfreev(lines);
}

/* service type private unprivileged chroot wakeup processes command ... */
static void
add_services(struct postconf *postconf, const char *text)
{
	struct postconf_service *service;
	char **lines = g_strsplit(text, "\n", -1);
	char *fields[8];
	const char *cursor;
	size_t i, n;

	for (i = 0; lines[i] != NULL; i++) {
		if (strchr(BLANKS "#", lines[i][0]) != NULL)
			continue; /* empty, or goes on with an argument */
		cursor = lines[i];
		memset(fields, 0, sizeof(fields));
		for (n = 0; n < G_N_ELEMENTS(fields); n++)
			fields[n] = next_token(&cursor, BLANKS, NULL);
		if (fields[7] != NULL) {
			service = g_new0(struct postconf_service, 1);
			service->name = g_strdup(fields[0]);
			service->type = g_strdup(fields[1]);
			service->exposed = strcmp(fields[2], "n") == 0;
			service->chrooted = is_chrooted(postconf, fields[4]);
			service->processes = process_limit(postconf, fields[6]);
			service->command = g_strdup(fields[7]);
			g_ptr_array_add(postconf->services, service);
		}
		for (n = 0; n < G_N_ELEMENTS(fields); n++)
			g_free(fields[n]);
	}
	g_strfreev(lines);
}

/* "-" meant yes before compatibility level 1, and means no since. */
static bool
is_chrooted(const struct postconf *postconf, const char *field)
{
	const char *level =
	    postconf_setting(postconf, NULL, "compatibility_level");

	if (strcmp(field, "-") == 0)
		return strcmp(level, "0") == 0;
	return strcmp(field, "y") == 0;
}

static unsigned int
process_limit(const struct postconf *postconf, const char *field)
{
	if (strcmp(field, "-") == 0)
		field =
		    postconf_setting(postconf, NULL, "default_process_limit");
	return (unsigned int)MIN(
	    g_ascii_strtoull(field, NULL, 10), (guint64)G_MAXUINT);
}

const struct postconf_service *
postconf_service(const struct postconf *postconf, const char *name)
{
	const struct postconf_service *service;
	guint i;

	for (i = 0; i < postconf->services->len; i++) {
		service = g_ptr_array_index(postconf->services, i);
		if (strcmp(service->name, name) == 0)
			return service;
	}
	return NULL;
}

const char *
postconf_setting(const struct postconf *postconf,
    const struct postconf_service *service, const char *name)
{
	const char *value = NULL;
	char *key;

	if (service != NULL) {
		key = g_strjoin("/", service->name, service->type, name, NULL);
		value = g_hash_table_lookup(postconf->settings, key);
		g_free(key);
	}
	if (value == NULL)
		value = g_hash_table_lookup(postconf->settings, name);
	return value == NULL ? "" : value;
}

GPtrArray *
postconf_milters(const char *list)
{
	GPtrArray *milters = g_ptr_array_new_with_free_func(milter_free);
	struct postconf_milter *milter;
	const char *cursor = list;
	char *token;
	bool braced;

	while ((token = next_token(&cursor, COMMA_BLANKS, &braced)) != NULL) {
		if (braced) {
			milter = milter_parse(token);
		} else {
			milter = g_new0(struct postconf_milter, 1);
			milter->endpoint = g_strdup(token);
		}
		g_ptr_array_add(milters, milter);
		g_free(token);
	}
	return milters;
}

/* "endpoint, name=value, { name = value }", postconf(5) smtpd_milters. */
static struct postconf_milter *
milter_parse(const char *text)
{
	struct postconf_milter *milter = g_new0(struct postconf_milter, 1);
	const char *cursor = text;
	char *token;

	milter->endpoint = next_token(&cursor, COMMA_BLANKS, NULL);
	if (milter->endpoint == NULL)
		milter->endpoint = g_strdup("");
	while ((token = next_token(&cursor, COMMA_BLANKS, NULL)) != NULL) {
		milter_set(milter, token);
		g_free(token);
	}
	return milter;
}

static void
milter_set(struct postconf_milter *milter, const char *text)
{
	char **halves = g_strsplit(text, "=", 2);
	char **target = NULL;

	if (halves[0] != NULL && halves[1] != NULL) {
		g_strstrip(halves[0]);
		if (strcmp(halves[0], "default_action") == 0)
			target = &milter->default_action;
		else if (strcmp(halves[0], "content_timeout") == 0)
			target = &milter->content_timeout;
		else if (strcmp(halves[0], "protocol") == 0)
			target = &milter->protocol;
	}
	if (target != NULL) {
		g_free(*target);
		*target = g_strdup(g_strstrip(halves[1]));
	}
	g_strfreev(halves);
}

/*
 * The next word, or what stands between the next braces (which may hold
 * further ones); NULL at the end.
 */
static char *
next_token(const char **cursor, const char *separators, bool *bracedp)
{
	const char *start = *cursor + strspn(*cursor, separators);
	bool braced = start[0] == '{';
	size_t len;

	if (start[0] == '\0')
		return NULL;
	len = token_length(start, separators);
	*cursor = start + len;
	if (bracedp != NULL)
		*bracedp = braced;
	if (!braced)
		return g_strndup(start, len);
	len -= start[len - 1] == '}' ? 2 : 1;
	return g_strndup(start + 1, len);
}

static size_t
token_length(const char *text, const char *separators)
{
	unsigned int depth = 0;
	size_t i;

	if (text[0] != '{')
		return strcspn(text, separators);
	for (i = 0; text[i] != '\0'; i++) {
		if (text[i] == '{')
			depth++;
		else if (text[i] == '}' && --depth == 0)
			return i + 1;
	}
	return i;
}

bool
postconf_has_word(const char *list, const char *word)
{
	char **words = g_strsplit_set(list, ", \t\r\n", -1);
	bool found = g_strv_contains((const char *const *)words, word);

	g_strfreev(words);
	return found;
}

unsigned int
postconf_seconds(const char *text)
{
	static const char units[] = "smhdw";
	static const unsigned int factors[] = {1, 60, 3600, 86400, 604800};
	const char *unit;
	char *end;
	guint64 value;

	if (!g_ascii_isdigit(text[0]))
		return 0;
	value = g_ascii_strtoull(text, &end, 10);
	if (end[0] != '\0') {
		unit = strchr(units, end[0]);
		if (unit == NULL || end[1] != '\0')
			return 0;
		value *= factors[unit - units];
	}
	return (unsigned int)MIN(value, G_MAXUINT);
}

static void
service_free(void *data)
{
	struct postconf_service *service = data;

	g_free(service->name);
	g_free(service->type);
	g_free(service->command);
	g_free(service);
}

static void
milter_free(void *data)
{
	struct postconf_milter *milter = data;

	g_free(milter->endpoint);
	g_free(milter->default_action);
	g_free(milter->content_timeout);
	g_free(milter->protocol);
	g_free(milter);
}
