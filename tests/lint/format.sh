#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The form of the sources, as .clang-format has it. Versions differ, so it is
# one of them.
. "$(dirname "$0")/lint.sh"
need clang-format-14

for file in $(product_sources) tests/*.h tests/*/*.[ch]; do
	[ -e "$file" ] || continue
	ok "$file has the form of .clang-format" \
	    "$(clang-format-14 --dry-run -Werror "$file" 2>&1)"
done

ok "no line ends with a blank" "$(
	grep -rnE '[ 	]+$' --include='*.[ch158]' --include='*.sh' \
	    --include='*.py' --include='*.am' --include='*.ac' \
	    --include='*.conf' --exclude=aclocal.m4 \
	    policy keys seal milter ctl doc contrib tests ./*.a[cm])"

done_testing
