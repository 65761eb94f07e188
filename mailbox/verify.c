/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * verify.c - is anything in a mailbox readable?
 *
 * In:    the directory of a mailbox, whose keys are whose.
 * Out:   counts, and findings: what is readable, who could open the rest.
 * Never: follows a link, changes anything, or takes "could not look" for
 *        "nothing there".
 */
#include <config.h>

#include "mailbox/verify.h"

#include "mailbox/examine.h"
#include "mailbox/leftover.h"
#include "mailbox/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEPTH 20 /* of directories */
#define MESSAGE_OCTETS ((uint64_t)1 << 32)
/* A file in tmp/ may be on its way in for so long. */
#define ARRIVING_SECONDS 900
/* Times that a folder is read again for messages that were renamed. */
#define ROUNDS 8

struct verification {
	struct verified *verified;
	const struct verify_keys *keys;
	const struct spool_limits *limits;
	struct maildir *maildir;
	struct lexicon *lexicon;
	GHashTable *folders; /* names, as directories below the mailbox */
};

static int look_at_folder(
    struct verification *verification, const char *name, struct fault *fault);
static void look_at_rest(struct verification *verification, int directory,
    const char *below, unsigned int depth);

int
verify_mailbox(struct verified *verified, const char *path,
    const struct verify_keys *keys, const struct spool_limits *limits,
    struct fault *fault)
{
	struct verification verification = {
	    .verified = verified, .keys = keys, .limits = limits};
	GPtrArray *names = NULL;
	int ret = -1;
	guint i;

	if (maildir_open(path, &verification.maildir, fault) != 0 ||
	    maildir_folders(verification.maildir, &names, NULL, fault) != 0)
		goto out;
	verification.lexicon = lexicon_make();
	verification.folders = g_hash_table_new(g_str_hash, g_str_equal);
	for (i = 0; i < names->len; i++) {
		g_hash_table_add(verification.folders, names->pdata[i]);
		if (look_at_folder(&verification, names->pdata[i], fault) != 0)
			goto out;
	}
	/* Last: it compares with what all the messages show. */
	look_at_rest(&verification, maildir_fd(verification.maildir), "", 0);
	verified_sort(verified);
	ret = 0;
out:
	lexicon_free(&verification.lexicon);
	maildir_close(&verification.maildir);
	g_clear_pointer(&verification.folders, g_hash_table_destroy);
	g_clear_pointer(&names, g_ptr_array_unref);
	return ret;
}

static void
add(struct verification *verification, enum finding_kind kind, const char *path,
    const char *what)
{
	char *printable = maildir_printable(path);

	verified_add(verification->verified, kind, printable, what);
	g_free(printable);
}

/* --- Who can open a sealed message */

/* What is wrong with the readers of a message, and who they are. */
struct openers {
	bool by_owner;  /* one of the keys of whose mailbox it is */
	bool by_now;    /* one that mail is sealed to now */
	bool perhaps;   /* hidden keys, passphrases */
	GString *names; /* of the others */
	bool strangers; /* one of those is nobody's for recovery */
};

static bool
has(GHashTable *set, const char *address, const char *fingerprint)
{
	char *both = g_strconcat(address, " ", fingerprint, NULL);
	bool found = g_hash_table_contains(set, both);

	g_free(both);
	return found;
}

static void
add_name(struct openers *openers, const struct already_reader *reader,
    const struct verify_key *key)
{
	if (openers->names->len > 300)
		return;
	if (openers->names->len > 0)
		g_string_append(openers->names, ", ");
	if (key == NULL)
		g_string_append_printf(
		    openers->names, "%s (not known here)", reader->name);
	else
		g_string_append_printf(openers->names, "%s (%s)",
		    key->fingerprint, key->addresses);
}

static void
look_at_reader(const struct verification *verification,
    struct verified_folder *folder, const struct already_reader *reader,
    struct openers *openers)
{
	const struct verify_key *key =
	    g_hash_table_lookup(verification->keys->by_id, reader->id);
	const char *address = verification->verified->address;

	if (reader->id[0] == '\0') {
		openers->perhaps = true;
		verified_opener_add(folder, reader->name, NULL);
		return;
	}
	verified_opener_add(folder, reader->name, key);
	if (key != NULL &&
	    has(verification->keys->owned, address, key->fingerprint)) {
		openers->by_owner = true;
		openers->by_now |=
		    has(verification->keys->now, address, key->fingerprint);
		return;
	}
	add_name(openers, reader, key);
	openers->strangers |= key == NULL || !key->recovery;
}

/* Of end-to-end mail others are readers too: all whom it was sent to. */
static void
judge(struct verification *verification, const char *path,
    const struct examined *examined, const struct openers *openers)
{
	char *what;

	if (!openers->by_owner && !openers->perhaps)
		what = g_strdup_printf("the owner cannot open it; it is sealed"
				       " to %s",
		    openers->names->str);
	else if (openers->strangers && examined->by == EXAMINED_BY_US_REST)
		what = g_strdup_printf(
		    "others can open it, too: %s", openers->names->str);
	else
		what = NULL;
	if (what != NULL)
		add(verification, FINDING_FOREIGN, path, what);
	else if (openers->by_owner && !openers->by_now)
		add(verification, FINDING_OLD_KEY, path,
		    "it is sealed to a key that is not the owner's present"
		    " one");
	g_free(what);
}

static void
look_at_sealed(struct verification *verification,
    struct verified_folder *folder, const char *path,
    const struct examined *examined)
{
	const GPtrArray *readers = examined->already.readers;
	struct openers openers = {.names = g_string_new(NULL)};
	guint i;

	for (i = 0; readers != NULL && i < readers->len; i++)
		look_at_reader(verification, folder,
		    g_ptr_array_index(readers, i), &openers);
	switch (examined->by) {
	case EXAMINED_BY_AUTHOR:
		verification->verified->by_author++;
		break;
	case EXAMINED_BY_US_TRANSIT:
		verification->verified->transit++;
		break;
	case EXAMINED_BY_US_REST:
		verification->verified->at_rest++;
		break;
	}
	verification->verified->subjects += examined->subject_shown;
	/* Of a mailbox that is nobody's that is known, only one thing can be
	 * said, and it is said once. */
	if (verification->verified->address[0] != '\0')
		judge(verification, path, examined, &openers);
	g_string_free(openers.names, TRUE);
}

/* --- Messages */

/* What examine_file() says goes to the counts of its folder. */
static void
count(struct verification *verification, struct verified_folder *folder,
    const char *path, int fd, const struct examined *examined)
{
	struct fault fault = {FAULT_NONE, ""};

	switch (examined->state) {
	case EXAMINED_READABLE:
		folder->readable++;
		add(verification, FINDING_READABLE, path, examined->why);
		break;
	case EXAMINED_SEALED:
		folder->sealed++;
		look_at_sealed(verification, folder, path, examined);
		if (lexicon_add_file(verification->lexicon, fd, &fault) != 0)
			add(verification, FINDING_UNCERTAIN, path, fault.text);
		break;
	case EXAMINED_DAMAGED:
		folder->damaged++;
		add(verification, FINDING_DAMAGED, path, examined->why);
		break;
	case EXAMINED_UNKNOWN:
		folder->uncertain++;
		add(verification, FINDING_UNCERTAIN, path, examined->why);
		break;
	}
}

/* 1: a regular file is open.  0: there is none any more.  -1: *whyp. */
static int
open_file(int directory, const char *name, int *fdp, struct stat *st,
    const char **whyp)
{
	int fd = openat(directory, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd == -1 && errno == ENOENT)
		return 0;
	*whyp = fd == -1 && errno == ELOOP ? "is a symbolic link"
		: fd == -1                 ? g_strerror(errno)
		: fstat(fd, st) != 0       ? g_strerror(errno)
		: !S_ISREG(st->st_mode)    ? "is no file"
					   : NULL;
	if (*whyp == NULL) {
		*fdp = fd;
		return 1;
	}
	if (fd != -1)
		close(fd);
	return -1;
}

/* Hard links are fine here: nothing is changed, and Dovecot makes some.  1,
 * or 0: it is not there any more. */
static int
look_at_mail(struct verification *verification, struct verified_folder *counts,
    const struct folder *folder, const struct mail *mail)
{
	char *path = g_build_filename(
	    folder->name, mail->in_new ? "new" : "cur", mail->file, NULL);
	struct fault fault = {FAULT_NONE, ""};
	struct examined examined = {0};
	const char *why = NULL;
	struct stat st = {0};
	int fd = -1, r;

	r = open_file(folder_of(folder, mail), mail->file, &fd, &st, &why);
	if (r == 1 && examine_file(fd, verification->limits, MESSAGE_OCTETS,
			  &examined, &fault) != 0) {
		why = fault.text;
		r = -1;
	}
	if (r == 1) {
		verification->verified->octets += (uint64_t)st.st_size;
		count(verification, counts, path, fd, &examined);
	} else if (r == -1) {
		counts->uncertain++;
		add(verification, FINDING_UNCERTAIN, path, why);
	}
	if (fd != -1)
		close(fd);
	examined_clear(&examined);
	g_free(path);
	return r != 0;
}

/* Clients rename files while they are looked at.  What is gone is looked for
 * under another name until a reading of the folder misses nothing. */
static int
look_at_mails(struct verification *verification, struct verified_folder *counts,
    const struct folder *folder, struct fault *fault)
{
	GHashTable *seen =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GPtrArray *mails;
	unsigned int round, missed = 1;
	const struct mail *mail;
	guint i;
	int r = 0;

	for (round = 0; r == 0 && missed > 0 && round < ROUNDS; round++) {
		missed = 0;
		r = folder_list(folder, &mails, NULL, fault);
		for (i = 0; r == 0 && i < mails->len; i++) {
			mail = g_ptr_array_index(mails, i);
			if (g_hash_table_contains(
				seen, round == 0 ? mail->file : mail->base))
				continue;
			if (look_at_mail(verification, counts, folder, mail) ==
			    0) {
				missed++;
				continue;
			}
			g_hash_table_add(seen, g_strdup(mail->file));
			g_hash_table_add(seen, g_strdup(mail->base));
		}
		if (r == 0)
			g_ptr_array_unref(mails);
	}
	if (r == 0 && missed > 0) {
		counts->uncertain += missed;
		add(verification, FINDING_UNCERTAIN, folder->name,
		    "messages moved all the time while they were looked at");
	}
	g_hash_table_destroy(seen);
	return r;
}

static int
look_at_folder(
    struct verification *verification, const char *name, struct fault *fault)
{
	struct verified_folder *counts;
	struct folder *folder = NULL;
	char *printable;
	int r = folder_open(verification->maildir, name, &folder, fault);

	if (r != 1)
		return r;
	printable = maildir_printable(name);
	counts = verified_folder_add(verification->verified, printable);
	g_free(printable);
	r = look_at_mails(verification, counts, folder, fault);
	folder_close(&folder);
	return r;
}

/* --- Everything else */

/* Is a file with such a start a message (or an mbox), if it is one at all? */
static bool
begins_as_message(int fd)
{
	char start[128];
	ssize_t n = pread(fd, start, sizeof(start), 0);
	size_t i = 0;

	if (n > 5 && memcmp(start, "From ", 5) == 0)
		return true;
	while (n > 0 && i < (size_t)n &&
	       (g_ascii_isalnum(start[i]) || start[i] == '-'))
		i++;
	return n > 0 && i > 0 && i + 1 < (size_t)n && start[i] == ':' &&
	       (start[i + 1] == ' ' || start[i + 1] == '\t');
}

static void
look_into(struct verification *verification, const char *path, int fd)
{
	enum leftover_kind kind = leftover_kind_of(path);
	struct fault fault = {FAULT_NONE, ""};
	struct examined examined = {0};
	char *what = NULL;
	int r = examine_file(
	    fd, verification->limits, MESSAGE_OCTETS, &examined, &fault);

	if (r == 0 && examined.state == EXAMINED_UNKNOWN)
		add(verification, FINDING_UNCERTAIN, path, examined.why);
	else if (r == 0 && examined.state != EXAMINED_READABLE)
		r = 0; /* a sealed message somewhere: nothing to tell */
	else if (r == 0 && kind == LEFTOVER_OTHER && begins_as_message(fd))
		what = g_strdup("a message in clear");
	else if (r == 0)
		r = leftover_look(
		    fd, kind, verification->lexicon, &what, &fault);
	if (r == -1)
		add(verification, FINDING_UNCERTAIN, path, fault.text);
	else if (what != NULL)
		add(verification, FINDING_LEFTOVER, path, what);
	examined_clear(&examined);
	g_free(what);
}

static bool
is_arriving(const char *below, const struct stat *st)
{
	const char *last = strrchr(below, '/');

	return strcmp(last == NULL ? below : last + 1, "tmp") == 0 &&
	       time(NULL) - st->st_mtime < ARRIVING_SECONDS;
}

/* A directory, a file, or what is neither and holds nothing. */
static void
look_at_name(struct verification *verification, int directory,
    const char *below, const char *name, unsigned int depth)
{
	char *path = below[0] == '\0' ? g_strdup(name)
				      : g_build_filename(below, name, NULL);
	const char *why = NULL;
	struct stat st;
	int fd = -1, r = 1;

	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			add(verification, FINDING_UNCERTAIN, path,
			    g_strerror(errno));
	} else if (S_ISDIR(st.st_mode)) {
		fd = openat(directory, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd == -1 && errno != ENOENT)
			add(verification, FINDING_UNCERTAIN, path,
			    g_strerror(errno));
		else if (fd != -1)
			look_at_rest(verification, fd, path, depth + 1);
	} else if (S_ISLNK(st.st_mode)) {
		add(verification, FINDING_UNCERTAIN, path,
		    "is a symbolic link");
	} else if (S_ISREG(st.st_mode)) {
		r = open_file(directory, name, &fd, &st, &why);
		if (r == -1)
			add(verification, FINDING_UNCERTAIN, path, why);
		else if (r == 1 && !is_arriving(below, &st))
			look_into(verification, path, fd);
	}
	if (fd != -1)
		close(fd);
	g_free(path);
}

/* Is that directory cur/ or new/ of a folder? */
static bool
is_of_messages(const struct verification *verification, const char *below)
{
	const char *last = strrchr(below, '/');
	char *folder;
	bool is;

	last = last == NULL ? below : last + 1;
	if (strcmp(last, "cur") != 0 && strcmp(last, "new") != 0)
		return false;
	folder =
	    g_strndup(below, last == below ? 0 : (size_t)(last - below) - 1);
	is = g_hash_table_contains(verification->folders, folder);
	g_free(folder);
	return is;
}

/* All names below a directory but those of messages: files in cur/ and new/
 * whose names do not begin with a dot. */
static void
look_at_rest(struct verification *verification, int directory,
    const char *below, unsigned int depth)
{
	bool messages = is_of_messages(verification, below);
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 || depth > DEPTH ? NULL : fdopendir(fd);
	const struct dirent *entry = NULL;
	struct stat st;

	if (dir == NULL) {
		add(verification, FINDING_UNCERTAIN, below,
		    depth > DEPTH ? "is nested too deep" : g_strerror(errno));
		if (fd != -1)
			close(fd);
		return;
	}
	while (errno = 0, (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (messages && entry->d_name[0] != '.' &&
		    (fstatat(directory, entry->d_name, &st,
			 AT_SYMLINK_NOFOLLOW) != 0 ||
			S_ISREG(st.st_mode)))
			continue;
		look_at_name(
		    verification, directory, below, entry->d_name, depth);
	}
	if (errno != 0)
		add(verification, FINDING_UNCERTAIN, below, g_strerror(errno));
	closedir(dir);
}
