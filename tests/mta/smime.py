#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Mail sealed by S/MIME and opened by three programs that are not ours:
openssl, gpgsm, and the cmsutil of NSS (with Thunderbird's own NSS where
contrib/build-deps unpacked one).

In:    sealctl seal on our samples and on the mail that others wrote (in the
       folder SEALMILTER_CORPUS); some messages through a real Postfix.
Out:   what they find inside is what went in, and no word of it is outside.
Never: uses a line of the product's own code to open what it made.
"""
import base64
import email
import os
import re
import shutil
import sys

import corpus
import mtas
import rig
import sealed
import smtp
from world import World, samples

CERTS = os.path.join(rig.SOURCE, "tests", "certs")
THUNDERBIRD = os.environ.get(
    "SEALMILTER_THUNDERBIRD",
    "/var/cache/sealmilter/thunderbird/usr/lib/thunderbird")
POLICY = (
    {"name": "gcm", "to": ["frank@example.org"], "seal": ["smime"],
     "smime_cipher": "aes256-gcm", "legacy_display": False},
    {"name": "oaep", "to": ["two@example.org"], "seal": ["smime"],
     "smime_rsa": "oaep", "legacy_display": False},
    {"name": "shown", "to": ["bob@example.org"], "seal": ["smime"]},
    {"name": "old", "from": ["old@client.example"], "seal": ["smime"],
     "smime_cipher": "aes256-cbc", "legacy_display": False},
    {"name": "archived", "from": ["archived@client.example"],
     "seal": ["smime"], "recovery": ["alice@example.org"],
     "legacy_display": False},
    {"name": "smime", "to": ["@example.org"], "seal": ["smime"],
     "legacy_display": False},
    {"name": "others", "seal": ["openpgp"]},
)
# Words that every copy has outside, whatever is in it.
OWN_WORDS = ("base64", "attachment", "smime.p7m", "pkcs7-mime", "filename",
             "application")
PEOPLE = ("alice", "bob", "erin", "frank", "two")
# Their S/MIME capabilities name AES-256-GCM; cbc-first's name CBC before it.
CAPABLE = ("gcm", "gcm2", "cbc-first")
FIELDS = {
    b"Content-Transfer-Encoding": b"base64",
    b"Content-Disposition": b'attachment; filename="smime.p7m"',
}


def cert(name):
    return os.path.join(CERTS, name + ".crt")


def der_of(raw):
    """The CMS in a sealed message; raises if its form is not right."""
    header, body = sealed.split(raw)
    for name, value in FIELDS.items():
        if sealed.values(raw, name.decode()) != [value]:
            raise ValueError("%r: %r" % (name, sealed.values(
                raw, name.decode())))
    kind = sealed.values(raw, "Content-Type")
    if len(kind) != 1 or not re.fullmatch(
            rb"application/pkcs7-mime; smime-type="
            rb"(enveloped-data|authEnveloped-data);\s+name=\"smime.p7m\"",
            kind[0]):
        raise ValueError("Content-Type: %r" % kind)
    lines = body.split(b"\r\n")
    if lines.pop() != b"" or {len(line) for line in lines[:-1]} - {64} or \
       b"\n" in b"".join(lines):
        raise ValueError("its lines are not of 64 characters")
    return base64.b64decode(b"".join(lines), validate=True)


class Openers:
    """The programs, each with the keys of the tests."""

    def __init__(self, world):
        self.rig = world.rig
        self.nss = self.rig.make_dir("nss")
        self.gpgsm = self.rig.make_dir("gpgsm", mode=0o700)
        self.rig.at_exit(lambda: self.rig.run(
            ["gpgconf", "--homedir", self.gpgsm, "--kill", "all"],
            check=False))
        self.rig.run(["certutil", "-N", "-d", "sql:" + self.nss,
                      "--empty-password"])
        self.rig.write(os.path.join(self.gpgsm, "gpgsm.conf"),
                       b"disable-crl-checks\n")
        for name in PEOPLE:
            self.add_to_nss(name)
        self.run_gpgsm("--import", os.path.join(CERTS, "alice.p12"))

    def add_to_nss(self, name):
        p12 = self.rig.path(name + ".p12")
        self.rig.run(["openssl", "pkcs12", "-export", "-legacy", "-in", cert(name),
                      "-inkey", os.path.join(CERTS, name + ".key"),
                      "-name", name, "-out", p12, "-passout", "pass:x"])
        self.rig.run(["pk12util", "-i", p12, "-d", "sql:" + self.nss,
                      "-W", "x", "-K", ""])

    def run_gpgsm(self, *arguments):
        return self.rig.run(
            ["gpgsm", "--homedir", self.gpgsm, "--batch", "--no-tty",
             "--pinentry-mode", "loopback", "--passphrase-fd", "0",
             *arguments], input=b"x\n")[1]

    def with_openssl(self, der, name):
        return self.rig.run(
            ["openssl", "cms", "-decrypt", "-inform", "DER", "-binary",
             "-recip", cert(name), "-inkey",
             os.path.join(CERTS, name + ".key")], input=der)[1]

    def with_gpgsm(self, der):
        return self.run_gpgsm("--decrypt", self.file(der))

    def with_nss(self, der, thunderbird):
        environment = dict(os.environ)
        if thunderbird:
            environment["LD_LIBRARY_PATH"] = THUNDERBIRD
        return self.rig.run(["cmsutil", "-D", "-d", "sql:" + self.nss,
                             "-i", self.file(der)], env=environment)[1]

    def file(self, der):
        path = self.rig.path("opened.der")
        self.rig.write(path, der)
        return path


def seal(w, raw, *names, sender="sender"):
    arguments = ["seal", "--from", sender + "@client.example"]
    for name in names:
        arguments += ["--to", name + "@example.org"]
    status, out, err = w.daemon.ctl(*arguments, input=raw, check=False)
    if status != 0:
        raise RuntimeError(err.decode("utf-8", "replace"))
    return out


def complaints(openers, out, original, name):
    try:
        payload = openers.with_openssl(der_of(out), name)
    except (ValueError, RuntimeError) as e:
        return [repr(e)]
    return sealed.payload_complaints(payload, original) + [
        "leaked: " + word for word in sealed.leaked(out, original)
        if word not in OWN_WORDS]


def foreign_programs(w, openers):
    original = w.mail(to="alice@example.org, bob@example.org")
    for name, what in (("alice", "RSA, CBC"), ("erin", "P-256"), ("frank", "P-384, GCM"),
                       ("two", "RSA-OAEP")):
        out = seal(w, original, name)
        found = complaints(openers, out, original, name)
        w.tap.ok(not found, "openssl opens %s" % what, *found)
    want = openers.with_openssl(der_of(seal(w, original, "alice")), "alice")
    der = der_of(seal(w, original, "alice"))
    w.tap.equal(openers.with_gpgsm(der), want, "gpgsm opens RSA")
    w.tap.equal(openers.with_nss(der, False), want, "NSS opens RSA")
    if os.path.exists(os.path.join(THUNDERBIRD, "libnss3.so")):
        for name in ("alice", "erin", "two"):
            der = der_of(seal(w, original, name))
            w.tap.equal(openers.with_nss(der, True),
                        openers.with_openssl(der, name),
                        "Thunderbird's NSS opens the copy for " + name)
    else:
        w.tap.skip("Thunderbird's NSS opens RSA, OAEP and P-256",
                   "there is no Thunderbird in " + THUNDERBIRD)


def several(w, openers):
    original = w.mail(to="alice@example.org, erin@example.org")
    der = der_of(seal(w, original, "alice", "erin"))
    w.tap.equal(openers.with_openssl(der, "alice"),
                openers.with_openssl(der, "erin"),
                "one copy can be opened by both of its recipients")
    shown = w.rig.run(["openssl", "cms", "-cmsout", "-print", "-inform",
                       "DER"], input=der)[1]
    w.tap.equal(shown.count(b"d.ktri:") + shown.count(b"d.kari:"), 2,
                "and by nobody else")
    w.tap.ok(b"sha256kdf" in shown, "the key agreement is with SHA-256")
    status, _, err = w.daemon.ctl(
        "seal", "--from", "a@client.example", "--to", "alice@example.org",
        "--to", "bob@example.org", input=original, check=False)
    w.tap.ok(status == 1 and b"separately" in err,
             "who is in Bcc is not shown to others: it is refused", err)


def by_capabilities(w, openers):
    """A cipher for each set of readers; openssl opens all of them."""
    original = w.mail(to=", ".join(name + "@example.org"
                                   for name in ("alice",) + CAPABLE))
    for names, sender, gcm, what in (
            (("gcm",), "sender", True, "who asks for GCM gets it"),
            (("gcm", "gcm2"), "sender", True, "so do two who do"),
            (("gcm", "alice"), "sender", False,
             "but not with one who says nothing"),
            (("cbc-first",), "sender", False,
             "nor who names CBC before it"),
            (("gcm",), "old", False, "nor if the rule says CBC"),
            (("gcm",), "archived", False,
             "nor if the archive's certificate does not")):
        out = seal(w, original, *names, sender=sender)
        kind = sealed.values(out, "Content-Type")[0]
        want = b"authEnveloped-data" if gcm else b"=enveloped-data"
        found = [] if want in kind else ["Content-Type: %r" % kind]
        for name in names:
            found += complaints(openers, out, original, name)
        w.tap.ok(not found, what, *found)


def all_shapes(w, openers, title, messages):
    before = w.tap.failed
    sealed_count = 0
    for name, raw in messages:
        original = corpus.canonical(raw)
        try:
            out = seal(w, raw, "alice")
        except RuntimeError as e:
            w.tap.ok(False, "%s: %s" % (title, name), e)
            continue
        if b"smime.p7m" not in sealed.split(out)[0] or out == original:
            if not corpus.really_encrypted(raw):
                w.tap.ok(False, "%s: passed in clear: %s" % (title, name))
            continue
        sealed_count += 1
        found = complaints(openers, out, original, "alice")
        if found:
            w.tap.ok(False, "%s: %s" % (title, name), *found)
    w.tap.ok(w.tap.failed == before and sealed_count > 0,
             "%d %s come out to the octet" % (sealed_count, title))


def is_inserted_into(original, payload):
    """Whether all octets of the one are in the other, in their order."""
    rest = iter(payload)
    return all(octet in rest for octet in original)


def shown_complaints(payload, subject):
    """The legacy display elements as a mail reader sees them."""
    found = []
    for part in email.message_from_bytes(payload).walk():
        if part.get_param("hp-legacy-display") != "1":
            continue
        text = part.get_payload(decode=True)
        if part.defects:    # broken by others, before we came
            continue
        text = text.decode("ascii", "replace")
        if part.get_content_subtype() == "html":
            if '<div class="header-protection-legacy-display">' not in text:
                found.append("no element: %r" % text[:80])
        elif not re.match(r"Subject: [^\r\n]+\r\n\r\n", text):
            found.append("no element: %r" % text[:80])
        elif subject and subject not in text.split("\r\n")[0]:
            found.append("another subject: %r" % text[:80])
    return found


def legacy_display(w, openers, title, messages):
    """bob's rule leaves it on, which is the default."""
    before = w.tap.failed
    shown = 0
    for name, raw in messages:
        out = seal(w, raw, "bob")
        original = corpus.canonical(raw)
        if out == original or b"smime.p7m" not in sealed.split(out)[0]:
            continue
        payload = openers.with_openssl(der_of(out), "bob")
        found = shown_complaints(payload, "")
        if b"hp-legacy-display" in payload:
            shown += 1
        _, body = sealed.split(original)
        if not is_inserted_into(body, payload):
            found.append("something of the original is not there")
        if len(payload) > 2 * len(sealed.split(original)[0]) + \
           len(original) + 8000:
            found.append("much was inserted")
        if found:
            w.tap.ok(False, "%s: %s" % (title, name), *found)
    w.tap.ok(w.tap.failed == before and shown > len(messages) // 3,
             "the hidden Subject is shown in %d of %d %s, and nothing else "
             "is changed" % (shown, len(messages), title))


def one_shown(w, openers):
    mark = w.mark()
    payload = openers.with_openssl(
        der_of(seal(w, w.mail(to="bob@example.org", mark=mark), "bob")),
        "bob")
    found = shown_complaints(payload, "About " + mark)
    w.tap.ok(not found and b'hp-legacy-display="1"' in payload,
             "a reader that knows nothing of header protection shows the "
             "Subject", *found)


def through_postfix(w, openers):
    original = w.mail()
    _, arrivals = w.deliver(original, "alice@example.org")
    found = complaints(openers, arrivals[0].raw, original, "alice") \
        if len(arrivals) == 1 else ["%d copies" % len(arrivals)]
    w.tap.ok(not found, "a message is sealed on its way through Postfix",
             *found)
    large = w.mail(body="".join("Line %d of much text.\n" % i
                                for i in range(150000)))
    _, arrivals = w.deliver(large, "alice@example.org")
    found = complaints(openers, arrivals[0].raw, large, "alice") \
        if len(arrivals) == 1 else ["%d copies" % len(arrivals)]
    w.tap.ok(not found, "so is one of 4 MB", *found)
    sent, arrivals = w.deliver(original, "nobody@example.org")
    w.refused("who has no certificate is refused", sent, arrivals,
              text="no certificate")
    w.nothing_strayed()


def three_forms_at_once(tap):
    """One by OpenPGP, one by S/MIME, one clear, and one by S/MIME in Bcc: each
    their own copy, in one transaction."""
    w = World(tap, mtas.Postfix, keys=("carol@maybe.example",), copies=True,
              policy=POLICY[:-1] + (
                  {"name": "may", "seal": ["openpgp", "smime", "clear"]},))
    w.daemon.configure(keys={"sources": ["store"],
                             "smime_trust": os.path.join(CERTS, "ca.crt")})
    w.daemon.restart()
    w.daemon.ctl("key", "import", cert("alice"), cert("erin"))
    openers = Openers(w)
    word = w.public_word()
    everybody = ["carol@maybe.example", "alice@example.org",
                 "dave@maybe.example", "erin@example.org"]
    original = w.mail(to=", ".join(everybody[:3]), mark=word)
    sent, arrivals = w.deliver(original, everybody)
    of = {address: [a for a in arrivals if address.encode() in
                    b"".join(a.rcpts)] for address in everybody}
    tap.ok(sent.code == 250 and len(arrivals) == 4 and
           all(len(copies) == 1 for copies in of.values()),
           "one by OpenPGP, one by S/MIME, one clear, one in Bcc: a copy each",
           sent, *[a.rcpts for a in arrivals])
    w.sealed_ok("the OpenPGP copy is one", of["carol@maybe.example"],
                original, "carol@maybe.example")
    for name in ("alice", "erin"):
        found = complaints(openers, of[name + "@example.org"][0].raw,
                           original, name)
        tap.ok(not found, name + "'s S/MIME copy is one, for them alone",
               *found)
    tap.ok(of["dave@maybe.example"][0].raw.endswith(
        sealed.split(original)[1]), "and the clear one is clear")
    _, arrivals = w.deliver(original, everybody)
    tap.ok(not arrivals, "sent again, nobody gets a second one")


def main():
    tap = rig.Tap()
    for program in ("openssl", "gpgsm", "cmsutil", "pk12util", "certutil"):
        if shutil.which(program) is None:
            rig.skip_all("there is no " + program)
    kind = None if mtas.missing(mtas.Postfix) else mtas.Postfix
    w = World(tap, kind, keys=(), policy=POLICY)
    w.daemon.configure(keys={"sources": ["store"],
                             "smime_trust": os.path.join(CERTS, "ca.crt")})
    w.daemon.restart()
    w.daemon.ctl("key", "import", os.path.join(CERTS, "bundle.p7b"),
                 *[cert(name) for name in PEOPLE + CAPABLE if name != "bob"])
    openers = Openers(w)
    tap.run(foreign_programs, w, openers)
    tap.run(several, w, openers)
    tap.run(by_capabilities, w, openers)
    tap.run(all_shapes, w, openers, "samples", samples())
    tap.run(one_shown, w, openers)
    tap.run(legacy_display, w, openers, "samples", samples())
    others = corpus.corpus()
    if others is None:
        tap.note("SEALMILTER_CORPUS names no folder: only our own samples")
    else:
        tap.run(all_shapes, w, openers, "messages of others", others)
        tap.run(legacy_display, w, openers, "messages of others", others)
    if kind is None:
        tap.skip("messages through Postfix", mtas.missing(mtas.Postfix))
    else:
        tap.run(through_postfix, w, openers)
        tap.run(three_forms_at_once, tap)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
