#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Mailboxes with mail in them, in a Dovecot of our own.

In:    a rig; how many messages.
Out:   Maildirs with folders, flags, keywords and dates; what a client sees of
       them, before and after.
Never: knows how sealctl works.
"""
import os
import random
import re
import secrets

import dovecot
import rig
import sealed

OWNER = "bob@example.org"
KEYWORDS = ("$Label1", "work", "NonJunk")


class Post:
    """Messages of many kinds with a word in them that must not be found."""

    def __init__(self):
        self.word = "canary" + secrets.token_hex(8)
        self.samples = []
        where = os.path.join(rig.SOURCE, "tests", "samples")
        corpus = os.environ.get("SEALMILTER_CORPUS")
        paths = [os.path.join(where, name) for name in os.listdir(where)]
        if corpus:
            paths += [os.path.join(top, name)
                      for top, _, names in os.walk(corpus)
                      for name in names if name.endswith(".eml")]
        for path in sorted(paths):
            raw = rig.read_file(path)
            # What its author encrypted stays as it is.
            if b"\0" not in raw and len(raw) < 200000 and \
                    not sealed.is_sealed(raw) and \
                    b"smime-type=enveloped-data" not in raw:
                self.samples.append(raw.replace(b"\r\n", b"\n"))
        self.count = 0

    def make(self):
        """One more: a sample with the word in Subject and body, and a
        Message-ID of its own."""
        raw = self.samples[self.count % len(self.samples)]
        self.count += 1
        head, _, body = raw.partition(b"\n\n")
        lines, kept = head.split(b"\n"), []
        dropping = False
        for line in lines:
            if not line[:1] in (b" ", b"\t"):
                dropping = line.lower().startswith(
                    (b"subject:", b"message-id:"))
            if not dropping:
                kept.append(line)
        number = self.count
        kept = [b"Message-ID: <%d@box.example>" % number,
                b"Subject: About %s %d" % (self.word.encode(), number)] + kept
        text = b"The word is %s.\n" % self.word.encode()
        return b"\n".join(kept) + b"\n\n" + text + body


class Boxes:
    def __init__(self, tap, location="maildir:~/Maildir", users=(OWNER,),
                 keys=None, **options):
        self.tap = tap
        self.rig = rig.Rig()
        self.post = Post()
        self.dovecot = dovecot.Dovecot(self.rig, users, location=location)
        self.keys = sealed.Keys(self.rig).make(*(keys or users))
        options.setdefault("policy", ({"name": "here",
                                       "seal": ["openpgp", "smime"]},))
        self.seal = rig.Sealmilter(self.rig, **options)
        # sealctl as a user who is not root has to read it all.
        self.keys.import_into(self.seal)

    def maildir(self, user=OWNER):
        return os.path.join(self.dovecot.home(user), "Maildir")

    def own(self, *paths):
        if os.geteuid() == 0:
            for path in paths:
                os.chown(path, self.dovecot.owner.pw_uid,
                         self.dovecot.owner.pw_gid)

    def folder(self, name, user=OWNER):
        """Its directory; made if it is missing.  "" is INBOX."""
        top = self.maildir(user)
        path = os.path.join(top, "." + name) if name else top
        for part in (top, path, path + "/cur", path + "/new", path + "/tmp"):
            if not os.path.isdir(part):
                os.mkdir(part, 0o700)
                self.own(part)
        return path

    def fill(self, folder, count, user=OWNER, seed=1):
        """Writes messages as a server that is not running would find them;
        {file: octets}."""
        chance = random.Random(seed)
        path = self.folder(folder, user)
        written = {}
        for i in range(count):
            raw = self.post.make()
            if chance.random() < 0.1:
                raw = raw.replace(b"\n", b"\r\n")
            stamp = 1500000000 + chance.randrange(200000000)
            name = "%d.M%dP%d.host" % (stamp, i, os.getpid())
            if chance.random() < 0.8:
                name += ",S=%d" % len(raw)
                if chance.random() < 0.5:
                    bare = raw.count(b"\n") - raw.count(b"\r\n")
                    name += ",W=%d" % (len(raw) + bare)
            name += ":2," + "".join(f for f in "DFRST"
                                    if chance.random() < 0.3)
            file = os.path.join(path, "cur", name)
            with open(file, "wb") as f:
                f.write(raw)
            os.chmod(file, 0o600)
            os.utime(file, (stamp, stamp))
            self.own(file)
            written[file] = raw
        return written

    def label(self, folders=("INBOX",), user=OWNER):
        """Keywords, as a client sets them; and what it looks at fills the
        caches."""
        with self.dovecot.imap(user) as client:
            for folder in folders:
                dovecot.checked(client.select('"%s"' % folder))
                dovecot.checked(client.fetch(
                    "1:*", "(ENVELOPE BODYSTRUCTURE RFC822.SIZE)"))
                for i, word in enumerate(KEYWORDS):
                    for uid in range(1 + i, 200, 7):
                        client.uid("STORE", "%d" % uid, "+FLAGS",
                                   "(%s)" % word)

    def look(self, user=OWNER):
        """{folder: {uid: Mail}} as a client sees it."""
        with self.dovecot.imap(user) as client:
            return {folder: dovecot.fetch(client, folder)
                    for folder in dovecot.folders(client)}

    def sealctl(self, *arguments, program=rig.SEALCTL, check=True,
                **options):
        return self.rig.run([program, "-c", self.seal.config_path,
                             "mailbox"] + list(arguments), check=check,
                            **options)

    def encrypt(self, *arguments, user=OWNER, **options):
        return self.sealctl("encrypt", "--user", user, *arguments,
                            self.maildir(user), **options)

    def readable(self, *words, user=OWNER):
        """Files of the store in which the word, or one of these, is."""
        return self.dovecot.holding(self.post.word, *words, user=user)


def same_mail(before, after):
    """What differs between two looks, but for the octets of messages."""
    wrong = []
    for folder in sorted(set(before) | set(after)):
        old, new = before.get(folder, {}), after.get(folder, {})
        if set(old) != set(new):
            wrong.append("%s: UIDs gone %r, new %r" % (
                folder, sorted(set(old) - set(new))[:5],
                sorted(set(new) - set(old))[:5]))
        for uid in sorted(set(old) & set(new)):
            a, b = old[uid], new[uid]
            if (a.flags, a.date) != (b.flags, b.date):
                wrong.append("%s: %r is %r" % (folder, a, b))
            if message_id(a.raw) != message_id(b.raw):
                wrong.append("%s: UID %d is another message" % (folder, uid))
            if len(b.raw) != b.size:
                wrong.append("%s: UID %d has %d octets, not %d" % (
                    folder, uid, len(b.raw), b.size))
    return wrong


def message_id(raw):
    for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n"):
        if line.lower().startswith(b"message-id:"):
            return line[11:].strip()
    return None


def number_of(raw):
    """The part of the Message-ID that is its own."""
    found = re.search(rb"(?im)^Message-ID: *<(\w+)@box\.example>", raw)
    return found.group(1) if found else None


def all_sealed(look):
    """UIDs that are not sealed."""
    return ["%s %d" % (folder, uid) for folder, mails in look.items()
            for uid, mail in mails.items() if not sealed.is_sealed(mail.raw)]
