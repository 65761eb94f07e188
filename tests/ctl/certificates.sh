#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# sealctl key with certificates: which it takes and binds to whom, what it
# says of the others, who vouches, and what is revoked.
. "$(dirname "$0")/ctl.sh"
certs=$(cd "$source/tests/certs" && pwd)

fingerprint() { # of a sample, as openssl says
	openssl x509 -in "$certs/$1.crt" -noout -fingerprint -sha256 |
	    sed 's/.*=//; s/://g'
}
pem() { # NAME... - do standard output's certificates equal these?
	for name; do
		openssl x509 -in "$certs/$name.crt"
	done | cmp -s - "$work/out"
}

configure() { # configure OPTIONS-OF-KEYS
	cat >"$work/conf" <<END
state = "$work/state";
user = "";
keys = { $1 };
policy = ( { name = "all"; seal = [ "smime" ]; } );
END
}
fresh() { rm -rf "$work/state"; }

configure "smime_trust = \"$certs/ca.crt\";"
alice=$(fingerprint alice)
bob=$(fingerprint bob)

# --- what is taken

sealctl key import "$certs/alice.crt"
ok "a certificate in PEM is imported" is "$status" 0
ok "for the address in its subjectAltName" \
    line "imported $alice for alice@example.org"
sealctl key import "$certs/alice.crt"
ok "imported again, it is unchanged" \
    line "unchanged $alice for alice@example.org"
sealctl key import "$certs/bundle.p7b"
ok "PKCS#7 in DER is taken, with the authority that is between" \
    line "imported $bob for bob@example.org"
ok "and authorities are no recipients" lines 1
openssl x509 -in "$certs/erin.crt" -outform DER -out "$work/erin.der"
sealctl key import "$work/erin.der" "$certs/frank.crt"
ok "DER is taken, and P-256 and P-384" lines 2
sealctl key import "$certs/two.crt"
ok "all addresses count, canonical" \
    line "imported $(fingerprint two) for two@example.org, two@example.net"
sealctl key import "$certs/utf8.crt"
ok "SmtpUTF8Mailbox counts" out "for grün@example.org"

sealctl key find --smime alice@example.org
ok "it is found" out "usable: $alice (source \"store\")"
sealctl key find --smime Alice@EXAMPLE.ORG
ok "whatever the spelling" is "$status" 0
sealctl key find alice@example.org
ok "but not as an OpenPGP key" line "no key"
sealctl key find --smime mallory@example.org
ok "nor for anybody else" line "no key"
sealctl key find --smime bob@example.org
ok "one that an authority below the trusted one issued is usable" \
    is "$status" 0

sealctl key list
ok "they are listed with their state" \
    out "$alice  alice@example.org  (usable until 2099-01-01)"
sealctl key show alice@example.org
ok "a page names the certificate" line "certificate  $alice"
ok "its subject and issuer" \
    line "subject      CN=Alice (issued by CN=Test authority)"
ok "and its algorithm" out "rsa2048, made on 2024-01-01"
sealctl key show --json alice@example.org
ok "and JSON its kind" json 'o[0]["kind"] == "smime" and o[0]["usable"]'
ok "and that it asks for no cipher" json 'not o[0]["wants_gcm"]'
sealctl key import "$certs/gcm.crt" "$certs/cbc-first.crt"
sealctl key show gcm@example.org
ok "S/MIME capabilities with AES-256-GCM are shown" \
    line "asks for     AES-256-GCM (its S/MIME capabilities)"
sealctl key show --json gcm@example.org
ok "also in JSON" json 'o[0]["wants_gcm"]'
sealctl key show --json cbc-first@example.org
ok "but not where CBC is named first" json 'not o[0]["wants_gcm"]'
sealctl policy explain --from a@example.net --to gcm@example.org
ok "explain tells the cipher" \
    line "  cipher      AES-256-GCM, as its certificate asks for"
sealctl policy explain --json --from a@example.net --to cbc-first@example.org
ok "also in JSON" json 'o["recipients"][0]["cipher"] == "aes256-cbc"'
sealctl key export alice@example.org
ok "it is exported as PEM" pem alice
sealctl key export bob@example.org
ok "with the authority between" pem bob ca-sub
sealctl key delete "$(echo "$alice" | sed 's/../&:/g; s/:$//')"
ok "a fingerprint as openssl writes it deletes it" is "$status" 0
sealctl key find --smime alice@example.org
ok "and it is gone" line "no key"

sealctl key import "$source/tests/keys/alice.asc" "$certs/alice.crt"
ok "OpenPGP and S/MIME stand side by side" lines 2
sealctl key find alice@example.org
ok "the OpenPGP key is found" out "subkey"
sealctl key find --smime alice@example.org
ok "and the certificate" out "$alice"

# --- what is not taken, and why

while IFS='|' read -r file why; do
	fresh
	sealctl key import "$certs/$file.crt"
	ok "$file.crt is rejected" is "$status" 1
	ok "$file.crt: $why" out "$why"
	sealctl key list
	ok "and is not in the store" lines 0
done <<'END'
expired|expired on 2024-03-01
future|not valid before 2090-01-01
sign-only|its key usage does not allow encryption (keyEncipherment)
ec-sign-only|its key usage does not allow encryption (keyAgreement)
server|its extended key usage is not for mail (emailProtection)
weak|RSA with 1024 bits is too short
p521|its key cannot be used here (P-521; this version does RSA, P-256 and P-384)
ed25519|its key is for signatures only (ED25519)
dsa|its key is for signatures only (DSA)
rsa-pss|its key is for signatures only (RSA-PSS)
x25519|its key cannot be used here (X25519; this version does RSA, P-256 and P-384)
no-san|it names no e-mail address
critical|it has a critical extension that is not known here
self|no authority in keys.smime_trust vouches for it (self-signed certificate), and it was not imported with --trust
ca|the certificate of an authority
END
fresh
cat "$certs/of-web.crt" "$certs/ca-web.crt" >"$work/of-web.pem"
sealctl key import "$work/of-web.pem"
ok "an authority for servers does not vouch for a mailbox" out "no authority"
sealctl key import "$certs/bob.crt"
ok "nor does one that is not there" out "unable to get local issuer"
configure "smime_trust = \"$certs/ca-pss.crt\";"
sealctl key import "$certs/of-pss.crt"
ok "an authority may sign with RSA-PSS" is "$status" 0
configure "smime_trust = \"$certs/ca.crt\";"
sealctl key import --subject-address "$certs/no-san.crt"
ok "with --subject-address the address in the subject counts" \
    line "imported $(fingerprint no-san) for no-san@example.org"
sealctl key import --trust "$certs/self.crt"
ok "with --trust no authority has to vouch" is "$status" 0
sealctl key find --smime self@example.org
ok "and it is used" is "$status" 0
sealctl key import --trust "$certs/expired.crt"
ok "but --trust makes nothing of what has expired" is "$status" 1
sealctl key import --address eve@example.org "$certs/alice.crt"
ok "no certificate is bound to an address that it does not name" \
    out "it does not name the address eve@example.org"
for broken in "-----BEGIN CERTIFICATE-----" ""; do
	{
		echo "$broken"
		head -c 400 "$certs/alice.crt" | tail -n +2
	} >"$work/broken"
	sealctl key import "$work/broken"
	ok "what is broken is refused" is "$status" 1
done
head -c 300 "$work/erin.der" >"$work/broken"
sealctl key import "$work/broken"
ok "also in DER" err "there is no X.509 certificate in it that can be read"

# --- who vouches

fresh
configure ""
sealctl key import "$certs/alice.crt"
ok "without smime_trust nobody vouches" \
    out "no authority is trusted (keys.smime_trust)"
mkdir "$work/trust"
cp "$certs/ca.crt" "$work/trust"
configure "smime_trust = \"$work/trust\";"
sealctl key import "$certs/alice.crt" "$certs/revoked.crt"
ok "a directory of authorities does" is "$status" 0
configure ""
sealctl key find --smime alice@example.org
ok "when it is not trusted any more, the certificate is not used" \
    is "$status" 1
sealctl key list
ok "and the list says so" out "unusable: no authority is trusted"
configure "smime_trust = \"$work/none\";"
sealctl key find --smime alice@example.org
ok "a file that is not there is a fault, not an answer" is "$status" 75
ok "that names it" out "$work/none"
configure "smime_trust = \"$certs/alice.key\";"
sealctl key find --smime alice@example.org
ok "so is one without certificates" \
    out "there is no CA certificate in it"

# --- what is revoked

configure "smime_trust = \"$certs/ca.crt\"; crl_files = [ \"$certs/ca.crl\" ];"
sealctl key find --smime alice@example.org
ok "what the CRL does not name is used" is "$status" 0
sealctl key find --smime revoked@example.org
ok "what it names is not" out "revoked, says its authority"
sealctl key import --trust "$certs/revoked.crt"
ok "nor with --trust" out "revoked, says its authority"
configure "smime_trust = \"$certs/ca.crt\";
    crl_files = \"$certs/ca-old.crl\";"
sealctl key find --smime alice@example.org
ok "a CRL that is out of date says nothing, which is a deferral" \
    is "$status" 75
ok "and says so" out "CRL has expired"
configure "smime_trust = \"$certs/ca.crt\"; crl_files = \"$certs/ca.crt\";"
sealctl key find --smime alice@example.org
ok "a file without a CRL is a fault" out "there is no CRL in it"

echo "1..$count"
[ "$failed" -eq 0 ]
