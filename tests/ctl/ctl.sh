# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh disable=SC2034,SC2317 # for the tests that read this file
#
# What the tests of sealctl have in common: a folder that is gone at exit,
# TAP, and words for what came of the last command.
build=${top_builddir:-.}
source=${top_srcdir:-.}
work=$(mktemp -d) || exit 99
trap 'gpgconf --homedir "$work/gnupg" --kill all; rm -rf "$work"' EXIT
mkdir -m 700 "$work/gnupg"

count=0
failed=0
ok() { # ok NAME COMMAND... - passes if the command does
	name=$1
	shift
	count=$((count + 1))
	if "$@" >/dev/null 2>&1; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		sed 's/^/# /' "$work/out" "$work/err"
		failed=$((failed + 1))
	fi
}

# Runs sealctl; $status, $work/out and $work/err are what came of it.
sealctl() {
	"$build/sealctl" -c "$work/conf" "$@" >"$work/out" 2>"$work/err"
	status=$?
}
is() { [ "$1" = "$2" ]; }
out() { grep -qF -- "$1" "$work/out"; }
no_out() { ! out "$1"; }
silent() { [ ! -s "$work/out" ]; }
line() { grep -qxF -- "$1" "$work/out"; }
err() { grep -qF -- "$1" "$work/err"; }
lines() { [ "$(wc -l <"$work/out")" -eq "$1" ]; }
json() { # json EXPRESSION - of the object o
	python3 -c "import json; o = json.load(open('$work/out'))
assert $1, o"
}
