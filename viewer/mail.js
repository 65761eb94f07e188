// SPDX-License-Identifier: BSD-2-Clause
//
// A message as the page shows it, taken apart by postal-mime.
//
// In:    the bytes of an RFC 5322 message.
// Out:   its fields, texts and parts; all of it is a stranger's word.
// Never: changes the bytes, which are what is saved.

import { ExactMime } from "./exact.js";

// A nested message stays a file, to be opened by itself.
const OPTIONS = {
	attachmentEncoding: "arraybuffer",
	forceRfc822Attachments: true,
};

function mailboxes(list) {
	return (list ?? []).flatMap((entry) =>
	    entry.group ? mailboxes(entry.group) : [entry]);
}

function partOf(attachment) {
	return {
		name: attachment.filename ?? "",
		type: attachment.mimeType,
		id: (attachment.contentId ?? "").replace(/^<|>$/g, ""),
		bytes: new Uint8Array(attachment.content),
	};
}

function dateOf(mail) {
	const raw = mail.headers.find((field) => field.key === "date")?.value;
	const date = new Date(mail.date ?? NaN);
	return { date: Number.isNaN(date.getTime()) ? null : date, raw: raw ?? "" };
}

export async function readMail(bytes) {
	const mail = await new ExactMime(OPTIONS).parse(bytes);
	return {
		subject: mail.subject ?? "",
		from: mailboxes(mail.from ? [mail.from] : []),
		to: mailboxes(mail.to),
		cc: mailboxes(mail.cc),
		...dateOf(mail),
		text: mail.text ?? "",
		html: mail.html ?? "",
		parts: mail.attachments.map(partOf),
	};
}
