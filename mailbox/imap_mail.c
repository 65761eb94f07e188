/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * imap_mail.c - messages of an IMAP server: read, stored, and taken away.
 *
 * In:    UIDs, flags, messages to store.
 * Out:   messages, and what became of them.
 * Never: takes "I cannot say" for "there is none": a message is gone only when
 *        the server said OK and showed none.
 */
#include "mailbox/imap_private.h"

#include "mailbox/imap_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void
imap_mail_free(struct imap_mail *mail)
{
	if (mail == NULL)
		return;
	g_free(mail->flags);
	g_free(mail->date);
	g_free(mail->claim);
	g_free(mail);
}

static void
mail_release(void *data)
{
	imap_mail_free(data);
}

/* The value of a field from "Name: value CRLF CRLF", unfolded; or NULL. */
static char *
field_value(const char *header)
{
	const char *colon = strchr(header, ':');
	char **lines, *value;

	if (colon == NULL)
		return NULL;
	lines = g_strsplit_set(colon + 1, "\r\n", -1);
	value = g_strjoinv("", lines);
	g_strfreev(lines);
	return g_strstrip(value);
}

static void
set_item(struct imap_mail *mail, const char *name, char *value)
{
	if (g_ascii_strcasecmp(name, "UID") == 0) {
		mail->uid = (uint32_t)strtoul(value, NULL, 10);
	} else if (g_ascii_strcasecmp(name, "RFC822.SIZE") == 0) {
		mail->size = g_ascii_strtoull(value, NULL, 10);
	} else if (g_ascii_strcasecmp(name, "FLAGS") == 0) {
		g_free(mail->flags);
		mail->flags = imap_flags_without(value, "\\Recent");
	} else if (g_ascii_strcasecmp(name, "INTERNALDATE") == 0) {
		g_free(mail->date);
		mail->date = g_strdup(value);
	} else if (g_ascii_strncasecmp(name, "BODY[HEADER", 11) == 0) {
		g_free(mail->claim);
		mail->claim = field_value(value);
	}
}

/* "12 FETCH (UID 7 FLAGS (\Seen) ...)": a new object; NULL: something else. */
static struct imap_mail *
read_fetch(const char *text)
{
	char *list = NULL, *end, *name, *value;
	struct imap_mail *mail;
	const char *p, *next;

	(void)strtoul(text, &end, 10);
	if (end == text || g_ascii_strncasecmp(end, " FETCH ", 7) != 0 ||
	    imap_value(end + 7, &list) == NULL)
		return NULL;
	mail = g_new0(struct imap_mail, 1);
	p = list;
	while (*p != '\0') {
		name = value = NULL;
		next = imap_value(p, &name);
		if (next != NULL)
			next = imap_value(next, &value);
		if (next != NULL)
			set_item(mail, name, value);
		g_free(name);
		g_free(value);
		if (next == NULL)
			break;
		p = next;
	}
	g_free(list);
	if (mail->uid == 0) {
		imap_mail_free(mail);
		return NULL;
	}
	return mail;
}

static int
hear_messages(void *context, const char *text, struct fault *fault)
{
	struct imap_mail *mail = read_fetch(text);

	(void)fault;
	if (mail != NULL)
		g_ptr_array_add(context, mail);
	return 0;
}

static gint
by_uid(gconstpointer a, gconstpointer b)
{
	const struct imap_mail *first = *(const struct imap_mail *const *)a;
	const struct imap_mail *second = *(const struct imap_mail *const *)b;

	return (first->uid > second->uid) - (first->uid < second->uid);
}

int
imap_messages(struct imap *imap, const char *field, GPtrArray **mailsp,
    struct fault *fault)
{
	GPtrArray *mails = g_ptr_array_new_with_free_func(mail_release);
	struct exchange exchange = {.heard = hear_messages, .context = mails};
	int r = imap_run(imap, &exchange, "listing messages", fault,
	    "UID FETCH 1:* (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (%s)])",
	    field);

	g_free(exchange.done);
	if (r != 0) {
		g_ptr_array_unref(mails);
		return -1;
	}
	g_ptr_array_sort(mails, by_uid);
	*mailsp = mails;
	return 0;
}

/* The message that is waited for. */
struct wanted {
	uint32_t uid;
	struct imap_mail *mail;
};

static int
hear_wanted(void *context, const char *text, struct fault *fault)
{
	struct wanted *wanted = context;
	struct imap_mail *mail = read_fetch(text);

	(void)fault;
	if (mail == NULL || mail->uid != wanted->uid || mail->flags == NULL) {
		imap_mail_free(mail);
		return 0;
	}
	/* News of flags come in between, too; the last are those it has. */
	if (wanted->mail != NULL && mail->date == NULL) {
		g_free(wanted->mail->flags);
		wanted->mail->flags = g_steal_pointer(&mail->flags);
	} else {
		imap_mail_free(wanted->mail);
		wanted->mail = g_steal_pointer(&mail);
	}
	imap_mail_free(mail);
	return 0;
}

int
imap_fetch(struct imap *imap, uint32_t uid, wire_sink *sink, void *context,
    struct imap_mail **mailp, struct fault *fault)
{
	struct wanted wanted = {.uid = uid};
	struct exchange exchange = {.heard = hear_wanted,
	    .context = &wanted,
	    .sink = sink,
	    .sink_context = context};
	int r = imap_run(imap, &exchange, "fetching a message", fault,
	    "UID FETCH %" PRIu32 " (UID FLAGS INTERNALDATE RFC822.SIZE"
	    " BODY.PEEK[])",
	    uid);

	g_free(exchange.done);
	if (r == 0 && wanted.mail != NULL && wanted.mail->date == NULL) {
		fault_set(fault, FAULT_PERM,
		    "the server does not tell when a message came");
		r = -1;
	}
	if (r != 0 || wanted.mail == NULL) {
		imap_mail_free(wanted.mail);
		return r != 0 ? -1 : 0;
	}
	*mailp = wanted.mail;
	return 1;
}

static int
send_literal(
    struct imap *imap, const struct imap_upload *upload, struct fault *fault)
{
	struct spool_reader *reader = spool_reader_make(upload->body);
	const unsigned char *data;
	size_t len;
	int r = wire_send(
	    imap->wire, upload->header->str, upload->header->len, fault);

	while (r == 0) {
		r = spool_reader_next(reader, &data, &len, fault);
		if (r != 1)
			break;
		r = wire_send(imap->wire, data, len, fault);
	}
	spool_reader_free(&reader);
	return r == 0 ? wire_send(imap->wire, "\r\n", 2, fault) : -1;
}

int
imap_append(struct imap *imap, const char *wire,
    const struct imap_upload *upload, uint32_t *uidp, struct fault *fault)
{
	uint64_t octets = upload->header->len + spool_size(upload->body);
	struct exchange exchange = {0};
	char *name = imap_quoted(wire), *command, *end;
	const char *told;
	int r = -1;

	command = g_strdup_printf("APPEND %s (%s) \"%s\" {%" PRIu64 "}", name,
	    upload->flags, upload->date, octets);
	if (imap_say(imap, fault, command) != 0 ||
	    (r = imap_hear(
		 imap, &exchange, "storing the sealed message", fault)) != 2) {
		if (r == 1)
			fault_set(fault, FAULT_PERM,
			    "the server does not wait for the message");
		r = -1;
		goto out;
	}
	/* Cut short, the rest of it would be taken for commands. */
	r = -1;
	imap->broken = true;
	if (send_literal(imap, upload, fault) != 0)
		goto out;
	imap->broken = false;
	if (imap_hear(imap, &exchange, "storing the sealed message", fault) !=
	    1)
		goto out;
	told = strstr(exchange.done, "[APPENDUID ");
	if (told != NULL) {
		(void)strtoul(told + strlen("[APPENDUID "), &end, 10);
		*uidp = (uint32_t)strtoul(end, NULL, 10);
		r = *uidp == 0 ? -1 : 0;
	}
	if (r != 0)
		fault_set(fault, FAULT_PERM,
		    "the server does not tell the UID of what it has stored"
		    " (UIDNOTSTICKY); the original stays beside it");
out:
	g_free(exchange.done);
	g_free(command);
	g_free(name);
	return r;
}

int
imap_store(struct imap *imap, uint32_t uid, const char *how, const char *flags,
    char **nowp, struct fault *fault)
{
	struct wanted wanted = {.uid = uid};
	struct exchange exchange = {.heard = hear_wanted, .context = &wanted};
	int r = imap_run(imap, &exchange, "changing flags", fault,
	    "UID STORE %" PRIu32 " %sFLAGS (%s)", uid, how, flags);

	/* RFC 3501 6.4.8: no error for a UID that is gone.  Who changed
	 * nothing may be told nothing. */
	if (r == 0 && wanted.mail == NULL)
		r = imap_run(imap, &exchange, "reading flags", fault,
		    "UID FETCH %" PRIu32 " (UID FLAGS)", uid);
	g_free(exchange.done);
	if (r == 0 && wanted.mail != NULL) {
		*nowp = g_steal_pointer(&wanted.mail->flags);
		r = 1;
	}
	imap_mail_free(wanted.mail);
	return r;
}

int
imap_expunge(struct imap *imap, uint32_t uid, struct fault *fault)
{
	struct exchange exchange = {0};
	int r = imap_run(imap, &exchange, "expunging a message", fault,
	    "UID EXPUNGE %" PRIu32, uid);

	g_free(exchange.done);
	return r;
}
