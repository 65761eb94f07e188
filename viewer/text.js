// SPDX-License-Identifier: BSD-2-Clause
//
// Plain text of a message, with links that say where they lead.
//
// In:    a text. Out: text nodes and links to http and https.
// Never: a link whose text is not its address.

import { element } from "./dom.js";

const URLS = /https?:\/\/[^\s<>"'`\p{Cc}\p{Cf}]+/giu;
// Usually the sentence's, not the address's.
const BEHIND = /[.,;:!?)\]}*_]+$/;

function linkTo(url) {
	return element("a", { href: url, target: "_blank",
	    rel: "noopener noreferrer" }, url);
}

export function withLinks(text) {
	const nodes = [];
	let at = 0;
	for (const match of text.matchAll(URLS)) {
		const url = match[0].replace(BEHIND, "");
		nodes.push(text.slice(at, match.index), linkTo(url));
		at = match.index + url.length;
	}
	return [...nodes, text.slice(at)];
}
