/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * copy_seal.c - seal a copy of the plan.
 *
 * In:    a copy, the message.
 * Out:   what seal/ makes of it; and keys from passphrases that came with it.
 * Never: sends it.
 */
#include "milter/copies.h"

#include "keys/passphrases.h"
#include "milter/derivation.h"
#include "milter/templates.h"
#include "seal/named.h"

int
copies_derive(const GPtrArray *treatments, const struct config *config,
    gint64 deadline_us, struct fault *fault)
{
	struct treatment *treatment;
	struct secret *secret;
	int ret = 0;
	guint i;

	for (i = 0; i < treatments->len; i++) {
		treatment = g_ptr_array_index(treatments, i);
		secret = treatment->secret;
		if (secret == NULL || treatment->rung != RUNG_PASSPHRASE ||
		    treatment->key != NULL)
			continue;
		if (secret->key == NULL &&
		    derivation_run(config->derivations, secret->words, NULL,
			deadline_us, &secret->key, fault) != 0)
			return -1;
		treatment->key = key_ref(secret->key);
		ret = 1;
	}
	return ret;
}

/* What a person reads in front of an envelope; a new string. */
static char *
make_cover(const struct copy *copy, const struct config *config,
    const struct message *message)
{
	const struct treatment *treatment =
	    g_ptr_array_index(copy->treatments, 0);
	const struct passphrase *passphrase = passphrase_of(treatment->key);
	const char *const *languages = treatment->decision.languages;
	char *author = message_author(message), *date, *cover;
	GDateTime *now = g_date_time_new_now_utc();
	struct template_facts facts = {
	    .recipient = treatment->given,
	    .file = config->passphrase.file_name,
	    .hint = passphrase->hint[0] != '\0' ? passphrase->hint : NULL,
	};

	if (languages == NULL)
		languages = (const char *const *)config->passphrase.languages;
	facts.sender = author != NULL ? author : "?";
	facts.date = date = g_date_time_format(now, "%Y-%m-%d");
	cover =
	    templates_cover(config->passphrase.templates, languages, &facts);
	g_date_time_unref(now);
	g_free(date);
	g_free(author);
	return cover;
}

int
copy_seal(const struct copy *copy, const struct runtime *runtime,
    const struct message *message, unsigned int time_left_ms,
    struct sealed **sealedp, struct fault *fault)
{
	static const enum seal_form forms[RUNGS] = {
	    [RUNG_OPENPGP] = SEAL_OPENPGP,
	    [RUNG_SMIME] = SEAL_SMIME,
	    [RUNG_PASSPHRASE] = SEAL_PASSPHRASE,
	};
	struct seal_engines engines = runtime->engines;
	struct seal_order order = {
	    .form = forms[copy->form],
	    .legacy_display = copy->form == RUNG_SMIME && copy->legacy_display,
	    .smime_gcm = copy->smime_gcm,
	    .smime_oaep = copy->smime_oaep,
	    .readers = (const struct seal_reader *)(void *)copy->readers->data,
	    .readers_count = copy->readers->len,
	    .subject = copy->subject,
	    .secret = copy->secret,
	    .hide_subject = copy->hide_subject,
	    .at_rest = copy->at_rest,
	    .engines = &engines,
	    .limits = &runtime->limits,
	    .page_name = runtime->config->passphrase.file_name,
	};
	char *cover = NULL;
	int r;

	engines.gpg_deadline_ms = MIN(engines.gpg_deadline_ms, time_left_ms);
	if (copy->form == RUNG_PASSPHRASE && copy->readers->len > 0)
		cover = make_cover(copy, runtime->config, message);
	order.cover = cover;
	r = seal_message(&order, message, sealedp, fault);
	g_free(cover);
	return r;
}
