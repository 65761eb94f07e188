/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * crash_point.c - die at a named place, for tests.
 *
 * In:    SEALMILTER_CRASH_AT and SEALMILTER_CRASH_ONCE.
 * Out:   a dead process, once.
 * Never: part of a build without SEALMILTER_CRASH_POINTS.
 */
#include <config.h>

#include "seal/crash_point.h"

#include <glib.h>

#ifdef SEALMILTER_CRASH_POINTS

#include <signal.h>
#include <string.h>
#include <unistd.h>

static struct {
	char *name;
	guint64 count;
	const char *once;
} wanted;

static gsize parsed;

static void
parse_wanted(void)
{
	const char *at = g_getenv("SEALMILTER_CRASH_AT"), *colon;
	guint64 count;

	colon = at == NULL ? NULL : strrchr(at, ':');
	if (colon == NULL || !g_ascii_string_to_unsigned(
				 colon + 1, 10, 1, G_MAXINT, &count, NULL))
		return;
	wanted.name = g_strndup(at, (gsize)(colon - at));
	wanted.count = count;
	wanted.once = g_strdup(g_getenv("SEALMILTER_CRASH_ONCE"));
}

void
crash_point(const char *name)
{
	static guint passes;

	if (g_once_init_enter(&parsed)) {
		parse_wanted();
		g_once_init_leave(&parsed, 1);
	}
	if (wanted.name == NULL || strcmp(name, wanted.name) != 0 ||
	    __atomic_add_fetch(&passes, 1, __ATOMIC_RELAXED) % wanted.count !=
		0 ||
	    wanted.once == NULL || unlink(wanted.once) != 0)
		return;
	(void)kill(getpid(), SIGKILL);
}

#endif
