#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""More copies at a time than there are slots for, behind a real Postfix.

In:    clients that send at once, each message to recipients who all need a
       copy of their own.
Out:   250 for all, one copy each, never more connections than slots; and 451
       at once for whom there is no place even to wait.
Never: lets two messages wait for each other's slots.
"""
import select
import sys
import threading
import time

import rig
import sealed
import smtp
from injection import Fault, Injection
from mtas import Postfix
from world import WITH_KEYS, World, need

# In nobody's To: each has a copy alone.
RECIPIENTS = WITH_KEYS + ("mal-alice@example.org",)
CLIENTS, SLOTS = 20, 20


def together(count, work):
    """That many threads; what they returned, or raised."""
    results = [None] * count
    start = threading.Barrier(count)

    def one(i):
        start.wait()
        try:
            results[i] = work(i)
        except Exception as e:
            results[i] = e
    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class Ground:
    def __init__(self, tap):
        self.tap = tap
        self.listener = Injection()
        self.w = World(tap, Postfix, inject=self.listener.url(),
                       delivery="reinject", limits={"inject_slots": SLOTS})
        self.w.rig.at_exit(self.listener.close)

    def message(self):
        return self.w.mail(to="undisclosed-recipients:;",
                           mark=self.w.public_word(),
                           body="the word is %s\n" % self.w.mark())

    def send(self, message, recipients):
        return smtp.send(self.w.mta.port, message, list(recipients))

    def no_deadlock(self):
        messages = [self.message() for _ in range(CLIENTS)]
        self.listener.most = 0
        start = time.monotonic()
        sent = together(CLIENTS,
                        lambda i: self.send(messages[i], RECIPIENTS))
        seconds = time.monotonic() - start
        taken = self.listener.take()
        self.tap.note("%d clients, %d copies each, %d slots: %.1f s" % (
            CLIENTS, len(RECIPIENTS), SLOTS, seconds))
        self.tap.ok([getattr(s, "code", s) for s in sent] == [250] * CLIENTS,
                    "%d clients at once, %d copies each: all hear 250" % (
                        CLIENTS, len(RECIPIENTS)), *sent)
        wrong = []
        for message in messages:
            ident = sealed.values(message, "Message-ID")[0]
            mine = sorted(b"".join(a.rcpts).split(b"<")[1].split(b">")[0]
                          for a in taken if ident in a.raw)
            if mine != sorted(r.encode() for r in RECIPIENTS):
                wrong.append("%r: %r" % (ident, mine))
        self.tap.ok(not wrong and
                    len(taken) == CLIENTS * len(RECIPIENTS),
                    "and each of them delivered once to each", len(taken),
                    *wrong)
        self.tap.ok(0 < self.listener.most <= SLOTS,
                    "over no more connections than there are slots",
                    self.listener.most)

    def overload(self):
        """The slots are taken by a listener that says nothing; one message
        may wait."""
        recipients = RECIPIENTS[:3]
        self.w.daemon.configure(limits={"inject_slots": len(recipients),
                                        "inject_waiting": 1})
        self.w.daemon.restart()
        self.listener.fail(Fault("dot", "late", seconds=rig.PATIENCE,
                                 times=1))
        answers = []

        # One after the other: libmilter as Debian builds it lets a session
        # of a burst stand behind another one's end of message now and then,
        # which is not what is tested here.
        def begin():
            client, message = smtp.Client(self.w.mta.port), self.message()
            client.envelope("sender@client.example", recipients)
            client.command("DATA")
            client.send(smtp.stuff(message))
            client.finish_data(message)
            return client

        def take(client, start):
            answers.append((client.reply().code, time.monotonic() - start))
            client.close()
        holder = begin()
        self.listener.wait_silent(1)
        two = [(begin(), time.monotonic()) for _ in range(2)]
        ready = select.select([c.socket for c, _ in two], [], [],
                              rig.PATIENCE)[0]
        waiter = next((c for c, _ in two if c.socket not in ready), None)
        for client, start in two:
            if client is not waiter:
                take(client, start)
        for _ in range(3):
            start = time.monotonic()
            take(begin(), start)
        self.tap.ok(waiter is not None and
                    [code for code, _ in answers] == [451] * 4,
                    "when one waits for slots, the others hear 451", answers)
        self.tap.ok(rig.slow() or all(s < 1 for _, s in answers),
                    "within a second", answers)
        self.listener.heal()
        codes = [holder.reply().code, waiter.reply().code]
        holder.close()
        waiter.close()
        taken = self.listener.take()
        self.tap.ok(codes == [250, 250] and
                    len(taken) == 2 * len(recipients),
                    "who had slots and who waited hear 250", codes,
                    len(taken))
        self.tap.ok(self.send(self.message(), recipients).code == 250,
                    "and then there is room again")


def main():
    need(Postfix)
    tap = rig.Tap()
    ground = Ground(tap)
    tap.run(ground.no_deadlock)
    tap.run(ground.overload)
    ground.w.nothing_strayed()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
