#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What shellcheck finds in our shell scripts.
. "$(dirname "$0")/lint.sh"
need shellcheck

scripts() {
	find .ci contrib tests -type f 2>/dev/null |
	    while read -r file; do
		case $(head -n 1 "$file" | tr -d '\0') in
		'#!/bin/sh'* | '#!/bin/bash'* | '#!/usr/bin/env bash'*)
			echo "$file"
			;;
		esac
	    done | sort
}

ok "there are scripts" "$([ -n "$(scripts)" ] || echo none)"
for file in $(scripts); do
	ok "shellcheck finds nothing in $file" \
	    "$(shellcheck -x -P SCRIPTDIR -S warning "$file" 2>&1)"
done

done_testing
