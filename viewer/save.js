// SPDX-License-Identifier: BSD-2-Clause
//
// Gives bytes to the reader as a file.
//
// In:    bytes and a name (names.js).
// Never: names a type: a browser that knew it would open the file instead of
//        saving it, and what is in it is a stranger's.

const KEEP_MS = 60000;

export function saveFile(bytes, name) {
	const url = URL.createObjectURL(
	    new Blob([bytes], { type: "application/octet-stream" }));
	const link = document.createElement("a");
	link.href = url;
	link.download = name;
	document.body.append(link);
	link.click();
	link.remove();
	setTimeout(() => URL.revokeObjectURL(url), KEEP_MS);
}
