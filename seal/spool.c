/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * spool.c - keep a message of any size in bounded memory.
 *
 * In:    octets, appended.
 * Out:   the same octets, read from the start as often as one likes, and their
 *        digest.
 * Never: clear text on disk, or a file that has a name.
 */
#include <config.h>

#include "seal/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_OCTETS ((size_t)61440) /* under the 65535 of a milter packet */
#define FIRST_BLOCK_OCTETS ((size_t)8192) /* most messages are small */
#define TAG_OCTETS 16
#define RECORD_OCTETS (BLOCK_OCTETS + TAG_OCTETS)

/* data is NULL once the block is in the file, as record number `record`. */
struct block {
	unsigned char *data;
	size_t size;
	size_t len;
	uint64_t record;
};

struct spool {
	char *directory;
	size_t memory_octets;
	bool secret;
	GArray *blocks; /* of struct block; the last one is being filled */
	size_t in_memory;
	uint64_t size;
	uint64_t records;
	int fd;
	unsigned char key[32];
	unsigned char *buffer; /* for one record on its way to the file */
};

struct spool_reader {
	const struct spool *spool;
	guint block;
	const unsigned char *data; /* what spool_reader_read has not used */
	size_t len;
	unsigned char *buffer;
};

static gsize total_in_memory; /* of all spools, atomic */

static struct block *block_to_fill(struct spool *spool, struct fault *fault);
static int block_spill(
    struct spool *spool, struct block *block, struct fault *fault);
static int file_open(struct spool *spool, struct fault *fault);
static int record_crypt(const struct spool *spool, uint64_t record,
    bool encrypt, unsigned char *data, size_t len, unsigned char *tag);
static int write_all(
    int fd, const unsigned char *data, size_t len, off_t offset);
static int read_all(int fd, unsigned char *data, size_t len, off_t offset);

struct spool *
spool_make(const struct spool_limits *limits, bool secret)
{
	struct spool *spool = g_new0(struct spool, 1);

	spool->directory = g_strdup(limits->directory);
	spool->memory_octets = limits->memory_octets;
	spool->secret = secret;
	spool->blocks = g_array_new(FALSE, TRUE, sizeof(struct block));
	spool->fd = -1;
	return spool;
}

static void
block_free(struct spool *spool, struct block *block)
{
	if (block->data == NULL)
		return;
	if (spool->secret)
		OPENSSL_cleanse(block->data, block->len);
	g_free(block->data);
	block->data = NULL;
	spool->in_memory -= block->size;
	__atomic_sub_fetch(&total_in_memory, block->size, __ATOMIC_RELAXED);
}

void
spool_free(struct spool **spoolp)
{
	struct spool *spool = *spoolp;
	guint i;

	if (spool == NULL)
		return;
	for (i = 0; i < spool->blocks->len; i++)
		block_free(
		    spool, &g_array_index(spool->blocks, struct block, i));
	g_array_free(spool->blocks, TRUE);
	if (spool->fd != -1)
		close(spool->fd);
	if (spool->buffer != NULL)
		OPENSSL_cleanse(spool->buffer, RECORD_OCTETS);
	g_free(spool->buffer);
	OPENSSL_cleanse(spool->key, sizeof(spool->key));
	g_free(spool->directory);
	g_free(spool);
	*spoolp = NULL;
}

uint64_t
spool_size(const struct spool *spool)
{
	return spool->size;
}

int
spool_append(
    struct spool *spool, const void *data, size_t len, struct fault *fault)
{
	const unsigned char *octets = data;
	struct block *block;
	size_t n;

	while (len > 0) {
		if ((block = block_to_fill(spool, fault)) == NULL)
			return -1;
		n = MIN(len, block->size - block->len);
		memcpy(block->data + block->len, octets, n);
		block->len += n;
		spool->size += n;
		octets += n;
		len -= n;
	}
	return 0;
}

/* The last block if it has room; else a new one, the old one spilled when
 * memory is used up. */
static struct block *
block_to_fill(struct spool *spool, struct fault *fault)
{
	struct block fresh = {NULL, BLOCK_OCTETS, 0, 0}, *last = NULL;

	if (spool->blocks->len > 0) {
		last = &g_array_index(
		    spool->blocks, struct block, spool->blocks->len - 1);
		if (last->len < last->size)
			return last;
	} else
		fresh.size = FIRST_BLOCK_OCTETS;
	if (last != NULL && (spool->in_memory >= spool->memory_octets ||
				__atomic_load_n(&total_in_memory,
				    __ATOMIC_RELAXED) > SPOOL_TOTAL_OCTETS)) {
		if (block_spill(spool, last, fault) != 0)
			return NULL;
	}
	fresh.data = g_malloc(fresh.size);
	spool->in_memory += fresh.size;
	__atomic_add_fetch(&total_in_memory, fresh.size, __ATOMIC_RELAXED);
	g_array_append_val(spool->blocks, fresh);
	return &g_array_index(
	    spool->blocks, struct block, spool->blocks->len - 1);
}

static int
block_spill(struct spool *spool, struct block *block, struct fault *fault)
{
	size_t len = block->len;
	uint64_t record = spool->records;

	if (spool->fd == -1 && file_open(spool, fault) != 0)
		return -1;
	memcpy(spool->buffer, block->data, len);
	if (spool->secret) {
		if (record_crypt(spool, record, true, spool->buffer, len,
			spool->buffer + len) != 0) {
			fault_set(
			    fault, FAULT_TEMP, "encrypting the spool failed");
			return -1;
		}
		len += TAG_OCTETS;
	}
	if (write_all(spool->fd, spool->buffer, len,
		(off_t)(record * RECORD_OCTETS)) != 0) {
		fault_set(fault, FAULT_TEMP, "writing the spool in %s: %s",
		    spool->directory, g_strerror(errno));
		return -1;
	}
	block_free(spool, block);
	block->record = record;
	spool->records++;
	return 0;
}

static int
file_open(struct spool *spool, struct fault *fault)
{
	char *path;

	spool->fd = open(
	    spool->directory, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
	if (spool->fd == -1 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		path = g_build_filename(spool->directory, "spool.XXXXXX", NULL);
		spool->fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
		if (spool->fd != -1)
			unlink(path);
		g_free(path);
	}
	if (spool->fd == -1) {
		fault_set(fault, FAULT_TEMP, "making a spool file in %s: %s",
		    spool->directory, g_strerror(errno));
		return -1;
	}
	if (spool->secret && getentropy(spool->key, sizeof(spool->key)) != 0) {
		/* Nobody may write under a key that is none. */
		close(spool->fd);
		spool->fd = -1;
		fault_set(fault, FAULT_TEMP, "no random octets for the spool");
		return -1;
	}
	spool->buffer = g_malloc(RECORD_OCTETS);
	return 0;
}

/* In place; tag is written when encrypting, verified when decrypting. */
static int
record_crypt(const struct spool *spool, uint64_t record, bool encrypt,
    unsigned char *data, size_t len, unsigned char *tag)
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	unsigned char nonce[12] = {0};
	int n, ret = -1;

	memcpy(nonce, &record, sizeof(record));
	if (cipher == NULL || EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL,
				  spool->key, nonce, encrypt) != 1)
		goto out;
	if (!encrypt && EVP_CIPHER_CTX_ctrl(
			    cipher, EVP_CTRL_GCM_SET_TAG, TAG_OCTETS, tag) != 1)
		goto out;
	if (EVP_CipherUpdate(cipher, data, &n, data, (int)len) != 1 ||
	    EVP_CipherFinal_ex(cipher, data + n, &n) != 1)
		goto out;
	if (encrypt && EVP_CIPHER_CTX_ctrl(
			   cipher, EVP_CTRL_GCM_GET_TAG, TAG_OCTETS, tag) != 1)
		goto out;
	ret = 0;
out:
	EVP_CIPHER_CTX_free(cipher);
	return ret;
}

static int
write_all(int fd, const unsigned char *data, size_t len, off_t offset)
{
	ssize_t n;

	while (len > 0) {
		n = pwrite(fd, data, len, offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
		offset += n;
	}
	return 0;
}

static int
read_all(int fd, unsigned char *data, size_t len, off_t offset)
{
	ssize_t n;

	while (len > 0) {
		n = pread(fd, data, len, offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
		offset += n;
	}
	return 0;
}

/* --- Reading */

struct spool_reader *
spool_reader_make(const struct spool *spool)
{
	struct spool_reader *reader = g_new0(struct spool_reader, 1);

	reader->spool = spool;
	return reader;
}

void
spool_reader_free(struct spool_reader **readerp)
{
	struct spool_reader *reader = *readerp;

	if (reader == NULL)
		return;
	if (reader->buffer != NULL)
		OPENSSL_cleanse(reader->buffer, RECORD_OCTETS);
	g_free(reader->buffer);
	g_free(reader);
	*readerp = NULL;
}

int
spool_reader_next(struct spool_reader *reader, const unsigned char **datap,
    size_t *lenp, struct fault *fault)
{
	const struct spool *spool = reader->spool;
	const struct block *block;
	size_t len;

	if (reader->block >= spool->blocks->len)
		return 0;
	block = &g_array_index(spool->blocks, struct block, reader->block);
	reader->block++;
	*lenp = block->len;
	if (block->data != NULL) {
		*datap = block->data;
		return 1;
	}
	if (reader->buffer == NULL)
		reader->buffer = g_malloc(RECORD_OCTETS);
	len = block->len + (spool->secret ? TAG_OCTETS : 0);
	if (read_all(spool->fd, reader->buffer, len,
		(off_t)(block->record * RECORD_OCTETS)) != 0 ||
	    (spool->secret &&
		record_crypt(spool, block->record, false, reader->buffer,
		    block->len, reader->buffer + block->len) != 0)) {
		fault_set(fault, FAULT_TEMP, "reading the spool in %s failed",
		    spool->directory);
		return -1;
	}
	*datap = reader->buffer;
	return 1;
}

ssize_t
spool_reader_read(
    struct spool_reader *reader, void *buffer, size_t size, struct fault *fault)
{
	size_t n;
	int r;

	if (reader->len == 0) {
		r = spool_reader_next(
		    reader, &reader->data, &reader->len, fault);
		if (r != 1)
			return r;
	}
	n = MIN(size, reader->len);
	memcpy(buffer, reader->data, n);
	reader->data += n;
	reader->len -= n;
	return (ssize_t)n;
}

int
spool_digest(const void *before, size_t before_len, const struct spool *spool,
    unsigned char digest[SPOOL_DIGEST_OCTETS], struct fault *fault)
{
	struct spool_reader *reader = spool_reader_make(spool);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char made[EVP_MAX_MD_SIZE];
	const unsigned char *data;
	size_t len;
	int r, ret = -1;

	if (context == NULL ||
	    EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1 ||
	    (before_len > 0 &&
		EVP_DigestUpdate(context, before, before_len) != 1))
		goto broken;
	while ((r = spool_reader_next(reader, &data, &len, fault)) == 1)
		if (EVP_DigestUpdate(context, data, len) != 1)
			goto broken;
	if (r != 0)
		goto out;
	if (EVP_DigestFinal_ex(context, made, NULL) != 1)
		goto broken;
	memcpy(digest, made, SPOOL_DIGEST_OCTETS);
	ret = 0;
	goto out;
broken:
	fault_set(fault, FAULT_TEMP, "OpenSSL made no SHA-256 of a message");
out:
	EVP_MD_CTX_free(context);
	spool_reader_free(&reader);
	return ret;
}
