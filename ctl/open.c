/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * open.c - sealctl open: what is in a sealed envelope?
 *
 * In:    a page, a message that holds one, or a JWE; the passphrase.
 * Out:   the original message on standard output, all of it or nothing.
 * Never: takes the passphrase from arguments or the environment.
 */
#include <config.h>

#include "ctl/ask.h"
#include "ctl/ctl.h"
#include "seal/envelope_open.h"
#include "seal/message.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of a message in an envelope, in base64 in base64, with what is around. */
#define OCTETS_MAX ((size_t)128 << 20)

static int open_file(const char *file, struct fault *fault);
static int read_all(int fd, GByteArray *octets, struct fault *fault);
static int ask(void *context, char **wordsp, struct fault *fault);

int
ctl_open(struct ctl *ctl, int argc, char *const argv[])
{
	static const struct option options[] = {{NULL, 0, NULL, 0}};
	struct fault fault = {FAULT_NONE, ""};
	const char *file = NULL;
	int option;

	(void)ctl;
	optind = 0;
	opterr = 0;
	if ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		ctl_option_error(option, argv);
		optind = argc + 1;
	}
	if (optind < argc)
		file = argv[optind++];
	if (optind != argc) {
		fputs("usage: sealctl open [FILE]\n", stderr);
		return CTL_USAGE;
	}
	if (file != NULL && strcmp(file, "-") == 0)
		file = NULL;
	return open_file(file, &fault) == 0 ? CTL_DONE : ctl_fault(&fault);
}

static int
open_file(const char *file, struct fault *fault)
{
	const struct spool_limits limits = {g_get_tmp_dir(), 1U << 20};
	GByteArray *octets = g_byte_array_new();
	struct spool *content = spool_make(&limits, true);
	char *jwe = NULL;
	int fd = STDIN_FILENO, ret = -1;

	if (file != NULL)
		fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		fault_set(fault, FAULT_PERM, "%s", g_strerror(errno));
		goto out;
	}
	if (read_all(fd, octets, fault) != 0 ||
	    envelope_find(
		(const char *)octets->data, octets->len, &jwe, fault) != 0 ||
	    envelope_open(jwe, ask, &file, content, fault) != 0)
		goto out;
	ret = write_spool(STDOUT_FILENO, content, fault);
out:
	if (ret != 0)
		fault_prefix(
		    fault, "%s", file == NULL ? "standard input" : file);
	if (file != NULL && fd != -1)
		(void)close(fd);
	g_byte_array_unref(octets);
	spool_free(&content);
	g_free(jwe);
	return ret;
}

static int
read_all(int fd, GByteArray *octets, struct fault *fault)
{
	unsigned char piece[16384];
	ssize_t n;

	for (;;) {
		n = read(fd, piece, sizeof(piece));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (octets->len + (size_t)n > OCTETS_MAX) {
			fault_set(fault, FAULT_PERM,
			    "this is too large for a sealed envelope");
			return -1;
		}
		g_byte_array_append(octets, piece, (guint)n);
	}
	if (n == 0)
		return 0;
	fault_set(fault, FAULT_PERM, "%s", g_strerror(errno));
	return -1;
}

/* Standard input may be the envelope. */
static int
ask(void *context, char **wordsp, struct fault *fault)
{
	const char *const *filep = context;

	*wordsp = ask_passphrase(*filep == NULL ? ASK_TERMINAL : ASK_INPUT,
	    "Passphrase", false, fault);
	return *wordsp == NULL ? -1 : 0;
}
