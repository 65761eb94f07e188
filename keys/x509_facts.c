/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * x509_facts.c - what a certificate says of itself.
 *
 * In:    a certificate.
 * Out:   its names, its key, its time; or why no mail can be encrypted to it.
 * Never: believes it.
 */
#include <config.h>

#include "keys/x509_facts.h"

#include "keys/ssl.h"
#include "keys/x509.h"
#include "policy/address.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define RSA_BITS_MIN 2048

static char *fingerprint_of(X509 *certificate);
static void describe_key(struct subkey *subkey, X509 *certificate);
static int64_t time_of(const ASN1_TIME *time, bool *okp);
static char *refusal(
    X509 *certificate, const struct subkey *subkey, bool times_ok);
static char *key_refusal(X509 *certificate, const struct subkey *subkey);
static int read_san(X509 *certificate, GENERAL_NAMES **namesp);
static int add_names(
    struct inspected *key, X509 *certificate, bool subject_address);
static int add_subject(struct inspected *key, X509 *certificate);
static void add_address(struct inspected *key, const ASN1_STRING *name);
static const ASN1_STRING *mailbox_of(const GENERAL_NAME *name);

struct inspected *
x509_facts(X509 *certificate, bool subject_address, struct fault *fault)
{
	char *fingerprint = fingerprint_of(certificate);
	struct inspected *key = inspected_make(fingerprint);
	struct subkey *subkey = inspected_add_subkey(key);
	bool ok = true;

	key->kind = KEY_SMIME;
	subkey->fingerprint = fingerprint;
	subkey->created = time_of(X509_get0_notBefore(certificate), &ok);
	/* The last second of it is still good (RFC 5280 4.1.2.5). */
	subkey->expires = time_of(X509_get0_notAfter(certificate), &ok) + 1;
	describe_key(subkey, certificate);
	if (*fingerprint == '\0' ||
	    add_names(key, certificate, subject_address) != 0 ||
	    ssl_error_is_ours()) {
		(void)ssl_fault(fault, "reading a certificate");
		inspected_unref(key);
		return NULL;
	}
	key->refused = refusal(certificate, subkey, ok);
	subkey->can_encrypt = key->refused == NULL;
	return key;
}

/* SHA-256 of all of it, upper-case hex. */
static char *
fingerprint_of(X509 *certificate)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0, i;
	GString *hex = g_string_new(NULL);

	if (X509_digest(certificate, EVP_sha256(), digest, &len) != 1)
		len = 0;
	for (i = 0; i < len; i++)
		g_string_append_printf(hex, "%02X", digest[i]);
	return g_string_free(hex, FALSE);
}

static int64_t
time_of(const ASN1_TIME *time, bool *okp)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) == 1)
		return (int64_t)timegm(&tm);
	*okp = false;
	return 0;
}

/* "rsa2048", "p256", or the name that OpenSSL has for it. */
static void
describe_key(struct subkey *subkey, X509 *certificate)
{
	EVP_PKEY *public = X509_get0_pubkey(certificate);
	char group[32] = "";
	const char *name;

	if (public == NULL) {
		subkey->algorithm = g_strdup("unknown");
		return;
	}
	subkey->bits = (unsigned int)EVP_PKEY_get_bits(public);
	switch (EVP_PKEY_get_base_id(public)) {
	case EVP_PKEY_RSA:
		subkey->algorithm = g_strdup_printf("rsa%u", subkey->bits);
		subkey->weak = subkey->bits < RSA_BITS_MIN;
		break;
	case EVP_PKEY_EC:
		(void)EVP_PKEY_get_group_name(
		    public, group, sizeof(group), NULL);
		name = EC_curve_nid2nist(OBJ_txt2nid(group));
		subkey->algorithm = strcmp(group, "prime256v1") == 0
					? g_strdup("p256")
				    : strcmp(group, "secp384r1") == 0
					? g_strdup("p384")
					: g_strdup(name != NULL ? name : group);
		break;
	default:
		name = EVP_PKEY_get0_type_name(public);
		subkey->algorithm = g_strdup(name == NULL ? "unknown" : name);
	}
}

/* Why it is of no use, whatever the time; a new string, or NULL. */
static char *
refusal(X509 *certificate, const struct subkey *subkey, bool times_ok)
{
	uint32_t flags = X509_get_extension_flags(certificate);
	uint32_t purposes = X509_get_extended_key_usage(certificate);

	if ((flags & EXFLAG_INVALID) != 0 || !times_ok)
		return g_strdup("it is broken");
	if (i2d_X509(certificate, NULL) > (int)X509_OCTETS)
		return g_strdup_printf(
		    "larger than %zu KiB", X509_OCTETS / 1024);
	if ((flags & EXFLAG_CRITICAL) != 0)
		return g_strdup("it has a critical extension that is not "
				"known here");
	/* UINT32_MAX: there is no such extension (RFC 5280 4.2.1.12). */
	if (purposes != UINT32_MAX &&
	    (purposes & (XKU_SMIME | XKU_ANYEKU)) == 0)
		return g_strdup("its extended key usage is not for mail "
				"(emailProtection)");
	return key_refusal(certificate, subkey);
}

/*
 * RFC 8550 section 4.4.2, and what OpenSSL can do: it encrypts to anything
 * with an RSA or EC key, whatever its key usage says, and to X25519 not at
 * all.
 */
static char *
key_refusal(X509 *certificate, const struct subkey *subkey)
{
	uint32_t usage = X509_get_key_usage(certificate);
	bool rsa = g_str_has_prefix(subkey->algorithm, "rsa");

	if (strcmp(subkey->algorithm, "ED25519") == 0 ||
	    strcmp(subkey->algorithm, "ED448") == 0 ||
	    strcmp(subkey->algorithm, "RSA-PSS") == 0 ||
	    strcmp(subkey->algorithm, "DSA") == 0)
		return g_strdup_printf(
		    "its key is for signatures only (%s)", subkey->algorithm);
	if (!rsa && strcmp(subkey->algorithm, "p256") != 0 &&
	    strcmp(subkey->algorithm, "p384") != 0)
		return g_strdup_printf("its key cannot be used here (%s; this "
				       "version does RSA, P-256 and P-384)",
		    subkey->algorithm);
	if (subkey->weak)
		return g_strdup_printf(
		    "RSA with %u bits is too short", subkey->bits);
	if (rsa && (usage & KU_KEY_ENCIPHERMENT) == 0)
		return g_strdup("its key usage does not allow encryption "
				"(keyEncipherment)");
	if (!rsa && (usage & KU_KEY_AGREEMENT) == 0)
		return g_strdup("its key usage does not allow encryption "
				"(keyAgreement)");
	return NULL;
}

/* --- Capabilities */

/*
 * RFC 4262: SEQUENCE OF SMIMECapability, which looks as AlgorithmIdentifier
 * does.  The first that we can do counts (RFC 8551 section 2.7.1.1).
 */
bool
x509_facts_want_gcm(X509 *certificate)
{
	int at = X509_get_ext_by_NID(certificate, NID_SMIMECapabilities, -1);
	const ASN1_OCTET_STRING *value;
	const unsigned char *p;
	X509_ALGORS *list;
	int nid = NID_undef, i;

	if (at < 0)
		return false;
	value = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
	p = ASN1_STRING_get0_data(value);
	list = d2i_X509_ALGORS(NULL, &p, ASN1_STRING_length(value));
	for (i = 0; i < sk_X509_ALGOR_num(list) && nid != NID_aes_256_gcm &&
		    nid != NID_aes_256_cbc;
	     i++)
		nid = OBJ_obj2nid(sk_X509_ALGOR_value(list, i)->algorithm);
	sk_X509_ALGOR_pop_free(list, X509_ALGOR_free);
	return nid == NID_aes_256_gcm;
}

/* --- Names */

/* 0 and the names, NULL if there are none; -1.  What is broken names
 * nobody: refusal() says that it is. */
static int
read_san(X509 *certificate, GENERAL_NAMES **namesp)
{
	int critical = 0;

	*namesp = X509_get_ext_d2i(
	    certificate, NID_subject_alt_name, &critical, NULL);
	return *namesp != NULL || critical == -1 ||
		       (X509_get_extension_flags(certificate) &
			   EXFLAG_INVALID) != 0
		   ? 0
		   : -1;
}

int
x509_names_mailbox(X509 *certificate)
{
	GENERAL_NAMES *names;
	bool found = false;
	int i;

	if (read_san(certificate, &names) != 0)
		return -1;
	for (i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++)
		found = mailbox_of(sk_GENERAL_NAME_value(names, i)) != NULL;
	GENERAL_NAMES_free(names);
	return found;
}

static int
add_names(struct inspected *key, X509 *certificate, bool subject_address)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	GENERAL_NAMES *names;
	int i;

	if (add_subject(key, certificate) != 0 ||
	    read_san(certificate, &names) != 0)
		return -1;
	for (i = 0; i < sk_GENERAL_NAME_num(names); i++)
		add_address(key, mailbox_of(sk_GENERAL_NAME_value(names, i)));
	i = -1;
	while (subject_address && (i = X509_NAME_get_index_by_NID(subject,
				       NID_pkcs9_emailAddress, i)) >= 0)
		add_address(key,
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
	GENERAL_NAMES_free(names);
	return 0;
}

/* For people only: a name in there is no address. */
static int
add_subject(struct inspected *key, X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const unsigned long flags =
	    XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
	struct user_id *user_id;
	char *octets = NULL, *text;
	long len;

	if (bio == NULL)
		return -1;
	(void)X509_NAME_print_ex(
	    bio, X509_get_subject_name(certificate), 0, flags);
	(void)BIO_puts(bio, " (issued by ");
	(void)X509_NAME_print_ex(
	    bio, X509_get_issuer_name(certificate), 0, flags);
	(void)BIO_puts(bio, ")");
	len = BIO_get_mem_data(bio, &octets);
	if (len > 0) {
		text = g_strndup(octets, (size_t)len);
		user_id = inspected_add_user_id(key, text);
		g_clear_pointer(&user_id->address, g_free);
		g_free(text);
	}
	BIO_free(bio);
	return len > 0 ? 0 : -1;
}

/* rfc822Name (RFC 5280 4.2.1.6) or SmtpUTF8Mailbox (RFC 9598); or NULL. */
static const ASN1_STRING *
mailbox_of(const GENERAL_NAME *name)
{
	const OTHERNAME *other = name->d.otherName;

	if (name->type == GEN_EMAIL)
		return name->d.rfc822Name;
	if (name->type == GEN_OTHERNAME &&
	    OBJ_obj2nid(other->type_id) == NID_id_on_SmtpUTF8Mailbox &&
	    other->value->type == V_ASN1_UTF8STRING)
		return other->value->value.utf8string;
	return NULL;
}

/* Whole and as it is: neither brackets nor a NUL make it another one. */
static void
add_address(struct inspected *key, const ASN1_STRING *name)
{
	struct user_id *user_id;
	char *text, *address;
	size_t len;

	if (name == NULL)
		return;
	len = (size_t)ASN1_STRING_length(name);
	text = g_strndup((const char *)ASN1_STRING_get0_data(name), len);
	address = strlen(text) == len && strpbrk(text, "<>") == NULL
		      ? address_canonical(text)
		      : NULL;
	if (address != NULL && *address_domain(address) == '\0')
		g_clear_pointer(&address, g_free);
	user_id = inspected_add_user_id(key, text);
	g_free(user_id->address);
	user_id->address = address;
	g_free(text);
}
