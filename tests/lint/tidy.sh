#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What clang-tidy (.clang-tidy) and cppcheck find.
. "$(dirname "$0")/lint.sh"
need clang-tidy-14 cppcheck pkg-config

flags=$(compile_flags)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Each file's findings in a file; two at a time, since it takes long.
product_sources | grep '\.c$' | {
	pkg-config --exists librnp && cat || grep -v '^seal/pgp_rnp'
} >"$work/files"
# shellcheck disable=SC2016,SC2086 # words of flags, expanded by that shell
xargs -P 2 -I '{}' sh -c '
	work=$1 file=$2
	shift 2
	clang-tidy-14 --quiet "$file" -- "$@" 2>/dev/null |
	    grep -E "warning:|error:" >"$work/$(echo "$file" | tr / _)"
' sh "$work" '{}' $flags <"$work/files"
while read -r file; do
	ok "clang-tidy finds nothing in $file" \
	    "$(cat "$work/$(echo "$file" | tr / _)")"
done <"$work/files"

# Users and groups are looked up before there are threads. In worker.c it
# takes a function's type for a number, and an output for an input.
# readdir() is safe on streams of one's own, readdir_r() is not (readdir_r(3));
# and no file is the right one for anonymous memory.
ok "cppcheck finds nothing" "$(
	# shellcheck disable=SC2046 # a list of files
	cppcheck --quiet --inline-suppr --std=c11 --language=c -I . \
	    --enable=warning,performance,portability --error-exitcode=1 \
	    --suppress=missingInclude --suppress=missingIncludeSystem \
	    --suppress=unknownMacro --library=gtk --library=posix \
	    --suppress=getpwnamCalled --suppress=getpwuidCalled \
	    --suppress=getgrnamCalled --suppress=readdirCalled \
	    --suppress=invalidFunctionArg:ctl/mailbox_run.c \
	    --suppress=AssignmentAddressToInteger:keys/worker.c \
	    --suppress=ctuuninitvar:keys/worker.c \
	    -DG_GNUC_PRINTF\(a,b\)= \
	    $(product_sources | grep '\.c$') 2>&1)"

done_testing
