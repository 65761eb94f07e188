// SPDX-License-Identifier: BSD-2-Clause

import assert from "node:assert/strict";
import test from "node:test";

import { endingOf, safeName } from "../../viewer/names.js";

const TABLE = [
	["order.pdf", "order.pdf"],
	["Übersicht 日本.bin", "Übersicht 日本.bin"],
	["U\u0308bersicht", "Übersicht"],
	["../../etc/passwd", "_.._etc_passwd"],
	["..\\x.dll", "_x.dll"],
	["C:\\a", "C__a"],
	["\u202Egpj.exe", "gpj.exe"],
	["a\u200Bb\uFEFF\u2066c\u2069", "abc"],
	["a\r\nb\tc\0d", "abcd"],
	[".bashrc", "bashrc"],
	["a. . .", "a"],
	["con", "_con"],
	["NUL.txt", "_NUL.txt"],
	["console.txt", "console.txt"],
	["a   b", "a b"],
	["", "none"],
	["...", "none"],
	["\u202E\u0007", "none"],
	["a\uD800b", "ab"],
];

// As it can be printed.
function quoted(name) {
	return JSON.stringify(name).replace(/[^ -~]/gu,
	    (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

for (const [given, wanted] of TABLE)
	test(`${quoted(given)} becomes ${quoted(wanted)}`, () => {
		assert.equal(safeName(given, "none"), wanted);
	});

test("a long name is cut, and keeps its ending", () => {
	const name = safeName(`${"ä".repeat(500)}.docx`, "none");
	assert.equal(Array.from(name).length, 120);
	assert.ok(name.endsWith("ä.docx"));
});

test("a long ending is none", () => {
	assert.equal(safeName(`a.${"x".repeat(500)}`, "none").length, 120);
});

test("no letter is cut in half", () => {
	assert.ok(safeName("😀".repeat(500), "none").isWellFormed?.() ?? true);
});

test("types have endings, and none has one of Object's", () => {
	assert.equal(endingOf("message/rfc822"), ".eml");
	assert.equal(endingOf("constructor"), ".bin");
	assert.equal(endingOf("__proto__"), ".bin");
});
