#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""SIGKILL for the daemon at every stage of a message, on both MTAs.

In:    Postfix with milter_default_action=tempfail; Sendmail with F=T.
Out:   the client is told 4xx, nobody gets a readable octet, and a retry
       gives one sealed copy.
Never: takes a 2xx without a sealed copy, or a copy without a 2xx, for good.
"""
import os
import random
import signal
import sys
import time

import mtas
import rig
import smtp
from world import World

RANDOM_KILLS = 20
BIG = 12 * 1000 * 1000


def written(pids):
    """Octets that the processes wrote so far, to whatever it was."""
    total = 0
    for pid in pids:
        for line in rig.read_file("/proc/%d/io" % pid, "r").splitlines():
            if line.startswith("wchar:"):
                total += int(line.split()[1])
    return total


def big_mail(w, octets):
    line = "filler " + "x" * 60 + "\n"
    word = w.mark()
    return w.mail(mark=word, body="%s\n%s%s\n" % (
        word, line * (octets // len(line)), word))


class Attempt:
    """A message in one session, to be stopped anywhere."""

    def __init__(self, w, message):
        self.message = message
        self.client = smtp.Client(w.mta.port)

    def step(self, command):
        try:
            return self.client.command(command)
        except ConnectionError as e:
            return smtp.Reply(421, str(e))

    def envelope(self):
        return [self.step("MAIL FROM:<sender@client.example>"),
                self.step("RCPT TO:<alice@example.org>")]

    def content(self):
        self.client.send(smtp.stuff(self.message))
        self.client.finish_data(self.message)

    def last(self):
        try:
            return self.client.reply()
        except (ConnectionError, OSError) as e:
            return smtp.Reply(421, "(connection lost: %s)" % e)


def retry(w, message):
    """As a sending MTA does: again until it is taken."""
    codes = []
    while len(codes) < 20 and (not codes or codes[-1] >= 400):
        try:
            codes.append(smtp.send(w.mta.port, message,
                                   ["alice@example.org"]).code)
        except ConnectionError:
            codes.append(421)
    return codes


def judge(w, name, message, reply, restart=True):
    """After a kill: what the client heard, and what there is to read."""
    early = w.arrived()
    if restart:
        w.daemon.start()
    codes = retry(w, message) if reply.code >= 400 else []
    copies = early + w.arrived()
    found = w.complaints(copies, message, "alice@example.org")
    if not (400 <= reply.code < 500 and not early or
            reply.code == 250 and len(early) == 1):
        found.append("%r with %d copies" % (reply, len(early)))
    w.tap.ok(not found, name, reply, codes, *found)


def killed_at(w, stage, act):
    """act(attempt) brings the message to the stage, kills, and returns the
    reply that counts."""
    message = w.mail()
    attempt = Attempt(w, message)
    reply = act(attempt)
    attempt.client.close()
    judge(w, "killed %s: 4xx, nothing readable, one copy by the retry" %
          stage, message, reply)


def stages_of_the_envelope(w):
    def after_mail(attempt):
        attempt.step("MAIL FROM:<sender@client.example>")
        w.daemon.kill9()
        return attempt.step("RCPT TO:<alice@example.org>")

    def after_rcpt(attempt):
        attempt.envelope()
        w.daemon.kill9()
        reply = attempt.step("DATA")
        if reply.code == 354:
            attempt.content()
            reply = attempt.last()
        return reply

    def after_data(attempt):
        attempt.envelope()
        attempt.step("DATA")
        w.daemon.kill9()
        attempt.content()
        return attempt.last()

    def amid_content(attempt):
        attempt.envelope()
        attempt.step("DATA")
        half = len(attempt.message) // 2
        attempt.client.send(attempt.message[:half])
        w.daemon.kill9()
        attempt.client.send(attempt.message[half:])
        attempt.client.finish_data(attempt.message)
        return attempt.last()

    for stage, act in (("after MAIL", after_mail), ("after RCPT", after_rcpt),
                       ("after DATA", after_data),
                       ("amid the content", amid_content)):
        killed_at(w, stage, act)


def stages_of_the_end(w):
    """By the octets that the daemon has written since the last dot: the
    first are replies to the content, the last belong to the new body."""
    message = big_mail(w, BIG)
    pids = w.daemon.pids()
    start, began = written(pids), time.monotonic()
    _, arrivals = w.deliver(message, "alice@example.org")
    total, usual = written(pids) - start, time.monotonic() - began
    w.sealed_ok("left alone, a message of %d octets is sealed" % BIG,
                arrivals, message, "alice@example.org")
    if total == 0:
        w.tap.note("/proc does not tell what it writes: going by the clock")
    for part in (0.01, 0.2, 0.5, 0.8, 0.99):
        message = big_mail(w, BIG)
        attempt = Attempt(w, message)
        attempt.envelope()
        attempt.step("DATA")
        pids = w.daemon.pids()
        start, began = written(pids), time.monotonic()
        attempt.content()
        rig.wait_for(lambda: written(pids) - start >= part * total if total
                     else time.monotonic() - began >= part * usual / 2,
                     "%g of what the daemon writes" % part)
        w.daemon.kill9()
        reply = attempt.last()
        attempt.client.close()
        judge(w, "killed when %d %% was written: 4xx, nothing readable, "
              "one copy by the retry" % (100 * part), message, reply)


def at_random(w):
    size = 400 * 1000
    message = big_mail(w, size)
    start = time.monotonic()
    w.deliver(message, "alice@example.org")
    usual = time.monotonic() - start
    seed = random.randrange(1 << 30)
    w.tap.note("random seed %d, %.3f s as a rule" % (seed, usual))
    chance = random.Random(seed)
    for number in range(RANDOM_KILLS):
        message = big_mail(w, size)
        attempt = Attempt(w, message)
        attempt.envelope()
        attempt.step("DATA")
        attempt.content()
        delay = chance.uniform(0, 1.1 * usual)
        time.sleep(delay)   # the moment is the subject, not a wait
        w.daemon.kill9()
        reply = attempt.last()
        attempt.client.close()
        judge(w, "killed at random, %d of %d" % (number + 1, RANDOM_KILLS),
              message, reply)


def while_gpg_works(w):
    """A gpg that does not come back holds the daemon in the middle."""
    script = w.rig.write("gpg-waits", """#!/bin/sh
case " $* " in
*" --encrypt "*|*" -e "*) : > %s; exec sleep 86413 ;;
esac
exec gpg "$@"
""" % w.rig.path("gpg-is-there"), 0o755)
    w.daemon.configure(gpg=script, openpgp_engine="gnupg")
    w.daemon.restart()
    message = w.mail()
    attempt = Attempt(w, message)
    attempt.envelope()
    attempt.step("DATA")
    attempt.content()
    rig.wait_for(lambda: os.path.exists(w.rig.path("gpg-is-there")),
                 "gpg being run")
    w.daemon.kill9()
    reply = attempt.last()
    attempt.client.close()
    w.daemon.configure(gpg=None, openpgp_engine=None)
    judge(w, "killed while gpg was at work: 4xx, nothing readable, one copy "
          "by the retry", message, reply)
    strays = [pid for pid in rig.process_table()
              if "86413" in rig.command_line(pid)]
    w.tap.ok(not strays, "the gpg it had started is gone with it")
    for pid in strays:
        os.kill(pid, signal.SIGKILL)


def one_process_of_the_daemon(w):
    """Whichever process it is: the others must not answer in its place."""
    for index in range(len(w.daemon.pids())):
        pids = w.daemon.pids()
        if index >= len(pids):
            break
        message = big_mail(w, BIG // 4)
        attempt = Attempt(w, message)
        attempt.envelope()
        attempt.step("DATA")
        attempt.content()
        name = rig.read_file("/proc/%d/comm" % pids[index], "r").strip()
        os.kill(pids[index], signal.SIGKILL)
        reply = attempt.last()
        attempt.client.close()
        if w.daemon.process.poll() is not None:
            w.daemon.process = None
        judge(w, "process %d of the daemon (%s) killed amid a message" %
              (index + 1, name), message, reply,
              restart=w.daemon.process is None)


CASES = (stages_of_the_envelope, stages_of_the_end, at_random,
         while_gpg_works, one_process_of_the_daemon)


def main():
    tap = rig.Tap()
    ran = False
    for kind in (mtas.Postfix, mtas.Sendmail):
        why = mtas.missing(kind)
        if why:
            tap.skip("SIGKILL under " + kind.__name__, why)
            continue
        tap.note("under " + kind.__name__)
        w = World(tap, kind, keys=("alice@example.org",),
                  limits={"spool_memory": 64 << 20, "gpg_seconds": 60})
        for case in CASES:
            tap.run(case, w)
            if w.daemon.process is None:
                w.daemon.start()
        w.nothing_strayed()
        w.rig.close()
        tap.on_failure.clear()
        ran = True
    return tap.done() if ran else 0


if __name__ == "__main__":
    sys.exit(main())
