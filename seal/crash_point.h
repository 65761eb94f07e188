/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_CRASH_POINT_H
#define SEAL_CRASH_POINT_H

/*
 * A place at which tests kill the process (SIGKILL to itself): at the
 * COUNT-th pass of the point that SEALMILTER_CRASH_AT ("NAME:COUNT") names,
 * if the file that SEALMILTER_CRASH_ONCE names can be unlinked, so that it
 * happens once, however often the process is started again.
 */
#ifdef SEALMILTER_CRASH_POINTS
void crash_point(const char *name);
#else
#define crash_point(name) ((void)0)
#endif

#endif
