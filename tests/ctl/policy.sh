#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# sealctl policy: what it explains, and that its tests can fail.
. "$(dirname "$0")/ctl.sh"
mkdir -m 700 "$work/state"

gpg --homedir "$work/gnupg" --batch --quiet \
    --import "$source/tests/keys/bob.asc" "$source/tests/keys/expired.asc"
bob=$(gpg --homedir "$work/gnupg" --batch --with-colons --list-keys \
    bob@example.org | awk -F: '$1 == "fpr" { print $10; exit }')

cat >"$work/conf" <<END
state = "$work/state";
user = "";
keys = { sources = [ "store", "gnupg" ]; gnupg_home = "$work/gnupg"; };
domains = [ "example.org" ];
policy = (
  { name = "tagged"; subject = "[secure]"; authenticated = true;
    seal = [ "openpgp" ]; },
  { name = "open"; header = "X-Open"; seal = [ "clear" ]; },
  { name = "partner"; to = [ "@.partner.example" ];
    seal = [ "smime", "openpgp" ]; bounces = "refuse"; },
  { name = "own"; direction = [ "in", "local" ];
    seal = [ "openpgp", "clear" ]; },
  { name = "held"; to = "@held.example"; seal = [ "openpgp", "hold" ]; }
);
END
printf 'Subject: =?utf-8?q?=5BSECURE=5D?= x\nX-Open: 1\n\nBody\n' >"$work/mail"

sealctl policy explain --from a@x.example --to '"BOB"@Example.org.' \
    --to expired@example.org --to c@held.example --to d@a.partner.example \
    --to e@nowhere.example
ok "explaining is done" is "$status" 0
ok "the rule of each recipient is named" out 'rule        "own"'
ok "the key is gpg's, however the address is spelt" out "$bob"
ok "its source is named" out "(gnupg)"
ok "an unusable key says why" out "expired on"
ok "who has no certificate is told so" out "smime       no: no certificate"
ok "who is held is told so" out "result      held:"
ok "who has no rule is told so" out "rule        none fits"
ok "recipients who are refused refuse the message" out "The message is refused"

sealctl policy explain --from a@x.example --to bob@example.org \
    --to expired@example.org
ok "recipients who need different forms are told so" \
    out "recipients need different forms"

sealctl policy explain --from a@example.org --to bob@example.org --client 127.0.0.1
ok "what the content decides is not guessed" out "not decided yet"
ok "and needs a message" no_out "The message"

sealctl policy explain --json --authenticated --from a@example.org \
    --to bob@example.org --to d@partner.example "$work/mail"
ok "JSON is JSON" json "len(o['recipients']) == 2"
ok "a tag raises" json "o['recipients'][0]['raised_by'] == 'tagged'"
ok "JSON has the key" json "o['recipients'][0]['key']['fingerprint'] == '$bob'"
ok "JSON has the verdict" json "o['verdict'] == 'refuse'"

sealctl policy explain --json --local --from a@example.org \
    --to d@partner.example "$work/mail"
ok "a header that would open is ignored" \
    json "o['recipients'][0]['ignored'] == 'open'"
ok "and the rule stays" json "o['recipients'][0]['rule'] == 'partner'"

sealctl policy explain --json --from a@x.example --to d@partner.example \
    "$work/mail"
ok "a stranger's header is not even looked at" \
    json "o['recipients'][0]['ignored'] is None"

sealctl policy explain --json --from '<>' --to d@partner.example
ok "bounces are refused where the rule says so" \
    json "o['recipients'][0]['form'] == 'refuse'"

# The same policy with a listener for copies.
cp "$work/conf" "$work/edit.conf"
sed -i 's/^domains = .*/&\ninject = "smtp:\/\/127.0.0.1:10026";/' "$work/conf"
printf 'To: bob@example.org, Expired <expired@example.org>\n\nBody\n' \
    >"$work/named"
printf 'To: expired@example.org, zoe@example.org\n\nBody\n' >"$work/blind"
sealctl policy explain --from a@x.example --to bob@example.org \
    --to expired@example.org "$work/named"
ok "by copies, recipients who differ are no problem" \
    out "The message is sent in 2 copies:"
ok "the sealed copy is listed with whom it is for" \
    out "  openpgp     bob@example.org"
ok "and so is the clear one" out "  clear       expired@example.org"
sealctl policy explain --from a@x.example --to bob@example.org \
    --to expired@example.org --to zoe@example.org "$work/blind"
ok "who is in Bcc has a sealed copy alone, and that is said" \
    out "bob@example.org (alone: in neither To nor Cc)"
ok "who gets it clear shares one" \
    out "  clear       expired@example.org, zoe@example.org"
sealctl policy explain --from a@x.example --to bob@example.org \
    --to expired@example.org
ok "without a message it is not guessed who shares a copy" \
    out "name a message to see who does"
sealctl policy explain --from a@x.example --to bob@example.org
ok "one recipient needs no message" out "The message is sent in 1 copy:"
sealctl policy explain --from a@x.example --to zoe@example.org \
    --to expired@example.org "$work/named"
ok "what is clear for all goes on untouched" \
    out "The message goes on as it is."
sealctl policy explain --from a@x.example --to c@held.example \
    --to zoe@example.org "$work/named"
ok "holding is for all of a message or nothing" \
    out "this server holds all of a message or nothing"
sealctl policy explain --json --from a@x.example --to bob@example.org \
    --to expired@example.org "$work/named"
ok "JSON has the verdict for copies" json "o['verdict'] == 'copies'"
ok "and the copies" json "o['copies'] == [
    {'form': 'openpgp', 'recipients': ['bob@example.org']},
    {'form': 'clear', 'recipients': ['expired@example.org']}]"
sealctl policy explain --json --from a@x.example --to bob@example.org \
    --to expired@example.org
ok "which are null where they cannot be known" json "o['copies'] is None"
cp "$work/edit.conf" "$work/conf"

mv "$work/state" "$work/good"
mkdir "$work/state"
echo garbage >"$work/state/store.db"
sealctl policy explain --from a@x.example --to nobody@example.org
ok "a store that cannot be read is not taken for no key" is "$status" 75
ok "and nothing is explained" silent
rm -r "$work/state"
mv "$work/good" "$work/state"

sealctl policy explain --to b@x.example
ok "a missing sender is a usage error" is "$status" 2
sealctl policy explain --from a@x.example --to b@x.example --client nowhere
ok "a client that is no address is a usage error" is "$status" 2
sealctl policy explain --from a@x.example --to b@x.example /nowhere/mail
ok "a message that is not there is refused" is "$status" 1
ok "and named" err '"/nowhere/mail": No such file'
"$build/sealctl" -c "$work/conf" policy explain --from a@x.example \
    --to b@x.example >/dev/full 2>"$work/err"
ok "output that is lost is an error" is "$?" 75

cat >"$work/tests" <<'END'
tests = (
  { name = "partner"; from = "a@b.c"; to = "x@a.partner.example";
    expect = "refuse"; rule = "partner"; },
  { name = "bob"; from = "a@b.c"; to = "<bob@EXAMPLE.org>";
    expect = "openpgp"; rule = "own"; },
  { name = "tag"; from = "a@example.org"; authenticated = true;
    to = "zoe@example.org"; subject = "x [Secure]"; expect = "refuse"; },
  { name = "header"; from = "a@example.org"; client = "127.0.0.1";
    to = "zoe@example.org"; headers = [ "x-open: yes" ]; expect = "clear";
    rule = "open"; },
  { name = "no address"; from = "<>"; to = "a@@b"; expect = "refuse"; }
);
END
sealctl policy test "$work/tests"
ok "expectations that are met pass" is "$status" 0
ok "and are counted" out "# 5 passed, 0 failed"
sed -i 's/^domains = .*/&\ninject = "smtp:\/\/127.0.0.1:10026";/' "$work/conf"
sealctl policy test "$work/tests"
ok "by copies they are met as well" out "# 5 passed, 0 failed"
cp "$work/edit.conf" "$work/conf"
sed -i 's/rule = "own"/rule = "held"/' "$work/tests"
sealctl policy test "$work/tests"
ok "one that is not met fails" is "$status" 1
ok "and is named" out "not ok 2 - bob"
ok "with what came instead" out \
    '# expected openpgp by rule "held", got openpgp by rule "own"'
sed -i 's/headers = /header = /' "$work/tests"
sealctl policy test "$work/tests"
ok "a misspelt expectation is refused" is "$status" 1
ok "with file, line, test and the name meant" err \
    "$work/tests:9: test \"header\": header: unknown option; did you mean \"headers\"?"
ok "and nothing is tried" silent

sealctl policy tls-map
ok "what a later version will have is a usage error" is "$status" 2
ok "and says so" err "not in this version"
sealctl audit verify /nowhere
ok "so is a command that a later version will have" is "$status" 2
sealctl plicy
ok "so is a command that does not exist" is "$status" 2
"$build/sealctl" >"$work/out" 2>"$work/err"
ok "so is no command" is "$?" 2
"$build/sealctl" -h >"$work/out" 2>"$work/err"
ok "help is help" is "$?" 0
ok "and tells the commands" out "policy explain|test"
echo 'sokcet = "inet:1@::1";' >"$work/conf"
sealctl policy test "$work/tests"
ok "a configuration that cannot be read stops everything" is "$status" 1
ok "with file, line and option" err "$work/conf:1: sokcet: unknown option"

echo "1..$count"
