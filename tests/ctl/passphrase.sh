#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# sealctl passphrase and open: where a passphrase comes from and where it does
# not go, what is refused, and that what is bad opens with one error. Envelopes
# are made by Python (make_envelope.py), terminals too (terminal.py).
. "$(dirname "$0")/ctl.sh"
envelope=$source/tests/envelope

cat >"$work/conf" <<END
state = "$work/state";
user = "";
policy = ( { name = "all"; seal = [ "openpgp" ]; } );
END

set_words() { # set_words WORDS ARGUMENT... - on standard input
	words=$1
	shift
	printf '%s\n' "$words" >"$work/words"
	sealctl passphrase set "$@" <"$work/words"
}
terminal() { # terminal TYPED ARGUMENT... - sealctl with a terminal
	typed=$1
	shift
	/usr/bin/python3 -B "$source/tests/ctl/terminal.py" "$typed" \
	    "$work/screen" "$work/out" \
	    "$build/sealctl" -c "$work/conf" "$@" 2>"$work/err"
	status=$?
}
screen() { grep -qF -- "$1" "$work/screen"; }
no_screen() { ! screen "$1"; }
nowhere() { ! grep -rqF -- "$1" "$work/state" "$work/out" "$work/err"; }

# --- set

good='seven quiet otters mend an old bridge'
set_words "$good" --hint 'the bridge' Erika@Example.NET
ok "a passphrase is set from a line of standard input" is "$status" 0
ok "and that is said" err "passphrase of erika@example.net set"
ok "the words are neither in the store nor repeated" nowhere 'quiet otters'
ok "the store is for its owner alone" \
    is "$(stat -c %a "$work/state/store.db")" 600
set_words 'another one that is long enough' erika@example.net
ok "it is changed" is "$status" 0
ok "and what becomes of old envelopes is said" err "changed: envelopes that \
were sealed before open with the old one, not with this one"
set_words "$good" --from boss@example.org erika@example.net
ok "one for mail from one sender is set beside it" \
    err "passphrase of erika@example.net, for mail from boss@example.org set"

refuse() { # refuse WORDS WHY [ARGUMENT...]
	words=$1
	why=$2
	shift 2
	set_words "$words" "$@" x@example.net
	ok "refused: $why" is "$status" 1
	ok "and the reason is given" err "$why"
}
refuse 'too short' 'too short: it has 9 characters, and needs at least 20'
refuse 'password password password' 'too common'
refuse 'x@example.net x@example.net' 'too common'
refuse '' 'the passphrase is empty'
refuse "$(printf 'gr\374\337e aus dem s\374den, herr nachbar')" 'is not UTF-8'
refuse "$(head -c 1100 /dev/zero | tr '\0' x)" 'is too long'
refuse "$good" 'the hint contains the passphrase' --hint "it is $good"
printf 'a river otter\0 juggles pears\n' >"$work/words"
sealctl passphrase set x@example.net <"$work/words"
ok "refused: what a NUL would cut short" err 'has a NUL in it'
sealctl passphrase list x@example.net
ok "what was refused is not set" is "$status" 1
sealctl passphrase set "$good" x@example.net </dev/null
ok "a passphrase is no argument" is "$status" 2
sealctl passphrase set not-an-address </dev/null
ok "and only addresses have one" err '"not-an-address" is not an address'
sealctl passphrase list --hint x
ok "options of other commands are refused" is "$status" 2

# --- a terminal

terminal "$good\n$good\n" passphrase set tty@example.net
ok "on a terminal it is asked for" is "$status" 0
ok "with a prompt" screen 'Passphrase (20 characters or more): '
ok "twice" screen 'Once more: '
ok "without echo" no_screen 'quiet otters'
terminal "$good\nanother\nsome\nthing\nno\nluck\n" \
    passphrase set tty2@example.net
ok "who types two different ones is asked again, three times at most" \
    is "$status" 1
ok "and told" screen 'These were two different ones.'
terminal '\003' passphrase set tty2@example.net
ok "an interrupt ends it" is "$status" 130
ok "with the echo as it was" screen 'ECHO ON'

# --- generate, list, delete

sealctl passphrase set --generate --hint six gen@example.net </dev/null
ok "six words are generated" is "$(wc -w <"$work/out")" 6
ok "and printed, in one line" lines 1
words=$(cat "$work/out")
ok "and stay nowhere" sh -c '! grep -rqF -- "$1" "$2"' sh \
    "$words" "$work/state"
sealctl passphrase list --json
ok "the list in JSON has all" json 'len(o) == 4'
ok "with sender, hint and iterations" json '[e for e in o if
    e["address"] == "erika@example.net" and e["from"] == "boss@example.org" and
    e["hint"] is None and e["iterations"] == 600000]'
sealctl passphrase list gen@example.net
ok "for people, a line each" lines 1
ok "with the hint" out 'hint: six'
sealctl passphrase delete --from boss@example.org erika@example.net
ok "one is deleted" is "$status" 0
ok "and what becomes of envelopes is said" err 'still open with it'
sealctl passphrase delete --from boss@example.org erika@example.net
ok "what is not there cannot be deleted" is "$status" 1
ok "which is said" err 'no passphrase is set for erika@example.net and mail'

# --- open

printf 'From: a@example.org\r\nSubject: Rent\r\n\r\nIt is 1,250.\r\n' \
    >"$work/message"
make() { # make NAME [CHANGE] - $work/NAME.jwe, .html, .eml
	name=$1
	shift
	/usr/bin/python3 -B "$envelope/make_envelope.py" "$work/$name" \
	    "$work/message" "$good" "$@" || echo "# make_envelope.py failed"
}
unlock() { # unlock WORDS FILE
	printf '%s\n' "$1" >"$work/words"
	sealctl open "$2" <"$work/words"
}
opened() { [ "$status" -eq 0 ] && cmp -s "$work/out" "$work/message"; }
not_opened() { # the one error, and nothing else
	[ "$status" -eq 1 ] && [ ! -s "$work/out" ] &&
	    [ "$(wc -l <"$work/err")" -eq 1 ] &&
	    err 'the envelope does not open: the passphrase is wrong, or the envelope is damaged'
}

make good
for kind in jwe html eml; do
	unlock "$good" "$work/good.$kind"
	ok "an envelope that Python made is opened: $kind" opened
done
unlock '  seven  quiet otters	mend an old bridge ' "$work/good.html"
ok "blanks are typed as one likes" opened
terminal "$good\n" open "$work/good.html"
ok "the passphrase is asked for on a terminal" opened
ok "without echo" no_screen 'quiet otters'
sealctl open "$work/good.html" </dev/null
ok "without one it does not open" is "$status" 1
setsid -w "$build/sealctl" -c "$work/conf" open <"$work/good.html" \
    >"$work/out" 2>"$work/err"
status=$?
ok "an envelope on standard input needs a terminal" is "$status" 1
ok "and that is said" err 'there is no terminal'

unlock 'another passphrase of some length' "$work/good.html"
ok "another passphrase does not open it" not_opened
for change in alg-dir alg-none alg-256 enc-cbc crit zip no-p2s no-cty p2c-low p2c-high \
    p2c-text p2c-huge salt-short cty-other key-short iv-short tag-short \
    sixth-part four-parts flip-header flip-key flip-iv flip-text flip-tag \
    cut padded not-json twice; do
	make "$change" "$change"
	unlock "$good" "$work/$change.html"
	ok "nor is it opened with this change: $change" not_opened
done
make unknown unknown
unlock "$good" "$work/unknown.html"
ok "members that nobody knows are ignored" opened
printf 'Subject: x\r\n\r\nNothing here.\r\n' >"$work/none"
unlock "$good" "$work/none"
ok "a message without an envelope is told" err 'there is no sealed envelope'
ok "and the file named" err "$work/none: "
unlock "$good" /dev/null
ok "and so is nothing at all" err 'there is no sealed envelope'
unlock "$good" "$work/not-there"
ok "a file that is not there is told" err 'No such file'
ok "with status 1" is "$status" 1
unlock "$good" "$work"
ok "and so is a directory" is "$status" 1
cat "$work/good.html" "$work/good.html" >"$work/two"
unlock "$good" "$work/two"
ok "of two envelopes none is chosen" err 'there are 2 sealed envelopes'

echo "1..$count"
[ "$failed" -eq 0 ]
