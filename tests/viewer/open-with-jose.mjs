// SPDX-License-Identifier: BSD-2-Clause
//
// Opens an envelope by the npm package jose, as any reader that is not ours
// would. For tests.
//
//     echo PASSPHRASE | top_builddir=BUILD node open-with-jose.mjs FILE >message
//
// FILE is the page, or the envelope alone (compact JWE). Status 1: not opened.

import { readFileSync } from "node:fs";

import "./crypto.mjs";
import { jose, skip } from "./packages.mjs";

if (skip)
	throw new Error(skip);

const text = readFileSync(process.argv[2], "utf8");
const [, jwe] = /<script type="application\/jose"[^>]*>([^<]*)</.exec(text) ??
    [null, text];
const passphrase = readFileSync(0, "utf8").replace(/\r?\n$/, "");

try {
	const { plaintext } = await jose.compactDecrypt(jwe.trim(),
	    new TextEncoder().encode(passphrase), {
	        keyManagementAlgorithms: ["PBES2-HS512+A256KW"],
	        contentEncryptionAlgorithms: ["A256GCM"],
	        maxPBES2Count: 5000000,
	    });
	process.stdout.write(plaintext);
} catch (error) {
	process.stderr.write(`not opened: ${error.message}\n`);
	process.exitCode = 1;
}
