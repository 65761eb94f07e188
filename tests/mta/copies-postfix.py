#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The cases of copycases.py on a real Postfix, mail from sendmail(1), and an
injection listener that has our own milter."""
import os
import sys

import rig
import sealed
from cases import main
from copycases import CASES, to
from mtas import Postfix


def mail_from_a_program(w):
    word = w.public_word()
    message = w.mail(to="bob@example.org, dave@maybe.example", mark=word)
    w.mta.submit(message, ["bob@example.org", "dave@maybe.example"])
    w.sink.wait(2)
    arrivals = w.arrived()
    w.sealed_ok("mail from sendmail(1) is sealed in a copy",
                to(arrivals, "bob@example.org"), message, "bob@example.org")
    w.tap.ok(len(to(arrivals, "dave@maybe.example")) == 1,
             "and clear in another", *[a.rcpts for a in arrivals])


def over_a_unix_socket(w):
    inject = w.daemon.options["inject"]
    w.daemon.configure(inject="unix:" + os.path.join(w.mta.queue, "public",
                                                     "copies"))
    w.daemon.restart()
    message = w.mail()
    _, arrivals = w.deliver(message, "alice@example.org")
    w.sealed_ok("copies go over a unix socket as well", arrivals, message,
                "alice@example.org")
    w.daemon.configure(inject=inject)
    w.daemon.restart()


def aliases_apply_once(w):
    """Postfix maps addresses after the milter has seen them, and what it made
    of a message that is discarded is lost: so both listeners map."""
    w.mta.settings["virtual_alias_maps"] = (
        "inline:{ { carol@maybe.example = m1@x.example, m2@x.example }, "
        "{ dave@maybe.example = m3@x.example } }")
    w.mta.restart()
    for to, want in ((["carol@maybe.example"], ["m1", "m2"]),
                     (["dave@maybe.example"], ["m3"]),
                     (["carol@maybe.example", "dave@maybe.example"],
                      ["m1", "m2", "m3"])):
        message = w.mail(to=", ".join(to), mark=w.public_word())
        sent, arrivals = w.deliver(message, to)
        got = sorted(r.split(b"<")[1].split(b"@")[0].decode()
                     for a in arrivals for r in a.rcpts)
        w.tap.ok(sent.code == 250 and got == want,
                 "an alias stands for its members, once: " + ", ".join(to),
                 sent, got)
        w.tap.ok(all(sealed.is_sealed(a.raw) for a in arrivals
                     if b"<m1@" in b"".join(a.rcpts)),
                 "... who get what the alias has a key for")
    del w.mta.settings["virtual_alias_maps"]
    w.mta.restart()


def a_listener_with_our_milter(w):
    """Copies would come back for ever: the daemon says so and ends."""
    w.daemon.stop()
    w.mta.injection_milters = w.daemon.milter()
    w.mta.restart()
    before = w.daemon.log_size()
    try:
        w.daemon.start()
        told = "it started"
    except RuntimeError as e:
        told = str(e)
    w.tap.ok("ended with %d" % os.EX_CONFIG in told and
             "sealmilter itself is on the listener" in
             w.daemon.log()[before:],
             "with our milter on the injection listener it does not start",
             told)
    w.daemon.process = None
    w.mta.injection_milters = ""
    w.mta.restart()
    w.daemon.start()
    message = w.mail()
    _, arrivals = w.deliver(message, "alice@example.org")
    w.sealed_ok("without it, it does", arrivals, message,
                "alice@example.org")


def no_listener_yet(w):
    """Started before the MTA: mail waits until it can be checked."""
    inject = w.daemon.options["inject"]
    w.daemon.configure(inject="smtp://127.0.0.1:%d" % rig.free_port())
    w.daemon.restart()
    sent, arrivals = w.deliver(w.mail(), "alice@example.org")
    w.refused("without a listener sealed mail is deferred", sent, arrivals,
              451)
    word = w.public_word()
    sent, arrivals = w.deliver(w.mail(to="dave@maybe.example", mark=word),
                               "dave@maybe.example")
    w.tap.ok(sent.code == 250 and len(arrivals) == 1,
             "and clear mail goes on", sent)
    w.daemon.configure(inject=inject)
    w.daemon.restart()


if __name__ == "__main__":
    sys.exit(main(Postfix, mail_from_a_program, over_a_unix_socket,
                  aliases_apply_once, no_listener_yet,
                  a_listener_with_our_milter, cases=CASES, copies=True))
