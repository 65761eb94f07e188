// SPDX-License-Identifier: BSD-2-Clause
//
// Packages of the lockfile, where the build put them. A build from a release,
// which carries the page, does without.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const folder = resolve(process.env.top_builddir ?? ".", "viewer", "npm");

function load(name) {
	if (!existsSync(join(folder, "node_modules", name)))
		return null;
	const require = createRequire(join(folder, "package.json"));
	return import(pathToFileURL(require.resolve(name)));
}

export const jose = await load("jose");
export const skip = jose ? false :
    "the npm package jose is not installed: build from a clone, not a release";
