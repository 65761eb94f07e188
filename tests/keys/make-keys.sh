#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Makes the OpenPGP keys of the tests: NAME.asc is the public key, NAME.sec
# the secret key (without a passphrase, for opening what was sealed).  The
# results are committed, because their dates matter and because making them
# takes a while; run this only to add a key.  Keys that exist are kept.
#
# usage: make-keys.sh [DIRECTORY]
set -eu

out=$(cd "${1:-$(dirname "$0")}" && pwd)
GNUPGHOME=$(mktemp -d)
export GNUPGHOME
trap 'gpgconf --kill all; rm -rf "$GNUPGHOME"' EXIT
chmod 700 "$GNUPGHOME"

at() { # DATE gpg-arguments...
	when=$1
	shift
	gpg --batch --quiet --no-tty --pinentry-mode loopback --passphrase '' \
	    --faked-system-time "${when}T120000!" "$@"
}

fingerprint() { # USER-ID
	gpg --batch --quiet --with-colons --list-keys "=$1" |
	    awk -F: '$1 == "fpr" { print $10; exit }'
}

begins() { # NAME: true if it is to be made
	name=$1
	! test -e "$out/$name.asc"
}

make() { # DATE USER-ID ALGORITHM [SUBKEY-ALGORITHM [EXPIRES]]
	at "$1" --quick-gen-key "$2" "$3" sign,cert "${6:-never}"
	key=$(fingerprint "$2")
	if test -n "${4:-}"; then
		at "$1" --quick-add-key "$key" "$4" encr "${5:-never}"
	fi
}

finish() {
	gpg --batch --armor --export "$key" >"$out/$name.asc"
	gpg --batch --armor --pinentry-mode loopback --passphrase '' \
	    --export-secret-keys "$key" >"$out/$name.sec"
}

# edit KEY COMMAND...: gpg's own menu, one answer a line.
edit() {
	who=$1
	shift
	printf '%s\n' "$@" |
	    at 20240301 --command-fd 0 --edit-key "$who" >/dev/null 2>&1
}

if begins alice; then
	make 20240101 'Alice <alice@example.org>' ed25519 cv25519
	finish
fi
if begins bob; then
	make 20240101 'Bob <bob@example.org>' rsa3072 rsa3072
	finish
fi
if begins expired; then
	make 20240101 'Expired <expired@example.org>' ed25519 cv25519 \
	    2024-03-01 2024-03-01
	finish
fi
if begins expired-subkey; then
	make 20240101 'Expired Subkey <expired-subkey@example.org>' \
	    ed25519 cv25519 2024-03-01
	finish
fi
if begins two-subkeys; then
	# The old one for ever, the newer one is the one to use.
	make 20240101 'Two Subkeys <two-subkeys@example.org>' ed25519 cv25519
	at 20240201 --quick-add-key "$key" cv25519 encr never
	finish
fi
if begins revoked; then
	make 20240101 'Revoked <revoked@example.org>' ed25519 cv25519
	sed 's/^:---/---/' "$GNUPGHOME/openpgp-revocs.d/$key.rev" |
	    gpg --batch --quiet --import
	finish
fi
if begins revoked-subkey; then
	make 20240101 'Revoked Subkey <revoked-subkey@example.org>' \
	    ed25519 cv25519
	edit "$key" 'key 1' revkey y 0 '' y save
	finish
fi
if begins sign-only; then
	make 20240101 'Sign Only <sign-only@example.org>' ed25519
	finish
fi
if begins weak; then
	make 20240101 'Weak <weak@example.org>' rsa1024 rsa1024
	finish
fi
if begins future; then
	make 20900101 'Future <future@example.org>' ed25519 cv25519
	finish
fi
if begins carol; then
	make 20240101 'Carol <carol@example.org>' ed25519 cv25519
	at 20240102 --quick-add-uid "$key" 'Carol <carol@example.net>'
	at 20240103 --quick-add-uid "$key" 'Carol <carol@gone.example>'
	at 20240201 --quick-revoke-uid "$key" 'Carol <carol@gone.example>'
	finish
fi
if begins quoted; then
	make 20240101 'Dora <"Dora.X"@EXAMPLE.org>' ed25519 cv25519
	finish
fi
if begins mallory; then
	# Contains the address of another, and is not hers.
	make 20240101 'Mallory <alice@example.org.evil.example>' \
	    ed25519 cv25519
	at 20240102 --quick-add-uid "$key" 'alice@example.org.evil.example'
	finish
fi
if begins alice-second; then
	make 20240601 'Alice second <alice@example.org>' ed25519 cv25519
	finish
fi
if begins no-address; then
	make 20240101 'Somebody without an address' ed25519 cv25519
	finish
fi
if begins sha1; then
	at 20240101 --cert-digest-algo SHA1 \
	    --quick-gen-key 'Sha1 <sha1@example.org>' rsa2048 sign,cert never
	key=$(fingerprint 'Sha1 <sha1@example.org>')
	at 20240101 --cert-digest-algo SHA1 --quick-add-key "$key" rsa2048 encr \
	    never
	finish
fi
# One of each kind that OpenSSL seals to, and one that it does not.
for curve in nistp256 nistp384 nistp521 brainpoolP256r1; do
	if begins $curve; then
		make 20240101 "$curve <$curve@example.org>" ed25519 $curve
		finish
	fi
done
for bits in 2048 4096; do
	if begins rsa$bits; then
		make 20240101 "rsa$bits <rsa$bits@example.org>" ed25519 rsa$bits
		finish
	fi
done
