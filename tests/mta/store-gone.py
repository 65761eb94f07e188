#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The store of keys goes away, or bad, while the daemon runs.

In:    STATE/store.db removed, emptied, cut, overwritten, replaced.
Out:   4xx for everybody whose ladder asks for keys; all is well again when
       the file is.
Never: "no key" (550), and never clear text where the ladder ends in clear.
"""
import os
import shutil
import sys

import mtas
import rig
import sealed
from world import World, need

RECIPIENTS = ("alice@example.org", "nokey@example.org",
              "carol@maybe.example", "dave@maybe.example")


def removed(path):
    os.unlink(path)


def emptied(path):
    os.truncate(path, 0)


def cut(path):
    os.truncate(path, 4096 + 100)


def overwritten(path):
    size = os.path.getsize(path)
    with open(path, "rb+") as f:
        f.write(b"no database at all " * (size // 19))


def a_folder(path):
    os.unlink(path)
    os.mkdir(path)


def replaced_by_an_empty_one(path):
    """A good store, but not the one with the keys in it."""
    os.replace(path + ".empty", path)


DAMAGES = (removed, emptied, cut, overwritten, a_folder,
           replaced_by_an_empty_one)


def make_empty_store(w):
    other = rig.Sealmilter(w.rig, "empty")
    other.ctl("key", "list", check=False)
    shutil.copy(os.path.join(other.state, "store.db"),
                os.path.join(w.daemon.state, "store.db.empty"))


def is_the_truth(recipient, sent, arrivals):
    """What SQLite still has in memory of a file that was cut is right."""
    if recipient == "nokey@example.org":
        return sent.code == 550 and not arrivals
    return sent.code == 250 and len(arrivals) == 1 and \
        sealed.is_sealed(arrivals[0].raw) == (
            recipient != "dave@maybe.example")


def outage(w, damage):
    """Repaired by a restart with the file as it was."""
    path = os.path.join(w.daemon.state, "store.db")
    w.daemon.stop()     # so that the copy is complete
    kept = w.rig.path("store.kept")
    shutil.copy(path, kept)
    make_empty_store(w)
    w.daemon.start()
    w.deliver(w.mail(), "alice@example.org")
    damage(path)
    name = damage.__name__.replace("_", " ")
    for recipient in RECIPIENTS:
        mark = w.public_word() if damage is cut else w.mark()
        sent, arrivals = w.deliver(w.mail(to=recipient, mark=mark), recipient)
        w.tap.ok(400 <= sent.code < 500 and not arrivals or
                 damage is cut and is_the_truth(recipient, sent, arrivals),
                 "a store that is %s is an outage for %s" % (name, recipient),
                 sent, len(arrivals))
    w.daemon.stop()
    for rest in ("", "-wal", "-shm"):
        if os.path.isdir(path + rest):
            os.rmdir(path + rest)
        elif os.path.exists(path + rest):
            os.unlink(path + rest)
    shutil.copy(kept, path)
    w.daemon.start()
    message = w.mail()
    _, arrivals = w.deliver(message, "alice@example.org")
    w.sealed_ok("and all is well when it is back", arrivals, message,
                "alice@example.org")


def keys_that_come_and_go(w):
    """The daemon sees at once what sealctl does to the store."""
    sent, arrivals = w.deliver(w.mail(to="bob@example.org"),
                               "bob@example.org")
    w.refused("a key that is not imported yet is not used", sent, arrivals)
    w.keys.import_into(w.daemon, "bob@example.org")
    message = w.mail(to="bob@example.org")
    _, arrivals = w.deliver(message, "bob@example.org")
    w.sealed_ok("sealctl key import: the running daemon seals with it",
                arrivals, message, "bob@example.org")
    w.daemon.ctl("key", "delete", "bob@example.org")
    sent, arrivals = w.deliver(w.mail(to="bob@example.org"),
                               "bob@example.org")
    w.refused("sealctl key delete: the running daemon no longer does", sent,
              arrivals)


def main():
    need(mtas.Postfix)
    tap = rig.Tap()
    w = World(tap, mtas.Postfix,
              keys=("alice@example.org", "carol@maybe.example"))
    w.keys.make("bob@example.org")
    tap.run(keys_that_come_and_go, w)
    for damage in DAMAGES:
        tap.run(outage, w, damage)
        if w.daemon.process is None:
            w.daemon.start()
    w.nothing_strayed()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
