#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Functions that have no place here, and what to use instead.
. "$(dirname "$0")/lint.sh"

# Sources as "FILE:LINE:code", without strings and comments of one line.
code() {
	product_sources | xargs awk '{
		gsub(/"([^"\\]|\\.)*"/, "\"\"")
		sub(/\/\*.*\*\//, "")
		if ($0 !~ /^[ \t]*(\/?\*|\/\/)/)
			print FILENAME ":" FNR ":" $0
	}'
}

# ban NAMES INSTEAD - an extended regular expression of names.
ban() {
	ok "nobody calls $1: $2" \
	    "$(code | grep -E "[^A-Za-z0-9_]($1)[[:space:]]*\\(")"
}

ban 'system|popen|wordexp|execlp|execvp' 'no shell, no search'
ban 'strcpy|strcat|stpcpy|sprintf|vsprintf|gets' 'GString, snprintf'
ban 'strtok|strsep' 'g_strsplit, strcspn'
ban 'atoi|atol|atof|sscanf' 'g_ascii_string_to_unsigned'
ban 'mktemp|tmpnam|tempnam|tmpfile' 'O_TMPFILE, mkdtemp'
ban 'rand|srand|random|drand48' 'getentropy'
ban 'localtime|gmtime|ctime|asctime' 'g_date_time_*, the _r functions'
ban 'alloca' 'memory of a size that comes from outside'
ban 'malloc|calloc|realloc|strdup|strndup|asprintf' "GLib's, which cannot fail"

done_testing
