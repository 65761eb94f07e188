// SPDX-License-Identifier: BSD-2-Clause
//
// base64url without padding (RFC 7515, section 2), and nothing else: one text
// for each sequence of bytes, so that no change of a text goes unnoticed.
//
// In:    a text. Out: its bytes. Never: skips what does not belong there.

const ALPHABET =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const INVALID = 255;

const values = new Uint8Array(128).fill(INVALID);
for (let i = 0; i < ALPHABET.length; i++)
	values[ALPHABET.charCodeAt(i)] = i;

function valueAt(text, i) {
	const code = text.charCodeAt(i);
	const value = code < 128 ? values[code] : INVALID;
	if (value === INVALID)
		throw new SyntaxError("not base64url");
	return value;
}

// Length in bytes of what a text of that length stands for.
export function decodedLength(length) {
	if (length % 4 === 1)
		throw new SyntaxError("not base64url");
	return Math.floor(length * 3 / 4);
}

// Writes the bytes of the text at the beginning of `into`, which is at least
// as large; without it, returns them in an array of their own.
export function decode(text, into = new Uint8Array(decodedLength(text.length))) {
	const end = decodedLength(text.length);
	let bits = 0;
	let have = 0;
	let at = 0;
	for (let i = 0; i < text.length; i++) {
		bits = (bits << 6 | valueAt(text, i)) & 0xffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			into[at++] = bits >> have;
		}
	}
	if (at !== end || (bits & (1 << have) - 1) !== 0)
		throw new SyntaxError("not base64url");
	return into;
}
