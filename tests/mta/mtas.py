#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A Postfix and a Sendmail of our own, each behind one milter.

In:    a rig, the milter's address, the sink's port.
Out:   an MTA on a free loopback port that relays all mail to the sink.
Never: reads the system's mail configuration or touches its queue.
"""
import glob
import os
import pwd
import re
import shutil
import signal
import subprocess

from rig import (accepts, alive, descendants, end_process, free_port,
                 read_file, wait_for, PATIENCE, SOURCE)


def sample(*path):
    """A sample that administrators copy."""
    text = read_file(os.path.join(SOURCE, "contrib", *path), "r")
    assert text, path
    return text


def service_of(master_cf, name):
    """The lines of that service."""
    text, = re.findall(r"^%s .*\n(?:[ \t]+\S.*\n)*" % re.escape(name),
                       master_cf, re.M)
    return text


def missing(kind):
    """Why the MTA cannot be had here, or None."""
    if os.geteuid() != 0:
        return "needs root, as %s does" % kind.__name__
    return kind.missing()


class Mta:
    """What the two have in common."""

    def __init__(self, rig, milter, sink_port, inject_port=None):
        self.rig = rig
        self.milter = milter
        self.sink_port = sink_port
        self.inject_port = inject_port  # a listener without the milter
        self.port = free_port()
        self.queue = None

    def queued(self):
        """Files of messages that wait or are on their way."""
        found = []
        for part in self.queue_parts:
            for where, _, names in os.walk(os.path.join(self.queue, part)):
                found += [os.path.join(where, name) for name in names]
        return found

    def idle(self, seconds=PATIENCE):
        """Waits until all that was taken has gone to the sink."""
        wait_for(lambda: not self.queued(), "an empty queue", seconds)

    def log(self):
        return read_file(self.log_path).decode("utf-8", "replace")

    def flush(self):
        """Tries again to deliver what waits."""

    def wait_log(self, text, since=0):
        """The first new line of the log that has this text."""
        def line():
            return next((line for line in self.log()[since:].splitlines()
                         if text in line), None)
        return wait_for(line, "%r in the MTA's log" % text)

    def as_seen(self, message):
        """The message as this MTA shows it to a milter."""
        return message


class Postfix(Mta):
    keeps_headers = True    # apart from what it puts on top
    queue_parts = ("maildrop", "incoming", "active", "deferred", "hold",
                   "corrupt")

    MASTER = """\
127.0.0.1:{port} inet n - n - 300 smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

    injection_milters = ""

    @staticmethod
    def missing():
        if shutil.which("postfix") is None:
            return "Postfix is not installed (contrib/build-deps --test)"
        return None

    def __init__(self, rig, milter, sink_port, inject_port=None, **settings):
        super().__init__(rig, milter, sink_port, inject_port)
        self.etc = rig.make_dir("postfix")
        self.queue = rig.make_dir("postfix.queue")
        self.data = rig.make_dir("postfix.data")
        os.chown(self.data, pwd.getpwnam("postfix").pw_uid, -1)
        self.log_path = rig.path("postfix.log")
        self.settings = settings
        self.configure()
        rig.at_exit(self.stop)

    def configure(self):
        daemons = self.rig.run(["postconf", "-dh", "daemon_directory"])[1]
        main = {
            "compatibility_level": "3.6",
            "queue_directory": self.queue,
            "data_directory": self.data,
            "daemon_directory": daemons.decode().strip(),
            "maillog_file": self.log_path,
            "maillog_file_prefixes": self.rig.dir,
            "import_environment": "MAIL_CONFIG LANG=C",
            "myhostname": "mx.postfix.example",
            "mydestination": "",
            "alias_maps": "",
            "alias_database": "",
            "local_recipient_maps": "",
            "mynetworks": "127.0.0.0/8",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "default_transport": "smtp:[127.0.0.1]:%d" % self.sink_port,
            "relay_transport": "smtp:[127.0.0.1]:%d" % self.sink_port,
            "local_header_rewrite_clients": "",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "smtpd_peername_lookup": "no",
            "smtp_dns_support_level": "disabled",
            "smtp_host_lookup": "native",
            "smtp_tls_security_level": "none",
            "smtpd_tls_security_level": "none",
            "smtpd_client_connection_count_limit": "0",
            "smtpd_client_connection_rate_limit": "0",
            "smtpd_error_sleep_time": "0",
            "smtpd_soft_error_limit": "1000",
            "smtpd_hard_error_limit": "2000",
            "default_process_limit": "300",
            "message_size_limit": "268435456",
            "mailbox_size_limit": "0",
            "in_flow_delay": "0",
            "notify_classes": "",
            "minimal_backoff_time": "1s",
            "maximal_backoff_time": "2s",
            "queue_run_delay": "2s",
            "smtpd_milters": self.milter,
            "non_smtpd_milters": self.milter,
            "milter_default_action": "tempfail",
            "milter_content_timeout": "300s",
            "enable_long_queue_ids": "yes",
        }
        main.update(self.settings)
        self.rig.write("postfix/main.cf", "".join(
            "%s = %s\n" % item for item in main.items()))
        self.rig.write("postfix/master.cf", self.master_cf())

    def master_cf(self):
        text = self.MASTER.format(port=self.port)
        if self.inject_port is not None:
            text += self.injection()
        return text

    def injection(self):
        """The service that contrib/ has for copies, on a port of ours."""
        name = "127.0.0.1:%d" % self.inject_port
        text = service_of(sample("postfix", "master.cf.example"),
                          "127.0.0.1:10026").replace("127.0.0.1:10026", name)
        return text.replace("-o smtpd_milters=\n", "-o smtpd_milters=%s\n" %
                            self.injection_milters)

    def start(self):
        _, out, err = self.rig.run(["postfix", "-c", self.etc, "start"],
                                   check=False)
        pid_file = os.path.join(self.queue, "pid", "master.pid")
        try:
            self.pid = int(wait_for(lambda: read_file(pid_file).strip(),
                                    "Postfix's master"))
            wait_for(lambda: accepts(("127.0.0.1", self.port)),
                     "Postfix's smtpd")
        except TimeoutError as e:
            raise RuntimeError("%s: %r %r %s" % (e, out, err,
                                                 self.log()[-2000:]))
        return self

    def reload(self):
        self.configure()
        self.rig.run(["postfix", "-c", self.etc, "reload"], check=False)

    def flush(self):
        self.rig.run(["postqueue", "-c", self.etc, "-f"], check=False)

    def submit(self, message, recipients, sender="local@client.example"):
        """Mail from a program on this host: sendmail(1), not SMTP."""
        status, _, err = self.rig.run(
            ["sendmail", "-C", self.etc, "-i", "-f", sender, "--"] +
            list(recipients), input=message.replace(b"\r\n", b"\n"),
            check=False)
        return status, err.decode("utf-8", "replace")

    def stop(self):
        pid = getattr(self, "pid", None)
        if pid is None or not alive(pid):
            return
        pids = descendants(pid)
        os.kill(pid, signal.SIGTERM)
        try:
            wait_for(lambda: not alive(pid), "Postfix's end", 10)
        except TimeoutError:
            pass
        for each in pids:
            if alive(each):
                try:
                    os.kill(each, signal.SIGKILL)
                except ProcessLookupError:
                    pass


class Sendmail(Mta):
    """Sendmail 8.17 from Debian's packages, unpacked: they and Postfix
    cannot be installed side by side."""

    keeps_headers = False   # it writes address lists anew
    queue_parts = ("",)

    # contrib/build-deps --test unpacks them there.
    PLACES = ("/var/cache/sealmilter/sendmail",
              os.path.expanduser("~/.cache/sealmilter/sendmail"), "/")

    MC = """\
divert(-1)
include(`{cf}/m4/cf.m4')
OSTYPE(`linux')
define(`confDOMAIN_NAME', `mx.sendmail.example')dnl
define(`QUEUE_DIR', `{dir}/mqueue')dnl
define(`STATUS_FILE', `{dir}/statistics')dnl
define(`HELP_FILE', `{dir}/helpfile')dnl
define(`ALIAS_FILE', `')dnl
define(`confPID_FILE', `{dir}/sendmail.pid')dnl
define(`confSERVICE_SWITCH_FILE', `{dir}/service.switch')dnl
define(`confHOSTS_FILE', `/etc/hosts')dnl
define(`confDEF_USER_ID', `65534:65534')dnl
define(`confDONT_BLAME_SENDMAIL', `GroupWritableDirPathSafe,WorldWritableForwardFile,TrustStickyBit')dnl
define(`confTO_IDENT', `0')dnl
define(`confBAD_RCPT_THROTTLE', `0')dnl
define(`confREFUSE_LA', `500')dnl
define(`confQUEUE_LA', `500')dnl
define(`confCONNECTION_RATE_THROTTLE', `0')dnl
define(`confEIGHT_BIT_HANDLING', `pass8')dnl
define(`confTRY_NULL_MX_LIST', `true')dnl
define(`confMAX_HEADERS_LENGTH', `0')dnl
define(`confPRIVACY_FLAGS', `noactualrecipient')dnl
define(`SMART_HOST', `relay:[127.0.0.1]')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {sink}')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`promiscuous_relay')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`accept_unqualified_senders')dnl
DAEMON_OPTIONS(`Name=MTA, Addr=127.0.0.1, Port={port}')dnl
{injection}INPUT_MAIL_FILTER(`seal', `S={milter}, F=T, T=C:30s;S:60s;R:60s;E:5m')dnl
MAILER(`smtp')dnl
"""

    def injection(self):
        """The daemon that contrib/ has for copies, on a port of ours."""
        line, = re.findall(r"^dnl (.*Port=10026.*\n)",
                           sample("sendmail", "sealmilter.mc"), re.M)
        return line.replace("10026", str(self.inject_port))

    @classmethod
    def place(cls):
        given = os.environ.get("SEALMILTER_SENDMAIL")
        for place in (given,) if given else cls.PLACES:
            if cls.program(place) and os.path.isfile(
                    place + "/usr/share/sendmail/cf/m4/cf.m4"):
                return place
        return None

    @staticmethod
    def program(place):
        for name in ("usr/libexec/sendmail/sendmail",
                     "usr/lib/sm.bin/sendmail"):
            if os.access(os.path.join(place, name), os.X_OK):
                return os.path.join(place, name)
        return None

    @classmethod
    def missing(cls):
        if shutil.which("m4") is None:
            return "m4 is not installed (contrib/build-deps --test)"
        if cls.place() is None:
            return "Sendmail is not unpacked (contrib/build-deps --test)"
        return None

    def __init__(self, rig, milter, sink_port, inject_port=None):
        super().__init__(rig, milter, sink_port, inject_port)
        self.process = None
        self.dir = rig.make_dir("sendmail")
        self.queue = rig.make_dir("sendmail", "mqueue", mode=0o700)
        self.log_path = os.path.join(self.dir, "log")
        self.configure()
        rig.at_exit(self.stop)

    def configure(self):
        place = self.place().rstrip("/")
        milter = re.sub(r"^unix:", "local:", self.milter)
        milter = re.sub(r"^inet:(.*):(\d+)$", r"inet:\2@\1", milter)
        cf = self.rig.run(["m4", "-"], input=self.MC.format(
            cf=place + "/usr/share/sendmail/cf", dir=self.dir,
            port=self.port, sink=self.sink_port, milter=milter,
            injection=self.injection() if self.inject_port else ""
            ).encode())[1]
        self.cf = self.rig.write("sendmail/sendmail.cf", cf)
        # A copy, since the loader of a setgid program heeds no path of ours.
        self.program_path = os.path.join(self.dir, "sendmail")
        shutil.copyfile(self.program(self.place()), self.program_path)
        os.chmod(self.program_path, 0o755)
        self.rig.write("sendmail/service.switch",
                       "hosts files\naliases files\npasswd files\n")
        self.rig.write("sendmail/helpfile", "")
        self.rig.write("sendmail/statistics", "", 0o600)

    def command(self):
        libraries = ":".join(os.path.dirname(path) for path in glob.glob(
            self.place().rstrip("/") + "/usr/lib/*/lib*.so*") +
            glob.glob(self.place().rstrip("/") + "/lib/*/lib*.so*")) \
            if self.place() != "/" else ""
        return ["env", "LD_LIBRARY_PATH=" + libraries, self.program_path,
                "-bD", "-C" + self.cf, "-odb", "-q5s"]

    def named(self, command):
        """In a UTS namespace: Sendmail waits a minute for a host name that
        has no dot in it, which we do where there is no such namespace."""
        if self.rig.run(["unshare", "-u", "true"], check=False)[0] != 0:
            return command
        return ["unshare", "-u", "sh", "-c",
                "hostname mx.sendmail.example && exec \"$@\"", "sh"] + command

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.named(self.command()), stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log, cwd=self.dir, start_new_session=True)

        def ready():
            if self.process.poll() is not None:
                raise RuntimeError("Sendmail ended with %d: %s" % (
                    self.process.returncode, self.log()[-2000:]))
            return accepts(("127.0.0.1", self.port))
        wait_for(ready, "Sendmail", 100)
        return self

    def stop(self):
        if self.process is not None:
            end_process(self.process, seconds=10)
            self.process = None
