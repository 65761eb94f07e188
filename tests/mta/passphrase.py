#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Mail for people without a key: sealed with a passphrase, through a real
Postfix, and opened by jwcrypto.

In:    a world whose daemon sends copies; passphrases that are set, made, or
       given by the sender.
Out:   who gets what, who is told what, and who is told nothing.
Never: opens an envelope with our own code.
"""
import email
import email.policy
import os
import re
import signal
import socketserver
import sys
import tempfile
import threading

import rig
import sealed
import smtp
from copycases import to
from mtas import Postfix
from world import World, need

sys.path.insert(0, os.path.join(rig.SOURCE, "tests", "envelope"))
import jwcrypto_open     # noqa: E402

CERTS = os.path.join(rig.SOURCE, "tests", "certs")
TEMPLATES = os.path.join(rig.SOURCE, "contrib", "templates")
CRASHING = os.path.join(rig.BUILD, "tests", "mta", "sealmilter-crash")
RUNS = int(os.environ.get("SEALMILTER_KILLS", "2" if rig.sanitized()
                          else "3"))
MANY = 16
WORDS = "the quick brown fox jumps over my neighbour"
SENDER = "boss@example.org"
POLICY = (
    {"name": "clear inside", "to": ["clerk@example.org"],
     "seal": ["openpgp", "clear"]},
    {"name": "here", "to": ["@example.org"],
     "seal": ["openpgp", "smime", "passphrase"]},
    {"name": "german", "to": ["@deutsch.example"],
     "seal": ["passphrase"], "language": ["de", "en"]},
    {"name": "far", "to": ["@far.example"],
     "seal": ["openpgp", "smime", "passphrase"]},
    {"name": "others", "seal": ["openpgp", "passphrase", "clear"]},
)
# What each point may double.
POINTS = (("K0", 1, 0), ("K1", 1, 0), ("K3", 1, 0), ("K4", 1, 1),
          ("told", 1, 1), ("stored", 1, 0), ("K4", 2, 1), ("K5", 2, 1),
          ("K6", 1, 0), ("K7", 1, 0))


# --- Judges

def text_of(part):
    return part.get_payload(decode=True).decode(
        part.get_content_charset("ascii"))


def cover_of(raw):
    """The text in front, from a message that is an envelope."""
    message = email.message_from_bytes(raw)
    parts = list(message.walk())
    kinds = [part.get_content_type() for part in parts]
    assert kinds == ["multipart/mixed", "text/plain", "text/html"], kinds
    return text_of(parts[1])


def form_of(raw):
    value = b" ".join(sealed.values(raw, "Sealmilter-Sealed")[0].split())
    return re.match(rb"form=(\w+);", value).group(1).decode()


def is_envelope(raw):
    return sealed.values(raw, "Sealmilter-Sealed") and \
        form_of(raw) == "passphrase"


def open_envelope(raw, words):
    """The original inside; raises if the words do not open it."""
    box = jwcrypto_open.open_jwe(jwcrypto_open.jwe_of(raw), words)
    return box.payload


def complaints(arrivals, original, words):
    if len(arrivals) != 1:
        return ["%d copies" % len(arrivals)]
    raw = arrivals[0].raw
    found = []
    if not is_envelope(raw):
        return ["no envelope: %r" % raw[:600]]
    try:
        inside = open_envelope(raw, words)
    except Exception as e:      # whatever jwcrypto says
        return [repr(e)]
    header, body = sealed.split(inside)
    if body != sealed.split(original)[1]:
        found.append(sealed.difference(body, sealed.split(original)[1]))
    for name in ("Subject", "From", "To", "Date", "Message-ID"):
        if sealed.values(inside, name) != sealed.values(original, name):
            found.append("%s inside: %r" % (name, sealed.values(inside,
                                                                name)))
    if sealed.values(raw, "Subject") != [b"[...]"]:
        found.append("Subject outside: %r" % sealed.values(raw, "Subject"))
    return found


def opens(w, name, arrivals, original, words):
    found = complaints(arrivals, original, words)
    return w.tap.ok(not found, name, *found)


def notice_words(w, raw, reader=None):
    """{recipient: words} of a notice, opened with gpg if it is sealed."""
    if sealed.is_sealed(raw):
        raw = w.keys.open_with_gpg(sealed.armor_of(raw), reader)
    message = email.message_from_bytes(raw, policy=email.policy.default)
    return dict(re.findall(r"^    (\S+@\S+): (\S+(?: \S+){5})$",
                           message.get_content(), re.M))


def is_notice(arrival):
    return b"MAIL FROM:<>" in arrival.mail and \
        sealed.values(arrival.raw, "Auto-Submitted") == [b"auto-replied"]


def split_notices(arrivals):
    return ([a for a in arrivals if is_notice(a)],
            [a for a in arrivals if not is_notice(a)])


def mail(w, recipients, subject=None, **how):
    message = w.mail(to=", ".join(recipients), **how)
    if subject is not None:
        message = re.sub(rb"^Subject: .*\r\n", b"Subject: %s\r\n" %
                         subject.encode(), message, flags=re.M)
    return message


def from_boss(w, recipients, sender=SENDER, **how):
    message = mail(w, recipients, **how)
    sent, arrivals = w.deliver(message, recipients, sender=sender)
    notices, copies = split_notices(arrivals)
    return message, sent, notices, copies


def set_words(w, address, *arguments):
    w.daemon.ctl("passphrase", "set", *arguments, address,
                 input=(WORDS + "\n").encode())


# --- Passphrases that are set

def four_forms(w):
    set_words(w, "petra@far.example", "--hint", "the neighbour")
    word = w.public_word()
    everybody = ["alice@example.org", "erin@example.org",
                 "petra@far.example", "dave@maybe.example"]
    message = mail(w, everybody, mark=word)
    sent, arrivals = w.deliver(message, everybody)
    w.tap.ok(sent.code == 250 and len(arrivals) == 4,
             "four recipients who need four forms get a copy each", sent,
             *[a.rcpts for a in arrivals])
    w.sealed_ok("one is OpenPGP", to(arrivals, "alice@example.org"), message,
                "alice@example.org")
    erin = to(arrivals, "erin@example.org")
    w.tap.ok(erin and form_of(erin[0].raw) == "smime" and
             word.encode() not in erin[0].raw, "one is S/MIME",
             *[a.raw[:400] for a in erin])
    petra = to(arrivals, "petra@far.example")
    opens(w, "one is an envelope that jwcrypto opens to the octet", petra,
          message, WORDS)
    w.tap.ok(petra and word.encode() not in petra[0].raw and
             "Hint for the passphrase: the neighbour\n" in
             cover_of(petra[0].raw).replace("\r\n", "\n"),
             "with the hint, and no word of the original", petra[0].raw[:900])
    w.tap.ok(petra and "message from sender@client.example" in
             cover_of(petra[0].raw) and
             "://" not in cover_of(petra[0].raw) and
             re.search(rb"key=[0-9A-F]{32}; at=transit", b" ".join(
                 sealed.values(petra[0].raw, "Sealmilter-Sealed")[0]
                 .split())),
             "it says who wrote, has no link, and a mark that tells its form")
    clear = to(arrivals, "dave@maybe.example")
    w.tap.ok(clear and clear[0].raw.endswith(sealed.split(message)[1]),
             "and one is clear, as it was")
    w.tap.ok("form=passphrase" in w.daemon.log(),
             "the log tells the form")


def each_alone(w):
    everybody = ["petra@far.example", "paul@deutsch.example"]
    set_words(w, "paul@deutsch.example")
    message = mail(w, everybody)
    sent, arrivals = w.deliver(message, everybody)
    for address in everybody:
        opens(w, "two with the same passphrase have a copy each: " + address,
              to(arrivals, address), message, WORDS)
    paul = to(arrivals, "paul@deutsch.example")
    text = cover_of(paul[0].raw) if paul else ""
    w.tap.ok("haben eine verschl\u00fcsselte Nachricht" in text and
             "You have an encrypted message" in text and "Hin" not in text,
             "the text in front is in the languages of the rule", text)
    message = mail(w, everybody[:1])
    set_words(w, "petra@far.example", "--from", SENDER)
    sent, arrivals = w.deliver(message, everybody[:1], sender=SENDER)
    opens(w, "a passphrase of two people goes before the recipient's",
          arrivals, message, WORDS)
    log = w.daemon.log()
    keys = re.findall(r"to=<petra@far.example>.*key=([0-9A-F]{32})", log)
    w.tap.ok(len(set(keys)) == 2, "and is another one", *keys)
    w.daemon.ctl("passphrase", "delete", "--from", SENDER,
                 "petra@far.example")


def none_set(w):
    sent, arrivals = w.deliver(mail(w, ["new@far.example"]),
                               ["new@far.example"])
    w.refused("without one, the ladder goes on to its end", sent, arrivals,
              550, "no passphrase")
    word = w.public_word()
    sent, arrivals = w.deliver(mail(w, ["new@maybe.example"], mark=word),
                               ["new@maybe.example"])
    w.tap.ok(sent.code == 250 and len(arrivals) == 1 and
             not is_envelope(arrivals[0].raw),
             "or to the clear text that it allows", sent)


def too_large(w):
    """32 MiB, to who has one: decided when the content is known."""
    set_words(w, "petra@maybe.example")
    line = b"x" * 70 + b"\r\n"
    over = mail(w, ["petra@far.example"], mark=w.public_word())
    over += line * ((32 << 20) // len(line))
    sent, arrivals = w.deliver(over, ["petra@far.example"])
    w.refused("more than browsers open is refused, with the reason", sent,
              arrivals, 550, "too large for a passphrase envelope")
    sent, arrivals = w.deliver(over, ["petra@maybe.example"])
    w.tap.ok(sent.code == 250 and len(arrivals) == 1 and
             not is_envelope(arrivals[0].raw) and
             arrivals[0].raw.endswith(sealed.split(over)[1]),
             "or gets what the ladder allows behind the rung", sent)
    fits = over[:(32 << 20) - 2048].rsplit(b"\r\n", 1)[0] + b"\r\n"
    sent, arrivals = w.deliver(fits, ["petra@far.example"])
    w.tap.ok(sent.code == 250, "a little less is sealed", sent)
    opens(w, "and opens", arrivals, fits, WORDS)


def retries(w):
    """The journal knows envelopes as it knows other copies."""
    everybody = ["petra@far.example", "alice@example.org"]
    message = mail(w, everybody)
    sent, arrivals = w.deliver(message, everybody[:1])
    w.tap.equal(len(arrivals), 1, "an envelope is sent")
    sent, arrivals = w.deliver(message, everybody)
    w.tap.ok(sent.code == 250 and len(arrivals) == 1 and
             to(arrivals, "alice@example.org"),
             "and not again when the client tries again", sent,
             *[a.rcpts for a in arrivals])


# --- Passphrases that are made

def allow(w, **options):
    w.daemon.configure(passphrase=dict(options, templates=TEMPLATES))
    w.daemon.restart()


def one_is_made(w):
    allow(w, generate=True)
    new = "nina@far.example"
    message, sent, notices, copies = from_boss(w, [new])
    w.tap.ok(sent.code == 250 and len(notices) == 1 and len(copies) == 1,
             "who has no passphrase gets one, and the sender a notice", sent,
             *[a.rcpts for a in notices + copies])
    w.tap.ok(notices and to(notices, SENDER) and
             sealed.is_sealed(notices[0].raw) and
             sealed.values(notices[0].raw, "Subject") == [b"[...]"],
             "which is sealed to the sender's own key",
             *[a.raw[:900] for a in notices])
    words = notice_words(w, notices[0].raw, SENDER)
    w.tap.ok(list(words) == [new], "it tells whose it is", words)
    opens(w, "the words that it tells open the copy", copies, message,
          words.get(new, ""))
    cover = cover_of(copies[0].raw)
    w.tap.ok("Hint for the passphrase: " + SENDER in cover,
             "and the copy says who knows them", cover)
    w.marks.append(words[new])
    message, sent, notices, copies = from_boss(w, [new],
                                               sender="clerk@example.org")
    w.tap.ok(not notices, "the next message has no notice, whoever writes")
    opens(w, "and the same words open it", copies, message, words[new])


def several_are_made(w):
    """One notice for all of them, to who has no key, where clear is allowed."""
    everybody = ["nora@far.example", "nell@deutsch.example",
                 "alice@example.org"]
    message, sent, notices, copies = from_boss(w, everybody,
                                               sender="clerk@example.org")
    w.tap.ok(sent.code == 250 and len(notices) == 1 and len(copies) == 3,
             "two without one, and one with a key: three copies, one notice",
             sent, *[a.rcpts for a in notices + copies])
    words = notice_words(w, notices[0].raw) if notices else {}
    for address in everybody[:2]:
        opens(w, "the notice tells the words for " + address,
              to(copies, address), message, words.get(address, ""))
    w.marks.extend(words.values())
    # It went in clear, since that is what the policy says.
    w.strayed.clear()


def stock_threads(w):
    """Thread IDs of those who make passphrases before somebody needs one."""
    found = []
    for pid in w.daemon.pids():
        tasks = "/proc/%d/task" % pid
        found += [int(tid) for tid in os.listdir(tasks) if rig.read_file(
            "%s/%s/comm" % (tasks, tid)) == b"stock\n"]
    return found


def from_stock(w):
    """Made before they are needed, by who gets what is left of a processor."""
    since = w.daemon.log_size()

    def stocked():
        return re.findall(r"passphrase is in stock, key=([0-9A-F]{32})",
                          w.daemon.log()[since:])
    w.daemon.restart()
    rig.wait_for(lambda: len(stocked()) == 2, "two passphrases in stock")
    w.tap.ok([os.sched_getscheduler(tid) for tid in stock_threads(w)] ==
             [os.SCHED_IDLE], "a stock of passphrases is made at the lowest "
             "priority")
    first, new = stocked(), "stella@far.example"
    message, sent, notices, copies = from_boss(w, [new])
    words = notice_words(w, notices[0].raw, SENDER)[new] if notices else ""
    w.marks.append(words)
    opens(w, "one of it opens the next copy that needs one", copies, message,
          words)
    made = re.findall(r"was made for <stella@far.example>, key=(\w+)",
                      w.daemon.log())
    w.tap.ok(len(made) == 1 and made[0] in first and copies and
             SENDER in cover_of(copies[0].raw),
             "it is of the stock, and got its hint", made, first)
    rig.wait_for(lambda: len(stocked()) == 3, "the stock to be filled up")
    w.tap.ok(len(set(stocked())) == 3, "another one is made for it")
    w.daemon.configure(passphrase={"templates": TEMPLATES})
    w.daemon.process.send_signal(signal.SIGHUP)
    rig.wait_for(lambda: not stock_threads(w), "the stock's thread to end")
    w.tap.ok(True, "SIGHUP without `generate` ends it")
    allow(w, generate=True)


def only_for_ours(w):
    new = ["nobody@far.example"]
    for name, sender, extra in (
            ("the null sender", "", ""),
            ("senders of other domains", "sender@client.example", ""),
            ("mail of programs", SENDER, "Auto-Submitted: auto-generated\n"),
            ("bulk mail", SENDER, "Precedence: bulk\n"),
            ("lists", SENDER, "List-Id: <l.example.org>\n"),
            ("who owns a list", "owner-l@example.org", ""),
            ("a list's address", "l-request@example.org", "")):
        message = mail(w, new, extra=extra)
        sent, arrivals = w.deliver(message, new, sender=sender)
        notices, copies = split_notices(arrivals)
        passes = sender == "" and len(arrivals) == 1    # `bounces`
        w.tap.ok(not notices and
                 (passes or sent.code == 550 and not arrivals),
                 "none is made for " + name, sent, *[
                     a.raw[:300] for a in arrivals])
        if passes:
            w.marks.pop()
            w.strayed.clear()
    message = mail(w, new, extra="Auto-Submitted: no\n")
    sent, arrivals = w.deliver(message, new, sender="nokey@example.org")
    w.refused("nor if the sender cannot be told", sent, arrivals, 550,
              "the sender cannot be told")
    message = mail(w, [SENDER])
    sent, arrivals = w.deliver(message, ["clerk2@example.org"],
                               sender="clerk2@example.org")
    w.refused("nor for mail to oneself", sent, arrivals, 550)
    w.daemon.configure(local_clients=["192.0.2.1"])
    w.daemon.restart()
    sent, arrivals = w.deliver(mail(w, new), new, sender=SENDER)
    w.refused("nor for strangers who say that they are of ours", sent,
              arrivals, 550, "strangers")
    w.daemon.configure(local_clients=None)
    w.daemon.restart()
    _, out, _ = w.daemon.ctl("passphrase", "list", "--json")
    w.tap.ok(b"nobody@far" not in out, "and none of them is in the store",
             out)


def two_at_once(w):
    """Many messages to one new recipient: one passphrase, one notice."""
    new = "otto@far.example"
    messages = [mail(w, [new]) for _ in range(6)]
    codes = []

    def send(message):
        codes.append(smtp.send(w.mta.port, message, [new],
                               sender=SENDER).code)
    threads = [threading.Thread(target=send, args=(m,)) for m in messages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    notices, copies = split_notices(w.arrived())
    w.tap.ok(codes == [250] * 6 and len(notices) == 1 and len(copies) == 6,
             "six messages at once to one who is new: one notice", codes,
             len(notices), len(copies))
    words = notice_words(w, notices[0].raw, SENDER)[new]
    w.marks.append(words)
    opened = set()
    for copy in copies:
        opened.add(sealed.split(open_envelope(copy.raw, words))[1])
    w.tap.ok(opened == {sealed.split(m)[1] for m in messages},
             "and its words open them all")


def store_is_gone(w):
    path = os.path.join(w.daemon.state, "store.db")
    os.rename(path, path + ".away")
    new = ["late@far.example"]
    message = mail(w, new)
    sent, arrivals = w.deliver(message, new, sender=SENDER)
    w.refused("with the store gone, nothing is made and nothing sent: 451",
              sent, arrivals, 451)
    os.rename(path + ".away", path)
    w.daemon.restart()
    sent, arrivals = w.deliver(message, new, sender=SENDER)
    notices, copies = split_notices(arrivals)
    w.tap.ok(sent.code == 250 and len(notices) == 1,
             "and when it is back, the next try goes through", sent)
    opens(w, "as it should", copies, message,
          notice_words(w, notices[0].raw, SENDER)[new[0]])


class Killing:
    """SIGKILL at the named points, with a passphrase that has to be made."""

    def __init__(self, w):
        self.w = w
        self.once = w.rig.path("crash-once")
        self.count = 0

    def one(self):
        """(copies that nobody can open, copies beyond one, crashed)"""
        w = self.w
        self.count += 1
        new = "k%d@far.example" % self.count
        message = mail(w, [new, "alice@example.org"])
        with open(self.once, "w"):
            pass
        codes = []
        while not codes or codes[-1] >= 400:
            try:
                codes.append(smtp.send(
                    w.mta.port, message, [new, "alice@example.org"],
                    sender=SENDER).code)
            except (ConnectionError, OSError):
                codes.append(421)
        notices, copies = split_notices(w.arrived())
        known = [notice_words(w, n.raw, SENDER).get(new) for n in notices]
        closed = 0
        for copy in to(copies, new):
            closed += all(complaints([copy], message, words)
                          for words in known)
        extra = len(copies) - 2 + len(notices) - 1
        crashed = not os.path.exists(self.once)
        if not crashed:
            os.unlink(self.once)
        return closed, extra, crashed, (codes, len(notices), len(copies))

    def point(self, point, nth, doubles):
        daemon = self.w.daemon
        daemon.stop()
        daemon.program = CRASHING
        daemon.environment["SEALMILTER_CRASH_AT"] = "%s:%d" % (point, nth)
        daemon.environment["SEALMILTER_CRASH_ONCE"] = self.once
        daemon.start()
        wrong, crashes = [], 0
        for _ in range(RUNS):
            closed, extra, crashed, what = self.one()
            crashes += crashed
            if closed or not 0 <= extra <= doubles:
                wrong.append((closed, extra) + what)
        self.w.tap.ok(crashes == RUNS, "%s, pass %d: the daemon died there" %
                      (point, nth), crashes)
        self.w.tap.ok(not wrong, "%s, pass %d: every copy can be opened with "
                      "words that were told, %s" % (
                          point, nth, "at most one doubled" if doubles
                          else "one of each"), *wrong)


def killed(w):
    killing = Killing(w)
    for point in POINTS:
        w.tap.run(killing.point, *point)
    w.daemon.stop()
    w.daemon.program = rig.SEALMILTER
    w.daemon.start()


# --- Passphrases in the Subject

class Login(socketserver.ThreadingUnixStreamServer):
    """Lets everybody in, in the protocol of Dovecot's auth service: so that
    Postfix says who is authenticated."""
    daemon_threads = True
    # An smtpd that finds it full ends before it greets; 5 is Python's.
    request_queue_size = 256

    class RequestHandlerClass(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\n"
                             b"SPID\t1\nCUID\t1\nCOOKIE\t0123\nDONE\n")
            for line in self.rfile:
                word = line.rstrip(b"\n").split(b"\t")
                if word[0] == b"AUTH":
                    self.wfile.write(b"OK\t%s\tuser=boss\n" % word[1])

    def __init__(self, path):
        super().__init__(path, self.RequestHandlerClass)
        os.chmod(path, 0o666)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def with_login(w):
    path = os.path.join(tempfile.mkdtemp(dir=w.rig.dir), "auth")
    os.chmod(os.path.dirname(path), 0o755)
    login = Login(path)
    w.rig.at_exit(login.shutdown)
    w.mta.settings.update({"smtpd_sasl_auth_enable": "yes",
                           "smtpd_sasl_type": "dovecot",
                           "smtpd_sasl_path": path})
    w.mta.stop()
    w.mta.configure()
    w.mta.start()


def send_given(w, recipients, message, authenticated=True, sender=SENDER):
    with smtp.Client(w.mta.port) as client:
        if authenticated:
            reply = client.command("AUTH PLAIN AGJvc3MAeA==")
            assert reply.code == 235, reply
        replies = client.envelope(sender, recipients)
        if any(r.code == 250 for r in replies[1:]):
            replies.append(client.data(message))
    return replies, w.arrived()


def given(w):
    allow(w, subject=True, generate=True)
    with_login(w)
    words = "a wombat %s of glass" % w.mark()
    everybody = ["greta@far.example", "alice@example.org",
                 "erin@example.org"]
    message = mail(w, everybody, mark=w.public_word(),
                   subject="Plans [Passphrase: %s] for May" % words,
                   extra="Thread-Topic: Plans [Passphrase: %s] for May\n"
                   "X-Topic: Plans\n" % words)
    replies, arrivals = send_given(w, everybody, message)
    wanted = re.sub(rb"Thread-Topic: .*\r\n", b"", re.sub(
        rb"\[Passphrase: [^]]*\] ", b"", message))
    w.tap.ok(replies[-1].code == 250 and len(arrivals) == 3 and
             not split_notices(arrivals)[0],
             "an authenticated sender sets a passphrase in the Subject",
             replies, *[a.rcpts for a in arrivals])
    greta = to(arrivals, "greta@far.example")
    opens(w, "those words open the copy, and are not in its Subject", greta,
          wanted, words)
    inside = open_envelope(greta[0].raw, words)
    w.tap.ok(words.encode() not in inside and
             sealed.values(inside, "X-Topic") == [b"Plans"],
             "nor in any field of it that repeats the Subject", inside[:900])
    alice = to(arrivals, "alice@example.org")
    payload = w.keys.open_with_gpg(sealed.armor_of(alice[0].raw))
    w.tap.ok(words.encode() not in payload and
             sealed.values(payload, "Subject") == [b"Plans for May"],
             "who has a key does not get the words", payload[:900])
    erin = to(arrivals, "erin@example.org")
    opened = w.rig.run(
        ["openssl", "cms", "-decrypt", "-inform", "SMIME", "-recip",
         os.path.join(CERTS, "erin.crt"), "-inkey",
         os.path.join(CERTS, "erin.key")], input=erin[0].raw)[1]
    w.tap.ok(words.encode() not in opened and b"Plans for May" in opened,
             "nor a certificate", opened[:900])
    _, out, _ = w.daemon.ctl("passphrase", "list")
    w.tap.ok(b"greta" not in out, "and they are not kept", out)
    replies, arrivals = send_given(w, everybody, message)
    w.tap.ok(replies[-1].code == 250 and not arrivals,
             "the same message again sends nothing again", replies,
             *[a.rcpts for a in arrivals])


def send_many(w, messages, recipient):
    """What each client was told; all at once."""
    told = [None] * len(messages)

    def send(number):
        with smtp.Client(w.mta.port) as client:
            client.command("AUTH PLAIN AGJvc3MAeA==")
            client.envelope(SENDER, [recipient])
            told[number] = client.data(messages[number])
    threads = [threading.Thread(target=send, args=(number,))
               for number in range(len(messages))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def given_by_too_many(w):
    """`limits.derivations`: who would wait too long comes back later."""
    new = "gisela@far.example"
    words = "a wombat %s of lead" % w.mark()
    messages = [mail(w, [new], subject="[passphrase: %s]" % words)
                for _ in range(MANY)]
    w.daemon.configure(limits={"derivations": 1, "message_seconds": 2,
                               "gpg_seconds": 2})
    w.daemon.restart()
    told = send_many(w, messages, new)
    arrivals = w.arrived()
    taken = [m for m, reply in zip(messages, told) if reply.code == 250]
    late = [m for m, reply in zip(messages, told) if reply.code == 451]
    w.tap.ok(late and len(taken) + len(late) == MANY and
             "limits.derivations" in w.daemon.log(),
             "%d passphrases at once, one at a time: who cannot wait for "
             "long is told to come back" % MANY, len(taken), *told)
    w.tap.ok(len(arrivals) == len(taken), "and gets nothing half done",
             len(arrivals), len(taken))
    w.daemon.configure(limits=None)
    w.daemon.restart()
    arrivals += [a for m in late
                 for a in send_given(w, [new], m)[1]]
    opened = {sealed.split(open_envelope(a.raw, words))[1]
              for a in (arrivals[0], arrivals[-1])}
    w.tap.ok(len(arrivals) == MANY and opened <= {
        sealed.split(m)[1] for m in messages},
             "and later all have come, once", len(arrivals))


def given_before_set(w):
    words = "a wombat %s of silver" % w.mark()
    message = mail(w, ["petra@far.example"], mark=w.public_word(),
                   subject="[passphrase: %s]" % words)
    _, arrivals = send_given(w, ["petra@far.example"], message)
    inside = open_envelope(arrivals[0].raw, words) if arrivals else b""
    w.tap.ok(sealed.values(inside, "Subject") == [b""],
             "words in the Subject go before those that are set",
             inside[:600])


def given_and_refused(w):
    for name, words, told in (
            ("too short", "[passphrase: wombat]", "20"),
            ("easy to guess", "[passphrase: aaaaaaaaaaaaaaaaaaaaaaaaa]", ""),
            ("without an end", "[passphrase: a wombat of glass and more",
             "no \"]\""),
            ("there twice", "[passphrase: a wombat of glass and more] "
             "[passphrase: a wombat of glass and more]", "two")):
        message = mail(w, ["greta@far.example"], subject=words)
        replies, arrivals = send_given(w, ["greta@far.example"], message)
        w.tap.ok(replies[-1].code == 550 and not arrivals and
                 told in replies[-1].text and
                 "wombat" not in replies[-1].text,
                 "a passphrase that is %s refuses the message" % name,
                 replies)
    subject = "[passphrase: a wombat of glass and more]"
    for name, recipients in (
            ("for a recipient who would get it clear",
             ["clerk@example.org"]),
            ("for one of two", ["greta@far.example", "clerk@example.org"])):
        message = mail(w, recipients, subject=subject)
        replies, arrivals = send_given(w, recipients, message)
        w.tap.ok(replies[-1].code == 550 and not arrivals and
                 "the Subject sets a passphrase" in replies[-1].text,
                 "one %s refuses the message" % name, replies)
    w.tap.ok("wombat" not in w.daemon.log(), "no word of one is in the log")


def given_by_others(w):
    """Who is local, but not authenticated: it means nothing."""
    subject = "[passphrase: a wombat of brass and more]"
    word = w.public_word()
    message = mail(w, ["dave2@maybe.example"], subject=subject, mark=word)
    allow(w, subject=True)
    replies, arrivals = send_given(w, ["dave2@maybe.example"], message,
                                   authenticated=False)
    w.tap.ok(replies[-1].code == 250 and len(arrivals) == 1 and
             sealed.values(arrivals[0].raw, "Subject") == [subject.encode()],
             "from others it is left alone and not honoured", replies,
             *[a.raw[:500] for a in arrivals])
    message = mail(w, ["petra@far.example"], subject=subject)
    _, arrivals = send_given(w, ["petra@far.example"], message,
                             authenticated=False)
    opens(w, "and the words that are set hold", arrivals, message, WORDS)


def main():
    need(Postfix)
    tap = rig.Tap()
    w = World(tap, Postfix, keys=("alice@example.org", SENDER), copies=True,
              policy=POLICY, passphrase={"templates": TEMPLATES})
    w.daemon.configure(keys={"sources": ["store"],
                             "smime_trust": os.path.join(CERTS, "ca.crt")})
    w.daemon.ctl("key", "import", os.path.join(CERTS, "erin.crt"))
    w.daemon.restart()
    for case in (four_forms, each_alone, none_set, too_large, retries, one_is_made,
                 several_are_made, from_stock, only_for_ours, two_at_once,
                 store_is_gone, killed, given, given_by_too_many,
                 given_before_set,
                 given_and_refused, given_by_others):
        tap.run(case, w)
    w.nothing_strayed()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
