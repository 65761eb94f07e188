/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * replace_sync.c - have the disk have a batch.
 *
 * In:    files that are written.
 * Out:   nothing, once they would be there after a loss of power.
 * Never: takes a call for done that does not tell an error.
 */
#include <config.h>

#include "mailbox/replace_private.h"

#include "keys/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#define XFS_MAGIC 0x58465342 /* linux/magic.h has it since 5.16 only */

/*
 * syncfs(2) tells errors since Linux 5.8, to who had the file system open
 * before; FUSE and others do not pass it on, so that only what is known to
 * counts.
 */
static bool
syncfs_tells(int directory)
{
	struct utsname kernel;
	struct statfs fs;
	char *end;
	guint64 major;

	if (uname(&kernel) != 0 || fstatfs(directory, &fs) != 0)
		return false;
	major = g_ascii_strtoull(kernel.release, &end, 10);
	if (major < 5 ||
	    (major == 5 &&
		(*end != '.' || g_ascii_strtoull(end + 1, NULL, 10) < 8)))
		return false;
	return fs.f_type == EXT4_SUPER_MAGIC || fs.f_type == XFS_MAGIC ||
	       fs.f_type == BTRFS_SUPER_MAGIC;
}

/*
 * All are on their way to the disk before the first is waited for: then one
 * commit of the file system does for all of them.  But each fsync(2) flushes
 * the cache of the disk again, and one syncfs(2) does so once.
 */
int
replace_sync_files(const struct folder *folder, const GPtrArray *replacements,
    struct fault *fault)
{
	const struct replacement *replacement;
	guint i;

	if (replacements->len > 1 && syncfs_tells(folder->tmp)) {
		if (syncfs(folder->tmp) == 0)
			return 0;
		fault_set(fault, FAULT_TEMP,
		    "writing new messages to the disk: %s", g_strerror(errno));
		return -1;
	}
	for (i = 0; i < replacements->len; i++) {
		replacement = g_ptr_array_index(replacements, i);
		(void)sync_file_range(
		    replacement->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	}
	for (i = 0; i < replacements->len; i++) {
		replacement = g_ptr_array_index(replacements, i);
		if (disk_sync(replacement->fd, "a message", fault) != 0)
			return -1;
	}
	return 0;
}
