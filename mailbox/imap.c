/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * imap.c - what is said to an IMAP server, and what its answers mean.
 *
 * In:    commands.
 * Out:   answers, folders; or why not.
 * Never: keeps more of an answer than is asked for, or prints what a server
 *        says as it came.
 */
#include "mailbox/imap_private.h"

#include "mailbox/imap_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int check_uidplus(struct imap *imap, struct fault *fault);

static int read_response(
    struct imap *imap, struct exchange *exchange, struct fault *fault);

/* --- One command */

int
imap_run(struct imap *imap, struct exchange *exchange, const char *what,
    struct fault *fault, const char *format, ...)
{
	va_list arguments;
	char *command;
	int r;

	va_start(arguments, format);
	command = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	r = imap_say(imap, fault, command);
	g_free(command);
	if (r == 0)
		r = imap_hear(imap, exchange, what, fault);
	return r == 1 ? 0 : -1;
}

int
imap_say(struct imap *imap, struct fault *fault, const char *text)
{
	char *line;
	int r;

	if (imap->broken) {
		fault_set(fault, FAULT_TEMP,
		    "the conversation with the server broke off");
		return -1;
	}
	line = g_strdup_printf("S%u %s\r\n", ++imap->tag, text);
	r = wire_send(imap->wire, line, strlen(line), fault);
	g_free(line);
	return r;
}

static int
refused(const char *what, const char *text, struct fault *fault)
{
	char *said = imap_printable(text);

	/* RFC 5530: those that pass. */
	fault_set(fault,
	    strstr(said, "[UNAVAILABLE]") != NULL ||
		    strstr(said, "[INUSE]") != NULL
		? FAULT_TEMP
		: FAULT_PERM,
	    "%s: the server says: %s", what, said);
	g_free(said);
	return -1;
}

int
imap_hear(struct imap *imap, struct exchange *exchange, const char *what,
    struct fault *fault)
{
	char *tag = g_strdup_printf("S%u ", imap->tag);
	const char *text;
	int r = 0;

	while (r == 0) {
		if (read_response(imap, exchange, fault) != 0) {
			imap->broken = true;
			r = -1;
			break;
		}
		text = imap->line->str;
		if (g_str_has_prefix(text, "* BYE"))
			r = refused("the connection ends", text + 2, fault);
		else if (g_str_has_prefix(text, "* "))
			r = exchange->heard == NULL
				? 0
				: exchange->heard(
				      exchange->context, text + 2, fault);
		else if (text[0] == '+')
			r = 2;
		else if (!g_str_has_prefix(text, tag))
			r = refused(what, text, fault);
		else if (g_ascii_strncasecmp(text + strlen(tag), "OK", 2) != 0)
			r = refused(what, text + strlen(tag), fault);
		else
			r = 1;
	}
	if (r == 1) {
		g_free(exchange->done);
		exchange->done = g_strdup(imap->line->str + strlen(tag));
	}
	g_free(tag);
	if (r == -1 && g_str_has_prefix(imap->line->str, "* BYE"))
		fault->kind = FAULT_TEMP;
	return r;
}

static int
take_octets(void *context, const void *data, size_t len, struct fault *fault)
{
	GString *octets = context;

	if (memchr(data, '\0', len) != NULL) {
		fault_set(fault, FAULT_PERM,
		    "the server sends a NUL where there can be none");
		return -1;
	}
	g_string_append_len(octets, data, (gssize)len);
	return 0;
}

/* "{123}" at the end of a line; the line loses it. */
static bool
ends_in_literal(GString *line, uint64_t *lenp)
{
	char *brace = strrchr(line->str, '{'), *end;

	if (brace == NULL || line->str[line->len - 1] != '}' ||
	    !g_ascii_isdigit(brace[1]))
		return false;
	*lenp = g_ascii_strtoull(brace + 1, &end, 10);
	if (strcmp(end, "}") != 0)
		return false;
	g_string_truncate(line, (gsize)(brace - line->str));
	return true;
}

/* One response into imap->line; literals are quoted in it, but for that of
 * BODY[], which goes to the sink. */
static int
read_response(struct imap *imap, struct exchange *exchange, struct fault *fault)
{
	GString *line = imap->line, *octets;
	uint64_t len;
	int r;

	g_string_truncate(line, 0);
	for (;;) {
		if (wire_line(imap->wire, line, fault) != 0)
			return -1;
		if (!ends_in_literal(line, &len))
			return 0;
		if (exchange->sink != NULL &&
		    g_str_has_suffix(line->str, "BODY[] ")) {
			g_string_append(line, "\"\"");
			if (wire_octets(imap->wire, len, exchange->sink,
				exchange->sink_context, fault) != 0)
				return -1;
			continue;
		}
		if (len > WIRE_TEXT_OCTETS / 4) {
			fault_set(fault, FAULT_PERM,
			    "the server sends %" PRIu64 " octets where few"
			    " are asked for",
			    len);
			return -1;
		}
		octets = g_string_new(NULL);
		r = wire_octets(imap->wire, len, take_octets, octets, fault);
		if (r == 0)
			imap_quote(line, octets->str, octets->len);
		g_string_free(octets, TRUE);
		if (r != 0)
			return -1;
	}
}

/* --- Session */

int
imap_open(
    const struct imap_login *login, struct imap **imapp, struct fault *fault)
{
	struct imap *imap = g_new0(struct imap, 1);

	imap->line = g_string_new(NULL);
	if (wire_open(login, &imap->wire, fault) != 0 ||
	    check_uidplus(imap, fault) != 0) {
		imap_close(&imap);
		return -1;
	}
	*imapp = imap;
	return 0;
}

void
imap_close(struct imap **imapp)
{
	struct imap *imap = *imapp;
	struct exchange exchange = {0};
	struct fault ignored = {FAULT_NONE, ""};

	if (imap == NULL)
		return;
	/* Its BYE is what is waited for. */
	if (imap->wire != NULL)
		(void)imap_run(
		    imap, &exchange, "logging out", &ignored, "LOGOUT");
	g_free(exchange.done);
	wire_close(&imap->wire);
	g_string_free(imap->line, TRUE);
	g_free(imap);
	*imapp = NULL;
}

static int
hear_capability(void *context, const char *text, struct fault *fault)
{
	struct imap *imap = context;

	(void)fault;
	if (g_str_has_prefix(text, "CAPABILITY "))
		imap->uidplus = imap_has_flag(text, "UIDPLUS") ||
				imap_has_flag(text, "IMAP4rev2");
	return 0;
}

static int
check_uidplus(struct imap *imap, struct fault *fault)
{
	struct exchange exchange = {.heard = hear_capability, .context = imap};

	if (imap_run(imap, &exchange, "CAPABILITY", fault, "CAPABILITY") != 0)
		return -1;
	g_free(exchange.done);
	if (imap->uidplus)
		return 0;
	fault_set(fault, FAULT_PERM,
	    "the server lacks UIDPLUS (RFC 4315): it cannot expunge one message"
	    " without others that users marked as deleted, so nothing is"
	    " changed");
	return -1;
}

/* --- Folders */

static void
folder_release(void *data)
{
	struct imap_folder *folder = data;

	g_free(folder->wire);
	g_free(folder->name);
	g_free(folder);
}

/* LIST (\HasNoChildren) "/" "Archive/2024" */
static int
hear_list(void *context, const char *text, struct fault *fault)
{
	GPtrArray *folders = context;
	char *attributes = NULL, *delimiter = NULL, *wire = NULL;
	struct imap_folder *folder;
	const char *p;

	(void)fault;
	if (!g_str_has_prefix(text, "LIST ") ||
	    (p = imap_value(text + strlen("LIST "), &attributes)) == NULL ||
	    (p = imap_value(p, &delimiter)) == NULL ||
	    imap_value(p, &wire) == NULL)
		goto out;
	if (imap_has_flag(attributes, "\\Noselect") ||
	    imap_has_flag(attributes, "\\NonExistent"))
		goto out;
	folder = g_new0(struct imap_folder, 1);
	folder->name = imap_name_decode(wire);
	if (folder->name == NULL)
		folder->name = imap_printable(wire);
	folder->wire = g_steal_pointer(&wire);
	folder->is_view = imap_has_flag(attributes, "\\All") ||
			  imap_has_flag(attributes, "\\Flagged");
	g_ptr_array_add(folders, folder);
out:
	g_free(attributes);
	g_free(delimiter);
	g_free(wire);
	return 0;
}

int
imap_list(struct imap *imap, GPtrArray **foldersp, struct fault *fault)
{
	GPtrArray *folders = g_ptr_array_new_with_free_func(folder_release);
	struct exchange exchange = {.heard = hear_list, .context = folders};
	int r = imap_run(
	    imap, &exchange, "listing folders", fault, "LIST \"\" \"*\"");

	g_free(exchange.done);
	if (r == 0)
		*foldersp = folders;
	else
		g_ptr_array_unref(folders);
	return r;
}

char *
imap_quoted(const char *wire)
{
	GString *text = g_string_new(NULL);

	imap_quote(text, wire, strlen(wire));
	return g_string_free(text, FALSE);
}

static int
hear_select(void *context, const char *text, struct fault *fault)
{
	struct imap_selected *selected = context;
	const char *validity = strstr(text, "[UIDVALIDITY ");

	(void)fault;
	if (validity != NULL)
		selected->validity = (uint32_t)strtoul(
		    validity + strlen("[UIDVALIDITY "), NULL, 10);
	return 0;
}

int
imap_select(struct imap *imap, const char *wire, struct imap_selected *selected,
    struct fault *fault)
{
	struct exchange exchange = {.heard = hear_select, .context = selected};
	char *name = imap_quoted(wire);
	int r;

	memset(selected, 0, sizeof(*selected));
	r = imap_run(
	    imap, &exchange, "opening the folder", fault, "SELECT %s", name);
	if (r == 0)
		selected->read_only =
		    strstr(exchange.done, "[READ-ONLY]") != NULL;
	if (r == 0 && selected->validity == 0) {
		fault_set(fault, FAULT_PERM,
		    "the server gives no UIDs that stay (UIDVALIDITY)");
		r = -1;
	}
	g_free(exchange.done);
	g_free(name);
	return r;
}
