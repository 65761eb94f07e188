#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""SIGKILL at every named point of the conversion of a mailbox.

In:    sealctl built with its crash points, a Dovecot that looks at the
       mailbox between the crash and the next run, or does not.
Out:   after the next run each message is there once, sealed, with its UID,
       flags and date.
Never: is content with a message more or less.
"""
import os
import random
import shutil
import sys

import dovecot
import mailboxes
import rig
import sealed

CRASHING = os.path.join(rig.BUILD, "tests", "mta", "sealctl-crash")
RUNS = int(os.environ.get("SEALMILTER_KILLS", "5" if rig.sanitized()
                          else "20"))
# Where, and which pass of the point; R: in the run that finishes another.
POINTS = (("M0", 10), ("M1", 2), ("M2", 1), ("M3", 1), ("M4", 7), ("M5", 1),
          ("M6", 1), ("M7", 5), ("M8", 1), ("M9", 1), ("M10", 1),
          ("R1", 3), ("R2", 1))
FOLDERS = (("", 24), ("Archive", 14), ("Archive.Deep", 6))


class Killing:
    def __init__(self, tap):
        self.tap = tap
        self.boxes = mailboxes.Boxes(tap)
        boxes = self.boxes
        for folder, count in FOLDERS:
            boxes.fill(folder, count, seed=len(folder))
        boxes.dovecot.start()
        boxes.label()
        self.before = boxes.look()
        self.template = boxes.rig.path("template")
        shutil.copytree(boxes.maildir(), self.template, symlinks=True)
        self.once = boxes.rig.path("once")
        self.chance = random.Random(4)

    def reset(self):
        boxes = self.boxes
        # The server forgets what it knows of the mailbox.
        shutil.rmtree(boxes.maildir())
        boxes.rig.run(["cp", "-a", self.template, boxes.maildir()])
        if os.geteuid() == 0:
            boxes.rig.run(["chown", "-R", "%d:%d" % (
                boxes.dovecot.owner.pw_uid, boxes.dovecot.owner.pw_gid),
                boxes.maildir()])

    def crash(self, point, nth):
        """True if a process died there."""
        with open(self.once, "w"):
            pass
        os.chmod(self.once, 0o666)
        os.chmod(os.path.dirname(self.once), 0o777)
        environment = dict(os.environ, SEALMILTER_CRASH_AT="%s:%d" % (
            point, nth), SEALMILTER_CRASH_ONCE=self.once)
        jobs = self.chance.choice("12")
        status = self.boxes.encrypt("--jobs", jobs, program=CRASHING,
                                    check=False, env=environment)[0]
        died = not os.path.exists(self.once)
        if not died:
            os.unlink(self.once)
        return died and status == 75

    def one(self, point, nth):
        boxes = self.boxes
        self.reset()
        wrong = []
        if point[0] == "R" and not self.crash(
                self.chance.choice(("M4", "M5", "M6", "M7")), 2):
            wrong.append("did not die in the first run")
        if not self.crash(point, nth):
            wrong.append("did not die")
        if self.chance.random() < 0.5:    # a server that sees it like this
            look = boxes.look()
            ids = [mailboxes.message_id(mail.raw)
                   for mails in look.values() for mail in mails.values()]
            wanted = [mailboxes.message_id(mail.raw)
                      for mails in self.before.values()
                      for mail in mails.values()]
            if not set(wanted) <= set(ids):
                wrong.append("lost after the crash")
        status, _, err = boxes.encrypt(check=False)
        if status != 0:
            wrong.append("status %d: %s" % (status, err.decode()[-200:]))
        after = boxes.look()
        wrong += mailboxes.same_mail(self.before, after)
        wrong += mailboxes.all_sealed(after)
        wrong += ["readable: " + path for path in boxes.readable()]
        for top, _, names in os.walk(boxes.maildir()):
            wrong += [name for name in names
                      if name.startswith("sealmilter") or
                      os.path.basename(top) == "tmp" or
                      name.endswith(".lock")]
        mail = self.chance.choice(list(after["INBOX"].values()))
        clear = boxes.keys.open_with_gpg(sealed.armor_of(mail.raw))
        if boxes.post.word.encode() not in clear:
            wrong.append("another text in UID %d" % mail.uid)
        return wrong

    def point(self, point, nth):
        wrong = []
        for _ in range(RUNS):
            wrong += self.one(point, nth)
        self.tap.ok(not wrong, "%s: killed %d times, nothing is lost or "
                    "doubled, and the next run completes" % (point, RUNS),
                    *wrong[:10])


def main():
    why = dovecot.missing()
    if why:
        rig.skip_all(why)
    tap = rig.Tap()
    killing = Killing(tap)
    for point, nth in POINTS:
        tap.run(killing.point, point, nth)
    complaints = killing.boxes.dovecot.complaints()
    tap.ok(not complaints, "Dovecot complains of nothing", *complaints[:10])
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
