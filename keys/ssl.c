/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * ssl.c - did OpenSSL refuse what it was given, or did it fail?
 *
 * In:    its queue of errors, its requests for memory.
 * Out:   the one or the other; a fault.
 * Never: takes a failure for an answer.
 */
#include <config.h>

#include "keys/ssl.h"

#include <glib.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

static void *
on_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return g_malloc(size);
}

static void *
on_realloc(void *old, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return g_realloc(old, size);
}

static void
on_free(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	g_free(memory);
}

int
ssl_begin(void)
{
	return CRYPTO_set_mem_functions(on_malloc, on_realloc, on_free) == 1
		   ? 0
		   : -1;
}

bool
ssl_error_is_ours(void)
{
	bool ours = false;
	unsigned long error;
	int reason;

	while ((error = ERR_get_error()) != 0) {
		reason = ERR_GET_REASON(error);
		ours |= reason == ERR_R_INTERNAL_ERROR ||
			reason == ERR_R_INIT_FAIL ||
			reason == ERR_R_FETCH_FAILED || ERR_SYSTEM_ERROR(error);
	}
	return ours;
}

int
ssl_fault(struct fault *fault, const char *what)
{
	ERR_clear_error();
	fault_set(fault, FAULT_TEMP, "OpenSSL failed at %s", what);
	return -1;
}
