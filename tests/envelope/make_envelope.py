#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes sealed envelopes by Python's hashlib and cryptography, good ones and
others.

    make_envelope.py BASE MESSAGE PASSPHRASE [CHANGE]

Writes BASE.jwe, BASE.html, and BASE.eml with the page as an attachment. CHANGE
is one of those below. Where it is one of the header, all the rest fits it: the
rule that it breaks is the only reason not to open it. A good one is tried with
jwcrypto.
"""

import base64
import email.message
import hashlib
import json
import os
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from jwcrypto import jwe, jwk

ALG = "PBES2-HS512+A256KW"
SALT = bytes(range(16))


def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


# What differs from a good header.
HEADERS = {
    "alg-dir": {"alg": "dir"},
    "alg-none": {"alg": "none"},
    "alg-256": {"alg": "PBES2-HS256+A128KW"},
    "enc-cbc": {"enc": "A256CBC-HS512"},
    "crit": {"crit": ["exp"], "exp": 1},
    "zip": {"zip": "DEF"},
    "no-p2s": {"p2s": None},
    "no-cty": {"cty": None},
    "p2c-low": {"p2c": 9999},
    "p2c-high": {"p2c": 5000001},
    "p2c-text": {"p2c": "10000"},
    "p2c-huge": {"p2c": 2 ** 64 + 10000},
    "salt-short": {"p2s": b64(SALT[:7])},
    "cty-other": {"cty": "text/plain"},
    "unknown": {"x": [1, {"alg": "none"}, "\"\\", None, True, -1.5e3, {}, []],
                "kid": "b\u00fcro"},
}


def header_text(change):
    header = {"p2c": 10000, "cty": "message/rfc822", "enc": "A256GCM",
              "p2s": b64(SALT), "alg": ALG}
    header.update(HEADERS.get(change, {}))
    header = {key: value for key, value in header.items() if value is not None}
    text = json.dumps(header, indent=1)
    if change == "twice":
        text = text[:-1] + ', "p2c": 10000}'
    if change == "not-json":
        text = "{" + text + "}"
    return text.encode()


def seal(message, passphrase, change):
    """The five parts."""
    salt = SALT[:7] if change == "salt-short" else SALT
    count = 9999 if change == "p2c-low" else 10000
    kek = hashlib.pbkdf2_hmac("sha512", passphrase.encode(),
                              ALG.encode() + b"\0" + salt, count, 32)
    cek, iv = os.urandom(32), os.urandom(12)
    header = b64(header_text(change))
    sealed = AESGCM(cek).encrypt(iv, message, header.encode())
    return [header, b64(aes_key_wrap(kek, cek)), b64(iv), b64(sealed[:-16]),
            b64(sealed[-16:])]


def flip(text, at):
    return text[:at] + ("B" if text[at] == "A" else "A") + text[at + 1:]


def change_parts(parts, change):
    if change in ("key-short", "iv-short", "tag-short"):
        at = {"key-short": 1, "iv-short": 2, "tag-short": 4}[change]
        parts[at] = parts[at][:-4]
    elif change == "sixth-part":
        parts.append("AAAA")
    elif change == "four-parts":
        parts.pop()
    elif change.startswith("flip-"):
        names = ("header", "key", "iv", "text", "tag")
        at = names.index(change[5:])
        parts[at] = flip(parts[at], len(parts[at]) // 2)
    elif change == "cut":
        parts[3] = parts[3][:len(parts[3]) // 8 * 4]
    elif change == "padded":
        parts[4] += "=="


def try_with_jwcrypto(text, passphrase, message):
    box = jwe.JWE(algs=[ALG, "A256GCM"])
    box.deserialize(text, jwk.JWK.from_password(passphrase))
    assert box.payload == message


def main():
    base, file, passphrase = sys.argv[1:4]
    change = sys.argv[4] if len(sys.argv) > 4 else ""
    with open(file, "rb") as opened:
        message = opened.read()
    parts = seal(message, passphrase, change)
    change_parts(parts, change)
    text = ".".join(parts)
    if not change:
        try_with_jwcrypto(text, passphrase, message)
    page = ("<!DOCTYPE html>\n<title>x</title>\n"
            '<script type="application/jose" id="envelope">\n' + text +
            "\n</script>\n<p>Not the page of sealmilter.</p>\n")
    mail = email.message.EmailMessage()
    mail["From"] = "a@example.org"
    mail.set_content("Open the page.")
    mail.add_attachment(page, subtype="html", filename="x.html")
    for suffix, octets in (("jwe", text.encode()), ("html", page.encode()),
                           ("eml", mail.as_bytes())):
        with open(f"{base}.{suffix}", "wb") as out:
            out.write(octets)


if __name__ == "__main__":
    main()
