/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * ask.c - ask for a passphrase.
 *
 * In:    a terminal, or a line of standard input.
 * Out:   what was typed.
 * Never: shows it, leaves it in a buffer, or leaves a terminal without echo.
 */
#include <config.h>

#include "ctl/ask.h"

#include "keys/passphrases.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define TRIES 3

static char *ask_terminal(
    int fd, const char *prompt, bool twice, struct fault *fault);
static char *ask_once(int fd, const char *prompt, struct fault *fault);
static char *read_line(int fd, const sigset_t *mask, struct fault *fault);
static void write_text(int fd, const char *text);

char *
ask_passphrase(
    enum ask_from from, const char *prompt, bool twice, struct fault *fault)
{
	char *words;
	int fd;

	if (from == ASK_INPUT && isatty(STDIN_FILENO) == 0)
		return read_line(STDIN_FILENO, NULL, fault);
	fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd == -1) {
		fault_set(fault, FAULT_PERM,
		    "there is no terminal to ask for the passphrase: give it "
		    "as a line of standard input");
		return NULL;
	}
	words = ask_terminal(fd, prompt, twice, fault);
	(void)close(fd);
	return words;
}

static char *
ask_terminal(int fd, const char *prompt, bool twice, struct fault *fault)
{
	char *words, *again;
	bool same;
	int i;

	for (i = 0; i < TRIES; i++) {
		words = ask_once(fd, prompt, fault);
		if (words == NULL || !twice)
			return words;
		again = ask_once(fd, "Once more", fault);
		same = again != NULL && strcmp(words, again) == 0;
		if (same || again == NULL) {
			passphrase_wipe(&again);
			if (!same)
				passphrase_wipe(&words);
			return words;
		}
		passphrase_wipe(&again);
		passphrase_wipe(&words);
		write_text(fd, "These were two different ones.\n");
	}
	fault_set(fault, FAULT_PERM, "the passphrase was never the same twice");
	return NULL;
}

/* --- Without echo */

static volatile sig_atomic_t interrupted;

static void
on_signal(int number)
{
	interrupted = number;
}

/* Signals that end or stop programs wait until the echo is on again; they come
 * only while there is nothing to read. */
static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};

static char *
ask_once(int fd, const char *prompt, struct fault *fault)
{
	struct sigaction action = {.sa_handler = on_signal},
			 saved[G_N_ELEMENTS(signals)];
	sigset_t those, before;
	struct termios loud, quiet;
	char *words = NULL;
	size_t i;

	if (tcgetattr(fd, &loud) != 0) {
		fault_set(
		    fault, FAULT_PERM, "the terminal: %s", g_strerror(errno));
		return NULL;
	}
	quiet = loud;
	quiet.c_lflag &= (tcflag_t) ~(ECHO | ECHOE | ECHOK);
	quiet.c_lflag |= ECHONL | ICANON;
	interrupted = 0;
	(void)sigemptyset(&those);
	for (i = 0; i < G_N_ELEMENTS(signals); i++)
		(void)sigaddset(&those, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &those, &before);
	for (i = 0; i < G_N_ELEMENTS(signals); i++)
		(void)sigaction(signals[i], &action, &saved[i]);
	if (tcsetattr(fd, TCSAFLUSH, &quiet) == 0) {
		write_text(fd, prompt);
		write_text(fd, ": ");
		words = read_line(fd, &before, fault);
	} else {
		fault_set(fault, FAULT_PERM, "the terminal's echo: %s",
		    g_strerror(errno));
	}
	(void)tcsetattr(fd, TCSAFLUSH, &loud);
	for (i = 0; i < G_N_ELEMENTS(signals); i++)
		(void)sigaction(signals[i], &saved[i], NULL);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (interrupted != 0) {
		passphrase_wipe(&words);
		write_text(fd, "\n");
		(void)raise(interrupted);
		/* It was stopped, or ignores the signal. */
		fault_set(fault, FAULT_PERM, "asking was interrupted");
	}
	return words;
}

/* Octet by octet: what comes behind the line stays there.  Signals of the mask
 * (or NULL) may come while it waits.  The number of
 * octets before its end; more than there is room for: too many; -1. */
static ssize_t
read_octets(int fd, const sigset_t *mask, char *line, size_t room)
{
	struct pollfd wait = {fd, POLLIN, 0};
	size_t n = 0;
	ssize_t r;

	while (n <= room) {
		r = mask == NULL ? 0 : ppoll(&wait, 1, NULL, mask);
		if (r != -1)
			r = read(fd, line + n, 1);
		if (r == -1 && errno == EINTR && interrupted == 0)
			continue;
		if (r == -1)
			return -1;
		if (r == 0 || line[n] == '\n')
			break;
		n++;
	}
	return (ssize_t)n;
}

static char *
read_line(int fd, const sigset_t *mask, struct fault *fault)
{
	/* Of the full size from the start, so that no copies are left. */
	char *line = g_malloc0(PASSPHRASE_OCTETS_MAX + 2);
	ssize_t n = read_octets(fd, mask, line, PASSPHRASE_OCTETS_MAX);
	const char *why = NULL;

	line[MAX(n, 0)] = '\0';
	if (n > 0 && line[n - 1] == '\r')
		line[--n] = '\0';
	if (n == -1)
		why = "cannot be read";
	else if (n == 0)
		why = "is empty";
	else if (n > PASSPHRASE_OCTETS_MAX)
		why = "is too long";
	else if (strlen(line) != (size_t)n)
		why = "has a NUL in it";
	if (why == NULL)
		return line;
	fault_set(fault, FAULT_PERM, "the passphrase %s", why);
	passphrase_wipe(&line);
	return NULL;
}

static void
write_text(int fd, const char *text)
{
	size_t len = strlen(text);
	ssize_t n;

	do
		n = write(fd, text, len);
	while (n == -1 && errno == EINTR);
}
