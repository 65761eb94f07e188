#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The page's modules, under node's own test runner.
node=$(command -v node || command -v nodejs)
if [ -z "$node" ]; then
	echo "1..0 # SKIP node is not installed"
	exit 0
fi
cd "$(dirname "$0")" && exec "$node" --test --test-reporter=tap ./*.test.mjs
