#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What has to be on the disk before what goes: a kill does not show it, a loss
of power would.

In:    a mailbox with a list of UIDs; the kernel's record of what sealctl asks.
Out:   for a batch, that each step waited for the one before.
Never: looks at the code.
"""
import os
import re
import shutil
import sys

import dovecot
import mailboxes
import rig

COUNT = 30                  # one batch
CALLS = "fsync,syncfs,linkat,unlinkat,renameat,renameat2"


class Order:
    def __init__(self, tap):
        self.tap = tap
        self.boxes = boxes = mailboxes.Boxes(tap)
        boxes.fill("", COUNT)
        boxes.dovecot.start()
        boxes.look()
        boxes.dovecot.stop()
        self.lines = []

    def record(self):
        path = self.boxes.rig.path("calls")
        self.boxes.rig.run(
            ["strace", "-f", "-y", "-s", "300", "-e", "signal=none", "-e",
             "trace=" + CALLS, "-o", path, rig.SEALCTL, "-c",
             self.boxes.seal.config_path, "mailbox", "encrypt", "--jobs", "1",
             "--user", mailboxes.OWNER, self.boxes.maildir()],
            # LeakSanitizer traces, too, and there can be one only.
            env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        text = rig.read_file(path).decode("utf-8", "replace")
        # What failed did nothing, and is none of this.
        self.lines = [line for line in text.splitlines()
                      if re.search(r"\) += 0$", line)]

    def places(self, pattern):
        return [i for i, line in enumerate(self.lines)
                if re.search(pattern, line)]

    def before(self, first, then, name):
        """All of `first`, and there is one, before any of `then`."""
        one, other = self.places(first), self.places(then)
        self.tap.ok(one and other and max(one) < min(other), name, one[:3],
                    other[:3], *self.lines[:20])

    def each_step_waits_for_the_one_before(self):
        tap = self.tap
        self.record()
        top = re.escape(self.boxes.maildir())
        link = r"\blinkat\(.*<%s/cur>" % top
        gone = r"unlinkat\(\d+<%s/cur>" % top
        tap.ok(len(self.places(link)) == COUNT and
               len(self.places(gone)) == COUNT, "it is one batch",
               *self.lines[:5])
        each = self.places(r"fsync\(\d+<%s/tmp/" % top)
        whole = self.places(r"syncfs\(\d+<%s" % top)
        tap.ok(len(each) == COUNT or whole, "each new file is waited for",
               len(each), *self.lines[:20])
        self.before(r"(fsync\(\d+<%s/tmp/|syncfs\()" % top, link,
                    "before it gets a name")
        self.before(r"fsync\(\d+<%s/sealmilter-journal" % top, link,
                    "so is the journal")
        self.before(link, gone, "new names are there before old ones go")
        cur = self.places(r"fsync\(\d+<%s/cur>" % top)
        tap.ok(any(max(self.places(link)) < i < min(self.places(gone))
                   for i in cur), "and on the disk", cur)
        listed = r"renameat.*dovecot-uidlist\.tmp"
        self.before(r"fsync\(\d+<%s/dovecot-uidlist\.tmp>" % top, listed,
                    "the list of UIDs is on the disk before it is the list")
        self.before(listed, gone, "it is the list before old names go")
        folder = self.places(r"fsync\(\d+<%s>" % top)
        tap.ok(any(max(self.places(listed)) < i < min(self.places(gone))
                   for i in folder), "and on the disk", folder)
        done = self.places(r"unlinkat\(.*sealmilter-journal")
        tap.ok(done and any(max(self.places(gone)) < i < min(done)
                            for i in cur),
               "the journal goes when they are gone on the disk", done, cur)


def main():
    why = dovecot.missing()
    if why:
        rig.skip_all(why)
    if shutil.which("strace") is None:
        rig.skip_all("strace is not installed (contrib/build-deps --test)")
    tap = rig.Tap()
    order = Order(tap)
    tap.run(order.each_step_waits_for_the_one_before)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
