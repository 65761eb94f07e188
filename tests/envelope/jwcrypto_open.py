#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Opens a sealed envelope by jwcrypto: somebody else's JOSE library.

    jwcrypto_open.py FILE < passphrase > message
    jwcrypto_open.py --all FOLDER < passphrase

FILE is a message with an envelope, its page, or the JWE alone. The message is
taken apart by Python's email package, the page by its HTML parser. With --all,
each FOLDER/NAME.sealed has to open to FOLDER/NAME.want.
"""

import email
import html.parser
import pathlib
import sys

from jwcrypto import jwe, jwk


class Envelope(html.parser.HTMLParser):
    """The text of the element with the id "envelope"."""

    def __init__(self):
        super().__init__()
        self.inside = False
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.inside = tag == "script" and dict(attrs) == {
            "type": "application/jose", "id": "envelope"}
        if self.inside:
            self.found.append("")

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.found[-1] += data


def page_of(octets):
    """The page in a message, or what there is instead."""
    message = email.message_from_bytes(octets)
    pages = [part for part in message.walk()
             if part.get_content_type() == "text/html"]
    if not pages:
        return octets
    assert len(pages) == 1, "several pages"
    assert pages[0].get_content_disposition() == "attachment"
    return pages[0].get_payload(decode=True)


def jwe_of(octets):
    page = page_of(octets).decode("utf-8")
    if "<" not in page:
        return page.strip()
    parser = Envelope()
    parser.feed(page)
    assert len(parser.found) == 1, "not one envelope in the page"
    return parser.found[0].strip(" ")


def open_jwe(text, passphrase):
    box = jwe.JWE(algs=["PBES2-HS512+A256KW", "A256GCM"])
    box.deserialize(text, jwk.JWK.from_password(passphrase))
    return box


def read(path, words):
    opened = open_jwe(jwe_of(pathlib.Path(path).read_bytes()), words)
    assert opened.jose_header["cty"] == "message/rfc822", opened.jose_header
    return opened.payload


def main():
    words = sys.stdin.readline().rstrip("\n")
    if sys.argv[1] != "--all":
        sys.stdout.buffer.write(read(sys.argv[1], words))
        return 0
    wrong = [str(path) for path in pathlib.Path(sys.argv[2]).glob("*.sealed")
             if read(path, words) != path.with_suffix(".want").read_bytes()]
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
