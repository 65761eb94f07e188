/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_cms.c - sealing by S/MIME while OpenSSL fails at each of its calls: a
 * deferral with a reason, and nothing given away, left behind or leaked.
 */
#include "config.h"

#include "seal/seal.h"

#include "tests/faults/torture.h"
#include "tests/unit/mail.h"

#include <openssl/cms.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

enum {
	POINT_NONE,
	POINT_CMS_encrypt,
	POINT_CMS_add1_recipient_cert,
	POINT_CMS_RecipientInfo_get0_pkey_ctx,
	POINT_EVP_PKEY_CTX_set_ecdh_kdf_md,
	POINT_EVP_PKEY_CTX_set_rsa_padding,
	POINT_EVP_PKEY_CTX_set_rsa_oaep_md,
	POINT_EVP_PKEY_CTX_set_rsa_mgf1_md,
	POINT_BIO_new_CMS,
	POINT_BIO_meth_new,
	POINT_BIO_new,
	POINT_BIO_write,
	POINT_BIO_ctrl,
	POINT_getentropy,
	POINTS_END,
};

static const char *const names[POINTS_END] = {
    [POINT_CMS_encrypt] = "CMS_encrypt",
    [POINT_CMS_add1_recipient_cert] = "CMS_add1_recipient_cert",
    [POINT_CMS_RecipientInfo_get0_pkey_ctx] = "CMS_RecipientInfo_get0_pkey_ctx",
    [POINT_EVP_PKEY_CTX_set_ecdh_kdf_md] = "EVP_PKEY_CTX_set_ecdh_kdf_md",
    [POINT_EVP_PKEY_CTX_set_rsa_padding] = "EVP_PKEY_CTX_set_rsa_padding",
    [POINT_EVP_PKEY_CTX_set_rsa_oaep_md] = "EVP_PKEY_CTX_set_rsa_oaep_md",
    [POINT_EVP_PKEY_CTX_set_rsa_mgf1_md] = "EVP_PKEY_CTX_set_rsa_mgf1_md",
    [POINT_BIO_new_CMS] = "BIO_new_CMS",
    [POINT_BIO_meth_new] = "BIO_meth_new",
    [POINT_BIO_new] = "BIO_new",
    [POINT_BIO_write] = "BIO_write",
    [POINT_BIO_ctrl] = "BIO_ctrl",
    [POINT_getentropy] = "getentropy",
};

TORTURE_WRAP(CMS_ContentInfo *, CMS_encrypt,
    (STACK_OF(X509) * certs, BIO *in, const EVP_CIPHER *cipher,
	unsigned int flags),
    (certs, in, cipher, flags), NULL, false, NULL)
TORTURE_WRAP(CMS_RecipientInfo *, CMS_add1_recipient_cert,
    (CMS_ContentInfo * cms, X509 *certificate, unsigned int flags),
    (cms, certificate, flags), NULL, false, NULL)
TORTURE_WRAP(EVP_PKEY_CTX *, CMS_RecipientInfo_get0_pkey_ctx,
    (CMS_RecipientInfo * info), (info), NULL, false, NULL)
TORTURE_WRAP(int, EVP_PKEY_CTX_set_ecdh_kdf_md,
    (EVP_PKEY_CTX * ctx, const EVP_MD *md), (ctx, md), 0, true, 1)
TORTURE_WRAP(int, EVP_PKEY_CTX_set_rsa_padding,
    (EVP_PKEY_CTX * ctx, int padding), (ctx, padding), 0, true, 1)
TORTURE_WRAP(int, EVP_PKEY_CTX_set_rsa_oaep_md,
    (EVP_PKEY_CTX * ctx, const EVP_MD *md), (ctx, md), 0, false, 1)
TORTURE_WRAP(int, EVP_PKEY_CTX_set_rsa_mgf1_md,
    (EVP_PKEY_CTX * ctx, const EVP_MD *md), (ctx, md), 0, false, 1)
TORTURE_WRAP(BIO *, BIO_new_CMS, (BIO * out, CMS_ContentInfo *cms), (out, cms),
    NULL, false, NULL)
TORTURE_WRAP(BIO_METHOD *, BIO_meth_new, (int type, const char *name),
    (type, name), NULL, false, NULL)
TORTURE_WRAP(
    BIO *, BIO_new, (const BIO_METHOD *method), (method), NULL, false, NULL)
TORTURE_WRAP(int, BIO_write, (BIO * bio, const void *data, int len),
    (bio, data, len), -1, true, len)
TORTURE_WRAP(long, BIO_ctrl, (BIO * bio, int command, long number, void *data),
    (bio, command, number, data), 0, true, 1)
TORTURE_WRAP(int, getentropy, (void *out, size_t len), (out, len), -1, false, 0)

static struct key *readers[2];
static struct message *message;
static bool oaep;

static int
seal(struct sealed **sealedp, struct fault *fault)
{
	const struct seal_reader list[] = {
	    {readers[0], false}, {readers[1], false}};
	const struct spool_limits limits = {mail_directory, 65536};
	const struct seal_order order = {
	    .form = SEAL_SMIME,
	    .readers = list,
	    .readers_count = 2,
	    .hide_subject = true,
	    .smime_oaep = oaep,
	    .limits = &limits,
	};

	return seal_message(&order, message, sealedp, fault);
}

/* In a process of its own. */
static void
run(void)
{
	struct sealed *sealed = NULL;
	struct fault fault = {FAULT_NONE, ""};

	torture->armed = true;
	torture->result = seal(&sealed, &torture->fault);
	torture->armed = false;
	torture->gave = sealed != NULL;
	sealed_free(&sealed);
	torture->recovered = seal(&sealed, &fault) == 0;
	/* What could not be made once is not asked for again. */
	if (torture->point == POINT_BIO_meth_new)
		torture->recovered = fault.kind == FAULT_TEMP;
	sealed_free(&sealed);
	key_unref(&readers[0]);
	key_unref(&readers[1]);
	message_free(&message);
}

static const char *
judge(bool ended, enum torture_way way)
{
	const enum fault_kind kind = torture->fault.kind;

	if (!ended)
		return "the process died, or leaked";
	if (torture->result == 0 && way != TORTURE_NONE)
		return "a copy came out";
	if (torture->result != 0 && torture->gave)
		return "it failed and gave a copy away";
	if (torture->result != 0 &&
	    (torture->fault.text[0] == '\0' ||
		kind != (way == TORTURE_LIE ? FAULT_BUG : FAULT_TEMP)))
		return "it failed, and did not say so as it should";
	if (!torture->recovered)
		return "the message after it was not sealed";
	return NULL;
}

static void
torture_point(unsigned int point, unsigned int calls, enum torture_way way)
{
	unsigned int nth, bad = 0;
	const char *what;

	for (nth = 1; nth <= calls; nth++) {
		what = judge(torture_run(run, point, nth, way), way);
		if (what == NULL)
			continue;
		bad++;
		printf("# %s, call %u: %s (%s)\n", names[point], nth, what,
		    torture->fault.text);
	}
	ok(bad == 0, "%s: %s %s, %u calls", oaep ? "OAEP" : "PKCS #1",
	    names[point], way == TORTURE_LIE ? "lies" : "fails", calls);
}

static void
torture_all(bool *seen)
{
	const char *what =
	    judge(torture_run(run, POINT_NONE, 0, TORTURE_NONE), TORTURE_NONE);
	const struct torture counted = *torture;
	unsigned int point;

	ok(what == NULL && counted.result == 0, "a message is sealed (%s)",
	    counted.fault.text);
	for (point = 1; point < POINTS_END; point++) {
		if (counted.calls[point] == 0)
			continue;
		seen[point] = true;
		torture_point(point, counted.calls[point], TORTURE_FAIL);
		if (counted.lies[point] > 0)
			torture_point(point, counted.calls[point], TORTURE_LIE);
	}
}

int
main(void)
{
	bool seen[POINTS_END] = {true};
	GString *text = g_string_new("From: a@example.net\r\n"
				     "Subject: A wedding in May\r\n\r\n");
	unsigned int i;

	mail_begin();
	torture_begin();
	for (i = 0; i < 2000; i++)
		g_string_append_printf(
		    text, "Line %u of what nobody else may read.\r\n", i);
	message = mail_parse_octets(text->str, text->len);
	readers[0] = mail_key("../certs/alice.crt", "alice@example.org");
	readers[1] = mail_key("../certs/erin.crt", "erin@example.org");
	torture_all(seen);
	oaep = true;
	torture_all(seen);
	for (i = 0; i < POINTS_END; i++)
		ok(seen[i], "%s was tortured", i == 0 ? "all" : names[i]);
	key_unref(&readers[0]);
	key_unref(&readers[1]);
	message_free(&message);
	g_string_free(text, TRUE);
	mail_end();
	return tap_done();
}
