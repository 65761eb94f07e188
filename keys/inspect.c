/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * inspect.c - which keys are in a file, and what does gpg say of them?
 *
 * In:    the octets of a key file, from strangers.
 * Out:   for each key the facts and the minimal key, or why it is refused.
 * Never: shows gpg a secret key, believes a gpg that did not look at every
 *        key, or keeps anything.
 */
#include <config.h>

#include "keys/inspect.h"

#include "keys/describe.h"
#include "keys/gpg_home.h"
#include "keys/keyblock.h"
#include "keys/packet.h"
#include "keys/worker.h"
#include "keys/x509.h"

#include <string.h>

/* Of one key as it comes, before foreign signatures are taken off. */
#define RAW_KEY_OCTETS ((size_t)8 * 1024 * 1024)

/* What one gpg gets at a time. */
#define BATCH_KEYS 50
#define BATCH_OCTETS ((size_t)8 * 1024 * 1024)

#define REQUEST_TYPE "(ssuay)" /* home, gpg, keys, octets */

/* Keys on their way to gpg, and what became of them. */
struct batch {
	const struct inspect_config *config;
	GHashTable *found; /* fingerprint -> struct inspected *, by gpg */
	GByteArray *octets;
	unsigned int keys;
};

static int take_apart(const struct inspect_config *config,
    const GByteArray *octets, GPtrArray **foundp, struct fault *fault);
static char *refusal(const struct keyblock *block);
static int add(struct batch *batch, const unsigned char *octets,
    const struct keyblock *block, struct fault *fault);
static int send_batch(struct batch *batch, struct fault *fault);
static int ask(const struct batch *batch, const char *home, GPtrArray *answer,
    struct fault *fault);
static GPtrArray *gather(const struct batch *batch, GPtrArray *blocks);
static struct inspected *gather_one(
    const struct batch *batch, const struct keyblock *block, char *why);
static worker_job inspect_job;
static int import(gpgme_ctx_t ctx, GBytes *octets, unsigned int keys,
    const char *fingerprints[], struct fault *fault);
static void note_imports(gpgme_import_status_t import, unsigned int keys,
    const char *fingerprints[]);

int
inspect_keys(const struct inspect_config *config, GBytes *file,
    GPtrArray **foundp, struct fault *fault)
{
	GByteArray *octets = g_byte_array_new();
	const void *data;
	int ret = -1, n;
	gsize len;

	data = g_bytes_get_data(file, &len);
	if (len > INSPECT_FILE_OCTETS) {
		fault_set(fault, FAULT_PERM, "more than %zu MiB",
		    INSPECT_FILE_OCTETS / 1024 / 1024);
		goto out;
	}
	n = packet_dearmor(data, len, NULL, octets, fault);
	if (n <= 0 && x509_is(data, len)) {
		ret =
		    x509_inspect(file, config->subject_address, foundp, fault);
		goto out;
	}
	if (n < 0)
		goto out;
	if (n == 0 || octets->len == 0) {
		fault_set(fault, FAULT_PERM,
		    "there is neither an OpenPGP key nor a certificate in "
		    "it");
		goto out;
	}
	ret = take_apart(config, octets, foundp, fault);
out:
	g_byte_array_unref(octets);
	return ret;
}

static int
take_apart(const struct inspect_config *config, const GByteArray *octets,
    GPtrArray **foundp, struct fault *fault)
{
	struct batch batch = {config, NULL, NULL, 0};
	struct keyblock *block;
	GPtrArray *blocks = NULL;
	char *why;
	int ret = -1;
	guint i;

	batch.found = g_hash_table_new_full(
	    g_str_hash, g_str_equal, NULL, (GDestroyNotify)inspected_unref);
	batch.octets = g_byte_array_new();
	if (keyblock_split(octets->data, octets->len, &blocks, fault) != 0)
		goto out;
	if (blocks->len == 0) {
		fault_set(fault, FAULT_PERM, "there is no OpenPGP key in it");
		goto out;
	}
	for (i = 0; i < blocks->len; i++) {
		block = g_ptr_array_index(blocks, i);
		why = refusal(block);
		if (why == NULL && add(&batch, octets->data, block, fault) != 0)
			goto out;
		g_free(why);
	}
	if (send_batch(&batch, fault) != 0)
		goto out;
	*foundp = gather(&batch, blocks);
	ret = 0;
out:
	if (blocks != NULL)
		g_ptr_array_unref(blocks);
	g_hash_table_unref(batch.found);
	g_byte_array_unref(batch.octets);
	return ret;
}

/* Why gpg is not even asked; a new string, or NULL. */
static char *
refusal(const struct keyblock *block)
{
	if (block->secret)
		return g_strdup("secret key: import its public key");
	if (block->version != 4)
		return g_strdup_printf("OpenPGP keys of version %u are not "
				       "supported",
		    block->version);
	if (block->fingerprint == NULL)
		return g_strdup("broken key packet");
	if (block->len > RAW_KEY_OCTETS)
		return g_strdup_printf(
		    "larger than %zu MiB", RAW_KEY_OCTETS / 1024 / 1024);
	return NULL;
}

static int
add(struct batch *batch, const unsigned char *octets,
    const struct keyblock *block, struct fault *fault)
{
	const struct inspect_config *config = batch->config;
	GBytes *known = NULL;

	if (batch->keys + 2 > BATCH_KEYS ||
	    batch->octets->len + block->len > BATCH_OCTETS) {
		if (send_batch(batch, fault) != 0)
			return -1;
	}
	if (config->known != NULL)
		known = config->known(config->context, block->fingerprint);
	if (known != NULL) {
		g_byte_array_append(batch->octets,
		    g_bytes_get_data(known, NULL),
		    (guint)g_bytes_get_size(known));
		batch->keys++;
		g_bytes_unref(known);
	}
	g_byte_array_append(
	    batch->octets, octets + block->offset, (guint)block->len);
	batch->keys++;
	return 0;
}

static int
send_batch(struct batch *batch, struct fault *fault)
{
	GPtrArray *answer;
	struct inspected *key;
	char *home = NULL;
	int ret;
	guint i;

	if (batch->keys == 0)
		return 0;
	if (gpg_home_make_temporary(batch->config->state, &home, fault) != 0)
		return -1;
	answer = g_ptr_array_new();
	ret = ask(batch, home, answer, fault);
	gpg_home_remove(&home);
	for (i = 0; i < answer->len; i++) {
		key = g_ptr_array_index(answer, i);
		g_hash_table_replace(batch->found, key->fingerprint, key);
	}
	g_ptr_array_unref(answer);
	g_byte_array_set_size(batch->octets, 0);
	batch->keys = 0;
	return ret;
}

static int
ask(const struct batch *batch, const char *home, GPtrArray *answer,
    struct fault *fault)
{
	GBytes *octets, *request, *reply = NULL;
	GVariant *value;
	int ret = -1;

	octets = g_bytes_new(batch->octets->data, batch->octets->len);
	value = g_variant_ref_sink(g_variant_new("(ssu@ay)", home,
	    batch->config->gpg, batch->keys,
	    g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, octets, TRUE)));
	request = g_variant_get_data_as_bytes(value);
	if (worker_call(WORKER_INSPECT, request, NULL,
		batch->config->deadline_ms, &reply, fault) == 0)
		ret = describe_parse(reply, answer, fault);
	g_bytes_unref(reply);
	g_bytes_unref(request);
	g_variant_unref(value);
	g_bytes_unref(octets);
	return ret;
}

/* What is said of every key, in the order of the file, each once. */
static GPtrArray *
gather(const struct batch *batch, GPtrArray *blocks)
{
	GPtrArray *all =
	    g_ptr_array_new_with_free_func((GDestroyNotify)inspected_unref);
	GHashTable *done = g_hash_table_new(g_str_hash, g_str_equal);
	const struct keyblock *block;
	char *why;
	guint i;

	for (i = 0; i < blocks->len; i++) {
		block = g_ptr_array_index(blocks, i);
		why = refusal(block);
		if (why != NULL || g_hash_table_add(done, block->fingerprint))
			g_ptr_array_add(all, gather_one(batch, block, why));
	}
	g_hash_table_unref(done);
	return all;
}

/* why belongs to the result. */
static struct inspected *
gather_one(const struct batch *batch, const struct keyblock *block, char *why)
{
	struct inspected *key = NULL;

	if (why == NULL) {
		key = g_hash_table_lookup(batch->found, block->fingerprint);
		(void)g_hash_table_steal(batch->found, block->fingerprint);
	}
	if (why == NULL && key == NULL)
		why = g_strdup("no user ID with a good signature (SHA-1 does "
			       "not count)");
	if (key == NULL)
		key = inspected_make(block->fingerprint);
	else if (g_bytes_get_size(key->blob) > INSPECT_KEY_OCTETS)
		why = g_strdup_printf("larger than %zu KiB, even without "
				      "the signatures of others",
		    INSPECT_KEY_OCTETS / 1024);
	key->refused = why;
	return key;
}

/* --- The worker's end */

void
inspect_register(void)
{
	worker_register(WORKER_INSPECT, inspect_job);
}

static int
inspect_job(struct worker_io *io, GBytes *request, GByteArray *answer,
    struct fault *fault)
{
	GVariant *value, *octets = NULL;
	GPtrArray *found =
	    g_ptr_array_new_with_free_func((GDestroyNotify)inspected_unref);
	const char **fingerprints = NULL;
	const char *home, *gpg;
	gpgme_ctx_t ctx = NULL;
	GBytes *bytes = NULL;
	guint32 keys;
	int ret = -1;

	(void)io;
	value = g_variant_ref_sink(g_variant_new_from_bytes(
	    G_VARIANT_TYPE(REQUEST_TYPE), request, FALSE));
	g_variant_get(value, "(&s&su@ay)", &home, &gpg, &keys, &octets);
	bytes = g_variant_get_data_as_bytes(octets);
	fingerprints = g_new0(const char *, (gsize)keys + 1);
	if (gpg_home_context(home, gpg, &ctx, fault) != 0 ||
	    import(ctx, bytes, keys, fingerprints, fault) != 0)
		goto out;
	if (fingerprints[0] != NULL &&
	    describe_keys(ctx, fingerprints, found, fault) != 0)
		goto out;
	describe_pack(found, answer);
	ret = 0;
out:
	gpgme_release(ctx);
	g_bytes_unref(bytes);
	g_variant_unref(octets);
	g_variant_unref(value);
	g_free(fingerprints);
	g_ptr_array_unref(found);
	return ret;
}

/*
 * Fills in the fingerprints of what gpg took, of at most that many keys.
 * gpg's status is 2 if there was anything wrong with any key, which is not
 * for us to tell apart; but it must have looked at every key.
 */
static int
import(gpgme_ctx_t ctx, GBytes *octets, unsigned int keys,
    const char *fingerprints[], struct fault *fault)
{
	gpgme_import_result_t result;
	gpgme_data_t data = NULL;
	gpgme_error_t error;
	int status, ret = -1;

	error = gpgme_data_new_from_mem(
	    &data, g_bytes_get_data(octets, NULL), g_bytes_get_size(octets), 0);
	if (error == 0)
		error = gpgme_op_import(ctx, data);
	if (error != 0) {
		gpg_home_fault(fault, error, "reading keys");
		goto out;
	}
	if (gpg_home_reap(&status, fault) != 0)
		goto out;
	result = gpgme_op_import_result(ctx);
	if (result == NULL || result->considered < 0 ||
	    (unsigned int)result->considered != keys) {
		fault_set(fault, FAULT_TEMP,
		    "gpg (status %d) looked at %d of %u keys", status,
		    result == NULL ? 0 : result->considered, keys);
		goto out;
	}
	note_imports(result->imports, keys, fingerprints);
	ret = 0;
out:
	gpgme_data_release(data);
	return ret;
}

/* Each once; they outlive the result, as the worker does not live long. */
static void
note_imports(
    gpgme_import_status_t import, unsigned int keys, const char *fingerprints[])
{
	unsigned int n = 0;

	for (; import != NULL && n < keys; import = import->next) {
		if (import->result != 0 || import->fpr == NULL ||
		    g_strv_contains(fingerprints, import->fpr))
			continue;
		fingerprints[n++] = g_intern_string(import->fpr);
	}
}
