/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mailbox.c - sealctl mailbox: mail that is stored.
 *
 * In:    the word behind "mailbox".
 * Out:   what its command does.
 * Never: does it here.
 */
#include "config.h"

#include "ctl/mailbox.h"

#include <string.h>

static ctl_command encrypt;

static const struct ctl_member members[] = {
    {"encrypt", encrypt,
	"[--user ADDRESS] [--jobs N] [--dry-run] DIR...\n"
	"  mailbox encrypt --imap imaps://USER@HOST[:PORT]"
	" [--user ADDRESS]\n"
	"           [--master NAME] [--password-file FILE] [--cafile FILE]\n"
	"           [--folder NAME ...] [--dry-run]",
	"seal what is readable in these Maildirs, or on an IMAP server, to"
	" their owner's key"},
    {"decrypt", mailbox_decrypt,
	"[--key-file FILE] [--jobs N] [--dry-run] DIR...",
	"put back the files that were sealed here, octet by octet"},
    {"rekey", mailbox_rekey,
	"[--user ADDRESS] [--key-file FILE] [--jobs N] [--dry-run] DIR...",
	"seal what was sealed here to the key that its owner has now"},
    {"verify", mailbox_verify,
	"[--user ADDRESS] [--report text|html|json|csv] [--output FILE]\n"
	"           DIR...",
	"is anything in these mailboxes readable, and who can open the rest?"},
    {"watch", mailbox_watch, "[--user ADDRESS] [--quiet SECONDS] DIR...",
	"seal what clients put into these mailboxes, soon after they did"},
};

static const struct ctl_family family = {
    "mailbox", members, G_N_ELEMENTS(members)};

int
ctl_mailbox(struct ctl *ctl, int argc, char *const argv[])
{
	return ctl_family_run(&family, ctl, argc, argv);
}

int
mailbox_usage(const char *name)
{
	return ctl_family_usage(&family, name);
}

/* Of Maildirs; or of a server, which has other options. */
static int
encrypt(struct ctl *ctl, int argc, char *const argv[])
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--imap") == 0 ||
		    g_str_has_prefix(argv[i], "--imap="))
			return mailbox_encrypt_imap(ctl, argc, argv);
	return mailbox_encrypt(ctl, argc, argv);
}
