/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * log.c - one line at a time, to syslog or standard error.
 *
 * In:    a priority and a printf format.
 * Out:   a line without control characters.
 * Never: content of messages.
 */
#include "milter/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static bool log_stderr = true;
static bool log_syslog = false;

static int
facility_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} facilities[] = {
	    {"mail", LOG_MAIL},
	    {"daemon", LOG_DAEMON},
	    {"user", LOG_USER},
	    {"local0", LOG_LOCAL0},
	    {"local1", LOG_LOCAL1},
	    {"local2", LOG_LOCAL2},
	    {"local3", LOG_LOCAL3},
	    {"local4", LOG_LOCAL4},
	    {"local5", LOG_LOCAL5},
	    {"local6", LOG_LOCAL6},
	    {"local7", LOG_LOCAL7},
	};

	size_t i;

	for (i = 0; i < G_N_ELEMENTS(facilities); i++)
		if (strcmp(name, facilities[i].name) == 0)
			return facilities[i].number;
	return LOG_MAIL;
}

void
log_open(const char *facility, bool to_stderr)
{
	log_syslog = !to_stderr;
	if (log_syslog)
		openlog("sealmilter", LOG_PID | LOG_NDELAY,
		    facility_number(facility));
}

void
log_detach(void)
{
	int null;

	if (!log_syslog)
		return;
	log_stderr = false;
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		return;
	dup2(null, STDERR_FILENO);
	close(null);
}

void
log_line(int priority, const char *format, ...)
{
	char line[1024], *p;
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	for (p = line; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	if (log_stderr)
		fprintf(stderr, "sealmilter: %s\n", line);
	if (log_syslog)
		syslog(priority, "%s", line);
}

void
log_fault(const struct fault *fault, const char *what)
{
	static const int priorities[] = {
	    [FAULT_NONE] = LOG_INFO,
	    [FAULT_TEMP] = LOG_ERR,
	    [FAULT_PERM] = LOG_WARNING,
	    [FAULT_BUG] = LOG_CRIT,
	};

	log_line(priorities[fault->kind], "%s: %s", what, fault->text);
}
