/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * disk.c - have the disk have it.
 *
 * In:    files that are written, directories in which names were changed.
 * Out:   nothing, once they would be there after a loss of power.
 * Never: tries again: what failed once is not on the disk, whatever the next
 *        fsync(2) says.
 */
#include <config.h>

#include "keys/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int
disk_sync(int fd, const char *what, struct fault *fault)
{
	if (fsync(fd) == 0)
		return 0;
	fault_set(fault, FAULT_TEMP, "writing %s to the disk: %s", what,
	    g_strerror(errno));
	return -1;
}

int
disk_sync_directory(const char *path, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;

	if (fd == -1) {
		fault_set(fault, FAULT_TEMP, "%s: %s", path, g_strerror(errno));
		return -1;
	}
	ret = disk_sync(fd, path, fault);
	(void)close(fd);
	return ret;
}
