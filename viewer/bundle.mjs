// SPDX-License-Identifier: BSD-2-Clause
//
// Makes page.html of the sources: one script, one style, and a policy that
// lets run nothing but that script.
//
//     node bundle.mjs PACKAGES SOURCES PAGE
//
// PACKAGES is the folder with node_modules, SOURCES the one with template.html.

import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { Script } from "node:vm";

const [packages, sources, page] = process.argv.slice(2).map((p) => resolve(p));
const esbuild = createRequire(join(packages, "package.json"))("esbuild");

function built(file, options) {
	const result = esbuild.buildSync({
		entryPoints: [join(sources, file)],
		absWorkingDir: sources,
		nodePaths: [join(packages, "node_modules")],
		bundle: true,
		minify: true,
		charset: "utf8",
		legalComments: "none",
		write: false,
		logLevel: "warning",
		...options,
	});
	return result.outputFiles[0].text.trim();
}

function hashOf(text) {
	return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

// The style of the page could go by a hash, but the frame that shows HTML of
// the message inherits this policy, and mail is full of style attributes.
function policyFor(script) {
	return ["default-src 'none'", `script-src ${hashOf(script)}`,
	    "style-src 'unsafe-inline'", "img-src data: blob:",
	    "frame-src 'none'", "connect-src 'none'", "form-action 'none'",
	    "base-uri 'none'"].join("; ");
}

// In an element "script", "<!--" and "<script" change where it ends. esbuild
// leaves them in regular expressions and strings, where this means the same.
function embeddable(script) {
	const safe = script.replace(/<(?=!--|\/?script)/gi, "\\x3C");
	new Script(safe);	// which would not parse if it were elsewhere
	return safe;
}

const script = embeddable(built("main.js",
    { format: "iife", target: ["es2020"] }));
const style = built("style.css", { target: ["chrome100", "firefox100", "safari15"] });
if (/<\/?script|<!--|@JWE@/i.test(script) || /<\/style|@JWE@/i.test(style))
	throw new Error("script or style would end the element it is in");

const html = readFileSync(join(sources, "template.html"), "utf8")
    .replace("@POLICY@", () => policyFor(script))
    .replace("@STYLE@", () => style)
    .replace("@SCRIPT@", () => script);
if (html.split("@JWE@").length !== 2)
	throw new Error("the page has not exactly one place for the envelope");
writeFileSync(`${page}.new`, html);
renameSync(`${page}.new`, page);
