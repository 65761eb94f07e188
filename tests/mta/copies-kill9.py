#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""SIGKILL at every named point of delivery by copies, on a real Postfix.

In:    sealmilter built with its crash points; a client that retries as a
       mail server does.
Out:   a histogram of copies for each point: 0 lost, 0 readable, 1 each, but
       for the one copy that is in doubt at K4 and K5.
Never: is content with a copy more or less than the table says.
"""
import email
import os
import random
import sys
import time

import rig
import smtp
from mtas import Postfix
from world import World, need

CRASHING = os.path.join(rig.BUILD, "tests", "mta", "sealmilter-crash")
RUNS = int(os.environ.get("SEALMILTER_KILLS", "5" if rig.sanitized()
                          else "20"))

# Where; which pass of the point; how many copies may be doubled.
POINTS = (
    ("K0", 2, 0), ("K1", 1, 0), ("K2", 1, 0), ("K3", 1, 0), ("K4", 1, 1),
    ("K5", 1, 1), ("K6", 1, 0), ("K7", 1, 0), ("K8", 1, 0), ("rotate", 1, 0),
)
# Three forms: OpenPGP, S/MIME (and in Bcc), clear.
RECIPIENTS = {"alice@example.org": "multipart/encrypted",
              "erin@example.org": "application/pkcs7-mime",
              "dave@maybe.example": None}
CERTS = os.path.join(rig.SOURCE, "tests", "certs")
POLICY = ({"name": "must", "to": ["@example.org"],
           "seal": ["openpgp", "smime"]},
          {"name": "may", "seal": ["openpgp", "clear"]})


def form_of(raw):
    return email.message_from_bytes(raw).get_content_type()


class Killing:
    def __init__(self, tap):
        self.tap = tap
        self.w = World(tap, Postfix, keys=("alice@example.org",), copies=True,
                       policy=POLICY)
        self.w.daemon.configure(keys={
            "sources": ["store"],
            "smime_trust": os.path.join(CERTS, "ca.crt")})
        self.w.daemon.ctl("key", "import", os.path.join(CERTS, "erin.crt"))
        self.once = self.w.rig.path("crash-once")

    def arm(self, point, nth):
        daemon = self.w.daemon
        daemon.stop()
        daemon.program = CRASHING
        daemon.environment["SEALMILTER_CRASH_AT"] = "%s:%d" % (point, nth)
        daemon.environment["SEALMILTER_CRASH_ONCE"] = self.once
        daemon.start()

    def retry(self, message):
        """As a sending MTA does; the codes it heard."""
        codes = []
        end = time.monotonic() + rig.PATIENCE
        while not codes or codes[-1] >= 400:
            if time.monotonic() > end:
                raise TimeoutError("never taken: %r" % codes)
            try:
                codes.append(smtp.send(self.w.mta.port, message,
                                       list(RECIPIENTS)).code)
            except (ConnectionError, OSError):
                codes.append(421)
        return codes

    def one(self, point):
        """{recipient: copies}, what is wrong, and whether it crashed."""
        w = self.w
        word = w.public_word()
        message = w.mail(to="alice@example.org, dave@maybe.example",
                         mark=word)
        with open(self.once, "w"):
            pass
        codes = self.retry(message)
        arrivals = w.arrived()
        if point == "K8":   # after the answer; it may take a moment
            rig.wait_for(lambda: not os.path.exists(self.once),
                         "the daemon's death")
        counts, wrong = dict.fromkeys(RECIPIENTS, 0), []
        for arrival in arrivals:
            for address, form in RECIPIENTS.items():
                if any(address.encode() in r for r in arrival.rcpts):
                    counts[address] += 1
                    if form and (word.encode() in arrival.raw or
                                 form_of(arrival.raw) != form):
                        wrong.append("readable: " + address)
        crashed = not os.path.exists(self.once)
        if not crashed:
            os.unlink(self.once)
        return counts, wrong, crashed, codes

    def point(self, point, nth, doubles):
        self.arm(point, nth)
        histogram, wrong, crashes = {}, [], 0
        for _ in range(RUNS):
            counts, readable, crashed, codes = self.one(point)
            crashes += crashed
            wrong += readable
            for count in counts.values():
                histogram[count] = histogram.get(count, 0) + 1
            extra = sum(max(0, c - 1) for c in counts.values())
            if 0 in counts.values() or extra > doubles:
                wrong.append("%r after %r" % (counts, codes))
        self.tap.note("%-7s %s, readable %d" % (
            point, " ".join("%dx%d" % item
                            for item in sorted(histogram.items())),
            sum(w.startswith("readable") for w in wrong)))
        self.tap.ok(crashes == RUNS, "%s: the daemon died there, %d times" %
                    (point, RUNS), crashes)
        self.tap.ok(not wrong, "%s: nothing lost, nothing readable, %s" % (
            point, "at most the copy in doubt twice" if doubles
            else "one copy each"), *wrong[:10])

    def at_random(self, seconds):
        """SIGKILL for the whole daemon at any moment, as long as one likes."""
        w, end = self.w, time.monotonic() + seconds
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        self.tap.note("random seed %d" % seed)
        runs, histogram, wrong = 0, {}, []
        w.daemon.stop()
        w.daemon.program = rig.SEALMILTER
        w.daemon.start()
        while time.monotonic() < end:
            word = w.public_word()
            message = w.mail(to="alice@example.org, dave@maybe.example",
                             mark=word)
            client = smtp.Client(w.mta.port)
            client.envelope("sender@client.example", list(RECIPIENTS))
            client.command("DATA")
            client.send(smtp.stuff(message))
            client.finish_data(message)
            time.sleep(chance.uniform(0, 0.15))  # the subject, not a wait
            w.daemon.kill9()
            w.daemon.start()
            try:
                code = client.reply().code
            except (ConnectionError, OSError):
                code = 421
            client.close()
            if code >= 400:
                self.retry(message)
            counts = dict.fromkeys(RECIPIENTS, 0)
            for arrival in w.arrived():
                for address, form in RECIPIENTS.items():
                    if any(address.encode() in r for r in arrival.rcpts):
                        counts[address] += 1
                        if form and (word.encode() in arrival.raw or
                                     form_of(arrival.raw) != form):
                            wrong.append("readable: " + address)
            runs += 1
            for count in counts.values():
                histogram[count] = histogram.get(count, 0) + 1
            if 0 in counts.values() or \
               sum(max(0, c - 1) for c in counts.values()) > 1:
                wrong.append("%r" % counts)
        self.tap.note("%d kills: %s" % (runs, " ".join(
            "%dx%d" % item for item in sorted(histogram.items()))))
        self.tap.ok(runs and not wrong, "killed at random moments: nothing "
                    "lost, nothing readable, at most one in doubt twice",
                    *wrong[:10])


def main():
    need(Postfix)
    tap = rig.Tap()
    killing = Killing(tap)
    soak = os.environ.get("SEALMILTER_SOAK_SECONDS")
    if soak is None:
        for point in POINTS:
            tap.run(killing.point, *point)
    tap.run(killing.at_random, float(soak or 20))
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
