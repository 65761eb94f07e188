/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * key_import.c - sealctl key import: public keys into the store.
 *
 * In:    key files, as they come from people and key servers.
 * Out:   certificates in the store, and a line on every key.
 * Never: adds a key that could not be used, takes a revocation back, or
 *        keeps a good key out because there is a bad one beside it.
 */
#include "config.h"

#include "ctl/key.h"
#include "keys/inspect.h"
#include "keys/key.h"
#include "keys/usable.h"
#include "policy/address.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* One run of the command. */
struct import {
	struct ctl *ctl;
	struct store *store;
	struct authorities *authorities;
	enum trust trust;
	bool subject_address; /* of certificates */
	char *address;        /* canonical; NULL: all that the key has */
	GPtrArray *names;     /* of the files that could be read */
	GPtrArray *files;     /* of GBytes *, their octets */
	const char *name;     /* of the file that is looked at */
	int status;
};

static int parse_arguments(struct import *import, int argc, char *const argv[]);
static void read_files(struct import *import, char *const names[]);
static GBytes *read_stream(FILE *stream);
static void import_file(struct import *import, GBytes *octets);
static const char *file_name(const struct import *import);
static GBytes *known_blob(void *context, const char *fingerprint);
static void import_key(struct import *import, struct inspected *key);
static int may_be_used(
    struct import *import, const struct inspected *key, char **whyp);
static bool is_known(struct import *import, const char *fingerprint);
static GPtrArray *addresses_of(
    const struct import *import, const struct inspected *key);
static void put_key(struct import *import, const struct inspected *key,
    GPtrArray *addresses, const char *why);
static void reject(
    struct import *import, const struct inspected *key, const char *why);
static void tell_order(
    struct import *import, enum key_kind kind, const char *address);
static void fail(struct import *import, const struct fault *fault);

int
ctl_key_import(struct ctl *ctl, int argc, char *const argv[])
{
	struct import import = {
	    .ctl = ctl, .trust = TRUST_IMPORTED, .status = CTL_DONE};
	int status;
	guint i;

	import.names = g_ptr_array_new();
	import.files =
	    g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	import.status = parse_arguments(&import, argc, argv);
	if (import.status != CTL_DONE)
		goto out;
	/* They may be readable for root only, so before becoming another. */
	read_files(&import, argv + optind);
	status = ctl_key_open(ctl, &import.store, &import.authorities);
	if (status != CTL_DONE) {
		import.status = status;
		goto out;
	}
	for (i = 0; i < import.files->len; i++) {
		import.name = g_ptr_array_index(import.names, i);
		import_file(&import, g_ptr_array_index(import.files, i));
	}
	if (!g_strv_contains(
		(const char *const *)ctl->config->sources, "store"))
		ctl_error("note: \"store\" is not among the sources of keys "
			  "in the configuration; the daemon does not look "
			  "there");
out:
	store_close(&import.store);
	authorities_close(&import.authorities);
	g_free(import.address);
	g_ptr_array_unref(import.names);
	g_ptr_array_unref(import.files);
	return import.status;
}

static int
parse_arguments(struct import *import, int argc, char *const argv[])
{
	static const struct option options[] = {
	    {"trust", no_argument, NULL, 't'},
	    {"address", required_argument, NULL, 'a'},
	    {"subject-address", no_argument, NULL, 's'}, {NULL, 0, NULL, 0}};
	int option;

	optind = 0; /* start anew, in another vector */
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == 't') {
			import->trust = TRUST_CHECKED;
			continue;
		}
		if (option == 's') {
			import->subject_address = true;
			continue;
		}
		if (option != 'a') {
			ctl_option_error(option, argv);
			return ctl_key_usage(argv[0]);
		}
		g_free(import->address);
		import->address = address_canonical(optarg);
		if (import->address == NULL ||
		    *address_domain(import->address) == '\0') {
			ctl_error("\"%s\" is not an address", optarg);
			return CTL_USAGE;
		}
	}
	return optind == argc ? ctl_key_usage(argv[0]) : CTL_DONE;
}

static void
read_files(struct import *import, char *const names[])
{
	GBytes *octets;
	FILE *stream;
	size_t i;

	for (i = 0; names[i] != NULL; i++) {
		stream =
		    strcmp(names[i], "-") == 0 ? stdin : fopen(names[i], "rbe");
		octets = stream == NULL ? NULL : read_stream(stream);
		if (octets == NULL) {
			ctl_error("%s: %s", names[i], g_strerror(errno));
			import->status = CTL_REFUSED;
		} else {
			g_ptr_array_add(import->names, names[i]);
			g_ptr_array_add(import->files, octets);
		}
		if (stream != NULL && stream != stdin)
			(void)fclose(stream);
	}
}

/* NULL and errno if that fails.  What is too long is cut behind the limit. */
static GBytes *
read_stream(FILE *stream)
{
	GByteArray *octets = g_byte_array_new();
	unsigned char buffer[65536];
	size_t n;

	while (octets->len <= INSPECT_FILE_OCTETS &&
	       (n = fread(buffer, 1, sizeof(buffer), stream)) > 0)
		g_byte_array_append(octets, buffer, (guint)n);
	if (ferror(stream)) {
		g_byte_array_unref(octets);
		return NULL;
	}
	return g_byte_array_free_to_bytes(octets);
}

static void
import_file(struct import *import, GBytes *octets)
{
	const struct config *config = import->ctl->config;
	const struct inspect_config inspect = {config->state, config->gpg,
	    config->gpg_seconds * 1000, import->subject_address, known_blob,
	    import};
	struct fault fault = {FAULT_NONE, ""};
	GPtrArray *found;
	guint i;

	if (inspect_keys(&inspect, octets, &found, &fault) != 0) {
		fault_prefix(&fault, "%s", file_name(import));
		fail(import, &fault);
		return;
	}
	for (i = 0; i < found->len; i++)
		import_key(import, g_ptr_array_index(found, i));
	g_ptr_array_unref(found);
}

static const char *
file_name(const struct import *import)
{
	return strcmp(import->name, "-") == 0 ? "standard input" : import->name;
}

/* For inspect_keys(): what the store has of a key already. */
static GBytes *
known_blob(void *context, const char *fingerprint)
{
	struct import *import = context;
	const struct certificate *certificate;
	GPtrArray *list = NULL;
	GBytes *blob = NULL;

	if (store_list(import->store, fingerprint, true, &list, NULL) != 0)
		return NULL; /* store_put() will say why */
	if (list->len > 0) {
		certificate = g_ptr_array_index(list, 0);
		blob = g_bytes_ref(certificate->key->blob);
	}
	g_ptr_array_unref(list);
	return blob;
}

/*
 * What may not be used is rejected, but for one case: a key that the store
 * has must learn that it is revoked or has expired.
 */
static void
import_key(struct import *import, struct inspected *key)
{
	GPtrArray *addresses;
	int64_t now = (int64_t)time(NULL);
	const struct subkey *subkey;
	char *why = NULL;

	key->checked = import->trust == TRUST_CHECKED;
	addresses = addresses_of(import, key);
	if (key->refused == NULL && is_known(import, key->fingerprint) &&
	    usable_find(key, NULL, now, &subkey, &why) == 0)
		put_key(import, key, addresses, why);
	else if (why == NULL && may_be_used(import, key, &why) == 0)
		reject(import, key, why);
	else if (addresses->len == 1) /* the NULL at its end */
		reject(import, key,
		    key->kind == KEY_SMIME
			? "it names no e-mail address"
			: "no user ID with an e-mail address");
	else
		put_key(import, key, addresses, NULL);
	g_ptr_array_unref(addresses);
	g_free(why);
}

/* In doubt whether it is revoked it is taken: who asks for it hears of that
 * again. */
static int
may_be_used(struct import *import, const struct inspected *key, char **whyp)
{
	const struct subkey *subkey;
	struct fault fault;

	return key_may_be_used(
	    key, import->address, import->authorities, &subkey, whyp, &fault);
}

static bool
is_known(struct import *import, const char *fingerprint)
{
	GBytes *blob = known_blob(import, fingerprint);

	if (blob == NULL)
		return false;
	g_bytes_unref(blob);
	return true;
}

/* Of the good user IDs, each once, with a NULL at the end. */
static GPtrArray *
addresses_of(const struct import *import, const struct inspected *key)
{
	GPtrArray *addresses = g_ptr_array_new();
	const struct user_id *user_id;
	guint i;

	for (i = 0; i < key->user_ids->len; i++) {
		user_id = g_ptr_array_index(key->user_ids, i);
		if (user_id->address == NULL || user_id->revoked ||
		    user_id->invalid ||
		    (import->address != NULL &&
			strcmp(user_id->address, import->address) != 0) ||
		    g_ptr_array_find_with_equal_func(
			addresses, user_id->address, g_str_equal, NULL))
			continue;
		g_ptr_array_add(addresses, user_id->address);
	}
	g_ptr_array_add(addresses, NULL);
	return addresses;
}

/* why: the key may not be used (any more), but is in the store. */
static void
put_key(struct import *import, const struct inspected *key,
    GPtrArray *addresses, const char *why)
{
	static const char *const changes[] = {
	    [STORE_ADDED] = "imported",
	    [STORE_UPDATED] = "updated",
	    [STORE_UNCHANGED] = "unchanged",
	};
	const char *const *list = (const char *const *)addresses->pdata;
	struct fault fault = {FAULT_NONE, ""};
	enum store_change change;
	char *joined;
	size_t i;

	if (store_put(import->store, key, list, import->trust, &change,
		&fault) != 0) {
		fault_prefix(&fault, "%s", key->fingerprint);
		fail(import, &fault);
		return;
	}
	joined = g_strjoinv(", ", (char **)addresses->pdata);
	printf("%s %s%s%s%s%s\n", changes[change], key->fingerprint,
	    *joined == '\0' ? "" : " for ", joined,
	    why == NULL ? "" : "; it is not used any more: ",
	    why == NULL ? "" : why);
	g_free(joined);
	for (i = 0; list[i] != NULL; i++)
		tell_order(import, key->kind, list[i]);
}

static void
reject(struct import *import, const struct inspected *key, const char *why)
{
	const struct user_id *user_id = NULL;

	if (key->user_ids->len > 0)
		user_id = g_ptr_array_index(key->user_ids, 0);
	printf("rejected %s ",
	    key->fingerprint == NULL ? "a key" : key->fingerprint);
	if (user_id != NULL && *user_id->text != '\0')
		printf("\"%s\" ", user_id->text);
	printf("(%s): %s\n", file_name(import), why);
	import->status = MAX(import->status, CTL_REFUSED);
}

/* If an address has several keys of a kind: which one is used? */
static void
tell_order(struct import *import, enum key_kind kind, const char *address)
{
	GPtrArray *list = NULL;
	struct key *key = NULL;
	char *why = NULL;
	guint i, count = 0;

	if (store_list(import->store, address, false, &list, NULL) != 0)
		return;
	for (i = 0; i < list->len; i++)
		count +=
		    ((const struct certificate *)g_ptr_array_index(list, i))
			->key->kind == kind;
	if (count > 1 && store_find(import->store, kind, address,
			     import->authorities, &key, &why, NULL) == 1)
		printf("  %s has %u %s now; %s is used\n", address, count,
		    kind == KEY_SMIME ? "certificates" : "keys",
		    key->fingerprint);
	key_unref(&key);
	g_free(why);
	g_ptr_array_unref(list);
}

static void
fail(struct import *import, const struct fault *fault)
{
	int status = ctl_fault(fault);

	import->status = MAX(import->status, status);
}
