#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""One MTA, sealmilter in front, a sink behind, keys and a policy: the little
world in which the cases of postfix-main and sendmail-main happen.

In:    which MTA.
Out:   deliver(): what the client was told, and what arrived.
Never: lets a mark that was to stay secret go unlooked for.
"""
import os
import re
import secrets

import mtas
import rig
import sealed
import smtp

POLICY = (
    {"name": "must", "to": ["@example.org"], "seal": ["openpgp"]},
    {"name": "may", "to": ["@maybe.example"], "seal": ["openpgp", "clear"]},
    {"name": "shown", "to": ["@shown.example"], "seal": ["openpgp"],
     "hide_subject": False},
    {"name": "no bounces", "to": ["@nobounce.example"], "seal": ["openpgp"],
     "bounces": "refuse"},
    {"name": "abroad", "to": ["@xn--bcher-kva.example"],
     "seal": ["openpgp"]},
    {"name": "others", "seal": ["clear"]},
)

WITH_KEYS = ("alice@example.org", "bob@example.org", "bob-key@example.org",
             "carol@maybe.example", "clara@maybe.example",
             "dora@shown.example",
             "emil@nobounce.example", "zoe@xn--bcher-kva.example")
# In the user ID of another: must never be found for bob or alice.
STRANGERS = ("bob@example.org.evil.example", "mal-alice@example.org")


class World:
    def __init__(self, tap, kind, keys=WITH_KEYS + STRANGERS, copies=False,
                 **options):
        self.tap = tap
        self.rig = rig.Rig()
        self.sink = smtp.Sink()
        self.rig.at_exit(self.sink.close)
        self.keys = sealed.Keys(self.rig).make(*keys)
        options.setdefault("policy", POLICY)
        self.inject_port = None
        if copies:
            self.inject_port = rig.free_port()
            options.setdefault("inject",
                               "smtp://127.0.0.1:%d" % self.inject_port)
            options.setdefault("delivery", "reinject")
        self.daemon = rig.Sealmilter(self.rig, **options)
        for address in keys:
            self.keys.import_into(self.daemon, address)
        self.daemon.start()
        self.mta = None
        if kind is not None:
            self.mta = kind(self.rig, self.daemon.milter(), self.sink.port,
                            self.inject_port)
            self.mta.start()
        self.marks = []     # words that nobody may read outside
        self.strayed = []   # where one was read
        tap.on_failure.append(self.explain)

    def explain(self):
        text = "sealmilter: " + self.daemon.log()[-700:]
        if self.mta is not None:
            text += "\nMTA: " + self.mta.log()[-600:]
        return text

    def mark(self):
        """A word that occurs nowhere else, to be looked for everywhere."""
        word = "canary" + secrets.token_hex(8)
        self.marks.append(word)
        return word

    def public_word(self):
        return "public" + secrets.token_hex(8)

    def mail(self, to="alice@example.org", mark=None, extra="",
             kind="Content-Type: text/plain; charset=us-ascii\n",
             body=None):
        """A message with a mark in Subject and body."""
        mark = mark or self.mark()
        return smtp.crlf(
            "Date: Mon, 02 Mar 2026 10:00:00 +0100\n"
            "From: Sender <sender@client.example>\n"
            "To: %s\nMessage-ID: <%s@client.example>\n"
            "Subject: About %s\n%sMIME-Version: 1.0\n%s\n%s" % (
                to, secrets.token_hex(6), mark, extra, kind,
                body or "Dear reader,\nthe word is %s.\n" % mark))

    def deliver(self, message, recipients, **how):
        """(what the client saw, what arrived when the queue was empty)"""
        if isinstance(recipients, str):
            recipients = [recipients]
        sent = smtp.send(self.mta.port, message, recipients, **how)
        return sent, self.arrived()

    def arrived(self):
        self.mta.idle()
        arrivals = self.sink.take()
        for arrival in arrivals:
            for mark in self.marks:
                if mark.encode() in arrival.raw:
                    self.strayed.append("%s in %r" % (mark, arrival.rcpts))
        return arrivals

    def complaints(self, arrivals, original, *readers, hidden=(),
                   show_subject=False):
        """What is wrong with the one sealed copy that should be there."""
        if len(arrivals) != 1:
            return ["%d copies" % len(arrivals)]
        raw = arrivals[0].raw
        try:
            armor = sealed.armor_of(raw)
        except (ValueError, IndexError, AttributeError) as e:
            return [str(e), raw[:600]]
        found = sealed.form_complaints(raw)
        for reader in readers:
            payload = self.keys.open_with_gpg(armor)
            found += sealed.payload_complaints(payload, original)
            if self.keys.open_with_sq(armor, reader) != payload:
                found.append("sq and gpg read different things")
            if not self.keys.sq_can_open(armor, reader):
                found.append(reader + " cannot open it")
        found += self.reader_complaints(armor, readers, hidden)
        found += ["%s's key is named outside" % reader for reader in hidden
                  for each in self.keys.key_ids(reader)
                  if each.encode() in raw.upper()]
        if not show_subject:
            found += ["leaked: " + word
                      for word in sealed.leaked(raw, original)]
            if sealed.values(original, "Subject") and \
               sealed.values(raw, "Subject") != [b"[...]"]:
                found.append("Subject outside: %r" %
                             sealed.values(raw, "Subject"))
        return found

    def reader_complaints(self, armor, readers, hidden):
        """Encrypted to those, all of those and nobody else."""
        ids = self.keys.encrypted_to(armor)
        found = []
        if len(ids) != len(readers):
            found.append("encrypted to %s for %s" % (ids, readers))
        for reader in readers:
            seen = set(ids) & self.keys.key_ids(reader)
            if (reader in hidden) == bool(seen):
                found.append("%s's key ID is %s" % (
                    reader, "shown" if seen else "not there"))
        return found

    def sealed_ok(self, name, arrivals, original, *readers, **how):
        found = self.complaints(arrivals, original, *readers, **how)
        return self.tap.ok(not found, name, *found)

    def refused(self, name, sent, arrivals, code=550, text=""):
        return self.tap.ok(
            sent.code == code and text.lower() in sent.final.text.lower() and
            not arrivals, name, sent, "%d copies arrived" % len(arrivals))

    def nothing_strayed(self):
        """The last test of all: no mark outside, in logs or in the state."""
        found = list(self.strayed)
        for where in (self.daemon.log_path, self.mta.log_path,
                      self.daemon.state):
            for path in files_of(where):
                content = rig.read_file(path)
                found += ["%s in %s" % (mark, path) for mark in self.marks
                          if mark.encode() in content]
        if rig.sanitized():
            self.tap.ok(not re.search(r"Sanitizer|runtime error:",
                                      self.daemon.log()),
                        "the sanitizers have nothing to say of the daemon",
                        self.daemon.log()[-3000:])
        return self.tap.ok(
            not found and self.marks,
            "no secret word stands in a copy, a log or the state directory",
            *found[:10])


def files_of(where):
    if os.path.isfile(where):
        return [where]
    return [os.path.join(path, name) for path, _, names in os.walk(where)
            for name in names]


def samples():
    """[(name, bytes with CRLF)] of the shapes in tests/samples."""
    folder = os.path.join(rig.SOURCE, "tests", "samples")
    return [(name[:-4].replace("-", " "),
             smtp.crlf(rig.read_file(os.path.join(folder, name))))
            for name in sorted(os.listdir(folder)) if name.endswith(".eml")]


def need(kind):
    """Ends the program with a skip where the MTA cannot be run."""
    why = mtas.missing(kind)
    if why:
        rig.skip_all(why)
