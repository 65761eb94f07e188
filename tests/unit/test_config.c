/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_config.c - what the configuration takes, and what it says of the rest.
 */
#include "milter/config.h"
#include "seal/seal.h"
#include "tests/tap.h"

#include <glib/gstdio.h>

static char *folder; /* everything is in it */
static char *file;   /* the configuration under test */

/* Text of the file, and the fault after "FILE:". */
static const struct {
	const char *text, *fault;
} typos[] = {
    /* unknown names */
    {"sokcet = \"inet:1@::1\";",
	"1: sokcet: unknown option; did you mean \"socket\"?"},
    {"\n\nDomains = [ \"x.org\" ];",
	"3: Domains: unknown option; did you mean \"domains\"?"},
    {"milter = true;", "1: milter: unknown option"},
    {"keys = {\n  source = [ \"store\" ]; };",
	"2: keys.source: unknown option; did you mean \"sources\"?"},
    {"limits = { message_second = 3; };",
	"1: limits.message_second: unknown option; did you mean "
	"\"message_seconds\"?"},
    {"policy = (\n { name = \"a b\";\n sael = \"openpgp\"; } );",
	"3: rule \"a b\": sael: unknown option; did you mean \"seal\"?"},
    {"policy = ( { form = \"a@b\"; name = \"r\"; seal = \"clear\"; } );",
	"1: rule \"r\": form: unknown option; did you mean \"from\"?"},
    {"policy = ( { colour = 3; seal = \"clear\"; } );",
	"1: rule 1: colour: unknown option"},
    {"policy = ( { name = \"a\"; seal = \"clear\"; hide-subject = false; } );",
	"1: rule \"a\": hide-subject: unknown option; did you mean "
	"\"hide_subject\"?"},
    /* wrong types */
    {"socket = 8891;", "1: socket: expects text in quotes"},
    {"socket_mode = 0660;",
	"1: socket_mode: expects octal digits in quotes, such as \"0660\""},
    {"user = true;", "1: user: expects text in quotes"},
    {"state = [ \"/x\" ];", "1: state: expects text in quotes"},
    {"domains = 3;",
	"1: domains: expects text in quotes, or a list of such texts"},
    {"domains = [ 1, 2 ];", "1: domains: expects a list of texts in quotes"},
    {"domains = [\n];", "1: domains: must not be an empty list"},
    {"limits = 3;", "1: limits: expects options in { ... }"},
    {"limits = { sessions = \"400\"; };",
	"1: limits.sessions: expects a whole number, without quotes"},
    {"limits = { sessions = 4.5; };",
	"1: limits.sessions: expects a whole number, without quotes"},
    {"limits = { message = \"200 MB\"; };",
	"1: limits.message: expects a number of octets, such as 4096, \"64k\" "
	"or \"200M\""},
    {"limits = { message = -1; };",
	"1: limits.message: expects a number of octets"},
    {"limits = { message = true; };",
	"1: limits.message: expects a number of octets"},
    {"policy = { };", "1: policy: expects rules in ( { ... }, { ... } )"},
    {"policy = ( \"clear\" );", "1: policy: expects options in { ... }"},
    {"policy = ( );", "1: policy: has no rules"},
    {"policy = ( { name = 3; seal = \"clear\"; } );",
	"1: rule 1: name: expects text in quotes"},
    {"policy = ( { name = \"a\"; authenticated = \"yes\"; } );",
	"1: rule \"a\": authenticated: expects true or false, without quotes"},
    {"policy = ( { name = \"a\"; tls = \"yes\"; } );",
	"1: rule \"a\": tls: expects true or false (which clients the rule is "
	"for), or \"require\""},
    {"policy = ( { name = \"a\"; hide_subject = 1; } );",
	"1: rule \"a\": hide_subject: expects true or false"},
    /* values */
    {"socket = \"/run/x\";", "1: socket: \"/run/x\" is no socket; such are"},
    {"socket = \"unix:run/x\";",
	"1: socket: \"unix:run/x\" needs a path that begins with \"/\""},
    {"socket = \"inet:8891\";",
	"1: socket: \"inet:8891\" needs a port and an address"},
    {"socket = \"inet:127.0.0.1:8891\";",
	"1: socket: \"inet:127.0.0.1:8891\" needs a port and an address"},
    {"socket = \"inet:0@127.0.0.1\";", "1: socket: \"inet:0@127.0.0.1\" needs "
				       "a port from 1 to 65535 before \"@\""},
    {"socket = \"inet6:65536@::1\";",
	"1: socket: \"inet6:65536@::1\" needs a port from 1 to 65535"},
    {"socket_mode = \"0680\";", "1: socket_mode: expects octal digits"},
    {"socket_mode = \"10000\";", "1: socket_mode: expects octal digits"},
    {"socket_group = \"\";", "1: socket_group: must not be empty"},
    {"state = \"state\";",
	"1: state: expects a path that begins with \"/\", not \"state\""},
    {"pid_file = \"./pid\";", "1: pid_file: expects a path that begins with"},
    {"gpg = \"gpg\";", "1: gpg: expects a path that begins with \"/\""},
    {"keys = { smime_trust = [ \"ca.pem\" ]; };",
	"1: keys.smime_trust: expects a path that begins with \"/\""},
    {"keys = { crl_fetch = \"yes\"; };", "1: keys.crl_fetch: expects"},
    {"keys = { crl_fetch_seconds = 0; };",
	"1: keys.crl_fetch_seconds: must be from 1 to 3600"},
    {"keys = { gnupg_home = \"~/.gnupg\"; };",
	"1: keys.gnupg_home: expects a path that begins with \"/\""},
    {"syslog_facility = \"local8\";",
	"1: syslog_facility: knows no \"local8\" (it knows: mail, daemon, "},
    {"domains = [ \"example.org\",\n \"@example.com\" ];",
	"2: domains: \"@example.com\" is no domain such as \"example.org\""},
    {"domains = [ \".example.org\" ];", "1: domains: \".example.org\" is no"},
    {"local_clients = [ \"10.0.0.0/40\" ];",
	"1: local_clients: \"10.0.0.0/40\" is neither an IP address nor"},
    {"delivery = \"reinject\";",
	"1: delivery: \"reinject\" needs \"inject\", the listener that takes "
	"the copies, such as"},
    {"inject = \"smtp://127.0.0.1\";", "1: inject: \"smtp://127.0.0.1\" "},
    {"inject = \"127.0.0.1:10026\";", "1: inject: \"127.0.0.1:10026\" "},
    {"inject = 10026;", "1: inject: "},
    {"limits = {\n inject_slots = 0; };", "2: limits.inject_slots: "},
    {"limits = { inject_waiting = -1; };", "1: limits.inject_waiting: "},
    {"delivery = \"edti\";",
	"1: delivery: knows no \"edti\" (it knows: edit, reinject); did you "
	"mean \"edit\"?"},
    {"keys = { sources = [ \"store\", \"wkd\" ]; };",
	"1: keys.sources: knows no \"wkd\" (it knows: store, gnupg)"},
    {"keys = { sources = [ \"gnupgp\" ]; };",
	"1: keys.sources: knows no \"gnupgp\" (it knows: store, gnupg); did "
	"you mean \"gnupg\"?"},
    {"keys = { sources = [ \"store\", \"store\" ]; };",
	"1: keys.sources: \"store\" is there twice"},
    {"\nkeys = { sources = [ \"store\", \"gnupg\" ]; };",
	"2: keys: the source \"gnupg\" needs \"gnupg_home\""},
    {"openpgp_engine = \"gpg\";",
	"1: openpgp_engine: knows no \"gpg\" (it knows: auto, openssl, rnp, "
	"gnupg); did you mean \"gnupg\"?"},
    {"limits = { sessions = 0; };",
	"1: limits.sessions: must be from 1 to 10000"},
    {"limits = { message_seconds = 300; };",
	"1: limits.message_seconds: must be from 1 to 290"},
    {"limits = { gpg_seconds = 30L;\n message_seconds = 20; };",
	"1: limits: gpg_seconds (30) must not be more than message_seconds "
	"(20)"},
    {"limits = { message = 0; };", "1: limits.message: must be from 1024 to"},
    {"limits = { spool_memory = \"2G\"; };",
	"1: limits.spool_memory: must be from 1024 to 1073741824 octets"},
    {"limits = { message = \"99999999999G\"; };",
	"1: limits.message: expects a number of octets"},
    {"limits = { derivations = 0; };",
	"1: limits.derivations: must be from 1 to 1000"},
    /* passphrases */
    {"passphrase = true;", "1: passphrase: expects options in { ... }"},
    {"passphrase = { generates = true; };",
	"1: passphrase.generates: unknown option; did you mean \"generate\"?"},
    {"passphrase = {\n generate = true; };",
	"2: passphrase.generate: needs delivery by copies (set \"inject\")"},
    {"inject = \"unix:/x\"; delivery = \"edit\";\n"
     "passphrase = { generate = true; };",
	"2: passphrase.generate: needs delivery by copies"},
    {"passphrase = { subject = \"yes\"; };", "1: passphrase.subject: "},
    {"passphrase = { language = \"DE\"; };",
	"1: passphrase.language: \"DE\" is no language such as \"en\""},
    {"passphrase = { language = \"../x\"; };",
	"1: passphrase.language: \"../x\" is no language"},
    {"passphrase = { templates = \"t\"; };",
	"1: passphrase.templates: expects a path that begins with \"/\""},
    {"passphrase = { file_name = \"a b.html\"; };",
	"1: passphrase.file_name: expects a name such as \"message.html\""},
    {"passphrase = { file_name = \"../a\"; };",
	"1: passphrase.file_name: expects a name"},
    {"policy = ( { name = \"a\"; seal = \"openpgp\"; language = \"e\"; } );",
	"1: rule \"a\": language: \"e\" is no language such as \"en\""},
    {"policy = ( { name = \"a\"; seal = [ \"openpgp\", \"passphrase\" ];\n"
     " recovery = \"a@b.example\"; } );",
	"2: rule \"a\": recovery: does not go with \"passphrase\" in "
	"\"seal\""},
    /* rules */
    {"policy = (\n { seal = \"clear\"; } );", "2: rule 1: needs a \"name\""},
    {"policy = (\n { name = \"a\"; } );",
	"2: rule \"a\": needs \"seal\", such as"},
    {"policy = ( { name = \"\"; seal = \"clear\"; } );",
	"1: rule \"\": name: must not be empty"},
    {"policy = ( { name = \"a\"; seal = \"clear\"; },\n"
     " { name = \"a\"; seal = \"clear\"; } );",
	"2: rule \"a\": rule 1 has the same name; names must differ"},
    {"policy = ( { name = \"a\"; seal = [ ]; } );",
	"1: rule \"a\": seal: must not be an empty list"},
    {"policy = ( { name = \"a\"; seal = [ \"opengpg\" ]; } );",
	"1: rule \"a\": seal: knows no \"opengpg\" (it knows: openpgp, smime, "
	"passphrase, clear, hold, refuse); did you mean \"openpgp\"?"},
    {"policy = ( { name = \"a\"; seal = [ \"none\" ]; } );",
	"1: rule \"a\": seal: knows no \"none\" (it knows: openpgp, smime, "
	"passphrase, clear, hold, refuse)"},
    {"policy = ( { name = \"a\"; seal = [ \"clear\",\n \"openpgp\" ]; } );",
	"2: rule \"a\": seal: \"clear\" can only be the last"},
    {"policy = ( { name = \"a\"; seal = [ \"hold\", \"refuse\" ]; } );",
	"1: rule \"a\": seal: \"hold\" can only be the last"},
    {"policy = ( { name = \"a\"; seal = [ \"openpgp\", \"openpgp\" ]; } );",
	"1: rule \"a\": seal: \"openpgp\" is there twice"},
    {"policy = ( { name = \"a\"; to = [ \"@a\", \"b@*.c\" ]; } );",
	"1: rule \"a\": to: \"b@*.c\" is neither an address nor \"@domain\""},
    {"policy = ( { name = \"a\"; to = [ \"@a\",\n\"partner.example\" ]; } );",
	"2: rule \"a\": to: \"partner.example\" has no @; did you mean "
	"\"@partner.example\"?"},
    {"policy = ( { name = \"a\"; from = \"*@partner.example\"; } );",
	"1: rule \"a\": from: \"*@partner.example\": write "
	"\"@partner.example\""},
    {"policy = ( { name = \"a\"; to = \"<>\"; } );",
	"1: rule \"a\": to: \"<>\" is the null sender"},
    {"policy = ( { name = \"a\"; to = \"\"; } );",
	"1: rule \"a\": to: must not be empty"},
    {"policy = ( { name = \"a\"; from = [ ]; } );",
	"1: rule \"a\": from: must not be an empty list"},
    {"policy = ( { name = \"a\"; direction = \"inn\"; } );",
	"1: rule \"a\": direction: knows no \"inn\" (it knows: in, out, local);"
	" did you mean \"in\"?"},
    {"policy = ( { name = \"a\"; client = \"mail.example\"; } );",
	"1: rule \"a\": client: \"mail.example\" is neither an IP address"},
    {"policy = ( { name = \"a\"; header = \"X Y\"; } );",
	"1: rule \"a\": header: \"X Y\" is neither \"Name\""},
    {"policy = ( { name = \"a\"; header = \"X-Y: \"; } );",
	"1: rule \"a\": header: \"X-Y: \" is neither \"Name\""},
    {"policy = ( { name = \"a\"; subject = \" \"; } );",
	"1: rule \"a\": subject: must not be blank"},
    {"policy = ( { name = \"a\"; size = \"10M\"; } );",
	"1: rule \"a\": size: expects text such as \">10M\" or \"<64k\""},
    {"policy = ( { name = \"a\"; size = \">10MB\"; } );",
	"1: rule \"a\": size: expects text such as \">10M\" or \"<64k\""},
    {"policy = ( { name = \"a\"; size = 10; } );",
	"1: rule \"a\": size: expects text such as \">10M\" or \"<64k\""},
    {"policy = ( { name = \"a\"; recovery = \"@example.org\"; } );",
	"1: rule \"a\": recovery: \"@example.org\" is no address"},
    {"policy = ( { name = \"a\"; recovery = \"escrow\"; } );",
	"1: rule \"a\": recovery: \"escrow\" is no address"},
    {"policy = ( { name = \"a\"; recovery = \"*@example.org\"; } );",
	"1: rule \"a\": recovery: \"*@example.org\" is no address"},
    {"policy = ( { name = \"a\"; bounces = \"hold\"; } );",
	"1: rule \"a\": bounces: knows no \"hold\" (it knows: clear, refuse)"},
    {"policy = ( { name = \"a\"; sign = true; } );",
	"1: rule \"a\": sign: this version does not have it; remove it"},
    {"policy = ( { name = \"a\"; notify = \"a@b\"; } );",
	"1: rule \"a\": notify: this version does not have it; remove it"},
    {"policy = ( { name = \"a\"; to = \"file:/nowhere/list\"; } );",
	"1: rule \"a\": to: cannot read \"/nowhere/list\": No such file"},
    /* libconfig's own */
    {"user = \"a\";\nuser = \"b\";", "2: duplicate setting name"},
    {"domains = [ \"a.b\"\n\n", "3: syntax error"},
    {"\nuser = ;", "2: syntax error"},
    {"@include \"/nowhere/else\"\n", "1: cannot open include file"},
};

static struct config *
load(const char *text, GPtrArray *warnings, struct fault *fault)
{
	struct config *config = NULL;

	if (!g_file_set_contents(file, text, -1, NULL))
		g_error("cannot write %s", file);
	(void)config_load(file, &config, warnings, fault);
	return config;
}

static void
test_typos(void)
{
	GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
	struct config *config;
	struct fault fault;
	char *want;
	bool same;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(typos); i++) {
		fault_set(&fault, FAULT_NONE, "none");
		config = load(typos[i].text, warnings, &fault);
		want = g_strdup_printf("%s:%s", file, typos[i].fault);
		same = config == NULL && fault.kind == FAULT_PERM &&
		       g_str_has_prefix(fault.text, want);
		ok(same, "%s", typos[i].fault);
		if (!same)
			printf("# got  %s\n# want %s\n", fault.text, want);
		config_unref(&config);
		g_free(want);
	}
	g_ptr_array_unref(warnings);
}

static void
test_defaults(void)
{
	GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
	struct config *config = NULL;

	is_int(config_load(NULL, &config, warnings, NULL), 0,
	    "there is a built-in configuration");
	is_str(config->socket, "unix:/run/sealmilter/milter.sock",
	    "it has a socket");
	is_int(config->socket_mode, 0660, "for the group");
	is_str(config->user, "sealmilter", "it has a user");
	is_str(config->state, "/var/lib/sealmilter", "it has a folder");
	is_str(config->sources[0], "store", "its keys are in the store");
	is_str(config->sources[1], NULL, "and nowhere else");
	is_int(config->delivery, DELIVERY_EDIT, "it delivers by edit");
	is_int((intmax_t)config->message_octets, 200 * 1024 * 1024,
	    "it takes messages to 200M");
	is_int((intmax_t)config->spool_memory_octets, 1024 * 1024,
	    "it keeps 1M in memory");
	ok(config_is_local(config, "127.3.2.1"), "127.3.2.1 is local");
	ok(config_is_local(config, "::1"), "::1 is local");
	ok(!config_is_local(config, "192.0.2.1"), "192.0.2.1 is not local");
	ok(!config_is_local(config, NULL), "an unknown client is not local");
	ok(!config_stores(config, "a@example.org"), "it stores for no domain");
	ok(!config_stores(config, "root"), "nor for none");
	ok(config->policy != NULL, "it has a policy");
	is_int(warnings->len, 0, "it warns of nothing");
	config_unref(&config);
	config_unref(&config);
	g_ptr_array_unref(warnings);
}

static void
test_everything(void)
{
	static const char text[] =
	    "socket = \"local:/run/x.sock\"; socket_mode = \"600\";\n"
	    "socket_group = \"postfix\"; user = \"\"; pid_file = "
	    "\"/run/pid\";\n"
	    "state = \"/srv/state\"; syslog_facility = \"local7\";\n"
	    "domains = ( \"Example.org\", \"b\xc3\xbc"
	    "cher.example.\" );\n"
	    "local_clients = [ \"192.0.2.0/24\" ]; delivery = \"edit\";\n"
	    "keys = { sources = [ \"gnupg\", \"store\" ];\n"
	    "         gnupg_home = \"/srv/gnupg\";\n"
	    "         smime_trust = \"/srv/ca\"; crl_files = [ \"/srv/crl\" "
	    "];\n"
	    "         crl_fetch = true; crl_fetch_seconds = 7;\n"
	    "         crl_fetch_private = true; };\n"
	    "gpg = \"/opt/gpg\"; openpgp_engine = \"gnupg\";\n"
	    "limits = { sessions = 7; message = 1048576; \n"
	    "           spool_memory = \"64k\"; gpg_seconds = 5;\n"
	    "           message_seconds = 50; };\n"
	    "policy = ( { name = \"all\"; seal = [ \"openpgp\" ]; } );\n";
	GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
	struct fault fault = {FAULT_NONE, ""};
	struct config *config = load(text, warnings, &fault), *second;

	is_str(fault.text, "", "a configuration of all options is read");
	if (config == NULL)
		goto out;
	is_str(config->file, file, "it knows its file");
	is_str(config->socket, "unix:/run/x.sock", "local: is unix:");
	is_int(config->socket_mode, 0600, "the socket's mode is octal");
	is_str(config->user, NULL, "the empty user is none");
	is_str(config->pid_file, "/run/pid", "the pid file is there");
	ok(config_stores(config, "a@example.org"), "a domain is lower-cased");
	ok(config_stores(config, "a@xn--bcher-kva.example"),
	    "a domain is an A-label");
	ok(!config_stores(config, "a@sub.example.org"),
	    "a domain has no subdomains");
	ok(config_is_local(config, "192.0.2.1"), "192.0.2.1 is local");
	ok(!config_is_local(config, "127.0.0.1"), "the default is replaced");
	is_str(config->sources[0], "gnupg", "sources keep their order");
	is_str(config->gnupg_home, "/srv/gnupg", "GnuPG has a home");
	is_str(config->smime_trust[0], "/srv/ca", "authorities have a file");
	is_str(config->crl_files[0], "/srv/crl", "and what they revoked");
	ok(config->crl_fetch && config->crl_fetch_private, "CRLs are fetched");
	is_int(config->crl_fetch_seconds, 7, "within a time");
	is_str(config->gpg, "/opt/gpg", "gpg has a path");
	is_int(config->engines, PGP_GNUPG, "the engine is chosen");
	is_int(config->sessions, 7, "sessions are limited");
	is_int((intmax_t)config->message_octets, 1048576, "so are messages");
	is_int((intmax_t)config->spool_memory_octets, 65536, "so is memory");
	is_int(config->gpg_seconds, 5, "so is gpg's time");
	is_int(config->message_seconds, 50, "so is a message's time");
	is_int(warnings->len, 0, "there is nothing to warn of");
	second = config_ref(config);
	config_unref(&config);
	ok(config == NULL, "who gives a reference back has none");
	is_int(second->sessions, 7, "another's reference stays good");
	config_unref(&second);
out:
	g_ptr_array_unref(warnings);
}

static void
test_warnings(void)
{
	static const char text[] =
	    "policy = (\n { name = \"a\"; to = \"@x\";\n  seal = [ \"smime\",\n"
	    "   \"passphrase\", \"clear\" ]; },\n"
	    " { name = \"b\"; seal = \"openpgp\"; },\n"
	    " { name = \"c\"; to = \"@y\"; seal = \"openpgp\"; } );";
	GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
	struct fault fault = {FAULT_NONE, ""};
	struct config *config = load(text, warnings, &fault);

	ok(config != NULL, "a rule that is never reached is let through");
	is_int(warnings->len, 1, "and warned of");
	has_str(warnings->pdata[0],
	    ":6: rule \"c\": is never reached: rule \"b\" before it fits "
	    "everything",
	    "with its place, and why");
	config_unref(&config);
	g_ptr_array_unref(warnings);
}

static void
test_files(void)
{
	GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
	char *other = g_build_filename(folder, "other.conf", NULL);
	char *list = g_build_filename(folder, "partners", NULL);
	char *text = g_strdup_printf("@include \"%s\"\n", other);
	struct fault fault = {FAULT_NONE, ""};
	struct config *config = NULL;

	is_int(config_load(folder, &config, warnings, &fault), -1,
	    "a folder is no configuration");
	has_str(fault.text, "it is no file", "and is told so");
	is_int(config_load(other, &config, warnings, &fault), -1,
	    "a file that is not there is refused");
	has_str(fault.text, other, "and is named");
	has_str(fault.text, "No such file", "with the reason");
	(void)g_file_set_contents(other, "\nuser = 3;\n", -1, NULL);
	config = load(text, warnings, &fault);
	has_str(fault.text, "other.conf:2: user: expects text",
	    "an error in an included file names that file");
	(void)g_file_set_contents(other, "user = \"u\";\n", -1, NULL);
	config = load(text, warnings, &fault);
	is_str(config != NULL ? config->user : NULL, "u",
	    "an included file counts");
	config_unref(&config);
	(void)g_file_set_contents(list, "# all\n@.partner.example\n", -1, NULL);
	config = load("policy = ( { name = \"p\"; to = \"file:partners\"; "
		      "seal = \"openpgp\"; } );",
	    warnings, &fault);
	ok(config != NULL, "a list is looked for beside the configuration");
	config_unref(&config);
	(void)g_remove(other);
	(void)g_remove(list);
	g_free(other);
	g_free(list);
	g_free(text);
	g_ptr_array_unref(warnings);
}

static void
test_socket_paths(void)
{
	GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
	char *path = g_strnfill(107, 'x'), *text;
	struct fault fault = {FAULT_NONE, ""};
	struct config *config;

	path[0] = '/';
	text = g_strdup_printf("socket = \"unix:%s\";", path);
	config = load(text, warnings, &fault);
	ok(config != NULL, "a socket's path may have 107 octets");
	config_unref(&config);
	g_free(text);
	text = g_strdup_printf("socket = \"unix:%sx\";", path);
	config = load(text, warnings, &fault);
	ok(config == NULL, "a socket's path may not have 108 octets");
	has_str(fault.text, "is too long", "and is told so");
	g_free(text);
	g_free(path);
	g_ptr_array_unref(warnings);
}

int
main(void)
{
	folder = g_dir_make_tmp("config-XXXXXX", NULL);
	file = g_build_filename(folder, "test.conf", NULL);
	test_defaults();
	test_everything();
	test_typos();
	test_warnings();
	test_files();
	test_socket_paths();
	(void)g_remove(file);
	(void)g_rmdir(folder);
	g_free(file);
	g_free(folder);
	return tap_done();
}
