#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Messages of all kinds, and what a reader is to see of each.

In:    nothing. Out: messages whose parts are known, because they are put in
       here: no parser says what is right.
"""
import base64
import email.message
import email.policy
import os
import struct
import zlib

WIRE = email.policy.SMTP


class Mail:
    """A message with the subject, the text and the files it shows."""

    def __init__(self, name, raw, subject=None, text=None, files=(),
                 images=0, marks=()):
        self.name = name
        self.raw = raw
        self.subject = subject
        self.text = text            # of the body, blanks folded; or None
        self.files = list(files)    # [(name, bytes)]
        self.images = images        # shown in the body
        self.marks = marks          # what the fields show


def png(red, green, blue):
    """A picture of 8 by 8."""
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))
    row = b"\0" + bytes((red, green, blue)) * 8
    return (b"\x89PNG\r\n\x1a\n" +
            chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(row * 8)) + chunk(b"IEND", b""))


def built(subject, **fields):
    m = email.message.EmailMessage(policy=WIRE)
    m["From"] = fields.pop("sender", "Bob <bob@example.com>")
    m["To"] = fields.pop("to", "alice@example.org")
    m["Subject"] = subject
    m["Date"] = "Tue, 24 Nov 2026 10:12:13 +0000"
    m["Message-ID"] = "<1@example.com>"
    for name, value in fields.items():
        m[name] = value
    return m


def raw(*lines):
    return b"\r\n".join(line if isinstance(line, bytes) else
                        line.encode("utf-8") for line in lines)


def plain():
    m = built("Hello", cc="Carol <carol@example.net>")
    m.set_content("First line.\n\n  Second, with <b>no</b> &amp; bold.\n")
    return Mail("plain text", m.as_bytes(), "Hello",
                "First line. Second, with <b>no</b> &amp; bold.",
                marks=("Bob <bob@example.com>", "alice@example.org",
                       "Carol <carol@example.net>", "24 November 2026"))


def with_images():
    m = built("Pictures")
    m.set_content("Look at the picture.\n")
    m.add_alternative(
        "<html><head><style>b{color:red}</style></head><body><p>Look at "
        "<b>the</b> picture.</p><img src='cid:one@x' alt=One>"
        "<div style='background:url(cid:two%40x)'>and this</div>"
        "</body></html>", subtype="html")
    html = m.get_payload()[1]
    html.add_related(png(255, 0, 0), "image", "png", cid="<one@x>")
    html.add_related(png(0, 0, 255), "image", "png", cid="<two@x>")
    m.add_attachment(b"%PDF-1.4\n\x00\xff", maintype="application",
                     subtype="pdf", filename="order.pdf")
    return Mail("HTML with inline images", m.as_bytes(), "Pictures",
                "Look at the picture. and this",
                [("order.pdf", b"%PDF-1.4\n\x00\xff")], images=1)


def large():
    data = os.urandom(10 << 20)
    m = built("Large")
    m.set_content("Ten megabytes.\n")
    m.add_attachment(data, maintype="application",
                     subtype="octet-stream", filename="large.bin")
    return Mail("a 10 MB attachment", m.as_bytes(), "Large",
                "Ten megabytes.", [("large.bin", data)])


def other_scripts():
    m = built("Grüße, 日本語, Ελλάδα und 😀",
              sender="Jürgen Größe <juergen@example.com>",
              to="=?utf-8?q?=C3=81lice?= <alice@example.org>")
    m.set_content("Straße ñandú 漢字 עברית 😀\n")
    m.add_attachment(b"\x01\x02", maintype="application",
                     subtype="octet-stream", filename="Übersicht 日本.bin")
    return Mail("names and text in other scripts", m.as_bytes(),
                "Grüße, 日本語, Ελλάδα und 😀", "Straße ñandú 漢字 עברית 😀",
                [("Übersicht 日本.bin", b"\x01\x02")],
                marks=("Jürgen Größe <juergen@example.com>",
                       "Álice <alice@example.org>"))


NESTED = raw("From: Carol <carol@example.net>", "To: bob@example.com",
             "Subject: The question", "Content-Type: multipart/mixed; "
             "boundary=inner", "", "--inner", "", "Is it done?", "--inner",
             "Content-Type: text/x-diff; name=fix.diff", "", "-a", "+b", "",
             "--inner--", "")


def nested():
    return Mail("an enclosed message", raw(
        "From: bob@example.com", "To: alice@example.org",
        "Subject: Fwd: The question", "MIME-Version: 1.0",
        "Content-Type: multipart/mixed; boundary=outer", "", "--outer", "",
        "See below.", "--outer", "Content-Type: message/rfc822",
        "Content-Disposition: attachment; filename=question.eml", "",
        NESTED, "--outer--", ""),
        "Fwd: The question", "See below.", [("question.eml", NESTED)])


def encodings():
    """Texts of all encodings, one message each."""
    for charset, encoding, words in (
            ("utf-8", "quoted-printable", "Größe = 5 €"),
            ("utf-8", "8bit", "Größe = 5 €"),
            ("utf-8", "base64", "Größe = 5 €"),
            ("iso-8859-1", "8bit", "Größe"),
            ("windows-1252", "quoted-printable", "„Größe“ 5 €"),
            ("iso-2022-jp", "7bit", "日本語のテスト"),
            ("shift_jis", "base64", "日本語のテスト"),
            ("gb18030", "8bit", "简体中文"),
            ("big5", "quoted-printable", "繁體中文"),
            ("euc-kr", "8bit", "한국어"),
            ("koi8-r", "8bit", "Проверка"),
            ("us-ascii", "7bit", "A simple line.")):
        body = words.encode(charset) + b"\r\n"
        if encoding == "base64":
            body = base64.encodebytes(body).replace(b"\n", b"\r\n")
        elif encoding == "quoted-printable":
            body = b"".join(b"=%02X" % c if c > 126 or c == 61 else
                            bytes((c,)) for c in body)
        yield Mail("text in %s, %s" % (charset, encoding), raw(
            "From: bob@example.com", "Subject: " + charset,
            "MIME-Version: 1.0", "Content-Type: text/plain; charset=" +
            charset, "Content-Transfer-Encoding: " + encoding, "") +
            b"\r\n" + body, charset, words)


def text_files():
    text = "one\r\nzwei ä\r\n  three  \r\n".encode()
    quoted = "one\r\nzwei =C3=A4\r\n  three =20\r\n".encode()
    return Mail("files that are not base64", raw(
        "From: bob@example.com", "Subject: Files", "MIME-Version: 1.0",
        "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "Text",
        "--b", "Content-Disposition: attachment; filename=a.txt",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit", "", text, "--b",
        "Content-Disposition: attachment; filename=b.txt",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable", "", quoted, "--b",
        "Content-Disposition: attachment; filename=c.empty", "", "--b--",
        ""), "Files", "Text", [("a.txt", text), ("b.txt", text),
                               ("c.empty", b"")])


def binary():
    """What no client can send by SMTP without BINARYMIME."""
    return Mail("a binary file", raw(
        "From: bob@example.com", "Subject: Binary",
        "Content-Type: multipart/mixed; boundary=b", "", "--b",
        "Content-Type: application/octet-stream; name=a.bin",
        "Content-Transfer-Encoding: binary", "", b"\0\n\r\xff\n\n",
        "--b--", ""), "Binary", "", [("a.bin", b"\0\n\r\xff\n\n")])


def html_only():
    m = built("Only HTML")
    m.set_content("<h1>Title</h1><p>Text &lt;here&gt;.</p>", subtype="html")
    return Mail("HTML without text", m.as_bytes(), "Only HTML",
                "Title Text <here>.")


def edges():
    yield Mail("an empty body", raw("From: bob@example.com",
                                    "Subject: Empty", "", ""), "Empty", "")
    yield Mail("a header without a body", raw("From: bob@example.com",
                                              "Subject: Header", ""),
               "Header", "")
    yield Mail("no subject", raw("From: bob@example.com", "", "Text", ""),
               "(no subject)", "Text")
    yield Mail("no header at all", raw("", "Text", ""), "(no subject)", "Text")
    yield Mail("a folded subject", raw(
        "From: bob@example.com", "Subject: =?utf-8?Q?Gr=C3=BC?=",
        " =?utf-8?Q?=C3=9Fe?= to", "\tall", "", "Text", ""),
        "Grüße to\tall", "Text")
    yield Mail("raw UTF-8 in the header", raw(
        "From: Bücher <b@bücher.example>", "Subject: Größe", "", "Text", ""),
        "Größe", "Text", marks=("Bücher <b@bücher.example>",))
    yield Mail("lines that end in LF", b"From: bob@example.com\n"
               b"Subject: LF\n\nText\n", "LF", "Text")
    yield Mail("a line of 100 kB", raw(
        "From: bob@example.com", "Subject: Long", "", "x" * 100000, ""),
        "Long", "x" * 100000)
    yield Mail("a boundary that is never closed", raw(
        "From: bob@example.com", "Subject: Open",
        "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "Text"),
        "Open", "Text")
    yield Mail("nothing", b"", "(no subject)", "")


def by_smtp():
    """What arrives as it was sent, whatever mail server is between."""
    return [plain(), with_images(), large(), other_scripts(), nested(),
            text_files(), html_only(), *list(edges())[:1],
            *(m for m in encodings() if m.name in (
                "text in utf-8, 8bit", "text in iso-2022-jp, 7bit",
                "text in windows-1252, quoted-printable"))]


def all_mails():
    return [plain(), with_images(), large(), other_scripts(), nested(),
            *encodings(), text_files(), binary(), html_only(), *edges()]
