#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Stored mail in S/MIME, and mail that was sealed on its way in; a run that is
interrupted, and one on a terminal.

In:    Maildirs that no server has open.
Out:   what openssl opens, and the octets that were there before.
Never: sends anything.
"""
import os
import pty
import re
import shutil
import signal
import subprocess
import sys

import dovecot
import mailboxes
import rig

CERTS = os.path.join(rig.SOURCE, "tests", "certs")
ERIN = "erin@example.org"


class Forms:
    def __init__(self, tap):
        self.tap = tap
        self.boxes = mailboxes.Boxes(tap, users=(mailboxes.OWNER, ERIN),
                                     keys=(mailboxes.OWNER,))
        self.boxes.seal.configure(keys={
            "sources": ["store"],
            "smime_trust": os.path.join(CERTS, "ca.crt")})
        self.boxes.seal.ctl("key", "import", os.path.join(CERTS, "erin.crt"))
        self.pem = self.boxes.rig.write(
            "erin.pem", rig.read_file(os.path.join(CERTS, "erin.key")) +
            rig.read_file(os.path.join(CERTS, "erin.crt")), 0o600)

    def files(self, user):
        top = os.path.join(self.boxes.maildir(user), "cur")
        return {name: rig.read_file(os.path.join(top, name))
                for name in os.listdir(top)}

    def smime_comes_back(self):
        tap, boxes = self.tap, self.boxes
        written = sorted(boxes.fill("", 60, user=ERIN).values())
        status, out, err = boxes.encrypt(user=ERIN, check=False)
        tap.ok(status == 0, "a mailbox is sealed to a certificate", out, err)
        sealed = list(self.files(ERIN).values())
        tap.ok(all(b"application/pkcs7-mime" in raw for raw in sealed) and
               not boxes.readable(user=ERIN), "all of it is S/MIME")
        clear = boxes.rig.run(["openssl", "cms", "-decrypt", "-inkey",
                               self.pem, "-recip", self.pem],
                              input=sealed[0])[1]
        tap.ok(boxes.post.word.encode() in clear, "openssl opens it",
               clear[:200])
        status, out, err = boxes.sealctl(
            "decrypt", "--key-file", self.pem, boxes.maildir(ERIN),
            check=False)
        now = sorted(self.files(ERIN).values())
        tap.ok(status == 0 and now == written,
               "and decrypt brings back its octets", out, err,
               len(now), len(written))

    def what_was_sealed_on_its_way_gets_one_header(self):
        tap, boxes = self.tap, self.boxes
        shutil.rmtree(boxes.maildir(), ignore_errors=True)
        path = boxes.folder("")
        original = (b"Return-Path: <a@client.example>\r\n"
                    b"Received: from x by y; Mon, 2 Mar 2026\r\n"
                    b"From: a@client.example\r\nTo: bob@example.org\r\n"
                    b"Subject: About it\r\nX-Other: z\r\n"
                    b"MIME-Version: 1.0\r\n"
                    b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
                    b"The text.\r\n")
        sealed = boxes.rig.run(
            [rig.SEALCTL, "-c", boxes.seal.config_path, "seal", "--at-rest",
             "--from", "a@client.example", "--to", mailboxes.OWNER],
            input=original)[1]
        # As a delivery agent does.
        sealed = b"Delivered-To: bob@example.org\r\n" + sealed
        name = os.path.join(path, "cur", "1600000000.x:2,S")
        with open(name, "wb") as f:
            f.write(sealed.replace(b"\r\n", b"\n"))
        boxes.own(name)
        status, out, err = boxes.sealctl(
            "decrypt", "--key-file", boxes.keys.secret(mailboxes.OWNER),
            boxes.maildir(), check=False)
        now = list(self.files(mailboxes.OWNER).values())
        wanted = (b"Delivered-To: bob@example.org\r\n" + original).replace(
            b"\r\n", b"\n")
        tap.ok(status == 0 and len(now) == 1 and
               sorted(now[0].split(b"\n")) == sorted(wanted.split(b"\n")) and
               now[0].endswith(b"\n\nThe text.\n"),
               "with all its fields, and nothing of ours", out, err, *now)

    def what_its_author_encrypted_stays(self):
        tap, boxes = self.tap, self.boxes
        shutil.rmtree(boxes.maildir(), ignore_errors=True)
        path = boxes.folder("")
        armor = boxes.keys.gpg("--armor", "-r", mailboxes.OWNER, "-e",
                               input=b"hello\n")[1]
        name = os.path.join(path, "cur", "1600000000.x:2,S")
        raw = b"Subject: x\n\n" + armor
        with open(name, "wb") as f:
            f.write(raw)
        boxes.own(name)
        one, _, _ = boxes.encrypt(check=False)
        two, _, _ = boxes.sealctl(
            "decrypt", "--key-file", boxes.keys.secret(mailboxes.OWNER),
            boxes.maildir(), check=False)
        tap.ok((one, two) == (0, 0) and
               self.files(mailboxes.OWNER) == {"1600000000.x:2,S": raw},
               "neither encrypt nor decrypt touches it")

    def command(self, *arguments):
        return [rig.SEALCTL, "-c", self.boxes.seal.config_path, "mailbox",
                "encrypt", "--user", mailboxes.OWNER, *arguments,
                self.boxes.maildir()]

    def a_run_can_be_interrupted(self):
        tap, boxes = self.tap, self.boxes
        shutil.rmtree(boxes.maildir(), ignore_errors=True)
        boxes.fill("", 1500)
        top = os.path.join(boxes.maildir(), "cur")
        process = subprocess.Popen(self.command("--jobs", "1"),
                                   stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE,
                                   start_new_session=True)
        rig.wait_for(lambda: any(".S" in name for name in os.listdir(top)) or
                     process.poll() is not None, "the first batch")
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=rig.PATIENCE)
        names = os.listdir(top)
        tap.ok(process.returncode == 75 and b"goes on from here" in err,
               "it says so", process.returncode, out, err)
        tap.ok(len(names) == 1500 and len(boxes.readable()) > 0 and
               not os.listdir(os.path.join(boxes.maildir(), "tmp")),
               "in order", len(names))
        status = boxes.encrypt(check=False)[0]
        tap.ok(status == 0 and not boxes.readable(), "and goes on")

    def on_a_terminal_it_shows_how_far_it_is(self):
        tap, boxes = self.tap, self.boxes
        shutil.rmtree(boxes.maildir(), ignore_errors=True)
        boxes.fill("", 300)
        master, slave = pty.openpty()
        process = subprocess.Popen(self.command(), stdout=subprocess.PIPE,
                                   stderr=slave)
        os.close(slave)
        text = b""
        while True:
            try:
                piece = os.read(master, 4096)
            except OSError:
                break
            if not piece:
                break
            text += piece
        process.communicate()
        os.close(master)
        tap.ok(re.search(rb"\[#* *\] +\d+%  \d+ of 300, \d+/s, \d+:\d\d left",
                         text), "with rate and time left", text[-300:])


def main():
    why = dovecot.missing()
    if why:
        rig.skip_all(why)
    tap = rig.Tap()
    forms = Forms(tap)
    tap.run(forms.smime_comes_back)
    tap.run(forms.what_was_sealed_on_its_way_gets_one_header)
    tap.run(forms.what_its_author_encrypted_stays)
    tap.run(forms.a_run_can_be_interrupted)
    tap.run(forms.on_a_terminal_it_shows_how_far_it_is)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
