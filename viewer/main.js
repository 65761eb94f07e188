// SPDX-License-Identifier: BSD-2-Clause
//
// The page: asks for the passphrase, opens the envelope, shows what was in it.

import { openEnvelope } from "./jose.js";
import { normalise } from "./passphrase.js";
import { messageElement } from "./show.js";
import { wordsFor } from "./words.js";

const say = wordsFor(navigator.languages ?? [navigator.language]);

const at = (id) => document.getElementById(id);
const loaded = new Promise((resolve) => {
	if (document.readyState === "loading")
		document.addEventListener("DOMContentLoaded", resolve);
	else
		resolve();
});

function translate() {
	document.documentElement.lang = say.language;
	document.title = say.title;
	for (const node of document.querySelectorAll("[data-say]"))
		node.textContent = say[node.dataset.say];
}

function setBusy(busy) {
	at("form").setAttribute("aria-busy", String(busy));
	at("open").disabled = busy;
	at("passphrase").readOnly = busy;
	at("progress").hidden = !busy;
	at("status").textContent = busy ? say.opening : "";
}

function fail() {
	at("error").textContent = say.failed;
	at("passphrase").setAttribute("aria-invalid", "true");
	at("passphrase").focus();
	at("passphrase").select();
}

// Two frames, so that what is said is seen before the work begins.
function painted() {
	return new Promise((resolve) =>
	    requestAnimationFrame(() => requestAnimationFrame(resolve)));
}

async function openMessage() {
	await loaded;
	return openEnvelope(at("envelope").textContent.trim(),
	    normalise(at("passphrase").value));
}

async function show(bytes) {
	const article = await messageElement(bytes, say);
	at("passphrase").value = "";
	at("ask").hidden = true;
	at("opened").hidden = false;
	document.body.className = "opened";
	at("message").replaceChildren(article);
	article.querySelector(".subject").focus();
}

async function submit(event) {
	event.preventDefault();
	if (at("open").disabled)
		return;
	at("error").textContent = "";
	at("passphrase").removeAttribute("aria-invalid");
	setBusy(true);
	await painted();
	let bytes = null;
	try {
		bytes = await openMessage();
	} catch {
		// One answer to all of it: see jose.js.
	}
	setBusy(false);
	if (bytes)
		await show(bytes);
	else
		fail();
}

function setShown(shown) {
	const label = shown ? say.hide : say.show;
	at("passphrase").type = shown ? "text" : "password";
	at("show").textContent = label;
	at("show").setAttribute("aria-label", `${label}: ${say.passphrase}`);
}

function start() {
	translate();
	at("static").remove();
	if (!globalThis.crypto?.subtle) {
		at("insecure").hidden = false;
		return;
	}
	at("ask").hidden = false;
	setShown(false);
	at("form").addEventListener("submit", submit);
	at("show").addEventListener("click", () =>
	    setShown(at("passphrase").type === "password"));
	at("lock").addEventListener("click", () => location.reload());
	at("passphrase").focus();
}

start();
