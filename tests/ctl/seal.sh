#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# sealctl seal: what a delivery agent gets of it, and which exit status.
. "$(dirname "$0")/ctl.sh"
mkdir -m 700 "$work/state"

# Seals $work/message to RECIPIENT; $status, $work/out and $work/err.
seal() { # seal RECIPIENT [OPTION...] - without options the usual file
	recipient=$1
	shift
	[ $# -gt 0 ] || set -- -c "$work/conf"
	"$build/sealctl" "$@" seal --from bob@example.org --to "$recipient" \
	    <"$work/message" >"$work/out" 2>"$work/err"
	status=$?
}
deferred() { is "$status" 75 && silent && err "sealctl: "; }
opens() {
	gpg --homedir "$work/gnupg" --batch --quiet --decrypt "$work/out" \
	    2>>"$work/err" | grep -qF -- "$1"
}

configure() { # configure LINES - besides what everything needs
	cat >"$work/conf" <<END
state = "$work/state";
user = "";
policy = ( { name = "all"; seal = [ "openpgp" ]; } );
$1
END
}

cat >"$work/message" <<'END'
From: bob@example.org
To: alice@example.org
Subject: the offer
Date: Mon, 01 Jan 2024 00:00:00 +0000
Message-ID: <1@example.org>

Nobody else may read this sentence.
END
configure ''
gpg --homedir "$work/gnupg" --batch --quiet --import \
    "$source/tests/keys/alice.sec"
"$build/sealctl" -c "$work/conf" key import \
    "$source/tests/keys/alice.asc" >"$work/out" 2>"$work/err"

seal alice@example.org
ok "a message to somebody with a key is sealed" is "$status" 0
ok "what comes out is PGP/MIME" out "multipart/encrypted"
ok "it cannot be read" no_out "Nobody else may read"
ok "gpg opens it" opens "Nobody else may read"
seal nobody@example.org
ok "what the policy refuses has status 1" is "$status" 1
ok "and nothing comes out" silent

# The last step before a mailbox: the envelope is in the environment.
at_rest() { # at_rest RECIPIENT [OPTION...]
	recipient=$1
	shift
	SENDER=bob@example.org RECIPIENT=$recipient \
	    "$build/sealctl" -c "$work/conf" seal --at-rest "$@" \
	    <"$work/message" >"$work/out" 2>"$work/err"
	status=$?
}
configure 'domains = [ "example.org" ];'
at_rest 'alice+lists@example.org'
ok "the environment may have the envelope" opens "Nobody else may read"
ok "what is for a mailbox here says so" out "at=rest"
mv "$work/message" "$work/kept"
cp "$work/out" "$work/message"
at_rest alice@example.org
ok "what is sealed for a mailbox stays as it is, marks and all" \
    cmp -s "$work/out" "$work/message"
seal alice@example.org
ok "while without --at-rest, marks are taken for a stranger's" no_out \
    "Sealmilter-Sealed"
mv "$work/kept" "$work/message"
at_rest alice@example.net
ok "for a domain that is not stored here it is deferred" deferred
ok "and the reason is told" err "is not in domains"
at_rest ''
ok "without a recipient, too" deferred
at_rest nobody@example.org
ok "who has no key is refused" is "$status" 1
env -u SENDER RECIPIENT=alice@example.org "$build/sealctl" -c "$work/conf" \
    seal --at-rest <"$work/message" >"$work/out" 2>"$work/err"
ok "no sender in the environment is the null sender" opens \
    "Nobody else may read"
at_rest bob@example.net --from carl@example.org --to alice@example.org
ok "options go before the environment" opens "Nobody else may read"
configure ''

mv "$work/message" "$work/kept"
: >"$work/message"
seal alice@example.org
ok "no octets at all are no message, but deferred" deferred
ok "it is said that there is no message" err "no message"
mv "$work/kept" "$work/message"

seal alice@example.org -c "$work/nowhere"
ok "without its configuration file it defers" deferred
configure 'nonsense = 1;'
seal alice@example.org
ok "with an unknown option in the file it defers" deferred
printf 'policy = ( {' >"$work/conf"
seal alice@example.org
ok "with a broken file it defers" deferred
seal alice@example.org -c "$work"
ok "with a file that cannot be read it defers" deferred
configure 'openpgp_engine = "gnupg"; gpg = "/nonexistent/gpg";'
seal alice@example.org
ok "with a gpg that is not there it defers" deferred
configure ''
echo 'user = "no-such-user-here";' >"$work/other"
sed '/^user/d' "$work/conf" >>"$work/other"
if [ "$(id -u)" -eq 0 ]; then
	seal alice@example.org -c "$work/other"
	ok "with a user that does not exist it defers" deferred
fi

default=$("$build/sealctl" -h | sed -n 's/.*-c FILE.* without it //p')
if [ -n "$default" ] && [ ! -e "$default" ]; then
	seal alice@example.org --
	ok "without the default file it defers" deferred
	ok "and does not make up a configuration" err "$default"
fi

sealctl() {
	"$build/sealctl" "$@" >"$work/out" 2>"$work/err"
	status=$?
}
for words in help --help -h 'seal --help' 'check --help'; do
	# shellcheck disable=SC2086 # two words
	sealctl $words
	ok "sealctl $words prints the usage" is "$status" 0
	ok "sealctl $words prints it on standard output" out "usage: sealctl"
done
for words in 'key --help' 'key list --help' 'policy explain --help' \
    'mailbox verify --help' 'passphrase set --help' 'journal --help'; do
	# shellcheck disable=SC2086 # words
	sealctl -c "$work/nowhere" $words
	ok "sealctl $words needs no configuration" is "$status" 0
	ok "sealctl $words has a line for each command" out "  ${words%% *} "
done
sealctl mailbox verify --help
ok "the help of one command is of that one alone" \
    is "$(grep -c '^  mailbox' "$work/out")" 1
sealctl key nonsense --help
ok "and of none that is not there" is "$status" 2
sealctl open </dev/null
ok "who opens an envelope has no configuration, and is not told so" \
    is "$(grep -c configuration "$work/err"; grep -c defaults "$work/err")" "0
0"
sealctl --nonsense
ok "an unknown option is told by the program's name" \
    err 'sealctl: there is no option "--nonsense"'
sealctl -c
ok "a missing argument is, too" err "sealctl: -c needs an argument"
echo "1..$count"
