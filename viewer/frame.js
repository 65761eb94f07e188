// SPDX-License-Identifier: BSD-2-Clause
//
// The frame in which HTML of a message is shown, and the only place for it.
//
// Three things hold independently of one another: the sandbox (no scripts, no
// forms, no way to the page), the policy of the frame's own document, and the
// page's policy, which a srcdoc document inherits. None of them lets anything
// be loaded but data: and blob: images.
//
// allow-same-origin is there to measure: without it nobody can know the
// height, and a frame that scrolls inside the page cannot be printed, nor read
// well on a phone. It gives rights to scripts only, and there are none: no
// allow-scripts, and script-src 'none' twice.

const SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox";

const POLICY = "default-src 'none'; script-src 'none'; " +
    "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; " +
    "form-action 'none'";

// Mail is written for white paper; it is shown on it in the dark as well.
const STYLE = "html{color-scheme:light;background:#fff;color:#1b1f24;" +
    "overflow:auto}" +
    "body{margin:0;padding:16px;font:16px/1.55 system-ui,sans-serif;" +
    "overflow-wrap:break-word}" +
    "img{max-width:100%;height:auto}pre{white-space:pre-wrap}" +
    "table{max-width:100%}blockquote{margin:0 0 0 8px;padding-left:12px;" +
    "border-left:3px solid #d0d7de}a:not([href]){color:inherit}";

// The policy comes before anything of the stranger's.
function documentOf(html) {
	return "<!DOCTYPE html><html><head><meta charset=\"utf-8\">" +
	    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">` +
	    "<meta name=\"referrer\" content=\"no-referrer\">" +
	    "<meta http-equiv=\"x-dns-prefetch-control\" content=\"off\">" +
	    `<style>${STYLE}</style></head><body>${html}</body></html>`;
}

// As high as what is in it, but no higher than anybody would read. What depends
// on the height of the window (100vh) is measured without any.
const HIGHEST = 50000;

function fit(frame) {
	const root = frame.contentDocument?.documentElement;
	if (!root)
		return;
	frame.style.height = "0";
	const height = Math.min(root.scrollHeight + 1, HIGHEST);
	frame.style.height = `${height}px`;
	// And the scroll bar below what is too wide.
	frame.style.height = `${height * 2 - root.clientHeight}px`;
}

// Fits it again when the width changes, such as when a phone is turned.
function keepFitting(frame) {
	let width = 0;
	new ResizeObserver(([entry]) => {
		if (entry.contentRect.width !== width)
			fit(frame);
		width = entry.contentRect.width;
	}).observe(frame.parentElement);
}

// Paper is narrower than most windows, and how much nobody can ask in time.
const PAPER = "640px";

function setWidths(width) {
	for (const frame of document.querySelectorAll("iframe")) {
		frame.style.width = width;
		fit(frame);
	}
}

addEventListener("beforeprint", () => setWidths(PAPER));
addEventListener("afterprint", () => setWidths(""));

// `html` has been through cleanHtml().
export function frameFor(html, title) {
	const frame = document.createElement("iframe");
	frame.setAttribute("sandbox", SANDBOX);
	frame.setAttribute("referrerpolicy", "no-referrer");
	frame.title = title;
	frame.className = "body";
	frame.srcdoc = documentOf(html);
	frame.addEventListener("load", () => {
		fit(frame);
		keepFitting(frame);
	}, { once: true });
	return frame;
}
