/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * unseal_rnp.c - decrypt in-process with RNP.
 *
 * In:    an OpenPGP message, binary; a file of secret keys.
 * Out:   what is in it, if its integrity is proved (MDC or AEAD).
 * Never: asks for a passphrase: GnuPG's agent does.
 */
#include "seal/unseal_private.h"

#include <rnp/rnp.h>
#include <string.h>

struct streams {
	struct spool_reader *reader;
	struct spool *payload;
	struct fault *fault;
};

static bool
on_read(void *context, void *buffer, size_t size, size_t *read)
{
	struct streams *streams = context;
	ssize_t n =
	    spool_reader_read(streams->reader, buffer, size, streams->fault);

	*read = n > 0 ? (size_t)n : 0;
	return n >= 0;
}

static bool
on_write(void *context, const void *data, size_t len)
{
	struct streams *streams = context;

	return spool_append(streams->payload, data, len, streams->fault) == 0;
}

static rnp_ffi_t
load(GBytes *file)
{
	rnp_ffi_t ffi = NULL;
	rnp_input_t input = NULL;
	gsize len;
	const uint8_t *data = g_bytes_get_data(file, &len);

	if (rnp_ffi_create(&ffi, "GPG", "GPG") != 0)
		return NULL;
	if (rnp_input_from_memory(&input, data, len, false) != 0 ||
	    rnp_import_keys(ffi, input,
		RNP_LOAD_SAVE_SECRET_KEYS | RNP_LOAD_SAVE_PUBLIC_KEYS |
		    RNP_LOAD_SAVE_PERMISSIVE,
		NULL) != 0) {
		(void)rnp_ffi_destroy(ffi);
		ffi = NULL;
	}
	rnp_input_destroy(input);
	return ffi;
}

/* True if all of it was opened, and proved to be whole. */
static bool
run(rnp_ffi_t ffi, struct streams *streams)
{
	rnp_op_verify_t op = NULL;
	rnp_input_t input = NULL;
	rnp_output_t output = NULL;
	char *mode = NULL, *cipher = NULL;
	bool valid = false;

	if (rnp_input_from_callback(&input, on_read, NULL, streams) == 0 &&
	    rnp_output_to_callback(&output, on_write, NULL, streams) == 0 &&
	    rnp_op_verify_create(&op, ffi, input, output) == 0 &&
	    rnp_op_verify_set_flags(op, RNP_VERIFY_IGNORE_SIGS_ON_DECRYPT) ==
		0 &&
	    rnp_op_verify_execute(op) == 0 && rnp_output_finish(output) == 0 &&
	    rnp_op_verify_get_protection_info(op, &mode, &cipher, &valid) != 0)
		valid = false;
	if (mode == NULL || strcmp(mode, "none") == 0 ||
	    strcmp(mode, "cfb") == 0)
		valid = false;
	rnp_buffer_destroy(mode);
	rnp_buffer_destroy(cipher);
	rnp_op_verify_destroy(op);
	rnp_output_destroy(output);
	rnp_input_destroy(input);
	return valid;
}

int
unseal_rnp(const struct unseal_keys *keys, const struct spool *cipher,
    struct spool *payload, struct fault *fault)
{
	struct streams streams = {NULL, payload, fault};
	rnp_ffi_t ffi = keys->openpgp == NULL ? NULL : load(keys->openpgp);
	bool opened;

	if (ffi == NULL)
		return 0;
	streams.reader = spool_reader_make(cipher);
	opened = run(ffi, &streams);
	spool_reader_free(&streams.reader);
	(void)rnp_ffi_destroy(ffi);
	if (fault->kind != FAULT_NONE)
		return -1; /* of a spool */
	return opened;
}
