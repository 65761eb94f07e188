/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_already.c - mail that somebody encrypted is known, and what only looks
 * like it is not.
 */
#include "config.h"

#include "keys/armor.h"
#include "seal/already.h"
#include "tests/unit/mail.h"

/* Is that message sealed? */
static int
asks(const char *header, const char *body)
{
	char *text = g_strconcat(header, "\n", body, NULL);
	struct message *message = mail_parse(text);
	struct fault fault = {FAULT_NONE, ""};
	int r = message_is_sealed(message, &fault);

	message_free(&message);
	g_free(text);
	return r;
}

/* --- Armored messages by gpg */

/* gpg's armored message of that many octets, with LF. */
static char *
armored(size_t octets)
{
	GByteArray *clear = feed_octets(octets);
	char *path = mail_path("clear"), *out = mail_path("sealed");
	char *armor = NULL;

	if (!g_file_set_contents(
		path, (const char *)clear->data, (gssize)clear->len, NULL) ||
	    !mail_run(GPG_PATH, "--homedir", mail_home, "--batch", "--yes",
		"--trust-model", "always", "--armor", "--output", out,
		"--recipient", "bob@example.org", "--recipient",
		"alice@example.org", "--encrypt", path, NULL) ||
	    !g_file_get_contents(out, &armor, NULL, NULL))
		g_error("gpg does not encrypt");
	g_byte_array_free(clear, TRUE);
	g_free(path);
	g_free(out);
	return armor;
}

/* An armored block of those octets. */
static char *
armor_of(const void *data, size_t len, const char *type)
{
	char *lines = g_malloc(armor_encoded_size(len) + 1), *text;

	lines[armor_encode(data, len, lines)] = '\0';
	text = g_strdup_printf(
	    "-----BEGIN %s-----\n\n%s-----END %s-----\n", type, lines, type);
	g_free(lines);
	return text;
}

#define INLINE "From: a@example.org\nSubject: x\n"
#define TYPE(type) "From: a@example.org\nContent-Type: " type "\n"

static void
inline_armor_is_known(const char *armor)
{
	char *body;

	is_int(asks(INLINE, armor), 1, "inline armor, no Content-Type");
	is_int(asks(TYPE("text/plain; charset=utf-8"), armor), 1,
	    "inline armor in text/plain");
	is_int(
	    asks(TYPE("text/plain") "Content-Transfer-Encoding: 7bit\n", armor),
	    1, "inline armor in 7bit");
	body = g_strconcat("\n\n", armor, "\n \n", NULL);
	is_int(asks(INLINE, body), 1, "blank lines around it");
	g_free(body);
	is_int(asks(TYPE("text/html"), armor), 0, "armor in text/html is not");
	is_int(asks(TYPE("text/plain") "Content-Transfer-Encoding: base64\n",
		   armor),
	    0, "armor that would be decoded once more is not");
	is_int(asks(TYPE("text/plain") TYPE("text/plain"), armor), 0,
	    "two Content-Types: nobody knows what that is");
	is_int(asks(INLINE, ""), 0, "an empty body is not");
	is_int(asks(INLINE, "hello\n"), 0, "text is not");
}

static void
text_beside_armor_is_seen(const char *armor)
{
	char *body;

	body = g_strconcat("hello\n", armor, NULL);
	is_int(asks(INLINE, body), 0, "a line before the armor");
	g_free(body);
	body = g_strconcat(armor, "hello\n", NULL);
	is_int(asks(INLINE, body), 0, "a line behind the armor");
	g_free(body);
	body = g_strconcat(armor, "hello", NULL);
	is_int(asks(INLINE, body), 0, "half a line behind the armor");
	g_free(body);
	body = g_strconcat(armor, armor, NULL);
	is_int(asks(INLINE, body), 0, "two blocks");
	g_free(body);
	body = g_strndup(armor, strlen(armor) - 10);
	is_int(asks(INLINE, body), 0, "armor without its end");
	g_free(body);
	body = g_strdup(armor);
	body[strlen(body) / 2] = '!';
	is_int(asks(INLINE, body), 0, "broken armor");
	g_free(body);
}

/* A letter in the armor's own headers is as readable as one before it. */
static void
text_in_armor_headers_is_seen(const char *armor)
{
	GString *body = g_string_new("-----BEGIN PGP MESSAGE-----\n");
	const char *rest = strchr(armor, '\n') + 1;
	int i;

	g_string_append(body, "Version: GnuPG\nComment: short\n");
	g_string_append(body, rest);
	is_int(asks(INLINE, body->str), 1, "a short comment in the armor");
	g_string_assign(body, "-----BEGIN PGP MESSAGE-----\n");
	for (i = 0; i < 40; i++)
		g_string_append(
		    body, "Comment: a long letter that everybody can read\n");
	g_string_append(body, rest);
	is_int(asks(INLINE, body->str), 0, "a letter in the armor's headers");
	g_string_free(body, TRUE);
}

/* --- Packets that are something else */

static const struct {
	const char *name;
	const char *octets;
	gsize len;
	int want;
} packets[] = {
    {"a session key and protected data", "\xc1\x03\x03\x61\x62\xd2\x02\x01x", 9,
	1},
    {"a passphrase's session key and protected data",
	"\xc3\x03\x04\x61\x62\xd2\x02\x01x", 9, 1},
    {"a marker before them", "\xca\x03PGP\xc1\x03\x03\x61\x62\xd2\x02\x01x", 14,
	1},
    {"the packet of LibrePGP", "\xc1\x03\x03\x61\x62\xd4\x02\x01x", 9, 1},
    {"protected data without a session key", "\xd2\x02\x01x", 4, 0},
    {"a session key alone", "\xc1\x03\x03\x61\x62", 5, 0},
    {"data without integrity protection", "\xc1\x03\x03\x61\x62\xc9\x02\x01x",
	9, 0},
    {"literal data", "\xcb\x0c\x62\x00\x00\x00\x00\x00secret", 14, 0},
    {"compressed data", "\xc8\x02\x01x", 4, 0},
    {"a signature", "\xc2\x02\x04x", 4, 0},
    {"a key", "\xc6\x02\x04x", 4, 0},
    {"literal data behind protected data",
	"\xc1\x03\x03\x61\x62\xd2\x02\x01x\xcb\x02xx", 13, 0},
    {"literal data between", "\xc1\x03\x03\x61\x62\xcb\x02xx\xd2\x02\x01x", 13,
	0},
    {"another session key behind protected data",
	"\xc1\x03\x03\x61\x62\xd2\x02\x01x\xc1\x01x", 12, 0},
    {"protected data that is cut short", "\xc1\x03\x03\x61\x62\xd2\x09\x01x", 9,
	0},
    {"octets behind protected data", "\xc1\x03\x03\x61\x62\xd2\x02\x01xhello",
	14, 0},
    {"no packets", "hello there", 11, 0},
};

static void
packets_are_looked_at(void)
{
	char *body;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(packets); i++) {
		body =
		    armor_of(packets[i].octets, packets[i].len, "PGP MESSAGE");
		is_int(asks(INLINE, body), packets[i].want, packets[i].name);
		g_free(body);
	}
	body = armor_of(packets[0].octets, packets[0].len, "PGP SIGNATURE");
	is_int(asks(INLINE, body), 0, "armor of another type");
	g_free(body);
}

/* --- PGP/MIME */

#define ENCRYPTED                                                              \
	TYPE("multipart/encrypted;\n"                                          \
	     " protocol=\"application/pgp-encrypted\"; boundary=\"b 1\"")
#define PART_1                                                                 \
	"--b 1\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n"
#define PART_2 "--b 1\nContent-Type: application/octet-stream\n\n"
#define LAST "--b 1--\n"

static void
multiparts_are_known(const char *armor)
{
	const struct {
		const char *name, *header, *before, *after;
		int want;
	} table[] = {
	    {"PGP/MIME", ENCRYPTED, PART_1 PART_2, LAST, 1},
	    {"a preamble", ENCRYPTED,
		"This is an OpenPGP/MIME message.\n" PART_1 PART_2, LAST, 1},
	    {"blank lines as epilogue", ENCRYPTED, PART_1 PART_2, LAST "\n \n",
		1},
	    {"a footer of a list as epilogue", ENCRYPTED, PART_1 PART_2,
		LAST "the end\n", 0},
	    {"all fields that describe a part", ENCRYPTED,
		"--b 1\nContent-Type: application/pgp-encrypted\n"
		"Content-Description: PGP/MIME version identification\n\n"
		"Version: 1\n\n--b 1\n"
		"content-type: application/octet-stream;\n"
		" name=\"encrypted.asc\"\n"
		"Content-Disposition: inline; filename=\"encrypted.asc\"\n\n",
		LAST, 1},
	    {"a field that describes nothing", ENCRYPTED,
		"--b 1\nContent-Type: application/pgp-encrypted\n"
		"Subject: hello\n\nVersion: 1\n" PART_2,
		LAST, 0},
	    {"blanks behind delimiters", ENCRYPTED,
		"--b 1 \nContent-Type: application/pgp-encrypted\n\n"
		"Version: 1 \n--b 1\t\n\n",
		"--b 1-- \n", 1},
	    {"no line end at the end", ENCRYPTED, PART_1 PART_2, "--b 1--", 1},
	    {"the protocol in upper case",
		TYPE("Multipart/Encrypted; boundary=\"b 1\";"
		     " protocol=\"APPLICATION/PGP-ENCRYPTED\""),
		PART_1 PART_2, LAST, 1},
	    {"no closing delimiter", ENCRYPTED, PART_1 PART_2, "", 0},
	    {"a third part", ENCRYPTED, PART_1 PART_2, "--b 1\n\nhello\n" LAST,
		0},
	    {"a part before", ENCRYPTED, "--b 1\n\nhello\n" PART_1 PART_2, LAST,
		0},
	    {"text behind the armor", ENCRYPTED, PART_1 PART_2, "hello\n" LAST,
		0},
	    {"text before the armor", ENCRYPTED, PART_1 PART_2 "hello\n", LAST,
		0},
	    {"another version", ENCRYPTED, "--b 1\n\nVersion: 2\n" PART_2, LAST,
		0},
	    {"no version", ENCRYPTED, "--b 1\n\n\n" PART_2, LAST, 0},
	    {"two versions", ENCRYPTED,
		"--b 1\n\nVersion: 1\nVersion: 1\n" PART_2, LAST, 0},
	    {"text beside the version", ENCRYPTED,
		"--b 1\n\nVersion: 1\nhello\n" PART_2, LAST, 0},
	    {"no protocol", TYPE("multipart/encrypted; boundary=\"b 1\""),
		PART_1 PART_2, LAST, 0},
	    {"another protocol",
		TYPE("multipart/encrypted; boundary=\"b 1\"; protocol=\"x/y\""),
		PART_1 PART_2, LAST, 0},
	    {"no boundary",
		TYPE("multipart/encrypted;"
		     " protocol=\"application/pgp-encrypted\""),
		PART_1 PART_2, LAST, 0},
	    {"another boundary",
		TYPE("multipart/encrypted; boundary=\"b\";"
		     " protocol=\"application/pgp-encrypted\""),
		PART_1 PART_2, LAST, 0},
	    {"multipart/mixed", TYPE("multipart/mixed; boundary=\"b 1\""),
		PART_1 PART_2, LAST, 0},
	};

	char *body;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(table); i++) {
		body =
		    g_strconcat(table[i].before, armor, table[i].after, NULL);
		is_int(
		    asks(table[i].header, body), table[i].want, table[i].name);
		g_free(body);
	}
	is_int(asks(ENCRYPTED, PART_1 PART_2 LAST), 0, "no ciphertext");
	is_int(asks(ENCRYPTED, PART_1 PART_2 "hello\n" LAST), 0,
	    "text as ciphertext");
}

/* What may be there is little; more of it is a letter. */
static void
multiparts_have_little_around(const char *armor)
{
	const struct {
		const char *name, *before, *after;
		int octets, want;
	} table[] = {
	    {"200 octets as preamble", "", "\n" PART_1 PART_2, 200, 1},
	    {"201 octets as preamble", "", "\n" PART_1 PART_2, 201, 0},
	    {"a short description",
		"--b 1\nContent-Type: application/pgp-encrypted\n"
		"Content-Description: ",
		"\n\nVersion: 1\n" PART_2, 440, 1},
	    {"a letter as description",
		"--b 1\nContent-Type: application/pgp-encrypted\n"
		"Content-Description: ",
		"\n\nVersion: 1\n" PART_2, 460, 0},
	    {"a long comment in the armor, and another line",
		PART_1 PART_2 "-----BEGIN PGP MESSAGE-----\nComment: ", NULL,
		300, 0},
	};

	const char *body_of_armor = strchr(armor, '\n') + 1;
	char *letter, *body;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(table); i++) {
		letter = g_strnfill((gsize)table[i].octets, 'x');
		body = table[i].after == NULL
			   ? g_strconcat(table[i].before, letter, "\n",
				 body_of_armor, LAST, NULL)
			   : g_strconcat(table[i].before, letter,
				 table[i].after, armor, LAST, NULL);
		is_int(asks(ENCRYPTED, body), table[i].want, table[i].name);
		g_free(body);
		g_free(letter);
	}
}

/* The spool gives blocks: every place of a line is cut once. */
static void
blocks_cut_lines_anywhere(void)
{
	char *armor = armored(100000), *shift, *body;
	GString *comment;
	int n, known = 0;

	for (n = 0; n < 80; n++) {
		shift = g_strnfill((gsize)n, 'x');
		body =
		    g_strconcat(shift, "\n", PART_1, PART_2, armor, LAST, NULL);
		known += asks(ENCRYPTED, body);
		g_free(body);
		comment =
		    g_string_new("-----BEGIN PGP MESSAGE-----\nComment: ");
		g_string_append_printf(
		    comment, "%s\n%s", shift, strchr(armor, '\n') + 1);
		known += asks(INLINE, comment->str);
		g_string_free(comment, TRUE);
		g_free(shift);
	}
	is_int(known, 160, "lines that blocks cut anywhere are read");
	g_free(armor);
}

/* --- CMS by openssl */

static char *
openssl_writes(const char *verb, const char *option, const char *cipher)
{
	char *in = mail_path("clear"), *out = mail_path("cms"), *text = NULL;
	char *key = mail_path("key.pem"), *cert = mail_path("cert.pem");
	bool done;

	if (!g_file_set_contents(in, "hello, this is a secret\n", -1, NULL))
		g_error("%s: cannot write", in);
	if (strcmp(verb, "-sign") == 0)
		done = mail_run("openssl", "cms", verb, option, "-in", in,
		    "-signer", cert, "-inkey", key, "-out", out, NULL);
	else
		done = mail_run("openssl", "cms", verb, option, cipher, "-in",
		    in, "-out", out, cert, NULL);
	if (!done || !g_file_get_contents(out, &text, NULL, NULL))
		g_error("openssl does not write");
	g_free(in);
	g_free(out);
	g_free(key);
	g_free(cert);
	return text;
}

static int
asks_about(const char *text)
{
	struct message *message = mail_parse(text);
	struct fault fault = {FAULT_NONE, ""};
	int r = message_is_sealed(message, &fault);

	message_free(&message);
	return r;
}

static void
cms_is_known(void)
{
	char *key = mail_path("key.pem"), *cert = mail_path("cert.pem");
	char *text, *other, *body;

	if (!mail_run("openssl", "req", "-x509", "-newkey", "rsa:2048",
		"-nodes", "-subj", "/CN=bob", "-keyout", key, "-out", cert,
		NULL))
		g_error("openssl does not make a certificate");
	text = openssl_writes("-encrypt", "-binary", "-aes256");
	is_int(asks_about(text), 1, "enveloped data by openssl");
	body = strstr(text, "\n\n");
	other = g_strdup_printf(
	    TYPE("application/octet-stream;"
		 " name=smime.p7m") "Content-Transfer-Encoding: base64%s",
	    body);
	is_int(asks_about(other), 0, "enveloped data of another type is not");
	g_free(other);
	other = g_strdup_printf(
	    TYPE("application/x-pkcs7-mime") "Content-Transfer-Encoding: "
					     "base64%s",
	    body);
	is_int(asks_about(other), 1, "the old name of the type");
	g_free(other);
	other = g_strdup_printf(
	    TYPE("application/pkcs7-mime") "Content-Transfer-Encoding: "
					   "base64%sIlBheSBoaW0sIgo=\n",
	    body);
	is_int(asks_about(other), 0, "more behind the enveloped data");
	g_free(other);
	other = g_strdup_printf(
	    TYPE("application/pkcs7-mime") "Content-Transfer-Encoding: "
					   "base64%shello, reader!\n",
	    body);
	is_int(asks_about(other), 0, "text behind the enveloped data");
	g_free(other);
	g_free(text);
	text = openssl_writes("-encrypt", "-stream", "-aes256");
	is_int(asks_about(text), 1, "enveloped data in pieces");
	g_free(text);
	text = openssl_writes("-encrypt", "-binary", "-aes-256-gcm");
	is_int(asks_about(text), 1, "auth-enveloped data by openssl");
	g_free(text);
	text = openssl_writes("-sign", "-nodetach", NULL);
	is_int(asks_about(text), 0, "signed data is not");
	g_free(text);
	is_int(
	    asks(
		TYPE(
		    "application/pkcs7-mime; smime-type=enveloped-data") "Conte"
									 "nt-"
									 "Trans"
									 "fer-"
									 "Encod"
									 "ing: "
									 "base6"
									 "4\n",
		"aGVsbG8gdGhlcmUsIHRoaXMgaXMgbm90aGluZyBidXQgdGV4dAo=\n"),
	    0, "text that is called enveloped data");
	is_int(
	    asks(
		TYPE(
		    "application/pkcs7-mime; smime-type=enveloped-data") "Conte"
									 "nt-"
									 "Trans"
									 "fer-"
									 "Encod"
									 "ing: "
									 "base6"
									 "4\n",
		""),
	    0, "nothing that is called enveloped data");
	g_free(key);
	g_free(cert);
}

/* --- The samples */

static void
samples_are_told_apart(void)
{
	static const char *const names[] = {"fake-encrypted.eml",
	    "fake-encrypted-beside-armor.eml", "fake-enveloped-pkcs7.eml",
	    "fake-inline-armor.eml", "plain-ascii.eml", "multipart-signed.eml",
	    "forwarded-message.eml"};
	struct message *message;
	struct fault fault;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		message = mail_sample(names[i]);
		is_int(message_is_sealed(message, &fault), 0, names[i]);
		message_free(&message);
	}
}

/* Cannot tell is not no. */
static void
lost_spools_are_failures(const char *armor)
{
	const struct spool_limits tiny = {mail_directory, 0};
	struct message *message = message_make(&tiny);
	struct fault fault = {FAULT_NONE, ""};
	char *path, *link;
	int fd, found = -1;

	message_add_field(message, "Subject", " x");
	(void)message_add_body(message, armor, strlen(armor), &fault);
	for (fd = 3; fd < 64; fd++) {
		path = g_strdup_printf("/proc/self/fd/%d", fd);
		link = g_file_read_link(path, NULL);
		if (link != NULL && strstr(link, mail_directory) != NULL)
			found = fd;
		g_free(link);
		g_free(path);
	}
	ok(found != -1 && ftruncate(found, 100) == 0, "the spool is damaged");
	is_int(message_is_sealed(message, &fault), -1,
	    "what cannot be read is neither sealed nor not");
	is_int(fault.kind, FAULT_TEMP, "for now");
	message_free(&message);
}

int
main(void)
{
	char *armor, *long_armor;

	mail_begin();
	feed_begin();
	mail_home_need();
	armor = armored(1000);
	long_armor = armored(30000);
	inline_armor_is_known(armor);
	text_beside_armor_is_seen(armor);
	text_in_armor_headers_is_seen(armor);
	packets_are_looked_at();
	multiparts_are_known(armor);
	multiparts_have_little_around(armor);
	blocks_cut_lines_anywhere();
	cms_is_known();
	samples_are_told_apart();
	lost_spools_are_failures(long_armor);
	g_free(armor);
	g_free(long_armor);
	feed_end();
	mail_end();
	return tap_done();
}
