/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "policy/fault.h"
#include "policy/field.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The forms of protection that a ladder may name. */
enum rung {
	RUNG_OPENPGP,
	RUNG_SMIME,
	RUNG_PASSPHRASE,
	RUNG_CLEAR,
	RUNG_HOLD,
	RUNG_REFUSE,
};

#define RUNGS 6

enum direction {
	DIRECTION_IN,    /* a stranger writes to a mailbox stored here */
	DIRECTION_OUT,   /* the recipient's mailbox is elsewhere */
	DIRECTION_LOCAL, /* one of ours writes to a mailbox stored here */
};

enum bounces {
	BOUNCES_CLEAR,
	BOUNCES_REFUSE,
};

/* How the content of S/MIME is encrypted. */
enum smime_cipher {
	SMIME_AUTO, /* AES-256-GCM if its readers' certificates ask for it */
	SMIME_CBC,
	SMIME_GCM,
};

struct config_setting_t; /* libconfig.h */

struct policy; /* immutable once parsed; safe for many threads */

/* What is known about one recipient of one message. */
struct policy_facts {
	const char *sender;    /* canonical; "" is the null sender */
	const char *recipient; /* canonical */
	const char *client;    /* IP address as text, NULL if unknown */
	bool authenticated;    /* SMTP AUTH succeeded */
	bool local_client;     /* from local_clients, or not over SMTP */
	bool tls;              /* the client's connection is encrypted */
	bool stored_here;      /* the recipient's domain is in domains */
	bool content_known;    /* the three below are filled in */
	const struct fields *fields;
	const char
	    *subject;  /* decoded (RFC 2047) to UTF-8, unfolded; or NULL */
	uint64_t size; /* octets of header and body */
};

/* What the policy says; strings live as long as the policy. */
struct decision {
	const char *rule; /* name; NULL if no rule matched: refuse */
	const char
	    *raised_by;       /* name of the tag rule that raised it, or NULL */
	const char *lowering; /* tag rule that was ignored: it would lower */
	const char *subject_tag; /* to be removed from Subject, or NULL */
	enum rung ladder[RUNGS];
	size_t rungs;
	bool hide_subject;
	bool require_tls;    /* refuse a client without TLS */
	bool legacy_display; /* S/MIME: the hidden Subject in the text */
	enum smime_cipher smime_cipher;
	bool smime_oaep; /* RSAES-OAEP instead of PKCS #1 v1.5 */
	enum bounces bounces;
	const char *const *recovery[2]; /* NULL-terminated lists, or NULL */
	const char *const *languages;   /* of texts of ours for the recipient;
					 NULL-terminated, or NULL */
};

/*
 * Parses the policy list (NULL: the built-in policy, one rule that seals and
 * never sends clear).  Lines for an administrator to read ("this build has
 * no ...") are added to warnings (of char *, freed with g_free).  Returns 0
 * and gives *policyp away, or -1 with file, line and option in fault.
 */
int policy_parse(const struct config_setting_t *list, struct policy **policyp,
    GPtrArray *warnings, struct fault *fault);
void policy_free(struct policy **policyp);

/*
 * Decides for one recipient.  1: *decision is filled.  0: rules ahead look
 * at the content, which is not known yet; ask again at the end of the
 * message.  There is no failure.
 */
int policy_decide(const struct policy *policy, const struct policy_facts *facts,
    struct decision *decision);

/* True if some rule's ladder has that rung. */
bool policy_names(const struct policy *policy, enum rung rung);

/* Calls each for the languages of every rule that names some.  0, or the first
 * result that is not. */
int policy_each_languages(const struct policy *policy,
    int (*each)(void *context, const char *rule, const char *const *languages),
    void *context);

/* True for "en", "de", "pt-br": what names a language (RFC 5646), in lower
 * case, and can be part of a file's name. */
bool policy_is_language(const char *text);

/*
 * Adds the languages that an option names, and NULL after them, to a list
 * that frees its strings.  0, or -1 with file, line and option in fault.
 */
int policy_parse_languages(const struct config_setting_t *setting,
    GPtrArray *languages, struct fault *fault);

/* The addresses that any rule names for recovery: a new NULL-terminated list,
 * canonical, each once. */
char **policy_recovery(const struct policy *policy);

enum direction policy_direction(const struct policy_facts *facts);
const char *direction_name(enum direction direction);
const char *rung_name(enum rung rung);

/* True for the forms that only their readers can open. */
bool rung_seals(enum rung rung);

/* 0 and *rungp, or -1 if there is no rung of that name. */
int rung_parse(const char *name, enum rung *rungp);

#endif
