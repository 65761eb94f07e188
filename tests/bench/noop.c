/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * noop.c - what a milter costs that does nothing: the yardstick of bench.py.
 *
 * In:    messages, through libmilter.
 * Out:   the same bodies, put back as they came: any milter that replaces
 *        bodies has to move so many octets both ways.
 * Never: looks at what it moves.
 */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct body {
	unsigned char *octets;
	size_t len;
	size_t room;
};

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions,
    unsigned long steps, unsigned long unused0, unsigned long unused1,
    unsigned long *actionsp, unsigned long *stepsp, unsigned long *unused0p,
    unsigned long *unused1p);
static sfsistat on_from(SMFICTX *ctx, char **arguments);
static sfsistat on_header(SMFICTX *ctx, char *name, char *value);
static sfsistat on_body(SMFICTX *ctx, unsigned char *octets, size_t len);
static sfsistat on_end(SMFICTX *ctx);
static sfsistat on_close(SMFICTX *ctx);

int
main(int argc, char *argv[])
{
	static char name[] = "noop";
	struct smfiDesc description = {
	    .xxfi_name = name,
	    .xxfi_version = SMFI_VERSION,
	    .xxfi_flags = SMFIF_CHGBODY,
	    .xxfi_envfrom = on_from,
	    .xxfi_header = on_header,
	    .xxfi_body = on_body,
	    .xxfi_eom = on_end,
	    .xxfi_close = on_close,
	    .xxfi_negotiate = on_negotiate,
	};

	if (argc != 2) {
		fputs("usage: noop unix:/socket\n", stderr);
		return 2;
	}
	if (smfi_register(description) != MI_SUCCESS ||
	    smfi_setconn(argv[1]) != MI_SUCCESS)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}

/* No replies where none are needed, as sealmilter has it. */
static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long unused0, unsigned long unused1, unsigned long *actionsp,
    unsigned long *stepsp, unsigned long *unused0p, unsigned long *unused1p)
{
	(void)ctx;
	(void)actions;
	(void)unused0;
	(void)unused1;
	*actionsp = SMFIF_CHGBODY;
	*stepsp = steps & (SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NORCPT |
			      SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NOEOH |
			      SMFIP_NR_MAIL | SMFIP_NR_HDR | SMFIP_NR_BODY);
	*unused0p = 0;
	*unused1p = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
on_from(SMFICTX *ctx, char **arguments)
{
	struct body *body = smfi_getpriv(ctx);

	(void)arguments;
	if (body == NULL) {
		body = calloc(1, sizeof(*body));
		if (body == NULL || smfi_setpriv(ctx, body) != MI_SUCCESS) {
			free(body);
			return SMFIS_TEMPFAIL;
		}
	}
	body->len = 0;
	return SMFIS_NOREPLY;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return SMFIS_NOREPLY;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *octets, size_t len)
{
	struct body *body = smfi_getpriv(ctx);
	unsigned char *grown;
	size_t room;

	if (body->len + len > body->room) {
		room = 2 * (body->len + len);
		if ((grown = realloc(body->octets, room)) == NULL)
			return SMFIS_TEMPFAIL;
		body->octets = grown;
		body->room = room;
	}
	memcpy(body->octets + body->len, octets, len);
	body->len += len;
	return SMFIS_NOREPLY;
}

static sfsistat
on_end(SMFICTX *ctx)
{
	struct body *body = smfi_getpriv(ctx);

	if (smfi_replacebody(ctx, body->octets, (int)body->len) != MI_SUCCESS)
		return SMFIS_TEMPFAIL;
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	struct body *body = smfi_getpriv(ctx);

	if (body != NULL) {
		free(body->octets);
		free(body);
		smfi_setpriv(ctx, NULL);
	}
	return SMFIS_CONTINUE;
}
