// SPDX-License-Identifier: BSD-2-Clause
//
// Elements of the page. Text gets in as text only.

// element("p", { class: "lead" }, "text", child, …)
export function element(name, attributes = {}, ...children) {
	const made = document.createElement(name);
	for (const [key, value] of Object.entries(attributes))
		made.setAttribute(key, value);
	made.append(...children);
	return made;
}

export function button(label, onClick, attributes = {}) {
	const made = element("button", { type: "button", ...attributes }, label);
	made.addEventListener("click", onClick);
	return made;
}
