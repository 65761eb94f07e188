/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What `sealctl check` says about mail servers, from the words of postconf
 * and from sendmail.cf.
 */
#include "ctl/check.h"
#include "ctl/postconf.h"
#include "tests/tap.h"

#define SOCKET "unix:/run/sealmilter/milter.sock"
#define QUEUE_SOCKET "unix:/var/spool/postfix/sealmilter/milter.sock"
#define IN_BRACES "{ " SOCKET ", default_action=tempfail }"

#define BASE                                                                   \
	"compatibility_level = 3.6\n"                                          \
	"queue_directory = /var/spool/postfix\n"                               \
	"milter_default_action = tempfail\n"                                   \
	"milter_protocol = 6\n"                                                \
	"milter_content_timeout = 300s\n"                                      \
	"internal_mail_filter_classes = bounce, notify\n"                      \
	"enable_long_queue_ids = yes\n"                                        \
	"recipient_delimiter = +\n"

#define GOOD                                                                   \
	BASE "smtpd_milters = " SOCKET "\n"                                    \
	     "non_smtpd_milters = " SOCKET "\n"

#define SMTP "smtp       inet  n       -       n       -       -       smtpd\n"
#define SMTP_CHROOT                                                            \
	"smtp       inet  n       -       y       -       -       smtpd\n"
#define SUBMISSION                                                             \
	"submission inet  n       -       n       -       -       smtpd "      \
	"-o smtpd_tls_security_level=encrypt\n"
#define CLEANUP                                                                \
	"cleanup    unix  n       -       n       -       0       cleanup\n"
#define CLEANUP_CHROOT                                                         \
	"cleanup    unix  n       -       y       -       0       cleanup\n"
#define LOOPBACK                                                               \
	"127.0.0.1:10025 inet n   -       n       -       -       smtpd\n"

#define WORKS "and defers mail while it cannot"

/* What is found on the mail server's side, in the form of the report. */
struct postfix_case {
	const char *name;
	const char *socket; /* NULL: SOCKET */
	const char *settings;
	const char *services;
	const char *overrides;
	int status;
	const char *said; /* stands in the report; line breaks are blanks */
};

static const struct postfix_case postfix_cases[] = {
    {"a good Postfix has no problem", NULL, GOOD, SMTP SUBMISSION CLEANUP, "",
	0, "Everything is fine"},
    {"a Postfix without milters is told the whole line to add", NULL,
	BASE "smtpd_milters =\n", SMTP CLEANUP, "", 1,
	"postconf -e 'smtpd_milters = " IN_BRACES "'"},
    {"another milter is not taken for ours", NULL,
	BASE "smtpd_milters = unix:/run/other.sock, inet:localhost:8892\n",
	SMTP, "", 1, "does not ask sealmilter yet"},
    {"ours in braces is found", NULL,
	BASE "smtpd_milters = inet:h:1 " IN_BRACES "\n", SMTP, "", 0, WORKS},
    {"milter_default_action = accept is a problem", NULL,
	GOOD "milter_default_action = accept\n", SMTP, "", 1,
	"smtp: milter_default_action is accept: mail goes out readable"},
    {"milter_default_action = quarantine is a problem", NULL,
	GOOD "milter_default_action = quarantine\n", SMTP, "", 1,
	"piles up in the hold queue"},
    {"milter_default_action = reject is a problem", NULL,
	GOOD "milter_default_action = reject\n", SMTP, "", 1,
	"refused for good"},
    {"default_action in braces beats the global one: for the worse", NULL,
	BASE "smtpd_milters = { " SOCKET ", default_action=accept }\n", SMTP,
	"", 1, "default_action (in smtpd_milters) is accept"},
    {"default_action in braces beats the global one: for the better", NULL,
	BASE "milter_default_action = accept\nsmtpd_milters = { " SOCKET
	     ", { default_action = tempfail } }\n",
	SMTP, "", 0, WORKS},
    {"a service may override milter_default_action", NULL, GOOD,
	SMTP SUBMISSION, "submission/inet/milter_default_action = accept\n", 1,
	"submission: milter_default_action is accept"},
    {"submission without ours is a problem", NULL, GOOD, SMTP SUBMISSION,
	"submission/inet/smtpd_milters = inet:localhost:12345\n", 1,
	"submission: not asked"},
    {"port 465 counts as submission", NULL, GOOD,
	SMTP "0.0.0.0:465 inet n - n - - smtpd\n",
	"0.0.0.0:465/inet/smtpd_milters =\n", 1, "0.0.0.0:465: not asked"},
    {"port 25 without ours is a warning where submission has it", NULL, GOOD,
	SMTP SUBMISSION, "smtp/inet/smtpd_milters =\n", 0,
	"warning  smtp: not asked"},
    {"a loopback service without ours is only noted", NULL, GOOD, SMTP LOOPBACK,
	"127.0.0.1:10025/inet/smtpd_milters =\n", 0,
	"note     127.0.0.1:10025: not asked"},
    {"smtpd behind postscreen is looked at", NULL, BASE "smtpd_milters =\n",
	"smtp inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n",
	"smtpd/pass/smtpd_milters = " SOCKET "\n", 0, "smtpd: asks sealmilter"},
    {"a signer before ours is a problem where everything comes in at one "
     "port",
	NULL, BASE "smtpd_milters = inet:localhost:8891, " SOCKET "\n", SMTP,
	"", 1, "inet:localhost:8891 comes before sealmilter"},
    {"a signer before ours is a problem on submission", NULL, GOOD,
	SMTP SUBMISSION,
	"submission/inet/smtpd_milters = unix:opendkim/opendkim.sock " SOCKET
	"\n",
	1, "unix:opendkim/opendkim.sock comes before sealmilter"},
    {"a checker before ours on port 25 is right, and only named", NULL,
	BASE "smtpd_milters = inet:127.0.0.1:11332, " SOCKET "\n",
	SMTP SUBMISSION, "submission/inet/smtpd_milters = " SOCKET "\n", 0,
	"warning  smtp: inet:127.0.0.1:11332 comes before"},
    {"a signer after ours is fine", NULL,
	BASE "smtpd_milters = " SOCKET ", inet:localhost:8891\n"
	     "non_smtpd_milters = " SOCKET "\n",
	SMTP, "", 0, "Everything is fine"},
    {"non_smtpd_milters without ours is a warning", NULL,
	BASE "smtpd_milters = " SOCKET "\n", SMTP CLEANUP, "", 0,
	"warning  non_smtpd_milters: not asked"},
    {"default_action of non_smtpd_milters counts", NULL,
	BASE "smtpd_milters = " SOCKET "\nnon_smtpd_milters = { " SOCKET
	     ", default_action=accept }\n",
	SMTP CLEANUP, "", 1, "non_smtpd_milters: default_action"},
    {"smtpd_proxy_filter is a problem", NULL, GOOD, SMTP,
	"smtp/inet/smtpd_proxy_filter = 127.0.0.1:10024\n", 1,
	"milters see the envelope only"},
    {"no_milters on a service is a problem", NULL, GOOD, SMTP,
	"smtp/inet/receive_override_options = "
	"no_unknown_recipient_checks,no_milters\n",
	1, "switches all milters off"},
    {"milter_protocol 2 is a problem", NULL, GOOD "milter_protocol = 2\n", SMTP,
	"", 1, "milter_protocol = 2 is too old"},
    {"a short content timeout is a warning", NULL,
	GOOD "milter_content_timeout = 60s\n", SMTP, "", 0,
	"warning  smtp: milter_content_timeout = 60s"},
    {"a content timeout in braces counts", NULL,
	BASE "smtpd_milters = { " SOCKET ", content_timeout=1m }\n", SMTP, "",
	0, "milter_content_timeout = 1m"},
    {"a content timeout of one hour is long", NULL,
	GOOD "milter_content_timeout = 1h\n", SMTP, "", 0,
	"Everything is fine"},
    {"smtpd_milter_maps are named", NULL,
	GOOD "smtpd_milter_maps = cidr:/etc/postfix/x\n", SMTP, "", 0,
	"smtpd_milter_maps = cidr:/etc/postfix/x can replace"},
    {"a chrooted smtpd does not see a socket under /run", NULL, GOOD,
	SMTP_CHROOT, "", 1, "smtp: runs in a chroot and sees nothing outside"},
    {"that is said before the milter line is there", NULL, BASE, SMTP_CHROOT,
	"", 1,
	"Set socket = \"unix:/var/spool/postfix/sealmilter/milter.sock\""},
    {"a chrooted smtpd sees a socket in the queue directory", QUEUE_SOCKET,
	BASE "smtpd_milters = unix:sealmilter/milter.sock\n"
	     "non_smtpd_milters = unix:/sealmilter/milter.sock\n",
	SMTP_CHROOT CLEANUP_CHROOT, "", 0, "Everything is fine"},
    {"smtpd outside of the chroot takes relative paths as well", QUEUE_SOCKET,
	BASE "smtpd_milters = unix:sealmilter/milter.sock\n", SMTP, "", 0,
	WORKS},
    {"a path from the chroot's view means nothing outside of it", QUEUE_SOCKET,
	BASE "smtpd_milters = unix:/sealmilter/milter.sock\n", SMTP, "", 1,
	"does not ask sealmilter yet"},
    {"the full path in a chroot is a problem with a cure", QUEUE_SOCKET,
	BASE "smtpd_milters = " QUEUE_SOCKET "\n", SMTP_CHROOT, "", 1,
	"Write unix:sealmilter/milter.sock in smtpd_milters"},
    {"a chrooted cleanup does not see a socket under /run", NULL, GOOD,
	SMTP CLEANUP_CHROOT, "", 1, "cleanup runs in a chroot"},
    {"before compatibility level 1 a dash means chroot", NULL,
	"queue_directory = /var/spool/postfix\ncompatibility_level = 0\n"
	"smtpd_milters = " SOCKET "\n",
	"smtp inet n - - - - smtpd\n", "", 1, "runs in a chroot"},
    {"inet sockets compare by host and port", "inet:8893@127.0.0.1",
	BASE "smtpd_milters = inet:localhost:8893\n", SMTP, "", 0, WORKS},
    {"an inet socket on another port is another one", "inet:8893@127.0.0.1",
	BASE "smtpd_milters = inet:localhost:8894\n", SMTP, "", 1,
	"inet:127.0.0.1:8893"},
    {"an IPv6 loopback is this host", "inet6:8893@::1",
	BASE "smtpd_milters = inet:[::1]:8893\n", SMTP, "", 0, WORKS},
    {"/var/run is /run", NULL,
	BASE "smtpd_milters = unix:/var/run/sealmilter/milter.sock\n", SMTP, "",
	0, WORKS},
    {"short queue IDs are noted", NULL, GOOD "enable_long_queue_ids = no\n",
	SMTP, "", 0, "note     short queue IDs"},
    {"the bounces that Postfix writes are noted", NULL,
	GOOD "internal_mail_filter_classes =\n", SMTP, "", 0,
	"note     bounces that Postfix writes"},
    {"Rspamd before ours may only check", NULL,
	BASE "smtpd_milters = inet:localhost:11332, " SOCKET "\n"
	     "non_smtpd_milters = unix:/run/rspamd/milter.sock, " SOCKET "\n",
	SMTP CLEANUP, "", 0, "warning  smtp: inet:localhost:11332 comes"},
    {"names that domains does not have are told", NULL,
	GOOD "mydestination = Example.ORG, host.example.org, localhost\n"
	     "virtual_mailbox_domains = example.net host.example.org\n",
	SMTP, "", 0,
	"warning  Postfix takes mail for host.example.org, localhost, which"},
    {"names that domains has are fine, and tables are not names", NULL,
	GOOD "mydestination = example.org hash:/etc/postfix/x !a.example\n"
	     "virtual_mailbox_domains = /etc/postfix/names, example.net\n",
	SMTP, "", 0, "Everything is fine"},
    {"another recipient_delimiter is a warning", NULL,
	GOOD "recipient_delimiter = +-\n", SMTP, "", 0,
	"recipient_delimiter is \"+-\" in Postfix and \"+\""},
    {"no recipient_delimiter in Postfix is one, too", NULL,
	GOOD "recipient_delimiter =\n", SMTP, "", 0,
	"Set recipient_delimiter = \"\" in"},
    {"a content filter is noted", NULL, GOOD "content_filter = scan:[::1]:1\n",
	SMTP, "", 0, "gets the mail after it was sealed"},
};

#define INJECTION(processes)                                                   \
	"127.0.0.1:10026 inet n   -       n       -       " processes          \
	"      smtpd\n"
#define NO_MILTERS "127.0.0.1:10026/inet/smtpd_milters =\n"
#define TAKEN "takes the copies, does not ask sealmilter about them"

/* With inject = "smtp://127.0.0.1:10026", or `socket` instead. */
static const struct postfix_case inject_cases[] = {
    {"a good injection listener has no problem", NULL, GOOD,
	SMTP CLEANUP INJECTION("40"), NO_MILTERS, 0, "Everything is fine"},
    {"it is told that it is right", NULL, GOOD, SMTP CLEANUP INJECTION("40"),
	NO_MILTERS, 0, TAKEN},
    {"a process limit of 0 is no limit", NULL, GOOD,
	SMTP CLEANUP INJECTION("0"), NO_MILTERS, 0, "Everything is fine"},
    {"a dash is default_process_limit", NULL,
	GOOD "default_process_limit = 100\n", SMTP CLEANUP INJECTION("-"),
	NO_MILTERS, 0, "Everything is fine"},
    {"default_process_limit may be too low", NULL,
	GOOD "default_process_limit = 20\n", SMTP INJECTION("-"), NO_MILTERS, 1,
	"127.0.0.1:10026: has 20 processes at most"},
    {"as many processes as slots are too few", NULL, GOOD, SMTP INJECTION("20"),
	NO_MILTERS, 1, "copies wait for each other until they are deferred"},
    {"the command is told that gives it more", NULL, GOOD, SMTP INJECTION("20"),
	NO_MILTERS, 1, "postconf -F '127.0.0.1:10026/inet/process_limit=40'"},
    {"a few more are a warning", NULL, GOOD, SMTP INJECTION("25"), NO_MILTERS,
	0, "warning  127.0.0.1:10026: has 25 processes at most"},
    {"no such service is a problem with its line", NULL, GOOD, SMTP, "", 1,
	"postconf -Me '127.0.0.1:10026/inet = 127.0.0.1:10026 inet n - n - 40 "
	"smtpd -o smtpd_milters="},
    {"a service on another port is another one", NULL, GOOD, SMTP LOOPBACK,
	"127.0.0.1:10025/inet/smtpd_milters =\n", 1,
	"no smtpd in master.cf listens there"},
    {"the copies' service may be named by its port alone", NULL,
	GOOD "inet_interfaces = loopback-only\n",
	SMTP CLEANUP "10026 inet n - n - 40 smtpd\n",
	"10026/inet/smtpd_milters =\n", 0, "Everything is fine"},
    {"or by the name of this host", NULL, GOOD,
	SMTP CLEANUP "localhost:10026 inet n - n - 40 smtpd\n",
	"localhost:10026/inet/smtpd_milters =\n", 0, "Everything is fine"},
    {"if others reach it, that is a problem", NULL,
	GOOD "inet_interfaces = all\n", SMTP "10026 inet n - n - 40 smtpd\n",
	"10026/inet/smtpd_milters =\n", 1, "10026: other hosts reach it"},
    {"0.0.0.0 is reached by others", NULL, GOOD,
	SMTP "0.0.0.0:10026 inet n - n - 40 smtpd\n",
	"0.0.0.0:10026/inet/smtpd_milters =\n", 1, "other hosts reach it"},
    {"unless restrictions keep them off", NULL, GOOD "inet_interfaces = all\n",
	SMTP CLEANUP "10026 inet n - n - 40 smtpd\n",
	"10026/inet/smtpd_milters =\n"
	"10026/inet/smtpd_client_restrictions = permit_mynetworks,reject\n",
	0, "Everything is fine"},
    {"milters that it takes from main.cf are a loop", NULL, GOOD,
	SMTP INJECTION("40"), "", 1, "they would come back for ever"},
    {"the command against it is told", NULL, GOOD, SMTP INJECTION("40"), "", 1,
	"postconf -P '127.0.0.1:10026/inet/smtpd_milters='"},
    {"no_milters leaves none of them", NULL, GOOD, SMTP CLEANUP INJECTION("40"),
	"127.0.0.1:10026/inet/receive_override_options = no_milters\n", 0,
	"Everything is fine"},
    {"only we on it: then nobody asks us", NULL, BASE, SMTP INJECTION("40"),
	"127.0.0.1:10026/inet/smtpd_milters = " SOCKET "\n", 1,
	"does not ask sealmilter yet"},
    {"no_address_mappings on it keeps aliases from copies", NULL,
	GOOD "virtual_alias_maps = hash:/etc/postfix/virtual\n",
	SMTP INJECTION("40"),
	NO_MILTERS "127.0.0.1:10026/inet/receive_override_options = "
		   "no_address_mappings\n",
	1, "PROBLEM  127.0.0.1:10026: receive_override_options has no_address"},
    {"which is a warning where there are none", NULL, GOOD,
	SMTP INJECTION("40"),
	NO_MILTERS "127.0.0.1:10026/inet/receive_override_options = "
		   "no_address_mappings\n",
	0, "warning  127.0.0.1:10026: receive_override_options has no_address"},
    {"no_address_mappings where mail comes in keeps them from clear mail", NULL,
	GOOD "always_bcc = archive@example.org\n", SMTP INJECTION("40"),
	NO_MILTERS "smtp/inet/receive_override_options = "
		   "no_address_mappings\n",
	1, "PROBLEM  smtp: receive_override_options has no_address_mappings"},
    {"header_checks on it look twice", NULL,
	GOOD "header_checks = regexp:/etc/postfix/h\n", SMTP INJECTION("40"),
	NO_MILTERS, 0, "Add no_header_body_checks"},
    {"a policy service on it would be asked again", NULL,
	GOOD "smtpd_recipient_restrictions = check_policy_service unix:x, "
	     "reject\n",
	SMTP INJECTION("40"), NO_MILTERS, 0,
	"Write -o smtpd_recipient_restrictions=permit_mynetworks,reject"},
    {"a limit of connections holds for us, too", NULL,
	GOOD "smtpd_client_connection_count_limit = 10\n"
	     "smtpd_client_event_limit_exceptions = 192.0.2.0/24\n",
	SMTP INJECTION("40"), NO_MILTERS, 0,
	"Write -o smtpd_client_connection_count_limit=0"},
    {"where this host is excepted, it does not", NULL,
	GOOD "smtpd_client_connection_count_limit = 10\n"
	     "smtpd_client_event_limit_exceptions = 127.0.0.0/8 [::1]/128\n",
	SMTP CLEANUP INJECTION("40"), NO_MILTERS, 0, "Everything is fine"},
    {"a high limit does no harm", NULL,
	GOOD "smtpd_client_connection_count_limit = 50\n"
	     "smtpd_client_event_limit_exceptions = 192.0.2.0/24\n",
	SMTP CLEANUP INJECTION("40"), NO_MILTERS, 0, "Everything is fine"},
    {"a listener that demands TLS is a problem", NULL,
	GOOD "smtpd_tls_security_level = encrypt\n", SMTP INJECTION("40"),
	NO_MILTERS, 1, "Write -o smtpd_tls_security_level=none"},
    {"short queue IDs are a warning with a journal", NULL,
	GOOD "enable_long_queue_ids = no\n", SMTP INJECTION("40"), NO_MILTERS,
	0, "warning  short queue IDs"},
    {"a signer that copies do not come to is a warning", NULL,
	BASE "smtpd_milters = " SOCKET ", inet:localhost:8891\n"
	     "non_smtpd_milters = " SOCKET "\n",
	SMTP INJECTION("40"), NO_MILTERS, 0,
	"Write -o smtpd_milters=inet:localhost:8891 below"},
    {"a signer on both sides is right", NULL,
	BASE "smtpd_milters = " SOCKET ", inet:localhost:8891\n"
	     "non_smtpd_milters = " SOCKET "\n",
	SMTP CLEANUP INJECTION("40"),
	"127.0.0.1:10026/inet/smtpd_milters = inet:localhost:8891\n", 0,
	"copies are shown to inet:localhost:8891"},
    {"a signer before ours is a problem all the same", NULL,
	BASE "smtpd_milters = inet:localhost:8891, " SOCKET "\n",
	SMTP INJECTION("40"),
	"127.0.0.1:10026/inet/smtpd_milters = inet:localhost:8891\n", 1,
	"inet:localhost:8891 comes before sealmilter"},
    {"a unix socket is in public/ if it is not private",
	"unix:/var/spool/postfix/public/seal", GOOD,
	SMTP CLEANUP "seal unix n - n - 40 smtpd\n",
	"seal/unix/smtpd_milters =\n", 0, TAKEN},
    {"and in private/ if it is", "unix:/var/spool/postfix/private/seal", GOOD,
	SMTP CLEANUP "seal unix - - n - 40 smtpd\n",
	"seal/unix/smtpd_milters =\n", 0, TAKEN},
    {"the one is not the other", "unix:/var/spool/postfix/public/seal", GOOD,
	SMTP "seal unix - - n - 40 smtpd\n", "seal/unix/smtpd_milters =\n", 1,
	"postconf -Me 'seal/unix = seal unix n - n - 40 smtpd"},
    {"the service that mail comes in at is none for copies",
	"smtp://127.0.0.1:25", GOOD, SMTP CLEANUP, "", 1,
	"Copies need a service of their own"},
    {"that copies are larger than messages is noted", NULL,
	GOOD "message_size_limit = 10240000\n", SMTP INJECTION("40"),
	NO_MILTERS, 0, "messages of more than 7314285 octets are refused"},
    {"another host's listener is not ours to judge",
	"smtp://relay.example:10026", GOOD, SMTP CLEANUP, "", 0,
	"note     inject = \"smtp://relay.example:10026\" seems to be another"},
};

#define XLINE(flags)                                                           \
	"Xsealmilter, S=local:/run/sealmilter/milter.sock" flags "\n"
#define QUIET "O Milter.LogLevel=8\n"
#define LIST "O InputMailFilters=sealmilter\n"

struct sendmail_case {
	const char *name;
	const char *text;
	int status;
	const char *said;
};

static const struct sendmail_case sendmail_cases[] = {
    {"a good sendmail.cf has no problem",
	LIST QUIET XLINE(", F=T, T=C:10s;S:60s;R:60s;E:5m"), 0,
	"Everything is fine"},
    {"a sendmail.cf without ours is told the line to add", QUIET, 1,
	"INPUT_MAIL_FILTER(`sealmilter', "
	"`S=local:/run/sealmilter/milter.sock, F=T"},
    {"no F= is a problem", LIST QUIET XLINE(", T=R:60s"), 1,
	"has no F= instead of F=T: mail goes out readable"},
    {"F=R is a problem", LIST QUIET XLINE(", F=R, T=R:60s"), 1,
	"has F=R instead of F=T"},
    {"a filter that is not in the list is a problem",
	"O InputMailFilters=other\n" QUIET XLINE(", F=T, T=R:60s"), 1,
	"InputMailFilters does not name sealmilter"},
    {"a filter without any list is a problem", QUIET XLINE(", F=T, T=R:60s"), 1,
	"InputMailFilters does not name sealmilter"},
    {"lines go on where the next begins with a blank",
	"O InputMailFilters=a,\n\tsealmilter\n" QUIET
	"Xsealmilter, S=unix:/var/run/sealmilter/milter.sock,\n\tF=T, T=R:1m\n",
	0, "defers mail while it cannot"},
    {"comments are no lines", LIST QUIET "#" XLINE(", F=T"), 1,
	"does not ask sealmilter yet"},
    {"a signer before ours is a problem",
	"O InputMailFilters=opendkim,sealmilter\n" QUIET
	"Xopendkim, S=inet:8891@localhost\n" XLINE(", F=T, T=R:60s"),
	1, "opendkim comes before sealmilter"},
    {"a signer after ours is fine",
	"O InputMailFilters=sealmilter,opendkim\n" QUIET
	"Xopendkim, S=inet:8891@localhost\n" XLINE(", F=T, T=R:60s"),
	0, "Everything is fine"},
    {"a daemon's own list counts",
	LIST QUIET "O DaemonPortOptions=Name=MSA, Port=587, "
		   "InputMailFilters=other, M=E\n" XLINE(", F=T, T=R:60s"),
	1, "Port=587, InputMailFilters=other, M=E does not name"},
    {"Sendmail's own reply timeout is shorter than a look-up",
	LIST QUIET XLINE(", F=T"), 0, "warning  sealmilter: T=R: is 10 s"},
    {"a short end-of-message timeout is a warning",
	LIST QUIET XLINE(", F=T, T=R:60s;E:30s"), 0,
	"warning  sealmilter: T=E: is 30 s"},
    {"the default log level writes Subjects", LIST XLINE(", F=T, T=R:60s"), 0,
	"at Milter.LogLevel 9"},
    {"LogLevel holds where Milter.LogLevel is not set",
	LIST "O LogLevel=14\n" XLINE(", F=T, T=R:60s"), 0,
	"at Milter.LogLevel 14"},
    {"a low LogLevel keeps Subjects out of the log",
	LIST "O LogLevel=5\n" XLINE(", F=T, T=R:60s"), 0, "Everything is fine"},
};

#define MTA_DAEMON "O DaemonPortOptions=Name=MTA\n"
#define SEAL_DAEMON(more)                                                      \
	"O DaemonPortOptions=Name=Seal, Addr=127.0.0.1, Port=10026" more "\n"
#define GOOD_FILTER                                                            \
	LIST QUIET XLINE(", F=T, T=C:10s;S:60s;R:60s;E:5m") MTA_DAEMON
#define SIGNER                                                                 \
	"O InputMailFilters=sealmilter,opendkim\n" QUIET                       \
	"Xopendkim, S=inet:8891@localhost\n" XLINE(", F=T, T=R:60s")

/* With inject = "smtp://127.0.0.1:10026". */
static const struct sendmail_case sendmail_inject_cases[] = {
    {"a daemon with an empty list of filters takes copies",
	GOOD_FILTER SEAL_DAEMON(", InputMailFilters="), 0,
	"Everything is fine"},
    {"it is told that it is right",
	GOOD_FILTER SEAL_DAEMON(", InputMailFilters="), 0,
	"takes the copies, and does not ask"},
    {"no such daemon is a problem with its line", GOOD_FILTER, 1,
	"DAEMON_OPTIONS(`Name=Seal, Addr=127.0.0.1, Port=10026, "
	"InputMailFilters=')"},
    {"a daemon without a list has the general one: a loop",
	GOOD_FILTER SEAL_DAEMON(""), 1, "they would come back for ever"},
    {"and so is one that names ours", GOOD_FILTER SEAL_DAEMON(", I=sealmilter"),
	1, "they would come back for ever"},
    {"a daemon that mail comes in at keeps its filter",
	GOOD_FILTER "O DaemonPortOptions=Name=MTA, Port=10026\n", 1,
	"Copies need a daemon of their own"},
    {"a daemon that others reach is a problem",
	GOOD_FILTER "O DaemonPortOptions=Name=Seal, Port=10026, I=\n", 1,
	"Write Addr=127.0.0.1 into its DAEMON_OPTIONS"},
    {"SuperSafe off is a problem",
	GOOD_FILTER SEAL_DAEMON(", I=") "O SuperSafe=False\n", 1,
	"SuperSafe=False: Sendmail says it has a message before"},
    {"SuperSafe on is none",
	GOOD_FILTER SEAL_DAEMON(", I=") "O SuperSafe=True\n", 0,
	"Everything is fine"},
    {"few children are a problem",
	GOOD_FILTER SEAL_DAEMON(", I=") "O MaxDaemonChildren=12\n", 1,
	"MaxDaemonChildren=12 holds for clients and copies together"},
    {"a signer that copies do not come to is a warning",
	SIGNER SEAL_DAEMON(", I="), 0,
	"Write InputMailFilters=opendkim into its DAEMON_OPTIONS"},
    {"a signer on both sides is right", SIGNER SEAL_DAEMON(", I=opendkim"), 0,
	"Everything is fine"},
    {"an empty list elsewhere is still a problem",
	GOOD_FILTER SEAL_DAEMON(", I=") "O DaemonPortOptions=Port=587, I=\n", 1,
	"DaemonPortOptions=Port=587, I= does not name sealmilter"},
};

static const char *const domains[] = {"example.org", "example.net", NULL};

static const struct check_target default_target = {
    .config_file = "/etc/sealmilter/sealmilter.conf",
    .socket = SOCKET,
    .message_seconds = 240,
    .look_up_seconds = 30,
    .domains = domains,
    .recipient_delimiter = "+",
};

static void
is_said(
    struct check_report *report, int status, const char *said, const char *name)
{
	char *text = check_report_text(report);
	char *joined, *space;

	/* Undo the line breaks of the report. */
	joined = g_strdup(text);
	while ((space = strstr(joined, "\n           ")) != NULL)
		memmove(space + 1, space + 12, strlen(space + 12) + 1),
		    *space = ' ';
	is_int(check_report_status(report), status, name);
	has_str(joined, said, name);
	g_free(joined);
	g_free(text);
}

static void
try_postfix(const struct postfix_case *c, const struct check_target *target)
{
	struct check_report *report = check_report_make();
	struct postconf *postconf =
	    postconf_parse(c->settings, c->services, c->overrides);

	check_section(report, "Postfix");
	check_postfix(report, target, postconf);
	is_said(report, c->status, c->said, c->name);
	postconf_free(&postconf);
	check_report_free(&report);
}

static void
test_postfix(void)
{
	struct check_target target;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(postfix_cases); i++) {
		target = default_target;
		if (postfix_cases[i].socket != NULL)
			target.socket = postfix_cases[i].socket;
		try_postfix(&postfix_cases[i], &target);
	}
	for (i = 0; i < G_N_ELEMENTS(inject_cases); i++) {
		target = default_target;
		target.slots = 20;
		target.inject = "smtp://127.0.0.1:10026";
		if (inject_cases[i].socket != NULL)
			target.inject = inject_cases[i].socket;
		try_postfix(&inject_cases[i], &target);
	}
}

/* What is not said. */
static void
test_small_messages(void)
{
	struct check_target target = default_target;
	struct check_report *report = check_report_make();
	struct postconf *postconf =
	    postconf_parse(GOOD "message_size_limit = 20000000\n",
		SMTP CLEANUP INJECTION("40"),
		NO_MILTERS "smtp/inet/message_size_limit = 10240000\n");
	char *text;

	target.slots = 20;
	target.inject = "smtp://127.0.0.1:10026";
	check_postfix(report, &target, postconf);
	text = check_report_text(report);
	ok(strstr(text, "times as large") == NULL &&
		check_count(report, CHECK_NOTE) == 0,
	    "unless what comes in is small enough");
	g_free(text);
	postconf_free(&postconf);
	check_report_free(&report);
}

static void
try_sendmail(const struct sendmail_case *c, const struct check_target *target)
{
	struct check_report *report = check_report_make();

	check_section(report, "Sendmail");
	check_sendmail(report, target, c->text);
	is_said(report, c->status, c->said, c->name);
	check_report_free(&report);
}

static void
test_sendmail(void)
{
	struct check_target target = default_target;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(sendmail_cases); i++)
		try_sendmail(&sendmail_cases[i], &target);
	target.inject = "smtp://127.0.0.1:10026";
	target.slots = 20;
	for (i = 0; i < G_N_ELEMENTS(sendmail_inject_cases); i++)
		try_sendmail(&sendmail_inject_cases[i], &target);
}

static void
test_milters(void)
{
	GPtrArray *list = postconf_milters(
	    "unix:/a, { inet:h:1, protocol=4, "
	    "{ command_timeout = 5 s }, default_action = accept},unix:/b {");
	struct postconf_milter *one;

	if (!is_int(list->len, 4, "braces hold one milter with its settings"))
		return;
	one = g_ptr_array_index(list, 0);
	is_str(one->endpoint, "unix:/a", "the comma is no part of a name");
	one = g_ptr_array_index(list, 1);
	is_str(one->endpoint, "inet:h:1", "the first word in braces is it");
	is_str(one->protocol, "4", "a setting in braces is read");
	is_str(one->default_action, NULL, "blanks around = need braces");
	one = g_ptr_array_index(list, 2);
	is_str(one->endpoint, "unix:/b", "the list goes on behind braces");
	one = g_ptr_array_index(list, 3);
	is_str(one->endpoint, "", "an open brace at the end is survived");
	g_ptr_array_free(list, TRUE);
}

static void
test_seconds(void)
{
	is_int(postconf_seconds("300s"), 300, "300s is 300 seconds");
	is_int(postconf_seconds("5m"), 300, "5m is 300 seconds");
	is_int(postconf_seconds("2"), 2, "seconds need no unit");
	is_int(postconf_seconds("1x"), 0, "an unknown unit is no time");
	is_int(postconf_seconds(""), 0, "nothing is no time");
	is_int(postconf_seconds("99999999999999999999w"), (intmax_t)G_MAXUINT,
	    "too long a time is the longest");
}

static void
test_json(void)
{
	struct check_report *report = check_report_make();
	char *json;

	check_section(report, "A \"section\"");
	check_add(report, CHECK_PROBLEM, "it is %s\ndo %d", "bad", 5);
	json = check_report_json(report);
	has_str(json, "\"status\": 1", "the report as JSON has the status");
	has_str(json,
	    "\"level\": \"problem\", \"text\": \"it is bad\", "
	    "\"advice\": \"do 5\"",
	    "a finding as JSON has text and advice apart");
	has_str(json, "\"A \\\"section\\\"\"", "quotes are escaped");
	g_free(json);
	check_report_free(&report);
}

static void
test_status(void)
{
	struct check_report *report = check_report_make();

	check_add(report, CHECK_WARNING, "a");
	is_int(check_report_status(report), 0, "warnings are allowed");
	check_add(report, CHECK_UNKNOWN, "b");
	is_int(check_report_status(report), 75,
	    "what cannot be told is no success");
	check_add(report, CHECK_PROBLEM, "c");
	is_int(check_report_status(report), 1,
	    "a problem counts more than what cannot be told");
	check_report_free(&report);
}

int
main(void)
{
	test_postfix();
	test_small_messages();
	test_sendmail();
	test_milters();
	test_seconds();
	test_json();
	test_status();
	return tap_done();
}
