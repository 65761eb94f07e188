#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Nobody reads along, and nobody is exempted: delivery by copies on a real
Postfix, looked at from below.

In:    messages with a word in every place and coding; forged marks.
Out:   where the word was found: nowhere but where it may stand.
Never: trusts the search: the same is done with clear mail, and must find it.
"""
import base64
import os
import quopri
import re
import sys
import threading

import rig
import sealed
import smtp
from copycases import to
from mtas import Postfix
from world import World, files_of, need

KEYS = ("alice@example.org", "anna@example.org", "bob@example.org",
        "bert@example.org")


def disguises(word):
    """{how: [octets]} as a word may stand in a file; any phase of base64."""
    found = {}
    for name, octets in (("plain", word.encode()),
                         ("UTF-16LE", word.encode("utf-16-le")),
                         ("UTF-16BE", word.encode("utf-16-be"))):
        found[name] = [octets]
        found["quoted-printable " + name] = [
            b"".join(b"=%02X" % o for o in octets),
            quopri.encodestring(octets).replace(b"=\n", b"")]
        # Without the characters that the neighbours have a part in.
        found["base64 " + name] = [
            base64.b64encode(bytes(shift) + octets)[4:-4]
            for shift in range(3)]
    return found


def read_in(word, paths):
    """["PATH: how"]: where that word can be read."""
    found = []
    for path in paths:
        content = rig.read_file(path)
        found += ["%s: %s" % (path, how)
                  for how, forms in disguises(word).items()
                  if any(form in content for form in forms)]
    return found


def open_files(pids):
    """Those that have no name any more as well."""
    found = []
    for pid in pids:
        folder = "/proc/%d/fd" % pid
        found += [os.path.join(folder, number)
                  for number in os.listdir(folder)
                  if os.path.isfile(os.path.join(folder, number))]
    return found


def part(kind, content, coding="7bit", more=""):
    return "--b\nContent-Type: %s\nContent-Transfer-Encoding: %s\n%s\n%s\n" % (
        kind, coding, more, content)


def coded(text, encoding):
    return base64.encodebytes(text.encode(encoding)).decode()


def loaded(w, word, recipients="alice@example.org", filler=0):
    """A message that has the word wherever one can be."""
    hexed = "".join("=%02X" % o for o in word.encode())
    wide = "".join("=%02X" % o for o in word.encode("utf-16-le"))
    subject = "%s =?utf-8?B?%s?=\n =?utf-8?Q?%s?=" % (
        word, base64.b64encode(word.encode()).decode(), hexed)
    return w.mail(
        to=recipients, mark=subject,
        kind="Content-Type: multipart/mixed; boundary=\"b\"\n",
        body=part("text/plain", "The word is %s.\n" % word + filler *
                  ("nothing of note, but %s\n" % word)) +
        part("text/plain; charset=utf-8", hexed, "quoted-printable") +
        part("text/plain; charset=utf-8", coded(word, "utf-8"), "base64") +
        part("text/plain; charset=utf-16le", coded(word, "utf-16-le"),
             "base64") +
        part("text/plain; charset=utf-16be", coded(word, "utf-16-be"),
             "base64") +
        part("text/plain; charset=utf-16le", wide, "quoted-printable") +
        part("application/octet-stream; name=\"%s.bin\"" % word,
             coded("x" + word, "utf-8"), "base64",
             "Content-Disposition: attachment;\n"
             " filename*=utf-8''%s\n" % hexed.replace("=", "%")) +
        "--b--\n")


class Silent(smtp.Sink):
    """A listener that takes all but the dot, to which it says nothing."""

    def __init__(self):
        self.held = threading.Event()
        self.over = threading.Event()
        super().__init__()

    def store(self, arrival):
        self.held.set()
        self.over.wait(rig.PATIENCE)
        raise ConnectionError("never answered")

    def close(self):
        self.over.set()
        super().close()


class Secrets:
    def __init__(self, tap):
        self.tap = tap
        # Not stored here, or none would share a copy.
        self.w = World(tap, Postfix, keys=KEYS, copies=True,
                       domains=["elsewhere.example"])
        # Where libraries and programs put what they do not say.
        self.tmp = self.w.rig.make_dir("tmp", mode=0o1777)
        self.w.daemon.environment["TMPDIR"] = self.tmp
        # Its own limit is the same as ours, and would answer first.
        self.w.mta.settings["hopcount_limit"] = "1000"
        self.w.mta.reload()
        self.w.daemon.restart()

    def word(self):
        return "canary" + self.w.public_word()[6:]

    def kept(self):
        """All files of the daemon and all logs."""
        w = self.w
        return [path for where in (w.daemon.state, self.tmp,
                                   w.daemon.log_path, w.mta.log_path)
                for path in files_of(where)]

    def everywhere(self):
        return self.kept() + files_of(self.w.mta.queue)

    def nothing(self, word, name):
        found = read_in(word, self.everywhere())
        self.tap.ok(not found, name, *found)

    def waiting(self, message, recipients, count):
        """The answer, and the queue's files, while the next host is gone."""
        w = self.w
        w.sink.refuse = True
        sent = smtp.send(w.mta.port, message, recipients)

        def there():
            found = files_of(w.mta.queue + "/deferred")
            return found if len(found) == count else None
        return sent, rig.wait_for(there, "%d messages that wait" % count)

    def arrive(self):
        self.w.sink.refuse = False
        self.w.mta.flush()
        return self.w.arrived()

    # --- Content

    def the_search_finds(self):
        """Clear mail has it in the queue, in each way that is looked for."""
        word = self.word()
        message = loaded(self.w, word, "dave@maybe.example")
        _, paths = self.waiting(message, ["dave@maybe.example"], 1)
        found = {each.split(": ")[1] for each in read_in(word, paths)}
        self.arrive()
        wanted = {"plain", "quoted-printable plain", "base64 plain",
                  "base64 UTF-16LE", "base64 UTF-16BE",
                  "quoted-printable UTF-16LE"}
        self.tap.ok(wanted <= found, "in clear mail the word is found, coded "
                    "as it may be", *sorted(wanted - found))

    def a_delivery(self):
        """Sealed to three recipients in two copies, and still in the queue."""
        w, word = self.w, self.word()
        message = loaded(w, word, "alice@example.org, anna@example.org")
        sent, _ = self.waiting(message, [
            "alice@example.org", "anna@example.org", "bob@example.org"], 2)
        self.tap.equal(sent.code, 250, "sealed mail is taken")
        self.nothing(word, "while its copies wait the word is in no file of "
                     "the queue, the state, the logs or TMPDIR")
        arrivals = self.arrive()
        for index, arrival in enumerate(arrivals):
            path = w.rig.write("copy%d" % index, arrival.raw)
            found = read_in(word, [path])
            self.tap.ok(not found and sealed.is_sealed(arrival.raw),
                        "and not in copy %d" % (index + 1), *found)
        self.tap.equal(len(arrivals), 2, "which are two")
        self.nothing(word, "nor is it anywhere when they have gone")

    def a_failed_delivery(self):
        w, word = self.w, self.word()
        message = loaded(w, word, filler=60000)
        port = w.inject_port
        w.mta.inject_port = None
        w.mta.reload()
        rig.wait_for(lambda: not rig.accepts(("127.0.0.1", port)),
                     "the end of the listener")
        sent, arrivals = w.deliver(message, "alice@example.org")
        w.refused("without its listener mail is deferred", sent, arrivals,
                  451)
        self.nothing(word, "and nothing of it is left: no file of the queue, "
                     "the state, the logs or TMPDIR")
        w.mta.inject_port = port
        w.mta.reload()
        rig.wait_for(lambda: rig.accepts(("127.0.0.1", port)),
                     "the listener")
        sent, arrivals = w.deliver(message, "alice@example.org")
        self.tap.ok(sent.code == 250 and len(arrivals) == 1 and
                    sealed.is_sealed(arrivals[0].raw),
                    "with it, it arrives sealed", sent)

    def a_kill(self):
        """SIGKILL when all but the answer to a dot has been said."""
        w, word = self.w, self.word()
        message = loaded(w, word, filler=60000)
        inject, silent = w.daemon.options["inject"], Silent()
        w.daemon.configure(inject="smtp://127.0.0.1:%d" % silent.port)
        w.daemon.restart()
        client = smtp.Client(w.mta.port)
        client.envelope("sender@client.example",
                        ["alice@example.org", "bob@example.org"])
        client.command("DATA")
        client.send(smtp.stuff(message))
        client.finish_data(message)
        self.tap.ok(silent.held.wait(rig.PATIENCE),
                    "copies are on their way")
        opened = open_files(w.daemon.pids())
        found = read_in(word, self.kept() + opened)
        self.tap.ok(opened and not found, "meanwhile the word is not in the "
                    "state, the logs, TMPDIR or an open file", *found)
        w.daemon.kill9()
        reply = client.reply()
        client.close()
        self.tap.equal(reply.code, 451, "a daemon that is killed defers")
        w.mta.idle()
        self.nothing(word, "and leaves nothing behind that could be read")
        silent.close()
        w.daemon.configure(inject=inject)
        w.daemon.start()
        sent, arrivals = w.deliver(message, ["alice@example.org",
                                             "bob@example.org"])
        self.tap.ok(sent.code == 250 and len(arrivals) == 2 and
                    all(sealed.is_sealed(a.raw) for a in arrivals),
                    "the next try arrives sealed", sent)
        self.nothing(word, "and leaves nothing behind either")

    # --- Key IDs

    def blind_recipients(self):
        """gpg --list-packets of all copies; To, To, Bcc, Bcc."""
        w = self.w
        message = w.mail(to="alice@example.org, anna@example.org")
        sent, arrivals = w.deliver(message, list(KEYS))
        self.tap.ok(sent.code == 250 and len(arrivals) == 3,
                    "two in To share a copy, two in Bcc have their own",
                    sent, *[a.rcpts for a in arrivals])
        wanted = {"alice@example.org": KEYS[:2], "bob@example.org": KEYS[2:3],
                  "bert@example.org": KEYS[3:]}
        for address, readers in wanted.items():
            copy = to(arrivals, address)
            armor = sealed.armor_of(copy[0].raw)
            ids = w.keys.encrypted_to(armor)
            self.tap.ok(len(ids) == len(readers) and all(
                set(ids) & w.keys.key_ids(reader) for reader in readers),
                "the packets of %s's copy name %s" % (
                    address, " and ".join(readers)), *ids)
            octets = w.keys.gpg("--dearmor", input=armor)[1] + \
                copy[0].raw.upper()
            self.tap.ok(not [i for other in KEYS if other not in readers
                             for i in w.keys.key_ids(other)
                             if i.encode() in octets or
                             bytes.fromhex(i) in octets],
                        "and no octet of it is another's key ID")

    # --- Marks and loops

    def logged(self, text, since):
        return text in self.w.daemon.log()[since:]

    def forged_marks(self):
        w, before = self.w, self.w.daemon.log_size()
        marks = "Sealmilter-Pass: v=1; t=1; id=00; mac=%s\n" % ("0" * 64) + \
            "sealmilter-PASS: yes\n"
        message = w.mail(to="alice@example.org", extra=marks)
        _, arrivals = w.deliver(message, "alice@example.org")
        self.tap.ok(len(arrivals) == 1 and sealed.is_sealed(arrivals[0].raw),
                    "forged marks exempt nothing")
        values = sealed.values(arrivals[0].raw, "Sealmilter-Pass")
        self.tap.ok(len(values) == 1 and b"mac=0000" not in values[0],
                    "they are removed for our own", *values)
        self.tap.ok(self.logged("2 forged marks are removed", before),
                    "and counted in the log", w.daemon.log()[before:])
        before = w.daemon.log_size()
        message = w.mail(to="dave@maybe.example", mark=w.public_word(),
                         extra=marks)
        _, arrivals = w.deliver(message, "dave@maybe.example")
        self.tap.ok(len(arrivals) == 1 and
                    not sealed.values(arrivals[0].raw, "Sealmilter-Pass") and
                    self.logged("2 forged marks are removed", before),
                    "as well from mail that stays clear",
                    w.daemon.log()[before:])

    def copy_of_ours(self):
        _, arrivals = self.w.deliver(self.w.mail(), "alice@example.org")
        return arrivals[0].raw

    def a_mark_on_another_message(self):
        w, copy = self.w, self.copy_of_ours()
        mark = sealed.values(copy, "Sealmilter-Pass")[0].decode()
        before = w.daemon.log_size()
        message = w.mail(extra="Sealmilter-Pass: %s\n" %
                         mark.replace("\r\n", "\n"))
        _, arrivals = w.deliver(message, "alice@example.org")
        w.sealed_ok("a genuine mark on clear mail exempts nothing",
                    arrivals, message, "alice@example.org")
        self.tap.ok(mark.encode() not in sealed.values(
            arrivals[0].raw, "Sealmilter-Pass"), "and is removed")
        self.tap.ok(self.logged("1 forged marks are removed", before),
                    "and counted as forged", w.daemon.log()[before:])
        # Its own header, and its own body with a letter behind it, longer
        # than what may stand around a sealed part.
        before = w.daemon.log_size()
        word = w.mark()
        message = copy + 50 * (b"In clear: %s, and so on.\r\n" %
                               word.encode())
        sent, arrivals = w.deliver(message, "bob@example.org")
        self.tap.ok(self.logged("1 forged marks are removed", before) and
                    len(arrivals) == 1 and
                    word.encode() not in arrivals[0].raw,
                    "nor does one with clear text behind the sealed body",
                    sent, w.daemon.log()[before:])

    def a_copy_comes_back(self):
        w, copy = self.w, self.copy_of_ours()
        before = w.daemon.log_size()
        sent, arrivals = w.deliver(copy, "alice@example.org")
        self.tap.ok(sent.code == 250 and len(arrivals) == 1 and
                    sealed.split(arrivals[0].raw)[1] ==
                    sealed.split(copy)[1],
                    "a copy that comes back passes as it is", sent)
        self.tap.ok(self.logged("a copy of ours came back", before),
                    "and the log says so", w.daemon.log()[before:])
        marks = re.search(rb"Sealmilter-Pass:(?:.*\r\n)(?:[ \t].*\r\n)*",
                          copy).group(0)
        sent, arrivals = w.deliver(3 * marks + copy, "alice@example.org")
        w.refused("one with more marks than there can be is a loop", sent,
                  arrivals, 554, "5.4.6")

    def too_many_hops(self):
        w = self.w
        hop = "Received: from a.example by b.example id %d;\n" \
              "\tMon, 02 Mar 2026 10:00:00 +0100\n"
        hops = "".join(hop % i for i in range(51))
        sent, arrivals = w.deliver(w.mail(extra=hops), "alice@example.org")
        w.refused("51 Received fields are a loop", sent, arrivals, 554,
                  "5.4.6")
        hops = "".join(hop % i for i in range(50))
        sent, arrivals = w.deliver(w.mail(extra=hops), "alice@example.org")
        self.tap.ok(sent.code == 250 and len(arrivals) == 1,
                    "50 are a long way", sent)


def main():
    need(Postfix)
    tap = rig.Tap()
    secrets = Secrets(tap)
    for case in (secrets.the_search_finds, secrets.a_delivery,
                 secrets.a_failed_delivery, secrets.a_kill,
                 secrets.blind_recipients, secrets.forged_marks,
                 secrets.a_mark_on_another_message,
                 secrets.a_copy_comes_back, secrets.too_many_hops):
        tap.run(case)
    tap.run(secrets.w.nothing_strayed)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
