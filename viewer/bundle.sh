#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# bundle.sh SOURCES FOLDER - makes FOLDER/page.html from the sources of the
# page, with the packages of the lockfile, which npm puts into FOLDER/npm.
#
# NPM and NODE are the programs; empty if there are none.
set -eu

sources=$1
folder=$2
npm=$folder/npm

if [ -z "${NPM-}" ] || [ -z "${NODE-}" ]; then
	echo "viewer/page.html is to be built, which needs node and npm:" \
	    "install them (on Debian, nodejs and npm) and configure again" >&2
	exit 1
fi

mkdir -p "$npm"
if ! cmp -s "$sources/package-lock.json" "$npm/installed"; then
	rm -f "$npm/installed"
	cp "$sources/package.json" "$sources/package-lock.json" \
	    "$sources/.npmrc" "$npm/"
	if ! "$NPM" --prefix "$npm" ci --no-audit --no-fund --prefer-offline \
	    --fetch-retries=1 --fetch-retry-mintimeout=2000 \
	    >"$npm/npm.log" 2>&1; then
		cat "$npm/npm.log" >&2
		echo "npm could not install the packages of" \
		    "viewer/package-lock.json (see above). It asks the" \
		    "registry of your own npm configuration; a release" \
		    "carries the page, and needs no npm" >&2
		exit 1
	fi
	cp "$sources/package-lock.json" "$npm/installed"
fi
"$NODE" "$sources/bundle.mjs" "$npm" "$sources" "$folder/page.html"
