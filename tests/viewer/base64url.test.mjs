// SPDX-License-Identifier: BSD-2-Clause

import assert from "node:assert/strict";
import test from "node:test";

import { decode, decodedLength } from "../../viewer/base64url.js";

test("what node encodes is decoded, at all lengths", () => {
	for (let length = 0; length < 300; length++) {
		const bytes = Uint8Array.from({ length },
		    (_, i) => i * 7 + length & 255);
		const text = Buffer.from(bytes).toString("base64url");
		assert.equal(decodedLength(text.length), length);
		assert.deepEqual(decode(text), bytes);
	}
});

test("it is written where it is wanted", () => {
	const into = new Uint8Array(4);
	decode("AQI", into.subarray(1));
	assert.deepEqual(into, Uint8Array.of(0, 1, 2, 0));
});

for (const [what, text] of [
	["padding", "AQ=="], ["the other alphabet", "+/+/"], ["a blank", "AQ I"],
	["a line end", "AQI\n"], ["a lonely character", "A"],
	["bits that stand for nothing", "AR"], ["and such at the end", "AQF"],
	["a character of another script", "AQ\u0410I"], ["a zero", "AQI\0"],
])
	test(`${what} is refused`, () => {
		assert.throws(() => decode(text), SyntaxError);
	});
