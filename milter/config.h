/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_CONFIG_H
#define MILTER_CONFIG_H

#include "milter/templates.h"
#include "policy/fault.h"
#include "policy/network.h"
#include "policy/policy.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum delivery {
	DELIVERY_EDIT,     /* one text for all, put in the place of the old */
	DELIVERY_REINJECT, /* a copy for each, sent to `inject` */
};

/* What belongs to the rung "passphrase". */
struct passphrase_options {
	bool generate;    /* one for who has none; the sender is told */
	bool subject;     /* who is authenticated may set one in Subject */
	char **languages; /* NULL-terminated, in lower case */
	char *file_name;  /* of the attachment */
	char *directory;  /* of the templates, or NULL: as installed */
	struct templates *templates; /* of every language that is named */
};

/*
 * One configuration, parsed and complete.  Immutable and counted: a message
 * keeps the one it began with while SIGHUP puts another in its place.
 */
struct config {
	gatomicrefcount references;
	char *file;         /* where it came from, absolute; or NULL */
	char *socket;       /* "unix:/path", "inet:port@host" or "inet6:" */
	mode_t socket_mode; /* of a unix socket */
	char *socket_group; /* group of a unix socket, or NULL */
	char *user;         /* to run as when started as root, or NULL */
	char *pid_file;     /* or NULL */
	char *state;        /* directory of store and spool */
	char *syslog_facility;
	char *recipient_delimiter; /* characters; "": none */
	char **domains;            /* canonical, NULL-terminated */
	struct network *local_clients;
	size_t local_clients_count;
	enum delivery delivery;
	char *inject;         /* where copies go, or NULL */
	unsigned int slots;   /* connections to it at a time */
	unsigned int waiting; /* messages that may wait for those */
	char **sources;       /* NULL-terminated */
	char *gnupg_home;     /* set if "gnupg" is a source, else maybe NULL */
	char **
	    smime_trust; /* CA files and directories; NULL-terminated, or NULL */
	char **crl_files;               /* the same */
	bool crl_fetch;                 /* CRLs of STATE/crl count */
	bool crl_fetch_private;         /* also from private addresses */
	unsigned int crl_fetch_seconds; /* deadline for each */
	char *gpg;                      /* path of the gpg program */
	unsigned int engines;     /* for OpenPGP: enum pgp_engines of seal.h */
	unsigned int gpg_seconds; /* deadline for one run of gpg */
	unsigned int message_seconds; /* deadline for an end of message */
	unsigned int sessions;        /* messages under way at a time */
	uint64_t message_octets;      /* larger messages are refused */
	size_t spool_memory_octets;   /* of one message, before it spills */
	unsigned int derivations;     /* of passphrases, at a time */
	struct passphrase_options passphrase;
	struct policy *policy;
};

/*
 * Reads a configuration file; file NULL means the built-in defaults.
 * Returns 0 and gives *configp (one reference) away, or -1 with file, line
 * and option in fault.  warnings as for policy_parse().
 */
int config_load(const char *file, struct config **configp, GPtrArray *warnings,
    struct fault *fault);
struct config *config_ref(struct config *config);
void config_unref(struct config **configp);

/* True if the canonical address's domain is one of domains. */
bool config_stores(const struct config *config, const char *address);

/* True if the IP address (text) is in local_clients. */
bool config_is_local(const struct config *config, const char *client);

#endif
