#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Words that are usually a slip.
. "$(dirname "$0")/lint.sh"
need codespell

# Words that are right here: mdoc's Nd, outputs (skipp, wrapp), fields of gpg.
right=sie,nd,ure,fpr,skipp,wrapp,bu,ist,subjec

# shellcheck disable=SC2046 # a list of files
ok "codespell finds nothing" "$(codespell --ignore-words-list "$right" \
    --skip '*.de.txt' \
    README NEWS contrib/HACKING contrib/sealmilter.conf contrib/*/* \
    contrib/build-deps contrib/check doc/* configure.ac Makefile.am \
    $(product_sources) tests/*.h tests/unit/*.c tests/lint/* \
    $(ls tests/*/*.py tests/*/*.sh 2>/dev/null) 2>&1)"

done_testing
