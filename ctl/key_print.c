/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * key_print.c - keys for people and for programs to read.
 *
 * In:    certificates of the store, answers of the sources.
 * Out:   lines, pages, JSON on standard output.
 * Never: prints what a stranger wrote without taking control characters out.
 */
#include "config.h"

#include "ctl/json.h"
#include "ctl/key.h"
#include "keys/key.h"
#include "keys/usable.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *trust_name(enum trust trust);
static char *date_or_never(int64_t when);
static void print_subkey(const struct subkey *subkey, const char *role);
static void json_date(GString *json, const char *name, int64_t when);
static void json_user_ids(GString *json, const GPtrArray *user_ids);
static void json_subkeys(GString *json, const GPtrArray *subkeys);

char *
ctl_key_state(const struct inspected *key, struct authorities *authorities)
{
	const struct subkey *subkey;
	char *why = NULL, *until, *text;
	struct fault fault;
	int r;

	r = key_may_be_used(key, NULL, authorities, &subkey, &why, &fault);
	if (r == -1)
		return g_strdup_printf("cannot tell: %s", fault.text);
	if (r == 0) {
		text = g_strdup_printf("unusable: %s", why);
		g_free(why);
		return text;
	}
	if (usable_until(key, subkey) == 0)
		return g_strdup("usable");
	until = usable_date(usable_until(key, subkey));
	text = g_strdup_printf("usable until %s", until);
	g_free(until);
	return text;
}

static const char *
trust_name(enum trust trust)
{
	switch (trust) {
	case TRUST_IMPORTED:
		return "imported";
	case TRUST_CHECKED:
		return "checked";
	}
	return "unknown";
}

void
ctl_key_print_line(
    const struct certificate *certificate, struct authorities *authorities)
{
	char *addresses = g_strjoinv(", ", certificate->addresses);
	char *state = ctl_key_state(certificate->key, authorities);

	printf("%s  %s  (%s)\n", certificate->fingerprint, addresses, state);
	g_free(state);
	g_free(addresses);
}

void
ctl_key_print_page(const struct certificate *certificate,
    struct authorities *authorities, bool used)
{
	const struct inspected *key = certificate->key;
	char *addresses = g_strjoinv(", ", certificate->addresses);
	char *state = ctl_key_state(key, authorities);
	bool smime = key->kind == KEY_SMIME;
	char *first = usable_date(certificate->first_seen);
	char *last = usable_date(certificate->last_checked);
	const struct user_id *user_id;
	guint i;

	printf("%-12s %s\n", smime ? "certificate" : "key",
	    certificate->fingerprint);
	printf("addresses    %s\n", addresses);
	printf("state        %s%s\n", state,
	    used || g_str_has_prefix(state, "unusable")
		? ""
		: ", but another key of its address goes before it");
	printf(
	    "trust        %s\n", certificate->trust == TRUST_CHECKED
				     ? "checked by an administrator (--trust)"
				     : "as imported, not checked");
	printf("first seen   %s, last imported %s\n", first, last);
	for (i = 0; i < key->user_ids->len; i++) {
		user_id = g_ptr_array_index(key->user_ids, i);
		printf("%-12s %s%s\n",
		    !smime   ? "user ID"
		    : i == 0 ? "subject"
			     : "names",
		    user_id->text,
		    user_id->revoked   ? " (revoked)"
		    : user_id->invalid ? " (no good signature)"
				       : "");
	}
	if (key->wants_gcm)
		printf("asks for     AES-256-GCM (its S/MIME capabilities)\n");
	for (i = 0; i < key->subkeys->len; i++)
		print_subkey(
		    g_ptr_array_index(key->subkeys, i), smime    ? "its key"
							: i == 0 ? "primary key"
								 : "subkey");
	g_free(addresses);
	g_free(state);
	g_free(first);
	g_free(last);
}

static void
print_subkey(const struct subkey *subkey, const char *role)
{
	char *created = usable_date(subkey->created);
	char *expires = date_or_never(subkey->expires);

	printf("%-12s %s\n", role, subkey->fingerprint);
	printf("             %s, made on %s, expires %s%s%s%s%s\n",
	    subkey->algorithm, created, expires,
	    subkey->can_encrypt ? ", for encryption" : "",
	    subkey->revoked ? ", revoked" : "",
	    subkey->invalid ? ", not valid" : "",
	    subkey->can_encrypt && subkey->weak ? ", too short" : "");
	g_free(created);
	g_free(expires);
}

static char *
date_or_never(int64_t when)
{
	return when == 0 ? g_strdup("never") : usable_date(when);
}

void
ctl_key_print_answer(int answer, const char *address, const struct key *key,
    const char *why, bool json)
{
	const char *name = answer == 1    ? "usable"
			   : answer == -1 ? "cannot tell"
			   : why == NULL  ? "no key"
					  : "unusable";
	GString *text = g_string_new(NULL);

	if (json) {
		g_string_append(text, "{");
		json_text(text, "address", address);
		json_text(text, "answer", name);
		json_text(text, "why", why);
		if (key != NULL) {
			json_text(text, "fingerprint", key->fingerprint);
			json_text(text, "subkey", key->subkey);
			json_text(text, "source", key->source);
			json_date(text, "expires", key->expires);
		}
		g_string_append(text, "}");
	} else if (key != NULL) {
		g_string_append_printf(text, "usable: %s (", key->fingerprint);
		if (key->kind == KEY_OPENPGP)
			g_string_append_printf(
			    text, "subkey %s, ", key->subkey);
		g_string_append_printf(text, "source \"%s\")", key->source);
	} else {
		g_string_append_printf(text, "%s%s%s", name,
		    why == NULL ? "" : ": ", why == NULL ? "" : why);
	}
	printf("%s\n", text->str);
	g_string_free(text, TRUE);
}

void
ctl_key_print_json(
    const struct certificate *certificate, struct authorities *authorities)
{
	const struct inspected *key = certificate->key;
	GString *json = g_string_new("{");
	const struct subkey *subkey;
	struct fault fault;
	char *why = NULL;
	int usable;

	usable = key_may_be_used(key, NULL, authorities, &subkey, &why, &fault);
	if (usable == -1)
		why = g_strdup(fault.text);
	json_text(json, "fingerprint", certificate->fingerprint);
	json_text(json, "kind", key->kind == KEY_SMIME ? "smime" : "openpgp");
	json_strings(
	    json, "addresses", (const char *const *)certificate->addresses);
	json_bool(json, "usable", usable == 1);
	json_text(json, "why", why);
	json_text(
	    json, "encrypts_to", usable == 1 ? subkey->fingerprint : NULL);
	json_bool(json, "wants_gcm", key->wants_gcm);
	json_text(json, "trust", trust_name(certificate->trust));
	json_text(json, "source", certificate->source);
	json_date(json, "first_seen", certificate->first_seen);
	json_date(json, "last_checked", certificate->last_checked);
	json_user_ids(json, key->user_ids);
	json_subkeys(json, key->subkeys);
	g_string_append_c(json, '}');
	printf("%s", json->str);
	g_string_free(json, TRUE);
	g_free(why);
}

/* A day, or null for 0. */
static void
json_date(GString *json, const char *name, int64_t when)
{
	char *text = when == 0 ? NULL : usable_date(when);

	json_text(json, name, text);
	g_free(text);
}

static void
json_user_ids(GString *json, const GPtrArray *user_ids)
{
	const struct user_id *user_id;
	guint i;

	json_name(json, "user_ids");
	json_open(json, '[');
	for (i = 0; i < user_ids->len; i++) {
		user_id = g_ptr_array_index(user_ids, i);
		json_open(json, '{');
		json_text(json, "text", user_id->text);
		json_text(json, "address", user_id->address);
		json_bool(
		    json, "valid", !user_id->revoked && !user_id->invalid);
		g_string_append_c(json, '}');
	}
	g_string_append_c(json, ']');
}

static void
json_subkeys(GString *json, const GPtrArray *subkeys)
{
	const struct subkey *subkey;
	guint i;

	json_name(json, "subkeys");
	json_open(json, '[');
	for (i = 0; i < subkeys->len; i++) {
		subkey = g_ptr_array_index(subkeys, i);
		json_open(json, '{');
		json_text(json, "fingerprint", subkey->fingerprint);
		json_text(json, "algorithm", subkey->algorithm);
		json_date(json, "created", subkey->created);
		json_date(json, "expires", subkey->expires);
		json_bool(json, "encrypts", subkey->can_encrypt);
		json_bool(json, "revoked", subkey->revoked);
		g_string_append_c(json, '}');
	}
	g_string_append_c(json, ']');
}
