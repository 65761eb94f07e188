/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEYS_PASSPHRASE_WORDS_H
#define KEYS_PASSPHRASE_WORDS_H

#include <stddef.h>

/* Files of this folder, put into C by contrib/embed. */
extern const unsigned char passphrase_wordlist[]; /* eff_large_wordlist.txt */
extern const size_t passphrase_wordlist_octets;
extern const unsigned char passphrase_common[]; /* common_passphrases.txt */
extern const size_t passphrase_common_octets;

#endif
