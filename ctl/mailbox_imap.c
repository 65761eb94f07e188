/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mailbox_imap.c - sealctl mailbox encrypt --imap: stored mail, by a server.
 *
 * In:    an IMAP server, a login, the policy and the keys.
 * Out:   every readable message sealed to its owner's key, in its place.
 * Never: touches a message that it could not seal, or has a password in the
 *        list of processes.
 */
#include "config.h"

#include "ctl/mailbox.h"

#include "ctl/mailbox_login.h"
#include "ctl/mailbox_owner.h"
#include "ctl/mailbox_tally.h"
#include "mailbox/examine.h"
#include "mailbox/imap_replace.h"
#include "milter/runtime.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One run. */
struct run {
	const struct login_options *options;
	struct runtime *runtime;
	const struct owner *owner;
	struct imap_claim_key key;
	struct tally *tally;
	char *account;
};

static int check_options(
    const struct ctl *ctl, const struct login_options *options);
static int convert(struct ctl *ctl, const struct login_options *options,
    const struct owner *owner, const struct imap_login *login,
    struct tally *tally, struct fault *fault);
static int convert_folders(
    struct run *run, struct imap *imap, struct fault *fault);
static int check_names(
    const struct run *run, const GPtrArray *folders, struct fault *fault);
static int convert_folder(struct run *run, struct imap *imap,
    const struct imap_folder *folder, struct fault *fault);
static int convert_message(struct run *run,
    const struct imap_folder_open *folder, const struct imap_mail *listed,
    uint32_t claimed, struct fault *fault);
static int look_at(struct run *run, const struct imap_folder_open *folder,
    uint32_t uid, struct fault *fault);
static int seal_one(struct run *run, const struct imap_folder_open *folder,
    const struct message *message, const struct imap_mail *mail,
    struct fault *fault);

int
mailbox_encrypt_imap(struct ctl *ctl, int argc, char *const argv[])
{
	struct login_options options;
	struct imap_login login = {0};
	struct fault fault = {FAULT_NONE, ""};
	struct tally *tally = NULL;
	struct owner *owner = NULL;
	int status = login_options_parse(&options, ctl, argc, argv);

	if (status == CTL_DONE)
		status = check_options(ctl, &options);
	if (status == CTL_USAGE)
		(void)mailbox_usage("encrypt");
	if (status != CTL_DONE)
		goto out;
	/* What only the caller may read, before becoming somebody else. */
	if (owner_find(ctl, options.owner, &owner, &fault) != 0 ||
	    login_prepare(&options, &login, &fault) != 0 ||
	    ctl_become_runtime_user(ctl, &fault) != 0) {
		status = ctl_fault(&fault);
		goto out;
	}
	tally = tally_make(options.dry_run);
	if (convert(ctl, &options, owner, &login, tally, &fault) != 0)
		status = ctl_fault(&fault);
	tally_print(tally);
	if (status == CTL_DONE && tally_failed(tally))
		status = CTL_REFUSED;
out:
	tally_free(&tally);
	owner_free(&owner);
	login_clear(&login);
	login_options_clear(&options);
	return status;
}

static int
check_options(const struct ctl *ctl, const struct login_options *options)
{
	if (!config_stores(ctl->config, options->owner)) {
		ctl_error("the domain of <%s> is not in domains: no mailbox of"
			  " it is stored here",
		    options->owner);
		return CTL_REFUSED;
	}
	return CTL_DONE;
}

static int
convert(struct ctl *ctl, const struct login_options *options,
    const struct owner *owner, const struct imap_login *login,
    struct tally *tally, struct fault *fault)
{
	struct run run = {.options = options, .owner = owner, .tally = tally};
	struct imap *imap = NULL;
	int ret = -1;

	run.account = g_strdup_printf("%s %s", login->url, login->user);
	if (runtime_open(ctl->config, &run.runtime, fault) != 0 ||
	    imap_claim_key(ctl->config->state, &run.key, fault) != 0 ||
	    imap_open(login, &imap, fault) != 0)
		goto out;
	ret = convert_folders(&run, imap, fault);
out:
	imap_close(&imap);
	runtime_unref(&run.runtime);
	g_free(run.account);
	return ret;
}

static bool
is_wanted(const struct run *run, const struct imap_folder *folder)
{
	const GPtrArray *names = run->options->folders;
	guint i;

	if (names->len == 0)
		return !folder->is_view;
	for (i = 0; i < names->len; i++)
		if (strcmp(folder->name, g_ptr_array_index(names, i)) == 0)
			return true;
	return false;
}

/* A folder that is named and is not there would be left readable. */
static int
check_names(
    const struct run *run, const GPtrArray *folders, struct fault *fault)
{
	const GPtrArray *names = run->options->folders;
	const struct imap_folder *folder;
	guint i, j;

	for (i = 0; i < names->len; i++) {
		for (j = 0; j < folders->len; j++) {
			folder = g_ptr_array_index(folders, j);
			if (strcmp(folder->name, g_ptr_array_index(names, i)) ==
			    0)
				break;
		}
		if (j == folders->len) {
			fault_set(fault, FAULT_PERM,
			    "the server has no folder \"%s\"",
			    (const char *)g_ptr_array_index(names, i));
			return -1;
		}
	}
	return 0;
}

static int
convert_folders(struct run *run, struct imap *imap, struct fault *fault)
{
	const struct imap_folder *folder;
	GPtrArray *folders;
	guint i;
	int r;

	if (imap_list(imap, &folders, fault) != 0)
		return -1;
	r = check_names(run, folders, fault);
	for (i = 0; i < folders->len && r == 0; i++) {
		folder = g_ptr_array_index(folders, i);
		if (!is_wanted(run, folder))
			continue;
		r = convert_folder(run, imap, folder, fault);
		if (r != 0)
			fault_prefix(fault, "%s", folder->name);
	}
	g_ptr_array_unref(folders);
	return r;
}

/* UID of the original -> that of what claims to take its place. */
static GHashTable *
find_claims(const GPtrArray *mails, const struct imap_place *place)
{
	GHashTable *claims = g_hash_table_new(NULL, NULL);
	const struct imap_mail *mail;
	uint32_t uid;
	guint i;

	for (i = 0; i < mails->len; i++) {
		mail = g_ptr_array_index(mails, i);
		if (mail->claim != NULL &&
		    (uid = imap_claim_uid(mail->claim, place)) != 0)
			g_hash_table_insert(claims, GUINT_TO_POINTER(uid),
			    GUINT_TO_POINTER(mail->uid));
	}
	return claims;
}

static int
convert_folder(struct run *run, struct imap *imap,
    const struct imap_folder *folder, struct fault *fault)
{
	struct imap_folder_open here = {.imap = imap,
	    .key = &run->key,
	    .place = {run->account, folder->wire, 0},
	    .limits = &run->runtime->limits,
	    .octets = run->runtime->config->message_octets};
	const struct imap_mail *mail;
	struct imap_selected selected;
	GHashTable *claims = NULL;
	GPtrArray *mails = NULL;
	guint i;
	int r = -1;

	if (imap_select(imap, folder->wire, &selected, fault) != 0)
		return -1;
	if (selected.read_only) {
		tally_skip(run->tally, folder->name, "it is read-only");
		return 0;
	}
	here.place.validity = selected.validity;
	if (imap_messages(imap, IMAP_CLAIM_FIELD, &mails, fault) != 0)
		return -1;
	claims = find_claims(mails, &here.place);
	tally_folder(run->tally, folder->name, mails->len);
	for (r = 0, i = 0; i < mails->len && r == 0; i++) {
		mail = g_ptr_array_index(mails, i);
		r = convert_message(run, &here, mail,
		    GPOINTER_TO_UINT(g_hash_table_lookup(
			claims, GUINT_TO_POINTER(mail->uid))),
		    fault);
		if (r != 0)
			fault_prefix(fault, "message %" PRIu32, mail->uid);
	}
	g_hash_table_unref(claims);
	g_ptr_array_unref(mails);
	return r;
}

/*
 * 0: it is told to the tally what became of it.  -1 with fault: it would be
 * the same with the next ones.
 */
static int
convert_message(struct run *run, const struct imap_folder_open *folder,
    const struct imap_mail *listed, uint32_t claimed, struct fault *fault)
{
	int r = 0;

	if (listed->size > folder->octets) {
		tally_failure(run->tally, listed->uid,
		    "it is larger than limits.message");
		return 0;
	}
	if (claimed != 0 && !run->options->dry_run) {
		r = imap_finish(folder, listed->uid, claimed, fault);
		if (r == 1)
			tally_count(run->tally, TALLY_FINISHED, 0);
	}
	if (r == 0)
		r = look_at(run, folder, listed->uid, fault);
	if (r == -1 && fault->kind == FAULT_PERM) {
		/* This one only: it is broken, or the server does not take
		 * its successor. */
		tally_failure(run->tally, listed->uid, fault->text);
		*fault = (struct fault){FAULT_NONE, ""};
		r = 0;
	}
	return r == -1 ? -1 : 0;
}

/* Seals it, if it is readable.  0, or -1 with fault. */
static int
look_at(struct run *run, const struct imap_folder_open *folder, uint32_t uid,
    struct fault *fault)
{
	struct message *message = NULL;
	struct imap_mail *mail = NULL;
	struct examined examined = {0};
	int r = imap_read(folder, uid, &message, &mail, fault);

	if (r != 1) {
		if (r == 0)
			tally_count(run->tally, TALLY_GONE, 0);
		return r;
	}
	r = examine_message(message, &examined, fault);
	if (r == 0 && examined.state == EXAMINED_SEALED)
		tally_count(run->tally, TALLY_SEALED, mail->size);
	else if (r == 0 && examined.state != EXAMINED_READABLE)
		tally_failure(run->tally, uid, examined.why);
	else if (r == 0)
		r = seal_one(run, folder, message, mail, fault);
	examined_clear(&examined);
	imap_mail_free(mail);
	message_free(&message);
	return r;
}

static int
seal_one(struct run *run, const struct imap_folder_open *folder,
    const struct message *message, const struct imap_mail *mail,
    struct fault *fault)
{
	struct seal_order order = run->owner->order;
	struct sealed *sealed = NULL;
	GString *header = NULL;
	int r = 1;

	order.engines = &run->runtime->engines;
	order.limits = &run->runtime->limits;
	if (seal_message(&order, message, &sealed, fault) != 0) {
		r = -1;
	} else if (!run->options->dry_run) {
		header = sealed_header(sealed, message);
		r = imap_replace(folder, mail, header, sealed->body, fault);
		g_string_free(header, TRUE);
	}
	sealed_free(&sealed);
	if (r >= 0)
		tally_count(
		    run->tally, r == 1 ? TALLY_DONE : TALLY_GONE, mail->size);
	return r == -1 ? -1 : 0;
}
