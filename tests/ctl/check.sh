#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# sealctl check: the real program, what real postconf says, real keys.
# shellcheck disable=SC2016 # $seal is for Postfix to expand
. "$(dirname "$0")/ctl.sh"
mkdir -m 700 "$work/state"
mkdir "$work/postfix"

# Runs sealctl; $status, $work/out (line breaks undone) and $work/err.
sealctl() {
	"$build/sealctl" -c "$work/conf" "$@" >"$work/raw" 2>"$work/err"
	status=$?
	{ tr -s ' \n' ' ' <"$work/raw" && echo; } >"$work/out"
}
check() {
	sealctl check "$@"
}
json() { # json EXPRESSION - of the object o
	python3 -c "import json; o = json.load(open('$work/raw'))
assert $1, o"
}

configure() { # configure LINES - besides what everything needs
	cat >"$work/conf" <<END
socket = "unix:$work/milter.sock";
state = "$work/state";
user = "";
domains = [ "example.org" ];
$1
END
}

sendmail_cf() { # sendmail_cf FLAGS
	cat >"$work/sendmail.cf" <<END
O InputMailFilters=sealmilter
O Milter.LogLevel=8
Xsealmilter, S=local:$work/milter.sock$1, T=C:10s;S:60s;R:60s;E:5m
END
}

configure 'policy = ( { name = "all"; seal = [ "openpgp", "passphrase" ]; },
    { name = "late"; seal = "clear"; } );'
sendmail_cf ', F=T'

check --sendmail "$work/sendmail.cf"
ok "a daemon that does not run while it is asked is a problem" is "$status" 1
ok "it is said that mail is deferred" out "PROBLEM the daemon does not answer"
echo >"$work/empty.cf"
check --sendmail "$work/empty.cf"
ok "while nobody asks it, that is a warning" \
    out "warning the daemon does not answer"

"$build/sealmilter" -f -c "$work/conf" 2>"$work/daemon.log" &
daemon=$!
trap 'kill $daemon; wait $daemon; rm -rf "$work"' EXIT
tries=0
until [ -S "$work/milter.sock" ] && grep -q serving "$work/daemon.log"; do
	tries=$((tries + 1))
	[ $tries -gt 600 ] && break
	# The only wait in shell that can be as short.
	python3 -c 'import select; select.select([], [], [], 0.1)'
done
chmod 0666 "$work/milter.sock"
chmod 0755 "$work"

check --sendmail "$work/sendmail.cf"
ok "an empty store is no problem" is "$status" 0
ok "an empty store is pointed at the command that fills it" \
    out "sealctl key import FILE"
ok "without keys the probe is sealed to a key that is built in" \
    out "sealed to a key that is built in"
ok "warnings about the configuration are shown" \
    out 'is never reached: rule "all" before it fits everything'
ok "a daemon that runs is found" out "the daemon answers at"

sealctl key import "$source/tests/keys/alice.asc"
check --sendmail "$work/sendmail.cf"
ok "with a key and a good sendmail.cf all is well" is "$status" 0
ok "the probe is sealed for the key's owner" \
    out "a probe message was sealed for alice@example.org"
check --json --sendmail "$work/sendmail.cf"
ok "as JSON it has a status and findings" \
    json 'o["status"] == 0 and all(f["level"] and f["section"] and f["text"] for f in o["findings"])'

sendmail_cf ''
check --sendmail "$work/sendmail.cf"
ok "no F=T is a problem" is "$status" 1
ok "no F=T is named" out "PROBLEM sealmilter: has no F= instead of F=T"
check --sendmail "$work/nowhere.cf"
ok "a mail server that cannot be looked at is no success" is "$status" 75
check --nonsense
ok "an unknown option is wrong usage" is "$status" 2
ok "it is told by the program's name" err 'sealctl: there is no option'
check argument
ok "an argument is wrong usage" is "$status" 2

sendmail_cf ', F=T'
configure "inject = \"unix:$work/nobody\";"
check --sendmail "$work/sendmail.cf"
ok "an injection listener that is not there is a problem" is "$status" 1
ok "what that means is said" \
    out "deferred until a mail server listens at unix:$work/nobody"
ok "a daemon for it is missed in sendmail.cf" \
    out 'no DaemonPortOptions has that socket'
ok "that there is no journal yet is only noted" \
    out "note there is no journal of copies yet"
echo 'no journal' >"$work/state/journal"
check --sendmail "$work/sendmail.cf"
ok "a journal without its key is a problem" \
    out "PROBLEM the journal of copies has lost its key"
head -c 32 /dev/zero >"$work/state/journal.key"
check --sendmail "$work/sendmail.cf"
ok "what is no journal is one, too" \
    out "PROBLEM the journal of copies cannot be read"
rm "$work/state/journal" "$work/state/journal.key"
configure "inject = \"unix:$work/nobody\"; delivery = \"edit\";"
check --sendmail "$work/sendmail.cf"
ok "who edits needs no listener, nor journal" is "$status" 0
ok "and hears nothing of either" no_out "listener"

configure 'socket_group = "no-such-group-here";'
check --sendmail "$work/sendmail.cf"
ok "a group that does not exist is a problem" is "$status" 1
ok "it is named, so that one can find it" \
    out 'PROBLEM socket_group = "no-such-group-here": there is no such group'
configure "pid_file = \"$work/nowhere/pid\";"
check --sendmail "$work/sendmail.cf"
ok "a pid_file without its directory is a problem" \
    out "there is no directory $work/nowhere"
configure ''
sed -i 's/^socket = .*/socket = "inet:1@192.0.2.1";/' "$work/conf"
check --sendmail "$work/empty.cf"
ok "a socket that other hosts reach is a warning" \
    out 'warning socket = "inet:1@192.0.2.1" can be reached from other hosts'
configure 'gpg = "/nonexistent/gpg"; openpgp_engine = "gnupg";'
check --sendmail "$work/sendmail.cf"
ok "a gpg that is not there is a problem" is "$status" 1
ok "a probe that cannot be sealed says so" \
    out "a probe message could not be sealed"
configure ''
cp "$work/state/store.db" "$work/good.db"
printf 'no data base at all, but long enough for one' >"$work/state/store.db"
rm -f "$work/state/store.db-wal" "$work/state/store.db-shm"
check --sendmail "$work/sendmail.cf"
ok "a store that cannot be read is a problem" is "$status" 1
ok "it is said that the daemon would not start" \
    out "PROBLEM the daemon would not start"
cp "$work/good.db" "$work/state/store.db"
configure 'nonsense = 1;'
check
ok "a broken configuration is a failure" [ "$status" -ne 0 ]
configure ''
chmod 0666 "$work/conf"
check --sendmail "$work/sendmail.cf"
ok "a configuration that everybody may write is a problem" is "$status" 1
chmod 0644 "$work/conf"

# What root may see and others may not. The program may be out of their reach.
if [ "$(id -u)" -eq 0 ] && id nobody >/dev/null 2>&1 &&
    cp "$build/sealctl" "$work/sealctl" 2>/dev/null &&
    setpriv --reuid nobody --regid nogroup --clear-groups \
	"$work/sealctl" -V >/dev/null 2>&1; then
	as_nobody() {
		setpriv --reuid nobody --regid nogroup --clear-groups \
		    "$work/sealctl" -c "$work/conf" check \
		    --sendmail "$work/sendmail.cf" >"$work/raw" 2>"$work/err"
		status=$?
		{ tr -s ' \n' ' ' <"$work/raw" && echo; } >"$work/out"
	}
	sed -i 's/^user = .*/user = "daemon";/' "$work/conf"
	chmod 0600 "$work/milter.sock"
	as_nobody
	ok "who is not root is told what cannot be known" is "$status" 75
	ok "store and keys are unknown to others" \
	    out "unknown store and keys: nobody may not look into $work/state"
	ok "the daemon is unknown to others" \
	    out "unknown whether the daemon answers"
	ok "root is who knows" out "Run this as root."
	chmod 0666 "$work/milter.sock"
	chown nobody "$work/state"
	sed -i 's/^user = .*/user = "nobody";/' "$work/conf"
	mkdir -p "$work/state/spool"
	chown root "$work/state/spool"
	chmod 0700 "$work/state/spool"
	configure "inject = \"unix:$work/nobody\";"
	sed -i 's/^user = .*/user = "nobody";/' "$work/conf"
	chown nobody "$work/state/spool"
	echo 'no journal' >"$work/state/journal"
	head -c 32 /dev/zero >"$work/state/journal.key"
	chmod 0600 "$work/state/journal"
	chmod 0400 "$work/state/journal.key"
	check --sendmail "$work/sendmail.cf"
	ok "a journal that the daemon's user may not use is a problem" \
	    out "PROBLEM $work/state/journal: user nobody may not read and write"
	chown nobody "$work/state/journal" "$work/state/journal.key"
	check --sendmail "$work/sendmail.cf"
	ok "its key has to be read only" out "journal of copies cannot be read:"
	rm "$work/state/journal" "$work/state/journal.key"
	chown root "$work/state/spool"
	configure ''
	sed -i 's/^user = .*/user = "nobody";/' "$work/conf"
	check --sendmail "$work/sendmail.cf"
	ok "a spool that the daemon's user may not write is a problem" \
	    out "PROBLEM spool = \"$work/state/spool\": user nobody may not"
	chown root "$work/state"
	configure ''
fi

if ! command -v postconf >/dev/null && [ ! -x /usr/sbin/postconf ]; then
	count=$((count + 1))
	echo "ok $count - Postfix # SKIP postconf is not installed"
	echo "1..$count"
	exit 0
fi

# main MILTERS LINES - a Postfix with two services.
main() {
	cat >"$work/postfix/main.cf" <<END
compatibility_level = 3.6
queue_directory = $work/queue
seal = unix:$work/milter.sock
smtpd_milters = $1
non_smtpd_milters = \$seal
$2
END
	cat >"$work/postfix/master.cf" <<'END'
smtp       inet  n       -       n       -       -       smtpd
submission inet  n       -       n       -       -       smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_milters=$submission_milters
cleanup    unix  n       -       n       -       0       cleanup
END
}

main '$seal' 'submission_milters = { $seal, default_action=tempfail }'
check --postfix "$work/postfix"
ok "a good Postfix has no problem" is "$status" 0
ok "both services are looked at" out "submission: asks sealmilter"
main '$seal' 'submission_milters ='
check --postfix "$work/postfix"
ok "submission without the milter is a problem" is "$status" 1
ok "it is named" out "PROBLEM submission: not asked"
main '$seal' 'submission_milters = $seal
milter_default_action = accept'
check --postfix "$work/postfix"
ok "milter_default_action = accept is a problem" is "$status" 1
ok "it is named for each service" \
    out "submission: milter_default_action is accept"
main '$seal' 'submission_milters = inet:localhost:8891, $seal'
check --postfix "$work/postfix"
ok "a signer before sealmilter is a problem" is "$status" 1
ok "it is named, too" out "inet:localhost:8891 comes before sealmilter"
main '' 'submission_milters ='
check --postfix "$work/postfix"
ok "a Postfix that does not know sealmilter is a problem" is "$status" 1
ok "it is given the line to add" \
    out "smtpd_milters = { unix:$work/milter.sock, default_action=tempfail }"
main '$seal' 'submission_milters = $seal
mydestination = $myhostname, example.org
myhostname = mail.example.org
virtual_mailbox_domains = hash:/nowhere example.net
recipient_delimiter = -'
check --postfix "$work/postfix"
ok "names that domains does not have are warned of" \
    out "warning Postfix takes mail for mail.example.org, example.net, which"
ok "another recipient_delimiter is warned of" \
    out 'recipient_delimiter is "-" in Postfix and "+"'
check --postfix "$work/nowhere"
ok "a Postfix that is not there is no success" is "$status" 75

main '$seal' 'submission_milters = $seal'
if [ "$(id -u)" -eq 0 ] && id postfix >/dev/null 2>&1; then
	chmod 0600 "$work/milter.sock"
	check --postfix "$work/postfix"
	ok "a socket that Postfix's user may not use is a problem" \
	    out "PROBLEM postfix may not use"
fi
echo "1..$count"
