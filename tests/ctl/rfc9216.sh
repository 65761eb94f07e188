#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The sample identities of RFC 9216, out of its text (where contrib/build-deps
# put it): what sealctl says of each certificate, who vouches for it, and what
# openssl opens with the keys of the RFC.
. "$(dirname "$0")/ctl.sh"
rfc=${SEALMILTER_RFC9216:-/var/cache/sealmilter/rfc/rfc9216.txt}
if ! [ -r "$rfc" ]; then
	echo "1..0 # SKIP there is no RFC 9216 in $rfc (contrib/build-deps)"
	exit 0
fi

# The block of PEM in a section of the RFC.
while read -r section file; do
	awk -v section="$section." '
	    /^[0-9]+\.[0-9]+\. / { here = $1 == section }
	    here && /-----BEGIN/ { inside = 1 }
	    inside { sub(/^ +/, ""); print }
	    /-----END/ { inside = 0 }' "$rfc" >"$work/$file"
done <<'END'
3.1 ca.rsa.crt
3.3 ca.rsa.cross.crt
4.1 alice.sign.crt
4.3 alice.encrypt.crt
4.4 alice.encrypt.key
5.1 bob.sign.crt
5.3 bob.encrypt.crt
5.4 bob.encrypt.key
6.1 ca.25519.crt
6.3 ca.25519.cross.crt
7.1 carlos.sign.crt
7.3 carlos.encrypt.crt
8.1 dana.sign.crt
8.3 dana.encrypt.crt
END

configure() { # configure AUTHORITY
	cat >"$work/conf" <<END
state = "$work/state";
user = "";
keys = { smime_trust = "$work/$1.crt"; };
policy = ( { name = "all"; seal = [ "smime" ]; } );
END
}
fingerprint() {
	openssl x509 -in "$work/$1.crt" -noout -fingerprint -sha256 |
	    sed 's/.*=//; s/://g'
}

# --- what each is good for

configure ca.rsa
for person in alice bob; do
	sealctl key import "$work/$person.encrypt.crt"
	ok "$person's certificate for encryption is imported" line \
	    "imported $(fingerprint $person.encrypt) for $person@smime.example"
	sealctl key find --smime $person@smime.example
	ok "and used" is "$status" 0
done
while IFS='|' read -r file why; do
	sealctl key import "$work/$file.crt"
	ok "$file.crt is rejected" is "$status" 1
	ok "$file.crt: $why" out "$why"
done <<'END'
alice.sign|its key usage does not allow encryption (keyEncipherment)
bob.sign|its key usage does not allow encryption (keyEncipherment)
carlos.sign|its key is for signatures only (ED25519)
dana.sign|its key is for signatures only (ED25519)
carlos.encrypt|its key cannot be used here (X25519; this version does RSA, P-256 and P-384)
dana.encrypt|its key cannot be used here (X25519; this version does RSA, P-256 and P-384)
ca.rsa|the certificate of an authority
ca.rsa.cross|the certificate of an authority
ca.25519|the certificate of an authority
ca.25519.cross|the certificate of an authority
END
for person in carlos dana; do
	sealctl key import --trust "$work/$person.encrypt.crt"
	ok "--trust makes $person's X25519 no better" is "$status" 1
	sealctl key find --smime $person@smime.example
	ok "so there is no certificate of $person" line "no key"
done

# --- who vouches

rm -rf "$work/state"
configure ca.25519
sealctl key import "$work/bob.encrypt.crt"
ok "the Ed25519 authority does not vouch for bob by itself" \
    out "no authority in keys.smime_trust vouches for it"
cat "$work/bob.encrypt.crt" "$work/ca.rsa.cross.crt" >"$work/chain.pem"
sealctl key import "$work/chain.pem"
ok "but does through the cross-signed RSA authority (section 3.3)" \
    line "imported $(fingerprint bob.encrypt) for bob@smime.example"
sealctl key find --smime bob@smime.example
ok "and so he is found" is "$status" 0

# --- what is sealed to them

configure ca.rsa
sealctl key import "$work/alice.encrypt.crt" "$work/bob.encrypt.crt"
cat >"$work/mail" <<END
From: sender@client.example
To: alice@smime.example, bob@smime.example
Subject: For both of them

Some words that nobody else can read.
END
sealctl seal --from sender@client.example --to alice@smime.example \
    --to bob@smime.example <"$work/mail"
ok "a message for both is sealed" is "$status" 0
cp "$work/out" "$work/sealed"
for person in alice bob; do
	openssl cms -decrypt -in "$work/sealed" -inform SMIME \
	    -recip "$work/$person.encrypt.crt" \
	    -inkey "$work/$person.encrypt.key" -out "$work/out" 2>"$work/err"
	ok "openssl opens it with $person's key of the RFC" \
	    out "Some words that nobody else can read."
	ok "and finds the Subject in it" out "Subject: For both of them"
done

echo "1..$count"
[ "$failed" -eq 0 ]
