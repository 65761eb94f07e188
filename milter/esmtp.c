/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * esmtp.c - the parameters of MAIL and RCPT that a copy has to carry on.
 *
 * In:    argument lists of libmilter's.
 * Out:   the values that are well-formed.
 * Never: hands out a value that could end a command or begin another.
 */
#include "milter/esmtp.h"

#include <glib.h>
#include <string.h>

#define VALUE_OCTETS_MAX 500 /* RFC 3461 sections 4.2 and 4.4 */

/* The value of NAME=value, or NULL.  Values are printable ASCII without
 * blanks (RFC 5321 section 4.1.2: esmtp-value). */
static const char *
value_of(const char *argument, const char *name)
{
	size_t len = strlen(name), i;
	const char *value;

	if (g_ascii_strncasecmp(argument, name, len) != 0 ||
	    argument[len] != '=')
		return NULL;
	value = argument + len + 1;
	for (i = 0; value[i] != '\0'; i++)
		if (value[i] <= ' ' || value[i] > '~')
			return NULL;
	return i > 0 && i <= VALUE_OCTETS_MAX ? value : NULL;
}

static void
keep(char **targetp, const char *value)
{
	if (value == NULL)
		return;
	g_free(*targetp);
	*targetp = g_strdup(value);
}

void
esmtp_mail_read(struct esmtp_mail *mail, char *const *argv)
{
	const char *value;
	size_t i;

	esmtp_mail_clear(mail);
	for (i = 1; argv[0] != NULL && argv[i] != NULL; i++) {
		value = value_of(argv[i], "RET");
		if (value != NULL &&
		    (g_ascii_strcasecmp(value, "FULL") == 0 ||
			g_ascii_strcasecmp(value, "HDRS") == 0))
			keep(&mail->ret, value);
		keep(&mail->envid, value_of(argv[i], "ENVID"));
		value = value_of(argv[i], "BODY");
		if (value != NULL)
			mail->eight_bit =
			    g_ascii_strcasecmp(value, "8BITMIME") == 0;
		mail->utf8 |= g_ascii_strcasecmp(argv[i], "SMTPUTF8") == 0;
	}
}

void
esmtp_mail_clear(struct esmtp_mail *mail)
{
	g_clear_pointer(&mail->ret, g_free);
	g_clear_pointer(&mail->envid, g_free);
	mail->eight_bit = mail->utf8 = false;
}

static bool
is_notify(const char *value)
{
	static const char *const words[] = {"SUCCESS", "FAILURE", "DELAY"};
	char **each;
	size_t i, j;
	bool good = true;

	if (g_ascii_strcasecmp(value, "NEVER") == 0)
		return true;
	each = g_strsplit(value, ",", -1);
	for (i = 0; each[i] != NULL && good; i++) {
		for (j = 0; j < G_N_ELEMENTS(words); j++)
			if (g_ascii_strcasecmp(each[i], words[j]) == 0)
				break;
		good = j < G_N_ELEMENTS(words);
	}
	g_strfreev(each);
	return good;
}

void
esmtp_rcpt_read(struct esmtp_rcpt *rcpt, char *const *argv)
{
	const char *value;
	size_t i;

	esmtp_rcpt_clear(rcpt);
	for (i = 1; argv[0] != NULL && argv[i] != NULL; i++) {
		value = value_of(argv[i], "NOTIFY");
		if (value != NULL && is_notify(value))
			keep(&rcpt->notify, value);
		value = value_of(argv[i], "ORCPT");
		if (value != NULL && strchr(value, ';') != NULL)
			keep(&rcpt->orcpt, value);
	}
}

void
esmtp_rcpt_clear(struct esmtp_rcpt *rcpt)
{
	g_clear_pointer(&rcpt->notify, g_free);
	g_clear_pointer(&rcpt->orcpt, g_free);
}

bool
esmtp_wants_failure(const struct esmtp_rcpt *rcpt)
{
	char *upper;
	bool wants;

	if (rcpt->notify == NULL)
		return true;
	upper = g_ascii_strup(rcpt->notify, -1);
	wants = strstr(upper, "FAILURE") != NULL;
	g_free(upper);
	return wants;
}
