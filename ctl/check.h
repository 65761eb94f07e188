/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

#include "ctl/ctl.h"

#include <glib.h>
#include <stdbool.h>

struct postconf;
struct runtime;

enum check_level {
	CHECK_OK,
	CHECK_NOTE,    /* worth knowing, nothing to do */
	CHECK_WARNING, /* works, but not as well as it could */
	CHECK_PROBLEM, /* unsafe, or does not work */
	CHECK_UNKNOWN, /* cannot tell now */
};

#define CHECK_LEVELS 5

/* What was found, in order; each finding belongs to a titled section. */
struct check_report;

struct check_report *check_report_make(void);
void check_report_free(struct check_report **reportp);

/* What follows belongs to the section of that title. */
void check_section(struct check_report *report, const char *title);

/*
 * Adds a finding.  The text is "what is the case" or, after a line feed,
 * "what is the case\nwhat to do about it".
 */
void check_add(struct check_report *report, enum check_level level,
    const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Moves all findings of one report behind those of another. */
void check_report_move(struct check_report *to, struct check_report *from);

/* How many findings of that level there are. */
size_t check_count(const struct check_report *report, enum check_level level);

/* The whole report for people, or as JSON (RFC 8259); a new string. */
char *check_report_text(const struct check_report *report);
char *check_report_json(const struct check_report *report);

/* CTL_REFUSED with problems, else CTL_TEMPORARY with unknowns, else done. */
int check_report_status(const struct check_report *report);

/* A milter's socket as Postfix, Sendmail and libmilter write it. */
struct check_endpoint {
	bool local;  /* a unix socket */
	char *where; /* its path; else the host, "" if none is named */
	char *port;  /* NULL for a unix socket */
};

/*
 * Parses "unix:/path", "local:/path", "/path", "inet:port@host",
 * "inet:host:port", "inet:port", and inet6 likewise.  0, or -1.
 */
int check_endpoint_parse(const char *text, struct check_endpoint *endpoint);
void check_endpoint_clear(struct check_endpoint *endpoint);

/* True if both are the same place; all names of this host are one. */
bool check_endpoint_same(
    const struct check_endpoint *a, const struct check_endpoint *b);

/* The same for `inject`: "smtp://host:port" or "unix:/path". */
int check_endpoint_parse_inject(
    const char *text, struct check_endpoint *endpoint);

/* True if the name or address is one of this host's that all hosts have. */
bool check_endpoint_is_here(const struct check_endpoint *endpoint);

/*
 * Connects and closes again, as that user if it is not NULL and the caller
 * is root.  0, or an errno value.
 */
int check_endpoint_connect(
    const struct check_endpoint *endpoint, const char *user);

/*
 * How bad it is that the program of that name or socket sees mail before it
 * is sealed: a PROBLEM if it signs with DKIM, a WARNING if it may only check
 * signatures, else OK.
 */
enum check_level check_signer(
    const char *name, const struct check_endpoint *endpoint);

/* What the mail server's settings are compared with. */
struct check_target {
	const char *config_file; /* for advice */
	const char *socket;      /* as in struct config */
	unsigned int message_seconds;
	unsigned int look_up_seconds; /* a look-up at RCPT may take so long */
	const char *const *domains;   /* as in struct config */
	const char *recipient_delimiter;
	const char *inject; /* where copies go; NULL: none are sent */
	unsigned int slots; /* connections to it at a time */
};

/* Processes of the injection listener beside those for the slots: of
 * connections that end, of this program, of people who look. */
#define CHECK_SPARE_PROCESSES 10

/*
 * Adds what there is to say about a Postfix; looks at nothing else.  True if
 * it asks sealmilter.
 */
bool check_postfix(struct check_report *report,
    const struct check_target *target, const struct postconf *postconf);

/* Whose mail it stores, and which addresses are of one mailbox; pure. */
void check_mailboxes(struct check_report *report,
    const struct check_target *target, const struct postconf *postconf);

/*
 * Adds what there is to say about the text of a sendmail.cf; pure.  True if
 * it asks sealmilter.
 */
bool check_sendmail(struct check_report *report,
    const struct check_target *target, const char *text);

/* What the daemon needs of this host: its user, group, files and socket. */
void check_host(struct check_report *report, const struct config *config);

/*
 * True if what this process may not do, the daemon may not do either: it is
 * root's, the daemon's user's, or there is no such user.
 */
bool check_sees_all(const struct config *config);

/* The name of the user that this process runs as; a new string. */
char *check_user_name(void);

/* Somebody with a key that can be used. */
struct check_owner {
	enum key_kind kind;
	char *address; /* canonical */
};

struct check_owner *check_owner_make(enum key_kind kind, const char *address);
void check_owner_free(void *owner);

/*
 * Opens what the daemon opens and looks through the store.  NULL if that
 * fails; some of those with usable keys (struct check_owner *) are added to
 * the list.
 */
struct runtime *check_keys(
    struct check_report *report, const struct ctl *ctl, GPtrArray *addresses);

/* Whether the rung "passphrase" can hold, if a rule names it. */
void check_passphrases(
    struct check_report *report, const struct runtime *runtime);

/*
 * Where copies go, as the daemon sees it, and the journal of them; run as
 * the daemon's user.  Nothing is sent.
 */
void check_copies(struct check_report *report, const struct config *config);

/*
 * Seals a probe message with the daemon's own functions: to the keys of
 * those people, or to a key of its own if there are none.
 */
void check_probe(struct check_report *report, const struct runtime *runtime,
    const GPtrArray *addresses);

#endif
