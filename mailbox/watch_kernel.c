/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * watch_kernel.c - what the kernel tells of directories (inotify(7)).
 *
 * In:    directories, open.
 * Out:   files that something happened to; mailboxes to look through.
 * Never: believes that it was told everything.
 */
#include <config.h>

#include "mailbox/watch_private.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define FILES (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM)
#define DIRECTORIES (IN_CREATE | IN_MOVED_TO)

int64_t
watch_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
free_place(void *data)
{
	struct watch_place *place = data;

	g_free(place->folder);
	g_free(place);
}

static char *
limit_of(const char *name)
{
	char *path = g_build_filename("/proc/sys/fs/inotify", name, NULL);
	char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		text = g_strdup("unknown");
	g_free(path);
	return g_strstrip(text);
}

int
watch_kernel_open(struct watch *watch, struct fault *fault)
{
	char *limit;

	watch->places = g_hash_table_new_full(
	    g_direct_hash, g_direct_equal, NULL, free_place);
	watch->timer =
	    timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	watch->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->inotify != -1 && watch->timer != -1)
		return 0;
	limit = limit_of("max_user_instances");
	fault_set(fault, FAULT_TEMP,
	    "cannot watch: %s (fs.inotify.max_user_instances is %s)",
	    g_strerror(errno), limit);
	g_free(limit);
	return -1;
}

void
watch_kernel_close(struct watch *watch)
{
	if (watch->inotify != -1)
		close(watch->inotify);
	if (watch->timer != -1)
		close(watch->timer);
	g_clear_pointer(&watch->places, g_hash_table_destroy);
}

/* By its descriptor: no path can be turned to another place meanwhile. */
static int
add(struct watch *watch, int directory, uint32_t mask,
    const struct watch_place *place, struct fault *fault)
{
	char path[64], *limit;
	struct watch_place *copy;
	int wd;

	(void)g_snprintf(path, sizeof(path), "/proc/self/fd/%d", directory);
	wd = inotify_add_watch(watch->inotify, path, mask | IN_ONLYDIR);
	if (wd == -1 && errno == ENOSPC) {
		watch->full = true;
		limit = limit_of("max_user_watches");
		fault_set(fault, FAULT_PERM,
		    "the kernel watches no more directories, %u are watched:"
		    " raise fs.inotify.max_user_watches, which is %s"
		    " (sysctl(8)); each folder takes 3",
		    g_hash_table_size(watch->places), limit);
		g_free(limit);
		return -1;
	}
	if (wd == -1) {
		fault_set(fault, FAULT_TEMP, "watching \"%s\": %s",
		    place->folder, g_strerror(errno));
		return -1;
	}
	copy = g_new(struct watch_place, 1);
	*copy = *place;
	copy->folder = g_strdup(place->folder);
	g_hash_table_replace(watch->places, GINT_TO_POINTER(wd), copy);
	return 0;
}

int
watch_kernel_add(struct watch *watch, size_t mailbox,
    const struct folder *folder, struct fault *fault)
{
	struct watch_place place = {mailbox, folder->name, false, false};

	if (add(watch, folder->fd, DIRECTORIES, &place, fault) != 0)
		return -1;
	place.messages = true;
	if (add(watch, folder->cur, FILES, &place, fault) != 0)
		return -1;
	place.in_new = true;
	return folder->new == -1
		   ? 0
		   : add(watch, folder->new, FILES, &place, fault);
}

int
watch_kernel_add_top(
    struct watch *watch, size_t mailbox, int directory, struct fault *fault)
{
	char none[] = "";
	const struct watch_place place = {mailbox, none, false, false};

	return add(watch, directory, DIRECTORIES, &place, fault);
}

static void
take_event(struct watch *watch, const struct inotify_event *event)
{
	const struct watch_place *place =
	    g_hash_table_lookup(watch->places, GINT_TO_POINTER(event->wd));
	size_t i;

	/* Some were lost: only looking helps. */
	for (i = 0; (event->mask & IN_Q_OVERFLOW) != 0 && i < watch->count; i++)
		watch_scan_at(watch, i, watch_now());
	if (place == NULL)
		return;
	if ((event->mask & IN_IGNORED) != 0)
		g_hash_table_remove(watch->places, GINT_TO_POINTER(event->wd));
	else if ((event->mask & IN_ISDIR) != 0)
		watch_scan_at(watch, place->mailbox,
		    watch_now() + watch->times->quiet_ms);
	else if (place->messages && event->len > 0)
		watch_file_happened(watch, place, event->name,
		    (event->mask & IN_MOVED_FROM) == 0);
}

int
watch_kernel_read(struct watch *watch, struct fault *fault)
{
	char buffer[16384]
	    __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *event;
	uint64_t expirations;
	ssize_t n, i;

	(void)!read(watch->timer, &expirations, sizeof(expirations));
	for (;;) {
		n = read(watch->inotify, buffer, sizeof(buffer));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		for (i = 0; i < n;
		     i += (ssize_t)(sizeof(*event) + event->len)) {
			event = (const void *)(buffer + i);
			take_event(watch, event);
		}
	}
	if (n == 0 || errno == EAGAIN)
		return 0;
	fault_set(fault, FAULT_TEMP, "inotify: %s", g_strerror(errno));
	return -1;
}

void
watch_kernel_wake(struct watch *watch, int64_t when)
{
	struct itimerspec at = {{0, 0}, {0, 0}};

	if (when > 0) {
		at.it_value.tv_sec = when / 1000;
		at.it_value.tv_nsec = when % 1000 * 1000000;
	}
	(void)timerfd_settime(watch->timer, TFD_TIMER_ABSTIME, &at, NULL);
}
