# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What the lint tests share; they source it. Afterwards the working directory
# is the top of the sources, and $build the build directory.
set -u

build=$(cd "${top_builddir:-.}" && pwd)
cd "$(dirname "$0")/../.." || exit 1
export build

lint_count=0
lint_failed=0

# ok NAME COMPLAINTS - passes if there are no complaints.
ok() {
	lint_count=$((lint_count + 1))
	if [ -z "$2" ]; then
		echo "ok $lint_count - $1"
	else
		echo "not ok $lint_count - $1"
		printf '%s\n' "$2" | head -n 50 | sed 's/^/# /'
		lint_failed=$((lint_failed + 1))
	fi
}

done_testing() {
	echo "1..$lint_count"
	[ "$lint_failed" -eq 0 ]
}

# need PROGRAM... - the whole test is skipped where one is missing.
need() {
	for need_program; do
		if ! command -v "$need_program" >/dev/null 2>&1; then
			echo "1..0 # SKIP $need_program is not installed"
			exit 0
		fi
	done
}

# The sources of the programs.
product_sources() {
	ls policy/*.[ch] keys/*.[ch] seal/*.[ch] mailbox/*.[ch] \
	    milter/*.[ch] ctl/*.[ch]
}

# What pkg-config knows of the libraries, and where config.h is.
compile_flags() {
	echo "-std=gnu11 -D_GNU_SOURCE -DHAVE_CONFIG_H -I$build -I." \
	    "-DSYSCONFDIR=\"/etc\" -DLOCALSTATEDIR=\"/var\"" \
	    "-DPKGDATADIR=\"/usr/share/sealmilter\""
	pkg-config --cflags glib-2.0 libconfig libcrypto sqlite3 gpgme \
	    gmime-3.0 libidn2 2>/dev/null
	pkg-config --cflags librnp 2>/dev/null || true
}
