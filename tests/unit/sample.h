/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_SAMPLE_H
#define TESTS_UNIT_SAMPLE_H

/* The keys of tests/keys, and gpg programs that do not work. */

#include <glib.h>
#include <glib/gstdio.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

static inline char *
sample_path(const char *file)
{
	const char *top = g_getenv("top_srcdir");

	return g_build_filename(
	    top == NULL ? "." : top, "tests", "keys", file, NULL);
}

/* Those files, one after the other. */
static inline GBytes *
sample_read(const char *first, ...)
{
	GByteArray *all = g_byte_array_new();
	const char *file;
	va_list files;
	char *path, *text;
	gsize len;

	va_start(files, first);
	for (file = first; file != NULL; file = va_arg(files, const char *)) {
		path = sample_path(file);
		if (!g_file_get_contents(path, &text, &len, NULL))
			g_error("%s is missing", path);
		g_byte_array_append(all, (const guint8 *)text, (guint)len);
		g_free(text);
		g_free(path);
	}
	va_end(files);
	return g_byte_array_free_to_bytes(all);
}

/*
 * A program in the directory that does as gpg does, until it is asked for
 * something with that word in it: then it does `instead` (shell).
 */
static inline char *
sample_gpg(const char *directory, const char *name, const char *word,
    const char *instead)
{
	char *path = g_build_filename(directory, name, NULL);
	char *text = g_strdup_printf("#!/bin/sh\n"
				     "case \" $* \" in\n"
				     "*%s*) %s;;\n"
				     "esac\n"
				     "exec " GPG_PATH " \"$@\"\n",
	    word, instead);

	if (!g_file_set_contents(path, text, -1, NULL) ||
	    g_chmod(path, 0755) != 0)
		g_error("%s: cannot write", path);
	g_free(text);
	return path;
}

#endif
