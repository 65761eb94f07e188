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

static const struct ctl_member members[] = {
    {"encrypt", mailbox_encrypt,
	"[--user ADDRESS] [--jobs N] [--dry-run] DIR...",
	"seal what is readable in these Maildirs to their owner's key"},
    {"decrypt", mailbox_decrypt,
	"[--key-file FILE] [--jobs N] [--dry-run] DIR...",
	"put back the files that were sealed here, octet by octet"},
    {"rekey", mailbox_rekey,
	"[--user ADDRESS] [--key-file FILE] [--jobs N] [--dry-run] DIR...",
	"seal what was sealed here to the key that its owner has now"},
    {"verify", mailbox_verify,
	"[--user ADDRESS] [--report html|json|csv] [--output FILE] DIR...",
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
