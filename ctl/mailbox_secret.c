/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mailbox_secret.c - the secret keys of a mailbox's owner.
 *
 * In:    a file of keys that was read, or the agent of whoever we are.
 * Out:   what unseal_message() needs.
 * Never: leaves a key of a file in a directory when it ends in order.
 */
#include "config.h"

#include "ctl/mailbox_secret.h"

#include "keys/gpg_home.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A person may have to type a passphrase, if there is one. */
#define SECRET_SECONDS 120

static char *
own_home(struct fault *fault)
{
	const char *there = g_getenv("GNUPGHOME");
	const struct passwd *user;

	if (there != NULL && there[0] != '\0')
		return g_strdup(there);
	user = getpwuid(geteuid());
	if (user != NULL)
		return g_build_filename(user->pw_dir, ".gnupg", NULL);
	fault_set(fault, FAULT_PERM,
	    "uid %ju has no home and so no GnuPG keys; say --key-file FILE",
	    (uintmax_t)geteuid());
	return NULL;
}

int
secret_open(const struct config *config, GBytes *file, struct secret *secret,
    struct fault *fault)
{
	const struct unseal_keys keys = {.gpg = config->gpg,
	    .deadline_ms =
		(isatty(STDIN_FILENO) ? MAX(config->gpg_seconds, SECRET_SECONDS)
				      : config->gpg_seconds) *
		1000};

	memset(secret, 0, sizeof(*secret));
	secret->keys = keys;
	if (file != NULL && unseal_is_pem(file)) {
		secret->keys.pem = g_bytes_ref(file);
		return 0;
	}
	secret->temporary = file != NULL;
	if (file != NULL && (config->engines & PGP_RNP) != 0)
		secret->keys.openpgp = g_bytes_ref(file);
	secret->home =
	    secret->temporary ? ctl_make_directory(fault) : own_home(fault);
	secret->keys.home = secret->home;
	if (secret->home != NULL &&
	    (file == NULL ||
		unseal_take_secret(&secret->keys, file, fault) == 0))
		return 0;
	fault_prefix(fault, "the secret key");
	secret_close(secret);
	return -1;
}

/* Its agent ends when it finds that its home is gone. */
void
secret_close(struct secret *secret)
{
	if (secret->temporary)
		gpg_home_remove(&secret->home);
	g_clear_pointer(&secret->home, g_free);
	g_clear_pointer(&secret->keys.openpgp, g_bytes_unref);
	g_clear_pointer(&secret->keys.pem, g_bytes_unref);
}
