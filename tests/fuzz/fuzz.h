/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

/*
 * What the targets share.  Each is a program of its own: with libFuzzer
 * (make fuzz), or with replay.c, which runs its seeds (make check).
 */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise that no input may break. */
#define PROMISE(condition) fuzz_promise(condition, #condition)

static inline void
fuzz_promise(bool kept, const char *condition)
{
	if (kept)
		return;
	fprintf(stderr, "a promise is broken: %s\n", condition);
	abort();
}

/* The input as a file that has no name, at its start. */
__attribute__((unused)) static inline int
fuzz_file(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	PROMISE(fd != -1 &&
		(size == 0 || write(fd, data, size) == (ssize_t)size) &&
		lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

#endif
