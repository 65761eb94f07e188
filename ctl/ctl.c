/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * ctl.c - what the commands of sealctl share.
 *
 * In:    faults and texts of the commands.
 * Out:   messages on standard error, exit statuses, opened keys.
 * Never: decides anything about mail.
 */
#include "ctl/ctl.h"

#include "keys/authorities_crl.h"
#include "milter/privilege.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
ctl_error(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	fprintf(stderr, "sealctl: %s\n", text);
	g_free(text);
}

void
ctl_option_error(int option, char *const argv[])
{
	const char *word = argv[optind - 1];

	if (option == ':')
		ctl_error("%s needs an argument", word);
	else if (optopt == 0)
		ctl_error("there is no option \"%s\"", word);
	else if (g_str_has_prefix(word, "--"))
		ctl_error("\"%s\": that option takes no argument", word);
	else
		ctl_error("there is no option \"-%c\"", optopt);
}

int
ctl_fault(const struct fault *fault)
{
	ctl_error("%s", fault->text);
	switch (fault->kind) {
	case FAULT_NONE:
	case FAULT_PERM:
		return CTL_REFUSED;
	case FAULT_TEMP:
	case FAULT_BUG:
		break;
	}
	return CTL_TEMPORARY;
}

int
ctl_become_runtime_user(const struct ctl *ctl, struct fault *fault)
{
	return privilege_drop(ctl->config->user, fault);
}

int
ctl_open_keys(const struct ctl *ctl, struct keys **keysp, struct fault *fault)
{
	const struct config *config = ctl->config;
	const struct keys_config wanted = {
	    .state = config->state,
	    .sources = (const char *const *)config->sources,
	    .gnupg_home = config->gnupg_home,
	    .smime_trust = (const char *const *)config->smime_trust,
	    .crl_files = (const char *const *)config->crl_files,
	    .crl_fetched = config->crl_fetch,
	    .gpg = config->gpg,
	    .deadline_ms = config->gpg_seconds * 1000,
	};

	return keys_open(&wanted, keysp, fault);
}

int
ctl_open_authorities(const struct ctl *ctl, struct authorities **authoritiesp,
    struct fault *fault)
{
	const struct config *config = ctl->config;

	char *fetched = g_build_filename(config->state, CRL_FOLDER, NULL);
	const struct authorities_config wanted = {
	    .trust = (const char *const *)config->smime_trust,
	    .crls = (const char *const *)config->crl_files,
	    .fetched = config->crl_fetch ? fetched : NULL,
	};
	int r = authorities_open(&wanted, authoritiesp, fault);

	g_free(fetched);
	return r;
}

char *
ctl_make_directory(struct fault *fault)
{
	char *path =
	    g_build_filename(g_get_tmp_dir(), "sealmilter-XXXXXX", NULL);

	if (mkdtemp(path) != NULL)
		return path;
	fault_set(fault, FAULT_TEMP, "making a directory %s: %s", path,
	    g_strerror(errno));
	g_free(path);
	return NULL;
}
