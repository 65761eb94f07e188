/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_ASK_H
#define CTL_ASK_H

#include "policy/fault.h"

#include <stdbool.h>

/* Where a passphrase comes from. */
enum ask_from {
	ASK_INPUT,    /* the terminal if that is standard input, else a line */
	ASK_TERMINAL, /* whatever standard input is used for */
};

/*
 * Asks for a passphrase on the terminal, without echo and if `twice` two
 * times, until both are the same (three times at most); or reads one line of
 * standard input.  A new string, which the caller wipes; NULL with a PERM
 * fault: there is none, it is too long, or there is no terminal.
 */
char *ask_passphrase(
    enum ask_from from, const char *prompt, bool twice, struct fault *fault);

#endif
