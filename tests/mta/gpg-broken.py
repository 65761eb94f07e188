#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""gpg in the hands of the devil: it hangs, dies, lies and floods.

In:    openpgp_engine = "gnupg" with other programs in gpg's place, and the
       key source "gnupg" with a home that went bad while in use.
Out:   451 in time; nothing at the sink; no process left.
Never: "no key" (550) or clear text for what is an outage.
"""
import os
import shutil
import sys
import time

import mtas
import rig
import sealed
from world import World, need

GPG_SECONDS = 3
# What a loaded machine may need on top.
LATER = 20
# Marks the sleeps of our programs in the process table.
NAP = "86411"

# What the program does when it is asked to encrypt, or asked anything.
MISDEEDS = {
    "hangs before it reads": "exec sleep %s" % NAP,
    "hangs when it has read": "cat > /dev/null; exec sleep %s" % NAP,
    "hangs in a child that holds the pipes":
        "sleep %s & cat > /dev/null; exit 0" % NAP,
    "dies at once": "exit 2",
    "is killed": "kill -9 $$",
    "dies when it has read": "cat > /dev/null; exit 2",
    "exits 0 with nothing": "cat > /dev/null; exit 0",
    "repeats what it reads": "exec cat",
    "writes armor of something else": "cat > /dev/null; cat %(armor)s",
    "writes a key": "cat > /dev/null; cat %(key)s",
    "writes armor that only looks like it": "cat > /dev/null; cat %(fake)s",
    "writes half of the message":
        "gpg \"$@\" | head -c 150; exit 0",
    "floods stderr": "yes 'gpg: noise' >&2",
    "floods stdout": "yes 'noise'",
    "is no program": None,
}


def possess(w, misdeed, only_encrypting=False):
    """Puts a program in gpg's place, while the daemon runs; None: no program
    at all; "": gpg itself."""
    path = w.rig.path("gpg-devil")
    if misdeed is None:
        os.unlink(path)
        return
    files = {what: w.rig.path("devil." + what)
             for what in ("armor", "key", "fake")}
    text = "#!/bin/sh\n"
    if only_encrypting:
        text += ("case \" $* \" in\n*\" --encrypt \"*|*\" -e \"*) ;;\n"
                 "*) exec gpg \"$@\" ;;\nesac\n")
    text += misdeed % files if "%(" in misdeed else misdeed
    w.rig.write("gpg-next", text + "\n", 0o755)
    os.replace(w.rig.path("gpg-next"), path)


WELL = "exec gpg \"$@\""


def prepare(w):
    """Armor that gpg itself made: of another text and for another key."""
    w.rig.write("devil.armor", w.keys.gpg(
        "--armor", "-r", "=" + w.keys.addresses["bob@example.org"],
        "--encrypt", input=b"Content-Type: text/plain\r\n\r\nother\r\n")[1])
    shutil.copy(w.keys.public("alice@example.org"), w.rig.path("devil.key"))
    w.rig.write("devil.fake", "-----BEGIN PGP MESSAGE-----\n\n%s=AAAA\n"
                "-----END PGP MESSAGE-----\n" % ("Zm9vYmFy" * 8 + "\n") * 9)


def naps():
    return [pid for pid in rig.process_table()
            if NAP in rig.command_line(pid)]


def left_behind(w, before):
    """Processes under the daemon or from our programs that stay."""
    def rest():
        return [pid for pid in naps() + w.daemon.pids()
                if pid not in before and rig.alive(pid)]
    try:
        rig.wait_for(lambda: not rest(), "the end of what gpg was", LATER)
    except TimeoutError:
        pass
    strays = ["%d %s" % (pid, rig.command_line(pid)) for pid in rest()]
    for pid in naps():
        os.kill(pid, 9)
    return strays


def encrypting(w, description, misdeed, only_encrypting):
    when = "when asked to encrypt" if only_encrypting else "whatever it is"
    name = "a gpg that %s, %s" % (description, when)
    possess(w, misdeed, only_encrypting)
    before = w.daemon.pids()
    start = time.monotonic()
    sent, arrivals = w.deliver(w.mail(), "alice@example.org")
    took = time.monotonic() - start
    strays = left_behind(w, before)
    w.tap.ok(400 <= sent.code < 500 and not arrivals and
             took < GPG_SECONDS + LATER and not strays,
             name + ": 4xx, nothing sent, nothing left running",
             sent, "%.1f s" % took, len(arrivals), *strays)


def sealing(w):
    prepare(w)
    possess(w, WELL)
    w.daemon.stop()
    w.daemon.configure(openpgp_engine="gnupg", gpg=w.rig.path("gpg-devil"))
    w.daemon.start()
    message = w.mail()
    _, arrivals = w.deliver(message, "alice@example.org")
    w.sealed_ok("with a gpg that is well, GnuPG seals", arrivals, message,
                "alice@example.org")
    for description, misdeed in MISDEEDS.items():
        for only_encrypting in (True, False):
            if misdeed is None and only_encrypting:
                continue
            encrypting(w, description, misdeed, only_encrypting)
    possess(w, WELL)
    message = w.mail()
    _, arrivals = w.deliver(message, "alice@example.org")
    w.sealed_ok("and all is well again when gpg is", arrivals, message,
                "alice@example.org")


# --- GnuPG as a source of keys

def garbage(home):
    with open(os.path.join(home, "pubring.kbx"), "wb") as f:
        f.write(b"this is no keybox at all\n" * 200)


def torn(home):
    path = os.path.join(home, "pubring.kbx")
    with open(path, "rb+") as f:
        f.truncate(os.path.getsize(path) // 2 + 7)


def ring_is_a_folder(home):
    os.unlink(os.path.join(home, "pubring.kbx"))
    os.mkdir(os.path.join(home, "pubring.kbx"))


def home_gone(home):
    shutil.rmtree(home)


def home_is_a_file(home):
    shutil.rmtree(home)
    with open(home, "w"):
        pass


OUTAGES = {
    "whose keyring is garbage": garbage,
    "whose keyring is cut off": torn,
    "whose keyring is a folder": ring_is_a_folder,
    "that is gone": home_gone,
    "that is a file": home_is_a_file,
}


def fresh_home(w):
    home = w.rig.path("source")
    if os.path.isfile(home):
        os.unlink(home)
    shutil.rmtree(home, ignore_errors=True)
    w.rig.make_dir("source", mode=0o700)
    for address in ("alice@example.org", "bob@example.org"):
        w.rig.run(["gpg", "--homedir", home, "--batch", "--quiet",
                   "--import", w.keys.public(address)])
    # Or it outlives the folder and answers for the next one.
    w.rig.run(["gpgconf", "--homedir", home, "--kill", "all"])
    return home


def answers(w, recipient):
    sent, arrivals = w.deliver(w.mail(to=recipient), recipient)
    return sent, arrivals


def source(w):
    home = fresh_home(w)
    possess(w, WELL)
    w.daemon.stop()
    w.daemon.configure(keys={"sources": ["gnupg"], "gnupg_home": home},
                       openpgp_engine=None)
    w.daemon.start()
    message = w.mail()
    _, arrivals = w.deliver(message, "alice@example.org")
    w.sealed_ok("a key from a GnuPG home seals", arrivals, message,
                "alice@example.org")
    sent, arrivals = answers(w, "ice@example.org")
    w.refused("GnuPG's search by substring finds nobody else's key", sent,
              arrivals)
    for description, damage in OUTAGES.items():
        damage(home)
        for recipient in ("alice@example.org", "nokey@example.org",
                          "carol@maybe.example"):
            sent, arrivals = answers(w, recipient)
            good = 400 <= sent.code < 500 and not arrivals
            # An answer that was found before may still be known.
            if recipient == "alice@example.org" and sent.code == 250:
                good = all(sealed.is_sealed(a.raw) for a in arrivals)
            w.tap.ok(good, "a GnuPG home %s is an outage for %s" %
                     (description, recipient), sent, len(arrivals))
        fresh_home(w)
        message = w.mail()
        _, arrivals = w.deliver(message, "alice@example.org")
        w.sealed_ok("and no longer when it is back", arrivals, message,
                    "alice@example.org")


def source_program(w):
    for description in ("hangs before it reads", "dies at once",
                        "exits 0 with nothing", "floods stderr",
                        "is no program"):
        fresh_home(w)   # what was found in the old one is not known of it
        possess(w, MISDEEDS[description])
        before = w.daemon.pids()
        start = time.monotonic()
        sent, arrivals = answers(w, "alice@example.org")
        took = time.monotonic() - start
        strays = left_behind(w, before)
        w.tap.ok(400 <= sent.code < 500 and not arrivals and
                 took < GPG_SECONDS + LATER and not strays,
                 "looking up with a gpg that %s: 4xx, never \"no key\"" %
                 description, sent, "%.1f s" % took, *strays)


def main():
    need(mtas.Postfix)
    tap = rig.Tap()
    w = World(tap, mtas.Postfix,
              keys=("alice@example.org", "bob@example.org",
                    "carol@maybe.example"),
              limits={"gpg_seconds": GPG_SECONDS})
    for case in (sealing, source, source_program):
        tap.run(case, w)
    w.nothing_strayed()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
