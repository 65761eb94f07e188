// SPDX-License-Identifier: BSD-2-Clause

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { wordsFor } from "../../viewer/words.js";
import { normalise } from "../../viewer/passphrase.js";

test("the first language that is known is taken", () => {
	for (const [preferred, language, locale] of [
		[["de-AT", "en"], "de", "de-AT"], [["en-GB"], "en", "en-GB"],
		[["fr", "de"], "de", "de"], [["fr"], "en", "en"], [[], "en", "en"],
		[["__proto__", "constructor"], "en", "en"],
	]) {
		const say = wordsFor(preferred);
		assert.equal(say.language, language);
		assert.equal(say.locale, locale);
	}
});

test("all languages say the same things, and all that is asked for", () => {
	const english = Object.keys(wordsFor(["en"])).sort();
	assert.deepEqual(Object.keys(wordsFor(["de"])).sort(), english);
	const asked = ["template.html", "main.js", "show.js", "parts.js"]
	    .flatMap((name) => [...readFileSync(
	        new URL(`../../viewer/${name}`, import.meta.url), "utf8")
	        .matchAll(/\bsay\.(\w+)|data-say="(\w+)"/g)])
	    .map((match) => match[1] ?? match[2]);
	assert.deepEqual([...new Set([...asked, "language"])].sort(), english);
});

test("a passphrase has one form, however it is typed", () => {
	const TABLE = [
		["a b", "a b"], ["  a \t\n b\r\n", "a b"],
		["\u00a0a\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000b", "a b"],
		["u\u0308", "\u00fc"], ["\ufb01", "\ufb01"], ["A", "A"],
		// No blanks: what is not seen is not removed either.
		["\ufeffa\u200bb\u0085", "\ufeffa\u200bb\u0085"], ["", ""], ["  ", ""],
	];
	for (const [typed, normal] of TABLE)
		assert.equal(normalise(typed), normal);
});
