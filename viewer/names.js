// SPDX-License-Identifier: BSD-2-Clause
//
// Names of files: what a stranger calls a part, made a name that is nothing
// but a name, on any system.

// Controls, and what turns the direction of writing (so that "gpj.exe" reads
// as "exe.jpg") or is not seen at all.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu;
const FORBIDDEN = /[/\\:*?"<>|%~]/g;
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;
const LONGEST = 120;

function shorten(name) {
	const letters = Array.from(name);
	if (letters.length <= LONGEST)
		return name;
	const dot = letters.lastIndexOf(".");
	const ending = dot > 0 && letters.length - dot <= 16 ?
	    letters.slice(dot) : [];
	return letters.slice(0, LONGEST - ending.length).concat(ending).join("");
}

// `fallback` is the name of what has none.
export function safeName(name, fallback) {
	const plain = shorten(name.normalize("NFC").replace(UNSEEN, "")
	    .replace(FORBIDDEN, "_").replace(/\s+/g, " ")
	    .replace(/^[. ]+|[. ]+$/g, ""));
	return plain === "" ? fallback : plain.replace(RESERVED, "_$1");
}

const ENDINGS = new Map(Object.entries({
	"application/pdf": ".pdf",
	"application/pgp-signature": ".asc",
	"image/gif": ".gif",
	"image/jpeg": ".jpg",
	"image/png": ".png",
	"image/webp": ".webp",
	"message/rfc822": ".eml",
	"text/calendar": ".ics",
	"text/csv": ".csv",
	"text/plain": ".txt",
}));

// What the ending of a part without a name is.
export function endingOf(type) {
	return ENDINGS.get(type) ?? ".bin";
}
