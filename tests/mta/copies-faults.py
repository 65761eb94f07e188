#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Everything that an injection listener can do wrong, behind a real Postfix.

In:    a listener that fails at every stage of SMTP, in turn.
Out:   what the client hears, what was delivered meanwhile, and that the next
       try after the fault ends delivers one copy each.
Never: restarts the daemon to get over a fault, or is content with a copy more
       than the one in doubt.
"""
import collections
import secrets
import sys
import threading
import time

import rig
import sealed
import smtp
from injection import Fault, Injection
from mtas import Postfix
from world import World, need

ALICE, BOB, DAVE = "alice@example.org", "bob@example.org", "dave@maybe.example"
RECIPIENTS = (ALICE, BOB, DAVE)     # named, in Bcc, clear
SENDER = "sender@client.example"
# For those who wait for the deadline: as short as the machine allows.
SECONDS = 12 if rig.slow() else 3
NOBODY, ALL = (0, 0, 0), (1, 1, 1)

# What it is; the fault; what the client hears; how many copies each of the
# three has then, and in the end.  None: it depends on when it is noticed.
Row = collections.namedtuple("Row", "name fault code then end patience",
                             defaults=(NOBODY, ALL, False))


def at_stages():
    """Before the first dot nothing has an effect."""
    yield Row("421 as a greeting", Fault("banner", "421 4.3.2 not now"), 451)
    yield Row("554 as a greeting", Fault("banner", "554 5.3.2 never"), 451)
    yield Row("no SMTP at all", Fault("banner", "\0\1\2\3"), 451)
    for stage, only in (("EHLO", ""), ("MAIL", ""), ("RCPT", "bob@"),
                        ("DATA", "bob@")):
        where = stage + (" for one of them" if only else "")
        yield Row("451 to " + where,
                  Fault(stage, "451 4.3.0 not now", only), 451)
        # What a server says to EHLO is about itself.
        yield Row("550 to " + where,
                  Fault(stage, "550 5.7.1 not you", only),
                  451 if stage == "EHLO" else 550)
        yield Row("connection closed at " + where,
                  Fault(stage, "lost", only), 451)
        yield Row("connection reset at " + where,
                  Fault(stage, "reset", only), 451)
    yield Row("421 to RCPT for one of them",
              Fault("RCPT", "421 4.3.2 shutting down", "dave@"), 451)
    yield Row("452 to MAIL, the disk being full",
              Fault("MAIL", "452 4.3.1 insufficient system storage", "",
                    times=1), 451)


def in_the_text():
    for after in (0, 1, 100, "middle", "last"):
        yield Row("reset after %s octets of one copy" % after,
                  Fault("text", "reset", "bob@", after=after), 451, None)
        yield Row("reset after %s octets of the first" % after,
                  Fault("text", "reset", "alice@", after=after), 451, None)


def at_the_dot():
    yield Row("451 to the dot of one copy",
              Fault("dot", "451 4.3.0 not now", "bob@"), 451, (1, 0, 1))
    yield Row("421 to the dot of the first",
              Fault("dot", "421 4.3.2 shutting down", "alice@"), 451,
              (0, 1, 1))
    yield Row("451 to every dot", Fault("dot", "451 4.3.0 not now"), 451)
    yield Row("550 to every dot", Fault("dot", "550 5.7.1 no"), 550)
    yield Row("250 after a second",
              Fault("dot", "late", "bob@", seconds=1), 250, ALL)
    yield Row("250 lost", Fault("dot", "lost", "bob@"), 451, ALL, (1, 2, 1))
    yield Row("250 lost by a reset", Fault("dot", "reset", "bob@"), 451, ALL,
              (1, 2, 1))
    yield Row("250 lost for the first", Fault("dot", "lost", "alice@"), 451,
              ALL, (2, 1, 1))


def until_the_deadline():
    for stage in ("accept", "banner", "EHLO", "MAIL", "RCPT", "DATA"):
        yield Row("silence at " + stage, Fault(stage, "silent"), 451,
                  patience=True)
    yield Row("an octet a second is read of one copy",
              Fault("text", "slow", "bob@", after=1), 451, (1, 0, 0),
              patience=True)
    yield Row("250 when the deadline is over",
              Fault("dot", "late", "bob@", seconds=10 * SECONDS), 451,
              (1, 1, 0), (1, 2, 1), True)
    yield Row("250 at an octet a second", Fault("dot", "slow", "bob@"), 451,
              (1, 1, 0), (1, 2, 1), True)
    yield Row("silence at the dot of the last",
              Fault("dot", "silent", "dave@"), 451, ALL, (1, 1, 2), True)


class Ground:
    def __init__(self, tap):
        self.tap = tap
        self.listener = Injection()
        # Not stored here, or they would never share a copy.
        self.w = World(tap, Postfix, keys=(ALICE, BOB),
                       domains=["elsewhere.example"],
                       inject=self.listener.url(), delivery="reinject")
        self.w.rig.at_exit(self.listener.close)

    def message(self, **how):
        how.setdefault("mark", self.w.public_word())
        return self.w.mail(to="%s, %s" % (ALICE, DAVE), **how)

    def send(self, message, recipients=RECIPIENTS, **how):
        return smtp.send(self.w.mta.port, message, list(recipients), **how)

    def limits(self, **limits):
        self.w.daemon.configure(limits=limits or None)
        self.w.daemon.restart()

    # --- One fault

    def row(self, row):
        message = self.message()
        if row.fault is None:
            self.listener.close()
        else:
            self.listener.fail(row.fault)
        start = time.monotonic()
        sent = self.send(message)
        seconds = time.monotonic() - start
        then = self.listener.take()
        if row.fault is None:
            self.listener.open()
        self.listener.heal()
        again = self.send(message) if sent.code != 250 else sent
        both = then + self.listener.take()
        self.tap.ok(
            sent.code == row.code and again.code == 250 and
            (row.then is None or counts(then) == row.then) and
            counts(both) == row.end and not readable(both, message) and
            self.listener.url() not in repr(sent),
            "%s: %d, then %s" % (
                row.name, row.code, "one copy each" if row.end == ALL
                else "all have it, the copy in doubt twice"),
            sent, again, "copies %s, then %s" % (counts(then), counts(both)),
            *readable(both, message))
        if row.patience and not rig.slow():
            self.tap.ok(SECONDS - 0.5 < seconds < SECONDS + 5,
                        "which the client hears when the time is over",
                        "%.1f s" % seconds)

    def all_rows(self, rows):
        for row in rows:
            self.tap.run(self.row, row)

    # --- A refusal for good, when others have theirs

    def reports(self, arrivals):
        return [a for a in arrivals if b"FROM:<>" in a.mail]

    def refused(self, address, sender=SENDER, code="550 5.2.2 mailbox full",
                options="", notify=""):
        """(what the client heard, arrivals, the message)"""
        message = self.message(body="the word is %s\n" % self.w.mark())
        self.listener.fail(Fault("dot", code, address))
        with smtp.Client(self.w.mta.port) as client:
            client.command("MAIL FROM:<%s>%s" % (sender, options))
            for each in RECIPIENTS:
                client.command("RCPT TO:<%s>%s" % (
                    each, notify if each == address else ""))
            sent = client.data(message)
        return sent, self.listener.take(), message

    def a_report(self):
        for address in (BOB, DAVE):
            sent, arrivals, message = self.refused(
                address, options=" ENVID=QQ+2B314",
                notify=" NOTIFY=FAILURE ORCPT=rfc822;x+2B" + address)
            reports = self.reports(arrivals)
            copies = [a for a in arrivals if a not in reports]
            wanted = tuple(int(a != address) for a in RECIPIENTS)
            self.tap.ok(sent.code == 250 and counts(copies) == wanted,
                        "%s's copy refused for good: 250, the others have "
                        "theirs" % address, sent, counts(copies))
            self.tap.equal([r.rcpts for r in reports],
                           [[b"RCPT TO:<%s> NOTIFY=NEVER" %
                             SENDER.encode()]],
                           "and the sender gets one report, which nobody "
                           "answers")
            for report in reports:
                found = sealed.report_complaints(report.raw, address)
                found += sealed.leaked(report.raw, message)
                if b"Original-Envelope-Id: QQ+314\r\n" not in report.raw:
                    found.append("another envelope ID")
                if b"Original-Recipient: rfc822; x+%s\r\n" % \
                   address.encode() not in report.raw.replace(
                       b"rfc822;x", b"rfc822; x"):
                    found.append("another ORCPT")
                found += ["a secret word" for mark in self.w.marks
                          if mark.encode() in report.raw]
                if sealed.values(message, "Subject")[0] in report.raw:
                    found.append("the Subject")
                self.tap.ok(not found, "it is as RFC 3464 says, and tells "
                            "nothing of the content", *found, report.raw)
            self.once_only(message, "a retry neither sends the copy again, "
                           "nor the report")

    def once_only(self, message, name):
        self.listener.heal()
        sent = self.send(message)
        taken = self.listener.take()
        self.tap.ok(sent.code == 250 and not taken, name, sent,
                    *[a.rcpts for a in taken])

    def no_report(self):
        for why, how in (
                ("who asked for none (NOTIFY=NEVER)",
                 {"notify": " NOTIFY=NEVER"}),
                ("who asked to hear of success only",
                 {"notify": " NOTIFY=SUCCESS"}),
                ("the null sender", {"sender": ""})):
            sent, arrivals, message = self.refused(BOB, **how)
            copies = [a for a in arrivals if any(
                b"<%s>" % r.encode() in b"".join(a.rcpts)
                for r in RECIPIENTS)]
            self.tap.ok(sent.code == 250 and copies == arrivals and
                        counts(copies) == (1, 0, 1),
                        "no report to " + why, sent,
                        *[(a.mail, a.rcpts) for a in arrivals])

    def a_report_that_fails(self):
        """The copies of the others are not sent again for it."""
        message = self.message()
        self.listener.fail(
            Fault("dot", "550 5.2.2 mailbox full", "bob@"),
            Fault("MAIL", "451 4.3.0 not now", "FROM:<>", times=1))
        sent = self.send(message)
        arrivals = self.listener.take()
        self.tap.ok(sent.code == 451 and counts(arrivals) == (1, 0, 1) and
                    not self.reports(arrivals),
                    "a report that cannot be sent defers the message", sent,
                    counts(arrivals))
        sent = self.send(message)
        arrivals = self.listener.take()
        self.tap.ok(sent.code == 250 and len(arrivals) == 1 and
                    self.reports(arrivals),
                    "the next try sends the report, and no copy again", sent,
                    *[a.rcpts for a in arrivals])
        self.once_only(message, "and the one after that, nothing")

    def all_refused(self):
        message = self.message()
        self.listener.fail(Fault("dot", "550 5.7.1 never"))
        codes = [self.send(message).code for _ in range(2)]
        taken = self.listener.take()
        self.listener.heal()
        self.tap.ok(codes == [550, 550] and not taken,
                    "every copy refused for good: 550 and no report", codes,
                    *[a.rcpts for a in taken])

    def one_copy_for_two(self):
        message = self.w.mail(to="%s, %s, %s" % RECIPIENTS,
                              mark=self.w.public_word())
        self.listener.fail(Fault("dot", "554 5.6.0 no", "alice@"))
        sent = self.send(message)
        arrivals = self.listener.take()
        self.listener.heal()
        reports = self.reports(arrivals)
        self.tap.ok(sent.code == 250 and len(reports) == 1 and
                    not sealed.report_complaints(reports[0].raw, ALICE, BOB),
                    "a copy for two is refused: one report names both", sent,
                    *[r.raw for r in reports])

    def a_later_wave(self):
        """Refused at RCPT, when others have theirs already."""
        self.limits(inject_slots=1)
        message = self.message()
        self.listener.fail(Fault("RCPT", "550 5.1.1 unknown", "bob@"))
        sent = self.send(message)
        arrivals = self.listener.take()
        reports = self.reports(arrivals)
        self.tap.ok(sent.code == 250 and len(reports) == 1 and
                    not sealed.report_complaints(reports[0].raw, BOB) and
                    b"Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 "
                    b"unknown\r\n" in reports[0].raw and
                    counts([a for a in arrivals if a not in reports]) ==
                    (1, 0, 1), "refused at RCPT in a later wave: a report",
                    sent, *[(a.mail, a.rcpts) for a in arrivals])
        message = self.message()
        self.listener.fail(Fault("RCPT", "451 4.3.0 not now", "bob@"))
        sent = self.send(message)
        then = self.listener.take()
        self.listener.heal()
        again = self.send(message)
        both = then + self.listener.take()
        self.tap.ok(sent.code == 451 and again.code == 250 and
                    counts(then) == (1, 0, 0) and counts(both) == ALL,
                    "deferred there: 451, and the rest with the next try",
                    sent, again, counts(then), counts(both))
        message = self.message()
        self.listener.fail(Fault("dot", "lost", "alice@"),
                           Fault("RCPT", "550 5.1.1 unknown", "bob@"))
        sent = self.send(message)
        then = self.listener.take()
        self.tap.ok(sent.code == 451,
                    "a refusal after a copy in doubt is no refusal of all",
                    sent, counts(then))
        self.listener.heal()
        self.send(message)
        self.listener.take()
        self.limits()

    # --- The same message twice at a time

    def in_parallel(self):
        """The client gives up waiting, and comes again meanwhile."""
        message = self.message()
        self.listener.fail(Fault("dot", "late", "bob@", seconds=rig.PATIENCE))
        first = []
        thread = threading.Thread(
            target=lambda: first.append(self.send(message)))
        thread.start()
        self.listener.wait_silent(1)
        second = self.send(message)
        self.listener.heal()
        thread.join()
        third = self.send(message)
        taken = self.listener.take()
        self.tap.ok(first[0].code == 250 and second.code == 451 and
                    third.code == 250 and counts(taken) == ALL,
                    "a message that is under way already is deferred",
                    first, second, third, counts(taken))


def counts(arrivals):
    """How many copies each has, in the order of RECIPIENTS."""
    return tuple(sum(b"TO:<%s>" % r.encode() in b"".join(a.rcpts)
                     for a in arrivals) for r in RECIPIENTS)


def readable(arrivals, original):
    """Copies that had to be sealed and are not."""
    word = sealed.values(original, "Subject")[0].split()[-1]
    return [a.raw for a in arrivals
            if DAVE.encode() not in b"".join(a.rcpts) and
            (word in a.raw or not sealed.is_sealed(a.raw))]


def main():
    need(Postfix)
    tap = rig.Tap()
    g = Ground(tap)
    g.all_rows([Row("nobody listens", None, 451)])
    g.all_rows(at_stages())
    g.all_rows(in_the_text())
    g.all_rows(at_the_dot())
    for case in (g.a_report, g.no_report, g.a_report_that_fails,
                 g.all_refused, g.one_copy_for_two, g.a_later_wave,
                 g.in_parallel):
        tap.run(case)
    g.limits(message_seconds=SECONDS, gpg_seconds=SECONDS)
    g.all_rows(until_the_deadline())
    g.w.nothing_strayed()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
