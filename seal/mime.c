/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mime.c - the dress of a sealed copy (RFC 3156 section 4).
 *
 * In:    a boundary.
 * Out:   the constant text around the ciphertext.
 * Never: sees the message.
 */
#include <config.h>

#include "seal/mime.h"

#include <unistd.h>

int
mime_boundary(char **boundaryp, struct fault *fault)
{
	unsigned char random[18];
	char *text;

	/* Of the kernel: OpenSSL would make a generator for each thread. */
	if (getentropy(random, sizeof(random)) != 0) {
		fault_set(fault, FAULT_TEMP, "no random octets for a boundary");
		return -1;
	}
	text = g_base64_encode(random, sizeof(random));
	/* "=_" cannot occur in quoted-printable or base64 (RFC 2045 6.7). */
	*boundaryp = g_strconcat(MIME_BOUNDARY, text, NULL);
	g_free(text);
	return 0;
}

char *
mime_content_type(const char *boundary)
{
	return g_strdup_printf(" multipart/encrypted;"
			       " protocol=\"application/pgp-encrypted\";\r\n"
			       "\tboundary=\"%s\"",
	    boundary);
}

char *
mime_before(const char *boundary)
{
	return g_strdup_printf(
	    "This is an OpenPGP/MIME encrypted message (RFC 3156).\r\n"
	    "--%s\r\n"
	    "Content-Type: application/pgp-encrypted\r\n"
	    "Content-Description: PGP/MIME version identification\r\n"
	    "\r\n"
	    "Version: 1\r\n"
	    "\r\n"
	    "--%s\r\n"
	    "Content-Type: application/octet-stream; name=\"encrypted.asc\"\r\n"
	    "Content-Description: OpenPGP encrypted message\r\n"
	    "Content-Disposition: inline; filename=\"encrypted.asc\"\r\n"
	    "\r\n"
	    "-----BEGIN PGP MESSAGE-----\r\n"
	    "\r\n",
	    boundary, boundary);
}

char *
mime_after(const char *boundary)
{
	return g_strdup_printf("-----END PGP MESSAGE-----\r\n"
			       "\r\n"
			       "--%s--\r\n",
	    boundary);
}
