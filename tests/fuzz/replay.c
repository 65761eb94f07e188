/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * replay.c - give a target its seeds: those named, or for fuzz_NAME all of
 * tests/fuzz/seeds/NAME.
 */
#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/tap.h"

static void
replay(const char *path)
{
	char *octets, *exact;
	gsize size;

	if (!g_file_get_contents(path, &octets, &size, NULL))
		g_error("%s is missing", path);
	/* Without the NUL that GLib puts behind it: sanitizers shall see. */
	exact = g_memdup2(octets, size);
	(void)LLVMFuzzerTestOneInput((const uint8_t *)exact, size);
	ok(true, "%s is survived", strrchr(path, '/') + 1);
	g_free(exact);
	g_free(octets);
}

static char *
seeds_of(const char *program)
{
	const char *top = g_getenv("top_srcdir");
	const char *name = strstr(program, "fuzz_");

	return g_build_filename(top == NULL ? "." : top, "tests", "fuzz",
	    "seeds", name == NULL ? "" : name + strlen("fuzz_"), NULL);
}

int
main(int argc, char **argv)
{
	char *folder = seeds_of(argv[0]), *path;
	const char *name;
	GDir *seeds;
	int i;

	for (i = 1; i < argc; i++)
		replay(argv[i]);
	seeds = argc > 1 ? NULL : g_dir_open(folder, 0, NULL);
	while (seeds != NULL && (name = g_dir_read_name(seeds)) != NULL) {
		path = g_build_filename(folder, name, NULL);
		replay(path);
		g_free(path);
	}
	if (seeds != NULL)
		g_dir_close(seeds);
	if (tap_count == 0)
		ok(false, "there are seeds in %s", folder);
	g_free(folder);
	return tap_done();
}
