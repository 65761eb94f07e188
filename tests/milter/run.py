#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs one miltertest script against the real daemon.

In:    SCRIPT.lua.  Lines that begin with "--% " are its configuration, where
       @DIR@ is the private directory; "--! keys NAME..." are imported into
       the store and "--! gnupg NAME..." go into the GnuPG home @DIR@/gnupg
       (NAME is that of tests/keys/NAME.asc).
Out:   TAP: the script's lines, then whether the daemon is still well.
Never: takes part in the conversation; it only writes down what the filter
       says, since miltertest shows neither the text of all replies nor the
       order of changes nor the new body.
"""
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "mta"))
import rig  # noqa: E402

KEYS = os.path.join(HERE, "..", "keys")
MILTERTEST_SECONDS = 240
# miltertest reads whatever comes into an array of 1,024 octets: a new body is
# passed on to it in short.
MILTERTEST_OCTETS = 1000
# What a sanitizer, an assertion or a filter that died leaves in the log.
COMPLAINTS = re.compile(r"Sanitizer|runtime error|ssertion|CRITICAL|"
                        r"the filter process (died|ended)")


class Recorder:
    """A socket between miltertest and the filter: each packet of the filter
    is a line "CONNECTION COMMAND DATA" of a file, before it is passed on."""

    def __init__(self, listen, forward, path):
        self.forward = forward
        self.lock = threading.Lock()
        self.file = open(path, "ab", buffering=0)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(listen)
        self.listener.listen(64)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        number = 0
        while True:
            client, _ = self.listener.accept()
            number += 1
            filter_ = socket.socket(socket.AF_UNIX)
            try:
                filter_.connect(self.forward)
            except OSError:
                client.close()
                continue
            for work in ((self.copy, client, filter_),
                         (self.record, number, filter_, client)):
                threading.Thread(target=work[0], args=work[1:],
                                 daemon=True).start()

    @staticmethod
    def close(*sockets):
        for s in sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def copy(self, source, sink):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                sink.sendall(data)
        except OSError:
            pass
        self.close(source, sink)

    def record(self, number, source, sink):
        stream = source.makefile("rb")
        try:
            while True:
                head = stream.read(4)
                if len(head) < 4:
                    break
                packet = stream.read(struct.unpack("!I", head)[0])
                with self.lock:
                    self.file.write(b"%d %s %s\n" % (
                        number, packet[:1], escape(packet[1:])))
                packet = packet[:MILTERTEST_OCTETS]
                sink.sendall(struct.pack("!I", len(packet)) + packet)
        except OSError:
            pass
        self.close(source, sink)


def escape(data):
    return re.sub(rb"[^ -\[\]-~]",
                  lambda found: b"\\%02x" % found.group()[0], data)


def parse(script):
    """The configuration and the keys that a script asks for."""
    with open(script) as f:
        lines = f.read().splitlines()
    config = [line[4:] for line in lines if line.startswith("--% ")]
    keys = {"keys": [], "gnupg": []}
    for line in lines:
        if line.startswith("--! "):
            what, *names = line[4:].split()
            keys[what] += names
    return config, keys


def public_keys(names):
    return [os.path.join(KEYS, name + ".asc") for name in names]


def start_daemon(ground, script):
    lines, keys = parse(script)
    daemon = rig.Sealmilter(ground, "milter")
    # What the script sets itself is not a default any more.
    daemon.configure(**{re.match(r"\w+", line).group(): None
                        for line in lines if re.match(r"\w+\s*=", line)})
    with open(daemon.config_path, "a") as f:
        f.write("\n".join(lines).replace("@DIR@", ground.dir) + "\n")
    ground.write("gpg", "#!/bin/sh\nexec %s \"$@\"\n" % shutil.which("gpg"),
                 0o755)
    home = ground.make_dir("gnupg", mode=0o700)
    if keys["gnupg"]:
        ground.run(["gpg", "--homedir", home, "--batch", "--quiet",
                    "--import"] + public_keys(keys["gnupg"]))
    if keys["keys"]:
        daemon.ctl("key", "import", *public_keys(keys["keys"]))
    return daemon.start()


def miltertest(tap, ground, daemon, script):
    """The script's own test lines, counted on the way."""
    recorded = ground.path("recorded.sock")
    wire = ground.path("wire")
    Recorder(recorded, daemon.socket, wire)
    names = {"socket": "unix:" + recorded, "direct": "unix:" + daemon.socket,
             "dir": ground.dir, "state": daemon.state, "wire": wire,
             "here": HERE, "log": daemon.log_path,
             "daemon": str(daemon.process.pid)}
    argv = ["miltertest", "-s", script]
    for name, value in names.items():
        argv += ["-D", "%s=%s" % (name, value)]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          cwd=ground.dir) as process:
        timer = threading.Timer(MILTERTEST_SECONDS, process.kill)
        timer.start()
        for line in process.stdout:
            line = line.decode("utf-8", "backslashreplace").rstrip("\n")
            found = re.match(r"(not )?ok - (.*)", line)
            if found:
                tap.ok(found.group(1) is None, found.group(2))
            else:
                tap.note(line)
        timer.cancel()
    tap.equal(process.returncode, 0, "the script runs to its end")


def main():
    script = os.path.abspath(sys.argv[1])
    if shutil.which("miltertest") is None:
        rig.skip_all("miltertest is not installed")
    tap = rig.Tap()
    ground = rig.Rig()
    daemon = start_daemon(ground, script)
    tap.on_failure.append(lambda: "log: " + daemon.log()[-1500:])
    miltertest(tap, ground, daemon, script)
    tap.ok(daemon.process.poll() is None, "the daemon is still there")
    tap.equal(daemon.stop(), 0, "it stops when it is told to")
    complaints = [line for line in daemon.log().splitlines()
                  if COMPLAINTS.search(line)]
    tap.ok(not complaints, "it had nothing to complain of", *complaints)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
