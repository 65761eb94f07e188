/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_config.c - a configuration is taken whole, or refused with a reason.
 */
#include "config.h"

#include "milter/config.h"
#include "tests/fuzz/fuzz.h"

/* libconfig 1.5 leaks a string where the syntax is wrong. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig\n";
}

/* These would read other files. */
static bool
reads_files(const uint8_t *data, size_t size)
{
	return memmem(data, size, "file:", 5) != NULL ||
	       memmem(data, size, "@include", 8) != NULL ||
	       memmem(data, size, "\\x", 2) != NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
	struct fault fault = {FAULT_NONE, ""};
	struct config *config = NULL;
	char *path;
	int fd;

	if (!reads_files(data, size)) {
		fd = fuzz_file(data, size);
		path = g_strdup_printf("/proc/self/fd/%d", fd);
		if (config_load(path, &config, warnings, &fault) != 0)
			PROMISE(config == NULL && fault.text[0] != '\0');
		else
			PROMISE(config->policy != NULL && config->socket &&
				config->state != NULL);
		config_unref(&config);
		g_free(path);
		close(fd);
	}
	g_ptr_array_unref(warnings);
	return 0;
}
