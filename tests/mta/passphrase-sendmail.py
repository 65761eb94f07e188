#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Passphrase envelopes through a real Sendmail: by an edit, and by copies.

In:    passphrases that are set.
Out:   what arrives, opened by jwcrypto.
Never: repeats what has nothing to do with the mail server (passphrase.py).
"""
import os
import sys

import rig
from mtas import Sendmail
from passphrase import CERTS, POLICY, TEMPLATES, WORDS, four_forms, mail, \
    opens, set_words
from world import World, need


def world(tap, **options):
    w = World(tap, Sendmail, keys=("alice@example.org",), policy=POLICY,
              passphrase={"templates": TEMPLATES}, **options)
    w.daemon.configure(keys={"sources": ["store"],
                             "smime_trust": os.path.join(CERTS, "ca.crt")})
    w.daemon.ctl("key", "import", os.path.join(CERTS, "erin.crt"))
    w.daemon.restart()
    return w


def one_by_an_edit(w):
    set_words(w, "petra@far.example")
    message = mail(w, ["petra@far.example"])
    sent, arrivals = w.deliver(message, ["petra@far.example"])
    w.tap.equal(sent.code, 250, "a message to one with a passphrase is taken")
    opens(w, "and is an envelope that jwcrypto opens to the octet", arrivals,
          message, WORDS)
    two = ["petra@far.example", "paul@deutsch.example"]
    set_words(w, "paul@deutsch.example")
    sent, arrivals = w.deliver(mail(w, two), two)
    w.refused("two of them cannot have one copy", sent, arrivals, 550)


def main():
    need(Sendmail)
    tap = rig.Tap()
    for case, options in ((one_by_an_edit, {}),
                          (four_forms, {"copies": True})):
        w = world(tap, **options)
        tap.run(case, w)
        w.marks.append(WORDS)
        w.nothing_strayed()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
