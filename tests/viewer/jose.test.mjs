// SPDX-License-Identifier: BSD-2-Clause
//
// The page's code and the npm package jose open what the other knows.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { fileURLToPath } from "node:url";

import "./crypto.mjs";
import { NotOpened, openEnvelope } from "../../viewer/jose.js";
import { jose, skip } from "./packages.mjs";

const PASSPHRASE = "Straße über der Brücke";
const MESSAGE = new TextEncoder().encode("Subject: Hello\r\n\r\nText\r\n");
const TOOL = fileURLToPath(new URL("open-with-jose.mjs", import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "sm."));
after(() => rmSync(folder, { recursive: true }));

function seal(iterations, header = {}, content = MESSAGE) {
	return new jose.CompactEncrypt(content)
	    .setProtectedHeader({ alg: "PBES2-HS512+A256KW", enc: "A256GCM",
	        cty: "message/rfc822", ...header })
	    .setKeyManagementParameters({ p2c: iterations })
	    .encrypt(new TextEncoder().encode(PASSPHRASE));
}

test("the page's code opens what jose made", { skip }, async () => {
	assert.deepEqual(await openEnvelope(await seal(600000), PASSPHRASE),
	    MESSAGE);
});

test("and an empty message", { skip }, async () => {
	const nothing = new Uint8Array(0);
	assert.deepEqual(await openEnvelope(await seal(10000, {}, nothing),
	    PASSPHRASE), nothing);
});

test("the most iterations are 5,000,000", { skip }, async () => {
	assert.deepEqual(await openEnvelope(await seal(5000000), PASSPHRASE),
	    MESSAGE);
});

test("the fewest are 10,000", { skip }, async () => {
	await assert.rejects(openEnvelope(await seal(9999), PASSPHRASE), NotOpened);
});

test("all refusals are the same error", { skip }, async () => {
	const good = await seal(10000);
	const errors = [];
	for (const [jwe, passphrase] of [
		[good, "wrong"], [good.slice(0, -1), PASSPHRASE], ["", PASSPHRASE],
		[await seal(10000, { enc: "A128GCM" }), PASSPHRASE],
		[await seal(10000, { alg: "PBES2-HS256+A128KW" }), PASSPHRASE],
		[await seal(10000, { cty: "text/plain" }), PASSPHRASE],
		[await seal(9999), PASSPHRASE],
	])
		errors.push(await openEnvelope(jwe, passphrase).catch((e) => e));
	for (const error of errors) {
		assert.ok(error instanceof NotOpened);
		assert.equal(error.message, errors[0].message);
		assert.equal(error.cause, undefined);
	}
});

test("open-with-jose.mjs opens a page, and the envelope alone", { skip }, async () => {
	const jwe = await seal(600000);
	const file = join(folder, "message.html");
	for (const text of [jwe, "<!DOCTYPE html>\n<script type=\"application/jose\"" +
	    ` id="envelope">${jwe}</script>\n`]) {
		writeFileSync(file, text);
		assert.deepEqual(new Uint8Array(execFileSync(process.execPath,
		    [TOOL, file], { input: `${PASSPHRASE}\n` })), MESSAGE);
	}
});

test("open-with-jose.mjs fails with a wrong passphrase", { skip }, async () => {
	const file = join(folder, "message.html");
	writeFileSync(file, await seal(10000));
	const done = spawnSync(process.execPath, [TOOL, file], { input: "wrong\n" });
	assert.equal(done.status, 1);
	assert.match(done.stderr.toString(), /^not opened: .*decrypt/);
	assert.equal(done.stdout.length, 0);
});
