/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * gate_cms.c - read an S/MIME body again.
 *
 * In:    a finished body, what it should be, samples of what is in it.
 * Out:   nothing, or what is wrong.
 * Never: believes OpenSSL, which reports success for a copy without content.
 */
#include "seal/gate_private.h"

#include "seal/cms_reader.h"

#include <openssl/crypto.h>
#include <string.h>

#define LINE_CHARS 64
#define BLOCK_OCTETS 16   /* of AES */
#define WRAPPED_OCTETS 40 /* a key of 32, RFC 3394 */
#define RSA_OCTETS_MIN 256

/* What an AlgorithmIdentifier begins with: its object identifier. */
#define OID(...)                                                               \
	(const unsigned char[]){__VA_ARGS__},                                  \
	    sizeof((const unsigned char[]){__VA_ARGS__})

struct reading {
	struct cms_reader *cms;
	struct search search;
	const char *what;
	unsigned char octets[8192];
	int state;
	guint save;
	size_t column;
	bool last; /* a line was not full, or had "=" */
	char end[2];
};

static const char *read_body(
    struct reading *reading, const struct spool *body, struct fault *fault);
static int take_text(
    struct reading *reading, const unsigned char *data, size_t len);
static int take_line(
    struct reading *reading, const unsigned char *data, size_t len);
static int take_octets(void *context, const unsigned char *data, size_t len);
static const char *check_readers(
    const struct cms_reader *cms, const struct seal_order *order);
static bool is_for(const struct cms_recipient *recipient,
    const struct seal_order *order, const struct key *key);
static const char *check_content(const struct cms_reader *cms,
    const struct gate *gate, const struct seal_order *order);

const char *
gate_read_cms(struct gate *gate, const struct seal_order *order,
    const struct dress *dress, const struct spool *body, struct fault *fault)
{
	struct reading *reading = g_new0(struct reading, 1);
	const char *what;

	(void)dress;
	reading->cms = cms_reader_make();
	search_begin(&reading->search, gate, take_octets, reading);
	what = read_body(reading, body, fault);
	if (what == NULL)
		what = check_readers(reading->cms, order);
	if (what == NULL)
		what = check_content(reading->cms, gate, order);
	cms_reader_free(&reading->cms);
	OPENSSL_cleanse(reading, sizeof(*reading));
	g_free(reading);
	return what;
}

/* --- base64 */

static const char *
read_body(
    struct reading *reading, const struct spool *body, struct fault *fault)
{
	struct spool_reader *reader = spool_reader_make(body);
	const unsigned char *data;
	size_t len;
	int r = 1;

	while (reading->what == NULL &&
	       (r = spool_reader_next(reader, &data, &len, fault)) == 1)
		(void)take_text(reading, data, len);
	spool_reader_free(&reader);
	if (r == -1)
		return "";
	if (reading->what == NULL && reading->column != 0)
		return "its last line is cut short";
	if (reading->what == NULL && search_end(&reading->search) != 0 &&
	    reading->search.found)
		return "it contains clear text";
	if (reading->what == NULL && cms_reader_finish(reading->cms) != 0)
		return cms_reader_why(reading->cms);
	return reading->what;
}

/* Lines of base64 and nothing else: characters up to CRLF. */
static int
take_text(struct reading *reading, const unsigned char *data, size_t len)
{
	size_t n;

	for (; len > 0 && reading->what == NULL; data += n, len -= n) {
		for (n = 0; n < len && data[n] != '\r' && data[n] != '\n'; n++)
			continue;
		if (n > 0) {
			if (take_line(reading, data, n) != 0)
				return -1;
			continue;
		}
		n = 1;
		/* '\r' makes the column odd by LINE_CHARS + 1. */
		if (*data == '\r' && reading->end[0] == 0 &&
		    reading->column > 0) {
			reading->end[0] = '\r';
		} else if (*data == '\n' && reading->end[0] == '\r') {
			if (reading->column < LINE_CHARS)
				reading->last = true;
			reading->column = 0;
			reading->end[0] = 0;
		} else {
			reading->what = "its lines do not end well";
		}
	}
	return reading->what == NULL ? 0 : -1;
}

static int
take_line(struct reading *reading, const unsigned char *data, size_t len)
{
	size_t i, n;

	reading->column += len;
	if (reading->last || reading->end[0] != 0 ||
	    reading->column > LINE_CHARS) {
		reading->what = "its base64 is broken";
		return -1;
	}
	for (i = 0; i < len; i++)
		if (!g_ascii_isalnum(data[i]) && data[i] != '+' &&
		    data[i] != '/' && data[i] != '=')
			reading->what = "something stands in its base64";
	if (reading->what != NULL)
		return -1;
	n = g_base64_decode_step((const char *)data, len, reading->octets,
	    &reading->state, &reading->save);
	if (search_feed(&reading->search, reading->octets, n) == 0)
		return 0;
	if (reading->search.found)
		reading->what = "it contains clear text";
	return -1;
}

static int
take_octets(void *context, const unsigned char *data, size_t len)
{
	struct reading *reading = context;

	if (cms_reader_feed(reading->cms, data, len) == 0)
		return 0;
	reading->what = cms_reader_why(reading->cms);
	return -1;
}

/* --- Who can open it */

static const char *
check_readers(const struct cms_reader *cms, const struct seal_order *order)
{
	const struct cms_recipient *recipients;
	const char *what = NULL;
	bool *used;
	size_t count, i, j;

	recipients = cms_reader_recipients(cms, &count);
	if (count != order->readers_count)
		return "it is not made for as many certificates as planned";
	used = g_new0(bool, count + 1);
	for (i = 0; i < count && what == NULL; i++) {
		for (j = 0; j < count; j++)
			if (!used[j] && is_for(&recipients[j], order,
					    order->readers[i].key))
				break;
		if (j == count)
			what = "it is made for a certificate that was not "
			       "planned, or in another way";
		else
			used[j] = true;
	}
	g_free(used);
	return what;
}

/* The next element: its octets with tag and length, or NULL. */
static const unsigned char *
next_element(const unsigned char **pp, const unsigned char *end, size_t *lenp,
    size_t *headp)
{
	const unsigned char *p = *pp;
	size_t len, octets = 0, i;

	if (end - p < 2)
		return NULL;
	len = p[1];
	if ((len & 0x80) != 0) {
		octets = len & 0x7f;
		if (octets == 0 || octets > 3 || (size_t)(end - p) < 2 + octets)
			return NULL;
		for (len = 0, i = 0; i < octets; i++)
			len = len << 8 | p[2 + i];
	}
	if ((size_t)(end - p) < 2 + octets + len)
		return NULL;
	*lenp = 2 + octets + len;
	*headp = 2 + octets;
	*pp = p + *lenp;
	return p;
}

/* Does IssuerAndSerialNumber (RFC 5652 10.2.4) name that certificate?  Both
 * parts are compared octet by octet with what its DER has (RFC 5280 4.1). */
static bool
names(const struct cms_recipient *recipient, const struct key *key)
{
	gsize size;
	const unsigned char *p = g_bytes_get_data(key->blob, &size);
	const unsigned char *end = p + size, *issuer, *serial;
	const unsigned char *id = recipient->id;
	size_t len, head, issuer_len, serial_len, id_len;

	/* Certificate, then TBSCertificate: go in. */
	if ((p = next_element(&p, end, &len, &head)) == NULL)
		return false;
	end = p + len;
	p += head;
	if ((p = next_element(&p, end, &len, &head)) == NULL)
		return false;
	end = p + len;
	p += head;
	if (p < end && *p == 0xa0) /* version */
		(void)next_element(&p, end, &len, &head);
	serial = next_element(&p, end, &serial_len, &head);
	(void)next_element(&p, end, &len, &head); /* signature */
	issuer = next_element(&p, end, &issuer_len, &head);
	if (serial == NULL || issuer == NULL)
		return false;
	id = next_element(&id, id + recipient->id_len, &id_len, &head);
	return id != NULL && id_len == recipient->id_len &&
	       id_len == head + issuer_len + serial_len &&
	       memcmp(id + head, issuer, issuer_len) == 0 &&
	       memcmp(id + head + issuer_len, serial, serial_len) == 0;
}

static bool
begins(const unsigned char *algorithm, size_t len, const unsigned char *oid,
    size_t oid_len)
{
	const unsigned char *p = algorithm;
	size_t whole, head;

	return next_element(&p, algorithm + len, &whole, &head) != NULL &&
	       len >= head + oid_len &&
	       memcmp(algorithm + head, oid, oid_len) == 0;
}

/* rsaEncryption or id-RSAES-OAEP (RFC 8017 A.2); dhSinglePass-stdDH-
 * sha256kdf-scheme (RFC 5753 7.1.4). */
static bool
is_for(const struct cms_recipient *recipient, const struct seal_order *order,
    const struct key *key)
{
	const unsigned char *algorithm = recipient->algorithm;
	size_t len = recipient->algorithm_len;
	bool right;

	if (recipient->agreement)
		right =
		    recipient->key_len == WRAPPED_OCTETS &&
		    begins(algorithm, len,
			OID(0x06, 0x06, 0x2b, 0x81, 0x04, 0x01, 0x0b, 0x01));
	else
		right = recipient->key_len >= RSA_OCTETS_MIN &&
			(order->smime_oaep
				? begins(algorithm, len,
				      OID(0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
					  0xf7, 0x0d, 0x01, 0x01, 0x07))
				: begins(algorithm, len,
				      OID(0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
					  0xf7, 0x0d, 0x01, 0x01, 0x01)));
	return right && names(recipient, key);
}

/* --- What is in it */

/* id-aes256-CBC and id-aes256-GCM (RFC 3565, RFC 5084).  CBC pads to whole
 * blocks, with one octet or more (RFC 5652 6.3); GCM does not pad. */
static const char *
check_content(const struct cms_reader *cms, const struct gate *gate,
    const struct seal_order *order)
{
	uint64_t want = gate->payload_octets, have;
	const unsigned char *cipher;
	unsigned char which = order->smime_gcm ? 0x2e : 0x2a;
	size_t len;

	cipher = cms_reader_cipher(cms, &len);
	if (cms_reader_is_auth(cms) != order->smime_gcm ||
	    !begins(cipher, len,
		OID(0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01,
		    which)))
		return "it is not encrypted as planned";
	if (gate->seen != want)
		return "the engine did not read all of the payload";
	if (!order->smime_gcm)
		want = (want / BLOCK_OCTETS + 1) * BLOCK_OCTETS;
	have = cms_reader_content_octets(cms);
	if (have < want)
		return "its ciphertext is shorter than what it should hold";
	return have > want ? "its ciphertext is longer than what it should hold"
			   : NULL;
}
