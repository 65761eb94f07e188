#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A mailbox whose owner wants something else, and a disk that will not.

In:    links, FIFOs, names of all sorts, other people's files, a read-only
       directory, a disk that is full, a mailbox that changes meanwhile.
Out:   clear errors; nothing outside is touched, nothing is lost.
Never: runs without a real sealctl.
"""
import hashlib
import os
import re
import resource
import shutil
import socket
import sys
import threading
import time

import dovecot
import mailboxes
import rig


def tree(top):
    """{path: what it is} of everything below."""
    found = {}
    for where, dirs, names in os.walk(top):
        for name in dirs + names:
            path = os.path.join(where, name)
            st = os.lstat(path)
            what = (st.st_mode, st.st_uid, st.st_mtime_ns, st.st_ino)
            if os.path.isfile(path) and not os.path.islink(path):
                what += (hashlib.sha256(rig.read_file(path)).hexdigest(),)
            found[path] = what
    return found


class Hostile:
    def __init__(self, tap):
        self.tap = tap
        self.boxes = mailboxes.Boxes(tap)

    def fresh(self, count=12):
        boxes = self.boxes
        shutil.rmtree(boxes.maildir(), ignore_errors=True)
        return boxes.fill("", count)

    def plain(self, *arguments, **options):
        status, out, err = self.boxes.encrypt(*arguments, check=False,
                                              **options)
        return status, (out + err).decode("utf-8", "replace")

    def left(self):
        """Readable messages in cur and new of INBOX."""
        top = self.boxes.maildir()
        return [name for part in ("cur", "new")
                for name in os.listdir(os.path.join(top, part))
                if os.path.isfile(os.path.join(top, part, name)) and
                self.boxes.post.word.encode() in
                rig.read_file(os.path.join(top, part, name))]

    def strange_files_are_left_and_named(self):
        tap, boxes = self.tap, self.boxes
        self.fresh()
        top = boxes.maildir()
        outside = boxes.rig.make_dir("outside")
        secret = boxes.rig.write("outside/secret", boxes.post.make())
        linked = boxes.rig.write("outside/linked", boxes.post.make())
        os.makedirs(os.path.join(outside, "cur"))
        boxes.rig.write("outside/cur/1.x:2,", boxes.post.make())
        boxes.own(linked)
        os.symlink(secret, top + "/cur/1600000000.link:2,S")
        os.link(linked, top + "/cur/1600000001.hard:2,S")
        os.mkfifo(top + "/cur/1600000002.fifo:2,")
        os.mkdir(top + "/cur/1600000003.dir:2,")
        os.symlink(outside, top + "/.Outside")
        server = socket.socket(socket.AF_UNIX)
        server.bind(top + "/cur/1600000004.sock:2,")
        before = tree(outside)
        status, text = self.plain()
        server.close()
        tap.ok(status == 1, "what cannot be sealed makes the status 1", text)
        for name, why in (("link", "symbolic link"), ("hard", "hard link"),
                          ("fifo", "FIFO"), ("dir", "directory"),
                          ("sock", "socket"), (".Outside",
                                               "link to a directory")):
            tap.ok(re.search(r"%s\S*: .*%s" % (re.escape(name), why), text),
                   "%s is named, and what it is" % name, text)
        tap.ok(tree(outside) == before, "nothing outside is touched")
        left = self.left()
        tap.ok([n for n in left if "link" not in n] ==
               ["1600000001.hard:2,S"], "all others are sealed", *left)
        tap.ok("12 sealed" in text, "and counted", text)

    def names_are_octets(self):
        tap, boxes = self.tap, self.boxes
        self.fresh(2)
        top = boxes.maildir().encode()
        for name in (b"1600000000.a\nb:2,S", b"\xff\xfe:2,", b":2,S",
                     b"1600000001.\033[31m:2,F", b"x" * 200 + b":2,S",
                     b"a b,c=d:2,abcS", b"no-colon", b"1,S=99,W=1:2,"):
            with open(os.path.join(top, b"cur", name), "wb") as f:
                f.write(boxes.post.make())
            boxes.own(os.path.join(top, b"cur", name))
        with open(os.path.join(top, b"cur", b"1.nul:2,"), "wb") as f:
            f.write(b"Subject: x\0y\n\n" + boxes.post.word.encode())
        boxes.own(os.path.join(top, b"cur", b"1.nul:2,"))
        status, text = self.plain()
        tap.ok("10 sealed" in text and status == 1,
               "names with line ends and other octets are sealed", text)
        tap.ok("1.nul:2,: the header of the message has a NUL" in text,
               "a NUL in a header is told", text)
        tap.ok(self.left() == ["1.nul:2,"], "and that message is left")
        flags = sorted(name.split(":2,")[1] for name in
                       os.listdir(os.path.join(boxes.maildir(), "cur"))
                       if ":2," in name)
        tap.ok(flags == sorted(["S", "", "S", "F", "S", "Sabc", "", ""] +
                               [f for f in flags if f not in (
                                   "S", "", "F", "Sabc")]) or
               "abcS" in flags, "flags are kept as they are", *flags)

    def a_path_with_a_link_is_refused(self):
        self.fresh(2)
        link = self.boxes.rig.path("link")
        os.symlink(self.boxes.maildir(), link)
        status, _, err = self.boxes.sealctl(
            "encrypt", "--user", mailboxes.OWNER, link, check=False)
        self.tap.ok(status == 1 and b"symbolic link" in err and
                    len(self.left()) == 2, "a link is no mailbox", err)

    def whose_it_is_must_be_known(self):
        status, _, err = self.boxes.sealctl(
            "encrypt", self.boxes.rig.make_dir("anybody"), check=False)
        self.tap.ok(status == 1 and b"--user" in err,
                    "without an address nothing is done", err)
        status, _, err = self.boxes.sealctl(
            "encrypt", "--user", "nobody@example.org", self.boxes.maildir(),
            check=False)
        self.tap.ok(status == 1 and b"seals nothing for" in err,
                    "nor for one without a key", err)

    def names_of_one_file_in_the_mailbox_are_copies(self):
        tap, boxes = self.tap, self.boxes
        written = list(self.fresh(3))
        for copy in ("Copies", "More"):
            boxes.folder(copy)
            os.link(written[0], os.path.join(boxes.folder(copy), "cur",
                                             "1600000000.copy:2,S"))
        status, text = self.plain()
        tap.ok(status == 0 and "5 sealed" in text and not boxes.readable(),
               "hard links that are all in the mailbox are sealed", text,
               *boxes.readable())

    def a_disk_that_is_full_costs_nothing(self):
        tap, boxes = self.tap, self.boxes
        written = self.fresh(30)

        big = os.path.join(boxes.maildir(), "cur", "1600000000.big:2,")
        with open(big, "wb") as f:
            f.write(boxes.post.make() + b"A line of it.\n" * 40000)
        boxes.own(big)
        written[big] = None

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000))
        status, text = self.plain(preexec_fn=limit)
        tap.ok(status == 75 and "File too large" in text,
               "a file that cannot be written is a temporary failure", text)
        top = os.path.join(boxes.maildir(), "cur")
        now = {os.path.join(top, name) for name in os.listdir(top)}
        tap.ok(len(now) == len(written) and big in now and not os.listdir(
            os.path.join(boxes.maildir(), "tmp")),
               "and each message is there once, without a trace")
        status, text = self.plain()
        tap.ok(status == 0 and not self.left(), "with room, it is done", text)

    def a_small_disk(self):
        tap, boxes = self.tap, self.boxes
        if os.geteuid() != 0:
            return
        self.fresh(0)
        top = boxes.maildir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=200k,mode=700",
                 "none", top]
        if boxes.rig.run(mount, check=False)[0] != 0:
            tap.skip("a small disk", "no file system can be mounted")
            return
        try:
            boxes.own(top)
            for part in ("cur", "new", "tmp"):
                os.mkdir(os.path.join(top, part))
                boxes.own(os.path.join(top, part))
            written = boxes.fill("", 30)
            status, text = self.plain()
            tap.ok(status == 75 and "No space left" in text,
                   "a disk that gets full is told", text)
            names = os.listdir(os.path.join(top, "cur"))
            tap.ok(len(names) == len(written) and not os.listdir(
                os.path.join(top, "tmp")), "and each message is there once",
                len(names))
        finally:
            boxes.rig.run(["umount", top])

    def what_cannot_be_written_is_refused(self):
        tap, boxes = self.tap, self.boxes
        self.fresh(5)
        top = boxes.maildir()
        if os.geteuid() == 0 and boxes.rig.run(
                ["mount", "--bind", top, top], check=False)[0] == 0:
            boxes.rig.run(["mount", "-o", "remount,ro,bind", top])
            try:
                status, text = self.plain()
            finally:
                boxes.rig.run(["umount", top])
            tap.ok(status == 75 and "Read-only" in text,
                   "a read-only file system is told", text)
        os.chmod(os.path.join(top, "tmp"), 0o500)
        status, text = self.plain()
        os.chmod(os.path.join(top, "tmp"), 0o700)
        tap.ok(status in (1, 75) and "Permission denied" in text,
               "a directory without permission is told", text)
        tap.ok(len(self.left()) == 5, "and all is as it was")

    def mail_that_moves_meanwhile(self):
        """Without Dovecot's lock: a client that renames and removes."""
        tap, boxes = self.tap, self.boxes
        written = self.fresh(300)
        top = os.path.join(boxes.maildir(), "cur")
        removed, ended = set(), threading.Event()

        def disturb():
            i = 0
            while not ended.is_set():
                names = sorted(os.listdir(top))
                for name in names[i % 7::7]:
                    try:
                        if i % 3 == 0:
                            raw = rig.read_file(os.path.join(top, name))
                            os.unlink(os.path.join(top, name))
                            removed.add(mailboxes.message_id(
                                raw.replace(b"\r\n", b"\n")
                                .replace(b"\n", b"\r\n")))
                            break
                        base, _, flags = name.partition(":2,")
                        new = "".join(sorted(set(flags) ^ {"F"}))
                        os.rename(os.path.join(top, name),
                                  os.path.join(top, base + ":2," + new))
                    except FileNotFoundError:
                        pass
                i += 1
                time.sleep(0.001)
        thread = threading.Thread(target=disturb)
        thread.start()
        status, text = self.plain()
        ended.set()
        thread.join()
        status, text = self.plain()
        ids = [mailboxes.message_id(
            rig.read_file(os.path.join(top, name)).replace(b"\r\n", b"\n")
            .replace(b"\n", b"\r\n")) for name in os.listdir(top)]
        wanted = {mailboxes.message_id(raw.replace(b"\r\n", b"\n")
                                       .replace(b"\n", b"\r\n"))
                  for raw in written.values()}
        tap.ok(status == 0 and not self.left(), "all is sealed in the end",
               text, *self.left()[:3])
        tap.ok(len(ids) == len(set(ids)), "no message is there twice",
               len(ids) - len(set(ids)))
        tap.ok(set(ids) | removed == wanted and not set(ids) & removed,
               "none is lost, and none that was expunged came back",
               len(wanted), len(set(ids)), len(removed),
               len(set(ids) & removed))


def main():
    why = dovecot.missing()
    if why:
        rig.skip_all(why)
    tap = rig.Tap()
    hostile = Hostile(tap)
    tap.run(hostile.strange_files_are_left_and_named)
    tap.run(hostile.names_are_octets)
    tap.run(hostile.a_path_with_a_link_is_refused)
    tap.run(hostile.whose_it_is_must_be_known)
    tap.run(hostile.names_of_one_file_in_the_mailbox_are_copies)
    tap.run(hostile.a_disk_that_is_full_costs_nothing)
    tap.run(hostile.a_small_disk)
    tap.run(hostile.what_cannot_be_written_is_refused)
    tap.run(hostile.mail_that_moves_meanwhile)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
