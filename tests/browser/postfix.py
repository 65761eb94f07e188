#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""From a sender through a real Postfix to a browser: the page that arrives is
saved, opened with the passphrase, and shows what was sent.

In:    messages of all kinds (mails.py), a recipient with a passphrase.
Out:   subject, text and files in the browser; the message that it saves is
       the one that was sent, octet for octet.
Never: touches the page on its way from the mail to the browser.
"""
import email
import sys

import chromium
import envelope
import mails
import rig
from mtas import Postfix
from opens import Opens
from world import World, need

RECIPIENT = "alice@example.org"
POLICY = ({"name": "everybody", "seal": ["passphrase"]},)


class ByMail(Opens):
    """Opens what comes out of a mail server, not what jwcrypto made."""

    def __init__(self, tap):
        super().__init__(tap)
        self.world = World(tap, Postfix, keys=(), copies=True, policy=POLICY)
        self.world.daemon.ctl("passphrase", "set", RECIPIENT,
                              input=(envelope.PASSPHRASE + "\n").encode())

    def attached(self, raw):
        """The page in what arrived for a message."""
        sent, arrivals = self.world.deliver(raw, RECIPIENT)
        if sent.code != 250 or len(arrivals) != 1:
            raise RuntimeError("%r, %d arrived" % (sent, len(arrivals)))
        parts = [part for part in
                 email.message_from_bytes(arrivals[0].raw).walk()
                 if part.get_filename() == "message.html"]
        if len(parts) != 1:
            raise RuntimeError("%d pages" % len(parts))
        return parts[0].get_payload(decode=True)

    def open(self, raw):
        path = self.rig.write("message.html", self.attached(raw))
        return self.browser.open("file://" + path, envelope.PASSPHRASE)

    def is_the_page(self):
        """Nothing of it but the envelope differs from what was built."""
        before, after = envelope.page_template().split(b"@JWE@")
        message = mails.built("Another")
        message.set_content("Text\n")
        page = self.attached(message.as_bytes())
        self.tap.ok(page.startswith(before) and page.endswith(after),
                    "around the envelope, the page is the one that was built")


def main():
    need(Postfix)
    tap = rig.Tap()
    by_mail = ByMail(tap)
    for mail in mails.by_smtp():
        tap.run(by_mail.shows, mail)
    tap.run(by_mail.is_the_page)
    by_mail.asks_nobody()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
