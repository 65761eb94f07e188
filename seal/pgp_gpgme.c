/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * pgp_gpgme.c - encrypt with GnuPG, by GPGME, in a worker process.
 *
 * In:    keys that may be used, and the payload.
 * Out:   an OpenPGP message, binary.
 * Never: uses a keyring (keys go to gpg as files of one key each, which is
 *        the only way that does not search), or believes an exit status.
 */
#include "seal/pgp.h"

#include "keys/gpg_home.h"
#include "keys/worker.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <gpgme.h>
#include <string.h>
#include <unistd.h>

/* Home, gpg program, keys. */
#define REQUEST_TYPE "(ssaay)"

static int encrypt_job(struct worker_io *io, GBytes *request,
    GByteArray *answer, struct fault *fault);
static int encrypt(struct worker_io *io, const char *home, const char *gpg,
    const char *readers, struct fault *fault);
static int write_keys(GVariant *keys, const char *directory, GString *readers,
    struct fault *fault);
static void remove_keys(const char *directory, gsize count);

void
pgp_gnupg_register(void)
{
	worker_register(WORKER_PGP_ENCRYPT, encrypt_job);
}

/* --- In the daemon */

static GBytes *
make_request(const struct seal_order *order, const char *home)
{
	GVariantBuilder builder;
	GVariant *request;
	const struct key *key;
	GBytes *bytes;
	size_t i;

	g_variant_builder_init(&builder, G_VARIANT_TYPE(REQUEST_TYPE));
	g_variant_builder_add(&builder, "s", home);
	g_variant_builder_add(&builder, "s", order->engines->gpg);
	g_variant_builder_open(&builder, G_VARIANT_TYPE("aay"));
	for (i = 0; i < order->readers_count; i++) {
		key = order->readers[i].key;
		g_variant_builder_add_value(
		    &builder, g_variant_new_from_bytes(
				  G_VARIANT_TYPE_BYTESTRING, key->blob, TRUE));
	}
	g_variant_builder_close(&builder);
	request = g_variant_ref_sink(g_variant_builder_end(&builder));
	bytes = g_variant_get_data_as_bytes(request);
	g_variant_unref(request);
	return bytes;
}

int
pgp_gnupg_encrypt(const struct pgp_job *job, struct fault *fault)
{
	const struct seal_engines *engines = job->order->engines;
	const struct worker_streams streams = {
	    job->read, job->write, job->context};
	GBytes *request;
	char *home;
	int r;

	if (gpg_home_make(engines->state, &home, fault) != 0)
		return -1;
	request = make_request(job->order, home);
	r = worker_call(WORKER_PGP_ENCRYPT, request, &streams,
	    engines->gpg_deadline_ms, NULL, fault);
	if (r != 0)
		fault_prefix(fault, "encrypting with GnuPG");
	g_bytes_unref(request);
	g_free(home);
	return r == 0 ? 1 : -1;
}

/* --- In the worker */

static int
encrypt_job(struct worker_io *io, GBytes *request, GByteArray *answer,
    struct fault *fault)
{
	GVariant *arguments = g_variant_ref_sink(g_variant_new_from_bytes(
	    G_VARIANT_TYPE(REQUEST_TYPE), request, FALSE));
	GVariant *keys = g_variant_get_child_value(arguments, 2);
	GString *readers = g_string_new("--file\n");
	const char *home, *gpg;
	char *directory;
	int ret = -1;

	(void)answer;
	g_variant_get_child(arguments, 0, "&s", &home);
	g_variant_get_child(arguments, 1, "&s", &gpg);
	directory = g_build_filename(home, "readers.XXXXXX", NULL);
	if (g_mkdtemp_full(directory, 0700) == NULL)
		fault_set(fault, FAULT_TEMP, "making %s: %s", directory,
		    g_strerror(errno));
	else {
		if (write_keys(keys, directory, readers, fault) == 0)
			ret = encrypt(io, home, gpg, readers->str, fault);
		remove_keys(directory, g_variant_n_children(keys));
	}
	g_free(directory);
	g_string_free(readers, TRUE);
	g_variant_unref(keys);
	g_variant_unref(arguments);
	return ret;
}

static char *
key_path(const char *directory, gsize i)
{
	return g_strdup_printf("%s/%" G_GSIZE_FORMAT ".key", directory, i);
}

static int
write_keys(GVariant *keys, const char *directory, GString *readers,
    struct fault *fault)
{
	gsize i, len, count = g_variant_n_children(keys);
	GVariant *key;
	const char *data;
	char *path;
	int r = 0;

	for (i = 0; i < count && r == 0; i++) {
		path = key_path(directory, i);
		key = g_variant_get_child_value(keys, i);
		data = g_variant_get_fixed_array(key, &len, 1);
		if (!g_file_set_contents(path, data, (gssize)len, NULL)) {
			fault_set(fault, FAULT_TEMP, "writing %s: %s", path,
			    g_strerror(errno));
			r = -1;
		}
		g_string_append_printf(readers, "%s\n", path);
		g_variant_unref(key);
		g_free(path);
	}
	return r;
}

static void
remove_keys(const char *directory, gsize count)
{
	char *path;
	gsize i;

	for (i = 0; i < count; i++) {
		path = key_path(directory, i);
		unlink(path);
		g_free(path);
	}
	rmdir(directory);
}

/* The gate counts PKESK packets and key IDs; here is only what GPGME and gpg
 * say of themselves. */
static int
encrypt(struct worker_io *io, const char *home, const char *gpg,
    const char *readers, struct fault *fault)
{
	static const struct gpgme_data_cbs input = {
	    gpg_home_read, NULL, NULL, NULL};
	static const struct gpgme_data_cbs output = {
	    NULL, gpg_home_write, NULL, NULL};
	gpgme_data_t plain = NULL, cipher = NULL;
	gpgme_encrypt_result_t result;
	gpgme_ctx_t ctx = NULL;
	gpgme_error_t error;
	int status, ret = -1;

	if (gpg_home_context(home, gpg, &ctx, fault) != 0)
		return -1;
	/* GPGME does not write to these structures. */
	error = gpgme_data_new_from_cbs(
	    &plain, (gpgme_data_cbs_t)(uintptr_t)&input, io);
	if (error == 0)
		error = gpgme_data_new_from_cbs(
		    &cipher, (gpgme_data_cbs_t)(uintptr_t)&output, io);
	if (error == 0)
		error = gpgme_op_encrypt_ext(ctx, NULL, readers,
		    GPGME_ENCRYPT_ALWAYS_TRUST | GPGME_ENCRYPT_NO_COMPRESS,
		    plain, cipher);
	result = gpgme_op_encrypt_result(ctx);
	if (error != 0)
		gpg_home_fault(fault, error, "gpg");
	else if (result == NULL || result->invalid_recipients != NULL)
		fault_set(fault, FAULT_TEMP, "gpg cannot use a key");
	else if (gpg_home_reap(&status, fault) == 0) {
		if (status == 0)
			ret = 0;
		else
			fault_set(fault, FAULT_TEMP, "gpg ended with status %d",
			    status);
	}
	gpgme_data_release(plain);
	gpgme_data_release(cipher);
	gpgme_release(ctx);
	return ret;
}
