/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * unseal_gpgme.c - decrypt with GnuPG, by GPGME, in a worker process.
 *
 * In:    an OpenPGP message, binary; a home whose agent has secret keys.
 * Out:   what is in it, if its integrity is proved (MDC or AEAD).
 * Never: believes an exit status, or takes a message without protection.
 */
#include "seal/unseal_private.h"

#include "keys/gpg_home.h"
#include "keys/worker.h"

#include <errno.h>
#include <gpgme.h>
#include <string.h>

/* Home and gpg program; a file of keys, for WORKER_PGP_SECRET. */
#define REQUEST_TYPE "(ssay)"

static worker_job decrypt_job, secret_job;

void
unseal_gnupg_register(void)
{
	worker_register(WORKER_PGP_DECRYPT, decrypt_job);
	worker_register(WORKER_PGP_SECRET, secret_job);
}

/* --- In the program */

struct streams {
	struct spool_reader *reader;
	struct spool *payload;
};

static ssize_t
read_cipher(void *context, void *buffer, size_t size, struct fault *fault)
{
	struct streams *streams = context;

	return spool_reader_read(streams->reader, buffer, size, fault);
}

static int
write_payload(void *context, const void *data, size_t len, struct fault *fault)
{
	struct streams *streams = context;

	return spool_append(streams->payload, data, len, fault);
}

static GBytes *
make_request(const struct unseal_keys *keys, GBytes *file)
{
	GVariant *request = g_variant_ref_sink(g_variant_new("(ss@ay)",
	    keys->home, keys->gpg,
	    g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, file, TRUE)));
	GBytes *octets = g_variant_get_data_as_bytes(request);

	g_variant_unref(request);
	return octets;
}

int
unseal_gnupg(const struct unseal_keys *keys, const struct spool *cipher,
    struct spool *payload, struct fault *fault)
{
	struct streams streams = {NULL, payload};
	const struct worker_streams flow = {
	    read_cipher, write_payload, &streams};
	GBytes *none, *request;
	int r;

	if (keys->home == NULL) {
		fault_set(fault, FAULT_PERM, "there is no GnuPG home");
		return -1;
	}
	none = g_bytes_new(NULL, 0);
	request = make_request(keys, none);
	streams.reader = spool_reader_make(cipher);
	r = worker_call(
	    WORKER_PGP_DECRYPT, request, &flow, keys->deadline_ms, NULL, fault);
	/* Not of this message: no agent, nobody who types, no home. */
	if (r != 0 && fault->kind == FAULT_TEMP)
		fault_prefix(fault,
		    "opening with the keys in %s, whose agent has to know the"
		    " passphrase",
		    keys->home);
	spool_reader_free(&streams.reader);
	g_bytes_unref(request);
	g_bytes_unref(none);
	return r;
}

int
unseal_take_secret(
    const struct unseal_keys *keys, GBytes *file, struct fault *fault)
{
	GBytes *request = make_request(keys, file);
	int r = worker_call(
	    WORKER_PGP_SECRET, request, NULL, keys->deadline_ms, NULL, fault);

	g_bytes_unref(request);
	return r;
}

/* --- In the worker */

/* What is wrong with this message or its key is not wrong with the next. */
static void
decrypt_fault(struct fault *fault, gpgme_error_t error)
{
	const gpg_err_code_t code = gpgme_err_code(error);

	if (code == GPG_ERR_NO_SECKEY || code == GPG_ERR_DECRYPT_FAILED ||
	    code == GPG_ERR_BAD_DATA || code == GPG_ERR_NO_DATA)
		fault_set(fault, FAULT_PERM, "gpg does not open it: %s",
		    gpgme_strerror(error));
	else
		gpg_home_fault(fault, error, "gpg");
}

static int
decrypt(struct worker_io *io, gpgme_ctx_t ctx, struct fault *fault)
{
	static const struct gpgme_data_cbs input = {
	    gpg_home_read, NULL, NULL, NULL};
	static const struct gpgme_data_cbs output = {
	    NULL, gpg_home_write, NULL, NULL};
	gpgme_data_t plain = NULL, cipher = NULL;
	gpgme_decrypt_result_t result;
	gpgme_error_t error;
	int status, ret = -1;

	/* GPGME does not write to these structures. */
	error = gpgme_data_new_from_cbs(
	    &cipher, (gpgme_data_cbs_t)(uintptr_t)&input, io);
	if (error == 0)
		error = gpgme_data_new_from_cbs(
		    &plain, (gpgme_data_cbs_t)(uintptr_t)&output, io);
	if (error == 0)
		error = gpgme_op_decrypt(ctx, cipher, plain);
	result = gpgme_op_decrypt_result(ctx);
	if (error != 0)
		decrypt_fault(fault, error);
	else if (result == NULL || result->legacy_cipher_nomdc)
		fault_set(fault, FAULT_PERM,
		    "nothing proves that it was not changed");
	else if (gpg_home_reap(&status, fault) == 0) {
		if (status == 0)
			ret = 0;
		else
			fault_set(fault, FAULT_TEMP, "gpg ended with status %d",
			    status);
	}
	gpgme_data_release(plain);
	gpgme_data_release(cipher);
	return ret;
}

static int
import_secret(gpgme_ctx_t ctx, const void *data, gsize len, struct fault *fault)
{
	gpgme_data_t keys = NULL;
	gpgme_import_result_t result;
	gpgme_error_t error = gpgme_data_new_from_mem(&keys, data, len, 0);

	if (error == 0)
		error = gpgme_op_import(ctx, keys);
	result = gpgme_op_import_result(ctx);
	gpgme_data_release(keys);
	if (error != 0)
		gpg_home_fault(fault, error, "gpg");
	else if (result != NULL &&
		 result->secret_imported + result->secret_unchanged > 0)
		return 0;
	else
		fault_set(fault, FAULT_PERM, "there is no secret key in it");
	return -1;
}

static int
with_context(struct worker_io *io, GBytes *request, struct fault *fault)
{
	GVariant *arguments = g_variant_ref_sink(g_variant_new_from_bytes(
	    G_VARIANT_TYPE(REQUEST_TYPE), request, FALSE));
	GVariant *file = g_variant_get_child_value(arguments, 2);
	const char *home, *gpg;
	gpgme_ctx_t ctx = NULL;
	gconstpointer data;
	gsize len;
	int ret = -1;

	g_variant_get_child(arguments, 0, "&s", &home);
	g_variant_get_child(arguments, 1, "&s", &gpg);
	data = g_variant_get_fixed_array(file, &len, 1);
	if (gpg_home_context(home, gpg, &ctx, fault) == 0)
		ret = io == NULL ? import_secret(ctx, data, len, fault)
				 : decrypt(io, ctx, fault);
	gpgme_release(ctx);
	g_variant_unref(file);
	g_variant_unref(arguments);
	return ret;
}

static int
decrypt_job(struct worker_io *io, GBytes *request, GByteArray *answer,
    struct fault *fault)
{
	(void)answer;
	return with_context(io, request, fault);
}

static int
secret_job(struct worker_io *io, GBytes *request, GByteArray *answer,
    struct fault *fault)
{
	(void)io;
	(void)answer;
	return with_context(NULL, request, fault);
}
