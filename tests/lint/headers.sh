#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Each header compiles by itself, and is guarded by its own name.
. "$(dirname "$0")/lint.sh"
need cc pkg-config

flags=$(compile_flags)
for header in $(product_sources | grep "\.h\$") tests/tap.h; do
	guard=$(echo "$header" | tr '[:lower:]/.' '[:upper:]__')
	# shellcheck disable=SC2086 # flags are words
	complaints=$(
		echo "#include \"$header\"" |
		    ${CC:-cc} $flags -fsyntax-only -Wall -Wextra -x c - 2>&1
		grep -q "^#ifndef $guard\$" "$header" ||
		    echo "no include guard $guard"
	)
	ok "$header compiles alone" "$complaints"
done

done_testing
