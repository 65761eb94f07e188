/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_NAMED_H
#define SEAL_NAMED_H

#include "seal/message.h"

#include <glib.h>

/*
 * The canonical addresses that To, Cc and their Resent- forms name: a set
 * (g_hash_table_contains).  Whoever else is in the envelope was in Bcc, or
 * behind a list, and no copy may tell.
 */
GHashTable *message_named(const struct message *message);

/* Who the header says wrote it: the first address in From, canonical; a new
 * string, or NULL. */
char *message_author(const struct message *message);

#endif
