#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Copies that come back, marks that are not ours, and mail that goes in
circles, behind a real Postfix.

In:    copies as the injection listener got them, sent to the front again.
Out:   our own pass as they are and are logged; forged marks go; what was here
       too often is refused.
Never: finds a mark that saves a message from being sealed.
"""
import sys

import rig
import sealed
import smtp
from injection import Injection
from mtas import Postfix
from world import World, need

ALICE, DAVE = "alice@example.org", "dave@maybe.example"
MARK = "Sealmilter-Pass"


class Ground:
    def __init__(self, tap):
        self.tap = tap
        self.listener = Injection()
        self.w = World(tap, Postfix, keys=(ALICE,), inject=self.listener.url(),
                       delivery="reinject")
        self.w.rig.at_exit(self.listener.close)
        # Ours is the limit that is asked.
        self.w.mta.settings["hopcount_limit"] = "200"
        self.w.mta.reload()
        self.before = 0

    def send(self, message, recipient=ALICE):
        """(what the client heard, copies, what went on untouched, the log)"""
        before = self.w.daemon.log_size()
        sent = smtp.send(self.w.mta.port, message, [recipient])
        through = self.w.arrived()
        return sent, self.listener.take(), through, \
            self.w.daemon.log()[before:]

    def sealed_copy(self, **how):
        message = self.w.mail(**how)
        return message, self.send(message)[1][0].raw

    def a_copy_comes_back(self):
        _, copy = self.sealed_copy()
        sent, copies, through, log = self.send(copy)
        self.tap.ok(sent.code == 250 and not copies and len(through) == 1 and
                    without_trace(through[0].raw) == without_trace(copy),
                    "a copy of ours that comes back passes as it is", sent,
                    copy, *[a.raw for a in through])
        self.tap.ok("a copy of ours came back" in log and
                    "forged" not in log, "and the log says so", log)
        sent, copies, through, log = self.send(copy, DAVE)
        self.tap.ok(sent.code == 250 and len(through) == 1 and
                    "a copy of ours came back" in log,
                    "whomever it is for", sent, log)

    def a_copied_mark(self):
        """A genuine one, on something else."""
        _, copy = self.sealed_copy()
        mark = b"%s: %s\r\n" % (MARK.encode(), sealed.values(copy, MARK)[0])
        kept = b"Sealmilter-Sealed: %s\r\n" % \
            sealed.values(copy, "Sealmilter-Sealed")[0]
        message = self.w.mail()
        sent, copies, through, log = self.send(mark + kept + message)
        self.tap.ok(sent.code == 250 and not through and
                    "1 forged marks are removed" in log,
                    "a genuine mark on another message is a forged one", sent,
                    log)
        self.w.sealed_ok("and saves nobody from being sealed", copies,
                         message, ALICE)
        self.tap.ok(copies and mark not in copies[0].raw and
                    len(sealed.values(copies[0].raw, MARK)) == 1,
                    "the sealed copy has a mark of its own")
        word = self.w.public_word()
        message = self.w.mail(to=DAVE, mark=word)
        sent, copies, through, log = self.send(mark + kept + message, DAVE)
        self.tap.ok(sent.code == 250 and not copies and len(through) == 1 and
                    not sealed.values(through[0].raw, MARK) and
                    not sealed.values(through[0].raw, "Sealmilter-Sealed"),
                    "from clear mail it is removed", sent,
                    *[a.raw for a in through])
        # The body it belongs to, but as text: somebody who may not read it
        # says that it is none of ours.
        header, body = sealed.split(copy)
        plain = mark + b"From: m@client.example\r\nTo: a@example.org\r\n" \
            b"Message-ID: <x@client.example>\r\nContent-Type: text/plain" \
            b"\r\n\r\n" + body
        sent, copies, through, log = self.send(plain)
        self.tap.ok(sent.code == 250 and (
            len(copies) == 1 and sealed.is_sealed(copies[0].raw) or
            len(through) == 1 and b"BEGIN PGP MESSAGE" in through[0].raw),
            "its own body under another header stays sealed", sent, log)

    def forged_marks(self):
        forged = b"".join(
            b"%s: %s\r\n" % (name, value) for name, value in (
                (b"Sealmilter-Pass", b"yes"),
                (b"sealmilter-pass", b"v=1; t=99999999999; id=00; mac=00"),
                (b"SEALMILTER-PASS", b"v=1; t=1; id=0123456789abcdef0123456789"
                 b"abcdef;\r\n mac=" + b"0" * 64)))
        message = self.w.mail()
        sent, copies, through, log = self.send(forged + message)
        self.tap.ok(sent.code == 250 and not through and
                    "3 forged marks are removed" in log,
                    "forged marks are counted in the log", sent, log)
        self.w.sealed_ok("and exempt from nothing", copies, message, ALICE)

    def circles(self):
        for number, code in ((50, 250), (51, 554)):
            message = b"".join(
                b"Received: from a.example by b.example with SMTP id %d;\r\n"
                b"\tMon, 2 Mar 2026 10:00:00 +0100\r\n" % i
                for i in range(number)) + self.w.mail()
            sent, copies, through, _ = self.send(message)
            self.tap.ok(sent.code == code and not through and
                        len(copies) == (code == 250) and
                        ("5.4.6" in sent.final.text) == (code == 554),
                        "%d Received fields: %d" % (number, code), sent)
        _, copy = self.sealed_copy()
        mark = b"%s: %s\r\n" % (MARK.encode(), sealed.values(copy, MARK)[0])
        for number, code in ((2, 250), (3, 554)):
            sent, copies, through, _ = self.send(mark * number + copy)
            self.tap.ok(sent.code == code and
                        len(through) == (code == 250),
                        "%d marks of ours on its body: %d" % (
                            number + 1, code), sent)


def without_trace(raw):
    """All but what every MTA puts on top."""
    header, body = sealed.split(raw)
    return [field for field in sealed.fields(header)
            if field[0].lower() not in ("received", "return-path")], body


def main():
    need(Postfix)
    tap = rig.Tap()
    ground = Ground(tap)
    for case in (ground.a_copy_comes_back, ground.a_copied_mark,
                 ground.forged_marks, ground.circles):
        tap.run(case)
    ground.w.nothing_strayed()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
