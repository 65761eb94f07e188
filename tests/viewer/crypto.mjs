// SPDX-License-Identifier: BSD-2-Clause
//
// WebCrypto, where node does not have it as browsers do (before version 19).

import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto;

export const { subtle } = globalThis.crypto;

export function rawKey(bytes, uses) {
	return subtle.importKey("raw", bytes, "AES-GCM", false, uses);
}
