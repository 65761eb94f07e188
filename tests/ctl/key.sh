#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# sealctl key: what it takes, what it rejects and by which name, what it says
# of it, and that three answers stay three: a key, none, "cannot tell".
. "$(dirname "$0")/ctl.sh"
keys=$source/tests/keys

fingerprint() { # of a sample, as gpg says
	gpg --homedir "$work/gnupg" --batch --with-colons --show-keys \
	    "$keys/$1" 2>/dev/null |
	    awk -F: '$1 == "fpr" { print $10; exit }'
}

configure() { # configure GPG SOURCES
	cat >"$work/conf" <<END
state = "$work/state";
user = "";
gpg = "$1";
limits = { gpg_seconds = 3; };
keys = { sources = [ $2 ]; gnupg_home = "$work/gnupg"; };
policy = ( { name = "all"; seal = [ "openpgp" ]; } );
END
}

gpg=$(command -v gpg)
configure "$gpg" '"store"'
alice=$(fingerprint alice.asc)
bob=$(fingerprint bob.asc)
carol=$(fingerprint carol.asc)
second=$(fingerprint alice-second.asc)

# --- import

sealctl key list
ok "an empty store is an empty list" is "$status" 0
ok "and the next step is named" err "key import"
sealctl key import "$keys/alice.asc"
ok "a key is imported" is "$status" 0
ok "and named with its address" line "imported $alice for alice@example.org"
sealctl key import "$keys/alice.asc"
ok "imported again, it is unchanged" \
    line "unchanged $alice for alice@example.org"
cat "$keys/bob.asc" "$keys/carol.asc" >"$work/two"
sealctl key import - <"$work/two"
ok "two keys in one file on standard input are imported" lines 2
ok "with all addresses that are not revoked" \
    line "imported $carol for carol@example.net, carol@example.org"
gpg --dearmor <"$keys/quoted.asc" >"$work/binary"
sealctl key import "$work/binary"
ok "a binary key is imported, its address in canonical form" \
    out "for dora.x@example.org"

reject() { # reject FILE WHY [ARGUMENT...]
	file=$1
	why=$2
	shift 2
	sealctl key import "$@" "$file"
	ok "$(basename "$file") is rejected: $why" out ": $why"
	ok "and that is a refusal" is "$status" 1
	ok "and names the file" out " ($file): "
}

reject "$keys/alice.sec" 'secret key'
reject "$keys/expired.asc" 'expired on 2024-03-01'
reject "$keys/expired-subkey.asc" \
    'its only encryption subkey expired on 2024-03-01'
reject "$keys/revoked.asc" 'revoked'
reject "$keys/revoked-subkey.asc" 'its only encryption subkey is revoked'
reject "$keys/sign-only.asc" 'no encryption subkey'
reject "$keys/weak.asc" 'RSA with 1024 bits is too short'
reject "$keys/future.asc" 'not valid before 2090-01-01'
reject "$keys/no-address.asc" 'no user ID with an e-mail address'
reject "$keys/sha1.asc" 'no user ID with a good signature'
reject "$keys/mallory.asc" 'no user ID with the address alice@example.org' \
    --address Alice@example.org
ok "and names the person" out ' "alice@example.org.evil.example" '
sealctl key import "$keys/expired.asc"
ok "a rejection is one line with key, person, file and reason" \
    line "rejected $(fingerprint expired.asc) \"Expired <expired@example.org>\" \
($keys/expired.asc): expired on 2024-03-01"
sealctl key import - <"$keys/expired.asc"
ok "or says that it was standard input" out " (standard input): expired on"
openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=a" -keyout /dev/null \
    -out "$work/x509.pem" 2>/dev/null
sealctl key import "$work/x509.pem"
ok "an X.509 certificate is refused" is "$status" 1
ok "and called what it is" out "the certificate of an authority"
sealctl key import "$keys/make-keys.sh"
ok "a file without keys is refused" is "$status" 1
ok "and named" err "make-keys.sh: there is neither an OpenPGP key nor a certificate"
sealctl key import "$work/none"
ok "so is one that is not there" is "$status" 1
cat "$keys/expired.asc" "$keys/two-subkeys.asc" "$keys/bob.sec" >"$work/mixed"
sealctl key import "$work/mixed"
ok "of a file with good and bad keys," is "$status" 1
ok "the good one is imported" out "imported $(fingerprint two-subkeys.asc)"
sealctl key list
ok "the list has a line for each key" lines 5
ok "with fingerprint, address and state" \
    line "$bob  bob@example.org  (usable)"
ok "the store is for its owner alone" \
    is "$(stat -c %a "$work/state/store.db")" 600
ok "no throw-away home is left" \
    is "$(find "$work/state" -name 'gnupg-*')" ""

# --- two keys for one address

sealctl key import "$keys/alice-second.asc"
ok "a second key for an address says which one is used" \
    line "  alice@example.org has 2 keys now; $second is used"
sealctl key find alice@example.org
ok "the newer one is found" out "usable: $second"
sealctl key import --trust "$keys/alice.asc"
ok "--trust updates a key" line "updated $alice for alice@example.org"
sealctl key find alice@example.org
ok "which then goes first" out "usable: $alice"
sealctl key show alice@example.org
ok "show has both" is "$(grep -c '^key ' "$work/out")" 2
ok "and says that one is behind" out "another key of its address goes before"

# --- a key that is in the store gets revoked

gpg --dearmor <"$keys/revoked.asc" >"$work/revoked"
python3 - "$work/revoked" "$work/before" <<'END'
import sys
octets = open(sys.argv[1], "rb").read()
primary = 2 + octets[1]
signature = 2 + octets[primary + 1]
open(sys.argv[2], "wb").write(octets[:primary] + octets[primary + signature:])
END
sealctl key import "$work/before"
ok "a key is imported before it is revoked" is "$status" 0
sealctl key find revoked@example.org
ok "and is usable" is "$status" 0
sealctl key import "$keys/revoked.asc"
ok "its revocation is taken" out "it is not used any more: revoked"
sealctl key find revoked@example.org
ok "then it is unusable" out "unusable: $(fingerprint revoked.asc): revoked"
ok "and that is a refusal" is "$status" 1
sealctl key import "$work/before"
sealctl key find revoked@example.org
ok "the old file does not bring it back" out "unusable: "

# --- list, show, export, delete

sealctl key list --json
ok "the list in JSON has all keys" json "len(o) == 7"
ok "with addresses" json "['carol@example.net', 'carol@example.org'] in \\
    [key['addresses'] for key in o if key['fingerprint'] == '$carol']"
ok "and states" json "[key['why'] for key in o if not key['usable']] == \\
    ['revoked']"
sealctl key show --json "$(echo "$bob" | tr A-F a-f | sed 's/..../& /g')"
ok "show takes a fingerprint as gpg prints it" json \
    "o[0]['fingerprint'] == '$bob'"
sealctl key show nobody@example.org
ok "show knows what it does not know" is "$status" 1
sealctl key show nonsense
ok "and what makes no sense" is "$status" 2
for option in '' --binary; do
	sealctl key export $option bob@example.org
	cp "$work/out" "$work/exported"
	ok "what is exported${option:+ with $option} is bob's key, says gpg" \
	    is "$(gpg --homedir "$work/gnupg" --batch --with-colons \
	    --show-keys "$work/exported" | awk -F: '$1 == "fpr" {
		print $10; exit }')" "$bob"
	ok "and sq reads it as well" sq inspect "$work/exported"
done
sealctl key delete alice@example.org
ok "delete does not choose between two keys" is "$status" 1
sealctl key delete "$second" "$bob"
ok "but deletes what is named" lines 2
sealctl key find bob@example.org
ok "what is deleted is not found" line "no key"
ok "and that is exit status 1" is "$status" 1
sealctl key delete "$bob"
ok "and cannot be deleted again" is "$status" 1

# --- find: three answers

sealctl key find --json nobody@example.org
ok "no key, in JSON" json "o['answer'] == 'no key' and o['why'] is None"
sealctl key find 'ALICE@Example.ORG'
ok "an address is found in whatever case" is "$status" 0
sealctl key find '"alice"@example.org'
ok "and quoted" is "$status" 0
gpg --homedir "$work/gnupg" --batch --quiet --import "$keys/bob.asc" \
    "$keys/mallory.asc"
configure "$gpg" '"store", "gnupg"'
sealctl key find bob@example.org
ok "the next source is asked" out "source \"gnupg\""
sealctl key find example.org.evil.example
ok "a part of an address is none" line "no key"
printf '#!/bin/sh\nexit 0\n' >"$work/silent"
printf '#!/bin/sh\nexec sleep 600\n' >"$work/hanging"
printf '#!/bin/sh\nkill -9 $$\n' >"$work/dying"
chmod 755 "$work/silent" "$work/hanging" "$work/dying"
for broken in silent hanging dying missing; do
	configure "$work/$broken" '"store", "gnupg"'
	sealctl key find bob@example.org
	ok "with a $broken gpg: cannot tell" out "cannot tell: "
	ok "which is temporary" is "$status" 75
	sealctl key import "$keys/bob.asc"
	ok "and nothing is imported" is "$status" 75
done
configure "$gpg" '"store", "gnupg"'
mv "$work/gnupg" "$work/away"
sealctl key find bob@example.org
ok "without the GnuPG home: cannot tell" is "$status" 75
mv "$work/away" "$work/gnupg"
printf 'noise, and not a data base at all' >"$work/state/store.db"
sealctl key find alice@example.org
ok "with a damaged store: cannot tell" is "$status" 75
sealctl key list
ok "nor is that an empty list" is "$status" 75

# --- usage

for later in generate passwd expire revoke publish; do
	sealctl key $later
	ok "$later is not in this version, and says so" \
	    err "not in this version"
	ok "with status 2" is "$status" 2
done
sealctl key
ok "no command is a mistake" is "$status" 2
sealctl key list --nonsense
ok "so is an option that is not there" is "$status" 2
sealctl key import
ok "and an import of nothing" is "$status" 2

echo "1..$count"
[ "$failed" -eq 0 ]
