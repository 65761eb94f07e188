#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Envelopes by tools that are not ours: python3-jwcrypto makes those that are
right; those that are wrong in one thing only are put together from
python3-cryptography, since no library makes them.

In:    a message, a passphrase.
Out:   a JWE, and the page with it.
"""
import base64
import hashlib
import json
import os

import chromium
import rig

try:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap
    from jwcrypto import jwa, jwe, jwk
except ImportError:
    rig.skip_all("python3-jwcrypto is not installed")

ALG = "PBES2-HS512+A256KW"
ENC = "A256GCM"
CTY = "message/rfc822"
PASSPHRASE = "staple battery horse correct under seven"
# The fewest that the page takes; 600000 where time is what is looked at.
ITERATIONS = 10000


def b64u(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def octets(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def seal(message, passphrase=PASSPHRASE, iterations=ITERATIONS):
    """By jwcrypto, which has only the number of iterations wrong: 8192."""
    def wrap(self, key, bitsize, cek, headers):
        salt = os.urandom(16)
        kek = self._get_key(headers["alg"], key, salt, iterations)
        wrapped = self.aeskwmap[self.keysize]().wrap(kek, bitsize, cek,
                                                     headers)
        wrapped["header"] = {"p2s": b64u(salt), "p2c": iterations}
        return wrapped
    jwa._Pbes2HsAesKw.wrap = wrap
    token = jwe.JWE(message, json.dumps({"alg": ALG, "enc": ENC, "cty": CTY}),
                    algs=[ALG, ENC])
    token.add_recipient(jwk.JWK.from_password(passphrase))
    return token.serialize(compact=True)


def forge(message, change=None, text=None, passphrase=PASSPHRASE,
          iterations=ITERATIONS, salt=None, iv_octets=12, cek_octets=32,
          tag_octets=16):
    """An envelope that is right in all but what is asked for: a reader that
    did not look would open it. change: of the header; None removes."""
    salt = os.urandom(16) if salt is None else salt
    header = {"alg": ALG, "enc": ENC, "p2s": b64u(salt), "p2c": iterations,
              "cty": CTY}
    header.update(change or {})
    header = {k: v for k, v in header.items() if v is not None}
    protected = b64u((json.dumps(header) if text is None else text).encode())
    kek = hashlib.pbkdf2_hmac("sha512", passphrase.encode(),
                              ALG.encode() + b"\0" + salt, iterations, 32)
    cek, iv = os.urandom(cek_octets), os.urandom(iv_octets)
    sealed = AESGCM(cek).encrypt(iv, message, protected.encode())
    return ".".join((protected, b64u(aes_key_wrap(kek, cek)), b64u(iv),
                     b64u(sealed[:-16]), b64u(sealed[-16:][:tag_octets])))


def page_template():
    """The built page, or the one that a release carries."""
    for folder in (rig.BUILD, chromium.SOURCE):
        page = rig.read_file(os.path.join(folder, "viewer", "page.html"))
        if page:
            return page
    raise FileNotFoundError("viewer/page.html is not built: run make")


def page(token):
    return page_template().replace(b"@JWE@", token.encode())
