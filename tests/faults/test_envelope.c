/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_envelope.c - setting a passphrase, finding it, sealing with it and
 * opening what was sealed, while OpenSSL, SQLite and the disk fail or lie at
 * each of their calls: a deferral with a reason, or an envelope that opens.
 */
#include "config.h"

#include "keys/passphrases.h"
#include "seal/envelope_open.h"
#include "seal/seal.h"

#include "tests/faults/torture.h"
#include "tests/unit/mail.h"

#include <openssl/evp.h>
#include <sqlite3.h>

enum {
	POINT_NONE,
	POINT_PKCS5_PBKDF2_HMAC,
	POINT_EVP_CIPHER_CTX_new,
	POINT_EVP_CIPHER_CTX_ctrl,
	POINT_EVP_CipherInit_ex,
	POINT_EVP_CipherUpdate,
	POINT_EVP_CipherFinal_ex,
	POINT_EVP_MD_CTX_new,
	POINT_EVP_DigestInit_ex,
	POINT_EVP_DigestUpdate,
	POINT_EVP_DigestFinal_ex,
	POINT_getentropy,
	POINT_pwrite,
	POINT_pread,
	POINT_sqlite3_open_v2,
	POINT_sqlite3_exec,
	POINT_sqlite3_prepare_v3,
	POINT_sqlite3_step,
	POINTS_END,
};

static const char *const names[POINTS_END] = {
    [POINT_PKCS5_PBKDF2_HMAC] = "PKCS5_PBKDF2_HMAC",
    [POINT_EVP_CIPHER_CTX_new] = "EVP_CIPHER_CTX_new",
    [POINT_EVP_CIPHER_CTX_ctrl] = "EVP_CIPHER_CTX_ctrl",
    [POINT_EVP_CipherInit_ex] = "EVP_CipherInit_ex",
    [POINT_EVP_CipherUpdate] = "EVP_CipherUpdate",
    [POINT_EVP_CipherFinal_ex] = "EVP_CipherFinal_ex",
    [POINT_EVP_MD_CTX_new] = "EVP_MD_CTX_new",
    [POINT_EVP_DigestInit_ex] = "EVP_DigestInit_ex",
    [POINT_EVP_DigestUpdate] = "EVP_DigestUpdate",
    [POINT_EVP_DigestFinal_ex] = "EVP_DigestFinal_ex",
    [POINT_getentropy] = "getentropy",
    [POINT_pwrite] = "pwrite",
    [POINT_pread] = "pread",
    [POINT_sqlite3_open_v2] = "sqlite3_open_v2",
    [POINT_sqlite3_exec] = "sqlite3_exec",
    [POINT_sqlite3_prepare_v3] = "sqlite3_prepare_v3",
    [POINT_sqlite3_step] = "sqlite3_step",
};

/* Two rounds are as good as 600,000 here. */
int __real_PKCS5_PBKDF2_HMAC(const char *words, int words_len,
    const unsigned char *salt, int salt_len, int rounds, const EVP_MD *md,
    int len, unsigned char *out);
int __wrap_PKCS5_PBKDF2_HMAC(const char *words, int words_len,
    const unsigned char *salt, int salt_len, int rounds, const EVP_MD *md,
    int len, unsigned char *out);

int
__wrap_PKCS5_PBKDF2_HMAC(const char *words, int words_len,
    const unsigned char *salt, int salt_len, int rounds, const EVP_MD *md,
    int len, unsigned char *out)
{
	(void)rounds;
	if (torture_next(POINT_PKCS5_PBKDF2_HMAC, false) != TORTURE_NONE)
		return 0;
	return __real_PKCS5_PBKDF2_HMAC(
	    words, words_len, salt, salt_len, 2, md, len, out);
}
TORTURE_WRAP(
    EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, (void), (), NULL, false, NULL)
TORTURE_WRAP(int, EVP_CIPHER_CTX_ctrl,
    (EVP_CIPHER_CTX * ctx, int type, int n, void *data), (ctx, type, n, data),
    0, true, 1)
TORTURE_WRAP(int, EVP_CipherInit_ex,
    (EVP_CIPHER_CTX * ctx, const EVP_CIPHER *type, ENGINE *engine,
	const unsigned char *key, const unsigned char *iv, int enc),
    (ctx, type, engine, key, iv, enc), 0, true, 1)

/* It lies well: the octets are "done", and what they were. */
static int
pass_through(unsigned char *out, int *len, const unsigned char *in, int n)
{
	*len = n;
	if (out != NULL)
		memmove(out, in, (size_t)n);
	return 1;
}
TORTURE_WRAP(int, EVP_CipherUpdate,
    (EVP_CIPHER_CTX * ctx, unsigned char *out, int *len,
	const unsigned char *in, int n),
    (ctx, out, len, in, n), 0, true, pass_through(out, len, in, n))
TORTURE_WRAP(int, EVP_CipherFinal_ex,
    (EVP_CIPHER_CTX * ctx, unsigned char *out, int *len), (ctx, out, len), 0,
    true, (*len = 0, 1))
TORTURE_WRAP(EVP_MD_CTX *, EVP_MD_CTX_new, (void), (), NULL, false, NULL)
TORTURE_WRAP(int, EVP_DigestInit_ex,
    (EVP_MD_CTX * ctx, const EVP_MD *type, ENGINE *engine), (ctx, type, engine),
    0, false, 1)
TORTURE_WRAP(int, EVP_DigestUpdate,
    (EVP_MD_CTX * ctx, const void *data, size_t len), (ctx, data, len), 0, true,
    1)
TORTURE_WRAP(int, EVP_DigestFinal_ex,
    (EVP_MD_CTX * ctx, unsigned char *out, unsigned int *len), (ctx, out, len),
    0, true, (memset(out, 0, 32), *len = 32, 1))
TORTURE_WRAP(int, getentropy, (void *out, size_t len), (out, len), -1, false, 0)
TORTURE_WRAP(ssize_t, pwrite, (int fd, const void *data, size_t len, off_t at),
    (fd, data, len, at), -1, true, (ssize_t)len)
TORTURE_WRAP(ssize_t, pread, (int fd, void *data, size_t len, off_t at),
    (fd, data, len, at), -1, false, 0)
TORTURE_WRAP(int, sqlite3_open_v2,
    (const char *path, sqlite3 **db, int flags, const char *vfs),
    (path, db, flags, vfs), SQLITE_CANTOPEN, false, 0)
TORTURE_WRAP(int, sqlite3_exec,
    (sqlite3 * db, const char *sql, int (*row)(void *, int, char **, char **),
	void *context, char **message),
    (db, sql, row, context, message), SQLITE_IOERR, false, 0)
TORTURE_WRAP(int, sqlite3_prepare_v3,
    (sqlite3 * db, const char *sql, int len, unsigned int flags,
	sqlite3_stmt **statement, const char **tail),
    (db, sql, len, flags, statement, tail), SQLITE_NOMEM, false, 0)
TORTURE_WRAP(int, sqlite3_step, (sqlite3_stmt * statement), (statement),
    SQLITE_IOERR, false, 0)

#define WORDS "seven quiet otters mend an old bridge"

static struct message *message;
static GString *want; /* what has to come out */

static int
give_words(void *context, char **wordsp, struct fault *fault)
{
	(void)context;
	(void)fault;
	*wordsp = g_strdup(WORDS);
	return 0;
}

static int
seal(struct keys *keys, struct sealed **sealedp, struct fault *fault)
{
	const struct spool_limits limits = {mail_directory, 512};
	struct seal_reader reader = {NULL, false};
	const struct seal_order order = {
	    .form = SEAL_PASSPHRASE,
	    .readers = &reader,
	    .readers_count = 1,
	    .hide_subject = true,
	    .cover = "Open the page.\n",
	    .limits = &limits,
	};
	int r;

	r = passphrase_find(
	    keys, "a@example.org", "b@example.net", &reader.key, fault);
	if (r == 1)
		r = seal_message(&order, message, sealedp, fault);
	else if (r == 0) {
		/* It was put there: that would be a wrong answer. */
		fault_set(fault, FAULT_NONE, "no passphrase was found");
		r = -1;
	}
	key_unref(&reader.key);
	return r;
}

/* 0, or -1 with fault: what is sealed opens to what was. */
static int
open_again(const struct sealed *sealed, struct fault *fault)
{
	struct spool *content = spool_make(&mail_limits, true);
	GString *copy = sealed_header(sealed, message), *text;
	char *jwe = NULL;
	int ret = -1;

	text = spool_text(sealed->body);
	if (text == NULL) {
		fault_set(fault, FAULT_TEMP, "the body cannot be read");
		goto out;
	}
	g_string_append(copy, "\r\n");
	g_string_append_len(copy, text->str, (gssize)text->len);
	g_string_free(text, TRUE);
	if (envelope_find(copy->str, copy->len, &jwe, fault) != 0 ||
	    envelope_open(jwe, give_words, NULL, content, fault) != 0)
		goto out;
	text = spool_text(content);
	if (text != NULL && g_string_equal(text, want))
		ret = 0;
	else
		fault_set(fault, FAULT_NONE, "it opens to something else");
	if (text != NULL)
		g_string_free(text, TRUE);
out:
	g_string_free(copy, TRUE);
	spool_free(&content);
	g_free(jwe);
	return ret;
}

static int
all_of_it(const char *state, bool *gavep, struct fault *fault)
{
	const char *const sources[] = {"store", NULL};
	const struct keys_config config = {.state = state, .sources = sources};
	struct keys *keys = NULL;
	struct sealed *sealed = NULL;
	int ret = -1;

	if (keys_open(&config, &keys, fault) != 0)
		return -1;
	if (passphrase_put(keys_store(keys), NULL, "b@example.net", WORDS,
		"otters", false, fault) == 1 &&
	    seal(keys, &sealed, fault) == 0)
		ret = 0;
	*gavep = sealed != NULL;
	/* While still under torture, but what comes out has to be right. */
	if (ret == 0)
		ret = open_again(sealed, fault);
	sealed_free(&sealed);
	keys_close(&keys);
	return ret;
}

/* In a process of its own. */
static void
run(void)
{
	struct fault fault = {FAULT_NONE, ""};
	char *state = g_strdup_printf("%s/%d", mail_directory, (int)getpid());
	bool gave = false;

	torture->armed = true;
	torture->result = all_of_it(state, &torture->gave, &torture->fault);
	torture->armed = false;
	torture->recovered = all_of_it(state, &gave, &fault) == 0;
	g_free(state);
	message_free(&message);
	g_string_free(want, TRUE);
}

static const char *
judge(bool ended, enum torture_way way)
{
	const enum fault_kind kind = torture->fault.kind;

	if (!ended)
		return "the process died, or leaked";
	/* A call that closes, checkpoints or rolls back may fail unnoticed. */
	if (torture->result == 0)
		return torture->recovered ? NULL : "it did not work after it";
	if (torture->fault.text[0] == '\0')
		return "it failed, and did not say why";
	if (kind == FAULT_NONE)
		return "it gave a wrong answer";
	/* AES Key Wrap and GCM cannot tell their own failures from a wrong key
	 * and a wrong tag. */
	if (way == TORTURE_FAIL && kind != FAULT_TEMP &&
	    ((torture->point != POINT_EVP_CipherUpdate &&
		 torture->point != POINT_EVP_CipherFinal_ex) ||
		(kind == FAULT_PERM && !torture->gave)))
		return "what may go away is no reason to bounce";
	/* Opening may find a lie, and says what it says of all it finds. */
	if (way == TORTURE_LIE && kind == FAULT_PERM && !torture->gave)
		return "a lie is no reason to bounce";
	return torture->recovered ? NULL : "it did not work after it";
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
	ok(bad == 0, "%s %s, %u calls", names[point],
	    way == TORTURE_LIE ? "lies" : "fails", calls);
}

int
main(void)
{
	GString *text = g_string_new("From: a@example.net\r\n"
				     "Subject: A wedding in May\r\n\r\n");
	struct torture counted;
	const char *what;
	unsigned int i;

	mail_begin();
	torture_begin();
	for (i = 0; i < 2500; i++)
		g_string_append_printf(
		    text, "Line %u of what nobody else may read.\r\n", i);
	message = mail_parse_octets(text->str, text->len);
	/* More than a block of the spool beyond what stays in memory. */
	want = text;
	what =
	    judge(torture_run(run, POINT_NONE, 0, TORTURE_NONE), TORTURE_NONE);
	counted = *torture;
	ok(what == NULL && counted.result == 0, "an envelope is made (%s)",
	    counted.fault.text);
	for (i = 1; i < POINTS_END; i++) {
		if (!ok(counted.calls[i] > 0, "%s is called", names[i]))
			continue;
		torture_point(i, counted.calls[i], TORTURE_FAIL);
		if (counted.lies[i] > 0)
			torture_point(i, counted.calls[i], TORTURE_LIE);
	}
	message_free(&message);
	g_string_free(want, TRUE);
	mail_end();
	return tap_done();
}
