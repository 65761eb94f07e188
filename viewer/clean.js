// SPDX-License-Identifier: BSD-2-Clause
//
// HTML of a message, made ready for its frame. The frame is what keeps it from
// running and from loading anything (frame.js); this leaves out what would
// have no use there, so that no single layer has to hold.
//
// In:    a stranger's HTML, and the message's inline images.
// Out:   HTML of known elements and attributes, images as data: URLs.
// Never: puts an element into the page's own document.

const ELEMENTS = new Set(("a abbr acronym address article aside b bdi bdo big " +
    "blockquote br caption center cite code col colgroup dd del details dfn " +
    "div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i " +
    "img ins kbd li main mark nav ol p pre q rp rt ruby s samp section small " +
    "span strike strong style sub summary sup table tbody td tfoot th thead " +
    "time tr tt u ul var wbr").split(" "));

// Elements whose content is nothing to be read; of other unknown ones, only
// the tags go.
const DROPPED = new Set(("applet audio base embed frame frameset head iframe " +
    "link math meta noembed noframes noscript object option picture " +
    "plaintext portal script select source svg template textarea title track " +
    "video xmp").split(" "));

const ATTRIBUTES = new Set(("abbr align alt background bgcolor border " +
    "cellpadding cellspacing char charoff class clear color cols colspan " +
    "datetime dir face headers height hspace lang noshade nowrap " +
    "open reversed rows rowspan rules scope size span src start style summary " +
    "text title type valign value vspace width").split(" "));

const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp",
    "image/avif", "image/bmp", "image/jpg", "image/pjpeg"]);

const HTML = "http://www.w3.org/1999/xhtml";
const LINKS = /^(https?|mailto|tel):/i;
const DATA_IMAGE = /^data:image\/(png|jpeg|gif|webp|avif|bmp);base64,[\sA-Za-z0-9+/=]*$/i;
const CID = /^cid:/i;
const REMOTE = "link[href], iframe[src], video[src], audio[src], source[src], " +
    "object[data], embed[src]";
const REMOTE_STYLE = /url\(|@import|image-set\(/i;

// Forms and documents let names inside them hide properties of their own
// (<input name=childNodes>), so these are asked for past them.
function getter(prototype, name) {
	const { get } = Object.getOwnPropertyDescriptor(prototype, name);
	return (node) => get.call(node);
}

const childrenOf = getter(Node.prototype, "childNodes");
const attributesOf = getter(Element.prototype, "attributes");
const nameOf = getter(Element.prototype, "localName");
const namespaceOf = getter(Element.prototype, "namespaceURI");
const typeOf = getter(Node.prototype, "nodeType");

function findIn(document, selector) {
	return [...Document.prototype.querySelectorAll.call(document, selector)];
}

function toBase64(bytes) {
	const STEP = 0x8000;
	let text = "";
	for (let i = 0; i < bytes.length; i += STEP)
		text += String.fromCharCode(...bytes.subarray(i, i + STEP));
	return btoa(text);
}

function decodedId(url) {
	try {
		return decodeURIComponent(url.slice(4));
	} catch {
		return url.slice(4);
	}
}

// Finds inline images by Content-ID, and remembers which were shown.
class Images {
	constructor(parts) {
		this.parts = parts;
		this.used = new Set();
		this.remote = false;
	}

	// A URL that loads nothing from anywhere, or "".
	urlFor(url) {
		const trimmed = url.trim();
		if (DATA_IMAGE.test(trimmed))
			return trimmed;
		if (!CID.test(trimmed)) {
			this.remote ||= trimmed !== "";
			return "";
		}
		const id = decodedId(trimmed);
		const part = this.parts.find((p) => p.id !== "" && p.id === id);
		if (!part || !IMAGES.has(part.type))
			return "";
		this.used.add(part);
		return `data:${part.type};base64,${toBase64(part.bytes)}`;
	}

	// url(cid:…) in a style sheet; other URLs are refused by the frame.
	inStyle(style) {
		const css = style.replace(/url\(\s*(["']?)(cid:[^"')]*)\1\s*\)/gi,
		    (all, quote, url) => `url("${this.urlFor(url)}")`);
		this.remote ||= REMOTE_STYLE.test(css.replace(/url\("(data:[^"]*)?"\)/g, ""));
		return css;
	}
}

function copyAttributes(from, to, images) {
	for (const { name, value } of attributesOf(from)) {
		if (!ATTRIBUTES.has(name))
			continue;
		if (name === "src" || name === "background") {
			const url = images.urlFor(value);
			if (url !== "")
				to.setAttribute(name, url);
		} else {
			to.setAttribute(name, name === "style" ?
			    images.inStyle(value) : value);
		}
	}
}

// A link opens by a click only, in a tab of its own that knows nothing of us.
function copyLink(from, to) {
	const url = (from.getAttribute("href") ?? "").trim();
	if (!LINKS.test(url))
		return;
	to.setAttribute("href", url);
	to.setAttribute("target", "_blank");
	to.setAttribute("rel", "noopener noreferrer");
	to.setAttribute("title", url);
}

function copyElement(from, document, images) {
	const name = nameOf(from);
	const to = document.createElement(name);
	copyAttributes(from, to, images);
	if (name === "a")
		copyLink(from, to);
	if (name === "style")
		to.textContent = images.inStyle(from.textContent);
	return to;
}

// What becomes of an element: its copy, a mere span, or nothing.
function copyOf(element, document, images) {
	const name = nameOf(element);
	if (namespaceOf(element) !== HTML || DROPPED.has(name))
		return null;
	return ELEMENTS.has(name) ? copyElement(element, document, images) :
	    document.createElement("span");
}

// Walks without recursion: depth is the stranger's choice.
function copyInto(target, source, document, images) {
	const work = [[source, target]];
	while (work.length > 0) {
		const [from, to] = work.pop();
		for (const child of childrenOf(from)) {
			if (typeOf(child) === Node.TEXT_NODE)
				to.append(document.createTextNode(child.data));
			if (typeOf(child) !== Node.ELEMENT_NODE)
				continue;
			const copy = copyOf(child, document, images);
			if (!copy)
				continue;
			to.append(copy);
			if (nameOf(copy) !== "style")
				work.push([child, copy]);
		}
	}
}

// Returns { html, used, remote }: what goes into the frame's body, the parts
// that are shown in it, and whether something from elsewhere was left out.
export function cleanHtml(html, parts) {
	const images = new Images(parts);
	const source = new DOMParser().parseFromString(html, "text/html");
	const [body] = findIn(source, "html > body");
	const target = document.implementation.createHTMLDocument("");
	const into = target.createElement("div");
	for (const style of findIn(source, "html > head > style"))
		into.append(copyElement(style, target, images));
	if (body) {
		copyAttributes(body, into, images);
		copyInto(into, body, target, images);
	}
	images.remote ||= findIn(source, REMOTE).length > 0;
	return { html: into.outerHTML, used: images.used, remote: images.remote };
}
