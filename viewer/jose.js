// SPDX-License-Identifier: BSD-2-Clause
//
// Opens an envelope: a JWE in compact form (RFC 7516) with
// PBES2-HS512+A256KW (RFC 7518, section 4.8) and A256GCM (section 5.3), by the
// browser's WebCrypto.
//
// In:    the JWE and the passphrase.
// Out:   the message's bytes, or NotOpened.
// Never: says why not. A wrong passphrase, damage, and a header that asks for
//        something else look the same, so that nobody learns by trying.

import { decode, decodedLength } from "./base64url.js";

const ALG = "PBES2-HS512+A256KW";
const ENC = "A256GCM";
const CTY = "message/rfc822";

// Fewer are no protection; more would keep the browser busy for minutes.
const MIN_ITERATIONS = 10000;
const MAX_ITERATIONS = 5000000;
const MIN_SALT = 8;

const KEY_BITS = 256;
const WRAPPED_KEY_BYTES = 40;
const IV_BYTES = 12;
const TAG_BYTES = 16;

export class NotOpened extends Error {
	constructor() {
		super("not opened");
		this.name = "NotOpened";
	}
}

function must(condition) {
	if (!condition)
		throw new NotOpened();
}

// The key-encryption key of a password, both as bytes (RFC 7518, 4.8.1.1).
export async function deriveKey(password, alg, salt, iterations) {
	const prefix = new TextEncoder().encode(alg + "\0");
	const input = new Uint8Array(prefix.length + salt.length);
	input.set(prefix);
	input.set(salt, prefix.length);
	const base = await crypto.subtle.importKey("raw", password, "PBKDF2",
	    false, ["deriveKey"]);
	return crypto.subtle.deriveKey(
	    { name: "PBKDF2", hash: "SHA-512", salt: input, iterations },
	    base, { name: "AES-KW", length: KEY_BITS }, false, ["unwrapKey"]);
}

// The content-encryption key (RFC 3394). What comes out is no key outside.
export function unwrapKey(wrapped, keyEncryptionKey) {
	return crypto.subtle.unwrapKey("raw", wrapped, keyEncryptionKey,
	    "AES-KW", "AES-GCM", false, ["decrypt"]);
}

// `sealed` is ciphertext and tag; `header` the protected header as it was sent.
export async function decryptContent(key, iv, sealed, header) {
	return new Uint8Array(await crypto.subtle.decrypt({
		name: "AES-GCM",
		iv,
		additionalData: new TextEncoder().encode(header),
		tagLength: TAG_BYTES * 8,
	}, key, sealed));
}

// What the header says, if it is one that this page opens.
function readHeader(text) {
	const header = JSON.parse(
	    new TextDecoder("utf-8", { fatal: true }).decode(decode(text)));
	must(typeof header === "object" && header !== null);
	must(header.alg === ALG && header.enc === ENC && header.cty === CTY);
	// No extension is understood here, and "zip" is none of the format.
	must(!("crit" in header) && !("zip" in header));
	must(Number.isInteger(header.p2c) && header.p2c >= MIN_ITERATIONS &&
	    header.p2c <= MAX_ITERATIONS);
	must(typeof header.p2s === "string");
	const salt = decode(header.p2s);
	must(salt.length >= MIN_SALT);
	return { salt, iterations: header.p2c };
}

// Everything but the cryptography, so that damage is found before the time
// is spent.
function parse(jwe) {
	const segments = jwe.split(".");
	must(segments.length === 5);
	const [header, wrapped, iv, ciphertext, tag] = segments;
	const length = decodedLength(ciphertext.length);
	const parsed = {
		header,
		...readHeader(header),
		wrapped: decode(wrapped),
		iv: decode(iv),
		sealed: new Uint8Array(length + TAG_BYTES),
	};
	must(parsed.wrapped.length === WRAPPED_KEY_BYTES);
	must(parsed.iv.length === IV_BYTES);
	must(decodedLength(tag.length) === TAG_BYTES);
	decode(ciphertext, parsed.sealed);
	decode(tag, parsed.sealed.subarray(length));
	return parsed;
}

// `passphrase` is normalised already (passphrase.js).
export async function openEnvelope(jwe, passphrase) {
	try {
		const parsed = parse(jwe);
		const key = await deriveKey(new TextEncoder().encode(passphrase),
		    ALG, parsed.salt, parsed.iterations);
		return await decryptContent(await unwrapKey(parsed.wrapped, key),
		    parsed.iv, parsed.sealed, parsed.header);
	} catch {
		throw new NotOpened();
	}
}
