#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The ground that every test against a real MTA stands on.

In:    the build directory (top_builddir) with ./sealmilter and ./sealctl.
Out:   a private directory, processes that end with the test, TAP lines.
Never: touches the system's mail, uses a fixed port, or sleeps to wait.
"""
import atexit
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

BUILD = os.path.abspath(os.environ.get("top_builddir", "."))
SOURCE = os.path.abspath(os.environ.get("top_srcdir", "."))
SEALMILTER = os.path.join(BUILD, "sealmilter")
SEALCTL = os.path.join(BUILD, "sealctl")

# What a slow machine under a sanitizer may need; nobody waits that long on
# the good path, since everything waits for a condition.
PATIENCE = 60.0


# --- TAP

class Tap:
    """Test Anything Protocol: ok() and done(), as in tests/tap.h."""

    def __init__(self):
        self.count = 0
        self.failed = 0
        self.on_failure = []    # called to print what may explain a failure

    def note(self, *texts):
        for text in texts:
            if isinstance(text, bytes):
                text = text.decode("utf-8", "backslashreplace")
            for line in str(text).splitlines():
                print("# " + line[:300])

    def ok(self, passed, name, *diagnostics):
        self.count += 1
        print("%s %d - %s" % ("ok" if passed else "not ok", self.count,
              name.replace("#", "_")))
        if not passed:
            self.failed += 1
            self.note(*diagnostics)
            for explain in self.on_failure:
                self.note(explain())
        sys.stdout.flush()
        return bool(passed)

    def equal(self, got, want, name):
        return self.ok(got == want, name, "got  %r" % (got,),
                       "want %r" % (want,))

    def skip(self, name, why):
        self.count += 1
        print("ok %d - %s # SKIP %s" % (self.count, name, why))
        sys.stdout.flush()

    def run(self, function, *arguments):
        """Runs one case; an exception in it is a failed test, not the end."""
        try:
            function(*arguments)
        except Exception:
            self.ok(False, function.__name__.replace("_", " ") +
                    " runs to its end", traceback.format_exc())

    def done(self):
        print("1..%d" % self.count)
        sys.stdout.flush()
        return 1 if self.failed else 0


def skip_all(why):
    print("1..0 # SKIP " + why)
    sys.exit(0)


# --- Waiting and processes

def wait_for(condition, what, seconds=PATIENCE):
    """Polls until the condition holds; its value is returned."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError("waited %g s for %s" % (seconds, what))
        time.sleep(0.01)


def accepts(address):
    """Whether somebody listens at a path or a (host, port)."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as s:
        s.settimeout(5)
        try:
            s.connect(address)
            return True
        except OSError:
            return False


RESERVED = []   # sockets, until the program ends


def free_port():
    """A port for a server that will listen there: asked of the kernel, never
    chosen. The socket stays bound and never listens: so servers, which set
    SO_REUSEADDR as we do, may have the port, while the kernel gives it to
    nobody else who asks for any."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 0))
    RESERVED.append(s)
    return s.getsockname()[1]


def read_file(path, mode="rb"):
    try:
        with open(path, mode) as f:
            return f.read()
    except OSError:
        return b"" if "b" in mode else ""


def process_table():
    """pid -> (parent, state) of all that runs."""
    table = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        stat = read_file("/proc/%s/stat" % name, "r")
        if stat:
            rest = stat.rsplit(")", 1)[1].split()
            table[int(name)] = (int(rest[1]), rest[0])
    return table


def descendants(pid):
    """The process and all that it started and that still have it above."""
    table = process_table()
    found = [pid] if pid in table else []
    for above in found:
        found.extend(p for p, (parent, _) in table.items() if parent == above)
    return found


def alive(pid):
    return process_table().get(pid, (0, "Z"))[1] != "Z"


def command_line(pid):
    return read_file("/proc/%d/cmdline" % pid).replace(b"\0", b" ").decode(
        "utf-8", "replace").strip()


def carrying(variable, value):
    """Live processes whose environment has that variable: strays too."""
    wanted = ("%s=%s" % (variable, value)).encode()
    return [pid for pid, (_, state) in process_table().items()
            if state != "Z" and pid != os.getpid() and
            wanted in read_file("/proc/%d/environ" % pid).split(b"\0")]


def status_kib(pid, name):
    """A line of /proc/PID/status such as VmHWM, in KiB; 0 when gone."""
    text = read_file("/proc/%d/status" % pid, "r")
    found = re.search(r"^%s:\s+(\d+) kB" % name, text, re.M)
    return int(found.group(1)) if found else 0


def share_kib(pid):
    """A process's memory, what it shares with others counted in part."""
    found = re.search(r"^Pss:\s+(\d+) kB", read_file(
        "/proc/%d/smaps_rollup" % pid, "r"), re.M)
    return int(found.group(1)) if found else 0


def sanitized():
    """Whether the daemon was built with a sanitizer: memory then lies."""
    return b"__asan_init" in read_file(SEALMILTER)


def slow():
    """Whether sealing takes long here: a sanitizer, or GnuPG for RNP."""
    return sanitized() or b"rnp_op_encrypt_execute" not in \
        read_file(SEALMILTER)


# --- The private directory

class Rig:
    """A directory that is gone at exit, together with what ran in it."""

    def __init__(self):
        self.closers = []
        # Short: a unix socket's path may not be longer than 107.
        self.dir = tempfile.mkdtemp(prefix="sm.")
        os.chmod(self.dir, 0o755)
        self.log_path = self.path("rig.log")
        atexit.register(self.close)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(1))

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def make_dir(self, *parts, mode=0o755):
        path = self.path(*parts)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)
        return path

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        with open(path, "wb" if isinstance(text, bytes) else "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def at_exit(self, closer):
        self.closers.append(closer)

    def run(self, argv, check=True, **options):
        """A program that ends by itself; (status, stdout, stderr)."""
        options.setdefault("timeout", 120)
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run(argv, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, **options)
        if check and done.returncode != 0:
            raise RuntimeError("%s: status %d: %s" % (
                " ".join(argv), done.returncode,
                done.stderr.decode("utf-8", "replace")[-2000:]))
        return done.returncode, done.stdout, done.stderr

    def close(self):
        while self.closers:
            closer = self.closers.pop()
            try:
                closer()
            except Exception:
                print("# cleaning up: " + traceback.format_exc(limit=1)
                      .replace("\n", " "))
        if os.environ.get("SEALMILTER_KEEP"):
            print("# kept " + self.dir)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)


def end_process(process, number=signal.SIGTERM, seconds=PATIENCE):
    """Ends a child of ours and everything below it; its status."""
    if process.poll() is None:
        below = descendants(process.pid)
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in below[1:]:
            if alive(pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
    return process.returncode


# --- The daemon

def libconfig(value):
    """Python values in libconfig's notation."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) + ("L" if abs(value) > 0x7fffffff else "")
    if isinstance(value, str):
        return '"%s"' % value.replace("\\", "\\\\").replace('"', '\\"')
    if isinstance(value, dict):
        return "{ %s }" % " ".join("%s = %s;" % (name, libconfig(item))
                                   for name, item in value.items())
    if isinstance(value, tuple):    # a libconfig list
        return "( %s )" % ",\n  ".join(libconfig(item) for item in value)
    return "[ %s ]" % ", ".join(libconfig(item) for item in value)


def config_text(options):
    return "".join("%s = %s;\n" % (name, libconfig(value))
                   for name, value in options.items())


class Sealmilter:
    """The daemon in the foreground with its own state and socket."""

    def __init__(self, rig, name="seal", **options):
        self.rig = rig
        self.name = name
        self.process = None
        self.program = SEALMILTER
        self.environment = dict(os.environ, SEALMILTER_RIG=rig.dir)
        self.socket = rig.path(name + ".sock")
        self.state = rig.make_dir(name + ".state", mode=0o700)
        self.log_path = rig.path(name + ".log")
        self.config_path = rig.path(name + ".conf")
        self.options = {
            "socket": "unix:" + self.socket,
            "socket_mode": "0666",
            "user": "",
            "pid_file": rig.path(name + ".pid"),
            "state": self.state,
            "domains": ["example.org"],
            "delivery": "edit",
            "keys": {"sources": ["store"]},
        }
        self.configure(**options)
        rig.at_exit(self.stop)

    def configure(self, **options):
        """Writes the configuration anew with these options changed."""
        self.options.update(options)
        self.options = {k: v for k, v in self.options.items()
                        if v is not None}
        self.rig.write(os.path.basename(self.config_path),
                       config_text(self.options))

    def address(self):
        """What to connect to."""
        where = self.options["socket"]
        if where.startswith("unix:"):
            return where[5:]
        port, host = where[5:].split("@")
        return (host, int(port))

    def milter(self):
        """What Postfix is to be told."""
        where = self.options["socket"]
        if where.startswith("unix:"):
            return where
        port, host = where[5:].split("@")
        return "inet:%s:%s" % (host, port)

    def start(self):
        before = self.log_size()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "-f", "-c", self.config_path],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment, cwd=self.rig.dir,
                start_new_session=True)

        def ready():
            if self.process.poll() is not None:
                raise RuntimeError("sealmilter ended with %d: %s" % (
                    self.process.returncode, self.log()[-2000:]))
            # The socket may be there before others may use it.
            return b"serving on" in read_file(self.log_path)[before:] and \
                accepts(self.address())
        wait_for(ready, "sealmilter's socket")
        return self

    def stop(self, number=signal.SIGTERM):
        if self.process is None:
            return None
        status = end_process(self.process, number)
        self.process = None
        return status

    def restart(self):
        self.stop()
        return self.start()

    def pids(self):
        return descendants(self.process.pid) if self.process else []

    def kill9(self):
        """SIGKILL for the daemon and all that belongs to it, at once."""
        pids = self.pids()
        for pid in pids:    # the topmost first, lest it restart the others
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        wait_for(lambda: not any(alive(pid) for pid in pids),
                 "the end of what was killed")
        self.process = None

    def log(self):
        return read_file(self.log_path).decode("utf-8", "replace")

    def log_size(self):
        try:
            return os.path.getsize(self.log_path)
        except OSError:
            return 0

    def wait_log(self, text, since=0, seconds=PATIENCE):
        """Waits for a text in what was logged after that size."""
        return wait_for(lambda: text in self.log()[since:],
                        "%r in the log" % text, seconds)

    def ctl(self, *arguments, check=True, **options):
        """sealctl with the daemon's configuration."""
        return self.rig.run([SEALCTL, "-c", self.config_path] +
                            list(arguments), check=check, **options)
