#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is no envelope, or not the one of that passphrase, is not opened; and
the page says one and the same of all of it.

In:    envelopes cut, altered, and wrong in one thing only.
Out:   one text, nothing of the message, and another try is possible.
Never: takes for refused what would not have opened anyway.
"""
import string
import sys

import chromium
import envelope
import mails
import rig

SECRET = "Nobody is to read this."
RAW = mails.raw("From: bob@example.com", "Subject: secret", "", SECRET, "")
ALPHABET = string.ascii_uppercase + string.ascii_lowercase + \
    string.digits + "-_"
SEGMENTS = ("header", "wrapped key", "IV", "ciphertext", "tag")

TRY = """
    const done = arguments[arguments.length - 1];
    document.getElementById("error").textContent = "";
    document.getElementById("envelope").textContent = arguments[0];
    document.getElementById("passphrase").value = arguments[1];
    document.getElementById("form").requestSubmit();
    const look = () => {
        const error = document.getElementById("error").textContent;
        if (document.querySelector("#message .subject"))
            done("opened");
        else if (error)
            done(error);
        else
            setTimeout(look, 2);
    };
    look();
"""


def flipped(token, segment, index):
    parts = token.split(".")
    text = parts[segment]
    index %= len(text)
    other = "A" if text[index] != "A" else "B"
    parts[segment] = text[:index] + other + text[index + 1:]
    return ".".join(parts)


def damaged(good):
    """[(what is wrong, token)] by changing what was right."""
    for number, name in enumerate(SEGMENTS):
        length = len(good.split(".")[number])
        for index in sorted({0, length // 2, length - 1}):
            yield "altered: character %d of the %s" % (index, name), \
                flipped(good, number, index)
        parts = good.split(".")
        yield "an empty %s" % name, ".".join(
            parts[:number] + [""] + parts[number + 1:])
        yield "a %s with padding" % name, ".".join(
            parts[:number] + [parts[number] + "="] + parts[number + 1:])
        yield "a blank in the %s" % name, ".".join(
            parts[:number] + [parts[number][:2] + " " + parts[number][2:]] +
            parts[number + 1:])
        spare = len(parts[number]) % 4
        if spare:
            # The same octets, in another text.
            last = ALPHABET[ALPHABET.index(parts[number][-1]) + 1]
            yield "bits that stand for nothing in the %s" % name, ".".join(
                parts[:number] + [parts[number][:-1] + last] +
                parts[number + 1:])
    tag = envelope.octets(good.split(".")[4])
    yield "a tag of 17 octets", good.rsplit(".", 1)[0] + "." + \
        envelope.b64u(tag + b"\0")
    for length in (0, 1, 100, len(good) // 2, len(good) - 23, len(good) - 1):
        yield "cut after %d" % length, good[:length]
    yield "a segment more", good + ".AAAA"
    yield "a segment more that is empty", good + "."
    yield "a segment less", good.rsplit(".", 1)[0]
    yield "a segment in front", "AAAA." + good
    yield "the place of an envelope, empty", "@" + "JWE@"
    yield "something else", "Hello"
    yield "two envelopes", good + good


def forged():
    """[(what is wrong, token)] that are right in all else."""
    f = envelope.forge
    for count in (1, 9999, 0):
        yield "p2c of %d" % count, f(RAW, iterations=max(count, 1),
                                     change={"p2c": count})
    yield "p2c of 5000001", f(RAW, iterations=5000001)
    for value in (2 ** 31, 2 ** 53, -10000, "10000", 10000.5, True, [10000],
                  {"v": 10000}):
        yield "p2c of %r" % (value,), f(RAW, change={"p2c": value})
    yield "no p2c", f(RAW, change={"p2c": None})
    yield "no p2s", f(RAW, change={"p2s": None}, salt=b"")
    yield "an empty p2s", f(RAW, salt=b"")
    yield "a p2s of 7 octets", f(RAW, salt=b"1234567")
    yield "a p2s that is no text", f(RAW, change={"p2s": 1})
    yield "a p2s that is not base64url", f(RAW, change={"p2s": "++++++++++++"})
    for alg in ("PBES2-HS256+A128KW", "PBES2-HS512+a256kw", "A256KW", "dir",
                "none", "", None, ["PBES2-HS512+A256KW"]):
        yield "alg %r" % (alg,), f(RAW, change={"alg": alg})
    for enc in ("A128GCM", "A256CBC-HS512", "a256gcm", "", None):
        yield "enc %r" % (enc,), f(RAW, change={"enc": enc})
    yield "a crit", f(RAW, change={"crit": ["p2c"]})
    yield "an empty crit", f(RAW, change={"crit": []})
    yield "a zip", f(RAW, change={"zip": "DEF"})
    for cty in ("text/html", "JWT", None):
        yield "cty %r" % (cty,), f(RAW, change={"cty": cty})
    for text in ("", "{", "null", "[]", "1", '"x"'):
        yield "a header of %s" % text, f(RAW, text=text)
    yield "an IV of 8 octets", f(RAW, iv_octets=8)
    yield "an IV of 16 octets", f(RAW, iv_octets=16)
    yield "a tag of 12 octets", f(RAW, tag_octets=12)
    yield "a key of 16 octets", f(RAW, cek_octets=16)
    yield "a key of 24 octets", f(RAW, cek_octets=24)


class Refuses:
    def __init__(self, tap):
        self.tap = tap
        self.rig = rig.Rig()
        self.browser = chromium.Chromium(self.rig)
        self.good = envelope.seal(RAW)
        self.url = "file://" + self.rig.write(
            "message.html", envelope.page(self.good))

    def answer(self, token, passphrase=envelope.PASSPHRASE):
        return self.browser.driver.execute_async_script(TRY, token,
                                                        passphrase)

    def refuses_a_wrong_passphrase(self):
        """And gives the text that all the others are compared with."""
        b = self.browser
        b.get(self.url)
        self.text = b.submit("this is not the passphrase")
        self.tap.ok("could not be opened" in self.text,
                    "a wrong passphrase is refused", self.text)
        b.screenshot("wrong")
        self.tap.ok(b.js("return document.activeElement.id === 'passphrase' &&"
                         " document.activeElement.getAttribute("
                         "'aria-invalid') === 'true'"),
                    "the field has the focus again, and is marked")

    def refuses(self, what, token):
        text = self.answer(token)
        self.tap.ok(text == self.text, "refused as any other: " + what, text)
        if text == "opened":
            self.browser.get(self.url)

    def takes_what_is_right(self):
        """By the same hands that made the wrong ones."""
        b = self.browser
        for what, token in (
                ("forged with nothing wrong", envelope.forge(RAW)),
                ("a p2s of 8 octets", envelope.forge(RAW, salt=b"12345678")),
                ("a header with more in it",
                 envelope.forge(RAW, change={"kid": "x"})),
                ("blanks around it", "\r\n " + self.good + "\r\n"),
                ("the one that was damaged", self.good)):
            b.get(self.url)
            self.tap.equal(self.answer(token), "opened", "opened: " + what)

    def folds_what_is_typed(self):
        b = self.browser
        typed = " \t Stra\u00dfe  u\u0308ber\u3000 der\u00a0Bru\u0308cke "
        b.get(self.url)
        token = envelope.seal(RAW, "Stra\u00dfe \u00fcber der Br\u00fccke")
        self.tap.equal(self.answer(token, typed), "opened",
                       "blanks and the form of letters do not matter")
        b.get(self.url)
        for other in ("stra\u00dfe \u00fcber der Br\u00fccke",
                      "Stra\u00dfe\u00fcber der Br\u00fccke", "",
                      "Stra\u00dfe \u00fcber der Brucke"):
            self.tap.equal(self.answer(token, other) if other else self.text,
                           self.text, "all else does: %r" % other)

    def shows_nothing(self):
        b = self.browser
        self.tap.ok(SECRET not in b.js("return document.body.innerHTML"),
                    "nothing of the message was seen meanwhile")


def main():
    tap = rig.Tap()
    refuses = Refuses(tap)
    tap.run(refuses.refuses_a_wrong_passphrase)
    for what, token in damaged(refuses.good):
        tap.run(refuses.refuses, what, token)
    for what, token in forged():
        tap.run(refuses.refuses, what, token)
    refuses.shows_nothing()
    tap.run(refuses.takes_what_is_right)
    tap.run(refuses.folds_what_is_typed)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
