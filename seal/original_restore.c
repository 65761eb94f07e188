/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * original_restore.c - the file of a message again, from what was sealed.
 *
 * In:    a payload with ORIGINAL_FIELD in its header.
 * Out:   the octets of the file.
 * Never: says that it is done if one of them is another.
 */
#include <config.h>

#include "seal/original_private.h"

#include "seal/protect.h"

#include <openssl/crypto.h>
#include <string.h>

#define HEADER_OCTETS ((gsize)128 << 20)

struct restoring {
	const struct told *told;
	int (*write)(
	    void *context, const void *data, size_t len, struct fault *fault);
	void *context;
	GChecksum *digest;
	uint64_t skip;  /* octets before the body */
	uint64_t body;  /* of it that are still to come */
	guint cut;      /* the next pair of told->cuts */
	uint64_t until; /* octets before it */
	uint64_t cutting;
	bool cr; /* held back: what follows decides */
	guint run;
	uint64_t lines; /* of that run that are still to come */
};

static int
put(struct restoring *restoring, const void *data, size_t len,
    struct fault *fault)
{
	g_checksum_update(restoring->digest, data, (gssize)len);
	return restoring->write(restoring->context, data, len, fault);
}

/* Does the next line end in LF? */
static bool
next_is_bare(struct restoring *restoring)
{
	const GArray *runs = restoring->told->runs;

	while (restoring->lines == 0 && restoring->run < runs->len)
		restoring->lines =
		    g_array_index(runs, uint64_t, restoring->run++);
	if (restoring->lines == 0)
		return false; /* the digest will tell */
	restoring->lines--;
	return restoring->run % 2 == 1;
}

/* Octets of the body as it was, but for its line ends. */
static int
put_lines(struct restoring *restoring, const unsigned char *data, size_t len,
    struct fault *fault)
{
	const unsigned char *end = data + len, *start = data, *cr;

	if (len > 0 && restoring->cr) {
		restoring->cr = false;
		if ((*data != '\n' || !next_is_bare(restoring)) &&
		    put(restoring, "\r", 1, fault) != 0)
			return -1;
	}
	while ((cr = memchr(data, '\r', (size_t)(end - data))) != NULL) {
		data = cr + 1;
		restoring->cr = data == end;
		if (restoring->cr ||
		    (*data == '\n' && next_is_bare(restoring))) {
			if (put(restoring, start, (size_t)(cr - start),
				fault) != 0)
				return -1;
			start = data;
		}
	}
	return put(restoring, start, (size_t)(end - start), fault);
}

static void
next_cut(struct restoring *restoring)
{
	const GArray *cuts = restoring->told->cuts;

	restoring->until = G_MAXUINT64;
	restoring->cutting = 0;
	if (restoring->cut + 1 >= cuts->len)
		return;
	restoring->until = g_array_index(cuts, uint64_t, restoring->cut);
	restoring->cutting = g_array_index(cuts, uint64_t, restoring->cut + 1);
	restoring->cut += 2;
}

/* Octets of the body as it was sealed: without what was put into it. */
static int
put_body(struct restoring *restoring, const unsigned char *data, size_t len,
    struct fault *fault)
{
	size_t n;

	len = (size_t)MIN(len, restoring->body);
	restoring->body -= len;
	while (len > 0) {
		if (restoring->until == 0) {
			n = (size_t)MIN(len, restoring->cutting);
			restoring->cutting -= n;
			if (restoring->cutting == 0)
				next_cut(restoring);
		} else {
			n = (size_t)MIN(len, restoring->until);
			if (restoring->until != G_MAXUINT64)
				restoring->until -= n;
			if (put_lines(restoring, data, n, fault) != 0)
				return -1;
		}
		data += n;
		len -= n;
	}
	return 0;
}

static int
put_payload(struct restoring *restoring, const struct spool *payload,
    struct fault *fault)
{
	struct spool_reader *reader = spool_reader_make(payload);
	const unsigned char *data;
	size_t len, n;
	int r;

	while ((r = spool_reader_next(reader, &data, &len, fault)) == 1) {
		n = (size_t)MIN(len, restoring->skip);
		restoring->skip -= n;
		if (put_body(restoring, data + n, len - n, fault) != 0) {
			r = -1;
			break;
		}
	}
	spool_reader_free(&reader);
	if (r == 0 && restoring->cr)
		r = put(restoring, "\r", 1, fault);
	return r;
}

/* The header with its blank line, and the line after it.  1; 0: it has no
 * end; -1. */
static int
read_header(const struct spool *payload, GString *header, size_t *lenp,
    struct fault *fault)
{
	struct spool_reader *reader = spool_reader_make(payload);
	const unsigned char *data;
	const char *blank = NULL;
	size_t len, seen = 0;
	int r = 1;

	while (blank == NULL || strstr(blank + 4, "\r\n") == NULL) {
		if (header->len > HEADER_OCTETS ||
		    (r = spool_reader_next(reader, &data, &len, fault)) != 1)
			break;
		g_string_append_len(header, (const char *)data, (gssize)len);
		if (blank == NULL)
			blank = strstr(header->str + seen, "\r\n\r\n");
		else
			break;
		seen = header->len > 4 ? header->len - 4 : 0;
	}
	blank = strstr(header->str, "\r\n\r\n");
	if (blank != NULL)
		*lenp = (size_t)(blank - header->str) + 4;
	spool_reader_free(&reader);
	return r == -1 ? -1 : blank != NULL;
}

static struct told *
find_told(const GString *header, size_t len)
{
	const char *found = header->str, *end;
	struct told *told;
	char *value;

	if (!g_str_has_prefix(found, ORIGINAL_FIELD ":")) {
		found = g_strstr_len(
		    header->str, (gssize)len, "\r\n" ORIGINAL_FIELD ":");
		if (found == NULL)
			return NULL;
		found += strlen("\r\n");
	}
	found += strlen(ORIGINAL_FIELD ":");
	end = strstr(found, "\r\n");
	while (end != NULL && (end[2] == ' ' || end[2] == '\t'))
		end = strstr(end + 2, "\r\n");
	if (end == NULL)
		return NULL;
	value = g_strndup(found, (gsize)(end - found));
	told = told_unpack(value);
	OPENSSL_cleanse(value, strlen(value));
	g_free(value);
	return told;
}

/*
 * Where the body begins and how long it is: it is all of the payload's, or
 * what stands before the last delimiter of a multipart (protect.c).  0 if it
 * cannot be so.
 */
static bool
find_body(struct restoring *restoring, const struct spool *payload,
    const GString *header, size_t len)
{
	const GArray *cuts = restoring->told->cuts;
	uint64_t rest = spool_size(payload) - len, trailer;
	guint i;

	restoring->body = restoring->told->body;
	for (i = 1; i < cuts->len; i += 2)
		restoring->body += g_array_index(cuts, uint64_t, i);
	restoring->skip = len;
	if (restoring->body == rest)
		return true;
	/* "--boundary" here, and CRLF "--boundary--" CRLF there. */
	trailer = strcspn(header->str + len, "\r") + 6;
	if (restoring->body > rest || trailer > rest - restoring->body)
		return false;
	restoring->skip += rest - restoring->body - trailer;
	return true;
}

int
original_restore(const struct spool *payload,
    int (*write)(
	void *context, const void *data, size_t len, struct fault *fault),
    void *context, struct fault *fault)
{
	struct restoring restoring = {.write = write, .context = context};
	GString *header = g_string_new(NULL);
	guint8 digest[DIGEST_OCTETS];
	gsize digest_len = sizeof(digest);
	struct told *told = NULL;
	size_t len = 0;
	int ret;

	restoring.digest = g_checksum_new(G_CHECKSUM_SHA256);
	ret = read_header(payload, header, &len, fault);
	if (ret == 1 && (told = find_told(header, len)) == NULL)
		ret = 0;
	if (ret != 1)
		goto out;
	restoring.told = told;
	next_cut(&restoring);
	if (!find_body(&restoring, payload, header, len))
		restoring.body = 0; /* the digest will tell */
	if (put(&restoring, told->header->data, told->header->len, fault) !=
		0 ||
	    put_payload(&restoring, payload, fault) != 0) {
		ret = -1;
		goto out;
	}
	g_checksum_get_digest(restoring.digest, digest, &digest_len);
	if (memcmp(digest, told->digest, sizeof(digest)) != 0) {
		fault_set(fault, FAULT_PERM,
		    "what was sealed is not what its header tells");
		ret = -1;
	}
out:
	OPENSSL_cleanse(header->str, header->len);
	g_string_free(header, TRUE);
	g_checksum_free(restoring.digest);
	told_free(&told);
	return ret;
}
