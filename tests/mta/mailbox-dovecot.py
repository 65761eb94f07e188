#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A mailbox of 2,000 messages is sealed and opened again while a real Dovecot
serves it.

In:    messages with flags, keywords and dates in folders; clients that read,
       change flags, append and expunge meanwhile.
Out:   the same UIDs, flags, keywords and dates; nothing readable in any file
       of the store.
Never: waits for the server to be idle.
"""
import hashlib
import os
import shutil
import sys
import threading
import traceback

import dovecot
import mailboxes
import rig
import sealed

COUNT = int(os.environ.get("SEALMILTER_MESSAGES",
                           "400" if rig.sanitized() else "2000"))
FOLDERS = (("", 0.5), ("Archive", 0.3), ("Archive.2024", 0.15),
           ("Sent", 0.05))


class Client(threading.Thread):
    """Reads, flags, appends and expunges until it is told to stop."""

    def __init__(self, boxes):
        super().__init__()
        self.boxes = boxes
        self.ended = threading.Event()
        self.rounds = 0
        self.appended = {}      # {UID: message}
        self.expunged = set()
        self.flagged = {}
        self.wrong = []

    def run(self):
        try:
            with self.boxes.dovecot.imap(mailboxes.OWNER) as client:
                while not self.ended.is_set():
                    self.round(client)
                    self.rounds += 1
        except Exception:
            self.wrong.append(traceback.format_exc())

    def round(self, client):
        n = self.rounds
        dovecot.checked(client.select("INBOX"))
        message = (b"Subject: %s appended\r\nMessage-ID: <a%d@box.example>"
                   b"\r\n\r\n%s\r\n" % (self.boxes.post.word.encode(), n,
                                        self.boxes.post.word.encode()))
        self.appended[dovecot.append(client, message)] = message
        uid = str(2 + 3 * n)
        self.read(client, uid)
        dovecot.checked(client.uid("STORE", uid, "+FLAGS", "(touched)"))
        self.flagged[int(uid)] = "touched"
        gone = str(3 + 3 * n)
        dovecot.checked(client.uid("STORE", gone, "+FLAGS", "(\\Deleted)"))
        dovecot.checked(client.uid("EXPUNGE", gone))
        self.expunged.add(int(gone))
        client.noop()

    def read(self, client, uid):
        data = dovecot.checked(client.uid(
            "FETCH", uid, "(BODY.PEEK[])"))
        dovecot.checked(client.uid(
            "FETCH", "%s,%d:%d" % (uid, 2 * int(uid), 2 * int(uid) + 20),
            "(ENVELOPE BODYSTRUCTURE RFC822.SIZE BODY.PEEK[1])"))
        if not isinstance(data[0], tuple) or b"\r\n\r\n" not in data[0][1]:
            self.wrong.append("UID %s: %r" % (uid, data))


class Proof:
    def __init__(self, tap):
        self.tap = tap
        self.boxes = mailboxes.Boxes(tap)
        self.written = {}
        for folder, share in FOLDERS:
            self.written.update(
                self.boxes.fill(folder, int(COUNT * share), seed=len(folder)))
        self.boxes.dovecot.start()
        self.boxes.label(("INBOX", "Archive"))
        self.before = self.boxes.look()
        self.guids = self.guid_list()

    def guid_list(self):
        out = self.boxes.dovecot.doveadm(
            "fetch", "-u", mailboxes.OWNER, "mailbox uid guid", "ALL")[1]
        return sorted(out.split(b"\f"))

    def everything_is_sealed_under_a_live_server(self):
        tap, boxes = self.tap, self.boxes
        kinds = {os.path.basename(path) if "/cur/" not in path else "cur"
                 for path in boxes.readable()}
        tap.ok(kinds >= {"cur", "dovecot.index.cache"},
               "before, messages and caches are readable", *sorted(kinds))
        client = Client(boxes)
        client.start()
        status, out, err = boxes.encrypt(check=False)
        client.ended.set()
        client.join()
        tap.note(out, "%d rounds of a client meanwhile" % client.rounds)
        tap.ok(status == 0, "a mailbox of %d messages is sealed" % COUNT, err)
        tap.ok(not client.wrong and client.rounds > 0,
               "while a client reads, flags, appends and expunges",
               *client.wrong[:5])
        # What came at the last moment.
        status, out, err = boxes.encrypt(check=False)
        tap.ok(status == 0, "a second run seals what came meanwhile",
               out, err)
        readable = boxes.readable()
        tap.ok(not readable, "no file of the store has a readable word",
               *readable[:10])
        self.after = boxes.look()
        self.appended = client.appended
        self.compare(client)

    def compare(self, client):
        tap = self.tap
        inbox = self.before["INBOX"]
        for uid in client.expunged:
            inbox.pop(uid, None)
        for uid, word in client.flagged.items():
            if uid in inbox:
                inbox[uid].flags = inbox[uid].flags | {word}
        new = set(self.after["INBOX"]) - set(inbox)
        tap.ok(new == set(client.appended) - client.expunged,
               "what was appended is there, and what was expunged is not",
               sorted(new)[:10], sorted(client.appended)[:10])
        for uid in new:
            inbox[uid] = self.after["INBOX"][uid]
        wrong = mailboxes.same_mail(self.before, self.after)
        tap.ok(not wrong, "UIDs, flags, keywords, dates and sizes are the"
               " same", len(wrong), *wrong[:10])
        wrong = mailboxes.all_sealed(self.after)
        tap.ok(not wrong, "every message is sealed", *wrong[:10])
        guids = set(self.guid_list())
        gone = [g for g in self.guids if g.strip() and g not in guids]
        tap.ok(len(gone) <= len(client.expunged), "GUIDs are the same",
               len(gone), *gone[:3])

    def doveadm_reads_all_without_an_error(self):
        status, _, err = self.boxes.dovecot.doveadm(
            "fetch", "-u", mailboxes.OWNER, "uid flags date.received "
            "size.virtual size.physical body", "ALL", check=False)
        self.tap.ok(status == 0 and not err,
                    "doveadm fetch has every message", err)
        # A session that has the cache open tells so when it is gone, also
        # when another Dovecot removed it.
        complaints = [line for line in self.boxes.dovecot.complaints()
                      if not line.endswith(
                          "dovecot.index.cache: No such file or directory")]
        self.tap.ok(not complaints, "Dovecot complains of nothing",
                    *complaints[:10])

    def files(self):
        """{Message-ID: octets of its file}, of all folders."""
        found = {}
        for path in self.boxes.dovecot.files(mailboxes.OWNER):
            if os.path.basename(os.path.dirname(path)) in ("cur", "new"):
                raw = rig.read_file(path)
                found[mailboxes.number_of(raw)] = raw
        return found

    def opened_again_it_is_octet_by_octet_what_it_was(self):
        tap, boxes = self.tap, self.boxes
        before = boxes.look()
        status, out, err = boxes.sealctl(
            "decrypt", "--key-file", boxes.keys.secret(mailboxes.OWNER),
            boxes.maildir(), check=False, timeout=600)
        tap.note(out)
        tap.ok(status == 0, "decrypt opens all of it", out, err)
        files = self.files()
        originals = {mailboxes.number_of(raw): raw
                     for raw in self.written.values()}
        originals.update((mailboxes.number_of(raw),
                          raw.replace(b"\r\n", b"\n"))
                         for raw in self.appended.values())
        tap.ok(len(files) == sum(map(len, before.values())) and
               set(files) <= set(originals), "no message is gone or new",
               len(files), len(originals))
        wrong = [number for number, raw in files.items()
                 if hashlib.sha256(raw).digest() !=
                 hashlib.sha256(originals.get(number, b"")).digest()]
        tap.ok(not wrong, "SHA-256 of each file is that of the original",
               len(wrong), *sorted(wrong)[:10])
        wrong = mailboxes.same_mail(before, boxes.look())
        tap.ok(not wrong, "UIDs, flags, keywords and dates are the same",
               *wrong[:10])

    def rekeyed_it_is_for_the_new_key_alone(self):
        tap, boxes = self.tap, self.boxes
        boxes.encrypt()
        before = boxes.look()
        old = boxes.rig.path("old.sec")
        shutil.copy(boxes.keys.secret(mailboxes.OWNER), old)
        new = sealed.Keys(boxes.rig, "new-keys").make(mailboxes.OWNER)
        boxes.seal.ctl("key", "delete", mailboxes.OWNER)
        new.import_into(boxes.seal)
        status, out, err = boxes.sealctl(
            "rekey", "--user", mailboxes.OWNER, "--key-file", old,
            boxes.maildir(), check=False, timeout=600)
        tap.note(out)
        tap.ok(status == 0, "rekey seals all of it anew", out, err)
        after = boxes.look()
        wrong = mailboxes.same_mail(before, after)
        tap.ok(not wrong, "UIDs, flags, keywords and dates are the same",
               *wrong[:10])
        ids = new.key_ids(mailboxes.OWNER)
        wrong = [mail for mails in after.values() for mail in mails.values()
                 if not set(new.encrypted_to(sealed.armor_of(mail.raw))) <=
                 ids][:5] if COUNT <= 200 else []
        sample = list(after["Sent"].values())[:20]
        for mail in sample:
            armor = sealed.armor_of(mail.raw)
            if not set(new.encrypted_to(armor)) <= ids or \
               boxes.post.word.encode() not in new.open_with_gpg(armor):
                wrong.append(mail)
        tap.ok(sample and not wrong, "gpg opens it with the new key alone",
               *wrong[:5])
        tap.ok(not boxes.readable(), "and nothing can be read")
        status, out, err = boxes.sealctl(
            "decrypt", "--key-file", new.secret(mailboxes.OWNER),
            boxes.maildir(), check=False, timeout=600)
        originals = {mailboxes.number_of(raw): raw
                     for raw in self.written.values()}
        wrong = [number for number, raw in self.files().items()
                 if number in originals and raw != originals[number]]
        tap.ok(status == 0 and not wrong,
               "and it opens to the same octets again", out, err, *wrong[:5])

    def nothing_is_opened_with_another_key(self):
        tap, boxes = self.tap, self.boxes
        other = "other@example.org"
        boxes.dovecot.add_users(other)
        files = boxes.fill("", 4, user=other)
        boxes.sealctl("encrypt", "--user", mailboxes.OWNER,
                      boxes.maildir(other))
        before = {path: rig.read_file(path)
                  for path in boxes.dovecot.files(other)}
        status, out, err = boxes.sealctl(
            "decrypt", "--key-file", boxes.rig.path("old.sec"),
            boxes.maildir(other), check=False)
        tap.ok(status == 1 and err.count(b"gpg does not open it") ==
               len(files), "without the key nothing is opened", out, err)
        after = {path: rig.read_file(path)
                 for path in boxes.dovecot.files(other)}
        tap.ok(after == before, "and every file is as it was")


def main():
    why = dovecot.missing()
    if why:
        rig.skip_all(why)
    tap = rig.Tap()
    proof = Proof(tap)
    tap.run(proof.everything_is_sealed_under_a_live_server)
    tap.run(proof.doveadm_reads_all_without_an_error)
    tap.run(proof.opened_again_it_is_octet_by_octet_what_it_was)
    tap.run(proof.rekeyed_it_is_for_the_new_key_alone)
    tap.run(proof.nothing_is_opened_with_another_key)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
