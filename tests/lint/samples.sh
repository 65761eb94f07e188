#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The samples for Sendmail are what m4 takes, and what is written about copies
# has the lines of the samples.
. "$(dirname "$0")/lint.sh"
need m4

# Sendmail's own macros, reduced to what is given to them. It has switched off
# comments by then, so that what stands behind # is read as well.
prelude() {
	cat <<'END'
divert(-1)
changecom()
define(`INPUT_MAIL_FILTER', `X$1, $2
')
define(`DAEMON_OPTIONS', `O DaemonPortOptions=$1
')
divert(0)dnl
END
}

expanded() {
	(prelude && sed "$1" contrib/sendmail/sealmilter.mc &&
	    echo 'confMILTER_LOG_LEVEL') | m4 2>&1
}

want='Xsealmilter, S=local:/run/sealmilter/milter.sock, F=T, T=C:10s;S:60s;R:60s;E:5m
8'

ok "contrib/sendmail/sealmilter.mc defines the filter and the log level" "$(
	[ "$(expanded '')" = "$want" ] || expanded '')"

want='Xsealmilter, S=local:/run/sealmilter/milter.sock, F=T, T=C:10s;S:60s;R:60s;E:5m
O DaemonPortOptions=Name=MTA
O DaemonPortOptions=Name=Seal, Addr=127.0.0.1, Port=10026, InputMailFilters=
8'
ok "and, without dnl, the daemon that takes copies" "$(
	[ "$(expanded 's/^dnl \(DAEMON_OPTIONS\)/\1/')" = "$want" ] ||
	    expanded 's/^dnl \(DAEMON_OPTIONS\)/\1/')"

# without_blanks FILE - its lines, as they stand in another place.
without_blanks() {
	sed -E 's/^ +//' "$1"
}

copies_lines() {
	sed -n '/^127.0.0.1:10026 /,/^$/p' contrib/postfix/master.cf.example |
	    sed -E '/^$/d; s/^ +//'
	sed -nE "s/^dnl (DAEMON_OPTIONS.*)dnl$/\1/p" \
	    contrib/sendmail/sealmilter.mc
}

ok "the samples have lines for copies" \
    "$([ "$(copies_lines | wc -l)" -gt 10 ] || copies_lines)"
for file in README doc/sealmilter.8; do
	ok "$file has them too" "$(copies_lines | while read -r line; do
		without_blanks "$file" | grep -qxF -e "$line" || echo "$line"
	done)"
done

done_testing
