#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Small enough to be read: functions of at most 60 lines and a complexity
# (McCabe) of at most 15, files of at most 600 lines.
. "$(dirname "$0")/lint.sh"
need pmccabe

lines=60
mccabe=15
file_lines=600

# Functions that may be larger, each with its reason: "FILE NAME reason".
exceptions() {
	cat <<'END'
END
}

# mccabe statements first-line lines file(definition): name, see pmccabe(1)
too_large() {
	product_sources | grep '\.c$' | xargs pmccabe |
	    awk -v lines=$lines -v mccabe=$mccabe '
	    $2 > mccabe || $5 > lines {
		file = $6
		sub(/\(.*/, "", file)
		print file, $NF, "complexity", $2 ", " $5, "lines"
	    }'
}

excepted() {
	exceptions | cut -d' ' -f1,2
}

ok "functions have at most $lines lines and complexity $mccabe" "$(
	too_large | while read -r file name rest; do
		excepted | grep -qxF "$file $name" || echo "$file $name $rest"
	done)"
ok "every exception is still needed" "$(
	excepted | while read -r file name; do
		too_large | grep -q "^$file $name " || echo "$file $name"
	done)"
ok "files have at most $file_lines lines" "$(
	product_sources | xargs wc -l |
	    awk -v lines=$file_lines '$2 != "total" && $1 > lines')"
ok "every source says what it is, and its licence" "$(
	for file in $(product_sources); do
		head -n 3 "$file" | grep -q 'SPDX-License-Identifier' ||
		    echo "$file: no licence"
	done
	for file in $(product_sources | grep '\.c$'); do
		head -n 20 "$file" | grep -q '^ \* Never:' ||
		    echo "$file: does not say In, Out, Never"
	done)"

done_testing
