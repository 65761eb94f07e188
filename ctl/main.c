/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * main.c - sealctl: everything that an administrator does.
 *
 * In:    the command line.
 * Out:   what the command does, and its exit status.
 * Never: runs a command on a configuration that it could not read.
 */
#include "ctl/ctl.h"
#include "ctl/envelope.h"
#include "ctl/family.h"
#include "keys/ssl.h"
#include "milter/privilege.h"
#include "seal/seal.h"

#include <config.h>

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct command;

static int take_options(int argc, char *const argv[], const char **filep);
static const struct command *find_command(const char *name);
static int help(const struct command *command, int argc, char *const argv[]);
static int run(const struct command *command, const char *file, int argc,
    char *const argv[]);
static int read_config(
    const struct command *command, const char *file, struct ctl *ctl);
static void print_usage(FILE *stream);
static void drain(void);
static int flush(int status);

#define DEFAULT_FILE SYSCONFDIR "/sealmilter/sealmilter.conf"

struct command {
	const char *name;
	ctl_command *run; /* NULL: a later version will have it */
	const char *arguments;
	const char *what;
	const char *usage; /* all arguments; NULL: a family, which knows */
	bool delivers;     /* for delivery agents: without doubt, or later */
	bool alone;        /* reads no configuration: who has mail runs it */
};

#define GO_ON (-1) /* no exit status: there is more to do */

#define CHECK_USAGE "[--postfix DIRECTORY] [--sendmail FILE] [--json]"

static const struct command commands[] = {
    {"check", ctl_check, CHECK_USAGE,
	"is everything in place?  Run this first.", CHECK_USAGE, false, false},
    {"policy", ctl_policy, "explain|test ...",
	"what would become of a message, and why", NULL, false, false},
    {"key", ctl_key, "import|export|list|show|find|delete|refresh ...",
	"the public keys to seal to", NULL, false, false},
    {"seal", ctl_seal, "--from A --to B ...",
	"seal the message on standard input, as the daemon would",
	ENVELOPE_USAGE "\n           < message > sealed\n"
		       "       sealctl [-c FILE] seal " ENVELOPE_USAGE_AT_REST
		       "\n           < message > sealed",
	true, false},
    {"journal", ctl_journal, "list|show ...",
	"what became of the copies of messages", NULL, false, false},
    {"mailbox", ctl_mailbox, "encrypt|decrypt|rekey|verify|watch ...",
	"mail that is stored: seal it, open it, and prove it", NULL, false,
	false},
    {"passphrase", ctl_passphrase, "set|list|delete ...",
	"what opens the mail of those who have no key", NULL, false, false},
    {"audit", NULL, NULL, NULL, NULL, false, false},
    {"open", ctl_open, "[FILE]",
	"open a sealed envelope, or a saved message that holds one", "[FILE]",
	false, true},
};

int
main(int argc, char *argv[])
{
	const struct command *command;
	const char *file = NULL;
	int status;

	/* A reader that goes away is an error to be told, not a death. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* the same for a limit of files */
	privilege_harden();
	if (ssl_begin() != 0)
		return CTL_TEMPORARY;
	keys_register_jobs();
	seal_register_jobs();
	status = take_options(argc, argv, &file);
	if (status != GO_ON)
		return flush(status);
	if (strcmp(argv[optind], "help") == 0) {
		print_usage(stdout);
		return flush(CTL_DONE);
	}
	if ((command = find_command(argv[optind])) == NULL)
		return CTL_USAGE;
	if (ctl_wants_help(argc - optind, argv + optind))
		return flush(help(command, argc - optind, argv + optind));
	return flush(run(command, file, argc - optind, argv + optind));
}

/* Those before the command; GO_ON if there is a command to run. */
static int
take_options(int argc, char *const argv[], const char **filep)
{
	static const struct option options[] = {
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	opterr = 0;
	while (
	    (option = getopt_long(argc, argv, "+:c:hV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			*filep = optarg;
			break;
		case 'h':
			print_usage(stdout);
			return CTL_DONE;
		case 'V':
			printf("sealctl %s\n", PACKAGE_VERSION);
			return CTL_DONE;
		default:
			ctl_option_error(option, argv);
			print_usage(stderr);
			return CTL_USAGE;
		}
	}
	if (optind < argc)
		return GO_ON;
	print_usage(stderr);
	return CTL_USAGE;
}

static const struct command *
find_command(const char *name)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			break;
	if (i == G_N_ELEMENTS(commands)) {
		ctl_error(
		    "there is no command \"%s\"; sealctl -h lists them", name);
		return NULL;
	}
	if (commands[i].run == NULL) {
		ctl_error("this version (%s) does not have \"%s\" yet; "
			  "sealctl -h lists what it has",
		    PACKAGE_VERSION, name);
		return NULL;
	}
	return &commands[i];
}

static int
help(const struct command *command, int argc, char *const argv[])
{
	struct ctl ctl = {NULL, NULL, false};

	if (command->usage == NULL)
		return command->run(&ctl, argc, argv);
	printf("usage: sealctl %s%s %s\n\n%s\nSee sealctl(1).\n",
	    command->alone ? "" : "[-c FILE] ", command->name, command->usage,
	    command->what);
	return CTL_DONE;
}

static int
run(const struct command *command, const char *file, int argc,
    char *const argv[])
{
	struct ctl ctl = {NULL, NULL, false};
	int status;

	status = command->alone ? CTL_DONE : read_config(command, file, &ctl);
	if (status == CTL_DONE)
		status = command->run(&ctl, argc, argv);
	config_unref(&ctl.config);
	if (command->delivers && status == CTL_TEMPORARY)
		drain();
	return status;
}

/*
 * Who hands a message over has to get rid of it before they hear that it is
 * not taken: of a filter that does not read to the end, Dovecot's LMTP dies.
 */
static void
drain(void)
{
	char rest[16384];
	ssize_t n;

	if (isatty(STDIN_FILENO))
		return;
	do
		n = read(STDIN_FILENO, rest, sizeof(rest));
	while (n > 0 || (n == -1 && errno == EINTR));
}

/*
 * Without -c and without the default file, defaults have to do, but not
 * where mail is on its way: it waits until there is a configuration.
 */
static int
read_config(const struct command *command, const char *file, struct ctl *ctl)
{
	GPtrArray *warnings;
	struct fault fault = {FAULT_NONE, ""};
	int status = CTL_DONE;

	if (file != NULL)
		ctl->config_file = file;
	else if (command->delivers || access(DEFAULT_FILE, F_OK) == 0)
		ctl->config_file = DEFAULT_FILE;
	else
		ctl_error(
		    "there is no %s; using built-in defaults", DEFAULT_FILE);
	/* They are what `sealctl check` and the daemon's log tell. */
	warnings = g_ptr_array_new_with_free_func(g_free);
	if (config_load(ctl->config_file, &ctl->config, warnings, &fault) != 0)
		status = ctl_fault(&fault);
	if (status != CTL_DONE && command->delivers)
		status = CTL_TEMPORARY;
	g_ptr_array_unref(warnings);
	return status;
}

static void
print_usage(FILE *stream)
{
	size_t i;

	fputs("usage: sealctl [-c FILE] COMMAND [ARGUMENT ...]\n"
	      "       sealctl COMMAND --help\n"
	      "       sealctl -h | --help | help | -V | --version\n\n"
	      "Commands:\n",
	    stream);
	for (i = 0; i < G_N_ELEMENTS(commands); i++)
		if (commands[i].run != NULL)
			fprintf(stream, "  %s%s%s\n        %s\n",
			    commands[i].name,
			    commands[i].arguments[0] != '\0' ? " " : "",
			    commands[i].arguments, commands[i].what);
	fputs("\nOptions:\n"
	      "  -c FILE  the configuration; without it " DEFAULT_FILE "\n"
	      "  -h       this text\n"
	      "  -V       the version\n\n"
	      "Exit status: 0 done, 1 refused or not found, 2 usage, 75 try "
	      "again later.\n"
	      "The manual is sealctl(1); that of the configuration is "
	      "sealmilter.conf(5).\n",
	    stream);
}

/* Who does not get all of the output must not think that it is all. */
static int
flush(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	ctl_error("cannot write to standard output");
	return status == CTL_DONE ? CTL_TEMPORARY : status;
}
