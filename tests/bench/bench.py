#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""How fast: messages a second, filter CPU a message, the wait for the answer
to DATA; against no filter and a milter that does nothing, in one run.

In:    the build directory with sealmilter, sealctl, tests/bench/load and noop.
Out:   a table for people; --json FILE with every round.
Never: compares numbers of different runs, or believes that it was sealed:
       a message of each arm is opened with gpg, openssl or jwcrypto before
       anything is measured.

All arms stand in one private Postfix, each behind a listener of its own, and
take turns in every round, so that what else the machine does hits them alike.
"""
import argparse
import json
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "mta"),
                os.path.join(HERE, "..", "envelope")]

import jwcrypto_open    # noqa: E402
import mailbox      # noqa: E402
import mtas         # noqa: E402
import rig          # noqa: E402
import sealed       # noqa: E402
import smtp         # noqa: E402

LOAD = os.path.join(rig.BUILD, "tests", "bench", "load")
NOOP = os.path.join(rig.BUILD, "tests", "bench", "noop")
RECIPIENTS = ["rcpt%d@example.org" % i for i in range(1, 6)]
OTHERS = ["other%d@example.org" % i for i in range(1, 6)]
POLICY = ({"name": "all", "seal": ["openpgp"]},)
WORDS = "the quick brown fox jumps over my neighbour"
TICKS = os.sysconf("SC_CLK_TCK")


def size_octets(text):
    found = re.fullmatch(r"(\d+)([KM]?)", text.upper())
    if not found:
        raise argparse.ArgumentTypeError(text)
    return int(found.group(1)) << {"": 0, "K": 10, "M": 20}[found.group(2)]


def size_name(octets):
    return "%d MB" % (octets >> 20) if octets >= 1 << 20 \
        else "%d KB" % (octets >> 10)


# --- CPU time of a filter

class Cpu:
    """CPU seconds of processes, those that have ended included: by a control
    group where the kernel lets us make one, else from /proc, which misses
    what ended without being waited for."""

    PLACES = (("/sys/fs/cgroup/cpuacct", "cpuacct.usage", None),
              ("/sys/fs/cgroup/cpu,cpuacct", "cpuacct.usage", None),
              ("/sys/fs/cgroup", "cpu.stat", "usage_usec"))

    def __init__(self, name):
        self.pid = None
        self.group = None
        for place, usage, key in self.PLACES:
            group = os.path.join(place, "smbench-%d-%s" % (os.getpid(), name))
            try:
                os.mkdir(group)
            except OSError:
                continue
            if os.path.exists(os.path.join(group, usage)):
                self.group, self.usage, self.key = group, usage, key
                return
            os.rmdir(group)

    def take(self, pid):
        """Counts that process and what it starts from now on."""
        self.pid = pid
        if self.group:
            for each in rig.descendants(pid):
                with open(os.path.join(self.group, "cgroup.procs"),
                          "w") as f:
                    f.write("%d\n" % each)

    def seconds(self):
        if self.pid is None:
            return 0.0
        if not self.group:
            return sum(self.of_process(p) for p in rig.descendants(self.pid))
        text = rig.read_file(os.path.join(self.group, self.usage), "r")
        if self.key is None:
            return int(text) / 1e9
        return int(re.search(self.key + r" (\d+)", text).group(1)) / 1e6

    @staticmethod
    def of_process(pid):
        text = rig.read_file("/proc/%d/stat" % pid, "r")
        fields = text.rsplit(")", 1)[-1].split()
        return sum(int(x) for x in fields[11:15]) / TICKS if fields else 0.0

    def close(self):
        if self.group:
            rig.wait_for(self.remove, "the end of " + self.group, 10)

    def remove(self):
        try:
            os.rmdir(self.group)
            return True
        except OSError:
            return False


# --- The arms

class Arm:
    def __init__(self, name):
        self.name = name
        self.port = rig.free_port()
        self.milter = ""
        self.seals = False
        self.cpu = Cpu(name)

    def start(self):
        pass

    def stop(self):
        pass


class Noop(Arm):
    def __init__(self, ground):
        super().__init__("noop")
        self.ground = ground
        self.socket = ground.path("noop.sock")
        self.milter = "unix:" + self.socket
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [NOOP, self.milter], stdin=subprocess.DEVNULL,
            cwd=self.ground.dir, start_new_session=True,
            preexec_fn=lambda: os.umask(0))
        rig.wait_for(lambda: rig.accepts(self.socket), "the no-op's socket")
        self.cpu.take(self.process.pid)

    def stop(self):
        rig.end_process(self.process)


class Sealing(Arm):
    kind = "sealmilter"
    policy = POLICY

    def __init__(self, ground, keys, number, options):
        super().__init__("%s-%d" % (self.kind, number))
        self.keys = keys
        self.daemon = rig.Sealmilter(ground, self.name, policy=self.policy,
                                     **dict(options, **self.options()))
        self.milter = self.daemon.milter()
        self.seals = True
        self.daemon.ctl("key", "import",
                        *[keys.public(a) for a in RECIPIENTS + OTHERS])
        fill(os.path.join(self.daemon.state, "store.db"), number)

    def options(self):
        return {}

    def open(self, message):
        """What the first recipient reads in it."""
        armor = re.search(rb"-----BEGIN PGP MESSAGE-----.*"
                          rb"-----END PGP MESSAGE-----", message, re.S)
        return self.keys.open_with_gpg(armor.group(0))

    def start(self):
        self.daemon.start()
        self.cpu.take(self.daemon.process.pid)

    def stop(self):
        self.daemon.stop()


class Copies(Sealing):
    """Delivery by copies, to a listener of the same Postfix."""
    kind = "copies"

    def __init__(self, ground, keys, number, options, inject_port):
        super().__init__(ground, keys, number, dict(
            options, delivery="reinject",
            inject="smtp://127.0.0.1:%d" % inject_port))


class Smime(Sealing):
    """To certificates, each vouched for by an authority."""
    kind = "smime"
    policy = ({"name": "all", "seal": ["smime"]},)

    def __init__(self, ground, certificates, number, options):
        self.kind = "smime-" + certificates.algorithm
        super().__init__(ground, certificates, number, options)

    def options(self):
        return {"keys": {"sources": ["store"],
                         "smime_trust": self.keys.authority}}

    def open(self, message):
        return self.keys.open(RECIPIENTS[0], message)


class Envelopes(Sealing):
    """With a passphrase that is set: nothing is derived again. One recipient
    a message, as edits can do no more."""
    kind = "passphrase"
    policy = ({"name": "all", "seal": ["passphrase"]},)

    def __init__(self, ground, keys, number, options):
        super().__init__(ground, keys, number, options)
        self.daemon.ctl("passphrase", "set", RECIPIENTS[0],
                        input=(WORDS + "\n").encode())

    def open(self, message):
        return jwcrypto_open.open_jwe(jwcrypto_open.jwe_of(message),
                                      WORDS).payload


class Certificates:
    """One for each address, made for this run."""

    ALGORITHMS = {"rsa": ["rsa:2048"],
                  "p256": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]}

    def __init__(self, ground, algorithm, addresses):
        self.ground, self.algorithm = ground, algorithm
        self.authority = self.path("authority", "crt")
        # The authority has RSA, as nearly all have.
        self.request("authority", "rsa", "-x509", "-days", "365", "-addext",
                     "basicConstraints=critical,CA:TRUE", "-out",
                     self.authority)
        usage = "keyEncipherment" if algorithm == "rsa" else "keyAgreement"
        for address in addresses:
            extensions = self.path(address, "ext")
            ground.write(extensions, (
                "subjectAltName = email:%s\nkeyUsage = critical, %s\n"
                "extendedKeyUsage = emailProtection\n" % (
                    address, usage)).encode())
            self.request(address, algorithm, "-out", self.path(address, "req"))
            ground.run(["openssl", "x509", "-req", "-days", "365", "-in",
                        self.path(address, "req"), "-CA", self.authority,
                        "-CAkey", self.path("authority", "key"), "-extfile",
                        extensions, "-out", self.public(address)])

    def request(self, name, algorithm, *arguments):
        self.ground.run(["openssl", "req", "-new", "-nodes", "-newkey",
                         *self.ALGORITHMS[algorithm], "-keyout",
                         self.path(name, "key"), "-subj", "/CN=" + name,
                         *arguments])

    def path(self, name, suffix):
        return self.ground.path("%s-%s.%s" % (self.algorithm, name, suffix))

    def public(self, address):
        return self.path(address, "crt")

    def open(self, address, message):
        return self.ground.run(
            ["openssl", "cms", "-decrypt", "-inform", "SMIME", "-recip",
             self.public(address), "-inkey", self.path(address, "key")],
            input=message)[1]


def fill(path, number):
    """More certificates in a store, up to that number: the last one again and
    again under other fingerprints and addresses, since nobody could wait for
    so many key pairs to be made."""
    with sqlite3.connect(path) as store:
        have = store.execute("SELECT count(*) FROM certificate").fetchone()[0]
        names = [row[1] for row in
                 store.execute("PRAGMA table_info(certificate)")]
        row = list(store.execute("SELECT * FROM certificate WHERE fingerprint "
                                 "IN (SELECT fingerprint FROM "
                                 "certificate_address WHERE address = ?)",
                                 (OTHERS[-1],)).fetchone())
        place = names.index("fingerprint")
        marks = ",".join("?" * len(row))
        for i in range(have, number):
            row[place] = "%040X" % i
            store.execute("INSERT INTO certificate VALUES (%s)" % marks, row)
            store.execute("INSERT INTO certificate_address (address, "
                          "fingerprint) VALUES (?, ?)",
                          ("filler%d@example.org" % i, row[place]))
    store.close()


class ManyListeners(mtas.Postfix):
    """A Postfix with one smtpd for each arm, and one for copies."""

    injection_slots = 300

    def __init__(self, ground, arms, sink_port, inject_port, queue):
        self.MASTER = mtas.Postfix.MASTER + "".join(
            "127.0.0.1:%d inet n - n - 300 smtpd\n"
            "  -o smtpd_milters=%s\n" % (arm.port, arm.milter)
            for arm in arms)
        super().__init__(ground, "", sink_port, inject_port)
        self.arms = arms
        if queue:
            shutil.rmtree(self.queue)
            os.symlink(queue, self.queue)

    def start(self):
        super().start()
        for arm in self.arms:
            rig.wait_for(lambda: rig.accepts(("127.0.0.1", arm.port)),
                         "the listener of " + arm.name, 20)
        return self


# --- Measuring

class Bench:
    def __init__(self, options):
        self.options = options
        self.ground = rig.Rig()
        self.rounds = []
        self.answers = {}
        self.keys = sealed.Keys(self.ground).make(*(RECIPIENTS + OTHERS))
        # The port is smtp-sink's when nothing needs to be looked at any more.
        self.sink = smtp.Sink()
        self.sink_port = self.sink.port
        extra = {"openpgp_engine": options.engine} if options.engine else {}
        self.arms = [Arm("none"), Noop(self.ground)] + [
            Sealing(self.ground, self.keys, number, extra)
            for number in options.keys]
        inject_port = None
        if self.with_copies():
            inject_port = rig.free_port()
            self.arms += [
                Copies(self.ground, self.keys, number, extra, inject_port)
                for number in options.keys]
        if (4096, 1) in [(o, r) for o in options.sizes for r in options.rcpts]:
            self.arms.append(Envelopes(self.ground, self.keys,
                                       options.keys[0], {}))
        if options.smime != "no":
            self.arms += [
                Smime(self.ground, Certificates(self.ground, algorithm,
                                                RECIPIENTS + OTHERS),
                      options.keys[0], {})
                for algorithm in Certificates.ALGORITHMS]
        self.postfix = ManyListeners(self.ground, self.arms, self.sink_port,
                                     inject_port, options.queue)

    def with_copies(self):
        return any(self.has_copies(octets, recipients)
                   for octets in self.options.sizes
                   for recipients in self.options.rcpts)

    def has_copies(self, octets, recipients):
        return self.has(self.options.copies, octets, recipients)

    @staticmethod
    def has(option, octets, recipients):
        if option is None:
            return (octets, recipients) == (4096, 1)
        return option == "yes"

    def arms_of(self, octets, recipients):
        wanted = {Copies: self.options.copies, Smime: self.options.smime,
                  Envelopes: None}
        return [arm for arm in self.arms if type(arm) not in wanted or
                self.has(wanted[type(arm)], octets, recipients)]

    def run(self):
        self.postfix.start()
        for arm in self.arms:
            # First to be called at the end: the group must be empty.
            self.ground.at_exit(arm.cpu.close)
            self.ground.at_exit(arm.stop)
            arm.start()
        self.verify()
        self.start_sink()
        for octets in self.options.sizes:
            for recipients in self.options.rcpts:
                self.cell(octets, recipients)

    def start_sink(self):
        process = subprocess.Popen(
            ["smtp-sink", "-u", "postfix", "-m", "1000",
             "127.0.0.1:%d" % self.sink_port, "1000"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            start_new_session=True)
        self.ground.at_exit(lambda: rig.end_process(process))
        rig.wait_for(lambda: rig.accepts(("127.0.0.1", self.sink_port)),
                     "smtp-sink")

    def verify(self):
        """Does each arm do what it is measured for?"""
        for arm in self.arms:
            self.load(arm, 1, 20000, 1, 1)
            self.postfix.idle()
            self.verify_arm(arm)
        self.sink.close()

    def verify_arm(self, arm):
        message = rig.wait_for(lambda: self.sink.arrivals and
                               self.sink.arrivals.pop(),
                               "a message of " + arm.name).raw
        clear = b"bench message number" in message
        if clear == arm.seals:
            raise SystemExit("%s: %s" % (arm.name, "clear text" if clear
                                         else "no clear text"))
        if arm.seals:
            if b"bench message number" not in arm.open(message):
                raise SystemExit("%s: it opens as something else" % arm.name)

    def load(self, arm, messages, octets, sessions, recipients):
        """(seconds, milliseconds each) of a batch."""
        done = subprocess.run(
            [LOAD] + [str(x) for x in (arm.port, messages, octets, sessions,
                                       recipients)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SystemExit("%s: load failed: %s" % (arm.name,
                                                      done.stderr[-500:]))
        return [float(x) for x in done.stdout.split("\n")[1:] if x]

    def batch(self, arm, messages, octets, recipients):
        """One arm's turn: until the last copy has left the queue."""
        sessions = self.options.sessions
        cpu, start = arm.cpu.seconds(), time.monotonic()
        answers = self.load(arm, messages, octets, sessions, recipients)
        self.postfix.idle(300)
        seconds = time.monotonic() - start
        return {"arm": arm.name, "octets": octets, "recipients": recipients,
                "messages": messages, "rate": messages / seconds,
                "cpu_ms": (arm.cpu.seconds() - cpu) / messages * 1e3,
                "answers": answers}

    def cell(self, octets, recipients):
        counts, arms = {}, self.arms_of(octets, recipients)
        for arm in arms:        # warm up, and see how many take so long
            trial = self.batch(arm, max(4, min(40, (4 << 20) // octets)),
                               octets, recipients)
            counts[arm.name] = int(max(8, min(
                trial["rate"] * self.options.seconds, 4000)))
        for number in range(self.options.rounds):
            turn = number % len(arms)
            for arm in arms[turn:] + arms[:turn]:
                done = self.batch(arm, counts[arm.name], octets, recipients)
                done["round"] = number
                self.rounds.append(done)
            print("%s, %d recipient(s), round %d: %s" % (
                size_name(octets), recipients, number + 1, "  ".join(
                    "%s %.1f/s" % (r["arm"], r["rate"])
                    for r in self.rounds[-len(arms):])),
                  file=sys.stderr, flush=True)

    # --- Telling

    def of(self, octets, recipients, arm):
        return [r for r in self.rounds
                if (r["octets"], r["recipients"], r["arm"]) ==
                (octets, recipients, arm)]

    def row(self, octets, recipients, arm):
        mine = self.of(octets, recipients, arm)
        row = {"octets": octets, "recipients": recipients, "arm": arm,
               "rate": statistics.median(r["rate"] for r in mine),
               "cpu_ms": statistics.median(r["cpu_ms"] for r in mine)}
        answers = sorted(x for r in mine for x in r["answers"])
        row["p50"] = answers[len(answers) // 2]
        row["p99"] = answers[min(len(answers) * 99 // 100, len(answers) - 1)]
        row["messages"] = len(answers)
        for base in ("none", "noop"):
            # Within each round, for the machine changes between them.
            row["to_" + base] = statistics.median(
                a["rate"] / b["rate"] for a, b in
                zip(mine, self.of(octets, recipients, base)))
        return row

    def rows(self):
        cells = sorted({(r["octets"], r["recipients"]) for r in self.rounds})
        return [self.row(octets, recipients, arm.name)
                for octets, recipients in cells
                for arm in self.arms_of(octets, recipients)]

    def table(self):
        lines = ["%-6s %5s  %-18s %8s %7s %7s %8s %8s %8s" % (
            "size", "rcpts", "arm", "msgs/s", "/none", "/noop", "CPU ms",
            "p50 ms", "p99 ms")]
        before = None
        for row in self.rows():
            cell = (row["octets"], row["recipients"])
            if before not in (None, cell):
                lines.append("")
            before = cell
            lines.append("%-6s %5d  %-18s %8.1f %7.2f %7.2f %8.2f %8.1f %8.1f"
                         % (size_name(row["octets"]), row["recipients"],
                            row["arm"], row["rate"], row["to_none"],
                            row["to_noop"], row["cpu_ms"], row["p50"],
                            row["p99"]))
        lines += ["", "sealmilter-N: N keys in the store; copies-N: the same, "
                  "delivering by copies; smime-ALGORITHM-N: the same, to "
                  "certificates;",
                  "passphrase-N: envelopes, each with the page that opens it.",
                  "CPU ms: of the filter, a message. p50, p99: of the "
                  "answer to DATA with %d sessions. Medians of %d rounds; "
                  "ratios within rounds." % (self.options.sessions,
                                             self.options.rounds)]
        return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    def numbers(text):
        return [int(x) for x in text.split(",")]

    def sizes(text):
        return [size_octets(x) for x in text.split(",")]
    parser.add_argument("--sizes", type=sizes, default="4K,40K,1M")
    parser.add_argument("--rcpts", type=numbers, default="1,5")
    parser.add_argument("--keys", type=numbers, default="10,100000",
                        help="keys in the store; one arm for each")
    parser.add_argument("--copies", choices=("yes", "no"),
                        help="measure delivery by copies as well (without "
                        "this: for 4 KB and 1 recipient only)")
    parser.add_argument("--smime", choices=("yes", "no"),
                        help="the same for S/MIME, with the first number of "
                        "keys")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0,
                        help="what one batch should take")
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--engine", help="openpgp_engine of sealmilter")
    parser.add_argument("--queue", help="directory for Postfix's queue, "
                        "such as one on a tmpfs")
    parser.add_argument("--json", help="write every round there")
    parser.add_argument("--mailbox", action="store_true",
                        help="measure `sealctl mailbox encrypt` instead")
    options = parser.parse_args()
    if options.mailbox:
        return mailbox.main(options.sizes, options.rounds)
    why = mtas.missing(mtas.Postfix)
    if why or shutil.which("smtp-sink") is None:
        raise SystemExit("bench: " + (why or "there is no smtp-sink"))
    bench = Bench(options)
    bench.run()
    print(bench.table())
    if options.json:
        with open(options.json, "w") as f:
            json.dump({"rows": bench.rows(), "rounds": bench.rounds}, f)


if __name__ == "__main__":
    main()
