// SPDX-License-Identifier: BSD-2-Clause
//
// The examples of doc/sealed-envelope.5, by which others write readers.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import "./crypto.mjs";
import { openEnvelope } from "../../viewer/jose.js";
import { normalise } from "../../viewer/passphrase.js";

const manual = readFileSync(
    new URL("../../doc/sealed-envelope.5", import.meta.url), "utf8");

// [{ typed, passphrase, message, jwe, … }], the lines of a value put together.
function examples() {
	const [, text] = manual.split("\n.Sh EXAMPLES\n");
	return [...text.matchAll(/^\.Bd [^\n]*\n(typed .*?)^\.Ed/gms)].map((match) => {
		const values = {};
		let name = null;
		for (const line of match[1].trimEnd().split("\n")) {
			const [, first, rest] = /^(\S*)\s+(\S+)$/.exec(line);
			name = first || name;
			values[name] = (values[name] ?? "") + rest;
		}
		return values;
	});
}

const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
const words = (hex) => Buffer.from(hex, "hex").toString("utf8");

test("the manual has examples", () => {
	assert.ok(examples().length >= 2);
});

for (const [i, example] of examples().entries()) {
	test(`what is typed in example ${i + 1} has the form that it says`, () => {
		assert.equal(normalise(words(example.typed)),
		    words(example.passphrase));
	});

	test(`the page's code opens example ${i + 1}`, async () => {
		assert.deepEqual(await openEnvelope(example.jwe,
		    words(example.passphrase)), bytes(example.message));
	});
}
