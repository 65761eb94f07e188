#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a site sees of sealmilter, whichever of the two MTAs it runs.

In:    a world (world.py).
Out:   one test for each promise.
Never: looks inside the daemon: SMTP in, SMTP out, gpg and sq as judges.
"""
import email

import sealed
import smtp
from rig import Tap
from world import World, need, samples


def one_recipient_with_a_key(w):
    message = w.mail()
    sent, arrivals = w.deliver(message, "alice@example.org")
    w.tap.equal(sent.code, 250, "mail to somebody with a key is taken")
    w.sealed_ok("it arrives sealed, and gpg and sq open it to the octet",
                arrivals, message, "alice@example.org")


def two_recipients_with_keys(w):
    to = ("carol@maybe.example", "clara@maybe.example")
    message = w.mail(to=", ".join(to))
    _, arrivals = w.deliver(message, list(to))
    w.sealed_ok("two with keys get one copy that both can open",
                arrivals, message, *to)


def clear_by_the_ladder(w):
    word = w.public_word()
    message = w.mail(to="dave@maybe.example", mark=word)
    sent, arrivals = w.deliver(message, "dave@maybe.example")
    w.tap.ok(sent.code == 250 and len(arrivals) == 1 and
             arrivals[0].raw.endswith(sealed.split(message)[1]) and
             b"About " + word.encode() in arrivals[0].raw,
             "where the ladder ends in clear, mail without a key is untouched",
             sent, arrivals and arrivals[0].raw)
    message = w.mail(to="carol@maybe.example")
    _, arrivals = w.deliver(message, "carol@maybe.example")
    w.sealed_ok("the same ladder seals to whoever has a key",
                arrivals, message, "carol@maybe.example")


def no_key_and_no_clear(w):
    with smtp.Client(w.mta.port) as client:
        replies = client.envelope("sender@client.example",
                                  ["nokey@example.org", "alice@example.org"])
        w.tap.ok(replies[1].code == 550 and "5.7.1" in replies[1].text and
                 "nokey@example.org" in replies[1].text,
                 "no key and no clear: 550 5.7.1 at RCPT naming the recipient",
                 replies)
        message = w.mail()
        final = client.data(message)
    arrivals = w.arrived()
    w.tap.ok(final.code == 250 and
             arrivals and b"nokey" not in b"".join(arrivals[0].rcpts),
             "the other recipient of that message is not affected", final)
    w.sealed_ok("and gets it sealed", arrivals, message, "alice@example.org")
    sent, arrivals = w.deliver(w.mail(), "ice@example.org")
    w.refused("part of an address with a key is an address without",
              sent, arrivals)


def recipients_who_differ(w):
    message = w.mail(to="carol@maybe.example, dave@maybe.example")
    sent, arrivals = w.deliver(message, ["carol@maybe.example",
                                         "dave@maybe.example"])
    reply = next((r for r in sent.replies + [sent.final] if r.code >= 400),
                 sent.final)
    w.tap.ok(500 <= reply.code < 600 and "inject" in reply.text.lower(),
             "recipients who differ: 5xx that says what to configure", sent)
    clear = [a for a in arrivals if not sealed.is_sealed(a.raw)]
    w.tap.ok(not clear, "and nobody gets it in clear",
             *[a.rcpts for a in clear])


def null_sender(w):
    message = w.mail()
    _, arrivals = w.deliver(message, "alice@example.org", sender="")
    w.tap.ok(arrivals and b"<>" in arrivals[0].mail,
             "the null sender stays the null sender",
             arrivals and arrivals[0].mail)
    w.sealed_ok("mail from the null sender climbs the ladder",
                arrivals, message, "alice@example.org")
    sent, arrivals = w.deliver(w.mail(mark=w.public_word()),
                               "nokey@example.org", sender="")
    w.tap.ok(sent.code == 250 and len(arrivals) == 1,
             "a bounce that the ladder would refuse goes on, by default",
             sent)
    sent, arrivals = w.deliver(w.mail(), "nokey@nobounce.example", sender="")
    w.refused("bounces = \"refuse\" refuses it", sent, arrivals)


def smtputf8(w):
    with smtp.Client(w.mta.port) as client:
        offered = "SMTPUTF8" in client.command("EHLO c.example").text
    if not offered:
        w.tap.note("this MTA does not offer SMTPUTF8")
        return
    message = w.mail(to="alice@example.org, zoe@b\u00fccher.example",
                     extra="Cc: J\u00f6rg <j\u00f6rg@client.example>\n")
    sent, arrivals = w.deliver(
        message, ["alice@example.org", "zoe@b\u00fccher.example"],
        sender="j\u00f6rg@client.example", options=" SMTPUTF8")
    w.tap.ok(sent.code == 250 and arrivals and
             "j\u00f6rg@client.example".encode() in arrivals[0].mail and
             b"SMTPUTF8" in arrivals[0].mail,
             "an internationalised envelope goes through as it was", sent)
    w.sealed_ok("U-labels and A-labels of a domain are the same address",
                arrivals, message, "alice@example.org",
                "zoe@xn--bcher-kva.example")


def eight_bit_body(w):
    message = w.mail(
        kind="Content-Type: text/plain; charset=utf-8\n"
             "Content-Transfer-Encoding: 8bit\n",
        body="Gr\u00fc\u00dfe, Wort: %s \u2192 \u65e5\u672c.\n" %
             w.mark())
    _, arrivals = w.deliver(message, "alice@example.org",
                            options=" BODY=8BITMIME")
    w.sealed_ok("an 8-bit body comes out as it went in",
                arrivals, message, "alice@example.org")


def subject_shown(w):
    word = w.public_word()
    message = w.mail(to="dora@shown.example", mark=word,
                     body="only this is %s\n" % w.mark())
    _, arrivals = w.deliver(message, "dora@shown.example")
    w.sealed_ok("hide_subject = false still seals",
                arrivals, message, "dora@shown.example", show_subject=True)
    w.tap.equal(sealed.values(arrivals[0].raw, "Subject"),
                [b"About " + word.encode()],
                "and leaves the Subject where it was")


def subject_inside(w):
    message = w.mail()
    _, arrivals = w.deliver(message, "alice@example.org")
    payload = w.keys.open_with_gpg(sealed.armor_of(arrivals[0].raw))
    inner = email.message_from_bytes(payload)
    w.tap.equal(inner["Subject"],
                email.message_from_bytes(message)["Subject"],
                "the real Subject is inside")
    outer = sealed.values(payload, "HP-Outer")
    w.tap.ok(b"Subject: [...]" in outer and
             b"From: Sender <sender@client.example>" in outer,
             "HP-Outer tells what stands outside (RFC 9788 2.2)", outer)
    w.tap.ok(inner.get_param("hp") == "cipher" and
             inner.get_param("protected-headers") == "v1",
             "the payload says so in both ways that clients know",
             inner["Content-Type"])


def pgp_mime_of(w, address="alice@example.org"):
    armor = w.keys.gpg("--armor", "-r", "=" + w.keys.addresses[address],
                       "--encrypt", input=b"Content-Type: text/plain\r\n"
                       b"\r\nend to end\r\n")[1].decode()
    return armor


def sealed_already(w):
    """Three forms; each passes with every octet as it was."""
    armor = pgp_mime_of(w)
    forms = {
        "PGP/MIME": (
            "Content-Type: multipart/encrypted; boundary=\"b1\";\n"
            " protocol=\"application/pgp-encrypted\"\n",
            "--b1\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n"
            "--b1\nContent-Type: application/octet-stream\n\n%s\n--b1--\n" %
            armor),
        "inline armor": ("Content-Type: text/plain\n", armor),
        "enveloped S/MIME": (
            "Content-Type: application/pkcs7-mime; name=smime.p7m;\n"
            " smime-type=enveloped-data\n"
            "Content-Transfer-Encoding: base64\n", enveloped(w)),
    }
    for name, (kind, body) in forms.items():
        word = w.public_word()
        message = w.mail(mark=word, kind=kind, body=body)
        sent, arrivals = w.deliver(message, "alice@example.org")
        header, want = sealed.split(message)
        got_header, got = sealed.split(arrivals[0].raw) if arrivals \
            else (b"", b"")
        inside = [v for n, v in sealed.fields(got_header)
                  if n == "Content-Type"]
        w.tap.ok(sent.code == 250 and got == want and
                 word.encode() in got_header and
                 inside == [v for n, v in sealed.fields(header)
                            if n == "Content-Type"],
                 name + " passes as it is", sent, got_header,
                 sealed.difference(got, want))
        if w.mta.keeps_headers:
            w.tap.ok(arrivals and arrivals[0].raw.endswith(
                b"\r\n" + message), name + " keeps every octet of its header",
                got_header)
    message = w.mail(to="nokey@example.org", kind=forms["PGP/MIME"][0],
                     mark=w.public_word(), body=forms["PGP/MIME"][1])
    sent, arrivals = w.deliver(message, "nokey@example.org")
    w.tap.note("encrypted mail to somebody without a key here: %r" % sent)


def enveloped(w):
    key, certificate = w.rig.path("smime.key"), w.rig.path("smime.crt")
    w.rig.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
               "-days", "2", "-subj", "/CN=alice", "-keyout", key,
               "-out", certificate])
    der = w.rig.run(["openssl", "cms", "-encrypt", "-aes256", "-outform",
                     "PEM", certificate], input=b"end to end\r\n")[1]
    return "\n".join(line for line in der.decode().splitlines()
                     if not line.startswith("-----")) + "\n"


def shapes(w):
    """Every sample, of which none is really encrypted, is sealed whole."""
    for name, message in samples():
        message = message if message.endswith(b"\r\n") else message + b"\r\n"
        sent, arrivals = w.deliver(message, "alice@example.org",
                                   options=" BODY=8BITMIME")
        message = w.mta.as_seen(message)
        found = w.complaints(arrivals, message, "alice@example.org")
        w.tap.ok(not found, "sealed whole: " + name, sent, *found)


def forged_marks(w):
    nobody = "0123456789ABCDEF" * 2 + "01234567"
    forged = "Sealmilter-Sealed: form=openpgp; key=%s; at=rest\n" \
             "SEALMILTER-SEALED: form=openpgp\n" % nobody
    message = w.mail(extra=forged)
    _, arrivals = w.deliver(message, "alice@example.org")
    w.tap.ok(arrivals and
             len(sealed.values(arrivals[0].raw, "Sealmilter-Sealed")) == 1 and
             nobody.encode() not in arrivals[0].raw and
             sealed.is_sealed(arrivals[0].raw),
             "a foreign Sealmilter-Sealed exempts nothing and is replaced")
    message = w.mail(extra=forged, mark=w.public_word())
    _, arrivals = w.deliver(message, "dave@maybe.example")
    w.tap.ok(arrivals and not sealed.values(arrivals[0].raw,
                                            "Sealmilter-Sealed"),
             "nor does it stay on mail that passes in clear")


def addresses_in_other_spellings(w):
    for spelling in ("BOB-key@example.org", "Bob-Key@EXAMPLE.Org",
                     "\"bob-key\"@example.org", "\"BOB-\\key\"@example.org"):
        message = w.mail(to=spelling)
        sent, arrivals = w.deliver(message, spelling)
        w.sealed_ok("%s is sealed to bob-key's key" % spelling, arrivals,
                    message, "bob-key@example.org")
    message = w.mail(to="carol@maybe.example, CLARA@maybe.example")
    _, arrivals = w.deliver(message, ["carol@maybe.example",
                                      "\"clara\"@maybe.example"])
    w.sealed_ok("a To field in another spelling hides nobody", arrivals,
                message, "carol@maybe.example", "clara@maybe.example")


def strangers_with_a_similar_address(w):
    for address, stranger in (
            ("bob@example.org", "bob@example.org.evil.example"),
            ("alice@example.org", "mal-alice@example.org")):
        message = w.mail(to=address)
        _, arrivals = w.deliver(message, address)
        w.sealed_ok("the key of %s is not %s's" % (stranger, address),
                    arrivals, message, address)


def blind_copies(w):
    to = ("alice@example.org", "bob@example.org")
    message = w.mail(to="alice@example.org")
    _, arrivals = w.deliver(message, list(to))
    w.sealed_ok("a Bcc recipient can read, and the key ID tells nobody",
                arrivals, message, *to, hidden=("bob@example.org",))
    message = w.mail(to="alice@example.org", extra="Bcc: bob@example.org\n")
    _, arrivals = w.deliver(message, list(to))
    payload = w.keys.open_with_gpg(sealed.armor_of(arrivals[0].raw))
    w.tap.ok(not sealed.values(payload, "Bcc") and
             not sealed.values(arrivals[0].raw, "Bcc"),
             "a Bcc field goes neither inside nor outside")


def several_messages_in_one_session(w):
    first, second, third = w.mail(), w.mail(to="bob@example.org"), w.mail()
    with smtp.Client(w.mta.port) as client:
        client.envelope("sender@client.example", ["alice@example.org"])
        replies = [client.data(first)]
        client.envelope("sender@client.example", ["alice@example.org"])
        client.command("RSET")
        client.envelope("sender@client.example", ["nokey@example.org"])
        client.command("RSET")
        client.envelope("sender@client.example", ["bob@example.org"])
        replies.append(client.data(second))
        client.envelope("sender@client.example", ["alice@example.org"])
        replies.append(client.data(third))
    arrivals = sorted(w.arrived(), key=lambda a: a.when)
    w.tap.ok([r.code for r in replies] == [250] * 3 and len(arrivals) == 3,
             "three messages of one session, with RSETs between", replies)
    by_key = {b"bob" in b"".join(a.rcpts): a for a in arrivals}
    w.sealed_ok("nothing of one message is left in the next",
                [by_key[True]], second, "bob@example.org")


CASES = (
    one_recipient_with_a_key, two_recipients_with_keys, clear_by_the_ladder,
    no_key_and_no_clear, recipients_who_differ, null_sender, smtputf8,
    eight_bit_body, subject_shown, subject_inside, sealed_already, shapes,
    forged_marks, addresses_in_other_spellings,
    strangers_with_a_similar_address, blind_copies,
    several_messages_in_one_session,
)


def main(kind, *more, cases=CASES, **options):
    need(kind)
    tap = Tap()
    w = World(tap, kind, **options)
    for case in cases + more:
        tap.run(case, w)
    w.nothing_strayed()
    return tap.done()
