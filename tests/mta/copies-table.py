#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The faults that were tried on gwmilter, tried on us: mail to alice (sealed),
dave (clear) and bob (sealed, in Bcc), sent again after each 4xx.

In:    what gwmilter (bd4eea4, 2026-04-22) did, as it was measured.
Out:   a table with both columns; a test for each row of ours.
Never: measures gwmilter here.
"""
import signal
import sys
import threading

import rig
import smtp
from injection import Fault, Injection
from mtas import Postfix
from world import World, need

ALICE, DAVE, BOB = "alice@example.org", "dave@maybe.example", "bob@example.org"
RECIPIENTS = (ALICE, DAVE, BOB)
TRIES = 3
SECONDS = 12 if rig.slow() else 2
LINE = "%-42s %-23s %-15s %-13s %s"

# name; fault; tries until it ends; answers and copies, theirs and ours.
ROWS = (
    ("none", None, 0, "250", "1/1/1", "250", "1/1/1"),
    ("re-injection server down", "down", TRIES,
     "451 451 451", "0/0/0", "451 451 451", "0/0/0"),
    ("bob's copy 451 at RCPT, for ever", Fault("RCPT", "451 4.3.0 no", "bob@"),
     TRIES, "451 451 451", "0/3/0", "451 451 451", "0/0/0"),
    ("bob's copy 550 at RCPT", Fault("RCPT", "550 5.1.1 no", "bob@"),
     TRIES, "451 451 451", "0/3/0", "550", "0/0/0"),
    ("bob's copy 552 at the dot", Fault("dot", "552 5.2.2 full", "bob@"),
     TRIES, "451 451 451", "0/3/0", "250", "1/1/0 report"),
    ("bob's copy 451 at the dot, heals", Fault("dot", "451 4.3.0 no", "bob@"),
     2, "451 451 250", "1/3/1", "451 451 250", "1/1/1"),
    ("dave's copy 451 at RCPT", Fault("RCPT", "451 4.3.0 no", "dave@"),
     TRIES, "451 451 451", "0/0/3", "451 451 451", "0/0/0"),
    ("dave's copy 451 at the dot", Fault("dot", "451 4.3.0 no", "dave@"),
     TRIES, "not tried", "", "451 451 451", "1/0/1"),
    ("bob's copy taken, answer lost", Fault("dot", "lost", "bob@"),
     TRIES, "451 451 451", "0/3/3", "451 451 451", "1/1/3"),
    ("the same, once", Fault("dot", "lost", "bob@", times=1),
     TRIES, "not tried", "", "451 250", "1/1/2"),
    ("bob's copy hangs", Fault("dot", "deaf", "bob@"),
     2, "451 451 (60 s each)", "0/2/0", "451 451 250", "1/1/1"),
    ("bob 550 at RCPT in a copy for two",
     Fault("RCPT", "550 5.1.1 no", "bob@"), TRIES,
     "451 451 451, for ever", "0/0/0", "550", "0/0/0"),
    ("kill -9, bob's copy open", "kill", 1, "451 250", "1/2/1", "451 250",
     "1/1/1"),
    ("SIGTERM, bob's copy open", "term", 1, "451 250", "1/2/1", "250",
     "1/1/1"),
)


class Table:
    def __init__(self, tap):
        self.tap = tap
        self.listener = Injection()
        self.w = World(tap, Postfix, keys=(ALICE, BOB),
                       inject=self.listener.url(), delivery="reinject")
        self.w.rig.at_exit(self.listener.close)

    def send(self, message):
        return str(smtp.send(self.w.mta.port, message, list(RECIPIENTS)).code)

    def row(self, name, fault, tries, theirs, their_copies, ours, copies):
        named = RECIPIENTS if "for two" in name else (ALICE, DAVE)
        message = self.w.mail(to=", ".join(named), mark=self.w.public_word(),
                              body="the word is %s\n" % self.w.mark())
        if name.endswith("hangs"):
            self.limits(message_seconds=SECONDS, gpg_seconds=SECONDS)
        if fault in ("kill", "term"):
            codes = self.ended(message, fault)
        else:
            codes = self.tried(message, fault, tries)
        if name.endswith("hangs"):
            self.limits()
        taken = self.listener.take()
        reports = [a for a in taken if b"FROM:<>" in a.mail]
        counts = "/".join(str(sum(b"TO:<%s>" % r.encode() in
                                  b"".join(a.rcpts) for a in taken))
                          for r in RECIPIENTS)
        if reports:
            counts += " report"
        self.tap.note(LINE % (name, theirs, their_copies, " ".join(codes),
                              counts))
        self.tap.ok(" ".join(codes) == ours and counts == copies,
                    "%s: %s, %s" % (name, ours, copies))

    def limits(self, **limits):
        self.w.daemon.configure(limits=limits or None)
        self.w.daemon.restart()

    def tried(self, message, fault, tries):
        if fault == "down":
            self.listener.close()
        elif fault is not None:
            self.listener.fail(fault)
        codes = []
        while not codes or codes[-1][0] == "4" and len(codes) < TRIES:
            if len(codes) == tries:
                self.listener.heal()
            codes.append(self.send(message))
        if fault == "down":
            self.listener.open()
        self.listener.heal()
        return codes

    def ended(self, message, how):
        """Alice's and dave's copies are done, the answer for bob's is due."""
        self.listener.fail(Fault("dot", "deaf" if how == "kill" else "late",
                                 "bob@", seconds=rig.PATIENCE))
        codes = []
        client = threading.Thread(
            target=lambda: codes.append(self.send(message)))
        client.start()
        self.listener.wait_silent(1)
        if how == "kill":
            self.w.daemon.kill9()
            self.listener.heal()
        else:
            self.w.daemon.process.send_signal(signal.SIGTERM)
            self.listener.heal()
        client.join()
        self.w.daemon.stop()
        self.w.daemon.start()
        if codes[-1][0] == "4":
            codes.append(self.send(message))
        return codes


def main():
    need(Postfix)
    tap = rig.Tap()
    table = Table(tap)
    tap.note(LINE % ("", "gwmilter", "", "sealmilter", ""),
             LINE % ("fault", "answers", "alice/dave/bob", "answers",
                     "alice/dave/bob"))
    for row in ROWS:
        tap.run(table.row, *row)
    table.w.nothing_strayed()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
