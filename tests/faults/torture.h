/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_FAULTS_TORTURE_H
#define TESTS_FAULTS_TORTURE_H

/*
 * Functions that fail, or lie, at their n-th call.  The program is linked
 * with -Wl,--wrap=NAME for each of them.  Counters are shared with every
 * process that the program starts, so workers are tortured as well.
 */

#include "policy/fault.h"
#include "tests/tap.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TORTURE_POINTS 128

enum torture_way {
	TORTURE_NONE,
	TORTURE_FAIL, /* it says that it failed, and did nothing */
	TORTURE_LIE,  /* it says that all is well, and did nothing */
};

struct torture {
	unsigned int calls[TORTURE_POINTS];
	unsigned int lies[TORTURE_POINTS]; /* has a lie to tell */
	bool armed;
	unsigned int point, nth; /* from 1 */
	enum torture_way way;
	/* What the process under torture says of itself. */
	int result;
	bool gave; /* something away although it failed */
	bool recovered;
	struct fault fault;
};

static struct torture *torture;
static GThread *torture_victim; /* NULL: all threads */

static inline void
torture_begin(void)
{
	torture = mmap(NULL, sizeof(*torture), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (torture == MAP_FAILED)
		g_error("no shared memory");
}

/* For the wrappers: what this call shall do. */
static inline enum torture_way
torture_next(unsigned int point, bool can_lie)
{
	unsigned int n;

	if (torture == NULL || !torture->armed ||
	    (torture_victim != NULL && torture_victim != g_thread_self()))
		return TORTURE_NONE;
	torture->lies[point] = can_lie;
	n = __atomic_add_fetch(&torture->calls[point], 1, __ATOMIC_RELAXED);
	if (torture->point != point || torture->nth != n)
		return TORTURE_NONE;
	errno = EIO;
	return torture->way;
}

#define TORTURE_WRAP(type, name, parameters, arguments, failure, can_lie, lie) \
	type __real_##name parameters;                                         \
	type __wrap_##name parameters;                                         \
	type __wrap_##name parameters                                          \
	{                                                                      \
		switch (torture_next(POINT_##name, can_lie)) {                 \
		case TORTURE_FAIL:                                             \
			return failure;                                        \
		case TORTURE_LIE:                                              \
			return lie;                                            \
		case TORTURE_NONE:                                             \
			break;                                                 \
		}                                                              \
		return __real_##name arguments;                                \
	}

/*
 * Runs that in a process of its own, with the n-th call of a point going
 * wrong (point 0: none).  True if it ended by itself, without a complaint of
 * a sanitizer.
 */
static inline bool
torture_run(void (*run)(void), unsigned int point, unsigned int nth,
    enum torture_way way)
{
	siginfo_t info = {0};
	pid_t pid;

	memset(torture, 0, sizeof(*torture));
	torture->point = point;
	torture->nth = nth;
	torture->way = way;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		run();
		exit(0);
	}
	/* Not waitpid(), which may be tortured. */
	while (pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED) == -1 &&
	       errno == EINTR)
		continue;
	torture->armed = false;
	return info.si_pid == pid && info.si_code == CLD_EXITED &&
	       info.si_status == 0;
}

#endif
