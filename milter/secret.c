/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * secret.c - a passphrase that came with a message.
 *
 * In:    words out of a Subject.
 * Out:   the same, for as long as the message is under way.
 * Never: leaves them in memory.
 */
#include "milter/secret.h"

#include "keys/passphrases.h"

struct secret *
secret_make(char *tag, char *words)
{
	struct secret *secret = g_new0(struct secret, 1);

	secret->references = 1;
	secret->tag = tag;
	secret->words = words;
	return secret;
}

struct secret *
secret_ref(struct secret *secret)
{
	secret->references++;
	return secret;
}

void
secret_unref(struct secret **secretp)
{
	struct secret *secret = g_steal_pointer(secretp);

	if (secret == NULL || --secret->references > 0)
		return;
	passphrase_wipe(&secret->tag);
	passphrase_wipe(&secret->words);
	key_unref(&secret->key);
	g_free(secret);
}
