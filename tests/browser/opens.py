#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A browser opens envelopes that jwcrypto made, and shows what was in them.

In:    messages of all kinds (mails.py), and those of SEALMILTER_CORPUS.
Out:   subject, text and fields as they were written; files, and the message
       itself, as they were sent, octet for octet.
Never: compares with what a parser of ours says.
"""
import hashlib
import os
import sys

import chromium
import envelope
import mails
import rig

# Of the corpus, each n-th: the whole takes long, and MIME is not ours.
CORPUS_STEP = int(os.environ.get("SEALMILTER_CORPUS_STEP", "12"))


def folded(text):
    return " ".join(text.split())


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Opens:
    def __init__(self, tap):
        self.tap = tap
        self.rig = rig.Rig()
        self.listener = chromium.Listener()
        self.rig.at_exit(self.listener.shutdown)
        self.browser = chromium.Chromium(self.rig, self.listener)

    def open(self, raw):
        path = self.rig.write("message.html",
                              envelope.page(envelope.seal(raw)))
        return self.browser.open("file://" + path, envelope.PASSPHRASE)

    def shown_text(self):
        b = self.browser
        if b.all("#message > article > .empty"):
            return ""
        if b.all("#message iframe"):
            return folded(b.frame("return doc.body.innerText"))
        return folded(b.text("#message .plain"))

    def files(self, within="#message > article"):
        """[(name, digest)] as listed and as downloaded."""
        found = []
        for item in self.browser.all(within + " > .parts > ul > li"):
            name = item.find_element("css selector", ".name").text
            saved, data = self.browser.download(
                item.find_element("css selector", "button.download").click)
            found.append((name, saved, digest(data)))
        return found

    def saved(self):
        return self.browser.download(self.browser.one(
            "#message > article > .actions .save").click)[1]

    def shows(self, mail):
        tap, b = self.tap, self.browser
        tap.equal(self.open(mail.raw), "opened", mail.name + " opens")
        tap.equal(b.text("#message .subject"), mail.subject,
                  mail.name + ": its subject is shown")
        tap.equal(self.shown_text(), mail.text,
                  mail.name + ": its text is shown")
        fields = b.text("#message dl")
        if mail.marks:
            tap.equal([m for m in mail.marks if m not in fields], [],
                      mail.name + ": its fields are shown")
        tap.equal(self.files(), [(name, name, digest(data))
                                 for name, data in mail.files],
                  mail.name + ": its files are what was attached")
        tap.ok(self.saved() == mail.raw, mail.name +
               ": the message that is saved is the one that was sent")
        if mail.images:
            self.shows_images(mail)

    def shows_images(self, mail):
        self.tap.equal(self.browser.frame(
            "return [...doc.images].map((i) => i.naturalWidth)"),
            [8] * mail.images, mail.name + ": its images are seen")
        self.tap.ok("data:image/png" in self.browser.frame(
            "return getComputedStyle(doc.querySelector('div > div'))"
            ".backgroundImage"), mail.name + ": so is the background")

    def switches_to_plain(self):
        mail = mails.with_images()
        self.open(mail.raw)
        b = self.browser
        b.one("#message .views button:nth-child(2)").click()
        self.tap.equal(folded(b.text("#message .plain")),
                       "Look at the picture.",
                       "the plain text of a message with HTML can be seen")
        b.one("#message .views button:nth-child(1)").click()
        self.tap.equal(len(b.all("#message iframe")), 1,
                       "and the HTML again")

    def opens_nested(self):
        self.open(mails.nested().raw)
        b = self.browser
        b.one("#message button.nested").click()
        b.wait_js("return document.querySelector('#message article article')",
                  "the enclosed message")
        inner = "#message article article"
        self.tap.equal((b.text(inner + " .subject"),
                        folded(b.text(inner + " .plain"))),
                       ("The question", "Is it done?"),
                       "an enclosed message can be read")
        self.tap.equal(self.files(inner), [
            ("fix.diff", "fix.diff", digest(b"-a\r\n+b\r\n"))],
            "and its files can be saved")
        b.one("#message button.nested").click()
        self.tap.equal(len(b.all(inner)), 0, "and it can be closed again")

    def corpus(self):
        folder = os.environ.get("SEALMILTER_CORPUS", "")
        if not os.path.isdir(folder):
            # Whole without it: nothing is skipped that this test promises.
            self.tap.note("SEALMILTER_CORPUS is not set")
            return
        paths = sorted(os.path.join(path, name)
                       for path, _, names in os.walk(folder)
                       for name in names
                       if name.endswith((".eml", ".raw", ".txt", ".msg")))
        for path in paths[::CORPUS_STEP]:
            raw = rig.read_file(path)
            name = os.path.relpath(path, folder)
            answer = self.open(raw)
            self.tap.ok(answer == "opened" and self.saved() == raw,
                        name + " opens, and is saved as it was", answer)

    def asks_nobody(self):
        self.tap.equal(self.listener.hits, [],
                       "nothing was asked of the network")


def main():
    tap = rig.Tap()
    opens = Opens(tap)
    for mail in mails.all_mails():
        tap.run(opens.shows, mail)
    tap.run(opens.switches_to_plain)
    tap.run(opens.opens_nested)
    tap.run(opens.corpus)
    opens.asks_nobody()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
