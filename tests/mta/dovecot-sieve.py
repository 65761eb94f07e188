#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Mail that no milter has seen is sealed at its final address, when Dovecot
stores it, with the very files of contrib/dovecot.

In:    messages over a Postfix without a milter, for mailboxes and aliases.
Out:   what is stored, and what is not when sealing fails in any way.
Never: has a file of the mail store with a readable word, but where the policy
       says "clear".
"""
import os
import re
import sys

import dovecot
import rig
import sealed
import smime
from mtas import sample
from storing import Site, look_around, mail_to, need, of, send, RECOVERY

POLICY = (
    {"name": "strict", "to": ["rita@example.org"], "seal": ["openpgp"]},
    {"name": "stored here", "to": ["@example.org"],
     "seal": ["openpgp", "smime", "clear"], "recovery": [RECOVERY],
     "legacy_display": False},
)
ALIASES = "{ team@example.org = olga@example.org, alice@example.org }"
USER = 'require "fileinto";\nfileinto "Lists";\n'


class Filtered(Site):
    """The files of contrib/dovecot, with other paths and users."""

    def __init__(self, tap, milters):
        self.script = None
        super().__init__(tap, POLICY, aliases=ALIASES, milters=milters,
                         dovecot_options={"extra": self.lines})
        # As 99-sealmilter.conf says.
        self.rig.run(["sievec", "-c", self.store.config_path, self.script])

    def lines(self, store):
        text = sample("dovecot", "99-sealmilter.conf")
        self.where = self.rig.make_dir("sieve")
        self.script = self.rig.write("sieve/seal.sieve",
                                     sample("dovecot", "seal.sieve"))
        self.program = self.rig.write(
            "sieve/sealctl", "#!/bin/sh\nexec '%s' -c '%s' \"$@\"\n" % (
                rig.SEALCTL, self.daemon.config_path), 0o755)
        for ours, here in (
                ("/etc/dovecot/sealmilter/seal.sieve", self.script),
                ("/usr/bin/sealctl", self.program),
                ("user = sealmilter", "user = " + (
                    "root" if os.geteuid() == 0 else store.owner.pw_name)),
                ("user = vmail", "user = " + store.owner.pw_name)):
            assert ours in text, ours
            text = text.replace(ours, here)
        return text

    def deferred(self, name, message, recipient="olga@example.org",
                 word=None):
        """It stays in the queue; no file of the store has the word."""
        before = len(self.mta.log())
        sent = send(self, message, recipient)
        line = self.mta.wait_log("status=", before)
        stored = self.readable(word or self.marks[-1])
        self.tap.ok(sent.code == 250 and "status=deferred" in line and
                    not stored and self.mta.queued(), name, sent, line,
                    *stored)


def final_addresses(w):
    message = mail_to(w, "olga", "alice", "nora", mark=w.public_word())
    everybody = ("olga", "alice", "nora")
    sent, arrivals = w.deliver(message, [
        user + "@example.org" for user in everybody])
    w.tap.ok(sent.code == 250 and len(arrivals) == 3 and
             all(len(of(arrivals, user)) == 1 for user in everybody),
             "each of three has one message", sent,
             *[a.user for a in arrivals])
    w.sealed_ok("one is sealed to an OpenPGP key and the recovery's",
                of(arrivals, "olga"), message, "olga@example.org", RECOVERY)
    found = smime_complaints(w, of(arrivals, "alice"), "alice", message)
    w.tap.ok(not found, "one to a certificate", *found)
    w.tap.ok(b"at=rest" in of(arrivals, "olga")[0].mark() and
             b"at=rest" in of(arrivals, "alice")[0].mark(),
             "both say that they are at rest")
    w.tap.ok(of(arrivals, "nora")[0].raw.endswith(sealed.split(message)[1]),
             "one is clear, as the policy says")
    message = mail_to(w, "olga")
    _, arrivals = w.deliver(message, "olga+lists@example.org")
    w.sealed_ok("olga+lists@ is olga@ here, too", of(arrivals, "olga"),
                message, "olga@example.org", RECOVERY)


def smime_complaints(w, copies, name, message):
    if len(copies) != 1:
        return ["%d copies" % len(copies)]
    return sealed.payload_complaints(w.openers.with_openssl(
        smime.der_of(copies[0].raw), name), message)


def members_of_an_alias(w):
    message = w.mail(to="team@example.org")
    _, arrivals = w.deliver(message, "team@example.org")
    w.tap.equal(sorted(a.user for a in arrivals),
                ["alice@example.org", "olga@example.org"],
                "an alias goes to its members")
    w.sealed_ok("and each has it sealed to their own key: olga's",
                of(arrivals, "olga"), message, "olga@example.org", RECOVERY)
    found = smime_complaints(w, of(arrivals, "alice"), "alice", message)
    w.tap.ok(not found, "and alice's certificate", *found)


def null_sender(w):
    message = mail_to(w, "olga")
    _, arrivals = w.deliver(message, "olga@example.org", sender="")
    w.sealed_ok("so is what comes from the null sender",
                of(arrivals, "olga"), message, "olga@example.org", RECOVERY)


def large(w):
    message = mail_to(w, "olga", body="".join(
        "Line %d of much text.\n" % i for i in range(60000)))
    _, arrivals = w.deliver(message, "olga@example.org")
    w.sealed_ok("and a message of more than one megabyte",
                of(arrivals, "olga"), message, "olga@example.org", RECOVERY)


def scripts_of_users(w):
    """What they do, they do with the sealed message."""
    home = w.store.home("otto@example.org")
    path = os.path.join(home, ".dovecot.sieve")
    w.rig.write(path, USER)
    os.chown(path, w.store.owner.pw_uid, w.store.owner.pw_gid)
    with w.store.imap("otto@example.org") as client:
        dovecot.checked(client.create("Lists"))
    message = mail_to(w, "otto")
    w.deliver(message, "otto@example.org")
    with w.store.imap("otto@example.org") as client:
        filed = dovecot.fetch(client, "Lists")
    w.tap.ok(len(filed) == 1 and all(
        sealed.is_sealed(mail.raw) for mail in filed.values()),
        "a script of a user files the sealed message", *filed.values())


def failures(w):
    """Nothing readable is stored, whatever breaks; then it is delivered."""
    message = mail_to(w, "olga")
    keys = os.path.join(w.daemon.state, "store.db")
    os.rename(keys, keys + ".gone")
    w.deferred("without the store of keys a message is deferred", message)
    os.rename(keys + ".gone", keys)
    delivered(w, "and delivered when it is back", message)

    message = mail_to(w, "olga", body=w.mark() + "\n" + "much text\n" * 99999)
    w.daemon.configure(nonsense=1)
    w.deferred("so is one of 1 MB with a configuration that is broken",
               message)
    w.daemon.options.pop("nonsense")
    w.daemon.configure()
    delivered(w, "and delivered when that is right", message)
    w.tap.ok(not w.store.complaints() or not any(
        re.search("Panic|Fatal", line) for line in w.store.complaints()),
        "of what sealctl says, Dovecot's LMTP does not die",
        *w.store.complaints()[-5:])

    message = mail_to(w, "olga")
    os.rename(w.program, w.program + ".gone")
    w.deferred("without sealctl it is deferred", message)
    os.rename(w.program + ".gone", w.program)
    delivered(w, "and delivered when that is back", message)

    for what, script in (
            ("that ends with 75 after half of it",
             "head -c 100; cat >/dev/null; exit 75"),
            ("that prints all of it and ends with 1", "cat; exit 1"),
            ("that is killed after printing it", "cat; kill -9 $$")):
        good = rig.read_file(w.program)
        message = mail_to(w, "olga")
        w.rig.write(w.program, "#!/bin/sh\n%s\n" % script, 0o755)
        w.deferred("a filter %s defers it" % what, message)
        w.rig.write(w.program, good, 0o755)
        delivered(w, "and it is sealed later", message)

    socket = os.path.join(w.store.dir, "run", "sealmilter-seal")
    message = mail_to(w, "olga")
    os.rename(socket, socket + ".gone")
    w.deferred("without the socket of the filter it is deferred", message)
    os.rename(socket + ".gone", socket)
    delivered(w, "and delivered when it is back", message)
    word = w.mark()
    w.deferred("who has no key and no clear in the ladder gets nothing",
               mail_to(w, "rita", mark=word), "rita@example.org", word)
    w.rig.run(["postsuper", "-c", w.mta.etc, "-d", "ALL"], check=False)


def delivered(w, name, message):
    w.mta.flush()
    w.sealed_ok(name, of(w.arrived(), "olga"), message, "olga@example.org",
                RECOVERY)


def what_a_missing_script_does(w):
    """99-sealmilter.conf says so; were it otherwise, it should say that."""
    os.rename(w.script, w.script + ".gone")
    word = w.public_word()
    _, arrivals = w.deliver(mail_to(w, "olga", mark=word),
                            "olga@example.org")
    os.rename(w.script + ".gone", w.script)
    w.tap.ok(len(arrivals) == 1 and not sealed.is_sealed(arrivals[0].raw),
             "without the script Dovecot stores clear text, as is written")


def nothing_to_read(w):
    word = w.mark()
    w.deliver(mail_to(w, "olga", mark=word), "olga@example.org")
    shown = look_around(w, "olga@example.org", word)
    w.tap.ok(not shown, "IMAP finds no word of what was sealed", *shown)
    found = {path for mark in w.marks for path in w.readable(mark)}
    w.tap.ok(not found, "nor does a raw scan of all files of the store",
             *sorted(found))
    errors = [line for line in w.store.complaints()
              if not re.search(r"sealmilter-seal|sieve: |/dev/null/deferred"
                               # Dovecot 2.3 dies of a filter that does not
                               # read the message.
                               "|seekable output|backtrace|signal 6", line)]
    w.tap.ok(not errors, "Dovecot complains of nothing else", *errors[:5])


def sealed_in_front(w):
    """With the milter in front, the filter changes no octet."""
    message = mail_to(w, "olga")
    _, arrivals = w.deliver(message, "olga@example.org")
    copies = of(arrivals, "olga")
    w.sealed_ok("what the milter has sealed is stored", copies, message,
                "olga@example.org", RECOVERY)
    w.tap.equal(len(sealed.values(copies[0].raw, "Sealmilter-Sealed")), 1,
                "with the mark that it had")
    message = w.mail(to="team@example.org")
    _, arrivals = w.deliver(message, "team@example.org")
    w.sealed_ok("and what the milter passed, for an alias, is sealed",
                of(arrivals, "olga"), message, "olga@example.org", RECOVERY)


def main():
    need()
    tap = rig.Tap()
    w = Filtered(tap, milters=False)
    w.openers = smime.Openers(w)
    for case in (final_addresses, members_of_an_alias, null_sender, large,
                 scripts_of_users, failures, what_a_missing_script_does,
                 nothing_to_read):
        tap.run(case, w)
    tap.run(sealed_in_front, Filtered(tap, milters=True))
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
