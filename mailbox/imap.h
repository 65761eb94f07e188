/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_IMAP_H
#define MAILBOX_IMAP_H

#include "mailbox/imap_wire.h"
#include "seal/spool.h"

/*
 * An IMAP4rev1 session (RFC 3501) as far as messages are put in the place of
 * others: nothing is marked as read, and only single messages are expunged
 * (UIDPLUS, RFC 4315).
 */
struct imap;

/* 0 and gives *imapp away, logged in; or -1 as wire_open() does, and PERM when
 * the server lacks UIDPLUS. */
int imap_open(
    const struct imap_login *login, struct imap **imapp, struct fault *fault);
void imap_close(struct imap **imapp);

struct imap_folder {
	char *wire; /* its name as the server has it */
	char *name; /* UTF-8, for people */
	/* It shows messages of other folders (RFC 6154 \All, \Flagged). */
	bool is_view;
};

/* The folders that have messages (of struct imap_folder *; frees its own).  0
 * and gives *foldersp away; or -1. */
int imap_list(struct imap *imap, GPtrArray **foldersp, struct fault *fault);

struct imap_selected {
	uint32_t validity; /* UIDs mean what they mean as long as it stays */
	bool read_only;
};

int imap_select(struct imap *imap, const char *wire,
    struct imap_selected *selected, struct fault *fault);

/* One message, without its text. */
struct imap_mail {
	uint32_t uid;
	uint64_t size;
	char *flags; /* "\Seen $Label1", without \Recent */
	char *date;  /* INTERNALDATE, as the server writes it */
	char *claim; /* the field that imap_messages() asked for; NULL: none */
};

void imap_mail_free(struct imap_mail *mail);

/* All messages of the selected folder in the order of their UIDs (of struct
 * imap_mail *; frees its own), with the values of a field.  0 and gives *mailsp
 * away; or -1. */
int imap_messages(struct imap *imap, const char *field, GPtrArray **mailsp,
    struct fault *fault);

/* Gives the octets of a message to a sink.  1 and a new *mailp; 0: there is no
 * such message any more; -1. */
int imap_fetch(struct imap *imap, uint32_t uid, wire_sink *sink, void *context,
    struct imap_mail **mailp, struct fault *fault);

/* What is to be stored: two parts of one message. */
struct imap_upload {
	const GString *header; /* with the blank line */
	const struct spool *body;
	const char *flags;
	const char *date;
};

/* Stores it in a folder.  0 and its UID; or -1. */
int imap_append(struct imap *imap, const char *wire,
    const struct imap_upload *upload, uint32_t *uidp, struct fault *fault);

/* Changes flags: how is "+", "-" or "".  1 and those that it has now, a new
 * string; 0: there is no such message any more; -1. */
int imap_store(struct imap *imap, uint32_t uid, const char *how,
    const char *flags, char **nowp, struct fault *fault);

/* Expunges that message, which has \Deleted, and no other.  0, or -1. */
int imap_expunge(struct imap *imap, uint32_t uid, struct fault *fault);

#endif
