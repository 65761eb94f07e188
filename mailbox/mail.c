/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mail.c - what the name of a message's file tells.
 *
 * In:    the name of a file in a Maildir.
 * Out:   its parts, and other names for the same message.
 * Never: takes a name for text.
 */
#include <config.h>

#include "mailbox/maildir.h"

#include <string.h>

static int64_t number_after(const char *key, const char *what);

struct mail *
mail_parse(const char *file, bool in_new)
{
	struct mail *mail = g_new0(struct mail, 1);
	const char *colon = strchr(file, ':');
	size_t len = colon == NULL ? strlen(file) : (size_t)(colon - file);

	mail->in_new = in_new;
	mail->file = g_strdup(file);
	mail->key = g_strndup(file, len);
	mail->base = g_strndup(mail->key, strcspn(mail->key, ","));
	if (colon != NULL && strncmp(colon, ":2,", 3) == 0)
		mail->flags = g_strdup(colon + 3);
	mail->size = number_after(mail->key, ",S=");
	mail->vsize = number_after(mail->key, ",W=");
	return mail;
}

void
mail_free(struct mail **mailp)
{
	struct mail *mail = *mailp;

	if (mail == NULL)
		return;
	g_free(mail->file);
	g_free(mail->key);
	g_free(mail->base);
	g_free(mail->flags);
	g_free(mail);
	*mailp = NULL;
}

/* -1 if the key does not tell, or tells no number. */
static int64_t
number_after(const char *key, const char *what)
{
	const char *found = strstr(key, what);
	guint64 number;
	char *digits;
	gboolean good;

	if (found == NULL)
		return -1;
	found += strlen(what);
	digits = g_strndup(found, strcspn(found, ","));
	good = g_ascii_string_to_unsigned(
	    digits, 10, 0, G_MAXINT64, &number, NULL);
	g_free(digits);
	return good ? (int64_t)number : -1;
}

char *
mail_rename(
    const struct mail *mail, const char *base, uint64_t size, uint64_t vsize)
{
	GString *name = g_string_new(base);
	char **parts = g_strsplit(mail->key + strlen(mail->base), ",", -1);
	size_t i;

	g_string_append_printf(
	    name, ",S=%ju,W=%ju", (uintmax_t)size, (uintmax_t)vsize);
	for (i = 0; parts[i] != NULL; i++)
		if (parts[i][0] != '\0' && !g_str_has_prefix(parts[i], "S=") &&
		    !g_str_has_prefix(parts[i], "W="))
			g_string_append_printf(name, ",%s", parts[i]);
	g_string_append(name, mail->file + strlen(mail->key));
	g_strfreev(parts);
	return g_string_free(name, FALSE);
}
