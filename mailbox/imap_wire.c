/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * imap_wire.c - octets to and from an IMAP server.
 *
 * In:    where it is, and who logs in; octets to send.
 * Out:   lines and octets that it sends.
 * Never: goes on without TLS, or with a certificate that cannot be verified
 *        for the host's name; or puts the password into a fault.
 */
#include <config.h>

#include "mailbox/imap_wire.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

static int set_up(struct imap_wire *wire, const struct imap_login *login,
    struct fault *fault);
static CURLcode set_authorities(CURL *curl, GBytes *authorities);
static void explain(const struct imap_wire *wire, CURLcode code,
    const struct imap_login *login, struct fault *fault);
static int wait_for(
    const struct imap_wire *wire, short events, struct fault *fault);
static int more(struct imap_wire *wire, struct fault *fault);

struct imap_wire {
	CURL *curl;
	curl_socket_t socket;
	int wait_ms;
	char error[CURL_ERROR_SIZE];
	/* What has come and is not used yet: from `first` to `end`. */
	unsigned char buffer[65536];
	size_t first, end;
};

int
wire_open(const struct imap_login *login, struct imap_wire **wirep,
    struct fault *fault)
{
	struct imap_wire *wire = g_new0(struct imap_wire, 1);
	CURLcode code;
	int ret = -1;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    (wire->curl = curl_easy_init()) == NULL) {
		fault_set(fault, FAULT_TEMP, "libcurl cannot be set up");
		goto out;
	}
	wire->wait_ms = (int)login->seconds * 1000;
	if (set_up(wire, login, fault) != 0)
		goto out;
	code = curl_easy_perform(wire->curl);
	if (code == CURLE_OK)
		code = curl_easy_getinfo(
		    wire->curl, CURLINFO_ACTIVESOCKET, &wire->socket);
	if (code != CURLE_OK) {
		explain(wire, code, login, fault);
		goto out;
	}
	*wirep = wire;
	wire = NULL;
	ret = 0;
out:
	wire_close(&wire);
	return ret;
}

/* TLS whatever the URL says: with imap://, STARTTLS before anything is told. */
static const struct {
	CURLoption option;
	long value;
} always[] = {
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_CONNECT_ONLY, 1},
    {CURLOPT_TCP_KEEPALIVE, 1},
    {CURLOPT_USE_SSL, CURLUSESSL_ALL},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
};

static int
set_up(
    struct imap_wire *wire, const struct imap_login *login, struct fault *fault)
{
	/* RFC 4616: the mailbox's user is authorized, the master logs in. */
	const bool master = login->master != NULL;

	const struct {
		CURLoption option;
		const char *value;
	} texts[] = {
	    {CURLOPT_URL, login->url},
	    {CURLOPT_PROTOCOLS_STR, "imap,imaps"},
	    {CURLOPT_USERNAME, master ? login->master : login->user},
	    {CURLOPT_PASSWORD, login->password},
	    {CURLOPT_SASL_AUTHZID, master ? login->user : NULL},
	};

	CURL *curl = wire->curl;
	CURLcode code = curl_easy_setopt(
	    curl, CURLOPT_CONNECTTIMEOUT, (long)login->seconds);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(always) && code == CURLE_OK; i++)
		code =
		    curl_easy_setopt(curl, always[i].option, always[i].value);
	for (i = 0; i < G_N_ELEMENTS(texts) && code == CURLE_OK; i++)
		code = curl_easy_setopt(curl, texts[i].option, texts[i].value);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, wire->error);
	if (code == CURLE_OK)
		code = set_authorities(curl, login->authorities);
	if (code == CURLE_OK)
		return 0;
	fault_set(fault, FAULT_PERM,
	    "this libcurl cannot log in to IMAP over TLS: it lacks IMAP,"
	    " OpenSSL, or an option of 7.85 (%s)",
	    curl_easy_strerror(code));
	return -1;
}

/* These, and none of the system's. */
static CURLcode
set_authorities(CURL *curl, GBytes *authorities)
{
	struct curl_blob blob = {.flags = CURL_BLOB_COPY};
	CURLcode code;
	gsize size;

	if (authorities == NULL)
		return CURLE_OK;
	blob.data = (void *)(uintptr_t)g_bytes_get_data(authorities, &size);
	blob.len = size;
	code = curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
	return code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_CAPATH, NULL)
				: code;
}

static void
explain(const struct imap_wire *wire, CURLcode code,
    const struct imap_login *login, struct fault *fault)
{
	const char *why =
	    wire->error[0] != '\0' ? wire->error : curl_easy_strerror(code);

	if (code == CURLE_LOGIN_DENIED)
		fault_set(fault, FAULT_PERM,
		    "%s does not accept this login: user or password is"
		    " wrong%s",
		    login->url,
		    login->master == NULL
			? ""
			: ", or the master may not read that mailbox");
	else if (code == CURLE_PEER_FAILED_VERIFICATION ||
		 code == CURLE_SSL_CACERT_BADFILE)
		fault_set(fault, FAULT_PERM,
		    "%s: its certificate cannot be verified: %s (--cafile "
		    "names the authority that vouches for it)",
		    login->url, why);
	else if (code == CURLE_USE_SSL_FAILED)
		fault_set(fault, FAULT_PERM,
		    "%s does not offer STARTTLS, and nothing is told it in"
		    " clear; try imaps://",
		    login->url);
	else if (code == CURLE_URL_MALFORMAT ||
		 code == CURLE_UNSUPPORTED_PROTOCOL)
		fault_set(fault, FAULT_PERM,
		    "\"%s\" is no address of an IMAP"
		    " server: %s",
		    login->url, why);
	else
		fault_set(fault, FAULT_TEMP, "%s: %s", login->url, why);
}

void
wire_close(struct imap_wire **wirep)
{
	struct imap_wire *wire = *wirep;

	if (wire == NULL)
		return;
	curl_easy_cleanup(wire->curl);
	/* Messages went through it. */
	memset(wire->buffer, 0, sizeof(wire->buffer));
	g_free(wire);
	*wirep = NULL;
}

static int
wait_for(const struct imap_wire *wire, short events, struct fault *fault)
{
	struct pollfd fd = {.fd = wire->socket, .events = events};
	int n;

	do
		n = poll(&fd, 1, wire->wait_ms);
	while (n == -1 && errno == EINTR);
	if (n > 0)
		return 0;
	fault_set(fault, FAULT_TEMP, "the server %s",
	    n == 0 ? "does not answer" : g_strerror(errno));
	return -1;
}

int
wire_send(
    struct imap_wire *wire, const void *data, size_t len, struct fault *fault)
{
	const char *octets = data;
	CURLcode code;
	size_t n;

	while (len > 0) {
		n = 0;
		code = curl_easy_send(wire->curl, octets, len, &n);
		if (code == CURLE_AGAIN) {
			/* TLS may want to read before it writes. */
			if (wait_for(wire, POLLIN | POLLOUT, fault) != 0)
				return -1;
			continue;
		}
		if (code != CURLE_OK) {
			fault_set(fault, FAULT_TEMP,
			    "the connection to the server is gone: %s",
			    curl_easy_strerror(code));
			return -1;
		}
		octets += n;
		len -= n;
	}
	return 0;
}

/* More octets in the buffer, which is empty.  0, or -1 with fault. */
static int
more(struct imap_wire *wire, struct fault *fault)
{
	CURLcode code;
	size_t n = 0;

	for (;;) {
		code = curl_easy_recv(
		    wire->curl, wire->buffer, sizeof(wire->buffer), &n);
		if (code != CURLE_AGAIN)
			break;
		if (wait_for(wire, POLLIN, fault) != 0)
			return -1;
	}
	if (code == CURLE_OK && n > 0) {
		wire->first = 0;
		wire->end = n;
		return 0;
	}
	fault_set(fault, FAULT_TEMP, "the server has closed the connection%s%s",
	    code == CURLE_OK ? "" : ": ",
	    code == CURLE_OK ? "" : curl_easy_strerror(code));
	return -1;
}

int
wire_line(struct imap_wire *wire, GString *text, struct fault *fault)
{
	const unsigned char *from, *newline;
	size_t len;

	for (;;) {
		if (wire->first == wire->end && more(wire, fault) != 0)
			return -1;
		from = wire->buffer + wire->first;
		newline = memchr(from, '\n', wire->end - wire->first);
		len = newline == NULL ? wire->end - wire->first
				      : (size_t)(newline - from) + 1;
		if (text->len + len >= WIRE_TEXT_OCTETS ||
		    memchr(from, '\0', len) != NULL) {
			fault_set(fault, FAULT_PERM,
			    "the server sends what is no IMAP");
			return -1;
		}
		g_string_append_len(text, (const char *)from, (gssize)len);
		wire->first += len;
		if (newline != NULL)
			break;
	}
	g_string_truncate(text, text->len - 1);
	if (text->len > 0 && text->str[text->len - 1] == '\r')
		g_string_truncate(text, text->len - 1);
	return 0;
}

int
wire_octets(struct imap_wire *wire, uint64_t len, wire_sink *sink,
    void *context, struct fault *fault)
{
	size_t n;

	while (len > 0) {
		if (wire->first == wire->end && more(wire, fault) != 0)
			return -1;
		n = wire->end - wire->first;
		if (n > len)
			n = (size_t)len;
		if (sink(context, wire->buffer + wire->first, n, fault) != 0)
			return -1;
		wire->first += n;
		len -= n;
	}
	return 0;
}
