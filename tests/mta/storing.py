#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A site that stores mail: Postfix, sealmilter, and a Dovecot behind, which
gets everything for example.org by LMTP.

In:    a policy; owners of mailboxes, with OpenPGP keys or certificates.
Out:   deliver(): what was told, and what each mailbox has over IMAP.
Never: opens what is sealed with the product's own code.
"""
import os

import dovecot
import mtas
import rig
import sealed
import smime
import smtp
from copycases import disguises
from world import World

RECOVERY = "archive@example.org"
OPENPGP = ("olga@example.org", "otto@example.org")
# Of tests/certs.
SMIME = ("alice", "erin")
WITHOUT = ("nora@example.org", "rita@example.org")


class Stored:
    """A message of a mailbox; raw as an arrival's."""

    def __init__(self, user, mail):
        self.user = user
        self.raw = mail.raw
        self.mail = mail

    def mark(self):
        """Sealmilter-Sealed, or b"" when it is not sealed by us."""
        return b" ".join(b" ".join(sealed.values(
            self.raw, "Sealmilter-Sealed")).split())


class Site(World):
    def __init__(self, tap, policy, dovecot_options=None, aliases="",
                 milters=True, **options):
        super().__init__(tap, None, keys=OPENPGP + (RECOVERY,),
                         copies=True, policy=policy, **options)
        self.daemon.configure(keys={
            "sources": ["store"],
            "smime_trust": os.path.join(smime.CERTS, "ca.crt")})
        self.daemon.restart()
        self.daemon.ctl("key", "import", *map(smime.cert, SMIME))
        self.recovery_certificate()
        self.users = OPENPGP + tuple(
            name + "@example.org" for name in SMIME) + WITHOUT
        self.store = dovecot.Dovecot(self.rig, self.users,
                                     **(dovecot_options or {})).start()
        self.mta = mtas.Postfix(
            self.rig, self.daemon.milter() if milters else "",
            self.sink.port, self.inject_port,
            virtual_mailbox_domains="example.org",
            virtual_transport="lmtp:unix:" + self.store.lmtp_socket(),
            virtual_alias_maps="inline:{ %s }" % aliases if aliases else "",
            recipient_delimiter="+", internal_mail_filter_classes="bounce")
        self.mta.start()
        self.last = dict.fromkeys(self.users, 0)

    def recovery_certificate(self):
        """A certificate for the recovery address, beside its key."""
        self.recovery = self.rig.path("recovery.crt")
        self.recovery_key = self.rig.path("recovery.key")
        self.rig.run([
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
            "-days", "30", "-subj", "/CN=Recovery", "-keyout",
            self.recovery_key, "-out", self.recovery, "-addext",
            "basicConstraints=critical,CA:false", "-addext",
            "subjectAltName=email:" + RECOVERY])
        self.daemon.ctl("key", "import", "--trust", self.recovery)

    def explain(self):
        return super().explain() + "\nDovecot: " + self.store.log()[-800:]

    def arrived(self):
        """What is new in each mailbox, when the queue is empty."""
        self.mta.idle()
        found = []
        for user in self.users:
            with self.store.imap(user) as client:
                for uid, mail in dovecot.fetch(client).items():
                    if uid > self.last[user]:
                        found.append(Stored(user, mail))
                        self.last[user] = uid
        return found

    def readable(self, mark):
        """Files of the mail store where that word can be read."""
        return [path for form in disguises(mark)
                for path in self.store.holding(form)]

    def recovery_opens(self, copy, original):
        """Complaints, when the recovery key alone does not open it."""
        home = self.rig.make_dir("recovery.home", mode=0o700)
        if b"form=smime" in copy.mark():
            payload = self.rig.run(
                ["openssl", "cms", "-decrypt", "-inform", "DER", "-binary",
                 "-recip", self.recovery, "-inkey", self.recovery_key],
                input=smime.der_of(copy.raw))[1]
        else:
            self.rig.run(["gpg", "--homedir", home, "--batch", "--quiet",
                          "--import", self.keys.secret(RECOVERY)])
            payload = self.rig.run(
                ["gpg", "--homedir", home, "--batch", "--quiet", "-d"],
                input=sealed.armor_of(copy.raw))[1]
            self.rig.run(["gpgconf", "--homedir", home, "--kill", "all"],
                         check=False)
        return sealed.payload_complaints(payload, original)


def of(arrivals, user):
    return [a for a in arrivals if a.user == user + "@example.org"]


def look_around(site, user, word):
    """What a client does that makes a server remember things; where the
    word was shown."""
    shown = []
    with site.store.imap(user) as client:
        for folder in dovecot.folders(client):
            dovecot.checked(client.select('"%s"' % folder))
            for what in ("(ENVELOPE BODYSTRUCTURE)", "(BODY.PEEK[HEADER])",
                         "(BODY[])", "(BODY.PEEK[TEXT]<0.2000>)"):
                data = dovecot.checked(client.uid("FETCH", "1:*", what))
                shown += [what for item in data if item is not None and
                          word.encode() in (b"".join(item) if isinstance(
                              item, tuple) else item)]
            for key in ("SUBJECT", "TEXT", "BODY"):
                if dovecot.checked(client.uid("SEARCH", key, word))[0]:
                    shown.append(key)
    site.store.doveadm("index", "-u", user, "*")
    return shown


def need():
    why = mtas.missing(mtas.Postfix) or dovecot.missing()
    if why:
        rig.skip_all(why)


def mail_to(site, *users, **options):
    return site.mail(to=", ".join(user + "@example.org" for user in users),
                     **options)


def send(site, message, *recipients):
    """The answer, without a wait for what becomes of it."""
    return smtp.send(site.mta.port, message, recipients)
