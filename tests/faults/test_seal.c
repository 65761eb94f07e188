/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_seal.c - whatever fails while a message is sealed, and whenever: no
 * copy, or a copy that its readers can open.
 *
 * First it is counted how often each function is called for one message.
 * Then the message is sealed again for each call, with that call failing,
 * and once more with it lying.
 */
#include "config.h"

#include "keys/inspect.h"
#include "keys/worker.h"
#include "seal/seal.h"
#include "tests/faults/torture.h"
#include "tests/unit/mail.h"

#include <gpgme.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <poll.h>
#include <sys/socket.h>
#ifdef HAVE_RNP
#include <rnp/rnp.h>
#endif

#define DEADLINE_MS 20000
#define TORTURED 0x10000000 /* RNP_ERROR_GENERIC of rnp_err.h */

/* --- What may fail: type, name, parameters, arguments, what it returns then;
 * and for liars, what they return without having done it */

#define RANDOM_POINTS(FAILS, LIES)                                             \
	FAILS(int, getentropy, (void *buf, size_t len), (buf, len), -1)

#define SPOOL_POINTS(FAILS, LIES)                                              \
	FAILS(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, (void), (), NULL)          \
	FAILS(int, EVP_CipherInit_ex,                                          \
	    (EVP_CIPHER_CTX * ctx, const EVP_CIPHER *type, ENGINE *engine,     \
		const unsigned char *key, const unsigned char *iv, int enc),   \
	    (ctx, type, engine, key, iv, enc), 0)                              \
	FAILS(int, EVP_CIPHER_CTX_ctrl,                                        \
	    (EVP_CIPHER_CTX * ctx, int type, int arg, void *ptr),              \
	    (ctx, type, arg, ptr), 0)                                          \
	FAILS(int, EVP_CipherUpdate,                                           \
	    (EVP_CIPHER_CTX * ctx, unsigned char *out, int *outl,              \
		const unsigned char *in, int inl),                             \
	    (ctx, out, outl, in, inl), 0)                                      \
	FAILS(int, EVP_CipherFinal_ex,                                         \
	    (EVP_CIPHER_CTX * ctx, unsigned char *out, int *outl),             \
	    (ctx, out, outl), 0)                                               \
	LIES(ssize_t, pwrite,                                                  \
	    (int fd, const void *buf, size_t len, off_t offset),               \
	    (fd, buf, len, offset), -1, (ssize_t)len)                          \
	LIES(ssize_t, pread, (int fd, void *buf, size_t len, off_t offset),    \
	    (fd, buf, len, offset), -1, 0)

#define OPENSSL_POINTS(FAILS, LIES)                                            \
	FAILS(EVP_CIPHER *, EVP_CIPHER_fetch,                                  \
	    (OSSL_LIB_CTX * library, const char *name,                         \
		const char *properties),                                       \
	    (library, name, properties), NULL)                                 \
	FAILS(EVP_MD *, EVP_MD_fetch,                                          \
	    (OSSL_LIB_CTX * library, const char *name,                         \
		const char *properties),                                       \
	    (library, name, properties), NULL)                                 \
	FAILS(EVP_MD_CTX *, EVP_MD_CTX_new, (void), (), NULL)                  \
	FAILS(int, EVP_DigestInit_ex2,                                         \
	    (EVP_MD_CTX * ctx, const EVP_MD *type, const OSSL_PARAM params[]), \
	    (ctx, type, params), 0)                                            \
	FAILS(int, EVP_DigestUpdate,                                           \
	    (EVP_MD_CTX * ctx, const void *data, size_t len),                  \
	    (ctx, data, len), 0)                                               \
	FAILS(int, EVP_DigestFinal_ex,                                         \
	    (EVP_MD_CTX * ctx, unsigned char *digest, unsigned int *len),      \
	    (ctx, digest, len), 0)                                             \
	FAILS(int, EVP_EncryptInit_ex2,                                        \
	    (EVP_CIPHER_CTX * ctx, const EVP_CIPHER *cipher,                   \
		const unsigned char *key, const unsigned char *iv,             \
		const OSSL_PARAM params[]),                                    \
	    (ctx, cipher, key, iv, params), 0)                                 \
	LIES(int, EVP_EncryptUpdate,                                           \
	    (EVP_CIPHER_CTX * ctx, unsigned char *out, int *outl,              \
		const unsigned char *in, int inl),                             \
	    (ctx, out, outl, in, inl), 0, 1)                                   \
	FAILS(BIGNUM *, BN_bin2bn,                                             \
	    (const unsigned char *in, int len, BIGNUM *number),                \
	    (in, len, number), NULL)                                           \
	LIES(int, BN_bn2nativepad,                                             \
	    (const BIGNUM *number, unsigned char *out, int len),               \
	    (number, out, len), -1, 0)                                         \
	FAILS(EVP_PKEY_CTX *, EVP_PKEY_CTX_new_from_name,                      \
	    (OSSL_LIB_CTX * library, const char *name,                         \
		const char *properties),                                       \
	    (library, name, properties), NULL)                                 \
	FAILS(EVP_PKEY_CTX *, EVP_PKEY_CTX_new_from_pkey,                      \
	    (OSSL_LIB_CTX * library, EVP_PKEY * key, const char *properties),  \
	    (library, key, properties), NULL)                                  \
	FAILS(int, EVP_PKEY_fromdata_init, (EVP_PKEY_CTX * ctx), (ctx), 0)     \
	LIES(int, EVP_PKEY_fromdata,                                           \
	    (EVP_PKEY_CTX * ctx, EVP_PKEY * *key, int selection,               \
		OSSL_PARAM params[]),                                          \
	    (ctx, key, selection, params), 0, 1)                               \
	FAILS(EVP_PKEY *, EVP_PKEY_new_raw_public_key_ex,                      \
	    (OSSL_LIB_CTX * library, const char *type, const char *properties, \
		const unsigned char *key, size_t len),                         \
	    (library, type, properties, key, len), NULL)                       \
	LIES(int, EVP_PKEY_set1_encoded_public_key,                            \
	    (EVP_PKEY * key, const unsigned char *point, size_t len),          \
	    (key, point, len), 0, 1)                                           \
	FAILS(int, EVP_PKEY_get_raw_public_key,                                \
	    (const EVP_PKEY *key, unsigned char *out, size_t *len),            \
	    (key, out, len), 0)                                                \
	FAILS(int, EVP_PKEY_keygen_init, (EVP_PKEY_CTX * ctx), (ctx), 0)       \
	LIES(int, EVP_PKEY_generate, (EVP_PKEY_CTX * ctx, EVP_PKEY * *key),    \
	    (ctx, key), 0, 1)                                                  \
	FAILS(int, EVP_PKEY_derive_init, (EVP_PKEY_CTX * ctx), (ctx), 0)       \
	LIES(int, EVP_PKEY_derive_set_peer_ex,                                 \
	    (EVP_PKEY_CTX * ctx, EVP_PKEY * peer, int validate),               \
	    (ctx, peer, validate), 0, 1)                                       \
	LIES(int, EVP_PKEY_derive,                                             \
	    (EVP_PKEY_CTX * ctx, unsigned char *key, size_t *len),             \
	    (ctx, key, len), 0, 1)                                             \
	LIES(int, EVP_PKEY_get_octet_string_param,                             \
	    (const EVP_PKEY *key, const char *name, unsigned char *out,        \
		size_t size, size_t *len),                                     \
	    (key, name, out, size, len), 0, 1)                                 \
	FAILS(int, EVP_PKEY_encrypt_init, (EVP_PKEY_CTX * ctx), (ctx), 0)      \
	FAILS(int, EVP_PKEY_CTX_set_rsa_padding,                               \
	    (EVP_PKEY_CTX * ctx, int padding), (ctx, padding), 0)              \
	LIES(int, EVP_PKEY_encrypt,                                            \
	    (EVP_PKEY_CTX * ctx, unsigned char *out, size_t *outl,             \
		const unsigned char *in, size_t inl),                          \
	    (ctx, out, outl, in, inl), 0, 1)

#define RNP_POINTS(FAILS, LIES)                                                \
	FAILS(rnp_result_t, rnp_ffi_create,                                    \
	    (rnp_ffi_t * ffi, const char *public, const char *secret),         \
	    (ffi, public, secret), TORTURED)                                   \
	FAILS(rnp_result_t, rnp_input_from_memory,                             \
	    (rnp_input_t * input, const uint8_t buf[], size_t len, bool copy), \
	    (input, buf, len, copy), TORTURED)                                 \
	FAILS(rnp_result_t, rnp_input_from_callback,                           \
	    (rnp_input_t * input, rnp_input_reader_t * reader,                 \
		rnp_input_closer_t * closer, void *app),                       \
	    (input, reader, closer, app), TORTURED)                            \
	FAILS(rnp_result_t, rnp_output_to_callback,                            \
	    (rnp_output_t * output, rnp_output_writer_t * writer,              \
		rnp_output_closer_t * closer, void *app),                      \
	    (output, writer, closer, app), TORTURED)                           \
	LIES(rnp_result_t, rnp_import_keys,                                    \
	    (rnp_ffi_t ffi, rnp_input_t input, uint32_t flags,                 \
		char **results),                                               \
	    (ffi, input, flags, results), TORTURED, 0)                         \
	LIES(rnp_result_t, rnp_locate_key,                                     \
	    (rnp_ffi_t ffi, const char *type, const char *identifier,          \
		rnp_key_handle_t *key),                                        \
	    (ffi, type, identifier, key), TORTURED, 0)                         \
	FAILS(rnp_result_t, rnp_op_encrypt_create,                             \
	    (rnp_op_encrypt_t * op, rnp_ffi_t ffi, rnp_input_t input,          \
		rnp_output_t output),                                          \
	    (op, ffi, input, output), TORTURED)                                \
	LIES(rnp_result_t, rnp_op_encrypt_add_recipient,                       \
	    (rnp_op_encrypt_t op, rnp_key_handle_t key), (op, key), TORTURED,  \
	    0)                                                                 \
	LIES(rnp_result_t, rnp_op_encrypt_set_cipher,                          \
	    (rnp_op_encrypt_t op, const char *cipher), (op, cipher), TORTURED, \
	    0)                                                                 \
	LIES(rnp_result_t, rnp_op_encrypt_set_aead,                            \
	    (rnp_op_encrypt_t op, const char *algorithm), (op, algorithm),     \
	    TORTURED, 0)                                                       \
	LIES(rnp_result_t, rnp_op_encrypt_set_compression,                     \
	    (rnp_op_encrypt_t op, const char *compression, int level),         \
	    (op, compression, level), TORTURED, 0)                             \
	LIES(rnp_result_t, rnp_op_encrypt_set_armor,                           \
	    (rnp_op_encrypt_t op, bool armored), (op, armored), TORTURED, 0)   \
	LIES(rnp_result_t, rnp_op_encrypt_set_file_name,                       \
	    (rnp_op_encrypt_t op, const char *name), (op, name), TORTURED, 0)  \
	LIES(rnp_result_t, rnp_op_encrypt_set_file_mtime,                      \
	    (rnp_op_encrypt_t op, uint32_t mtime), (op, mtime), TORTURED, 0)   \
	LIES(rnp_result_t, rnp_op_encrypt_execute, (rnp_op_encrypt_t op),      \
	    (op), TORTURED, 0)                                                 \
	LIES(rnp_result_t, rnp_output_finish, (rnp_output_t output), (output), \
	    TORTURED, 0)

/* The caller's end of a worker, and the worker. */
#define WORKER_POINTS(FAILS, LIES)                                             \
	LIES(int, worker_call,                                                 \
	    (enum worker_verb verb, GBytes * request,                          \
		const struct worker_streams *streams,                          \
		unsigned int deadline_ms, GBytes **answerp,                    \
		struct fault *fault),                                          \
	    (verb, request, streams, deadline_ms, answerp, fault),             \
	    (fault_set(fault, FAULT_TEMP, "tortured"), -1), 0)                 \
	FAILS(int, socketpair,                                                 \
	    (int domain, int type, int protocol, int ends[2]),                 \
	    (domain, type, protocol, ends), -1)                                \
	FAILS(pid_t, fork, (void), (), -1)                                     \
	LIES(ssize_t, recv, (int fd, void *buf, size_t len, int flags),        \
	    (fd, buf, len, flags), -1, 0)                                      \
	FAILS(int, poll, (struct pollfd * fds, nfds_t count, int timeout),     \
	    (fds, count, timeout), -1)                                         \
	FAILS(int, setpgid, (pid_t pid, pid_t group), (pid, group), -1)        \
	FAILS(int, dup2, (int from, int to), (from, to), -1)                   \
	LIES(ssize_t, read, (int fd, void *buf, size_t len), (fd, buf, len),   \
	    -1, 0)                                                             \
	LIES(ssize_t, send, (int fd, const void *buf, size_t len, int flags),  \
	    (fd, buf, len, flags), -1, (ssize_t)len)                           \
	LIES(ssize_t, worker_read,                                             \
	    (struct worker_io * io, void *buf, size_t size), (io, buf, size),  \
	    -1, 0)                                                             \
	LIES(int, worker_write,                                                \
	    (struct worker_io * io, const void *data, size_t len),             \
	    (io, data, len), -1, 0)                                            \
	FAILS(pid_t, waitpid, (pid_t pid, int *status, int options),           \
	    (pid, status, options), -1)

#define GPGME_POINTS(FAILS, LIES)                                              \
	FAILS(int, access, (const char *path, int mode), (path, mode), -1)     \
	FAILS(int, mkdir, (const char *path, mode_t mode), (path, mode), -1)   \
	FAILS(gpgme_error_t, gpgme_new, (gpgme_ctx_t * ctx), (ctx),            \
	    gpgme_error(GPG_ERR_GENERAL))                                      \
	FAILS(gpgme_error_t, gpgme_set_protocol,                               \
	    (gpgme_ctx_t ctx, gpgme_protocol_t protocol), (ctx, protocol),     \
	    gpgme_error(GPG_ERR_GENERAL))                                      \
	FAILS(gpgme_error_t, gpgme_ctx_set_engine_info,                        \
	    (gpgme_ctx_t ctx, gpgme_protocol_t protocol, const char *file,     \
		const char *home),                                             \
	    (ctx, protocol, file, home), gpgme_error(GPG_ERR_GENERAL))         \
	FAILS(gpgme_error_t, gpgme_data_new_from_cbs,                          \
	    (gpgme_data_t * data, gpgme_data_cbs_t callbacks, void *handle),   \
	    (data, callbacks, handle), gpgme_error(GPG_ERR_GENERAL))           \
	LIES(gpgme_error_t, gpgme_op_encrypt_ext,                              \
	    (gpgme_ctx_t ctx, gpgme_key_t readers[], const char *more,         \
		gpgme_encrypt_flags_t flags, gpgme_data_t plain,               \
		gpgme_data_t cipher),                                          \
	    (ctx, readers, more, flags, plain, cipher),                        \
	    gpgme_error(GPG_ERR_GENERAL), 0)                                   \
	FAILS(gpgme_encrypt_result_t, gpgme_op_encrypt_result,                 \
	    (gpgme_ctx_t ctx), (ctx), NULL)

#ifdef HAVE_RNP
#define POINTS(FAILS, LIES)                                                    \
	RANDOM_POINTS(FAILS, LIES)                                             \
	SPOOL_POINTS(FAILS, LIES)                                              \
	OPENSSL_POINTS(FAILS, LIES)                                            \
	RNP_POINTS(FAILS, LIES)                                                \
	WORKER_POINTS(FAILS, LIES)                                             \
	GPGME_POINTS(FAILS, LIES)
#else
#define POINTS(FAILS, LIES)                                                    \
	RANDOM_POINTS(FAILS, LIES)                                             \
	SPOOL_POINTS(FAILS, LIES)                                              \
	OPENSSL_POINTS(FAILS, LIES)                                            \
	WORKER_POINTS(FAILS, LIES)                                             \
	GPGME_POINTS(FAILS, LIES)
#endif

#define NAME_FAILS(type, name, parameters, arguments, failure) POINT_##name,
#define NAME_LIES(type, name, parameters, arguments, failure, lie) POINT_##name,

enum {
	POINT_NONE,
	POINTS(NAME_FAILS, NAME_LIES) POINTS_END,
};

#define TEXT_FAILS(type, name, parameters, arguments, failure) #name,
#define TEXT_LIES(type, name, parameters, arguments, failure, lie) #name,

static const char *const names[] = {"nothing", POINTS(TEXT_FAILS, TEXT_LIES)};

G_STATIC_ASSERT(POINTS_END <= TORTURE_POINTS);

#define WRAP_FAILS(type, name, parameters, arguments, failure)                 \
	TORTURE_WRAP(type, name, parameters, arguments, failure, false, failure)
#define WRAP_LIES(type, name, parameters, arguments, failure, lie)             \
	TORTURE_WRAP(type, name, parameters, arguments, failure, true, lie)

POINTS(WRAP_FAILS, WRAP_LIES)

/* --- One message */

static const struct scenario {
	const char *name;
	unsigned int pgp;
	size_t memory_octets; /* of a spool */
	size_t lines;         /* of body */
	/* Whatever fails of what is called like that, the copy is made. */
	const char *falls_back;
} scenarios[] = {
    {"OpenSSL, a small message", PGP_OPENSSL, 1U << 20, 20, NULL},
    {"OpenSSL, a message on disk", PGP_OPENSSL, 1, 2000, NULL},
    {"OpenSSL with GnuPG behind it", PGP_OPENSSL | PGP_GNUPG, 1U << 20, 20,
	"EVP_PKEY_"},
#ifdef HAVE_RNP
    {"RNP, a small message", PGP_RNP, 1U << 20, 20, NULL},
    {"RNP, a message on disk", PGP_RNP, 1, 2000, NULL},
    {"RNP with GnuPG behind it", PGP_RNP | PGP_GNUPG, 1U << 20, 20, "rnp_"},
#endif
    {"GnuPG, a small message", PGP_GNUPG, 1U << 20, 20, NULL},
    {"GnuPG, a message on disk", PGP_GNUPG, 1, 2000, NULL},
};

static struct key *alice, *bob, *curve;
static const struct scenario *scenario;
static GString *body;
static char *copy; /* path */

static struct message *
compose(struct fault *fault)
{
	const struct spool_limits limits = {
	    mail_directory, scenario->memory_octets};
	struct message *message = message_make(&limits);

	message_add_field(message, "From", " sam@example.net");
	message_add_field(message, "To", " alice@example.org");
	message_add_field(message, "Subject", " A wedding in May");
	if (message_add_body(message, body->str, body->len, fault) != 0)
		message_free(&message);
	return message;
}

/* From the first octet of the body to the finished copy. */
static int
seal_one(
    struct message **messagep, struct sealed **sealedp, struct fault *fault)
{
	const struct seal_reader readers[] = {
	    {alice, false}, {bob, true}, {curve, false}};
	const struct seal_engines engines = {
	    mail_directory, GPG_PATH, DEADLINE_MS, scenario->pgp};
	const struct spool_limits limits = {
	    mail_directory, scenario->memory_octets};
	const struct seal_order order = {.readers = readers,
	    .readers_count = G_N_ELEMENTS(readers),
	    .hide_subject = true,
	    .engines = &engines,
	    .limits = &limits};

	*messagep = compose(fault);
	if (*messagep == NULL)
		return -1;
	return seal_message(&order, *messagep, sealedp, fault);
}

static void
write_copy(const struct sealed *sealed, const struct message *message)
{
	int fd = open(copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct fault fault;

	if (fd == -1 || sealed_write(sealed, message, fd, &fault) != 0)
		g_error("%s: cannot write", copy);
	close(fd);
}

/* In a process of its own: one that goes wrong, and one after it. */
static void
run(void)
{
	struct message *message = NULL;
	struct sealed *sealed = NULL;
	struct fault fault = {FAULT_NONE, ""};

	torture->armed = true;
	torture->result = seal_one(&message, &sealed, &fault);
	torture->armed = false;
	torture->gave = sealed != NULL;
	torture->fault = fault;
	if (torture->result == 0)
		write_copy(sealed, message);
	sealed_free(&sealed);
	message_free(&message);
	/* OpenSSL's and RNP's objects are used again; GnuPG keeps nothing. */
	torture->recovered =
	    scenario->pgp == PGP_GNUPG || torture->way == TORTURE_LIE ||
	    (seal_one(&message, &sealed, &fault) == 0 && sealed != NULL);
	sealed_free(&sealed);
	message_free(&message);
}

/* --- What came out of it */

/* For three readers, and both sides of it as they were. */
static bool
opens(void)
{
	GString *text = NULL;
	char *octets = NULL, *armor;
	const char *status;
	gsize len;
	unsigned int readers = 0;
	bool good;

	if (!g_file_get_contents(copy, &octets, &len, NULL))
		return false;
	armor = strstr(octets, "-----BEGIN PGP MESSAGE-----");
	if (armor != NULL)
		text = mail_gpg(
		    "--status-fd=1", "--decrypt", armor, strlen(armor));
	for (status = mail_output; text != NULL && status != NULL;
	     status = strchr(status + 1, '\n'))
		readers += (unsigned int)g_str_has_prefix(
		    status + (*status == '\n'), "[GNUPG:] ENC_TO ");
	good = text != NULL && readers == 3 && text->len > body->len &&
	       memcmp(text->str + text->len - body->len, body->str,
		   body->len) == 0 &&
	       strstr(text->str, "Subject: A wedding in May\r\n") != NULL &&
	       strstr(octets, "wedding") == NULL;
	if (text != NULL)
		g_string_free(text, TRUE);
	g_free(octets);
	return good;
}

/* NULL, or what is wrong with how it ended. */
static const char *
judge(bool ended)
{
	if (!ended)
		return "the process died, or leaked";
	if (torture->result != 0 && torture->gave)
		return "it failed and gave a copy away";
	if (torture->result != 0 && (torture->fault.kind == FAULT_NONE ||
					torture->fault.text[0] == '\0'))
		return "it failed and did not say why";
	if (torture->result == 0 && (!torture->gave || !opens()))
		return "a copy came out that its readers cannot open";
	if (!torture->recovered)
		return "the message after it was not sealed";
	return NULL;
}

static bool
must_fall_back(unsigned int point, enum torture_way way)
{
	return scenario->falls_back != NULL && way == TORTURE_FAIL &&
	       g_str_has_prefix(names[point], scenario->falls_back);
}

/* Every call of a function in turn. */
static void
torture_point(unsigned int point, unsigned int calls, enum torture_way way)
{
	unsigned int nth, sealed = 0, bad = 0;
	const char *what;
	bool ended;

	for (nth = 1; nth <= calls; nth++) {
		ended = torture_run(run, point, nth, way);
		what = judge(ended);
		sealed += ended && torture->result == 0;
		if (what == NULL && torture->result != 0 &&
		    must_fall_back(point, way))
			what = "GnuPG did not step in";
		if (what == NULL)
			continue;
		bad++;
		printf("# %s, call %u: %s (%s)\n", names[point], nth, what,
		    torture->fault.text);
	}
	ok(bad == 0, "%s: %s %s, %u calls, %u times sealed all the same",
	    scenario->name, names[point], way == TORTURE_LIE ? "lies" : "fails",
	    calls, sealed);
}

static void
torture_scenario(bool *seen)
{
	struct torture counted;
	const char *what = judge(torture_run(run, POINT_NONE, 0, TORTURE_NONE));
	unsigned int point;

	counted = *torture;
	ok(what == NULL && counted.result == 0, "%s: is sealed",
	    scenario->name);
	if (what != NULL)
		printf("# %s (%s)\n", what, counted.fault.text);
	for (point = 1; point < POINTS_END; point++) {
		if (counted.calls[point] == 0)
			continue;
		seen[point] = true;
		torture_point(point, counted.calls[point], TORTURE_FAIL);
		if (counted.lies[point])
			torture_point(point, counted.calls[point], TORTURE_LIE);
	}
}

static void
make_body(void)
{
	size_t i;

	g_string_truncate(body, 0);
	for (i = 0; i < scenario->lines; i++)
		g_string_append_printf(
		    body, "Line %zu of what nobody else may read.\r\n", i);
}

int
main(void)
{
	bool seen[POINTS_END] = {true};
	unsigned int point;
	size_t i;

	mail_begin();
	torture_begin();
	inspect_register();
	seal_register_jobs();
	alice = mail_key("alice.asc", "alice@example.org");
	bob = mail_key("bob.asc", "bob@example.org");
	curve = mail_key("nistp256.asc", "nistp256@example.org");
	copy = mail_path("copy");
	body = g_string_new(NULL);
	for (i = 0; i < G_N_ELEMENTS(scenarios); i++) {
		scenario = &scenarios[i];
		make_body();
		torture_scenario(seen);
	}
	for (point = 1; point < POINTS_END; point++)
		if (!ok(seen[point], "%s is called by one", names[point]))
			printf("# is it linked with --wrap?\n");
	g_string_free(body, TRUE);
	g_free(copy);
	key_unref(&alice);
	key_unref(&bob);
	key_unref(&curve);
	mail_end();
	return tap_done();
}
