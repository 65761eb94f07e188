#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The examples of sealed-envelope(5) are what other programs make of them:
Python's hashlib and unicodedata, jwcrypto, and openssl."""

import base64
import hashlib
import os
import re
import subprocess
import sys
import unicodedata

from jwcrypto import jwe, jwk

TOP = os.environ.get("top_srcdir", ".")
ALG = b"PBES2-HS512+A256KW"
count = failed = 0


def ok(passed, name):
    global count, failed
    count += 1
    failed += not passed
    print("ok" if passed else "not ok", count, "-", name, flush=True)


def examples(path):
    """Each is a dict of what stands in one literal display."""
    found = []
    with open(path, encoding="utf-8") as manual:
        text = manual.read().split(".Sh EXAMPLES", 1)[1]
    for block in re.findall(r"\.Bd -literal.*?\n(.*?)\.Ed", text, re.S):
        values, name = {}, None
        for line in block.splitlines():
            words = line.split()
            if not line.startswith(" "):
                name = words.pop(0)
            values[name] = values.get(name, "") + "".join(words)
        found.append(values)
    return found


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def normal(typed):
    blanks = ("\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005"
              "\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000")
    text = unicodedata.normalize("NFC", typed.decode("utf-8"))
    return re.sub(f"[{blanks}]+", " ", text).strip(" ").encode("utf-8")


def openssl(*arguments, given=None):
    return subprocess.run(("openssl",) + arguments, input=given, check=True,
                          stdout=subprocess.PIPE).stdout


def try_one(number, example):
    name = f"example {number}: "
    value = {key: text if key in ("jwe", "p2c") else bytes.fromhex(text)
             for key, text in example.items()}
    salt = ALG + b"\0" + value["p2s"]
    parts = value["jwe"].split(".")

    ok(normal(value["typed"]) == value["passphrase"],
       name + "the passphrase is normalized as the manual says")
    ok(hashlib.pbkdf2_hmac("sha512", value["passphrase"], salt,
                           int(value["p2c"]), 32) == value["kek"],
       name + "hashlib derives that key")
    ok(openssl("kdf", "-binary", "-keylen", "32", "-kdfopt", "digest:SHA512",
               "-kdfopt", "hexpass:" + value["passphrase"].hex(),
               "-kdfopt", "hexsalt:" + salt.hex(),
               "-kdfopt", "iter:" + value["p2c"], "PBKDF2") == value["kek"],
       name + "and so does openssl")
    ok(openssl("enc", "-d", "-id-aes256-wrap", "-K", value["kek"].hex(),
               "-iv", "A6" * 8, given=value["wrapped"]) == value["cek"],
       name + "openssl unwraps the key of the message")
    ok([decode(part) for part in parts[:3]] ==
       [value["header"], value["wrapped"], value["iv"]],
       name + "the parts of the JWE are what the manual says")
    box = jwe.JWE(algs=[ALG.decode(), "A256GCM"])
    box.deserialize(value["jwe"],
                    jwk.JWK.from_password(value["passphrase"].decode()))
    ok(box.payload == value["message"], name + "jwcrypto opens it")
    ok(box.jose_header["cty"] == "message/rfc822",
       name + "and finds that it is a message")


def main():
    found = examples(os.path.join(TOP, "doc", "sealed-envelope.5"))
    ok(len(found) == 2, "the manual has two examples")
    for number, example in enumerate(found, 1):
        try_one(number, example)
    print(f"1..{count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
