#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""New mail for mailboxes stored here: a real Postfix with the milter
delivers by LMTP to a real Dovecot, and is looked at over IMAP.

In:    messages by SMTP to owners with OpenPGP keys, with certificates, and
       without.
Out:   what each mailbox has; who can open it; what a mail reader shows; what
       can be read in the files of the mail store.
Never: trusts the search for words: what is clear must be found by it.
"""
import os
import pty
import re
import select
import shutil
import subprocess
import sys

import dovecot
import rig
import sealed
import smime
import smtp
from storing import (Site, look_around, mail_to, need, of, send, OPENPGP,
                     RECOVERY)

POLICY = (
    {"name": "strict", "to": ["rita@example.org"],
     "seal": ["openpgp", "smime"]},
    {"name": "stored here", "to": ["@example.org"],
     "seal": ["openpgp", "smime", "clear"], "recovery": [RECOVERY],
     "legacy_display": False},
    {"name": "others", "seal": ["clear"]},
)
ALIASES = "{ team@example.org = olga@example.org, otto@example.org }"


def own_copies(w):
    """Two by OpenPGP, two by S/MIME, one who has no key: one transaction."""
    word = w.public_word()
    everybody = ("olga", "alice", "otto", "erin", "nora")
    message = mail_to(w, "olga", "alice", "nora", mark=word)
    sent, arrivals = w.deliver(message, [
        user + "@example.org" for user in everybody])
    w.tap.ok(sent.code == 250 and len(arrivals) == 5 and
             all(len(of(arrivals, user)) == 1 for user in everybody),
             "of one transaction to five owners each finds one message",
             sent, *[a.user for a in arrivals])
    for user in ("olga", "otto"):
        owner = user + "@example.org"
        w.sealed_ok("%s's is sealed to that OpenPGP key and the recovery's" %
                    user, of(arrivals, user), message, owner, RECOVERY)
    for user in ("alice", "erin"):
        copy, = of(arrivals, user)
        payload = w.openers.with_openssl(smime.der_of(copy.raw), user)
        found = sealed.payload_complaints(payload, message)
        w.tap.ok(not found, "%s's is sealed to that certificate" % user,
                 *found)
    for user in ("olga", "alice", "otto", "erin"):
        copy, = of(arrivals, user)
        form = b"smime" if user in ("alice", "erin") else b"openpgp"
        w.tap.ok(re.search(rb"form=%s;.*at=rest" % form, copy.mark()),
                 "it says so: form=%s, at=rest" % form.decode(), copy.mark())
        found = w.recovery_opens(copy, message)
        w.tap.ok(not found, "and the recovery key alone opens it", *found)
    copy, = of(arrivals, "nora")
    w.tap.ok(copy.raw.endswith(sealed.split(message)[1]) and
             not copy.mark(), "who has no key gets what the policy says")
    w.tap.ok(w.readable(word), "and there the word is found in the files")
    hidden = [key for key in w.keys.key_ids("otto@example.org")
              if key.encode() in of(arrivals, "olga")[0].raw]
    w.tap.ok(not hidden, "who is in Bcc is in nobody else's copy", *hidden)


def refused_without_key(w):
    sent, arrivals = w.deliver(mail_to(w, "rita"), "rita@example.org")
    w.refused("who has no key and no clear in the ladder is refused", sent,
              arrivals, text="no certificate")


def extensions(w):
    message = mail_to(w, "olga")
    for spelling in ("olga+lists@example.org", "OLGA+a+b@example.org"):
        changed = message + b"to " + spelling.encode() + b"\r\n"
        _, arrivals = w.deliver(changed, spelling)
        w.sealed_ok(spelling + " is stored by olga, sealed to olga",
                    of(arrivals, "olga"), changed, "olga@example.org",
                    RECOVERY)


def forged_and_sealed(w):
    """A mark of a stranger is none; what is encrypted end to end stays."""
    message = mail_to(w, "olga", extra="Sealmilter-Sealed: form=openpgp; "
                      "key=0123456789ABCDEF; at=rest\n")
    _, arrivals = w.deliver(message, "olga@example.org")
    w.sealed_ok("a foreign mark of ours saves nothing from being sealed",
                of(arrivals, "olga"), message, "olga@example.org", RECOVERY)
    armor = w.keys.gpg("--armor", "-r", "=" + w.keys.addresses[
        "olga@example.org"], "-e", input=b"Content-Type: text/plain\r\n\r\n"
        b"between us\r\n")[1]
    message = smtp.crlf(
        b"From: a@client.example\nTo: olga@example.org\nSubject: x\n"
        b"Message-ID: <e2e@client.example>\nDate: Mon, 02 Mar 2026 10:00:00 "
        b"+0100\nMIME-Version: 1.0\nContent-Type: multipart/encrypted; "
        b'boundary="b"; protocol="application/pgp-encrypted"\n\n--b\n'
        b"Content-Type: application/pgp-encrypted\n\nVersion: 1\n\n--b\n"
        b"Content-Type: application/octet-stream\n\n" + armor + b"\n--b--\n")
    _, arrivals = w.deliver(message, "olga@example.org")
    copy, = of(arrivals, "olga")
    w.tap.ok(copy.raw.endswith(sealed.split(message)[1]) and
             not copy.mark(),
             "what is encrypted end to end is stored as it is", copy.mark())


def aliases(w):
    """The milter sees team@, not whom it stands for (sealmilter(8))."""
    word = w.public_word()
    sent, arrivals = w.deliver(
        w.mail(to="team@example.org", mark=word), "team@example.org")
    w.tap.ok(sent.code == 250 and len(arrivals) == 2 and
             not any(a.mark() for a in arrivals),
             "an alias without a key of its own is what its policy says: "
             "clear, here", sent, *[a.mark() for a in arrivals])
    w.keys.make("team@example.org")
    w.keys.import_into(w.daemon, "team@example.org")
    message = w.mail(to="team@example.org")
    _, arrivals = w.deliver(message, "team@example.org")
    w.tap.equal(sorted(a.user for a in arrivals), sorted(OPENPGP),
                "an alias with a key of its own still goes to its members")
    for each in arrivals:
        w.sealed_ok("to %s sealed to the alias's key" % each.user, [each],
                    message, "team@example.org", RECOVERY)


def recovery_lost(w):
    """Mail that the archive could not open is not stored: it waits."""
    key = next(iter(sorted(w.keys.key_ids(RECOVERY))))
    w.tap.note("the recovery key is " + key)
    w.daemon.ctl("key", "delete", w.keys.gpg(
        "--with-colons", "--list-keys", "=" + w.keys.addresses[RECOVERY])[1]
        .decode().split("fpr:::::::::")[1].split(":")[0])
    sent, arrivals = w.deliver(mail_to(w, "olga"), "olga@example.org")
    w.refused("without the recovery key mail is deferred", sent, arrivals,
              451)
    w.keys.import_into(w.daemon, RECOVERY)
    message = mail_to(w, "olga")
    _, arrivals = w.deliver(message, "olga@example.org")
    w.sealed_ok("with it, it goes on", of(arrivals, "olga"), message,
                "olga@example.org", RECOVERY)


def dovecot_away(w):
    """While LMTP is down, what waits in the queue is sealed."""
    w.store.stop()
    word = w.mark()
    message = mail_to(w, "olga", "alice", mark=word)
    sent = send(w, message, "olga@example.org", "alice@example.org")
    rig.wait_for(w.mta.queued, "copies in the queue")
    found = [path for path in w.mta.queued()
             if word.encode() in rig.read_file(path)]
    w.tap.ok(sent.code == 250 and not found,
             "while Dovecot is away, what waits for it is sealed", sent,
             *found)
    w.store.start()
    w.mta.flush()
    arrivals = w.arrived()
    w.sealed_ok("and it arrives when Dovecot is back",
                of(arrivals, "olga"), message, "olga@example.org", RECOVERY)
    w.tap.equal(len(of(arrivals, "alice")), 1, "for alice, too")


def nothing_to_read(w):
    """After everything that clients do: by raw scan of every file."""
    for user, spelled in (("olga", "OpenPGP"), ("alice", "S/MIME")):
        word = w.mark()
        message = mail_to(w, user, mark=word)
        w.deliver(message, user + "@example.org")
        shown = look_around(w, user + "@example.org", word)
        w.tap.ok(not shown, "IMAP finds no word of what is sealed by " +
                 spelled, *shown)
    word = w.public_word()
    w.deliver(mail_to(w, "nora", mark=word), "nora@example.org")
    shown = look_around(w, "nora@example.org", word)
    w.tap.ok("SUBJECT" in shown and "(BODY[])" in shown and
             any("index.cache" in path for path in w.readable(word)),
             "as it does of what is clear, and in index.cache", *shown)
    found = {path for mark in w.marks for path in w.readable(mark)}
    w.tap.ok(not found and len(w.store.files()) > 20,
             "no secret word in any of %d files of the mail store" %
             len(w.store.files()), *sorted(found))


# --- A mail reader

MUTTRC = """\
set folder = "imap://{user}@127.0.0.1:{port}/"
set spoolfile = "imap://{user}@127.0.0.1:{port}/INBOX"
set imap_pass = "{password}"
set imap_authenticators = "login"
set ssl_starttls = no
set ssl_force_tls = no
set crypt_use_gpgme = yes
set crypt_protected_headers_read = yes
set header_cache = ""
set mail_check = 5
set wait_key = no
set confirmappend = no
set prompt_after = no
set pager = "{pager}"
set index_format = "%s"
unset mark_old
unset record
push "<last-entry><display-message><exit><quit>"
"""


def read_with_neomutt(w, user, home):
    """What NeoMutt shows of the last message: what its pager gets, and the
    screen."""
    shown = w.rig.path("shown")
    pager = w.rig.write("pager", "#!/bin/sh\ncat \"$1\" >%s\n" % shown,
                        0o755)
    rc = w.rig.write("muttrc", MUTTRC.format(
        user=user.replace("@", "%40"), port=w.store.port,
        password=dovecot.PASSWORD, pager=pager))
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        ["neomutt", "-n", "-F", rc], stdin=follower, stdout=follower,
        stderr=follower, cwd=w.rig.dir, start_new_session=True,
        env=dict(os.environ, TERM="xterm", LANG="C.UTF-8", LINES="40",
                 COLUMNS="120", HOME=w.rig.dir, GNUPGHOME=home))
    os.close(follower)
    screen = b""
    try:
        def ended():
            nonlocal screen
            if select.select([leader], [], [], 0.1)[0]:
                try:
                    screen += os.read(leader, 65536)
                except OSError:
                    pass
            return process.poll() is not None
        rig.wait_for(ended, "NeoMutt's end", 40)
    finally:
        rig.end_process(process)
        os.close(leader)
    return rig.read_file(shown), screen


def a_real_reader(w):
    if shutil.which("neomutt") is None:
        w.tap.skip("NeoMutt shows what is sealed",
                   "there is no neomutt (contrib/build-deps --test)")
        return
    word = w.mark()
    w.deliver(mail_to(w, "olga", mark=word), "olga@example.org")
    text, screen = read_with_neomutt(w, "olga@example.org", w.keys.home)
    w.tap.ok(b"the word is " + word.encode() in text,
             "NeoMutt over IMAP opens what is sealed by OpenPGP",
             text[-1500:], screen[-1500:])
    w.tap.ok(b"About " + word.encode() in text,
             "and shows the Subject that is inside", text[:1500])


def no_error_is_logged(w):
    found = w.store.complaints()
    w.tap.ok(not found, "Dovecot has nothing to complain of", *found[:10])
    w.nothing_strayed()


def main():
    need()
    tap = rig.Tap()
    w = Site(tap, POLICY, aliases=ALIASES)
    w.openers = smime.Openers(w)
    for case in (own_copies, refused_without_key, extensions,
                 forged_and_sealed, aliases, recovery_lost, dovecot_away,
                 a_real_reader, nothing_to_read, no_error_is_logged):
        tap.run(case, w)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
