/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

/*
 * Test Anything Protocol, as much of it as a C test needs.  A test program
 * calls ok() and is_*(), and ends with `return tap_done();`.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count;
static int tap_failed;

__attribute__((format(printf, 2, 3))) static inline bool
ok(bool passed, const char *format, ...)
{
	va_list args;

	printf("%s %d - ", passed ? "ok" : "not ok", ++tap_count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	if (!passed)
		tap_failed++;
	return passed;
}

static inline bool
is_int(intmax_t got, intmax_t want, const char *name)
{
	if (!ok(got == want, "%s", name)) {
		printf("# got %" PRIdMAX ", want %" PRIdMAX "\n", got, want);
		return false;
	}
	return true;
}

static inline bool
is_str(const char *got, const char *want, const char *name)
{
	bool same = got == want ||
		    (got != NULL && want != NULL && strcmp(got, want) == 0);

	if (!ok(same, "%s", name)) {
		printf("# got  %s\n# want %s\n", got ? got : "(null)",
		    want ? want : "(null)");
		return false;
	}
	return true;
}

/* True if the text contains the part; prints the text if it does not. */
static inline bool
has_str(const char *text, const char *part, const char *name)
{
	bool found = text != NULL && strstr(text, part) != NULL;

	if (!ok(found, "%s", name)) {
		printf("# got  %s\n# want a part %s\n", text ? text : "(null)",
		    part);
		return false;
	}
	return true;
}

/* The whole file is skipped; CI allows none. */
__attribute__((unused)) static inline int
tap_skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	return 0;
}

static inline int
tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed == 0 ? 0 : 1;
}

#endif
