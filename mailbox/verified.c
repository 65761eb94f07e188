/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * verified.c - keep what was found in a mailbox, and hand it on.
 *
 * In:    counts and findings, a few at a time.
 * Out:   the same, sorted; as octets for another process.
 * Never: looks at mail.
 */
#include <config.h>

#include "mailbox/verify.h"

#include <string.h>

static void free_key(void *data);
static void free_finding(void *data);
static void free_folder(void *data);
static void free_opener(void *data);

/* --- Keys */

struct verify_keys *
verify_keys_make(void)
{
	struct verify_keys *keys = g_new0(struct verify_keys, 1);

	keys->by_id =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_key);
	keys->owned =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	keys->now =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return keys;
}

void
verify_keys_free(struct verify_keys **keysp)
{
	struct verify_keys *keys = g_steal_pointer(keysp);

	if (keys == NULL)
		return;
	g_hash_table_destroy(keys->by_id);
	g_hash_table_destroy(keys->owned);
	g_hash_table_destroy(keys->now);
	g_free(keys);
}

static void
free_key(void *data)
{
	struct verify_key *key = data;

	g_free(key->fingerprint);
	g_free(key->addresses);
	g_free(key);
}

static void
add_address(struct verify_key *key, const char *address)
{
	char **known = g_strsplit(key->addresses, ", ", -1), *both;

	if (!g_strv_contains((const char *const *)known, address)) {
		both = g_strconcat(key->addresses,
		    key->addresses[0] == '\0' ? "" : ", ", address, NULL);
		g_free(key->addresses);
		key->addresses = both;
	}
	g_strfreev(known);
}

void
verify_keys_add(struct verify_keys *keys, const char *id,
    const char *fingerprint, const char *address, bool recovery, bool now)
{
	struct verify_key *key = g_hash_table_lookup(keys->by_id, id);

	if (key == NULL) {
		key = g_new0(struct verify_key, 1);
		key->fingerprint = g_strdup(fingerprint);
		key->addresses = g_strdup("");
		g_hash_table_insert(keys->by_id, g_strdup(id), key);
	}
	add_address(key, address);
	key->recovery |= recovery;
	g_hash_table_add(
	    keys->owned, g_strconcat(address, " ", fingerprint, NULL));
	if (now)
		g_hash_table_add(
		    keys->now, g_strconcat(address, " ", fingerprint, NULL));
}

/* --- Findings */

static const struct {
	const char *name;
	bool bad;
} findings[FINDING_KINDS] = {
    [FINDING_READABLE] = {"readable", true},
    [FINDING_LEFTOVER] = {"leftover", true},
    [FINDING_DAMAGED] = {"damaged", true},
    [FINDING_FOREIGN] = {"foreign key", true},
    [FINDING_UNCERTAIN] = {"uncertain", false},
    [FINDING_OLD_KEY] = {"old key", false},
};

const char *
finding_name(enum finding_kind kind)
{
	return findings[kind].name;
}

bool
finding_is_bad(enum finding_kind kind)
{
	return findings[kind].bad;
}

struct verified *
verified_make(const char *path, const char *address)
{
	struct verified *verified = g_new0(struct verified, 1);

	verified->path = g_strdup(path);
	verified->address = g_strdup(address);
	verified->folders = g_ptr_array_new_with_free_func(free_folder);
	verified->findings = g_ptr_array_new_with_free_func(free_finding);
	return verified;
}

void
verified_free(struct verified **verifiedp)
{
	struct verified *verified = g_steal_pointer(verifiedp);

	if (verified == NULL)
		return;
	g_free(verified->path);
	g_free(verified->address);
	g_ptr_array_unref(verified->folders);
	g_ptr_array_unref(verified->findings);
	g_free(verified);
}

static void
free_finding(void *data)
{
	struct finding *finding = data;

	g_free(finding->path);
	g_free(finding->what);
	g_free(finding);
}

static void
free_folder(void *data)
{
	struct verified_folder *folder = data;

	g_free(folder->name);
	g_ptr_array_unref(folder->openers);
	g_free(folder);
}

static void
free_opener(void *data)
{
	struct opener *opener = data;

	g_free(opener->id);
	g_free(opener->fingerprint);
	g_free(opener->addresses);
	g_free(opener);
}

void
verified_add(struct verified *verified, enum finding_kind kind,
    const char *path, const char *what)
{
	struct finding *finding;

	if (verified->counts[kind]++ >= FINDINGS_MAX)
		return;
	finding = g_new0(struct finding, 1);
	finding->kind = kind;
	finding->path = g_strdup(path);
	finding->what = g_strdup(what);
	g_ptr_array_add(verified->findings, finding);
}

struct verified_folder *
verified_folder_add(struct verified *verified, const char *name)
{
	struct verified_folder *folder = g_new0(struct verified_folder, 1);

	folder->name = g_strdup(name);
	folder->openers = g_ptr_array_new_with_free_func(free_opener);
	g_ptr_array_add(verified->folders, folder);
	return folder;
}

static void
opener_add(GPtrArray *openers, const char *id, const char *fingerprint,
    const char *addresses, uint64_t messages)
{
	struct opener *opener;
	guint i;

	for (i = 0; i < openers->len; i++) {
		opener = g_ptr_array_index(openers, i);
		if (fingerprint[0] != '\0'
			? strcmp(opener->fingerprint, fingerprint) == 0
			: strcmp(opener->id, id) == 0) {
			opener->messages += messages;
			return;
		}
	}
	opener = g_new0(struct opener, 1);
	opener->id = g_strdup(id);
	opener->fingerprint = g_strdup(fingerprint);
	opener->addresses = g_strdup(addresses);
	opener->messages = messages;
	g_ptr_array_add(openers, opener);
}

void
verified_opener_add(struct verified_folder *folder, const char *id,
    const struct verify_key *key)
{
	opener_add(folder->openers, id, key == NULL ? "" : key->fingerprint,
	    key == NULL ? "" : key->addresses, 1);
}

static gint
compare_openers(gconstpointer a, gconstpointer b)
{
	const struct opener *const *one = a, *const *other = b;

	if ((*one)->messages != (*other)->messages)
		return (*one)->messages > (*other)->messages ? -1 : 1;
	return strcmp((*one)->fingerprint, (*other)->fingerprint);
}

void
verified_total(const struct verified *verified, struct verified_folder *total)
{
	const struct verified_folder *folder;
	const struct opener *opener;
	guint i, j;

	*total = (struct verified_folder){.name = NULL};
	total->openers = g_ptr_array_new_with_free_func(free_opener);
	for (i = 0; i < verified->folders->len; i++) {
		folder = g_ptr_array_index(verified->folders, i);
		total->sealed += folder->sealed;
		total->readable += folder->readable;
		total->damaged += folder->damaged;
		total->uncertain += folder->uncertain;
		for (j = 0; j < folder->openers->len; j++) {
			opener = g_ptr_array_index(folder->openers, j);
			opener_add(total->openers, opener->id,
			    opener->fingerprint, opener->addresses,
			    opener->messages);
		}
	}
	g_ptr_array_sort(total->openers, compare_openers);
}

static gint
compare_findings(gconstpointer a, gconstpointer b)
{
	const struct finding *const *one = a, *const *other = b;

	if ((*one)->kind != (*other)->kind)
		return (*one)->kind < (*other)->kind ? -1 : 1;
	return strcmp((*one)->path, (*other)->path);
}

void
verified_sort(struct verified *verified)
{
	struct verified_folder *folder;
	guint i;

	g_ptr_array_sort(verified->findings, compare_findings);
	for (i = 0; i < verified->folders->len; i++) {
		folder = g_ptr_array_index(verified->folders, i);
		g_ptr_array_sort(folder->openers, compare_openers);
	}
}

/* --- From process to process */

#define OPENER_TYPE "(ssst)"
#define FOLDER_TYPE "(stttta" OPENER_TYPE ")"
#define FINDING_TYPE "(uss)"
#define VERIFIED_TYPE "(ssa" FOLDER_TYPE "a" FINDING_TYPE "atttttt)"

static void
pack_folder(GVariantBuilder *out, const struct verified_folder *folder)
{
	const struct opener *opener;
	guint i;

	g_variant_builder_open(out, G_VARIANT_TYPE(FOLDER_TYPE));
	g_variant_builder_add(out, "s", folder->name);
	g_variant_builder_add(out, "t", folder->sealed);
	g_variant_builder_add(out, "t", folder->readable);
	g_variant_builder_add(out, "t", folder->damaged);
	g_variant_builder_add(out, "t", folder->uncertain);
	g_variant_builder_open(out, G_VARIANT_TYPE("a" OPENER_TYPE));
	for (i = 0; i < folder->openers->len; i++) {
		opener = g_ptr_array_index(folder->openers, i);
		g_variant_builder_add(out, OPENER_TYPE, opener->id,
		    opener->fingerprint, opener->addresses, opener->messages);
	}
	g_variant_builder_close(out);
	g_variant_builder_close(out);
}

GBytes *
verified_pack(const struct verified *verified)
{
	GVariantBuilder out;
	const struct finding *finding;
	GVariant *packed;
	GBytes *octets;
	guint i;

	g_variant_builder_init(&out, G_VARIANT_TYPE(VERIFIED_TYPE));
	g_variant_builder_add(&out, "s", verified->path);
	g_variant_builder_add(&out, "s", verified->address);
	g_variant_builder_open(&out, G_VARIANT_TYPE("a" FOLDER_TYPE));
	for (i = 0; i < verified->folders->len; i++)
		pack_folder(&out, g_ptr_array_index(verified->folders, i));
	g_variant_builder_close(&out);
	g_variant_builder_open(&out, G_VARIANT_TYPE("a" FINDING_TYPE));
	for (i = 0; i < verified->findings->len; i++) {
		finding = g_ptr_array_index(verified->findings, i);
		g_variant_builder_add(&out, FINDING_TYPE,
		    (guint32)finding->kind, finding->path, finding->what);
	}
	g_variant_builder_close(&out);
	g_variant_builder_open(&out, G_VARIANT_TYPE("at"));
	for (i = 0; i < FINDING_KINDS; i++)
		g_variant_builder_add(&out, "t", verified->counts[i]);
	g_variant_builder_close(&out);
	g_variant_builder_add(&out, "t", verified->octets);
	g_variant_builder_add(&out, "t", verified->at_rest);
	g_variant_builder_add(&out, "t", verified->transit);
	g_variant_builder_add(&out, "t", verified->by_author);
	g_variant_builder_add(&out, "t", verified->subjects);
	packed = g_variant_ref_sink(g_variant_builder_end(&out));
	octets = g_variant_get_data_as_bytes(packed);
	g_variant_unref(packed);
	return octets;
}

static void
unpack_folders(struct verified *verified, GVariantIter *folders)
{
	const char *name, *id, *fingerprint, *addresses;
	struct verified_folder *folder, counts = {0};
	GVariantIter *openers;
	guint64 messages;

	while (g_variant_iter_loop(folders, "(&stttta" OPENER_TYPE ")", &name,
	    &counts.sealed, &counts.readable, &counts.damaged,
	    &counts.uncertain, &openers)) {
		folder = verified_folder_add(verified, name);
		folder->sealed = counts.sealed;
		folder->readable = counts.readable;
		folder->damaged = counts.damaged;
		folder->uncertain = counts.uncertain;
		while (g_variant_iter_loop(openers, "(&s&s&st)", &id,
		    &fingerprint, &addresses, &messages))
			opener_add(folder->openers, id, fingerprint, addresses,
			    messages);
	}
}

static bool
unpack_findings(struct verified *verified, GVariantIter *list)
{
	const char *path, *what;
	guint32 kind;

	while (g_variant_iter_loop(list, "(u&s&s)", &kind, &path, &what)) {
		if (kind >= FINDING_KINDS)
			return false;
		verified_add(verified, (enum finding_kind)kind, path, what);
	}
	return true;
}

struct verified *
verified_unpack(GBytes *octets)
{
	GVariant *packed = g_variant_ref_sink(g_variant_new_from_bytes(
	    G_VARIANT_TYPE(VERIFIED_TYPE), octets, FALSE));
	GVariantIter *folders = NULL, *list = NULL, *counts = NULL;
	struct verified *verified = NULL;
	const char *path, *address;
	guint64 octets_read, at_rest, transit, by_author, subjects, count;
	guint i = 0;

	if (!g_variant_is_normal_form(packed))
		goto out;
	g_variant_get(packed, "(&s&sa" FOLDER_TYPE "a" FINDING_TYPE "atttttt)",
	    &path, &address, &folders, &list, &counts, &octets_read, &at_rest,
	    &transit, &by_author, &subjects);
	verified = verified_make(path, address);
	unpack_folders(verified, folders);
	if (!unpack_findings(verified, list) ||
	    g_variant_iter_n_children(counts) != FINDING_KINDS)
		verified_free(&verified);
	while (verified != NULL && g_variant_iter_next(counts, "t", &count))
		verified->counts[i++] = count;
	if (verified != NULL) {
		verified->octets = octets_read;
		verified->at_rest = at_rest;
		verified->transit = transit;
		verified->by_author = by_author;
		verified->subjects = subjects;
	}
	g_variant_iter_free(folders);
	g_variant_iter_free(list);
	g_variant_iter_free(counts);
out:
	g_variant_unref(packed);
	return verified;
}
