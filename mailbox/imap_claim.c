/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * imap_claim.c - which message was stored in the place of which?
 *
 * In:    a key of this host; folders, UIDs, sealed bodies.
 * Out:   a field, and whether one is genuine.
 * Never: tells anything of the message that was replaced but its UID.
 */
#include <config.h>

#include "mailbox/imap_claim.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE "imap.key"

static int make_key(int directory, struct fault *fault);

int
imap_claim_key(
    const char *state, struct imap_claim_key *key, struct fault *fault)
{
	int directory = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = -1, ret = -1;
	struct stat st;

	if (directory == -1) {
		fault_set(
		    fault, FAULT_TEMP, "%s: %s", state, g_strerror(errno));
		return -1;
	}
	fd = openat(directory, KEY_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT) {
		if (make_key(directory, fault) != 0)
			goto out;
		fd = openat(
		    directory, KEY_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd == -1 || fstat(fd, &st) != 0) {
		fault_set(fault, FAULT_TEMP, "%s/%s: %s", state, KEY_FILE,
		    g_strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 ||
	    read(fd, key->octets, sizeof(key->octets)) !=
		(ssize_t)sizeof(key->octets)) {
		fault_set(fault, FAULT_PERM,
		    "%s/%s is no key, or others may read it: remove it when no"
		    " mailbox is half converted",
		    state, KEY_FILE);
		goto out;
	}
	ret = 0;
out:
	if (fd != -1)
		(void)close(fd);
	(void)close(directory);
	return ret;
}

/* On the disk under its name before it is used.  0 also if another was
 * faster. */
static int
make_key(int directory, struct fault *fault)
{
	struct imap_claim_key key;
	char name[64];
	int fd, ret = -1;

	(void)g_snprintf(
	    name, sizeof(name), KEY_FILE ".%" PRIdMAX, (intmax_t)getpid());
	fd = openat(directory, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1 || RAND_bytes(key.octets, sizeof(key.octets)) != 1 ||
	    write(fd, key.octets, sizeof(key.octets)) !=
		(ssize_t)sizeof(key.octets) ||
	    fsync(fd) != 0)
		goto out;
	if (linkat(directory, name, directory, KEY_FILE, 0) == 0 ||
	    errno == EEXIST)
		ret = fsync(directory);
out:
	if (ret != 0)
		fault_set(fault, FAULT_TEMP,
		    "making %s in the state directory:"
		    " %s",
		    KEY_FILE, g_strerror(errno));
	if (fd != -1) {
		(void)close(fd);
		(void)unlinkat(directory, name, 0);
	}
	OPENSSL_cleanse(&key, sizeof(key));
	return ret;
}

static int
digest(const struct spool *body, GHmac *hmac, struct fault *fault)
{
	struct spool_reader *reader = spool_reader_make(body);
	const unsigned char *data;
	size_t len;
	int r;

	while ((r = spool_reader_next(reader, &data, &len, fault)) == 1)
		g_hmac_update(hmac, data, (gssize)len);
	spool_reader_free(&reader);
	return r;
}

int
imap_claim_make(const struct imap_claim_key *key,
    const struct imap_place *place, uint32_t uid, const struct spool *body,
    char **valuep, struct fault *fault)
{
	GHmac *hmac =
	    g_hmac_new(G_CHECKSUM_SHA256, key->octets, sizeof(key->octets));
	char *named =
	    g_strdup_printf("%" PRIu32 "/%" PRIu32, place->validity, uid);
	int r;

	/* Each with its NUL, so that none can end in the next. */
	g_hmac_update(hmac, (const guchar *)place->account,
	    (gssize)strlen(place->account) + 1);
	g_hmac_update(hmac, (const guchar *)place->folder,
	    (gssize)strlen(place->folder) + 1);
	g_hmac_update(hmac, (const guchar *)named, (gssize)strlen(named) + 1);
	r = digest(body, hmac, fault);
	if (r == 0)
		*valuep = g_strdup_printf(
		    "uid=%s; mac=%s", named, g_hmac_get_string(hmac));
	g_hmac_unref(hmac);
	g_free(named);
	return r;
}

uint32_t
imap_claim_uid(const char *value, const struct imap_place *place)
{
	guint64 validity, uid;
	char *end;

	if (!g_str_has_prefix(value, "uid="))
		return 0;
	validity = g_ascii_strtoull(value + strlen("uid="), &end, 10);
	if (*end != '/' || validity != place->validity)
		return 0;
	uid = g_ascii_strtoull(end + 1, &end, 10);
	return *end == ';' && uid <= UINT32_MAX ? (uint32_t)uid : 0;
}

int
imap_claim_check(const struct imap_claim_key *key,
    const struct imap_place *place, uint32_t uid, const struct message *message,
    struct fault *fault)
{
	const struct field *field = message_field(message, IMAP_CLAIM_FIELD, 0);
	char *said, *wanted;
	int r;

	if (field == NULL)
		return 0;
	if (imap_claim_make(key, place, uid, message->body, &wanted, fault) !=
	    0)
		return -1;
	said = field_unfold(field->value);
	r = strlen(said) == strlen(wanted) &&
	    CRYPTO_memcmp(said, wanted, strlen(wanted)) == 0;
	g_free(said);
	g_free(wanted);
	return r;
}
