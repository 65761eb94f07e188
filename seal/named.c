/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * named.c - whom does the header name as recipients and author?
 *
 * In:    a message.
 * Out:   canonical addresses.
 * Never: decides who gets a copy; that is the envelope's.
 */
#include "seal/named.h"

#include "policy/address.h"
#include "seal/subject.h"

#include <gmime/gmime.h>

static void
add_addresses(GHashTable *named, InternetAddressList *list)
{
	InternetAddress *address;
	const char *text;
	char *canonical;
	int i;

	for (i = 0; list != NULL && i < internet_address_list_length(list);
	     i++) {
		address = internet_address_list_get_address(list, i);
		if (INTERNET_ADDRESS_IS_GROUP(address)) {
			add_addresses(
			    named, internet_address_group_get_members(
				       INTERNET_ADDRESS_GROUP(address)));
			continue;
		}
		text = internet_address_mailbox_get_addr(
		    INTERNET_ADDRESS_MAILBOX(address));
		canonical = text == NULL ? NULL : address_canonical(text);
		if (canonical != NULL)
			g_hash_table_add(named, canonical);
	}
}

/*
 * GMime reads groups by recursion, and strangers write headers.  No field has
 * so many colons in earnest (RFC 5322 section 3.4 knows no groups in groups);
 * one that has names nobody, and whom it would name is treated as hidden.
 */
#define COLONS_MAX 200

static bool
is_sane(const char *value)
{
	size_t colons = 0;

	for (; *value != '\0'; value++)
		colons += *value == ':';
	return colons <= COLONS_MAX;
}

GHashTable *
message_named(const struct message *message)
{
	static const char *const names[] = {
	    "To", "Cc", "Resent-To", "Resent-Cc"};
	GHashTable *named =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	InternetAddressList *list;
	const struct field *field;
	char *value;
	size_t i, nth;

	gmime_need();
	for (i = 0; i < G_N_ELEMENTS(names); i++)
		for (nth = 0;
		     (field = message_field(message, names[i], nth)) != NULL;
		     nth++) {
			value = field_unfold(field->value);
			list = is_sane(value)
				   ? internet_address_list_parse(NULL, value)
				   : NULL;
			add_addresses(named, list);
			g_clear_object(&list);
			g_free(value);
		}
	return named;
}

char *
message_author(const struct message *message)
{
	const struct field *field = message_field(message, "From", 0);
	InternetAddressList *list;
	InternetAddress *address = NULL;
	const char *text = NULL;
	char *value, *author = NULL;

	if (field == NULL)
		return NULL;
	gmime_need();
	value = field_unfold(field->value);
	list = is_sane(value) ? internet_address_list_parse(NULL, value) : NULL;
	if (list != NULL && internet_address_list_length(list) > 0)
		address = internet_address_list_get_address(list, 0);
	if (address != NULL && INTERNET_ADDRESS_IS_MAILBOX(address))
		text = internet_address_mailbox_get_addr(
		    INTERNET_ADDRESS_MAILBOX(address));
	if (text != NULL)
		author = address_canonical(text);
	g_clear_object(&list);
	g_free(value);
	return author;
}
