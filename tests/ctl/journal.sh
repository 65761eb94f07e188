#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# sealctl journal: what became of messages and their copies, as the journal
# has it that tests/unit/test_journal makes.
. "$(dirname "$0")/ctl.sh"

line() { grep -qxE -- "$1" "$work/out"; }
quiet() { ! [ -s "$work/err" ]; }
same() { cmp -s "$work/journal" "$work/state/journal"; }

cat >"$work/conf" <<END
state = "$work/state";
user = "";
policy = ( { name = "all"; seal = [ "openpgp" ]; } );
END

# --- None

sealctl journal list
ok "without a journal, nothing is listed" is "$status" 0
ok "and it is said that there is none" err "there is no $work/state/journal"
sealctl journal list --json
ok "in JSON that is an empty list" json 'o == []'
sealctl journal show AAAA
ok "and nothing can be shown" is "$status" 1

# --- list

"$build/tests/unit/test_journal" sample "$work/state"
cp "$work/state/journal" "$work/journal"
time='20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]Z'
sealctl journal list
ok "a journal is listed" is "$status" 0
ok "without a complaint" quiet
ok "a line for each message" lines 4
ok "all copies of one are done, with the queue ID of the last try" \
    line "$time  AAAB  3/3  done"
ok "one has a copy in doubt" line "$time  BBBB  1/2  in doubt"
ok "one was given up" line "$time  CCCC  0/1  aborted"
ok "one is under way, and the last" \
    is "$(tail -n 1 "$work/out" | cut -d ' ' -f 3-)" "DDDD  0/1  prepared"
sealctl journal list --since 2
ok "those of the last two hours can be asked for" lines 3
sealctl journal list --since 1 --json
ok "in JSON as well" json \
    '[m["queue_id"] for m in o] == ["DDDD"] and o[0]["state"] == "prepared"'
sealctl journal list --json
ok "all tries of a message are told" json \
    'o[0]["queue_ids"] == ["AAAA", "AAAB"] and o[0]["done"] == o[0]["total"]'

# --- show

sealctl journal show AAAA
ok "a message is found by the queue ID of its first try" is "$status" 0
ok "all its queue IDs are shown" line "queue ID   AAAA, AAAB"
ok "and how many copies are done" line "state      done, 3 of 3 copies are done"
ok "a copy has form, state, time and its own queue ID" \
    line "copy       openpgp     done      $time  A1"
ok "or none, if the reply named none" \
    line "copy       smime       done      $time  -"
sealctl journal show A2
ok "a message is found by the queue ID of a copy" \
    line "queue ID   AAAA, AAAB"
sealctl journal show --json BBBB
ok "in JSON, a copy in doubt is one" json \
    'o[0]["copies"][1]["state"] == "in doubt" and o[0]["copies"][1]["in_doubt"]'
ok "and the other one is done" json \
    'o[0]["copies"][0]["done"] and o[0]["copies"][0]["queue_id"] == "B1"'
ok "there are IDs as ENVID has them" json 'len(o[0]["copies"][0]["id"]) == 32'
sealctl journal show EEEE
ok "what is not there is status 1" is "$status" 1
ok "which is said" err "no message with the queue ID EEEE"
sealctl journal show --
ok "nothing to show is a mistake" is "$status" 2
sealctl journal show --json -- -
ok "a hyphen is nobody's queue ID" is "$status" 1

# --- trouble

ok "nothing of this has changed the journal" same
head -c 300 "$work/journal" | tail -c +60 >"$work/piece"
cat "$work/journal" "$work/piece" "$work/journal" >"$work/state/journal"
sealctl journal list
ok "of a damaged journal that is listed which can be read" lines 4
ok "and it is said" err "is damaged in"
printf 'something else' >"$work/state/journal"
sealctl journal list
ok "another file in its place cannot be told from trouble" is "$status" 75
ok "and it is said" err "it is no journal"

# --- usage

sealctl journal
ok "no command is a mistake" is "$status" 2
sealctl journal empty
ok "so is one that is not there" is "$status" 2
sealctl journal list --nonsense
ok "an option that is not there" is "$status" 2
sealctl journal list --since yesterday
ok "and hours that are no number" is "$status" 2
sealctl journal show --since 3 AAAA
ok "show has no --since" is "$status" 2
sealctl journal --help
ok "help is no mistake" is "$status" 0

echo "1..$count"
[ "$failed" -eq 0 ]
