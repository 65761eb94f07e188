/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A line on a terminal (standard error) that tells how far a long piece of
 * work is; nothing where there is no terminal.
 */
struct progress {
	bool on;
	char *what;      /* what it is about */
	int64_t started; /* monotonic, microseconds */
	int64_t drawn;
};

void progress_start(struct progress *progress, const char *what);

/* Draws it anew, ten times a second at most: done of all items, and (of which
 * the time left is reckoned) done of all octets. */
void progress_draw(struct progress *progress, uint64_t done, uint64_t all,
    uint64_t done_octets, uint64_t all_octets);

/* Takes the line away, so that something can be printed; and ends it. */
void progress_clear(struct progress *progress);
void progress_end(struct progress *progress);

/* Seconds since it was started. */
double progress_seconds(const struct progress *progress);

#endif
