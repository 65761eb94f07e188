#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The manual pages are good mdoc, and point to pages that exist.
. "$(dirname "$0")/lint.sh"
need mandoc

for page in doc/*.[1-9]; do
	ok "$page has no fault" "$(mandoc -T lint -W warning "$page" 2>&1)"
	title=$(sed -n 's/^\.Dt \([^ ]*\) .*/\1/p' "$page" | tr '[:upper:]' '[:lower:]')
	section=$(sed -n 's/^\.Dt [^ ]* \([1-9]\).*/\1/p' "$page")
	ok "$page is named after its title" \
	    "$([ "$page" = "doc/$title.$section" ] || echo "$title.$section")"
done

# Pages of ours that others name.
ok "references among our pages are right" "$(
	sed -n 's/^\.Xr \(seal[a-z.]*\) \([1-9]\).*/\1.\2/p' doc/*.[1-9] |
	    sort -u | while read -r page; do
		[ -e "doc/$page" ] || echo "$page"
	    done)"

done_testing
