/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SEAL_ENVELOPE_PRIVATE_H
#define SEAL_ENVELOPE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

/* viewer/page.html around its place for the JWE, by contrib/embed. */
extern const unsigned char envelope_page_before[];
extern const size_t envelope_page_before_octets;
extern const unsigned char envelope_page_after[];
extern const size_t envelope_page_after_octets;

/*
 * The page as it is sent, in lines of base64.  Spaces are put around the JWE
 * so that each of the three begins a line of its own: two are the same in all
 * envelopes, and are made once.
 */
struct envelope_page {
	char *before;
	size_t before_len;
	char *after;
	size_t after_len;
};

const struct envelope_page *envelope_page(void);

/* Of which names seal_page_name_may_be() approves, the default. */
#define ENVELOPE_PAGE_NAME "message.html"

#endif
