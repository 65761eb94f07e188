/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_MAILBOX_H
#define CTL_MAILBOX_H

#include "ctl/ctl.h"
#include "ctl/family.h"

/* The commands of `sealctl mailbox`, and how one of them is used. */
ctl_command mailbox_encrypt, mailbox_decrypt,
    mailbox_rekey;                /* ctl/mailbox_convert.c */
ctl_command mailbox_encrypt_imap; /* ctl/mailbox_imap.c */
ctl_command mailbox_verify;       /* ctl/mailbox_verify.c */
ctl_command mailbox_watch;        /* ctl/mailbox_watch.c */
int mailbox_usage(const char *name);

#endif
