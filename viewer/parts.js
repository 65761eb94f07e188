// SPDX-License-Identifier: BSD-2-Clause
//
// The files of a message: their names, sizes, and buttons to save them.
//
// In:    parts (mail.js); how an enclosed message is shown.
// Out:   an element, or null if there are none.

import { button, element } from "./dom.js";
import { endingOf, safeName } from "./names.js";
import { saveFile } from "./save.js";

const NESTED = new Set(["message/rfc822", "message/global"]);

function sizeOf(bytes, say) {
	const format = (value, unit, unitDisplay, maximumFractionDigits) =>
	    new Intl.NumberFormat(say.locale, { style: "unit", unit, unitDisplay,
	        maximumFractionDigits }).format(value);
	if (bytes < 1000)
		return format(bytes, "byte", "long", 0);
	if (bytes < 1000000)
		return format(bytes / 1000, "kilobyte", "short", 0);
	return format(bytes / 1000000, "megabyte", "short", 1);
}

function nameOf(part, number, say) {
	const fallback = NESTED.has(part.type) ? say.message : say.attachment;
	return safeName(part.name, `${fallback}-${number}${endingOf(part.type)}`);
}

function openButton(part, item, say, name, showNested) {
	let shown = null;
	const toggle = button(say.openNested, async () => {
		if (shown) {
			shown.remove();
			shown = null;
		} else {
			shown = await showNested(part.bytes);
			item.append(shown);
		}
		toggle.textContent = shown ? say.closeNested : say.openNested;
		toggle.setAttribute("aria-expanded", String(shown !== null));
	}, { class: "nested", "aria-expanded": "false", "aria-description": name });
	return toggle;
}

function itemOf(part, number, say, showNested) {
	const name = nameOf(part, number, say);
	const item = element("li", { class: "part" },
	    element("span", { class: "what" },
	        element("bdi", { class: "name" }, name), " ",
	        element("span", { class: "size" }, sizeOf(part.bytes.length, say))));
	if (NESTED.has(part.type))
		item.append(openButton(part, item, say, name, showNested));
	item.append(button(say.download, () => saveFile(part.bytes, name),
	    { class: "download", "aria-label": `${say.download}: ${name}` }));
	return item;
}

// `showNested` makes the element of an enclosed message of its bytes.
export function attachmentsOf(parts, level, say, showNested) {
	if (parts.length === 0)
		return null;
	const title = element(`h${Math.min(level, 6)}`, {}, say.attachments);
	const items = parts.map((part, i) => itemOf(part, i + 1, say, showNested));
	return element("section", { class: "parts", "aria-label": say.attachments },
	    title, element("ul", {}, ...items));
}
