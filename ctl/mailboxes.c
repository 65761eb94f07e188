/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mailboxes.c - which mailboxes are there, and whose are they?
 *
 * In:    directories of the command line.
 * Out:   mailboxes with the addresses of their owners, and what is known of
 *        keys.
 * Never: guesses an address, or opens the store as root.
 */
#include "config.h"

#include "ctl/mailboxes.h"

#include "ctl/apart.h"
#include "keys/store.h"
#include "keys/x509_id.h"
#include "mailbox/maildir.h"
#include "policy/address.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

static void
free_mailbox(void *data)
{
	struct mailbox *mailbox = data;

	g_free(mailbox->path);
	g_free(mailbox->address);
	g_free(mailbox);
}

/* --- Whose it is */

int
mailboxes_take_user(const char *text, char **userp)
{
	g_free(*userp);
	*userp = address_canonical(text);
	if (*userp != NULL && strchr(*userp, '@') != NULL)
		return CTL_DONE;
	ctl_error("--user: \"%s\" is no mail address", text);
	return CTL_USAGE;
}

/* Names for "the mailbox of this directory's owner". */
static bool
is_generic(const char *part)
{
	static const char *const names[] = {
	    "Maildir", "maildir", ".maildir", "mail", "Mail", "INBOX"};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(names); i++)
		if (strcmp(part, names[i]) == 0)
			return true;
	return false;
}

static char *
join(const char *user, const char *domain)
{
	char *text = g_strconcat(user, "@", domain, NULL);
	char *address = address_canonical(text);

	g_free(text);
	return address;
}

/* DOMAIN in front of parts[user]. */
static char *
address_of(const struct config *config, char *const *parts, guint user)
{
	char *address;
	guint i;

	for (i = user; i-- > 0;) {
		address = join(parts[user], parts[i]);
		if (address != NULL &&
		    (config_stores(config, address) ||
			(i + 1 == user && strchr(parts[i], '.') != NULL)))
			return address;
		g_free(address);
	}
	return g_strdup("");
}

char *
mailbox_address(const struct config *config, const char *path)
{
	char **parts = g_strsplit(path, "/", -1), *address = NULL;
	guint count = 0, i;

	for (i = 0; parts[i] != NULL; i++) {
		if (parts[i][0] == '\0')
			g_free(parts[i]);
		else
			parts[count++] = parts[i];
	}
	parts[count] = NULL;
	if (count > 1 && is_generic(parts[count - 1])) {
		g_free(parts[--count]);
		parts[count] = NULL;
	}
	for (i = count; address == NULL && i-- > 0;)
		if (strchr(parts[i], '@') != NULL)
			address = address_canonical(parts[i]);
	if (address == NULL)
		address = count < 2 ? g_strdup("")
				    : address_of(config, parts, count - 1);
	g_strfreev(parts);
	return address;
}

/* --- Where they are */

static int
add_mailbox(const struct config *config, const char *directory,
    const char *below, GPtrArray *list, struct fault *fault)
{
	struct maildir *maildir = NULL;
	struct mailbox *mailbox;
	char *path = below[0] == '\0'
			 ? g_strdup(directory)
			 : g_build_filename(directory, below, NULL);
	int r = maildir_open(path, &maildir, fault);

	if (r == 0) {
		mailbox = g_new0(struct mailbox, 1);
		mailbox->path = g_strdup(path);
		mailbox->address = mailbox_address(config, path);
		maildir_owner(maildir, &mailbox->uid, &mailbox->gid);
		g_ptr_array_add(list, mailbox);
	}
	maildir_close(&maildir);
	g_free(path);
	return r;
}

/* Is that in one of these directories? */
static bool
is_below(GHashTable *tops, const char *name)
{
	char *above = g_strdup(name), *slash;
	bool is = name[0] != '\0' && g_hash_table_contains(tops, "");

	while (!is && (slash = strrchr(above, '/')) != NULL) {
		*slash = '\0';
		is = g_hash_table_contains(tops, above);
	}
	g_free(above);
	return is;
}

/* The topmost folders are mailboxes; what is below one belongs to it. */
static int
find_below(const struct config *config, const char *directory, GPtrArray *list,
    struct fault *fault)
{
	struct maildir *maildir = NULL;
	GHashTable *tops = g_hash_table_new(g_str_hash, g_str_equal);
	GPtrArray *names = NULL;
	const char *name;
	int r = maildir_open(directory, &maildir, fault);
	guint i;

	if (r == 0)
		r = maildir_folders(maildir, &names, NULL, fault);
	for (i = 0; r == 0 && i < names->len; i++) {
		name = g_ptr_array_index(names, i);
		if (is_below(tops, name))
			continue;
		g_hash_table_add(tops, names->pdata[i]);
		r = add_mailbox(config, directory, name, list, fault);
	}
	g_hash_table_destroy(tops);
	g_clear_pointer(&names, g_ptr_array_unref);
	maildir_close(&maildir);
	return r;
}

int
mailboxes_find(const struct config *config, char *const *directories,
    size_t count, const char *user, GPtrArray **listp, struct fault *fault)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(free_mailbox);
	struct mailbox *mailbox;
	int ret = -1;
	size_t i;

	for (i = 0; i < count; i++)
		if (find_below(config, directories[i], list, fault) != 0)
			goto out;
	if (user != NULL && list->len != 1) {
		fault_set(fault, FAULT_PERM,
		    "--user names the owner of one mailbox, and there are %u"
		    " in %s: name the directory of one",
		    list->len, directories[0]);
		goto out;
	}
	if (user != NULL) {
		mailbox = g_ptr_array_index(list, 0);
		g_free(mailbox->address);
		mailbox->address = g_strdup(user);
	}
	*listp = g_steal_pointer(&list);
	ret = 0;
out:
	g_clear_pointer(&list, g_ptr_array_unref);
	return ret;
}

/* --- Whose keys are whose */

#define KEY_TYPE "(sssbb)" /* as verify_keys_add() */

struct asking {
	const struct ctl *ctl;
	const GPtrArray *mailboxes;
	GVariantBuilder out;
};

static void
tell(struct asking *asking, const char *id, const char *fingerprint,
    const char *address, bool recovery, bool now)
{
	g_variant_builder_add(
	    &asking->out, KEY_TYPE, id, fingerprint, address, recovery, now);
}

static void
tell_certificate(struct asking *asking, const struct certificate *certificate,
    const char *address)
{
	const struct inspected *key = certificate->key;
	const struct subkey *subkey;
	char **ids, *id;
	guint i;

	if (key->kind == KEY_SMIME) {
		ids = x509_ids(key->blob);
		for (i = 0; ids[i] != NULL; i++)
			tell(asking, ids[i], certificate->fingerprint, address,
			    false, false);
		g_strfreev(ids);
		return;
	}
	for (i = 0; i < key->subkeys->len; i++) {
		subkey = g_ptr_array_index(key->subkeys, i);
		id = g_strdup_printf("%016" PRIX64, subkey->id);
		tell(asking, id, certificate->fingerprint, address, false,
		    false);
		tell(asking, subkey->fingerprint, certificate->fingerprint,
		    address, false, false);
		g_free(id);
	}
}

static int
tell_store(struct asking *asking, struct fault *fault)
{
	struct store *store = NULL;
	GPtrArray *list = NULL;
	const struct certificate *certificate;
	guint i, j;
	int r = store_open(asking->ctl->config->state, &store, fault);

	if (r == 0)
		r = store_list(store, NULL, true, &list, fault);
	for (i = 0; r == 0 && i < list->len; i++) {
		certificate = g_ptr_array_index(list, i);
		for (j = 0; certificate->addresses[j] != NULL; j++)
			tell_certificate(
			    asking, certificate, certificate->addresses[j]);
	}
	g_clear_pointer(&list, g_ptr_array_unref);
	store_close(&store);
	return r;
}

static int
tell_present(struct asking *asking, struct keys *keys, const char *address,
    bool recovery, struct fault *fault)
{
	static const enum key_kind kinds[] = {KEY_OPENPGP, KEY_SMIME};
	struct key *key = NULL;
	char *why = NULL, *id, **ids;
	size_t i, j;
	int r = 0;

	for (i = 0; r != -1 && i < G_N_ELEMENTS(kinds); i++) {
		r = keys_find(keys, kinds[i], address, &key, &why, fault);
		g_clear_pointer(&why, g_free);
		if (r != 1)
			continue;
		id = g_strdup_printf("%016" PRIX64, key->subkey_id);
		if (kinds[i] == KEY_OPENPGP)
			tell(asking, id, key->fingerprint, address, recovery,
			    true);
		ids = kinds[i] == KEY_SMIME ? x509_ids(key->blob)
					    : g_new0(char *, 1);
		for (j = 0; ids[j] != NULL; j++)
			tell(asking, ids[j], key->fingerprint, address,
			    recovery, true);
		g_strfreev(ids);
		g_free(id);
		key_unref(&key);
	}
	return r == -1 ? -1 : 0;
}

static GBytes *
ask(void *context, struct fault *fault)
{
	struct asking *asking = context;
	const struct mailbox *mailbox;
	struct keys *keys = NULL;
	GVariant *told;
	GBytes *octets = NULL;
	char **recovery = policy_recovery(asking->ctl->config->policy);
	guint i;
	int r;

	g_variant_builder_init(&asking->out, G_VARIANT_TYPE("a" KEY_TYPE));
	r = tell_store(asking, fault);
	if (r == 0)
		r = ctl_open_keys(asking->ctl, &keys, fault);
	for (i = 0; r == 0 && i < asking->mailboxes->len; i++) {
		mailbox = g_ptr_array_index(asking->mailboxes, i);
		if (mailbox->address[0] != '\0')
			r = tell_present(
			    asking, keys, mailbox->address, false, fault);
	}
	for (i = 0; r == 0 && recovery[i] != NULL; i++)
		r = tell_present(asking, keys, recovery[i], true, fault);
	told = g_variant_ref_sink(g_variant_builder_end(&asking->out));
	if (r == 0)
		octets = g_variant_get_data_as_bytes(told);
	g_variant_unref(told);
	keys_close(&keys);
	g_strfreev(recovery);
	return octets;
}

int
mailboxes_keys(const struct ctl *ctl, const GPtrArray *mailboxes,
    struct verify_keys **keysp, struct fault *fault)
{
	const struct apart_user user = {.name = ctl->config->user};
	const char *id, *fingerprint, *address;
	struct asking asking = {.ctl = ctl, .mailboxes = mailboxes};
	gboolean recovery, now;
	struct apart apart;
	GVariantIter list;
	GVariant *told;
	GBytes *octets;

	if (apart_start(&apart, &user, ask, &asking, fault) != 0 ||
	    (octets = apart_wait(&apart, fault)) == NULL)
		return -1;
	told = g_variant_ref_sink(g_variant_new_from_bytes(
	    G_VARIANT_TYPE("a" KEY_TYPE), octets, FALSE));
	*keysp = verify_keys_make();
	g_variant_iter_init(&list, told);
	while (g_variant_iter_loop(
	    &list, "(&s&s&sbb)", &id, &fingerprint, &address, &recovery, &now))
		verify_keys_add(
		    *keysp, id, fingerprint, address, recovery, now);
	g_variant_unref(told);
	g_bytes_unref(octets);
	return 0;
}
