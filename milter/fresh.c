/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * fresh.c - passphrases that are made for recipients who have none.
 *
 * In:    what becomes of each recipient of a message.
 * Out:   keys; a notice to the sender; entries in the store.
 * Never: stores one before its notice was taken: a copy whose passphrase
 *        nobody knows would be lost; or writes the words anywhere else than
 *        into that notice.
 */
#include "milter/fresh.h"

#include "keys/passphrases.h"
#include "milter/derivation.h"
#include "milter/log.h"
#include "milter/stock.h"
#include "milter/templates.h"
#include "milter/trace.h"
#include "seal/subject.h"

#include <string.h>
#include <syslog.h>

#define LINE_OCTETS 76 /* RFC 2045 section 6.8 */

/* One that was made. */
struct made {
	struct treatment *treatment; /* borrowed; it has the key */
	char *words;
};

struct fresh {
	GPtrArray *claims; /* addresses (char *) that are ours to make */
	GArray *made;      /* of struct made */
	char *date;
	struct session *session; /* the notice, as a message under way */
	GPtrArray *copies;       /* of it: one */
};

/* Whose passphrase is being made by some message; all of one are claimed at
 * once, so that two messages never wait for each other. */
static struct {
	GMutex lock;
	GCond changed;
	GHashTable *addresses;
} claimed;

static int claim(const GPtrArray *addresses, gint64 deadline_us);
static void unclaim(const GPtrArray *addresses);
static int make_one(struct fresh *fresh, const struct session *session,
    struct treatment *treatment, struct fault *fault);
static int write_notice(struct fresh *fresh, const struct session *session,
    const char *const *languages, struct fault *fault);

static void
made_clear(void *data)
{
	passphrase_wipe(&((struct made *)data)->words);
}

static bool
wants_one(const struct treatment *treatment)
{
	return treatment->fresh && treatment->key == NULL;
}

static bool
some_want_one(const GPtrArray *treatments)
{
	guint i;

	for (i = 0; i < treatments->len; i++)
		if (wants_one(g_ptr_array_index(treatments, i)))
			return true;
	return false;
}

int
fresh_make(const struct session *session, const GPtrArray *treatments,
    struct fresh **freshp, struct fault *fault)
{
	struct fresh *fresh;
	struct treatment *treatment;
	GDateTime *now;
	int ret = 0;
	guint i;

	if (!some_want_one(treatments))
		return 0;
	fresh = g_new0(struct fresh, 1);
	now = g_date_time_new_now_utc();
	fresh->claims = g_ptr_array_new_with_free_func(g_free);
	fresh->made = g_array_new(FALSE, TRUE, sizeof(struct made));
	g_array_set_clear_func(fresh->made, made_clear);
	fresh->date = g_date_time_format(now, "%Y-%m-%d");
	g_date_time_unref(now);
	for (i = 0; i < treatments->len; i++) {
		treatment = g_ptr_array_index(treatments, i);
		if (wants_one(treatment))
			g_ptr_array_add(
			    fresh->claims, g_strdup(treatment->address));
	}
	if (claim(fresh->claims, session->deadline) != 0) {
		g_ptr_array_set_size(fresh->claims, 0);
		fault_set(fault, FAULT_TEMP,
		    "another message is making a passphrase for the same"
		    " recipient");
		ret = -1;
	}
	for (i = 0; i < treatments->len && ret == 0; i++) {
		treatment = g_ptr_array_index(treatments, i);
		if (wants_one(treatment))
			ret = make_one(fresh, session, treatment, fault);
	}
	if (ret == 0 && fresh->made->len > 0)
		*freshp = g_steal_pointer(&fresh);
	fresh_free(&fresh);
	return ret;
}

void
fresh_free(struct fresh **freshp)
{
	struct fresh *fresh = g_steal_pointer(freshp);

	if (fresh == NULL)
		return;
	unclaim(fresh->claims);
	g_ptr_array_free(fresh->claims, TRUE);
	g_array_free(fresh->made, TRUE);
	if (fresh->copies != NULL)
		g_ptr_array_free(fresh->copies, TRUE);
	session_free(&fresh->session);
	g_free(fresh->date);
	g_free(fresh);
}

/* --- Who makes them */

static bool
is_free(const GPtrArray *addresses)
{
	guint i;

	for (i = 0; i < addresses->len; i++)
		if (g_hash_table_contains(
			claimed.addresses, addresses->pdata[i]))
			return false;
	return true;
}

static int
claim(const GPtrArray *addresses, gint64 deadline_us)
{
	bool in_time = true;
	guint i;

	g_mutex_lock(&claimed.lock);
	if (claimed.addresses == NULL)
		claimed.addresses = g_hash_table_new_full(
		    g_str_hash, g_str_equal, g_free, NULL);
	while (in_time && !is_free(addresses))
		in_time = g_cond_wait_until(
		    &claimed.changed, &claimed.lock, deadline_us);
	for (i = 0; in_time && i < addresses->len; i++)
		g_hash_table_add(
		    claimed.addresses, g_strdup(addresses->pdata[i]));
	g_mutex_unlock(&claimed.lock);
	return in_time ? 0 : -1;
}

static void
unclaim(const GPtrArray *addresses)
{
	guint i;

	if (addresses->len == 0)
		return;
	g_mutex_lock(&claimed.lock);
	for (i = 0; i < addresses->len; i++)
		g_hash_table_remove(claimed.addresses, addresses->pdata[i]);
	g_cond_broadcast(&claimed.changed);
	g_mutex_unlock(&claimed.lock);
}

/* The key that this message has for the address already, if it is a recipient
 * twice. */
static struct key *
find_made(const struct fresh *fresh, const char *address)
{
	const struct made *made;
	guint i;

	for (i = 0; i < fresh->made->len; i++) {
		made = &g_array_index(fresh->made, struct made, i);
		if (strcmp(made->treatment->address, address) == 0)
			return made->treatment->key;
	}
	return NULL;
}

/* Whom the recipient may ask, for who comes later: it stands in front of
 * each envelope. */
static char *
make_hint(const struct fresh *fresh, const char *sender)
{
	char *hint = g_strdup_printf("%s, %s", sender, fresh->date);

	if (strlen(hint) <= PASSPHRASE_HINT_MAX)
		return hint;
	g_free(hint);
	return g_strdup(fresh->date);
}

/* From the stock, or now. */
static int
make_words(const struct session *session, const char *hint, char **wordsp,
    struct key **keyp, struct fault *fault)
{
	struct key *key = NULL;
	char *words = NULL;
	int r = -1;

	if (stock_take(&words, &key))
		r = passphrase_give_hint(&key, words, hint, fault);
	else if ((words = passphrase_generate(fault)) != NULL)
		r = derivation_run(session->runtime->config->derivations, words,
		    hint, session->deadline, &key, fault);
	if (r == 0) {
		*wordsp = g_steal_pointer(&words);
		*keyp = g_steal_pointer(&key);
	}
	passphrase_wipe(&words);
	key_unref(&key);
	return r;
}

static int
make_one(struct fresh *fresh, const struct session *session,
    struct treatment *treatment, struct fault *fault)
{
	const struct runtime *runtime = session->runtime;
	struct key *there = find_made(fresh, treatment->address);
	struct made made = {treatment, NULL};
	char *hint;
	int r;

	if (there != NULL) {
		treatment->key = key_ref(there);
		return 0;
	}
	/* Whoever had the claim before us has stored it. */
	r = passphrase_find(runtime->keys, session->origin.sender,
	    treatment->address, &treatment->key, fault);
	if (r != 0)
		return r == 1 ? 0 : -1;
	hint = make_hint(fresh, session->origin.sender);
	r = make_words(session, hint, &made.words, &treatment->key, fault);
	g_free(hint);
	if (r == 0)
		g_array_append_val(fresh->made, made);
	return r;
}

int
fresh_store(const struct fresh *fresh, const struct session *session,
    struct fault *fault)
{
	struct store *store = keys_store(session->runtime->keys);
	const struct made *made;
	guint i;
	int r;

	for (i = 0; i < fresh->made->len; i++) {
		made = &g_array_index(fresh->made, struct made, i);
		r = passphrase_keep(store, NULL, made->treatment->address,
		    made->treatment->key, true, fault);
		if (r == 0)
			fault_set(fault, FAULT_TEMP,
			    "somebody has set a passphrase for %s just now;"
			    " the one that the sender was told does not hold",
			    made->treatment->address);
		if (r != 1)
			return -1;
		log_line(LOG_NOTICE,
		    "%s: a passphrase was made for <%s>, key=%s, and its"
		    " sender was told",
		    session->queue_id, made->treatment->address,
		    made->treatment->key->fingerprint);
	}
	return 0;
}

/* --- The notice */

int
fresh_notice(struct fresh *fresh, const struct session *session,
    const struct journal_id *message_id, struct parcel **parcelp,
    struct fault *fault)
{
	const struct config *config = session->runtime->config;
	struct treatment *treatment = NULL;
	const char *const *languages;
	struct recipient *recipient;
	GPtrArray *treatments;
	char *why = NULL;
	int r;

	r = plan_notice(config, session->runtime->keys, session->origin.sender,
	    &treatment, &why, fault);
	if (r == 0)
		fault_set(fault, FAULT_TEMP, "%s", why);
	g_free(why);
	if (r != 1)
		return -1;
	languages = treatment->decision.languages;
	if (languages == NULL)
		languages = (const char *const *)config->passphrase.languages;
	fresh->session = session_make();
	session_set_client(fresh->session, NULL, true);
	session_begin(fresh->session, runtime_ref(session->runtime), "<>");
	fresh->session->deadline = session->deadline;
	fresh->session->host = g_strdup(session->host);
	fresh->session->mail.utf8 = session->mail.utf8;
	session_set_queue_id(fresh->session, session->queue_id);
	recipient =
	    session_add_recipient(fresh->session, session->sender, treatment);
	recipient->rcpt.notify = g_strdup("NEVER");
	if (write_notice(fresh, session, languages, fault) != 0)
		return -1;
	treatments = g_ptr_array_new();
	g_ptr_array_add(treatments, treatment);
	fresh->copies = copies_group(treatments, fresh->session->message);
	g_ptr_array_free(treatments, TRUE);
	return parcel_make(g_ptr_array_index(fresh->copies, 0), fresh->session,
	    message_id, parcelp, fault);
}

static void
add_field(struct message *message, const char *name, char *value)
{
	message_add_field(message, name, value);
	g_free(value);
}

/* RFC 3834 section 3.1. */
static void
write_header(
    struct message *message, const struct session *session, const char *subject)
{
	const char *host = session->host != NULL ? session->host : "localhost";
	char *id = g_uuid_string_random();
	GString *date = g_string_new(" ");

	trace_append_date(date);
	add_field(message, "Date", g_string_free(date, FALSE));
	add_field(message, "From",
	    g_strdup_printf(" Mail Delivery System <MAILER-DAEMON@%s>", host));
	add_field(
	    message, "To", g_strdup_printf(" <%s>", session->origin.sender));
	add_field(message, "Message-ID", g_strdup_printf(" <%s@%s>", id, host));
	add_field(message, "Subject", subject_encode(subject));
	add_field(message, "Auto-Submitted", g_strdup(" auto-replied"));
	add_field(message, "MIME-Version", g_strdup(" 1.0"));
	add_field(
	    message, "Content-Type", g_strdup(" text/plain; charset=utf-8"));
	add_field(message, "Content-Transfer-Encoding", g_strdup(" base64"));
	g_free(id);
}

static int
write_body(struct message *message, const GString *text, struct fault *fault)
{
	char *base64 = g_base64_encode((const guchar *)text->str, text->len);
	const char *p = base64;
	size_t len;
	int r = 0;

	for (; *p != '\0' && r == 0; p += len) {
		len = MIN(LINE_OCTETS, strlen(p));
		r = message_add_body(message, p, len, fault);
		if (r == 0)
			r = message_add_body(message, "\r\n", 2, fault);
	}
	passphrase_wipe(&base64);
	return r;
}

static int
write_notice(struct fresh *fresh, const struct session *session,
    const char *const *languages, struct fault *fault)
{
	const guint count = fresh->made->len;
	struct template_facts *facts = g_new0(struct template_facts, count);
	const struct made *made;
	GString *text;
	char *subject, *words;
	guint i;
	int r;

	for (i = 0; i < count; i++) {
		made = &g_array_index(fresh->made, struct made, i);
		facts[i].recipient = made->treatment->recipient;
		facts[i].passphrase = made->words;
		facts[i].date = fresh->date;
	}
	text = templates_notice(session->runtime->config->passphrase.templates,
	    languages, facts, count, &subject);
	write_header(fresh->session->message, session, subject);
	r = write_body(fresh->session->message, text, fault);
	words = g_string_free(text, FALSE);
	passphrase_wipe(&words);
	g_free(subject);
	g_free(facts);
	return r;
}
