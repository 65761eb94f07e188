/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * option.c - read libconfig settings, and say what is wrong with them.
 *
 * In:    settings that libconfig has parsed.
 * Out:   values of the type that was asked for, or a fault that names file,
 *        line, option and what was expected.
 * Never: knows what an option means, or lets an unknown one pass.
 */
#include "policy/option.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

static int is_file(const char *file, struct fault *fault);
static void append_name(GString *text, const config_setting_t *setting);
static const char *group_name(const config_setting_t *setting);
static void unknown_option(const config_setting_t *setting,
    const struct option_reader *readers, size_t count, struct fault *fault);
static void unknown_word(const config_setting_t *setting, const char *text,
    const char *const *words, struct fault *fault);
static const char *nearest(
    const char *word, const char *const *words, unsigned int *distancep);
static unsigned int edit_distance(const char *a, const char *b);
static bool is_collection(const config_setting_t *setting);

int
option_read_file(const char *file, config_t *parsed, struct fault *fault)
{
	const char *where;

	if (is_file(file, fault) != 0)
		return -1;
	errno = 0;
	if (config_read_file(parsed, file) == CONFIG_TRUE)
		return 0;
	where = config_error_file(parsed);
	if (config_error_type(parsed) == CONFIG_ERR_FILE_IO)
		fault_set(fault, FAULT_PERM, "cannot read \"%s\": %s", file,
		    g_strerror(errno));
	else
		fault_set(fault, FAULT_PERM, "%s:%d: %s",
		    where != NULL ? where : file, config_error_line(parsed),
		    config_error_text(parsed));
	return -1;
}

/* libconfig's scanner ends the program when it is given a folder. */
static int
is_file(const char *file, struct fault *fault)
{
	struct stat status;

	if (stat(file, &status) != 0) {
		fault_set(fault, FAULT_PERM, "cannot read \"%s\": %s", file,
		    g_strerror(errno));
		return -1;
	}
	if (!S_ISREG(status.st_mode)) {
		fault_set(fault, FAULT_PERM,
		    "cannot read \"%s\": it is no file", file);
		return -1;
	}
	return 0;
}

int
option_parse_group(const config_setting_t *group,
    const struct option_reader *readers, size_t count, void *target,
    struct fault *fault)
{
	const config_setting_t *setting;
	unsigned int i;
	size_t r;

	if (config_setting_type(group) != CONFIG_TYPE_GROUP) {
		option_fault(fault, group, "expects options in { ... }");
		return -1;
	}
	for (i = 0; (setting = config_setting_get_elem(group, i)) != NULL;
	     i++) {
		for (r = 0; r < count; r++)
			if (g_str_equal(setting->name, readers[r].name))
				break;
		if (r == count) {
			unknown_option(setting, readers, count, fault);
			return -1;
		}
		if (readers[r].parse(setting, target, fault) != 0)
			return -1;
	}
	return 0;
}

void
option_fault(struct fault *fault, const config_setting_t *setting,
    const char *format, ...)
{
	char *place = option_place(setting), *text;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	fault_set(fault, FAULT_PERM, "%s: %s", place, text);
	g_free(text);
	g_free(place);
}

char *
option_place(const config_setting_t *setting)
{
	const char *file = config_setting_source_file(setting);
	GString *text = g_string_new(NULL);

	g_string_append_printf(
	    text, "%s:%u: ", file != NULL ? file : "(no file)", setting->line);
	append_name(text, setting);
	return g_string_free(text, FALSE);
}

/* `limits.sessions`, or `rule "name": to`; an element has its list's name. */
static void
append_name(GString *text, const config_setting_t *setting)
{
	const config_setting_t *parent = setting->parent;
	const char *item;

	if (parent == NULL) {
		g_string_append(text, "configuration");
		return;
	}
	item = g_strcmp0(parent->name, "tests") == 0 ? "test" : "rule";
	if (config_setting_type(parent) == CONFIG_TYPE_LIST &&
	    group_name(setting) != NULL)
		g_string_append_printf(
		    text, "%s \"%s\"", item, group_name(setting));
	else if (config_setting_type(parent) == CONFIG_TYPE_LIST &&
		 config_setting_type(setting) == CONFIG_TYPE_GROUP)
		g_string_append_printf(
		    text, "%s %d", item, config_setting_index(setting) + 1);
	else if (setting->name == NULL)
		append_name(text, parent);
	else if (parent->parent == NULL)
		g_string_append(text, setting->name);
	else {
		append_name(text, parent);
		g_string_append_printf(text, "%s%s",
		    parent->name != NULL ? "." : ": ", setting->name);
	}
}

static const char *
group_name(const config_setting_t *setting)
{
	const char *name;

	if (config_setting_type(setting) != CONFIG_TYPE_GROUP ||
	    !config_setting_lookup_string(setting, "name", &name))
		return NULL;
	return name;
}

static void
unknown_option(const config_setting_t *setting,
    const struct option_reader *readers, size_t count, struct fault *fault)
{
	const char **names = g_new0(const char *, count + 1), *near;
	unsigned int distance;
	size_t i;

	for (i = 0; i < count; i++)
		names[i] = readers[i].name;
	near = nearest(setting->name, names, &distance);
	if (near != NULL && distance <= 2)
		option_fault(fault, setting,
		    "unknown option; did you mean \"%s\"?", near);
	else
		option_fault(fault, setting, "unknown option");
	g_free(names);
}

static const char *
nearest(const char *word, const char *const *words, unsigned int *distancep)
{
	unsigned int distance, best = UINT32_MAX;
	const char *near = NULL;

	for (; *words != NULL; words++) {
		distance = edit_distance(word, *words);
		/* "port" is no misspelt "from": half a word must be right. */
		if (distance < best && distance <= strlen(*words) / 2) {
			best = distance;
			near = *words;
		}
	}
	*distancep = best;
	return near;
}

/* Levenshtein's, without regard to case; two swapped letters count 2. */
static unsigned int
edit_distance(const char *a, const char *b)
{
	size_t len = strlen(b), j;
	unsigned int *row = g_new(unsigned int, len + 1), diagonal, above;

	for (j = 0; j <= len; j++)
		row[j] = (unsigned int)j;
	for (; *a != '\0'; a++) {
		diagonal = row[0]++;
		for (j = 1; j <= len; j++) {
			above = row[j];
			if (g_ascii_tolower(*a) != b[j - 1])
				diagonal++;
			row[j] = MIN(diagonal, MIN(above, row[j - 1]) + 1);
			diagonal = above;
		}
	}
	diagonal = row[len];
	g_free(row);
	return diagonal;
}

int
option_string(
    const config_setting_t *setting, const char **textp, struct fault *fault)
{
	const char *text = config_setting_get_string(setting);

	if (text == NULL) {
		option_fault(fault, setting, "expects text in quotes");
		return -1;
	}
	if (*text == '\0') {
		option_fault(fault, setting, "must not be empty");
		return -1;
	}
	*textp = text;
	return 0;
}

int
option_bool(const config_setting_t *setting, bool *valuep, struct fault *fault)
{
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL) {
		option_fault(
		    fault, setting, "expects true or false, without quotes");
		return -1;
	}
	*valuep = config_setting_get_bool(setting) != CONFIG_FALSE;
	return 0;
}

int
option_number(const config_setting_t *setting, unsigned int min,
    unsigned int max, unsigned int *valuep, struct fault *fault)
{
	long long value;

	if (config_setting_type(setting) != CONFIG_TYPE_INT &&
	    config_setting_type(setting) != CONFIG_TYPE_INT64) {
		option_fault(
		    fault, setting, "expects a whole number, without quotes");
		return -1;
	}
	value = config_setting_get_int64(setting);
	if (value < (long long)min || value > (long long)max) {
		option_fault(fault, setting, "must be from %u to %u", min, max);
		return -1;
	}
	*valuep = (unsigned int)value;
	return 0;
}

int
option_octets(
    const config_setting_t *setting, uint64_t *valuep, struct fault *fault)
{
	const char *text = config_setting_get_string(setting);
	int type = config_setting_type(setting);
	long long number;

	if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) {
		number = config_setting_get_int64(setting);
		if (number >= 0) {
			*valuep = (uint64_t)number;
			return 0;
		}
	} else if (text != NULL && octets_parse(text, valuep) == 0)
		return 0;
	option_fault(fault, setting,
	    "expects a number of octets, such as 4096, \"64k\" or \"200M\"");
	return -1;
}

int
option_word(const config_setting_t *setting, const char *const *words,
    size_t *indexp, struct fault *fault)
{
	const char *text;
	size_t i;

	if (option_string(setting, &text, fault) != 0)
		return -1;
	for (i = 0; words[i] != NULL; i++)
		if (g_str_equal(text, words[i])) {
			*indexp = i;
			return 0;
		}
	unknown_word(setting, text, words, fault);
	return -1;
}

static void
unknown_word(const config_setting_t *setting, const char *text,
    const char *const *words, struct fault *fault)
{
	GString *known = g_string_new(NULL);
	unsigned int distance;
	const char *near;
	size_t i;

	for (i = 0; words[i] != NULL; i++)
		g_string_append_printf(
		    known, "%s%s", i > 0 ? ", " : "", words[i]);
	g_string_append(known, ")");
	near = nearest(text, words, &distance);
	if (near != NULL && distance <= 2)
		g_string_append_printf(known, "; did you mean \"%s\"?", near);
	option_fault(
	    fault, setting, "knows no \"%s\" (it knows: %s", text, known->str);
	g_string_free(known, TRUE);
}

int
option_each_string(const config_setting_t *setting,
    int (*parse)(
	const config_setting_t *element, void *target, struct fault *fault),
    void *target, struct fault *fault)
{
	const config_setting_t *element;
	unsigned int i;

	if (!is_collection(setting)) {
		if (config_setting_type(setting) == CONFIG_TYPE_STRING)
			return parse(setting, target, fault);
		option_fault(fault, setting,
		    "expects text in quotes, or a list of such texts");
		return -1;
	}
	if (config_setting_length(setting) == 0) {
		option_fault(fault, setting, "must not be an empty list");
		return -1;
	}
	for (i = 0; (element = config_setting_get_elem(setting, i)) != NULL;
	     i++) {
		if (config_setting_type(element) != CONFIG_TYPE_STRING) {
			option_fault(fault, element,
			    "expects a list of texts in quotes");
			return -1;
		}
		if (parse(element, target, fault) != 0)
			return -1;
	}
	return 0;
}

static bool
is_collection(const config_setting_t *setting)
{
	return config_setting_type(setting) == CONFIG_TYPE_ARRAY ||
	       config_setting_type(setting) == CONFIG_TYPE_LIST;
}

int
octets_parse(const char *text, uint64_t *octetsp)
{
	unsigned int shift = 0;
	uint64_t octets;
	char *end;

	if (!g_ascii_isdigit(text[0]))
		return -1;
	errno = 0;
	octets = g_ascii_strtoull(text, &end, 10);
	if (errno != 0)
		return -1;
	if (g_ascii_tolower(*end) == 'k')
		shift = 10;
	else if (g_ascii_tolower(*end) == 'm')
		shift = 20;
	else if (g_ascii_tolower(*end) == 'g')
		shift = 30;
	if (shift != 0)
		end++;
	if (*end != '\0' || octets > UINT64_MAX >> shift)
		return -1;
	*octetsp = octets << shift;
	return 0;
}
