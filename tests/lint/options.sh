#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Manuals and sample know what the programs know, and nothing else.
. "$(dirname "$0")/lint.sh"

# Options that are parsed to say that they are not there.
absent='parse_not_here'

parsed() {
	sed -nE 's/^[ \t]*\{"([a-z_]+)", ((config_)?(parse|matcher)_[a-z_]+)\},?$/\1 \2/p' \
	    milter/config_options.c milter/config_passphrase.c \
	    policy/policy_parse.c |
	    grep -vE " ($absent)\$" | cut -d' ' -f1 | sort -u
}

in_manual() {
	sed -nE 's/^\.(It )?Ic //p' doc/sealmilter.conf.5 |
	    grep -E '^[a-z_]+ No = | Ic [a-z_]+ No = ' |
	    sed -E 's/^/Ic /' | grep -oE 'Ic [a-z_]+ No =' |
	    cut -d' ' -f2 | sort -u
}

in_sample() {
	grep -oE '(^#?|[{#;,] *)[a-z_]+ *=' contrib/sealmilter.conf |
	    grep -oE '[a-z_]+' | sort -u
}

# only THOSE THESE - what the first command prints and the second does not.
only() {
	these=$($2)
	for name in $($1); do
		echo "$these" | grep -qx "$name" || echo "$name"
	done
}

# Rows {"word", ctl_word, "import|export ...", ...} of the table in main.c.
commands() {
	tr '\n' ' ' <ctl/main.c | grep -oE '\{"[a-z]+", ctl_[a-z]+, "[^"]*"' |
	    sed -E 's/^\{"//; s/", ctl_[a-z]+, "/ /; s/ \.\.\."$//; s/"$//' |
	    sed -E 's/--.*//' | tr '| ' '\n\n' | grep -E '^[a-z]+$' | sort -u
}

# Long options: rows {"word", required_argument, ...}.
long_options() {
	sed -nE 's/^[ \t]*\{"([a-z-]+)", (no|required|optional)_argument,.*$/\1/p' \
	    ctl/*.c | sort -u
}

undocumented_commands() {
	for word in $(commands); do
		grep -E '^\.(It )?(Cm|Nm)' doc/sealctl.1 |
		    grep -qE "[ |]$word( |\$)" || echo "$word"
	done
}

undocumented_long_options() {
	for word in $(long_options); do
		grep -qE "Fl -$word( |\$)" doc/sealctl.1 || echo "--$word"
	done
}

ok "the parsers have options" "$([ "$(parsed | wc -l)" -gt 20 ] || parsed)"
ok "sealctl has commands" "$([ "$(commands | wc -l)" -gt 5 ] || commands)"
ok "every option is in sealmilter.conf.5" "$(only parsed in_manual)"
ok "sealmilter.conf.5 has no option that is not there" \
    "$(only in_manual parsed)"
ok "every option is in the sample" "$(only parsed in_sample)"
ok "the sample has no option that is not there" "$(only in_sample parsed)"
ok "every command of sealctl is in sealctl.1" "$(undocumented_commands)"
ok "every option of sealctl is in sealctl.1" "$(undocumented_long_options)"

# complaints FILE - of the daemon about a configuration.
complaints() {
	said=$("$build/sealmilter" -t -c "$1" 2>&1) || echo "$said"
}

if [ -x "$build/sealmilter" ]; then
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	ok "the sample is a configuration" \
	    "$(complaints contrib/sealmilter.conf)"
	sed -E 's/^#([a-z_]+ *=.*|  [a-z_]+ *=.*|\};)$/\1/' \
	    contrib/sealmilter.conf >"$work/all.conf"
	ok "the sample with every option is a configuration" \
	    "$(complaints "$work/all.conf")"
fi

done_testing
