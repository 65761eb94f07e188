/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * imap_replace.c - one message in the place of another, over IMAP.
 *
 * In:    an original, and what it was sealed to.
 * Out:   the sealed one with the flags, keywords and date of the original.
 * Never: expunges an original before its copy was read back, octet by octet.
 */
#include "mailbox/imap_replace.h"

#include "mailbox/imap_text.h"
#include "seal/crash_point.h"

#include <openssl/evp.h>
#include <string.h>

static int check_copy(const struct imap_folder_open *folder,
    const struct imap_mail *original, uint32_t copy,
    const unsigned char *digest, char **flagsp, struct fault *fault);
static int take_over(const struct imap_folder_open *folder, uint32_t uid,
    uint32_t copy, const char *flags, struct fault *fault);
static int drop(
    const struct imap_folder_open *folder, uint32_t uid, struct fault *fault);

/* --- Reading */

static int
to_spool(void *context, const void *data, size_t len, struct fault *fault)
{
	return spool_append(context, data, len, fault);
}

int
imap_read(const struct imap_folder_open *folder, uint32_t uid,
    struct message **messagep, struct imap_mail **mailp, struct fault *fault)
{
	struct spool *spool = spool_make(folder->limits, true);
	struct message *message = message_make(folder->limits);
	struct imap_mail *mail = NULL;
	int r = imap_fetch(folder->imap, uid, to_spool, spool, &mail, fault);

	if (r == 1 &&
	    message_read_spool(message, spool, folder->octets, fault) != 0)
		r = -1;
	if (r == 1) {
		*messagep = g_steal_pointer(&message);
		*mailp = g_steal_pointer(&mail);
	}
	imap_mail_free(mail);
	message_free(&message);
	spool_free(&spool);
	return r;
}

/* --- Storing */

int
imap_replace(const struct imap_folder_open *folder,
    const struct imap_mail *original, const GString *header,
    const struct spool *body, struct fault *fault)
{
	GString *whole = g_string_new_len(header->str, (gssize)header->len);
	struct imap_upload upload = {
	    whole, body, original->flags, original->date};
	unsigned char digest[SPOOL_DIGEST_OCTETS];
	char *claim = NULL, *flags = NULL;
	uint32_t copy;
	int r = -1;

	if (imap_claim_make(folder->key, &folder->place, original->uid, body,
		&claim, fault) != 0)
		goto out;
	g_string_append_printf(whole, IMAP_CLAIM_FIELD ": %s\r\n\r\n", claim);
	if (spool_digest(whole->str, whole->len, body, digest, fault) != 0 ||
	    imap_append(
		folder->imap, folder->place.folder, &upload, &copy, fault) != 0)
		goto out;
	crash_point("I1");
	r = check_copy(folder, original, copy, digest, &flags, fault);
	if (r == 0)
		r = take_over(folder, original->uid, copy, flags, fault);
out:
	g_free(flags);
	g_free(claim);
	g_string_free(whole, TRUE);
	return r;
}

static int
to_digest(void *context, const void *data, size_t len, struct fault *fault)
{
	if (EVP_DigestUpdate(context, data, len) == 1)
		return 0;
	fault_set(fault, FAULT_TEMP, "no SHA-256");
	return -1;
}

/* NULL, or what is not as it should be. */
static const char *
compare(const struct imap_mail *original, const struct imap_mail *stored,
    const unsigned char *wanted, const unsigned char *found)
{
	if (memcmp(wanted, found, SPOOL_DIGEST_OCTETS) != 0)
		return "other octets than were sent";
	if (!imap_same_moment(original->date, stored->date))
		return "another date (INTERNALDATE)";
	if (!imap_flags_contain(stored->flags, original->flags))
		return "not all of the flags and keywords";
	return NULL;
}

/* 0: it is what it should be, and has those flags.  -1 with fault: it is
 * gone. */
static int
check_copy(const struct imap_folder_open *folder,
    const struct imap_mail *original, uint32_t copy,
    const unsigned char *digest, char **flagsp, struct fault *fault)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char found[SPOOL_DIGEST_OCTETS];
	struct imap_mail *stored = NULL;
	const char *why;
	int r = -1;

	fault_set(fault, FAULT_TEMP, "no SHA-256");
	if (context == NULL ||
	    EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
		goto out;
	r = imap_fetch(folder->imap, copy, to_digest, context, &stored, fault);
	if (r == 0)
		fault_set(fault, FAULT_TEMP,
		    "the sealed message was stored, and is gone");
	if (r != 1 || EVP_DigestFinal_ex(context, found, NULL) != 1) {
		r = -1;
		goto out;
	}
	why = compare(original, stored, digest, found);
	if (why != NULL) {
		r = drop(folder, copy, fault);
		if (r == 0)
			fault_set(fault, FAULT_PERM,
			    "the server has stored %s; its copy was removed",
			    why);
		r = -1;
		goto out;
	}
	*flagsp = g_steal_pointer(&stored->flags);
	r = 0;
out:
	imap_mail_free(stored);
	EVP_MD_CTX_free(context);
	return r;
}

/* --- Taking over */

/* 1: done.  0: the original is gone, the copy too.  -1. */
static int
take_over(const struct imap_folder_open *folder, uint32_t uid, uint32_t copy,
    const char *flags, struct fault *fault)
{
	char *now = NULL, *wanted, *changed = NULL;
	int r = imap_store(folder->imap, uid, "+", "\\Deleted", &now, fault);

	if (r == 0)
		return drop(folder, copy, fault);
	if (r == -1)
		return -1;
	crash_point("I2");
	/* A user may have changed them since they were read. */
	wanted = imap_has_flag(flags, "\\Deleted")
		     ? g_strdup(now)
		     : imap_flags_without(now, "\\Deleted");
	if (!imap_flags_contain(flags, wanted) ||
	    !imap_flags_contain(wanted, flags)) {
		r = imap_store(folder->imap, copy, "", wanted, &changed, fault);
		if (r == 0) {
			fault_set(fault, FAULT_TEMP,
			    "the sealed message was stored, and is gone");
			r = -1;
		}
	}
	if (r == 1)
		r = imap_expunge(folder->imap, uid, fault) == 0 ? 1 : -1;
	crash_point("I3");
	g_free(changed);
	g_free(wanted);
	g_free(now);
	return r;
}

static int
drop(const struct imap_folder_open *folder, uint32_t uid, struct fault *fault)
{
	char *now = NULL;
	int r = imap_store(folder->imap, uid, "+", "\\Deleted", &now, fault);

	g_free(now);
	return r == 1 ? imap_expunge(folder->imap, uid, fault) : r;
}

int
imap_finish(const struct imap_folder_open *folder, uint32_t uid, uint32_t copy,
    struct fault *fault)
{
	struct message *message = NULL;
	struct imap_mail *mail = NULL;
	int r = imap_read(folder, copy, &message, &mail, fault);

	if (r == 1)
		r = imap_claim_check(
		    folder->key, &folder->place, uid, message, fault);
	if (r == 1)
		r = take_over(folder, uid, copy, mail->flags, fault);
	imap_mail_free(mail);
	message_free(&message);
	return r;
}
