#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What the page never does: make elements of text, run what it was given, ask
# the network, keep anything. And what its build stands on.
. "$(dirname "$0")/lint.sh"

# Sources as "FILE:LINE:code", without comments.
code() {
	awk '{
		sub(/(^|[ \t])\/\/.*/, "")
		print FILENAME ":" FNR ":" $0
	}' viewer/*.js
	grep -n '' viewer/template.html | sed 's/^/viewer\/template.html:/'
}

# ban WHAT REASON [FILES] - an extended regular expression; files that may.
ban() {
	ok "nothing in viewer/ has $1${3:+ but $3}: $2" \
	    "$(code | grep -E -e "$1" | grep -vE "^viewer/(${3:-none}):")"
}

ban '(inner|outer)HTML *[+]?=[^=]' 'text gets in as text'
ban 'outerHTML|innerHTML' 'text gets in as text' 'clean\.js'
ban 'insertAdjacentHTML|document\.write|createContextualFragment|setHTML' \
    'text gets in as text'
ban 'DOMParser' "strangers' HTML is for the frame" 'clean\.js'
ban 'srcdoc|iframe' "strangers' HTML is for the frame" '(frame|clean)\.js'
ban '(^|[^A-Za-z])eval|new Function|import\(|Worker\(' 'no code from data'
ban 'setTimeout\(["`]|javascript:' 'no code from data'
ban '[^A-Za-z]on[a-z]+=' 'no handlers in attributes'
ban 'fetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|RTCPeer' \
    'it asks nobody'
ban 'localStorage|sessionStorage|indexedDB|cookie|caches\.' 'it keeps nothing'
ban 'location(\.href|\.hash)? *=[^=]|window\.open|postMessage' \
    'it leads nowhere'
ban 'console\.|debugger|alert\(' 'it has nothing to tell a log'
ban 'allow-scripts' 'not even by accident'

ok "files in viewer/ have at most 600 lines, and say what they are" "$(
	wc -l viewer/*.js viewer/*.mjs viewer/*.css |
	    awk '$2 != "total" && $1 > 600'
	for file in viewer/*.js viewer/*.mjs viewer/*.sh tests/viewer/*.mjs; do
		head -n 3 "$file" | grep -q SPDX-License-Identifier ||
		    echo "$file: no licence"
	done)"
ok "no line ends with a blank" "$(grep -nE '[ 	]+$' viewer/*.[jmch]*s* \
    viewer/*.html tests/viewer/* tests/browser/*.txt)"
ok "all files of viewer/ are in Makefile.am" "$(
	for file in viewer/*.js viewer/*.mjs viewer/*.css viewer/*.sh; do
		grep -qF "$file" Makefile.am || echo "$file"
	done)"
ok "versions of packages are fixed" "$(
	grep -E '"[~^*><]|latest' viewer/package.json)"
ok "the lockfile knows hashes, and no place to load from" "$(
	grep -nE '"resolved"|tarball|registry' viewer/package-lock.json
	grep -q '"integrity": "sha512-' viewer/package-lock.json || echo none)"

done_testing
