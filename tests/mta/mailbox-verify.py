#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sealctl mailbox verify: its verdict is that of gpg, openssl and grep, and
text, html, json and csv tell the same."""
import csv
import html.parser
import io
import json
import os
import pwd
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig as R             # noqa: E402

KEYS = os.path.join(R.SOURCE, "tests", "keys")
CERTS = os.path.join(R.SOURCE, "tests", "certs")
CANARY = "heron-under-the-bridge"

CONFIG = """
state = "%s/state";
user = "";
domains = [ "example.org", "example.net" ];
keys = { smime_trust = [ "%s/ca.crt" ]; };
policy = (
  { name = "certificates"; to = [ "erin@example.org" ]; seal = [ "smime" ]; },
  { name = "with recovery"; to = [ "bob@example.org" ];
    seal = [ "openpgp" ]; recovery = [ "carol@example.net" ]; },
  { name = "all"; seal = [ "openpgp" ]; }
);
"""
LETTER = """From: Someone <someone@remote.example>
To: %s
Subject: %s
Date: Mon, 01 Jan 2024 10:00:00 +0000
Message-ID: <%s@remote.example>

The word of the day is %s.
"""


class Site:
    def __init__(self, tap):
        self.tap = tap
        self.rig = R.Rig()
        self.state = self.rig.make_dir("state", mode=0o700)
        self.conf = self.rig.write("conf", CONFIG % (self.rig.dir, CERTS))
        self.top = self.rig.make_dir("vhosts")
        self.serial = 0
        for name in ("alice.asc", "bob.asc", "carol.asc", "alice-second.asc"):
            self.sealctl("key", "import", os.path.join(KEYS, name))
        self.sealctl("key", "import", os.path.join(CERTS, "erin.crt"))
        tap.on_failure.append(lambda: self.last)
        self.last = b""

    def sealctl(self, *arguments, text=None):
        done = subprocess.run(
            [R.SEALCTL, "-c", self.conf] + list(arguments),
            input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=120)
        self.last = done.stdout[-3000:] + done.stderr[-2000:]
        return done.returncode, done.stdout, done.stderr

    def mailbox(self, path):
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(self.top, path, part), exist_ok=True)
        return os.path.join(self.top, path)

    def letter(self, to, subject="the plan"):
        self.serial += 1
        return (LETTER % (to, subject, self.serial, CANARY)).encode()

    def sealed(self, to, subject="the plan"):
        status, out, err = self.sealctl(
            "seal", "--from", "someone@remote.example", "--to", to,
            text=self.letter(to, subject))
        assert status == 0 and CANARY.encode() not in out, err
        return out

    def put(self, path, octets):
        self.serial += 1
        name = path if "%d" not in path else path % self.serial
        full = os.path.join(self.top, name)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as f:
            f.write(octets)
        os.utime(full, (1700000000, 1700000000))
        return name

    def verify(self, *arguments):
        return self.sealctl("mailbox", "verify", *(arguments or (self.top,)))

    def report(self, *arguments):
        status, out, err = self.verify(
            "--report", "json", *(arguments or (self.top,)))
        return status, json.loads(out)


def findings(report, kind=None):
    return [(f["finding"], f["path"], f["what"])
            for m in report["mailboxes"] for f in m["findings"]
            if kind in (None, f["finding"])]


# --- All is well

def fill(site):
    """Four mailboxes, as a server lays them out; all sealed."""
    site.alice = "example.org/alice/Maildir"
    site.bob = "example.org/b/bob/Maildir"
    site.erin = "erin@example.org"
    site.carol = "example.net/carol"
    for path in (site.alice, site.bob, site.erin, site.carol,
                 site.alice + "/.Sent", site.alice + "/.a&b<c>"):
        site.mailbox(path)
    for _ in range(5):
        site.put(site.alice + "/cur/%d.M1P1.host,S=9:2,S",
                 site.sealed("alice@example.org"))
    for _ in range(3):
        site.put(site.alice + "/.Sent/cur/%d.M1P1.host:2,RS",
                 site.sealed("alice@example.org"))
    site.put(site.alice + "/new/%d.M1P1.host", site.sealed("alice@example.org"))
    for _ in range(4):
        site.put(site.bob + "/cur/%d.M1P1.host:2,",
                 site.sealed("bob@example.org"))
    for _ in range(2):
        site.put(site.erin + "/cur/%d.M1P1.host:2,",
                 site.sealed("erin@example.org"))
    site.put(site.carol + "/cur/%d.M1P1.host:2,",
             site.sealed("carol@example.net"))


def all_sealed(site):
    tap = site.tap
    status, out, err = site.verify()
    tap.equal(status, 0, "where all is sealed, the exit status is 0")
    tap.ok(b"Every message is sealed" in out, "and a sentence says so", out)
    status, report = site.report()
    tap.equal([m["address"] for m in report["mailboxes"]],
              ["carol@example.net", "alice@example.org", "bob@example.org",
               "erin@example.org"], "mailboxes are named by their paths")
    tap.equal((report["total"]["messages"], report["total"]["sealed"]),
              (16, 16), "all messages are counted")
    alice = report["mailboxes"][1]
    tap.equal({f["folder"]: f["sealed"] for f in alice["folders"]},
              {"": 6, ".Sent": 3, ".a&b<c>": 0}, "by folder")
    tap.equal(alice["sealed_at_rest"], 9, "they are sealed at rest")
    tap.equal(findings(report), [], "nothing is found")


def gpg(site, *arguments):
    home = site.rig.make_dir("gnupg", mode=0o700)
    return subprocess.run(
        ["gpg", "--homedir", home, "--no-autostart", "--batch"] +
        list(arguments), stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL).stdout.decode()


def packets(site, path):
    """Key IDs that gpg finds in a stored message."""
    text = gpg(site, "--list-packets", path)
    return re.findall(r"pubkey enc packet.*keyid ([0-9A-F]{16})", text)


def primary_of(site, name):
    """Key ID -> fingerprint of the primary key, as gpg tells."""
    text = gpg(site, "--with-colons", "--show-keys",
               os.path.join(KEYS, name)).splitlines()
    fingerprint = [x.split(":")[9] for x in text if x.startswith("fpr")][0]
    return {x.split(":")[4]: fingerprint for x in text
            if x.startswith(("pub", "sub"))}


def keys_are_those_of_gpg(site):
    known = {}
    for name in ("alice.asc", "bob.asc", "carol.asc", "alice-second.asc"):
        known.update(primary_of(site, name))
    _, report = site.report()
    for mailbox in report["mailboxes"]:
        if mailbox["address"] == "erin@example.org":
            continue
        want = {}
        for where, _, names in os.walk(mailbox["mailbox"]):
            for name in names:
                for key in packets(site, os.path.join(where,
                                                        name)):
                    want[known[key]] = want.get(known[key], 0) + 1
        got = {k["fingerprint"]: k["messages"] for k in mailbox["sealed_to"]}
        site.tap.equal(got, want, "gpg --list-packets counts the same keys "
                       "for %s" % mailbox["address"])
    erin = [m for m in report["mailboxes"]
            if m["address"] == "erin@example.org"][0]
    fingerprint = subprocess.run(
        ["openssl", "x509", "-in", os.path.join(CERTS, "erin.crt"), "-noout",
         "-fingerprint", "-sha256"], stdout=subprocess.PIPE).stdout.decode()
    fingerprint = fingerprint.strip().split("=")[1].replace(":", "")
    site.tap.equal([(k["fingerprint"], k["messages"])
                    for k in erin["sealed_to"]], [(fingerprint, 2)],
                   "openssl knows the certificate that can open erin's")
    path = os.path.join(site.top, site.erin, "cur")
    serial = subprocess.run(
        ["openssl", "x509", "-in", os.path.join(CERTS, "erin.crt"), "-noout",
         "-serial"], stdout=subprocess.PIPE).stdout.decode()
    printed = subprocess.run(
        ["openssl", "cms", "-cmsout", "-print", "-noout", "-inform", "SMIME",
         "-in", os.path.join(path, os.listdir(path)[0])],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout.decode()
    number = re.search(r"serialNumber: (?:0x)?([0-9A-Fa-f]+)", printed)
    got = "" if number is None else number.group(1).upper()
    want = serial.strip().split("=")[1]
    site.tap.ok(got.lstrip("0") in (want.lstrip("0"), str(int(want, 16))),
                "and finds its serial number in the message", got, want)


# --- One thing wrong at a time

def wrong(site, name, path, octets, kind, status, what=""):
    """Puts a file there; it has to be found, and when it is gone, not."""
    path = site.put(path, octets)
    got, report = site.report()
    found = [f for f in findings(report)
             if path.endswith(f[1]) and f[1] != ""]
    site.tap.ok(got == status and len(found) == 1 and found[0][0] == kind and
                what in found[0][2] and len(findings(report)) == 1,
                name, got, findings(report))
    os.unlink(os.path.join(site.top, path))


def readable_things(site):
    a = site.alice
    letter = site.letter("alice@example.org")
    wrong(site, "a letter in cur/ is readable", a + "/cur/%d.M.host:2,S",
          letter, "readable", 1)
    wrong(site, "one in new/ is", a + "/new/%d.M.host", letter,
          "readable", 1)
    wrong(site, "one in a folder is", a + "/.Sent/cur/%d.M.host:2,", letter,
          "readable", 1)
    forged = letter.replace(
        b"Subject:", b"Sealmilter-Sealed: form=openpgp; key=AB; at=rest\n"
        b"MIME-Version: 1.0\nContent-Type: multipart/encrypted; boundary=b;\n"
        b' protocol="application/pgp-encrypted"\nSubject:')
    wrong(site, "one that only says it is sealed is", a + "/cur/%d.M.host:2,",
          forged, "readable", 1, "says that it is sealed")
    wrong(site, "a file with a dot in front is found",
          a + "/cur/.%d.hidden", letter, "leftover", 1)
    wrong(site, "what stayed in tmp/ is found", a + "/tmp/%d.M.host", letter,
          "leftover", 1, "message")
    wrong(site, "a mailbox file beside is found", a + "/old.mbox",
          b"From a Mon Jan  1 10:00:00 2024\n" + letter, "leftover", 1)
    wrong(site, "messages in the middle of a file are found",
          a + "/backup.tar", b"\0" * 70000 + b"\n" + letter + b"\0" * 9000,
          "leftover", 1)
    wrong(site, "a cached Subject is found", a + "/dovecot.index.cache",
          b"\1\2\3\0Subject: quarterly losses\r\n\0\0", "leftover", 1,
          "Subject")
    wrong(site, "in a folder's index, too",
          a + "/.Sent/dovecot.index.cache.bak",
          b"\1\0Subject: quarterly losses\r\n\0\0", "leftover", 1)
    wrong(site, "a cached envelope is found", a + "/dovecot.index.cache",
          b'\0\0"Mon, 01 Jan 2024 10:00:00 +0000" "quarterly losses" ((NIL '
          b'NIL "someone" "remote.example"))\0', "leftover", 1, "envelope")
    wrong(site, "one without a date, too", a + "/dovecot.index.cache",
          b'\0\0NIL "quarterly losses" ((NIL NIL "someone" "remote.example"))',
          "leftover", 1, "envelope")
    wrong(site, "a cached preview is found", a + "/dovecot.index.cache",
          b"\0\0\0001Dear Alice, here is what the lawyers told us about "
          b"our quarterly losses.\0", "leftover", 1, "sentences")
    words = b"\0".join(
        w.encode() for w in "lawyers told about quarterly losses before "
        "nobody listened while everybody laughed until market closed".split())
    wrong(site, "the words of a full-text index are found",
          a + "/xapian-indexes/db_1/postlist.glass",
          b"\x0f\x0dXapian Glass\0" + words, "leftover", 1, "search")
    wrong(site, "what is compressed is uncertain", a + "/cur/%d.M.host:2,Z",
          b"\x1f\x8b\x08\0\0\0\0\0\0\3", "uncertain", 75, "compressed")
    wrong(site, "what is cut short is damaged", a + "/cur/%d.M.host:2,",
          site.sealed("alice@example.org")[:-300], "damaged", 1)
    wrong(site, "what another can open only is found",
          a + "/cur/%d.M.host:2,", site.sealed("carol@example.net"),
          "foreign key", 1, "cannot open")
    wrong(site, "what a stranger can open, too, is found",
          a + "/cur/%d.M.host:2,",
          re.sub(rb"key=[0-9A-F,\s]+;", b"key=AB;",
                 site.sealed("bob@example.org")), "foreign key", 1)


def harmless_things(site):
    a = os.path.join(site.top, site.alice)
    for path, octets in (
            ("dovecot.index.cache",
             b"\1\2\0Subject: [...]\r\n\0\0"
             b'"Mon, 01 Jan 2024 10:00:00 +0000" "[...]" (("Someone" NIL '
             b'"someone" "remote.example"))\0From: Someone <someone@remote.'
             b"example>\r\n"),
            ("dovecot-uidlist", b"3 V1 N9 G8\n1 :1.M1P1.host,S=9\n"),
            ("subscriptions", b"Sent\nDrafts\n"),
            ("dovecot.index.log", bytes(range(256)) * 40),
            ("xapian-indexes/db/postlist.glass",
             b"\x0f\x0dXapian Glass\0someone\0remote\0example\0"),
            ("tmp/sealed", site.sealed("alice@example.org"))):
        site.put(site.alice + "/" + path, octets)
    status, report = site.report()
    site.tap.equal((status, findings(report)), (0, []),
                   "what servers keep of sealed mail is no finding")
    shutil.rmtree(os.path.join(a, "xapian-indexes"))
    now = site.put(site.alice + "/tmp/1.now", site.letter("a@example.org"))
    os.utime(os.path.join(site.top, now))
    status, report = site.report()
    site.tap.equal((status, findings(report)), (0, []),
                   "what is just being delivered is no finding")
    os.unlink(os.path.join(site.top, now))
    os.link(os.path.join(a, "tmp/sealed"), os.path.join(a, "cur/9.copy:2,"))
    status, report = site.report()
    site.tap.equal((status, report["total"]["sealed"]), (0, 17),
                   "hard links, as Dovecot makes, are looked at")
    os.unlink(os.path.join(a, "cur/9.copy:2,"))


def hostile_things(site):
    a = os.path.join(site.top, site.alice)
    name = "cur/9.\n\033[2J\xff<script>alert(1):2,"
    site.put(site.alice + "/" + name.encode("latin-1").decode(
        "utf-8", "surrogateescape"), site.letter("alice@example.org"))
    for form in ("text", "html", "json", "csv"):
        status, out, _ = site.verify("--report", form, site.top)
        clean = b"\033" not in out and b"<script" not in (
            out if form == "html" else b"") and b"\n\\033" not in out
        site.tap.ok(status == 1 and clean,
                    "a name that is an attack is harmless in %s" % form, out)
    for f in os.listdir(os.path.join(a, "cur")):
        if "script" in f:
            os.unlink(os.path.join(a, "cur", f))
    outside = site.rig.write("outside", site.letter("x@example.org"))
    for link, target in (("cur/9.link:2,", outside),
                         (".Linked", site.rig.dir), ("linked", outside)):
        os.symlink(target, os.path.join(a, link))
        status, report = site.report()
        got = findings(report)
        site.tap.ok(status == 75 and len(got) == 1 and
                    got[0][0] == "uncertain" and "link" in got[0][2],
                    "the link %s is not followed, and said" % link, got)
        os.unlink(os.path.join(a, link))
    os.mkfifo(os.path.join(a, "cur", "9.fifo:2,"))
    status, report = site.report()
    site.tap.equal(status, 0, "a FIFO keeps nobody waiting")
    os.unlink(os.path.join(a, "cur", "9.fifo:2,"))


def keys_that_changed(site):
    """Alice's second key becomes the one: the old messages are hers still."""
    before = site.report()[1]["mailboxes"][1]
    old = before["sealed_to"][0]["fingerprint"]
    site.sealctl("key", "delete", old)
    status, report = site.report()
    kinds = {f[0] for f in findings(report)}
    site.tap.equal((status, kinds), (1, {"foreign key"}),
                   "a key that nobody knows any more is found")
    for name in ("alice.asc", "alice-second.asc"):
        trust = [] if old in primary_of(site, name).values() else ["--trust"]
        site.sealctl("key", "import", *trust, os.path.join(KEYS, name))
    status, report = site.report()
    kinds = {f[0] for f in findings(report)}
    site.tap.equal((status, kinds), (0, {"old key"}),
                   "one that its owner replaced is told, and no failure")


def cannot_tell(site):
    path = site.mailbox("nobody-knows")
    site.put("nobody-knows/cur/%d.M.host:2,", site.sealed("bob@example.org"))
    status, report = site.report(path)
    site.tap.equal((status, report["mailboxes"][0]["address"],
                    [f[0] for f in findings(report)]),
                   (75, None, ["uncertain"]),
                   "a mailbox that is nobody's is not certain")
    status, report = site.report("--user", "Bob@example.org", path)
    site.tap.equal((status, report["mailboxes"][0]["address"]),
                   (0, "bob@example.org"), "--user says whose it is")
    status, out, err = site.verify("--user", "bob@example.org", site.top)
    site.tap.ok(status == 75 and b"one mailbox" in err,
                "and is refused for many", err)
    shutil.rmtree(path)
    status, out, err = site.verify(site.rig.path("nowhere"))
    site.tap.ok(status == 75 and b"nowhere" in err and out == b"",
                "a directory that is not there is no verdict", err)
    store = os.path.join(site.state, "store.db")
    os.rename(store, store + ".away")
    status, out, err = site.verify()
    site.tap.ok(status == 75 and out == b"",
                "a store that is gone is no verdict", err)
    os.rename(store + ".away", store)
    if os.geteuid() != 0:
        os.chmod(os.path.join(site.top, site.bob, "cur"), 0)
        status, report = site.report()
        site.tap.equal(status, 75, "a folder that cannot be read neither")
        os.chmod(os.path.join(site.top, site.bob, "cur"), 0o700)
    else:
        owned_by_another(site)
    site.tap.equal(site.verify("--report", "pdf", site.top)[0], 2,
                   "a report that does not exist is wrong usage")
    site.tap.equal(site.sealctl("mailbox", "verify")[0], 2,
                   "no directory is wrong usage")
    for command in ("verify", "watch", "encrypt"):
        said = [site.sealctl("mailbox", command, "--user", user, site.top)
                for user in ("bob", "a@@b")]
        site.tap.ok(all(status == 2 and
                        b"--user: \"%s\" is no mail address" % user in err
                        for user, (status, _, err) in
                        zip((b"bob", b"a@@b"), said)),
                    "%s says when --user is no address" % command, *said)


def owned_by_another(site):
    """Root becomes the owner: what that one cannot read is not read."""
    nobody = pwd.getpwnam("nobody")
    bob = os.path.join(site.top, site.bob)
    for where, _, names in os.walk(bob):
        os.chown(where, nobody.pw_uid, nobody.pw_gid)
        for name in names:
            os.chown(os.path.join(where, name), nobody.pw_uid, nobody.pw_gid)
    os.chmod(site.rig.dir, 0o755)
    status, report = site.report()
    site.tap.equal(status, 0, "as root, a mailbox is read as its owner")
    os.chmod(os.path.join(bob, "cur"), 0)
    status, report = site.report()
    site.tap.ok(status == 75 and len(findings(report, "uncertain")) == 1,
                "and not with root's rights", findings(report))
    os.chmod(os.path.join(bob, "cur"), 0o700)


# --- The forms

class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.urls = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.urls += [v for k, v in attrs
                      if k in ("src", "href", "data", "action")]

    def handle_data(self, data):
        if self.tags[-1:] != ["style"]:
            self.words.append(data)


def forms_tell_the_same(site):
    letters = [site.put(p + "/cur/%d.M.host:2,", site.letter("x@example.org"))
               for p in (site.alice, site.alice + "/.Sent", site.carol)]
    cut = site.put(site.bob + "/cur/%d.M.host:2,",
                   site.sealed("bob@example.org")[:-200])
    output = site.rig.path("report")
    status, report = site.report()
    total = report["total"]
    want = (total["messages"], total["sealed"], total["readable"],
            total["damaged"], total["uncertain"])
    site.tap.equal(want, (20, 16, 3, 1, 0), "json counts them")
    out = site.verify()[1].decode()
    line = re.search(r"(\d+) messages: (\d+) sealed \(([^)]*)\), (\d+) "
                     r"readable, (\d+) damaged, (\d+) uncertain", out)
    percent = line.group(3)
    site.tap.equal(tuple(int(line.group(i)) for i in (1, 2, 4, 5, 6)), want,
                   "the text has the same numbers")
    rows = list(csv.DictReader(io.StringIO(
        site.verify("--report", "csv", site.top)[1].decode(), newline="")))
    got = tuple(sum(int(r[c]) for r in rows if r["record"] == "folder")
                for c in ("messages", "sealed", "readable", "damaged",
                          "uncertain"))
    site.tap.equal(got, want, "csv adds up to them")
    site.tap.equal(sorted((r["finding"], r["path"]) for r in rows
                          if r["record"] == "finding"),
                   sorted(f[:2] for f in findings(report)),
                   "and has the same findings")
    status, out, err = site.verify("--report", "html", "--output", output,
                                   site.top)
    text = R.read_file(output).decode()
    page = Page(text)
    words = " ".join(" ".join(page.words).split())
    tiles = re.findall(r'<div class="tile"><b[^>]*>([^<]*)</b><span>([^<]*)',
                       text)
    tiles = {name: value for value, name in tiles}
    site.tap.equal(tuple(int(tiles[k].replace(",", "")) for k in (
        "messages", "readable", "damaged", "uncertain")),
        (want[0],) + want[2:], "html has the same numbers")
    site.tap.equal(tiles["sealed"], percent, "and the same share")
    site.tap.ok(all(os.path.basename(p) in words for p in letters + [cut]),
                "and names the same files", words[:2000])
    site.tap.ok(out == b"" and status == 1,
                "with --output nothing goes to the terminal")
    site.tap.ok("script" not in page.tags and "link" not in page.tags and
                page.urls == [] and "url(" not in text and
                "http" not in text.replace("http-equiv", ""),
                "the page has no script and loads nothing")
    site.tap.ok(all(CANARY not in t and "the plan" not in t
                    for t in (text, words)), "and no content of a message")
    site.tap.equal(oct(os.stat(output).st_mode & 0o777), "0o600",
                   "only who made it may read it")
    for path in letters + [cut]:
        os.unlink(os.path.join(site.top, path))
    site.verify("--report", "html", "--output", output, site.top)
    text = R.read_file(output).decode()
    points = re.search(r'points="([^"]*)"', text)
    points = points.group(1).split() if points else []
    site.tap.ok(len(points) == 2 and points[0] != points[1],
                "an earlier report makes a line over time", points)
    site.verify("--report", "json", "--output", output, site.top)
    history = json.loads(R.read_file(output))["history"]
    site.tap.equal([(h["messages"], h["sealed"]) for h in history],
                   [(20, 16), (16, 16), (16, 16)],
                   "json has the earlier ones, too")
    with open(output + ".history", "w") as f:
        f.write("".join("%d 10 10\n" % i for i in range(3000)))
    site.verify("--report", "json", "--output", output, site.top)
    site.tap.equal(len(R.read_file(output + ".history").splitlines()), 1000,
                   "a history does not grow for ever")
    with open(output + ".history", "w") as f:
        f.write("shopping list\n")
    status, out, err = site.verify("--output", output, site.top)
    site.tap.ok(status == 75 and
                R.read_file(output + ".history") == b"shopping list\n",
                "a file that is no history stays as it is", err)
    site.tap.ok(b"=cmd" not in csv_of_formula(site),
                "a folder's name is no formula in csv")


def csv_of_formula(site):
    path = site.mailbox(site.alice + "/=cmd()")
    out = site.verify("--report", "csv", site.top)[1]
    shutil.rmtree(path)
    return out.replace(b"'=cmd", b"")


def main():
    tap = R.Tap()
    site = Site(tap)
    fill(site)
    for case in (all_sealed, keys_are_those_of_gpg, readable_things,
                 harmless_things, hostile_things, forms_tell_the_same,
                 cannot_tell, keys_that_changed):
        tap.run(case, site)
    return tap.done()


sys.exit(main())
