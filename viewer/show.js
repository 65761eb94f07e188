// SPDX-License-Identifier: BSD-2-Clause
//
// An opened message as a part of the page.
//
// In:    the message's bytes, and the words of the reader's language.
// Out:   an element; fields and names in it are text, nothing else.
// Never: HTML of the message outside its frame.

import { cleanHtml } from "./clean.js";
import { button, element } from "./dom.js";
import { frameFor } from "./frame.js";
import { readMail } from "./mail.js";
import { endingOf, safeName } from "./names.js";
import { saveFile } from "./save.js";

const NESTED = "message/rfc822";

function sizeOf(bytes, say) {
	const format = (value, digits) => new Intl.NumberFormat(say.locale,
	    { maximumFractionDigits: digits }).format(value);
	if (bytes < 1000)
		return `${format(bytes, 0)} ${say.bytes}`;
	if (bytes < 1000000)
		return `${format(bytes / 1000, 0)} kB`;
	return `${format(bytes / 1000000, 1)} MB`;
}

function dateText(mail, say) {
	if (!mail.date)
		return mail.raw;
	return new Intl.DateTimeFormat(say.locale,
	    { dateStyle: "full", timeStyle: "short" }).format(mail.date);
}

function mailboxText({ name, address }) {
	if (!name)
		return address;
	return address ? `${name} <${address}>` : name;
}

function people(list) {
	return list.map((entry) =>
	    element("bdi", { class: "person" }, mailboxText(entry)));
}

function field(label, ...values) {
	if (values.length === 0 || values[0] === "")
		return [];
	return [element("dt", {}, label), element("dd", {}, ...values)];
}

function fieldsOf(mail, say) {
	return element("dl", { class: "fields" },
	    ...field(say.from, ...people(mail.from)),
	    ...field(say.to, ...people(mail.to)),
	    ...field(say.cc, ...people(mail.cc)),
	    ...field(say.date, dateText(mail, say)));
}

function plainBody(mail) {
	return element("div", { class: "body plain", dir: "auto" }, mail.text);
}

function htmlBody(cleaned, say) {
	const parts = [frameFor(cleaned.html, say.body)];
	if (cleaned.remote)
		parts.unshift(element("p", { class: "note" }, say.remote));
	return element("div", {}, ...parts);
}

// Formatted and plain, of which one is seen.
function bothBodies(mail, cleaned, say) {
	const place = element("div");
	const choices = [
		[say.formatted, () => htmlBody(cleaned, say)],
		[say.plain, () => plainBody(mail)],
	].map(([label, make]) => button(label, (event) => {
		for (const other of choices)
			other.setAttribute("aria-pressed", String(other === event.target));
		place.replaceChildren(make());
	}, { "aria-pressed": "false" }));
	const group = element("div",
	    { class: "views", role: "group", "aria-label": say.view }, ...choices);
	choices[0].setAttribute("aria-pressed", "true");
	place.append(htmlBody(cleaned, say));
	return element("div", {}, group, place);
}

function bodyOf(mail, cleaned, say) {
	if (cleaned && mail.text.trim() !== "")
		return bothBodies(mail, cleaned, say);
	if (cleaned)
		return htmlBody(cleaned, say);
	if (mail.text.trim() !== "")
		return plainBody(mail);
	return element("p", { class: "note empty" }, say.noText);
}

function fileName(part, number, say) {
	const fallback = part.type === NESTED ? say.message : say.attachment;
	return safeName(part.name, `${fallback}-${number}${endingOf(part.type)}`);
}

function nestedButton(part, item, say) {
	let shown = null;
	const toggle = button(say.openNested, async () => {
		if (shown) {
			shown.remove();
			shown = null;
		} else {
			shown = await messageElement(part.bytes, say, true);
			item.append(shown);
		}
		toggle.textContent = shown ? say.closeNested : say.openNested;
		toggle.setAttribute("aria-expanded", String(shown !== null));
	}, { "class": "nested", "aria-expanded": "false" });
	return toggle;
}

function partItem(part, number, say) {
	const name = fileName(part, number, say);
	const item = element("li", { class: "part" });
	const download = button(say.download, () => saveFile(part.bytes, name),
	    { "class": "download", "aria-label": `${say.download}: ${name}` });
	item.append(element("span", { class: "name" }, element("bdi", {}, name)),
	    element("span", { class: "size" }, sizeOf(part.bytes.length, say)));
	if (part.type === NESTED)
		item.append(nestedButton(part, item, say));
	item.append(download);
	return item;
}

function partsOf(parts, say) {
	if (parts.length === 0)
		return [];
	return [element("section", { class: "parts" },
	    element("h3", {}, `${say.attachments} (${parts.length})`),
	    element("ul", {}, ...parts.map((part, i) => partItem(part, i + 1, say))))];
}

function actionsOf(bytes, name, say) {
	return element("div", { class: "actions" },
	    button(say.save, () => saveFile(bytes, name), { class: "save" }));
}

// The message whose structure nobody understands can still be saved.
function unreadable(bytes, say) {
	return element("article", { class: "message" },
	    element("h2", { tabindex: "-1" }, say.noSubject),
	    element("p", { class: "note" }, say.unreadable),
	    actionsOf(bytes, `${say.message}.eml`, say));
}

export async function messageElement(bytes, say, nested = false) {
	let mail;
	try {
		mail = await readMail(bytes);
	} catch {
		return unreadable(bytes, say);
	}
	const cleaned = mail.html.trim() === "" ? null :
	    cleanHtml(mail.html, mail.parts);
	const listed = mail.parts.filter((part) => !cleaned?.used.has(part));
	const article = element("article", { class: "message" });
	if (nested)
		article.setAttribute("aria-label", say.nested);
	article.append(
	    element("h2", { tabindex: "-1", dir: "auto" }, mail.subject || say.noSubject),
	    fieldsOf(mail, say),
	    bodyOf(mail, cleaned, say),
	    ...partsOf(listed, say),
	    actionsOf(bytes, `${safeName(mail.subject, say.message)}.eml`, say));
	return article;
}
