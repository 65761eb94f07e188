/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_gate_cms.c - lies that an S/MIME engine could tell, told to the gate:
 * an honest copy is changed in one thing at a time.
 */
#include "config.h"

#include "keys/armor.h"
#include "seal/form.h"
#include "tests/unit/mail.h"

static struct key *alice, *erin, *two;
static struct message *message;
static const struct spool_limits *limits;

static struct seal_order
order_for(const struct seal_reader *readers, size_t count)
{
	return (struct seal_order){
	    .form = SEAL_SMIME,
	    .readers = readers,
	    .readers_count = count,
	    .hide_subject = true,
	    .limits = limits,
	};
}

static GByteArray *
octets_of(const struct sealed *sealed)
{
	GString *text = spool_text(sealed->body);
	GByteArray *octets;
	guchar *data;
	gsize len;

	if (text == NULL)
		g_error("no body");
	data = g_base64_decode(text->str, &len);
	octets = g_byte_array_new_take(data, len);
	g_string_free(text, TRUE);
	return octets;
}

/* The gate's verdict on those octets in place of the body, in lines of that
 * many octets; a gate that saw that many octets of "payload". */
static char *
verdict(const struct seal_order *order, const GByteArray *octets,
    const char *extra, uint64_t payload)
{
	struct gate *gate = gate_make(payload, NULL);
	struct spool *body = spool_make(limits, false);
	struct fault fault = {FAULT_NONE, ""};
	struct dress dress = {0};
	unsigned char *zeros = g_malloc0(payload);
	char *text = g_malloc(armor_encoded_size(octets->len));
	const char *what;
	size_t n = armor_encode(octets->data, octets->len, text);

	gate_rewind(gate);
	memset(zeros, 0xa5, payload);
	gate_see(gate, zeros, payload);
	(void)spool_append(body, text, n, &fault);
	(void)spool_append(body, extra, strlen(extra), &fault);
	cms_dress(order, "", &dress);
	what = gate_read_cms(gate, order, &dress, body, &fault);
	dress_clear(&dress);
	spool_free(&body);
	gate_free(&gate);
	g_free(zeros);
	g_free(text);
	return g_strdup(what == NULL ? "passes" : what);
}

static void
says(const struct seal_order *order, const GByteArray *octets, uint64_t payload,
    const char *extra, const char *want, const char *name)
{
	char *what = verdict(order, octets, extra, payload);

	has_str(what, want, name);
	g_free(what);
}

/* Octets behind a place where those stand. */
static size_t
behind(const GByteArray *octets, const void *these, size_t len)
{
	const unsigned char *p = memmem(octets->data, octets->len, these, len);

	if (p == NULL)
		g_error("not there");
	return (size_t)(p - octets->data) + len;
}

static void
test_lies(bool gcm)
{
	const struct seal_reader readers[] = {{alice, false}, {erin, false}};
	const struct seal_reader others[] = {{alice, false}, {two, false}};
	const struct seal_reader twice[] = {{alice, false}, {alice, false}};
	struct seal_order order = order_for(readers, 2), other;
	struct sealed *sealed = NULL;
	struct fault fault = {FAULT_NONE, ""};
	static const unsigned char content[] = {0xa0, 0x80, 0x04};
	uint64_t payload, block = gcm ? 1 : 16;
	GByteArray *octets, *changed;
	size_t at;

	order.smime_gcm = gcm;
	is_int(seal_message(&order, message, &sealed, &fault), 0,
	    "an honest copy passes");
	octets = octets_of(sealed);
	sealed_free(&sealed);
	/* How long its payload was, by trial. */
	for (payload = 1; payload < octets->len; payload += 1) {
		char *what = verdict(&order, octets, "", payload);
		bool passes = strcmp(what, "passes") == 0;

		g_free(what);
		if (passes)
			break;
	}
	says(&order, octets, payload, "", "passes", "with that payload");
	says(&order, octets, payload + block, "", "shorter",
	    "but not with a longer one");
	if (payload > block)
		says(&order, octets, payload - 1, "", "longer",
		    "nor with a shorter one");
	other = order_for(readers, 1);
	other.smime_gcm = gcm;
	says(&other, octets, payload, "", "as many certificates",
	    "nor for fewer readers");
	other = order_for(others, 2);
	other.smime_gcm = gcm;
	says(&other, octets, payload, "", "not planned", "nor for others");
	other = order_for(twice, 2);
	other.smime_gcm = gcm;
	says(&other, octets, payload, "", "not planned",
	    "nor for one of them twice");
	other = order;
	other.smime_gcm = !gcm;
	says(&other, octets, payload, "", "as planned",
	    "nor with another cipher");
	other = order;
	other.smime_oaep = true;
	says(&other, octets, payload, "", "another way",
	    "nor with another padding");
	says(&order, octets, payload, "Hello\r\n", gcm ? "behind" : "base64",
	    "nor with a text behind it");
	changed = g_byte_array_new();
	g_byte_array_append(changed, octets->data, octets->len);
	g_byte_array_append(changed, (const guint8 *)"\0\0", 2);
	says(&order, changed, payload, "", "", "nor with octets behind it");
	g_byte_array_set_size(changed, octets->len - 2);
	says(
	    &order, changed, payload, "", "does not end well", "nor cut short");
	at = behind(octets, content, sizeof(content)) - 1;
	g_byte_array_set_size(changed, (guint)at);
	g_byte_array_append(
	    changed, (const guint8 *)"\0\0\0\0\0\0\0\0\0\0", 10);
	says(&order, changed, payload, "", gcm ? "does not end" : "shorter",
	    "nor without content");
	g_byte_array_set_size(changed, 0);
	says(&order, changed, payload, "", "does not end", "nor empty");
	g_byte_array_append(changed, octets->data, octets->len);
	memset(changed->data + octets->len - 200, 0xa5, 60);
	says(&order, changed, payload, "", "clear text",
	    "nor with clear text in it");
	g_byte_array_unref(changed);
	g_byte_array_unref(octets);
}

/* CMS names everybody who can open it. */
static void
test_hidden(void)
{
	const struct seal_reader readers[] = {{alice, false}, {erin, true}};
	const struct seal_reader alone[] = {{erin, true}};
	struct seal_order order = order_for(readers, 2);
	struct sealed *sealed = NULL;
	struct fault fault = {FAULT_NONE, ""};

	is_int(seal_message(&order, message, &sealed, &fault), -1,
	    "who has to be hidden is not shown:");
	is_int(fault.kind, FAULT_PERM, "it is refused");
	has_str(fault.text, "separately", "with advice");
	order = order_for(alone, 1);
	is_int(seal_message(&order, message, &sealed, &fault), 0,
	    "alone nobody needs to be hidden");
	sealed_free(&sealed);
}

int
main(void)
{
	static const char mail[] = "From: sam@example.net\r\n"
				   "Subject: A wedding in May\r\n\r\n"
				   "It is on the first of May, by the sea.\r\n";

	mail_begin();
	limits = &mail_limits;
	message = mail_parse_octets(mail, strlen(mail));
	alice = mail_key("../certs/alice.crt", "alice@example.org");
	erin = mail_key("../certs/erin.crt", "erin@example.org");
	two = mail_key("../certs/two.crt", "two@example.org");
	test_lies(false);
	test_lies(true);
	test_hidden();
	key_unref(&alice);
	key_unref(&erin);
	key_unref(&two);
	message_free(&message);
	mail_end();
	return tap_done();
}
