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
import { safeName } from "./names.js";
import { attachmentsOf } from "./parts.js";
import { saveFile } from "./save.js";
import { withLinks } from "./text.js";

// As many files are named above the text.
const SOME = 3;

function heading(level, subject) {
	return element(`h${Math.min(level, 6)}`,
	    { class: "subject", tabindex: "-1", dir: "auto" }, subject);
}

// --- Fields

function person({ name, address }) {
	const children = name ? [element("span", { class: "name" }, name)] : [];
	if (name && address)
		children.push(" ");
	if (address)
		children.push(name ? `<${address}>` : address);
	return element("bdi", { class: "person" }, ...children);
}

function dateOf(mail, say) {
	if (!mail.date)
		return mail.raw;
	const text = new Intl.DateTimeFormat(say.locale,
	    { dateStyle: "full", timeStyle: "short" }).format(mail.date);
	return element("time", { datetime: mail.date.toISOString(),
	    title: mail.raw }, text);
}

function field(label, ...values) {
	if (values.length === 0 || values[0] === "")
		return [];
	return [element("dt", {}, label), element("dd", {}, ...values)];
}

// Leads to the files, which may be far below a long text.
function shortcut(attachments) {
	const names = [...attachments.querySelectorAll("li > .what > .name")]
	    .map((name) => name.textContent);
	const more = names.length > SOME ? ` + ${names.length - SOME}` : "";
	return button(names.slice(0, SOME).join(", ") + more, () => {
		attachments.scrollIntoView();
		attachments.querySelector("button").focus({ preventScroll: true });
	}, { class: "link" });
}

function fieldsOf(mail, attachments, say) {
	return element("dl", { class: "fields" },
	    ...field(say.from, ...mail.from.map(person)),
	    ...field(say.to, ...mail.to.map(person)),
	    ...field(say.cc, ...mail.cc.map(person)),
	    ...field(say.date, dateOf(mail, say)),
	    ...(attachments ? field(say.attachments, shortcut(attachments)) : []));
}

// --- Text

function plainBody(mail) {
	return element("div", { class: "sheet plain", dir: "auto" },
	    ...withLinks(mail.text.trimEnd()));
}

function htmlBody(cleaned, say) {
	const sheet = element("div", { class: "sheet" },
	    frameFor(cleaned.html, say.body));
	if (!cleaned.remote)
		return sheet;
	return element("div", {},
	    element("p", { class: "note" }, say.remote), sheet);
}

// Formatted and plain, of which one is seen.
function bothBodies(mail, cleaned, say) {
	const place = element("div", {}, htmlBody(cleaned, say));
	const choices = [
		[say.formatted, () => htmlBody(cleaned, say)],
		[say.plain, () => plainBody(mail)],
	].map(([label, make], i) => button(label, (event) => {
		for (const choice of choices)
			choice.setAttribute("aria-pressed",
			    String(choice === event.target));
		place.replaceChildren(make());
	}, { "aria-pressed": String(i === 0) }));
	return element("div", {}, element("div", { class: "views", role: "group",
	    "aria-label": say.view }, ...choices), place);
}

function bodyOf(mail, cleaned, say) {
	const hasText = mail.text.trim() !== "";
	if (cleaned)
		return hasText ? bothBodies(mail, cleaned, say) :
		    htmlBody(cleaned, say);
	return hasText ? plainBody(mail) :
	    element("p", { class: "note empty" }, say.noText);
}

// --- All of it

function actionsOf(bytes, name, say) {
	return element("div", { class: "actions" },
	    button(say.save, () => saveFile(bytes, name), { class: "save" }));
}

// A message whose structure nobody understands can still be saved.
function unreadable(bytes, say, level) {
	return element("article", { class: "message" },
	    heading(level, say.noSubject),
	    element("p", { class: "note" }, say.unreadable),
	    actionsOf(bytes, `${say.message}.eml`, say));
}

async function readable(bytes, say, level) {
	const mail = await readMail(bytes);
	const cleaned = mail.html.trim() === "" ? null :
	    cleanHtml(mail.html, mail.parts);
	const attachments = attachmentsOf(
	    mail.parts.filter((part) => !cleaned?.used.has(part)), level + 1,
	    say, (nested) => messageElement(nested, say, level + 1));
	return element("article", { class: "message" },
	    heading(level, mail.subject || say.noSubject),
	    fieldsOf(mail, attachments, say),
	    bodyOf(mail, cleaned, say),
	    ...(attachments ? [attachments] : []),
	    actionsOf(bytes, `${safeName(mail.subject, say.message)}.eml`, say));
}

// `level` is that of its heading: 2, or more for a message inside another.
export async function messageElement(bytes, say, level = 2) {
	try {
		return await readable(bytes, say, level);
	} catch {
		return unreadable(bytes, say, level);
	}
}
