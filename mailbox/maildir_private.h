/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_MAILDIR_PRIVATE_H
#define MAILBOX_MAILDIR_PRIVATE_H

#include "mailbox/maildir.h"

/* What a name stands for, as lstat(2) sees it: "is a FIFO"; NULL: a file. */
const char *maildir_no_file(mode_t mode);

#endif
