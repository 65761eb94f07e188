/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fault.c - say why something failed and whether to try again.
 *
 * In:    a kind and a printf format.
 * Out:   one line of text without control characters.
 * Never: logs, exits, or allocates.
 */
#include "policy/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void clean_line(char *text);

void
fault_set(struct fault *fault, enum fault_kind kind, const char *format, ...)
{
	va_list args;

	if (fault == NULL)
		return;
	fault->kind = kind;
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	clean_line(fault->text);
}

void
fault_prefix(struct fault *fault, const char *format, ...)
{
	char old[sizeof(fault->text)];
	va_list args;
	size_t len;

	if (fault == NULL)
		return;
	memcpy(old, fault->text, sizeof(old));
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	len = strlen(fault->text);
	snprintf(fault->text + len, sizeof(fault->text) - len, ": %s", old);
	clean_line(fault->text);
}

/* Addresses and file names get into faults, and faults into logs. */
static void
clean_line(char *text)
{
	char *p;

	for (p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}
