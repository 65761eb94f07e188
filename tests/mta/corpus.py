#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Mail of all shapes sealed and opened again: our samples, and the mail that
others wrote in the folder SEALMILTER_CORPUS.

In:    sealctl seal on each message; some of them through a real Postfix.
Out:   the octets that gpg and sq find inside are those that went in.
Never: copies mail of others into the project.
"""
import os
import re
import sys

import mtas
import rig
import sealed
import smtp
from world import POLICY, World, samples

RECIPIENT = "alice@example.org"
# Notes and secret keys that lie beside the messages.
NO_MESSAGES = (".md", ".key")


def corpus():
    """[(name, bytes)] of every file of the folder, or None."""
    folder = os.environ.get("SEALMILTER_CORPUS", "")
    if not os.path.isdir(folder):
        return None
    found = []
    for path, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if not name.endswith(NO_MESSAGES):
                full = os.path.join(path, name)
                found.append((os.path.relpath(full, folder),
                              rig.read_file(full)))
    return found


def canonical(raw):
    """The message as it has to come out: CRLF, no mbox line in front."""
    if raw.startswith(b"From "):
        raw = raw.split(b"\n", 1)[1] if b"\n" in raw else b""
    # LF alone becomes CRLF; a CR alone is an octet like others.
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def complaints_of(w, name, raw):
    """One message through sealctl seal; None if it passed untouched."""
    status, out, err = w.daemon.ctl(
        "seal", "--from", "sender@client.example", "--to", RECIPIENT,
        input=raw, check=False)
    if status != 0:
        return ["status %d: %s" % (status, err.decode("utf-8", "replace"))]
    original = canonical(raw)
    if not sealed.is_sealed(out) or out == original:
        return None
    return opened_complaints(w, out, original)


def opened_complaints(w, out, original):
    found = sealed.form_complaints(out)
    try:
        armor = sealed.armor_of(out)
        payload = w.keys.open_with_gpg(armor)
        found += sealed.payload_complaints(payload, original)
        if w.keys.open_with_sq(armor, RECIPIENT) != payload:
            found.append("sq and gpg read different things")
    except (ValueError, RuntimeError, IndexError, AttributeError) as e:
        found.append(repr(e))
    return found + ["leaked: " + word for word in sealed.leaked(out, original)]


def really_encrypted(raw):
    """Whether gpg or openssl would call it encrypted: what may pass."""
    return b"-----BEGIN PGP MESSAGE-----" in raw or \
        b"pkcs7-mime" in raw.lower()


def through_sealctl(w, title, messages):
    passed = []
    for name, raw in messages:
        found = complaints_of(w, name, raw)
        if found is None:
            passed.append(name)
            found = [] if really_encrypted(raw) else ["passed in clear"]
        if found or title == "sample":
            w.tap.ok(not found, "%s sealed and opened: %s" % (title, name),
                     *found)
    return passed


def own_samples(w):
    passed = through_sealctl(w, "sample", samples())
    w.tap.equal(passed, [], "no sample passes for encrypted already")


def mail_of_others(w, messages):
    before = w.tap.failed
    passed = through_sealctl(w, "corpus", messages)
    w.tap.note("encrypted already, so untouched: " + ", ".join(passed))
    w.tap.ok(w.tap.failed == before and len(messages) > 100,
             "%d messages that others wrote come out to the octet, and no "
             "word of them stands outside" % (len(messages) - len(passed)))


def fit_for_smtp(raw):
    """Whether Postfix takes it as it is, without mending it first."""
    header, _ = sealed.split(raw)
    return header.endswith(b"\r\n") and raw.endswith(b"\r\n") and \
        raw.startswith(header + b"\r\n") and \
        not re.search(rb"\r(?!\n)|\0", raw) and \
        max(map(len, header.split(b"\r\n"))) < sealed.LINE_LIMIT and \
        not {name.lower() for name, _ in sealed.fields(header)} & {
            "bcc", "content-length", "resent-bcc", "return-path"}


def through_postfix(w, messages):
    """A part of them the whole way."""
    chosen = [(name, canonical(raw)) for name, raw in messages]
    chosen = [(name, raw) for name, raw in chosen
              if fit_for_smtp(raw) and not really_encrypted(raw)][::4]
    before = w.tap.failed
    for name, raw in chosen:
        sent, arrivals = w.deliver(raw, RECIPIENT, options=" BODY=8BITMIME")
        found = opened_complaints(w, arrivals[0].raw, raw) if arrivals \
            else [sent]
        if found:
            w.tap.ok(False, "through Postfix: " + name, *found)
    w.tap.ok(w.tap.failed == before and chosen,
             "%d messages come through Postfix to the octet" % len(chosen))


def main():
    tap = rig.Tap()
    others = corpus()
    kind = None if mtas.missing(mtas.Postfix) else mtas.Postfix
    w = World(tap, kind, keys=(RECIPIENT,), policy=POLICY)
    tap.run(own_samples, w)
    if others is None:
        tap.note("SEALMILTER_CORPUS names no folder: only our own samples")
        others = [(name, smtp.crlf(raw)) for name, raw in samples()]
    else:
        tap.run(mail_of_others, w, others)
    if kind is None:
        tap.skip("a part of them through Postfix", mtas.missing(mtas.Postfix))
    else:
        tap.run(through_postfix, w, others)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
