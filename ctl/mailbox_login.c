/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mailbox_login.c - where to log in to, and with which password.
 *
 * In:    arguments; a terminal, standard input or a file for the password.
 * Out:   a login.
 * Never: takes a password from the arguments, where everybody can see it, or
 *        shows it.
 */
#include "config.h"

#include "ctl/mailbox_login.h"

#include "ctl/ask.h"
#include "policy/address.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long the server may take for an answer. */
#define WAIT_SECONDS 120

#define PASSWORD_OCTETS 1024

static int take_option(
    struct login_options *options, int option, const char *argument);
static int take_url(struct login_options *options, const char *text);
static int take_owner(struct login_options *options, const char *address);
static int read_password(
    const struct login_options *options, char **passwordp, struct fault *fault);

enum {
	OPTION_IMAP = 256,
	OPTION_USER,
	OPTION_MASTER,
	OPTION_PASSWORD_FILE,
	OPTION_CAFILE,
	OPTION_FOLDER,
	OPTION_DRY_RUN
};

static const struct option long_options[] = {
    {"imap", required_argument, NULL, OPTION_IMAP},
    {"user", required_argument, NULL, OPTION_USER},
    {"master", required_argument, NULL, OPTION_MASTER},
    {"password-file", required_argument, NULL, OPTION_PASSWORD_FILE},
    {"cafile", required_argument, NULL, OPTION_CAFILE},
    {"folder", required_argument, NULL, OPTION_FOLDER},
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {NULL, 0, NULL, 0},
};

int
login_options_parse(struct login_options *options, const struct ctl *ctl,
    int argc, char *const argv[])
{
	int option, status = CTL_DONE;

	(void)ctl;
	memset(options, 0, sizeof(*options));
	options->folders = g_ptr_array_new();
	opterr = 0;
	optind = 0; /* start anew, in another vector */
	while (status == CTL_DONE && (option = getopt_long(argc, argv, ":",
					  long_options, NULL)) != -1) {
		if (option == '?' || option == ':') {
			ctl_option_error(option, argv);
			status = CTL_USAGE;
		} else {
			status = take_option(options, option, optarg);
		}
	}
	if (status == CTL_DONE && optind < argc) {
		ctl_error("--imap takes no directory: \"%s\" is too much"
			  " (--folder names a folder)",
		    argv[optind]);
		status = CTL_USAGE;
	}
	if (status == CTL_DONE && options->owner == NULL)
		status = take_owner(options, NULL);
	return status;
}

void
login_options_clear(struct login_options *options)
{
	g_free(options->url);
	g_free(options->user);
	g_free(options->owner);
	g_ptr_array_free(options->folders, TRUE);
}

static int
take_option(struct login_options *options, int option, const char *argument)
{
	switch (option) {
	case OPTION_IMAP:
		return take_url(options, argument);
	case OPTION_USER:
		return take_owner(options, argument);
	case OPTION_MASTER:
		options->master = argument;
		break;
	case OPTION_PASSWORD_FILE:
		options->password_file = argument;
		break;
	case OPTION_CAFILE:
		options->authorities = argument;
		break;
	case OPTION_FOLDER:
		g_ptr_array_add(options->folders, (void *)(uintptr_t)argument);
		break;
	case OPTION_DRY_RUN:
		options->dry_run = true;
		break;
	default:
		return CTL_USAGE;
	}
	return CTL_DONE;
}

/* imaps://USER@HOST[:PORT][/]; the user's own "@" need no %40. */
static int
take_url(struct login_options *options, const char *text)
{
	const char *rest = strstr(text, "://"), *at, *slash;
	char *user;

	if (rest == NULL || (!g_str_has_prefix(text, "imaps://") &&
				!g_str_has_prefix(text, "imap://"))) {
		ctl_error("--imap: \"%s\" does not begin with imaps:// or"
			  " imap://",
		    text);
		return CTL_USAGE;
	}
	rest += strlen("://");
	slash = strchr(rest, '/');
	at = g_strrstr_len(
	    rest, slash == NULL ? -1 : (gssize)(slash - rest), "@");
	if (at == NULL || at == rest || at[1] == '\0' || at[1] == '/') {
		ctl_error("--imap: \"%s\" has to name a user and a host:"
			  " imaps://USER@HOST",
		    text);
		return CTL_USAGE;
	}
	if (slash != NULL && slash[1] != '\0') {
		ctl_error("--imap: \"%s\" is no folder here; --folder names"
			  " one",
		    slash);
		return CTL_USAGE;
	}
	if (memchr(rest, ':', (size_t)(at - rest)) != NULL) {
		ctl_error("--imap: a password does not belong there, where"
			  " everybody can see it; use --password-file");
		return CTL_USAGE;
	}
	user = g_uri_unescape_segment(rest, at, NULL);
	if (user == NULL || user[0] == '\0') {
		ctl_error(
		    "--imap: the user in \"%s\" is not well written", text);
		return CTL_USAGE;
	}
	g_free(options->user);
	options->user = user;
	g_free(options->url);
	options->url = g_strdup_printf("%.*s%.*s/", (int)(rest - text), text,
	    slash == NULL ? (int)strlen(at + 1) : (int)(slash - at - 1),
	    at + 1);
	return CTL_DONE;
}

/* Whose keys.  Without --user, the login tells: alice@example.org, or
 * alice@example.org*master. */
static int
take_owner(struct login_options *options, const char *address)
{
	char *text = g_strdup(address);

	if (text == NULL)
		text = g_strndup(options->user, strcspn(options->user, "*"));
	g_free(options->owner);
	options->owner =
	    strchr(text, '@') == NULL ? NULL : address_canonical(text);
	if (options->owner == NULL)
		ctl_error("\"%s\" is no mail address; --user names the one"
			  " whose key is meant",
		    text);
	g_free(text);
	return options->owner == NULL ? CTL_USAGE : CTL_DONE;
}

/* --- The password */

int
login_prepare(const struct login_options *options, struct imap_login *login,
    struct fault *fault)
{
	GError *error = NULL;
	char *pem = NULL, *password;
	gsize len;

	*login = (struct imap_login){.url = options->url,
	    .user = options->user,
	    .master = options->master,
	    .seconds = WAIT_SECONDS};
	if (options->authorities != NULL) {
		if (!g_file_get_contents(
			options->authorities, &pem, &len, &error)) {
			fault_set(
			    fault, FAULT_PERM, "--cafile: %s", error->message);
			g_error_free(error);
			return -1;
		}
		login->authorities = g_bytes_new_take(pem, len);
	}
	if (read_password(options, &password, fault) != 0)
		return -1;
	login->password = password;
	return 0;
}

void
login_clear(struct imap_login *login)
{
	char *password = (char *)(uintptr_t)login->password;

	if (login->authorities != NULL)
		g_bytes_unref(login->authorities);
	if (password != NULL)
		explicit_bzero(password, strlen(password));
	g_free(password);
}

static int
open_password_file(const char *file, int *fdp, struct fault *fault)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd == -1 || fstat(fd, &st) != 0) {
		fault_set(fault, FAULT_PERM, "%s: %s", file, g_strerror(errno));
	} else if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0) {
		fault_set(fault, FAULT_PERM,
		    "%s: others can read this password: chmod 600 it", file);
	} else {
		*fdp = fd;
		return 0;
	}
	if (fd != -1)
		(void)close(fd);
	return -1;
}

/* The first line of a file. */
static char *
first_line(int fd, const char *file, struct fault *fault)
{
	char line[PASSWORD_OCTETS + 2];
	ssize_t n = read(fd, line, sizeof(line) - 1);
	char *password = NULL;
	size_t len;

	line[n > 0 ? n : 0] = '\0';
	len = strcspn(line, "\r\n");
	if (len == 0 || len > PASSWORD_OCTETS)
		fault_set(fault, FAULT_PERM,
		    "%s: its first line is no password", file);
	else
		password = g_strndup(line, len);
	explicit_bzero(line, sizeof(line));
	return password;
}

static int
read_password(
    const struct login_options *options, char **passwordp, struct fault *fault)
{
	const char *file = options->password_file;
	char *prompt;
	int fd;

	if (file != NULL && strcmp(file, "-") != 0) {
		if (open_password_file(file, &fd, fault) != 0)
			return -1;
		*passwordp = first_line(fd, file, fault);
		(void)close(fd);
	} else {
		prompt = g_strdup_printf("Password of %s: ",
		    options->master != NULL ? options->master : options->user);
		*passwordp = ask_passphrase(ASK_INPUT, prompt, false, fault);
		g_free(prompt);
	}
	return *passwordp == NULL ? -1 : 0;
}
