// SPDX-License-Identifier: BSD-2-Clause
//
// A passphrase in the one form from which keys are derived
// (sealed-envelope(5)), however it was typed: NFC, no blanks around it, and
// one space where there are several.

// \s, but not U+FEFF, which is no blank.
const BLANKS = /[^\S\uFEFF]+/gu;

export function normalise(typed) {
	return typed.normalize("NFC").replace(BLANKS, " ").replace(/^ | $/g, "");
}
