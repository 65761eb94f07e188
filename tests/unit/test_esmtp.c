/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_esmtp.c - parameters of MAIL and RCPT, the Received field of copies,
 * and the report of a refused one.
 */
#include "milter/dsn.h"
#include "milter/esmtp.h"
#include "milter/trace.h"
#include "tests/tap.h"

/* "ret envid 8 u", with - for what is not there. */
static char *
tell_mail(const struct esmtp_mail *mail)
{
	return g_strdup_printf("%s %s%s%s", mail->ret ? mail->ret : "-",
	    mail->envid ? mail->envid : "-", mail->eight_bit ? " 8" : "",
	    mail->utf8 ? " u" : "");
}

static const struct {
	const char *arguments, *want;
} mails[] = {
    {"<a@b>", "- -"},
    {"<a@b> RET=HDRS ENVID=QQ314159 BODY=8BITMIME SMTPUTF8 SIZE=1",
	"HDRS QQ314159 8 u"},
    {"<a@b> ret=full envid=x+2By body=7BIT", "full x+2By"},
    {"<a@b> RET=SOME ENVID=", "- -"},
    {"<a@b> ENVID=a\x01 RET=FULL\r", "- -"},
    {"<> RETURN=FULL XRET=FULL BODY=8BITMIMEX", "- -"},
};

static const struct {
	const char *arguments, *notify, *orcpt;
	bool wants;
} rcpts[] = {
    {"<a@b>", NULL, NULL, true},
    {"<a@b> NOTIFY=NEVER", "NEVER", NULL, false},
    {"<a@b> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;c@d", "SUCCESS,DELAY",
	"rfc822;c@d", false},
    {"<a@b> notify=success,failure", "success,failure", NULL, true},
    {"<a@b> NOTIFY=SOMETIMES ORCPT=c@d", NULL, NULL, true},
    {"<a@b> NOTIFY=NEVER,FAILURE", NULL, NULL, true},
    {"<a@b> ORCPT=rfc822;c\n@d", NULL, NULL, true},
};

static void
parameters_are_read(void)
{
	struct esmtp_mail mail = {NULL, NULL, false, false};
	struct esmtp_rcpt rcpt = {NULL, NULL};
	char **argv, *told;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(mails); i++) {
		argv = g_strsplit(mails[i].arguments, " ", -1);
		esmtp_mail_read(&mail, argv);
		told = tell_mail(&mail);
		is_str(told, mails[i].want, "MAIL is read");
		g_free(told);
		g_strfreev(argv);
	}
	for (i = 0; i < G_N_ELEMENTS(rcpts); i++) {
		argv = g_strsplit(rcpts[i].arguments, " ", -1);
		esmtp_rcpt_read(&rcpt, argv);
		is_str(rcpt.notify, rcpts[i].notify, "NOTIFY is read");
		is_str(rcpt.orcpt, rcpts[i].orcpt, "... and ORCPT");
		is_int(esmtp_wants_failure(&rcpt), rcpts[i].wants,
		    "... and whether failures are told");
		g_strfreev(argv);
	}
	esmtp_mail_clear(&mail);
	esmtp_rcpt_clear(&rcpt);
}

static void
the_trace_is_kept(void)
{
	const struct trace full = {"mail.client.example", "client.example",
	    "192.0.2.7", "mx.example.org", "4Yx1", true, true, true};
	const struct trace evil = {"a)\r\nBcc: x", NULL, "192.0.2.7",
	    "mx.example.org", "-", false, false, true};
	const struct trace local = {
	    NULL, NULL, NULL, "mx.example.org", "4Yx2", false, false, false};
	char *text = trace_received(&full, "alice@example.org");

	has_str(text,
	    "Received: from mail.client.example (client.example"
	    " [192.0.2.7])\r\n\tby mx.example.org (sealmilter) with ESMTPSA"
	    " id 4Yx1\r\n\tfor <alice@example.org>;\r\n\t",
	    "Received names client, protocol, queue id and the one recipient");
	ok(g_str_has_suffix(text, " +0000\r\n"), "... and ends with a date");
	g_free(text);
	text = trace_received(&evil, NULL);
	ok(strstr(text, "a??Bcc:?x (unknown [192.0.2.7])") != NULL ||
		strstr(text, "a???Bcc:?x (unknown [192.0.2.7])") != NULL,
	    "a client's name cannot end the field");
	ok(strstr(text, "for ") == NULL && strstr(text, " id ") == NULL,
	    "... and what is not known is not told");
	g_free(text);
	text = trace_received(&local, NULL);
	ok(g_str_has_prefix(
	       text, "Received: by mx.example.org (sealmilter) id 4Yx2;"),
	    "mail of sendmail(1) has no client");
	g_free(text);
}

static void
a_failure_is_reported(void)
{
	const struct dsn dsn = {"mx.example.org", "sam@example.net", "QQ3",
	    "Subject: secret\r\n\tsecret\r\nFrom: sam@example.net\r\n"};
	const struct dsn_failure failures[] = {
	    {"bob@example.org", "rfc822;rob+65rt@example.org", 552,
		"5.2.2 Mailbox full"},
	    {"eve\r\nAction: delivered", NULL, 550, "no"},
	};
	GString *report = dsn_make(&dsn, failures, 2);

	has_str(
	    report->str, "To: <sam@example.net>\r\n", "it is to the sender");
	has_str(report->str,
	    "Original-Envelope-Id: QQ3\r\n"
	    "Reporting-MTA: dns; mx.example.org\r\n\r\n"
	    "Original-Recipient: rfc822;robert@example.org\r\n"
	    "Final-Recipient: rfc822; bob@example.org\r\n"
	    "Action: failed\r\nStatus: 5.2.2\r\n"
	    "Diagnostic-Code: smtp; 552 5.2.2 Mailbox full\r\n",
	    "it has what RFC 3464 asks for");
	has_str(report->str, "Status: 5.0.0\r\nDiagnostic-Code: smtp; 550 no",
	    "... also where the refusal has no enhanced code");
	ok(strstr(report->str, "\nAction: delivered") == NULL,
	    "nobody's address can add a field");
	has_str(report->str,
	    "text/rfc822-headers\r\n\r\nFrom: sam@example.net\r\n",
	    "it returns who wrote it");
	ok(strstr(report->str, "secret") == NULL, "... but no Subject");
	g_string_free(report, TRUE);
}

int
main(void)
{
	parameters_are_read();
	the_trace_is_kept();
	a_failure_is_reported();
	return tap_done();
}
