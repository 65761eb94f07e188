/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * examine.c - can a stored message be read without a key?
 *
 * In:    a message, or the file of one.
 * Out:   whether it is sealed, how, to whom, and what stands around it.
 * Never: believes what a message says of itself, or opens it.
 */
#include <config.h>

#include "mailbox/examine.h"

#include "seal/form.h"
#include "seal/protect.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void read_claim(
    const struct message *message, struct examined *examined);
static bool says_sealed(const struct message *message);
static bool shows_subject(const struct message *message);
static int look_at_head(
    int fd, uint64_t size, struct examined *examined, struct fault *fault);

int
examine_message(const struct message *message, struct examined *examined,
    struct fault *fault)
{
	struct examined found = {0};
	int r = message_sealing(message, &found.already, fault);

	if (r == -1) {
		examined_clear(&found);
		return -1;
	}
	if (r == 1) {
		found.state = EXAMINED_SEALED;
		read_claim(message, &found);
	} else if (found.already.damaged) {
		found.state = EXAMINED_DAMAGED;
		found.why = "its ciphertext is cut short or damaged";
		read_claim(message, &found);
	} else {
		already_clear(&found.already);
		found.state = EXAMINED_READABLE;
		found.why = says_sealed(message)
				? "it says that it is sealed, and it is not"
				: "it is not sealed";
	}
	found.subject_shown = shows_subject(message);
	*examined = found;
	return 0;
}

void
examined_clear(struct examined *examined)
{
	already_clear(&examined->already);
	g_clear_pointer(&examined->claimed, g_strfreev);
}

/* --- What it says of itself */

/* A parameter of "form=openpgp; key=A,B; at=rest", or NULL; a new string
 * without blanks. */
static char *
claim_get(char *const *parameters, const char *name)
{
	size_t len = strlen(name);
	char *value, *from, *to;

	for (; *parameters != NULL; parameters++) {
		g_strstrip(*parameters);
		if (g_ascii_strncasecmp(*parameters, name, len) != 0 ||
		    (*parameters)[len] != '=')
			continue;
		value = g_strdup(*parameters + len + 1);
		for (from = to = value; *from != '\0'; from++)
			if (!g_ascii_isspace(*from))
				*to++ = *from;
		*to = '\0';
		return value;
	}
	return NULL;
}

/* Believed only where it goes with what was found: the form, and no more
 * keys than the ciphertext has readers. */
static void
read_claim(const struct message *message, struct examined *examined)
{
	const struct field *field = message_field(message, SEALED_FIELD, 0);
	char *value, **parameters, *form, *at, *key;

	if (field == NULL || message_field(message, SEALED_FIELD, 1) != NULL)
		return;
	value = field_unfold(field->value);
	parameters = g_strsplit(value, ";", 16);
	form = claim_get(parameters, "form");
	at = claim_get(parameters, "at");
	key = claim_get(parameters, "key");
	if (key != NULL)
		examined->claimed = g_strsplit(key, ",", 0);
	if (form == NULL || at == NULL ||
	    strcmp(form, form_name(examined->already.form)) != 0 ||
	    (key != NULL && (examined->already.readers == NULL ||
				g_strv_length(examined->claimed) >
				    examined->already.readers->len)))
		g_clear_pointer(&examined->claimed, g_strfreev);
	else if (strcmp(at, "rest") == 0)
		examined->by = EXAMINED_BY_US_REST;
	else if (strcmp(at, "transit") == 0)
		examined->by = EXAMINED_BY_US_TRANSIT;
	g_free(key);
	g_free(at);
	g_free(form);
	g_strfreev(parameters);
	g_free(value);
}

/* Would a reader of its header think that it is sealed? */
static bool
says_sealed(const struct message *message)
{
	const struct field *field = message_field(message, "Content-Type", 0);
	char *value;
	bool says;

	if (message_field(message, SEALED_FIELD, 0) != NULL)
		return true;
	value = field == NULL ? g_strdup("") : field_unfold(field->value);
	says = strcasestr(value, "multipart/encrypted") != NULL ||
	       strcasestr(value, "enveloped-data") != NULL;
	g_free(value);
	return says;
}

/* What programs put there when they hide it: RFC 9788 section 3.1.1, and
 * what was before it. */
static bool
shows_subject(const struct message *message)
{
	static const char *const nothing[] = {
	    "", "[...]", "...", "Encrypted Message"};
	const struct field *field = message_field(message, "Subject", 0);
	char *value = field == NULL ? g_strdup("") : field_unfold(field->value);
	bool shows = true;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(nothing); i++)
		if (strcmp(value, nothing[i]) == 0)
			shows = message_field(message, "Subject", 1) != NULL;
	OPENSSL_cleanse(value, strlen(value));
	g_free(value);
	return shows;
}

/* --- Files */

int
examine_file(int fd, const struct spool_limits *limits, uint64_t octets,
    struct examined *examined, struct fault *fault)
{
	struct examined found = {0};
	struct message *message = NULL;
	struct stat st;
	int r;

	if (fstat(fd, &st) != 0) {
		fault_set(fault, FAULT_TEMP, "reading the message: %s",
		    g_strerror(errno));
		return -1;
	}
	r = look_at_head(fd, (uint64_t)st.st_size, &found, fault);
	if (r == 0 && (uint64_t)st.st_size > octets) {
		found.state = EXAMINED_UNKNOWN;
		found.why = "it is too large to be looked at";
		r = 1;
	}
	if (r != 0) {
		if (r == 1)
			*examined = found;
		return r == 1 ? 0 : -1;
	}
	message = message_make(limits);
	if (lseek(fd, 0, SEEK_SET) != 0) {
		fault_set(fault, FAULT_TEMP, "reading the message: %s",
		    g_strerror(errno));
		r = -1;
	} else if ((r = message_read(message, fd, octets, fault)) == 0) {
		r = examine_message(message, examined, fault);
	}
	message_free(&message);
	return r;
}

/* How files begin that hold a message in another way; Dovecot's plug-ins. */
static const struct {
	const char *octets;
	size_t len;
	const char *why;
} foreign[] = {
    {"\x1f\x8b", 2, "it is compressed (gzip)"},
    {"\x28\xb5\x2f\xfd", 4, "it is compressed (zstd)"},
    {"\xfd"
     "7zXZ",
	6, "it is compressed (xz)"},
    {"BZh", 3, "it is compressed (bzip2)"},
    {"Dovecot-LZ4\x0d", 12, "it is compressed (lz4)"},
    {"CRYPT"
     "ED\x03\x07",
	9, "it is encrypted by Dovecot's mail_crypt"},
};

static const char *
foreign_why(const char *start, size_t len)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(foreign); i++)
		if (len >= foreign[i].len &&
		    memcmp(start, foreign[i].octets, foreign[i].len) == 0)
			return foreign[i].why;
	return NULL;
}

/* Octets that were looked at, up to the blank line. */
struct head {
	size_t line; /* octets of this line so far, without CR */
	bool nul;
	bool over;
};

static void
head_feed(struct head *head, const char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len && !head->over; i++) {
		head->nul |= data[i] == '\0';
		if (data[i] == '\n') {
			head->over = head->line == 0;
			head->line = 0;
		} else if (data[i] != '\r') {
			head->line++;
		}
	}
}

/* 1: *found is all that can be said.  0: it can be read as a message, in
 * bounded memory.  -1. */
static int
look_at_head(int fd, uint64_t size, struct examined *found, struct fault *fault)
{
	struct head head = {0};
	char piece[16384];
	uint64_t offset = 0;
	ssize_t n;

	while (!head.over && !head.nul && offset < size &&
	       offset < EXAMINE_HEADER_OCTETS) {
		n = pread(fd, piece, sizeof(piece), (off_t)offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			fault_set(fault, FAULT_TEMP, "reading the message: %s",
			    g_strerror(errno));
			return -1;
		}
		if (n == 0)
			break;
		if (offset == 0 &&
		    (found->why = foreign_why(piece, (size_t)n)) != NULL) {
			found->state = EXAMINED_UNKNOWN;
			return 1;
		}
		head_feed(&head, piece, (size_t)n);
		offset += (uint64_t)n;
	}
	OPENSSL_cleanse(piece, sizeof(piece));
	found->state = EXAMINED_READABLE;
	if (head.nul)
		found->why = "its header has a NUL in it";
	else if (!head.over && offset >= EXAMINE_HEADER_OCTETS)
		found->why = "its header does not end";
	return found->why != NULL;
}
