// SPDX-License-Identifier: BSD-2-Clause
//
// What the page says, in the languages it knows. The first is for all others.

const ENGLISH = {
	title: "Encrypted message",
	lead: "Enter the passphrase that the sender gave you. The message opens here, " +
	    "on your device; nothing is sent anywhere.",
	passphrase: "Passphrase",
	hint: "Capital and small letters differ. Extra spaces do not matter.",
	show: "Show",
	hide: "Hide",
	open: "Open message",
	opening: "Opening. This takes a few seconds.",
	failed: "This message could not be opened. Check the passphrase and try again.",
	opened: "Opened on this device. It came encrypted, and nothing left your device.",
	from: "From",
	to: "To",
	cc: "Cc",
	date: "Date",
	noSubject: "(no subject)",
	noText: "This message has no text.",
	view: "View",
	formatted: "Formatted",
	plain: "Plain text",
	body: "Text of the message",
	remote: "Pictures and other content from the Internet were left out.",
	attachments: "Attachments",
	download: "Download",
	openNested: "Open",
	closeNested: "Close",
	attachment: "attachment",
	message: "message",
	save: "Save message (.eml)",
	lock: "Close message",
	unreadable: "This message cannot be shown here. Save it, and open it with " +
	    "a mail program.",
	insecure: "Your browser opens encrypted messages from a file or over https " +
	    "only. Save this page as a file on your device, and open that file.",
};

const GERMAN = {
	title: "Verschlüsselte Nachricht",
	lead: "Geben Sie die Passphrase ein, die Sie vom Absender bekommen haben. Die " +
	    "Nachricht wird hier auf Ihrem Gerät geöffnet; es wird nichts übertragen.",
	passphrase: "Passphrase",
	hint: "Groß- und Kleinbuchstaben sind verschieden. Zusätzliche Leerzeichen " +
	    "stören nicht.",
	show: "Anzeigen",
	hide: "Verbergen",
	open: "Nachricht öffnen",
	opening: "Wird geöffnet. Das dauert einige Sekunden.",
	failed: "Diese Nachricht ließ sich nicht öffnen. Prüfen Sie die Passphrase " +
	    "und versuchen Sie es noch einmal.",
	opened: "Auf diesem Gerät geöffnet. Sie kam verschlüsselt an, und nichts " +
	    "hat Ihr Gerät verlassen.",
	from: "Von",
	to: "An",
	cc: "Kopie",
	date: "Datum",
	noSubject: "(kein Betreff)",
	noText: "Diese Nachricht hat keinen Text.",
	view: "Ansicht",
	formatted: "Formatiert",
	plain: "Nur Text",
	body: "Text der Nachricht",
	remote: "Bilder und andere Inhalte aus dem Internet wurden weggelassen.",
	attachments: "Anhänge",
	download: "Herunterladen",
	openNested: "Öffnen",
	closeNested: "Schließen",
	attachment: "Anhang",
	message: "Nachricht",
	save: "Nachricht sichern (.eml)",
	lock: "Nachricht schließen",
	unreadable: "Diese Nachricht lässt sich hier nicht anzeigen. Sichern Sie " +
	    "sie und öffnen Sie sie mit einem Mailprogramm.",
	insecure: "Ihr Browser öffnet verschlüsselte Nachrichten nur aus einer Datei " +
	    "oder über https. Sichern Sie diese Seite als Datei auf Ihrem Gerät und " +
	    "öffnen Sie diese Datei.",
};

const LANGUAGES = { en: ENGLISH, de: GERMAN };

// What the page says to a reader of these languages, in order: the first that
// it knows. `locale` is how that reader writes dates and numbers.
export function wordsFor(preferred) {
	const known = (tag) => Object.keys(LANGUAGES).includes(tag.split("-")[0]);
	const locale = preferred.find(known) ?? "en";
	const language = locale.split("-")[0];
	return { ...LANGUAGES[language], language, locale };
}
