#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Which folder may include what, and where each library lives.
. "$(dirname "$0")/lint.sh"

# Lines "FILE INCLUDED" of everything that is included.
includes() {
	product_sources | xargs awk '
	/^[ \t]*#[ \t]*include/ {
		name = $0
		sub(/^[^<"]*[<"]/, "", name)
		sub(/[>"].*$/, "", name)
		print FILENAME, name
	}'
}

# layer FOLDER ALLOWED - of our own folders.
layer() {
	ok "$1/ includes nothing of ours but ${2:-its own headers}" \
	    "$(includes | awk -v folder="$1" -v allowed=" $1 $2 " '
	    index($1, folder "/") == 1 &&
	    match($2, /^(policy|keys|seal|mailbox|milter|ctl|tests)\//) {
		split($2, part, "/")
		if (index(allowed, " " part[1] " ") == 0)
			print $1 " includes " $2
	    }')"
}

# home LIBRARY HEADER FILES - extended regular expressions.
home() {
	ok "$1 is at home in $3 only" "$(includes |
	    awk -v header="^($2)\$" -v files="^($3)\$" \
		'$2 ~ header && $1 !~ files { print $1 " includes " $2 }')"
}

layer policy ""
layer keys "policy"
layer seal "keys policy"
layer mailbox "seal keys policy"
layer milter "seal keys policy"

home libmilter 'libmilter/mfapi\.h' 'milter/(mta\.[ch]|callbacks\.h)'
home RNP 'rnp/.*' 'seal/(pgp|unseal)_rnp\.c'
home GPGME 'gpgme\.h' \
    'keys/(gpg_home|describe|inspect|gnupg).*\.[ch]|seal/(pgp|unseal)_gpgme\.c'
home SQLite 'sqlite3\.h' 'keys/store.*\.[ch]'
home GMime 'gmime/.*' 'seal/(subject|named|already|legacy|envelope_open)\.c'
home libconfig 'libconfig\.h' \
    'policy/(policy|option)[a-z_]*\.[ch]|milter/config[a-z_]*\.[ch]|ctl/policy\.c'
home OpenSSL 'openssl/.*' \
    'keys/.*\.c|seal/.*\.c|mailbox/.*\.c|keys/x509_(facts|id)\.h|seal/pgp_pkesk\.h|milter/(journal(_id)?|mark)\.c'
# X.509 and CMS are large, and what they parse is written by strangers.
home 'X.509 and CMS' 'openssl/(x509.*|pem|pkcs7|cms|asn1.*)\.h' \
    'keys/(x509|authorities).*\.[ch]|seal/(cms.*|already_cms)\.c'
home libcurl 'curl/.*' 'ctl/fetch\.c|mailbox/imap_wire\.c'
home syslog 'syslog\.h' 'milter/.*\.[ch]|ctl/mailbox_watch\.c'

ok "policy/, keys/, seal/ and mailbox/ neither print nor exit" "$(
	grep -nE '(^|[^a-z_])(printf|fprintf|perror|puts|syslog|exit|abort)[ ]*\(' \
	    policy/*.c keys/*.c seal/*.c mailbox/*.c | grep -v '^[^:]*:[0-9]*: \*')"

done_testing
