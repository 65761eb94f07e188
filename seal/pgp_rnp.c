/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * pgp_rnp.c - encrypt in-process with RNP.
 *
 * In:    keys that may be used, and the payload.
 * Out:   an OpenPGP message, binary.
 * Never: loads a keyring: an RNP object holds just the keys in use, since a
 *        whole ring costs it minutes and gigabytes.
 */
#include "seal/pgp.h"

#include <rnp/rnp.h>
#include <stdio.h>
#include <string.h>

/* Keys that an object holds before it is made anew. */
#define KEYS_MAX 128

/* One RNP object.  A thread has it alone while it works with it. */
struct engine {
	rnp_ffi_t ffi;
	GHashTable *loaded; /* fingerprint to the GBytes it was loaded from */
};

/* Objects that nobody works with now. */
static GMutex idle_lock;
static GQueue idle = G_QUEUE_INIT;

static struct engine *engine_take(void);
static void engine_give_back(struct engine *engine);
static void engine_free(struct engine *engine);
static int key_load(struct engine *engine, const struct key *key);
static int add_readers(struct engine *engine, rnp_op_encrypt_t op,
    const struct seal_order *order, struct fault *fault);
static int set_options(rnp_op_encrypt_t op);

/* The job's streams as RNP wants them. */
struct streams {
	const struct pgp_job *job;
	struct fault *fault;
};

static bool
on_read(void *context, void *buffer, size_t size, size_t *read)
{
	struct streams *streams = context;
	ssize_t n = streams->job->read(
	    streams->job->context, buffer, size, streams->fault);

	*read = n > 0 ? (size_t)n : 0;
	return n >= 0;
}

static bool
on_write(void *context, const void *data, size_t len)
{
	struct streams *streams = context;

	return streams->job->write(
		   streams->job->context, data, len, streams->fault) == 0;
}

int
pgp_rnp_encrypt(const struct pgp_job *job, struct fault *fault)
{
	struct streams streams = {job, fault};
	struct engine *engine = engine_take();
	rnp_op_encrypt_t op = NULL;
	rnp_input_t input = NULL;
	rnp_output_t output = NULL;
	rnp_result_t r;
	int ret = 0;

	if (engine == NULL) {
		fault_set(fault, FAULT_TEMP, "RNP does not start");
		return 0;
	}
	if (rnp_input_from_callback(&input, on_read, NULL, &streams) != 0 ||
	    rnp_output_to_callback(&output, on_write, NULL, &streams) != 0 ||
	    rnp_op_encrypt_create(&op, engine->ffi, input, output) != 0 ||
	    set_options(op) != 0)
		fault_set(fault, FAULT_TEMP, "RNP does not start");
	else if (add_readers(engine, op, job->order, fault) == 0) {
		ret = -1;
		if ((r = rnp_op_encrypt_execute(op)) == 0 &&
		    (r = rnp_output_finish(output)) == 0)
			ret = 1;
		else if (fault->kind == FAULT_NONE)
			fault_set(fault, FAULT_TEMP, "RNP: %s",
			    rnp_result_to_string(r));
	}
	rnp_op_encrypt_destroy(op);
	rnp_output_destroy(output);
	rnp_input_destroy(input);
	engine_give_back(engine);
	return ret;
}

/* As GnuPG does by default, but without compression: it tells about the
 * content (RFC 9580 section 13.10), and the gate counts octets. */
static int
set_options(rnp_op_encrypt_t op)
{
	return rnp_op_encrypt_set_cipher(op, "AES256") != 0 ||
		       rnp_op_encrypt_set_aead(op, "None") != 0 ||
		       rnp_op_encrypt_set_compression(op, "Uncompressed", 0) !=
			   0 ||
		       rnp_op_encrypt_set_armor(op, false) != 0 ||
		       rnp_op_encrypt_set_file_name(op, "") != 0 ||
		       rnp_op_encrypt_set_file_mtime(op, 0) != 0
		   ? -1
		   : 0;
}

/* By the subkey that keys/usable.c chose: RNP takes a usable subkey as it is
 * and would otherwise choose by rules of its own. */
static int
add_readers(struct engine *engine, rnp_op_encrypt_t op,
    const struct seal_order *order, struct fault *fault)
{
	const struct key *key;
	rnp_key_handle_t handle;
	rnp_result_t r;
	size_t i;

	for (i = 0; i < order->readers_count; i++) {
		key = order->readers[i].key;
		handle = NULL;
		if (key_load(engine, key) != 0 ||
		    rnp_locate_key(engine->ffi, "fingerprint", key->subkey,
			&handle) != 0 ||
		    handle == NULL) {
			fault_set(fault, FAULT_TEMP, "RNP cannot read key %s",
			    key->fingerprint);
			return -1;
		}
		r = rnp_op_encrypt_add_recipient(op, handle);
		rnp_key_handle_destroy(handle);
		if (r != 0) {
			fault_set(fault, FAULT_TEMP,
			    "RNP cannot use key %s: %s", key->fingerprint,
			    rnp_result_to_string(r));
			return -1;
		}
	}
	return 0;
}

static void
key_unload(struct engine *engine, const struct key *key)
{
	rnp_key_handle_t handle = NULL;

	g_hash_table_remove(engine->loaded, key->fingerprint);
	if (rnp_locate_key(
		engine->ffi, "fingerprint", key->fingerprint, &handle) != 0 ||
	    handle == NULL)
		return;
	rnp_key_remove(handle, RNP_KEY_REMOVE_PUBLIC | RNP_KEY_REMOVE_SUBKEYS);
	rnp_key_handle_destroy(handle);
}

static int
key_load(struct engine *engine, const struct key *key)
{
	GBytes *loaded = g_hash_table_lookup(engine->loaded, key->fingerprint);
	rnp_input_t input = NULL;
	gsize len;
	const void *data = g_bytes_get_data(key->blob, &len);
	rnp_result_t r;

	if (loaded == key->blob ||
	    (loaded != NULL && g_bytes_equal(loaded, key->blob)))
		return 0;
	if (loaded != NULL)
		key_unload(engine, key);
	if (rnp_input_from_memory(&input, data, len, false) != 0)
		return -1;
	r = rnp_import_keys(
	    engine->ffi, input, RNP_LOAD_SAVE_PUBLIC_KEYS, NULL);
	rnp_input_destroy(input);
	if (r != 0)
		return -1;
	g_hash_table_insert(
	    engine->loaded, g_strdup(key->fingerprint), g_bytes_ref(key->blob));
	return 0;
}

static struct engine *
engine_take(void)
{
	struct engine *engine;

	g_mutex_lock(&idle_lock);
	engine = g_queue_pop_head(&idle);
	g_mutex_unlock(&idle_lock);
	if (engine != NULL && g_hash_table_size(engine->loaded) < KEYS_MAX)
		return engine;
	engine_free(engine);
	engine = g_new0(struct engine, 1);
	engine->loaded = g_hash_table_new_full(
	    g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
	if (rnp_ffi_create(&engine->ffi, RNP_KEYSTORE_GPG, RNP_KEYSTORE_GPG) !=
	    0) {
		engine_free(engine);
		return NULL;
	}
	return engine;
}

static void
engine_give_back(struct engine *engine)
{
	g_mutex_lock(&idle_lock);
	g_queue_push_head(&idle, engine);
	g_mutex_unlock(&idle_lock);
}

static void
engine_free(struct engine *engine)
{
	if (engine == NULL)
		return;
	if (engine->ffi != NULL)
		rnp_ffi_destroy(engine->ffi);
	g_hash_table_destroy(engine->loaded);
	g_free(engine);
}
