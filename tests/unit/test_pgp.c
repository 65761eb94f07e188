/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_pgp.c - what the OpenPGP engine on OpenSSL writes is opened by gpg, sq
 * and rnp; what it cannot use is left to the next.
 */
#include "config.h"

#include "keys/keyblock.h"
#include "keys/material.h"
#include "keys/packet.h"
#include "seal/pgp.h"
#include "tests/unit/mail.h"

/* --- A payload in memory, a message in memory */

struct memory {
	const GByteArray *plain;
	size_t used;
	size_t piece; /* read at a time */
	GByteArray *message;
	bool touched;
};

static ssize_t
on_read(void *context, void *buffer, size_t size, struct fault *fault)
{
	struct memory *memory = context;
	size_t n = MIN(memory->plain->len - memory->used, size);

	(void)fault;
	n = MIN(n, memory->piece);
	memory->touched = true;
	if (n > 0)
		memcpy(buffer, memory->plain->data + memory->used, n);
	memory->used += n;
	return (ssize_t)n;
}

static int
on_write(void *context, const void *data, size_t len, struct fault *fault)
{
	struct memory *memory = context;

	(void)fault;
	memory->touched = true;
	g_byte_array_append(memory->message, data, (guint)len);
	return 0;
}

/* Says that the payload is as long as that. */
static int
encrypt_as(struct memory *memory, struct key *const *keys, size_t count,
    uint64_t octets, struct fault *fault)
{
	struct seal_reader readers[4] = {{NULL, false}};
	const struct seal_order order = {
	    .readers = readers, .readers_count = count};
	const struct pgp_job job = {&order, octets, on_read, on_write, memory};
	size_t i;

	for (i = 0; i < count; i++)
		readers[i].key = keys[i];
	memory->used = 0;
	memory->touched = false;
	g_byte_array_set_size(memory->message, 0);
	*fault = (struct fault){FAULT_NONE, ""};
	return pgp_openssl_encrypt(&job, fault);
}

static int
encrypt(struct memory *memory, struct key *const *keys, size_t count)
{
	struct fault fault;
	int r = encrypt_as(memory, keys, count, memory->plain->len, &fault);

	if (r != 1)
		printf("# %s\n", fault.text);
	return r;
}

/* --- Other people's tools */

static void
write_message(const struct memory *memory)
{
	char *path = mail_path("message");

	if (!g_file_set_contents(path, (const char *)memory->message->data,
		memory->message->len, NULL))
		g_error("%s: cannot write", path);
	g_free(path);
}

static bool
is_plain(const struct memory *memory)
{
	char *path = mail_path("opened"), *text = NULL;
	gsize len = 0;
	bool same;

	same = g_file_get_contents(path, &text, &len, NULL) &&
	       len == memory->plain->len &&
	       (len == 0 || memcmp(text, memory->plain->data, len) == 0);
	g_free(text);
	g_unlink(path);
	g_free(path);
	return same;
}

/* All secret keys, for gpg. */
static const char *
home_of_all(void)
{
	static const char *const files[] = {"nistp256.sec", "nistp384.sec",
	    "nistp521.sec", "brainpoolP256r1.sec", "rsa2048.sec",
	    "rsa4096.sec"};
	static bool done;
	char *path;
	size_t i;

	mail_home_need();
	for (i = 0; i < G_N_ELEMENTS(files) && !done; i++) {
		path = sample_path(files[i]);
		if (!mail_run(GPG_PATH, "--homedir", mail_home, "--batch",
			"--quiet", "--import", path, NULL))
			g_error("gpg does not import %s", path);
		g_free(path);
	}
	done = true;
	return mail_home;
}

static bool
gpg_opens(const struct memory *memory, const char *secret)
{
	(void)secret;
	write_message(memory);
	return mail_run(GPG_PATH, "--homedir", home_of_all(), "--batch",
		   "--yes", "--status-fd", "1", "--output", "opened",
		   "--decrypt", "message", NULL) &&
	       strstr(mail_output, "GOODMDC") != NULL &&
	       strstr(mail_output, "DECRYPTION_OKAY") != NULL &&
	       is_plain(memory);
}

static bool
sq_opens(const struct memory *memory, const char *secret)
{
	char *path = sample_path(secret);
	bool opened;

	write_message(memory);
	opened = mail_run("sq", "decrypt", "--recipient-key", path, "--output",
		     "opened", "message", NULL) &&
		 is_plain(memory);
	g_free(path);
	return opened;
}

static bool
rnp_opens(const struct memory *memory, const char *secret)
{
	char *path = sample_path(secret);
	bool opened;

	write_message(memory);
	opened = mail_run("rnp", "--homedir", mail_directory, "--keyfile", path,
		     "--password", "", "--output", "opened", "--decrypt",
		     "message", NULL) &&
		 is_plain(memory);
	g_free(path);
	return opened;
}

static const struct {
	const char *name;
	bool (*opens)(const struct memory *memory, const char *secret);
} judges[] = {{"gpg", gpg_opens}, {"sq", sq_opens}, {"rnp", rnp_opens}};

/* --- Each kind of key, each size */

static const struct {
	const char *name; /* of the files, and the address */
	const char *kind;
} kinds[] = {
    {"alice", "X25519"},
    {"nistp256", "P-256"},
    {"nistp384", "P-384"},
    {"nistp521", "P-521"},
    {"rsa2048", "RSA with 2048 bits"},
    {"bob", "RSA with 3072 bits"},
    {"rsa4096", "RSA with 4096 bits"},
};

static struct key *
key_of(const char *name)
{
	char *file = g_strconcat(name, ".asc", NULL);
	char *lower = g_ascii_strdown(name, -1);
	char *address = g_strconcat(lower, "@example.org", NULL);
	struct key *key = mail_key(file, address);

	g_free(file);
	g_free(lower);
	g_free(address);
	return key;
}

static void
opens_with_all(struct memory *memory, const char *name, const char *what)
{
	struct key *key = key_of(name);
	char *secret = g_strconcat(name, ".sec", NULL);
	size_t i;
	int r = encrypt(memory, &key, 1);

	for (i = 0; i < G_N_ELEMENTS(judges); i++)
		ok(r == 1 && judges[i].opens(memory, secret), "%s opens %s",
		    judges[i].name, what);
	g_free(secret);
	key_unref(&key);
}

static void
test_kinds(void)
{
	GByteArray *plain = feed_octets(20000);
	struct memory memory = {plain, 0, 777, g_byte_array_new(), false};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(kinds); i++)
		opens_with_all(&memory, kinds[i].name, kinds[i].kind);
	g_byte_array_unref(plain);
	g_byte_array_unref(memory.message);
}

/* Blocks of 16; lengths of packets that take 1, 2 or 5 octets, for the inner
 * and the outer one; pieces that the engine reads. */
static const size_t sizes[] = {0, 1, 15, 16, 17, 142, 143, 144, 145, 185, 186,
    8326, 8327, 8328, 8329, 8330, 8331, 8332, 8333, 8377, 8378, 16383, 16384,
    16385, 5 << 20};

static void
test_sizes(void)
{
	struct memory memory = {NULL, 0, SIZE_MAX, g_byte_array_new(), false};
	GByteArray *plain;
	char *what;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(sizes); i++) {
		plain = feed_octets(sizes[i]);
		memory.plain = plain;
		what = g_strdup_printf("%zu octets", sizes[i]);
		opens_with_all(&memory, "alice", what);
		g_free(what);
		g_byte_array_unref(plain);
	}
	g_byte_array_unref(memory.message);
}

static void
test_several(void)
{
	static const char *const names[] = {
	    "alice", "bob", "nistp384", "nistp521"};
	struct key *keys[4];
	GByteArray *plain = feed_octets(1000);
	struct memory memory = {plain, 0, SIZE_MAX, g_byte_array_new(), false};
	char *secret;
	size_t i;
	int r;

	for (i = 0; i < G_N_ELEMENTS(names); i++)
		keys[i] = key_of(names[i]);
	r = encrypt(&memory, keys, G_N_ELEMENTS(keys));
	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		secret = g_strconcat(names[i], ".sec", NULL);
		ok(r == 1 && sq_opens(&memory, secret) &&
			rnp_opens(&memory, secret),
		    "%s opens what is for four", names[i]);
		g_free(secret);
		key_unref(&keys[i]);
	}
	g_byte_array_unref(plain);
	g_byte_array_unref(memory.message);
}

/* No two messages, and no two readers, have random octets in common. */
static void
test_fresh(void)
{
	struct key *key = key_of("alice");
	struct key *const keys[] = {key, key};
	GByteArray *plain = feed_octets(100);
	struct memory memory = {plain, 0, SIZE_MAX, g_byte_array_new(), false};
	GByteArray *first;
	bool differ;

	encrypt(&memory, keys, 2);
	first = memory.message;
	memory.message = g_byte_array_new();
	encrypt(&memory, keys, 2);
	/* Of a PKESK: head 2, version, key ID 8, algorithm, 263 bits and 0x40,
	 * then 32 octets that are new each time. */
	differ = first->len == memory.message->len && first->len > 220 &&
		 memcmp(first->data + 15, memory.message->data + 15, 32) != 0 &&
		 memcmp(first->data + 15, first->data + 15 + 96, 32) != 0;
	ok(differ, "each packet has an ephemeral key of its own");
	ok(memcmp(first->data + first->len - 100,
	       memory.message->data + first->len - 100, 100) != 0,
	    "each message has a session key of its own");
	g_byte_array_unref(first);
	g_byte_array_unref(memory.message);
	g_byte_array_unref(plain);
	key_unref(&key);
}

/* --- What cannot be used */

/* The body of the subkey to use. */
static GByteArray *
body_of(const struct key *key)
{
	GByteArray *body = NULL;
	gsize len, i;
	const unsigned char *data = g_bytes_get_data(key->blob, &len);
	char *fingerprint;
	size_t n;

	for (i = 0; i + 3 < len && body == NULL; i++) {
		/* gpg writes old heads: 0xb8 one octet of length, 0xb9 two. */
		if (data[i] == 0xb8)
			n = data[i + 1];
		else if (data[i] == 0xb9)
			n = (size_t)data[i + 1] << 8 | data[i + 2];
		else
			continue;
		if (i + 3 + n > len)
			continue;
		fingerprint = keyblock_fingerprint(
		    data + i + (data[i] == 0xb8 ? 2 : 3), n);
		if (strcmp(fingerprint, key->subkey) == 0) {
			body = g_byte_array_new();
			g_byte_array_append(body,
			    data + i + (data[i] == 0xb8 ? 2 : 3), (guint)n);
		}
		g_free(fingerprint);
	}
	if (body == NULL)
		g_error("no subkey in a key of the tests");
	return body;
}

/* A key that consists of that subkey, and calls itself rightly. */
static struct key *
key_around(const GByteArray *body)
{
	GByteArray *blob = g_byte_array_new();
	const guint8 head[] = {
	    0xb9, (guint8)(body->len >> 8), (guint8)body->len};
	struct key *key = g_new0(struct key, 1);

	g_atomic_ref_count_init(&key->references);
	g_byte_array_append(blob, head, sizeof(head));
	g_byte_array_append(blob, body->data, body->len);
	key->blob = g_byte_array_free_to_bytes(blob);
	key->subkey = keyblock_fingerprint(body->data, body->len);
	key->fingerprint = g_strdup(key->subkey);
	return key;
}

static void
refuses(const GByteArray *body, const char *part, const char *name)
{
	struct key *key = key_around(body);
	GByteArray *plain = feed_octets(100);
	struct memory memory = {plain, 0, SIZE_MAX, g_byte_array_new(), false};
	struct fault fault;
	int r = encrypt_as(&memory, &key, 1, plain->len, &fault);

	if (!ok(r == 0 && !memory.touched && fault.kind == FAULT_TEMP &&
		    strstr(fault.text, part) != NULL,
		"a key is left to the next engine: %s", name))
		printf("# %d, %s\n", r, fault.text);
	key_unref(&key);
	g_byte_array_unref(plain);
	g_byte_array_unref(memory.message);
}

/* Of a body: offset from its start, or from its end if negative. */
static const struct {
	const char *from; /* whose */
	int at;
	unsigned char octet;
	const char *part, *name;
} patches[] = {
    {"alice", 5, 16, "algorithm", "ElGamal"},
    {"alice", 0, 5, "not in it", "version 5"},
    {"alice", 6, 0, "numbers", "an OID of no octets"},
    {"alice", 6, 255, "numbers", "an OID longer than the packet"},
    {"alice", 8, 0x07, "curve", "a curve that nobody knows"},
    {"alice", 19, 0x41, "point", "a point with another prefix"},
    {"alice", 17, 0xff, "numbers", "a point longer than the packet"},
    {"alice", 19, 0, "point", "a point without a prefix"},
    {"alice", -4, 2, "numbers", "KDF parameters of two octets"},
    {"alice", -3, 2, "numbers", "KDF parameters of the future"},
    {"alice", -2, 2, "hash", "a KDF by SHA-1"},
    {"alice", -2, 255, "hash", "a KDF by an unknown hash"},
    {"alice", -1, 2, "hash", "a key wrapped by 3DES"},
    {"alice", -1, 10, "hash", "a key wrapped by Twofish"},
    {"nistp256", 20, 0x55, "OpenSSL", "a point that is not on P-256"},
    {"nistp521", 20, 0x55, "OpenSSL", "a point that is not on P-521"},
    {"bob", 6, 0xff, "numbers", "a modulus longer than the packet"},
    {"bob", 6, 0x00, "numbers", "a modulus shorter than it is"},
};

static void
test_refusals(void)
{
	struct key *key;
	GByteArray *body;
	guint8 zero = 0;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(patches); i++) {
		key = key_of(patches[i].from);
		body = body_of(key);
		body->data[patches[i].at >= 0
			       ? patches[i].at
			       : (int)body->len + patches[i].at] =
		    patches[i].octet;
		refuses(body, patches[i].part, patches[i].name);
		g_byte_array_unref(body);
		key_unref(&key);
	}
	key = key_of("alice");
	body = body_of(key);
	g_byte_array_append(body, &zero, 1);
	refuses(body, "numbers", "an octet too many");
	g_byte_array_set_size(body, body->len - 1);
	memset(body->data + 20, 0, 32);
	refuses(body, "OpenSSL", "a point of small order");
	g_byte_array_unref(body);
	key_unref(&key);
}

/* A key that is cut off anywhere has no numbers, whatever it calls itself. */
static void
test_cuts(const char *name)
{
	struct key *whole = key_of(name), *key;
	GByteArray *body = body_of(whole);
	struct material material;
	const char *why;
	unsigned int found = 0;

	for (g_byte_array_set_size(body, body->len - 1); body->len > 6;
	     g_byte_array_set_size(body, body->len - 1)) {
		key = key_around(body);
		found += (unsigned int)material_find(
		    key->blob, key->subkey, &material, &why);
		key_unref(&key);
	}
	ok(found == 0, "%s cut off anywhere has no numbers", name);
	g_byte_array_unref(body);
	key_unref(&whole);
}

static void
test_foreign_subkey(void)
{
	struct key *alice = key_of("alice"), *bob = key_of("bob");
	struct material material;
	const char *why;

	is_int(material_find(alice->blob, bob->subkey, &material, &why), 0,
	    "a subkey of another key is not found");
	is_str(why, "the subkey is not in it", "it says so");
	is_int(material_find(alice->blob, "ABCD", &material, &why), 0,
	    "what is no fingerprint is not found");
	key_unref(&alice);
	key_unref(&bob);
}

/* --- What is not as it was said to be */

static void
test_lengths(void)
{
	struct key *key = key_of("alice");
	GByteArray *plain = feed_octets(1000);
	struct memory memory = {plain, 0, 100, g_byte_array_new(), false};
	struct fault fault;

	is_int(encrypt_as(&memory, &key, 1, 999, &fault), -1,
	    "a payload that is longer than it was said to be is a failure");
	is_int(fault.kind, FAULT_BUG, "of ours");
	is_int(encrypt_as(&memory, &key, 1, 1001, &fault), -1,
	    "a payload that is shorter than it was said to be is a failure");
	is_int(fault.kind, FAULT_BUG, "of ours");
	is_int(encrypt_as(&memory, &key, 1, (uint64_t)1 << 32, &fault), 0,
	    "what is too long for one packet is left to the next engine");
	ok(!memory.touched, "and nothing of it was read");
	g_byte_array_unref(plain);
	g_byte_array_unref(memory.message);
	key_unref(&key);
}

/* --- With the other engines, the dress and the gate */

static struct sealed *
seal(const struct message *message, const struct seal_reader *readers,
    size_t count, unsigned int pgp)
{
	const struct seal_engines engines = {
	    mail_directory, GPG_PATH, 60000, pgp};
	const struct seal_order order = {.readers = readers,
	    .readers_count = count,
	    .engines = &engines,
	    .limits = &mail_limits};
	struct sealed *sealed = NULL;
	struct fault fault;

	if (seal_message(&order, message, &sealed, &fault) != 0)
		printf("# %s\n", fault.text);
	return sealed;
}

static bool
sealed_opens(const struct sealed *sealed)
{
	GString *body = sealed == NULL ? NULL : spool_text(sealed->body);
	GString *text = NULL;
	bool opened;

	home_of_all();
	if (body != NULL)
		text = mail_gpg(
		    "--status-fd=1", "--decrypt", body->str, body->len);
	opened = text != NULL && strstr(text->str, "Nobody else") != NULL;
	if (body != NULL)
		g_string_free(body, TRUE);
	if (text != NULL)
		g_string_free(text, TRUE);
	return opened;
}

static void
test_order(void)
{
	struct message *message =
	    mail_parse("From: sam@example.net\nTo: alice@example.org\n"
		       "Subject: x\n\nNobody else may read this.\n");
	struct key *alice = key_of("alice"), *bob = key_of("bob");
	struct key *foreign = key_of("brainpoolP256r1");
	const struct seal_reader two[] = {{alice, true}, {bob, true}};
	const struct seal_reader mixed[] = {{alice, false}, {foreign, false}};
	struct sealed *sealed;

	sealed = seal(message, two, 2, PGP_OPENSSL);
	ok(sealed_opens(sealed), "gpg opens what is for hidden readers");
	ok(strstr(mail_output, "ENC_TO 0000000000000000 18") != NULL &&
		strstr(mail_output, "ENC_TO 0000000000000000 1 ") != NULL,
	    "and sees no key ID");
	sealed_free(&sealed);
	sealed = seal(message, mixed, 2, PGP_OPENSSL);
	ok(sealed == NULL, "a curve that is not known is not sealed to");
	sealed_free(&sealed);
	sealed = seal(message, mixed, 2, PGP_ALL);
	ok(sealed_opens(sealed), "but another engine does it");
	sealed_free(&sealed);
	message_free(&message);
	key_unref(&alice);
	key_unref(&bob);
	key_unref(&foreign);
}

int
main(void)
{
	mail_begin();
	feed_begin();
	inspect_register();
	seal_register_jobs();
	test_kinds();
	test_sizes();
	test_several();
	test_fresh();
	test_refusals();
	test_cuts("alice");
	test_cuts("bob");
	test_foreign_subkey();
	test_lengths();
	test_order();
	feed_end();
	mail_end();
	return tap_done();
}
