/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICY_FIELD_H
#define POLICY_FIELD_H

#include <stddef.h>

/*
 * One header field as it stands in a message.  The line is name ":" value
 * CRLF; value keeps its leading blank and its folds (CRLF and blanks).
 */
struct field {
	char *name;
	char *value;
};

/*
 * The header of a message.  Field names compare without regard to case.
 */
struct fields {
	struct field *list;
	size_t count;
};

#endif
