// SPDX-License-Identifier: BSD-2-Clause
//
// The cryptography of the page against vectors that others published.

import assert from "node:assert/strict";
import test from "node:test";

import { decode } from "../../viewer/base64url.js";
import { decryptContent, deriveKey, unwrapKey } from "../../viewer/jose.js";
import { rawKey, subtle } from "./crypto.mjs";

const hex = (text) => Uint8Array.from(Buffer.from(text, "hex"));

// RFC 7520, section 5.3: PBES2-HS512+A256KW. Its content is encrypted by
// A128CBC-HS256, which the page does not know; the key is what counts here.
const PASSWORD = "entrap_o–peter_long–credit_tun";
const SALT = "8Q1SzinasR3xchYz6ZZcHA";
const WRAPPED = "d3qNhUWfqheyPp4H8sjOWsDYajoej4c5Je6rlUtFPWdgtURtmeDV1g";
const KEY = "uwsjJXaBK407Qaf0_zpcpmr1Cs0CC50hIUEyGNEt3m0";

test("RFC 7520, 5.3: the key of a passphrase unwraps the content key", async () => {
	const key = await deriveKey(new TextEncoder().encode(PASSWORD),
	    "PBES2-HS512+A256KW", decode(SALT), 8192);
	const content = await subtle.unwrapKey("raw", decode(WRAPPED), key,
	    "AES-KW", { name: "HMAC", hash: "SHA-256" }, true, ["sign"]);
	assert.deepEqual(new Uint8Array(await subtle.exportKey("raw", content)),
	    decode(KEY));
});

test("RFC 7520, 5.3: another passphrase does not", async () => {
	const key = await deriveKey(new TextEncoder().encode(`${PASSWORD}.`),
	    "PBES2-HS512+A256KW", decode(SALT), 8192);
	await assert.rejects(unwrapKey(decode(WRAPPED), key));
});

test("RFC 7520, 5.3: the name of the algorithm is part of the salt", async () => {
	const key = await deriveKey(new TextEncoder().encode(PASSWORD),
	    "PBES2-HS256+A128KW", decode(SALT), 8192);
	await assert.rejects(unwrapKey(decode(WRAPPED), key));
});

// RFC 3394, section 4.6: 256 bits of key data with a 256-bit key.
test("RFC 3394, 4.6: a wrapped key is unwrapped, and does its work", async () => {
	const key = await subtle.importKey("raw", hex(
	    "000102030405060708090A0B0C0D0E0F" +
	    "101112131415161718191A1B1C1D1E1F"), "AES-KW", false, ["unwrapKey"]);
	const content = await unwrapKey(hex(
	    "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326" +
	    "CBC7F0E71A99F43BFB988B9B7A02DD21"), key);
	const same = await rawKey(hex("00112233445566778899AABBCCDDEEFF" +
	    "000102030405060708090A0B0C0D0E0F"), ["encrypt"]);
	const iv = new Uint8Array(12);
	const sealed = await subtle.encrypt({ name: "AES-GCM", iv,
	    additionalData: new TextEncoder().encode("h") }, same, hex("2a"));
	assert.deepEqual(await decryptContent(content, iv, sealed, "h"), hex("2a"));
});

// RFC 7516, appendix A.1: the content part of a JWE with A256GCM.
const HEADER = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ";
const CONTENT_KEY = Uint8Array.from([
	177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255, 107, 154, 212,
	246, 138, 7, 110, 91, 112, 46, 34, 105, 47, 130, 203, 46, 122, 234, 64,
	252,
]);
const IV = "48V1_ALb6US04U3b";
const CIPHERTEXT = "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_" +
    "EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A";
const TAG = "XFBoMYUZodetZdvTiFvSkQ";

function rfc7516(header, ciphertext, tag) {
	return rawKey(CONTENT_KEY, ["decrypt"]).then((key) =>
	    decryptContent(key, decode(IV), Uint8Array.from(
	        [...decode(ciphertext), ...decode(tag)]), header));
}

test("RFC 7516, A.1: the content is decrypted", async () => {
	assert.equal(new TextDecoder().decode(
	    await rfc7516(HEADER, CIPHERTEXT, TAG)),
	    "The true sign of intelligence is not knowledge but imagination.");
});

test("RFC 7516, A.1: the header is authenticated", async () => {
	await assert.rejects(rfc7516(`${HEADER.slice(0, -1)}R`, CIPHERTEXT, TAG));
});

test("RFC 7516, A.1: the tag is authenticated", async () => {
	await assert.rejects(rfc7516(HEADER, CIPHERTEXT, `${TAG.slice(0, -1)}g`));
});
