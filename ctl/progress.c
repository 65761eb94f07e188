/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * progress.c - how far it is, how fast, and how long it takes.
 *
 * In:    what is done, and of how much.
 * Out:   a line on the terminal.
 * Never: anything where there is no terminal, as in logs.
 */
#include <config.h>

#include "ctl/progress.h"

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define REDRAW_US 100000
#define BAR 20

void
progress_start(struct progress *progress, const char *what)
{
	*progress = (struct progress){
	    .on = isatty(STDERR_FILENO) == 1,
	    .what = g_strdup(what),
	    .started = g_get_monotonic_time(),
	};
}

double
progress_seconds(const struct progress *progress)
{
	return (double)(g_get_monotonic_time() - progress->started) /
	       G_USEC_PER_SEC;
}

void
progress_draw(struct progress *progress, uint64_t done, uint64_t all,
    uint64_t done_octets, uint64_t all_octets)
{
	static const char full[] = "####################";
	int64_t now = g_get_monotonic_time();
	double share, seconds, left;

	if (!progress->on || now - progress->drawn < REDRAW_US)
		return;
	progress->drawn = now;
	share =
	    all_octets == 0 ? 1.0 : (double)done_octets / (double)all_octets;
	share = MIN(share, 1.0);
	seconds = progress_seconds(progress);
	left = share > 0 ? seconds / share - seconds : 0;
	fprintf(stderr,
	    "\r%s [%-*.*s] %3d%%  %" PRIu64 " of %" PRIu64
	    ", %.0f/s, %d:%02d left\033[K",
	    progress->what, BAR, (int)(share * BAR), full, (int)(share * 100),
	    done, all, seconds > 0 ? (double)done / seconds : 0, (int)left / 60,
	    (int)left % 60);
	fflush(stderr);
}

void
progress_clear(struct progress *progress)
{
	if (!progress->on)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	progress->drawn = 0;
}

void
progress_end(struct progress *progress)
{
	progress_clear(progress);
	g_free(progress->what);
	progress->what = NULL;
}
