#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""One very big message, and very many at a time.

In:    100 MB through Postfix; 200 sessions with 1 MB each.
Out:   VmHWM of the daemon's processes within the limits, everything sealed,
       and no clear octet in any file while it is under way.
Never: trusts a file that has no name any more to be unread: it is looked
       into through /proc.
"""
import os
import sys
import threading

import mtas
import rig
import sealed
import smtp
from world import World, files_of, need

MIB = 1024          # in KiB
BIG = 100 * 1000 * 1000
BIG_LIMIT = 64 * MIB
SESSIONS = 200
SESSION_OCTETS = 1000 * 1000
MANY_LIMIT = 300 * MIB


def memory(pids):
    """The peak of those that stay: the supervisor and the filter."""
    return sum(rig.status_kib(pid, "VmHWM") for pid in pids)


def memory_now(pids):
    """All of them with their workers, which come and go, at this moment."""
    return sum(rig.share_kib(pid) for pid in pids)


def forget_peak(pids):
    for pid in pids:
        try:
            with open("/proc/%d/clear_refs" % pid, "w") as f:
                f.write("5")
        except OSError:
            pass    # the peak so far then counts as idle


def big_mail(w, octets, to="alice@example.org"):
    """Text whose every line has the mark."""
    word = w.mark()
    line = "%s %s\n" % (word, "and so on " * 5)
    return w.mail(to=to, mark=word, body=line * (octets // len(line)))


class Watch(threading.Thread):
    """Looks again and again for the mark in all that the daemon stores."""

    def __init__(self, w, mark):
        super().__init__(daemon=True)
        self.staying = w.daemon.pids()
        self.w = w
        self.mark = mark.encode()
        self.over = threading.Event()
        self.found = []
        self.spilled = 0
        self.peak = 0
        self.processes = 0
        self.start()

    def run(self):
        while not self.over.is_set():
            pids = self.w.daemon.pids()
            self.peak = max(self.peak, memory(self.staying),
                            memory_now(pids))
            self.processes = max(self.processes, len(pids))
            for path in files_of(self.w.daemon.state):
                self.look(path)
            for pid in pids:
                self.look_into(pid)
            self.over.wait(0.02)

    def look_into(self, pid):
        try:
            names = os.listdir("/proc/%d/fd" % pid)
        except OSError:
            return
        for name in names:
            path = "/proc/%d/fd/%s" % (pid, name)
            try:
                target = os.readlink(path)
            except OSError:
                continue
            if target.startswith("/") and not target.startswith("/dev/"):
                self.look(path, target)

    def look(self, path, target=None):
        try:
            with open(path, "rb") as f:
                size = os.fstat(f.fileno()).st_size
                # The ends and the middle; all of it would take too long.
                for offset in (0, size // 2, max(0, size - 300000)):
                    f.seek(offset)
                    if self.mark in f.read(300000):
                        self.found.append(target or path)
                if target and "(deleted)" in target:
                    self.spilled = max(self.spilled, size)
        except OSError:
            pass

    def stop(self):
        self.over.set()
        self.join()


def one_big_message(w):
    # Once before: what is loaded at first use is not the message's.
    w.deliver(w.mail(), "alice@example.org")
    forget_peak(w.daemon.pids())
    idle = memory(w.daemon.pids())
    message = big_mail(w, BIG)
    watch = Watch(w, w.marks[-1])
    sent, arrivals = w.deliver(message, "alice@example.org")
    watch.stop()
    peak = max(watch.peak, memory(watch.staying))
    w.tap.note("idle %d MiB, peak %d MiB, spilled %d MB, %d processes" % (
        idle / MIB, peak / MIB, watch.spilled / 1e6, watch.processes))
    w.tap.equal(sent.code, 250, "a message of 100 MB is taken")
    w.tap.ok(not watch.found,
             "no clear octet of it is in any file of the daemon",
             *watch.found[:5])
    if rig.sanitized():
        w.tap.note("built with a sanitizer: memory is not measured")
    else:
        w.tap.ok(peak - idle < BIG_LIMIT, "it costs less than 64 MiB",
                 "%d KiB" % (peak - idle))
    raw = arrivals[0].raw
    found = sealed.wire_complaints(raw)
    w.tap.ok(sealed.is_sealed(raw) and not found, "it arrives sealed", *found)
    payload = w.keys.open_with_gpg(sealed.armor_of(raw))
    w.tap.ok(sealed.split(payload)[1] == sealed.split(message)[1],
             "and complete to the octet",
             sealed.difference(sealed.split(payload)[1],
                               sealed.split(message)[1]))


def too_big(w):
    w.daemon.stop()
    w.daemon.configure(limits={"message": 2 * 1000 * 1000})
    w.daemon.start()
    sent, arrivals = w.deliver(big_mail(w, 3 * 1000 * 1000),
                               "alice@example.org")
    w.tap.ok(500 <= sent.code < 600 and not arrivals,
             "a message over limits.message is refused", sent)
    message = big_mail(w, 1000 * 1000)
    _, arrivals = w.deliver(message, "alice@example.org")
    w.sealed_ok("one below is not", arrivals, message, "alice@example.org")
    w.daemon.stop()
    w.daemon.configure(limits=None)
    w.daemon.start()


def many_sessions(w):
    message = big_mail(w, SESSION_OCTETS)
    ready = threading.Barrier(SESSIONS)
    codes = [0] * SESSIONS

    def session(number):
        try:
            client = smtp.Client(w.mta.port)
            client.envelope("s%d@client.example" % number,
                            ["alice@example.org"])
            client.command("DATA")
            client.send(smtp.stuff(message))
            ready.wait(240)
            client.finish_data(message)
            codes[number] = client.reply().code
            client.close()
        except (OSError, threading.BrokenBarrierError, ValueError) as e:
            ready.abort()
            codes[number] = repr(e)

    watch = Watch(w, w.marks[-1])
    threads = [threading.Thread(target=session, args=(number,))
               for number in range(SESSIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    w.mta.idle(240)
    watch.stop()
    peak = max(watch.peak, memory(watch.staying))
    w.tap.equal({code: codes.count(code) for code in codes},
                {250: SESSIONS}, "200 sessions at a time are all served")
    w.tap.note("peak %d MiB, %d processes" % (peak / MIB, watch.processes))
    if rig.sanitized():
        w.tap.note("built with a sanitizer: memory is not measured")
    else:
        w.tap.ok(peak < MANY_LIMIT, "200 sessions of 1 MB take less than "
                 "300 MiB", "%d KiB" % peak)
    arrivals = w.arrived()
    w.tap.ok(len(arrivals) == SESSIONS and
             all(sealed.is_sealed(a.raw) for a in arrivals) and
             not watch.found,
             "each of the 200 arrives once and sealed", len(arrivals),
             *watch.found[:5])
    w.sealed_ok("and complete", arrivals[-1:], message, "alice@example.org")


def main():
    need(mtas.Postfix)
    tap = rig.Tap()
    w = World(tap, mtas.Postfix, keys=("alice@example.org",))
    for case in (one_big_message, too_big, many_sessions):
        tap.run(case, w)
    w.nothing_strayed()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
