/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICY_POLICY_PRIVATE_H
#define POLICY_POLICY_PRIVATE_H

#include "policy/network.h"
#include "policy/option.h"
#include "policy/policy.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* What policy_parse.c and policy.c share: how a rule is kept. */

enum wanted {
	WANTED_ANY,
	WANTED_NO,
	WANTED_YES,
};

/* A field that has to be there, with that value unless it is NULL. */
struct header_matcher {
	char *name;
	char *value; /* in the form of text_fold() */
};

struct rule {
	char *name;

	/* Matchers; NULL, 0 or WANTED_ANY match everything. */
	GHashTable *from; /* sets of patterns, see address_pattern() */
	GHashTable *to;
	unsigned int directions; /* bit 1 << enum direction */
	enum wanted authenticated;
	enum wanted tls;
	GArray *clients;    /* of struct network */
	GPtrArray *headers; /* of struct header_matcher *, any of them */
	char *subject;      /* as written */
	char *subject_folded;
	bool has_size;
	bool size_above; /* larger than size, else smaller */
	uint64_t size;

	/* Properties. */
	enum rung ladder[RUNGS];
	size_t rungs;
	bool hide_subject;
	bool require_tls;
	bool legacy_display;
	enum smime_cipher smime_cipher;
	bool smime_oaep;
	enum bounces bounces;
	GPtrArray *recovery;  /* of char *, NULL at the end; NULL: none */
	GPtrArray *languages; /* the same */
};

struct policy {
	GPtrArray *rules; /* of struct rule * */
};

struct rule *rule_make(void);
void rule_free(struct rule *rule);

/* Readers of the options that match (policy_matchers.c); target: the rule. */
option_parse matcher_from, matcher_to, matcher_direction;
option_parse matcher_authenticated, matcher_client, matcher_tls;
option_parse matcher_header, matcher_subject, matcher_size;

/* Text as it is compared: without blanks around, folds and case; new. */
char *text_fold(const char *text);

#endif
