/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAILBOX_MAILDIR_H
#define MAILBOX_MAILDIR_H

#include "policy/fault.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * A mailbox on the disk: Maildir, Maildir++ (folders are directories
 * ".Name"), or directories in directories (Dovecot's LAYOUT=fs).  Whose it is
 * may write anything into it, so nothing is opened through a symbolic link,
 * a file has one name and the mailbox's owner, and names are octets, never
 * text: print them with maildir_printable() only.
 *
 * Not for several threads at a time; each opens its own.
 */
struct maildir;

/*
 * Opens the directory; no part of its path may be a symbolic link.  0 and
 * gives *maildirp away; or -1 with fault.
 */
int maildir_open(
    const char *path, struct maildir **maildirp, struct fault *fault);
void maildir_close(struct maildir **maildirp);

/* What it was opened as, and its directory. */
const char *maildir_path(const struct maildir *maildir);
int maildir_fd(const struct maildir *maildir);

/* Whose it is.  Root becomes them before it opens anything else. */
void maildir_owner(const struct maildir *maildir, uid_t *uidp, gid_t *gidp);

/* A name for people: a new string without control characters. */
char *maildir_printable(const char *name);

/* What was found and is left alone. */
struct maildir_stray {
	char *path; /* below the mailbox */
	char *why;  /* "is a symbolic link" */
};

/* One folder, open. */
struct folder {
	char *name; /* path below the mailbox; "" is the mailbox itself */
	int fd;
	int cur; /* its directories; tmp may be -1, if there is none */
	int new;
	int tmp;
	GHashTable *links; /* see maildir_links_make(); borrowed, or NULL */
};

/*
 * Dovecot copies a message by giving its file a second name.  That is no
 * harm if all names are in this mailbox: so those of files with several are
 * counted, while it is listed, and folder_open_mail() takes a file that has
 * no more names than were counted.
 */
GHashTable *maildir_links_make(void);
void maildir_links_count(GHashTable *links, const struct stat *st);

/*
 * The names of all folders, sorted, "" first (of char *; frees its own).
 * strays (of struct maildir_stray *, made by maildir_strays_make(), or NULL)
 * gets what looks like one and is none.  0 and gives *namesp away; or -1.
 */
int maildir_folders(const struct maildir *maildir, GPtrArray **namesp,
    GPtrArray *strays, struct fault *fault);
GPtrArray *maildir_strays_make(void);

/* 1 and gives *folderp away; 0: there is no such folder (any more); -1. */
int folder_open(const struct maildir *maildir, const char *name,
    struct folder **folderp, struct fault *fault);
void folder_close(struct folder **folderp);

/*
 * A message's file.  Its name is BASE[,S=SIZE][,W=SIZE]...[:2,FLAGS]; `key`
 * is all of it before the colon, what Dovecot's uidlist has.
 */
struct mail {
	bool in_new; /* in new/, not cur/ */
	char *file;  /* name in its directory */
	char *key;
	char *base;
	char *flags;   /* what stands behind ":2,"; NULL: there is no such */
	int64_t size;  /* ,S=: octets of the file; -1: not told */
	int64_t vsize; /* ,W=: the same, with CRLF line ends */
};

struct mail *mail_parse(const char *file, bool in_new);
void mail_free(struct mail **mailp);

/* A name for the same message with other octets: a new string.  `base` and
 * sizes are new; what else the name tells, as flags, is kept. */
char *mail_rename(
    const struct mail *mail, const char *base, uint64_t size, uint64_t vsize);

/*
 * The messages of new/ and cur/, by name (of struct mail *; frees its own).
 * Strays as in maildir_folders().  0 and gives *mailsp away; or -1.
 */
int folder_list(const struct folder *folder, GPtrArray **mailsp,
    GPtrArray *strays, struct fault *fault);

/* The directory that the message is in: folder->new or folder->cur. */
int folder_of(const struct folder *folder, const struct mail *mail);

/*
 * Opens a message for reading.
 *  1: *fdp is open, *st tells about it: a regular file that belongs to the
 *     owner of the mailbox, with one name or folder->links.
 *  0: it is none, and stays as it is: *whyp is a new string; or NULL, if it
 *     is not there any more.
 * -1: cannot tell; the fault says why.
 */
int folder_open_mail(const struct folder *folder, const struct mail *mail,
    int *fdp, struct stat *st, char **whyp, struct fault *fault);

/*
 * Opens a file below a directory that is a regular file of ours with one
 * name, without following or waiting.  As folder_open_mail(); flags are
 * those of open(2).
 */
int maildir_open_file(int directory, const char *name, int flags, int *fdp,
    struct stat *st, char **whyp, struct fault *fault);

#endif
