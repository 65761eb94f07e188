// SPDX-License-Identifier: BSD-2-Clause
//
// postal-mime, with the parts of a message as they were sent. By itself it
// joins lines by LF and adds one at the end of each part that is not base64;
// then the signature over an attachment fails, and an enclosed message is
// not the one that was enclosed.
//
// In:    a message.
// Out:   attachments whose octets are those of the message, decoded by
//        RFC 2045 and nothing else.
// Never: decides where a part begins or ends; that is postal-mime's word.

import PostalMime from "postal-mime";

const CR = 0x0d;
const LF = 0x0a;
const EQUALS = 0x3d;

function isBlank(byte) {
	return byte === 0x20 || byte === 0x09;
}

function hexValue(byte) {
	const digit = parseInt(String.fromCharCode(byte), 16);
	return Number.isNaN(digit) ? -1 : digit;
}

// Where the line that begins at `from` ends, and the next one begins.
function lineAt(bytes, from) {
	const lf = bytes.indexOf(LF, from);
	const next = lf < 0 ? bytes.length : lf + 1;
	const broken = lf >= 0;
	let end = broken ? lf : next;
	if (broken && end > from && bytes[end - 1] === CR)
		end--;
	while (end > from && isBlank(bytes[end - 1]))
		end--;
	return { end, next, broken };
}

// The octet that "=XX" at `i` stands for, or -1.
function quotedAt(bytes, i, end) {
	if (bytes[i] !== EQUALS || i + 3 > end)
		return -1;
	const high = hexValue(bytes[i + 1]);
	const low = hexValue(bytes[i + 2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

// Quoted-printable (RFC 2045, 6.7); "=" that is none of it stays.
export function decodeQuoted(bytes) {
	// LF alone becomes CR and LF, so it can be longer.
	const out = new Uint8Array(bytes.length * 2);
	let length = 0;
	for (let from = 0; from < bytes.length;) {
		const line = lineAt(bytes, from);
		const soft = line.end > from && bytes[line.end - 1] === EQUALS;
		const end = soft ? line.end - 1 : line.end;
		for (let i = from; i < end; i++) {
			const octet = quotedAt(bytes, i, end);
			out[length++] = octet < 0 ? bytes[i] : octet;
			i += octet < 0 ? 0 : 2;
		}
		if (line.broken && !soft) {
			out[length++] = CR;
			out[length++] = LF;
		}
		from = line.next;
	}
	return out.slice(0, length);
}

export class ExactMime extends PostalMime {
	bodies = new Map();	// node: where its body begins and ends

	processLine(line, isFinal) {
		const node = this.currentNode;
		const begins = line.byteOffset;
		return super.processLine(line, isFinal).then(() => {
			const body = this.bodies.get(node);
			if (!body && node.state === "body")
				this.bodies.set(node,
				    { start: this.readPos, end: this.buf.byteLength });
			else if (body && this.currentNode !== node)
				body.end = this.beforeLine(begins);
		});
	}

	// The line end in front of a boundary belongs to the boundary.
	beforeLine(begins) {
		const end = begins - 1;
		return end > 0 && this.av[end - 1] === CR ? end - 1 : end;
	}

	collectAttachment(node, content, ...rest) {
		super.collectAttachment(node, content, ...rest);
		this.attachments[this.attachments.length - 1].content =
		    this.octetsOf(node, content);
	}

	octetsOf(node, content) {
		const encoding = node.contentTransferEncoding.encoding;
		if (/base64/i.test(encoding))
			return content;
		const { start, end } = this.bodies.get(node) ?? { start: 0, end: 0 };
		const octets = this.av.slice(start, Math.max(start, end));
		return /quoted-printable/i.test(encoding) ?
		    decodeQuoted(octets) : octets;
	}
}
