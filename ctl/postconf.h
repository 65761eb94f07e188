/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_POSTCONF_H
#define CTL_POSTCONF_H

#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>

/* A line of master.cf. */
struct postconf_service {
	char *name;    /* "submission", "127.0.0.1:10025" */
	char *type;    /* "inet" */
	char *command; /* "smtpd" */
	bool exposed;  /* not private: a unix socket is in public/ */
	bool chrooted;
	unsigned int processes; /* at a time; 0: without limit */
};

/* A Postfix's configuration, defaults included and $names expanded. */
struct postconf {
	GHashTable *settings; /* "name", or "service/type/name" */
	GPtrArray *services;  /* of struct postconf_service */
};

/* A member of smtpd_milters; the last three are NULL if not given there. */
struct postconf_milter {
	char *endpoint;
	char *default_action;
	char *content_timeout;
	char *protocol;
};

/*
 * Asks the postconf program; dir NULL means the system's own configuration.
 * 1: *postconfp is filled.  0: there is no postconf here.  -1: it failed.
 */
int postconf_ask(
    const char *dir, struct postconf **postconfp, struct fault *fault);

/* What `postconf -x`, `postconf -M` and `postconf -xP` printed. */
struct postconf *postconf_parse(
    const char *settings, const char *services, const char *overrides);
void postconf_free(struct postconf **postconfp);

/* The first service of that name, or NULL. */
const struct postconf_service *postconf_service(
    const struct postconf *postconf, const char *name);

/* What holds for a service (NULL: everywhere); "" if nothing is set. */
const char *postconf_setting(const struct postconf *postconf,
    const struct postconf_service *service, const char *name);

/* The members of a milter list, of struct postconf_milter. */
GPtrArray *postconf_milters(const char *list);

/* True if the word is in a list separated by commas or blanks. */
bool postconf_has_word(const char *list, const char *word);

/* The seconds of "300s", "5m", "1h" or "300"; 0 if it is no time. */
unsigned int postconf_seconds(const char *text);

#endif
