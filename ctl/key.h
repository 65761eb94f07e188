/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_KEY_H
#define CTL_KEY_H

#include "ctl/ctl.h"
#include "keys/store.h"

#include <stdbool.h>

/* sealctl key import; argv[0] is "import". */
ctl_command ctl_key_import; /* ctl/key_import.c */

/* sealctl key refresh, the same. */
ctl_command ctl_key_refresh; /* ctl/key_refresh.c */

/* Opens the store as the runtime user, and reads who vouches for what is in
 * it; an exit status, after a message. */
int ctl_key_open(const struct ctl *ctl, struct store **storep,
    struct authorities **authoritiesp);

/* How that command (NULL: each) is used, on standard error; CTL_USAGE. */
int ctl_key_usage(const char *name);

/* --- ctl/key_print.c */

/* "usable", "usable until 2026-01-01", "unusable: why"; a new string. */
char *ctl_key_state(
    const struct inspected *key, struct authorities *authorities);

/* One line of a list, a page, or a JSON object. */
void ctl_key_print_line(
    const struct certificate *certificate, struct authorities *authorities);
void ctl_key_print_page(const struct certificate *certificate,
    struct authorities *authorities, bool used);
void ctl_key_print_json(
    const struct certificate *certificate, struct authorities *authorities);

/* An answer of keys_find(); why is its reason or its fault. */
void ctl_key_print_answer(int answer, const char *address,
    const struct key *key, const char *why, bool json);

#endif
