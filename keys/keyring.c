/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * keyring.c - which keys are in a GnuPG keyring, by address?
 *
 * In:    a GnuPG home: pubring.kbx (kbx/keybox-blob.c of GnuPG describes it)
 *        or pubring.gpg (plain packets).
 * Out:   an index from canonical address to fingerprints.
 * Never: writes, says that a key is good, or takes damage for "no key".
 */
#include <config.h>

#include "keys/keyring.h"

#include "keys/keyblock.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Limits; a keyring beyond them is not one that people look after. */
#define KEYRING_OCTETS ((off_t)1024 * 1024 * 1024)
#define BLOB_OCTETS (64U * 1024U * 1024U)

/* The keybox format. */
enum {
	BLOB_HEADER = 1,
	BLOB_OPENPGP = 2,
	BLOB_HEAD_OCTETS = 20, /* up to the first key */
	HEADER_FLAG_OPENPGP = 2,
	BLOB_FLAG_EPHEMERAL = 2, /* gpg does not look at these */
	CHECKSUM_OCTETS = 20,
};

struct keyring {
	char *path;
	GHashTable *by_address; /* -> GPtrArray of struct keyring_entry * */
};

static const char *const names[] = {
    "pubring.kbx", "pubring.gpg", "trustdb.gpg"};

static int choose_file(
    const char *home, char **pathp, bool *boxp, struct fault *fault);
static bool has_openpgp_flag(const char *path);
static int read_box(struct keyring *keyring, FILE *file, struct fault *fault);
static bool is_header(const GByteArray *blob);
static int read_blob(FILE *file, GByteArray *blob);
static int take_blob(struct keyring *keyring, const GByteArray *blob);
static bool has_good_checksum(const GByteArray *blob);
static int read_packets(
    struct keyring *keyring, FILE *file, struct fault *fault);
static int add_blocks(struct keyring *keyring, const void *octets, size_t len);
static void add(struct keyring *keyring, const struct keyblock *block);
static void free_entry(void *entry);
static uint32_t be32(const unsigned char *octets);

int
keyring_stamp(
    const char *home, struct keyring_stamp *stamp, struct fault *fault)
{
	struct stat st;
	size_t i;
	char *path;

	memset(stamp, 0, sizeof(*stamp));
	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		path = g_build_filename(home, names[i], NULL);
		if (stat(path, &st) == 0) {
			stamp->files[i].there = true;
			stamp->files[i].device = st.st_dev;
			stamp->files[i].inode = st.st_ino;
			stamp->files[i].size = st.st_size;
			stamp->files[i].modified = st.st_mtim;
		} else if (errno != ENOENT) {
			fault_set(fault, FAULT_TEMP, "%s: %s", path,
			    g_strerror(errno));
			g_free(path);
			return -1;
		}
		g_free(path);
	}
	if (stamp->files[0].there || stamp->files[1].there)
		return 0;
	/* GnuPG 2.4 may keep the keys in a data base of its keyboxd. */
	fault_set(fault, FAULT_TEMP, "there is no pubring.kbx in %s", home);
	return -1;
}

bool
keyring_same(const struct keyring_stamp *a, const struct keyring_stamp *b)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(a->files); i++) {
		if (a->files[i].there != b->files[i].there ||
		    a->files[i].device != b->files[i].device ||
		    a->files[i].inode != b->files[i].inode ||
		    a->files[i].size != b->files[i].size ||
		    a->files[i].modified.tv_sec !=
			b->files[i].modified.tv_sec ||
		    a->files[i].modified.tv_nsec !=
			b->files[i].modified.tv_nsec)
			return false;
	}
	return true;
}

int
keyring_read(const char *home, struct keyring **keyringp, struct fault *fault)
{
	struct keyring *keyring = g_new0(struct keyring, 1);
	FILE *file = NULL;
	struct stat st;
	int ret = -1;
	bool box;

	keyring->by_address = g_hash_table_new_full(
	    g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	if (choose_file(home, &keyring->path, &box, fault) != 0)
		goto out;
	file = fopen(keyring->path, "rbe");
	if (file == NULL || fstat(fileno(file), &st) != 0) {
		fault_set(fault, FAULT_TEMP, "%s: %s", keyring->path,
		    g_strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > KEYRING_OCTETS) {
		fault_set(fault, FAULT_TEMP, "%s: not a keyring, or too large",
		    keyring->path);
		goto out;
	}
	if ((box ? read_box : read_packets)(keyring, file, fault) != 0)
		goto out;
	*keyringp = g_steal_pointer(&keyring);
	ret = 0;
out:
	if (file != NULL)
		(void)fclose(file);
	keyring_free(&keyring);
	return ret;
}

void
keyring_free(struct keyring **keyringp)
{
	struct keyring *keyring = g_steal_pointer(keyringp);

	if (keyring == NULL)
		return;
	g_free(keyring->path);
	g_hash_table_unref(keyring->by_address);
	g_free(keyring);
}

const char *
keyring_path(const struct keyring *keyring)
{
	return keyring->path;
}

const GPtrArray *
keyring_find(const struct keyring *keyring, const char *address)
{
	return g_hash_table_lookup(keyring->by_address, address);
}

/* The one that gpg would use: see keydb_add_resource() there. */
static int
choose_file(const char *home, char **pathp, bool *boxp, struct fault *fault)
{
	char *kbx = g_build_filename(home, names[0], NULL);
	char *gpg = g_build_filename(home, names[1], NULL);
	struct keyring_stamp stamp;
	int ret = -1;

	if (keyring_stamp(home, &stamp, fault) != 0)
		goto out;
	*boxp = stamp.files[0].there &&
		(!stamp.files[1].there || has_openpgp_flag(kbx));
	*pathp = *boxp ? g_steal_pointer(&kbx) : g_steal_pointer(&gpg);
	ret = 0;
out:
	g_free(kbx);
	g_free(gpg);
	return ret;
}

static bool
has_openpgp_flag(const char *path)
{
	FILE *file = fopen(path, "rbe");
	GByteArray *blob = g_byte_array_new();
	bool has = true; /* if in doubt, read it and fail there */

	if (file != NULL && read_blob(file, blob) == 1 && blob->len > 8)
		has = (blob->data[7] & HEADER_FLAG_OPENPGP) != 0;
	g_byte_array_unref(blob);
	if (file != NULL)
		(void)fclose(file);
	return has;
}

static int
read_box(struct keyring *keyring, FILE *file, struct fault *fault)
{
	GByteArray *blob = g_byte_array_new();
	unsigned int blobs = 0;
	int r;

	while ((r = read_blob(file, blob)) == 1) {
		if ((blobs++ == 0 && !is_header(blob)) ||
		    take_blob(keyring, blob) != 0) {
			r = -1;
			break;
		}
	}
	if (r == -1)
		fault_set(fault, FAULT_TEMP, "%s is damaged (blob %u)",
		    keyring->path, blobs);
	g_byte_array_unref(blob);
	return r;
}

static bool
is_header(const GByteArray *blob)
{
	return blob->len >= 12 && blob->data[4] == BLOB_HEADER &&
	       memcmp(blob->data + 8, "KBXf", 4) == 0;
}

/* 1: the next blob, of at least 5 octets; 0: the end; -1: damaged. */
static int
read_blob(FILE *file, GByteArray *blob)
{
	unsigned char head[4];
	uint32_t len;
	size_t n;

	n = fread(head, 1, sizeof(head), file);
	if (n == 0 && feof(file))
		return 0;
	if (n != sizeof(head))
		return -1;
	len = be32(head);
	if (len < 5 || len > BLOB_OCTETS)
		return -1;
	g_byte_array_set_size(blob, len);
	memcpy(blob->data, head, sizeof(head));
	n = fread(blob->data + sizeof(head), 1, len - sizeof(head), file);
	return n == len - sizeof(head) ? 1 : -1;
}

static int
take_blob(struct keyring *keyring, const GByteArray *blob)
{
	uint32_t at, len;

	if (blob->data[4] != BLOB_OPENPGP)
		return 0;
	if (blob->len < BLOB_HEAD_OCTETS + CHECKSUM_OCTETS)
		return -1;
	if ((blob->data[7] & BLOB_FLAG_EPHEMERAL) != 0)
		return 0;
	at = be32(blob->data + 8);
	len = be32(blob->data + 12);
	if (at > blob->len || len > blob->len - at || !has_good_checksum(blob))
		return -1;
	return add_blocks(keyring, blob->data + at, len);
}

/* gpg writes it and never looks at it, so that damage goes unnoticed. */
static bool
has_good_checksum(const GByteArray *blob)
{
	static const unsigned char old_style[4];
	gsize body = blob->len - CHECKSUM_OCTETS, len = CHECKSUM_OCTETS;
	unsigned char sum[CHECKSUM_OCTETS];
	GChecksum *checksum;
	bool good;

	/* Before 2.1 it was MD5 behind four zeros. */
	if (memcmp(blob->data + body, old_style, sizeof(old_style)) == 0)
		return true;
	checksum = g_checksum_new(G_CHECKSUM_SHA1);
	g_checksum_update(checksum, blob->data, (gssize)body);
	g_checksum_get_digest(checksum, sum, &len);
	good = memcmp(blob->data + body, sum, sizeof(sum)) == 0;
	g_checksum_free(checksum);
	return good;
}

static int
read_packets(struct keyring *keyring, FILE *file, struct fault *fault)
{
	GByteArray *octets = g_byte_array_new();
	unsigned char buffer[16384];
	size_t n;
	int r = 0;

	while ((n = fread(buffer, 1, sizeof(buffer), file)) > 0)
		g_byte_array_append(octets, buffer, (guint)n);
	if (ferror(file) ||
	    add_blocks(keyring, octets->data, octets->len) != 0) {
		fault_set(fault, FAULT_TEMP, "%s is damaged", keyring->path);
		r = -1;
	}
	g_byte_array_unref(octets);
	return r;
}

static int
add_blocks(struct keyring *keyring, const void *octets, size_t len)
{
	GPtrArray *blocks = NULL;
	guint i;

	if (keyblock_split(octets, len, &blocks, NULL) != 0)
		return -1;
	for (i = 0; i < blocks->len; i++)
		add(keyring, g_ptr_array_index(blocks, i));
	g_ptr_array_unref(blocks);
	return 0;
}

static void
add(struct keyring *keyring, const struct keyblock *block)
{
	struct keyring_entry *entry;
	const char *address;
	GPtrArray *entries;
	guint i;

	for (i = 0; i < block->addresses->len; i++) {
		address = g_ptr_array_index(block->addresses, i);
		entries = g_hash_table_lookup(keyring->by_address, address);
		if (entries == NULL) {
			entries = g_ptr_array_new_with_free_func(free_entry);
			g_hash_table_insert(
			    keyring->by_address, g_strdup(address), entries);
		}
		entry = entries->len == 0
			    ? NULL
			    : g_ptr_array_index(entries, entries->len - 1);
		/* Two user IDs of one key may have the same address. */
		if (entry != NULL && entry->fingerprint != NULL &&
		    g_strcmp0(entry->fingerprint, block->fingerprint) == 0)
			continue;
		entry = g_new0(struct keyring_entry, 1);
		entry->fingerprint = g_strdup(block->fingerprint);
		entry->version = block->version;
		g_ptr_array_add(entries, entry);
	}
}

static void
free_entry(void *data)
{
	struct keyring_entry *entry = data;

	g_free(entry->fingerprint);
	g_free(entry);
}

static uint32_t
be32(const unsigned char *octets)
{
	return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 |
	       (uint32_t)octets[2] << 8 | octets[3];
}
