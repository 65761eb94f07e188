#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""How fast is stored mail sealed, against a copy of the disk's own and against
gpg called for each message?

In:    sizes; how many rounds.  TMPDIR says on which disk; ext4 without a
       journal looks at each file that was removed in the last minutes when it
       makes one, and then that is what is measured.
Out:   messages and megabytes in a second, the middle of all rounds, and the
       ratios: to gpg alone, and to what a script does around it.
Never: compares what was not done in turn on the same disk.
"""
import os
import random
import shutil
import statistics
import string
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "mta"))
import rig  # noqa: E402
import sealed  # noqa: E402

OWNER = "bob@example.org"
TOTAL_OCTETS = 80 << 20     # of one mailbox
MOST = 2000
BY_GPG = 40                 # messages for gpg; it takes its time

SCRIPT = """
home=$1 owner=$2 tmp=$3
shift 3
for mail; do
    touch "$tmp"
    chmod 600 "$tmp"
    gpg --homedir "$home" --batch --quiet --trust-model always --armor \\
        -r "$owner" -e <"$mail" >>"$tmp" || exit
    if ! diff -qa "$mail" "$tmp" >/dev/null; then
        chmod --reference="$mail" "$tmp"
        touch --reference="$mail" "$tmp"
        chown --reference="$mail" "$tmp"
        rm "$mail"
        name=$(echo "$mail" | sed -e 's/W=[0-9]*//' -e 's/S=[0-9]*//')
        cp -a "$tmp" "$name"
    fi
    rm "$tmp"
done
"""


class Bench:
    def __init__(self, sizes, rounds):
        self.rig = rig.Rig()
        self.keys = sealed.Keys(self.rig).make(OWNER)
        self.seal = rig.Sealmilter(self.rig, policy=(
            {"name": "here", "seal": ["openpgp"]},))
        self.keys.import_into(self.seal)
        self.sizes = sizes
        self.rounds = rounds
        self.rows = []

    def fill(self, size):
        top = self.rig.path("box")
        shutil.rmtree(top, ignore_errors=True)
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(top, part))
        count = max(8, min(MOST, TOTAL_OCTETS // size))
        chance = random.Random(size)
        letters = string.ascii_letters + "     "
        line = "".join(chance.choice(letters) for _ in range(71)) + "\n"
        for i in range(count):
            head = ("From: a@client.example\nTo: %s\nSubject: Report %d\n"
                    "Message-ID: <%d@client.example>\n"
                    "Date: Mon, 02 Mar 2026 10:00:00 +0100\n\n" % (
                        OWNER, i, i))
            body = "%d\n" % i + line * ((size - len(head)) // len(line))
            with open(os.path.join(top, "cur", "%d.M%d.host:2,S" % (
                    1600000000 + i, i)), "w") as f:
                f.write(head + body)
        os.sync()
        return top, count

    def timed(self, argv, **options):
        begun = time.monotonic()
        self.rig.run(argv, timeout=600, **options)
        return time.monotonic() - begun

    def copy(self, top, count):
        there = self.rig.path("copy")
        shutil.rmtree(there, ignore_errors=True)
        seconds = self.timed(["cp", "-a", top, there])
        seconds += self.timed(["sync", "-f", there])
        return count / seconds

    def gpg(self, top, _):
        """The least that could be done: a gpg for each, whose output gets the
        name of the message; no MIME, no times, no waiting for the disk."""
        there = os.path.join(top, "tmp", "by-gpg")
        names = sorted(os.listdir(os.path.join(top, "cur")))[:BY_GPG]
        begun = time.monotonic()
        for name in names:
            path = os.path.join(top, "cur", name)
            self.rig.run(["gpg", "--homedir", self.keys.home, "--batch",
                          "--quiet", "--yes", "--trust-model", "always",
                          "--armor", "-r", OWNER, "-o", there, "-e", path])
            os.rename(there, path)
        return len(names) / (time.monotonic() - begun)

    def script(self, top, _):
        """What encmaildir.sh, the script that people use, runs for each
        message; but gpg alone where that has gpgit.pl, a perl with MIME::Tools
        that runs gpg."""
        names = sorted(os.listdir(os.path.join(top, "cur")))[:BY_GPG]
        return len(names) / self.timed(
            ["bash", "-c", SCRIPT, "script", self.keys.home, OWNER,
             os.path.join(top, "tmp", "by-script")] +
            [os.path.join(top, "cur", name) for name in names])

    def sealctl(self, top, count):
        return count / self.timed(
            [rig.SEALCTL, "-c", self.seal.config_path, "mailbox", "encrypt",
             "--user", OWNER, top])

    def run(self):
        for size in self.sizes:
            rates = {"copy": [], "gpg": [], "script": [], "sealctl": []}
            for _ in range(self.rounds):
                top, count = self.fill(size)
                rates["copy"].append(self.copy(top, count))
                rates["gpg"].append(self.gpg(top, count))
                rates["script"].append(self.script(self.fill(size)[0], count))
                top, count = self.fill(size)
                rates["sealctl"].append(self.sealctl(top, count))
            middle = {k: statistics.median(v) for k, v in rates.items()}
            self.rows.append((size, count, middle))
        return self

    def table(self):
        lines = ["mailbox encrypt: messages/s (MB/s)",
                 "%8s %6s %17s %17s %17s %17s %6s %6s %9s" % (
                     "octets", "mails", "cp -a", "gpg for each",
                     "a script", "encrypt", "of cp", "of gpg", "of script")]
        for size, count, m in self.rows:
            cells = ["%8.0f (%6.1f)" % (m[k], m[k] * size / 1e6)
                     for k in ("copy", "gpg", "script", "sealctl")]
            lines.append("%8d %6d %17s %17s %17s %17s %6.2f %5.0fx %8.0fx" % (
                size, count, *cells, m["sealctl"] / m["copy"],
                m["sealctl"] / m["gpg"], m["sealctl"] / m["script"]))
        return "\n".join(lines)


def main(sizes=(4 << 10, 40 << 10, 1 << 20), rounds=3):
    print(Bench(sizes, rounds).run().table())


if __name__ == "__main__":
    main()
