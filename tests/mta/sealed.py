#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a sealed message has to be, judged by other people's programs.

In:    the original as it was sent and what arrived, both as bytes.
Out:   what gpg and sq make of it; lists of complaints (empty: all well).
Never: uses a line of the product's own code.
"""
import email
import email.errors
import email.header
import re

# RFC 5322 2.1.1: the limit without CRLF.
LINE_LIMIT = 998


class Keys:
    """Key pairs made for this run: secret ones in a GnuPG home and as files
    for sq, public ones as files to import."""

    def __init__(self, rig, name="keys"):
        self.rig = rig
        self.home = rig.make_dir(name, mode=0o700)
        self.addresses = {}
        rig.at_exit(lambda: rig.run(
            ["gpgconf", "--homedir", self.home, "--kill", "all"],
            check=False))

    def gpg(self, *arguments, check=True, **options):
        return self.rig.run(
            ["gpg", "--homedir", self.home, "--batch", "--quiet",
             "--no-autostart" if "-d" not in arguments and
             "--list-packets" in arguments else "--no-tty",
             "--pinentry-mode", "loopback", "--passphrase", "",
             "--trust-model", "always"] + list(arguments),
            check=check, **options)

    def make(self, *addresses, prefix=""):
        """A key for each; prefix goes into the name of the user ID."""
        for address in addresses:
            uid = "%s%s <%s>" % (prefix, re.split("[@.+-]", address)[0],
                                 address)
            self.gpg("--allow-freeform-uid", "--quick-gen-key", uid,
                     "future-default", "default", "never")
            self.addresses[address] = uid
            for what, suffix in (("--export", "pub"),
                                 ("--export-secret-keys", "sec")):
                self.rig.write(self.file(address, suffix), self.gpg(
                    "--armor", what, "=" + uid)[1], 0o600
                    if suffix == "sec" else 0o644)
        return self

    @staticmethod
    def file(address, suffix):
        return re.sub(r"[^A-Za-z0-9@.-]", "_", address) + "." + suffix

    def public(self, address):
        return self.rig.path(self.file(address, "pub"))

    def secret(self, address):
        return self.rig.path(self.file(address, "sec"))

    def key_ids(self, address):
        """The primary key and the subkeys, as 16 hex digits."""
        out = self.gpg("--with-colons", "--list-keys",
                       "=" + self.addresses[address])[1].decode()
        return {line.split(":")[4] for line in out.splitlines()
                if line.startswith(("pub:", "sub:"))}

    def import_into(self, daemon, *addresses):
        for address in addresses or self.addresses:
            daemon.ctl("key", "import", self.public(address))

    def open_with_gpg(self, armor, address=None):
        """The clear text; raises when gpg is not wholly content."""
        extra = ["--try-secret-key", "=" + self.addresses[address]] \
            if address else []
        status, out, err = self.gpg("--status-fd", "2", *extra, "-d",
                                    check=False, input=armor)
        if status != 0 or b"DECRYPTION_OKAY" not in err or \
           b"GOODMDC" not in err:
            raise RuntimeError("gpg: status %d: %s" % (
                status, err.decode("utf-8", "replace")))
        return out

    def open_with_sq(self, armor, *addresses):
        arguments = ["sq", "decrypt"]
        for address in addresses or self.addresses:
            arguments += ["--recipient-key", self.secret(address)]
        return self.rig.run(arguments, input=armor)[1]

    def sq_can_open(self, armor, address):
        status = self.rig.run(["sq", "decrypt", "--recipient-key",
                               self.secret(address)], input=armor,
                              check=False)[0]
        return status == 0

    def encrypted_to(self, armor):
        """The key IDs in the packets; sixteen zeros for a hidden one."""
        out = self.gpg("--list-packets", "--list-only", check=False,
                       input=armor)[1].decode("utf-8", "replace")
        return sorted(re.findall(r"^:pubkey enc packet:.* keyid ([0-9A-F]+)",
                                 out, re.M))


# --- Taking messages apart, strictly

def split(raw):
    """(header, body): the header without the blank line, as MTAs see it:
    a line that is no field begins the body."""
    position = 0
    while position < len(raw):
        end = raw.find(b"\r\n", position)
        end = len(raw) if end < 0 else end
        line = raw[position:end]
        if line == b"":
            return raw[:position], raw[end + 2:]
        if not (line[:1] in (b" ", b"\t") and position > 0) and \
           not re.match(rb"[!-9;-~]+[ \t]*:", line):
            return raw[:position], raw[position:]
        position = end + 2
    return raw, b""


def fields(header):
    """[(name, value)]: the value with its blanks and folds."""
    found = []
    for line in re.split(rb"\r\n(?![ \t])", header):
        if line:
            name, value = line.split(b":", 1)
            found.append((name.decode("ascii", "replace").rstrip(), value))
    return found


def values(raw, name):
    return [value.strip() for field, value in fields(split(raw)[0])
            if field.lower() == name.lower()]


def wire_complaints(raw):
    """What would be wrong with any message we made, on the wire."""
    found = []
    if b"\r\r\n" in raw:
        found.append("CR CR LF")
    if re.search(rb"(?<!\r)\n", raw):
        found.append("a bare LF")
    if re.search(rb"\r(?!\n)", raw):
        found.append("a bare CR")
    if b"\0" in raw:
        found.append("a NUL")
    if not raw.endswith(b"\r\n"):
        found.append("no CRLF at the end")
    longest = max(len(line) for line in raw.split(b"\r\n"))
    if longest > LINE_LIMIT:
        found.append("a line of %d octets" % longest)
    return found


def armor_of(raw):
    """The armored part of a PGP/MIME message; raises if there is none."""
    message = email.message_from_bytes(raw)
    parts = message.get_payload()
    if message.get_content_type() != "multipart/encrypted":
        raise ValueError("it is " + message.get_content_type())
    return parts[1].get_payload().encode("ascii")


def is_sealed(raw):
    return email.message_from_bytes(raw).get_content_type() == \
        "multipart/encrypted"


def form_complaints(raw):
    """RFC 3156 section 4 and RFC 2045, as Python's email reads it."""
    found = wire_complaints(raw)
    # Only addresses (RFC 6532) may bring 8 bits along.
    for name, value in fields(split(raw)[0]):
        if re.search(rb"[\x80-\xff]", value) and name.lower() not in (
                "from", "to", "cc", "sender", "reply-to", "received"):
            found.append("8 bits in " + name)
    if re.search(rb"[\x80-\xff]", split(raw)[1]):
        found.append("8 bits in the body")
    for name in ("Content-Type", "MIME-Version"):
        if len(values(raw, name)) != 1:
            found.append("%d times %s" % (len(values(raw, name)), name))
    for name, _ in fields(split(raw)[0]):
        if name.lower().startswith("content-") and \
           name.lower() not in ("content-type", "content-transfer-encoding"):
            found.append(name + " outside")
    if any(value != b"7bit"
           for value in values(raw, "Content-Transfer-Encoding")):
        found.append("Content-Transfer-Encoding is not 7bit")
    message = email.message_from_bytes(raw)
    found += ["email: " + str(defect) for defect in message.defects]
    if message.get_content_type() != "multipart/encrypted" or \
       message.get_param("protocol") != "application/pgp-encrypted":
        return found + ["it is " + str(message["Content-Type"])]
    parts = message.get_payload()
    kinds = [part.get_content_type() for part in parts]
    if kinds != ["application/pgp-encrypted", "application/octet-stream"]:
        return found + ["parts " + " ".join(kinds)]
    if parts[0].get_payload().strip() != "Version: 1":
        found.append("no Version: 1")
    armor = parts[1].get_payload().strip().splitlines()
    if armor[0] != "-----BEGIN PGP MESSAGE-----" or \
       armor[-1] != "-----END PGP MESSAGE-----":
        found.append("the second part is more than an armored message")
    if len(values(raw, "Sealmilter-Sealed")) != 1:
        found.append("not one Sealmilter-Sealed")
    return found


def report_complaints(raw, *recipients):
    """A delivery status notification (RFC 3464) of just their failures, with
    the header of a sealed copy."""
    found = wire_complaints(raw)
    message = email.message_from_bytes(raw)
    found += ["email: " + str(defect) for defect in message.defects]
    if message.get_content_type() != "multipart/report" or \
       message.get_param("report-type") != "delivery-status":
        return found + ["it is " + str(message["Content-Type"])]
    parts = message.get_payload()
    kinds = [part.get_content_type() for part in parts]
    if kinds != ["text/plain", "message/delivery-status",
                 "text/rfc822-headers"]:
        return found + ["parts " + " ".join(kinds)]
    about, *each = parts[1].get_payload()
    if not str(about["Reporting-MTA"]).startswith("dns; "):
        found.append("no Reporting-MTA")
    named = sorted(str(one["Final-Recipient"]) for one in each)
    if named != sorted("rfc822; " + r for r in recipients):
        found.append("it is about %s" % named)
    for one in each:
        if one["Action"] != "failed" or \
           not re.fullmatch(r"5\.\d+\.\d+", str(one["Status"])) or \
           not re.match(r"smtp; 5\d\d ", str(one["Diagnostic-Code"])):
            found.append(str(one))
    returned = email.message_from_string(parts[2].get_payload())
    if returned["Message-ID"] is None or returned.get_payload().strip():
        found.append("it returns %r" % parts[2].get_payload())
    return found


# --- What must have come through

# Not copied inside: the trace of the transport, what would tell Bcc
# recipients, and what only an encrypting program may say.
NOT_INSIDE = {"received", "return-path", "authentication-results",
              "received-spf", "delivered-to", "x-original-to", "bcc",
              "resent-bcc", "hp-outer"}


def payload_complaints(payload, original):
    """The payload against the original, octet by octet."""
    inner_header, inner_body = split(payload)
    header, body = split(original)
    inner_type = values(payload, "Content-Type")
    if len(inner_type) != 1 or b'hp="cipher"' not in inner_type[0] or \
       b'protected-headers="v1"' not in inner_type[0]:
        return ["Content-Type inside is %r" % inner_type]
    wanted = [field for field in fields(header)
              if field[0].lower() not in NOT_INSIDE and
              not field[0].lower().startswith("sealmilter-")]
    found = inner_complaints(inner_header, header)
    kinds = values(original, "Content-Type")
    wrapped = not (len(kinds) == 1 and inner_type[0].startswith(kinds[0]) or
                   not kinds and inner_type[0].startswith(b"text/plain")) and \
        re.match(rb'multipart/mixed; boundary="([^"]+)"', inner_type[0])
    if wrapped:     # a Content-Type that not all would read alike
        mark = b"--" + wrapped.group(1)
        part = inner_body.split(mark)[1]
        inner_header, inner_body = split(split(part[2:])[1])
        if not inner_body.endswith(b"\r\n"):
            return ["the wrapped body ends without CRLF"]
        inner_body = inner_body[:-2]
    if inner_body != body:
        found.append(difference(inner_body, body))
    return found + header_complaints(fields(inner_header), wanted,
                                     bool(wrapped))


def inner_complaints(inner, header):
    """As on the wire; but what the sender wrote is the sender's."""
    ours = b"".join(line + b"\r\n" for line in inner.split(b"\r\n")
                    if line.rstrip(b";") not in header.split(b"\r\n"))
    return ["inside: " + what for what in wire_complaints(ours or b"\r\n")]


def header_complaints(inside, wanted, wrapped):
    found = []
    for name, value in wanted:
        same = [v for n, v in inside if n.lower() == name.lower()]
        if value in same:
            continue
        if name.lower() == "content-type" and not wrapped and \
           any(v.startswith(value) for v in same):
            continue
        found.append("%s inside is %r, not %r" % (name, same, value))
    if not wrapped:
        order = [n.lower() for n, v in wanted
                 if not n.lower().startswith(("content-", "mime-"))]
        got = [n.lower() for n, v in inside if n.lower() != "hp-outer" and
               not n.lower().startswith(("content-", "mime-"))]
        if order != got:
            found.append("fields inside are %s, not %s" % (got, order))
    return found


def difference(got, want):
    position = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b),
                    min(len(got), len(want)))
    return "%d octets instead of %d, different from %d: %r, not %r" % (
        len(got), len(want), position, got[position:position + 40],
        want[position:position + 40])


# --- What must not have come through

# Words that every sealed message has.
FURNITURE = set(re.findall(r"[A-Za-z0-9]{6,}", """
Content-Type multipart/encrypted protocol application/pgp-encrypted boundary
octet-stream Content-Description Content-Disposition inline filename
encrypted.asc Version Sealmilter-Sealed sealmilter OpenPGP openpgp transit
attachment message MESSAGE Transfer Encoding encoding Encrypted version
Identification encrypted MIME format mail This Subject program"""))
# Fields that go inside only, or whose value does.
HIDDEN = {"subject", "comments", "keywords", "thread-topic"}


def tokens(text):
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    return set(re.findall(r"[A-Za-z0-9_]{6,}", text))


def visible_tokens(original):
    """What the fields that stay outside tell anyway."""
    found = set(FURNITURE)
    for name, value in fields(split(original)[0]):
        found |= tokens(name)
        if name.lower() not in HIDDEN and \
           not name.lower().startswith("content-"):
            found |= tokens(value)
    return found


def secret_tokens(original):
    """Words of Subject and body, coded as they are and decoded too."""
    header, body = split(original)
    found = tokens(body)
    for value in values(original, "Subject"):
        found |= tokens(value)
        try:
            found |= tokens(str(email.header.make_header(
                email.header.decode_header(value.decode("ascii")))))
        except (ValueError, LookupError, UnicodeError,
                email.errors.HeaderParseError):
            pass
    try:
        for part in email.message_from_bytes(original).walk():
            if not part.is_multipart():
                found |= tokens(part.get_payload(decode=True) or b"")
    except (ValueError, LookupError, AssertionError, AttributeError,
            TypeError):
        pass    # a message that Python cannot read at all
    return found - visible_tokens(original)


def leaked(raw, original):
    """Words of the original that can be read in what arrived.  In the armor
    only long ones count: six letters come about by chance."""
    secret = secret_tokens(original)
    armor = re.compile(rb"-----BEGIN PGP MESSAGE-----.*"
                       rb"-----END PGP MESSAGE-----", re.S)
    header, body = split(raw)
    theirs = fields(split(original)[0])
    # An MTA's own trace tells nothing of the content.
    ours = b"".join(name.encode() + b":" + value + b"\r\n"
                    for name, value in fields(header)
                    if (name, value) in theirs or name.lower() not in (
                        "received", "message-id", "date"))
    found = secret & tokens(ours + armor.sub(b"", body))
    inside = tokens(b"".join(armor.findall(body)))
    return sorted(found | {word for word in secret & inside
                           if len(word) >= 10})
