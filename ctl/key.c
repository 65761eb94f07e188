/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * key.c - sealctl key: look at the keys, look for one, remove one.
 *
 * In:    addresses and fingerprints.
 * Out:   what the store has of them, or what the daemon would find.
 * Never: decides by itself what is usable, or removes what was not named
 *        beyond doubt.
 */
#include "ctl/key.h"
#include "ctl/family.h"
#include "keys/armor.h"
#include "keys/x509.h"
#include "policy/address.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static ctl_command key_export, key_list, key_show, key_find, key_delete;

static const struct ctl_member members[] = {
    {"import", ctl_key_import,
	"[--trust] [--address ADDRESS] [--subject-address] FILE ...",
	"add public keys and certificates to the store (- is standard input)"},
    {"export", key_export, "[--binary] ADDRESS|FINGERPRINT ...",
	"write keys of the store to standard output"},
    {"list", key_list, "[--json]", "all keys of the store, a line each"},
    {"show", key_show, "[--json] ADDRESS|FINGERPRINT ...",
	"everything about keys of the store"},
    {"find", key_find, "[--json] [--smime] ADDRESS",
	"ask all sources as the daemon does: which key would be used?"},
    {"delete", key_delete, "ADDRESS|FINGERPRINT ...",
	"remove keys from the store"},
    {"generate", NULL, NULL, NULL},
    {"passwd", NULL, NULL, NULL},
    {"expire", NULL, NULL, NULL},
    {"revoke", NULL, NULL, NULL},
    {"publish", NULL, NULL, NULL},
    {"refresh", ctl_key_refresh, "",
	"fetch the CRLs that certificates in the store name"},
};

static const struct ctl_family family = {"key", members, G_N_ELEMENTS(members)};

static char *parse_name(const char *argument);
static int parse_options(
    int argc, char *const argv[], bool *jsonp, bool *binaryp, bool *smimep);
static int list_named(const struct ctl *ctl, struct store *store,
    const char *argument, bool blobs, GPtrArray **listp);
static int for_each(const struct ctl *ctl, struct store *store,
    char *const arguments[], bool blobs, GPtrArray *all);
static void print_all(struct store *store, struct authorities *authorities,
    GPtrArray *all, bool json);
static bool is_used(struct store *store, struct authorities *authorities,
    const struct certificate *one);
static int by_address(gconstpointer a, gconstpointer b);
static int write_keys(const GPtrArray *all, bool binary);
static void print_armor(const guint8 *octets, size_t len);
static int delete_one(struct store *store, const struct certificate *one);

int
ctl_key(struct ctl *ctl, int argc, char *const argv[])
{
	return ctl_family_run(&family, ctl, argc, argv);
}

int
ctl_key_usage(const char *name)
{
	return ctl_family_usage(&family, name);
}

/* Leaves optind at the first argument; 0, or -1 after a message. */
static int
parse_options(
    int argc, char *const argv[], bool *jsonp, bool *binaryp, bool *smimep)
{
	static const struct option options[] = {
	    {"json", no_argument, NULL, 'j'},
	    {"binary", no_argument, NULL, 'b'},
	    {"smime", no_argument, NULL, 's'}, {NULL, 0, NULL, 0}};
	int option;

	optind = 0; /* start anew, in another vector */
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == 'j' && jsonp != NULL) {
			*jsonp = true;
		} else if (option == 'b' && binaryp != NULL) {
			*binaryp = true;
		} else if (option == 's' && smimep != NULL) {
			*smimep = true;
		} else {
			if (option == '?' || option == ':')
				ctl_option_error(option, argv);
			else
				ctl_error(
				    "\"key %s\" has no such option", argv[0]);
			return -1;
		}
	}
	return 0;
}

int
ctl_key_open(const struct ctl *ctl, struct store **storep,
    struct authorities **authoritiesp)
{
	struct fault fault = {FAULT_NONE, ""};

	if (ctl_become_runtime_user(ctl, &fault) != 0 ||
	    ctl_open_authorities(ctl, authoritiesp, &fault) != 0 ||
	    store_open(ctl->config->state, storep, &fault) != 0)
		return ctl_fault(&fault);
	return CTL_DONE;
}

/*
 * What stands for a certificate on the command line: a canonical address or
 * a fingerprint in capitals, a new string; NULL after a message.
 */
static char *
parse_name(const char *argument)
{
	GString *digits = g_string_new(NULL);
	const char *p = argument;
	char *address;

	/* As gpg and openssl print it, in groups, or as a program does. */
	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X'))
		p += 2;
	for (; g_ascii_isxdigit(*p) || *p == ' ' || *p == ':'; p++)
		if (*p != ' ' && *p != ':')
			g_string_append_c(digits, g_ascii_toupper(*p));
	if (*p == '\0' && (digits->len == 40 || digits->len == 64))
		return g_string_free(digits, FALSE);
	g_string_free(digits, TRUE);
	address = address_canonical(argument);
	if (address != NULL && *address_domain(address) != '\0')
		return address;
	ctl_error("\"%s\" is neither an address nor a fingerprint (40 "
		  "hexadecimal digits, 64 of a certificate)",
	    argument);
	g_free(address);
	return NULL;
}

/* CTL_DONE and at least one certificate, or another status and a message. */
static int
list_named(const struct ctl *ctl, struct store *store, const char *argument,
    bool blobs, GPtrArray **listp)
{
	struct fault fault = {FAULT_NONE, ""};
	char *name = parse_name(argument);
	GPtrArray *list = NULL;
	int status = CTL_DONE;

	if (name == NULL)
		return CTL_USAGE;
	if (store_list(store, name, blobs, &list, &fault) != 0) {
		status = ctl_fault(&fault);
	} else if (list->len == 0) {
		ctl_error("the store in %s has no key of %s",
		    ctl->config->state, name);
		g_clear_pointer(&list, g_ptr_array_unref);
		status = CTL_REFUSED;
	}
	*listp = list;
	g_free(name);
	return status;
}

/* Collects the certificates of all arguments; the worst status counts. */
static int
for_each(const struct ctl *ctl, struct store *store, char *const arguments[],
    bool blobs, GPtrArray *all)
{
	int worst = CTL_DONE, status;
	GPtrArray *list;
	size_t i;

	for (i = 0; arguments[i] != NULL; i++) {
		list = NULL;
		status = list_named(ctl, store, arguments[i], blobs, &list);
		worst = MAX(worst, status);
		if (list != NULL)
			g_ptr_array_extend_and_steal(all, list);
	}
	return worst;
}

static int
key_list(struct ctl *ctl, int argc, char *const argv[])
{
	struct fault fault = {FAULT_NONE, ""};
	struct authorities *authorities = NULL;
	struct store *store = NULL;
	GPtrArray *all = NULL;
	bool json = ctl->json;
	int status;
	guint i;

	if (parse_options(argc, argv, &json, NULL, NULL) != 0 || optind != argc)
		return ctl_key_usage(argv[0]);
	status = ctl_key_open(ctl, &store, &authorities);
	if (status != CTL_DONE)
		goto out;
	if (store_list(store, NULL, false, &all, &fault) != 0) {
		status = ctl_fault(&fault);
		goto out;
	}
	g_ptr_array_sort(all, by_address);
	if (json) {
		print_all(store, authorities, all, true);
	} else {
		for (i = 0; i < all->len; i++)
			ctl_key_print_line(
			    g_ptr_array_index(all, i), authorities);
		if (all->len == 0)
			ctl_error("the store in %s has no keys; "
				  "\"sealctl key import FILE\" adds some",
			    ctl->config->state);
	}
	g_ptr_array_unref(all);
out:
	store_close(&store);
	authorities_close(&authorities);
	return status;
}

static int
by_address(gconstpointer a, gconstpointer b)
{
	const struct certificate *x = *(const struct certificate *const *)a;
	const struct certificate *y = *(const struct certificate *const *)b;
	int r = g_strcmp0(x->addresses[0], y->addresses[0]);

	return r != 0 ? r : strcmp(x->fingerprint, y->fingerprint);
}

static int
key_show(struct ctl *ctl, int argc, char *const argv[])
{
	GPtrArray *all =
	    g_ptr_array_new_with_free_func((GDestroyNotify)certificate_free);
	struct authorities *authorities = NULL;
	struct store *store = NULL;
	bool json = ctl->json;
	int status;

	if (parse_options(argc, argv, &json, NULL, NULL) != 0 ||
	    optind == argc) {
		status = ctl_key_usage(argv[0]);
		goto out;
	}
	status = ctl_key_open(ctl, &store, &authorities);
	if (status != CTL_DONE)
		goto out;
	status = for_each(ctl, store, argv + optind, false, all);
	if (all->len > 0 || json)
		print_all(store, authorities, all, json);
out:
	store_close(&store);
	authorities_close(&authorities);
	g_ptr_array_unref(all);
	return status;
}

static void
print_all(struct store *store, struct authorities *authorities, GPtrArray *all,
    bool json)
{
	const struct certificate *one;
	guint i;

	if (json)
		printf("[");
	for (i = 0; i < all->len; i++) {
		one = g_ptr_array_index(all, i);
		if (json) {
			printf(i == 0 ? "\n" : ",\n");
			ctl_key_print_json(one, authorities);
		} else {
			if (i > 0)
				printf("\n");
			ctl_key_print_page(
			    one, authorities, is_used(store, authorities, one));
		}
	}
	if (json)
		printf("\n]\n");
}

/* Would the store give this one for any of its addresses? */
static bool
is_used(struct store *store, struct authorities *authorities,
    const struct certificate *one)
{
	struct fault fault;
	struct key *key;
	bool used = false;
	char *why;
	size_t i;

	for (i = 0; one->addresses[i] != NULL && !used; i++) {
		key = NULL;
		why = NULL;
		if (store_find(store, one->key->kind, one->addresses[i],
			authorities, &key, &why, &fault) == 1)
			used = strcmp(key->fingerprint, one->fingerprint) == 0;
		key_unref(&key);
		g_free(why);
	}
	return used;
}

static int
key_find(struct ctl *ctl, int argc, char *const argv[])
{
	struct fault fault = {FAULT_NONE, ""};
	struct keys *keys = NULL;
	struct key *key = NULL;
	char *address = NULL, *why = NULL;
	bool json = ctl->json, smime = false;
	int r = -1;

	if (parse_options(argc, argv, &json, NULL, &smime) != 0 ||
	    optind + 1 != argc)
		return ctl_key_usage(argv[0]);
	address = address_canonical(argv[optind]);
	if (address == NULL || *address == '\0') {
		ctl_error("\"%s\" is not an address", argv[optind]);
		g_free(address);
		return CTL_USAGE;
	}
	if (ctl_become_runtime_user(ctl, &fault) == 0 &&
	    ctl_open_keys(ctl, &keys, &fault) == 0)
		r = keys_find(keys, smime ? KEY_SMIME : KEY_OPENPGP, address,
		    &key, &why, &fault);
	ctl_key_print_answer(r, address, key, r == -1 ? fault.text : why, json);
	keys_close(&keys);
	key_unref(&key);
	g_free(why);
	g_free(address);
	return r == 1 ? CTL_DONE : r == 0 ? CTL_REFUSED : CTL_TEMPORARY;
}

static int
key_export(struct ctl *ctl, int argc, char *const argv[])
{
	GPtrArray *all =
	    g_ptr_array_new_with_free_func((GDestroyNotify)certificate_free);
	struct authorities *authorities = NULL;
	struct store *store = NULL;
	bool binary = false;
	int status, written;

	if (parse_options(argc, argv, NULL, &binary, NULL) != 0 ||
	    optind == argc) {
		status = ctl_key_usage(argv[0]);
		goto out;
	}
	status = ctl_key_open(ctl, &store, &authorities);
	if (status != CTL_DONE)
		goto out;
	status = for_each(ctl, store, argv + optind, true, all);
	written = write_keys(all, binary);
	status = MAX(status, written);
out:
	store_close(&store);
	authorities_close(&authorities);
	g_ptr_array_unref(all);
	return status;
}

/* OpenPGP keys in one block of armor; certificates in PEM.  A status. */
static int
write_keys(const GPtrArray *all, bool binary)
{
	GByteArray *octets = g_byte_array_new();
	const struct inspected *key;
	int status = CTL_DONE;
	char *pem;
	guint i;

	for (i = 0; i < all->len; i++) {
		key = ((const struct certificate *)g_ptr_array_index(all, i))
			  ->key;
		if (key->kind == KEY_OPENPGP || binary) {
			g_byte_array_append(octets,
			    g_bytes_get_data(key->blob, NULL),
			    (guint)g_bytes_get_size(key->blob));
			continue;
		}
		pem = x509_pem(key->blob);
		if (pem == NULL) {
			ctl_error(
			    "%s cannot be written as PEM", key->fingerprint);
			status = CTL_TEMPORARY;
			continue;
		}
		printf("%s", pem);
		g_free(pem);
	}
	if (octets->len > 0 && binary)
		(void)fwrite(octets->data, 1, octets->len, stdout);
	else if (octets->len > 0)
		print_armor(octets->data, octets->len);
	g_byte_array_unref(octets);
	return status;
}

static void
print_armor(const guint8 *octets, size_t len)
{
	char crc[6], *line;
	size_t at, n;

	printf("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n");
	for (at = 0; at < len; at += n) {
		n = MIN(len - at, ARMOR_LINE_OCTETS);
		line = g_base64_encode(octets + at, n);
		printf("%s\n", line);
		g_free(line);
	}
	armor_encode_crc(armor_crc(ARMOR_CRC_INIT, octets, len), crc);
	printf("%.5s\n-----END PGP PUBLIC KEY BLOCK-----\n", crc);
}

static int
key_delete(struct ctl *ctl, int argc, char *const argv[])
{
	int status = CTL_DONE, one_status, i;
	struct authorities *authorities = NULL;
	struct store *store = NULL;
	GPtrArray *list;

	if (parse_options(argc, argv, NULL, NULL, NULL) != 0 || optind == argc)
		return ctl_key_usage(argv[0]);
	status = ctl_key_open(ctl, &store, &authorities);
	authorities_close(&authorities);
	if (status != CTL_DONE)
		return status;
	for (i = optind; i < argc; i++) {
		list = NULL;
		one_status = list_named(ctl, store, argv[i], false, &list);
		if (one_status == CTL_DONE && list->len == 1) {
			one_status =
			    delete_one(store, g_ptr_array_index(list, 0));
		} else if (one_status == CTL_DONE) {
			ctl_error("%s has %u keys in the store; name the one "
				  "to delete by its fingerprint (\"sealctl "
				  "key show %s\")",
			    argv[i], list->len, argv[i]);
			one_status = CTL_REFUSED;
		}
		status = MAX(status, one_status);
		if (list != NULL)
			g_ptr_array_unref(list);
	}
	store_close(&store);
	return status;
}

static int
delete_one(struct store *store, const struct certificate *one)
{
	struct fault fault = {FAULT_NONE, ""};
	char *addresses;

	if (store_delete(store, one->fingerprint, &fault) == -1)
		return ctl_fault(&fault);
	addresses = g_strjoinv(", ", one->addresses);
	printf("deleted %s for %s\n", one->fingerprint, addresses);
	g_free(addresses);
	return CTL_DONE;
}
