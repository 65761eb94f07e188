/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * content.c - what policy and plan need to know of a message.
 *
 * In:    the message, and who sent it.
 * Out:   its Subject, whether it is encrypted already, whether a program
 *        wrote it, and a passphrase that its sender set.
 * Never: changes it, or tells words of it in a fault.
 */
#include "milter/content.h"

#include "keys/passphrases.h"
#include "seal/already.h"
#include "seal/subject.h"

#include <string.h>

static bool is_automatic(const struct fields *fields, const char *sender);
static int read_secret(
    const char *subject, struct secret **secretp, struct fault *fault);

int
content_read(const struct message *message, const struct config *config,
    const struct origin *origin, struct content *content, struct fault *fault)
{
	int sealed = message_is_sealed(message, fault);

	if (sealed == -1 ||
	    content_make(&message->header, subject_decode(message), config,
		origin, content, fault) != 0)
		return -1;
	content->size = message_size(message);
	content->sealed_already = sealed == 1;
	return 0;
}

int
content_make(const struct fields *fields, char *subject,
    const struct config *config, const struct origin *origin,
    struct content *content, struct fault *fault)
{
	struct content made = {.fields = fields, .subject = subject};

	made.automatic = is_automatic(fields, origin->sender);
	if (content_may_give(config, origin) &&
	    read_secret(subject, &made.secret, fault) != 0) {
		content_clear(&made);
		return -1;
	}
	*content = made;
	return 0;
}

void
content_clear(struct content *content)
{
	passphrase_wipe(&content->subject);
	secret_unref(&content->secret);
}

bool
content_may_give(const struct config *config, const struct origin *origin)
{
	return config->passphrase.subject && origin->authenticated;
}

/* To send it all the same, with words that protect nothing, would deceive. */
static int
read_secret(const char *subject, struct secret **secretp, struct fault *fault)
{
	char *tag = NULL, *words = NULL;
	int r = subject_passphrase(subject, &tag, &words, fault);

	if (r != 1)
		return r;
	if (passphrase_acceptable(words, NULL, fault) != 0) {
		fault_prefix(fault, "the passphrase in the Subject");
		passphrase_wipe(&tag);
		passphrase_wipe(&words);
		return -1;
	}
	*secretp = secret_make(tag, words);
	return 0;
}

/* --- RFC 3834 section 2: what must not be answered */

/* The value's first word, in lower case; a new string. */
static char *
first_word(const struct field *field)
{
	char *value = field_unfold(field->value), *word;

	word = g_ascii_strdown(value, (gssize)strcspn(value, " \t;("));
	g_free(value);
	return word;
}

static bool
says_automatic(const struct field *field)
{
	bool says = false;
	char *word;

	if (g_ascii_strncasecmp(field->name, "List-", strlen("List-")) == 0)
		return true;
	if (!field_is(field, "Auto-Submitted") &&
	    !field_is(field, "Precedence"))
		return false;
	word = first_word(field);
	if (field_is(field, "Auto-Submitted"))
		says = strcmp(word, "no") != 0;
	else
		says = strcmp(word, "bulk") == 0 || strcmp(word, "list") == 0 ||
		       strcmp(word, "junk") == 0;
	g_free(word);
	return says;
}

/* owner-x, x-request, and the mail system itself. */
static bool
is_role(const char *sender)
{
	const char *at = strrchr(sender, '@');
	char *local = g_strndup(
	    sender, at != NULL ? (gsize)(at - sender) : strlen(sender));
	bool role;

	role = local[0] == '\0' || g_str_has_prefix(local, "owner-") ||
	       g_str_has_suffix(local, "-owner") ||
	       g_str_has_suffix(local, "-request") ||
	       g_str_has_suffix(local, "-bounces") ||
	       strcmp(local, "mailer-daemon") == 0;
	g_free(local);
	return role;
}

static bool
is_automatic(const struct fields *fields, const char *sender)
{
	size_t i;

	for (i = 0; i < fields->count; i++)
		if (says_automatic(&fields->list[i]))
			return true;
	return is_role(sender);
}
