/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mailbox_tally.c - how far it is, and what became of it.
 *
 * In:    what is told of folders and messages.
 * Out:   a line on a terminal while it goes on, and a summary.
 * Never: prints anything of a message but its UID.
 */
#include "config.h"

#include "ctl/mailbox_tally.h"

#include "ctl/ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static void show(struct tally *tally);
static void erase(struct tally *tally);

struct tally {
	bool dry_run;
	bool on_terminal;
	bool shown;                /* there is a line to be erased */
	int64_t began, last_shown; /* microseconds */
	char *folder;
	uint64_t folders, in_folder, of_folder;
	uint64_t count[TALLY_KINDS];
	uint64_t octets; /* of those sealed now */
	uint64_t failures;
};

struct tally *
tally_make(bool dry_run)
{
	struct tally *tally = g_new0(struct tally, 1);

	tally->dry_run = dry_run;
	tally->on_terminal = isatty(STDERR_FILENO) == 1;
	tally->began = g_get_monotonic_time();
	return tally;
}

void
tally_free(struct tally **tallyp)
{
	if (*tallyp == NULL)
		return;
	g_free((*tallyp)->folder);
	g_free(*tallyp);
	*tallyp = NULL;
}

void
tally_folder(struct tally *tally, const char *name, uint64_t messages)
{
	g_free(tally->folder);
	tally->folder = g_strdup(name);
	tally->folders++;
	tally->in_folder = 0;
	tally->of_folder = messages;
	show(tally);
}

void
tally_skip(struct tally *tally, const char *name, const char *why)
{
	erase(tally);
	tally->failures++;
	ctl_error("%s: left as it is: %s", name, why);
}

void
tally_count(struct tally *tally, enum tally_kind kind, uint64_t octets)
{
	tally->count[kind]++;
	tally->in_folder++;
	if (kind == TALLY_DONE)
		tally->octets += octets;
	show(tally);
}

void
tally_failure(struct tally *tally, uint32_t uid, const char *why)
{
	erase(tally);
	tally->failures++;
	tally->in_folder++;
	ctl_error("%s: message %" PRIu32 ": left as it is: %s", tally->folder,
	    uid, why);
}

bool
tally_failed(const struct tally *tally)
{
	return tally->failures > 0;
}

/* A few times a second. */
static void
show(struct tally *tally)
{
	int64_t now = g_get_monotonic_time();
	double seconds = (double)(now - tally->began) / 1e6;

	if (!tally->on_terminal || now - tally->last_shown < 200000)
		return;
	tally->last_shown = now;
	tally->shown = true;
	fprintf(stderr,
	    "\r\033[K%s: %" PRIu64 " of %" PRIu64 ", %.0f messages/s",
	    tally->folder, tally->in_folder, tally->of_folder,
	    seconds > 0 ? (double)(tally->count[TALLY_DONE] +
				   tally->count[TALLY_SEALED]) /
			      seconds
			: 0.0);
	(void)fflush(stderr);
}

static void
erase(struct tally *tally)
{
	if (tally->shown)
		fputs("\r\033[K", stderr);
	tally->shown = false;
}

void
tally_print(struct tally *tally)
{
	char *size = g_format_size_full(tally->octets, G_FORMAT_SIZE_IEC_UNITS);

	erase(tally);
	printf("%" PRIu64 " folders: %" PRIu64 " messages %s (%s), %" PRIu64
	       " were sealed before",
	    tally->folders, tally->count[TALLY_DONE],
	    tally->dry_run ? "would be sealed" : "sealed now", size,
	    tally->count[TALLY_SEALED]);
	if (tally->count[TALLY_FINISHED] > 0)
		printf(", %" PRIu64 " of a run that was stopped finished",
		    tally->count[TALLY_FINISHED]);
	if (tally->count[TALLY_GONE] > 0)
		printf(
		    ", %" PRIu64 " gone meanwhile", tally->count[TALLY_GONE]);
	if (tally->failures > 0)
		printf(", %" PRIu64 " LEFT AS THEY ARE", tally->failures);
	putchar('\n');
	g_free(size);
}
