#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Stored mail is sealed over IMAP, on a real Dovecot that keeps no Maildir.

In:    mailboxes as mbox, sdbox and mdbox with flags, keywords, dates and
       folders; sealctl mailbox encrypt --imap, which is killed in between.
Out:   the same messages with the same flags and dates, all sealed; what is
       said when it cannot be done.
Never: takes the word of sealctl for what is stored: another client looks.
"""
import collections
import os
import re
import signal
import subprocess
import sys

import dovecot
import rig
import sealed
import smtp
from world import World, samples

USER = "alice@example.org"
FOLDERS = ("INBOX", "Archive/2024", "Entw&APw-rfe", "a &- b", "Sent")
CRASH = os.path.join(rig.BUILD, "tests", "mta", "sealctl-crash")
FLAGS = ((), ("\\Seen",), ("\\Seen", "\\Answered", "$Label1"),
         ("\\Flagged", "Work", "NonJunk"), ("\\Draft",), ("\\Deleted",),
         ("\\Seen", "$MDNSent"))


class Mailbox(World):
    """A user with a key, whose mail is on a Dovecot; nothing is delivered."""

    def __init__(self, tap, location, name="dovecot", **options):
        super().__init__(tap, None, keys=(USER, "archive@example.org"),
                         policy=({"name": "stored", "to": ["@example.org"],
                                  "seal": ["openpgp"],
                                  "recovery": ["archive@example.org"]},))
        self.daemon.stop()
        self.store = dovecot.Dovecot(self.rig, (USER, "nora@example.org"),
                                     name=name, location=location, tls=True,
                                     **options).start()
        self.secret = self.rig.write("password", dovecot.PASSWORD + "\n",
                                     0o600)
        self.right = set()  # what was opened already, octet by octet
        self.kept = {}      # what it was: (folder, Message-ID) -> message

    def explain(self):
        return "Dovecot: " + self.store.log()[-1500:]

    def fill(self, count):
        with self.store.imap(USER) as client:
            for folder in FOLDERS[1:]:
                client.create('"%s"' % folder)
            shapes = [raw for _, raw in samples() if b"\0" not in raw]
            for number in range(count):
                folder = FOLDERS[number % len(FOLDERS)]
                message = self.mail(to=USER)
                if number % 2 == 1 and number // 2 < len(shapes):
                    message = self.shaped(message, shapes[number // 2])
                self.put(client, folder, message, FLAGS[number % len(FLAGS)],
                         '"%02d-Mar-20%02d 0%d:15:%02d +0100"' % (
                             number % 28 + 1, number % 24, number % 10,
                             number % 60))

    @staticmethod
    def shaped(message, shape):
        """The shape with the Message-ID of the message."""
        header, body = sealed.split(shape)
        return b"Message-ID: " + sealed.values(message, "Message-ID")[0] + \
            b"\r\n" + b"".join(
                name.encode() + b":" + value + b"\r\n"
                for name, value in sealed.fields(header)
                if name.lower() != "message-id") + b"\r\n" + body

    def as_stored(self):
        """What the server makes of it (mbox: a line end at the end) is what
        has to come back."""
        for key, mails in self.seen().items():
            self.kept[key] = (mails[0].raw,) + self.kept[key][1:]

    def put(self, client, folder, message, flags=(), date=None):
        dovecot.append(client, message, folder, flags, date)
        ident = sealed.values(message, "Message-ID")[0]
        self.kept[folder, ident] = (message, flags, date)

    def encrypt(self, *options, program=rig.SEALCTL, user=USER, check=False,
                scheme="imaps", port=None, **how):
        """sealctl mailbox encrypt --imap: (status, stdout, stderr)."""
        return self.rig.run(self.command(
            *options, program=program, user=user, scheme=scheme, port=port),
            check=check, **how)

    def command(self, *options, program=rig.SEALCTL, user=USER,
                scheme="imaps", port=None):
        arguments = [program, "-c", self.daemon.config_path, "mailbox",
                     "encrypt", "--imap", "%s://%s@localhost:%d" % (
                         scheme, user, port or self.store.tls_port)]
        if "--password-file" not in options:
            arguments += ["--password-file", self.secret]
        if "--no-ca" not in options:
            arguments += ["--cafile", self.store.tls.file]
        return arguments + [o for o in options if o != "--no-ca"]

    def seen(self):
        """{(folder, Message-ID): [messages]} as another client sees it."""
        found = collections.defaultdict(list)
        with self.store.imap(USER) as client:
            for folder in dovecot.folders(client):
                for mail in dovecot.fetch(client, folder).values():
                    ident = sealed.values(mail.raw, "Message-ID")
                    found[folder, ident[0] if ident else b""].append(mail)
        return found

    def lost_or_doubled(self):
        found = self.seen()
        return ["%d times %s" % (len(mails), key)
                for key, mails in found.items() if len(mails) != 1] + [
                    "not there: %s" % (key,) for key in self.kept
                    if key not in found] + [
                    "more: %s" % (key,) for key in found
                    if key not in self.kept]

    def complaints_of_all(self):
        """Every message against what it was."""
        found = self.lost_or_doubled()
        for key, mails in self.seen().items():
            if key not in self.kept:
                continue
            message, flags, date = self.kept[key]
            what = "%s %s: " % key
            mail = mails[0]
            if mail.flags != frozenset(flags):
                found.append(what + "flags %s, not %s" % (mail.flags, flags))
            if date and not same_moment(mail.date, date.strip('"')):
                found.append(what + "date %s, not %s" % (mail.date, date))
            found += [what + why for why in self.sealed_wrong(mail.raw,
                                                              message)]
        return found

    def sealed_wrong(self, raw, message):
        if (raw, message) in self.right:
            return []
        try:
            armor = sealed.armor_of(raw)
        except (ValueError, IndexError, AttributeError) as e:
            return [str(e)]
        if b"at=rest" not in b"".join(sealed.values(raw,
                                                    "Sealmilter-Sealed")):
            return ["it does not say at=rest"]
        if len(self.keys.encrypted_to(armor)) != 2:
            return ["it is not to owner and recovery"]
        found = sealed.payload_complaints(self.keys.open_with_gpg(
            armor, USER), message)
        if not found:
            self.right.add((raw, message))
        return found


def same_moment(a, b):
    def read(text):
        import email.utils
        return email.utils.parsedate_to_datetime(text.replace("-", " ", 2))
    return read(a) == read(b)


def snapshot(w):
    return sorted((key, mail.uid, sorted(mail.flags), mail.date, mail.raw)
                  for key, mails in w.seen().items() for mail in mails)


def all_at_once(w, name):
    w.as_stored()
    before = snapshot(w)
    status, out, err = w.encrypt("--dry-run")
    w.tap.ok(status == 0 and b"would be sealed" in out and
             snapshot(w) == before,
             "%s: a dry run changes nothing" % name, status, out, err)
    w.tap.ok(w.store.holding(*w.marks),
             "%s: before, secret words are in the files" % name)
    status, out, err = w.encrypt()
    w.tap.ok(status == 0 and b"%d messages sealed now" % len(w.kept) in out,
             "%s: %d messages are sealed" % (name, len(w.kept)), status, out,
             err)
    found = w.complaints_of_all()
    w.tap.ok(not found, "%s: each is there once, opens with gpg to what it "
             "was, and has its flags, keywords and date" % name, *found[:20])
    after = snapshot(w)
    status, out, err = w.encrypt()
    w.tap.ok(status == 0 and b"0 messages sealed now" in out and
             b"%d were sealed before" % len(w.kept) in out and
             snapshot(w) == after,
             "%s: a second time there is nothing to do" % name, status, out,
             err)
    # As the manual says.
    w.store.doveadm("purge", "-u", USER)
    for folder in w.store.doveadm("mailbox", "list", "-u", USER)[1] \
            .decode().splitlines():
        w.store.doveadm("mailbox", "cache", "purge", "-u", USER, folder,
                        check=False)
    found = w.store.holding(*w.marks)
    w.tap.ok(not found, "%s: then no secret word is in any of %d files" % (
        name, len(w.store.files())), *found)
    found = w.store.complaints()
    w.tap.ok(not found, "%s: Dovecot has nothing to complain of" % name,
             *found[:5])


def killed(w):
    """SIGKILL at each named place, at the first message and later ones."""
    some = ("--folder", "INBOX", "--folder", "Sent")
    for point in ("I1", "I2", "I3"):
        for count in (1, 4):
            with w.store.imap(USER) as client:
                for folder in ("INBOX", "Sent", "INBOX"):
                    for _ in range(2):
                        w.put(client, folder, w.mail(to=USER), ("\\Seen",))
            once = w.rig.write("once", "")
            status = w.encrypt(*some, program=CRASH, env=dict(
                os.environ, SEALMILTER_CRASH_AT="%s:%d" % (point, count),
                SEALMILTER_CRASH_ONCE=once))[0]
            there = w.seen()
            w.tap.ok(status == -signal.SIGKILL and all(
                key in there for key in w.kept),
                "killed at %s, pass %d, nothing is lost" % (point, count),
                status)
            status, out, err = w.encrypt(*some)
            found = w.complaints_of_all()
            w.tap.ok(status == 0 and not found,
                     "and the next run finishes it, nothing doubled", status,
                     out, err, *found[:10])


def killed_anywhere(w):
    """At moments that nobody chose, until a run comes to its end."""
    with w.store.imap(USER) as client:
        for _ in range(60):
            w.put(client, "Archive/2024", w.mail(to=USER), ("$Label1",))
    kills = 0
    for count in (1, 3, 7, 12, 20):
        process = subprocess.Popen(
            w.command("--folder", "Archive/2024"), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        before = readable(w)

        def far_enough():
            return process.poll() is not None or \
                readable(w) <= before - count
        rig.wait_for(far_enough, "%d messages" % count)
        if process.poll() is None:
            process.kill()
            kills += 1
        process.communicate()
        there = w.seen()
        w.tap.ok(all(key in there for key in w.kept),
                 "killed after %d messages or so, nothing is lost" % count)
    status, out, err = w.encrypt()
    found = w.complaints_of_all()
    w.tap.ok(status == 0 and not found and kills > 0,
             "after %d kills the next run finishes it, nothing doubled" %
             kills, status, out, err, *found[:10])


def readable(w):
    with w.store.imap(USER) as client:
        return sum(not sealed.is_sealed(mail.raw) for mail in dovecot.fetch(
            client, "Archive/2024").values())


def server_dies(w):
    with w.store.imap(USER) as client:
        for _ in range(60):
            w.put(client, "Archive/2024", w.mail(to=USER), ("$Label1",))
    before = readable(w)
    process = subprocess.Popen(
        w.command("--folder", "Archive/2024"), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    rig.wait_for(lambda: process.poll() is not None or
                 readable(w) < before, "the first messages")
    w.store.kill9()
    out, err = process.communicate()
    w.tap.ok(process.returncode == 75 and re.search(
        rb"the server|connection", err),
        "when the server dies, the status is 75 and the reason is told",
        process.returncode, out, err)
    status, out, err = w.encrypt()
    w.tap.ok(status == 75 and b"onnect" in err,
             "without a server, too", status, out, err)
    w.store.start()
    status, out, err = w.encrypt()
    found = w.complaints_of_all()
    w.tap.ok(status == 0 and not found, "when it is back, the next run "
             "finishes it, nothing lost or doubled", status, out, err,
             *found[:10])


def forged_claims(w):
    """Only who has the key can say that one message replaces another."""
    with w.store.imap(USER) as client:
        dovecot.checked(client.select("INBOX"))
        validity = client.response("UIDVALIDITY")[1][0].decode()
        message = w.mail(to=USER)
        uid = dovecot.append(client, message)
        w.kept["INBOX", sealed.values(message, "Message-ID")[0]] = (
            message, (), None)
        victims = [mail for mail in dovecot.fetch(client).values()
                   if sealed.is_sealed(mail.raw)]
        ident = b"<forged@client.example>"
        forged = re.sub(rb"(?m)^Message-ID: .*\r$", b"Message-ID: " + ident +
                        b"\r", victims[0].raw, count=1)
        forged = re.sub(
            rb"(?m)^Sealmilter-Replaces: .*\r$", b"Sealmilter-Replaces: "
            b"uid=%s/%d; mac=%s\r" % (validity.encode(), uid, b"0" * 64),
            forged, count=1)
        dovecot.append(client, forged)
    status, out, err = w.encrypt("--folder", "INBOX")
    mails = {key[1]: mails for key, mails in w.seen().items()
             if key[0] == "INBOX"}
    w.tap.ok(status == 0 and len(mails[ident]) == 1 and not w.sealed_wrong(
        mails[sealed.values(message, "Message-ID")[0]][0].raw, message),
        "a forged claim makes no message go", status, out, err)
    w.kept["INBOX", ident] = w.kept["INBOX", sealed.values(
        victims[0].raw, "Message-ID")[0]]


def only_named_folders(w):
    with w.store.imap(USER) as client:
        for folder in ("Sent", "Entw&APw-rfe"):
            w.put(client, folder, w.mail(to=USER))
    status, out, err = w.encrypt("--folder", "Entw\u00fcrfe")
    open_in = {key[0] for key, mails in w.seen().items()
               if not sealed.is_sealed(mails[0].raw)}
    w.tap.ok(status == 0 and open_in == {"Sent"},
             "a folder is named by its name in UTF-8, others stay", status,
             out, err, open_in)
    status, out, err = w.encrypt("--folder", "Nowhere")
    w.tap.ok(status == 1 and b"no folder \"Nowhere\"" in err,
             "a folder that is not there is told", status, out, err)
    w.encrypt()


def logins(w):
    wrong = w.rig.write("wrong", "guess\n", 0o600)
    status, out, err = w.encrypt("--password-file", wrong)
    w.tap.ok(status == 1 and b"password is wrong" in err and
             b"guess" not in err, "a wrong password is told, and not shown",
             status, out, err)
    status, out, err = w.encrypt("--no-ca")
    w.tap.ok(status == 1 and b"--cafile" in err, "a certificate that nobody "
             "vouches for is refused", status, out, err)
    for options, user in ((("--master", dovecot.MASTER), USER),
                          ((), "%s*%s" % (USER, dovecot.MASTER))):
        status, out, err = w.encrypt(*options, user=user)
        w.tap.ok(status == 0 and b"were sealed before" in out,
                 "a master user logs in: %s" % " ".join((user,) + options),
                 status, out, err)
    status, out, err = w.encrypt("--password-file", "-",
                                 input=b"sesame\nmore\n")
    w.tap.ok(status == 0, "the password may come by standard input", status,
             out, err)
    status, out, err = w.encrypt(scheme="imap", port=w.store.port)
    w.tap.ok(status == 0 and b"were sealed before" in out,
             "imap:// is with STARTTLS", status, out, err)
    open_file = w.rig.write("open", "sesame\n", 0o644)
    status, out, err = w.encrypt("--password-file", open_file)
    w.tap.ok(status == 1 and b"chmod 600" in err, "a password that others "
             "can read is not taken", status, out, err)
    status, out, err = w.encrypt("--user", "nokey@example.org")
    w.tap.ok(status == 1 and b"seals nothing for <nokey@example.org>" in err,
             "without a key for the owner nothing is done", status, out, err)
    status, out, err = w.encrypt("--user", "alice@example.net")
    w.tap.ok(status == 1 and b"not in domains" in err, "nor for somebody "
             "whose mailbox is not stored here", status, out, err)
    status, out, err = w.encrypt(user=USER + ":sesame")
    w.tap.ok(status == 2 and b"does not belong there" in err,
             "a password in the URL is not taken", status, out, err)


def poor_servers(tap):
    w = Mailbox(tap, "mbox:~/mail:INBOX=~/inbox", extra="""
protocol imap {
  imap_capability = IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE
}
""")
    with w.store.imap(USER) as client:
        dovecot.checked(client.append("INBOX", None, None,
                                      w.mail(to=USER)))
    before = snapshot(w)
    status, out, err = w.encrypt()
    tap.ok(status == 1 and b"lacks UIDPLUS" in err and
           snapshot(w) == before,
           "without UIDPLUS nothing is changed, and why is told", status,
           out, err)
    w.store.stop()
    plain = dovecot.Dovecot(w.rig, (USER,), name="plain").start()
    status, out, err = w.encrypt(scheme="imap", port=plain.port)
    tap.ok(status == 1 and b"STARTTLS" in err and
           "auth" not in plain.log().split("starting up")[1].replace(
               "before auth", "").replace("auth was", "").replace(
               "no auth attempts", ""),
           "a server without TLS is told nothing", status, out, err,
           plain.log()[-600:])


def main():
    why = dovecot.missing()
    if why:
        rig.skip_all(why)
    tap = rig.Tap()
    w = Mailbox(tap, "mbox:~/mail:INBOX=~/inbox")
    w.fill(210)
    tap.run(all_at_once, w, "mbox")
    for case in (logins, only_named_folders, killed, killed_anywhere,
                 forged_claims):
        tap.run(case, w)
    for location in ("mdbox:~/mdbox", "sdbox:~/sdbox"):
        w = Mailbox(tap, location)
        w.fill(30)
        tap.run(all_at_once, w, location[:5])
    # In the form that outlives a SIGKILL: Dovecot moves what is in an mbox to
    # expunge, and must repair an mdbox first.
    tap.run(server_dies, w)
    tap.run(poor_servers, tap)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
