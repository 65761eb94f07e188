/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_x509.c - certificates while OpenSSL fails at each of our calls.  What
 * comes of it is what comes without a failure, or "cannot tell"; never
 * another answer.
 */
#include "config.h"

#include "keys/authorities_crl.h"
#include "keys/ssl.h"
#include "keys/x509.h"

#include "tests/faults/torture.h"
#include "tests/unit/sample.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* 2024-06-01, in the time of all of them. */
#define NOW 1717200000

enum {
	POINT_NONE,
	POINT_BIO_new,
	POINT_BIO_new_mem_buf,
	POINT_BIO_write,
	POINT_BIO_ctrl,
	POINT_X509_digest,
	POINT_X509_get_ext_d2i,
	POINT_X509_STORE_new,
	POINT_X509_STORE_add_cert,
	POINT_X509_STORE_add_crl,
	POINT_X509_STORE_CTX_new,
	POINT_X509_STORE_CTX_init,
	POINT_X509_VERIFY_PARAM_set_flags,
	POINT_X509_verify_cert,
	POINT_PEM_read_bio_X509,
	POINT_PEM_read_bio_X509_CRL,
	POINT_PEM_write_bio_X509,
	POINT_d2i_X509,
	POINT_d2i_X509_CRL_bio,
	POINT_i2d_X509,
	POINT_i2d_X509_CRL,
	POINT_X509_CRL_verify,
	POINT_d2i_X509_CRL,
	POINT_OPENSSL_sk_push,
	POINTS_END,
};

static const char *const names[POINTS_END] = {
    [POINT_BIO_new] = "BIO_new",
    [POINT_BIO_new_mem_buf] = "BIO_new_mem_buf",
    [POINT_BIO_write] = "BIO_write",
    [POINT_BIO_ctrl] = "BIO_ctrl",
    [POINT_X509_digest] = "X509_digest",
    [POINT_X509_get_ext_d2i] = "X509_get_ext_d2i",
    [POINT_X509_STORE_new] = "X509_STORE_new",
    [POINT_X509_STORE_add_cert] = "X509_STORE_add_cert",
    [POINT_X509_STORE_add_crl] = "X509_STORE_add_crl",
    [POINT_X509_STORE_CTX_new] = "X509_STORE_CTX_new",
    [POINT_X509_STORE_CTX_init] = "X509_STORE_CTX_init",
    [POINT_X509_VERIFY_PARAM_set_flags] = "X509_VERIFY_PARAM_set_flags",
    [POINT_X509_verify_cert] = "X509_verify_cert",
    [POINT_PEM_read_bio_X509] = "PEM_read_bio_X509",
    [POINT_PEM_read_bio_X509_CRL] = "PEM_read_bio_X509_CRL",
    [POINT_PEM_write_bio_X509] = "PEM_write_bio_X509",
    [POINT_d2i_X509] = "d2i_X509",
    [POINT_d2i_X509_CRL_bio] = "d2i_X509_CRL_bio",
    [POINT_i2d_X509] = "i2d_X509",
    [POINT_i2d_X509_CRL] = "i2d_X509_CRL",
    [POINT_X509_CRL_verify] = "X509_CRL_verify",
    [POINT_d2i_X509_CRL] = "d2i_X509_CRL",
    [POINT_OPENSSL_sk_push] = "OPENSSL_sk_push",
};

TORTURE_WRAP(
    BIO *, BIO_new, (const BIO_METHOD *method), (method), NULL, false, NULL)
TORTURE_WRAP(BIO *, BIO_new_mem_buf, (const void *buf, int len), (buf, len),
    NULL, false, NULL)
TORTURE_WRAP(int, BIO_write, (BIO * bio, const void *data, int len),
    (bio, data, len), -1, false, 0)
TORTURE_WRAP(long, BIO_ctrl, (BIO * bio, int command, long number, void *data),
    (bio, command, number, data), 0, false, 0)
TORTURE_WRAP(int, X509_digest,
    (const X509 *certificate, const EVP_MD *md, unsigned char *out,
	unsigned int *len),
    (certificate, md, out, len), 0, false, 0)
TORTURE_WRAP(void *, X509_get_ext_d2i,
    (const X509 *certificate, int nid, int *critical, int *at),
    (certificate, nid, critical, at), NULL, false, NULL)
TORTURE_WRAP(X509_STORE *, X509_STORE_new, (void), (), NULL, false, NULL)
TORTURE_WRAP(int, X509_STORE_add_cert, (X509_STORE * store, X509 *certificate),
    (store, certificate), 0, false, 0)
TORTURE_WRAP(int, X509_STORE_add_crl, (X509_STORE * store, X509_CRL *crl),
    (store, crl), 0, false, 0)
TORTURE_WRAP(
    X509_STORE_CTX *, X509_STORE_CTX_new, (void), (), NULL, false, NULL)
TORTURE_WRAP(int, X509_STORE_CTX_init,
    (X509_STORE_CTX * ctx, X509_STORE *store, X509 *leaf,
	STACK_OF(X509) * chain),
    (ctx, store, leaf, chain), 0, false, 0)
TORTURE_WRAP(int, X509_VERIFY_PARAM_set_flags,
    (X509_VERIFY_PARAM * param, unsigned long flags), (param, flags), 0, false,
    0)
TORTURE_WRAP(int, X509_verify_cert, (X509_STORE_CTX * ctx), (ctx), 0, false, 0)
TORTURE_WRAP(X509 *, PEM_read_bio_X509,
    (BIO * bio, X509 **x, pem_password_cb *cb, void *u), (bio, x, cb, u), NULL,
    false, NULL)
TORTURE_WRAP(X509_CRL *, PEM_read_bio_X509_CRL,
    (BIO * bio, X509_CRL **x, pem_password_cb *cb, void *u), (bio, x, cb, u),
    NULL, false, NULL)
TORTURE_WRAP(int, PEM_write_bio_X509, (BIO * bio, const X509 *certificate),
    (bio, certificate), 0, false, 0)
TORTURE_WRAP(X509 *, d2i_X509, (X509 * *a, const unsigned char **in, long len),
    (a, in, len), NULL, false, NULL)
TORTURE_WRAP(X509_CRL *, d2i_X509_CRL_bio, (BIO * bio, X509_CRL **crl),
    (bio, crl), NULL, false, NULL)
TORTURE_WRAP(int, i2d_X509, (const X509 *certificate, unsigned char **out),
    (certificate, out), -1, false, 0)
TORTURE_WRAP(X509_CRL *, d2i_X509_CRL,
    (X509_CRL * *a, const unsigned char **in, long len), (a, in, len), NULL,
    false, NULL)
TORTURE_WRAP(int, X509_CRL_verify, (X509_CRL * list, EVP_PKEY *key),
    (list, key), 0, false, 0)
TORTURE_WRAP(int, i2d_X509_CRL, (const X509_CRL *list, unsigned char **out),
    (list, out), -1, false, 0)
TORTURE_WRAP(int, OPENSSL_sk_push, (OPENSSL_STACK * stack, const void *data),
    (stack, data), 0, false, 0)

/* --- What is tortured */

/* A thing to do, and what comes of it. */
struct task {
	const char *name;
	char *(*run)(void);
	const char *want;
	bool several; /* certificates are read */
};

static GBytes *bundle, *bundle_pem, *alone;
static char *authority, *crl, *crl_der;
static struct inspected *alice, *revoked, *bob;
static char *folder;
static GBytes *crl_octets;
static struct x509_st *issuer;

static void
remove_crls(void)
{
	char *crls = g_build_filename(folder, CRL_FOLDER, NULL), *path;
	GDir *all = g_dir_open(crls, 0, NULL);
	const char *name;

	while (all != NULL && (name = g_dir_read_name(all)) != NULL) {
		path = g_build_filename(crls, name, NULL);
		(void)unlink(path);
		g_free(path);
	}
	if (all != NULL)
		g_dir_close(all);
	(void)rmdir(crls);
	g_free(crls);
}

static char *
described(int r, const char *good, const struct fault *fault)
{
	if (r == -1 && fault->text[0] == '\0')
		return g_strdup("a fault without a reason");
	return r == 0   ? g_strdup(good)
	       : r == 1 ? g_strdup("1")
	       : fault->kind == FAULT_TEMP
		   ? g_strdup("cannot tell")
		   : g_strdup_printf("PERM: %s", fault->text);
}

static char *
inspect(GBytes *file)
{
	struct fault fault = {FAULT_NONE, ""};
	GString *text = g_string_new(NULL);
	const struct inspected *key;
	const struct user_id *user_id;
	GPtrArray *found = NULL;
	guint i, j;
	int r = x509_inspect(file, false, &found, &fault);

	for (i = 0; found != NULL && i < found->len; i++) {
		key = g_ptr_array_index(found, i);
		g_string_append_printf(text, "%.8s %zu%s", key->fingerprint,
		    g_bytes_get_size(key->blob),
		    key->refused == NULL ? "" : key->refused);
		for (j = 0; j < key->user_ids->len; j++) {
			user_id = g_ptr_array_index(key->user_ids, j);
			g_string_append_printf(text, " %s", user_id->text);
		}
	}
	if (found != NULL)
		g_ptr_array_unref(found);
	if (r == 0)
		return g_string_free(text, FALSE);
	g_string_free(text, TRUE);
	return described(r, "", &fault);
}

static char *
inspect_bundle(void)
{
	return inspect(bundle);
}

static char *
inspect_pem(void)
{
	return inspect(bundle_pem);
}

static char *
inspect_one(void)
{
	return inspect(alone);
}

static char *
to_pem(void)
{
	char *pem = x509_pem(bob->blob);

	return pem == NULL ? g_strdup("cannot tell") : pem;
}

static char *
vouch(const struct inspected *key, const char *revocations)
{
	const char *const trust[] = {authority, NULL};
	const char *const crls[] = {revocations, NULL};
	const struct authorities_config config = {trust, crls, NULL};
	struct authorities *authorities = NULL;
	struct fault fault = {FAULT_NONE, ""};
	char *why = NULL, *text;
	int r;

	if (authorities_open(&config, &authorities, &fault) != 0)
		return described(-1, "", &fault);
	r = authorities_vouch(authorities, key, NOW, &why, &fault);
	authorities_close(&authorities);
	text = described(r, why == NULL ? "" : why, &fault);
	g_free(why);
	return text;
}

static char *
vouch_alice(void)
{
	return vouch(alice, crl);
}

static char *
vouch_bob(void)
{
	return vouch(bob, crl_der);
}

static char *
vouch_revoked(void)
{
	return vouch(revoked, crl_der);
}

/* ca.crl as it comes from the web, twice. */
static char *
keep_crl(void)
{
	static char where[] = "http://ca.example/crl";
	const struct crl_point point = {where, issuer};
	struct fault fault = {FAULT_NONE, ""};
	char *what = NULL, *again = NULL, *text;
	int r;

	remove_crls();
	r = crl_keep(folder, &point, crl_octets, NOW, &what, &fault);
	if (r == 1)
		r = crl_keep(folder, &point, crl_octets, NOW, &again, &fault);
	text = r == -1 ? described(r, "", &fault) : g_strdup(what);
	g_free(what);
	g_free(again);
	return text;
}

static struct task tasks[] = {
    {"PKCS#7 is read", inspect_bundle, NULL, false},
    {"PEM is read", inspect_pem, NULL, true},
    {"a certificate is read", inspect_one, NULL, false},
    {"PEM is written", to_pem, NULL, false},
    {"a good one is vouched for", vouch_alice, "1", false},
    {"one below another authority is", vouch_bob, "1", false},
    {"a revoked one is not", vouch_revoked, "revoked, says its authority",
	false},
    {"a CRL is kept", keep_crl, NULL, false},
};
static const struct task *task;

/* In a process of its own. */
static void
run(void)
{
	char *text, *again;

	torture->armed = true;
	text = task->run();
	torture->armed = false;
	g_strlcpy(torture->fault.text, text, sizeof(torture->fault.text));
	torture->gave = g_strcmp0(text, task->want) == 0;
	torture->result = strcmp(text, "cannot tell") == 0 ? -1 : 0;
	again = task->run();
	torture->recovered = g_strcmp0(again, task->want) == 0;
	g_free(again);
	g_free(text);
}

/* What OpenSSL does not parse is broken, for all that we can see: that file
 * is refused, and one certificate of several passed over. */
static bool
may_call_it_broken(unsigned int point)
{
	if (!g_str_has_prefix(torture->fault.text, "PERM: "))
		return point == POINT_d2i_X509 && task->several;
	return point == POINT_PEM_read_bio_X509 ||
	       point == POINT_PEM_read_bio_X509_CRL ||
	       point == POINT_d2i_X509_CRL_bio || point == POINT_d2i_X509 ||
	       point == POINT_X509_CRL_verify || point == POINT_d2i_X509_CRL ||
	       point == POINT_BIO_ctrl;
}

static const char *
judge(bool ended, unsigned int point)
{
	if (!ended)
		return "the process died, or leaked";
	if (!torture->gave && torture->result != -1 &&
	    !may_call_it_broken(point))
		return "another answer";
	if (!torture->recovered)
		return "it is not well afterwards";
	return NULL;
}

static void
torture_calls(bool *seen)
{
	struct torture counted;
	unsigned int point, nth, bad;
	const char *what;

	what = judge(torture_run(run, POINT_NONE, 0, TORTURE_NONE), POINT_NONE);
	counted = *torture;
	ok(what == NULL && counted.gave, "%s (%s)", task->name,
	    counted.fault.text);
	for (point = 1; point < POINTS_END; point++) {
		if (counted.calls[point] == 0)
			continue;
		seen[point] = true;
		bad = 0;
		for (nth = 1; nth <= counted.calls[point]; nth++) {
			what = judge(
			    torture_run(run, point, nth, TORTURE_FAIL), point);
			if (what == NULL)
				continue;
			bad++;
			printf("# %s, call %u: %s (%s)\n", names[point], nth,
			    what, torture->fault.text);
		}
		ok(bad == 0, "%s, while %s fails, %u calls", task->name,
		    names[point], counted.calls[point]);
	}
}

/* OpenSSL's own answers to that would be "no issuer", or "too weak". */
static void
torture_memory(void)
{
	siginfo_t info = {0};
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(STDERR_FILENO);
		(void)OPENSSL_malloc(SIZE_MAX / 2);
		_exit(0);
	}
	while (pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED) == -1 &&
	       errno == EINTR)
		continue;
	ok(info.si_pid == pid && info.si_status != 0,
	    "without memory for OpenSSL the program ends");
}

/* --- Samples */

static struct inspected *
sample_certificate(const char *file)
{
	GBytes *octets = sample_read(file, NULL);
	GPtrArray *found = NULL;
	struct inspected *key;
	struct fault fault;

	if (x509_inspect(octets, false, &found, &fault) != 0)
		g_error("%s: %s", file, fault.text);
	key = inspected_ref(g_ptr_array_index(found, 0));
	g_ptr_array_unref(found);
	g_bytes_unref(octets);
	return key;
}

/* ca.crl, which is PEM, in DER. */
static char *
write_der(void)
{
	BIO *in = BIO_new_file(crl, "r"), *out;
	X509_CRL *list = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL);
	char *path = g_build_filename(folder, "der.crl", NULL);

	out = BIO_new_file(path, "w");
	if (list == NULL || out == NULL || i2d_X509_CRL_bio(out, list) != 1)
		g_error("%s: cannot write", path);
	X509_CRL_free(list);
	BIO_free(in);
	BIO_free(out);
	return path;
}

int
main(void)
{
	bool seen[POINTS_END] = {true};
	struct inspected *above;
	unsigned int i;

	if (ssl_begin() != 0)
		g_error("OpenSSL has memory already");
	torture_begin();
	folder = g_dir_make_tmp("sealmilter-XXXXXX", NULL);
	bundle = sample_read("../certs/bundle.p7b", NULL);
	bundle_pem =
	    sample_read("../certs/erin.crt", "../certs/ca-sub.crt", NULL);
	alone = sample_read("../certs/utf8.crt", NULL);
	authority = sample_path("../certs/ca.crt");
	crl = sample_path("../certs/ca.crl");
	crl_der = write_der();
	alice = sample_certificate("../certs/alice.crt");
	revoked = sample_certificate("../certs/revoked.crt");
	bob = sample_certificate("../certs/bundle.p7b");
	above = sample_certificate("../certs/ca.crt");
	issuer = x509_ref(above->certificate);
	inspected_unref(above);
	crl_octets = sample_read("../certs/ca.crl", NULL);
	for (i = 0; i < G_N_ELEMENTS(tasks); i++) {
		task = &tasks[i];
		/* All that OpenSSL loads but once is loaded here. */
		if (task->want == NULL)
			tasks[i].want = task->run();
		else
			g_free(task->run());
		torture_calls(seen);
	}
	torture_memory();
	for (i = 0; i < POINTS_END; i++)
		ok(seen[i], "%s was tortured", i == 0 ? "all" : names[i]);
	(void)unlink(crl_der);
	remove_crls();
	(void)rmdir(folder);
	g_free(folder);
	return tap_done();
}
