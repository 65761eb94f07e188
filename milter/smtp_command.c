/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * smtp_command.c - the commands of an envelope, and what a server offers for
 * them (RFC 5321 4.1, 3461, 1870, 6152, 6531).
 *
 * In:    an envelope as an MTA gave it to us, lines of an answer to EHLO.
 * Out:   MAIL and RCPT.
 * Never: lets anything of the envelope be another command, another address,
 *        or another parameter.
 */
#include "milter/smtp_private.h"

#include <string.h>

#define ADDRESS_OCTETS 512U   /* RFC 5321 4.5.3.1.3 says 256 */
#define PARAMETER_OCTETS 800U /* RFC 3461 says 500 for ORCPT */

static int add_path(GString *command, const char *address, struct fault *fault);
static const char *path_complaint(const char *path, size_t len);
static int add_parameter(GString *command, const char *name, const char *value,
    bool utf8, struct fault *fault);
static int add_dsn(GString *command, const char *first, const char *first_value,
    const char *second, const char *second_value, bool utf8,
    struct fault *fault);
static bool envelope_is_utf8(const struct smtp_envelope *envelope);

void
smtp_offer_line(void *context, unsigned int n, const char *text)
{
	static const struct {
		const char *keyword;
		enum smtp_offer offer;
	} known[] = {
	    {"PIPELINING", SMTP_PIPELINING},
	    {"SIZE", SMTP_SIZE},
	    {"8BITMIME", SMTP_8BITMIME},
	    {"DSN", SMTP_DSN},
	    {"SMTPUTF8", SMTP_SMTPUTF8},
	};

	unsigned int *offers = context;
	size_t i, len = strcspn(text, " ");

	if (n == 0) /* the server's name */
		return;
	for (i = 0; i < G_N_ELEMENTS(known); i++)
		if (strlen(known[i].keyword) == len &&
		    g_ascii_strncasecmp(text, known[i].keyword, len) == 0)
			*offers |= known[i].offer;
}

int
smtp_command_mail(const struct smtp_envelope *envelope, unsigned int offers,
    char **commandp, struct fault *fault)
{
	GString *command = g_string_new("MAIL FROM:");
	bool utf8 = envelope_is_utf8(envelope);
	int ret = -1;

	if (add_path(command, envelope->sender, fault) != 0)
		goto out;
	if (envelope->size > 0 && (offers & SMTP_SIZE) != 0)
		g_string_append_printf(
		    command, " SIZE=%" G_GUINT64_FORMAT, envelope->size);
	if (envelope->eight_bit && (offers & SMTP_8BITMIME) == 0) {
		fault_set(fault, FAULT_TEMP,
		    "the server does not offer 8BITMIME, "
		    "which the message needs");
		goto out;
	}
	if (envelope->eight_bit)
		g_string_append(command, " BODY=8BITMIME");
	if (utf8 && (offers & SMTP_SMTPUTF8) == 0) {
		fault_set(fault, FAULT_PERM,
		    "the server does not offer SMTPUTF8, "
		    "which the message needs");
		goto out;
	}
	if (utf8)
		g_string_append(command, " SMTPUTF8");
	if ((offers & SMTP_DSN) != 0 &&
	    add_dsn(command, "RET", envelope->ret, "ENVID", envelope->envid,
		utf8, fault) != 0)
		goto out;
	ret = 0;
out:
	*commandp = g_string_free(command, ret != 0);
	return ret;
}

int
smtp_command_rcpt(const struct smtp_rcpt *rcpt, unsigned int offers,
    char **commandp, struct fault *fault)
{
	GString *command = g_string_new("RCPT TO:");
	int ret = -1;

	if (add_path(command, rcpt->address, fault) != 0)
		goto out;
	if (strcmp(command->str, "RCPT TO:<>") == 0) {
		fault_set(fault, FAULT_PERM, "a recipient has no address");
		goto out;
	}
	if ((offers & SMTP_DSN) != 0 &&
	    add_dsn(command, "NOTIFY", rcpt->notify, "ORCPT", rcpt->orcpt,
		(offers & SMTP_SMTPUTF8) != 0, fault) != 0)
		goto out;
	ret = 0;
out:
	*commandp = g_string_free(command, ret != 0);
	return ret;
}

static bool
envelope_is_utf8(const struct smtp_envelope *envelope)
{
	size_t i;

	if (envelope->utf8 || !g_str_is_ascii(envelope->sender))
		return true;
	for (i = 0; i < envelope->rcpts_count; i++)
		if (!g_str_is_ascii(envelope->rcpts[i].address))
			return true;
	return false;
}

static int
add_path(GString *command, const char *address, struct fault *fault)
{
	size_t len = strlen(address);
	const char *complaint;

	if (len >= 2 && address[0] == '<' && address[len - 1] == '>') {
		address++;
		len -= 2;
	}
	complaint = path_complaint(address, len);
	if (complaint != NULL) {
		fault_set(fault, FAULT_PERM, "%s%.*s: the address %s",
		    command->str, (int)MIN(len, 100), address, complaint);
		return -1;
	}
	g_string_append_c(command, '<');
	g_string_append_len(command, address, (gssize)len);
	g_string_append_c(command, '>');
	return 0;
}

/*
 * NULL, or what is wrong.  A quoted local part may have blanks (RFC 5321
 * 4.1.2), and a server that knows none refuses them; but one that looks for
 * the next > would take the rest for parameters.
 */
static const char *
path_complaint(const char *path, size_t len)
{
	bool quoted = false, escaped = false;
	size_t i;

	if (len > ADDRESS_OCTETS)
		return "is too long";
	if (!g_utf8_validate(path, (gssize)len, NULL))
		return "is neither ASCII nor UTF-8";
	for (i = 0; i < len; i++) {
		if ((unsigned char)path[i] < ' ' || path[i] == 0x7f)
			return "has a control character";
		if (path[i] == '<' || path[i] == '>')
			return "has an angle bracket";
		if (path[i] == ' ' && !quoted)
			return "has a blank";
		if (path[i] == '"' && !escaped)
			quoted = !quoted;
		escaped = path[i] == '\\' && !escaped;
	}
	return quoted || escaped ? "has a quote without an end" : NULL;
}

/* Both are optional. */
static int
add_dsn(GString *command, const char *first, const char *first_value,
    const char *second, const char *second_value, bool utf8,
    struct fault *fault)
{
	if (first_value != NULL &&
	    add_parameter(command, first, first_value, false, fault) != 0)
		return -1;
	if (second_value != NULL &&
	    add_parameter(command, second, second_value, utf8, fault) != 0)
		return -1;
	return 0;
}

/*
 * What it means is left to the server, which asks no more of it than the one
 * that took it; "=" for one is wrong here (RFC 3461 4) and common.
 */
static int
add_parameter(GString *command, const char *name, const char *value, bool utf8,
    struct fault *fault)
{
	size_t i, len = strlen(value);
	unsigned char c;
	bool good;

	good = len > 0 && len <= PARAMETER_OCTETS &&
	       g_utf8_validate(value, (gssize)len, NULL);
	for (i = 0; i < len && good; i++) {
		c = (unsigned char)value[i];
		good = c > ' ' && c != 0x7f && c != '<' && c != '>' &&
		       (c < 0x80 || utf8);
	}
	if (!good) {
		fault_set(fault, FAULT_PERM,
		    "%s: the parameter %s has what does not belong there",
		    command->str, name);
		return -1;
	}
	g_string_append_printf(command, " %s=%s", name, value);
	return 0;
}
