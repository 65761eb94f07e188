#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Delivery by copies as a site sees it, whichever of the two MTAs it runs.

In:    a world whose daemon sends copies to a listener of the same MTA.
Out:   one test for each promise.
Never: looks inside the daemon: SMTP in, SMTP out, gpg and sq as judges.
"""
import base64
import quopri

import cases
import rig
import sealed
import smtp

# These hold for copies just as for edits.
SHARED = (
    cases.one_recipient_with_a_key, cases.two_recipients_with_keys,
    cases.clear_by_the_ladder, cases.no_key_and_no_clear, cases.null_sender,
    cases.eight_bit_body, cases.subject_shown,
    cases.subject_inside, cases.sealed_already, cases.shapes,
    cases.forged_marks, cases.addresses_in_other_spellings,
    cases.strangers_with_a_similar_address,
    cases.several_messages_in_one_session,
)


def to(arrivals, address):
    """The arrivals for that recipient."""
    return [a for a in arrivals
            if any(("<%s>" % address).encode() in r for r in a.rcpts)]


def recipients_who_differ(w):
    """Sealed, clear and sealed elsewhere, in one transaction."""
    word = w.public_word()
    message = w.mail(to="alice@example.org, dave@maybe.example, "
                     "carol@maybe.example", mark=word)
    sent, arrivals = w.deliver(message, [
        "alice@example.org", "dave@maybe.example", "carol@maybe.example"])
    w.tap.ok(sent.code == 250 and len(arrivals) == 3,
             "recipients who differ get a copy each", sent,
             *[a.rcpts for a in arrivals])
    for address in ("alice@example.org", "carol@maybe.example"):
        w.sealed_ok("%s gets it sealed" % address, to(arrivals, address),
                    message, address)
    clear = to(arrivals, "dave@maybe.example")
    w.tap.ok(len(clear) == 1 and
             clear[0].raw.endswith(sealed.split(message)[1]) and
             b"About " + word.encode() in clear[0].raw,
             "and who may have it clear has every octet of it",
             *[a.raw[:500] for a in clear])
    w.tap.ok(clear and not sealed.values(clear[0].raw, "Sealmilter-Pass"),
             "clear text carries no mark of ours")


def the_original_is_forgotten(w):
    before = len(w.mta.log())
    _, arrivals = w.deliver(w.mail(), "alice@example.org")
    w.tap.ok(len(arrivals) == 1 and sealed.is_sealed(arrivals[0].raw),
             "nothing but the copy comes of a message")
    if w.mta.log():     # Sendmail writes to syslog only
        w.tap.ok(w.mta.wait_log("milter-discard", before),
                 "since the MTA is told to discard it")


def blind_copies(w):
    """A Bcc recipient's key ID stands in their own copy only."""
    message = w.mail(to="alice@example.org")
    _, arrivals = w.deliver(message, ["alice@example.org",
                                      "bob@example.org"])
    w.tap.equal(len(arrivals), 2, "who is in Bcc has a copy alone")
    for address, other in (("alice@example.org", "bob@example.org"),
                           ("bob@example.org", "alice@example.org")):
        copy = to(arrivals, address)
        w.sealed_ok("%s's copy is to that key" % address, copy, message,
                    address)
        raw = copy[0].raw.upper() if copy else b""
        w.tap.ok(raw and not [i for i in w.keys.key_ids(other)
                              if i.encode() in raw],
                 "and nothing in it tells of %s's key" % other)
        w.tap.ok(raw and other.upper().encode() not in b"".join(
            v.upper() for v in sealed.values(copy[0].raw, "Received")),
            "nor does a Received field tell of them")


def a_mailbox_has_its_own(w):
    """Nobody but its owner opens what is stored here."""
    to_both = ("alice@example.org", "bob@example.org")
    message = w.mail(to=", ".join(to_both))
    _, arrivals = w.deliver(message, list(to_both))
    w.tap.equal(len(arrivals), 2,
                "two who are stored here have a copy each, though both are "
                "named")
    for address in to_both:
        w.sealed_ok("%s's is to that key alone" % address,
                    to(arrivals, address), message, address)


def the_trace_is_kept(w):
    message = w.mail()
    _, arrivals = w.deliver(message, "alice@example.org")
    received = sealed.values(arrivals[0].raw, "Received")
    ours = [v for v in received if b"(sealmilter)" in v]
    w.tap.ok(len(ours) == 1 and b"from client.example (" in ours[0] and
             b"[127.0.0.1]" in ours[0] and
             b"for <alice@example.org>" in ours[0] and b" id " in ours[0],
             "a Received field keeps where the message came from", *received)
    message = w.mail(to="carol@maybe.example, clara@maybe.example")
    _, arrivals = w.deliver(message, ["carol@maybe.example",
                                      "clara@maybe.example"])
    ours = [v for v in sealed.values(arrivals[0].raw, "Received")
            if b"(sealmilter)" in v]
    w.tap.ok(len(arrivals) == 1 and ours and b"for <" not in ours[0],
             "one for two recipients names neither", *ours)


def envelope_parameters(w):
    with smtp.Client(w.mta.port) as client:
        client.command("MAIL FROM:<sender@client.example> RET=HDRS "
                       "ENVID=QQ314159 BODY=8BITMIME")
        client.command("RCPT TO:<alice@example.org> NOTIFY=SUCCESS,FAILURE "
                       "ORCPT=rfc822;al+2Bice@example.org")
        client.command("RCPT TO:<dave@maybe.example> NOTIFY=NEVER")
        word = w.public_word()
        message = w.mail(
            to="alice@example.org, dave@maybe.example", mark=word,
            kind="Content-Type: text/plain; charset=utf-8\n"
                 "Content-Transfer-Encoding: 8bit\n",
            body="Gr\u00fc\u00dfe %s\n" % word)
        client.data(message)
    arrivals = w.arrived()
    alice, dave = to(arrivals, "alice@example.org"), \
        to(arrivals, "dave@maybe.example")
    rcpt = b"".join(alice[0].rcpts) if alice else b""
    w.tap.ok(b"NOTIFY=SUCCESS,FAILURE" in rcpt and
             b"ORCPT=rfc822;al+2Bice@example.org" in rcpt,
             "NOTIFY and ORCPT go with the copy", rcpt)
    w.tap.ok(alice and b"RET=HDRS" in alice[0].mail and
             b"ENVID=QQ314159" in alice[0].mail,
             "RET and ENVID as well", alice and alice[0].mail)
    w.tap.ok(dave and b"NOTIFY=NEVER" in b"".join(dave[0].rcpts),
             "each recipient's own", *[a.rcpts for a in dave])
    w.tap.ok(dave and b"BODY=8BITMIME" in dave[0].mail,
             "8 bits are announced where there are some",
             *[a.mail for a in dave])
    w.tap.ok(alice and b"8BITMIME" not in alice[0].mail,
             "and not for the sealed copy, which has 7",
             *[a.mail for a in alice])


def smtputf8(w):
    with smtp.Client(w.mta.port) as client:
        if "SMTPUTF8" not in client.command("EHLO c.example").text:
            w.tap.note("this MTA does not offer SMTPUTF8")
            return
    zoe = "zoe@b\u00fccher.example"
    message = w.mail(to="alice@example.org, " + zoe,
                     extra="Cc: J\u00f6rg <j\u00f6rg@client.example>\n")
    sent, arrivals = w.deliver(message, ["alice@example.org", zoe],
                               sender="j\u00f6rg@client.example",
                               options=" SMTPUTF8")
    w.tap.ok(sent.code == 250 and len(arrivals) == 2 and
             all("j\u00f6rg@client.example".encode() in a.mail and
                 b"SMTPUTF8" in a.mail for a in arrivals),
             "an internationalised envelope goes with the copies", sent,
             *[a.mail for a in arrivals])
    w.sealed_ok("U-labels and A-labels of a domain are the same address",
                [a for a in arrivals if zoe.encode() in b"".join(a.rcpts)],
                message, "zoe@xn--bcher-kva.example")
    w.tap.ok(all(b"at=rest" in sealed.values(a.raw, "Sealmilter-Sealed")[0]
                 for a in to(arrivals, "alice@example.org")) and
             any(b"at=transit" in sealed.values(a.raw,
                                                "Sealmilter-Sealed")[0]
                 for a in arrivals),
             "who is stored here and who is not have copies that say so")


def many_recipients(w):
    """More copies than slots: they go in waves."""
    named = ["alice@example.org", "carol@maybe.example"]
    others = ["bob@example.org", "bob-key@example.org",
              "dora@shown.example", "emil@nobounce.example",
              "zoe@xn--bcher-kva.example"]
    # One rule shows the Subject.
    message = w.mail(to=", ".join(named), mark=w.public_word(),
                     body="the word is %s\n" % w.mark())
    w.daemon.configure(limits={"inject_slots": 2})
    w.daemon.restart()
    sent, arrivals = w.deliver(message, named + others)
    w.daemon.configure(limits=None)
    w.daemon.restart()
    w.tap.ok(sent.code == 250 and len(arrivals) == 7,
             "seven copies through two slots", sent,
             *[a.rcpts for a in arrivals])
    for address in named + others:
        w.sealed_ok("%s has the right one" % address, to(arrivals, address),
                    message, address, show_subject=address.startswith("dora"))


def a_retry_is_known(w):
    message = w.mail(to="alice@example.org, bob@example.org")
    both = ["alice@example.org", "bob@example.org"]
    sent, arrivals = w.deliver(message, both[:1])
    w.tap.equal(len(arrivals), 1, "a message goes to its first recipient")
    sent, arrivals = w.deliver(message, both)
    w.tap.ok(sent.code == 250 and len(arrivals) == 1 and
             to(arrivals, "bob@example.org") and
             not to(arrivals, "alice@example.org"),
             "the same message again goes only to who did not have it", sent,
             *[a.rcpts for a in arrivals])
    w.daemon.restart()
    sent, arrivals = w.deliver(message, both)
    w.tap.ok(sent.code == 250 and not arrivals,
             "and after a restart to nobody any more", sent)
    changed = message.replace(b"Dear reader", b"Dear Reader")
    sent, arrivals = w.deliver(changed, both[:1])
    w.tap.equal(len(arrivals), 1, "one octet of difference is another one")
    sent, arrivals = w.deliver(message, both[:1],
                               sender="other@client.example")
    w.tap.equal(len(arrivals), 1, "and so is another sender")


def equal_mails_both_arrive(w):
    """Two runs of a cron job: the same words, and no Message-ID."""
    message = b"".join(
        line for line in w.mail().splitlines(keepends=True)
        if not line.startswith(b"Message-ID:"))
    for number in (1, 2):
        sent, arrivals = w.deliver(message, "alice@example.org")
        w.tap.ok(sent.code == 250 and len(arrivals) == 1,
                 "of two equal mails without proof both arrive, %d" % number,
                 sent)


def disguises(word):
    """The word as it may stand in a file, and in what it could hide."""
    octets = word.encode()
    found = [octets, word.encode("utf-16-le"), word.encode("utf-16-be"),
             quopri.encodestring(octets)]
    for shift in (b"", b"x", b"xy"):
        coded = base64.b64encode(shift + octets + b"xyz")
        found.append(coded[4:-8])
    return found


def nothing_readable_is_left(w):
    """While the copy waits in the queue: the sink is gone."""
    word = w.mark()
    attachment = base64.encodebytes(
        ("attached %s" % word).encode("utf-16-le")).decode()
    message = w.mail(
        mark=word,
        kind="Content-Type: multipart/mixed; boundary=\"b\"\n",
        body="--b\nContent-Type: text/plain\n\n%s\n--b\n"
             "Content-Type: text/plain; charset=utf-8\n"
             "Content-Transfer-Encoding: quoted-printable\n\n%s=\n\n--b\n"
             "Content-Type: application/octet-stream; name=\"%s.bin\"\n"
             "Content-Transfer-Encoding: base64\n\n%s--b--\n" %
             (word, word, word, attachment))
    refuse = w.sink.refuse
    w.sink.refuse = True
    sent = smtp.send(w.mta.port, message, ["alice@example.org"])
    rig.wait_for(w.mta.queued, "a copy in the queue")
    found = []
    for path in w.mta.queued():
        content = rig.read_file(path)
        found += [path for each in disguises(word) if each in content]
    w.sink.refuse = refuse
    w.mta.flush()
    arrivals = w.arrived()
    w.tap.ok(sent.code == 250 and not found,
             "no file of the queue has a readable word of it", sent, *found)
    w.sealed_ok("and it arrives when it can", arrivals, message,
                "alice@example.org")


CASES = SHARED + (
    recipients_who_differ, the_original_is_forgotten, blind_copies,
    the_trace_is_kept, envelope_parameters, smtputf8, many_recipients,
    a_retry_is_known, equal_mails_both_arrive, nothing_readable_is_left,
)
