#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Makes the certificates of the tests: NAME.crt, and NAME.key to open what was
# sealed.  The results are committed, because their dates matter; run this
# only to add some.  What exists is kept.
#
# usage: make-certs.sh [DIRECTORY]
set -eu

out=$(cd "${1:-$(dirname "$0")}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/conf" <<END
[ca]
default_ca = any
[any]
database = $work/index
rand_serial = yes
new_certs_dir = $work
default_md = sha256
policy = any_policy
unique_subject = no
default_crl_days = 27000
default_days = 27000
copy_extensions = copy
[any_policy]
commonName = supplied
emailAddress = optional
[req]
distinguished_name = dn
prompt = no
[dn]
END
touch "$work/index"

make_key() { # NAME ALGORITHM
	case $2 in
	rsa-pss) openssl genpkey -quiet -algorithm RSA-PSS \
		-pkeyopt rsa_keygen_bits:2048 -out "$out/$1.key" ;;
	rsa*) openssl genpkey -quiet -algorithm RSA \
		-pkeyopt "rsa_keygen_bits:${2#rsa}" -out "$out/$1.key" ;;
	dsa)
		openssl genpkey -quiet -genparam -algorithm DSA \
		    -pkeyopt dsa_paramgen_bits:2048 -out "$work/dsa"
		openssl genpkey -quiet -paramfile "$work/dsa" \
		    -out "$out/$1.key"
		;;
	p*) openssl genpkey -quiet -algorithm EC \
		-pkeyopt "ec_paramgen_curve:P-${2#p}" -out "$out/$1.key" ;;
	*) openssl genpkey -quiet -algorithm "$2" -out "$out/$1.key" ;;
	esac 2>/dev/null
}

# issue NAME ALGORITHM SUBJECT ISSUER EXTENSIONS [START END]
issue() {
	test -e "$out/$1.crt" && return 0
	make_key "$1" "$2"
	printf '%s\n' "$5" >"$work/ext"
	openssl req -new -config "$work/conf" -key "$out/$1.key" -subj "$3" \
	    -out "$work/req"
	openssl ca -batch -notext -config "$work/conf" -in "$work/req" \
	    -cert "$out/$4.crt" -keyfile "$out/$4.key" -extfile "$work/ext" \
	    -startdate "${6:-20240101000000Z}" \
	    -enddate "${7:-20990101000000Z}" -out "$out/$1.crt" 2>/dev/null
}

san() { # ADDRESS USAGE [EXTENDED]
	printf 'subjectAltName = %s\nkeyUsage = critical, %s\n' "$1" "$2"
	printf 'extendedKeyUsage = %s\n' "${3:-emailProtection}"
}


rsa='digitalSignature, keyEncipherment'
ec='digitalSignature, keyAgreement'

# Signed by itself.
self() { # NAME SUBJECT EXTENSIONS [ALGORITHM]
	test -e "$out/$1.crt" && return 0
	make_key "$1" "${4:-rsa2048}"
	printf '%s\n' "$3" >"$work/ext"
	openssl req -new -config "$work/conf" -key "$out/$1.key" -subj "$2" \
	    -out "$work/req"
	openssl ca -batch -notext -config "$work/conf" -in "$work/req" \
	    -selfsign -keyfile "$out/$1.key" -extfile "$work/ext" \
	    -startdate 20240101000000Z -enddate 20990101000000Z \
	    -out "$out/$1.crt" 2>/dev/null
}

authority='basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash'

self ca "/CN=Test authority" "$authority"
issue ca-sub rsa2048 "/CN=Test authority for mail" ca "$authority"
issue ca-web rsa2048 "/CN=Test authority for servers" ca "$authority
extendedKeyUsage = serverAuth"
self ca-pss "/CN=Test authority with RSA-PSS" "$authority" rsa-pss
self self "/CN=Self" "basicConstraints = CA:TRUE
subjectAltName = email:self@example.org
keyUsage = $rsa"

issue alice rsa2048 "/CN=Alice" ca "$(san email:alice@example.org "$rsa")"
issue bob rsa2048 "/CN=Bob" ca-sub "$(san email:bob@example.org "$rsa")"
issue erin p256 "/CN=Erin" ca "$(san email:erin@example.org "$ec")"
issue frank p384 "/CN=Frank" ca "$(san email:frank@example.org "$ec")"
issue two rsa2048 "/CN=Two" ca \
    "$(san 'email:two@example.org, email:Two@EXAMPLE.net' "$rsa")"
issue utf8 rsa2048 "/CN=Utf8" ca "$(san @names "$rsa")
[names]
otherName = 1.3.6.1.5.5.7.8.9;FORMAT:UTF8,UTF8:grün@example.org"
issue expired rsa2048 "/CN=Expired" ca \
    "$(san email:expired@example.org "$rsa")" 20240101000000Z 20240301000000Z
issue future rsa2048 "/CN=Future" ca \
    "$(san email:future@example.org "$rsa")" 20900101000000Z 20990101000000Z
issue sign-only rsa2048 "/CN=Sign only" ca \
    "$(san email:sign-only@example.org digitalSignature)"
issue ec-sign-only p256 "/CN=EC sign only" ca \
    "$(san email:ec-sign-only@example.org digitalSignature)"
issue server rsa2048 "/CN=Server" ca \
    "$(san email:server@example.org "$rsa" serverAuth)"
issue weak rsa1024 "/CN=Weak" ca "$(san email:weak@example.org "$rsa")"
issue p521 p521 "/CN=P-521" ca "$(san email:p521@example.org "$ec")"
issue no-san rsa2048 "/CN=No SAN/emailAddress=no-san@example.org" ca \
    "keyUsage = critical, $rsa"
issue ed25519 ed25519 "/CN=Ed25519" ca \
    "$(san email:ed25519@example.org digitalSignature)"
issue dsa dsa "/CN=DSA" ca "$(san email:dsa@example.org digitalSignature)"
issue rsa-pss rsa-pss "/CN=RSA-PSS" ca \
    "$(san email:rsa-pss@example.org "$rsa")"
capabilities() { # OID... - in their order, RFC 4262
	printf '1.2.840.113549.1.9.15 = ASN1:SEQUENCE:all\n[all]\n'
	i=0
	for oid; do
		i=$((i + 1))
		printf '%s = SEQUENCE:of%s\n' "$i" "$i"
	done
	i=0
	for oid; do
		i=$((i + 1))
		printf '[of%s]\noid = OID:%s\n' "$i" "$oid"
	done
}
aes256_cbc=2.16.840.1.101.3.4.1.42
aes256_gcm=2.16.840.1.101.3.4.1.46
issue gcm rsa2048 "/CN=GCM" ca "$(san email:gcm@example.org "$rsa")
$(capabilities $aes256_gcm $aes256_cbc)"
issue gcm2 p256 "/CN=GCM too" ca "$(san email:gcm2@example.org "$ec")
$(capabilities 2.16.840.1.101.3.4.1.6 $aes256_gcm)"
issue cbc-first rsa2048 "/CN=CBC, then GCM" ca \
    "$(san email:cbc-first@example.org "$rsa")
$(capabilities $aes256_cbc $aes256_gcm)"
issue of-pss rsa2048 "/CN=Of the RSA-PSS authority" ca-pss \
    "$(san email:of-pss@example.org "$rsa")"
issue critical rsa2048 "/CN=Critical" ca \
    "$(san email:critical@example.org "$rsa")
1.2.3.4 = critical, ASN1:NULL"
issue of-web rsa2048 "/CN=Of the servers' authority" ca-web \
    "$(san email:of-web@example.org "$rsa")"
issue revoked rsa2048 "/CN=Revoked" ca "$(san email:revoked@example.org "$rsa")"
if ! test -e "$out/x25519.crt"; then
	# It cannot sign a request.
	make_key x25519 x25519
	openssl pkey -in "$out/x25519.key" -pubout -out "$work/pub"
	san email:x25519@example.org keyAgreement >"$work/ext"
	openssl x509 -new -subj "/CN=X25519" -force_pubkey "$work/pub" \
	    -CA "$out/ca.crt" -CAkey "$out/ca.key" -extfile "$work/ext" \
	    -days 27000 -out "$out/x25519.crt"
fi
crl() { # NAME START END
	openssl ca -config "$work/conf" -cert "$out/ca.crt" \
	    -keyfile "$out/ca.key" -gencrl -crl_lastupdate "$2" \
	    -crl_nextupdate "$3" -out "$out/$1" 2>/dev/null
}
if ! test -e "$out/ca.crl"; then
	openssl ca -config "$work/conf" -cert "$out/ca.crt" \
	    -keyfile "$out/ca.key" -revoke "$out/revoked.crt" 2>/dev/null
	crl ca.crl 20240101000000Z 20990101000000Z
	crl ca-old.crl 20240101000000Z 20240201000000Z
fi
test -e "$out/bundle.p7b" ||
    openssl crl2pkcs7 -nocrl -certfile "$out/bob.crt" \
	-certfile "$out/ca-sub.crt" -certfile "$out/ca.crt" \
	-outform DER -out "$out/bundle.p7b"
# For gpgsm 2.2, which fails to decrypt one in a hundred such files: try what is
# made here with it.
test -e "$out/alice.p12" ||
    openssl pkcs12 -export -legacy -in "$out/alice.crt" \
	-inkey "$out/alice.key" -name alice -out "$out/alice.p12" \
	-passout pass:x
