#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# fuzz.sh - build every target with libFuzzer and run it for FUZZ_SECONDS.
# `make fuzz` calls it in the build directory, with FUZZ_CFLAGS and FUZZ_LIBS.
# What it finds is kept in fuzz/found, what it learned in fuzz/corpus.
#
# usage: fuzz.sh [TARGET...]
set -eu

top=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
seconds=${FUZZ_SECONDS:-60}
instrument='-std=gnu11 -g -O1 -fno-omit-frame-pointer
    -fsanitize=address,undefined -fno-sanitize-recover=all
    -DSYSCONFDIR=FUZZ_DIR -DLOCALSTATEDIR=FUZZ_DIR
    -DPKGDATADIR=FUZZ_DIR'
failed=0

for cc in "${FUZZ_CC:-}" clang clang-14; do
	[ -n "$cc" ] && command -v "$cc" >/dev/null && break
	cc=
done
if [ -z "$cc" ]; then
	echo "fuzz.sh: there is no clang; FUZZ_CC names one" >&2
	exit 2
fi

# All of the product that a target may need, once.
mkdir -p fuzz/objects fuzz/corpus fuzz/found
for file in embedded/*.c "$top"/policy/*.c "$top"/keys/*.c "$top"/seal/*.c \
    "$top"/mailbox/*.c \
    "$top"/milter/config*.c "$top"/milter/journal*.c "$top"/milter/smtp*.c; do
	case $file in
	*/seal/pgp_rnp.c) continue ;; # pgp_without_rnp.c is there
	esac
	# shellcheck disable=SC2086 # flags are words
	"$cc" $instrument '-DFUZZ_DIR="/nowhere"' -fsanitize=fuzzer-no-link \
	    -I"$top" -I. ${FUZZ_CFLAGS:-} -c "$file" \
	    -o "fuzz/objects/$(basename "$file" .c).o"
done
rm -f fuzz/libfuzzed.a
ar -rc fuzz/libfuzzed.a fuzz/objects/*.o

if [ $# -eq 0 ]; then
	set -- armor cms material packet message protect legacy envelope address config \
	    examine journal smtp x509
fi
for target; do
	mkdir -p "fuzz/corpus/$target"
	# shellcheck disable=SC2086 # flags are words
	"$cc" $instrument '-DFUZZ_DIR="/nowhere"' -fsanitize=fuzzer -I"$top" -I. \
	    ${FUZZ_CFLAGS:-} "$top/tests/fuzz/fuzz_$target.c" \
	    fuzz/libfuzzed.a ${FUZZ_LIBS:-} -o "fuzz/fuzz_$target"
	leaks=1
	[ "$target" = config ] && leaks=0 # libconfig's: looking is slow
	"fuzz/fuzz_$target" -detect_leaks=$leaks -max_total_time="$seconds" -timeout=10 \
	    -max_len=8192 -print_final_stats=1 \
	    -artifact_prefix="fuzz/found/$target-" \
	    "fuzz/corpus/$target" "$top/tests/fuzz/seeds/$target" || failed=1
done
exit $failed
