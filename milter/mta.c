/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mta.c - libmilter behind names of our own.
 *
 * In:    what to change, what to answer.
 * Out:   calls of smfi_*, each return value looked at.
 * Never: decides.
 */
#include <config.h>

#include "milter/mta.h"

#include <errno.h>
#include <glib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* smfi_setreply() refuses more than 980; a reply is one line of 512 (RFC
 * 5321 4.5.3.1.5) with code and enhanced code. */
#define REPLY_TEXT 480

#define BACKLOG 256 /* libmilter's own is 20: too few for a burst */

/* libmilter takes strings that it does not change as char *. */
static char *
unconst(const char *text)
{
	return (char *)(uintptr_t)text;
}

int
mta_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    const struct mta_manners *manners, unsigned long *want_actions,
    unsigned long *want_steps, struct fault *fault)
{
	const unsigned long needed =
	    SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY | SMFIF_QUARANTINE;
	/* Values with their leading blank, to keep their bytes; and no
	 * answer where we have none, which saves a round trip each. */
	const unsigned long needed_steps = SMFIP_HDR_LEADSPC | SMFIP_NR_CONN |
					   SMFIP_NR_HELO | SMFIP_NR_HDR |
					   SMFIP_NR_BODY;
	/* Copies tell what HELO said in their trace, and whoever asks whether
	 * we are on a listener for copies needs an answer to MAIL. */
	const unsigned long liked =
	    (manners->sends_copies ? 0 : SMFIP_NOHELO | SMFIP_NR_MAIL) |
	    (manners->passes_clear ? 0 : SMFIP_NR_EOH) | SMFIP_NOUNKNOWN |
	    SMFIP_NODATA;

	if ((actions & needed) != needed ||
	    (steps & needed_steps) != needed_steps) {
		fault_set(fault, FAULT_TEMP,
		    "the MTA's milter protocol is too"
		    " old (it offers actions 0x%lx, steps 0x%lx)",
		    actions, steps);
		return -1;
	}
	/* What policy and log need; by default the TLS macros come with HELO
	 * only. */
	if ((actions & SMFIF_SETSYMLIST) != 0) {
		(void)smfi_setsymlist(ctx, SMFIM_ENVFROM,
		    unconst("i {auth_authen} {auth_type} {tls_version}"));
		(void)smfi_setsymlist(ctx, SMFIM_ENVRCPT, unconst("i"));
		(void)smfi_setsymlist(ctx, SMFIM_EOH, unconst("i"));
		(void)smfi_setsymlist(ctx, SMFIM_EOM, unconst("i"));
	}
	*want_actions = needed | (actions & SMFIF_SETSYMLIST);
	*want_steps = (steps & liked) | needed_steps;
	return 0;
}

const char *
mta_macro(SMFICTX *ctx, const char *name)
{
	return smfi_getsymval(ctx, unconst(name));
}

void
mta_reply(SMFICTX *ctx, const char *code, const char *xcode, const char *text)
{
	char line[REPLY_TEXT];
	char *p;

	g_strlcpy(line, text, sizeof(line));
	/* A reply is ASCII without SMTPUTF8 (RFC 6531 3.7.4.1), and sendmail
	 * takes it as a format. */
	for (p = line; *p != '\0'; p++)
		if (*p < ' ' || *p > '~' || *p == '%')
			*p = '?';
	(void)smfi_setreply(ctx, unconst(code), unconst(xcode), line);
}

/* libmilter wants folds as LF alone: with CR before it, Postfix writes CR CR
 * LF to the wire, and strict parsers lose the header there. */
static char *
lf_folds(const char *value)
{
	GString *out = g_string_sized_new(strlen(value));

	for (; *value != '\0'; value++)
		if (*value != '\r')
			g_string_append_c(out, *value);
	return g_string_free(out, FALSE);
}

static int
made(int result, const char *what, const char *name, struct fault *fault)
{
	if (result == MI_SUCCESS)
		return 0;
	fault_set(
	    fault, FAULT_TEMP, "the MTA does not let us %s %s", what, name);
	return -1;
}

int
mta_change_field(SMFICTX *ctx, const char *name, size_t nth, const char *value,
    struct fault *fault)
{
	char *text = lf_folds(value);
	int r = smfi_chgheader(ctx, unconst(name), (int)nth, text);

	g_free(text);
	return made(r, "change", name, fault);
}

int
mta_delete_field(
    SMFICTX *ctx, const char *name, size_t nth, struct fault *fault)
{
	return made(smfi_chgheader(ctx, unconst(name), (int)nth, NULL),
	    "delete", name, fault);
}

int
mta_add_field(
    SMFICTX *ctx, const char *name, const char *value, struct fault *fault)
{
	char *text = lf_folds(value);
	int r = smfi_addheader(ctx, unconst(name), text);

	g_free(text);
	return made(r, "add", name, fault);
}

int
mta_append_body(
    SMFICTX *ctx, const unsigned char *data, size_t len, struct fault *fault)
{
	return made(
	    smfi_replacebody(ctx, (unsigned char *)(uintptr_t)data, (int)len),
	    "replace", "the body", fault);
}

int
mta_hold(SMFICTX *ctx, const char *reason, struct fault *fault)
{
	char *text = g_strndup(reason, REPLY_TEXT);
	int r = smfi_quarantine(ctx, text);

	g_free(text);
	return made(r, "hold", "the message", fault);
}

void
mta_set_private(SMFICTX *ctx, void *data)
{
	(void)smfi_setpriv(ctx, data);
}

void *
mta_private(SMFICTX *ctx)
{
	return smfi_getpriv(ctx);
}

/* --- The listener */

/* The socket that listens, or -1. */
static int listener = -1;

/*
 * libmilter writes a reply in pieces; without TCP_NODELAY each message waits
 * some 90 ms for Nagle and the delayed ACK.  It shows no descriptors, but
 * accepted sockets inherit the option from the one that listens.
 */
static void
find_listener(void)
{
	long fd, count = sysconf(_SC_OPEN_MAX);
	int on = 1, domain, listens;
	socklen_t len;

	for (fd = 3; fd < MIN(count, 1024); fd++) {
		len = sizeof(listens);
		if (getsockopt((int)fd, SOL_SOCKET, SO_ACCEPTCONN, &listens,
			&len) != 0 ||
		    !listens)
			continue;
		listener = (int)fd;
		len = sizeof(domain);
		if (getsockopt((int)fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) ==
			0 &&
		    (domain == AF_INET || domain == AF_INET6))
			(void)setsockopt(
			    (int)fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
}

int
mta_listen(
    const char *socket_name, struct smfiDesc *callbacks, struct fault *fault)
{
	errno = 0;
	if (smfi_register(*callbacks) != MI_SUCCESS) {
		fault_set(fault, FAULT_BUG, "libmilter does not take us");
		return -1;
	}
	(void)smfi_setbacklog(BACKLOG);
	if (smfi_setconn(unconst(socket_name)) != MI_SUCCESS ||
	    smfi_opensocket(true) != MI_SUCCESS) {
		fault_set(fault, FAULT_TEMP, "making the socket %s: %s",
		    socket_name,
		    errno != 0 ? g_strerror(errno)
			       : "libmilter does not say why");
		return -1;
	}
	find_listener();
	return 0;
}

void
mta_nudge(void)
{
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof(address);
	int fd;

	if (getsockname(listener, (struct sockaddr *)(void *)&address, &len) !=
	    0)
		return;
	fd = socket(
	    address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return;
	/* That it came is all; if it does not, there is enough to do. */
	(void)connect(fd, (struct sockaddr *)(void *)&address, len);
	close(fd);
}

int
mta_serve(void)
{
	return smfi_main() == MI_SUCCESS ? 0 : -1;
}
